"""Move a checkout with its branch, keeping every edit that is not in the way.

Files first, then the index, the ref last: a move that was killed anywhere is still to be seen as
not made, and making it again completes it.
"""

import shlex
from dataclasses import replace
from enum import StrEnum
from pathlib import Path

from unjam.adapters.git.command import Git, GitAnswer
from unjam.adapters.git.moving.held_files import give_back_held, held_files, held_now
from unjam.adapters.git.moving.open_checkout import open_checkout, paths_in_words, refuse_locked
from unjam.adapters.git.moving.operation import abort_operation, operations_in
from unjam.adapters.git.moving.overlap import Overlap, bring_forward, find_overlap
from unjam.adapters.git.refs import BRANCHES, in_use, resolve
from unjam.domain.steps.change import MoveCheckout, Position
from unjam.domain.steps.outcome import StepWord
from unjam.domain.world.identity import CommitId
from unjam.domain.world.truth import Truth
from unjam.errors import PermanentError, RefusedError, TransientError

__all__ = [
    "CheckoutState",
    "abort_operation",
    "move_checkout",
    "refuse_move",
    "state_of_checkout",
    "where_is",
    "with_held",
]

_REFUSALS = ("would be overwritten", "not uptodate", "would lose untracked", "would be removed")


class CheckoutState(StrEnum):
    """Where a checkout is, seen from a move."""

    BEFORE = "before"
    AFTER = "after"
    BETWEEN = "between"
    ELSEWHERE = "elsewhere"


def move_checkout(common: Path, change: MoveCheckout, *, resuming: bool = False) -> StepWord:
    """Fast-forward, switch or take either back.

    Raises RefusedError, with nothing changed, where edits are in the way or the checkout is not
    where the move starts; TransientError where a lock is. ``resuming`` is for a move that was
    begun and killed: a file cut short is then its leftover and not a person's edit.
    """
    git = open_checkout(change.path, change.admin)
    if _position(git) == change.new:
        return StepWord.ALREADY_DONE
    _refuse_unless_ready(common, git, change)
    found = find_overlap(git, change.old.commit, change.new.commit, resuming=resuming)
    _refuse_overlap(change, found)
    _move_files(git, change, found)
    give_back_held(git, found, change.held_after)
    _move_head(git, change)
    return StepWord.DONE


def with_held(change: MoveCheckout) -> MoveCheckout:
    """Add to a move what a person has already as it will come: taking it back must leave it so."""
    if _position(open_checkout(change.path, change.admin)) != change.old:
        return change
    return replace(change, held_before=held_now(change))


def refuse_move(change: MoveCheckout) -> None:
    """Raise RefusedError where this move, from where the checkout is, would meet edits."""
    git = open_checkout(change.path, change.admin)
    if _position(git) == change.old:
        _refuse_overlap(
            change, find_overlap(git, change.old.commit, change.new.commit, resuming=False)
        )


def where_is(change: MoveCheckout) -> str:
    """Say where a checkout is now."""
    git = open_checkout(change.path, change.admin)
    return f"{change.path} is {_told(_position(git))}"


def state_of_checkout(_common: Path, change: MoveCheckout) -> CheckoutState:
    """Tell on which side of a move a checkout is; BETWEEN when some files have arrived."""
    git = open_checkout(change.path, change.admin)
    position = _position(git)
    if position == change.new:
        return CheckoutState.AFTER
    if position != change.old:
        return CheckoutState.ELSEWHERE
    found = find_overlap(git, change.old.commit, change.new.commit, resuming=True)
    as_new = {one.path for one in (*found.settled, *found.arrived)}
    held = held_files(git, found)
    left = as_new - {one.path for one in held if one in change.held_before}
    return CheckoutState.BETWEEN if left or found.unfinished else CheckoutState.BEFORE


def _position(git: Git) -> Position | None:
    ref = git.run("symbolic-ref", "-q", "HEAD", accept=(0, 1)).text or None
    commit = git.run("rev-parse", "--verify", "-q", "HEAD^{commit}", accept=None)
    return Position(ref, CommitId(commit.text)) if commit.status == 0 else None


