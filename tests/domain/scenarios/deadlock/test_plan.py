"""The way out of a deadlock: as little as possible, for reasons, and nothing beside a living orchestrator."""

from dataclasses import replace
from pathlib import PurePath

from hypothesis import given, settings

from tests.domain.build import process, row
from tests.domain.graphs.test_smallest_cut import Graph, fewest, graphs
from tests.domain.scenarios.deadlock.deadlocks import blocked, ordered, since, spec
from unjam.domain.scenarios.deadlock.find import find_dependency_deadlock
from unjam.domain.scenarios.deadlock.plan import plan_deadlock
from unjam.domain.steps.facts import holds
from unjam.domain.steps.plan import EditSpec, Plan, Push, Reopen, Restart
from unjam.domain.steps.policy import Consent, Policy, StepClass
from unjam.domain.steps.request import Request
from unjam.domain.world.identity import Role, WorkstreamId
from unjam.domain.world.snapshot import BadSpec, Snapshot, State
from unjam.domain.world.status import Status
from unjam.domain.world.truth import Truth

POLICY = Policy(resume=("resume", "--all"), remote="origin")


def edits(plan: Plan) -> dict[str | None, tuple[str, ...]]:
    return {one.workstream: one.without for one in plan.steps if isinstance(one, EditSpec)}


def reopened(plan: Plan) -> list[str | None]:
    return [one.workstream for one in plan.steps if isinstance(one, Reopen)]


def after(snapshot: Snapshot, plan: Plan) -> Snapshot:
    """The world as it would be if every step of the plan were carried out."""
    without = edits(plan)
    specs = tuple(
        replace(
            one,
            depends_on=tuple(
                need for need in one.depends_on if need not in without.get(one.workstream, ())
            ),
        )
        for one in snapshot.specs
    )
    rows = tuple(
        replace(one, status=Status.PENDING, values=(("status", Status.PENDING),))
        if one.workstream in reopened(plan)
        else one
        for one in snapshot.state.rows
    )
    return replace(snapshot, specs=specs, state=replace(snapshot.state, rows=rows))


def test_one_entry_goes_then_the_specs_are_pushed_and_the_orchestrator_starts() -> None:
    snapshot = ordered(spec("a", "b"), spec("b", "c"), spec("c", "a"))

    plan = plan_deadlock(snapshot, POLICY)

    assert [type(one) for one in plan.steps] == [EditSpec, Push, Restart]
    assert all(holds(fact, snapshot) for step in plan.steps for fact in step.facts)
    assert not list(find_dependency_deadlock(after(snapshot, plan)))
    assert "this entry alone is the smallest cut of a cycle of 3" in plan.steps[0].reason


@given(graphs(most=5))
@settings(max_examples=80)
def test_afterwards_everything_has_its_turn_and_no_fewer_entries_would_have_done(
    graph: Graph,
) -> None:
    snapshot = ordered(*(spec(one, *others) for one, others in graph.items()))

    plan = plan_deadlock(snapshot, POLICY)

    assert not list(find_dependency_deadlock(after(snapshot, plan)))
    assert sum(map(len, edits(plan).values())) == fewest(graph)


def test_of_equal_cuts_what_was_added_last_goes() -> None:
    snapshot = ordered(
        since(spec("a", "b"), b=1), since(spec("b", "c"), c=5), since(spec("c", "a"), a=2)
    )

    plan = plan_deadlock(snapshot, POLICY)

    assert edits(plan) == {"b": ("c",)}
    assert "added on 2026-11-06" in plan.steps[0].reason
    assert "after every other of the cycle" in plan.steps[0].reason


def test_of_cuts_equally_old_what_ties_different_files_together_goes() -> None:
    snapshot = ordered(
        spec("a", "b", files=("src/one/**",)),
        spec("b", "c", files=("src/one/app.py",)),
        spec("c", "a", files=("docs",)),
    )

    plan = plan_deadlock(snapshot, POLICY)

    assert edits(plan) == {"b": ("c",)} or edits(plan) == {"c": ("a",)}
    assert "the two touch different files" in plan.steps[0].reason


