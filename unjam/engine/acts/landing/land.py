"""Land branches: merge in a trial, verify, move the trunk."""

import shlex
from dataclasses import replace
from pathlib import Path

from unjam.adapters import files
from unjam.adapters.git import refs
from unjam.adapters.git.moving import remote
from unjam.adapters.git.moving.checkout import refuse_move
from unjam.adapters.git.moving.merge import OURS, Merged, merge_onto
from unjam.adapters.git.moving.upstream import UpstreamSide, look_upstream
from unjam.adapters.git.proving.submodules import only_here
from unjam.domain.steps.change import Change, MoveCheckout, MoveRef, Position
from unjam.domain.steps.outcome import Outcome, StepWord
from unjam.domain.steps.plan import Land, Landing
from unjam.domain.steps.policy import Consent, StepClass
from unjam.domain.world.claims.incomplete import NO_END, in_row
from unjam.domain.world.claims.ownership import place_of
from unjam.domain.world.identity import CommitId, WorkstreamId
from unjam.domain.world.snapshot import Snapshot, Worktree
from unjam.domain.world.status import Status
from unjam.domain.world.truth import Truth
from unjam.engine.acts.landing.conflict_pages import report_conflict
from unjam.engine.acts.landing.landing_trial import Landable, search
from unjam.engine.acts.recovery import Landed, Recovery
from unjam.engine.keeping.unfinished_work import UNFINISHED
from unjam.engine.observing.tests_on_record import note_failure
from unjam.errors import RefusedError, UnjamError


def land(run: Recovery, step: Land, fresh: Snapshot) -> tuple[Outcome, ...]:
    """Find what can land, then move the trunk once; each workstream gets an outcome of its own."""
    base = base_to_build_on(run, fresh)
    held = _held(run, step, fresh, base)
    found = search(run, step, base, held)
    if found.not_tried or found.trunk_fails:
        run.gave_up = True  # no attempt at landing it: what is in the way is not in the work
    if found.trunk_fails:
        note_failure(run.orchestration, base, found.trunk_fails)
    _note_unfinished(run, step, found)
    parked = move_trunk(run, fresh, found.tip) if found.landable else None
    met = _meeting_edits(run, step, fresh, base) if parked is not None else {}
    if met and not met.keys() >= set(found.landable):
        rest = search(run, step, base, {**held, **met})
        if rest.landable:
            found, parked = rest, move_trunk(run, fresh, rest.tip, "landing-of-rest")
    tip = found.tip if found.landable and parked is None else fresh.trunk_tip
    for one in step.landings:
        conflict = found.conflicts.get(one.workstream)
        page = report_conflict(run, fresh, one, tip, conflict) if conflict else ""
        run.landed[one.workstream] = _landed(one, found, parked, page)
    return tuple(_outcome(step, one, run.landed[one.workstream]) for one in step.landings)


def _held(run: Recovery, step: Land, fresh: Snapshot, base: CommitId) -> dict[WorkstreamId, str]:
    """Hold back what names commits of a submodule that nobody could check out but from its worktree."""
    trees = [Path(place_of(one)) for one in fresh.worktrees]
    held = {}
    for one in step.landings:
        sides, primary = (base, one.tip), Path(fresh.primary.path)
        for lost in only_here(run.orchestration.common, sides, primary, trees):
            here, there = shlex.quote(str(primary / lost.path)), shlex.quote(str(lost.checkout))
            is_ready = files.exists(primary / lost.path / ".git")
            over = f", or take it over: git -C {here} fetch {there} HEAD" if is_ready else ""
            held[one.workstream] = (
                f"it names commit {lost.commit[:12]} of submodule {lost.path}, which only "
                f"{fresh.place(lost.checkout)} has: push it from there{over}"
            )
    return held


def _note_unfinished(run: Recovery, step: Land, found: Landable) -> None:
    """Write down before the trunk moves what lands unfinished: a kill must not forget it."""
    for name, evidence in found.unfinished.items():
        run.note(UNFINISHED, workstream=name, because=list(evidence))
    for one in step.landings:
        told = _landed(one, found, None, "")
        if told.status is Status.COMPLETED and NO_END in told.because:
            run.note(UNFINISHED, workstream=one.workstream, because=[told.because])


