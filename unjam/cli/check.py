"""``unjam check``: observe and diagnose; change nothing."""

import argparse
import gc
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from unjam.cli.say import Page, as_json, progress_line
from unjam.domain.world.words import counted, first_few, printable
from unjam.engine.observing.head_start import HeadStart, head_start
from unjam.errors import UsageError

if TYPE_CHECKING:
    from unjam.domain.reports.check_report import Document
    from unjam.domain.world.finding import Finding
    from unjam.domain.world.snapshot import Snapshot
    from unjam.engine.orchestration import Orchestration

_PATHS = 3  # in a line
_ELSEWHERE = 8  # workstreams in a line
_STYLES = {"error": "bold red", "warning": "yellow"}


def run(arguments: argparse.Namespace) -> int:
    """Return 0 when nothing is wrong, 1 when something is or cannot be told, be it for being elsewhere."""
    # A look makes much and drops nothing: collecting garbage in between costs a tenth of it.
    gc.disable()
    with head_start(arguments.repo) as ahead:
        document = _checked(arguments, ahead)
    gc.freeze()  # nor when we end: everything goes then anyway
    if arguments.json:
        as_json(document)
    else:
        print_check(document)
    return 0 if document["healthy"] else 1


def _checked(arguments: argparse.Namespace, ahead: HeadStart) -> "Document":
    # Imported only now that Git and a child are at work: this takes as long as they do.
    from unjam.domain.catalogue.diagnosis import diagnose
    from unjam.domain.catalogue.scenarios import SCENARIOS, Need, asks_for_tests, needs_of
    from unjam.domain.reports.check_report import check_document
    from unjam.engine.observing.observe_closely import observe_for
    from unjam.engine.orchestration import configured
    from unjam.engine.running.watch_record import watched_last

    scenarios = arguments.scenario or tuple(SCENARIOS)
    orchestration = configured(ahead.repository, arguments.config)
    snapshot = observe_for(orchestration, scenarios, ahead.begun)
    if asks_for_tests(scenarios):
        snapshot = _tested(orchestration, snapshot)
    if arguments.picture is not None:
        _draw(snapshot, arguments.picture)
    findings = diagnose(snapshot, scenarios)
    document = check_document(
        snapshot, findings, _parked(orchestration, findings), watched_last(orchestration)
    )
    document["untrusted"] = _untrusted(orchestration)
    if needs_of(scenarios) == {Need.CLASHES}:
        document["conflict_statistics"] = _conflicts_so_far(orchestration)
    return document


def _parked(
    orchestration: "Orchestration", findings: tuple["Finding", ...]
) -> Mapping[str, "Document"]:
    if not findings or not (orchestration.home / "escalations").is_dir():
        return {}
    # For most repositories nobody was ever called: those need not wait for what reads journals.
    from unjam.engine.running.attempts import parked

    return parked(orchestration, findings)


def _untrusted(orchestration: "Orchestration") -> "Document | None":
    """Say which settings are not in force, and what to type; not what they say: they may hold a password."""
    held = orchestration.held
    if held is None:
        return None
    return {
        "file": printable(str(held.file)),
        "settings": [name for name, _ in held.needs],
        "because": printable(held.sentence),
        "command": printable(held.command),
    }


def _conflicts_so_far(orchestration: "Orchestration") -> "Document":
    """Count what conflicted in all recoveries so far: only where conflicts were asked for by name."""
    from unjam.engine.keeping.past_conflicts import conflict_statistics

    found = conflict_statistics(orchestration)
    return {
        "conflicts": found.conflicts,
        "by_workstream": [[printable(one), count] for one, count in found.by_workstream],
        "by_file": [[printable(one), count] for one, count in found.by_file],
        "by_pair": [[*map(printable, pair), count] for pair, count in found.by_pair],
    }


def _draw(snapshot: "Snapshot", target: Path) -> None:
    """Write the picture of who waits for whom; raises UsageError where nothing waits in vain."""
    from unjam.adapters import files
    from unjam.domain.catalogue.scenarios import picture_of

    picture = picture_of(snapshot)
    if not picture:
        raise UsageError("--picture: nothing waits in vain, so there is nothing to draw")
    if target.is_dir():
        raise UsageError(f"--picture {target}: it is a directory; name a file")
    files.write_atomically(target.absolute(), picture.encode())


def _tested(orchestration: "Orchestration", snapshot: "Snapshot") -> "Snapshot":
    """Run the trunk's tests, and search for what broke them: only ever because it was asked for."""
    from unjam.engine.culprits.investigate import investigate

    return replace(
        snapshot, tests=investigate(orchestration, snapshot, progress_line(), afresh=True)
    )


