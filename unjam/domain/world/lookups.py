"""Look one thing up in a snapshot: it is there, it is not there, or that part could not be observed.

Whoever takes "not seen" for "not there" removes what was only hidden. So nobody else searches these
collections for one thing: a lookup raises UntoldError where the answer would be a guess.
"""

from collections.abc import Iterable
from pathlib import PurePath
from typing import TypeVar

from unjam.domain.world.damage import Damage
from unjam.domain.world.identity import CommitId, Role, WorkstreamId
from unjam.domain.world.naming import shown
from unjam.domain.world.snapshot import Branch, Lock, Process, Row, Snapshot, Spec, Stray, Worktree
from unjam.domain.world.status import Status
from unjam.domain.world.truth import Truth, Unknown
from unjam.domain.world.words import first_few
from unjam.errors import RefusedError

_Thing = TypeVar("_Thing")
_SHOWN = 5  # workstreams whose status is the same word
_HIDDEN = "everything else"  # of Git, in a repository that Git cannot open


class UntoldError(RefusedError):
    """Cannot tell: the part of the snapshot that would answer could not be observed."""


def is_whole(snapshot: Snapshot) -> bool:
    """Tell a snapshot in which nothing is hidden: no lookup can fail in it."""
    seen = state_is_known(snapshot) and snapshot.processes_known is Truth.YES
    trees = (snapshot.primary, *snapshot.worktrees)
    broken = snapshot.trunk_damaged or any(Damage.BRANCH in one.damage for one in trees)
    listed = (snapshot.unknown, snapshot.lost_branches, snapshot.bad_specs)
    return seen and not broken and not any(listed)


def state_is_known(snapshot: Snapshot) -> bool:
    """Tell whether the rows are all there are; a state that is not there has none."""
    return snapshot.state.readable is not Truth.UNKNOWN


def rows_in(snapshot: Snapshot) -> tuple[Row, ...]:
    """Return every row."""
    if why := why_rows_are_hidden(snapshot):
        raise UntoldError(why)
    return snapshot.state.rows


def rows_not_known(snapshot: Snapshot) -> tuple[Row, ...]:
    """Return the rows whose status is a word that nobody here knows."""
    return tuple(row for row in snapshot.state.rows if row.status is Status.UNKNOWN)


def doubts(snapshot: Snapshot) -> tuple[Unknown, ...]:
    """Return all that cannot be told: what was not observed, and what was and nobody understands."""
    said: dict[str, list[str]] = {}
    for row in rows_not_known(snapshot):
        said.setdefault(row.why_unknown, []).append(shown(row.workstream))
    words = (
        Unknown(f"what became of {first_few(names, _SHOWN)}", because)
        for because, names in said.items()
    )
    return (*snapshot.unknown, *words)


def why_rows_are_hidden(snapshot: Snapshot) -> str:
    """Say why no row can be looked at; empty where they can, or where there is no state."""
    hidden = not state_is_known(snapshot)
    return f"the state cannot be read now ({snapshot.state.because})" if hidden else ""


def row_named(workstream: WorkstreamId | str | None, snapshot: Snapshot) -> Row | None:
    """Return the row of a workstream."""
    return _first(row for row in rows_in(snapshot) if row.workstream == workstream)


def specs_are_known(snapshot: Snapshot) -> bool:
    """Tell whether every spec was read; one with the id of another hides none."""
    doubles = {f"spec {one.path.name}" for one in snapshot.bad_specs if one.same_as is not None}
    hidden = {one.what for one in snapshot.unknown if one.what.startswith("spec ")} - doubles
    return not hidden and all(one.same_as is not None for one in snapshot.bad_specs)


def spec_named(workstream: WorkstreamId | str | None, snapshot: Snapshot) -> Spec | None:
    """Return the spec of a workstream."""
    found = _first(spec for spec in snapshot.specs if spec.workstream == workstream)
    if found is None and not specs_are_known(snapshot):
        raise UntoldError("not every spec can be read")
    return found


def branch_seen(ref: str | None, snapshot: Snapshot) -> Branch | None:
    """Return the workstream's branch of this full name, if it could be read."""
    return _first(one for one in snapshot.branches if one.ref == ref)


def branch_at(ref: str | None, snapshot: Snapshot) -> Branch | None:
    """Return the workstream's branch of this full name."""
    found = branch_seen(ref, snapshot)
    if found is None and ref is not None and _is_hidden(ref, snapshot):
        raise UntoldError(f"branch {ref.removeprefix('refs/heads/')} cannot be read")
    return found


