"""A close look at an agent among many processes, against psutil asked for the same of all of them.

python -m benchmarks.hang --processes 1000 --rounds 5
"""

import argparse
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from unjam.adapters.processes.looking.agent_tree import WantedAgent, look_at_agents

_ASKED = ["pid", "ppid", "cwd", "cmdline", "cpu_times", "memory_info", "io_counters", "status"]
_ASKED += ["num_ctx_switches"]


def main() -> None:
    """Print the median of each, and how many times as fast ours is."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder)
        sleepers = _strangers(arguments.processes)
        agent = subprocess.Popen([sys.executable, "-c", "input()"], cwd=tree, stdin=subprocess.PIPE)
        try:
            _compare(arguments.rounds, WantedAgent((agent.pid,), tree))
        finally:
            for pid in (*sleepers, agent.pid):
                os.kill(pid, signal.SIGKILL)
            agent.wait()


def _strangers(count: int) -> list[int]:
    """Start processes that are nobody's children, as those of a machine at work are."""
    code = (
        "import subprocess, sys\n"
        "nowhere = subprocess.DEVNULL\n"
        "for _ in range(int(sys.argv[1])):\n"
        "    left = subprocess.Popen(['sleep', '600'], cwd='/', stdout=nowhere, stderr=nowhere)\n"
        "    print(left.pid)"
    )
    command = [sys.executable, "-W", "ignore", "-c", code, str(count)]
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    return [int(line) for line in ended.stdout.split()]


def _compare(rounds: int, wanted: WantedAgent) -> None:
    ours, theirs = list[float](), list[float]()
    for _ in range(rounds):
        ours.append(_timed(lambda: look_at_agents({"agent": wanted})))
        theirs.append(_timed(lambda: list(psutil.process_iter(_ASKED))))
    mine, other = statistics.median(ours), statistics.median(theirs)
    print(f"processes: {len(psutil.pids())}")
    print(f"a close look: {mine * 1000:.0f} ms ({_range(ours)})")
    print(f"psutil, nine attributes: {other * 1000:.0f} ms ({_range(theirs)})")
    print(f"{other / mine:.1f} times as fast")


def _timed(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def _range(seconds: list[float]) -> str:
    return f"{min(seconds) * 1000:.0f} to {max(seconds) * 1000:.0f}"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--processes", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    return parser.parse_args()


if __name__ == "__main__":
    main()
