"""Worktrees may be made outside of the repository, beside what is none of unjam's business."""

from pathlib import Path

import pytest

from tests.command import unjam_json
from tests.flows.building import on_trunk, recovered
from tests.recovering import undo
from tests.world import Workstream, World, git


@pytest.fixture
def outside(world: World) -> Path:
    """A directory beside the repository where worktrees are made, and others keep their things."""
    folder = world.root / "outside"
    (folder / "agent-2-ws-16").mkdir(parents=True)
    (folder / "agent-2-ws-16" / "draft.txt").write_text("somebody's\n")
    git("init", "--quiet", "another-project", cwd=folder)
    (folder / "link").symlink_to(world.repo)
    world.configure(orchestration={"worktrees": str(folder)}, policy={"restart": "off"})
    return folder


def begun_in(world: World, folder: Path) -> Workstream:
    stream = world.workstream("ws-15")
    stream.tree = folder / "agent-1-ws-15"
    stream.worktree().row("running").commits({"src/part_15.py": "part = 15\n"})
    return stream.leaves({"draft.txt": "a draft\n"})


def test_what_is_no_worktree_there_is_nobodys_finding(world: World, outside: Path) -> None:
    told = unjam_json("check", cwd=world.repo)

    assert told["findings"] == []
    assert (outside / "link").is_symlink()


def test_a_worktree_there_is_recovered_and_its_neighbours_are_left(
    world: World, outside: Path
) -> None:
    stream = begun_in(world, outside)
    world.state.row("ws-16", "running", agent="agent-2")
    treasure = world.treasure()
    neighbours = sorted(one for one in outside.rglob("*") if stream.tree not in (one, *one.parents))

    document = recovered(world)

    assert on_trunk(world, "src/part_15.py") == "part = 15"
    assert not stream.tree.exists()
    assert sorted(outside.rglob("*")) == neighbours
    assert world.lost(treasure) == []
    undo(world.repo, document["run"])
    assert (stream.tree / "draft.txt").read_text() == "a draft\n"
