"""Observe everything once, into one snapshot."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from unjam.adapters import clock, disk, files, journal, logs, specs
from unjam.adapters.git import refs
from unjam.adapters.git.command import Git
from unjam.adapters.git.observing import observe as git
from unjam.adapters.git.observing.facts import GitFacts
from unjam.adapters.git.worktrees import named_by_head
from unjam.adapters.processes.locks import git_locks
from unjam.adapters.processes.looking import scan
from unjam.adapters.state.rows.read import read_state
from unjam.domain.steps.outcome import StepWord
from unjam.domain.world.claims.ownership import WRONG, place_of
from unjam.domain.world.damage import Damage
from unjam.domain.world.identity import CommitId, WorkstreamId
from unjam.domain.world.naming import Owner
from unjam.domain.world.snapshot import Lock, LogTail, Snapshot, State, Worktree
from unjam.domain.world.status import Status
from unjam.domain.world.truth import Truth, Unknown
from unjam.engine.observing.local_signs import Here, signs_of
from unjam.engine.observing.sharing import sharing_of
from unjam.engine.observing.stray_directories import strays_with_owners, with_moved_away
from unjam.engine.observing.trunk_specs import as_on_trunk, with_history
from unjam.engine.observing.worktree_owners import TreeOwners
from unjam.engine.orchestration import Orchestration

if TYPE_CHECKING:
    from unjam.domain.steps.scope import Scope
    from unjam.domain.world.trials import TrunkTests


_AGAIN = 2  # times that a look is taken anew; a world that goes on moving is looked at as it is
_BELIEVED = (Status.UNKNOWN, Status.RUNNING, Status.COMPLETED, Status.CONFLICT, Status.BLOCKED)
_LOOKED_AT = 10  # runs; more of them in a row that have nothing to push are no case of life
_LEFT = (StepWord.REFUSED, StepWord.FAILED)


def observe(
    orchestration: Orchestration,
    only: frozenset[str] | None = None,
    *,
    scope: "Scope | None" = None,
    objects: bool = False,
    begun: git.StartedReading | None = None,
) -> Snapshot:
    """Look at Git, state, specs, processes, logs and disk; changes nothing.

    With ``only``, unsaved work is looked for in these worktrees alone ("" is the primary) and no
    landing is proved, which makes a second look cheap; with ``scope`` beside it, all other worktrees
    are only glimpsed at. What cannot be read becomes an "unknown" of the snapshot.
    With ``objects``, all of history is looked for lost objects, and not only where it looks broken.
    With ``begun``, the look at Git goes on from there. A look during which an agent committed and
    ended is taken again: its branch was read before that, its processes after.
    """
    seen = _look(orchestration, only, scope=scope, objects=objects, begun=begun)
    for _ in range(_AGAIN if only is None else 0):
        if not is_void(orchestration, seen):
            break
        seen = _look(orchestration, only, objects=objects)
    return seen if only is not None else _with_past(orchestration, seen)


def is_void(orchestration: Orchestration, seen: Snapshot) -> bool:
    """Tell whether a branch or HEAD that nobody is at work on any more has moved since it was read."""
    running = {row.workstream for row in seen.state.rows if row.status == Status.RUNNING}
    busy = {process.worktree for process in seen.processes}
    left = [
        tree
        for tree in seen.worktrees
        if tree.workstream in running and tree.name not in busy and not tree.damage
    ]
    if not left or seen.trunk_damaged:
        return False
    if any(_has_switched(orchestration, tree) for tree in left):
        return True
    on = {tree.branch for tree in left}
    read = {one.ref: one.tip for one in seen.branches if one.ref in on}
    now = refs.standing(Git(orchestration.common), sorted(read)) if read else {}
    return any(now[ref].commit not in (None, tip) for ref, tip in read.items())


def _has_switched(orchestration: Orchestration, tree: Worktree) -> bool:
    """Tell whether a HEAD names another branch now, or on no branch another commit."""
    branch, commit = named_by_head(orchestration.repository, tree.name)
    return branch != tree.branch or (branch is None and commit != tree.head)


def _look(
    orchestration: Orchestration,
    only: frozenset[str] | None,
    *,
    scope: "Scope | None" = None,
    objects: bool = False,
    begun: git.StartedReading | None = None,
) -> Snapshot:
    settings = orchestration.settings.orchestration
    state = read_state(orchestration.state)
    ordered = specs.read_specs(orchestration.below(settings.specs))
    owners = TreeOwners(orchestration, state, ordered.specs)
    request = replace(_request(orchestration, state, only, objects, owners), scope=scope)
    facts = with_moved_away(
        orchestration, git.observe(orchestration.repository, request, begun), state
    )
    ordered = as_on_trunk(orchestration, ordered, facts)
    trees = tuple(map(_with_locker, _owned(facts, owners)))
    seen = scan.scan(_processes(orchestration, trees))
    strays = strays_with_owners(orchestration, facts, state, ordered.specs)
    tails = logs.tails(orchestration.below(settings.logs))
    return Snapshot(
        repo=orchestration.primary,
        common=orchestration.common,
        trunk=facts.trunk,
        trunk_tip=facts.trunk_tip,
        observed_at=clock.now(),
        primary=facts.primary,
        worktrees=trees,
        branches=facts.branches,
        state=state,
        specs=with_history(orchestration, ordered.specs, facts.trunk_tip)
        if only is None
        else ordered.specs,
        bad_specs=ordered.bad,
        processes=seen.processes,
        processes_known=seen.known,
        locks=_locks(orchestration, facts, trees),
        strays=strays,
        stashes=facts.stashes,
        others=facts.others,
        lost=facts.lost,
        tests=_tests(orchestration, facts.trunk_tip),
        lost_branches=facts.lost_branches,
        shared=facts.shared,
        trunk_damaged=facts.trunk_damaged,
        logs=tails,
        nursery=orchestration.below(settings.worktrees),
        orchestrator_log=_tells_of_orchestrator(tails, tuple(settings.orchestrator)),
        patience=orchestration.settings.hang.after,
        sharing=sharing_of(orchestration, state, Here(facts, trees, strays, tails)),
        remote=facts.remote,
        # No step rests on it, and whoever looks again before each would read all of them each time.
        push_owed=only is None and facts.remote is not None and push_is_owed(orchestration),
        free_disk=disk.free_bytes(orchestration.common),
        glimpsed=facts.glimpsed,
        unknown=(
            *_unknown_state(state),
            *still_unknown(facts),
            *_unknown_specs(ordered, state),
            *seen.unknown,
        ),
    )


def _with_past(orchestration: Orchestration, snapshot: Snapshot) -> Snapshot:
    """Add what earlier runs saved of, and knew of, workstreams whose rows say running."""
    running = {row.workstream: row for row in snapshot.state.rows if row.status == Status.RUNNING}
    if not running or not files.children(orchestration.home / "journal"):
        return snapshot  # no run was here before: most checks end here
    full = {one.workstream for one in snapshot.branches if one.own_commits != 0}
    trees = {one.workstream for one in snapshot.worktrees if one.unsaved.any is not Truth.NO}
    empty = {name: row for name, row in running.items() if name not in full | trees}
    if empty:
        from unjam.engine.observing.saved_before import with_saved_before

        snapshot = with_saved_before(orchestration, snapshot, empty)
    begun = {name: row.started_at for name, row in running.items() if name in full}
    if not begun:
        return snapshot
    from unjam.engine.keeping.unfinished_work import unfinished_work

    return replace(snapshot, unfinished=unfinished_work(orchestration, begun))


def _request(
    orchestration: Orchestration,
    state: State,
    only: frozenset[str] | None,
    objects: bool = False,  # noqa: FBT001, FBT002 -- passed on as it came
    owners: TreeOwners | None = None,
) -> git.ObserveRequest:
    settings = orchestration.settings.orchestration
    return git.ObserveRequest(
        trunk=settings.trunk,
        remote=settings.remote,
        owner=orchestration.branch_template.owner,
        only=only,
        prove=_to_prove(state, only),
        closely=_to_read_closely(state, only),
        nursery=orchestration.below(settings.worktrees),
        objects=objects,
        owners=owners,
    )


def _to_prove(state: State, only: frozenset[str] | None) -> frozenset[WorkstreamId] | None:
    """Say whose landing is proved where that costs; a second look asks for no proof."""
    if only is not None:
        return frozenset()
    if state.readable is not Truth.YES:
        return None
    return frozenset(row.workstream for row in state.rows if row.means in _BELIEVED)


def _to_read_closely(state: State, only: frozenset[str] | None) -> frozenset[WorkstreamId] | None:
    """Say whose merged branches may be something else: what is settled in the trunk is so either way."""
    if only is not None or state.readable is not Truth.YES:
        return None
    return frozenset(row.workstream for row in state.rows if row.status == Status.RUNNING)


def _owned(facts: git.GitFacts, owners: TreeOwners) -> tuple[Worktree, ...]:
    """Say whose each worktree is: by its branch, and by the name of its directory.

    Where they contradict each other the directory is believed, and the branch is a guest's.
    """
    known = {branch.workstream for branch in facts.branches}
    by_branch = {one.ref: Owner(one.workstream, one.agent) for one in facts.branches}
    return tuple(
        _owned_by_name(tree, owners, known)
        if owners.directory(by_branch.get(tree.branch or "")) != tree.path.name
        else tree
        for tree in facts.worktrees
    )


def _owned_by_name(tree: Worktree, owners: TreeOwners, known: set[WorkstreamId]) -> Worktree:
    owner = owners.of(Path(tree.path), known)
    if owner is None or owner.workstream == tree.workstream:
        return tree
    if tree.workstream is None:
        return replace(tree, workstream=owner.workstream)
    on = ((tree.branch, tree.head),) if tree.branch and tree.head else ()
    guest_on = tuple(dict.fromkeys((*tree.guest_on, *on)))
    return replace(tree, workstream=owner.workstream, guest_on=guest_on)


def _processes(orchestration: Orchestration, trees: tuple[Worktree, ...]) -> scan.Request:
    settings = orchestration.settings.orchestration
    # Where two are registered for one place the last has it: that which the place itself names.
    ordered = sorted(trees, key=lambda tree: tree.present is Truth.YES)
    return scan.Request(
        repo=orchestration.primary,
        # Whoever works in another repository's worktree is no agent of ours.
        worktrees={tree.name: place_of(tree) for tree in ordered if tree.whose not in WRONG},
        orchestrator=tuple(settings.orchestrator),
        agents=frozenset(settings.agents),
        nursery=orchestration.below(settings.worktrees),
    )


def _locks(
    orchestration: Orchestration, facts: git.GitFacts, trees: tuple[Worktree, ...]
) -> tuple[Lock, ...]:
    """Judge each lock file by whether anybody alive could own it."""
    found = [Lock(one.path, one.worktree, one.since, Truth.UNKNOWN, "") for one in facts.locks]
    places = {tree.name: tree.path for tree in trees} | {"": orchestration.primary}
    return git_locks.judge_locks(found, orchestration.common, places)


def _with_locker(tree: Worktree) -> Worktree:
    """Ask for the process that a locked worktree's reason names."""
    if not tree.lock_reason:
        return tree
    return replace(
        tree, locker=git_locks.locker_lives(tree.lock_reason, Path(tree.admin) / "locked")
    )


