"""A state that cannot be read is not an empty one: in the middle of a recovery, unknown means keep."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from tests.command import unjam
from tests.flows.building import begun, on_trunk, recovered
from tests.postgres import postgres, without_server
from tests.recovering import recover, recover_in, sentences, undo
from tests.world import World, git
from unjam.domain.reports.check_report import Document
from unjam.domain.steps.plan import Record, Step
from unjam.engine.acts.recovery import Recovery
from unjam.engine.orchestration import open_orchestration
from unjam.engine.procedure import Found, Plainly
from unjam.engine.running.scheduled_look import Seen, look_as_scheduled

Hidden = Callable[[World], AbstractContextManager[None]]
NOTHING_LEFT = "its agent ended; neither a worktree nor a commit of its is here"
_LOCK = """
import sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
sys.stdin.read()
"""


@contextmanager
def locked(world: World) -> Iterator[None]:
    """Another process holds it, as an orchestrator does that hangs in a transaction."""
    command = (sys.executable, "-c", _LOCK, str(world.state.path))
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "locked\n"
        yield
        holder.communicate()


@contextmanager
def damaged(world: World) -> Iterator[None]:
    """What was written over it is gone again, as after a restored backup."""
    aside = world.root / "state.aside"
    world.state.path.rename(aside)
    world.state.becomes_text()
    yield
    world.state.path.unlink()
    aside.rename(world.state.path)


@contextmanager
def closed(world: World) -> Iterator[None]:
    """Nobody may open it; for root a directory in its place is what a mode is for others."""
    aside = world.root / "state.aside"
    world.state.path.rename(aside)
    world.state.path.mkdir()
    yield
    world.state.path.rmdir()
    aside.rename(world.state.path)


@contextmanager
def gone(world: World) -> Iterator[None]:
    """It was moved out of the way, and comes back."""
    aside = world.root / "state.aside"
    world.state.path.rename(aside)
    yield
    aside.rename(world.state.path)


def recover_while(world: World, hidden: Hidden) -> Document:
    """Recover; from the first row to write until the last look, the state is hidden."""
    way = Meanwhile(lambda: hidden(world), of=Record)
    document = recover_in(open_orchestration(world.repo), way=way)
    assert way.met
    return document


class Meanwhile(Plainly):
    """From the first step of a kind until the last look, something is otherwise than before."""

    def __init__(self, otherwise: Callable[[], AbstractContextManager[None]], of: type[Step]):
        self.otherwise, self.of, self.met, self.until_looked = otherwise, of, False, ExitStack()

    def carry_out(self, run: Recovery, step: Step) -> None:
        if isinstance(step, self.of) and not self.met:
            self.until_looked.enter_context(self.otherwise())
            self.met = True
        super().carry_out(run, step)

    def assess_again(self, run: Recovery) -> Found:
        with self.until_looked:
            return super().assess_again(run)


class Afterwards(Plainly):
    """While it is looked again, something is otherwise than before."""

    def __init__(self, otherwise: Callable[[], AbstractContextManager[None]]):
        self.otherwise = otherwise

    def assess_again(self, run: Recovery) -> Found:
        with self.otherwise():
            return super().assess_again(run)


def crashed(world: World) -> None:
    """Four workstreams, one of each end; all their rows say running."""
    begun(world, "ws-11").lands_as_merge()
    begun(world, "ws-12", agent="agent-2")
    world.workstream("ws-13", "agent-3").worktree().row("running").leaves({"draft.txt": "mine\n"})
    world.workstream("ws-14", "agent-4").worktree().row("running")


def standing(world: World) -> tuple[str, str]:
    """Every worktree and every agent's branch."""
    trees = git("worktree", "list", "--porcelain", cwd=world.repo)
    names = [one for one in trees.splitlines() if one.startswith("worktree ")]
    return "\n".join(names), git("for-each-ref", "refs/heads/ws", cwd=world.repo)


@pytest.mark.parametrize("hidden", [locked, damaged, closed])
def test_what_rests_on_a_row_keeps_its_place_while_no_row_can_be_read(
    calm: World, hidden: Hidden
) -> None:
    crashed(calm)
    before, rows, treasure = standing(calm), calm.state.tables(), calm.treasure()

    first = recover_while(calm, hidden)

    assert standing(calm) == before
    assert calm.state.tables() == rows
    told = sentences(first, "record")
    assert len(told) == 4
    for sentence in told.values():
        assert sentence.startswith("refused: nothing was done: the state cannot be read now (")
    kept = [
        *sentences(first, "remove worktree").values(),
        *sentences(first, "remove branch").values(),
    ]
    assert len(kept) == 6
    assert all("the state cannot be read now" in one for one in kept)
    assert "facts have changed" not in str(first["outcomes"])
    assert first["word"] == "partly recovered"
    assert calm.lost(treasure) == []

    second = recovered(calm)

    said = sentences(second, "record")
    assert said["ws-11"].startswith("done: running → completed")
    assert "uncommitted work is kept as refs/unjam/" in said["ws-13"]
    assert said["ws-14"].endswith("a file that Git sees; will retry")
    assert on_trunk(calm, "src/part_12.py") == "part = 12"
    assert calm.lost(treasure) == []
    undo(calm.repo, second["run"])
    assert standing(calm) == before
    assert calm.lost(treasure) == []


