"""A person is called after two attempts in vain, once, with everything he needs and no secret."""

import gzip
import hashlib
import json
import re
import shlex
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.command import unjam, unjam_json
from tests.flows.building import WAITING
from tests.recovering import recover
from tests.world import Program, World, git, typical_wreck, wait_until
from unjam.domain.steps.policy import StepClass
from unjam.domain.steps.request import Request
from unjam.domain.world.identity import Scenario
from unjam.engine.acts.carry_out import carry_out
from unjam.engine.acts.recovery import Permission
from unjam.engine.orchestration import open_orchestration
from unjam.engine.running.prepare import look_again, look_and_prepare
from unjam.engine.running.session import Terms, adopt, session
from unjam.engine.telling.escalate import escalate_repeated
from unjam.engine.telling.run_report import conclude

SECRET_ENV = "correct-horse-battery-staple"
SECRET_LOG = "tr0ub4dor-and-3"
SECRET_ROW = "swordfish-in-a-row"
SECRET_FILE = "open-sesame-in-a-file"


@pytest.fixture
def stuck(calm: World) -> World:
    """A merge that a person has edited by hand: every recovery refuses to abort it, and finds it again."""
    stream = calm.workstream("ws-09", "agent-9").worktree().row("conflict")
    stream.commits({"src/app.py": "theirs = 1\n"})
    calm.primary.commit("src/app.py", "ours = 1\n")
    calm.push()
    calm.primary.mid_merge(stream.branch)
    calm.primary.edit("src/app.py", "a person is at it\n")
    return calm


def is_cleared(document: dict[str, Any]) -> bool:
    """Tell that nothing is left but the conflict, which waits for a person all the while."""
    return {one["scenario"] for one in document["findings_after"]} <= WAITING


def bundles(world: World) -> list[Path]:
    folder = world.common / "unjam" / "escalations"
    return sorted(folder.iterdir()) if folder.is_dir() else []


def fingerprints(document: dict[str, Any]) -> set[str]:
    return {one["fingerprint"] for one in document["findings_after"]}


def test_it_happens_by_itself_after_two_failed_attempts_and_never_again(stuck: World) -> None:
    (stuck.repo / "logs").mkdir()
    # The first attempt writes another message over the one that says that this is a secret.
    (stuck.repo / "logs" / "agent-9.log").write_text(f"it sent {SECRET_ROW}, and failed\n")
    stuck.workstream("ws-09", "agent-9").row("conflict", error_message=f"token={SECRET_ROW}")

    first = recover(stuck.repo)
    assert bundles(stuck) == []
    second = recover(stuck.repo)
    later = [recover(stuck.repo) for _ in range(3)]

    assert fingerprints(first) == fingerprints(second) != set()
    (bundle,) = bundles(stuck)
    assert (first["escalated"], second["escalated"]) == (None, str(bundle))
    assert "and failed" in everything_in(bundle)
    assert SECRET_ROW not in everything_in(bundle)
    assert [one["escalated"] for one in later] == [None, None, None]
    assert len(list((stuck.repo / "logs").glob("failure_*.md"))) == 1
    told = unjam_json("check", cwd=stuck.repo)["findings"]
    assert {
        one["parked"]["bundle"] for one in told if one["fingerprint"] in fingerprints(second)
    } == {str(bundle)}


def test_what_a_recovery_cleared_and_fails_again_is_escalated_again(stuck: World) -> None:
    mine = stuck.repo / "src" / "app.py"
    recover(stuck.repo)
    recover(stuck.repo)
    git("merge", "--abort", cwd=stuck.repo)
    stuck.primary.mid_merge("ws/ws-09/agent-9")
    assert is_cleared(recover(stuck.repo))

    stuck.primary.mid_merge("ws/ws-09/agent-9")
    mine.write_text("a person is at it again\n")
    again = [recover(stuck.repo)["escalated"] for _ in range(3)]

    assert [bool(one) for one in again] == [False, True, False]
    assert len(bundles(stuck)) == 2


def test_what_a_person_repaired_and_fails_again_is_escalated_again(stuck: World) -> None:
    recover(stuck.repo)
    recover(stuck.repo)
    git("merge", "--abort", cwd=stuck.repo)
    assert is_cleared(recover(stuck.repo))  # it looked, and it was gone

    stuck.primary.mid_merge("ws/ws-09/agent-9")
    stuck.primary.edit("src/app.py", "a person is at it again\n")
    again = [recover(stuck.repo)["escalated"] for _ in range(3)]

    assert [bool(one) for one in again] == [False, True, False]


