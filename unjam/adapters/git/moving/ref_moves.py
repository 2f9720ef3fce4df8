"""Refs move by compare-and-swap, all of them or none, and never under a checkout."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from unjam.adapters.git import refs
from unjam.adapters.git.command import Git
from unjam.domain.steps.change import MoveRef
from unjam.domain.steps.outcome import StepWord
from unjam.domain.world.identity import CommitId
from unjam.domain.world.truth import Truth
from unjam.errors import PermanentError, RefusedError, TransientError

_DURABLE = ("core.fsync=all",)
_UNLOGGED = ("core.logAllRefUpdates=false",)


def move_refs(git: Git, moves: Sequence[MoveRef], message: str) -> StepWord:
    """Make all the moves in one transaction; ALREADY_DONE when each ref is where it should be.

    Raises RefusedError, with nothing moved, where a ref is neither at its old nor at its new
    value, is symbolic, or is a branch that some checkout uses; TransientError on a lock.
    """
    found = refs.standing(git, [move.ref for move in moves])
    left = [move for move in moves if found[move.ref].commit != move.new]
    for move in moves:
        _refuse_unless_movable(move, found[move.ref])
    for move in left:
        _refuse_in_use(git.git_dir, move)
    if not left:
        return StepWord.ALREADY_DONE
    _transact(git, moves, left, message)
    return StepWord.DONE


def _refuse_unless_movable(move: MoveRef, found: refs.RefValue) -> None:
    if not move.ref.startswith("refs/"):
        raise RefusedError(f"{move.ref!r} is not the full name of a ref")
    if found.symbolic:
        raise RefusedError(f"{move.ref} stands for {found.symbolic}; it is not moved")
    if found.commit not in (move.old, move.new):
        at, expected = found.commit or "nothing", move.old or "nothing"
        raise RefusedError(f"{move.ref} is at {at}, expected {expected}")


def _refuse_in_use(common: Path, move: MoveRef) -> None:
    if move.old is None:  # a checkout whose branch is missing is glad to see it again
        return
    used, where = refs.in_use(common, move.ref)
    if used is not Truth.NO:
        raise RefusedError(f"{move.ref.removeprefix(refs.BRANCHES)} is in use by {where}")


def _transact(git: Git, moves: Sequence[MoveRef], left: Sequence[MoveRef], message: str) -> None:
    # A transaction is not atomic under SIGKILL: some of its refs may be at their new value.
    lines = [b"start\0"]
    for move in moves:
        lines.append(b"option no-deref\0")
        lines.append(_line(move) if move in left else _expectation(move.ref, move.new))
    lines.extend((b"prepare\0", b"commit\0"))
    logged = all(move.logged for move in moves)
    durable = replace(git, settings=(*git.settings, *_DURABLE, *(() if logged else _UNLOGGED)))
    log = ("--create-reflog",) if logged else ()
    try:
        durable.run("update-ref", "--stdin", "-z", *log, "-m", message, stdin=b"".join(lines))
    except (TransientError, PermanentError):
        found = refs.standing(git, [move.ref for move in left])
        for move in left:
            _refuse_unless_movable(move, found[move.ref])
        raise


def _line(move: MoveRef) -> bytes:
    if move.new is None:
        return f"delete {move.ref}\0{move.old}\0".encode("utf-8", "surrogateescape")
    text = f"update {move.ref}\0{move.new}\0{move.old or refs.NOTHING}\0"
    return text.encode("utf-8", "surrogateescape")


def _expectation(ref: str, commit: CommitId | None) -> bytes:
    return f"verify {ref}\0{commit or refs.NOTHING}\0".encode("utf-8", "surrogateescape")
