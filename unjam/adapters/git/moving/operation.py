"""Git operations that were left in the middle: which there are, and how to abort one.

Aborting resets files. It is done only where each of them is as Git left it, so that nobody's hand
is undone; the salvage holds the whole state all the same.
"""

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from unjam.adapters.git.clean_room import clean_room
from unjam.adapters.git.command import Git
from unjam.adapters.git.moving.open_checkout import (
    leads_through_link,
    open_checkout,
    paths_in_words,
    refuse_locked,
    with_filter,
)
from unjam.adapters.git.moving.overlap import modified
from unjam.domain.steps.change import AbortOperation
from unjam.domain.steps.outcome import StepWord
from unjam.domain.world.snapshot import Operation
from unjam.errors import PermanentError, RefusedError

_LABELS = re.compile(rb"^([<>|]{7,}).*$", re.MULTILINE)
_AUTOSTASH = "MERGE_AUTOSTASH"
_SET_ASIDE = "UNJAM_AUTOSTASH"
_RESETS_HARD = (Operation.REBASE, Operation.AM)


def operations_in(admin: Path) -> Iterator[Operation]:
    """Name what a checkout is in the middle of; the outermost first."""
    if (admin / "rebase-merge").is_dir():
        yield Operation.REBASE
    if (admin / "rebase-apply").is_dir():
        applying = (admin / "rebase-apply/applying").exists()
        yield Operation.AM if applying else Operation.REBASE
    marks = {
        "MERGE_HEAD": Operation.MERGE,
        "CHERRY_PICK_HEAD": Operation.CHERRY_PICK,
        "REVERT_HEAD": Operation.REVERT,
        "BISECT_LOG": Operation.BISECT,
    }
    yield from (operation for mark, operation in marks.items() if (admin / mark).exists())
    if (admin / "sequencer/todo").exists() and not (admin / "CHERRY_PICK_HEAD").exists():
        first = (admin / "sequencer/todo").read_bytes().lstrip()
        yield Operation.REVERT if first.startswith(b"revert") else Operation.CHERRY_PICK


def abort_operation(common: Path, change: AbortOperation, *, resuming: bool = False) -> StepWord:
    """Abort it and bring its autostash back; ALREADY_DONE where the checkout is in none.

    Raises RefusedError, with nothing changed, where somebody's hand shows: a resolved conflict,
    something staged, edits that the abort would reset. ``resuming`` is for an abort that was begun
    and killed: what such an abort writes is then not taken for an edit.
    """
    git = open_checkout(change.path, change.admin)
    running = next(operations_in(git.git_dir), None)
    if running is not change.operation:
        if running is not None:
            raise RefusedError(f"{change.path} is in a {running}, expected a {change.operation}")
        return StepWord.DONE if _bring_autostash_back(git) else StepWord.ALREADY_DONE
    if change.operation is Operation.BISECT:
        raise RefusedError(f"{change.path} is in a bisect: a person's search is not ended for them")
    refuse_locked(git)
    leftovers = _refuse_touched(common, git, change, resuming=resuming)
    _clear_leftovers(git, leftovers)
    _set_autostash_aside(git)
    answer = git.run(change.operation.value, "--abort", accept=None)
    if answer.status != 0:
        reason = answer.err.splitlines()[0] if answer.err else f"exit status {answer.status}"
        raise RefusedError(f"the {change.operation} in {change.path} cannot be aborted: {reason}")
    _bring_autostash_back(git)
    if change.operation in operations_in(git.git_dir):
        raise PermanentError(f"{change.path} is still in the middle of a {change.operation}")
    return StepWord.DONE


def _refuse_touched(
    common: Path, git: Git, change: AbortOperation, *, resuming: bool
) -> frozenset[str]:
    """Return what a killed abort began to write."""
    with tempfile.TemporaryDirectory(prefix="unjam-index-") as scratch:
        copy = Path(scratch, "index")
        shutil.copy2(git.git_dir / "index", copy)
        left = _tree_git_left(common, git, change.operation)
        looking = _Looking(git.on(index=copy), change.operation, left)
        touched = looking.touched(resuming=resuming)
        if touched:
            raise RefusedError(
                f"aborting the {change.operation} in {change.path} would undo edits of"
                f" {paths_in_words(sorted(touched))}"
            )
        filtered = list(with_filter(looking.copy, sorted(looking.own)))
        if filtered:
            raise RefusedError(
                f"{paths_in_words(filtered)}: written through a filter, which is not run here; to abort by"
                f" hand: git -C {change.path} {change.operation} --abort"
            )
        begun = looking.buried | (looking.own & looking.edited)
        return frozenset(begun if resuming else ())


