"""Who may own a lock file of Git: only a lock whose owner is provably dead is stale.

That nobody has the file open proves nothing: a ``git commit`` that waits in its editor holds
``index.lock`` without having it open. Its process lives, and works in the repository; that is what
is looked at. A process that was started after the lock was last written cannot own it.
"""

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path, PurePath
from typing import NamedTuple

from unjam.adapters.processes.identity import identity_of
from unjam.adapters.processes.looking.in_checkout import Checkouts
from unjam.adapters.processes.own_processes import our_own
from unjam.adapters.processes.roles import is_git, is_personal
from unjam.adapters.processes.table import PROC, ProcessEntry, Table, ancestors_of, read_table
from unjam.domain.world.identity import ProcessIdentity
from unjam.domain.world.snapshot import Lock
from unjam.domain.world.truth import Truth

_MARGIN = 2.0  # seconds; the clocks of files and of processes are read differently
_OF_OTHER_MACHINES = frozenset(
    ("nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "virtiofs", "fuse.sshfs", "ceph", "glusterfs")
)
_PID = re.compile(r"(?i)\bpid\b[\s:=#]*(\d+)\b")
_STEERING = ("GIT_DIR", "GIT_WORK_TREE", "GIT_COMMON_DIR", "GIT_INDEX_FILE")
_ELSEWHERE = "\0elsewhere"  # works on this repository from a place outside of it


class LockSuspect(NamedTuple):
    """A living process that may own a lock of this repository."""

    identity: ProcessIdentity
    name: str
    is_git: bool
    worktree: str | None  # None: it will not say where it works


def judge_locks(
    locks: Iterable[Lock], common: Path, worktrees: Mapping[str, PurePath]
) -> tuple[Lock, ...]:
    """Return the locks, each with whether it is stale and why.

    ``worktrees`` names every checkout, the primary as ``""``. Processes are looked at now, after
    the locks: whoever made one then, and lives, is seen.
    """
    listed = tuple(locks)
    if not listed:
        return ()
    if _shared_with_other_machines(common):
        because = "the repository is on a file system that other machines may work on"
        return tuple(replace(one, stale=Truth.UNKNOWN, because=because) for one in listed)
    candidates = tuple(processes_near(common, worktrees))
    return tuple(_judge(one, common, candidates) for one in listed)


def processes_near(common: Path, worktrees: Mapping[str, PurePath]) -> Iterator[LockSuspect]:
    """Find the processes that work in a checkout of this repository, and Git's wherever they are.

    A person's idle shell or editor owns no lock: what it starts is a process of its own.
    """
    table = read_table()
    places = Checkouts(worktrees.get("", common.parent), worktrees)
    spared = our_own(table) | _idle_callers(table)
    for pid, entry in table.items():
        if pid in spared or not entry.command or (is_personal(entry) and not is_git(entry)):
            continue
        where = _place(entry, places, common)
        if where is not None or (entry.cwd is None and is_git(entry)):
            identity = identity_of(pid)
            if identity is not None:
                name = f"pid {pid} ({' '.join(entry.command)[:60]})"
                yield LockSuspect(identity, name, is_git(entry), where)


def locker_lives(reason: str, file: Path) -> Truth:
    """Tell whether the process that a lock of a worktree names still lives; few name one, and just one.

    Whoever was started after the file was written only has the pid that it had.
    """
    pids = {int(one) for one in _PID.findall(reason)}
    if len(pids) != 1 or _shared_with_other_machines(file.parent):
        return Truth.UNKNOWN
    (pid,) = pids
    try:
        written = file.lstat().st_mtime
        with suppress(PermissionError):  # it is another user's
            os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return Truth.NO
    except OSError:  # the lock was taken off just now
        return Truth.UNKNOWN
    owner = identity_of(pid)
    if owner is None:
        return Truth.UNKNOWN
    return Truth.YES if owner.started <= written + _MARGIN else Truth.NO


def owners_of(path: Path) -> tuple[ProcessIdentity, ...]:
    """Return the processes that have this file open, as far as they can be seen."""
    try:
        wanted = path.stat()
    except OSError:
        return ()
    found = (identity_of(pid) for pid in read_table() if _has_open(pid, wanted))
    return tuple(one for one in found if one is not None)


def _idle_callers(table: Table) -> set[int]:
    """Return whoever waits for us; a Git command that does so, by a hook, may hold a lock."""
    return {one.pid for one in ancestors_of(os.getpid(), table) if not is_git(one)}


def _place(entry: ProcessEntry, places: Checkouts, common: Path) -> str | None:
    where = places.of(entry)
    if where is not None or not is_git(entry):
        return where
    inside = str(common.resolve())
    if places.mentioned(entry) is not None or any(inside in word for word in entry.command):
        return _ELSEWHERE
    return _ELSEWHERE if _is_sent_to(entry.pid, inside, places) else None


def _is_sent_to(pid: int, common: str, places: Checkouts) -> bool:
    """Tell a Git command that the environment or an open file ties to this repository."""
    with suppress(OSError):
        for variable in (PROC / str(pid) / "environ").read_bytes().split(b"\0"):
            name, _, value = os.fsdecode(variable).partition("=")
            path = os.path.normpath(value)
            inside = path.startswith(common) or places.of_path(path) is not None
            if name in _STEERING and inside:
                return True
    return any(link.startswith(f"{common}/") for link in _open_files(pid))


def _open_files(pid: int) -> Iterator[str]:
    with suppress(OSError):
        for handle in (PROC / str(pid) / "fd").iterdir():
            with suppress(OSError):
                yield os.readlink(handle)  # noqa: PTH115 -- may be no path: "pipe:[1]"


def _has_open(pid: int, wanted: os.stat_result) -> bool:
    with suppress(OSError):
        for handle in (PROC / str(pid) / "fd").iterdir():
            with suppress(OSError):
                if os.path.samestat(handle.stat(), wanted):
                    return True
    return False


def _judge(lock: Lock, common: Path, candidates: Iterable[LockSuspect]) -> Lock:
    old_enough = [
        one for one in candidates if one.identity.started <= lock.since.timestamp() + _MARGIN
    ]
    shared = _is_shared(lock, common)
    here = [one for one in old_enough if shared or one.worktree == lock.worktree]
    git_here = next((one for one in here if one.is_git and one.worktree is not None), None)
    # Git at work anywhere in this repository may have been sent here from there.
    may_own = [one for one in (*here, *old_enough) if one in here or one.is_git]
    if git_here is not None:
        return replace(lock, stale=Truth.NO, because=f"{git_here.name} is at work here")
    if may_own:
        because = f"{may_own[0].name} is older than the lock and may own it"
        suspects = _worktrees_of(may_own)
        return replace(lock, stale=Truth.UNKNOWN, because=because, suspects=suspects)
    return replace(lock, stale=Truth.YES, because="no living process can own it")


def _worktrees_of(owners: Iterable[LockSuspect]) -> tuple[str, ...]:
    """Name the worktrees they work in; none if one of them may work elsewhere."""
    places = {one.worktree for one in owners}
    known = sorted(one for one in places if one is not None and one != _ELSEWHERE)
    return tuple(known) if len(known) == len(places) else ()


def _is_shared(lock: Lock, common: Path) -> bool:
    """Tell the locks that Git takes from any worktree from those of the primary alone."""
    if lock.worktree:
        return False
    own = {"index.lock", "HEAD.lock", "MERGE_HEAD.lock", "ORIG_HEAD.lock", "config.worktree.lock"}
    return not (lock.path.name in own and Path(lock.path.parent) == common)


def _shared_with_other_machines(path: Path) -> bool:
    """Tell a file system on which a process of another machine may hold a lock."""
    best, kind = "", ""
    with suppress(OSError):
        for line in (PROC / "self/mountinfo").read_text("utf-8", "surrogateescape").splitlines():
            before, _, after = line.partition(" - ")
            mount = before.split()[4].encode().decode("unicode_escape")
            inside = f"{path.resolve()}/".startswith(f"{mount.rstrip('/')}/")
            if inside and len(mount) >= len(best):
                best, kind = mount, after.split()[0]
    # A sandbox may have its very root from a host: that is this machine's own all the same.
    return kind in _OF_OTHER_MACHINES and best != "/"
