"""Whose a worktree is: no single proof is enough, and what two systems call differently is no damage."""

from dataclasses import replace
from pathlib import PurePath

import pytest

from tests.domain.build import REPO, branch, process, row, snapshot, tree
from unjam.domain.catalogue.diagnosis import diagnose
from unjam.domain.catalogue.planning import plan_recovery
from unjam.domain.reports.check_report import healthy
from unjam.domain.scenarios.corruption.plan import plan_corruption
from unjam.domain.scenarios.shared.foreign_worktrees import refusal
from unjam.domain.steps.plan import Mend, RemoveWorktree, SetAside, Step
from unjam.domain.steps.policy import Consent, Policy, StepClass
from unjam.domain.world.claims.ownership import (
    LINKED,
    TAKEN,
    WRONG,
    Leads,
    Links,
    Whose,
    below,
    whose,
)
from unjam.domain.world.damage import Damage, StrayKind
from unjam.domain.world.identity import Scenario
from unjam.domain.world.snapshot import Snapshot, Stray, Worktree
from unjam.domain.world.truth import Truth
from unjam.domain.world.workstream import Verdict, join, judge

COMMON = PurePath("/new/shop/.git")
PLACE = PurePath("/new/shop/.worktrees/x")
SOUND = Links(COMMON, "x", str(PLACE), is_there=True, place=PLACE, leads=Leads.HERE, is_inside=True)
MOVED = Links(
    COMMON,
    "x",
    "/old/shop/.worktrees/x",
    is_there=False,
    place=PLACE,
    leads=Leads.NOWHERE,
    back="/old/shop/.git/worktrees/x",
    is_inside=True,
)
WINDOWS = replace(
    MOVED,
    forward="C:/Users/dev/shop/.worktrees/x",
    back=r"C:\Users\dev\shop\.git\worktrees\x",
    is_known_here=False,
)
OUTSIDE = PurePath("/home/me/notes")
NAMED = replace(SOUND, forward=str(OUTSIDE), place=OUTSIDE, is_inside=False, leads=Leads.NOTHING)


@pytest.mark.parametrize(
    ("links", "expected"),
    [
        (SOUND, Whose.OURS),
        (replace(SOUND, leads=Leads.ABROAD), Whose.ANOTHERS),
        (replace(SOUND, leads=Leads.ALIAS), Whose.ALIAS),
        (replace(SOUND, leads=Leads.NOTHING), Whose.OURS),
        (replace(SOUND, leads=Leads.NOTHING, name="y"), Whose.UNPROVEN),
        (replace(SOUND, leads=Leads.NOTHING, name="y", files_agree=True), Whose.OURS),
        (NAMED, Whose.UNPROVEN),
        (replace(NAMED, files_agree=False), Whose.UNPROVEN),
        (replace(NAMED, files_agree=True), Whose.OURS),
        (replace(NAMED, leads=Leads.REPOSITORY, files_agree=False), Whose.UNPROVEN),
        (replace(SOUND, leads=Leads.REPOSITORY, files_agree=False), Whose.UNPROVEN),
        (replace(SOUND, leads=Leads.REPOSITORY, files_agree=True), Whose.OURS),
        (MOVED, Whose.RELOCATED),
        (replace(MOVED, old_home_is_there=True), Whose.OURS),  # gone; the directory is a copy's
        (replace(MOVED, back="/old/shop/.git/worktrees/y"), Whose.OURS),
        (replace(MOVED, back="/other/shop/.git/worktrees/x"), Whose.OURS),
        (replace(MOVED, is_known_here=False), Whose.ELSEWHERE),
        (WINDOWS, Whose.ELSEWHERE),
        (replace(WINDOWS, leads=Leads.HERE, back=None), Whose.VIEWED),
        (replace(WINDOWS, leads=Leads.NOTHING, back=None), Whose.ELSEWHERE),
        (replace(MOVED, leads=Leads.NOTHING, back=None), Whose.OURS),  # gone
    ],
)
def test_two_proofs_decide_whose_it_is(links: Links, expected: Whose) -> None:
    assert whose(links) is expected


@pytest.mark.parametrize(
    ("back", "known", "expected"),
    [
        ("/workspace/.git/worktrees/x", False, Whose.VIEWED),
        ("/old/shop/.git/worktrees/x", True, Whose.OURS),
        ("/new/shop/.git/worktrees/gone", True, Whose.OURS),
    ],
)
def test_a_directory_in_its_place_that_names_what_is_not_there(
    back: str, known: bool, expected: Whose
) -> None:
    lost = replace(SOUND, leads=Leads.NOWHERE, back=back, is_known_here=known)

    assert whose(lost) is expected


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, Whose.RELOCATED),
        ({"is_known_here": False}, Whose.VIEWED),
        ({"old_home_is_there": True}, Whose.ANOTHERS),
        ({"back": "/old/shop/.git/worktrees/y"}, Whose.UNPROVEN),
    ],
)
def test_a_worktree_outside_whose_repository_alone_was_moved(
    more: dict[str, object], expected: Whose
) -> None:
    stayed = replace(NAMED, name="x", leads=Leads.NOWHERE, back="/old/shop/.git/worktrees/x")

    assert whose(replace(stayed, **more)) is expected  # type: ignore[arg-type]


