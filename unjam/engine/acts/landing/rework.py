"""Prepare that reverted work is done again, so that landing it brings all of it back.

Git takes a branch that was merged and reverted for merged: merging it again, with its fix, would
drop everything but the fix and say nothing. So it is taken up on a branch that starts at the trunk
with the work put back in, and the branch that was landed goes into the vault. What failed is written
into the spec, where whoever does it again looks first.
"""

from dataclasses import replace
from functools import partial

from unjam.adapters.git import refs
from unjam.adapters.git.command import Git
from unjam.adapters.git.moving.exchange import Exchange, exchanged, tree_of
from unjam.adapters.git.moving.merge import OURS, Merged, Nothing
from unjam.adapters.verdicts import write_page
from unjam.domain.redaction.redact import redact
from unjam.domain.scenarios.shared.spec_edit import with_context
from unjam.domain.steps.change import MoveRef
from unjam.domain.steps.outcome import Outcome, StepWord
from unjam.domain.steps.plan import Rework
from unjam.domain.world.identity import CommitId, WorkstreamId
from unjam.domain.world.lookups import UntoldError, spec_named
from unjam.domain.world.snapshot import Snapshot, Spec
from unjam.domain.world.status import Status
from unjam.domain.world.truth import Truth
from unjam.engine.acts.landing.spec_file import Edit, edit_file
from unjam.engine.acts.recovery import Landed, Recovery, outcome
from unjam.engine.keeping.vault import folder_of, quoted, ref_of
from unjam.engine.observing.tests_on_record import recorded, write_down
from unjam.errors import PermanentError, RefusedError


def rework(run: Recovery, step: Rework, fresh: Snapshot) -> tuple[Outcome, ...]:
    """Tell the spec what failed, make the branch from there, and put the row on pending."""
    landed = _reverted(run, step, fresh)
    told, tip, kept = _tell_spec(run, step, fresh)
    commit = _put_back(run, step, tip)
    now = refs.resolve(Git(run.orchestration.common), step.branch)
    if now is not None and tree_of(run.orchestration.common, now) != tree_of(
        run.orchestration.common, commit
    ):  # one of the same content is what a killed run had made
        raise RefusedError(f"there is a branch {_short(step.branch)} already")
    page = folder_of(run.orchestration, run.run) / "rework" / f"{quoted(step.subject)}.md"
    write_page(page, _page(step))
    if now is None:
        run.door.make(MoveRef(step.branch, None, commit))
    retired = _retire(run, step)
    message = f"{landed.because}; to be done again on {_short(step.branch)}; what failed: {page}"
    run.landed[WorkstreamId(step.subject)] = Landed(
        done=True, status=Status.PENDING, because=message
    )
    sentence = f"{_short(step.branch)} holds the work on top of the trunk; {told}; {retired}"
    return (outcome(step, StepWord.DONE, sentence, str(page), *kept),)


def _reverted(run: Recovery, step: Rework, fresh: Snapshot) -> Landed:
    """Return how its landing was reverted: by this run, or by one that was killed after it."""
    name = WorkstreamId(step.subject)
    landed = run.landed.get(name)
    if landed is None and _is_out(run, step, fresh):
        landed = run.landed[name] = Landed(
            done=True, status=Status.REVERTED, because="it broke the tests"
        )
    if landed is None or not landed.done:
        raise RefusedError("its landing was not reverted, so there is nothing to do again")
    return landed


def _is_out(run: Recovery, step: Rework, fresh: Snapshot) -> bool:
    """Tell whether the trunk has nothing of it any more: to take it out would change nothing."""
    change = Exchange(step.unit.after, step.unit.before)
    by = (OURS, run.started)
    common = run.orchestration.common
    return isinstance(exchanged(common, fresh.trunk_tip, [change], "trial", by), Nothing)


def _tell_spec(
    run: Recovery, step: Rework, fresh: Snapshot
) -> tuple[str, CommitId, tuple[str, ...]]:
    """Write what failed into the spec; where that is not possible the page in the vault has to do."""
    try:
        spec = spec_named(step.workstream, fresh)
    except UntoldError as error:
        return f"what failed is not in its spec: {error}", fresh.trunk_tip, ()
    if spec is None:
        return "it has no spec to say what failed", fresh.trunk_tip, ()
    context = redact(_context(step)).text  # it is pushed, and tests print what they like
    by_hand = "say in its context what failed"
    edit = Edit(partial(_with_context, context), _message(run, step, spec), by_hand)
    try:
        written = edit_file(run, fresh, spec, edit)
    except (RefusedError, PermanentError) as error:
        return f"what failed is not in its spec: {error}", fresh.trunk_tip, ()
    _carry_over(run, fresh, written.tip, step)
    return f"what failed is in {written.where}", written.tip, written.kept


def _with_context(context: str, content: bytes) -> bytes:
    return with_context(content, context)


def _carry_over(run: Recovery, fresh: Snapshot, tip: CommitId, step: Rework) -> None:
    """Keep for the trunk what its tests said right before, saying so: only a spec has changed."""
    found = recorded(run.orchestration, fresh.trunk_tip)
    if found is not None and tip != fresh.trunk_tip:
        said = f"{found.said}, before the spec of {step.workstream} was edited"
        write_down(run.orchestration, replace(found, tip=tip, said=said))


def _put_back(run: Recovery, step: Rework, tip: CommitId) -> CommitId:
    message = (
        f'Reapply "{step.unit.subject}"\n\n'
        "It was reverted because it broke tests; it is to be mended on this branch, and landed again.\n"
    )
    change = Exchange(step.unit.before, step.unit.after)
    common = run.orchestration.common
    made = exchanged(common, tip, [change], message, (OURS, run.started))
    if not isinstance(made, Merged):
        raise RefusedError(
            "the work cannot be put back on the trunk as it is; that is for a person"
        )
    return made.commit


def _retire(run: Recovery, step: Rework) -> str:
    """Move the branch that was landed into the vault, where nobody can land it by mistake."""
    common, name = run.orchestration.common, _short(step.old)
    tip = refs.resolve(Git(common), step.old)
    if tip is None:
        return f"{name} is gone"
    used, where = refs.in_use(common, step.old)
    if used is not Truth.NO:
        return f"{name} is in use by {where}: do not land it again, it would drop the work"
    kept = ref_of(run.run, "branch", name)
    run.door.make(MoveRef(kept, None, tip))
    run.door.make(MoveRef(step.old, tip, None))
    return f"{name} is kept as {kept}"


def _context(step: Rework) -> str:
    return (
        f"This work landed and was reverted, because tests failed with it. Go on from"
        f" {_short(step.branch)}, which holds all of it on top of the trunk, and mend it there;"
        f" merging {_short(step.old)} again would bring nothing back. What failed:\n\n{step.told}"
    )


def _message(run: Recovery, step: Rework, spec: Spec) -> str:
    return (
        f"Tell {spec.workstream} which tests failed with it\n\n"
        f"It was reverted, and is to be done again on {_short(step.branch)}.\n\n"
        f"Approved in unjam {run.run}\n"
    )


def _page(step: Rework) -> str:
    unit = step.unit
    return (
        f"# {step.workstream}: what failed\n\n"
        f"Work on `{_short(step.branch)}`. The change that broke the tests:"
        f" `git diff {unit.before} {unit.after}`\n\n"
        "```\n" + step.told.replace("```", "'''") + "\n```\n"
    )


def _short(ref: str) -> str:
    return ref.removeprefix("refs/heads/")
