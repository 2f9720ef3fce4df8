"""Bring the state's file back to order: copy it, open it, or replace it by what can be had of it."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from unjam.adapters import clock, disk, files
from unjam.adapters.processes.locks.open_files import deleted_file, openers_of
from unjam.adapters.processes.stopping.freeze import frozen
from unjam.adapters.state.file import companion_file
from unjam.adapters.state.files import exchange, reopen
from unjam.adapters.state.files.raw_copy import copy_files, digest, save
from unjam.adapters.state.files.soundness import row_counts, row_counts_in_place
from unjam.adapters.state.rescuing.rebuild import rebuild
from unjam.adapters.verdicts import write_page
from unjam.domain.scenarios.shared.busy_timeout import timeout_patch
from unjam.domain.steps.change import SetStateMode, SwapState, TendState
from unjam.domain.steps.outcome import Outcome, StepWord
from unjam.domain.steps.state_steps import (
    KeepState,
    OpenState,
    RebuildState,
    ReplaceState,
    UseLog,
    VacuumState,
)
from unjam.domain.world.database import LOST_AND_FOUND, SIDES
from unjam.domain.world.identity import ProcessIdentity, Role
from unjam.domain.world.lookups import orchestrators_in
from unjam.domain.world.snapshot import Snapshot
from unjam.domain.world.words import counted
from unjam.engine.acts.recovery import Recovery, outcome
from unjam.engine.acts.vault_places import place_for_made
from unjam.engine.keeping.vault import folder_of
from unjam.engine.observing.state_inspection import deleted_files
from unjam.errors import PermanentError, RefusedError, UnjamError

_PAUSE = 0.05  # seconds
_MEMBERS = (Role.ORCHESTRATOR, Role.AGENT)
_ROOM = 3  # times its size, for a VACUUM
_LARGE = 1 << 20  # bytes; a program is no longer


def keep_files(run: Recovery, step: KeepState, fresh: Snapshot) -> tuple[Outcome, ...]:
    """Copy the database and all beside it, while those of the orchestration that have it open are still."""
    path = Path(step.path)
    folder = folder_of(run.orchestration, run.run) / "state"
    files.make_folder(folder.parent)
    deleted = {name: deleted_file(one) for name, one in deleted_files(path).items()}
    with frozen(_members_at(path, fresh)) as run.held_still:
        made = copy_files(path, folder, deleted, between=lambda: clock.pause(_PAUSE))
    run.state_copy = folder / Path(companion_file(path, "")).name
    if not run.state_copy.exists():  # a link to it has another name
        run.state_copy = folder / path.name
    run.state_rows = _rows(run.state_copy)
    said = "SQLite cannot read it" if run.state_rows is None else _listed(run.state_rows)
    names = ", ".join(one.name for one in made)
    sentence = f"kept {names} in {folder}; {said}"
    return (outcome(step, StepWord.DONE, sentence, str(folder)),)


def refuse_without_copy(run: Recovery) -> Path:
    """Return the copy of the state that this run made; raises RefusedError where it made none."""
    if run.state_copy is None:
        raise RefusedError(
            "there is no copy of the state in the vault, and without one nothing is done"
        )
    return run.state_copy


def _members_at(path: Path, fresh: Snapshot) -> list[ProcessIdentity]:
    pids = {one.pid for one in openers_of([str(companion_file(path, side)) for side in SIDES])}
    return [
        one.identity for one in fresh.processes if one.role in _MEMBERS and one.identity.pid in pids
    ]


def _rows(copy: Path) -> dict[str, int] | None:
    with suppress(UnjamError):
        return row_counts(copy)
    return None


def open_state(run: Recovery, step: OpenState, fresh: Snapshot) -> tuple[Outcome, ...]:
    """Let SQLite recover the state, and prove that no row of the copy is missing afterwards."""
    refuse_without_copy(run)
    path = Path(step.path)
    log = _own_log(run, path)
    said = run.door.make(TendState(path, fold=not _is_open(path), log=log))
    _refuse_missing(path, run.state_rows)
    home = "; the log that was deleted under its writer is folded in" if log else ""
    patch, kept = _suggested(run, fresh)
    return (outcome(step, StepWord.DONE, f"{said}{home}{patch}", *kept),)


def _suggested(run: Recovery, fresh: Snapshot) -> tuple[str, tuple[str, ...]]:
    page = keep_suggestion(run, fresh)
    if page is None:
        return "", ()
    return f"; a patch that lets its orchestrator wait for it is kept as {page}", (str(page),)


def _own_log(run: Recovery, path: Path) -> Path | None:
    """Return a log that was deleted under its writer, if it is still the database's own.

    It is, if nobody has written the database since it was copied: not the writer itself, who on
    closing it may have folded the log in, nor anybody else.
    """
    log = companion_file(path, "-wal")
    stray, copy = _stray_of(run, log)
    if stray is None or copy is None:
        return None
    run.state_rows = _rows_with(copy, stray) or run.state_rows
    if digest(copy) != digest(path) or _is_open(path):
        return None
    if log.exists() and log.stat().st_size:
        raise PermanentError(f"there is another log by now; the deleted one is kept as {stray}")
    place = stray.with_name(f"{stray.name}.home")
    with stray.open("rb") as file:
        save(file, place)
    return place


def _stray_of(run: Recovery, log: Path) -> tuple[Path | None, Path | None]:
    """Return a deleted log and the copy of its database, be it that a killed run had saved them."""
    if run.state_strays:
        return run.state_strays.get(str(log)), run.state_copy
    for killed in reversed(run.killed):
        folder = folder_of(run.orchestration, killed.id) / "state"
        found = [
            one
            for one in files.children(folder)
            if one.name.startswith(f"{log.name}.deleted-") and one.name[-1].isdigit()
        ]
        copy = folder / log.name.removesuffix("-wal")
        if found and files.exists(copy):
            return found[-1], copy
    return None, None


def _rows_with(copy: Path, log: Path) -> dict[str, int] | None:
    """Count the rows of the database and a log that belongs to it; None where they cannot be read."""
    with suppress(UnjamError):
        return row_counts(copy, log)
    return None


def _is_open(path: Path) -> bool:
    return any(openers_of([str(companion_file(path, side)) for side in SIDES]))


def _refuse_missing(path: Path, before: Mapping[str, int] | None) -> None:
    """Raise PermanentError if a table has fewer rows than before."""
    now = row_counts_in_place(path)
    for table, count in (before or {}).items():
        if now.get(table, 0) < count:
            raise PermanentError(
                f"{table} has {now.get(table, 0)} rows, and the copy in the vault {count}"
            )


def rebuild_state(run: Recovery, step: RebuildState, fresh: Snapshot) -> tuple[Outcome, ...]:
    """Make a new file of the copy, with as many rows of each table as were found for the plan."""
    del fresh
    copy = refuse_without_copy(run)
    new = _incoming(run, Path(step.path))
    made = rebuild(copy, new, wal=step.wal)
    counts = {one.table: one.found for one in made.counts}
    for table, count in step.rows:
        if counts.get(table, 0) < count:
            raise RefusedError(f"{table}: {counts.get(table, 0)} rows, not {count} as planned")
    sentence = f"{_listed(counts)}, integrity check: ok; made from the copy, as {new}"
    missing = (
        outcome(step, StepWord.REFUSED, f"{one}; the old file is kept in the vault")
        for one in made.missing
    )
    return (outcome(step, StepWord.DONE, sentence), *_without_table(step, counts), *missing)


def _without_table(step: RebuildState, counts: Mapping[str, int]) -> Iterator[Outcome]:
    """Tell of rows that are kept, but that only a person can bring to where they belong."""
    for table, count in counts.items():
        if table.startswith(LOST_AND_FOUND):
            sentence = (
                f"{counted(count, 'row')} whose table nothing names any more: "
                f"look into {table} and copy what belongs to a table there"
            )
            yield replace(outcome(step, StepWord.REFUSED, sentence), subject=table)


def replace_state(run: Recovery, step: ReplaceState, fresh: Snapshot) -> tuple[Outcome, ...]:
    """Exchange the files, and prove that what is there now can be worked with."""
    del fresh
    path = Path(step.path)
    copy, new = refuse_without_copy(run), _incoming(run, path)
    if not new.exists():
        raise RefusedError("no new file was made")
    outgoing = _outgoing(run, path)
    wanted = row_counts(new)
    before, after = exchange.digest_of(copy), exchange.digest_of(new)
    run.door.make(SwapState(path, new.parent, outgoing, before, after))
    said = run.door.make(TendState(path, fold=True))
    _refuse_missing(path, wanted)
    return (
        outcome(step, StepWord.DONE, f"{said}; the old files are in {outgoing}", str(outgoing)),
    )


def _incoming(run: Recovery, path: Path) -> Path:
    """Name the new file, in a folder of its own on the state's file system."""
    place = companion_file(path, "")
    return place_for_made(run, place) / place.name


