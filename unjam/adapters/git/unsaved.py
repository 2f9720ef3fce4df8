"""Tell for many worktrees at once what they hold that is in no commit."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from unjam.adapters.git.asked_status import ask_status
from unjam.adapters.git.batches import resolve_objects
from unjam.adapters.git.command import Git
from unjam.adapters.git.head_trees import HeadQuestion, read_head_trees, staged_paths
from unjam.adapters.git.ignore import OddPatternError
from unjam.adapters.git.index_file import (
    DamagedIndexError,
    ForeignIndexError,
    Index,
    read_index,
)
from unjam.adapters.git.quick_status import (
    AskGitError,
    Changes,
    FilteredError,
    Rules,
    compare_files,
)
from unjam.adapters.git.untracked import UnreadableError
from unjam.adapters.git.worktrees import Checkout
from unjam.domain.snapshot import CommitId, Truth, Unsaved
from unjam.errors import UnjamError

_WITHOUT_FILTERS = "filters were not run: files that have one may show as modified"


@dataclass(frozen=True, slots=True)
class Scan:
    """What the files of one worktree showed: changes, or that Git must be asked, or neither."""

    checkout: Checkout
    index: Index | None = None
    changes: Changes | None = None
    ask: str | None = None  # a remark for the answer
    unknown: str = ""


def scan_files(checkouts: Iterable[Checkout], rules: Rules) -> list[Scan]:
    """Compare the files of each worktree with its index; never raises for a worktree."""
    return [_scan(one, rules) for one in checkouts]


def unsaved_by_name(
    git: Git, common: Path, scans: Iterable[Scan], heads: Mapping[str, CommitId | None]
) -> dict[str, Unsaved]:
    """Join the scans with what is staged against HEAD; Git is asked only where it has to be."""
    scans = list(scans)
    trees = resolve_objects(git, sorted({f"{one}^{{tree}}" for one in heads.values() if one}))
    questions = {
        one.checkout.name: HeadQuestion(one.index, head, bytes.fromhex(tree[0]))
        for one in scans
        if one.index
        and (head := heads.get(one.checkout.name))
        and (tree := trees.get(f"{head}^{{tree}}"))
    }
    named = read_head_trees(git, list(questions.values()))
    judge = _Judge(git, common, named)
    return {
        one.checkout.name: judge.unsaved(one, questions.get(one.checkout.name)) for one in scans
    }


def _scan(checkout: Checkout, rules: Rules) -> Scan:
    if checkout.present is Truth.NO:
        return Scan(checkout, unknown=checkout.problem)
    try:
        index = read_index(checkout.admin / "index")
        changes = compare_files(os.fsencode(checkout.path), index, rules)
    except FilteredError:
        return Scan(checkout, ask=_WITHOUT_FILTERS)
    except (ForeignIndexError, AskGitError, OddPatternError):
        return Scan(checkout, ask="")
    except (DamagedIndexError, UnreadableError) as error:
        return Scan(checkout, unknown=str(error))
    return Scan(checkout, index=index, changes=changes)


class _Judge:
    """Turns scans into answers; the repository without its drivers is prepared only once."""

    def __init__(self, git: Git, common: Path, named: Mapping[bytes, bytes | None]) -> None:
        self._git = git
        self._common = common
        self._named = named
        self._without_drivers: Git | None = None

    def unsaved(self, scan: Scan, question: HeadQuestion | None) -> Unsaved:
        if scan.unknown:
            known = Truth.NO if scan.checkout.present is Truth.NO else Truth.UNKNOWN
            return Unsaved(known, because=scan.unknown)
        if scan.ask is not None:
            return self._asked(scan.checkout, scan.ask)
        if scan.changes is None or question is None:
            return Unsaved(Truth.UNKNOWN, because="its HEAD names no commit")
        try:
            staged = staged_paths(question, self._named)
            return _answer(scan.changes, [os.fsdecode(path) for path in staged])
        except AskGitError:
            return self._asked(scan.checkout, "")
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
    )


def _texts(paths: list[bytes]) -> tuple[str, ...]:
    return tuple(sorted(os.fsdecode(path) for path in paths))