def test_a_recovery_nobody_approved_is_no_attempt(world: World) -> None:
    world.configure(policy=dict.fromkeys(map(str, StepClass), "ask"))
    typical_wreck(world)
    for _ in range(3):
        terms = Terms("recover", Request((Scenario("orchestrator_crash"),)))
        with session(open_orchestration(world.repo), terms, Permission()) as run:
            prepared = look_and_prepare(run)
            adopt(run, prepared.plan)
            for step in prepared.plan.steps:
                carry_out(run, step)
            after = look_again(run)
            assert after
            assert escalate_repeated(run, prepared.findings, after) is None
            conclude(run, prepared, after)

    assert bundles(world) == []


def plant(world: World) -> None:
    """A secret of each kind in logs, rows, the environment of an agent, and an unsaved file."""
    logs = world.repo / "logs"
    logs.mkdir(exist_ok=True)
    lines = [f"db password: {SECRET_LOG}", f"it used {SECRET_ENV}", f"bare {SECRET_LOG} again"]
    (logs / "agent-9.log").write_text("began\n" + "\n".join(lines) + "\nended badly\n")
    message = f"login with token={SECRET_ROW} failed; env said {SECRET_ENV}"
    world.workstream("ws-09", "agent-9").row("failed", error_message=message)
    with world.state.open() as database:
        database.execute("CREATE TABLE notes (text TEXT, raw BLOB)")
        database.execute(
            "INSERT INTO notes VALUES (?, ?)", (f"saw {SECRET_ROW}", SECRET_ENV.encode())
        )


def everything_in(bundle: Path) -> str:
    """All that a bundle says, unpacked."""
    said = []
    for path in sorted(bundle.iterdir()):
        if path.name.endswith(".tar.gz"):
            with tarfile.open(path) as tar:
                for member in tar:
                    content = tar.extractfile(member)
                    assert content is not None
                    said.append(f"{member.name}\n{content.read().decode()}")
        elif path.suffix != ".bundle":
            said.append(f"{path.name}\n{path.read_text()}")
    return "\n".join(said)


def test_a_secret_in_logs_rows_and_environment_does_not_appear(
    stuck: World, start: Callable[..., Program]
) -> None:
    plant(stuck)
    tree = stuck.workstream("ws-09", "agent-9").tree
    (tree / "notes.txt").write_text(f"do not lose me: {SECRET_ROW}\n")
    sleeper = "import time; print('up', flush=True); time.sleep(600)"
    agent = start(
        sys.executable,
        "-c",
        sleeper,
        "--api-key",
        SECRET_FILE,
        cwd=tree,
        env={"MY_TOKEN": SECRET_ENV},
    )
    wait_until(lambda: "up" in agent.output.read_text(), "the agent to be up")

    document = unjam_json("escalate", cwd=stuck.repo, env={"DEPLOY_PASSWORD": SECRET_ENV})

    (bundle,) = bundles(stuck)
    assert document["bundle"] == str(bundle)
    said = everything_in(bundle) + Path(document["page"]).read_text() + json.dumps(document)
    for secret in (SECRET_ENV, SECRET_LOG, SECRET_ROW, SECRET_FILE):
        assert secret not in said
        assert secret.encode().hex() not in said.lower()
    assert "began" in said
    assert "ended badly" in said
    assert "failed; env said" in said
    assert f"pid {agent.pid}" in said


def test_a_git_bundle_with_a_secret_in_it_is_not_written_and_one_without_is(stuck: World) -> None:
    recover(stuck.repo)
    plant(stuck)
    stuck.primary.edit("clean.txt", "no secret\n")
    recover(stuck.repo)
    (first,) = bundles(stuck)
    assert (first / "vault.bundle").is_file()
    git("bundle", "verify", "--quiet", str(first / "vault.bundle"), cwd=stuck.repo)

    stuck.primary.edit("leaked.txt", f"{SECRET_LOG}\n")
    recover(stuck.repo)
    unjam_json("escalate", "--again", cwd=stuck.repo)

    second = bundles(stuck)[-1]
    assert second != first
    assert not (second / "vault.bundle").exists()
    assert "may hold a secret" in (second / "report.md").read_text()


