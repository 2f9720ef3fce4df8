"""Edit the file of a spec: as a commit onto the trunk, or in place where Git does not have it."""

import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from unjam.adapters import files
from unjam.adapters.git.moving.commit_edit import Committed, commit_edit, file_in
from unjam.adapters.git.moving.merge import OURS
from unjam.domain.steps.change import MoveRef, WriteFile
from unjam.domain.world.identity import CommitId
from unjam.domain.world.judging import is_astray
from unjam.domain.world.snapshot import Snapshot, Spec
from unjam.domain.world.truth import Truth
from unjam.engine.acts.landing.land import trunk_change
from unjam.engine.acts.recovery import Recovery
from unjam.engine.keeping.vault import ref_of
from unjam.errors import PermanentError, RefusedError

_MODE = 0o644


@dataclass(frozen=True, slots=True)
class Edit:
    """What becomes of a spec's bytes, the message of the commit, and what a person does instead."""

    change: Callable[[bytes], bytes]  # raises ValueError or IndexError for what is no spec
    message: str
    by_hand: str


@dataclass(frozen=True, slots=True)
class WrittenSpec:
    """Where a spec was edited."""

    where: str
    tip: CommitId  # of the trunk from now on
    kept: tuple[str, ...] = ()


def edit_file(run: Recovery, fresh: Snapshot, spec: Spec, edit: Edit) -> WrittenSpec:
    """Carry an edit out; once made, it is not made again. Raises RefusedError where it is a person's."""
    place = _place(spec, fresh)
    committed = file_in(run.orchestration.common, fresh.trunk_tip, place)
    if committed is None:
        _edit_in_place(run, spec, edit)
        return WrittenSpec(f"{place}, which is not in Git", fresh.trunk_tip)
    _refuse_if_edited(edit, place, committed, fresh)
    edited = Committed(place, committed.mode, _changed(edit, spec, committed.content))
    if edited == committed:
        return WrittenSpec(place, fresh.trunk_tip)
    common = run.orchestration.common
    by = (OURS, run.started)
    tip = commit_edit(common, fresh.trunk_tip, edited, edit.message, by)
    kept = ref_of(run.run, "spec", tip[:12])  # an id can be too long for a name
    run.door.make(MoveRef(kept, None, tip))
    run.door.make(trunk_change(run, fresh, tip))
    return WrittenSpec(f"{place}, as {tip[:12]} on {fresh.trunk_name}", tip, (kept,))


def _place(spec: Spec, fresh: Snapshot) -> str:
    if not spec.path.is_relative_to(fresh.repo):
        raise RefusedError(f"{spec.path} is not in this repository; edit it by hand")
    return spec.path.relative_to(fresh.repo).as_posix()


def _refuse_if_edited(edit: Edit, place: str, committed: Committed, fresh: Snapshot) -> None:
    """Refuse where what is checked out is not what the trunk has: that edit is a person's."""
    by_hand = f"{edit.by_hand}, or commit it, then: unjam recover"
    if not committed.is_regular:
        raise RefusedError(f"{place} is no regular file in {fresh.trunk_name}; {by_hand}")
    primary = fresh.primary
    if primary.branch != fresh.trunk and not is_astray(fresh):  # else it returns there
        switch = f"git -C {shlex.quote(str(primary.path))} switch {shlex.quote(fresh.trunk_name)}"
        raise RefusedError(f"the primary is not on {fresh.trunk_name}; first: {switch}")
    if primary.unsaved.known is not Truth.YES:
        raise RefusedError(f"whether {place} was edited cannot be told: {primary.unsaved.because}")
    if place in primary.unsaved.paths:
        raise RefusedError(f"{place} has uncommitted edits; {by_hand}")


def _edit_in_place(run: Recovery, spec: Spec, edit: Edit) -> None:
    path = Path(spec.path)
    before = files.content(path)
    if before is None:
        raise RefusedError(f"{path} is gone")
    after = _changed(edit, spec, before)
    if after != before:
        run.door.make(WriteFile(path, before, after, _MODE))


def _changed(edit: Edit, spec: Spec, content: bytes) -> bytes:
    try:
        return edit.change(content)
    except (ValueError, IndexError) as error:
        raise PermanentError(f"{spec.path.name} cannot be edited: {error}") from error