def _tells_of_orchestrator(tails: Iterable[LogTail], orchestrators: tuple[str, ...]) -> bool:
    """Tell a log that an orchestrator wrote, or that names one."""
    told = (line for one in tails for line in (one.path.name, *one.lines))
    return any(name in line for line in told for name in orchestrators)


def detected(orchestration: Orchestration) -> dict[str, dict[str, object]]:
    """Say what of the configuration the repository itself answers, for ``unjam init``."""
    facts = git.observe(
        orchestration.repository, _request(orchestration, State("", Truth.NO), frozenset())
    )
    return {"orchestration": {"trunk": facts.trunk.removeprefix("refs/heads/")}}


def content_on_trunk(orchestration: Orchestration, path: str) -> bytes | None:
    """Return a file as the trunk's tip has it; None where it has none."""
    request = _request(orchestration, State("", Truth.NO), frozenset())
    tip = git.observe(orchestration.repository, request).trunk_tip
    found = Git(orchestration.common).run("cat-file", "blob", f"{tip}:{path}", accept=None)
    return found.out if found.status == 0 else None


def _tests(orchestration: Orchestration, tip: CommitId) -> "TrunkTests | None":
    """Return what tests were found to say of just this trunk; none are run for it."""
    if not files.exists(orchestration.home / "tests" / f"trunk-{tip}.json"):
        return None
    # Nobody asked in most repositories: those need not wait for what reads it.
    from unjam.engine.observing.tests_on_record import recorded

    return recorded(orchestration, tip)