def held(verdict: Whose) -> Snapshot:
    one = replace(tree("ws-1"), whose=verdict, damage=(Damage.INDEX,))
    return snapshot(row("ws-1"), branch("ws-1", 0), one)


@pytest.mark.parametrize("verdict", sorted(set(Whose) - TAKEN))
def test_what_is_not_ours_is_neither_judged_nor_touched(verdict: Whose) -> None:
    seen = held(verdict)
    found = {one.scenario for one in diagnose(seen)}

    plan = plan_recovery(found, seen, Policy())

    (stream,) = join(seen)
    assert judge(stream, seen).verdict is Verdict.UNKNOWN
    assert [step.verb for step in plan.steps] == []


@pytest.mark.parametrize("verdict", list(Whose))
def test_every_act_asks_the_proof_again(verdict: Whose) -> None:
    seen = held(verdict)

    def allowed(step: Step) -> bool:
        return not refusal(step, seen)

    named = {"subject": "x", "reason": "", "worktree": "agent-1-ws-1"}
    assert allowed(Mend(**named)) is (verdict in LINKED)  # type: ignore[arg-type]
    assert allowed(RemoveWorktree(**named)) is (verdict in TAKEN)  # type: ignore[arg-type]


@pytest.mark.parametrize("verdict", list(Whose))
def test_only_what_is_wrong_everywhere_is_a_finding(verdict: Whose) -> None:
    seen = snapshot(replace(tree("ws-1"), whose=verdict))

    found = diagnose(seen, (Scenario("worktree_corruption"),))

    assert bool(found) is (verdict in WRONG)
    assert all(str(verdict) in one.summary for one in found)


def test_healthy_is_not_said_of_work_that_was_left_out() -> None:
    one = replace(tree("ws-1"), whose=Whose.ELSEWHERE)

    assert healthy(snapshot(one), ())
    assert not healthy(snapshot(replace(one, unsaved=replace(one.unsaved, known=Truth.NO))), ())


def test_a_plain_directory_is_not_set_aside_by_any_step() -> None:
    place = REPO / ".worktrees/notes"
    step = SetAside(subject="notes", reason="", path=place)
    plain = replace(snapshot(), strays=(Stray(place, StrayKind.PLAIN),))
    claimed = replace(snapshot(), strays=(Stray(place, StrayKind.PLAIN, claimed=True),))

    assert refusal(step, plain)
    assert not refusal(step, claimed)


def nested(*more: object) -> Snapshot:
    outer = tree("ws-1")
    inner = replace(tree("ws-2", agent="agent-2"), path=outer.path / "deep/agent-2-ws-2")
    return snapshot(row("ws-1"), branch("ws-1"), outer, inner, *more)  # type: ignore[arg-type]


def removed(seen: Snapshot, policy: Policy | None = None) -> list[str]:
    plan = plan_recovery({Scenario("orchestrator_crash")}, seen, policy or Policy())
    return [one.worktree for one in plan.steps if isinstance(one, RemoveWorktree)]


def test_what_lies_below_is_moved_away_first() -> None:
    dead = nested(row("ws-2", agent="agent-2"), branch("ws-2", agent="agent-2"))

    assert removed(dead) == ["agent-2-ws-2", "agent-1-ws-1"]


def test_nothing_is_moved_with_a_living_agent_below_it() -> None:
    parts = row("ws-2", agent="agent-2"), branch("ws-2", agent="agent-2")
    seen = nested(*parts, process("ws-2", agent="agent-2"))
    policy = Policy({StepClass.STOP: Consent.OFF})

    assert removed(seen, policy) == []
    notes = plan_recovery({Scenario("orchestrator_crash")}, seen, policy).notes
    assert any("deep/agent-2-ws-2 lies below it" in one for one in notes)


def test_nothing_is_moved_with_a_persons_worktree_below_it() -> None:
    persons = replace(_inner(nested()), workstream=None)
    seen = replace(nested(), worktrees=(nested().worktrees[0], persons))
    step = RemoveWorktree(subject="x", reason="", worktree="agent-1-ws-1")

    assert removed(seen) == []
    assert "lies below it" in refusal(step, seen)
    assert below(persons.path, seen) == ""


def _inner(seen: Snapshot) -> Worktree:
    return seen.worktrees[1]


def test_a_damaged_entry_is_not_unregistered_for_a_path_that_is_not_here() -> None:
    seen = snapshot(replace(tree("ws-1"), whose=Whose.ELSEWHERE, damage=(Damage.GONE,)))

    assert plan_corruption(seen, Policy()).steps == ()
