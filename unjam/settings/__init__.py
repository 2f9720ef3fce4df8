"""What a repository's people decided: read once at the edge, passed on as frozen values."""

from unjam.settings.load import load
from unjam.settings.model import Settings

__all__ = ["Settings", "load"]
