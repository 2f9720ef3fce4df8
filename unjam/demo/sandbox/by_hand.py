#!/usr/bin/env python3
"""Take the usual way out of a wreck, in a copy of it, and tell what that costs.

``by_hand.py DIRECTORY`` prints what is typed and what came of it, and writes ``by_hand.json``
there. The steps are those of the runbooks: clear the lock, go back to the trunk, merge the running
branches that have commits, remove the worktrees, start over whatever still says running. It is a program of the
sandbox that `unjam demo` recovers, and no part of unjam.
"""

import json
import shutil
import sqlite3
import subprocess  # noqa: TID251 -- a program of its own: unjam's adapters are not its business
import sys
from contextlib import closing
from pathlib import Path

HERE = Path(__file__).resolve().parent
SANDBOX = Path(sys.argv[-1]).resolve()
SHOP = SANDBOX / "by-hand" / "shop"
MERGED = "UPDATE workstream_status SET status = 'completed' WHERE workstream_id = '{}'"
START_OVER = "UPDATE workstream_status SET status = 'pending' WHERE status = 'running'"


def copy() -> None:
    """Copy the wreck; its worktrees name each other by absolute paths, which are made to fit."""
    shutil.copytree(SANDBOX / "shop", SHOP, symlinks=True)
    for admin in (SHOP / ".git" / "worktrees").iterdir():
        tree = SHOP / ".worktrees" / Path((admin / "gitdir").read_text()).parent.name
        (admin / "gitdir").write_text(f"{tree / '.git'}\n")
        (tree / ".git").write_text(f"gitdir: {admin}\n")


def recover() -> None:
    """Do what is done by hand."""
    say("$ rm -f .git/index.lock")
    (SHOP / ".git" / "index.lock").unlink()
    typed("git", "checkout", "--force", "main")
    for branch in running():
        if git("log", "--oneline", f"main..{branch}"):
            typed("git", "merge", "--no-edit", branch)
            update(MERGED.format(branch.split("/")[1]))
    for tree in sorted((SHOP / ".worktrees").iterdir()):
        typed("git", "worktree", "remove", "--force", f".worktrees/{tree.name}")
    typed("git", "worktree", "prune")
    update(START_OVER)


def update(statement: str) -> None:
    """Change rows by hand."""
    say(f'$ sqlite3 .state/orchestration.db "{statement}"')
    with closing(sqlite3.connect(SHOP / ".state" / "orchestration.db")) as database, database:
        database.execute(statement)


def running() -> list[str]:
    """Name the branches of the rows that say running."""
    return [f"ws/{one}/{agent}" for one, agent, status in rows() if status == "running"]


def rows() -> list[tuple[str, str, str]]:
    """Read the rows: workstream, agent, status."""
    with closing(sqlite3.connect(SHOP / ".state" / "orchestration.db")) as database:
        query = "SELECT workstream_id, agent_id, status FROM workstream_status ORDER BY 1"
        return database.execute(query).fetchall()


def wrong_rows(landed: list[str]) -> tuple[list[str], list[str]]:
    """Return what never lands, being called completed, and what is done twice, being landed."""
    never = [one for one, _, status in rows() if status == "completed" and one not in landed]
    twice = [one for one, _, status in rows() if status == "pending" and one in landed]
    return never, twice


def landed() -> list[str]:
    """Name the workstreams whose branch has commits, all of them on the trunk."""
    merged = git("branch", "--format=%(refname:short)", "--merged", "main")
    log = (SHOP / ".git" / "logs" / "refs" / "heads" / "main").read_text()
    return [name.split("/")[1] for name in merged if name != "main" and f"merge {name}:" in log]


def typed(*command: str) -> None:
    """Show a command and run it, whatever comes of it."""
    say(f"$ {' '.join(command)}")
    subprocess.run(command, cwd=SHOP, capture_output=True, check=False, stdin=subprocess.DEVNULL)


def git(*arguments: str) -> list[str]:
    """Ask Git."""
    ended = subprocess.run(
        ("git", *arguments), cwd=SHOP, check=True, capture_output=True, text=True
    )
    return ended.stdout.splitlines()


def worth(verb: str) -> list[str]:
    """Note, or tell what of the noted is lost."""
    command = (
        sys.executable,
        str(HERE / "worth.py"),
        verb,
        str(SHOP),
        str(SANDBOX / "by-hand" / "worth"),
    )
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()


def say(line: str) -> None:
    """Say it at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    """Copy, recover, count."""
    copy()
    worth("note")
    before = landed()
    recover()
    lost = worth("lost")
    never, twice = wrong_rows([*before, *(one for one in landed() if one not in before)])
    (SANDBOX / "by_hand.json").write_text(
        json.dumps({"lost": lost, "never": never, "twice": twice})
    )


if __name__ == "__main__":
    main()
