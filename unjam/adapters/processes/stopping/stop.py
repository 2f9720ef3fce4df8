"""End a process and its tree: asked politely, then told, then ended."""

import os
import signal
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePath

from unjam.adapters.processes.identity import is_same, owner_of_path, owner_of_process
from unjam.adapters.processes.looking.tree import Alone, Tree
from unjam.adapters.processes.signals import Key, lives, send
from unjam.adapters.processes.stopping.freeze import Still, key_of
from unjam.adapters.processes.stopping.guard import Guard
from unjam.adapters.processes.table import ProcessEntry, ancestors_of, read_table
from unjam.domain.world.identity import ProcessIdentity
from unjam.domain.world.truth import Truth
from unjam.errors import PermanentError, RefusedError

_BEAT = 0.02  # seconds between two looks at whether they have ended


@dataclass(frozen=True, slots=True)
class Ladder:
    """Seconds to wait after each rung."""

    interrupt: float = 5.0
    terminate: float = 5.0
    kill: float = 5.0


def stop(
    identity: ProcessIdentity,
    below: PurePath | None,
    ladder: Ladder = Ladder(),
    *,
    alone: bool = False,
) -> str:
    """End this very process and its tree, or it ``alone``, and say how; ended already is fine.

    Only processes of our own user are signalled or, when we are root, of the user who owns the
    directory the process works in. Raises RefusedError where it is not what it was, is one of
    those we live in, or is another's; PermanentError naming what survived.
    """
    root = _proven(identity, None if below is None else Path(below))
    if root is None:
        return f"pid {identity.pid} had already ended"
    return _Ending(root, None if below is None else Path(below), ladder, alone=alone).run()


def _proven(identity: ProcessIdentity, below: Path | None) -> ProcessEntry | None:
    """Return the process, proven to be the one that was meant and fit to be ended."""
    if is_same(identity) is Truth.UNKNOWN:
        raise RefusedError(f"pid {identity.pid} of {identity.host} cannot be looked at from here")
    key, table = key_of(identity), read_table()
    root = table.get(identity.pid)
    if key is None or root is None or root.key != key:
        return None
    us = os.getpid()
    if root.pid in {1, us} or any(one.pid == root.pid for one in ancestors_of(us, table)):
        raise RefusedError(f"pid {root.pid} is not stopped: unjam itself runs in it")
    if below is not None and not _works_in(root, below):
        where = root.cwd or "a place that cannot be read"
        raise RefusedError(f"pid {root.pid} is not stopped: it works in {where}, not in {below}")
    if owner_of_process(root.pid) not in _users(root, below):
        raise RefusedError(f"pid {root.pid} is not stopped: it is {identity.user}'s")
    return root


def _works_in(entry: ProcessEntry, below: Path) -> bool:
    return entry.cwd is not None and Path(entry.cwd).is_relative_to(below.resolve())


def _users(root: ProcessEntry, below: Path | None) -> set[int]:
    """Return the users whose processes may be ended."""
    ours = os.geteuid()
    where = below or (Path(root.cwd) if root.cwd else None)
    return {ours, owner_of_path(where)} if ours == 0 and where is not None else {ours}


class _Ending:
    """The ladder, rung by rung, on a tree that may grow while we climb."""

    def __init__(
        self, root: ProcessEntry, below: Path | None, ladder: Ladder, *, alone: bool
    ) -> None:
        self.root = root
        self.ladder = ladder
        self.users = _users(root, below)
        self.tree = Alone([root.key]) if alone else Tree([root.key], below)
        self.met: set[Key] = set()
        self.others: dict[Key, ProcessEntry] = {}

    def run(self) -> str:
        if self._ask():
            return self._sentence("SIGINT")
        if self._tell(signal.SIGTERM, self.ladder.terminate):
            return self._sentence("SIGTERM")
        if self._tell(signal.SIGKILL, self.ladder.kill):
            return self._sentence("SIGKILL")
        raise PermanentError(f"pid {self.root.pid} is not ended: {_named(self._look())} survived")

    def _ask(self) -> bool:
        """Interrupt all of them, as a person's Ctrl-C would."""
        for entry in self._look():
            self._send(entry.key, signal.SIGINT)
            if entry.is_stopped:
                self._send(entry.key, signal.SIGCONT)
        return self._wait(self.ladder.interrupt)

    def _tell(self, number: signal.Signals, seconds: float) -> bool:
        """Hold the whole tree still, so that nothing is born meanwhile, and signal every member."""
        with Guard() as guard:
            still = Still(self.tree, guard, may_stop=self._may_end)
            try:
                still.freeze()
                members = self._look()
                for entry in members:
                    self._send(entry.key, number)
            finally:
                still.thaw()
            for entry in members:
                self._send(entry.key, signal.SIGCONT)
        return self._wait(seconds)

    def _wait(self, seconds: float) -> bool:
        """Wait until none of them lives, new ones included."""
        end = time.monotonic() + seconds
        while True:
            if not any(lives(key) for key in self.met) and not self._look():
                return True
            if time.monotonic() > end:
                return False
            time.sleep(_BEAT)

    def _look(self) -> list[ProcessEntry]:
        found = self.tree.look()
        mine = [one for one in found if self._may_end(one)]
        self.others |= {one.key: one for one in found if one not in mine}
        self.met |= {one.key for one in mine}
        return mine

    def _may_end(self, entry: ProcessEntry) -> bool:
        return owner_of_process(entry.pid) in self.users

    def _send(self, key: Key, number: signal.Signals) -> None:
        with suppress(PermissionError):
            send(key, number)

    def _sentence(self, how: str) -> str:
        more = len(self.met) - 1
        below = f" and {more} more in its tree" if more else ""
        left = [one for key, one in self.others.items() if lives(key)]
        spared = f"; left alone, being another user's: {_named(left)}" if left else ""
        return f"ended pid {self.root.pid}{below} by {how}{spared}"


def _named(entries: Iterable[ProcessEntry]) -> str:
    return ", ".join(f"pid {one.pid} ({' '.join(one.command)[:60]})" for one in entries)
