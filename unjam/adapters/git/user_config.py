"""The person's own Git configuration, read as plain data."""

import os
import re
from pathlib import Path

from unjam.adapters.git.command import Git

_OFF = {"false", "no", "off", "0"}


def personal_files() -> tuple[Path, ...]:
    """Say where Git looks for it; a later one prevails."""
    named = os.environ.get("GIT_CONFIG_GLOBAL")
    if named:
        return (Path(named),)
    home = Path(os.environ.get("HOME") or Path.home())
    xdg = Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config")
    return (xdg / "git/config", home / ".gitconfig")


def effective_settings(git: Git, names: str) -> tuple[str, ...]:
    """Return the settings a pattern names as plain Git would find them in this repository."""
    found: dict[str, str] = {}
    for file in personal_files():
        if file.exists():
            place = ("--includes", "--file", str(file))
            said = git.run("config", *place, "-z", "--get-regexp", names, accept=None).fields()
            found.update(field.partition("\n")[::2] for field in said)
    asked = ("--includes", "--show-scope", "-z", "--get-regexp", names)
    own = iter(git.run("config", *asked, accept=None).fields())
    for scope, field in zip(own, own, strict=True):
        if scope != "command":  # that is what we switch off for ourselves
            found.update([field.partition("\n")[::2]])
    return tuple(f"{name}={value}" for name, value in found.items())


def is_on(git: Git, name: str) -> bool:
    """Tell whether plain Git would find a switch on in this repository; its name in small letters."""
    said = effective_settings(git, f"^{re.escape(name)}$")
    return any(one.partition("=")[2].lower() not in _OFF for one in said)
