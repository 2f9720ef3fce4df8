"""Build a large orchestration fast: many worktrees, many branches, many rows.

What is built is what a long run leaves: most workstreams have landed by a merge, some were
flattened or squashed, and the rest is being worked on, three in ten with unsaved work.
"""

import argparse
import json
import sqlite3
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

EPOCH = 1_780_000_000  # seconds; commits are dated one minute apart from here
IDENTITY = "Agent <agent@example.com>"
IGNORED = "__pycache__/\n*.pyc\n.env\n.state/\n.worktrees/\nlogs/\n"


@dataclass(frozen=True)
class Size:
    """How large; the defaults are those of the claim."""

    worktrees: int = 1000
    branches: int = 10_000
    rows: int = 10_000
    files: int = 50


def name(number: int) -> str:
    """Name a workstream."""
    return f"ws-{number:05}"


def branch(number: int) -> str:
    """Name its branch."""
    return f"ws/{name(number)}/agent-{number % 7}"


def build(repo: Path, size: Size) -> None:
    """Build it; workstreams below ``size.worktrees`` run, the others are settled."""
    repo.mkdir(parents=True)
    _git(repo, "init", "--quiet", "--initial-branch=main")
    _git(repo, "config", "gc.auto", "0")
    _git(repo, "fast-import", "--quiet", stdin=b"".join(_settled(size)))
    _git(repo, "pack-refs", "--all", "--prune")  # as gc does with the refs of long ago
    _git(repo, "fast-import", "--quiet", stdin=b"".join(_running(size)))
    _git(repo, "reset", "--quiet", "--hard", "main")
    for number in range(size.worktrees):
        _worktree(repo, number, size)
    for tree in (repo / ".worktrees").iterdir():
        _git(tree, "status")  # as agents do all the time: their indices are fresh
    for number in range(0, size.worktrees, 10):
        _mess(repo, number)
    _state(repo, size)
    _specs(repo, size)


def _settled(size: Size) -> Iterator[bytes]:
    """Write the trunk and every branch that has landed on it."""
    yield b"reset refs/heads/main\n"
    files = {_path(number): _text(number) for number in range(size.files)}
    yield _commit("main", 0, "First", files | {".gitignore": IGNORED})
    for number in range(size.worktrees, size.branches):
        yield f"reset refs/heads/{branch(number)}\nfrom refs/heads/main\n\n".encode()
        files = {_path(number % size.files): _text(number)}
        yield _commit(branch(number), number, f"Work of {name(number)}", files)
        if number % 20 == 0:  # flattened: its patch is there, its commit is not
            yield _commit("main", number + 1, f"Work of {name(number)}", files)
        else:
            message = f"Merge {branch(number)}"
            yield _commit("main", number + 1, message, files, merged=branch(number))


def _running(size: Size) -> Iterator[bytes]:
    """Write the branches that have commits; the others begin with their worktree."""
    for number in range(size.worktrees):
        if not number % 4:
            continue
        back = _back(number, size)
        yield f"reset refs/heads/{branch(number)}\nfrom refs/heads/main~{back}\n\n".encode()
        for commit in range(number % 4):
            files = {f"src/part{number % 7}/{name(number)}_{commit}.py": _text(commit)}
            files[_path(number % size.files)] = _text(number) + "# edited\n"
            yield _commit(branch(number), size.branches + number, f"Step {commit}", files)


def _commit(
    on: str, minute: int, message: str, files: dict[str, str], merged: str | None = None
) -> bytes:
    lines = [f"commit refs/heads/{on}", f"committer {IDENTITY} {EPOCH + 60 * minute} +0000"]
    lines += [f"data {len(message.encode())}", message]
    lines += [f"merge refs/heads/{merged}"] if merged else []
    for path, text in files.items():
        lines += [f"M 100644 inline {path}", f"data {len(text.encode())}", text]
    return "\n".join((*lines, "", "")).encode()


def _path(number: int) -> str:
    return f"src/part{number % 7}/file{number}.py"


def _text(number: int) -> str:
    return f'"""File {number}."""\n\n' + "".join(f"VALUE_{n} = {n * number}\n" for n in range(30))


def _back(number: int, size: Size) -> int:
    """How far back on the trunk a running branch began."""
    return min(number % 50, size.branches - size.worktrees)


def _worktree(repo: Path, number: int, size: Size) -> None:
    place = str(repo / ".worktrees" / f"agent-{number % 7}-{name(number)}")
    if number % 4:
        _git(repo, "worktree", "add", "--quiet", place, branch(number))
    else:
        start = f"main~{_back(number, size)}"
        _git(repo, "worktree", "add", "--quiet", "-b", branch(number), place, start)


def _mess(repo: Path, number: int) -> None:
    """Leave three of ten worktrees with unsaved work."""
    for one in (number, number + 1, number + 2):
        tree = repo / ".worktrees" / f"agent-{one % 7}-{name(one)}"
        if not tree.is_dir():
            continue
        (tree / _path(1)).write_text("edited\n")
        (tree / "notes.md").write_text("untracked\n")
        (tree / "src/part2/__pycache__").mkdir()
        (tree / "src/part2/__pycache__/file.pyc").write_bytes(b"ignored")
        if one == number:
            (tree / _path(3)).write_text("staged\n")
            _git(tree, "add", _path(3))
            (tree / _path(4)).unlink()


def _state(repo: Path, size: Size) -> None:
    place = repo / ".state"
    place.mkdir()
    now = datetime.now(UTC)
    with sqlite3.connect(place / "orchestration.db") as database:
        database.execute(
            "CREATE TABLE workstream_status (workstream_id TEXT PRIMARY KEY, status TEXT,"
            " agent_id TEXT, track TEXT, started_at TEXT, completed_at TEXT, exit_code INTEGER,"
            " attempt INTEGER DEFAULT 1, error_message TEXT)"
        )
        database.execute(
            "CREATE TABLE execution_log (id INTEGER PRIMARY KEY AUTOINCREMENT, timestamp TEXT,"
            " workstream_id TEXT, agent_id TEXT, event_type TEXT, message TEXT)"
        )
        for number in range(size.rows):
            settled = number >= size.worktrees
            started = (now - timedelta(minutes=5 + number % 100)).replace(tzinfo=None)
            agent = f"agent-{number % 7}"
            database.execute(
                "INSERT INTO workstream_status VALUES (?, ?, ?, 'core', ?, ?, ?, 1, NULL)",
                (
                    name(number),
                    "completed" if settled else "running",
                    agent,
                    started.isoformat(),
                    started.isoformat() if settled else None,
                    0 if settled else None,
                ),
            )
            database.execute(
                "INSERT INTO execution_log VALUES (NULL, ?, ?, ?, 'started', '')",
                (started.isoformat(), name(number), agent),
            )
    database.close()


def _specs(repo: Path, size: Size) -> None:
    place = repo / "workstreams"
    place.mkdir()
    for number in range(size.worktrees):
        spec = {"id": name(number), "depends_on": [], "tasks": [f"Do {number}"]}
        (place / f"{name(number)}-do-it.json").write_text(json.dumps(spec))


def _git(where: Path, *arguments: str, stdin: bytes = b"") -> None:
    subprocess.run(("git", *arguments), cwd=where, input=stdin, check=True, capture_output=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Build a large orchestration.")
    parser.add_argument("repo", type=Path)
    parser.add_argument("--worktrees", type=int, default=Size.worktrees)
    parser.add_argument("--branches", type=int, default=Size.branches)
    parser.add_argument("--rows", type=int, default=Size.rows)
    given = parser.parse_args()
    build(given.repo, Size(given.worktrees, given.branches, given.rows))
