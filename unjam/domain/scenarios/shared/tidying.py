"""The steps that every way of landing a workstream shares: save its worktrees, land it, tidy up."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from unjam.domain.steps.facts import NONE, fact
from unjam.domain.steps.plan import (
    Fact,
    Land,
    Landing,
    NameCommits,
    Plan,
    RemoveBranch,
    RemoveWorktree,
    Salvage,
)
from unjam.domain.world.claims.drifted_work import is_for_its_commit
from unjam.domain.world.claims.ownership import below, place_of
from unjam.domain.world.identity import Role
from unjam.domain.world.snapshot import Branch, Snapshot, Worktree
from unjam.domain.world.truth import Truth
from unjam.domain.world.words import counted
from unjam.domain.world.workstream import Judged, Verdict, Workstream

Facts = tuple[Fact, ...]

# Dead, and nothing of it is to land: a retry begins anew.
RETRIED = (
    Verdict.DEAD_UNSAVED,
    Verdict.DEAD_EMPTY,
    Verdict.DEAD_SAVED,
    Verdict.DEAD_DRIFTED,
)


def salvages_of(one: Workstream, snapshot: Snapshot, facts: Facts) -> Iterator[Salvage]:
    """Save every worktree of a workstream."""
    for tree in one.worktrees:
        yield Salvage(
            subject=snapshot.place(tree.path),
            reason=f"{one.id}: {_work_in_words(tree)}",
            facts=facts,
            workstream=one.id,
            worktree=tree.name,
        )


def land_step(
    landings: tuple[Landing, ...], streams: Sequence[Workstream], snapshot: Snapshot, facts: Facts
) -> Land:
    """Land all of them together, while trunk and tips are as they are and nobody works in them."""
    tips = (fact("branch", one.ref, snapshot) for one in landings)
    idle = (Fact("agents in", name, NONE) for one in streams for name in trees_of(one))
    return Land(
        subject=", ".join(one.workstream for one in landings),
        reason="if it merges without conflict and the verify command passes",
        facts=(*facts, fact("trunk", "", snapshot), *tips, *idle),
        landings=landings,
    )


def names_of(one: Workstream, snapshot: Snapshot, facts: Facts) -> Iterator[NameCommits]:
    """Give every commit of a workstream's that no branch holds a branch, before its HEAD is gone."""
    for branch in one.branches:
        in_trunk = branch.landed is Truth.YES or branch.reverted_by
        if branch.nameless and not in_trunk:
            yield name_step(branch, snapshot, facts)


def name_step(branch: Branch, snapshot: Snapshot, facts: Facts) -> NameCommits:
    """Make a branch of a worktree's HEAD, while that is where it was."""
    tree = branch.nameless.split("/")[1]
    trees = (one.name for one in snapshot.worktrees if one.workstream == branch.workstream)
    return NameCommits(
        subject=branch.ref.removeprefix("refs/heads/"),
        reason=f"no branch holds commit {branch.tip[:12]} of {tree}",
        facts=(
            *facts,
            *(fact("head of", one, snapshot) for one in {tree: None, **dict.fromkeys(trees)}),
            fact("work of", branch.workstream, snapshot),
        ),
        workstream=branch.workstream,
        ref=branch.ref,
        tip=branch.tip,
    )


def removals_of(one: Workstream, snapshot: Snapshot, facts: Facts) -> Iterator[RemoveWorktree]:
    """Remove every worktree of a workstream that no person is in."""
    for tree in one.worktrees:
        if person_in(tree, one) is None:  # that the row is settled by then is looked at, too
            yield RemoveWorktree(
                subject=snapshot.place(tree.path),
                reason=f"{one.id} needs it no more, and the vault holds it",
                facts=(
                    *facts,
                    fact("state", "", snapshot),
                    Fact("processes in", tree.name, NONE),
                    *lock_facts(tree, snapshot),
                ),
                workstream=one.id,
                worktree=tree.name,
            )


def lock_facts(tree: Worktree, snapshot: Snapshot) -> tuple[Fact, ...]:
    """Rest on a worktree's lock as it is, where it has one."""
    return () if tree.lock_reason is None else (fact("lock of", tree.name, snapshot),)


