#!/usr/bin/env python3
"""Build a sandbox, let an orchestrator and its agents work in it, and kill them in the middle.

``wreck.py DIRECTORY`` says line by line what happened, and writes ``wreck.json`` there when it is
done. It is a program of the sandbox that `unjam demo` recovers, and no part of unjam.
"""

import os
import signal
import subprocess  # noqa: TID251 -- a program of its own: unjam's adapters are not its business

from unjam.demo.sandbox import base
from unjam.demo.sandbox.base import MARKERS, ORIGIN, SANDBOX, SHOP, mark, reached, tell, until

HOOK = """\
#!/bin/sh
# The project's checks; they can be slow.
while [ -e '{slow}' ]; do touch '{began}'; sleep 0.05; done
"""


def build() -> None:
    """Make the repository, with a hook that can be slow."""
    workstreams = base.shop()["workstreams"]
    base.build(workstreams)
    hook = SHOP / ".git" / "hooks" / "pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(HOOK.format(slow=MARKERS / "slow", began=MARKERS / "checks began"))
    hook.chmod(0o755)
    tell(f"built a repository with a remote and {len(workstreams)} workstreams")


def work() -> "subprocess.Popen[bytes]":
    """Start the orchestrator and let its first batch end: not everything in it lands."""
    orchestrator = base.start_orchestrator()
    tell(f"started an orchestrator (pid {orchestrator.pid}); it hands work to four agents")
    until("ws-01 to land", lambda: has_landed("ws-01"))
    mark("go ws-02")
    until("the conflict", lambda: "Merge conflict" in base.read_log())
    tell("ws-02 contradicts ws-01: its merge fails, and the orchestrator only logs that")
    ORIGIN.rename(SANDBOX / "unplugged.git")
    mark("go ws-03")
    until("the first batch to be recorded", lambda: base.rows().get("ws-03") == "completed")
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
    base.write("ideas.txt", "A person's own notes, in no commit.\n")
    return pids["ws-07"]


def has_landed(workstream: str) -> bool:
    """Tell whether the trunk's reflog knows its merge."""
    log = SHOP / ".git" / "logs" / "refs" / "heads" / "main"
    return f"merge ws/{workstream}/" in log.read_text()


def main() -> None:
    """Build, work, break off."""
    build()
    base.done(break_off(work()))


if __name__ == "__main__":
    main()
