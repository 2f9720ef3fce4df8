#!/usr/bin/env python3
"""An orchestrator with the public reference one's behaviour, faults included; no part of unjam.

It trusts its rows, records results only when a whole batch has ended, takes any exit status 0 for
"completed" whatever became of the merge, pulls with a rebase before it merges, removes worktrees by
force and never gives up on a failing agent. Only its pauses are shorter. Standard library only.

With ``--demo`` it has the habits of others: it commits what lies about before it makes a branch,
hands out more than it has agents for, lets agents outlive it, keeps the worktree of what did not
land, and ends where nothing is ready. `unjam demo` breaks that one, the tests the other.
"""

import argparse
import asyncio
import json
import logging
import os
import shlex
import sqlite3
import subprocess  # noqa: TID251 -- a program of its own: unjam's adapters are not its business
import sys
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

AGENT = Path(__file__).resolve().parent / "coding_agent.py"
LINGER = 3  # seconds in which a person might order something new
STARTED_ROW = """
INSERT OR REPLACE INTO workstream_status (workstream_id, status, agent_id, track, started_at)
VALUES (?, 'running', ?, ?, ?)
"""
STARTED_EVENT = """
INSERT INTO execution_log (timestamp, workstream_id, agent_id, event_type)
VALUES (?, ?, ?, 'started')
"""
ENDED_ROW = """
UPDATE workstream_status SET status = ?, completed_at = ?, exit_code = ?, error_message = ?
WHERE workstream_id = ?
"""
ENDED_EVENT = """
INSERT INTO execution_log (timestamp, workstream_id, event_type, message) VALUES (?, ?, ?, ?)
"""
STATUS_TABLE = """
CREATE TABLE IF NOT EXISTS workstream_status (
    workstream_id TEXT PRIMARY KEY, status TEXT NOT NULL, agent_id TEXT, track TEXT,
    started_at TEXT, completed_at TEXT, exit_code INTEGER, attempt INTEGER DEFAULT 1,
    error_message TEXT)
"""
LOG_TABLE = """
CREATE TABLE IF NOT EXISTS execution_log (
    id INTEGER PRIMARY KEY AUTOINCREMENT, timestamp TEXT NOT NULL, workstream_id TEXT NOT NULL,
    agent_id TEXT, event_type TEXT NOT NULL, message TEXT)
"""

logger = logging.getLogger("orchestrator")
Spec = dict[str, Any]


class State:
    """What the orchestrator believes: naive local times, rows replaced at every start."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._run((STATUS_TABLE, ()), (LOG_TABLE, ()))

    def mark_started(self, workstream: str, agent: str, track: str) -> None:
        """Note that an agent has begun."""
        now = _local_now()
        self._run(
            (STARTED_ROW, (workstream, agent, track, now)),
            (STARTED_EVENT, (now, workstream, agent)),
        )

    def mark_ended(self, workstream: str, exit_code: int, error: str) -> None:
        """Note that an agent has ended: well, if its exit status says so."""
        status = "completed" if exit_code == 0 else "failed"
        now = _local_now()
        self._run(
            (ENDED_ROW, (status, now, exit_code, error, workstream)),
            (ENDED_EVENT, (now, workstream, status, error)),
        )

    def with_status(self, status: str) -> set[str]:
        """Return the workstreams of which the rows say this."""
        connection = sqlite3.connect(self.path)
        found = connection.execute(
            "SELECT workstream_id FROM workstream_status WHERE status = ?", (status,)
        ).fetchall()
        connection.close()
        return {row[0] for row in found}

    def _run(self, *statements: tuple[str, tuple[object, ...]]) -> None:
        connection = sqlite3.connect(self.path)
        for text, values in statements:
            connection.execute(text, values)
        connection.commit()
        connection.close()


class Worktrees:
    """Makes, merges and removes the agents' worktrees, from the primary checkout."""

    def __init__(self, *, demo: bool) -> None:
        self.demo = demo

    def create(self, agent: str, workstream: str) -> Path:
        """Make the branch from the primary checkout, and the worktree."""
        path = Path(".worktrees") / f"{agent}-{workstream}"
        branch = f"ws/{workstream}/{agent}"
        if _git("rev-parse", "--verify", branch).returncode != 0:
            _git("checkout", "-b", branch, "main", check=True)
            if self.demo:
                _git("commit", "--all", "--message", f"Before {workstream}")
            _git("checkout", "main", check=True)
        _git("worktree", "add", str(path), branch, check=True)
        return path

    def merge(self, branch: str) -> bool:
        """Merge; when that fails it is only logged."""
        try:
            _git("checkout", "main", check=True)
            _git("pull", "--rebase", check=True)
            merged = _git("merge", "--no-ff", "-m", f"Merge {branch}", branch)
        except subprocess.CalledProcessError as error:
            logger.warning("Merge failed: %s", error)
            return False
        if merged.returncode != 0:
            logger.error("Merge conflict: %s", merged.stderr.strip())
            _git("merge", "--abort")
            return False
        _git("branch", "-d", branch)  # always refused: the worktree still has it checked out
        logger.info("Merged %s -> main", branch)
        return True

    def remove(self, agent: str, workstream: str, *, landed: bool) -> None:
        """Remove the worktree, whatever it holds."""
        if self.demo and not landed:
            return
        path = Path(".worktrees") / f"{agent}-{workstream}"
        if path.exists():
            _git("worktree", "remove", str(path), "--force")


