#!/usr/bin/env python3
"""Build a sandbox, let an orchestrator and its agents work in it, and kill them in the middle.

``wreck.py DIRECTORY`` says line by line what happened, and writes ``wreck.json`` there when it is
done. It is a program of the sandbox that `unjam demo` recovers, and no part of unjam.
"""

import json
import os
import shlex
import shutil
import signal
import sqlite3
import subprocess  # noqa: TID251 -- a program of its own: unjam's adapters are not its business
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path

HERE = Path(__file__).resolve().parent
SANDBOX = Path(sys.argv[-1]).resolve()
SHOP, ORIGIN, MARKERS = SANDBOX / "shop", SANDBOX / "origin.git", SANDBOX / "markers"
PROGRAMS = ("multi_agent_orchestrator.py", "coding_agent.py")
CONFIG = {  # whatever the person's own configuration says
    "user.name": "A person",
    "user.email": "person@example.org",
    "commit.gpgSign": "false",
    "core.hooksPath": ".git/hooks",
}
DEADLINE = 60  # seconds
HOOK = """\
#!/bin/sh
# The project's checks; they can be slow.
while [ -e '{slow}' ]; do touch '{began}'; sleep 0.05; done
"""
RESUME = """\
#!/bin/sh
exec {python} scripts/multi_agent_orchestrator.py --resume
"""
SETTINGS = """\
[orchestration]
resume = ["scripts/resume"]
agents = ["coding_agent"]

[verify]
command = [{python}, "-m", "unittest", "-q"]
timeout = "1m"
"""


def build() -> None:
    """Make a repository with a remote, its orders and its programs."""
    shop = json.loads((HERE / "shop.json").read_text())
    MARKERS.mkdir(parents=True)
    git("init", "--quiet", "--bare", "--initial-branch=main", str(ORIGIN), cwd=SANDBOX)
    git("init", "--quiet", "--initial-branch=main", str(SHOP), cwd=SANDBOX)
    git("remote", "add", "origin", str(ORIGIN))
    for name, value in CONFIG.items():
        git("config", name, value)
    for name, lines in shop["files"].items():
        write(name, "".join(f"{line}\n" for line in lines))
    for name, spec in shop["workstreams"].items():
        write(f"workstreams/{name}.json", json.dumps({"id": name, **spec}, indent=2) + "\n")
    write("scripts/resume", RESUME.format(python=shlex.quote(sys.executable)))
    for name in PROGRAMS:
        shutil.copy(HERE / name, SHOP / "scripts" / name)
    (SHOP / "scripts" / "resume").chmod(0o755)
    write("unjam.toml", SETTINGS.format(python=json.dumps(sys.executable)))
    git("add", "--all")
    git("commit", "--quiet", "--message", "A shop, and what is to be done in it")
    git("push", "--quiet", "--set-upstream", "origin", "main")
    hook = SHOP / ".git" / "hooks" / "pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(HOOK.format(slow=MARKERS / "slow", began=MARKERS / "checks began"))
    hook.chmod(0o755)
    tell(f"built a repository with a remote and {len(shop['workstreams'])} workstreams")


def write(name: str, text: str) -> None:
    """Write a file of the repository."""
    path = SHOP / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def work() -> "subprocess.Popen[bytes]":
    """Start the orchestrator and let its first batch end: not everything in it lands."""
    command = (sys.executable, "scripts/multi_agent_orchestrator.py")
    orchestrator = subprocess.Popen(
        command,
        cwd=SHOP,
        start_new_session=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    tell(f"started an orchestrator (pid {orchestrator.pid}); it hands work to four agents")
    until("ws-01 to land", lambda: has_landed("ws-01"))
    mark("go ws-02")
    until("the conflict", lambda: "git merge: " in read_log())
    tell("ws-02 contradicts ws-01: its merge fails, and the orchestrator only logs that")
    ORIGIN.rename(SANDBOX / "unplugged.git")
    mark("go ws-03")
    until("the first batch to be recorded", lambda: rows().get("ws-03") == "completed")
    (SANDBOX / "unplugged.git").rename(ORIGIN)
    tell("ws-03 ends while the remote is away: not merged; its row says completed all the same")
    return orchestrator


def break_off(orchestrator: "subprocess.Popen[bytes]") -> int:
    """Kill it while it commits in the primary, and all agents but one; returns that one's pid."""
    pids = {name: reached(name) for name in ("ws-05", "ws-06", "ws-07")}
    mark("slow")
    mark("go ws-04")
    until("a commit in the primary", (MARKERS / "checks began").exists)
    if not has_landed("ws-04"):
        raise SystemExit("ws-04 should have landed by now")
    tell("ws-04 lands; a row is written when the whole batch has ended, so it says running")
    os.killpg(orchestrator.pid, signal.SIGKILL)
    orchestrator.wait()
    (MARKERS / "slow").unlink()
    tell(
        f"kill -9 of the orchestrator (pid {orchestrator.pid}), in the middle of its `git commit`:"
    )
    tell("    the primary checkout stays on ws-08's branch, with an index.lock")
    for name, left in {
        "ws-05": "a commit and an unfinished edit",
        "ws-06": "not one commit",
    }.items():
        os.kill(pids[name], signal.SIGKILL)
        tell(f"kill -9 of the agent of {name} (pid {pids[name]}): it leaves {left}")
    tell(f"the agent of ws-07 (pid {pids['ws-07']}) is an orphan now, and goes on writing")
    mark("go on")
    write("ideas.txt", "A person's own notes, in no commit.\n")
    return pids["ws-07"]


def has_landed(workstream: str) -> bool:
    """Tell whether the trunk's reflog knows its merge."""
    log = SHOP / ".git" / "logs" / "refs" / "heads" / "main"
    return f"merge ws/{workstream}/" in log.read_text()


def rows() -> Mapping[str, str]:
    """Read the statuses."""
    path = SHOP / ".state" / "orchestration.db"
    if not path.exists():
        return {}
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=10)) as connection:
        query = "SELECT workstream_id, status FROM workstream_status"
        return dict(connection.execute(query).fetchall())


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


def main() -> None:
    """Build, work, break off."""
    build()
    orphan = break_off(work())
    (SANDBOX / "wreck.json").write_text(json.dumps({"orphan": orphan}))


if __name__ == "__main__":
    main()
