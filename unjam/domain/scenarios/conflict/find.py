"""Detect landings that conflict: that wait for a person, that were settled, and who waits for them."""

from collections.abc import Iterator

from unjam.domain.world.conflicts import (
    CUT_OFF,
    DEEPEN,
    ConflictStanding,
    Contender,
    contenders,
    page_name,
    released,
    unblocked_rows,
)
from unjam.domain.world.finding import Evidence, Finding, Severity, Subject
from unjam.domain.world.identity import Scenario
from unjam.domain.world.snapshot import Clash, Snapshot
from unjam.domain.world.words import first_few
from unjam.domain.world.workstream import branch_in_words

SCENARIO = Scenario("merge_conflict")

SHOWN = 5  # names in a line
_SUMMARIES = {
    ConflictStanding.WAITS: "{ws}: its branch conflicts with the trunk{where}",
    ConflictStanding.OVER: "{ws}: its row says conflict, and its branch would merge now",
    ConflictStanding.LANDED: "{ws}: its conflict was settled and its work is in the trunk, but its row says {status}",
    ConflictStanding.NOTHING_LEFT: "{ws}: its row says conflict, and no branch of it has work of its own",
    ConflictStanding.UNKNOWN: "{ws}: its row says conflict, and whether its work is in the trunk cannot be told",
}
_MILD = (ConflictStanding.NOTHING_LEFT,)


def find_merge_conflict(snapshot: Snapshot) -> Iterator[Finding]:
    """Find every conflict, whoever works on it, and what is still blocked by one that is over."""
    for one in contenders(snapshot):
        yield _finding(one, snapshot)
    for name, by in released(snapshot).items():
        yield Finding(
            scenario=SCENARIO,
            cause="blocked by what is completed",
            severity=Severity.ERROR,
            summary=f"{name}: is blocked by {first_few(by, SHOWN)}, which landed in the meantime",
            subjects=(Subject("workstream", name),),
            evidence=tuple(Evidence("state", f"{root} is completed") for root in by),
            workstreams=(name,),
        )


def conflict_in_words(clash: Clash) -> str:
    """Say what conflicts, and how."""
    kinds = f" ({', '.join(clash.kinds)})" if clash.kinds else ""
    return f"{first_few(clash.paths, SHOWN) or 'all of it'}{kinds}"


def _finding(found: Contender, snapshot: Snapshot) -> Finding:
    one, clash = found.workstream, found.clash
    where = f" in {conflict_in_words(clash)}" if clash else ""
    summary = _SUMMARIES[found.standing].format(ws=one.id, where=where, status=one.status)
    branch = (Subject("branch", one.branch.name),) if one.branch else ()
    return Finding(
        scenario=SCENARIO,
        cause=str(found.standing),
        severity=Severity.WARNING if found.standing in _MILD else Severity.ERROR,
        summary=summary,
        subjects=(Subject("workstream", one.id), *branch),
        evidence=tuple(_evidence(found, snapshot)),
        workstreams=(one.id,),
        verdicts=((one.id, str(found.standing)),),
    )


def _evidence(found: Contender, snapshot: Snapshot) -> Iterator[Evidence]:
    one, clash = found.workstream, found.clash
    yield Evidence("state", f"row is {one.status}")
    if one.branch is not None:
        yield Evidence("git", branch_in_words(one.branch))
    if clash is not None and CUT_OFF in clash.kinds:
        yield Evidence("git", DEEPEN)
    if clash is not None and clash.reported:
        yield Evidence("files", f"{page_name(one.id)} says what to do; it waits for a person")
    waiting = unblocked_rows((one.id,), snapshot) if clash else {}
    if waiting:
        verb = "depends" if len(waiting) == 1 else "depend"
        yield Evidence(
            "state", f"{first_few(tuple(waiting), SHOWN)} {verb} on it and could be started"
        )
