"""The last lines of the newest logs: what a person would look at first."""

import os
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from heapq import nlargest
from itertools import islice
from pathlib import Path

from unjam.domain.world.snapshot import LogTail

TAIL = 8 << 10  # bytes read from the end of a file
_LONGEST_LINE = 500  # characters
_ENTRIES = 20_000  # looked at, however large the directory is
_DEPTH = 3


def tails(directory: Path, *, lines: int = 5, files: int = 50) -> tuple[LogTail, ...]:
    """Read the ends of the newest log files below the directory, the newest first.

    Links are not followed, files that are not text are left out, and what a terminal would obey
    is replaced. A directory or file that cannot be read has no tail; never raises.
    """
    found = islice(_regular_files(directory, _DEPTH), _ENTRIES)
    newest = nlargest(files, found, key=lambda entry: (entry[1], entry[0]))
    read = (_tail(path, lines) for path, _ in newest)
    return tuple(tail for tail in read if tail is not None)


def endings(
    directory: Path, *, size: int = 256 << 10, files: int = 50
) -> tuple[tuple[Path, str], ...]:
    """Read the ends of the newest log files, in whole lines; files that are not text are left out."""
    found = islice(_regular_files(directory, _DEPTH), _ENTRIES)
    newest = nlargest(files, found, key=lambda entry: (entry[1], entry[0]))
    read = ((path, _ending(path, size)) for path, _ in newest)
    return tuple((path, text) for path, text in read if text is not None)


def _ending(path: Path, size: int) -> str | None:
    read = _read_end(path, size)
    if read is None:
        return None
    content, start, _ = read
    if start:  # what is cut in half could not be recognised
        content = content.partition(b"\n")[2]
    return content.decode("utf-8", "replace")


def _regular_files(directory: Path, depth: int) -> Iterator[tuple[Path, int]]:
    try:
        entries = list(os.scandir(directory))
    except OSError:
        return
    for entry in entries:
        try:
            status = entry.stat(follow_symlinks=False)
        except OSError:  # gone meanwhile
            continue
        if stat.S_ISREG(status.st_mode):
            yield Path(entry.path), status.st_mtime_ns
        elif stat.S_ISDIR(status.st_mode) and depth > 1:
            yield from _regular_files(Path(entry.path), depth - 1)


def _tail(path: Path, lines: int) -> LogTail | None:
    read = _read_end(path, TAIL)
    if read is None:
        return None
    content, start, written = read
    return LogTail(
        path=path,
        written_at=datetime.fromtimestamp(written, UTC),
        lines=_last_lines(content, lines, whole=start == 0),
    )


def _read_end(path: Path, size: int) -> tuple[bytes, int, float] | None:
    """Read the end of a file: its bytes, where they begin, and when it was written; None if no text."""
    try:
        # The file may have become a link or a pipe since it was listed.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        status = os.fstat(descriptor)
        start = max(0, status.st_size - size)
        content = os.pread(descriptor, size, start) if stat.S_ISREG(status.st_mode) else b"\0"
    except OSError:
        return None
    finally:
        os.close(descriptor)
    if b"\0" in content:  # not text
        return None
    return content, start, status.st_mtime


def _last_lines(content: bytes, lines: int, *, whole: bool) -> tuple[str, ...]:
    # A character cut in half at the start of the tail is replaced, like any other stray byte.
    found = content.decode("utf-8", "replace").splitlines()
    if not whole and len(found) > 1:
        found = found[1:]  # begins somewhere in the middle of its line
    return tuple(_printable(line)[:_LONGEST_LINE] for line in found[-lines:])


def _printable(line: str) -> str:
    return "".join(
        one if one.isprintable() or one == "\t" else "\N{REPLACEMENT CHARACTER}" for one in line
    )
