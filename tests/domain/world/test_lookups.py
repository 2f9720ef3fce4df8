"""What could not be observed is kept: no plan and no second look lets a step go on that rests on it."""

from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.domain.build import CLEAN, DIRTY, UNREAD, branch, process, row, snapshot, tree
from unjam.domain.catalogue.planning import plan_recovery
from unjam.domain.catalogue.scenarios import SCENARIOS, Need
from unjam.domain.scenarios.reset.plan import Remains, plan_reset
from unjam.domain.steps.facts import holds, untold
from unjam.domain.steps.plan import (
    Discard,
    EditSpec,
    Land,
    Record,
    RemoveBranch,
    RemoveWorktree,
    Reopen,
    Step,
)
from unjam.domain.steps.policy import Policy, StepClass
from unjam.domain.steps.request import Request
from unjam.domain.world.damage import Damage, LostBranch
from unjam.domain.world.identity import Role, WorkstreamId
from unjam.domain.world.lookups import (
    UntoldError,
    branch_at,
    orchestrators_in,
    processes_in,
    row_named,
    spec_named,
)
from unjam.domain.world.snapshot import BadSpec, Snapshot, Spec, State
from unjam.domain.world.truth import Truth, Unknown
from unjam.domain.world.workstream import Verdict, join, judge

ALL = tuple(name for name, row in SCENARIOS.items() if Need.TESTS not in row.needs)
BY_ROW = (Record, Reopen, RemoveBranch, RemoveWorktree, Discard, EditSpec, Land)
NEEDS_NOBODY = {
    StepClass.CLEAN,
    StepClass.RECORD,
    StepClass.LAND,
    StepClass.SPEC,
    StepClass.RESTART,
}
WORDS = ("running", "completed", "failed", "pending", "conflict", "blocked", "discarded")
POLICY = Policy(resume=("resume",))
REQUEST = Request(discard=frozenset({WorkstreamId("ws-1")}))


@st.composite
def worlds(draw: st.DrawFn) -> Snapshot:
    parts: list[object] = []
    specs = []
    for number in range(draw(st.integers(1, 4))):
        ws = f"ws-{number}"
        if draw(st.booleans()):
            parts.append(row(ws, draw(st.sampled_from(WORDS))))
        if draw(st.booleans()):
            landed = draw(st.sampled_from(Truth))
            parts.append(branch(ws, draw(st.sampled_from((None, 0, 1))), landed))
        if draw(st.booleans()):
            one = tree(ws, draw(st.sampled_from((CLEAN, DIRTY, UNREAD))))
            damage = draw(st.sampled_from(((), (Damage.GONE,), (Damage.UNFINISHED,))))
            only_staged = draw(st.sampled_from(Truth))
            parts.append(replace(one, damage=damage, only_staged=only_staged))
        if draw(st.booleans()):
            needs = draw(st.lists(st.sampled_from(("ws-0", "ws-1", "ws-9")), max_size=2))
            path = snapshot().repo / f"{ws}.json"
            specs.append(Spec(WorkstreamId(ws), path, tuple(map(WorkstreamId, needs))))
    return replace(snapshot(*parts), specs=tuple(specs))  # type: ignore[arg-type]  # parts of one


def without_state(seen: Snapshot) -> Snapshot:
    return replace(seen, state=State("state.db", Truth.UNKNOWN, because="it is locked"))


def without_processes(seen: Snapshot) -> Snapshot:
    return replace(seen, processes=(), processes_known=Truth.UNKNOWN)


def planned(seen: Snapshot) -> tuple[Step, ...]:
    reset = plan_reset(seen, Remains(seen.repo / ".worktrees", 1, 1), POLICY)
    each = [plan_recovery({one}, seen, POLICY, REQUEST).steps for one in ALL]
    together = plan_recovery(ALL, seen, POLICY, REQUEST).steps
    return (*(step for steps in (*each, together) for step in steps), *reset.steps)


def recovered_by(seen: Snapshot) -> tuple[Step, ...]:
    return plan_recovery(ALL, seen, POLICY, REQUEST).steps


