"""Detect landed work that broke the trunk's tests, from what the tests were found to say.

Running tests takes minutes and runs agents' code, so nothing here asks for it: what is known of just
this trunk is judged, and where nobody asked, nothing is found. ``unjam check failing_merge`` asks.
"""

from collections.abc import Iterator, Sequence

from unjam.domain.world.finding import Evidence, Finding, Severity, Subject
from unjam.domain.world.identity import Scenario, WorkstreamId
from unjam.domain.world.snapshot import Snapshot
from unjam.domain.world.trials import Blame, Case, Said, TrunkTests, Unit, tests_in_words
from unjam.domain.world.words import counted, printable

SCENARIO = Scenario("failing_merge")

_SHOWN = 5  # tests in a line
_LINES = 12  # of an output


def find_failing_merge(snapshot: Snapshot) -> Iterator[Finding]:
    """Find what broke the trunk's tests, and which of them only seem broken."""
    tests = snapshot.tests
    if tests is None or tests.tip != snapshot.trunk_tip or tests.passed:
        return
    if not tests.cases:
        yield _unexplained(tests, snapshot.trunk_name)
    for guilty, cases in by_guilt(tests).items():
        yield _broken(tests, guilty, cases)
    for blame in (Blame.FLAKY, Blame.ENVIRONMENT, Blame.UNSURE):
        cases = [one for one in tests.cases if one.blame is blame]
        if blame is Blame.UNSURE:
            yield from (_unsure(tests, one) for one in cases)
        elif cases:
            yield _not_broken(blame, cases)


def by_guilt(tests: TrunkTests) -> dict[tuple[int, ...], list[Case]]:
    """Group the tests that are broken by the units that broke them."""
    found: dict[tuple[int, ...], list[Case]] = {}
    for one in tests.cases:
        if one.blame in (Blame.BROKEN, Blame.PAIR):
            found.setdefault(one.guilty, []).append(one)
    return found


def unit_at(tests: TrunkTests, number: int) -> Unit:
    """Return a unit by its number."""
    return tests.units[number - 1]


def why_unproven(case: Case) -> str:
    """Say why a suspicion is no proof."""
    return case.because or "the trunk contradicts itself"


def _unexplained(tests: TrunkTests, trunk: str) -> Finding:
    """Say that a landing found the trunk failing; what broke it was not looked for."""
    return Finding(
        scenario=SCENARIO,
        cause="not explained yet",
        severity=Severity.ERROR,
        summary=f"the tests fail on {trunk}; to find out why: unjam recover failing_merge",
        subjects=(Subject("trunk", tests.tip),),
        evidence=(Evidence("tests", printable(tests.said)),),
    )


def _broken(tests: TrunkTests, guilty: tuple[int, ...], cases: Sequence[Case]) -> Finding:
    units = [unit_at(tests, one) for one in guilty]
    named = " and ".join(one.name for one in units)
    pair = next((one for one in cases if one.partner is not None), None)
    beside = f" together with {unit_at(tests, pair.partner).name}" if pair and pair.partner else ""
    since = f"{tests_in_words(one.test for one in cases)} {_fail(cases)} since {named}{beside}"
    return Finding(
        scenario=SCENARIO,
        cause="broken by landed work",
        severity=Severity.ERROR,
        summary=printable(since),
        subjects=tuple(Subject("unit", one.after) for one in units),
        evidence=tuple(_evidence(tests, cases)),
        workstreams=tuple(WorkstreamId(ws) for one in units for ws in one.workstreams),
        verdicts=tuple(
            (WorkstreamId(ws), "broke the tests") for one in units for ws in one.workstreams
        ),
    )


def _fail(cases: Sequence[Case]) -> str:
    return "fails" if len(cases) == 1 else "fail"


def _evidence(tests: TrunkTests, cases: Sequence[Case]) -> Iterator[Evidence]:
    first = cases[0]
    trials = {str(one.probe): one.said for one in first.heard if one.said is not Said.UNTESTABLE}
    runs = counted(len(first.heard), "trial")
    yield Evidence("tests", f"{runs}, confidence {first.confidence:.4f}")
    for number in first.guilty:
        unit = unit_at(tests, number)
        where = f"{unit.before[:10]}..{unit.after[:10]}"
        yield Evidence("git", f"{unit.kind} {where}: {unit.subject[:80]}")
    alone = (*first.guilty, *((first.partner,) if first.partner else ()))
    near = [one for one in trials if _is_near(one, alone, len(tests.units))]
    for probe in near[:8]:
        yield Evidence("tests", f"{first.test}: {trials[probe]} {probe} of {len(tests.units)}")
    if not first.proven:
        yield Evidence("tests", f"not proven: {why_unproven(first)}")
    for line in _last_lines(first.output):
        yield Evidence("tests", line)


def _is_near(probe: str, guilty: Sequence[int], units: int) -> bool:
    places = {number + step for number in guilty for step in (-1, 0)} | {0, units}
    upto = probe.removeprefix("after ").split(" ", 1)[0]
    return int(upto) in places


def _last_lines(output: str) -> list[str]:
    lines = [one.rstrip() for one in output.splitlines() if one.strip()]
    return [printable(one[:200]) for one in lines[-_LINES:]]


def _unsure(tests: TrunkTests, case: Case) -> Finding:
    first, last = case.interval
    among = f"it is one of units {first} to {last}" if first else "which unit broke it"
    span = (
        f": {unit_at(tests, first).after[:10]} to {unit_at(tests, last).after[:10]}"
        if first
        else ""
    )
    return Finding(
        scenario=SCENARIO,
        cause=str(Blame.UNSURE),
        severity=Severity.ERROR,
        summary=printable(f"{case.test} fails, and what broke it cannot be told: {case.because}"),
        subjects=(Subject("test", case.test),),
        evidence=(
            Evidence("tests", f"{among}{span}, with confidence {case.confidence:.2f}"),
            *(Evidence("tests", one) for one in _last_lines(case.output)),
        ),
    )


def _not_broken(blame: Blame, cases: Sequence[Case]) -> Finding:
    names = tests_in_words(one.test for one in cases)
    how = "only flaky" if blame is Blame.FLAKY else str(blame)
    is_are = "is" if len(cases) == 1 else "are"
    summary = f"{names} {is_are} {how}" if blame is Blame.FLAKY else f"{names}: {how}"
    return Finding(
        scenario=SCENARIO,
        cause=str(blame),
        severity=Severity.WARNING,
        summary=printable(summary),
        subjects=tuple(Subject("test", one.test) for one in cases),
        evidence=tuple(Evidence("tests", f"{one.test}: {one.because}") for one in cases[:_SHOWN]),
    )
