"""What the state's files are by their own bytes: no SQLite, so nothing of them is changed or locked.

https://sqlite.org/fileformat2.html says what is where. Opening a file by hand drops the locks this
process holds on it, so the callers hold ``file.ALONE`` and no connection.
"""

import struct
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from unjam.adapters.state.file import ALONE, companion_file
from unjam.domain.world.database import SIDES, Wal

MAGIC = b"SQLite format 3\0"
HEADER = 100  # bytes
WAL_HEADER = 32
FRAME_HEADER = 24
_WAL_MAGIC = 0x377F0682  # or one more, where its checksums are big-endian
_JOURNAL_HEADER = 28  # bytes
_JOURNAL_MAGIC = b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7"
_FOLDED = struct.Struct("=I5I")  # in the machine's own order
_FOLDED_AT = 96


@dataclass(frozen=True, slots=True)
class FileFormat:
    """The files of one database."""

    size: int
    mode: str  # "wal" or "rollback"; empty where the header does not say
    page_size: int
    wal: Wal | None
    reads: tuple[int, ...]  # frame behind which each of five reading marks begins
    has_hot_journal: bool  # if nobody holds the database
    has_transaction: bool  # something is written that is not committed, or locks beside it may tell
    written_at: datetime | None


def read_format(path: Path) -> FileFormat:
    """Read it from the files; what is not there, or not to be read, is told as not there."""
    with ALONE:
        header = _beginning(path, HEADER)
        is_ours = header.startswith(MAGIC) and len(header) == HEADER
        wal, reads = _wal(path)
        return FileFormat(
            size=_size(path),
            mode=("wal" if header[18:20] == b"\x02\x02" else "rollback") if is_ours else "",
            page_size=page_size(header) if is_ours else 0,
            wal=wal,
            reads=reads,
            has_hot_journal=_beginning(companion_file(path, "-journal"), 8) == _JOURNAL_MAGIC,
            has_transaction=_has_transaction(path, wal),
            written_at=_written_at(path),
        )


def last_commit(path: Path) -> bytes:
    """Return what differs after every commit: counters in the database and in the index of its log."""
    with ALONE:
        return _beginning(path, 28)[24:] + _beginning(companion_file(path, "-shm"), 24)[8:]


def reading_marks(path: Path) -> tuple[tuple[bytes, int], ...]:
    """Return where each of five readings of the log begins: the log's salt and a frame of it.

    A mark that somebody reads by stays as it is until he ends.
    """
    with ALONE:
        start = _beginning(companion_file(path, "-shm"), _FOLDED_AT + _FOLDED.size)
    if len(start) < _FOLDED_AT + _FOLDED.size:
        return ()
    _, *marks = _FOLDED.unpack_from(start, _FOLDED_AT)
    return tuple((start[32:40], mark) for mark in marks)


def page_size(header: bytes) -> int:
    """Return the size of a page in bytes, as the header of a database says it."""
    size = int.from_bytes(header[16:18], "big")
    return 65536 if size == 1 else size


def _wal(path: Path) -> tuple[Wal | None, tuple[int, ...]]:
    log = companion_file(path, "-wal")
    header = _beginning(log, WAL_HEADER)
    size = _size(log)
    if len(header) < WAL_HEADER:
        return (Wal(size, "empty") if size or log.exists() else None), ()
    magic, _version, page, generation, salt, salt2, *_ = struct.unpack(">8I", header)
    name = f"{generation}, salt {salt:08x}{salt2:08x}"
    if magic | 1 != _WAL_MAGIC | 1 or page < 512 or page & (page - 1):  # noqa: PLR2004 -- as SQLite
        return Wal(size, "unknown: its header is damaged"), ()
    frames, seen = _committed(log, page, header[16:24])
    folded, reads = _index(path, header[16:24])
    folded = None if folded is None else min(folded, frames)
    return Wal(size, name, frames, seen - frames, folded), reads


def _has_transaction(path: Path, wal: Wal | None) -> bool:
    """Tell what shows beside a database that somebody has for himself alone.

    With ``locking_mode = EXCLUSIVE`` there is no index of the log, and the header of a journal is
    overwritten with zeros by every commit: https://sqlite.org/pragma.html#pragma_locking_mode
    """
    journal = _beginning(companion_file(path, "-journal"), _JOURNAL_HEADER)
    unfinished = wal is not None and wal.unfinished > 0
    return unfinished or any(journal) or companion_file(path, "-shm").exists()


def _committed(log: Path, page: int, salts: bytes) -> tuple[int, int]:
    """Count frames up to the last commit and all of them, by their salts; what they hold is not looked at."""
    last = number = 0
    with suppress(OSError), log.open("rb") as file:
        while True:
            file.seek(WAL_HEADER + number * (FRAME_HEADER + page))
            head = file.read(FRAME_HEADER)
            if len(head) < FRAME_HEADER or head[8:16] != salts:
                break
            number += 1
            if head[4:8] != b"\0\0\0\0":  # the size of the database after a commit
                last = number
    return last, number


def _index(path: Path, salts: bytes) -> tuple[int | None, tuple[int, ...]]:
    """Read from the ``-shm`` how much is folded in, if it is of this very log."""
    start = _beginning(companion_file(path, "-shm"), _FOLDED_AT + _FOLDED.size)
    if len(start) < _FOLDED_AT + _FOLDED.size or start[32:40] != salts:
        return None, ()
    folded, *marks = _FOLDED.unpack_from(start, _FOLDED_AT)
    return folded, tuple(marks)


def _written_at(path: Path) -> datetime | None:
    times = []
    for side in SIDES:
        if side != "-shm":  # readers write that too
            with suppress(OSError):
                times.append(companion_file(path, side).stat().st_mtime)
    return datetime.fromtimestamp(max(times), UTC) if times else None


def _size(path: Path) -> int:
    with suppress(OSError):
        return path.stat().st_size
    return 0


def _beginning(path: Path, length: int) -> bytes:
    with suppress(OSError), path.open("rb") as file:
        return file.read(length)
    return b""
