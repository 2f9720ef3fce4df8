"""Detect workstreams that wait for each other, for nothing that exists, or for what will not come."""

from collections.abc import Iterable, Iterator, Mapping

from unjam.domain.graphs.cycles import cyclic_groups, inside, path_back, short_cycle
from unjam.domain.world.claims.kinds import is_layout_seen
from unjam.domain.world.dependencies import Ids, Waiting, blockers, waiting
from unjam.domain.world.finding import Evidence, Finding, Severity, Subject
from unjam.domain.world.identity import Scenario, WorkstreamId
from unjam.domain.world.judging import judgements
from unjam.domain.world.lookups import orchestrator_seen, specs_are_known, state_is_known
from unjam.domain.world.naming import shown
from unjam.domain.world.snapshot import BadSpec, Snapshot
from unjam.domain.world.status import Status
from unjam.domain.world.words import counted
from unjam.domain.world.workstream import Verdict

SCENARIO = Scenario("dependency_deadlock")
_FINISHED = (Verdict.CONSISTENT, Verdict.LEFTOVER)
_ENDED_BADLY = (Status.FAILED, Status.REVERTED, Status.DISCARDED)
_SHOWN = 12  # names in a line
_CYCLES_SHOWN = 5
_COMPARED = 2000  # ids; with more of them, comparing takes seconds


def find_dependency_deadlock(snapshot: Snapshot) -> Iterator[Finding]:
    """Find what keeps workstreams from ever having their turn.

    What no order of work could satisfy is found at any time. The rest is found only when nothing
    runs and nothing could: before that, it may come right by itself.
    """
    found = waiting(snapshot)
    severity = Severity.ERROR if found.stuck else Severity.WARNING
    yield from _cycles(snapshot, found, severity)
    yield from _missing(snapshot, found, severity)
    if not state_is_known(snapshot):
        return
    alone = not found.at_work and orchestrator_seen(snapshot) is None
    if alone or found.stuck:
        yield from _blocked_by_finished(snapshot, found, severity)
    if found.stuck:
        yield from _blocked_by_failed(found)
        yield from _starved(found)
        ordered = snapshot.bad_specs if snapshot.specs or is_layout_seen(snapshot) else ()
        yield from (_bad_spec(one, snapshot) for one in ordered)


def unblocked(snapshot: Snapshot, found: Waiting) -> tuple[WorkstreamId, ...]:
    """Name rows that say blocked although all that they wait for has been completed, in truth."""
    waiting_rows = [one for one in found.blocked if not found.waits[one] and _named(one, found)]
    if not waiting_rows or not state_is_known(snapshot):
        return ()
    verdicts = {one.workstream.id: one.verdict for one in judgements(snapshot)}
    return tuple(
        one
        for one in waiting_rows
        if one not in found.missing
        and all(verdicts.get(by) in _FINISHED for by in _named(one, found))
    )


def path_in_words(path: Iterable[WorkstreamId]) -> str:
    """Write a cycle as people do, its beginning repeated at its end; long ones are cut short."""
    names = [shown(one) for one in path]
    if len(names) > _SHOWN:
        left = len(names) - _SHOWN
        names = [*names[: _SHOWN - 2], f"… {left} more …", *names[-2:]]
    return " → ".join((*names, names[0]))


def likely_meant(name: WorkstreamId, by: WorkstreamId, found: Waiting) -> str:
    """Return the id that a name of nothing is most like, but whose it is; nothing if none is near."""
    import difflib  # seldom needed, and a check must answer in a blink

    known = [one for one in found.specs if one != by] if len(found.specs) <= _COMPARED else ()
    return next(iter(difflib.get_close_matches(name, known, n=1, cutoff=0.8)), "")


def _named(one: WorkstreamId, found: Waiting) -> Ids:
    """Return all that a blocked one was ever said to wait for."""
    spec = found.specs.get(one)
    return tuple(dict.fromkeys((*(spec.depends_on if spec else ()), *blockers(found.rows[one]))))


def _cycles(snapshot: Snapshot, found: Waiting, severity: Severity) -> Iterator[Finding]:
    waits = found.waits
    for one, needs in waits.items():
        if one in needs:
            yield _finding(
                "depends on itself",
                severity,
                f"{shown(one)} depends on itself",
                (one,),
                _edge_in_words(snapshot, found, one, one),
            )
    for members in cyclic_groups(waits):
        knot = inside(waits, members)
        path = short_cycle(knot)
        count = (
            "" if len(members) == len(path) else f" ({counted(len(members), 'workstream')} in all)"
        )
        yield _finding(
            "cycle",
            severity,
            f"{path_in_words(path)}: each waits for the next{count}",
            members,
            *_cycle_evidence(snapshot, found, knot, path),
        )


