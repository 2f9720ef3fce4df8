"""Let workstreams have their turn: entries out of specs, rows that wait no more."""

from functools import partial

from unjam.adapters import clock, files
from unjam.adapters.state.reference import reopened
from unjam.domain.catalogue.scenarios import picture_of
from unjam.domain.scenarios.shared.spec_edit import without_dependencies
from unjam.domain.steps.outcome import Outcome, StepWord
from unjam.domain.steps.plan import EditSpec, Reopen
from unjam.domain.world.lookups import rows_in, spec_named
from unjam.domain.world.snapshot import Snapshot
from unjam.domain.world.status import Status
from unjam.engine.acts.landing.spec_file import Edit, edit_file
from unjam.engine.acts.record import moment_for, row_to_write
from unjam.engine.acts.recovery import Recovery, outcome
from unjam.engine.acts.vault_places import keep_state
from unjam.engine.keeping.vault import folder_of
from unjam.errors import RefusedError

PICTURE = "dependencies.svg"


def edit_spec(run: Recovery, step: EditSpec, fresh: Snapshot) -> tuple[Outcome, ...]:
    """Take the entries out, on the trunk; a spec that Git does not have is edited in place."""
    spec = spec_named(step.workstream, fresh)
    if spec is None:
        raise RefusedError(f"the spec of {step.workstream} is gone")
    picture = _keep_picture(run, fresh)
    by_hand = f"take {_named(step)} out of its depends_on by hand"
    edit = Edit(partial(_without, step), _message(run, step), by_hand)
    written = edit_file(run, fresh, spec, edit)
    sentence = f"took {_named(step)} out of {written.where}"
    return (outcome(step, StepWord.DONE, sentence, *written.kept, *picture),)


def reopen(run: Recovery, step: Reopen, fresh: Snapshot) -> tuple[Outcome, ...]:
    """Bring the row back to pending; why it was blocked or failed goes into the journal with it."""
    row = row_to_write(step, fresh)
    for one in step.after:
        if one not in run.landed or not run.landed[one].done:
            raise RefusedError(f"it stays {row.status}: {one} did not land")
    keep_state(run)
    picture = _keep_picture(run, fresh)
    now = moment_for(row, rows_in(fresh), clock.now())
    run.door.make(reopened(row, now))
    return (outcome(step, StepWord.DONE, f"{row.status} → {Status.PENDING}", *picture),)


def _without(step: EditSpec, content: bytes) -> bytes:
    return without_dependencies(content, step.without)


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
