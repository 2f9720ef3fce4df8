"""A whole recovery against the same steps by shell script, and what of it is Prefect's.

    python benchmarks/recover.py --rounds 5
    python benchmarks/recover.py --rounds 1 --verify 60
    python benchmarks/recover.py --growth 10 40 160 640

With --growth: how the processor time of a recovery grows with its workstreams. Every round builds the same wreck anew for every way out. What counts is the ratio of the medians.
The restart is left out: it waits two seconds for its proof, whoever does it.
"""

import argparse
import json
import math
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.prefect_server import shared_server
from tests.world import World
from tests.world.sealed import trust_below
from unjam.domain.steps.request import Request
from unjam.domain.world.identity import Scenario
from unjam.engine import procedure
from unjam.engine.acts.recovery import Permission
from unjam.engine.orchestration import open_orchestration
from unjam.engine.procedure import Plainly
from unjam.engine.running.prepare import preview
from unjam.engine.running.session import Terms, session

_ALONE, _SERVED = "the same steps without Prefect", "unjam recover, server running"
ROOT = Path(__file__).resolve().parents[1]
BY_HAND = Path(__file__).with_name("recover_by_hand.sh")
STEPS_ALONE = "--steps-alone"
SEALED = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_AUTHOR_NAME": "Person",
    "GIT_AUTHOR_EMAIL": "person@example.com",
    "GIT_COMMITTER_NAME": "Person",
    "GIT_COMMITTER_EMAIL": "person@example.com",
    "PYTHONPATH": str(ROOT),
}
CASES = ("landed", "recorded", "dead", "only unsaved")
SCENARIOS = (Scenario("orchestrator_crash"),)


@dataclass
class Bench:
    """Where the wrecks are, how large they are, and how long each way out of them took."""

    directory: Path
    workstreams: int
    verify: float
    seconds: dict[str, list[float]] = field(default_factory=dict)
    ends: set[str] = field(default_factory=set)

    def wreck(self) -> World:
        """Build what a killed orchestrator leaves: a quarter each, and a person's remote."""
        world = World(self.directory / f"world-{sum(map(len, self.seconds.values()))}")
        code = f"import time; time.sleep({self.verify})"
        world.configure(
            orchestration={"resume": []}, verify={"command": [sys.executable, "-c", code]}
        )
        world.state.create()
        for number in range(self.workstreams):
            stream = world.workstream(f"ws-{number:02}", f"agent-{number}").worktree()
            case = CASES[number % len(CASES)]
            if case != "only unsaved":
                stream.commits({f"src/part_{number}.py": f"part = {number}\n"})
            if case == "landed":
                stream.lands_as_merge()
            if case in {"dead", "only unsaved"}:
                stream.leaves({f"src/draft_{number}.py": "draft = 1\n", ".env": "key=1\n"})
            stream.row("completed" if case == "recorded" else "running")
        world.push()
        return world

    def measure(self, name: str, recover: Callable[[World], None]) -> None:
        """Time one way out of a new wreck, and note where it led."""
        world = self.wreck()
        began = time.perf_counter()
        recover(world)
        self.seconds.setdefault(name, []).append(time.perf_counter() - began)
        rows = sorted(
            (str(row[0]), str(row[1])) for row in world.state.tables()["workstream_status"]
        )
        self.ends.add(json.dumps(rows))
        world.close()

    def median(self, name: str) -> float:
        """Return the median in seconds."""
        return statistics.median(self.seconds[name])


def by_hand(world: World) -> None:
    """Run the shell script."""
    command = json.loads(
        (world.repo / "unjam.toml").read_text().split("command = ")[1].split("\n")[0]
    )
    run([str(BY_HAND), str(world.repo), *command])


def unjam(**environment: str) -> Callable[[World], None]:
    """Run the command as a person would."""

    def recover(world: World) -> None:
        words = ("--repo", str(world.repo), "recover", "orchestrator_crash", "--yes")
        run([sys.executable, "-m", "unjam", *words], **environment)

    return recover


def without_prefect(world: World) -> None:
    """Run the same steps through the engine, in a process of their own."""
    run([sys.executable, __file__, STEPS_ALONE, str(world.repo)])


