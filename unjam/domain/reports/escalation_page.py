"""What a person who is called reads first: what is wrong, what was tried, and what to type now."""

import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from unjam.domain.steps.outcome import Outcome
from unjam.domain.world.finding import Finding
from unjam.domain.world.lookups import doubts
from unjam.domain.world.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class VainRun:
    """One run that did not clear it, as its journal tells it."""

    run: str
    kind: str
    word: str
    started: str
    outcomes: tuple[Outcome, ...]


@dataclass(frozen=True, slots=True)
class Escalation:
    """Everything there is to tell."""

    snapshot: Snapshot
    findings: tuple[Finding, ...]
    trials: tuple[VainRun, ...]
    limit: int
    because: str
    vault: tuple[str, ...]
    versions: tuple[tuple[str, str], ...]


def title_of(case: Escalation) -> str:
    """Name the case in one line."""
    first = case.findings[0].summary
    more = f" (and {len(case.findings) - 1} more)" if len(case.findings) > 1 else ""
    return f"{case.snapshot.repo.name}: {first}{more}"


def commands_of(case: Escalation) -> Iterator[tuple[str, str]]:
    """Yield what to type, in order, and what each is for; all but the last change nothing."""
    repo = shlex.quote(str(case.snapshot.repo))
    unjam = f"unjam --repo {repo}"
    for scenario in dict.fromkeys(one.scenario for one in case.findings):
        yield f"{unjam} check {scenario}", "is it still there? With all its evidence"
        yield f"{unjam} recover {scenario} --dry-run", "what unjam would do now, and why"
    for trial in case.trials[-2:]:
        yield f"{unjam} show {trial.run}", "what was tried, step by step"
        yield f"{unjam} undo {trial.run} --dry-run", "what taking that back would mean"
    yield f"{unjam} vault list", "everything that was saved"
    if case.trials:
        names = " ".join(dict.fromkeys(one.scenario for one in case.findings))
        yield f"{unjam} recover {names}", "try again, once you have removed what stands in the way"


def escalation_page(case: Escalation, files: Iterable[str]) -> str:
    """Tell the case as Markdown."""
    return "\n".join(_page(case, files)) + "\n"


def _page(case: Escalation, files: Iterable[str]) -> Iterator[str]:
    seen = case.snapshot
    yield f"# {title_of(case)}"
    yield f"\n{case.because}"
    yield f"\nObserved {seen.observed_at.isoformat(timespec='seconds')} in `{seen.repo}`, trunk {seen.trunk_name}"
    yield from ("", "## What is wrong", "")
    for finding in case.findings:
        yield f"- **{finding.summary}** ({finding.severity}, {finding.scenario}, {finding.fingerprint})"
        yield from (f"  - {one.source}: {one.fact}" for one in finding.evidence)
    yield from (f"- cannot tell {one.what}: {one.because}" for one in doubts(seen))
    yield from ("", "## What was tried", "")
    yield from _trials(case)
    yield from ("", "## What to type now", "")
    for command, purpose in commands_of(case):
        yield f"    {command}"
        yield f"        # {purpose}"
    yield from ("", "## What is kept", "")
    yield from (f"- {one}" for one in case.vault)
    if not case.vault:
        yield "Nothing had to be saved."
    yield from ("", "## Workstreams", "", "| workstream | row says | agent |", "|---|---|---|")
    yield from (f"| {row.workstream} | {row.said} | {row.agent or ''} |" for row in seen.state.rows)
    yield from ("", "## Processes", "")
    for one in seen.processes:
        yield f"- pid {one.identity.pid}, {one.role}: {' '.join(one.command)[:300]}"
    yield from ("", "## Beside this page", "", *(f"- {one}" for one in files))
    yield from ("", ", ".join(f"{name} {version}" for name, version in case.versions))


def _trials(case: Escalation) -> Iterator[str]:
    if not case.trials:
        yield "Nothing yet."
    for trial in case.trials:
        yield f"- {trial.run} ({trial.kind}, {trial.started}): {trial.word}"
        yield from (
            f"  - {one.step} {one.subject}: {one.word}: {one.sentence}" for one in trial.outcomes
        )
