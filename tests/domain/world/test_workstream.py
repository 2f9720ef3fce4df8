from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePath
from typing import Any

import pytest

from tests.domain.build import CLEAN, DIRTY, UNREAD, branch, process, row, snapshot, tree
from unjam.domain.world.claims.kinds import Kind, kind_of
from unjam.domain.world.identity import Role, WorkstreamId
from unjam.domain.world.snapshot import Snapshot, Spec
from unjam.domain.world.truth import Truth
from unjam.domain.world.workstream import Verdict, join, judge

LANDED = branch("ws-1", landed=Truth.YES)
UNLANDED = branch("ws-1")
EMPTY = branch("ws-1", commits=0)
ORDER = Spec(WorkstreamId("ws-1"), PurePath("/r/workstreams/ws-1.json"))


def verdict_of(seen: Snapshot) -> Verdict:
    (one,) = join(seen)
    return judge(one, seen).verdict


@pytest.mark.parametrize(
    ("parts", "verdict"),
    [
        pytest.param([row("ws-1"), LANDED], Verdict.LANDED_UNRECORDED, id="landed"),
        pytest.param([row("ws-1"), UNLANDED], Verdict.DEAD_WITH_COMMITS, id="commits"),
        pytest.param([row("ws-1"), EMPTY, tree("ws-1", DIRTY)], Verdict.DEAD_UNSAVED, id="unsaved"),
        pytest.param([row("ws-1"), EMPTY, tree("ws-1", CLEAN)], Verdict.DEAD_EMPTY, id="empty"),
        pytest.param([row("ws-1")], Verdict.DEAD_EMPTY, id="nothing at all"),
        pytest.param([row("ws-1"), EMPTY, tree("ws-1", UNREAD)], Verdict.UNKNOWN, id="unreadable"),
        pytest.param(
            [row("ws-1"), branch("ws-1", commits=None)], Verdict.UNKNOWN, id="uncounted commits"
        ),
        pytest.param(
            [row("ws-1"), branch("ws-1", landed=Truth.UNKNOWN)], Verdict.UNKNOWN, id="maybe landed"
        ),
        pytest.param(
            [row("ws-1"), branch("ws-1", reverted_by="b" * 40)], Verdict.REVERTED, id="reverted"
        ),
        pytest.param(
            [row("ws-1"), UNLANDED, tree("ws-1"), process("ws-1")], Verdict.LIVE, id="alive"
        ),
        pytest.param([row("../../etc")], Verdict.UNKNOWN, id="an id that climbs"),
        pytest.param([row("-rf")], Verdict.UNKNOWN, id="an id that is an option"),
        pytest.param([row("ws 1;rm")], Verdict.UNKNOWN, id="an id that is a command"),
        pytest.param([row("ws-ü")], Verdict.DEAD_EMPTY, id="an id with an umlaut"),
    ],
)
def test_a_running_row_is_judged_by_what_git_and_the_processes_say(
    parts: Sequence[Any], verdict: Verdict
) -> None:
    assert verdict_of(snapshot(*parts)) is verdict


@pytest.mark.parametrize(
    ("parts", "verdict"),
    [
        pytest.param([LANDED], Verdict.CONSISTENT, id="landed"),
        pytest.param([LANDED, tree("ws-1")], Verdict.LEFTOVER, id="landed, worktree left"),
        pytest.param([UNLANDED], Verdict.RECORDED_UNLANDED, id="never landed"),
        pytest.param([], Verdict.CONSISTENT, id="branch gone"),
        pytest.param([EMPTY, tree("ws-1", DIRTY)], Verdict.DEAD_UNSAVED, id="never committed"),
        pytest.param([branch("ws-1", reverted_by="b" * 40)], Verdict.REVERTED, id="reverted"),
    ],
)
def test_a_completed_row_is_not_believed_either(parts: Sequence[Any], verdict: Verdict) -> None:
    assert verdict_of(snapshot(row("ws-1", "completed"), *parts)) is verdict


@pytest.mark.parametrize("status", ["conflict", "blocked"])
def test_a_worktree_a_person_may_be_working_in_is_left(status: str) -> None:
    assert verdict_of(snapshot(row("ws-1", status), UNLANDED, tree("ws-1"))) is Verdict.CONSISTENT


def test_a_persons_shell_in_a_worktree_does_not_make_its_agent_alive() -> None:
    seen = snapshot(row("ws-1"), UNLANDED, tree("ws-1"), process("ws-1", Role.PERSON))

    assert verdict_of(seen) is Verdict.DEAD_WITH_COMMITS


def test_a_state_that_cannot_be_read_leaves_every_verdict_open() -> None:
    assert verdict_of(snapshot(UNLANDED, tree("ws-1"), state=Truth.UNKNOWN)) is Verdict.UNKNOWN


def test_without_any_state_git_and_processes_decide_alone_of_what_was_ordered() -> None:
    seen = snapshot(UNLANDED, tree("ws-1"), state=Truth.NO)
    seen = replace(seen, specs=(ORDER,), orchestrator_log=True)

    assert verdict_of(seen) is Verdict.DEAD_WITH_COMMITS


def test_what_was_only_ordered_is_a_session_s_where_no_orchestrator_was_ever_seen() -> None:
    seen = replace(snapshot(UNLANDED, tree("ws-1"), state=Truth.NO), specs=(ORDER,))

    assert verdict_of(seen) is Verdict.SESSION


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param([UNLANDED, tree("ws-1")], id="commits"),
        pytest.param([EMPTY, tree("ws-1", DIRTY)], id="unsaved"),
        pytest.param([EMPTY, tree("ws-1", CLEAN)], id="made a second ago"),
        pytest.param([LANDED, tree("ws-1")], id="landed"),
        pytest.param([UNLANDED, tree("ws-1"), process("ws-1")], id="somebody at work"),
    ],
)
def test_where_nobody_ordered_it_a_worktree_is_a_session_s_whatever_it_is_called(
    parts: Sequence[Any],
) -> None:
    assert verdict_of(snapshot(*parts, state=Truth.NO)) is Verdict.SESSION


def test_the_kind_belongs_to_a_claim_and_not_to_the_repository() -> None:
    mine = replace(tree("ws-2", DIRTY), path=PurePath("/elsewhere/mine"))
    seen = snapshot(row("ws-1"), UNLANDED, tree("ws-1"), branch("ws-2"), mine)

    first, second = join(seen)

    assert kind_of(first, seen) is Kind.BATCH
    assert kind_of(second, seen) is Kind.SESSION
    assert judge(first, seen).verdict is Verdict.DEAD_WITH_COMMITS
    assert judge(second, seen).verdict is Verdict.SESSION


def test_a_worktree_no_row_names_is_not_touched() -> None:
    assert verdict_of(snapshot(UNLANDED, tree("ws-1"))) is Verdict.UNKNOWN


def test_the_rows_agent_says_which_branch_is_the_current_attempt() -> None:
    first, second = branch("ws-1", agent="agent-1"), branch("ws-1", 0, agent="agent-2")

    (one,) = join(snapshot(row("ws-1", agent="agent-2"), first, second))

    assert one.branch == second


def test_two_branches_and_no_agent_in_the_row_cannot_be_told_apart() -> None:
    attempts = (branch("ws-1", agent="agent-1"), branch("ws-1", agent="agent-2"))

    assert verdict_of(snapshot(row("ws-1", agent=None), *attempts)) is Verdict.UNKNOWN
