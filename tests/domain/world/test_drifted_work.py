"""Work that is not on the branch made for it is never called nothing, and lands only if all its own."""

from dataclasses import replace

import pytest

from tests.domain.build import DIRTY, branch, row, snapshot, tree
from unjam.domain.scenarios.crash.plan import plan_crash
from unjam.domain.steps.plan import Land, NameCommits, Record, RemoveBranch
from unjam.domain.steps.policy import Policy
from unjam.domain.world.claims.stash import Stash
from unjam.domain.world.identity import CommitId
from unjam.domain.world.snapshot import Branch, Snapshot, Worktree
from unjam.domain.world.truth import Truth
from unjam.domain.world.workstream import Verdict, join, judge

COMMIT = CommitId("c" * 40)
MADE = branch("ws-1", commits=0)
OWN = replace(branch("ws-1"), ref="refs/heads/fix/own", tip=COMMIT, agent=None, drifted=True)
APART = replace(OWN, kept_apart="not all of it is its own")
NAMELESS = replace(OWN, nameless="worktrees/agent-1-ws-1/HEAD", ref="refs/heads/ws/ws-1/kept")
STASH = Stash(COMMIT, "WIP on ws/ws-1/agent-1: aaaaaaa base")
HIDING = replace(tree("ws-1"), hidden=(COMMIT,))


def verdict_of(seen: Snapshot) -> Verdict:
    (one,) = join(seen)
    return judge(one, seen).verdict


def records(seen: Snapshot) -> list[tuple[str | None, str]]:
    steps = plan_crash(seen, Policy()).steps
    return [(one.status, one.message) for one in steps if isinstance(one, Record)]


def seen_with(*parts: Branch | Worktree, stashes: tuple[Stash, ...] = ()) -> Snapshot:
    return replace(snapshot(row("ws-1"), MADE, *parts), stashes=stashes)


@pytest.mark.parametrize(
    "seen",
    [
        pytest.param(seen_with(tree("ws-1"), APART), id="not all its own"),
        pytest.param(seen_with(HIDING), id="reflog"),
        pytest.param(seen_with(tree("ws-1"), stashes=(STASH,)), id="stash"),
        pytest.param(seen_with(stashes=(STASH,)), id="stash, worktree gone"),
        pytest.param(seen_with(replace(HIDING, unsaved=DIRTY)), id="reflog and unsaved"),
    ],
)
def test_what_is_not_to_land_is_told_in_the_row_with_its_commit(seen: Snapshot) -> None:
    assert verdict_of(seen) is Verdict.DEAD_DRIFTED
    ((status, message),) = records(seen)
    assert status == "failed"
    assert COMMIT[:12] in message
    assert "nothing" not in message


@pytest.mark.parametrize(
    "moved",
    [OWN, NAMELESS, replace(OWN, holds=(MADE.ref,))],
    ids=["its own branch", "no branch", "what its branch had, and more"],
)
def test_the_branch_that_a_retry_makes_anew_makes_way_and_its_agents_own_keeps_its_place(
    moved: Branch,
) -> None:
    made = replace(MADE, own_commits=len(moved.holds))
    seen = snapshot(row("ws-1"), made, tree("ws-1", DIRTY), moved)

    steps = plan_crash(seen, Policy()).steps

    assert [one.subject for one in steps if isinstance(one, RemoveBranch)] == ["ws/ws-1/agent-1"]


@pytest.mark.parametrize("moved", [OWN, NAMELESS], ids=["its own branch", "no branch"])
def test_commits_that_are_all_its_own_are_to_land(moved: Branch) -> None:
    seen = seen_with(tree("ws-1"), moved)

    steps = plan_crash(seen, Policy()).steps

    assert verdict_of(seen) is Verdict.DEAD_WITH_COMMITS
    (land,) = (one for one in steps if isinstance(one, Land))
    assert [(one.ref, one.tip) for one in land.landings] == [(moved.ref, COMMIT)]


def test_commits_on_no_branch_get_one_before_they_land() -> None:
    steps = plan_crash(seen_with(tree("ws-1"), NAMELESS), Policy()).steps

    (named,) = (one for one in steps if isinstance(one, NameCommits))
    (land,) = (one for one in steps if isinstance(one, Land))
    assert steps.index(named) < steps.index(land)
    assert (named.ref, named.tip) == (NAMELESS.ref, COMMIT)


def test_no_branch_of_the_agents_own_making_is_removed() -> None:
    steps = plan_crash(seen_with(tree("ws-1"), replace(APART, own_commits=0)), Policy()).steps

    assert [one.ref for one in steps if isinstance(one, RemoveBranch)] == [MADE.ref]


def test_two_branches_of_which_none_holds_the_other_are_left_to_a_person() -> None:
    full = replace(MADE, own_commits=1)

    assert verdict_of(snapshot(row("ws-1"), full, OWN, tree("ws-1"))) is Verdict.UNKNOWN
    held = replace(OWN, holds=(full.ref,))
    assert verdict_of(snapshot(row("ws-1"), full, held)) is Verdict.DEAD_WITH_COMMITS


def test_a_guest_on_another_workstreams_branch_leaves_both_to_a_person() -> None:
    other = branch("ws-2", agent="agent-2")
    guest = replace(tree("ws-1"), guest_on=((other.ref, other.tip),))
    seen = snapshot(row("ws-1"), row("ws-2", agent="agent-2"), MADE, other, guest)

    assert {judge(one, seen).verdict for one in join(seen)} == {Verdict.UNKNOWN}
    assert records(seen) == []


def test_a_stash_of_another_branch_is_nothing_of_it() -> None:
    others = Stash(COMMIT, "WIP on ws/ws-1/agent-10: aaaaaaa base")

    assert verdict_of(seen_with(tree("ws-1"), stashes=(others,))) is Verdict.DEAD_EMPTY


def test_one_whose_drifted_branch_has_landed_did_not_leave_nothing() -> None:
    seen = seen_with(tree("ws-1"), replace(OWN, landed=Truth.YES))

    assert verdict_of(seen) is Verdict.LANDED_UNRECORDED
    assert records(seen) == [("completed", "")]
