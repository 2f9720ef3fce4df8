"""Read a repository's configuration once, as plain names and values."""

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from unjam.adapters.git.command import Asked, Git
from unjam.adapters.git.files import read_small
from unjam.adapters.git.status.quick_status import Rules
from unjam.adapters.git.worktrees import Checkout

_OFF = {"false", "no", "off", "0"}
_LIMIT = 1 << 24  # bytes
_OWN = "config.worktree"
_WORKTREE = re.compile(rb"(?im)^[^#;]*\bworktree[ \t]*=")


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


def is_on(config: Mapping[str, str], name: str) -> bool:
    """Tell whether a switch is on; one without a value is."""
    return config.get(name, "false").lower() not in _OFF


def redirected(
    config: Mapping[str, str], common: Path, checkouts: Iterable[Checkout]
) -> Iterator[tuple[Checkout, str]]:
    """Give the checkouts whose files Git looks for elsewhere, each with what ``core.worktree`` says.

    Linked ones obey it only where each may have a configuration of its own; then the shared one too.
    """
    each_its_own = is_on(config, "extensions.worktreeconfig")
    if not each_its_own and "core.worktree" not in config:
        return
    shared = _says_worktree(common / "config")
    for one in checkouts:
        has_own = each_its_own and _OWN in one.entries
        said = _says_worktree(one.admin / _OWN) if has_own else None
        if said is None and (each_its_own or not one.name):
            said = shared
        if said is not None and os.path.realpath(one.admin / said) != os.path.realpath(one.path):
            yield one, said


def _says_worktree(file: Path) -> str | None:
    """Ask one file, as Git does when it sets itself up: what that includes does not count."""
    if not _WORKTREE.search(read_small(file) or b""):
        return None
    asked = Git(file.parent).run("config", "--file", str(file), "core.worktree", accept=None)
    return asked.text if asked.status == 0 else None
