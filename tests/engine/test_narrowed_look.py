"""A look before a step tells of what the step names, and believes nothing of what it only glimpsed at.

Each change here is made after the plan, in what a narrowed look must still see.
"""

import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from tests.world import World, git
from unjam.domain.steps.facts import UNTOLD, answer
from unjam.domain.steps.outcome import StepWord
from unjam.domain.steps.plan import Record, RemoveBranch, RemoveWorktree, Salvage, Step
from unjam.domain.steps.scope import scope_of
from unjam.domain.world.lookups import UntoldError, lock_at, worktree_named
from unjam.engine.acts.carry_out import FACTS_CHANGED, carry_out
from unjam.engine.acts.recovery import Permission, Recovery
from unjam.engine.orchestration import open_orchestration
from unjam.engine.running.prepare import look_and_prepare
from unjam.engine.running.session import Terms, session

MINE = "agent-1-ws-11"
OTHERS = frozenset({"agent-0-ws-10", "agent-2-ws-12"})


@pytest.fixture
def wreck(world: World) -> World:
    """Three dead agents, each with a draft of its own."""
    for number in range(3):
        stream = world.workstream(f"ws-1{number}", f"agent-{number}").worktree().row("running")
        stream.leaves({f"draft_{number}.txt": f"draft {number}\n"})
    return world


@contextmanager
def planned(world: World) -> Iterator[tuple[Recovery, tuple[Step, ...]]]:
    """A run of everything, and the steps of its plan."""
    terms = Terms("recover")
    with session(open_orchestration(world.repo), terms, Permission(everything=True)) as run:
        yield run, look_and_prepare(run).plan.steps


def of(kind: type[Step], steps: tuple[Step, ...]) -> Step:
    """The step of this kind for the workstream in the middle."""
    return next(one for one in steps if isinstance(one, kind) and one.workstream == "ws-11")


def before(step: Step, steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """The steps for the same workstream that come first."""
    return tuple(one for one in steps[: steps.index(step)] if one.workstream == step.workstream)


@contextmanager
def commits(world: World) -> Iterator[None]:
    tree = world.repo / ".worktrees" / MINE
    git("add", "draft_1.txt", cwd=tree)
    git("commit", "-q", "-m", "late", cwd=tree)
    yield


@contextmanager
def goes_to_another_branch(world: World) -> Iterator[None]:
    git("switch", "-q", "-c", "elsewhere", cwd=world.repo / ".worktrees" / MINE)
    yield


@contextmanager
def has_another_worktree(world: World) -> Iterator[None]:
    place = world.repo / ".worktrees/agent-9-ws-11"
    branch = git("branch", "--show-current", cwd=world.repo / ".worktrees" / MINE)
    named = branch.replace("agent-1", "agent-9")
    git("worktree", "add", "-q", "-b", named, str(place), cwd=world.repo)
    yield


@contextmanager
def stashes(world: World) -> Iterator[None]:
    git("stash", "-q", "-u", cwd=world.repo / ".worktrees" / MINE)
    yield


@contextmanager
def writes_its_row(world: World) -> Iterator[None]:
    with sqlite3.connect(world.state.path) as connection:
        connection.execute(
            "UPDATE workstream_status SET agent_id = 'x' WHERE workstream_id = 'ws-11'"
        )
    connection.close()
    yield


@contextmanager
def is_at_work_again(world: World) -> Iterator[None]:
    with subprocess.Popen(["sleep", "600"], cwd=world.repo / ".worktrees" / MINE) as agent:
        yield
        agent.kill()


@contextmanager
def is_at_work_where_another_is_registered(world: World) -> Iterator[None]:
    admin = world.common / "worktrees"
    shutil.copytree(admin / MINE, admin / "copy")
    with is_at_work_again(world):
        yield


@contextmanager
def moves_the_branch(world: World) -> Iterator[None]:
    refs = git("for-each-ref", "--format=%(refname)", "refs/heads", cwd=world.repo).split()
    name = next(one for one in refs if "ws-11" in one)
    tip = git("commit-tree", "-m", "moved", "-p", name, f"{name}^{{tree}}", cwd=world.repo)
    git("update-ref", name, tip, cwd=world.repo)
    yield


@pytest.mark.parametrize(
    ("kind", "somebody"),
    [
        (Record, commits),
        (Record, goes_to_another_branch),
        (Record, has_another_worktree),
        (Record, stashes),
        (Record, writes_its_row),
        (Record, is_at_work_again),
        (RemoveWorktree, is_at_work_again),
        (RemoveWorktree, is_at_work_where_another_is_registered),
        (RemoveBranch, moves_the_branch),
    ],
)
def test_what_changed_meanwhile_refuses_the_step(
    wreck: World, kind: type[Step], somebody: Callable[[World], AbstractContextManager[None]]
) -> None:
    with planned(wreck) as (run, steps):
        step = of(kind, steps)
        for one in before(step, steps):
            carry_out(run, one)
        with somebody(wreck):
            (told,) = carry_out(run, step)

    assert told.word is StepWord.REFUSED
    assert FACTS_CHANGED in told.sentence


def test_of_the_others_it_tells_nothing(wreck: World) -> None:
    with planned(wreck) as (run, steps):
        step = of(Record, steps)
        seen = run.look(MINE, scope=scope_of(step))

    assert seen.glimpsed == OTHERS
    assert {one.name for one in seen.worktrees} == {MINE, *OTHERS}
    for name in OTHERS:
        with pytest.raises(UntoldError):
            worktree_named(name, seen)
        for kind in ("head of", "operation in", "damage of", "unsaved in"):
            assert answer(kind, name, seen) == UNTOLD
    assert answer("work of", "ws-10", seen) == UNTOLD
    assert answer("lock", "HEAD.lock", seen) == UNTOLD
    with pytest.raises(UntoldError):
        lock_at("HEAD.lock", seen)


def test_what_it_names_it_sees_as_a_look_at_everything_does(wreck: World) -> None:
    with planned(wreck) as (run, steps):
        for step in steps:
            scope = scope_of(step)
            names = (getattr(step, "worktree", MINE),)
            seen, narrowed = run.look(*names), run.look(*names, scope=scope)
            assert scope is not None or not isinstance(step, Salvage | Record | RemoveWorktree)
            for one in step.facts:
                assert answer(one.kind, one.subject, narrowed) == answer(
                    one.kind, one.subject, seen
                )


def test_one_that_is_nested_in_an_asked_place_is_read_whole(wreck: World) -> None:
    inside = Path(wreck.repo, ".worktrees", MINE, "inner")
    git("worktree", "add", "-q", "-b", "inner", str(inside), cwd=wreck.repo)

    with planned(wreck) as (run, steps):
        seen = run.look(MINE, scope=scope_of(of(Record, steps)))

    assert seen.glimpsed == OTHERS
    assert worktree_named("inner", seen) is not None
