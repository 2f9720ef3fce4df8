"""A process and everything that came from it, as far as that can be known.

A child that leaves the tree, by a double fork, is still known by the look that saw it before, by
the group or session its ancestors made, or by the directory it works in.
"""

import os
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from pathlib import Path

from unjam.adapters.processes.own_processes import our_own
from unjam.adapters.processes.roles import is_editors_helper, is_personal
from unjam.adapters.processes.signals import Key
from unjam.adapters.processes.table import (
    ProcessEntry,
    Table,
    ancestors_of,
    descendants_of,
    read_table,
)


class Tree:
    """The members of some trees, remembered from one look to the next."""

    def __init__(self, roots: Iterable[Key], below: Path | None = None) -> None:
        self._known = set(roots)
        self._below = None if below is None else str(below.resolve())

    def look(self, table: Table | None = None) -> list[ProcessEntry]:
        """Return its living members as they are now, parents first; never ourselves or above us."""
        if table is None:
            table = read_table()
        spared = our_own(table) | {one.pid for one in ancestors_of(os.getpid(), table)} | {0, 1}
        members = {pid for pid, entry in table.items() if entry.key in self._known}
        members |= {pid for pid, entry in table.items() if self._works_below(entry, table)}
        members = self._closure(members - spared, table, spared)
        found = sorted((table[pid] for pid in members), key=lambda one: _depth(one, table))
        self._known |= {entry.key for entry in found}
        return found

    def _closure(self, members: set[int], table: Table, spared: AbstractSet[int]) -> set[int]:
        while True:
            more = set(descendants_of(members, table)) | self._companions(members, table)
            more -= members | spared
            if not more:
                return members
            members = members | more

    def _companions(self, members: set[int], table: Table) -> set[int]:
        """Return processes in a group or session that a member made, be it dead by now."""
        led = members | {pid for pid, _ in self._known if pid not in table}
        return {pid for pid, one in table.items() if one.group in led or one.session in led}

    def _works_below(self, entry: ProcessEntry, table: Table) -> bool:
        if self._below is None or not _is_below(entry, self._below):
            return False
        if is_personal(entry) or is_editors_helper(entry, table):
            return False
        return not any(
            is_personal(above) and _is_below(above, self._below)
            for above in ancestors_of(entry.pid, table)
        )


class Alone(Tree):
    """Processes without those that came from them."""

    def _closure(self, members: set[int], *_: object) -> set[int]:
        return members


def _is_below(entry: ProcessEntry, root: str) -> bool:
    return entry.cwd is not None and f"{entry.cwd}/".startswith(f"{root}/")


def _depth(entry: ProcessEntry, table: Table) -> tuple[int, int]:
    return sum(1 for _ in ancestors_of(entry.pid, table)), entry.pid