def _meeting_edits(
    run: Recovery, step: Land, fresh: Snapshot, base: CommitId
) -> dict[WorkstreamId, str]:
    """Hold back what by itself would meet a person's edits, for the others can land without it."""
    met = {}
    for one in step.landings:
        sides, told = (base, one.tip), f"Merge {one.ref.removeprefix('refs/heads/')}"
        made = merge_onto(run.orchestration.common, sides, told, OURS, run.started)
        if not isinstance(made, Merged):
            continue
        try:
            change = trunk_change(run, fresh, made.commit)
            if isinstance(change, MoveCheckout):
                refuse_move(change)
        except RefusedError as error:
            met[one.workstream] = f"parked: {error}; once nothing is in the way: unjam recover"
    return met


def base_to_build_on(run: Recovery, fresh: Snapshot) -> CommitId:
    """Build on the remote's trunk where it is ahead of ours: beside it nothing could be pushed."""
    name, common = run.policy.remote, run.orchestration.common
    if name is None or run.policy.approval(StepClass.PUSH) is Consent.OFF:
        return fresh.trunk_tip
    try:
        url = remote.remote_url(common, name)
        there = look_upstream(common, url, fresh.trunk, fresh.trunk_tip) if url else None
    except UnjamError as error:  # the push will say so to the person
        run.note("remote not asked", because=str(error))
        return fresh.trunk_tip
    if there is None or there.tip is None or there.side is not UpstreamSide.MORE:
        return fresh.trunk_tip
    return there.tip


def _landed(landing: Landing, found: Landable, parked: Landed | None, page: str) -> Landed:
    if landing.workstream not in found.landable:
        refused = found.refused[landing.workstream]
        told = f"; what to do: {page}" if page else ""
        return replace(refused, because=f"{refused.because}{told}")
    said = found.rebased.get(landing.workstream)
    how = f", rebased: merging it {said}" if said else ""
    untried = found.untried.get(landing.workstream, "")
    proven = landing.acceptance_tests and not untried
    unended = NO_END if landing.unended and not proven else ""
    because = "; ".join(filter(None, (f"landed in {found.tip[:12]}{how}", untried)))
    rest = found.unfinished.get(landing.workstream)
    if rest:
        incomplete = in_row("; ".join((because, *rest)))
        return parked or Landed(done=True, status=Status.FAILED, because=incomplete)
    told = "; ".join(filter(None, (because, unended)))
    return parked or Landed(done=True, status=Status.COMPLETED, because=told)


def _outcome(step: Land, landing: Landing, landed: Landed) -> Outcome:
    name = landing.ref.removeprefix("refs/heads/")
    if landed.done:
        return Outcome(step.verb, name, StepWord.DONE, landed.because, landing.workstream)
    word = StepWord.FAILED if landed.status == Status.FAILED else StepWord.REFUSED
    sentence = "; ".join(filter(None, (landed.because, landed.advice)))
    return Outcome(step.verb, name, word, sentence, landing.workstream)


def move_trunk(
    run: Recovery, fresh: Snapshot, tip: CommitId, what: str = "landing"
) -> Landed | None:
    """Move the trunk, in the checkout that is on it if there is one; None when it is moved.

    Until then the tip is kept in the vault under the name of what it is.
    """
    kept = f"refs/unjam/{run.run}/{what}"
    run.door.make(MoveRef(kept, None, tip))
    try:
        run.door.make(trunk_change(run, fresh, tip))
    except RefusedError as error:
        holder = next(
            (one for one in _checkouts(fresh) if one.branch == fresh.trunk), fresh.primary
        )
        place = shlex.quote(str(holder.path))
        advice = (
            "the verified result is kept, and once nothing is in the way"
            f" `unjam recover` takes it, or: git -C {place} merge --ff-only {kept}"
        )
        return Landed(done=False, status=None, because=f"parked: {error}", advice=advice)
    return None


def trunk_change(run: Recovery, fresh: Snapshot, tip: CommitId) -> Change:
    """Name the change that moves the trunk here; raises RefusedError where none can."""
    holders = [one for one in _checkouts(fresh) if one.branch == fresh.trunk]
    if len(holders) > 1:
        raise RefusedError(f"{fresh.trunk_name} is checked out in {len(holders)} places at once")
    for holder in holders:
        old, new = Position(fresh.trunk, fresh.trunk_tip), Position(fresh.trunk, tip)
        return MoveCheckout(holder.path, holder.admin, old, new)
    used, where = refs.in_use(run.orchestration.common, fresh.trunk)
    if used is not Truth.NO:
        raise RefusedError(f"{fresh.trunk_name} is in use by {where}")
    return MoveRef(fresh.trunk, fresh.trunk_tip, tip)


def _checkouts(fresh: Snapshot) -> tuple[Worktree, ...]:
    return (fresh.primary, *fresh.worktrees)
