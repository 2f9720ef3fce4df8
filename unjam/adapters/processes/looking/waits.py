"""What a process waits for: the system call each of its threads is in, and what that is about.

Where the system does not show the call (another user's process, or a hardened machine), the place
in the kernel where it sleeps is asked; that tells less, and then more stays unknown.
"""

import os
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass

from unjam.adapters.processes.looking.open_handles import Handle, Handles
from unjam.adapters.processes.table import PROC
from unjam.domain.world.agents.signs import Wait

Seen = tuple[Wait, str]  # and what it is about

_NUMBERS = {  # of the system calls in which processes wait
    "x86_64": {
        "read": (0, 19, 45, 47, 299),  # read, readv, recvfrom, recvmsg, recvmmsg
        "choice": (7, 271),  # poll, ppoll
        "select": (23, 270),  # select, pselect6
        "events": (232, 281),  # epoll_wait, epoll_pwait
        "futex": (202,),
        "sleep": (35, 230),  # nanosleep, clock_nanosleep
        "child": (61, 247, 130),  # wait4, waitid, rt_sigsuspend
        "flock": (73,),
    },
    "aarch64": {
        "read": (63, 65, 207, 212, 243),
        "choice": (73,),
        "select": (72,),
        "events": (22,),
        "futex": (98,),
        "sleep": (101, 115),
        "child": (260, 95, 133),
        "flock": (32,),
    },
}
_CALLS = {
    number: name
    for name, numbers in _NUMBERS.get(os.uname().machine, {}).items()
    for number in numbers
}
_PLACES = {  # where the kernel sleeps, by the beginning of its name
    "n_tty_read": "place",
    "pipe_read": "place",
    "anon_pipe_read": "place",
    "wait_woken": "place",
    "do_wait": "child",
    "hrtimer_nanosleep": "sleep",
    "flock_lock": "flock",
    "ep_poll": "choice",
    "do_epoll": "choice",
    "do_select": "choice",
    "do_poll": "choice",
    "do_sys_poll": "choice",
}
_FUTEX_WAITS = frozenset((0, 6, 9, 13))  # WAIT, LOCK_PI, WAIT_BITSET, LOCK_PI2
_FUTEX_PRIVATE, _FUTEX_COMMAND = 0x80, 0x7F
_FOR_EVER = 0xFFFFFFFF
_WAKING = (signal.SIGALRM, signal.SIGVTALRM, signal.SIGPROF, signal.SIGIO)
_REAL_TIME = 34  # the first signal that a program can have for itself
_HARMLESS = ("anon_inode:[eventfd]", "anon_inode:[signalfd]", "anon_inode:[eventpoll]")


@dataclass(frozen=True, slots=True)
class Scene:
    """What has to be known of a whole tree to tell what one of its processes waits for."""

    handles: Mapping[int, Handles]
    piped: Mapping[int, frozenset[int]]  # by pipe: the members that can write to it
    driven: frozenset[int]  # terminals whose other end is held by a member
    tcp: frozenset[int]  # sockets
    peers: Mapping[int, int]  # of the sockets that are no network's
    own_sockets: frozenset[int]
    parents: frozenset[int]  # members that have a living child


def wait_of(pid: int, scene: Scene) -> Seen:
    """Tell what a living process waits for, all its threads taken together."""
    threads = list(_threads(pid))
    states = {state for state, _, _ in threads}
    if states & {"t"}:
        return Wait.TRACED, ""
    if states & {"T"}:
        return Wait.STOPPED, "is stopped: only SIGCONT lets it go on"
    if "R" in states or not threads:
        return Wait.NOTHING, ""
    if "D" in states:
        where = next(place for state, _, place in threads if state == "D")
        return Wait.DISK, f"waits for a file system ({where}): not even SIGKILL ends it before"
    waits = [_Thread(pid, call, place, scene).wait() for _, call, place in threads]
    return _together(waits)


