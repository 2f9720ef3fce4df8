"""Looking changes nothing, runs nothing of an agent's, and cannot be led astray."""

from pathlib import Path

import pytest

from tests.adapters.git.observing.looking import ALL, look, told, worktree_of
from tests.adapters.git.scene import arm, fired
from tests.adapters.git.traces import traces
from tests.world import World, git, leave_brutal_work, prepare_for_brutal_work, typical_wreck
from unjam.domain.world.truth import Truth

ATTRIBUTES = "* filter=evil diff=evil merge=evil\n"


def _armed(world: World, canaries: Path) -> None:
    """A repository with work of every kind, whose own code must never run."""
    prepare_for_brutal_work(world.repo)
    for name in ("ws-1", "ws-2", "ws-3"):
        world.workstream(name).worktree().commits({"same.txt": name, f"{name}.txt": "1\n"})
    world.workstream("ws-2").lands_as_squash()
    leave_brutal_work(world.workstream("ws-1").tree)
    world.primary.mid_merge(world.workstream("ws-3").branch)
    arm(world.repo, canaries)
    for place in (world.repo, *(world.workstream(f"ws-{n}").tree for n in (1, 2, 3))):
        (place / ".gitattributes").write_text(ATTRIBUTES)
    (world.common / "info/attributes").write_text(ATTRIBUTES)


def test_looking_changes_nothing(world: World, tmp_path: Path) -> None:
    _armed(world, tmp_path / "canaries")
    before = traces(world.repo)

    look(world.repo, changed=ALL)

    assert traces(world.repo) == before


def test_looking_runs_nothing_of_the_repositorys(world: World, tmp_path: Path) -> None:
    canaries = tmp_path / "canaries"
    _armed(world, canaries)

    facts = look(world.repo, changed=ALL)

    assert fired(canaries) == []
    assert worktree_of(facts, "agent-1-ws-1").unsaved.any is Truth.YES


def test_the_traps_are_real(world: World, tmp_path: Path) -> None:
    canaries = tmp_path / "canaries"
    _armed(world, canaries)

    git("status", cwd=world.workstream("ws-1").tree)

    assert fired(canaries)


@pytest.mark.parametrize(
    "name", ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY"]
)
def test_the_environment_does_not_lead_us_to_another_repository(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    other = World(tmp_path / "other")
    typical_wreck(other)
    prepare_for_brutal_work(world.repo)
    one = world.workstream("ws-1").worktree().commits({"one.py": "1\n"})
    leave_brutal_work(one.tree)
    expected = look(world.repo, changed=ALL)
    places = {
        "GIT_DIR": other.common,
        "GIT_WORK_TREE": other.repo,
        "GIT_INDEX_FILE": other.common / "index",
        "GIT_COMMON_DIR": other.common,
        "GIT_OBJECT_DIRECTORY": other.common / "objects",
    }

    monkeypatch.setenv(name, str(places[name]))
    found = look(world.repo, changed=ALL)
    monkeypatch.delenv(name)
    other.close()

    assert found == expected


def test_a_broken_worktree_is_not_mistaken_for_the_primary(world: World) -> None:
    one = world.workstream("ws-1").worktree()
    world.primary.edit("only-in-the-primary.py", "1\n")
    one.leaves({"only-here.py": "1\n"})
    (one.tree / ".git").unlink()

    seen = worktree_of(look(one.tree), "agent-1-ws-1")

    assert told(seen.unsaved)["untracked"] == {"only-here.py"}
