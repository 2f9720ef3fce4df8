"""Where we keep what we saved: a store of our own, refs that hold commits, and files beside them."""

import re
from dataclasses import dataclass
from pathlib import Path

from unjam.adapters import files
from unjam.adapters.git.taking import store
from unjam.adapters.git.vault.takeover import marker_of
from unjam.domain.world.identity import CommitId
from unjam.engine.orchestration import Orchestration

NAMESPACE = store.NAMESPACE
BESIDE = ".unjam-vault"  # where something on another disk is moved to, in its own directory
_UNSAFE = re.compile(r"[^\w.-]|\.\.|^\.|\.lock$|\.$", re.ASCII)


@dataclass(frozen=True, slots=True)
class Kept:
    """One thing in the vault: a ref, or a file or directory."""

    run: str
    name: str
    commit: CommitId | None = None
    path: Path | None = None


def quoted(name: str) -> str:
    """Make any name one safe component of a ref or a path; different names stay different."""
    return _UNSAFE.sub(lambda found: "".join(f"%{byte:02x}" for byte in _bytes(found[0])), name)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def ref_of(run: str, kind: str, name: str) -> str:
    """Name the vault ref of something a run saves."""
    return f"{NAMESPACE}/{run}/{kind}/{'/'.join(quoted(part) for part in name.split('/'))}"


def folder_of(orchestration: Orchestration, run: str) -> Path:
    """Name the directory of a run's files in the vault."""
    return orchestration.home / "vault" / run


def refs_by_commit(orchestration: Orchestration) -> dict[CommitId, str]:
    """List by salvage the first ref that holds exactly it."""
    return {at: ref for ref, at in reversed(store.named(orchestration.common))}


def kept(orchestration: Orchestration) -> tuple[Kept, ...]:
    """List everything in the vault, oldest run first."""
    saved = (
        Kept(ref.split("/")[2], ref, commit=commit)
        for ref, commit in store.named(orchestration.common)
    )
    stored = (
        Kept(run.name, item.relative_to(run).as_posix(), path=item)
        for run in files.children(orchestration.home / "vault")
        for item in _items(run)
    )
    return tuple(sorted((*saved, *stored), key=lambda one: (one.run, one.name)))


def not_erased(orchestration: Orchestration) -> str:
    """Say that the repository itself still has what an earlier version saved there; else nothing."""
    if not marker_of(orchestration.common).exists():
        return ""
    return (
        "what an earlier version saved is partly in the repository's own objects still, and a copy of"
        " it takes that along; the next run tries again to erase it, and its journal says why it could not"
    )


def _items(run: Path) -> list[Path]:
    items = []
    for child in files.children(run):
        grouped = child.name in ("worktrees", "locks", "objects", "reflogs", "shared")
        items.extend(files.children(child) if grouped else [child])
    return items
