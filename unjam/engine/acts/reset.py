"""The steps of a reset: everything of the orchestration goes into the vault by renames."""

from collections.abc import Iterator
from pathlib import Path

from unjam.adapters import files
from unjam.adapters.git.observing.tracked import tracked_below
from unjam.adapters.git.restoring.bundle import write_bundle
from unjam.adapters.processes.locks.git_locks import owners_of
from unjam.adapters.state.file_format import read_format
from unjam.adapters.state.rows.empty import blank_like, database_files
from unjam.domain.scenarios.reset.steps import Bundle, EmptyState, SetLogsAside
from unjam.domain.steps.change import MovePath, UpdateRow, WriteFile
from unjam.domain.steps.outcome import Outcome, StepWord
from unjam.domain.world.elsewhere import may_serve_others
from unjam.domain.world.lookups import rows_in, state_is_known
from unjam.domain.world.snapshot import Snapshot
from unjam.domain.world.truth import Truth
from unjam.domain.world.words import counted
from unjam.domain.world.workstream import join
from unjam.engine.acts.recovery import Recovery, outcome
from unjam.engine.acts.vault_places import keep_state, place_for
from unjam.engine.keeping.vault import BESIDE, folder_of
from unjam.engine.orchestration import Orchestration
from unjam.errors import RefusedError, UnjamError

_STATE = "state"
_LOGS = "logs"


def bundle(run: Recovery, step: Bundle, fresh: Snapshot) -> tuple[Outcome, ...]:
    """Write the bundle of this run anew; it is a second copy of what the vault's refs hold."""
    target = folder_of(run.orchestration, run.run) / "refs.bundle"
    files.make_folder(target.parent)
    saved = [one.ref for one in run.saved.values()]
    named = [*(branch.ref for branch in fresh.branches), *saved]
    if not named or not write_bundle(run.orchestration.common, named, fresh.trunk, target):
        return (outcome(step, StepWord.ALREADY_DONE, "the trunk has all that they have"),)
    files.sync_directory(target.parent)
    sentence = f"{counted(len(named), 'ref')} in {target}"
    return (outcome(step, StepWord.DONE, sentence, str(target)),)


def empty_state(run: Recovery, step: EmptyState, fresh: Snapshot) -> tuple[Outcome, ...]:
    """Move the files of the database, and write an empty one; where it may serve others, delete by row."""
    places = database_files(run.orchestration.state)
    others = may_serve_others(fresh) or any(one.elsewhere for one in join(fresh))
    if others or not places:
        return _delete_rows(run, step, fresh)
    _refuse_if_open(places)
    if fresh.state.readable is Truth.YES:
        keep_state(run)
    blank = _blank(run, places[0])
    there = [one for one in places if files.exists(one)]
    moved = [str(_move(run, one, _STATE)) for one in there]
    for absent in sorted(set(places[1::2]) - set(there)):
        # An undo looks for it: a WAL or a journal that came later would spoil the old database.
        run.door.make(WriteFile(absent, None, None))
    if blank is not None:
        run.door.make(WriteFile(places[0], None, blank, 0o644))
    if not moved and blank is None:
        return (outcome(step, StepWord.ALREADY_DONE, "there is none"),)
    left = "an empty one is in its place" if blank else "its tables could not be read: none is left"
    number = counted(len(rows_in(fresh)), "row") if state_is_known(fresh) else "what rows it has"
    sentence = f"{number} moved to the vault; {left}"
    return (outcome(step, StepWord.DONE, sentence, *moved),)


def set_logs_aside(run: Recovery, step: SetLogsAside, _fresh: Snapshot) -> tuple[Outcome, ...]:
    """Move them one by one: whoever still writes to one goes on writing to it there."""
    entries = tuple(logs_to_move(run.orchestration))
    moved = [str(_move(run, entry, _LOGS)) for entry in entries]
    if not moved:
        return (outcome(step, StepWord.ALREADY_DONE, "there are none"),)
    folder = str(Path(moved[0]).parent)
    return (outcome(step, StepWord.DONE, f"{len(moved)} moved to {folder}", folder),)


def logs_to_move(orchestration: Orchestration) -> Iterator[Path]:
    """Yield what lies in the directory of logs and Git does not track."""
    folder = orchestration.below(orchestration.settings.orchestration.logs)
    found = [one for one in files.children(folder) if one.name != BESIDE]
    if found and not folder.is_symlink():
        tracked = tracked_below(orchestration.common, orchestration.primary, folder)
        yield from (one for one in found if one.name not in tracked)


def _move(run: Recovery, source: Path, kind: str) -> Path:
    target = place_for(run, source, kind)
    run.door.make(MovePath(source, target))
    return target


def _refuse_if_open(places: tuple[Path, ...]) -> None:
    """Raise RefusedError while anybody has the database open: he would go on writing to it."""
    for path in places:
        for owner in owners_of(path):
            raise RefusedError(f"pid {owner.pid} has {path.name} open; end it, then try again")


def _blank(run: Recovery, path: Path) -> bytes | None:
    """Make an empty database like the one this run, or one that was killed, has copied."""
    runs = (run.run, *(killed.id for killed in reversed(run.killed)))
    originals = (path, *_moved_from(run, path))
    modes = [read_format(one).mode for one in originals if files.exists(one)]
    copies = (folder_of(run.orchestration, one) / "state.db" for one in runs)
    copy = next((one for one in copies if files.exists(one)), None)
    if copy is None:
        return None
    try:
        return blank_like(copy, wal=modes[:1] == ["wal"])
    except UnjamError as error:
        run.note("no empty state", because=str(error))
        return None


def _moved_from(run: Recovery, path: Path) -> Iterator[Path]:
    """Yield where killed runs have moved a file."""
    for change in (one for killed in reversed(run.killed) for one in killed.changes):
        if isinstance(change, MovePath) and Path(change.source) == path:
            yield Path(change.target)


def _delete_rows(run: Recovery, step: EmptyState, fresh: Snapshot) -> tuple[Outcome, ...]:
    rows = rows_in(fresh)
    others = {one.id for one in join(fresh) if one.elsewhere}
    ours = [row for row in rows if row.workstream not in others]
    for row in ours:
        run.door.make(UpdateRow(row.workstream, row.values, ()))
    number = counted(len(ours), "row")
    sentence = f"{number} deleted, and kept in the journal; the execution log stays as it is"
    if fresh.state.because:
        sentence = f"{sentence}; {fresh.state.because}"
    if others:
        sentence += f"; {counted(len(others), 'row')} of other machines or clones left alone"
    return (outcome(step, StepWord.DONE, sentence),)