def _clear_leftovers(git: Git, leftovers: frozenset[str]) -> None:
    """Bring files that were cut short back to what the index says, or Git takes them for edits."""
    git.run("update-index", "-q", "--unmerged", "--ignore-submodules", "--refresh", accept=None)
    if not leftovers:
        return
    for path in leftovers:
        Path(str(git.work_tree), path).unlink(missing_ok=True)
    tracked = leftovers & set(git.run("ls-files", "-z").fields())
    names = os.fsencode("".join(f"{path}\0" for path in sorted(tracked)))
    git.run("checkout-index", "--force", "--index", "-z", "--stdin", stdin=names)


class _Looking:
    """What an operation wrote, against what is there."""

    def __init__(self, copy: Git, operation: Operation, left: str) -> None:
        self.copy, self.operation, self.left = copy, operation, left
        self.unmerged = {
            one.partition("\t")[2] for one in copy.run("ls-files", "-u", "-z").fields()
        }
        self.edited = modified(copy) - self.unmerged
        self.back_to = _back_to(copy, operation)
        self.stash = _line(copy.git_dir / "rebase-merge/autostash")
        self.own = self._own()
        self.buried = self._buried()

    def touched(self, *, resuming: bool) -> set[str]:
        """Name files that are not as Git left them and that aborting would reset."""
        staged = self._differing("diff-index", "--cached", self.left) - self.unmerged
        resolved = {path for path in self.unmerged if not self._as_left(path)}
        at_risk = self.edited if self.operation in _RESETS_HARD else self.edited & self.own
        touched = staged | resolved | at_risk | self.buried
        if not resuming:
            return touched
        return {path for path in touched if path not in self.own or not self._is_leftover(path)}

    def _own(self) -> set[str]:
        """Name what the operation, or aborting it, writes."""
        own = self.unmerged | self._differing("diff-tree", "-r", "HEAD", self.left)
        if self.back_to is not None:
            own |= self._differing("diff-tree", "-r", "HEAD", self.back_to)
        if self.stash is not None:
            own |= self._differing("diff-tree", "-r", f"{self.stash}^1", self.stash)
        return own

    def _is_leftover(self, path: str) -> bool:
        """Recognise what a killed abort leaves: a file that is missing, or one side of it cut short."""
        top = Path(str(self.copy.work_tree))
        place = top / path
        if not os.path.lexists(place):
            return True
        if leads_through_link(top, path) or place.is_symlink() or not place.is_file():
            return False
        there = place.read_bytes()
        sides = (one for one in ("HEAD", self.left, self.back_to, self.stash) if one is not None)
        return any(self._side(side, path).startswith(there) for side in sides)

    def _side(self, tree: str, path: str) -> bytes:
        return self.copy.run("cat-file", "--filters", f"{tree}:{path}", accept=None).out

    def _buried(self) -> set[str]:
        """Name untracked files where aborting puts files back."""
        back = self._differing("diff-tree", "-r", "--diff-filter=D", "HEAD", self.left)
        if self.back_to is not None:
            back |= self._differing("diff-tree", "-r", "--diff-filter=A", "HEAD", self.back_to)
        tracked = set(self.copy.run("ls-files", "-z").fields())
        top = Path(str(self.copy.work_tree))
        return {path for path in back - tracked if os.path.lexists(top / path)}

    def _differing(self, command: str, *arguments: str) -> set[str]:
        listing = self.copy.run(command, "-z", "--name-only", "--no-renames", *arguments)
        return set(listing.fields())

    def _as_left(self, path: str) -> bool:
        """Compare a conflicted file with what the merge writes; only the labels may differ."""
        place = Path(str(self.copy.work_tree), path)
        if place.is_symlink() or not place.is_file():
            return not os.path.lexists(place) or place.is_symlink()
        whole = self.copy.run("cat-file", "--filters", f"{self.left}:{path}", accept=None)
        there, left = place.read_bytes(), whole.out
        return whole.status == 0 and _LABELS.sub(rb"\1", there) == _LABELS.sub(rb"\1", left)