def print_check(document: "Document") -> None:
    """Print a check document for a person."""
    page = Page()
    findings = document["findings"]
    for finding in findings:
        print_finding(page, finding)
        for one in finding["evidence"]:
            page.line(f"    {one['source']}: {one['fact']}", "dim")
        if finding["parked"]:
            page.line(
                f"    left to a person, who finds all in: {finding['parked']['bundle']}", "yellow"
            )
    _print_unknown(page, document)
    _print_not_ours(page, document)
    _print_sessions(page, document)
    print_incomplete(page, document)
    _print_agents(page, document)
    watch = document["watch"]
    if watch and watch["late"]:
        page.line(f"the watch is late: it looked last at {watch['last']}", "yellow")
    _print_conflicts(page, document)
    _print_verdict(page, document)


def _print_verdict(page: Page, document: "Document") -> None:
    """Print what follows from all of it, in a line."""
    findings = document["findings"]
    away = _print_elsewhere(page, document)
    count = counted(len(document["workstreams"]) - away, "workstream")
    beside = f"; {away} more elsewhere" if away else ""
    if document["sessions"]:
        alone = counted(len(document["sessions"]), "worktree")
        beside += f"; {alone} that no orchestrator is known to wait for"
    if document["healthy"]:
        page.line(f"healthy: {count}, trunk {document['trunk']}{beside}", "green")
        return
    if not (findings or document["unknown"]):
        page.line(f"nothing is wrong on this machine: {count}, trunk {document['trunk']}{beside}")
        return
    page.line()
    page.line(f"{counted(len(findings), 'finding')} in {count}{beside}", "bold")
    if findings:
        page.line("see what would be done:  unjam recover --dry-run")


def _print_unknown(page: Page, document: "Document") -> None:
    """Print what cannot be told, and which settings this look did without."""
    for one in document["unknown"]:
        page.line(f"cannot tell {one['what']}: {one['because']}", "yellow")
    if document["untrusted"]:
        page.line(document["untrusted"]["because"], "yellow")


def _print_elsewhere(page: Page, document: "Document") -> int:
    """Print what others have begun, a line for each reason; return how many there are."""
    reasons: dict[str, list[str]] = {}
    for one in document["elsewhere"]:
        reasons.setdefault(one["because"], []).append(f"{one['id']} {one['status']}")
    for because, names in reasons.items():
        page.line(f"elsewhere: {first_few(names, _ELSEWHERE)}: {because}", "dim")
    return len(document["elsewhere"])


def _print_sessions(page: Page, document: "Document") -> None:
    """Print what is at risk in worktrees that no orchestrator waits for; that is no failure."""
    for one in document["sessions"]:
        if one["at_risk"]:
            pids = ", ".join(map(str, one["processes"]))
            who = f"somebody is in it (pid {pids})" if pids else one["status"]
            page.line(f"{who}: {one['path']}: {one['at_risk']}", "dim")


def print_incomplete(page: Page, document: "Document") -> None:
    """Print what has landed and is not finished."""
    for one in document["incomplete"]:
        page.line(f"incomplete: {one['id']}: {one['because']}", "yellow")


def _print_not_ours(page: Page, document: "Document") -> None:
    """Print what lies where worktrees do and is left as it is."""
    for one in document["not_ours"]:
        page.line(f"left as it is: {one['path']}: {one['because']}", "dim")


def _print_agents(page: Page, document: "Document") -> None:
    """Print every process of the agents that were looked at closely, the innocent ones too."""
    if document["agents"]:
        from unjam.domain.reports.agents_table import HEADS, as_cells

        observed_at = datetime.fromisoformat(document["observed_at"])
        page.line()
        page.table(HEADS, [as_cells(one, observed_at) for one in document["agents"]])


def _print_conflicts(page: Page, document: "Document") -> None:
    """Print which branches would conflict if they landed now, and how often files did so far."""
    for one in document["predicted_conflicts"]:
        where = first_few(one["paths"], _PATHS) or "all of it"
        kinds = f" ({', '.join(one['kinds'])})" if one["kinds"] else ""
        page.line(f"would conflict: {one['branch']} in {where}{kinds}", "dim")
    left = document["branches_not_merged"]
    if left:
        from unjam.domain.catalogue.scenarios import Need, to_type

        branches = "branch was" if left == 1 else "branches were"
        page.line(
            f"{left} {branches} not tried against the trunk:  {to_type('check', Need.CLASHES)}",
            "dim",
        )
    past = document.get("conflict_statistics")
    for name, count in past["by_file"][:_PATHS] if past else ():
        page.line(f"conflicted {count} times so far: {name}", "dim")


def print_finding(page: Page, finding: "Document") -> None:
    """Print what was found, in a line."""
    page.line(f"{finding['severity']}: {finding['summary']}", _STYLES[str(finding["severity"])])