def _together(waits: list[Seen]) -> Seen:
    """Join the threads: idle helpers wait for locks, and do not count beside one that does not."""
    kinds = {wait for wait, _ in waits}
    rest = kinds - {Wait.LOCKS}
    if not rest:
        return waits[0]
    if len(rest) == 1:
        return next(one for one in waits if one[0] in rest)
    for worst in (Wait.OTHER, Wait.TIME):
        if worst in rest:
            return next(one for one in waits if one[0] is worst)
    return Wait.EVENTS, "its threads wait for several things"


class _Thread:
    """One thread: the call it is in with its arguments, and the place in the kernel."""

    def __init__(self, pid: int, call: list[str], place: str, scene: Scene) -> None:
        self.pid = pid
        self.scene = scene
        self.handles = scene.handles[pid]
        self.place = place
        is_told = bool(call) and call[0].isdecimal()
        name = _CALLS.get(int(call[0])) if is_told else _by_place(place)
        self.arguments = [int(one, 16) for one in call[1:7]] if is_told else []
        self.name = name or ""

    def wait(self) -> Seen:
        told: dict[str, Callable[[], Seen]] = {
            "read": self._of_read,
            "place": self._of_place,
            "futex": self._of_lock,
            "child": self._of_child,
            "sleep": lambda: (Wait.TIME, ""),
            "choice": lambda: (Wait.EVENTS, ""),
            "select": self._of_select,
            "events": self._of_events,
            "flock": self._of_file_lock,
        }
        return told.get(self.name, self._unknown)()

    def _unknown(self) -> Seen:
        return Wait.OTHER, f"waits for what cannot be told ({self.place or 'nothing is shown'})"

    def _of_child(self) -> Seen:
        return (Wait.MEMBER, "") if self.pid in self.scene.parents else self._unknown()

    def _of_file_lock(self) -> Seen:
        handle = self.handles[self.arguments[0]] if self.arguments else None
        return Wait.OTHER, f"waits for a lock on {handle.link if handle else 'a file'}"

    def _of_read(self) -> Seen:
        return self._of_handle(self.handles[self.arguments[0]])

    def _of_handle(self, handle: Handle | None) -> Seen:
        """Tell whom a process hears from that reads something open."""
        if handle is None:
            return Wait.OTHER, "reads what cannot be seen"
        if handle.is_terminal:
            if self._is_driven(handle):
                return Wait.MEMBER, ""
            return Wait.TERMINAL, f"waits for input from its terminal ({handle.link})"
        if handle.inode is None:
            return Wait.OTHER, f"reads {handle.link}"
        if handle.link.startswith("socket"):
            return self._of_socket(handle)
        writers = self.scene.piped.get(handle.inode, frozenset()) - {self.pid}
        return self._of_stream(handle, is_own=bool(writers))

    def _of_socket(self, handle: Handle) -> Seen:
        if handle.inode in self.scene.tcp:
            return Wait.NETWORK, ""
        peer = self.scene.peers.get(handle.inode or 0, 0)
        if not peer:
            return Wait.OTHER, "waits on a socket whose other end cannot be seen"
        return self._of_stream(handle, is_own=peer in self.scene.own_sockets)

    def _of_stream(self, handle: Handle, *, is_own: bool) -> Seen:
        if is_own:
            return Wait.MEMBER, ""
        if handle.number == 0:
            return Wait.PIPE, "waits for input on its standard input, and nobody of its tree writes"
        return Wait.OTHER, f"waits for {handle.link}, whose other end is outside of its tree"

    def _is_driven(self, handle: Handle) -> bool:
        number = handle.link.rpartition("/")[2]
        return number.isdecimal() and int(number) in self.scene.driven

    def _of_place(self) -> Seen:
        """Tell it without the call's arguments, only where nothing else is possible."""
        terminals = [one for one in self.handles.all if one.is_terminal]
        networked = any(one in self.scene.tcp for one in self.handles.sockets())
        given = self.handles[0]
        at_pipe = "pipe" in self.place
        if self.place == "wait_woken" and networked and not terminals:
            return Wait.NETWORK, ""
        if not at_pipe and terminals and not networked:
            return self._of_handle(terminals[0])
        read = [one for one in self.handles.all if one.link.startswith("pipe") and not one.writes]
        if at_pipe and given is not None and read == [given]:
            return self._of_handle(given)
        return self._unknown()

    def _of_lock(self) -> Seen:
        """Tell a wait that nobody outside of the process, and no time, can end."""
        command, timeout = self.arguments[1], self.arguments[3]
        is_private = bool(command & _FUTEX_PRIVATE)
        if command & _FUTEX_COMMAND not in _FUTEX_WAITS or not is_private or timeout:
            return Wait.OTHER, "waits for a lock, for a time or shared with others"
        if _may_be_woken(self.pid, has_child=self.pid in self.scene.parents):
            return Wait.OTHER, "waits for a lock, and a signal may wake it"
        return Wait.LOCKS, f"{Wait.LOCKS}: a deadlock"

    def _of_select(self) -> Seen:
        """Tell a wait for several things; one for standard input alone shows in the arguments."""
        given = self.handles[0]
        wanted, read, write, other, timeout = self.arguments[:5]
        alone = wanted == 1 and read and not (write or other or timeout)
        return self._of_handle(given) if alone and given is not None else (Wait.EVENTS, "")

    def _of_events(self) -> Seen:
        """Tell what an event loop without a timer waits for."""
        number, timeout = self.arguments[0], self.arguments[3]
        polled = self.handles.polled(number)
        if timeout != _FOR_EVER or None in polled:
            return Wait.EVENTS, ""
        told = [self._of_handle(one) for one in polled if one is not None and not _is_inner(one)]
        outside = [one for one in told if one[0] is not Wait.MEMBER]
        if told and not outside and self._hears_another():
            return Wait.MEMBER, ""
        is_input = bool(outside) and all(one[0] is Wait.TERMINAL for one in outside)
        return outside[0] if is_input else (Wait.EVENTS, "")

    def _hears_another(self) -> bool:
        """Tell whether its standard input comes from another member: it is that one's servant."""
        given = self.handles[0]
        return given is not None and self._of_handle(given)[0] is Wait.MEMBER


