"""Compare every workstream's branch with the trunk, all in the same few processes."""

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from unjam.adapters.git.observing.beginning import Begun
from unjam.adapters.git.observing.facts import ObserveRequest
from unjam.adapters.git.proving.copies import Work
from unjam.adapters.git.proving.history import History, history_of, read_history
from unjam.adapters.git.proving.landed import (
    CANNOT_TELL,
    NOT_LANDED,
    Landing,
    Trunk,
    prove_beyond,
    prove_reached,
)
from unjam.adapters.git.proving.patches import Span, changed_paths
from unjam.adapters.git.proving.reverts import reverts_in
from unjam.adapters.git.proving.standing import Standing, Standings
from unjam.adapters.git.repository import Repository
from unjam.adapters.git.tips import Tips
from unjam.adapters.git.worktrees import checked_out
from unjam.domain.naming import Owner
from unjam.domain.snapshot import Branch, CommitId, Truth, Unknown


class Compared(NamedTuple):
    """The branches, the graph they were compared in, and what stayed in the dark."""

    branches: tuple[Branch, ...]
    history: History
    unknown: tuple[Unknown, ...]


class _Found(NamedTuple):
    ref: str
    tip: CommitId
    owner: Owner


def compare_branches(
    begun: Begun,
    repository: Repository,
    trunk: tuple[str, CommitId],
    request: ObserveRequest,
) -> Compared:
    """Compare the branches that are somebody's; raises PermanentError if the trunk is damaged."""
    git, tips = begun.git, begun.tips
    found = _somebodys(tips, trunk[0], request)
    if begun.graph is None:
        return Compared(tuple(map(_not_compared, found)), history_of(trunk[1]), ())
    tracked = f"refs/remotes/{request.remote}/{trunk[0].removeprefix('refs/heads/')}"
    wanted = {one.tip for one in found if one.ref in tips.sound}
    wanted |= {tips.sound[tracked]} if tracked in tips.sound else set()
    history, damaged = read_history(git, trunk[1], sorted(wanted), begun.graph)
    sound = [one for one in found if history.knows(one.tip) and one.tip not in damaged]
    standings = Standings(history, repository.common, trunk[0], [one.tip for one in sound])
    closely = _with_checked_out(request, repository, found)
    judge = _Judge(begun, trunk[1], history, standings, closely)
    judged = judge.judge(sound)
    branches = tuple(judged.get(one.ref) or _not_compared(one) for one in found)
    unknown = tuple(
        Unknown(f"branch {one.ref}", "its history is damaged")
        for one in found
        if one.ref in tips.sound and one.ref not in judged
    )
    return Compared(branches, history, unknown)


def _somebodys(tips: Tips, trunk: str, request: ObserveRequest) -> list[_Found]:
    return [
        _Found(ref, tip, owner)
        for ref, tip in tips.named.items()
        if ref.startswith("refs/heads/") and ref != trunk and (owner := request.owner(ref))
    ]


def _with_checked_out(
    request: ObserveRequest, repository: Repository, found: list[_Found]
) -> ObserveRequest:
    if request.closely is None:
        return request
    used = checked_out(repository)
    more = {one.owner.workstream for one in found if one.ref in used}
    return replace(request, closely=request.closely | more)


def _not_compared(found: _Found) -> Branch:
    owner = found.owner
    return Branch(found.ref, found.tip, owner.workstream, owner.agent, None, Truth.UNKNOWN)


class _Judge:
    """Judges sound branches: cheap proofs for all, costly ones for those that are asked for."""

    def __init__(
        self,
        begun: Begun,
        trunk_tip: CommitId,
        history: History,
        standings: Standings,
        request: ObserveRequest,
    ) -> None:
        self._git = begun.git
        self._configured = begun.config
        self._tip = trunk_tip
        self._history = history
        self._standings = standings
        self._request = request

    def judge(self, sound: list[_Found]) -> dict[str, Branch]:
        standings = {one.ref: self._standing(one) for one in sound}
        landings = self._landings(sound, standings)
        changed = self._changed(sound)
        return {
            one.ref: Branch(
                ref=one.ref,
                tip=one.tip,
                workstream=one.owner.workstream,
                agent=one.owner.agent,
                own_commits=_count(standings[one.ref]) if landings[one.ref].holds_work else 0,
                landed=landings[one.ref].landed,
                proof=landings[one.ref].proof,
                reverted_by=landings[one.ref].reverted_by,
                behind=self._behind(one.tip),
                changed=changed.get(one.tip),
            )
            for one in sound
        }

    def _standing(self, one: _Found) -> Standing:
        closely = one.owner.workstream in (self._request.closely or ())
        return self._standings.of(one.ref, one.tip, closely=closely)

    def _landings(
        self, sound: list[_Found], standings: Mapping[str, Standing]
    ) -> dict[str, Landing]:
        with_work = [one for one in sound if standings[one.ref].own]
        trunk = self._trunk() if with_work else None
        works, landings = {}, {}
        for one in sound:
            standing = standings[one.ref]
            if standing.own is None or not standing.own or trunk is None:
                landings[one.ref] = CANNOT_TELL if standing.own is None else NOT_LANDED
            elif self._history.in_trunk(one.tip):
                landings[one.ref] = prove_reached(trunk, standing.own, standing.merges)
            elif self._request.proves(one.owner.workstream):
                works[one.ref] = Work(one.tip, standing.own, self._history.base_of(one.tip))
            else:
                landings[one.ref] = CANNOT_TELL
        if works and trunk:
            landings |= prove_beyond(self._git.without_drivers(self._configured), trunk, works)
        return landings

    def _behind(self, tip: CommitId) -> int | None:
        """Count what the trunk has beyond a branch, unless it has merged it."""
        if self._history.in_trunk(tip) and not self._history.on_line(tip):
            return None
        return self._history.behind(self._history.base_of(tip))

    def _trunk(self) -> Trunk:
        return Trunk(
            tip=self._tip,
            history=self._history,
            moves=self._standings.moves,
            reverts=reverts_in(self._history),
        )

    def _changed(self, sound: list[_Found]) -> dict[str, tuple[str, ...]]:
        wanted = {one.tip for one in sound if one.owner.workstream in self._request.changed}
        spans = [Span(tip, self._tip) for tip in sorted(wanted)]
        return {span.end: paths for span, paths in changed_paths(self._git, spans).items()}


def _count(standing: Standing) -> int | None:
    return None if standing.own is None else len(standing.own)
