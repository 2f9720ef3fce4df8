"""The sign that the watch leaves in a repository: when it looked last, and what it remembers."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from unjam.adapters import clock, files
from unjam.engine.orchestration import Orchestration

MISSED = 3  # intervals without a look: the watch is late


def remembered(orchestration: Orchestration) -> dict[str, Any]:
    """Return what the last look left; nothing where there was none, or somebody damaged it."""
    try:
        found = json.loads(files.content(orchestration.home / "watch.json") or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def leave(orchestration: Orchestration, every: timedelta, what: Mapping[str, Any]) -> None:
    """Say that the watch looked just now, and when it means to look again."""
    now = {"at": clock.now().isoformat(timespec="seconds"), "every": every.total_seconds()}
    place = orchestration.home / "watch.json"
    files.write_atomically(place, json.dumps({**what, **now}).encode())


def watched_last(orchestration: Orchestration) -> dict[str, Any] | None:
    """Tell when the watch looked last and whether it is late; None where nobody watches."""
    sign = remembered(orchestration)
    try:
        at, every = datetime.fromisoformat(sign["at"]), timedelta(seconds=sign["every"])
        late = clock.now() - at > every * MISSED
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
    return {"last": at.isoformat(), "late": late}
