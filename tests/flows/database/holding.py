"""Real processes that keep the state's database, in every way they do in life."""

import hashlib
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tests.world import Program, World, wait_until
from unjam.domain.world.identity import Scenario

ONLY = (Scenario("database_lock"),)
COMMITTED = "INSERT INTO workstream_status (workstream_id, status) VALUES ('ws-kept', 'pending')"
ORCHESTRATOR = "multi_agent_orchestrator.py"
_HOLDS = """
import signal, sqlite3, sys, threading, time
path, loop, *statements = sys.argv[1:]
state = sqlite3.connect(path, isolation_level=None)
for statement in statements:
    state.execute(statement).fetchone()
if loop == "deaf":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("held", flush=True)
if loop == "hangs":  # it waits for a lock that only it could release
    mine = threading.Lock()
    mine.acquire()
    mine.acquire()
while True:
    if loop == "computes":
        sum(range(10_000))
    elif loop == "writes":
        state.execute("INSERT INTO execution_log (timestamp, workstream_id, event_type, message) "
                      "VALUES ('', 'ws-1', 'log', hex(randomblob(20000)))")
    elif loop == "trickles":
        state.execute("INSERT INTO execution_log (timestamp, workstream_id, event_type) VALUES ('', 'ws-1', 'log')")
        time.sleep(0.01)
    else:
        time.sleep(60)
"""

Start = Callable[..., Program]


def keeper(
    start: Start, world: World, *statements: str, loop: str = "idle", name: str = ORCHESTRATOR
) -> Program:
    """A process that ran these statements and keeps its connection; an orchestrator by its name."""
    script = world.root / name
    script.write_text(_HOLDS)
    program = start(sys.executable, script, world.state.path, loop, *statements, cwd=world.repo)
    wait_until(lambda: "held" in program.output.read_text(), f"{name} to hold it")
    return program


PATIENCE = 1.0  # seconds; an hour in life


def impatient(world: World) -> World:
    """Let a second of silence count as an hour does."""
    world.configure(hang={"after": f"{PATIENCE}s"})
    return world


def outlasted(program: Program) -> Program:
    """Let the patience pass: its age, and that of its lock, is what is looked at."""
    time.sleep(PATIENCE)  # nothing makes that go faster
    return program


def stopped(program: Program) -> Program:
    """Stop it as Ctrl-Z would."""
    os.kill(program.pid, signal.SIGSTOP)
    stat = Path(f"/proc/{program.pid}/stat")
    wait_until(lambda: stat.read_text().rpartition(")")[2].split()[0] == "T", "it to be stopped")
    return program


def files_of(world: World) -> dict[str, str]:
    """Every file of the state by its bytes; the index of a log, which readers write, is not among them."""
    return {
        one.name: hashlib.sha256(one.read_bytes()).hexdigest()
        for one in sorted(world.state.path.parent.iterdir())
        if not one.name.endswith("-shm")
    }


def with_log(world: World) -> World:
    """Let its state work with a write-ahead log."""
    with world.state.open() as state:
        state.execute("PRAGMA journal_mode = WAL")
    return world


def steps(document: Mapping[str, Sequence[dict[str, str]]]) -> dict[str, str]:
    """What came of each kind of step."""
    return {one["step"]: one["outcome"] for one in document["outcomes"]}