def _refuse_unless_ready(common: Path, git: Git, change: MoveCheckout) -> None:
    position = _position(git)
    if position != change.old:
        raise RefusedError(f"{change.path} is {_told(position)}, expected {_told(change.old)}")
    if operation := next(iter(operations_in(git.git_dir)), None):
        raise RefusedError(f"{change.path} is in the middle of a {operation}")
    refuse_locked(git)
    if change.new.ref is not None and change.new.ref != change.old.ref:
        _refuse_unless_free(common, git, change.new)


def _refuse_unless_free(common: Path, git: Git, new: Position) -> None:
    name = str(new.ref).removeprefix(BRANCHES)
    at = resolve(git, str(new.ref))
    if at != new.commit:
        raise RefusedError(f"{name} is at {(at or 'nothing')[:12]}, expected {new.commit[:12]}")
    used, where = in_use(common, str(new.ref))
    if used is Truth.YES:
        raise RefusedError(f"{name} is in use by {where}")


def _told(position: Position | None) -> str:
    if position is None:
        return "on no commit"
    return f"on {(position.ref or 'no branch').removeprefix(BRANCHES)} at {position.commit[:12]}"


def _refuse_overlap(change: MoveCheckout, found: Overlap) -> None:
    if found.filtered:
        raise RefusedError(
            f"{paths_in_words(found.filtered)}: written through a filter, which is not run here"
            f"{_by_hand(change, 'to do it by hand')}"
        )
    if found.in_the_way:
        raise RefusedError(
            f"edits in {change.path} are in the way: {paths_in_words(found.in_the_way)}"
            f"{_by_hand(change, 'commit or move them, then')}"
        )


def _by_hand(change: MoveCheckout, before: str) -> str:
    """Name the command of a switch; how a branch is moved by hand, its mover knows."""
    place = f"git -C {shlex.quote(str(change.path))}"
    if change.new.ref == change.old.ref and change.new.ref is not None:
        return ""
    if change.new.ref is None:
        return f"; {before}: {place} switch --detach {change.new.commit}"
    return f"; {before}: {place} switch {shlex.quote(change.new.ref.removeprefix(BRANCHES))}"


def _move_files(git: Git, change: MoveCheckout, found: Overlap) -> None:
    for path in found.unfinished:
        Path(str(git.work_tree), path).unlink(missing_ok=True)
    bring_forward(git, found.arrived)
    # A file that was only touched or copied must not look edited to what follows.
    git.run("update-index", "-q", "--ignore-submodules", "--refresh", accept=None)
    answer = git.run("read-tree", "-m", "-u", change.old.commit, change.new.commit, accept=None)
    if answer.status != 0:
        raise _in_the_way_after_all(git, change, answer)


def _in_the_way_after_all(
    git: Git, change: MoveCheckout, answer: GitAnswer
) -> RefusedError | TransientError | PermanentError:
    first = next(iter(answer.err.splitlines()), f"exit status {answer.status}")
    text = f"{change.path} cannot be moved: {first}"
    if (git.git_dir / "index.lock").exists() or "index.lock" in answer.err:
        return TransientError(text)
    if any(sign in answer.err for sign in _REFUSALS):
        return RefusedError(f"{text}{_by_hand(change, 'then')}")
    return PermanentError(text)


def _move_head(git: Git, change: MoveCheckout) -> None:
    old, new = change.old, change.new
    if new.ref is not None and new.ref == old.ref:
        git.run("update-ref", "-m", "unjam: move", new.ref, new.commit, old.commit)
        return
    names = [(one.ref or one.commit).removeprefix(BRANCHES) for one in (old, new)]
    message = f"checkout: moving from {names[0]} to {names[1]}"  # what `git switch -` reads
    if new.ref is not None:
        git.run("symbolic-ref", "-m", message, "HEAD", new.ref)
    else:
        git.run("update-ref", "--no-deref", "-m", message, "HEAD", new.commit, old.commit)
