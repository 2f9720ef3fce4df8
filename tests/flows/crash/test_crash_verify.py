"""Verifying runs code that agents wrote: it may fail, hang, linger or strike out, and harms nobody."""

import json
import sys
import textwrap
from pathlib import Path

import pytest

from tests.flows.building import on_trunk
from tests.recovering import recover, sentences
from tests.world import Treasure, Workstream, World, git, leave_orphan, processes_below
from unjam.domain.reports.check_report import Document
from unjam.engine.orchestration import open_orchestration
from unjam.engine.running.attempts import attempts

# Runs everything below src, as a test suite imports what it tests.
RUN_ALL = "import glob, runpy; [runpy.run_path(one) for one in sorted(glob.glob('src/*.py'))]"


@pytest.fixture
def verified(calm: World) -> World:
    """A world whose verify command runs what agents commit, two seconds at most."""
    calm.configure(verify={"command": [sys.executable, "-c", RUN_ALL], "timeout": "2s"})
    return calm


def left_behind(world: World, name: str, code: str) -> Workstream:
    """A dead agent's workstream, whose commit has this code."""
    stream = world.workstream(name, f"agent-{name}").worktree().row("running")
    return stream.commits({f"src/{name.replace('-', '_')}.py": textwrap.dedent(code)})


def recovered_all_but(world: World, guilty: Workstream, treasure: Treasure) -> Document:
    """Recover: the good one lands, the guilty one does not and keeps its branch; nothing is lost."""
    tip = guilty.tip
    document = recover(world.repo)
    assert on_trunk(world, "src/ws_1.py") == "good = 1"
    assert world.state.status("ws-1") == "completed"
    assert on_trunk(world, f"src/{guilty.name.replace('-', '_')}.py") is None
    assert world.state.status(guilty.name) == "failed"
    assert guilty.tip == tip
    assert world.lost(treasure) == []
    return document


def test_what_fails_is_told_with_its_last_line_and_the_rest_lands(verified: World) -> None:
    left_behind(verified, "ws-1", "good = 1\n")
    guilty = left_behind(verified, "ws-2", "raise SystemExit('the wheel is square')\n")

    recovered_all_but(verified, guilty, verified.treasure())

    assert "the wheel is square" in str(verified.state.value("ws-2", "error_message"))


def test_what_hangs_is_ended_at_its_timeout_and_only_it_is_blamed(verified: World) -> None:
    left_behind(verified, "ws-1", "good = 1\n")
    guilty = left_behind(verified, "ws-2", "import time\ntime.sleep(600)\n")

    recovered_all_but(verified, guilty, verified.treasure())

    assert "was ended after 2 s" in str(verified.state.value("ws-2", "error_message"))
    assert processes_below(verified.root) == []


def test_what_verifying_leaves_running_is_ended(verified: World) -> None:
    marker = verified.marker("lingers")
    left_behind(
        verified,
        "ws-1",
        f"""\
        import os, signal, time
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                signal.signal(signal.SIGTERM, signal.SIG_IGN)
                os.chdir("/")
                open({str(marker)!r}, "w").write(str(os.getpid()))
                time.sleep(600)
            os._exit(0)
        while not os.path.exists({str(marker)!r}): time.sleep(0.01)
        """,
    )
    treasure = verified.treasure()

    recover(verified.repo)

    assert verified.state.status("ws-1") == "completed"
    assert not Path("/proc", marker.read_text()).exists()
    assert verified.lost(treasure) == []


def test_without_the_verify_command_nothing_lands_and_nobody_is_blamed(calm: World) -> None:
    calm.configure(verify={"command": ["no-such-verifier", "--all"]})
    left_behind(calm, "ws-1", "good = 1\n")
    left_behind(calm, "ws-2", "good = 2\n").row("completed")
    rows, trunk, treasure = calm.state.tables(), calm.trunk, calm.treasure()

    document = recover(calm.repo)

    assert calm.trunk == trunk
    assert calm.state.tables() == rows
    said = sentences(document, "land")
    assert len(said) == 2
    assert all(
        "the verify command `no-such-verifier --all` cannot be run" in one for one in said.values()
    )
    assert document["word"] in ("needs a human", "partly recovered")
    assert calm.lost(treasure) == []


