"""Git, through GitPython's runner and our own readers of its files; the only package that imports ``git``."""