def test_fewer_entries_matter_more_than_any_other_reason() -> None:
    snapshot = ordered(
        since(spec("hub", "a"), a=1),
        since(spec("a", "x", "y"), x=8, y=9),
        since(spec("x", "hub"), hub=8),
        since(spec("y", "hub"), hub=9),
    )

    assert edits(plan_deadlock(snapshot, POLICY)) == {"hub": ("a",)}


def test_rows_that_were_blocked_in_a_cycle_are_reopened_and_their_order_holds_them_back() -> None:
    snapshot = ordered(
        since(spec("a", "b"), b=9),
        since(spec("b", "a"), a=1),
        spec("c", "b"),
        blocked("a", "b"),
        blocked("b", "a"),
        blocked("c", "b"),
    )

    plan = plan_deadlock(snapshot, POLICY)

    assert edits(plan) == {"a": ("b",)}
    assert reopened(plan) == ["a", "b", "c"]
    assert not list(find_dependency_deadlock(after(snapshot, plan)))


def test_a_cycle_of_rows_alone_is_cut_by_reopening_one() -> None:
    snapshot = ordered(blocked("a", "b"), blocked("b", "a"))

    plan = plan_deadlock(snapshot, POLICY)

    assert edits(plan) == {}
    assert len(reopened(plan)) == 1
    assert not list(find_dependency_deadlock(after(snapshot, plan)))


def test_a_row_blocked_by_completed_ones_is_reopened() -> None:
    snapshot = ordered(blocked("a", "b"), row("b", "completed"))

    assert reopened(plan_deadlock(snapshot, POLICY)) == ["a"]


def test_what_failed_and_blocks_others_is_tried_again_but_not_for_ever() -> None:
    snapshot = ordered(spec("a", "b"), spec("b"), blocked("a", "b"), row("b", "failed"))
    often = replace(snapshot.state, starts=((WorkstreamId("b"), 3),))

    assert reopened(plan_deadlock(snapshot, POLICY)) == ["a", "b"]
    plan = plan_deadlock(replace(snapshot, state=often), POLICY)
    assert plan.steps == ()
    assert plan.notes == ("b failed 3 times: look at its log before it is tried again",)


def test_what_does_not_exist_is_taken_out_unless_a_spec_could_not_be_read() -> None:
    snapshot = ordered(spec("a", "ghost"))
    bad = BadSpec(PurePath("/r/workstreams/ghost.json"), "it is not JSON")

    assert edits(plan_deadlock(snapshot, POLICY)) == {"a": ("ghost",)}
    plan = plan_deadlock(replace(snapshot, bad_specs=(bad,)), POLICY)
    assert plan.steps == ()
    assert any("may be the one they mean" in note for note in plan.notes)
    assert any("ghost.json: it is not JSON; correct it" in note for note in plan.notes)


def test_beside_a_living_orchestrator_nothing_is_planned_and_the_reason_is_told() -> None:
    snapshot = ordered(spec("a", "b"), spec("b", "a"), process("", role=Role.ORCHESTRATOR, pid=77))

    plan = plan_deadlock(snapshot, POLICY)

    assert plan.steps == ()
    assert "kill 77" in plan.notes[0]


def test_beside_a_state_that_cannot_be_read_nothing_is_planned() -> None:
    snapshot = ordered(spec("a", "b"), spec("b", "a"))
    state = State("s.db", Truth.UNKNOWN, because="it is locked")

    plan = plan_deadlock(replace(snapshot, state=state), POLICY)

    assert plan.steps == ()
    assert "it is locked" in plan.notes[0]


def test_a_chosen_workstream_has_its_own_cycle_cut_and_no_other() -> None:
    snapshot = ordered(spec("a", "b"), spec("b", "a"), spec("x", "y"), spec("y", "x"))

    plan = plan_deadlock(snapshot, POLICY, Request(workstreams=frozenset({WorkstreamId("a")})))

    assert set(edits(plan)) < {"a", "b"}
    assert len(edits(plan)) == 1


def test_policy_can_switch_edits_off() -> None:
    snapshot = ordered(spec("a", "b"), spec("b", "a"))
    policy = replace(POLICY, approvals={StepClass.SPEC: Consent.OFF})

    plan = plan_deadlock(snapshot, policy)

    assert edits(plan) == {}
    assert "steps of class spec are left out: policy.spec is off" in plan.notes
