"""What a look at 1, 10 and 100 repositories costs, against the playbook done by hand in each.

    python -m benchmarks.fleet --rounds 3

A look is that of the watch, the flow `detect`, without starting a recovery: on a running Prefect
server, and once more as its engine alone. By hand is the shell of the playbook, one repository after the
other. All alternate in one run on one machine; growth is the time divided by that of one repository.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

from prefect.logging.configuration import setup_logging
from prefect.logging.handlers import APILogHandler
from prefect.settings import (
    PREFECT_API_URL,
    PREFECT_FLOWS_HEARTBEAT_FREQUENCY,
    temporary_settings,
)

from benchmarks.check import SEALED, by_hand
from benchmarks.fleet_world import Size, build
from flows.detect import detect
from tests.prefect_server import QUIET, shared_server
from unjam.engine.orchestration import open_orchestration
from unjam.engine.running import scheduled_look

EVERY = timedelta(minutes=5)
WAYS = ("by hand", "the look alone", "the watch")


def by_hand_in_each(repos: list[Path], size: Size) -> None:
    """Run the playbook's loop in each repository."""
    for repo in repos:
        by_hand(repo, size)


def look_alone(repos: list[Path]) -> None:
    """Do what the flow does, as many at once, without Prefect."""
    with ThreadPoolExecutor() as pool:
        for seen in pool.map(
            lambda one: scheduled_look.look_as_scheduled(open_orchestration(one), EVERY), repos
        ):
            if seen.because:
                raise SystemExit(f"{seen.repo}: {seen.because}")


def watch(repos: list[Path]) -> None:
    """Let the flow of the watch look at all of them."""
    rows = detect(repos, EVERY, recover=False)["repositories"]
    missed = [one["because"] for one in rows if one["because"]]
    if missed or len(rows) != len(repos):
        raise SystemExit(f"{len(rows)} looks; {missed}")


def timed(act: Callable[[], None]) -> float:
    """Measure once."""
    started = time.perf_counter()
    act()
    return time.perf_counter() - started


def measure(repos: list[Path], size: Size, rounds: int) -> dict[str, float]:
    """Alternate the ways; the median of each, in seconds."""
    acts: tuple[Callable[[], None], ...] = (
        lambda: by_hand_in_each(repos, size),
        lambda: look_alone(repos),
        lambda: watch(repos),
    )
    taken = [[timed(act) for act in acts] for _ in range(rounds)]
    return {
        way: statistics.median(times)
        for way, times in zip(WAYS, zip(*taken, strict=True), strict=True)
    }


def say(found: dict[int, dict[str, float]]) -> None:
    """Print the table."""
    one = found[min(found)]
    print(
        f"load {os.getloadavg()[0]:.1f}\n{'repositories':>12}  way{'':13} seconds  by hand=1  growth"
    )
    for number, medians in found.items():
        for way, seconds in medians.items():
            ratio, growth = seconds / medians["by hand"], seconds / one[way]
            print(f"{number:>12}  {way:<15} {seconds:>8.2f}  {ratio:>9.2f}  {growth:>6.1f}")


def main() -> None:
    """Build, measure and say."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--fleet", type=int, nargs="+", default=[1, 10, 100])
    parser.add_argument("--worktrees", type=int, default=10, help="in each repository")
    parser.add_argument("--branches", type=int, default=50, help="in each repository")
    given = parser.parse_args()
    size = Size(given.worktrees, given.branches, given.branches)
    # The flow's log is sent to the server, and only there.
    os.environ.update(QUIET | SEALED | {"PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "ERROR"})
    setup_logging()
    with tempfile.TemporaryDirectory(prefix="unjam-fleet-") as scratch:
        repos = [Path(scratch, f"repository-{number:03}") for number in range(max(given.fleet))]
        for repo in repos:
            build(repo, size)
        with (
            shared_server(Path(scratch, "server")) as url,
            temporary_settings(
                {
                    PREFECT_API_URL: url,
                    PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None,
                }
            ),
        ):
            watch(repos[:1])  # what is loaded and written only once
            say({n: measure(repos[:n], size, given.rounds) for n in given.fleet})
            APILogHandler().flush()  # while there is a server to take it


if __name__ == "__main__":
    main()