def removal_of_empty(branch: Branch, snapshot: Snapshot, facts: Facts) -> RemoveBranch:
    """Let a branch that nothing was committed on make way for the one that a retry makes."""
    reason = "no commits of its own; a retry makes it anew"
    return removal_of_branch(branch, snapshot, facts, reason)


def removal_of_branch(
    branch: Branch, snapshot: Snapshot, facts: Facts, reason: str
) -> RemoveBranch:
    """Remove a branch that a retry would stumble over, while it, the trunk and the state are as they are."""
    return RemoveBranch(
        subject=branch.name,
        reason=reason,
        facts=(
            *facts,
            fact("state", "", snapshot),
            fact("branch", branch.ref, snapshot),
            fact("trunk", "", snapshot),
        ),
        workstream=branch.workstream,
        ref=branch.ref,
        tip=branch.tip,
    )


def verdict_facts(judged: Judged, snapshot: Snapshot) -> Iterator[Fact]:
    """Yield what a verdict was reached by: nobody at work, and where its work was, or that there was none."""
    one = judged.workstream
    for name in trees_of(one):
        yield Fact("agents in", name, NONE)
        yield fact("head of", name, snapshot)
        if judged.verdict in (Verdict.DEAD_EMPTY, Verdict.DEAD_SAVED):
            yield fact("unsaved in", name, snapshot)
    if judged.verdict in RETRIED:
        yield fact("work of", one.id, snapshot)
        return
    for branch in one.branches:
        if not branch.nameless:
            yield fact("branch", branch.ref, snapshot)
    if judged.verdict in (Verdict.REVERTED, Verdict.LANDED_UNRECORDED):
        yield fact("trunk", "", snapshot)


def branches_of_attempt(one: Workstream) -> Iterator[Branch]:
    """Yield what was made for the attempt, and a retry makes anew; what its agent made itself is not."""
    agent = one.row.agent if one.row else None
    for branch in one.branches:
        is_the_attempts = branch is one.branch or (agent is not None and branch.agent == agent)
        is_its_own = branch.drifted or branch.nameless or is_for_its_commit(branch)
        if is_the_attempts and not is_its_own:
            yield branch


def empty_branches(one: Workstream) -> Iterator[Branch]:
    """Yield the branch that was made for the attempt, if nothing was committed on it."""
    return (branch for branch in branches_of_attempt(one) if branch.own_commits == 0)


def nothing_below(plan: Plan, snapshot: Snapshot) -> Plan:
    """Move worktrees away innermost first, and none below which lies what stays where it is."""
    removed = {one.worktree for one in plan.steps if isinstance(one, RemoveWorktree)}
    places = {tree.name: place_of(tree) for tree in snapshot.worktrees}
    kept: dict[str, str] = {}
    while True:
        left = frozenset(removed - kept.keys())
        more = {one: names for one in left if (names := below(places[one], snapshot, left))}
        if not more:
            break
        kept |= more
    away = [one for one in plan.steps if isinstance(one, RemoveWorktree)]
    away.sort(key=lambda one: -len(places[one.worktree].parts))
    ordered = (away.pop(0) if isinstance(one, RemoveWorktree) else one for one in plan.steps)
    steps = tuple(
        one for one in ordered if not isinstance(one, RemoveWorktree) or one.worktree not in kept
    )
    notes = (
        f"{snapshot.place(places[name])} keeps its place: {what} lies below it"
        for name, what in sorted(kept.items())
    )
    return replace(plan, steps=steps, notes=(*plan.notes, *notes))


def person_in(tree: Worktree, one: Workstream) -> int | None:
    """Return the pid of a person's shell or editor in a worktree, if there is one."""
    inside = (process for process in one.processes if process.worktree == tree.name)
    return next((each.identity.pid for each in inside if each.role is Role.PERSON), None)


def trees_of(one: Workstream) -> tuple[str, ...]:
    """Name the worktrees of a workstream."""
    return tuple(tree.name for tree in one.worktrees)


def _work_in_words(tree: Worktree) -> str:
    if tree.unsaved.known is not Truth.YES:
        return "what it holds could not be read"
    if not tree.unsaved.paths:
        return "nothing unsaved, to be sure"
    return counted(len(tree.unsaved.paths), "unsaved path")
