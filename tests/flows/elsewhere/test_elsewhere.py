"""Rows of other clones and machines are shown and counted; nothing is judged of them, or written."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.command import unjam, unjam_json
from tests.flows.building import begun, on_trunk
from tests.flows.elsewhere.sharing import AGENT, ALL_OF_A, recover_named, working
from tests.recovering import recover, sentences, undo
from tests.world import Program, World, git
from tests.world.shell import wait_until
from unjam.domain.steps.request import Request
from unjam.domain.world.identity import Scenario, WorkstreamId

HOLDING = f"""
import pathlib, sqlite3
state = sqlite3.connect({{state!r}})
state.execute("SELECT 1 FROM workstream_status").fetchall()
pathlib.Path({{ready!r}}).touch()
{AGENT}
"""


@pytest.mark.slow
@pytest.mark.usefixtures("prefect_server")
@pytest.mark.parametrize("words", [(), ("--yes",)], ids=["without --yes", "with --yes"])
def test_a_recovery_in_another_clone_writes_no_row_of_a_living_agent(
    pair: tuple[World, World], words: tuple[str, ...]
) -> None:
    one, other = pair
    before, treasure = one.state.tables(), one.treasure()

    told = unjam("recover", *words, cwd=other.repo)

    assert (told.returncode, told.stdout.splitlines()[-1]) == (0, "nothing to do"), told.stderr
    assert "3 workstreams are elsewhere (ws-21, ws-22, ws-23)" in told.stdout
    assert one.state.tables() == before
    assert one.lost(treasure) == []
    assert len(one.agents()) == len(ALL_OF_A)


def test_a_check_does_not_call_healthy_what_it_cannot_see(pair: tuple[World, World]) -> None:
    _, other = pair

    told = unjam("check", cwd=other.repo)
    document = unjam_json("check", cwd=other.repo)
    status = unjam_json("status", cwd=other.repo)

    assert told.returncode == 1
    assert "healthy" not in told.stdout
    assert (
        "nothing is wrong on this machine: no workstreams, trunk main; 3 more elsewhere"
        in told.stdout
    )
    assert (document["healthy"], document["findings"], document["unknown"]) == (False, [], [])
    assert {one["id"] for one in document["elsewhere"]} == ALL_OF_A
    assert status["elsewhere"] == len(ALL_OF_A)
    assert "no orchestrator on this machine" in unjam("status", cwd=other.repo).stdout


def test_what_is_here_is_recovered_beside_what_is_elsewhere(pair: tuple[World, World]) -> None:
    one, other = pair
    begun(other, "ws-15", "agent-9")
    treasure = other.treasure()

    document = recover(other.repo)

    assert document["word"] == "recovered"
    assert set(document["elsewhere"]) == ALL_OF_A
    assert on_trunk(other, "src/part_15.py") == "part = 15"
    assert one.state.status("ws-15") == "completed"
    assert {name: one.state.status(name) for name in ALL_OF_A} == dict.fromkeys(ALL_OF_A, "running")
    assert other.lost(treasure) == []


def test_the_clone_that_holds_the_state_does_not_judge_the_other_s_agents_either(
    pair: tuple[World, World], start: Callable[..., Program]
) -> None:
    one, other = pair
    working(other, "ws-31", start, "agent-7")
    before = one.state.value("ws-31", "status"), one.state.value("ws-31", "error_message")

    document = unjam_json("check", cwd=one.repo)
    recover(one.repo)

    (away,) = document["elsewhere"]
    assert away["id"] == "ws-31"
    assert str(other.repo) in away["because"]
    after = one.state.value("ws-31", "status"), one.state.value("ws-31", "error_message")
    assert after == before


def test_who_has_the_state_open_from_another_clone_shows_that_it_is_shared(
    pair: tuple[World, World], start: Callable[..., Program]
) -> None:
    one, other = pair
    one.state.row("ws-32", "running", agent="agent-8")
    ready = other.marker("open")
    holding = HOLDING.format(state=str(one.state.path), ready=str(ready))
    start(sys.executable, "-c", holding, cwd=other.repo)
    wait_until(ready.exists, "the state to be open")

    recover(one.repo)

    assert one.state.status("ws-32") == "running"


def test_a_lone_row_in_a_clone_that_nothing_shares_still_ends_the_crash(calm: World) -> None:
    calm.state.row("ws-40", "running")

    document = recover(calm.repo)

    assert (document["word"], document["elsewhere"]) == ("recovered", [])
    assert calm.state.status("ws-40") == "failed"


def test_an_agent_of_the_same_name_in_a_project_of_its_own_is_no_sign(
    calm: World, new_world: Callable[..., World], start: Callable[..., Program]
) -> None:
    calm.state.row("ws-40", "running")
    working(new_world(remote=False), "ws-40", start)

    recover(calm.repo)

    assert calm.state.status("ws-40") == "failed"


@pytest.mark.parametrize("how", ["link", "symlink", "committed"])
def test_a_state_with_a_sign_of_sharing_is_nobody_s_alone(
    calm: World, tmp_path: Path, how: str
) -> None:
    calm.state.row("ws-40", "running")
    if how == "link":
        os.link(calm.state.path, tmp_path / "second.db")
    elif how == "symlink":
        calm.state.path.parent.rename(tmp_path / "state")
        calm.state.path.parent.symlink_to(tmp_path / "state")
    else:
        git("add", "--force", "--", ".state", cwd=calm.repo)
        git("commit", "--quiet", "-m", "with the state", cwd=calm.repo)

    document = recover(calm.repo)

    assert (document["word"], document["elsewhere"]) == ("nothing to do", ["ws-40"])
    assert calm.state.status("ws-40") == "running"


def test_a_branch_that_was_fetched_to_be_read_is_not_taken_for_work_of_this_clone(
    pair: tuple[World, World],
) -> None:
    one, other = pair
    stream = begun(one, "ws-41", "agent-5")
    git("fetch", "--quiet", "colleague", cwd=other.repo)
    git("checkout", "--quiet", "-b", stream.branch, f"colleague/{stream.branch}", cwd=other.repo)
    git("checkout", "--quiet", "main", cwd=other.repo)
    other.configure(orchestration={"remote": "colleague"})

    document = recover(other.repo)

    assert "ws-41" in document["elsewhere"]
    assert one.state.status("ws-41") == "running"
    assert on_trunk(other, "src/part_41.py") is None


@pytest.mark.parametrize("how", ["push", "no reflog", "a commit's name"])
def test_a_branch_on_which_nothing_was_made_here_is_no_proof(
    pair: tuple[World, World], how: str
) -> None:
    one, other = pair
    stream = begun(one, "ws-41", "agent-5")
    ref = f"refs/heads/{stream.branch}"
    if how == "push":
        git("push", "--quiet", str(other.repo), f"{ref}:{ref}", cwd=one.repo)
    else:
        git("fetch", "--quiet", "colleague", cwd=other.repo)
        logged = f"core.logAllRefUpdates={'false' if how == 'no reflog' else 'true'}"
        git("-c", logged, "branch", "--quiet", stream.branch, stream.tip, cwd=other.repo)

    document = recover(other.repo)

    assert "ws-41" in document["elsewhere"]
    assert one.state.status("ws-41") == "running"
    assert on_trunk(other, "src/part_41.py") is None


def test_an_agent_seen_in_another_clone_outweighs_a_branch_of_it_here(
    pair: tuple[World, World],
) -> None:
    one, other = pair
    git("checkout", "--quiet", "-b", "ws/ws-21/agent-1", cwd=other.repo)
    other.primary.commit("src/app.py", "tried = 1\n")
    git("checkout", "--quiet", "main", cwd=other.repo)

    document = recover(other.repo)

    assert "ws-21" in document["elsewhere"]
    assert one.state.status("ws-21") == "running"


@pytest.mark.parametrize("named", ["this", "another"])
def test_a_row_that_names_its_machine_is_that_machine_s(
    pair: tuple[World, World], named: str
) -> None:
    one, other = pair
    with one.state.open() as database:
        database.execute("ALTER TABLE workstream_status ADD COLUMN hostname TEXT")
    here = os.uname().nodename
    one.state.row(
        "ws-42", "running", hostname=f"{here}.example.org" if named == "this" else "gone-1"
    )

    document = recover(other.repo)

    assert one.state.status("ws-42") == ("failed" if named == "this" else "running")
    assert ("ws-42" in document["elsewhere"]) is (named == "another")


def test_a_log_of_its_agent_is_proof_that_it_worked_here(pair: tuple[World, World]) -> None:
    one, other = pair
    one.state.row("ws-43", "running", agent="agent-4")
    (other.repo / "logs").mkdir()
    (other.repo / "logs" / "agent-4-ws-43.log").write_text("began\n")

    document = recover(other.repo)

    assert document["word"] == "recovered"
    assert one.state.status("ws-43") == "failed"
    assert set(document["elsewhere"]) == ALL_OF_A


def test_a_branch_that_has_vanished_is_known_by_the_reflog(pair: tuple[World, World]) -> None:
    one, other = pair
    one.state.row("ws-44", "running", agent="agent-4")
    git("checkout", "--quiet", "-b", "ws/ws-44/agent-4", cwd=other.repo)
    git("checkout", "--quiet", "main", cwd=other.repo)
    git("branch", "--quiet", "-D", "ws/ws-44/agent-4", cwd=other.repo)

    recover(other.repo)

    assert one.state.status("ws-44") == "failed"


def test_an_attempt_of_before_the_row_s_is_no_proof(pair: tuple[World, World]) -> None:
    one, other = pair
    old = other.workstream("ws-45", "agent-4").worktree()
    old.commits({"src/old.py": "old = 1\n"})
    long_ago = 1_700_000_000
    for path in [
        *old.admin.rglob("*"),
        *other.common.rglob("logs/refs/heads/ws/**/*"),
        *old.tree.rglob("*"),
    ]:
        os.utime(path, (long_ago, long_ago))
    one.state.row("ws-45", "running", agent="agent-4")

    document = recover(other.repo)

    assert "ws-45" in document["elsewhere"]
    assert one.state.status("ws-45") == "running"
    assert on_trunk(other, "src/old.py") is None
    assert old.tree.exists()


def test_no_orchestrator_is_started_while_one_may_be_at_work_elsewhere(
    pair: tuple[World, World],
) -> None:
    _, other = pair
    other.configure(policy={"restart": "auto"})
    other.spec("ws-50")
    other.commit_specs()
    begun(other, "ws-15", "agent-9")

    document = recover(other.repo)

    assert document["word"] == "recovered"
    assert [one["step"] for one in document["plan"]].count("restart") == 0
    assert (
        "no orchestrator is started: one that cannot be seen from here may be at work"
        in document["notes"]
    )


def test_a_living_agent_of_this_clone_is_left_alone_where_others_may_wait_for_it(
    pair: tuple[World, World], start: Callable[..., Program]
) -> None:
    one, other = pair
    working(other, "ws-46", start, "agent-9")

    document = recover(other.repo)

    assert document["word"] == "nothing to do"
    assert len(other.agents()) == 1
    assert one.state.status("ws-46") == "running"


def test_what_a_run_itself_takes_away_still_is_its_own_to_record(pair: tuple[World, World]) -> None:
    one, other = pair
    stream = begun(other, "ws-15", "agent-9")
    stream.commits({"src/app.py": "theirs = 1\n"}).row("conflict")
    other.primary.commit("src/app.py", "ours = 1\n")
    given_up = Request((Scenario("merge_conflict"),), discard=frozenset({WorkstreamId("ws-15")}))

    document = recover_named(other.repo, given_up)

    assert document["word"] == "recovered", document["outcomes"]
    assert one.state.status("ws-15") == "discarded"
    assert not stream.tree.exists()


@pytest.mark.slow
@pytest.mark.usefixtures("prefect_server")
def test_a_person_who_names_it_settles_the_row_of_a_machine_that_is_gone(
    pair: tuple[World, World],
) -> None:
    one, other = pair
    one.state.row("ws-47", "running", agent="agent-6")
    before = one.state.tables()

    document = unjam_json("recover", "--elsewhere", "ws-47", "--yes", cwd=other.repo)

    assert document["word"] == "recovered", document
    assert list(sentences(document, "record")) == ["ws-47"]
    assert one.state.status("ws-47") == "failed"
    message = str(one.state.value("ws-47", "error_message"))
    assert message.endswith(
        f"on {os.uname().nodename} said that its machine is gone for good; will retry"
    )
    others = {name: one.state.status(name) for name in ALL_OF_A}
    assert others == dict.fromkeys(ALL_OF_A, "running")
    undo(other.repo, document["run"])
    assert one.state.tables() == before


@pytest.mark.parametrize(
    ("where", "name", "said"),
    [
        ("one", "ws-21", "ws-21 is not elsewhere: its agent works here (pid"),
        ("one", "ws-48", "ws-48 is not elsewhere"),
        ("other", "ws-49", "ws-49 is completed"),
        ("other", "ws-21", "pid"),
    ],
)
def test_a_row_is_not_settled_against_what_is_seen(
    pair: tuple[World, World], where: str, name: str, said: str
) -> None:
    one, other = pair
    begun(one, "ws-48", "agent-8")
    one.state.row("ws-49", "completed")
    before = one.state.tables()

    told = unjam(
        "recover", "--elsewhere", name, "--yes", cwd=(one if where == "one" else other).repo
    )

    assert (told.returncode, said in told.stderr) == (3, True), told.stdout + told.stderr
    assert one.state.tables() == before


def test_a_row_that_nobody_has_is_wrong_usage(calm: World) -> None:
    told = unjam("recover", "--elsewhere", "ws-99", cwd=calm.repo)

    assert (told.returncode, "unknown workstream: ws-99" in told.stderr) == (2, True)
