"""What landed is rebuilt as whole pieces of work, however little is left of how it did."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.world import World, git
from unjam.adapters.git.proving.units import LandedWork, units_of
from unjam.domain.world.identity import WorkstreamId
from unjam.domain.world.naming import Template
from unjam.domain.world.trials import Turn, Unit, UnitKind


def units(
    world: World, *, branches: Mapping[str, str] | None = None, turns: Sequence[Turn] = ()
) -> tuple[Unit, ...]:
    listing = git(
        "for-each-ref", "--format=%(refname) %(objectname)", "refs/heads/ws", cwd=world.repo
    )
    known = dict(line.split(" ") for line in listing.splitlines())
    template = Template("ws/{workstream}/{agent}")

    def owner(ref: str) -> WorkstreamId | None:
        found = template.owner(ref)
        return found.workstream if found else None

    found = known if branches is None else branches
    return units_of(world.common, "refs/heads/main", LandedWork(found, owner, turns), 1000)


def told(found: tuple[Unit, ...]) -> list[tuple[UnitKind, tuple[str, ...], int]]:
    return [(one.kind, one.workstreams, len(one.commits)) for one in found]


def test_every_way_to_land_is_one_unit(world: World) -> None:
    world.workstream("ws-1").worktree().commits({"src/a.py": "a\n"}).commits(
        {"src/b.py": "b\n"}
    ).lands_as_merge()
    world.workstream("ws-2").worktree().commits({"src/c.py": "c\n"}).commits(
        {"src/d.py": "d\n"}
    ).lands_fast_forward()
    world.workstream("ws-3").worktree().commits({"src/e.py": "e\n"}).commits(
        {"src/f.py": "f\n"}
    ).lands_as_squash()
    world.workstream("ws-4").worktree().commits({"src/g.py": "g\n"}).commits(
        {"src/h.py": "h\n"}
    ).lands_flattened()

    found = [one for one in told(units(world)) if one[1]]

    assert found == [
        (UnitKind.MERGE, ("ws-1",), 1),
        (UnitKind.FORWARD, ("ws-2",), 2),
        (UnitKind.SQUASH, ("ws-3",), 1),
        (UnitKind.FLATTENED, ("ws-4",), 2),
    ]


def test_each_unit_begins_where_the_one_before_it_ended(world: World) -> None:
    world.workstream("ws-1").worktree().commits({"src/a.py": "a\n"}).lands_as_merge()
    world.workstream("ws-2").worktree().commits({"src/b.py": "b\n"}).lands_fast_forward()
    world.primary.commit("src/own.py", "own\n")

    found = units(world)

    assert [one.before for one in found[1:]] == [one.after for one in found[:-1]]
    assert found[-1].after == world.trunk


def test_a_merge_is_told_by_its_subject_when_its_branch_is_gone(world: World) -> None:
    stream = world.workstream("ws-1").worktree().commits({"src/a.py": "a\n"}).lands_as_merge()

    (unit,) = (one for one in units(world, branches={}) if one.kind is UnitKind.MERGE)

    assert unit.workstreams == ("ws-1",)
    assert unit.branches == (f"refs/heads/{stream.branch}",)


def test_a_flattened_merge_is_told_by_the_reflog_when_its_branch_is_gone(world: World) -> None:
    stream = world.workstream("ws-1").worktree().commits({"src/a.py": "a\n"})
    stream.commits({"src/b.py": "b\n"}).lands_flattened()
    git("worktree", "remove", "--force", str(stream.tree), cwd=world.repo)
    git("branch", "-D", stream.branch, cwd=world.repo)

    (unit,) = (one for one in units(world) if one.workstreams)

    assert unit.kind is UnitKind.FLATTENED
    assert unit.workstreams == ("ws-1",)
    assert len(unit.commits) == 2


def test_a_revert_is_known_for_one(world: World) -> None:
    world.workstream("ws-1").worktree().commits({"src/a.py": "a\n"}).lands_as_merge().is_reverted()

    assert units(world)[-1].kind is UnitKind.REVERT


def test_what_a_unit_changes_is_known(world: World) -> None:
    world.workstream("ws-1").worktree().commits({"src/a.py": "a\n"}).commits(
        {"src/b.py": "b\n"}
    ).lands_as_merge()

    assert set(units(world)[-1].paths) == {"src/a.py", "src/b.py"}


MINUTE = timedelta(minutes=1)
COLLECTED = datetime.now(UTC)


def forgotten(world: World, branch: str) -> None:
    """Nothing of how it landed is left in Git."""
    git("worktree", "prune", cwd=world.repo)
    git("update-ref", "-d", f"refs/heads/{branch}", cwd=world.repo)
    (world.common / "logs" / "refs" / "heads" / "main").unlink()


def turn(name: str, *scope: str, began: timedelta = -MINUTE, ended: timedelta = MINUTE) -> Turn:
    """A turn that began and ended so much before or after the test commits."""
    return Turn(name, f"refs/heads/ws/{name}/agent-1", COLLECTED + began, COLLECTED + ended, scope)


def from_now(turns: tuple[Turn, ...]) -> tuple[Turn, ...]:
    """Tests are collected long before they run."""
    late = datetime.now(UTC) - COLLECTED
    return tuple(
        replace(one, began=one.began + late, ended=one.ended + late if one.ended else None)
        for one in turns
    )


@pytest.mark.parametrize(
    ("turns", "wanted"),
    [
        ((turn("ws-1", "src/a.py", "src/b.py"),), 2),
        ((turn("ws-1", "src"), turn("ws-2", "docs")), 2),
        ((turn("ws-1"),), None),  # without a scope, and named nowhere: a person's, for all we know
        ((turn("ws-1", "src/a.py"),), 1),
        ((turn("ws-1", "src"), turn("ws-2", "src")), None),  # two could have made it
        ((turn("ws-1", "src", began=-3 * MINUTE, ended=-2 * MINUTE),), None),
        ((turn("ws-1", "src", began=2 * MINUTE, ended=3 * MINUTE),), None),
    ],
)
def test_the_log_tells_of_work_that_git_has_no_name_for(
    world: World, turns: tuple[Turn, ...], wanted: int | None
) -> None:
    stream = world.workstream("ws-1").worktree()
    stream.commits({"src/a.py": "a\n"}, "Begin").commits({"src/b.py": "b\n"}, "Go on")
    stream.lands_flattened()
    git("worktree", "remove", "--force", str(stream.tree), cwd=world.repo)
    forgotten(world, stream.branch)

    found = [one for one in units(world, turns=from_now(turns)) if one.workstreams]

    assert told(tuple(found)) == (
        [(UnitKind.FLATTENED, ("ws-1",), wanted)] if wanted is not None else []
    )


def test_a_commit_that_names_its_workstream_needs_no_scope(world: World) -> None:
    stream = world.workstream("ws-1").worktree().commits({"src/a.py": "a\n"}, "ws-1: begin")
    stream.lands_flattened()
    git("worktree", "remove", "--force", str(stream.tree), cwd=world.repo)
    forgotten(world, stream.branch)

    found = units(world, turns=from_now((turn("ws-1"), turn("ws-11"))))

    assert [one.workstreams for one in found if one.workstreams] == [("ws-1",)]
