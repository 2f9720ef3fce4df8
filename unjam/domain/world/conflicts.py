"""Who is in a conflict with the trunk, who waits for whom because of it, and who need wait no more."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from unjam.domain.world.dependencies import blockers
from unjam.domain.world.identity import WorkstreamId
from unjam.domain.world.snapshot import Branch, Clash, Row, Snapshot
from unjam.domain.world.status import Status
from unjam.domain.world.truth import Truth
from unjam.domain.world.workstream import Workstream, join

_WAITS = re.compile(
    r"waits for (.+?), whose landing conflicts|it depends on (.+?), which did not land"
)
CUT_OFF = "history cut off"  # in a shallow clone: nobody can say what a merge would do
DEEPEN = "the history here is shallow, and holds no commit of both; get more of it: git fetch --deepen=1000"
_NOT_STARTED = (Status.PENDING,)

Ids = tuple[WorkstreamId, ...]


class ConflictStanding(StrEnum):
    """How it stands with a workstream whose landing conflicted; the cause of its finding."""

    WAITS = "conflict"
    OVER = "conflict is over"  # it would merge now
    LANDED = "resolved, unrecorded"
    NOTHING_LEFT = "conflict without work"
    UNKNOWN = "cannot tell"


@dataclass(frozen=True, slots=True)
class Contender:
    """One workstream in a conflict."""

    workstream: Workstream
    standing: ConflictStanding
    clash: Clash | None = None


def contenders(snapshot: Snapshot) -> Iterator[Contender]:
    """Find every workstream whose row says conflict, or that is recorded and does not merge."""
    clashes = {one.ref: one for one in snapshot.clashes}
    recorded = {row.workstream for row in snapshot.state.rows if is_conflict(row)}
    if not (clashes or recorded):
        return  # thousands of workstreams are not gone through for nothing
    for one in (each for each in join(snapshot) if not each.elsewhere):
        clash = clashes.get(one.branch.ref) if one.branch else None
        if one.id in recorded:
            yield Contender(one, _standing(one, clash), clash)
        elif clash is None or CUT_OFF in clash.kinds:
            continue
        elif one.status == Status.COMPLETED and _is_unlanded(one):
            yield Contender(one, ConflictStanding.WAITS, clash)


def has_work_of_its_own(branch: Branch) -> bool:
    """Tell whether a branch has something that may still have to land."""
    return branch.landed is not Truth.YES and bool(branch.own_commits) and not branch.reverted_by


def is_conflict(row: Row | None) -> bool:
    """Tell whether a row says that its landing conflicts, in its status or beside it."""
    return row is not None and row.means == Status.CONFLICT


def _standing(one: Workstream, clash: Clash | None) -> ConflictStanding:
    branch = one.branch
    if branch is None or branch.own_commits == 0:
        return ConflictStanding.NOTHING_LEFT
    if branch.landed is Truth.YES:
        return ConflictStanding.LANDED
    if branch.landed is Truth.UNKNOWN or branch.own_commits is None:
        return ConflictStanding.UNKNOWN
    if clash is not None and CUT_OFF in clash.kinds:
        return ConflictStanding.UNKNOWN
    return ConflictStanding.OVER if clash is None else ConflictStanding.WAITS


def _is_unlanded(one: Workstream) -> bool:
    branch = one.branch
    return branch is not None and branch.landed is Truth.NO and not branch.reverted_by


def behind(roots: Iterable[WorkstreamId], snapshot: Snapshot) -> dict[WorkstreamId, Ids]:
    """Name what depends on these, directly or not, and on which of them."""
    dependents: dict[WorkstreamId, list[WorkstreamId]] = {}
    over = _completed(snapshot)
    for spec in snapshot.specs:
        for need in spec.depends_on if spec.workstream not in over else ():
            dependents.setdefault(need, []).append(spec.workstream)
    found: dict[WorkstreamId, set[WorkstreamId]] = {}
    for root in roots:
        reached, waiting = {root}, [root]
        while waiting:
            for one in dependents.get(waiting.pop(), ()):
                if one not in reached:
                    reached.add(one)
                    waiting.append(one)
                    found.setdefault(one, set()).add(root)
    return {one: tuple(sorted(by)) for one, by in sorted(found.items())}


def unblocked_rows(roots: Iterable[WorkstreamId], snapshot: Snapshot) -> dict[WorkstreamId, Ids]:
    """Name what has not begun, depends on these, and could still be started by its row."""
    rows = {row.workstream: row for row in snapshot.state.rows}
    return {
        one: by
        for one, by in behind(roots, snapshot).items()
        if one in rows and rows[one].status in _NOT_STARTED
    }


def did_not_land(by: WorkstreamId) -> str:
    """Say in a row why its own landing was not tried; read back by ``waits_for``."""
    return f"it depends on {by}, which did not land"


def told_to_wait(by: Iterable[WorkstreamId]) -> str:
    """Say in a row for whom it waits; read back by ``waits_for``."""
    return f"waits for {', '.join(by)}, whose landing conflicts"


def waits_for(row: Row) -> Ids:
    """Name what a row waits for to land, by what was written into it when it was blocked."""
    if row.means != Status.BLOCKED:
        return ()
    texts = (row.error_message, row.notes)
    found = next((told for text in filter(None, texts) if (told := _WAITS.search(text))), None)
    if found is None:
        return ()
    named = blockers(row)
    return named or tuple(WorkstreamId(one) for one in (found[1] or found[2]).split(", "))


def released(snapshot: Snapshot, over: Iterable[WorkstreamId] = ()) -> Mapping[WorkstreamId, Ids]:
    """Name the rows that wait for nothing but what has landed, or will have with ``over``."""
    found = {row.workstream: by for row in snapshot.state.rows if (by := waits_for(row))}
    if not found:
        return {}
    still = {one.workstream.id for one in contenders(snapshot)}  # whatever their rows say
    done = _completed(snapshot) - still | set(over)
    return {one: by for one, by in found.items() if done.issuperset(by)}


def _completed(snapshot: Snapshot) -> set[WorkstreamId]:
    return {row.workstream for row in snapshot.state.rows if row.status == Status.COMPLETED}


def page_name(workstream: WorkstreamId) -> str:
    """Name the page that tells a person of a conflict, from the primary on."""
    return f"reports/conflict_{workstream}.md"
