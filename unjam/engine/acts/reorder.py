"""Let workstreams have their turn: entries out of specs, rows that wait no more."""

import json
from functools import partial

from unjam.adapters import clock, files
from unjam.adapters.state.reference import reopened
from unjam.domain.catalogue.scenarios import picture_of
from unjam.domain.redaction.redact import redact
from unjam.domain.scenarios.shared.spec_edit import with_context, without_dependencies
from unjam.domain.steps.outcome import Outcome, StepWord
from unjam.domain.steps.plan import EditSpec, Reopen
from unjam.domain.steps.tell_spec import TellSpec
from unjam.domain.world.lookups import rows_in, spec_named
from unjam.domain.world.snapshot import Snapshot
from unjam.domain.world.status import Status
from unjam.engine.acts.landing.spec_file import Edit, edit_file
from unjam.engine.acts.record import moment_for, row_to_write
from unjam.engine.acts.recovery import Recovery, incomplete_because, outcome
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


def tell_spec(run: Recovery, step: TellSpec, fresh: Snapshot) -> tuple[Outcome, ...]:
    """Say in the spec what has landed and where the rest is; nothing where the work is complete."""
    because = step.because or incomplete_because(run, step, fresh)
    spec = spec_named(step.workstream, fresh)
    if spec is None:
        raise RefusedError(f"the spec of {step.workstream} is gone")
    if not because:
        return (outcome(step, StepWord.ALREADY_DONE, "nothing to tell: its work is complete"),)
    refs = [run.saved[name].ref for name in step.worktrees if name in run.saved]
    rest = f" What it had not committed is kept as {', '.join(refs)}." if refs else ""
    told = redact(f"{because}.{rest}").text  # it is pushed, and tests print what they like
    edit = Edit(
        partial(_with_rest, step.attempt, told),
        f"Tell {step.workstream} what of it has landed\n\nApproved in unjam {run.run}\n",
        "say in its context what has landed, and what is left to do",
    )
    written = edit_file(run, fresh, spec, edit)
    return (outcome(step, StepWord.DONE, f"told in {written.where}", *written.kept),)


def _with_rest(attempt: str, told: str, content: bytes) -> bytes:
    """Add it to the context, once for each attempt: a second run may have saved the rest anew."""
    head = f"An earlier attempt ({attempt}) has landed, and is not finished:"
    if json.dumps(head)[1:-1].encode() in content:
        return content
    return with_context(
        content, f"{head} {told} Go on from the trunk; do not do again what is there."
    )


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
