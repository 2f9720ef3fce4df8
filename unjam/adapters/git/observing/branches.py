"""Compare every workstream's branch with the trunk, all in the same few processes."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from unjam.adapters.git.all_refs import Tips
from unjam.adapters.git.observing.facts import ObserveRequest
from unjam.adapters.git.observing.start import StartedReading
from unjam.adapters.git.proving.commit_graph import History, history_of, read_history
from unjam.adapters.git.proving.copies import Work
from unjam.adapters.git.proving.landed import (
    CANNOT_TELL,
    NOT_LANDED,
    LandedBranch,
    Trunk,
    prove_beyond,
    prove_reached,
)
from unjam.adapters.git.proving.own_commits import OwnCommits, OwnCommitsReader
from unjam.adapters.git.proving.patches import Span, changed_paths
from unjam.adapters.git.proving.reverts import reverts_in
from unjam.adapters.git.repository import Repository
from unjam.adapters.git.worktrees import checked_out
from unjam.domain.world.identity import CommitId, WorkstreamId
from unjam.domain.world.naming import Owner
from unjam.domain.world.snapshot import Branch
from unjam.domain.world.truth import Truth, Unknown


class Compared(NamedTuple):
    """The branches, the graph they were compared in, and what stayed in the dark."""

    branches: tuple[Branch, ...]
    history: History
    unknown: tuple[Unknown, ...]


class Found(NamedTuple):
    """A branch that is somebody's."""

    ref: str
    tip: CommitId
    owner: Owner
    made: frozenset[str] | None = None  # of one its agent drifted to: what may be the workstream's
    nameless: str = ""  # where its commits are, if they are on no branch yet
    kept_apart: str = ""  # why it is not to land


def compare_branches(
    begun: StartedReading,
    repository: Repository,
    trunk: tuple[str, CommitId],
    request: ObserveRequest,
    drifted: Sequence[Found] = (),
) -> Compared:
    """Compare the branches that are somebody's; raises PermanentError if the trunk is damaged."""
    git, tips = begun.git, begun.tips
    found = [*_somebodys(tips, trunk[0], request), *drifted]
    if begun.graph is None:
        return Compared(tuple(map(_not_compared, found)), history_of(trunk[1]), ())
    tracked = f"refs/remotes/{request.remote}/{trunk[0].removeprefix('refs/heads/')}"
    wanted = {one.tip for one in found if one.ref in tips.sound or one.nameless}
    wanted |= {tips.sound[tracked]} if tracked in tips.sound else set()
    history, damaged = read_history(git, trunk[1], sorted(wanted), begun.graph)
    sound = [one for one in found if history.knows(one.tip) and one.tip not in damaged]
    standings = OwnCommitsReader(history, repository.common, trunk[0], [one.tip for one in sound])
    closely = _with_checked_out(request, repository, found)
    judge = _Judge(begun, trunk[1], history, standings, closely)
    judged = judge.judge(sound)
    branches = tuple(judged.get(one.ref) or _not_compared(one) for one in found)
    branches = _with_held(branches, history, {one.owner.workstream for one in drifted})
    unknown = tuple(
        Unknown(f"branch {one.ref}", "its history is damaged")
        for one in found
        if one.ref in tips.sound and one.ref not in judged
    )
    return Compared(branches, history, unknown)


def _somebodys(tips: Tips, trunk: str, request: ObserveRequest) -> list[Found]:
    return [
        Found(ref, tip, owner)
        for ref, tip in tips.named.items()
        if ref.startswith("refs/heads/") and ref != trunk and (owner := request.owner(ref))
    ]


def _with_checked_out(
    request: ObserveRequest, repository: Repository, found: list[Found]
) -> ObserveRequest:
    if request.closely is None:
        return request
    used = checked_out(repository)
    more = {one.owner.workstream for one in found if one.ref in used}
    return replace(request, closely=request.closely | more)


def _not_compared(found: Found) -> Branch:
    owner = found.owner
    return Branch(
        found.ref,
        found.tip,
        owner.workstream,
        owner.agent,
        None,
        Truth.UNKNOWN,
        drifted=found.made is not None,
        nameless=found.nameless,
    )


def _with_held(
    branches: tuple[Branch, ...], history: History, workstreams: set[WorkstreamId]
) -> tuple[Branch, ...]:
    """Say of these workstreams' branches which others of the workstream each of them holds."""
    if not workstreams:
        return branches

    def held(branch: Branch) -> tuple[str, ...]:
        reached = frozenset(history.beyond_trunk(branch.tip) if history.knows(branch.tip) else ())
        return tuple(
            one.ref
            for one in branches
            if one.workstream == branch.workstream and one is not branch and one.tip in reached
        )

    return tuple(
        replace(one, holds=held(one)) if one.workstream in workstreams else one for one in branches
    )


class _Judge:
    """Judges sound branches: cheap proofs for all, costly ones for those that are asked for."""

    def __init__(
        self,
        begun: StartedReading,
        trunk_tip: CommitId,
        history: History,
        standings: OwnCommitsReader,
        request: ObserveRequest,
    ) -> None:
        self._git = begun.git
        self._configured = begun.config
        self._tip = trunk_tip
        self._history = history
        self._standings = standings
        self._request = request

    def judge(self, sound: list[Found]) -> dict[str, Branch]:
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
                drifted=one.made is not None,
                nameless=one.nameless,
                kept_apart=self._kept_apart(one, standings[one.ref]),
            )
            for one in sound
        }

    def _kept_apart(self, one: Found, standing: OwnCommits) -> str:
        """Say why what an agent drifted to is not to land: all of it has to be its own."""
        if one.made is None or not standing.own:
            return ""
        if self._history.base_of(one.tip).place == len(self._history.line):
            return "it shares no history with the trunk"
        others = not one.made.issuperset(standing.own)
        return one.kept_apart or ("it holds commits of others, too" if others else "")

    def _standing(self, one: Found) -> OwnCommits:
        if one.made is not None and self._history.in_trunk(one.tip):  # its worktree's log says so
            merge = self._history.line[self._history.place(one.tip)]
            own = tuple(filter(self._history.in_trunk, sorted(one.made)))
            return OwnCommits(own, () if merge == one.tip else (merge,))
        closely = one.owner.workstream in (self._request.closely or ())
        return self._standings.of(one.ref, one.tip, closely=closely)

    def _landings(
        self, sound: list[Found], standings: Mapping[str, OwnCommits]
    ) -> dict[str, LandedBranch]:
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

    def _changed(self, sound: list[Found]) -> dict[str, tuple[str, ...]]:
        wanted = {one.tip for one in sound if one.owner.workstream in self._request.changed}
        spans = [Span(tip, self._tip) for tip in sorted(wanted)]
        return {span.end: paths for span, paths in changed_paths(self._git, spans).items()}


def _count(standing: OwnCommits) -> int | None:
    return None if standing.own is None else len(standing.own)
