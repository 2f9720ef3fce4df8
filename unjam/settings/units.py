"""Durations and sizes as people write them."""

import re
from datetime import timedelta

_SECONDS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
_BYTES = {
    "TiB": 1 << 40,
    "TB": 10**12,
    "GiB": 1 << 30,
    "GB": 10**9,
    "MiB": 1 << 20,
    "MB": 10**6,
    "KiB": 1 << 10,
    "kB": 10**3,
    "B": 1,
}
_BY_NAME = {name.lower(): size for name, size in _BYTES.items()}
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?\s*[dhms]\s*)+")
_DURATION_PART = re.compile(r"(\d+(?:\.\d+)?)\s*([dhms])")
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?i?b)", re.IGNORECASE)


def duration(written: object) -> timedelta:
    """Read ``90s``, ``30m``, ``1h30m``, ``30d``; raises ValueError. A bare number has no unit."""
    if isinstance(written, timedelta):
        return written
    if not isinstance(written, str) or not _DURATION.fullmatch(written.strip()):
        raise ValueError('write a duration with its unit, such as "90s", "30m", "2h" or "30d"')
    parts = _DURATION_PART.findall(written)
    try:
        total = timedelta(seconds=sum(float(number) * _SECONDS[unit] for number, unit in parts))
    except OverflowError as error:
        raise ValueError("that is longer than can be counted") from error
    if not total:
        raise ValueError("it must be longer than nothing")
    return total


def size(written: object) -> int:
    """Read ``10GB``, ``512 MiB`` or a number of bytes; raises ValueError."""
    if isinstance(written, int) and not isinstance(written, bool) and written >= 0:
        return written
    found = _SIZE.fullmatch(written.strip()) if isinstance(written, str) else None
    if found is None:
        raise ValueError('write a size with its unit, such as "10GB" or "512MiB"')
    return int(float(found[1]) * _BY_NAME[found[2].lower()])


def written_duration(value: timedelta) -> str:
    """Write a duration with the largest unit that needs no fraction."""
    seconds = int(value.total_seconds())
    unit = next(unit for unit, length in _SECONDS.items() if seconds % length == 0)
    return f"{seconds // _SECONDS[unit]}{unit}"


def written_size(value: int) -> str:
    """Write a size with the largest unit that needs no fraction."""
    unit = next(unit for unit, length in _BYTES.items() if value and value % length == 0)
    return f"{value // _BYTES[unit]}{unit}"
