"""Our own append-only record of what we intended and did: one file of JSON lines per run.

A record is on disk when ``append`` returns. A process killed while it writes leaves a torn last
line, which no reader takes for a record and the next append leaves behind.
"""

import json
import os
import re
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from unjam.errors import PermanentError, TransientError, UsageError

Record = dict[str, Any]
_RUN_ID = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{4,16}", re.ASCII)
_SUFFIX = ".jsonl"


def new_run_id(at: datetime) -> str:
    """Make an id that sorts by time and that nobody else makes: ``20261122T150000Z-3f2a``.

    Three of the last digits are parts of the second, for runs that follow each other closely.
    """
    part = at.microsecond * 0x1000 // 1_000_000
    return f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}-{part:03x}{os.urandom(1)[0] & 0xF:x}"


def runs(common: Path) -> list[str]:
    """Return the ids of every run, newest last."""
    try:
        names = [path.name for path in _folder(common).iterdir()]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise PermanentError(f"cannot list {_folder(common)}: {error.strerror}") from error
    ids = (name.removesuffix(_SUFFIX) for name in names if name.endswith(_SUFFIX))
    return sorted(one for one in ids if _RUN_ID.fullmatch(one))


def read(common: Path, run: str) -> list[Record]:
    """Return the records of one run, in order; raises UsageError when there is no such run."""
    path = _path(common, run)
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
        with os.fdopen(handle, "rb") as file:
            lines = file.read().split(b"\n")
    except FileNotFoundError:
        raise UsageError(f"no run {run}; `unjam history` lists them") from None
    except OSError as error:
        raise PermanentError(f"cannot read {path}: {error.strerror}") from error
    return [record for line in lines if (record := _record(line)) is not None]


def scrub(common: Path, run: str, holds: Callable[[Record], bool], event: str) -> bool:
    """Take the records out of a journal for which ``holds``, and note the event; False where there are none.

    The journal is replaced whole, by the one who holds the lease: nobody else appends to it.
    """
    path = _path(common, run)
    records = read(common, run)
    left = [one for one in records if not holds(one)]
    if len(left) == len(records):
        return False
    partial = path.with_name(f".{path.name}.partial")
    partial.unlink(missing_ok=True)
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        for one in (*left, {"event": event, "records": len(records) - len(left)}):
            file.write(json.dumps(one, ensure_ascii=True, separators=(",", ":")) + "\n")
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
    _sync(path.parent)
    return True


class Journal:
    """The journal of one run, open for appending; its threads take turns."""

    def __init__(self, path: Path, handle: int) -> None:
        self.path = path
        self._handle = handle
        self._turn = threading.Lock()

    @classmethod
    def open(cls, common: Path, run: str) -> "Journal":
        """Open or begin the journal of a run; raises UsageError for what is no run id."""
        path = _path(common, run)
        try:
            _make(common, path.parent)
            flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
            handle = os.open(path, flags, 0o600)
            _sync(path.parent)
        except OSError as error:
            raise PermanentError(f"cannot open the journal {path}: {error.strerror}") from error
        return cls(path, handle)

    def append(self, record: Mapping[str, Any]) -> None:
        """Write one record durably; raises TransientError when the disk would not take it."""
        line = json.dumps(record, ensure_ascii=True, separators=(",", ":")).encode("ascii") + b"\n"
        with self._turn:
            try:
                self._write(line)
            except OSError as error:
                text = f"cannot write the journal {self.path}: {error.strerror}"
                raise TransientError(text) from error

    def close(self) -> None:
        """Give the file back; the records are on disk already."""
        with self._turn:
            if self._handle >= 0:
                os.close(self._handle)
            self._handle = -1

    def __del__(self) -> None:
        if self._handle >= 0:
            os.close(self._handle)

    def _write(self, line: bytes) -> None:
        rest = b"\n" + line if self._is_torn() else line
        while rest:
            rest = rest[os.write(self._handle, rest) :]
        os.fsync(self._handle)

    def _is_torn(self) -> bool:
        size = os.fstat(self._handle).st_size
        return size > 0 and os.pread(self._handle, 1, size - 1) != b"\n"


def _folder(common: Path) -> Path:
    return common / "unjam" / "journal"


def _path(common: Path, run: str) -> Path:
    if not _RUN_ID.fullmatch(run):
        raise UsageError(f"{run!r} is not a run; `unjam history` lists them")
    return _folder(common) / f"{run}{_SUFFIX}"


def _make(common: Path, folder: Path) -> None:
    for one in (folder.parent, folder):
        one.mkdir(mode=0o700, exist_ok=True)
    _sync(folder.parent)
    _sync(common)


def _sync(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _record(line: bytes) -> Record | None:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
