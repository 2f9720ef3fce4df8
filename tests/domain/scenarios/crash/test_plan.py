from dataclasses import replace
from pathlib import PurePath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.domain.build import CLEAN, DIRTY, UNREAD, branch, primary, process, row, snapshot, tree
from unjam.domain.catalogue.diagnosis import diagnose
from unjam.domain.scenarios.crash.find import why_not_found
from unjam.domain.scenarios.crash.plan import plan_crash
from unjam.domain.steps.facts import holds
from unjam.domain.steps.plan import (
    Land,
    Plan,
    Record,
    RemoveBranch,
    RemoveWorktree,
    Restart,
    ReturnPrimary,
    Salvage,
    Step,
    Stop,
    UnsafePlanError,
)
from unjam.domain.steps.policy import Consent, Policy, StepClass
from unjam.domain.steps.request import Request
from unjam.domain.world.claims.incomplete import STOPPED
from unjam.domain.world.identity import Role, WorkstreamId
from unjam.domain.world.snapshot import Branch, Process, Row, Snapshot, Unsaved, Worktree
from unjam.domain.world.truth import Truth

POLICY = Policy(resume=("resume",), remote="origin")
WRECK = snapshot(
    row("ws-1"), branch("ws-1", landed=Truth.YES),
    row("ws-2"), branch("ws-2"), tree("ws-2", DIRTY),
    row("ws-3"), branch("ws-3", 0), tree("ws-3", DIRTY),
    row("ws-4", "completed"), branch("ws-4"),
    row("ws-5", "completed"), branch("ws-5", landed=Truth.YES),
)  # fmt: skip


def verbs(plan: Plan) -> list[str]:
    return [f"{step.verb} {step.workstream or ''}".strip() for step in plan.steps]


def test_the_whole_way_out_of_a_crash_in_order() -> None:
    assert verbs(plan_crash(WRECK, POLICY)) == [
        "salvage ws-2",
        "salvage ws-3",
        "land",
        "push",
        "record ws-1",
        "record ws-2",
        "record ws-3",
        "record ws-4",
        "remove worktree ws-2",
        "remove worktree ws-3",
        "remove branch ws-3",
        "remove branch ws-2",  # if what landed of it is incomplete
        "restart",
    ]


def test_only_the_named_workstream_is_recovered() -> None:
    plan = plan_crash(
        WRECK, POLICY, Request(workstreams=frozenset({WRECK.state.rows[1].workstream}))
    )

    assert {step.workstream for step in plan.steps if step.workstream} == {"ws-2"}
    assert not plan.restarts()


def test_a_healthy_orchestration_has_no_findings() -> None:
    seen = snapshot(
        row("ws-5", "completed"), branch("ws-5", landed=Truth.YES), row("ws-6", "pending")
    )

    assert diagnose(seen) == ()


def test_a_living_orchestrator_hides_nothing_but_forbids_everything() -> None:
    beside = replace(WRECK, processes=(process("", Role.ORCHESTRATOR, pid=99),))

    assert diagnose(beside) == ()
    assert why_not_found(beside).startswith("an orchestrator is at work (pid 99: ")
    assert all(
        not all(holds(one, beside) for one in step.facts)
        for step in plan_crash(WRECK, POLICY).steps
    )


def test_an_orphan_is_stopped_before_its_worktree_is_saved() -> None:
    seen = snapshot(row("ws-1"), branch("ws-1"), tree("ws-1", DIRTY), process("ws-1"))

    plan = plan_crash(seen, POLICY)

    assert [type(step) for step in plan.steps][:3] == [Stop, Salvage, Land]


def test_an_orphan_is_left_alone_when_policy_says_so() -> None:
    seen = snapshot(row("ws-1"), branch("ws-1"), tree("ws-1", DIRTY), process("ws-1"))

    plan = plan_crash(seen, Policy({StepClass.STOP: Consent.OFF}))

    assert plan.steps == ()
    assert "left alone" in plan.notes[0]


def test_a_person_in_a_worktree_keeps_it_and_hinders_nothing_else() -> None:
    seen = snapshot(row("ws-1"), branch("ws-1"), tree("ws-1", DIRTY), process("ws-1", Role.PERSON))

    plan = plan_crash(seen, POLICY)

    assert [step.verb for step in plan.steps] == ["salvage", "land", "push", "record"]
    assert all(holds(one, seen) for step in plan.steps for one in step.facts)
    assert "somebody is in it" in plan.notes[0]


