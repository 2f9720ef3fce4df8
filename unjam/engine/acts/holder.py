"""Stop who keeps the state from all others, proven to be the one right before."""

from collections.abc import Iterable
from pathlib import Path

from unjam.adapters.processes.locks.open_files import deleted_file
from unjam.adapters.state.files.raw_copy import held_open, save
from unjam.domain.steps.change import StopProcess
from unjam.domain.steps.outcome import Outcome, StepWord
from unjam.domain.steps.state_steps import DUPLICATE, READER, STRANDED, StopHolder
from unjam.domain.world.database import Database, Holder, duplicates, holder_in_words, pinned
from unjam.domain.world.snapshot import Snapshot
from unjam.engine.acts.database import refuse_without_copy
from unjam.engine.acts.recovery import Recovery, outcome
from unjam.engine.keeping.vault import folder_of
from unjam.engine.observing.state_inspection import deleted_files, inspect_state, is_alive
from unjam.errors import RefusedError


def stop_holder(run: Recovery, step: StopHolder, fresh: Snapshot) -> tuple[Outcome, ...]:
    """End the process by the ladder, and it alone; what it started goes on."""
    if not is_alive(step.process):
        return (outcome(step, StepWord.ALREADY_DONE, "it has ended"),)
    if step.because != READER:  # who only reads has nothing that could be lost
        refuse_without_copy(run)
    database = inspect_state(run.orchestration, fresh, held=run.held_still)
    if database is None:
        raise RefusedError("it is not stopped: the state is no file any more")
    if step.because == DUPLICATE:
        _refuse_unless_duplicate(step, database)
    elif step.because == STRANDED:
        _refuse_unless_stranded(step, database)
    elif step.because == READER:
        _refuse_unless_keeping(step, pinned(database))
    else:
        _refuse_unless_keeping(step, (*database.blockers(), *pinned(database)))
    said, kept = _stopped(run, step)
    lost = "it only read" if step.because == READER else "what it had not committed is gone"
    return (outcome(step, StepWord.DONE, f"{said}; {lost}", *kept),)


def _stopped(run: Recovery, step: StopHolder) -> tuple[str, tuple[str, ...]]:
    """Stop it; deleted files that only it has open are kept until it can write no more."""
    folder = folder_of(run.orchestration, run.run) / "state"
    deleted = deleted_files(Path(step.path))
    own = {name: deleted_file(one) for name, one in deleted.items() if one.pid == step.process.pid}
    with held_open(own) as files:
        said = run.door.make(StopProcess(step.process, None, alone=True))
        for name, file in files.items():
            run.state_strays[deleted[name].path] = save(file, folder / name)
    return said, tuple(str(folder / name) for name in own)


def _refuse_unless_stranded(step: StopHolder, database: Database) -> None:
    if step.process not in {one.process for one in database.stranded()}:
        raise RefusedError("it is not stopped: it does not work on deleted files any more")
    if database.is_contested:
        raise RefusedError("it is not stopped: others have committed beside its deleted log")


def _refuse_unless_duplicate(step: StopHolder, database: Database) -> None:
    extra = duplicates(database)
    if extra is None or step.process not in {one.process for one in extra}:
        raise RefusedError("it is not stopped: it is no longer one orchestrator too many")


def _refuse_unless_keeping(step: StopHolder, keeping: Iterable[Holder]) -> None:
    """Look closely once more: since the plan was made, it may have let go."""
    found = next((one for one in keeping if one.process == step.process), None)
    if found is None:
        raise RefusedError("it is not stopped: it does not keep the state any more")
    _refuse_working(found)


def _refuse_working(found: Holder) -> None:
    if not found.hangs:
        because = found.spared or found.because
        raise RefusedError(f"{holder_in_words(found)} is not stopped: {because}")
