"""Read a repository's configuration once, as plain names and values."""

from collections.abc import Mapping
from pathlib import Path

from unjam.adapters.git.command import Asked
from unjam.adapters.git.files import read_small
from unjam.adapters.git.status.quick_status import Rules

_OFF = {"false", "no", "off", "0"}
_LIMIT = 1 << 24  # bytes


def read_config(asked: Asked) -> dict[str, str]:
    """Read what is configured; the last value of a name counts. Raises PermanentError."""
    pairs = (one.partition("\n") for one in asked.answer().fields())
    return {name: value for name, _, value in pairs}


def comparing_rules(config: Mapping[str, str], common: Path) -> Rules:
    """Tell how files are compared with an index here."""
    return Rules(
        file_mode=config.get("core.filemode", "true").lower() not in _OFF,
        autocrlf=config.get("core.autocrlf", ""),
        ignores=read_small(common / "info/exclude", limit=_LIMIT) or b"",
        attributes=read_small(common / "info/attributes", limit=_LIMIT) or b"",
    )


def has_remote(config: Mapping[str, str], remote: str) -> bool:
    """Tell whether a remote of this name is configured."""
    return f"remote.{remote}.url" in config
