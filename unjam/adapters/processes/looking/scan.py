"""Which processes belong to an orchestration, and as what. Looking changes nothing."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import NamedTuple

from unjam.adapters.processes.identity import identity_of, owner_of_process
from unjam.adapters.processes.looking.in_checkout import Checkouts, registered
from unjam.adapters.processes.own_processes import is_our_own
from unjam.adapters.processes.roles import (
    is_editors_helper,
    is_git,
    is_hinted,
    is_personal,
    orchestrates,
)
from unjam.adapters.processes.table import ProcessEntry, QuickTable, Sketch, ancestors_of
from unjam.domain.world.identity import Role
from unjam.domain.world.snapshot import Process
from unjam.domain.world.truth import Truth, Unknown

_OTHERS_MAY_WRITE = 0o022


@dataclass(frozen=True, slots=True)
class Request:
    """What to look for."""

    repo: Path  # the primary checkout
    worktrees: Mapping[str, PurePath]  # of the agents, by name
    orchestrator: tuple[str, ...] = ()  # parts of its program's name
    agents: frozenset[str] = field(default_factory=frozenset)  # names of known agents; a hint
    nursery: Path | None = None  # where worktrees are made; agents may outlive them


class ProcessFacts(NamedTuple):
    """What was found. An agent is named by the topmost process of its tree."""

    processes: tuple[Process, ...]
    known: Truth
    unknown: tuple[Unknown, ...] = ()


def scan(request: Request) -> ProcessFacts:
    """Find the living orchestrators, agents, persons and Git commands of one orchestration."""
    return _Sweep(request, QuickTable()).facts()


class _Sweep:
    """One look at one table of processes."""

    def __init__(self, request: Request, table: QuickTable) -> None:
        self.request = request
        self.table = table
        self.places = Checkouts(request.repo, request.worktrees, request.nursery)
        self.callers = {one.pid for one in ancestors_of(os.getpid(), table)}
        self.roles: dict[int, Role | None] = {}
        self.trees: dict[int, str | None] = {}

    def facts(self) -> ProcessFacts:
        found = tuple(self._found())
        unknown = tuple(self._unknown({one.identity.pid for one in found}))
        return ProcessFacts(found, Truth.UNKNOWN if unknown else Truth.YES, unknown)

    def _found(self) -> Iterator[Process]:
        for entry in self._candidates():
            role = self._role(entry)
            if role is None or self._is_part_of_another(entry, role):
                continue
            identity = identity_of(entry.pid)
            if identity is not None:
                cwd = None if entry.cwd is None else PurePath(entry.cwd)
                tree = registered(self._tree(entry))
                certain = cwd is not None
                yield Process(identity, entry.parent, role, entry.command, cwd, tree, certain)

    def _candidates(self) -> Iterator[ProcessEntry]:
        """Yield what works here, or runs an orchestrator; few of all processes do."""
        for sketch in self.table.sketches:
            tree = self._tree(sketch)
            if tree is not None or self._orchestrates(sketch, tree):
                entry = self.table.get(sketch.pid)
                if entry is not None:
                    yield entry

    def _is_part_of_another(self, entry: ProcessEntry, role: Role) -> bool:
        """Tell a process whose tree is named by one above it."""
        if role is Role.ORCHESTRATOR:
            above = ancestors_of(entry.pid, self.table)
            return any(self._role(one) is Role.ORCHESTRATOR for one in above)
        boss = self._boss(entry)
        return role is not Role.PERSON and boss is not None and self._role(boss) is role

    def _role(self, entry: ProcessEntry) -> Role | None:
        if entry.pid not in self.roles:
            self.roles[entry.pid] = self._judge(entry)
        return self.roles[entry.pid]

    def _judge(self, entry: ProcessEntry) -> Role | None:
        tree = self._tree(entry)
        if is_our_own(entry, self.table):
            return None
        boss = self._boss(entry) if tree else None
        if boss is not None and self._role(boss) is Role.AGENT:
            return Role.AGENT
        if self._orchestrates(entry, tree):
            return Role.ORCHESTRATOR
        if tree == "":
            return Role.GIT if is_git(entry) and self._is_here(entry) else None
        return None if tree is None else self._judge_in_worktree(entry, boss)

    def _judge_in_worktree(self, entry: ProcessEntry, boss: ProcessEntry | None) -> Role:
        above = None if boss is None else self._role(boss)
        # Whoever called us waits for us, and must not be stopped under us.
        if is_personal(entry) or entry.pid in self.callers:
            return Role.PERSON
        if is_git(entry):
            return Role.GIT
        if is_hinted(entry, self.request.agents):
            return Role.AGENT
        if above is Role.PERSON or self._is_in_an_editor(entry):
            return Role.PERSON
        return Role.GIT if above is Role.GIT else Role.AGENT

    def _boss(self, entry: ProcessEntry) -> ProcessEntry | None:
        """Return the nearest process above that works in the same worktree."""
        tree = self._tree(entry)
        for above in ancestors_of(entry.pid, self.table):
            if self._tree(above) == tree and not is_our_own(above, self.table):
                return above
            if self._orchestrates(above, self._tree(above)):
                return None
        return None

    def _tree(self, entry: Sketch) -> str | None:
        """Name the checkout a process works in, or that an agent elsewhere was told to work in."""
        if entry.pid not in self.trees:
            tree = self.places.of(entry)
            if tree is None:
                told = self.places.mentioned(entry)
                tree = told if told and is_hinted(entry, self.request.agents) else None
            self.trees[entry.pid] = tree
        return self.trees[entry.pid]

    def _orchestrates(self, entry: Sketch, tree: str | None) -> bool:
        if not orchestrates(entry, self.request.orchestrator, self.places.repo):
            return False
        return entry.cwd is None or tree is not None or self.places.mentioned(entry) is not None

    def _is_here(self, entry: Sketch) -> bool:
        # Our own trials live below the Git directory.
        return entry.cwd is not None and "/.git/unjam/" not in f"{entry.cwd}/"

    def _is_in_an_editor(self, entry: ProcessEntry) -> bool:
        if not is_editors_helper(entry, self.table):
            return False
        above = ancestors_of(entry.pid, self.table)
        return not any(self._role(one) is Role.ORCHESTRATOR for one in above)

    def _unknown(self, told: set[int]) -> Iterator[Unknown]:
        """Name processes that may work here but will not say where they are."""
        for entry in self.table.sketches:
            if entry.cwd is not None or entry.pid in told:
                continue
            if self.places.mentioned(entry) is not None or self._may_work_here(entry):
                yield Unknown(
                    f"process {entry.pid} ({entry.command[0]})",
                    "its working directory cannot be read",
                )
        if 1 not in self.table and self._others_may_write():
            yield Unknown("processes of other users", "this system hides them")

    def _may_work_here(self, entry: Sketch) -> bool:
        if not (is_git(entry) or is_hinted(entry, self.request.agents)):
            return False
        return self._others_may_write() or owner_of_process(entry.pid) in (0, self._owner())

    def _others_may_write(self) -> bool:
        if self._owner() != os.geteuid():
            return True
        return bool(self.request.repo.stat().st_mode & _OTHERS_MAY_WRITE)

    def _owner(self) -> int | None:
        try:
            return self.request.repo.stat().st_uid
        except OSError:
            return None
