#!/usr/bin/env python3
"""A small orchestrator with the habits of real ones: rows written late, merges that may not take.

It is a program of the sandbox that `unjam demo` breaks, and no part of unjam.
"""

import asyncio
import json
import logging
import os
import sqlite3
import subprocess  # noqa: TID251 -- a program of its own: unjam's adapters are not its business
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

AGENTS = 4
LINGER = 3  # seconds in which a person might order something new
TABLES = """
CREATE TABLE IF NOT EXISTS workstream_status (
    workstream_id TEXT PRIMARY KEY, status TEXT NOT NULL, agent_id TEXT, track TEXT,
    started_at TEXT, completed_at TEXT, exit_code INTEGER, attempt INTEGER DEFAULT 1,
    error_message TEXT);
CREATE TABLE IF NOT EXISTS execution_log (
    id INTEGER PRIMARY KEY AUTOINCREMENT, timestamp TEXT NOT NULL, workstream_id TEXT NOT NULL,
    agent_id TEXT, event_type TEXT NOT NULL, message TEXT);
"""
STARTED = """
INSERT OR REPLACE INTO workstream_status (workstream_id, status, agent_id, started_at)
VALUES (?, 'running', ?, ?)
"""
EVENT = """
INSERT INTO execution_log (timestamp, workstream_id, agent_id, event_type) VALUES (?, ?, ?, ?)
"""
ENDED = """
UPDATE workstream_status SET status = ?, completed_at = ?, exit_code = ? WHERE workstream_id = ?
"""
NOT_AGAIN = ("completed", "running", "conflict")

log = logging.getLogger("orchestrator")
Spec = dict[str, Any]


class State:
    """What the orchestrator believes."""

    def __init__(self) -> None:
        Path(".state").mkdir(exist_ok=True)
        self._connection = sqlite3.connect(".state/orchestration.db")
        self._connection.executescript(TABLES)

    def started(self, workstream: str, agent: str) -> None:
        """Note that an agent has begun."""
        with self._connection as database:
            database.execute(STARTED, (workstream, agent, _now()))
            database.execute(EVENT, (_now(), workstream, agent, "started"))

    def ended(self, workstream: str, exit_code: int) -> None:
        """Note that an agent has ended: well, if its exit status says so."""
        status = "failed" if exit_code else "completed"
        with self._connection as database:
            database.execute(ENDED, (status, _now(), exit_code, workstream))
            database.execute(EVENT, (_now(), workstream, None, status))

    def statuses(self) -> dict[str, str]:
        """Return the status of every workstream that has a row."""
        rows = self._connection.execute("SELECT workstream_id, status FROM workstream_status")
        return dict(rows.fetchall())


class Orchestrator:
    """Hands out what is ready, a batch at a time, and records a batch when all of it has ended."""

    def __init__(self) -> None:
        paths = sorted(Path("workstreams").glob("ws-*.json"))
        self.specs: dict[str, Spec] = {path.stem: json.loads(path.read_text()) for path in paths}
        self.state = State()
        self.free = [f"agent-{number}" for number in range(1, AGENTS + 1)]
        self.slots = asyncio.Semaphore(AGENTS)

    async def run(self) -> None:
        """Work until nothing is ready."""
        while batch := self.ready():
            log.info("batch: %s", ", ".join(batch))
            ended = await asyncio.gather(*(self.work_on(one) for one in batch))
            for workstream, exit_code in zip(batch, ended, strict=True):
                self.state.ended(workstream, exit_code)
        log.info("nothing is ready")
        await asyncio.sleep(LINGER)

    def ready(self) -> list[str]:
        """Return what has not been done and waits for nothing."""
        statuses = self.state.statuses()
        done = {one for one, status in statuses.items() if status == "completed"}
        open_ones = [one for one in self.specs if statuses.get(one) not in NOT_AGAIN]
        return [one for one in open_ones if done.issuperset(self.specs[one]["depends_on"])]

    async def work_on(self, workstream: str) -> int:
        """Let an agent work in a worktree of its own, then merge; returns the agent's exit status."""
        async with self.slots:
            agent = self.free.pop(0)
            branch, tree = f"ws/{workstream}/{agent}", f".worktrees/{agent}-{workstream}"
            self.state.started(workstream, agent)
            _prepare(branch, tree, workstream)
            exit_code = await _ended(workstream, tree)
            if exit_code == 0 and _merged(branch):
                _git("worktree", "remove", "--force", tree)
            self.free.append(agent)
            return exit_code


async def _ended(workstream: str, tree: str) -> int:
    """Let an agent work in its worktree until it ends."""
    output = os.open(f"logs/{workstream}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    try:
        process = await asyncio.create_subprocess_exec(
            *_agent(workstream), cwd=tree, stdout=output, stderr=output, start_new_session=True
        )
    finally:
        os.close(output)
    return await process.wait()


def _prepare(branch: str, tree: str, workstream: str) -> None:
    """Make the branch from the primary checkout, with what lies about there, and the worktree."""
    _git("checkout", "--quiet", "-b", branch, "main")
    _git("commit", "--quiet", "--all", "--message", f"Before {workstream}")
    _git("checkout", "--quiet", "main")
    _git("worktree", "add", "--quiet", tree, branch)


def _merged(branch: str) -> bool:
    """Merge; when that fails it is only logged."""
    _git("checkout", "--quiet", "main")
    if not _git("pull", "--quiet", "--rebase"):
        return False
    if _git("merge", "--quiet", "--no-ff", "--message", f"Merge {branch}", branch):
        return True
    _git("merge", "--abort")
    return False


def _agent(workstream: str) -> list[str]:
    here = Path(__file__).resolve().parent
    spec = Path("workstreams", f"{workstream}.json").resolve()
    return [sys.executable, str(here / "coding_agent.py"), "--spec", str(spec)]


def _git(*arguments: str) -> bool:
    ended = subprocess.run(
        ("git", *arguments), capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    if ended.returncode:
        log.warning("git %s: %s", arguments[0], " ".join((ended.stdout + ended.stderr).split()))
    return ended.returncode == 0


def _now() -> str:
    return datetime.now().isoformat(timespec="milliseconds")  # noqa: DTZ005, TID251 -- as they do


def main() -> None:
    """Run in the primary checkout."""
    Path("logs").mkdir(exist_ok=True)
    logging.basicConfig(
        filename="logs/orchestrator.log",
        format="%(asctime)s [%(name)s] %(levelname)s: %(message)s",
        level=logging.INFO,
    )
    asyncio.run(Orchestrator().run())


if __name__ == "__main__":
    main()
