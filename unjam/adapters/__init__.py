"""The only code that touches the outside: one module or package for each outside thing."""
