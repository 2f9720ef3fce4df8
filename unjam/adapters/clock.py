"""The only place where time is read."""

import time
from datetime import UTC, datetime


def now() -> datetime:
    """Return the time, aware, in UTC."""
    return datetime.now(UTC)


def monotonic() -> float:
    """Return seconds that only ever grow; for deadlines."""
    return time.monotonic()


def pause(seconds: float) -> None:
    """Let time pass between two looks."""
    time.sleep(seconds)
