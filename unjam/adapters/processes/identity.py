"""What makes a process one process for ever, and whether it is still that one.

psutil is imported where a process is found: a check of an orchestration nobody works on needs none.
"""

import os
from functools import cache
from pathlib import Path

from unjam.adapters.processes.table import PROC
from unjam.domain.world.identity import ProcessIdentity
from unjam.domain.world.truth import Truth

_SAME = 0.02  # seconds; two ticks of the system's clock
_ROUNDING = 1.0  # the boot time is told in whole seconds, and may be told one off


def identity_of(pid: int) -> ProcessIdentity | None:
    """Name the living process that has this pid; None when there is none, or it is a zombie."""
    import psutil

    try:
        if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return None
    except psutil.Error:
        return None
    return identity_of_child(pid)


def identity_of_child(pid: int) -> ProcessIdentity | None:
    """Name a process, be it ended and not collected yet."""
    import psutil

    try:
        process = psutil.Process(pid)
        return ProcessIdentity(host(), boot(), pid, process.create_time(), process.username())
    except psutil.Error:
        return None


def is_same(identity: ProcessIdentity) -> Truth:
    """Tell whether this very process still lives; that of another host cannot be told."""
    import psutil

    if identity.host != host():
        return Truth.UNKNOWN
    if identity.boot != boot():
        return Truth.NO
    try:
        process = psutil.Process(identity.pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return Truth.NO
        return Truth.YES if _same_start(process.create_time(), identity.started) else Truth.NO
    except psutil.NoSuchProcess:
        return Truth.NO
    except psutil.Error:
        return Truth.UNKNOWN


@cache
def host() -> str:
    """Name this machine, or this container."""
    return os.uname().nodename


@cache
def boot() -> str:
    """Name the time since this machine was started."""
    import psutil

    try:
        return (PROC / "sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        return f"{psutil.boot_time():.0f}"


def owner_of_process(pid: int) -> int | None:
    """Return the user id a process runs as; None when it has ended."""
    import psutil

    try:
        return psutil.Process(pid).uids().real
    except psutil.Error:
        return None


def owner_of_path(path: Path) -> int:
    """Return the user id that owns a path, or the closest directory above that exists."""
    return next(one for one in (path, *path.parents) if os.path.lexists(one)).lstat().st_uid


def _same_start(one: float, other: float) -> bool:
    apart = abs(one - other)
    return apart < _SAME or abs(apart - _ROUNDING) < _SAME
