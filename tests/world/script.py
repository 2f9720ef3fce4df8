"""What a scripted agent does, action by action: ``[write("a.py", "x"), commit("a"), hang()]``."""

from pathlib import Path

Action = list[str]


def write(name: str, text: str = "x = 1\n") -> Action:
    return ["write", name, text]


def append(name: str, text: str) -> Action:
    return ["append", name, text]


def delete(name: str) -> Action:
    return ["delete", name]


def run_git(*arguments: str) -> Action:
    return ["git", *arguments]


def commit(message: str) -> Action:
    return ["commit", message]


def reach(marker: Path) -> Action:
    """Make a file by which a test sees how far the agent is."""
    return ["reach", str(marker)]


def wait_for(marker: Path) -> Action:
    """Do nothing until a test makes this file."""
    return ["wait_for", str(marker)]


def keep_writing(name: str) -> Action:
    """Append a line every 10 ms, for ever."""
    return ["keep_writing", name]


def hang() -> Action:
    return ["hang"]


def leave(status: int) -> Action:
    return ["exit", str(status)]
