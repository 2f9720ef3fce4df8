"""Every process of the agents that are suspected, those that are left alone too, for a person to read."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from unjam.domain.world.agents.score import last_sign, shares, signals_in_words
from unjam.domain.world.agents.signs import Pulse
from unjam.domain.world.agents.suspects import Suspect, suspects
from unjam.domain.world.snapshot import Snapshot

_KIB, _WIDE = 1024, 48  # columns


def agents_table(snapshot: Snapshot) -> list[dict[str, Any]]:
    """Describe each process as plain data; an agent that has ended has one line without a pid."""
    shown = (one for one in suspects(snapshot) if one.agents or any(snapshot.orchestrators()))
    return [line for one in shown for line in _lines(one, snapshot)]


HEADS = ("pid", "command", "cpu", "memory", "age", "last sign", "worktree", "workstream", "verdict")


def as_cells(line: dict[str, Any], observed_at: datetime) -> tuple[str, ...]:
    """Write one line of the table as a person reads it."""
    last = line["last_sign"]
    ago = (
        ""
        if last is None
        else f"{signals_in_words(observed_at - datetime.fromisoformat(last))} ago"
    )
    pid = line["pid"]
    command = line["command"]
    return (
        "" if pid is None else str(pid),
        command if len(command) <= _WIDE else f"{command[: _WIDE - 1]}…",
        "" if pid is None else f"{line['cpu_percent']:.0f}%",
        "" if pid is None else _size(line["memory"]),
        "" if pid is None else signals_in_words(line["age_seconds"]),
        ago,
        line["worktree"],
        line["workstream"] or "",
        line["verdict"],
    )


def _lines(one: Suspect, snapshot: Snapshot) -> Iterator[dict[str, Any]]:
    used = shares(one.watched)
    last = last_sign(one.watched)
    shared = {
        "last_sign": last.isoformat(timespec="seconds") if last else None,
        "worktree": snapshot.place(one.tree.path),
        "workstream": one.workstream.id if one.workstream else None,
        "verdict": str(one.score.verdict),
    }
    for pulse in one.watched.now.members:
        yield _own(pulse, used.get(pulse.key, 0.0)) | shared
    if not one.watched.now.members:
        yield dict.fromkeys(("pid", "cpu_percent", "memory", "age_seconds")) | {
            "command": "",
            "waits": "",
            **shared,
        }


def _own(pulse: Pulse, share: float) -> dict[str, Any]:
    return {
        "pid": pulse.pid,
        "command": " ".join(pulse.command),
        "cpu_percent": round(share * 100, 1),
        "memory": pulse.memory,
        "age_seconds": round(pulse.age, 1),
        "waits": pulse.detail or str(pulse.wait),
    }


def _size(amount: int) -> str:
    size = float(amount)
    for unit in ("B", "KB", "MB"):
        if size < _KIB:
            return f"{size:.0f} {unit}"
        size /= _KIB
    return f"{size:.1f} GB"
