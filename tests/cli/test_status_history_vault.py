"""Looking at progress and at past runs, and getting back what was saved."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.command import unjam, unjam_json
from tests.recovering import recover
from tests.terminal import terminal
from tests.world import World, git, leave_orphan, typical_wreck, wait_until

DRAFT = {"notes.txt": "do not lose me\n", "src/draft.py": "draft = 1\n"}


@pytest.fixture
def recovered(world: World) -> str:
    """A wreck that was recovered; the run's name."""
    world.configure(policy={"restart": "off"})
    typical_wreck(world)
    run: str = recover(world.repo)["run"]
    return run


def saved(world: World, workstream: str = "ws-04") -> str:
    """The vault ref of a workstream's worktree."""
    kept = unjam_json("vault", "list", cwd=world.repo)["kept"]
    (ref,) = [one["name"] for one in kept if one["name"].endswith(workstream) and one["commit"]]
    assert ref.startswith("refs/unjam/")
    return str(ref)


def files(directory: Path) -> dict[str, str]:
    """What a directory holds, without Git's own."""
    found = (path for path in directory.rglob("*") if path.is_file() and path.name != ".git")
    return {str(path.relative_to(directory)): path.read_text() for path in found}


def test_status_counts_and_tells_each_one_s_age_agent_and_sign_of_life(world: World) -> None:
    leave_orphan(world)
    world.state.row("ws-16", "running", agent="agent-2", age=timedelta(hours=3))
    (pid, *_) = world.agents()

    document = unjam_json("status", cwd=world.repo)

    assert document["counts"] == {"running": 2}
    assert document["orchestrator"] is None
    alive, dead = document["workstreams"]
    assert (alive["id"], alive["agent"], alive["status"]) == ("ws-15", "agent-1", "running")
    assert pid in alive["pids"]
    assert datetime.now(UTC) - datetime.fromisoformat(alive["last_sign"]) < timedelta(minutes=1)
    assert (dead["pids"], dead["last_sign"]) == ([], None)
    assert dead["age_seconds"] == pytest.approx(3 * 3600, abs=60)
    assert dead["attempts"] == 1
    page = unjam("status", cwd=world.repo).stdout
    assert page.startswith("2 running; no orchestrator on this machine\n")
    assert re.search(r"^ws-16 +running +agent-2 +3h", page, re.MULTILINE)


def becomes_text(world: World) -> None:
    world.state.becomes_text()


def loses_its_status(world: World) -> None:
    with world.state.open() as database:
        database.execute("ALTER TABLE workstream_status DROP COLUMN status")


@pytest.mark.parametrize(
    ("damage", "because"),
    [
        (becomes_text, "file is not a database"),
        (loses_its_status, "its table workstream_status has no column status"),
    ],
)
def test_status_invents_nothing_where_the_state_cannot_be_read(
    world: World, damage: Callable[[World], None], because: str
) -> None:
    world.workstream("ws-15").worktree().row("running")
    damage(world)

    document = unjam_json("status", cwd=world.repo)
    ended = unjam("status", cwd=world.repo)

    assert [one["status"] for one in document["workstreams"]] == ["unknown"]
    assert document["counts"] == {"unknown": 1}
    assert document["unknown"] == [{"what": "state database", "because": because}]
    said = ended.stdout.splitlines()
    assert said[:2] == [
        "1 unknown; no orchestrator on this machine",
        f"cannot tell state database: {because}",
    ]
    assert re.search(r"^ws-15 +unknown", ended.stdout, re.MULTILINE)


def test_status_invents_nothing_where_the_state_is_locked(world: World) -> None:
    world.workstream("ws-15").worktree().row("running")

    with world.state.locked():
        document = unjam_json("status", cwd=world.repo)

    assert document["counts"] == {"unknown": 1}
    assert len(document["unknown"]) == 1


