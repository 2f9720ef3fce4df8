"""What is purged is gone from every moment, pack, file and journal, and a purge says what it could not prove."""

from pathlib import Path
from random import Random

import pytest

from tests.command import command, unjam, unjam_json
from tests.interrupt.killing import seeds, start
from tests.recovering import recover
from tests.security.copies import SECRETS, objects_in, plant
from tests.world import World, git_status, wait_until


@pytest.fixture
def saved(world: World) -> World:
    """A world with a worktree full of secrets that was saved and moved into the vault."""
    world.configure(policy={"restart": "off", "push": "off"})
    world.state.create()
    stream = world.workstream("ws-15").worktree().row("running")
    plant(stream.tree)
    recover(world.repo)
    return world


def everything_in(world: World) -> bytes:
    """All bytes that unjam keeps, of objects and of files."""
    home = world.common / "unjam"
    plain = [one for one in home.rglob("*") if one.is_file() and not one.is_symlink()]
    return objects_in(world.vault) + b"".join(one.read_bytes() for one in plain)


def held(world: World) -> set[bytes]:
    found = everything_in(world) + objects_in(world.repo)
    return {one for one in SECRETS if one in found}


def salvage(world: World) -> str:
    kept = unjam_json("vault", "list", cwd=world.repo)["kept"]
    (ref,) = [one["name"] for one in kept if "/worktree/" in one["name"] and one["commit"]]
    return str(ref)


def test_a_path_is_erased_from_everything_and_all_else_comes_back(
    saved: World, tmp_path: Path
) -> None:
    assert held(saved) == set(SECRETS)

    ended = unjam("vault", "purge", "--path", ".env", "--yes", cwd=saved.repo)

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "not proven" not in ended.stdout
    assert held(saved) == set(SECRETS[1:])
    target = tmp_path / "out"
    restored = unjam("vault", "restore", salvage(saved), "--to", target, cwd=saved.repo)
    assert restored.returncode == 0, restored.stderr
    assert not (target / ".env").exists()
    assert (target / "notes.txt").read_bytes() == SECRETS[1]
    assert git_status("fsck", "--full", cwd=saved.vault) == 0
    again = unjam("vault", "purge", "--path", ".env", "--yes", cwd=saved.repo)
    assert (again.returncode, "does not hold .env" in again.stdout) == (0, True)


def test_it_says_where_else_the_same_bytes_are(saved: World) -> None:
    ended = unjam("vault", "purge", "--path", "staged.txt", "--yes", cwd=saved.repo)

    assert ended.returncode == 0, ended.stdout
    assert SECRETS[2] not in everything_in(saved)


def test_a_run_is_erased_whole_and_can_no_longer_be_taken_back(saved: World) -> None:
    run = salvage(saved).split("/")[2]

    ended = unjam("vault", "purge", "--run", run, "--yes", cwd=saved.repo)

    assert not {one for one in SECRETS if one in everything_in(saved)}
    assert f"erased  refs/unjam/{run}/worktree/" in ended.stdout
    assert not (saved.common / "unjam/vault" / run).exists()
    undone = unjam("undo", run, "--yes", cwd=saved.repo)
    assert undone.returncode == 3
    assert "purged from the vault" in undone.stderr


def test_it_asks_for_the_name_and_without_it_nothing_goes(saved: World) -> None:
    words = ["vault", "purge", "--path", ".env"]
    before = everything_in(saved)

    looked = unjam(*words, "--dry-run", cwd=saved.repo)
    refused = unjam(*words, cwd=saved.repo)

    assert (looked.returncode, refused.returncode) == (0, 3)
    assert "nothing was changed" in refused.stderr
    assert everything_in(saved) == before


def test_a_link_on_the_way_leads_no_purge_out_of_the_vault(world: World) -> None:
    world.configure(policy={"restart": "off", "push": "off"})
    world.state.create()
    outside = world.root / "outside"
    outside.mkdir()
    (outside / "mine.txt").write_text("a person's own\n")
    stream = world.workstream("ws-15").worktree().row("running")
    (stream.tree / "link").symlink_to(outside)
    recover(world.repo)

    unjam("vault", "purge", "--path", "link/mine.txt", "--yes", cwd=world.repo)

    assert (outside / "mine.txt").read_text() == "a person's own\n"


@pytest.mark.parametrize("seed", seeds(1, of=4))
def test_killed_while_it_erases_it_reaches_the_same_end(
    saved: World, tmp_path: Path, seed: int
) -> None:
    dice = Random(seed)
    words = ["vault", "purge", "--path", ".env", "--yes"]
    output = tmp_path / "said"
    for _ in range(3):
        program = start(saved, output, *command(*words))
        folder = saved.common / "unjam/journal"
        lines = dice.randint(2, 6)
        began = max(folder.glob("*.jsonl"))
        wait_until(
            lambda: not program.alive or _lines(max(folder.glob("*.jsonl")), began) >= lines,  # noqa: B023 -- used at once
            "some progress",
        )
        program.kill()

    ended = unjam(*words, cwd=saved.repo)

    assert ended.returncode == 0, ended.stdout
    assert held(saved) == set(SECRETS[1:])
    target = tmp_path / "out"
    assert unjam("vault", "restore", salvage(saved), "--to", target, cwd=saved.repo).returncode == 0
    assert (target / "notes.txt").read_bytes() == SECRETS[1]


def _lines(newest: Path, began: Path) -> int:
    return 0 if newest == began else newest.read_bytes().count(b"\n")
