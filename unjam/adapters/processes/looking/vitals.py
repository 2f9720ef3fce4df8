"""Whether a process does anything: what it and those below it count, at one instant."""

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from unjam.adapters.processes.roles import is_git
from unjam.adapters.processes.table import PROC, children_of, descendants_of, has_proc, read_table
from unjam.domain.world.database import Activity

_TICK = os.sysconf("SC_CLK_TCK")
_BUSY = 0.05  # share of a processor
_MOVED = 1 << 16  # bytes in a second; less is what a loop that only waits writes into its log
_DISK_SLEEP = "D"


@dataclass(frozen=True, slots=True)
class Vitals:
    """One process at one instant."""

    at: float  # seconds, of any clock that runs evenly
    is_stopped: bool
    state: str
    cpu: float  # seconds
    moved: int | None  # bytes read and written; None: we may not see that
    below: float  # seconds of processor time of those it started
    git: str = ""  # a Git command it started and that still runs


def vitals_of(pid: int, at: float) -> Vitals | None:
    """Take them; None when it has ended."""
    table = read_table()
    entry = table.get(pid)
    if entry is None:
        return None
    started = descendants_of({pid}, table)
    below = sum(_cpu(one) for one in started)
    git = next((one for one in children_of(table).get(pid, ()) if is_git(table[one])), None)
    named = "" if git is None else f"pid {git} ({' '.join(table[git].command)[:60]})"
    return Vitals(at, entry.is_stopped, _state(pid), _cpu(pid), _moved(pid), below, named)


def activity(before: Vitals | None, now: Vitals | None) -> tuple[Activity, str]:
    """Tell what went on between two instants, and what shows it."""
    if before is None or now is None:
        return Activity.UNKNOWN, "it has ended meanwhile"
    if now.is_stopped:
        return Activity.STOPPED, "it is stopped (SIGSTOP, or Ctrl-Z) and cannot let go"
    apart = max(now.at - before.at, 0.001)
    cpu, below = (now.cpu - before.cpu) / apart, (now.below - before.below) / apart
    moved = None if now.moved is None or before.moved is None else now.moved - before.moved
    within = f"within {apart:.1f} s"
    signs = {
        f"it used {cpu:.0%} of a processor {within}": cpu > _BUSY,
        f"it read and wrote {moved or 0:,} bytes {within}": (moved or 0) > _MOVED * apart,
        f"what it started used {below:.0%} of a processor {within}": below > _BUSY,
        "it waits for a disk": now.state == _DISK_SLEEP,
        f"it waits for {now.git}": bool(now.git),
    }
    for sign, shows in signs.items():
        if shows:
            return Activity.WORKS, sign
    return Activity.IDLE, f"{within} it computed and wrote nothing"


def seconds_still(pid: int) -> float | None:
    """Return how long none of its threads has run; None where the kernel does not tell.

    Whatever lock it holds it has held for at least so long.
    """
    now = _last_ran(PROC / "self" / "sched")
    ran = [_last_ran(one) for one in (PROC / str(pid) / "task").glob("*/sched")]
    known = [one for one in ran if one is not None]
    if now is None or not ran or len(known) < len(ran):
        return None
    return max(0.0, now - max(known)) / 1000


def _last_ran(path: Path) -> float | None:
    """Read when a thread last began to run, in milliseconds of the scheduler's clock."""
    with suppress(OSError, ValueError):
        for line in path.read_text("ascii", "replace").splitlines():
            if line.startswith("se.exec_start"):
                return float(line.rpartition(":")[2])
    return None


def _cpu(pid: int) -> float:
    if not has_proc():
        return _cpu_by_psutil(pid)
    words = _stat(pid)
    return (int(words[11]) + int(words[12])) / _TICK if words else 0.0


def _state(pid: int) -> str:
    words = _stat(pid) if has_proc() else []
    return words[0] if words else ""


def _stat(pid: int) -> list[str]:
    with suppress(OSError):
        return (PROC / str(pid) / "stat").read_text("ascii", "replace").rpartition(")")[2].split()
    return []


def _moved(pid: int) -> int | None:
    with suppress(OSError, ValueError, IndexError):
        lines = Path(PROC, str(pid), "io").read_text("ascii").splitlines()
        return sum(int(line.split()[1]) for line in lines[:2])
    return None


def _cpu_by_psutil(pid: int) -> float:
    import psutil

    with suppress(psutil.Error):
        times = psutil.Process(pid).cpu_times()
        return float(times.user + times.system)
    return 0.0