def _outgoing(run: Recovery, path: Path) -> Path:
    place = companion_file(path, "")
    vault = folder_of(run.orchestration, run.run)
    if disk.device_of(place.parent) == disk.device_of(run.orchestration.common):
        return vault / "state-replaced"
    return place.parent / ".unjam-vault" / run.run / "state-replaced"


def use_log(run: Recovery, step: UseLog, fresh: Snapshot) -> tuple[Outcome, ...]:
    """Set WAL mode, which stays in the file; nothing else of it changes."""
    refuse_without_copy(run)
    if orchestrators_in(fresh):
        raise RefusedError("an orchestrator is at work")
    path = Path(step.path)
    mode = reopen.mode_of(path)
    if mode == "wal":
        return (outcome(step, StepWord.ALREADY_DONE, "it works with a write-ahead log"),)
    run.door.make(SetStateMode(path, mode, "wal"))
    return (outcome(step, StepWord.DONE, "it works with a write-ahead log from now on"),)


def vacuum(run: Recovery, step: VacuumState, fresh: Snapshot) -> tuple[Outcome, ...]:
    """Rewrite it without its holes, where there is room and nobody has it open."""
    refuse_without_copy(run)
    path = Path(step.path)
    if orchestrators_in(fresh) or _is_open(path):
        raise RefusedError("somebody has it open")
    if disk.free_bytes(path) < _ROOM * path.stat().st_size:
        raise RefusedError(f"a VACUUM may need {_ROOM} times its size, and there is less room")
    said = run.door.make(TendState(path, fold=True, vacuum=True))
    _refuse_missing(path, run.state_rows)
    return (outcome(step, StepWord.DONE, said),)


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{table}: {counted(count, 'row')}" for table, count in counts.items())