def tip_of(ref: str, snapshot: Snapshot) -> CommitId | None:
    """Return where a branch stands, be it a workstream's or nobody's."""
    other = _first(tip for name, tip in snapshot.others if name == ref)
    if other is not None:
        return other
    branch = branch_at(ref, snapshot)
    return branch.tip if branch else None


def may_have_hidden_branch(workstream: WorkstreamId, snapshot: Snapshot) -> bool:
    """Tell whether a branch of a workstream may be there that could not be read."""
    if snapshot.trunk_damaged:
        return True
    if not (snapshot.lost_branches or snapshot.unknown):
        return False
    named = [one.ref for one in snapshot.lost_branches]
    named += [one.what.partition(" ")[2] for one in snapshot.unknown if _is_of_git(one)]
    return any(f"/{workstream}/" in f"{ref}/" for ref in named) or any(
        one.what == _HIDDEN or one.what.startswith("history ") for one in snapshot.unknown
    )


def _is_of_git(one: Unknown) -> bool:
    return one.what.startswith(("ref ", "branch "))


def _is_hidden(ref: str, snapshot: Snapshot) -> bool:
    trees = (snapshot.primary, *snapshot.worktrees)
    damaged = any(one.branch == ref and Damage.BRANCH in one.damage for one in trees)
    named = (f"ref {ref}", f"branch {ref}", _HIDDEN)
    return (
        damaged
        or snapshot.trunk_damaged
        or any(one.ref == ref for one in snapshot.lost_branches)
        or any(one.what in named or one.what.startswith("history ") for one in snapshot.unknown)
    )


def worktree_named(name: str | None, snapshot: Snapshot) -> Worktree | None:
    """Return the checkout of this name; ``""`` is the primary."""
    if name in (snapshot.glimpsed or ()):
        raise UntoldError(f"worktree {name} was only glimpsed at")
    return _first(one for one in (snapshot.primary, *snapshot.worktrees) if one.name == name)


def worktree_at(path: PurePath, snapshot: Snapshot) -> Worktree | None:
    """Return the checkout in this directory."""
    return _first(one for one in (snapshot.primary, *snapshot.worktrees) if one.path == path)


def worktree_on(branch: str, snapshot: Snapshot) -> Worktree | None:
    """Return an agent's worktree that is seen to be on this branch."""
    return _first(one for one in snapshot.worktrees if one.branch == branch)


def lock_at(path: PurePath | str, snapshot: Snapshot) -> Lock | None:
    """Return the lock file of this path."""
    if snapshot.glimpsed is not None:
        raise UntoldError("no locks were looked for")
    return _first(one for one in snapshot.locks if str(one.path) == str(path))


def stray_at(path: PurePath | str, snapshot: Snapshot) -> Stray | None:
    """Return what is no worktree and lies there."""
    return _first(one for one in snapshot.strays if str(one.path) == str(path))


def saved_of(workstream: WorkstreamId, snapshot: Snapshot) -> tuple[str, ...]:
    """Name what earlier runs saved of one that left nothing else, as far as that was looked for."""
    return tuple(one.ref for one in snapshot.saved_before if one.workstream == workstream)


def orchestrator_seen(snapshot: Snapshot) -> Process | None:
    """Return a living orchestrator to name; None proves nothing where processes are hidden."""
    return _first(snapshot.orchestrators())


def orchestrators_in(snapshot: Snapshot) -> tuple[Process, ...]:
    """Return the living orchestrators; one that is seen is seen, whatever else is hidden."""
    return _all(snapshot, tuple(snapshot.orchestrators()), "whether an orchestrator lives")


def processes_in(worktree: str, snapshot: Snapshot) -> tuple[Process, ...]:
    """Return who works in a worktree, or sits there."""
    inside = tuple(snapshot.in_worktree(worktree))
    return _all(snapshot, inside, f"who works in {worktree or 'the primary'}")


def agents_at_work_in(worktree: str, snapshot: Snapshot) -> tuple[Process, ...]:
    """Return who works in a worktree, without persons."""
    inside = (one for one in snapshot.in_worktree(worktree) if one.role is not Role.PERSON)
    return _all(snapshot, tuple(inside), f"who works in {worktree or 'the primary'}")


def _all(snapshot: Snapshot, found: tuple[Process, ...], what: str) -> tuple[Process, ...]:
    if not found and snapshot.processes_known is not Truth.YES:
        raise UntoldError(f"{what} cannot be told: not every process could be looked at")
    return found


def _first(found: Iterable[_Thing]) -> _Thing | None:
    return next(iter(found), None)
