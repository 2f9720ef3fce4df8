"""A scheduled look at one repository: what is found, what of it is new, and what is to be done.

Each look leaves a sign in the repository: whoever asks `unjam check` is told when the watch is late.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from unjam.adapters import journal, lease, machine
from unjam.domain.catalogue.codec import UnreadableRecordError, from_record, to_record
from unjam.domain.catalogue.diagnosis import diagnose
from unjam.domain.catalogue.scenarios import SCENARIOS
from unjam.domain.reports.check_report import healthy
from unjam.domain.steps.request import Request
from unjam.domain.world.agents.signs import Look
from unjam.domain.world.finding import Finding
from unjam.domain.world.identity import Scenario
from unjam.domain.world.lookups import state_is_known
from unjam.domain.world.snapshot import Snapshot
from unjam.engine.keeping.past_runs import unfinished
from unjam.engine.observing.observe_closely import observe_closely
from unjam.engine.orchestration import Orchestration
from unjam.engine.running import watch_record
from unjam.engine.running.attempts import parked
from unjam.engine.running.prepare import policy_of, prepare
from unjam.errors import RefusedError


@dataclass(frozen=True, slots=True)
class Seen:
    """What one look has seen."""

    repo: Path
    healthy: bool = False
    findings: tuple[Finding, ...] = ()
    new: tuple[Finding, ...] = ()  # the look before did not find them
    scenarios: tuple[Scenario, ...] = ()  # that a recovery is to be started for; empty: none is
    key: str = ""  # stands for that recovery: started with the same key, it is the same
    because: str = ""  # why none is started


def look_as_scheduled(orchestration: Orchestration, every: timedelta) -> Seen:
    """Look at a repository, leave a sign, and say what is to be done; raises UnjamError."""
    before = watch_record.remembered(orchestration)
    at_work = lease.holder(orchestration.common)
    if at_work is not None:
        watch_record.leave(orchestration, every, before)
        return Seen(orchestration.primary, because=f"another recovery is at work: {at_work}")
    snapshot = observe_closely(orchestration, _looks(before))
    findings = diagnose(snapshot)
    known = frozenset(before.get("fingerprints", ()))
    told = state_is_known(snapshot) and not snapshot.unknown
    watch_record.leave(orchestration, every, _remembered(snapshot, findings, () if told else known))
    scenarios, because = _to_recover(orchestration, snapshot, findings)
    return Seen(
        repo=orchestration.primary,
        healthy=healthy(snapshot, findings),
        findings=findings,
        new=tuple(one for one in findings if one.fingerprint not in known),
        scenarios=scenarios,
        key=_key(orchestration, findings) if scenarios else "",
        because=because,
    )


def _to_recover(
    orchestration: Orchestration, snapshot: Snapshot, findings: tuple[Finding, ...]
) -> tuple[tuple[Scenario, ...], str]:
    """Name the scenarios for which a recovery has something to do, or say why there is none."""
    if orchestration.held is not None:
        return (), orchestration.held.sentence
    handed_over = parked(orchestration, findings)
    open_ones = {one.scenario for one in findings if one.fingerprint not in handed_over}
    killed = unfinished(orchestration)
    if not open_ones and not killed:
        return (), "it is left to a person: `unjam check` names the bundle" if handed_over else ""
    scenarios = tuple(one for one in SCENARIOS if one in open_ones) or tuple(SCENARIOS)
    try:
        prepared = prepare(snapshot, policy_of(orchestration), Request(scenarios), killed)
    except RefusedError as error:
        return (), str(error)
    if not prepared.plan.steps and not killed:
        return (), "; ".join(prepared.plan.notes) or "nothing can be done about it"
    return scenarios, ""


def _key(orchestration: Orchestration, findings: tuple[Finding, ...]) -> str:
    """Name a recovery by what it is about and by the run before it: tried again, it is another.

    Another machine may have a clone at the same place, and ask the same server.
    """
    last = journal.runs(orchestration.common)[-1:]
    named = sorted(one.fingerprint for one in findings)
    text = "\0".join((machine.mark(orchestration.common), *last, *named))
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:32]


def _remembered(
    snapshot: Snapshot, findings: tuple[Finding, ...], before: Iterable[str]
) -> dict[str, Any]:
    """Keep for the next look what was found, and of ``before`` what this look may not have seen."""
    return {
        "fingerprints": sorted({one.fingerprint for one in findings}.union(before)),
        "looks": {one.worktree: to_record(one.now) for one in snapshot.watched},
    }


def _looks(before: Mapping[str, Any]) -> dict[str, Look]:
    """Return the looks of last time: they take the place of waiting between two."""
    found: dict[str, Look] = {}
    for worktree, record in dict(before.get("looks") or {}).items():
        try:
            look = from_record(record)
        except UnreadableRecordError:
            continue
        if isinstance(look, Look):
            found[worktree] = look
    return found
