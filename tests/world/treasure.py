"""What must never be lost: commits, bytes, rows and log lines; and the search for them afterwards."""

import hashlib
import json
import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.world.inventory import git_bytes, worktree_of
from tests.world.state import StateFile, Tables, Value


@dataclass(frozen=True, slots=True)
class Treasure:
    """Everything of value at one instant."""

    commits: frozenset[str]
    blobs: dict[str, str]  # object id of the bytes, and one place where they were
    rows: tuple[tuple[str, tuple[Value, ...]], ...]
    lines: frozenset[str]


def collect_treasure(repo: Path, state: StateFile) -> Treasure:
    """Note what branches, reflogs, indices, worktrees, rows and logs hold."""
    commits = set(_git_lines(repo, "rev-list", "--all", "--reflog"))
    blobs = {blob: str(path) for path, blob in _files(_checkouts(repo))}
    for place in _places(repo):
        for line in os.fsdecode(git_bytes(*place, "ls-files", "-s", "-z", cwd=repo)).split("\0"):
            entry, _, name = line.partition("\t")
            mode, blob, _ = (*entry.split(" "), "", "", "")[:3]
            if blob and mode != "160000":  # a nested repository's commit is in that repository
                blobs.setdefault(blob, f"index of {name}")
    database = {str(path) for path in state.path.parent.glob("orchestration.db*")}
    kept = {blob: name for blob, name in blobs.items() if name not in database}
    return Treasure(
        frozenset(commits), kept, tuple(_rows(state.tables())), frozenset(_lines([repo / "logs"]))
    )


def lost_treasure(repo: Path, state: StateFile, treasure: Treasure) -> list[str]:
    """Say what can be reached no more: from no ref, reflog, index, checkout, vault or journal."""
    common = repo / ".git"
    listing = ("rev-list", "--objects", "--all", "--reflog", "--indexed-objects")
    reachable = {line.split(" ")[0] for line in _git_lines(repo, *listing)}
    store = common / "unjam" / "vault.git"
    stored = _git_lines(store, "rev-list", "--objects", "--all") if store.exists() else ()
    saved = {line.split(" ")[0] for line in stored}
    vault = common / "unjam" / "vault"
    on_disk = {blob for _, blob in _files([*_checkouts(repo), vault])}
    anywhere = reachable | saved | on_disk
    copies = [StateFile(path) for path in vault.rglob("*") if path.is_file()]
    rows = {row for one in (state, *copies) for row in _rows(one.tables())}
    journal = _journal(common)
    lines = frozenset(_lines([repo / "logs", vault]))
    return [
        *(f"commit {one}" for one in sorted(treasure.commits - reachable)),
        *(
            f"bytes of {name} ({blob})"
            for blob, name in treasure.blobs.items()
            if blob not in anywhere
        ),
        *(
            f"row {values} of {table}"
            for table, values in treasure.rows
            if (table, values) not in rows and not _journalled(values, journal)
        ),
        *(f"log line {line!r}" for line in sorted(treasure.lines - lines)),
    ]


def blob_id(content: bytes) -> str:
    """Name bytes as Git does."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def _git_lines(repo: Path, *arguments: str) -> Iterator[str]:
    return (line for line in os.fsdecode(git_bytes(*arguments, cwd=repo)).split("\n") if line)


def _admins(repo: Path) -> list[Path]:
    return sorted((repo / ".git" / "worktrees").glob("*"))


def _checkouts(repo: Path) -> list[Path]:
    trees = [worktree_of(admin) for admin in _admins(repo)]
    return [repo, *(tree for tree in trees if tree.is_dir() and repo not in tree.parents)]


def _places(repo: Path) -> Iterator[tuple[str, ...]]:
    yield (f"--git-dir={repo / '.git'}", f"--work-tree={repo}")
    for admin in _admins(repo):
        yield (f"--git-dir={admin}", f"--work-tree={worktree_of(admin)}")


def _files(roots: Iterable[Path]) -> Iterator[tuple[Path, str]]:
    for root in roots:
        for directory, names, files in os.walk(root):
            here = Path(directory)
            if here == root and (here / ".git").is_dir():
                names.remove(".git")
            for name in [*files, *(one for one in names if (here / one).is_symlink())]:
                path = here / name
                mode = path.lstat().st_mode
                if stat.S_ISLNK(mode):
                    yield path, blob_id(os.fsencode(path.readlink()))
                elif stat.S_ISREG(mode) and name != ".git":  # a pointer, not work
                    yield path, blob_id(path.read_bytes())


def _rows(tables: Tables) -> Iterator[tuple[str, tuple[Value, ...]]]:
    return ((table, row) for table, rows in tables.items() for row in rows)


def _lines(roots: Iterable[Path]) -> Iterator[str]:
    for root in roots:
        for path in root.rglob("*"):
            if path.is_file() and not path.is_symlink():
                yield from path.read_text(errors="surrogateescape").splitlines()


def _journal(common: Path) -> list[str]:
    paths = sorted((common / "unjam" / "journal").glob("*.jsonl"))
    return [line for path in paths for line in path.read_text().splitlines()]


def _journalled(values: tuple[Value, ...], journal: list[str]) -> bool:
    """Whether one line of the journal holds the whole row as it was before."""
    texts = [json.dumps(value) for value in values if isinstance(value, str | int | float)]
    return any(all(text in line for text in texts) for line in journal)