def _unknown_state(state: State) -> tuple[Unknown, ...]:
    if state.readable is Truth.UNKNOWN:
        return (Unknown("state database", state.because),)
    return (Unknown("all rows of the state", state.hidden),) if state.hidden else ()


def with_signs_of_life(snapshot: Snapshot) -> Snapshot:
    """Add to each worktree when anything in it last changed: its files at risk, index or reflog."""
    trees = (replace(tree, touched_at=files.newest(signs_of(tree))) for tree in snapshot.worktrees)
    return replace(snapshot, worktrees=tuple(trees))


def _unknown_specs(ordered: specs.SpecFacts, state: State) -> tuple[Unknown, ...]:
    """Return what of the specs is unknown; where no file is one and no state is here, they are none."""
    are_others = not ordered.specs and state.readable is Truth.NO
    return () if are_others and ordered.bad else ordered.unknown


def still_unknown(facts: GitFacts) -> tuple[Unknown, ...]:
    """Return what stays unknown."""
    trees = (facts.primary, *facts.worktrees)
    refs = {one.ref for one in facts.lost_branches}
    refs |= {one.branch for one in trees if one.branch and Damage.BRANCH in one.damage}
    lost = {one.id for one in facts.lost}
    return tuple(
        one
        for one in facts.unknown
        if one.what.removeprefix("ref ") not in refs and lost.isdisjoint(one.because.split())
    )


def push_is_owed(orchestration: Orchestration) -> bool:
    """Tell whether the last push of a run failed or was refused."""
    for run in reversed(journal.runs(orchestration.common)[-_LOOKED_AT:]):
        words = [
            word for record in journal.read(orchestration.common, run) if (word := _word(record))
        ]
        if words:
            return words[-1] in _LEFT
    return False


def _word(record: dict[str, object]) -> str:
    """Return what came of a push, if this record tells it."""
    from unjam.domain.steps.plan import Push  # a check of what was never recovered needs no plans

    outcome = record.get("outcome")
    fields = outcome.get("fields") if isinstance(outcome, dict) else None
    if not isinstance(fields, dict) or fields.get("step") != Push.verb:
        return ""
    return str(fields.get("word", ""))