def run(command: list[str], **environment: str) -> None:
    """Run a command to its end, which must be a good one."""
    ended = subprocess.run(
        command, env=os.environ | environment, capture_output=True, text=True, check=False
    )
    if ended.returncode:
        raise SystemExit(f"{command}: {ended.returncode}\n{ended.stdout}{ended.stderr}")


def steps_alone(repo: Path) -> None:
    """Do what ``unjam recover --yes`` does, without a flow around it."""
    orchestration = open_orchestration(repo)
    request = Request(SCENARIOS)
    preview(orchestration, request)
    terms = Terms("orchestrator_crash", request)
    with session(orchestration, terms, Permission(everything=True)) as this:
        procedure.recover(this, Plainly())


def compare(bench: Bench, rounds: int) -> None:
    """Measure every way, one after the other, round by round."""
    home = bench.directory / "prefect"
    with shared_server(bench.directory / "server") as url:
        for number in range(rounds):
            cold = {"PREFECT_HOME": str(bench.directory / f"new-{number}")}
            bench.measure("by hand, as a shell script", by_hand)
            bench.measure(_ALONE, without_prefect)
            bench.measure(_SERVED, unjam(PREFECT_API_URL=url))
            bench.measure("unjam recover, embedded, first run ever", unjam(**cold))
            bench.measure("unjam recover, embedded", unjam(**cold | {"PREFECT_HOME": str(home)}))


def growth(directory: Path, sizes: list[int]) -> None:
    """Print processor seconds by size, and the exponent: the slope of least squares on log-log."""
    with shared_server(directory / "server") as url:
        served = unjam(PREFECT_API_URL=url)
        for name, recover in {_ALONE: without_prefect, _SERVED: served}.items():
            points = []
            for size in sizes:
                bench = Bench(directory / f"{len(name)}-{size}", size, verify=0)
                spent = _processor_seconds(bench, name, recover)
                print(f"{name:32}{size:6} workstreams{spent:9.1f} s", flush=True)
                points.append((math.log(size), math.log(spent)))
            slope = statistics.linear_regression(*zip(*points, strict=True)).slope
            print(f"{name:32}exponent {slope:.2f}", flush=True)


def _processor_seconds(bench: Bench, name: str, recover: Callable[[World], None]) -> float:
    """Say what one recovery takes, in the process that recovers and all that it waits for."""
    spent = 0.0

    def counted(world: World) -> None:
        nonlocal spent
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        recover(world)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    bench.measure(name, counted)
    return spent


def report(bench: Bench) -> None:
    """Print the figures."""
    hand, alone = (
        bench.median("by hand, as a shell script"),
        bench.median(_ALONE),
    )
    print(f"{'':42}{'median':>8}{'range':>16}{'by hand = 1':>13}{'of Prefect':>18}")
    for name, seconds in bench.seconds.items():
        middle = statistics.median(seconds)
        prefect = middle - alone
        share = f"{prefect:.1f} s, {prefect / middle:.0%}" if name.startswith("unjam") else ""
        spread = f"{min(seconds):.1f} - {max(seconds):.1f}"
        print(f"{name:42}{middle:7.2f}s{spread:>16}{middle / hand:13.2f}{share:>18}")
    print("all ways led to the same rows" if len(bench.ends) == 1 else f"DIFFERENT: {bench.ends}")


def main() -> int:
    """Measure, or be one of the measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workstreams", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--verify", type=float, default=1.0, help="seconds the verify command takes"
    )
    parser.add_argument("--growth", type=int, nargs="+", metavar="WORKSTREAMS")
    parser.add_argument(STEPS_ALONE, type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    os.environ |= SEALED
    if options.steps_alone:
        steps_alone(options.steps_alone)
        return 0
    with tempfile.TemporaryDirectory(
        prefix="unjam-bench-", ignore_cleanup_errors=True
    ) as directory:
        os.environ["XDG_CONFIG_HOME"] = f"{directory}/home"
        trust_below(Path(directory, "home"), Path(directory))
        if options.growth:
            growth(Path(directory).resolve(), options.growth)
            return 0
        bench = Bench(Path(directory).resolve(), options.workstreams, options.verify)
        compare(bench, options.rounds)
    report(bench)
    return 0 if len(bench.ends) == 1 else 1


if __name__ == "__main__":
    sys.exit(main())