def test_a_state_that_is_taken_away_in_the_middle_is_said_to_be_gone(calm: World) -> None:
    stream = calm.workstream("ws-14").worktree().row("running")

    first = recover_while(calm, gone)

    (told,) = sentences(first, "record").values()
    assert told.endswith("row of ws-14; there is no state now")
    assert stream.tree.exists()
    assert calm.state.status("ws-14") == "running"


def on_server(world: World, folder: str) -> None:
    """Bring the rows to a server, and name that instead of the file."""
    psycopg = pytest.importorskip("psycopg")
    rows = world.state.tables()["workstream_status"]
    with world.state.open() as database:
        described = database.execute("SELECT * FROM workstream_status").description
    names = [one[0] for one in described]
    with psycopg.connect(f"host={folder} user=unjam dbname=postgres") as server:
        columns = ", ".join(f"{name} text" for name in names)
        server.execute(f"CREATE TABLE workstream_status ({columns}, PRIMARY KEY (workstream_id))")
        marks = ", ".join("%s" for _ in names)
        for row in rows:
            server.execute(f"INSERT INTO workstream_status VALUES ({marks})", row)
    location = f"postgresql+psycopg://unjam@/postgres?host={folder}"
    world.configure(orchestration={"state": location})
    world.state.path.unlink()


def test_a_server_that_goes_away_in_the_middle_takes_nothing_with_it(calm: World) -> None:
    pytest.importorskip("psycopg")
    with postgres() as url, ExitStack() as servers:
        folder = url.partition("host=")[2]
        crashed(calm)
        on_server(calm, folder)
        before, treasure = standing(calm), calm.treasure()

        first = recover_while(calm, lambda _: without_server(Path(folder), servers))

        assert standing(calm) == before
        told = sentences(first, "record")
        assert len(told) == 4
        assert all("the state cannot be read now (" in one for one in told.values())
        assert first["word"] == "partly recovered"
        assert calm.lost(treasure) == []

        second = recovered(calm)

        assert "uncommitted work is kept as refs/unjam/" in sentences(second, "record")["ws-13"]
        assert calm.lost(treasure) == []


def test_what_was_known_is_not_new_after_a_look_that_could_not_see_it(calm: World) -> None:
    calm.workstream("ws-14").row("running")

    def look() -> Seen:
        return look_as_scheduled(open_orchestration(calm.repo), timedelta(minutes=5))

    first = look()
    with locked(calm):
        look()
    again = look()

    assert (len(first.new), len(again.findings), again.new) == (1, 1, ())


def test_nothing_to_do_is_not_said_of_a_state_that_cannot_be_read(calm: World) -> None:
    calm.workstream("ws-14").row("running")

    with locked(calm):
        told = unjam("recover", "merge_conflict", "--dry-run", cwd=calm.repo)

    assert (told.returncode, told.stdout.splitlines()[-1]) == (1, "needs a human")
    assert "anything is to be done cannot be told: the state cannot be read now (" in told.stdout


def test_recovered_is_not_said_of_a_state_that_cannot_be_looked_at_afterwards(
    calm: World,
) -> None:
    calm.workstream("ws-14").row("running")

    document = recover_in(open_orchestration(calm.repo), way=Afterwards(lambda: locked(calm)))

    assert sentences(document, "record")["ws-14"].startswith("done: ")
    assert document["word"] == "partly recovered"
    assert "the state cannot be read now" in document["because"]


def test_work_that_an_earlier_run_saved_was_not_nothing(calm: World) -> None:
    stream = calm.workstream("ws-13").worktree().row("running", age=timedelta(minutes=30))
    stream.leaves({"draft.txt": "mine\n"})
    rows, treasure = dict.fromkeys(calm.state.tables()["workstream_status"]), calm.treasure()
    first = recovered(calm)
    assert not stream.tree.exists()
    with calm.state.open() as database:  # as a restored backup, or a writer that comes late
        (row,) = rows
        database.execute("DELETE FROM workstream_status")
        marks = ", ".join("?" for _ in row)
        database.execute(f"INSERT INTO workstream_status VALUES ({marks})", row)

    document = recover(calm.repo)

    (saved,) = [one for one in first["vault"] if "/worktree/" in one]
    (said,) = sentences(document, "record").values()
    assert "left neither a commit" not in str(document)
    assert NOTHING_LEFT not in str(document)
    assert saved in said
    (found,) = [one for one in document["findings_before"] if one["verdicts"]]
    assert found["verdicts"] == {"ws-13": "dead, its work is in the vault"}
    assert calm.lost(treasure) == []


def test_an_attempt_that_began_after_a_salvage_left_nothing_of_its_own(calm: World) -> None:
    stream = calm.workstream("ws-13").worktree().row("running", age=timedelta(minutes=30))
    stream.leaves({"draft.txt": "mine\n"})
    recovered(calm)
    calm.state.row("ws-13", "running", age=timedelta(minutes=-1))

    document = recover(calm.repo)

    assert NOTHING_LEFT in sentences(document, "record")["ws-13"]


def test_a_salvage_of_what_the_trunk_has_is_no_work_that_was_left(calm: World) -> None:
    calm.workstream("ws-14").worktree().row("running", age=timedelta(minutes=30))
    row = calm.state.tables()["workstream_status"]
    first = recovered(calm)
    assert any("/worktree/" in one for one in first["vault"])
    with calm.state.open() as database:
        database.execute("DELETE FROM workstream_status")
        marks = ", ".join("?" for _ in row[0])
        database.execute(f"INSERT INTO workstream_status VALUES ({marks})", row[0])

    document = recover(calm.repo)

    assert NOTHING_LEFT in sentences(document, "record")["ws-14"]
