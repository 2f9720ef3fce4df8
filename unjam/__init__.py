"""The engine: observe an orchestration, decide what is wrong, act on it so that nothing is lost."""

__version__ = "0.1.0"