def keep_suggestion(run: Recovery, fresh: Snapshot) -> Path | None:
    """Keep a patch for `git apply` in the vault; None where there is nothing to suggest."""
    primary = run.orchestration.primary
    patches = []
    for path in dict.fromkeys(_programs(run, fresh)):
        with suppress(UnjamError, UnicodeDecodeError):
            text = (files.content(path) or b"").decode()
            if len(text) < _LARGE:
                patches.append(timeout_patch(path.relative_to(primary).as_posix(), text))
    if not any(patches):
        return None
    page = folder_of(run.orchestration, run.run) / "busy_timeout.patch"
    write_page(page, "".join(patches))
    return page


def _programs(run: Recovery, fresh: Snapshot) -> Iterator[Path]:
    """Yield the orchestrator's own program, as it runs, or as it is called below the primary."""
    primary = run.orchestration.primary
    for one in fresh.orchestrators():
        for word in one.command:
            path = primary / word
            if word.endswith(".py") and path.is_relative_to(primary):
                yield path
    names = run.orchestration.settings.orchestration.orchestrator
    for folder in (primary, *files.children(primary)):
        if folder.name.startswith(".") and folder != primary:
            continue
        for path in files.children(folder):
            if path.suffix == ".py" and any(name in path.name for name in names):
                yield path
