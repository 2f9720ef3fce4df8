"""Escalate: by itself when attempts were in vain, or because a person asks; once per failure."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from unjam.adapters import surroundings
from unjam.adapters.git.taking import store
from unjam.adapters.processes.running.person_command import call
from unjam.domain.catalogue.diagnosis import diagnose
from unjam.domain.catalogue.scenarios import scenarios_of
from unjam.domain.redaction.redact import redact
from unjam.domain.reports.attempts import Tried
from unjam.domain.reports.escalation_page import Escalation, VainRun
from unjam.domain.steps.outcome import RunWord
from unjam.domain.world.finding import Finding
from unjam.domain.world.snapshot import Snapshot
from unjam.engine.acts.recovery import Recovery
from unjam.engine.keeping.past_runs import past_run
from unjam.engine.orchestration import Orchestration
from unjam.engine.running.attempts import ESCALATED, attempts, this_attempt
from unjam.engine.running.session import end_with_killed
from unjam.engine.telling.escalation_bundle import WrittenBundle, write_bundle_for
from unjam.errors import UsageError

_PLACE = re.compile(r"\{(title|report|bundle)\}")


def escalate_repeated(
    run: Recovery, before: tuple[Finding, ...], after: tuple[Finding, ...]
) -> str | None:
    """Escalate what this run, the last that is allowed, has not cleared; returns the bundle's place.

    What a person was told of already is not told again until it was gone once.
    """
    if not after:
        return None
    limit = run.orchestration.settings.limits.attempts
    known = attempts(run.orchestration, *this_attempt(run, before, after))
    due = tuple(
        one
        for one in after
        if one.fingerprint in known
        and len(known[one.fingerprint].runs) >= limit
        and not known[one.fingerprint].escalated
    )
    if not due:
        return None
    because = f"{limit} recoveries in a row did not clear it: unjam stops trying"
    runs = [name for one in due for name in known[one.fingerprint].runs]
    written = _written(run, _case(run, run.look(), due, runs, because))
    run.escalated = str(written.folder)
    return run.escalated


def escalate_now(run: Recovery, *, again: bool = False) -> dict[str, Any]:
    """Escalate what is found now, because a person asks; ends the run and describes it."""
    snapshot = run.look_as_asked()
    findings = diagnose(snapshot, scenarios_of(run.request))
    known = attempts(run.orchestration)
    told = {
        one.fingerprint: known[one.fingerprint].bundle for one in findings if _is_told(one, known)
    }
    new = findings if again else tuple(one for one in findings if one.fingerprint not in told)
    if not new:
        end_with_killed(run, RunWord.NOTHING)
        return _document(run, RunWord.NOTHING, findings, None, sorted(set(told.values())))
    runs = [name for one in new if one.fingerprint in known for name in known[one.fingerprint].runs]
    written = _written(run, _case(run, snapshot, new, runs, "A person asked for it"))
    end_with_killed(run, RunWord.NEEDS_HUMAN)
    return _document(run, RunWord.NEEDS_HUMAN, new, written, sorted(set(told.values())))


def _is_told(finding: Finding, known: Mapping[str, Tried]) -> bool:
    return finding.fingerprint in known and known[finding.fingerprint].escalated


def _case(
    run: Recovery,
    snapshot: Snapshot,
    findings: tuple[Finding, ...],
    runs: Iterable[str],
    because: str,
) -> Escalation:
    orchestration = run.orchestration
    tried = sorted(dict.fromkeys(runs))
    kept = [ref for ref, _ in store.named(orchestration.common)]
    return Escalation(
        snapshot=snapshot,
        findings=findings,
        trials=tuple(_trial(orchestration, name) for name in tried),
        limit=orchestration.settings.limits.attempts,
        because=because,
        vault=tuple(ref for ref in kept if ref.split("/")[2] in tried),
        versions=tuple(surroundings.versions().items()),
    )


def _trial(orchestration: Orchestration, run: str) -> VainRun:
    try:
        past = past_run(orchestration, run)
    except UsageError:
        return VainRun(run, "", "its journal is gone", "", ())
    started = past.started.isoformat(timespec="seconds")
    return VainRun(run, past.kind, past.word or "this very run", started, past.outcomes)


def _written(run: Recovery, case: Escalation) -> WrittenBundle:
    written = write_bundle_for(run.orchestration, case, run.run)
    named = [one.fingerprint for one in case.findings]
    kinds = {one.fingerprint: str(one.scenario) for one in case.findings}
    run.note(
        ESCALATED,
        fingerprints=named,
        scenarios=kinds,
        bundle=str(written.folder),
        page=str(written.page),
    )
    return replace(written, called=_open_issue(run, written))


def _open_issue(run: Recovery, written: WrittenBundle) -> str:
    """Call the configured command; says what came of it, once for a failure, whether it works or not."""
    command = run.orchestration.settings.escalation.issue_command
    if not command:
        return ""
    values = {"title": written.title, "report": str(written.page), "bundle": str(written.folder)}
    words = [_PLACE.sub(lambda one: values[one[1]], word) for word in command]
    called = call(words, run.orchestration.primary)
    run.note("issue", command=command[0], status=called.status, said=called.said)
    if called.status == 0:
        return f"a person was called: {command[0]} ended with 0"
    came = (
        "was not found, or did not end" if called.status is None else f"ended with {called.status}"
    )
    return f"nobody was called: {command[0]} {came}"


def _document(
    run: Recovery,
    word: RunWord,
    findings: tuple[Finding, ...],
    written: WrittenBundle | None,
    earlier: list[str],
) -> dict[str, Any]:
    secrets = written.secrets if written else ()
    return {
        "schema": 1,
        "run": run.run,
        "word": str(word),
        "findings": [
            {
                "fingerprint": one.fingerprint,
                "scenario": str(one.scenario),
                "summary": redact(one.summary, secrets).text,
            }
            for one in findings
        ],
        "bundle": str(written.folder) if written else None,
        "page": str(written.page) if written else None,
        "files": list(written.files) if written else [],
        "called": written.called if written else "",
        "earlier": earlier,
        "flow_run": dict(run.flow_run) if run.flow_run else None,
    }
