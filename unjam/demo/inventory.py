"""What there is in a sandbox, and whether it is the same as before."""

import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from unjam.adapters.git import refs
from unjam.adapters.git.command import Git
from unjam.adapters.state.rows.read import read_state
from unjam.engine.orchestration import Orchestration

# They only grow, whoever writes them: they must begin as they did.
GROWING = ("logs/", ".worktrees/agent-3-ws-07/draft.py")
_COUNTED = {"refs": "refs", "files": "files", "entries": "index entries", "rows": "rows"}
# Git's own notes of what was done last, and what stands in the inventory in another form.
_PASSING = {"ORIG_HEAD", "FETCH_HEAD", "COMMIT_EDITMSG", "index"}
_ELSEWHERE = {"objects", "refs", "logs", "unjam", "packed-refs"}


@dataclass(frozen=True, slots=True)
class Inventory:
    """Every file to the byte, every ref, the primary's index, and every row."""

    files: dict[str, str]
    beginnings: dict[str, bytes]
    refs: dict[str, str]
    entries: dict[str, str]
    rows: dict[str, str]

    def counts(self) -> str:
        """Say how much is compared."""
        counted = [f"{len(getattr(self, name))} {word}" for name, word in _COUNTED.items()]
        return f"{', '.join(counted[:-1])} and {counted[-1]}"

    def differences(self, after: "Inventory") -> Iterator[str]:
        """Name everything that is not as it was."""
        for kind in _COUNTED:
            old, new = getattr(self, kind), getattr(after, kind)
            for name in sorted({*old, *new}):
                if old.get(name) != new.get(name):
                    yield f"{kind} {name}: {old.get(name)} -> {new.get(name)}"
        for name, beginning in self.beginnings.items():
            if not after.beginnings.get(name, b"").startswith(beginning):
                yield f"file {name} does not begin as it did"


def take_inventory(orchestration: Orchestration, origin: Path) -> Inventory:
    """Note everything of an orchestration and its remote, but what unjam itself keeps."""
    shop, git = orchestration.primary, Git(orchestration.common)
    growing = {name: path for name, path in _walk(shop) if name.startswith(GROWING)}
    return Inventory(
        files={name: what for name, what in contents(shop).items() if name not in growing},
        beginnings={name: path.read_bytes() for name, path in growing.items()},
        refs=_refs("", git) | _refs("origin ", Git(origin)),
        entries=_entries(git),
        rows={
            str(row.workstream): repr(row.values) for row in read_state(orchestration.state).rows
        },
    )


def contents(root: Path) -> dict[str, str]:
    """Describe every file below a directory, links and modes included."""
    return {name: _described(path) for name, path in _walk(root)}


def _walk(root: Path) -> Iterator[tuple[str, Path]]:
    for directory, names, files in os.walk(root):
        here = Path(directory)
        if here == root / ".git":
            names[:] = [one for one in names if one not in _ELSEWHERE]
        if here == root:
            names[:] = [one for one in names if one != ".state"]
        for name in files:
            path = here / name
            if here != root / ".git" or name not in _PASSING | _ELSEWHERE:
                yield path.relative_to(root).as_posix(), path


def _described(path: Path) -> str:
    status = path.lstat()
    mode = stat.filemode(status.st_mode)
    if stat.S_ISLNK(status.st_mode):
        return f"{mode} -> {path.readlink()}"
    return f"{mode} {hashlib.sha256(path.read_bytes()).hexdigest()}"


def _refs(prefix: str, git: Git) -> dict[str, str]:
    return {
        f"{prefix}{ref}": commit
        for ref, commit in refs.refs_below(git, "refs")
        if not ref.startswith("refs/unjam/")
    }


def _entries(git: Git) -> dict[str, str]:
    listed = git.run("ls-files", "--stage", "-z").fields()
    return {name: what for what, _, name in (line.partition("\t") for line in listed)}
