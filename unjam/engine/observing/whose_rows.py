"""Gather what shows whose a row is: who has the state in hand, and what its agents have left in this clone; kept apart for import time."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from unjam.adapters import clock, files, journal
from unjam.adapters.git.observing import made_here
from unjam.adapters.git.observing.tracked import tracked_below
from unjam.adapters.processes.locks.other_clones import at_work_beyond, openers_beyond
from unjam.adapters.state.file import companion_file
from unjam.adapters.state.location import file_of, is_url
from unjam.adapters.state.reference import written_start
from unjam.domain.steps.change import MoveRef, UpdateRow
from unjam.domain.world.database import SIDES
from unjam.domain.world.elsewhere import Sharing, has_a_claim
from unjam.domain.world.identity import WorkstreamId
from unjam.domain.world.naming import Template, is_usable_id
from unjam.domain.world.snapshot import LogTail, Row
from unjam.engine.keeping.past_runs import past_run, unfinished
from unjam.engine.observing.local_signs import Here, signs_of
from unjam.engine.orchestration import Orchestration

_SKEW = timedelta(minutes=5)  # between this machine's clock and that of whoever wrote the row
_RUNS = 50  # of this clone, whose writing is known again
_WITH_OFFSET = re.compile(r"(?:Z|[+-]\d\d(?::?\d\d)?)$")


def looked_at_closely(
    orchestration: Orchestration,
    sharing: Sharing,
    bare: tuple[Row, ...],
    rows: tuple[Row, ...],
    here: Here,
) -> Sharing:
    """Add what is known of these rows; ``bare`` are those whose agent may be at work beyond this clone."""
    because = sharing.because or _symptom(orchestration)
    seen = tuple(_at_work_beyond(orchestration, bare)) if bare else ()
    if not because:
        return replace(sharing, seen=seen)
    return replace(
        sharing,
        because=because,
        traces=frozenset(_traces(orchestration, rows, here)),
        fetched=made_here.fetched(orchestration.common, here.facts.branches),
        older=frozenset(_older(orchestration, rows, here)),
        seen=seen,
    )


def _symptom(orchestration: Orchestration) -> str:
    """Say what shows that a file in this clone serves others, though nothing about its place does."""
    path = file_of(orchestration.state)
    if path is None:
        return ""
    tracked = tracked_below(orchestration.common, orchestration.primary, path.parent)
    if path.name in tracked:
        return "the state's file is in Git, and so in every clone"
    return openers_beyond(
        (path, *(companion_file(path, one) for one in SIDES)), orchestration.common
    )


def _at_work_beyond(
    orchestration: Orchestration, rows: Iterable[Row]
) -> Iterator[tuple[WorkstreamId, str]]:
    template = Template(orchestration.settings.orchestration.worktree_name)
    places = {
        template.name(row.workstream, row.agent): str(row.workstream)
        for row in rows
        if row.agent and is_usable_id(row.workstream) and is_usable_id(row.agent)
    }
    if not places:
        return
    own = orchestration.settings.orchestration.state
    found = at_work_beyond(places, orchestration.primary, "" if is_url(own) else own)
    yield from ((WorkstreamId(one), told) for one, told in sorted(found.items()))


def _traces(
    orchestration: Orchestration, rows: tuple[Row, ...], here: Here
) -> Iterator[WorkstreamId]:
    """Name rows whose agent left a log, a reflog, a lost ref or a directory here."""
    known = {one.workstream: one for one in rows}
    told = made_here.told_of(orchestration.common, here.facts.trunk)
    lost = (one.ref for one in here.facts.lost_branches)
    for ref in (*told, *lost, *_taken_away_by_us(orchestration)):
        found = orchestration.branch_template.owner(ref)
        row = known.get(found.workstream) if found else None
        if found is None or row is None or found.agent not in {None, row.agent or found.agent}:
            continue
        if ref not in told or _is_of_this_attempt(told[ref], _began(orchestration, row)):
            yield row.workstream
    yield from (one.workstream for one in here.strays if one.workstream in known)
    yield from _logged(orchestration, known, here.logs)
    yield from _left_by_us(orchestration, known)


def _logged(
    orchestration: Orchestration, known: Mapping[WorkstreamId, Row], logs: tuple[LogTail, ...]
) -> Iterator[WorkstreamId]:
    """Name those after which a log of this clone is called, written since the row's attempt began."""
    folder = orchestration.below(orchestration.settings.orchestration.logs)
    if not logs or not folder.resolve().is_relative_to(orchestration.primary.resolve()):
        return
    tracked = tracked_below(orchestration.common, orchestration.primary, folder)
    for log in logs:
        if Path(log.path).relative_to(folder).parts[0] in tracked:
            continue
        for one in (each for each in known if each and each in log.path.name):
            began = _began(orchestration, known[one])
            named = re.search(rf"(?<![A-Za-z0-9]){re.escape(one)}(?![A-Za-z0-9])", log.path.name)
            if named and (began is None or log.written_at > began - _SKEW):
                yield one


def _is_of_this_attempt(moved: int, began: datetime | None) -> bool:
    """Tell a branch that was made for the attempt the row is about; one of another is no proof."""
    return began is not None and datetime.fromtimestamp(moved, UTC) > began - _SKEW


def _taken_away_by_us(orchestration: Orchestration) -> Iterator[str]:
    """Name the branches that a run took away and has not ended yet: this one, or one that was killed."""
    for run in unfinished(orchestration):
        for change in run.changes:
            if isinstance(change, MoveRef) and change.new is None:
                yield change.ref


def _left_by_us(
    orchestration: Orchestration, known: Mapping[WorkstreamId, Row]
) -> Iterator[WorkstreamId]:
    """Name rows that are over, and stand as a recovery of this clone has left them."""
    over = {one: row.values for one, row in known.items() if not has_a_claim(row.status)}
    for run in journal.runs(orchestration.common)[-_RUNS:] if over else ():
        for change in past_run(orchestration, run).made:
            if isinstance(change, UpdateRow) and over.get(change.workstream) == change.after:
                yield change.workstream


def _older(orchestration: Orchestration, rows: tuple[Row, ...], here: Here) -> Iterator[str]:
    """Name the branches and worktrees in which nothing has moved since the row's attempt began."""
    began = {one.workstream: at for one in rows if (at := _began(orchestration, one)) is not None}
    for branch in here.facts.branches:
        moved = made_here.last_sign(orchestration.common, branch.ref)
        at = began.get(branch.workstream)
        if at is not None and moved is not None and datetime.fromtimestamp(moved, UTC) < at - _SKEW:
            yield branch.ref
    for tree in here.trees:
        at = began.get(tree.workstream) if tree.workstream is not None else None
        touched = files.newest(signs_of(tree)) if at is not None else None
        if at is not None and touched is not None and touched < at - _SKEW:
            yield tree.name


def _began(orchestration: Orchestration, row: Row) -> datetime | None:
    """Say when the row's attempt began, where that means the same on every machine."""
    at = row.started_at
    if at is None or at > clock.now():
        return None
    written = written_start(row)
    known = _WITH_OFFSET.search(written) is not None and ":" in written
    return at if known or file_of(orchestration.state) is not None else None
