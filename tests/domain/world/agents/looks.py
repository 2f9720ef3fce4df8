"""Agents that were looked at twice, in a few words."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from unjam.domain.world.agents.signs import Connection, Look, Pulse, Wait, Watched

NOW = datetime(2026, 11, 22, 15, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
LONG = 7200.0  # seconds


def pulse(wait: Wait = Wait.MEMBER, pid: int = 7, **more: object) -> Pulse:
    given = {"is_agent": True, "age": LONG, "cpu": 10.0, "moved": 1000, **more}
    return Pulse(pid, 1, 1, ("agent",), wait, **given)  # type: ignore[arg-type]


def watched(*members: Pulse, before: tuple[Pulse, ...] = (), **more: object) -> Watched:
    """Two looks three seconds apart, in which nothing differs unless it is said."""
    roots = ((members or (pulse(),))[0].key,)
    first = Look(100.0, "boot", roots, before or members)
    return Watched("tree", HOUR, first, replace(first, at=103.0, members=members, **more))  # type: ignore[arg-type]


def silent(quiet: float = LONG, unread: int = 0) -> Connection:
    return Connection(7, "api:443", quiet, unread)


READER = pulse(Wait.TERMINAL)
LOOP = pulse(Wait.NOTHING, cpu=7000.0)
STARTED = replace(LOOP, cpu=6997.0)
