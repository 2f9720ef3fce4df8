"""What an agent writes into the configuration is shown and refused until a person has trusted it."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.command import unjam, unjam_json
from tests.recovering import recover
from tests.terminal import terminal
from tests.world import World
from tests.world.shell import git
from unjam.domain.world.identity import Scenario

pytestmark = pytest.mark.usefixtures("stranger")


@pytest.fixture
def stranger() -> None:
    """The person has trusted nothing yet."""
    Path(os.environ["XDG_CONFIG_HOME"], "unjam", "config.toml").unlink()


@pytest.fixture
def bare(new_world: Callable[..., World]) -> World:
    """A repository without a configuration in which an agent died, and nothing else is wrong."""
    made = new_world(configured=False)
    made.workstream("ws-1").worktree().row("running")
    return made


def evil(world: World) -> str:
    command = json.dumps(["touch", str(world.marker("ran"))])
    return f'[policy]\nland = "auto"\nrestart = "auto"\n[verify]\ncommand = {command}\n'


def untracked(world: World) -> None:
    (world.repo / "unjam.toml").write_text(evil(world))


def committed(world: World) -> None:
    untracked(world)
    git("add", "unjam.toml", cwd=world.repo)
    git("commit", "--quiet", "-m", "Nothing to see here", cwd=world.repo)


def linked(world: World) -> None:
    inside = world.repo / ".worktrees" / "agent-1-ws-1" / "notes.toml"
    inside.write_text(evil(world))
    (world.repo / "unjam.toml").symlink_to(inside)


def in_pyproject(world: World) -> None:
    text = evil(world).replace("[policy]", "[tool.unjam.policy]")
    (world.repo / "pyproject.toml").write_text(text.replace("[verify]", "[tool.unjam.verify]"))


def changed_since_committed(world: World) -> None:
    (world.repo / "unjam.toml").write_text("[verify]\ncommand = []\n")
    git("add", "unjam.toml", cwd=world.repo)
    git("commit", "--quiet", "-m", "Configure unjam", cwd=world.repo)
    untracked(world)


def committed_on_an_agents_branch(world: World) -> None:
    git("switch", "--quiet", "--create", "ws/ws-9/agent-9", cwd=world.repo)
    committed(world)


UNREVIEWED = [
    untracked,
    linked,
    in_pyproject,
    changed_since_committed,
    committed_on_an_agents_branch,
]


@pytest.mark.parametrize("write", UNREVIEWED)
def test_a_planted_configuration_is_refused_in_a_line_with_what_to_type(
    bare: World, write: Callable[[World], None]
) -> None:
    write(bare)
    before = bare.inventory()

    ended = unjam("recover", "--yes", "--json", cwd=bare.repo)

    (line,) = ended.stderr.splitlines()
    assert ended.returncode == 3
    assert ended.stdout == ""
    assert "so verify.command, policy.land, policy.restart are not in force" in line
    assert line.endswith(f"with: unjam --repo {bare.repo} trust")
    assert bare.inventory() == before
    assert not bare.marker("ran").exists()


@pytest.mark.parametrize("words", [("recover",), ("recover", "--json")])
def test_without_a_yes_what_is_on_the_trunk_is_refused_like_anything_else(
    bare: World, words: tuple[str, ...]
) -> None:
    committed(bare)
    before = bare.inventory()

    ended = unjam(*words, cwd=bare.repo)

    assert ended.returncode == 3
    assert "you have not trusted" in ended.stderr
    assert bare.inventory() == before


@pytest.mark.example("orchestrator_crash")
@pytest.mark.usefixtures("prefect_server")
def test_a_yes_answers_for_what_is_on_the_trunk_and_says_what_it_trusted(bare: World) -> None:
    committed(bare)

    ended = unjam("recover", "--yes", "--json", cwd=bare.repo)

    file = bare.repo / "unjam.toml"
    assert ended.stderr.startswith(
        f'unjam: --yes trusts {file} as it is on the trunk: verify.command = ["touch", '
    )
    assert json.loads(ended.stdout)["word"] == "recovered"
    assert unjam_json("trust", "--show", cwd=bare.repo)["trusted"] == "content"


@pytest.mark.example("orchestrator_crash")
def test_a_dry_run_does_without_what_is_held_and_says_so(bare: World) -> None:
    untracked(bare)
    before = bare.inventory()

    ended = unjam("recover", "--dry-run", cwd=bare.repo)

    assert "you have not trusted" in ended.stderr
    assert "plan " in ended.stdout
    assert bare.inventory() == before
    assert not bare.marker("ran").exists()


def test_a_configuration_in_a_worktree_is_none(bare: World) -> None:
    tree = bare.repo / ".worktrees" / "agent-1-ws-1"
    (tree / "unjam.toml").write_text(evil(bare))

    assert unjam_json("check", cwd=tree)["untrusted"] is None
    assert unjam("trust", cwd=tree).stdout.startswith("nothing to trust: ")


@pytest.mark.parametrize(
    "words",
    [
        ("recover", "--yes"),
        ("recover", "failing_merge", "--dry-run"),
        ("check", "failing_merge"),
        ("postflight",),
        ("escalate",),
        ("reset", "--name", "project", "--yes"),
        ("undo", "20261122T193406Z-3e47", "--yes"),
    ],
)
def test_no_command_acts_or_runs_tests_while_a_setting_is_held(
    bare: World, words: tuple[str, ...]
) -> None:
    untracked(bare)
    before = bare.inventory()

    ended = unjam(*words, cwd=bare.repo)

    assert ended.returncode == 3, ended.stdout + ended.stderr
    assert "you have not trusted" in ended.stderr
    assert bare.inventory() == before
    assert not bare.marker("ran").exists()


@pytest.mark.example("orchestrator_crash")
def test_a_check_needs_no_trust_and_says_what_is_not_in_force(bare: World) -> None:
    without = unjam_json("check", cwd=bare.repo)
    untracked(bare)

    document = unjam_json("check", cwd=bare.repo)
    page = unjam("check", cwd=bare.repo).stdout

    assert without["untrusted"] is None
    assert document["findings"] == without["findings"]
    assert document["untrusted"] == {
        "file": str(bare.repo / "unjam.toml"),
        "settings": ["verify.command", "policy.land", "policy.restart"],
        "because": document["untrusted"]["because"],
        "command": f"unjam --repo {bare.repo} trust",
    }
    assert f"\n{document['untrusted']['because']}\n" in page
    assert str(bare.marker("ran")) not in page  # it may hold a password


def test_what_was_saved_comes_back_whatever_is_held(bare: World) -> None:
    tree = bare.repo / ".worktrees" / "agent-1-ws-1"
    (tree / "draft.txt").write_text("do not lose me\n")
    recover(bare.repo, (Scenario("orchestrator_crash"),))
    untracked(bare)
    names = [one["name"] for one in unjam_json("vault", "list", cwd=bare.repo)["kept"]]
    kept = next(one for one in names if one.startswith("refs/") and "/worktree/" in one)

    ended = unjam("vault", "restore", kept, "--to", bare.root / "back", cwd=bare.repo)

    assert ended.returncode == 0, ended.stderr
    assert (bare.root / "back" / "draft.txt").read_text() == "do not lose me\n"


@pytest.mark.parametrize("words", [("status",), ("progress",), ("postflight", "--no-verify")])
def test_whoever_only_looks_is_told_too(bare: World, words: tuple[str, ...]) -> None:
    untracked(bare)

    ended = unjam(*words, "--json", cwd=bare.repo)

    assert "so verify.command, policy.land, policy.restart are not in force" in ended.stderr
    assert json.loads(ended.stdout)


@pytest.mark.example("orchestrator_crash")
def test_what_was_seen_is_what_is_trusted_and_a_change_is_refused_anew(bare: World) -> None:
    untracked(bare)
    seen = unjam_json("trust", "--show", cwd=bare.repo)
    file = bare.repo / "unjam.toml"
    file.write_text(evil(bare).replace("touch", "rm"))

    late = unjam("trust", "--digest", seen["digest"], cwd=bare.repo)
    file.write_text(evil(bare))
    done = unjam("trust", "--digest", seen["digest"], cwd=bare.repo)
    planned = unjam_json("recover", "--dry-run", cwd=bare.repo)
    file.write_text(evil(bare).replace("touch", "rm"))
    changed = unjam("recover", "--json", cwd=bare.repo)

    assert seen["trusted"] is None
    assert seen["needs_trust"]["policy.land"] == "auto"
    assert seen["needs_trust"]["verify.command"] == ["touch", str(bare.marker("ran"))]
    assert late.returncode == 3
    assert "has changed: its digest is now" in late.stderr
    assert (done.returncode, done.stderr) == (0, "")
    assert planned["word"] == "planned"
    assert changed.returncode == 3


def test_trust_is_taken_back(bare: World) -> None:
    untracked(bare)
    done = unjam_json("trust", "--yes", cwd=bare.repo)

    ended = unjam("trust", "--revoke", cwd=bare.repo)

    assert done["trusted"] == "content"
    assert done["done"].startswith(f"trusted {bare.repo / 'unjam.toml'} as it is now")
    assert ended.stdout == f"forgot {bare.repo / 'unjam.toml'}\n"
    assert "you have not trusted" in unjam("recover", "--json", cwd=bare.repo).stderr


def test_nobody_says_yes_where_nobody_is(bare: World) -> None:
    untracked(bare)

    ended = unjam("trust", cwd=bare.repo, stdin="y\n")

    assert ended.returncode == 3
    assert "nobody is at a terminal to say yes" in ended.stderr
    assert unjam_json("trust", "--show", cwd=bare.repo)["trusted"] is None


def test_a_person_at_a_terminal_is_shown_it_and_asked_even_with_yes(bare: World) -> None:
    untracked(bare)

    with terminal("recover", "--yes", cwd=bare.repo) as screen:
        screen.wait_for("Trust it as it is now? [y/N]")
        screen.type("n")
        status = screen.end()

    assert status == 3
    assert f'verify.command = ["touch", "{bare.marker("ran")}"]' in screen.said
    assert 'policy.land = "auto"' in screen.said
    assert not bare.marker("ran").exists()


def test_what_a_person_agrees_to_at_a_terminal_is_remembered(bare: World) -> None:
    untracked(bare)

    with terminal("postflight", cwd=bare.repo) as screen:
        screen.wait_for("Trust it as it is now? [y/N]")
        screen.type("y")
        screen.end()

    assert bare.marker("ran").exists()
    assert unjam("recover", "--dry-run", cwd=bare.repo).stderr == ""


def test_init_trusts_what_it_wrote_and_nothing_that_is_written_later(bare: World) -> None:
    ended = unjam("init", cwd=bare.repo)
    trusted = unjam_json("trust", "--show", cwd=bare.repo)["trusted"]
    file = bare.repo / "unjam.toml"
    file.write_text(file.read_text().replace('# land = "ask"', 'land = "auto"'))

    later = unjam_json("check", cwd=bare.repo)

    assert ended.returncode == 0, ended.stderr
    assert trusted == "content"
    assert "policy.land" in later["untrusted"]["settings"]


def test_without_a_configuration_there_is_nothing_to_trust(bare: World) -> None:
    ended = unjam("trust", cwd=bare.repo)

    assert ended.returncode == 0
    assert ended.stdout == "nothing to trust: there is no configuration in this repository\n"