def test_switching_salvage_off_switches_off_what_would_need_it() -> None:
    plan = plan_crash(WRECK, Policy({StepClass.SALVAGE: Consent.OFF}))

    assert not [step for step in plan.steps if isinstance(step, RemoveWorktree)]


def test_a_worktree_cannot_be_removed_before_it_is_saved() -> None:
    removal = RemoveWorktree(subject="x", reason="y", worktree="agent-1-ws-1")

    with pytest.raises(UnsafePlanError, match="before it is salvaged"):
        Plan(PurePath("/r"), (removal,))


def test_what_cannot_be_told_is_saved_and_kept() -> None:
    seen = snapshot(row("ws-1"), branch("ws-1", 0), tree("ws-1", UNREAD))

    plan = plan_crash(seen, POLICY)

    assert {type(step) for step in plan.steps} <= {Salvage, Restart}
    assert any("kept as it is" in note for note in plan.notes)


def test_a_primary_on_an_agents_branch_is_returned() -> None:
    seen = snapshot(
        row("ws-1", "completed"),
        branch("ws-1", landed=Truth.YES),
        primary("refs/heads/ws/ws-1/agent-1"),
    )

    assert [type(step) for step in plan_crash(seen, Policy()).steps] == [ReturnPrimary]


def test_the_digest_stands_for_the_facts() -> None:
    moved = replace(WRECK, trunk_tip=WRECK.branches[0].tip)

    assert plan_crash(WRECK, POLICY).digest == plan_crash(WRECK, POLICY).digest
    assert plan_crash(WRECK, POLICY).digest != plan_crash(moved, POLICY).digest


def test_what_a_killed_run_owed_is_carried_on() -> None:
    owed: tuple[Step, ...] = tuple(
        step for step in plan_crash(WRECK, POLICY).steps if isinstance(step, RemoveBranch | Restart)
    )
    later = snapshot(row("ws-3", "failed"), branch("ws-3", 0))

    assert [type(step) for step in plan_crash(later, POLICY, owed=owed).steps] == [
        RemoveBranch,
        Restart,
    ]


_PARTS = st.lists(
    st.tuples(
        st.sampled_from(["running", "completed", "failed", "pending", "conflict"]),
        st.sampled_from([0, 1, None]),
        st.sampled_from(list(Truth)),
        st.sampled_from([CLEAN, DIRTY, UNREAD, None]),
        st.booleans(),
    ),
    max_size=6,
)


_Part = tuple[str, int | None, Truth, Unsaved | None, bool]


def _world(parts: list[_Part]) -> Snapshot:
    built: list[Row | Branch | Worktree | Process] = []
    for number, (status, commits, landed, unsaved, alive) in enumerate(parts):
        ws = f"ws-{number}"
        built += [row(ws, status), branch(ws, commits, landed)]
        if unsaved is not None:
            built.append(tree(ws, unsaved))
        if alive and unsaved is not None:
            built.append(process(ws, pid=100 + number))
    return snapshot(*built)


@given(_PARTS)
def test_no_world_makes_a_plan_that_removes_or_lands_what_is_unknown(parts: list[_Part]) -> None:
    seen = _world(parts)

    plan = plan_crash(seen, POLICY)

    saved = {step.worktree for step in plan.steps if isinstance(step, Salvage)}
    removed = {step.worktree for step in plan.steps if isinstance(step, RemoveWorktree)}
    unknown = {ws for one in diagnose(seen) for ws, said in one.verdicts if said == "cannot tell"}
    acting = [
        step for step in plan.steps if isinstance(step, Record | RemoveWorktree | RemoveBranch)
    ]
    assert removed <= saved
    assert not unknown & {step.workstream for step in acting}


def messages(seen: Snapshot) -> list[str]:
    return [step.message for step in plan_crash(seen, POLICY).steps if isinstance(step, Record)]


def test_an_agent_that_unjam_ends_or_has_ended_did_not_end_by_itself() -> None:
    left = snapshot(row("ws-1"), branch("ws-1", 0), tree("ws-1", DIRTY))
    living = replace(left, processes=(process("ws-1"),))
    stopped = replace(left, unfinished=((WorkstreamId("ws-1"), STOPPED),))

    by_us = ["its agent was ended by unjam before it committed anything; will retry"]
    assert messages(left) == ["its agent ended before it committed anything; will retry"]
    assert (messages(living), messages(stopped)) == (by_us, by_us)
