"""What every sandbox stands on: a repository with a remote, its orders, and its programs.

The first argument of the program that imports it is the directory of the sandbox. It is a part of
the sandbox that `unjam demo` recovers, and no part of unjam.
"""

import json
import shlex
import shutil
import sqlite3
import subprocess  # noqa: TID251 -- programs of their own: unjam's adapters are not their business
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
SANDBOX = Path(sys.argv[1]).resolve()
SHOP, ORIGIN, MARKERS = SANDBOX / "shop", SANDBOX / "origin.git", SANDBOX / "markers"
DATABASE = SHOP / ".state" / "orchestration.db"
PROGRAMS = ("multi_agent_orchestrator.py", "coding_agent.py")
CONFIG = {  # whatever the person's own configuration says
    "user.name": "A person",
    "user.email": "person@example.org",
    "commit.gpgSign": "false",
    "core.hooksPath": ".git/hooks",
}
DEADLINE = 60  # seconds
RESUME = """\
#!/bin/sh
exec {python} scripts/multi_agent_orchestrator.py --demo --agents 4 --resume
"""
SETTINGS = """\
[orchestration]
resume = ["scripts/resume"]
agents = ["coding_agent"]

[verify]
command = {command}
timeout = "1m"
"""
Workstreams = Mapping[str, Mapping[str, Any]]


def build(
    workstreams: Workstreams,
    *,
    files: Mapping[str, str] | None = None,
    verify: Iterable[str] = ("-m", "unittest", "-q"),
    more: str = "",
) -> None:
    """Make a repository with a remote, its orders and its programs; ``more`` is more configuration."""
    MARKERS.mkdir(parents=True)
    git("init", "--quiet", "--bare", "--initial-branch=main", str(ORIGIN), cwd=SANDBOX)
    git("init", "--quiet", "--initial-branch=main", str(SHOP), cwd=SANDBOX)
    git("remote", "add", "origin", str(ORIGIN))
    for name, value in CONFIG.items():
        git("config", name, value)
    for name, lines in shop()["files"].items():
        write(name, "".join(f"{line}\n" for line in lines))
    for name, text in (files or {}).items():
        write(name, text)
    for name, spec in workstreams.items():
        write(f"workstreams/{name}.json", json.dumps({"id": name, **spec}, indent=2) + "\n")
    write("scripts/resume", RESUME.format(python=shlex.quote(sys.executable)))
    for name in PROGRAMS:
        shutil.copy(HERE / name, SHOP / "scripts" / name)
    (SHOP / "scripts" / "resume").chmod(0o755)
    write("unjam.toml", SETTINGS.format(command=json.dumps([sys.executable, *verify])) + more)
    commit("A shop, and what is to be done in it")
    git("push", "--quiet", "--set-upstream", "origin", "main")


def shop() -> dict[str, Any]:
    """Return the files and the workstreams of the shop."""
    content: dict[str, Any] = json.loads((HERE / "shop.json").read_text())
    return content


def write(name: str, text: str) -> None:
    """Write a file of the repository."""
    path = SHOP / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def commit(message: str, cwd: Path = SHOP) -> None:
    """Commit everything there is."""
    git("add", "--all", cwd=cwd)
    git("commit", "--quiet", "--message", message, cwd=cwd)


def worktree(workstream: str, agent: str) -> Path:
    """Give an agent a worktree, as the orchestrator does."""
    tree = SHOP / ".worktrees" / f"{agent}-{workstream}"
    git("worktree", "add", "--quiet", "-b", f"ws/{workstream}/{agent}", str(tree), "main")
    return tree


def record(rows: Iterable[tuple[str, str, str | None]]) -> None:
    """Write rows as the orchestrator does: workstream, status, agent."""
    from unjam.demo.sandbox.multi_agent_orchestrator import LOG_TABLE, STARTED_ROW, STATUS_TABLE

    DATABASE.parent.mkdir(exist_ok=True)
    with closing(sqlite3.connect(DATABASE)) as database, database:
        database.executescript(f"{STATUS_TABLE};{LOG_TABLE}")
        for workstream, status, agent in rows:
            database.execute(STARTED_ROW, (workstream, agent, "core", _long_ago()))
            database.execute(
                "UPDATE workstream_status SET status = ? WHERE workstream_id = ?",
                (status, workstream),
            )


def rows() -> Mapping[str, str]:
    """Read the statuses."""
    if not DATABASE.exists():
        return {}
    uri = f"{DATABASE.as_uri()}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True, timeout=10)) as connection:
        query = "SELECT workstream_id, status FROM workstream_status"
        return dict(connection.execute(query).fetchall())


def start(program: str, *arguments: str, cwd: Path = SHOP) -> "subprocess.Popen[bytes]":
    """Start a program that goes on when this one has ended."""
    return subprocess.Popen(
        (sys.executable, program, *arguments),
        cwd=cwd,
        start_new_session=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def start_orchestrator() -> "subprocess.Popen[bytes]":
    """Start the orchestrator with what `scripts/resume` gives it."""
    return start("scripts/multi_agent_orchestrator.py", "--demo", "--agents", "4")


def is_stopped(pid: int) -> bool:
    """Tell whether a process stands still."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


def read_log() -> str:
    """Read what the orchestrator says."""
    path = SHOP / "logs" / "orchestrator.log"
    return path.read_text() if path.exists() else ""


def reached(marker: str) -> int:
    """Wait for an agent to come this far; returns its pid."""
    until(f"the agent of {marker}", (MARKERS / marker).exists)
    return int((MARKERS / marker).read_text())


def mark(name: str) -> None:
    """Give the word."""
    (MARKERS / name).touch()


def until(what: str, happened: Callable[[], bool]) -> None:
    """Wait for it."""
    deadline = time.monotonic() + DEADLINE
    while not happened():
        if time.monotonic() > deadline:
            raise SystemExit(f"waited {DEADLINE} s for {what}\n{read_log()}")
        time.sleep(0.02)


def git(*arguments: str, cwd: Path = SHOP) -> None:
    """Run Git; what it says is ours to say."""
    subprocess.run(("git", *arguments), cwd=cwd, check=True, stdin=subprocess.DEVNULL)


def tell(line: str) -> None:
    """Say it at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def done(*living: int) -> None:
    """Say that the sandbox is as it should be, and which processes are left in it."""
    (SANDBOX / "wreck.json").write_text(json.dumps({"orphans": living}))


def _long_ago() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime(time.time() - 2 * 3600))