def test_nothing_is_stopped_for_a_landing_whose_tests_cannot_start(world: World) -> None:
    world.configure(verify={"command": [sys.executable, "-m", "no_such_runner"]})
    leave_orphan(world)
    agents, row = world.agents(), world.state.status("ws-15")
    assert agents

    document = recover(world.repo)

    assert world.agents() == agents
    assert world.state.status("ws-15") == row
    said = {**sentences(document, "stop"), **sentences(document, "land")}
    assert said
    assert all("has no module no_such_runner" in one for one in said.values())
    assert any("nothing is stopped" in one for one in document["notes"])
    assert not any(one.runs for one in attempts(open_orchestration(world.repo)).values())


def test_tests_that_need_what_git_does_not_have_are_no_failure_and_it_is_named(
    calm: World,
) -> None:
    needs = [sys.executable, "-c", "open('local.env')"]
    calm.configure(verify={"command": needs})
    (calm.common / "info" / "exclude").write_text("local.env\n")
    (calm.repo / "local.env").write_text("1\n")
    left_behind(calm, "ws-1", "good = 1\n").row("completed")
    rows, trunk = calm.state.tables(), calm.trunk

    document = recover(calm.repo)

    assert (calm.trunk, calm.state.tables()) == (trunk, rows)
    (landing,) = sentences(document, "land").values()
    assert landing.startswith(
        "refused: the tests could not be tried: a fresh checkout lacks local.env"
    )
    assert 'set verify.carry = ["local.env"]' in landing
    assert not [one for one in document["findings_after"] if one["scenario"] == "failing_merge"]
    assert not any(one.runs for one in attempts(open_orchestration(calm.repo)).values())

    calm.configure(verify={"command": needs, "carry": ["local.env"]})
    assert recover(calm.repo)["word"] == "recovered"


def test_what_a_setup_makes_is_there_when_the_tests_run_and_its_failure_is_told(
    calm: World,
) -> None:
    needs = [sys.executable, "-c", "open('made')"]
    calm.configure(verify={"command": needs, "setup": ["sh", "-c", "echo no network; exit 3"]})
    left_behind(calm, "ws-1", "good = 1\n").row("completed")

    (landing,) = sentences(recover(calm.repo), "land").values()
    assert "could not be tried: verify.setup did not work" in landing
    assert "no network" in landing

    calm.configure(verify={"command": needs, "setup": ["touch", "made"]})
    assert recover(calm.repo)["word"] == "recovered"


def test_a_branch_that_takes_away_what_runs_the_tests_is_blamed_alone(calm: World) -> None:
    calm.primary.commit("check", "#!/bin/sh\n")
    (calm.repo / "check").chmod(0o755)
    git("commit", "--quiet", "-am", "let it run", cwd=calm.repo)
    calm.push()
    calm.configure(verify={"command": ["./check"]})
    left_behind(calm, "ws-1", "good = 1\n")
    guilty = left_behind(calm, "ws-2", "good = 2\n")
    git("rm", "--quiet", "check", cwd=guilty.tree)
    git("commit", "--quiet", "-m", "tidy", cwd=guilty.tree)

    recovered_all_but(calm, guilty, calm.treasure())


def test_when_the_trunk_itself_fails_nobody_is_blamed(verified: World) -> None:
    verified.primary.commit("src/app.py", "raise SystemExit('broken before')\n")
    left_behind(verified, "ws-1", "good = 1\n")
    left_behind(verified, "ws-2", "good = 2\n")
    rows, trunk, treasure = verified.state.tables(), verified.trunk, verified.treasure()

    document = recover(verified.repo)

    assert verified.trunk == trunk
    assert verified.state.tables() == rows
    said = sentences(document, "land")
    assert all("the trunk itself does not pass" in one for one in said.values())
    assert all("broken before" in one for one in said.values())
    assert verified.lost(treasure) == []


def test_why_nothing_landed_is_told_whole_wherever_it_is_told(calm: World) -> None:
    calm.configure(
        verify={"command": ["sh", "-c", "trap '' HUP; echo broken before; test -e .env"]}
    )
    left_behind(calm, "ws-1", "good = 1\n")
    with (calm.repo / ".git/info/exclude").open("a") as excluded:
        excluded.write(".env\n")
    (calm.repo / ".env").write_text("DATABASE=x\n")

    document = recover(calm.repo)

    (landing,) = sentences(document, "land").values()
    why = landing.removeprefix("refused: ")
    assert why.startswith("the trunk itself does not pass: `sh -c")
    assert "broken before" in why
    assert "a fresh checkout, which has neither what Git ignores nor submodules, here .env" in why
    assert list(sentences(document, "record").values()) == [
        f"refused: the row stays as it is: {why}"
    ]
    assert list(sentences(document, "remove worktree").values()) == [
        f"refused: it keeps its place, since record ws-1 was not done: the row stays as it is: {why}"
    ]