def test_the_manifest_names_every_file_by_its_hash(stuck: World) -> None:
    unjam("escalate", cwd=stuck.repo)

    (bundle,) = bundles(stuck)
    manifest = json.loads((bundle / "manifest.json").read_text())
    there = {one.name: one for one in bundle.iterdir() if one.name != "manifest.json"}
    assert manifest["sha256"] == {
        name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in there.items()
    }
    assert {"report.md", "findings.json", "state_dump.sql", "environment.json"} <= there.keys()
    assert gzip.decompress(next(bundle.glob("logs_*.tar.gz")).read_bytes())
    assert {one.stat().st_mode & 0o077 for one in bundle.iterdir()} == {0}


def test_the_commands_it_names_are_those_to_type(stuck: World) -> None:
    recover(stuck.repo)
    recover(stuck.repo)
    (bundle,) = bundles(stuck)
    commands = json.loads((bundle / "findings.json").read_text())["commands"]
    before = stuck.inventory()

    assert len(commands) >= 5
    page = (bundle / "report.md").read_text()
    for one in commands[:-1]:
        assert f"    {one}\n" in page
        words = shlex.split(one)
        assert words[0] == "unjam"
        ended = unjam(*words[1:], cwd=stuck.root)
        assert ended.returncode in {0, 1}, f"{one}: {ended.stderr}"
    assert stuck.inventory() == before


def test_the_issue_command_is_called_once_and_its_failure_hurts_nothing(stuck: World) -> None:
    called = stuck.root / "called"
    script = f"import sys; print(sys.argv[1:], file=open({str(called)!r}, 'a')); sys.exit(3)"
    configure_issue(stuck, script)

    for _ in range(4):
        recover(stuck.repo)

    (line,) = called.read_text().splitlines()
    assert re.search(r"project: .*--body=.*\.md", line)
    again = unjam_json("escalate", "--again", cwd=stuck.repo)
    assert again["called"] == f"nobody was called: {sys.executable} ended with 3"


def configure_issue(world: World, script: str) -> None:
    """Write the setting without a commit: the primary is in the middle of a merge."""
    command = json.dumps([sys.executable, "-c", script, "{title}", "--body={report}"])
    settings = world.repo / "unjam.toml"
    settings.write_text(f"{settings.read_text()}\n[escalation]\nissue_command = {command}\n")


def test_by_hand_it_tells_once_and_again_only_when_asked(stuck: World) -> None:
    first = unjam_json("escalate", cwd=stuck.repo)
    second = unjam_json("escalate", cwd=stuck.repo)
    third = unjam_json("escalate", "--again", cwd=stuck.repo)

    assert first["word"] == third["word"] == "needs a human"
    assert second["word"] == "nothing to do"
    assert second["bundle"] is None
    assert second["earlier"] == [first["bundle"]]
    assert first["called"] == second["called"] == ""  # no command is configured
    assert len(bundles(stuck)) == 2
    assert unjam("escalate", cwd=stuck.repo).returncode == 0


def test_a_healthy_orchestration_calls_nobody(calm: World) -> None:
    ended = unjam("escalate", cwd=calm.repo)

    assert ended.returncode == 0
    assert ended.stdout == "nothing is wrong: nothing to escalate\n"
    assert bundles(calm) == []


def test_a_state_that_cannot_be_read_is_escalated_all_the_same(stuck: World) -> None:
    stuck.state.becomes_text()

    document = unjam_json("escalate", cwd=stuck.repo)

    dump = (Path(document["bundle"]) / "state_dump.sql").read_text()
    assert "not a database" in dump


@pytest.mark.slow
@pytest.mark.usefixtures("prefect_server")
def test_two_flow_runs_in_vain_call_a_person(stuck: World) -> None:
    documents = [unjam_json("recover", "--yes", cwd=stuck.repo) for _ in range(3)]

    assert [bool(one["escalated"]) for one in documents] == [False, True, False]
    assert len(bundles(stuck)) == 1


def test_what_it_answers_has_no_secret_of_a_command_either(
    calm: World, start: Callable[..., Program]
) -> None:
    holding = (
        "import sqlite3, sys, time; state = sqlite3.connect(sys.argv[1], isolation_level=None); "
        "state.execute('BEGIN IMMEDIATE'); print('up', flush=True); time.sleep(600)"
    )
    program = calm.root / "holder.py"
    program.write_text(holding)
    words = (calm.state.path, "--api-key", SECRET_FILE)
    holder = start(sys.executable, program, *words, cwd=calm.repo)
    wait_until(lambda: "up" in holder.output.read_text(), "the lock to be held")

    answered = json.dumps(unjam_json("escalate", "database-lock", cwd=calm.repo))

    assert "is locked by pid" in answered
    assert SECRET_FILE not in answered