def test_status_calls_pending_only_what_was_ordered_and_not_begun(world: World) -> None:
    world.state.row("ws-15", "", agent=None)
    world.workstream("ws-16").worktree()
    world.spec("ws-17")

    document = unjam_json("status", cwd=world.repo)

    told = {one["id"]: one["status"] for one in document["workstreams"]}
    assert told == {"ws-15": "unknown", "ws-16": "no row", "ws-17": "pending"}
    assert re.search(r"^ws-15 +unknown: ''", unjam("status", cwd=world.repo).stdout, re.MULTILINE)


def test_a_run_that_was_killed_before_its_plan_says_so(world: World) -> None:
    world.configure(policy={"restart": "off"})
    typical_wreck(world)
    run = recover(world.repo)["run"]
    journal = world.common / "unjam" / "journal" / f"{run}.jsonl"
    journal.write_text(journal.read_text().splitlines(keepends=True)[0])

    first, second, *_ = unjam("show", run, cwd=world.repo).stdout.splitlines()

    assert first == f"{run}  recover  not ended"
    assert second.endswith(", without a plan")


def test_status_names_the_orchestrator_that_lives(world: World) -> None:
    living = world.run_orchestrator("--idle")
    wait_until(lambda: "Waiting" in living.output.read_text(), "the orchestrator to be up")

    assert unjam_json("status", cwd=world.repo)["orchestrator"] == living.pid


def test_watching_follows_changes_and_ends_on_ctrl_c(world: World) -> None:
    world.state.row("ws-15", "running")

    with terminal("status", "--watch", cwd=world.repo) as screen:
        screen.wait_for("1 running")
        world.state.row("ws-15", "completed")
        screen.wait_for("1 completed")
        screen.interrupt()
        status = screen.end()

    assert status == 130
    assert "Traceback" not in screen.said


@pytest.mark.example("orchestrator_crash")
def test_history_and_show_tell_what_a_run_did(world: World, recovered: str) -> None:
    (run,) = unjam_json("history", cwd=world.repo)["runs"]
    assert (run["run"], run["word"]) == (recovered, "recovered")
    assert recovered in unjam("history", cwd=world.repo).stdout

    told = unjam_json("show", recovered, cwd=world.repo)

    assert {one["step"] for one in told["plan"]} >= {"salvage", "land", "record"}
    assert {one["outcome"] for one in told["outcomes"]} <= {"done", "already done"}
    assert f"refs/unjam/{recovered}/worktree/agent-4-ws-04" in told["vault"]
    page = unjam("show", recovered, cwd=world.repo).stdout
    assert page.startswith(f"{recovered}  recover  recovered\n")
    assert "ws/ws-03/agent-3" in page


@pytest.mark.example("orchestrator_crash")
def test_what_was_saved_comes_back_into_a_directory(world: World, recovered: str) -> None:
    target = world.root / "back"

    ended = unjam("vault", "restore", saved(world), "--to", target, cwd=world.repo)

    assert ended.returncode == 0, ended.stderr
    assert files(target).items() >= DRAFT.items()
    again = unjam("vault", "restore", saved(world), "--to", target, cwd=world.repo)
    assert again.returncode == 2
    assert "is not empty" in again.stderr
    assert recovered in saved(world)


@pytest.mark.example("orchestrator_crash")
@pytest.mark.usefixtures("recovered")
def test_what_was_saved_comes_back_as_a_branch(world: World) -> None:
    trunk = world.trunk

    ended = unjam("vault", "restore", saved(world), "--branch", "rescued", cwd=world.repo)

    assert ended.returncode == 0, ended.stderr
    for name, text in DRAFT.items():
        assert git("show", f"rescued:{name}", cwd=world.repo) + "\n" == text
    assert world.trunk == trunk
    again = unjam("vault", "restore", saved(world), "--branch", "rescued", cwd=world.repo)
    assert again.returncode == 2
    assert "exists already" in again.stderr


