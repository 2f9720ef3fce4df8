"""The person's own Git configuration, read as plain data."""

import os
from pathlib import Path

from unjam.adapters.git.command import Git


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
    places = [("--includes", "--file", str(file)) for file in personal_files() if file.exists()]
    for place in (*places, ("--includes",)):  # the repository's own come last and prevail
        answer = git.run("config", *place, "-z", "--get-regexp", names, accept=None)
        found.update(field.partition("\n")[::2] for field in answer.fields())
    return tuple(f"{name}={value}" for name, value in found.items())
