"""Whose a row is: without proof that its agent worked here, it is another's where others may be."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.domain.build import CLEAN, DIRTY, REPO, branch, process, row, snapshot, tree
from unjam.domain.catalogue.diagnosis import diagnose
from unjam.domain.catalogue.planning import plan_recovery
from unjam.domain.catalogue.scenarios import SCENARIOS, Need, needing
from unjam.domain.reports.check_report import check_document, healthy
from unjam.domain.steps.plan import (
    Land,
    Record,
    RemoveBranch,
    RemoveWorktree,
    Reopen,
    Restart,
    Stop,
)
from unjam.domain.steps.policy import Consent, Policy, StepClass
from unjam.domain.steps.request import Request
from unjam.domain.world.elsewhere import Sharing, is_called
from unjam.domain.world.identity import Scenario, WorkstreamId
from unjam.domain.world.snapshot import Row, Snapshot
from unjam.domain.world.truth import Truth
from unjam.domain.world.workstream import Verdict, elsewhere, join, judge, unfinished_elsewhere

SERVER = "the state is on a server"
SHARED = Sharing(SERVER, frozenset({"here"}), REPO / ".worktrees")
ALONE = replace(SHARED, because="")
ALL_AUTO = Policy(dict.fromkeys(StepClass, Consent.AUTO), resume=("resume",), remote="origin")
STATUSES = [
    "pending",
    "running",
    "completed",
    "failed",
    "blocked",
    "conflict",
    "reverted",
    "discarded",
    "of tomorrow",
]


def on(machine: str, ws: str = "ws-1", status: str = "running") -> Row:
    made = row(ws, status)
    return replace(made, machine=machine, values=(*made.values, ("hostname", machine)))


def seen(*parts: object, sharing: Sharing | None = SHARED) -> Snapshot:
    return replace(snapshot(*parts), sharing=sharing)  # type: ignore[arg-type]


def verdict_of(world: Snapshot) -> Verdict:
    (one,) = join(world)
    return judge(one, world).verdict


@pytest.mark.parametrize("status", [one for one in STATUSES if one != "pending"])
def test_without_any_trace_a_row_of_a_shared_state_is_elsewhere(status: str) -> None:
    assert verdict_of(seen(row("ws-1", status))) is Verdict.ELSEWHERE


def test_what_nobody_began_is_nobody_s() -> None:
    world = seen(row("ws-1", "pending", agent=None))

    assert (verdict_of(world), elsewhere(world)) == (Verdict.CONSISTENT, ())


def test_in_a_clone_of_its_own_a_row_without_a_trace_is_a_crash_s() -> None:
    assert verdict_of(seen(row("ws-1"), sharing=ALONE)) is Verdict.DEAD_EMPTY


@pytest.mark.parametrize(
    ("parts", "sharing", "verdict"),
    [
        pytest.param([branch("ws-1")], SHARED, Verdict.DEAD_WITH_COMMITS, id="branch"),
        pytest.param([tree("ws-1", DIRTY)], SHARED, Verdict.DEAD_UNSAVED, id="worktree"),
        pytest.param([], replace(SHARED, traces=frozenset({WorkstreamId("ws-1")})), Verdict.DEAD_EMPTY, id="log or reflog"),
        pytest.param([branch("ws-1", agent="agent-7")], SHARED, Verdict.ELSEWHERE, id="another agent's branch"),
        pytest.param([branch("ws-1")], replace(SHARED, fetched=frozenset({branch("ws-1").ref})), Verdict.ELSEWHERE, id="a branch that was fetched"),
        pytest.param([branch("ws-1")], replace(SHARED, older=frozenset({branch("ws-1").ref})), Verdict.ELSEWHERE, id="an earlier attempt's branch"),
        pytest.param([tree("ws-1")], replace(SHARED, older=frozenset({"agent-1-ws-1"})), Verdict.ELSEWHERE, id="an earlier attempt's worktree"),
        pytest.param([], replace(ALONE, seen=((WorkstreamId("ws-1"), "pid 7 works for it in /b"),)), Verdict.ELSEWHERE, id="seen in another clone"),
    ],
)  # fmt: skip
def test_a_running_row_is_judged_only_where_its_agent_is_proven_to_have_worked(
    parts: list[object], sharing: Sharing, verdict: Verdict
) -> None:
    assert verdict_of(seen(row("ws-1"), *parts, sharing=sharing)) is verdict


def test_the_machine_that_a_row_names_decides_against_what_an_earlier_attempt_left() -> None:
    assert verdict_of(seen(on("gone"), branch("ws-1"), tree("ws-1"))) is Verdict.ELSEWHERE
    assert verdict_of(seen(on("HERE.example.org"))) is Verdict.DEAD_EMPTY
    # A container that was made anew has another name, and the same clone.
    alone = seen(on("gone"), branch("ws-1"), tree("ws-1"), sharing=ALONE)
    assert verdict_of(alone) is Verdict.DEAD_WITH_COMMITS
    assert verdict_of(seen(on("gone"), sharing=ALONE)) is Verdict.ELSEWHERE


@pytest.mark.parametrize(
    ("named", "is_it"), [("here", True), ("Here.lan", True), ("there", False), ("here-2", False)]
)
def test_a_machine_is_known_with_its_domain_and_without(named: str, is_it: bool) -> None:
    assert is_called(named, {"here"}) is is_it


def test_what_runs_elsewhere_is_never_healthy_never_a_finding_and_said() -> None:
    world = seen(row("ws-1"), row("ws-2", "completed"))

    document = check_document(world, diagnose(world))

    assert (document["healthy"], document["findings"]) == (False, [])
    assert [one["id"] for one in document["elsewhere"]] == ["ws-1", "ws-2"]
    assert healthy(seen(row("ws-2", "completed")), ())


def test_no_orchestrator_is_started_and_no_living_agent_stopped_where_others_may_be_at_work() -> (
    None
):
    lively = (row("ws-2"), branch("ws-2"), tree("ws-2"), process("ws-2"))
    dead = (row("ws-3"), branch("ws-3", 0), tree("ws-3", CLEAN))
    world = seen(row("ws-1"), row("ws-9", "pending"), *lively, *dead)

    plan = plan_recovery({Scenario("orchestrator_crash")}, world, ALL_AUTO)

    assert not any(isinstance(one, Stop | Restart) for one in plan.steps)
    assert [one.workstream for one in plan.steps if isinstance(one, Record)] == ["ws-3"]
    assert plan.elsewhere == ("ws-1",)
    assert any("the agents of ws-2 still work and are left alone" in one for one in plan.notes)


def test_a_person_settles_only_what_is_elsewhere_and_unfinished() -> None:
    named = frozenset(map(WorkstreamId, ("ws-1", "ws-2", "ws-3")))
    request = Request(
        workstreams=frozenset({WorkstreamId("ws-1")}), elsewhere=named, said_by="ada on here"
    )
    world = seen(row("ws-1"), row("ws-2", "completed"), row("ws-3"), branch("ws-3"), tree("ws-3"))

    plan = plan_recovery({Scenario("orchestrator_crash")}, world, ALL_AUTO, request)

    (record,) = [one for one in plan.steps if isinstance(one, Record)]
    assert (record.workstream, record.status) == ("ws-1", "failed")
    assert record.message == "ada on here said that its machine is gone for good; will retry"


rows = st.builds(
    lambda ws, status, agent, machine: replace(
        row(ws, status, agent),
        machine=machine,
        values=(*row(ws, status, agent).values, ("hostname", machine)),
    ),
    st.sampled_from([f"ws-{n}" for n in range(6)]),
    st.sampled_from(STATUSES),
    st.sampled_from(["agent-1", "agent-2", None]),
    st.sampled_from(["here", "gone", ""]),
)
left = st.one_of(
    st.builds(
        branch,
        st.sampled_from([f"ws-{n}" for n in range(6)]),
        st.sampled_from([0, 1, None]),
        st.sampled_from(list(Truth)),
        agent=st.sampled_from(["agent-1", "agent-2"]),
    ),
    st.builds(
        tree,
        st.sampled_from([f"ws-{n}" for n in range(6)]),
        st.sampled_from([CLEAN, DIRTY]),
        st.sampled_from(["agent-1", "agent-2"]),
    ),
    st.builds(process, st.sampled_from([f"ws-{n}" for n in range(6)])),
)
sharings = st.builds(
    lambda because, fetched, older: replace(
        SHARED, because=because, fetched=frozenset(fetched), older=frozenset(older)
    ),
    st.sampled_from([SERVER, ""]),
    st.lists(st.sampled_from([branch(f"ws-{n}").ref for n in range(6)]), max_size=2),
    st.lists(st.sampled_from([f"agent-1-ws-{n}" for n in range(6)]), max_size=2),
)
worlds = st.builds(
    lambda believed, found, sharing: seen(
        *{one.workstream: one for one in believed}.values(), *found, sharing=sharing
    ),
    st.lists(rows, max_size=6),
    st.lists(left, max_size=6, unique_by=repr),
    sharings,
)


@given(worlds)
def test_no_plan_of_any_scenario_treats_what_is_elsewhere(world: Snapshot) -> None:
    others = {one.id for one in join(world) if one.elsewhere}

    plan = plan_recovery(
        set(SCENARIOS) - {row.name for row in needing(Need.TESTS)}, world, ALL_AUTO
    )

    kinds = (Record, Reopen, RemoveWorktree, RemoveBranch, Stop)
    assert not [one for one in plan.steps if isinstance(one, kinds) and one.workstream in others]
    landed = {
        each.workstream for one in plan.steps if isinstance(one, Land) for each in one.landings
    }
    assert not landed & others
    assert set(plan.elsewhere) <= others
    if unfinished_elsewhere(world):
        assert not plan.restarts()
        assert not healthy(world, ())


@given(worlds)
def test_a_row_with_neither_a_trace_nor_its_machine_s_name_is_here_only_where_nobody_shares(
    world: Snapshot,
) -> None:
    shares = world.sharing is None or bool(world.sharing.because)
    for one in join(world):
        if one.row is not None and not (one.branches or one.worktrees):
            named = dict(one.row.values)["hostname"]
            is_here = named == "here" or (not named and not shares)
            assert bool(one.elsewhere) is not is_here


@given(worlds)
def test_who_names_another_machine_on_a_shared_state_is_never_judged(world: Snapshot) -> None:
    for one in join(world):
        if one.row is not None and dict(one.row.values)["hostname"] == "gone" and world.sharing:
            assert one.elsewhere or not world.sharing.because
