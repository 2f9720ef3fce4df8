"""Times as orchestrators store them, turned into instants."""

from datetime import UTC, datetime, timedelta

from unjam.domain.world.snapshot import Typed

_NAIVE_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 -- to measure naive times against
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_SECOND = timedelta(minutes=59, seconds=59)
_SHORTEST = len("YYYY-MM-DDTHH:MM:SS")
WITH_ZONE = "timestamp with time zone"  # PostgreSQL's; read in UTC, and written with its offset
_SQLITE_LENGTHS = frozenset({19, 23})  # datetime('now'), and the same with 'subsec'


class Times:
    """Tells local from UTC by how a time is written; None where the writing leaves it open.

    Python's ``isoformat()`` has a T and means local time; SQLite's ``datetime('now')`` has a blank
    and means UTC. Asking the system for an offset is slow, so one instance remembers by the hour what it means.
    """

    def __init__(self) -> None:
        self._epochs: dict[str, datetime | None] = {}

    def instant(self, stored: object) -> datetime | None:
        """Return the instant in UTC; None for garbage and for what could be two instants."""
        if isinstance(stored, datetime):  # a server's own type, which need not have an offset
            return stored.astimezone(UTC) if stored.tzinfo else None
        if isinstance(stored, Typed):
            stored = stored.text if stored.type == WITH_ZONE else None
        if not isinstance(stored, str) or len(stored) < _SHORTEST or stored[10] not in "T ":
            return None
        try:
            return self._parsed(stored)
        except (ValueError, OverflowError, OSError):
            return None

    def _parsed(self, stored: str) -> datetime | None:
        parsed = datetime.fromisoformat(stored)
        if parsed.tzinfo is not None:
            return parsed.astimezone(UTC)
        if stored[10] == "T":
            return self._local(parsed, stored[:13])
        # Python's str(datetime) has a blank and six digits: local or UTC, nobody can tell.
        return _aware(parsed) if len(stored) in _SQLITE_LENGTHS else None

    def _local(self, parsed: datetime, hour: str) -> datetime | None:
        if hour not in self._epochs:
            start = parsed.replace(minute=0, second=0, microsecond=0)
            self._epochs[hour] = _local_epoch(start, start + _LAST_SECOND)
        # None: the clocks change within this hour, so every time in it is asked for by itself.
        epoch = self._epochs[hour] or _local_epoch(parsed)
        return epoch and epoch + (parsed - _NAIVE_EPOCH)


def _aware(in_utc: datetime) -> datetime:
    return _EPOCH + (in_utc - _NAIVE_EPOCH)  # five times faster than replace(tzinfo=UTC)


def _local_epoch(*moments: datetime) -> datetime | None:
    """Return the instant from which all these local times count, if it is one."""
    offset = _only_offset(*moments)
    return None if offset is None else _EPOCH - offset


def _only_offset(*moments: datetime) -> timedelta | None:
    """Return the offset all these local times have in both readings of the clock, if it is one."""
    offsets = {
        moment.replace(fold=fold).astimezone().utcoffset() for moment in moments for fold in (0, 1)
    }
    only = offsets.pop()
    return None if offsets else only