def _cycle_evidence(
    snapshot: Snapshot, found: Waiting, knot: Mapping[WorkstreamId, Ids], path: Ids
) -> Iterator[Evidence]:
    """Show the edges of one cycle, and further cycles that it does not share every edge with."""
    for one, other in list(zip(path, (*path[1:], path[0]), strict=True))[:_SHOWN]:
        yield _edge_in_words(snapshot, found, one, other)
    covered = set(zip(path, (*path[1:], path[0]), strict=True))
    shown_cycles = 0
    for one, others in knot.items():
        if shown_cycles == _CYCLES_SHOWN:
            break
        for other in others:
            if (one, other) not in covered and shown_cycles < _CYCLES_SHOWN:
                further = path_back({**knot, one: (other,)}, one, len(knot) + 1)
                covered |= set(zip(further, (*further[1:], further[0]), strict=True))
                shown_cycles += 1
                yield Evidence("specs", f"also {path_in_words(further)}")
    if not state_is_known(snapshot):
        because = snapshot.state.because
        yield Evidence("state", f"cannot tell what is completed: {because}")


def _edge_in_words(
    snapshot: Snapshot, found: Waiting, one: WorkstreamId, other: WorkstreamId
) -> Evidence:
    spec = found.specs.get(one)
    if spec is not None and other in spec.depends_on:
        added = next((entry for entry in spec.added if entry.dependency == other), None)
        since = f", since {added.at:%Y-%m-%d} ({added.commit[:12]})" if added else ""
        place = snapshot.place(spec.path)
        return Evidence("specs", f"{shown(one)} depends on {shown(other)}: {place}{since}")
    return Evidence("state", f"the row of {shown(one)} says blocked by {shown(other)}")


def _missing(snapshot: Snapshot, found: Waiting, severity: Severity) -> Iterator[Finding]:
    told = state_is_known(snapshot) and specs_are_known(snapshot)
    is_nowhere = "which does not exist" if told else "which nothing that can be read is called"
    for one, names in found.missing.items():
        spec = found.specs[one]
        for name in names:
            near = likely_meant(name, one, found)
            hint = (Evidence("specs", f"did it mean {shown(near)}?"),) if near else ()
            yield Finding(
                scenario=SCENARIO,
                cause="depends on nothing that exists",
                severity=severity,
                summary=f"{shown(one)} depends on {shown(name)}, {is_nowhere}",
                subjects=(Subject("workstream", one), Subject("dependency", name)),
                evidence=(
                    Evidence(
                        "specs",
                        f"{snapshot.place(spec.path)} names it; no spec, row or branch does",
                    ),
                    *hint,
                ),
                workstreams=(one,),
            )


def _blocked_by_finished(
    snapshot: Snapshot, found: Waiting, severity: Severity
) -> Iterator[Finding]:
    for one in unblocked(snapshot, found):
        by = ", ".join(shown(name) for name in _named(one, found))
        yield _finding(
            "blocked by completed",
            severity,
            f"{shown(one)} is blocked by {by}, which is completed",
            (one,),
            Evidence("state", f"row is blocked; {by}: completed"),
        )


def _blocked_by_failed(found: Waiting) -> Iterator[Finding]:
    for one, needs in found.waits.items():
        for by in needs:
            status = found.status(by)
            if status in _ENDED_BADLY and one != by:
                yield Finding(
                    scenario=SCENARIO,
                    cause=f"blocked by one that {_became(status)}",
                    severity=Severity.ERROR,
                    summary=f"{shown(one)} waits for {shown(by)}, which {_became(status)}",
                    subjects=(Subject("workstream", one), Subject("dependency", by)),
                    evidence=(_row_evidence(found, one), _row_evidence(found, by)),
                    workstreams=(one, by),
                )


def _became(status: str | None) -> str:
    return Status.FAILED if status == Status.FAILED else f"was {status}"


def _row_evidence(found: Waiting, one: WorkstreamId) -> Evidence:
    row = found.rows.get(one)
    message = f": {row.error_message:.120}" if row and row.error_message else ""
    return Evidence("state", f"row of {shown(one)} is {found.status(one) or 'not there'}{message}")


def _starved(found: Waiting) -> Iterator[Finding]:
    served = ", ".join(sorted(found.served))
    for one in sorted(found.starved):
        row, spec = found.rows.get(one), found.specs.get(one)
        track = (row.track if row else None) or (spec.track if spec else None)
        yield _finding(
            "starved track",
            Severity.ERROR,
            f"{shown(one)} could start, but no agent serves its track {track!r}",
            (one,),
            Evidence("state", f"agents have worked in the tracks {served} only"),
        )


def _bad_spec(bad: BadSpec, snapshot: Snapshot) -> Finding:
    place = snapshot.place(bad.path)
    duplicate = bad.same_as is not None
    what = "is a duplicate" if duplicate else "cannot be read"
    return Finding(
        scenario=SCENARIO,
        cause="duplicate id" if duplicate else "unreadable spec",
        severity=Severity.ERROR,
        summary=f"{place} {what}: {bad.because}",
        subjects=(Subject("spec", place),),
        evidence=(Evidence("specs", bad.because),),
        workstreams=(bad.same_as,) if bad.same_as is not None else (),
    )


def _finding(
    cause: str,
    severity: Severity,
    summary: str,
    members: tuple[WorkstreamId, ...],
    *evidence: Evidence,
) -> Finding:
    return Finding(
        scenario=SCENARIO,
        cause=cause,
        severity=severity,
        summary=summary,
        subjects=tuple(Subject("workstream", one) for one in members),
        evidence=evidence,
        workstreams=members,
    )
