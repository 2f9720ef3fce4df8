"""Hold processes still for a moment, whatever happens to us in it."""

import signal
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from unjam.adapters.processes.identity import is_same
from unjam.adapters.processes.looking.tree import Tree
from unjam.adapters.processes.signals import Key, send
from unjam.adapters.processes.stopping.guard import Guard
from unjam.adapters.processes.table import ProcessEntry, start_of
from unjam.domain.world.identity import ProcessIdentity
from unjam.domain.world.truth import Truth

_LOOKS = 50  # a tree that grows faster than we look is not held for ever
_SETTLE = 0.002  # seconds between two looks


@contextmanager
def frozen(
    identities: Iterable[ProcessIdentity], below: Path | None = None
) -> Iterator[frozenset[int]]:
    """Stop these processes with their trees while the block lasts; yields the pids that were.

    What was stopped before stays stopped after. What has ended, is ours or may not be signalled
    is passed over. If we are killed in the block, a guard lets all of them go on.
    """
    roots = [key for one in identities if (key := key_of(one)) is not None]
    if not roots:
        yield frozenset()
        return
    with Guard() as guard:
        still = Still(Tree(roots, below), guard)
        try:
            still.freeze()
            yield frozenset(pid for pid, _ in still.frozen)
        finally:
            still.thaw()


def key_of(identity: ProcessIdentity) -> Key | None:
    """Return what to signal this very process by; None unless it surely lives."""
    start = start_of(identity.pid)
    # Asked in this order: if the identity still holds, the start read before was its start.
    if start is None or is_same(identity) is not Truth.YES:
        return None
    return identity.pid, start


class Still:
    """A tree that is held still, member by member, from the root to the leaves."""

    def __init__(
        self, tree: Tree, guard: Guard, may_stop: Callable[[ProcessEntry], bool] = lambda _: True
    ) -> None:
        self.frozen: list[Key] = []
        self._tree = tree
        self._guard = guard
        self._may_stop = may_stop
        self._seen: set[Key] = set()

    def freeze(self) -> None:
        """Stop every member until two looks in a row find nobody new."""
        quiet = 0
        for _ in range(_LOOKS):
            new = [one for one in self._tree.look() if one.key not in self._seen]
            for entry in new:
                self._seen.add(entry.key)
                if not entry.is_stopped and self._may_stop(entry):
                    self._stop(entry.key)
            quiet = 0 if new else quiet + 1
            if quiet == 2:  # noqa: PLR2004 -- two looks that agree
                return
            time.sleep(_SETTLE)

    def thaw(self) -> None:
        """Let them go on, leaves first."""
        while self.frozen:
            with suppress(PermissionError):
                send(self.frozen[-1], signal.SIGCONT)
            self.frozen.pop()

    def _stop(self, key: Key) -> None:
        self._guard.watch(key)
        # Noted before it is done: an interrupt in between must not leave it stopped.
        self.frozen.append(key)
        try:
            stopped = send(key, signal.SIGSTOP)
        except PermissionError:
            stopped = False
        if not stopped:
            self.frozen.remove(key)