def _by_place(place: str) -> str | None:
    return next((name for start, name in _PLACES.items() if place.startswith(start)), None)


def _is_inner(handle: Handle) -> bool:
    """Tell what a program only ever hears its own threads and signals through."""
    return handle.link in _HARMLESS


def _threads(pid: int) -> Iterator[tuple[str, list[str], str]]:
    """Yield the state, the call and the place in the kernel of every thread."""
    folder = PROC / str(pid) / "task"
    names: list[str] = []
    with suppress(OSError):
        names = os.listdir(folder)  # noqa: PTH208 -- names, no paths
    for name in names:
        with suppress(OSError):
            stat = (folder / name / "stat").read_text("utf-8", "replace")
            state = stat.rpartition(")")[2].split()[0]
            yield state, _told(folder / name / "syscall").split(), _told(folder / name / "wchan")


def _told(path: os.PathLike[str]) -> str:
    try:
        with open(path, encoding="ascii", errors="replace") as file:  # noqa: PTH123 -- a thousand of them
            return file.read().strip()
    except OSError:
        return ""


def _may_be_woken(pid: int, *, has_child: bool) -> bool:
    """Tell a process that handles a signal which a timer, a child or its kernel may send it."""
    caught = next(
        (
            line.split()[1]
            for line in _told(PROC / str(pid) / "status").splitlines()
            if line.startswith("SigCgt")
        ),
        None,
    )
    if caught is None:
        return True
    mask = int(caught, 16)
    waking = [*_WAKING, signal.SIGCHLD] if has_child else _WAKING
    return bool(mask >> (_REAL_TIME - 1)) or any(mask >> (one - 1) & 1 for one in waking)
