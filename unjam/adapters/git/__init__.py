"""Git, through hardened commands and our own readers of its files; the only package that imports ``git``."""

import os

# Without Git on PATH, importing GitPython raises; we want to say it in one line, and later.
os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