def _tree_git_left(common: Path, git: Git, operation: Operation) -> str:
    """Merge again, in memory: the tree that the operation stopped with."""
    head = git.run("rev-parse", "--verify", "HEAD").text
    stopped = _stopped_at(git, operation)
    if stopped is None:
        return git.run("rev-parse", "--verify", "HEAD^{tree}").text
    with clean_room(common, exact=False) as bare:
        # In the checkout the attributes of its own files hold.
        room = bare.on(git.work_tree)
        if operation is Operation.MERGE:
            sides = (head, stopped)
        else:
            old, new = f"{stopped}^", stopped
            base, theirs = (new, old) if operation is Operation.REVERT else (old, new)
            sides = _as_merge(room, base, head, theirs)
        style = [one for one in git.settings if one.startswith("merge.conflictstyle=")]
        said = [part for one in style for part in ("-c", one)]
        answer = room.run(*said, "merge-tree", "--write-tree", "-z", *sides, accept=(0, 1))
        return answer.fields()[0]


def _as_merge(room: Git, base: str, ours: str, theirs: str) -> tuple[str, str]:
    """Make commits whose merge base is the given one; Git before 2.40 cannot be told it."""
    root = room.run("commit-tree", "-m", "base", f"{base}^{{tree}}").text
    left = room.run("commit-tree", "-m", "ours", "-p", root, f"{ours}^{{tree}}").text
    right = room.run("commit-tree", "-m", "theirs", "-p", root, f"{theirs}^{{tree}}").text
    return left, right


def _stopped_at(git: Git, operation: Operation) -> str | None:
    files = {
        Operation.MERGE: ("MERGE_HEAD",),
        Operation.REBASE: ("rebase-merge/stopped-sha", "rebase-apply/original-commit"),
        Operation.CHERRY_PICK: ("CHERRY_PICK_HEAD",),
        Operation.REVERT: ("REVERT_HEAD",),
    }.get(operation, ())
    named = next((text for file in files if (text := _line(git.git_dir / file))), None)
    if named is None:
        return None
    found = git.run("rev-parse", "--verify", "--quiet", f"{named}^{{commit}}", accept=None)
    if found.status != 0:
        raise RefusedError(f"{git.work_tree}: the {operation} stopped at an unknown commit")
    return found.text


def _back_to(git: Git, operation: Operation) -> str | None:
    if operation not in _RESETS_HARD:
        return None
    places = ("rebase-merge/orig-head", "rebase-apply/orig-head", "ORIG_HEAD")
    named = next((text for place in places if (text := _line(git.git_dir / place))), None)
    if named is None:
        raise RefusedError(f"{git.work_tree}: where the {operation} began is not recorded")
    return named


def _set_autostash_aside(git: Git) -> None:
    """Keep it where a kill between abort and return cannot lose it, as `merge --abort` would."""
    if (git.git_dir / _AUTOSTASH).exists():
        (git.git_dir / _AUTOSTASH).replace(git.git_dir / _SET_ASIDE)


def _bring_autostash_back(git: Git) -> bool:
    stash = _line(git.git_dir / _SET_ASIDE)
    if stash is None:
        return False
    if not _is_applied(git, stash) and git.run("stash", "apply", stash, accept=None).status != 0:
        git.run("stash", "store", "-m", "autostash", stash)  # what Git does itself
    (git.git_dir / _SET_ASIDE).unlink()
    return True


def _is_applied(git: Git, stash: str) -> bool:
    changed = git.run("diff-tree", "-r", "-z", "--name-only", "--no-renames", f"{stash}^1", stash)
    with tempfile.TemporaryDirectory(prefix="unjam-index-") as scratch:
        index = git.on(index=Path(scratch, "index"))
        index.run("read-tree", stash)
        return not (modified(index) & set(changed.fields()))


def _line(file: Path) -> str | None:
    try:
        text = file.read_text("ascii", "replace").strip()
    except OSError:
        return None
    return text.splitlines()[0] if text else None
