"""Finding the landed work that broke a test, against ``git bisect run --first-parent``.

    python -m benchmarks.culprit --units 64 512 --workers 1 2 4
    python -m benchmarks.culprit --accuracy 200 --units

Both know a good point and the trunk. Bisection runs the whole suite, names one commit and proves
nothing; unjam runs the failing test, proves what it names from both sides, and its last line adds
all the rest of a real call: finding what fails, finding a good point, the whole suite on the remedy.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.world.sealed import trust_below
from unjam.adapters.git.proving.units import LandedWork, units_of
from unjam.domain.culprits.search import Asking, Ruling, SearchTerms, given_up, next_trials, rule
from unjam.domain.world.trials import Heard, Probe, Said, Unit
from unjam.engine.culprits.bench import open_bench
from unjam.engine.culprits.compare_failures import Failing
from unjam.engine.culprits.investigate import known_tests
from unjam.engine.culprits.search import Search
from unjam.engine.culprits.trial_trees import Trees
from unjam.engine.observing.tests_on_record import Memory
from unjam.engine.orchestration import Orchestration, open_orchestration

SEALED = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "PYTHONDONTWRITEBYTECODE": "1",  # with stale bytecode bisection is wrong more often than right
}
# Plugins that happen to be installed cost more than the test; both go without.
COMMAND = [
    *("env", "PYTEST_DISABLE_PLUGIN_AUTOLOAD=1", sys.executable, "-m", "pytest"),
    *("-q", "-p", "no:cacheprovider"),
]
SUITE = """\
import pathlib, time, pytest
@pytest.mark.parametrize("number", range({tests}))
def test_slow(number):
    time.sleep({each})
    assert number or not pathlib.Path("src/bad").exists()
