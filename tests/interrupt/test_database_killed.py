"""SIGKILL while a damaged state is rebuilt and replaced: it is the old one or the new one, never none."""

import signal
import sys
from collections.abc import Callable
from pathlib import Path

from tests.flows.database.holding import COMMITTED, Start, keeper, with_log
from tests.flows.database.test_database_damage import spoiled, wrong_magic
from tests.interrupt.driver import DRIVER
from tests.interrupt.dying_driver import DYING
from tests.interrupt.killing import start as start_driver
from tests.recovering import recover, undo
from tests.world import World, wait_until

ROWS = 400


def wreck(world: World) -> None:
    """A damaged state, and what was left beside it."""
    world.configure(policy={"restart": "off"})
    world.state.create()
    with world.state.open() as state:
        state.executemany(
            "INSERT INTO workstream_status (workstream_id, status, error_message) VALUES (?, ?, ?)",
            [(f"ws-{number:04}", "pending", "x" * 300) for number in range(ROWS)],
        )
    spoiled(world, wrong_magic)
    Path(f"{world.state.path}-shm").write_bytes(b"what was left of an index")
    Path(f"{world.state.path}-journal").write_bytes(b"what was left of a journal")


def is_new(content: bytes) -> bool:
    return content.startswith(b"SQLite format 3\0") and len(content) > ROWS * 300


def test_killed_before_any_call_that_moves_a_file_it_is_the_old_state_or_the_new(
    new_world: Callable[..., World], tmp_path: Path
) -> None:
    seen = set()
    for number in range(1, 60):
        world = new_world()
        wreck(world)
        old = world.state.path.read_bytes()
        dying = start_driver(world, tmp_path / "dying.out", sys.executable, DYING, ".", str(number))
        if dying.wait() == 0:
            break
        assert dying.process.returncode == -signal.SIGKILL, dying.output.read_text()
        content = world.state.path.read_bytes()
        assert content == old or is_new(content), number
        seen.add(content == old)
        assert start_driver(world, tmp_path / "next.out", sys.executable, DRIVER, ".").wait() == 0
        assert len(world.state.tables()["workstream_status"]) == ROWS, number
        assert not Path(f"{world.state.path}-journal").exists(), number
        assert recover(world.repo)["word"] == "nothing to do"
        world.close()

    assert seen == {True, False}
    assert number > 8  # it was killed before each of them


def test_killed_while_it_is_taken_back_the_next_undo_ends_it(
    new_world: Callable[..., World], tmp_path: Path
) -> None:
    world = new_world()
    wreck(world)
    old = world.state.path.read_bytes()
    document = recover(world.repo)
    program = (
        "import sys; from tests.interrupt.dying_driver import die_before; "
        "from tests.recovering import undo; from pathlib import Path; "
        "die_before(int(sys.argv[2])); undo(Path('.'), sys.argv[1])"
    )
    kills = 0
    for number in (4, 3, 2, 1):
        words = (sys.executable, "-c", program, document["run"], str(number))
        kills += start_driver(world, tmp_path / "undo.out", *words).wait() == -signal.SIGKILL
        content = world.state.path.read_bytes()
        assert content == old or is_new(content), number

    assert kills > 1
    assert undo(world.repo, document["run"])["word"] == "undone"
    assert world.state.path.read_bytes() == old
    assert Path(f"{world.state.path}-journal").read_bytes() == b"what was left of a journal"


def test_killed_between_stopping_a_writer_and_opening_its_state_no_commit_is_lost(
    new_world: Callable[..., World], tmp_path: Path, start: Start
) -> None:
    world = new_world()
    world.configure(policy={"restart": "off"}, hang={"interval": "0.3s"})
    world.state.row("ws-01", "pending", agent=None)
    with_log(world)
    keeper(start, world, "PRAGMA wal_autocheckpoint = 0", COMMITTED, loop="deaf", name="agent.py")
    for side in ("-wal", "-shm"):
        Path(f"{world.state.path}{side}").unlink()
    journals = world.common / "unjam" / "journal"

    dying = start_driver(world, tmp_path / "dying.out", sys.executable, DRIVER, ".")
    wait_until(
        lambda: any("made" in one and "StopProcess" in one for one in lines_of(journals)),
        "the writer to be stopped",
    )
    dying.kill()
    assert recover(world.repo)["word"] == "recovered"

    assert world.state.status("ws-kept") == "pending"


def lines_of(folder: Path) -> list[str]:
    return [line for one in folder.glob("*") for line in one.read_text().splitlines()]
