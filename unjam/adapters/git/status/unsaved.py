"""Tell for many worktrees at once what they hold that is in no commit."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from unjam.adapters.git.batches import resolve_objects
from unjam.adapters.git.command import Git
from unjam.adapters.git.index import (
    DamagedIndexError,
    ForeignIndexError,
    read_index,
)
from unjam.adapters.git.status.head_trees import HeadQuestion, read_head_trees, staged_paths
from unjam.adapters.git.status.ignore import OddPatternError
from unjam.adapters.git.status.quick_status import (
    AskGitError,
    Changes,
    FilteredError,
    Rules,
    compare_files,
)
from unjam.adapters.git.status.untracked import UnreadableError
from unjam.adapters.git.worktrees import Checkout
from unjam.domain.world.identity import CommitId
from unjam.domain.world.snapshot import Unsaved
from unjam.domain.world.truth import Truth
from unjam.errors import UnjamError

_WITHOUT_FILTERS = "filters were not run: files that have one may show as modified"
_SUBMODULE = "160000"
_LISTS = {"staged", "modified", "deleted", "untracked", "conflicted"}


class HeadTree(NamedTuple):
    """The commit a worktree is at, and its tree."""

    commit: CommitId
    tree: bytes


class Scan(NamedTuple):
    """What the files of one worktree showed: changes, or that Git must be asked, or neither."""

    name: str
    changes: Changes | None = None
    doubt: HeadQuestion | None = None  # what may be staged; None: nothing is
    ask: str | None = None  # a remark for the answer
    unknown: str = ""


def read_heads(git: Git, commits: Mapping[str, CommitId | None]) -> dict[str, HeadTree]:
    """Read the trees of the worktrees' HEADs; one that is not sound is left out."""
    trees = resolve_objects(git, sorted({f"{one}^{{tree}}" for one in commits.values() if one}))
    return {
        name: HeadTree(commit, bytes.fromhex(tree[0]))
        for name, commit in commits.items()
        if commit and (tree := trees[f"{commit}^{{tree}}"])
    }


def scan_files(
    checkouts: Iterable[Checkout], rules: Rules, heads: Mapping[str, HeadTree]
) -> list[Scan]:
    """Compare the files of each worktree with its index; never raises for a worktree."""
    return [_scan(one, rules, heads.get(one.name)) for one in checkouts]


def unsaved_by_name(
    git: Git, common: Path, checkouts: Iterable[Checkout], scans: Sequence[Scan]
) -> dict[str, Unsaved]:
    """Join the scans with what is staged against HEAD; Git is asked only where it has to be."""
    named = read_head_trees(git, [one.doubt for one in scans if one.doubt])
    judge = _Judge(git, common, named)
    by_name = {one.name: one for one in checkouts}
    return {one.name: judge.unsaved(by_name[one.name], one) for one in scans}


def _scan(checkout: Checkout, rules: Rules, head: HeadTree | None) -> Scan:
    name = checkout.name
    if checkout.present is Truth.NO:
        return Scan(name, unknown=checkout.problem)
    try:
        index = read_index(checkout.admin / "index")
        changes = compare_files(os.fsencode(checkout.path), index, rules)
    except FilteredError:
        return Scan(name, ask=_WITHOUT_FILTERS)
    except (ForeignIndexError, AskGitError, OddPatternError):
        return Scan(name, ask="")
    except (DamagedIndexError, UnreadableError) as error:
        return Scan(name, unknown=str(error))
    if head is None:
        return Scan(name, unknown="its HEAD names no commit")
    clean = index.trees.get(b"") == head.tree
    return Scan(name, changes, None if clean else HeadQuestion(index, head.commit, head.tree))


class _Judge:
    """Turns scans into answers; the repository without its drivers is prepared only once."""

    def __init__(self, git: Git, common: Path, named: Mapping[bytes, bytes | None]) -> None:
        self._git = git
        self._common = common
        self._named = named
        self._without_drivers: Git | None = None

    def unsaved(self, checkout: Checkout, scan: Scan) -> Unsaved:
        if scan.ask is not None:
            return self._asked(checkout, scan.ask)
        if scan.changes is None:
            known = Truth.NO if checkout.present is Truth.NO else Truth.UNKNOWN
            return Unsaved(known, because=scan.unknown)
        try:
            staged = staged_paths(scan.doubt, self._named) if scan.doubt else ()
            return _answer(scan.changes, [os.fsdecode(path) for path in staged])
        except AskGitError:
            return self._asked(checkout, "")
        except UnreadableError as error:
            return Unsaved(Truth.UNKNOWN, because=str(error))

    def _asked(self, checkout: Checkout, remark: str) -> Unsaved:
        if self._without_drivers is None:
            self._without_drivers = self._git.without_drivers()
        try:
            return ask_status(self._without_drivers, checkout, self._common, remark)
        except (UnjamError, UnreadableError) as error:
            return Unsaved(Truth.UNKNOWN, because=str(error))


def _answer(changes: Changes, staged: list[str]) -> Unsaved:
    return Unsaved(
        Truth.YES,
        staged=tuple(sorted(staged)),
        modified=_texts(changes.modified),
        deleted=_texts(changes.deleted),
        untracked=_texts(changes.untracked),
        conflicted=_texts(changes.conflicted),
    )


def _texts(paths: list[bytes]) -> tuple[str, ...]:
    return tuple(sorted(os.fsdecode(path) for path in paths))


def inside(git: Git, checkout: Checkout, common: Path) -> Git:
    """Ask Git in a checkout, whatever its own files say of where the repository is."""
    return replace(
        git,
        git_dir=checkout.admin,
        work_tree=checkout.path,
        index=checkout.admin / "index",
        environment={**git.environment, "GIT_COMMON_DIR": str(common)},
    )


def ask_status(git: Git, checkout: Checkout, common: Path, because: str = "") -> Unsaved:
    """Run a hardened ``git status`` there; raises PermanentError, and UnreadableError for submodules.

    ``git`` is the repository with its drivers off. A file with a filter may show as modified.
    """
    here = inside(git, checkout, common)
    if "config.worktree" in checkout.entries:
        here = here.without_drivers()
    _refuse_submodules(here, checkout.path)
    answer = here.run(
        "status",
        "--porcelain=v2",
        "-z",
        "--no-renames",
        "--untracked-files=normal",
        "--ignore-submodules=dirty",
    )
    found: dict[str, list[str]] = {name: [] for name in _LISTS}
    for record in answer.fields():
        for kind, path in _read(record):
            found[kind].append(path)
    lists = {kind: tuple(sorted(paths)) for kind, paths in found.items()}
    return Unsaved(Truth.YES, **lists, because=because)


def _refuse_submodules(git: Git, root: Path) -> None:
    for line in git.run("ls-files", "--stage", "-z").fields():
        if line.startswith(_SUBMODULE):
            path = line.partition("\t")[2]
            if (root / path / ".git").exists():
                raise UnreadableError(f"submodule {path} was not looked into")


def _read(record: str) -> Iterator[tuple[str, str]]:
    kind, _, rest = record.partition(" ")
    if kind == "?":
        yield "untracked", rest
    elif kind == "u":
        yield "conflicted", rest.split(" ", 9)[-1]
    elif kind == "1":
        states, path = rest[:2], rest.split(" ", 7)[-1]
        if states[0] != ".":
            yield "staged", path
        if states[1] != ".":
            yield "deleted" if states[1] == "D" else "modified", path