def rests_on_row(step: Step, seen: Snapshot) -> bool:
    unfinished = {one.name for one in seen.worktrees if Damage.UNFINISHED in one.damage}
    by_git_alone = isinstance(step, RemoveWorktree) and step.worktree in unfinished
    return isinstance(step, BY_ROW) and not by_git_alone


def is_allowed(step: Step, fresh: Snapshot) -> bool:
    return not untold(step, fresh) and all(holds(one, fresh) for one in step.facts)


@given(worlds())
def test_no_plan_rests_on_rows_that_were_not_read(seen: Snapshot) -> None:
    hidden = without_state(seen)

    assert not [step for step in recovered_by(hidden) if rests_on_row(step, hidden)]


@given(worlds())
@example(snapshot(row("ws-1"), branch("ws-1", 0), tree("ws-1", DIRTY)))
def test_no_second_look_lets_a_step_go_on_whose_row_cannot_be_read_by_then(seen: Snapshot) -> None:
    fresh = without_state(seen)

    for step in recovered_by(seen):
        if rests_on_row(step, seen) and not isinstance(step, Land):  # a landing rests on Git
            assert not is_allowed(step, fresh), step


@given(worlds())
def test_where_processes_are_hidden_nobody_is_taken_for_gone(seen: Snapshot) -> None:
    hidden = without_processes(seen)

    assert not [step for step in planned(hidden) if step.step_class in NEEDS_NOBODY]
    for step in planned(seen):
        if step.step_class in NEEDS_NOBODY:
            assert not is_allowed(step, hidden), step


@given(worlds())
def test_saving_work_goes_on_whatever_is_hidden(seen: Snapshot) -> None:
    fresh = without_processes(without_state(seen))

    for step in planned(seen):
        if step.step_class is StepClass.SALVAGE:
            assert not untold(step, fresh)


def test_who_is_seen_is_seen_whatever_else_is_hidden() -> None:
    boss, agent = process("", Role.ORCHESTRATOR, 8), process("ws-1")
    seen = replace(snapshot(tree("ws-1"), boss, agent), processes_known=Truth.UNKNOWN)

    assert orchestrators_in(seen) == (boss,)
    assert processes_in("agent-1-ws-1", seen) == (agent,)


@pytest.mark.parametrize(
    "hidden",
    [
        {"unknown": (Unknown("history of refs/heads/main", "damaged"),)},
        {"unknown": (Unknown("ref refs/heads/ws/ws-1/agent-1", "it is damaged"),)},
        {"lost_branches": (LostBranch("refs/heads/ws/ws-1/agent-1", None),)},
        {"trunk_damaged": True},
    ],
    ids=["history", "ref", "lost", "trunk"],
)
def test_a_branch_that_cannot_be_read_was_not_left_empty(hidden: dict[str, object]) -> None:
    seen = replace(snapshot(row("ws-1")), **hidden)  # type: ignore[arg-type]  # by name

    with pytest.raises(UntoldError):
        branch_at("refs/heads/ws/ws-1/agent-1", seen)
    (one,) = join(seen)
    assert judge(one, seen).verdict is Verdict.UNKNOWN
    assert not [step for step in recovered_by(seen) if isinstance(step, Record)]


def test_a_spec_that_cannot_be_read_may_be_the_one_that_is_looked_for() -> None:
    path = snapshot().repo / "ws-7.json"
    unread = replace(snapshot(), bad_specs=(BadSpec(path, "it is not JSON"),))
    double = replace(snapshot(), bad_specs=(BadSpec(path, "same id", WorkstreamId("ws-1")),))

    assert spec_named("ws-7", double) is None
    with pytest.raises(UntoldError):
        spec_named("ws-7", unread)


def test_a_state_that_is_not_there_has_no_rows() -> None:
    assert row_named("ws-1", snapshot(state=Truth.NO)) is None
    with pytest.raises(UntoldError, match="the state cannot be read now"):
        row_named("ws-1", snapshot(state=Truth.UNKNOWN))


def test_where_the_vault_cannot_be_looked_into_nothing_was_left_is_not_said() -> None:
    seen = replace(snapshot(row("ws-1")), saved_known=Truth.UNKNOWN)

    (one,) = join(seen)

    assert judge(one, seen).verdict is Verdict.UNKNOWN