"""
CONFIG = """\
[verify]
command = {command}
workers = {workers}
"""
Probability = tuple[float, float]  # of failing, and of passing, for nothing


def main() -> None:
    """Measure what was asked for."""
    options = _options()
    os.environ.update(SEALED)
    for units in options.units:
        with tempfile.TemporaryDirectory(prefix="unjam-culprit-") as scratch:
            os.environ["XDG_CONFIG_HOME"] = f"{scratch}/home"
            trust_below(Path(scratch), Path(scratch, "home"))
            _measure(Path(scratch), units, options)
    for noise in (0.0, 0.05, 0.2):
        if options.accuracy:
            print(_accuracy(options.accuracy, noise))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--units", type=int, nargs="*", default=[64, 512])
    parser.add_argument("--workers", type=int, nargs="*", default=[1, 2, 4])
    parser.add_argument("--tests", type=int, default=20, help="in the suite")
    parser.add_argument("--each", type=float, default=0.25, help="seconds that a test sleeps")
    parser.add_argument(
        "--accuracy", type=int, default=200, help="searches for each noise; 0: none"
    )
    return parser.parse_args()


def _measure(scratch: Path, units: int, options: argparse.Namespace) -> None:
    guilty = units * 2 // 3
    repo = _repository(scratch / "repo", units, guilty, options)
    print(f"{units} units, {options.tests} tests of {options.each} s, unit {guilty} is guilty")
    seconds, runs = _bisected(repo, guilty)
    print(f"  git bisect run: {runs} runs, {seconds:.1f} s, nothing verified")
    for workers in options.workers:
        _configure(repo, workers)
        took, ran = _searched(repo, units, guilty)
        share = took / seconds
        print(f"  unjam, {workers} workers: {ran} runs, {took:.1f} s, {share:.2f} of it, proven")
    took, ran = _whole(repo, guilty)
    print(
        f"  unjam, the whole call, {workers} workers: {ran} runs, {took:.1f} s, {took / seconds:.2f}"
    )


def _repository(repo: Path, units: int, guilty: int, options: argparse.Namespace) -> Path:
    """Make a trunk of so many merges of one commit each."""
    subprocess.run(["git", "init", "-q", "-b", "main", repo], check=True)
    suite = SUITE.format(tests=options.tests, each=options.each)
    stream = "".join(_stream(units, guilty, suite))
    subprocess.run(["git", "fast-import", "--quiet"], cwd=repo, input=stream.encode(), check=True)
    subprocess.run(["git", "reset", "-q", "--hard", "main"], cwd=repo, check=True)
    return repo


def _stream(units: int, guilty: int, suite: str) -> Iterator[str]:
    who = "committer P <p@example.com> 1700000000 +0000\n"
    yield f"commit refs/heads/main\nmark :1\n{who}data 5\nStart\n"
    yield f"M 644 inline test_all.py\ndata {len(suite)}\n{suite}\n"
    tip = 1
    for unit in range(1, units + 1):
        side, merge, name = 2 * unit, 2 * unit + 1, f"ws/ws-{unit}/agent-1"
        path = "src/bad" if unit == guilty else f"src/part_{unit}"
        yield f"commit refs/heads/{name}\nmark :{side}\n{who}data 4\nWork\nfrom :{tip}\n"
        yield f"M 644 inline {path}\ndata 2\nx\n\n"
        message = f"Merge {name}"
        yield f"commit refs/heads/main\nmark :{merge}\n{who}data {len(message)}\n{message}\n"
        yield f"from :{tip}\nmerge :{side}\nM 644 inline {path}\ndata 2\nx\n\n"
        tip = merge


def _bisected(repo: Path, guilty: int) -> tuple[float, int]:
    """Bisect in a clone, as a person would in the checkout."""
    clone = repo.with_name("bisect")
    subprocess.run(["git", "clone", "-q", repo, clone], check=True)
    first = subprocess.run(
        ["git", "rev-list", "--max-parents=0", "main"], cwd=clone, check=True, capture_output=True
    ).stdout.decode().strip()  # fmt: skip
    subprocess.run(
        ["git", "bisect", "start", "--first-parent", "main", first],
        cwd=clone, check=True, capture_output=True,
    )  # fmt: skip
    began = time.monotonic()
    said = subprocess.run(
        ["git", "bisect", "run", *COMMAND], cwd=clone, check=False, capture_output=True
    ).stdout.decode()
    seconds = time.monotonic() - began
    assert f"Merge ws/ws-{guilty}/agent-1" in said, said
    return seconds, said.count("running ")


def _configure(repo: Path, workers: int) -> None:
    (repo / "unjam.toml").write_text(CONFIG.format(command=json.dumps(COMMAND), workers=workers))


def _units(orchestration: Orchestration) -> tuple[Unit, ...]:
    return units_of(orchestration.common, "refs/heads/main", LandedWork({}, lambda _: None), 1024)


def _searched(repo: Path, units: int, guilty: int) -> tuple[float, int]:
    """Search where a good point and the failing test are known, as bisection does."""
    orchestration = open_orchestration(repo)
    failing = Failing("test_all.py::test_slow[0]")
    heard = (Heard(Probe(units), Said.FAIL), Heard(Probe(0), Said.PASS))
    memory = Memory(orchestration)
    began = time.monotonic()
    with open_bench(orchestration, memory) as bench:
        trees = Trees(orchestration, _units(orchestration))
        search = Search(bench, trees, [failing], {failing.test: heard}, lambda _: None)
        (case,) = search.cases()
        runs = bench.runs
    seconds = time.monotonic() - began
    assert (case.guilty, case.proven) == ((guilty,), True), case
    _forget(orchestration)
    return seconds, runs


def _whole(repo: Path, guilty: int) -> tuple[float, int]:
    orchestration = open_orchestration(repo)
    began = time.monotonic()
    found = known_tests(orchestration, lambda _: None)
    seconds = time.monotonic() - began
    (case,) = found.cases
    assert found.units[case.guilty[0] - 1].workstreams == (f"ws-{guilty}",)
    assert found.remedy is not None
    assert found.remedy.passed
    _forget(orchestration)
    return seconds, found.runs


def _forget(orchestration: Orchestration) -> None:
    for path in (orchestration.home / "tests").glob("*.json*"):
        path.unlink()


def _accuracy(searches: int, rate: float) -> str:
    """Let both search among 64 units with a test that is wrong this often, in both directions."""
    right = wrong = plain = runs = 0
    for seed in range(searches):
        guilty = seed % 64 + 1
        ruling, count = _simulated(64, guilty, rate, seed)
        runs += count
        right += ruling.proven and ruling.guilty == (guilty,)
        wrong += ruling.proven and ruling.guilty != (guilty,)
        plain += _bisect(64, _oracle(guilty, rate, seed)) == guilty
    return (
        f"{rate:.0%} noise, {searches} searches: unjam right {right / searches:.1%}, "
        f"wrong {wrong / searches:.1%}, {runs / searches:.1f} runs; "
        f"plain bisection right {plain / searches:.1%}, wrong {1 - plain / searches:.1%}, 6 runs"
    )


def _oracle(guilty: int, rate: float, seed: int) -> Callable[[Probe], Said]:
    dice = random.Random(seed)

    def said(probe: Probe) -> Said:
        has = probe.plus == guilty or (guilty <= probe.upto and guilty not in probe.without)
        return Said.FAIL if has != (dice.random() < rate) else Said.PASS

    return said


def _simulated(units: int, guilty: int, rate: float, seed: int) -> tuple[Ruling, int]:
    said, terms = _oracle(guilty, rate, seed), SearchTerms(units)
    heard: tuple[Heard, ...] = (Heard(Probe(units), Said.FAIL), Heard(Probe(0), Said.PASS))
    while isinstance(answer := rule(terms, heard), Asking):
        wanted = next_trials(terms, {"test": heard}, 2)
        if not wanted:
            answer = given_up(terms, heard)
            break
        heard += tuple(Heard(probe, said(probe)) for probe in wanted)
    assert isinstance(answer, Ruling)
    return answer, len(heard) - 2


def _bisect(units: int, said: Callable[[Probe], Said]) -> int:
    good, bad = 0, units
    while bad - good > 1:
        middle = (good + bad) // 2
        good, bad = (good, middle) if said(Probe(middle)) is Said.FAIL else (middle, bad)
    return bad


if __name__ == "__main__":
    main()
