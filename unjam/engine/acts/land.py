"""Land branches: merge in a trial, verify, move the trunk, push."""

from pathlib import Path

from unjam.adapters.git import refs, remote
from unjam.adapters.git.command import Git
from unjam.domain.change import Change, MoveCheckout, MoveRef, Position, PushRef
from unjam.domain.outcome import Outcome, StepWord
from unjam.domain.plan import Land, Landing, Push
from unjam.domain.snapshot import CommitId, Snapshot, Truth
from unjam.engine.recovery import Landed, Recovery
from unjam.engine.recovery import outcome as outcome_of
from unjam.engine.trial import Found, search
from unjam.errors import PermanentError, RefusedError


def land(run: Recovery, step: Land, fresh: Snapshot) -> tuple[Outcome, ...]:
    """Find what can land, then move the trunk once; each workstream gets an outcome of its own."""
    found = search(run, step, fresh.trunk_tip)
    if found.landable:
        _move_trunk(run, fresh, found.tip)
    for one in step.landings:
        run.landed[one.workstream] = _landed(one, found)
    return tuple(_outcome(step, one, run.landed[one.workstream]) for one in step.landings)


def _landed(landing: Landing, found: Found) -> Landed:
    if landing.workstream in found.landable:
        return Landed(done=True, status="completed", because=f"landed in {found.tip[:12]}")
    return found.refused[landing.workstream]


def _outcome(step: Land, landing: Landing, landed: Landed) -> Outcome:
    name = landing.ref.removeprefix("refs/heads/")
    if landed.done:
        return Outcome(step.verb, name, StepWord.DONE, landed.because, landing.workstream)
    word = StepWord.FAILED if landed.status == "failed" else StepWord.REFUSED
    return Outcome(step.verb, name, word, landed.because, landing.workstream)


def _move_trunk(run: Recovery, fresh: Snapshot, tip: CommitId) -> None:
    """Move the trunk, in the checkout that is on it if there is one."""
    holders = [tree for tree in (fresh.primary, *fresh.worktrees) if tree.branch == fresh.trunk]
    change: Change
    if len(holders) == 1:
        old, new = Position(fresh.trunk, fresh.trunk_tip), Position(fresh.trunk, tip)
        change = MoveCheckout(holders[0].path, holders[0].admin, old, new)
    else:
        used, where = refs.in_use(run.orchestration.common, fresh.trunk)
        if used is not Truth.NO:
            raise RefusedError(f"{fresh.trunk_name} is in use by {where}; the landing is parked")
        change = MoveRef(fresh.trunk, fresh.trunk_tip, tip)
    kept = f"refs/unjam/{run.run}/landing"
    run.door.make(MoveRef(kept, None, tip))
    try:
        run.door.make(change)
    except RefusedError as error:
        command = f"git -C {Path(fresh.primary.path)} merge --ff-only {kept}"
        raise RefusedError(
            f"{error}; the verified landing is parked, to take it: {command}"
        ) from error


def push(run: Recovery, step: Push, fresh: Snapshot) -> tuple[Outcome, ...]:
    """Push the trunk, fail-closed, and remember where the remote's trunk is."""
    common = run.orchestration.common
    url = remote.remote_url(common, step.remote)
    if url is None:
        raise PermanentError(f"remote {step.remote} has no usable URL")
    there = remote.remote_tip(common, url, fresh.trunk)
    word = StepWord.ALREADY_DONE if there == fresh.trunk_tip else StepWord.DONE
    if word is StepWord.DONE:
        where = remote.host_of(url)  # the journal must not hold a password
        run.door.make(PushRef(step.remote, where, fresh.trunk, there, fresh.trunk_tip))
    tracking = f"refs/remotes/{step.remote}/{fresh.trunk_name}"
    known = refs.resolve(Git(common), tracking)
    if known != fresh.trunk_tip:
        run.door.make(MoveRef(tracking, known, fresh.trunk_tip))
    sentence = f"{step.remote} has {fresh.trunk_tip[:12]}"
    return (outcome_of(step, word, sentence),)
