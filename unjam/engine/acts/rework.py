"""Prepare that reverted work is done again, so that landing it brings all of it back.

Git takes a branch that was merged and reverted for merged: merging it again, with its fix, would
drop everything but the fix and say nothing. So it is taken up on a branch that starts at the trunk
with the work put back in, and the branch that was landed goes into the vault.
"""

from unjam.adapters.git import refs
from unjam.adapters.git.command import Git
from unjam.adapters.git.moving.merge import Merged
from unjam.adapters.git.moving.without import Exchange, exchanged
from unjam.adapters.verdicts import write_page
from unjam.domain.change import MoveRef
from unjam.domain.outcome import Outcome, StepWord
from unjam.domain.plan import Rework
from unjam.domain.snapshot import CommitId, Snapshot, Truth
from unjam.engine.recovery import Landed, Recovery, outcome
from unjam.engine.trial import IDENTITY
from unjam.engine.vault import folder_of, quoted, ref_of
from unjam.errors import RefusedError


def rework(run: Recovery, step: Rework, fresh: Snapshot) -> tuple[Outcome, ...]:
    """Make the branch, keep what failed for whoever works on it, and put the row on pending."""
    landed = run.landed.get(step.workstream) if step.workstream else None
    if step.workstream is None or landed is None or not landed.done:
        raise RefusedError("its landing was not reverted, so there is nothing to do again")
    commit = _put_back(run, step, fresh)
    now = refs.resolve(Git(run.orchestration.common), step.branch)
    if now not in (None, commit):
        raise RefusedError(f"there is a branch {_short(step.branch)} already")
    page = folder_of(run.orchestration, run.run) / "rework" / f"{quoted(step.workstream)}.md"
    write_page(page, _page(step))
    if now is None:
        run.door.make(MoveRef(step.branch, None, commit))
    retired = _retire(run, step)
    message = f"{landed.because}; to be done again on {_short(step.branch)}; what failed: {page}"
    run.landed[step.workstream] = Landed(done=True, status="pending", because=message)
    sentence = f"{_short(step.branch)} holds the work on top of the trunk; {retired}"
    return (outcome(step, StepWord.DONE, sentence, str(page)),)


def _put_back(run: Recovery, step: Rework, fresh: Snapshot) -> CommitId:
    message = (
        f'Reapply "{step.unit.subject}"\n\n'
        "It was reverted because it broke tests; it is to be mended on this branch, and landed again.\n"
    )
    change = Exchange(step.unit.before, step.unit.after)
    common = run.orchestration.common
    made = exchanged(common, fresh.trunk_tip, [change], message, (IDENTITY, run.started))
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
