"""Let workstreams have their turn: entries out of specs, rows that wait no more."""

import shlex
from pathlib import Path

from unjam.adapters import clock, files
from unjam.adapters.git.moving.edit import Committed, commit_edit, file_in
from unjam.domain.change import MoveRef, UpdateRow, WriteFile
from unjam.domain.graph_picture import picture_of
from unjam.domain.outcome import Outcome, StepWord
from unjam.domain.plan import EditSpec, Reopen
from unjam.domain.snapshot import Scalar, Snapshot, Spec, Truth
from unjam.domain.spec_edit import without_dependencies
from unjam.engine.acts.land import trunk_change
from unjam.engine.acts.record import moment_for
from unjam.engine.recovery import Recovery, outcome
from unjam.engine.trial import IDENTITY
from unjam.engine.vault import folder_of, keep_state, ref_of
from unjam.errors import PermanentError, RefusedError

PICTURE = "dependencies.svg"
_MODE = 0o644


def edit_spec(run: Recovery, step: EditSpec, fresh: Snapshot) -> tuple[Outcome, ...]:
    """Commit the edit onto the trunk, as a landing; a spec that Git does not have is edited in place."""
    spec = next(one for one in fresh.specs if one.workstream == step.workstream)
    place = _place(spec, fresh)
    committed = file_in(run.orchestration.common, fresh.trunk_tip, place)
    picture = _keep_picture(run, fresh)
    if committed is None:
        _edit_in_place(run, step, spec)
        sentence = f"took {_named(step)} out of {place}, which is not in Git"
        return (outcome(step, StepWord.DONE, sentence, *picture),)
    _refuse_if_edited(step, place, committed, fresh)
    edited = Committed(place, committed.mode, _without(step, committed.content))
    tip = commit_edit(
        run.orchestration.common,
        fresh.trunk_tip,
        edited,
        _message(run, step),
        (IDENTITY, run.started),
    )
    kept = ref_of(run.run, "spec", tip[:12])  # an id can be too long for a name
    run.door.make(MoveRef(kept, None, tip))
    run.door.make(trunk_change(run, fresh, tip))
    sentence = f"took {_named(step)} out of {place}, as {tip[:12]} on {fresh.trunk_name}"
    return (outcome(step, StepWord.DONE, sentence, kept, *picture),)


def reopen(run: Recovery, step: Reopen, fresh: Snapshot) -> tuple[Outcome, ...]:
    """Bring the row back to pending; why it was blocked or failed goes into the journal with it."""
    row = next(one for one in fresh.state.rows if one.workstream == step.workstream)
    for one in step.after:
        if one not in run.landed or not run.landed[one].done:
            raise RefusedError(f"it stays {row.status}: {one} did not land")
    keep_state(run)
    picture = _keep_picture(run, fresh)
    values: dict[str, Scalar] = {
        "status": "pending",
        "blocked_by": None,
        "error_message": None,
        "started_at": None,
        "completed_at": None,
        "updated_at": moment_for(row, fresh.state.rows, clock.now()),
    }
    after = tuple((name, values.get(name, value)) for name, value in row.values)
    run.door.make(UpdateRow(row.workstream, row.values, after))
    return (outcome(step, StepWord.DONE, f"{row.status} → pending", *picture),)


def _place(spec: Spec, fresh: Snapshot) -> str:
    if not spec.path.is_relative_to(fresh.repo):
        raise RefusedError(f"{spec.path} is not in this repository; edit it by hand")
    return spec.path.relative_to(fresh.repo).as_posix()


def _refuse_if_edited(step: EditSpec, place: str, committed: Committed, fresh: Snapshot) -> None:
    """Refuse where what is checked out is not what the trunk has: that edit is a person's."""
    by_hand = (
        f"take {_named(step)} out of its depends_on by hand, or commit it, then: unjam recover"
    )
    if not committed.is_regular:
        raise RefusedError(f"{place} is no regular file in {fresh.trunk_name}; {by_hand}")
    primary = fresh.primary
    if primary.branch != fresh.trunk:
        switch = f"git -C {shlex.quote(str(primary.path))} switch {shlex.quote(fresh.trunk_name)}"
        raise RefusedError(f"the primary is not on {fresh.trunk_name}; first: {switch}")
    if primary.unsaved.known is not Truth.YES:
        raise RefusedError(f"whether {place} was edited cannot be told: {primary.unsaved.because}")
    if place in primary.unsaved.paths:
        raise RefusedError(f"{place} has uncommitted edits; {by_hand}")


def _edit_in_place(run: Recovery, step: EditSpec, spec: Spec) -> None:
    path = Path(spec.path)
    before = files.content(path)
    if before is None:
        raise RefusedError(f"{path} is gone")
    run.door.make(WriteFile(path, before, _without(step, before), _MODE))


def _without(step: EditSpec, content: bytes) -> bytes:
    try:
        return without_dependencies(content, step.without)
    except (ValueError, IndexError) as error:
        raise PermanentError(f"{step.path.name} cannot be edited: {error}") from error


def _message(run: Recovery, step: EditSpec) -> str:
    named = _named(step)
    return (
        f"Let {step.workstream} no longer wait for {named}\n\n"
        f"{step.reason[:1].upper()}{step.reason[1:]}.\n\nApproved in unjam {run.run}\n"
    )


def _named(step: EditSpec) -> str:
    return ", ".join(step.without)


def _keep_picture(run: Recovery, fresh: Snapshot) -> tuple[str, ...]:
    """Keep the picture of the graph as it was before the first change of this run, if it has one."""
    path = folder_of(run.orchestration, run.run) / PICTURE
    if not files.exists(path):
        picture = picture_of(fresh)
        if not picture:
            return ()
        files.write_atomically(path, picture.encode("utf-8", "surrogateescape"))
    return (str(path),)