def test_verifying_sees_no_credentials_and_nothing_that_steers_git(
    verified: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = verified.marker("environment.json")
    monkeypatch.setenv("FOO_TOKEN", "hunter2")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hunter2")
    monkeypatch.setenv("PYTHON_PASSWORD", "hunter2")
    monkeypatch.setenv("SSH_AUTH_SOCK", "/run/hunter2")
    monkeypatch.setenv("LC_HARMLESS", "yes")
    left_behind(
        verified,
        "ws-1",
        f"import json, os; json.dump(dict(os.environ), open({str(seen)!r}, 'w'))\n",
    )

    recover(verified.repo)

    environment = json.loads(seen.read_text())
    assert verified.state.status("ws-1") == "completed"
    assert "hunter2" not in seen.read_text()
    assert environment["LC_HARMLESS"] == "yes"
    steering = {one for one in environment if one.startswith("GIT_")}
    assert steering <= {"GIT_CEILING_DIRECTORIES"}


STRIKES = {
    "resets": "git('reset', '--hard', 'HEAD~1')",
    "deletes branches": "git('branch', '-D', 'main'); git('update-ref', '-d', 'refs/heads/main')",
    "cleans": "git('clean', '-ffdx'); git('gc', '--prune=now'); git('worktree', 'prune')",
    "removes its repository and strikes again": (
        "import shutil; shutil.rmtree('.git'); git('reset', '--hard', 'HEAD~1'); "
        "git('checkout', '-f', '--orphan', 'owned'); git('rm', '-rf', '.')"
    ),
    "plants hooks and settings": (
        "git('config', 'core.hooksPath', '/tmp'); git('config', 'core.bare', 'true'); "
        "git('stash'); git('commit', '-am', 'owned'); git('push', '--force', 'origin', 'HEAD:main')"
    ),
    "writes over its checkout": (
        "import pathlib; [one.write_text('owned') for one in pathlib.Path('src').glob('*')]"
    ),
}


@pytest.mark.parametrize("strike", STRIKES)
def test_whatever_verified_code_does_with_git_where_it_is_misses_the_repository(
    verified: World, strike: str
) -> None:
    helper = "import subprocess\ndef git(*words): subprocess.run(['git', *words])\n"
    stream = left_behind(verified, "ws-1", f"{helper}{STRIKES[strike]}\n")
    verified.primary.edit("notes.txt", "a person's\n")
    branches = git("for-each-ref", "refs/heads/ws", cwd=verified.repo)
    config = (verified.common / "config").read_bytes()
    trunk, treasure = verified.trunk, verified.treasure()

    document = recover(verified.repo)

    assert git("for-each-ref", "refs/heads/ws", cwd=verified.repo) == branches
    assert (verified.common / "config").read_bytes() == config
    assert git("rev-parse", "main^1", cwd=verified.repo) == trunk
    assert git("rev-parse", "main^2", cwd=verified.repo) == stream.tip
    assert (verified.repo / "notes.txt").read_text() == "a person's\n"
    assert git("status", "--porcelain", cwd=verified.repo) == "?? notes.txt"
    assert verified.origin is not None
    assert verified.origin.tip == verified.trunk
    assert document["word"] == "recovered", document
    assert verified.lost(treasure) == []


@pytest.mark.parametrize(
    "blow",
    ["os.killpg(0, 9)", "os.killpg(os.getpgid(os.getppid()), 9)", "os.kill(os.getppid(), 9)"],
)
def test_code_that_kills_what_runs_it_is_blamed_and_leaves_nothing_running(
    verified: World, blow: str
) -> None:
    left_behind(verified, "ws-1", "good = 1\n")
    code = f"import os, time\nif os.fork():\n    {blow}\ntime.sleep(600)\n"
    guilty = left_behind(verified, "ws-2", code)

    recovered_all_but(verified, guilty, verified.treasure())

    assert processes_below(verified.root) == []
