"""Names of workstreams and agents, and how branches and directories are called after them.

Names come from rows, files and agents, and end up in refs and paths. Only names that can be
nothing but a name are usable; every other one is data to show, never to act upon.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from unjam.domain.world.identity import AgentId, WorkstreamId
from unjam.errors import UsageError

SHORT = 12  # of a commit's name, in that of a branch made for it
_HEADS = "refs/heads/"
_NAME = r"\w[\w.-]*"
_USABLE = re.compile(_NAME)
_PLACEHOLDER = re.compile(r"\{(\w*)\}")


def is_usable_id(name: str) -> bool:
    """Tell whether a workstream's or an agent's name can become part of a ref and of a path."""
    return _USABLE.fullmatch(name) is not None and _is_harmless(name)


def shown(name: str) -> str:
    """Write an id in a sentence; one that could not be a name is quoted."""
    return name if is_usable_id(name) else repr(name)


def _is_harmless(name: str) -> bool:
    if "." in name and (".." in name or name.endswith((".", ".lock"))):
        return False
    return name.isprintable()


class Owner(NamedTuple):
    """Whose branch or directory it is."""

    workstream: WorkstreamId
    agent: AgentId | None = None


@dataclass(frozen=True, slots=True)
class Template:
    """A configured name such as ``ws/{workstream}/{agent}``; raises UsageError if it is none."""

    text: str

    def __post_init__(self) -> None:
        """Refuse a template that cannot tell one workstream's name from another's."""
        found = _PLACEHOLDER.findall(self.text)
        if sorted(found) not in (["workstream"], ["agent", "workstream"]):
            raise UsageError(
                f"name template {self.text!r}: it must hold {{workstream}} once, may hold {{agent}} once"
            )

    def owner(self, ref: str) -> Owner | None:
        """Read a branch (with or without ``refs/heads/``); None if it is nobody's."""
        return _owner(self.text, ref.removeprefix(_HEADS))

    def name(self, workstream: WorkstreamId, agent: AgentId) -> str:
        """Name a branch or directory; raises UsageError for names that are none."""
        for one in (workstream, agent):
            if not is_usable_id(one):
                raise UsageError(f"{one!r} cannot be part of a name: letters, digits, _ . - only")
        return self.text.replace("{workstream}", workstream).replace("{agent}", agent)

    def owner_among(
        self, name: str, workstreams: Iterable[WorkstreamId], agents: Iterable[AgentId] = ()
    ) -> Owner | None:
        """Read a name whose parts could be split in several places, by the ids that exist.

        A known agent decides; otherwise the longest id that fits.
        """
        inside = _parts(name) & frozenset(workstreams)
        fitting = [owner for one in inside if (owner := self._fits(name, WorkstreamId(one)))]
        known = frozenset(agents)
        trusted = [owner for owner in fitting if owner.agent in known] or fitting
        return max(trusted, key=lambda owner: len(owner.workstream), default=None)

    def _fits(self, name: str, workstream: WorkstreamId) -> Owner | None:
        if not is_usable_id(workstream):
            return None
        filled = re.escape(self.text.replace("{workstream}", workstream))
        found = re.fullmatch(filled.replace(_AGENT_HERE, f"(?P<agent>{_NAME})"), name)
        if found is None:
            return None
        agent = found.groupdict().get("agent")
        return Owner(workstream, AgentId(agent) if agent else None)


_AGENT_HERE = re.escape("{agent}")


def _parts(name: str) -> set[str]:
    # There may be ten thousand ids, but a name has only so many parts.
    ends = range(1, len(name) + 1)
    return {name[start:end] for end in ends for start in range(end)}


@lru_cache(maxsize=1 << 14)  # the same refs are read before each step
def _owner(template: str, name: str) -> Owner | None:
    found = _pattern(template).fullmatch(name)
    if found is None:
        return None
    if not all(map(_is_harmless, found.groups())):
        return None
    names = found.groupdict()
    agent = names.get("agent")
    return Owner(WorkstreamId(names["workstream"]), AgentId(agent) if agent else None)


@lru_cache(maxsize=64)
def _pattern(template: str) -> re.Pattern[str]:
    parts = _PLACEHOLDER.split(template)
    text = "".join(
        f"(?P<{part}>{_NAME})" if index % 2 else re.escape(part) for index, part in enumerate(parts)
    )
    return re.compile(text)