@dataclass
class Agent:
    """One slot for an agent; sticks to no track."""

    name: str
    busy: bool = False


class Orchestrator:
    """Hands out whatever is ready, a batch at a time."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.specs = _load(Path("workstreams"))
        self.state = State(Path(".state/orchestration.db"))
        self.agents = [Agent(f"agent-{number}") for number in range(1, options.agents + 1)]
        self.worktrees = Worktrees(demo=options.demo)
        self.options = options

    async def run(self) -> None:
        """Work until everything is completed, which may be never."""
        nodes = [*self.specs]
        for spec in self.specs.values():  # a dependency nobody specified becomes a node of its own
            nodes += [one for one in spec.get("depends_on", []) if one not in nodes]
        while not self._over(len(nodes)):
            batch = [] if self.options.idle else self._batch(nodes)
            if batch:
                self._record(await asyncio.gather(*batch))
            elif self.options.demo:
                await asyncio.sleep(LINGER)
                return
            else:
                logger.info("Waiting for running workstreams to complete...")
                await asyncio.sleep(self.options.pause)
        self._report(len(nodes))

    def _over(self, total: int) -> bool:
        completed = self.state.with_status("completed")
        running = self.state.with_status("running")
        logger.info("Completed: %d/%d, Running: %d", len(completed), total, len(running))
        return len(completed) >= total and not (self.options.idle or self.options.demo)

    def _batch(self, nodes: list[str]) -> list[Any]:
        begun = self.state.with_status("completed") | self.state.with_status("running")
        if self.options.demo:
            begun |= self.state.with_status("conflict")
        ready = [one for one in nodes if one not in begun and self._free(one)]
        batch = {one: work for one in ready if (work := self._assign(one)) is not None}
        if self.options.demo:
            later = [one for one in ready if one in self.specs and one not in batch]
            return [*batch.values(), *map(self._when_an_agent_is_free, later)]
        return [*batch.values()]

    async def _when_an_agent_is_free(self, workstream: str) -> dict[str, Any]:
        while (work := self._assign(workstream)) is None:  # noqa: ASYNC110 -- as real ones do
            await asyncio.sleep(self.options.pause)
        ended: dict[str, Any] = await work
        return ended

    def _free(self, workstream: str) -> bool:
        completed = self.state.with_status("completed")
        return all(one in completed for one in self.specs.get(workstream, {}).get("depends_on", []))

    def _assign(self, workstream: str) -> Any:
        agent = next((one for one in self.agents if not one.busy), None)
        if agent is None or workstream not in self.specs:
            return None
        agent.busy = True
        self.state.mark_started(workstream, agent.name, self.specs[workstream].get("track", "core"))
        return self._execute(agent, workstream)

    async def _execute(self, agent: Agent, workstream: str) -> dict[str, Any]:
        ended: dict[str, Any] = {"workstream": workstream, "agent": agent, "success": False}
        try:
            path = self.worktrees.create(agent.name, workstream)
            process = await self._started(workstream, path)
            logger.info("Started %s on %s in %s", workstream, agent.name, path)
            _, stderr = await process.communicate()
            ended |= {"exit_code": process.returncode, "stderr": (stderr or b"").decode()[:1000]}
            ended["success"] = process.returncode == 0
            if ended["success"]:
                ended["success"] = self.worktrees.merge(f"ws/{workstream}/{agent.name}")
        except subprocess.CalledProcessError as error:
            logger.warning("Worktree execution failed for %s: %s", workstream, error)
            ended["exit_code"] = 1
        self.worktrees.remove(agent.name, workstream, landed=ended["success"])
        if self.options.demo:  # at once, and they take turns
            agent.busy = False
            self.agents.append(self.agents.pop(self.agents.index(agent)))
        return ended

    async def _started(self, workstream: str, path: Path) -> asyncio.subprocess.Process:
        command = _agent_command(self.options.agent, workstream, self.specs[workstream])
        start, pipe = asyncio.create_subprocess_shell, subprocess.PIPE
        if not self.options.demo:
            # The shell stays as the agent's parent.
            return await start(f"{command} && true", stdout=pipe, stderr=pipe, cwd=path)
        out = os.open(f"logs/{workstream}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        try:
            return await start(
                f"exec {command}", stdout=out, stderr=out, cwd=path, start_new_session=True
            )
        finally:
            os.close(out)

    def _record(self, results: list[dict[str, Any]]) -> None:
        for ended in results:
            error = "" if ended["success"] else ended["stderr"]
            self.state.mark_ended(ended["workstream"], ended["exit_code"], error)
            ended["agent"].busy = False

    def _report(self, total: int) -> None:
        completed = self.state.with_status("completed")
        path = Path("reports/multi_agent_execution_report.md")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            f"# Multi-Agent Execution Report\n\n- Completed: {len(completed)}/{total}\n"
        )
        logger.info("All workstreams completed!")


def _load(directory: Path) -> dict[str, Spec]:
    specs = {}
    for path in sorted(directory.glob("ws-*.json")):
        try:
            spec = json.loads(path.read_text())
            specs[spec["id"]] = spec | {"path": str(path.resolve())}
        except (ValueError, KeyError, TypeError) as error:
            logger.warning("Failed to load %s: %s", path, error)
    return specs


def _agent_command(agent: Path, workstream: str, spec: Spec) -> str:
    message = "\n".join(spec.get("tasks", [])) or workstream
    command = [sys.executable, str(agent), "--spec", spec["path"], "--message", message, "--yes"]
    return shlex.join(command)


def _local_now() -> str:
    return datetime.now().isoformat()  # noqa: DTZ005, TID251 -- naive and local: what it is known for


def _git(*arguments: str, check: bool = False) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["git", *arguments], capture_output=True, text=True, check=check, stdin=subprocess.DEVNULL
    )


def main() -> None:
    """Run in the primary checkout."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--resume", "-Resume", action="store_true", help="the rows are kept anyway")
    parser.add_argument("--idle", action="store_true", help="hand nothing out; not in the original")
    parser.add_argument("--demo", action="store_true", help="the habits of others; see above")
    parser.add_argument("--agent", type=Path, default=AGENT, help="the program that does the work")
    parser.add_argument("--agents", type=int, default=3)
    parser.add_argument("--pause", type=float, default=0.05, help="seconds between two looks")
    options = parser.parse_args()
    Path("logs").mkdir(exist_ok=True)
    logging.basicConfig(
        level=logging.INFO,
        format="%(asctime)s [%(name)s] %(levelname)s: %(message)s",
        handlers=[logging.FileHandler("logs/orchestrator.log"), logging.StreamHandler()],
    )
    asyncio.run(Orchestrator(options).run())


if __name__ == "__main__":
    main()