@pytest.mark.example("orchestrator_crash")
@pytest.mark.usefixtures("recovered")
def test_a_branch_that_could_not_be_named_so_is_refused(world: World) -> None:
    before, ref = world.inventory(), saved(world)

    for name in ("-rf", "a..b", "x.lock", "has space", "@{-1}", "../../etc", ""):
        ended = unjam("vault", "restore", ref, f"--branch={name}", cwd=world.repo)

        assert ended.returncode == 2, ended
        assert len(ended.stderr.splitlines()) == 1
        assert world.inventory() == before


@pytest.mark.example("orchestrator_crash")
def test_what_was_saved_comes_back_in_place_and_what_is_there_is_saved_first(world: World) -> None:
    world.configure(policy={"restart": "off", "clean": "off"})
    typical_wreck(world)
    recover(world.repo)
    tree = world.workstream("ws-04", "agent-4").tree
    (tree / "notes.txt").write_text("written since\n")
    treasure = world.treasure()

    ended = unjam("vault", "restore", saved(world), "--in-place", cwd=world.repo)

    assert ended.returncode == 0, ended.stderr
    assert files(tree).items() >= DRAFT.items()
    assert world.lost(treasure) == []


@pytest.mark.example("orchestrator_crash")
def test_prune_keeps_what_is_young_and_drops_what_is_old_only_when_told(
    world: World, recovered: str
) -> None:
    young = unjam("vault", "prune", "--yes", cwd=world.repo)
    assert young.returncode == 0
    assert saved(world)

    old = {"UNJAM_VAULT__KEEP": "1s"}
    wait_until(lambda: "drop" in pruned(world, old, "--dry-run"), "the run to be a second old")
    assert unjam("vault", "prune", cwd=world.repo, env=old).returncode == 3
    assert saved(world)
    assert unjam("vault", "prune", "--yes", cwd=world.repo, env=old).returncode == 0

    kept = unjam_json("vault", "list", cwd=world.repo)["kept"]
    assert [one for one in kept if one["run"] == recovered] == []
    assert not (world.common / "unjam" / "vault" / recovered).exists()
    assert unjam("check", cwd=world.repo).returncode == 0


def pruned(world: World, env: dict[str, str], *options: str) -> str:
    return unjam("vault", "prune", *options, cwd=world.repo, env=env).stdout


def test_init_writes_what_it_finds_and_never_over_a_file_that_is_there(tmp_path: Path) -> None:
    world = World(tmp_path / "world", configured=False)
    git("branch", "--move", "main", "develop", cwd=world.repo)
    git("push", "--quiet", "origin", "develop", cwd=world.repo)
    git("remote", "set-head", "origin", "develop", cwd=world.repo)

    first = unjam("init", cwd=world.repo / "src")
    written = (world.repo / "unjam.toml").read_text()
    second = unjam("init", cwd=world.repo)

    assert first.returncode == 0, first.stderr
    assert 'trunk = "develop"' in written
    assert second.returncode == 2
    assert "--force replaces it" in second.stderr
    assert unjam("check", cwd=world.repo).returncode == 0
    (world.repo / "unjam.toml").write_text("[policy]\nland = 'off'\n")
    assert unjam("init", "--force", cwd=world.repo).returncode == 0
    assert (world.repo / "unjam.toml").read_text() == written
    assert [one.name for one in (world.repo / "src").iterdir()] == ["app.py"]


@pytest.mark.example("orchestrator_crash")
def test_restoring_something_does_not_settle_what_a_killed_run_still_owes(
    world: World, recovered: str
) -> None:
    journal = world.common / "unjam" / "journal" / f"{recovered}.jsonl"
    lines = journal.read_text().splitlines(keepends=True)
    journal.write_text("".join(line for line in lines if '"event":"ended"' not in line))

    restored = unjam("vault", "restore", saved(world), "--branch", "rescued", cwd=world.repo)

    assert restored.returncode == 0, restored.stderr
    runs = unjam_json("history", cwd=world.repo)["runs"]
    assert [(one["kind"], one["word"]) for one in runs] == [
        ("recover", None),
        ("restore", "recovered"),
    ]
