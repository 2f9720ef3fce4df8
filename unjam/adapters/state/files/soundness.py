"""What SQLite says of a state file, without a trace in it."""

import shutil
import sqlite3
import sys
import tempfile
from contextlib import closing, suppress
from pathlib import Path

from unjam.adapters.state.file import ALONE, COPY_LIMIT, companion_file, opened_to_read, translated
from unjam.adapters.state.file_format import MAGIC
from unjam.adapters.state.rescuing.rebuild import tables_in
from unjam.domain.world.database import Soundness
from unjam.errors import TransientError, UnjamError

_SHOWN = 3  # complaints
_LAST_FRAME = slice(16, 20)  # of the index of a log


def soundness_of(path: Path, *, thorough: bool = False) -> tuple[Soundness, str]:
    """Tell what a file is, and why it is not sound; never raises, never waits long.

    ``thorough`` compares the indices with their tables too, which reads everything twice.
    """
    try:
        with translated(), ALONE:
            return _by_its_bytes(path) or _by_sqlite(path, thorough=thorough)
    except TransientError as error:
        return Soundness.UNREAD, str(error)
    except UnjamError as error:
        if isinstance(error.__cause__, sqlite3.DatabaseError) and _is_damage(error.__cause__):
            return Soundness.MALFORMED, str(error)
        return Soundness.UNREAD, str(error)


def _by_its_bytes(path: Path) -> tuple[Soundness, str] | None:
    if not path.is_file():
        return Soundness.UNREAD, "it is not a regular file"
    if path.stat().st_size == 0:
        return Soundness.EMPTY, "the file has no bytes"
    with path.open("rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            return Soundness.FOREIGN, "it does not begin as a SQLite database does"
    return None


def _by_sqlite(path: Path, *, thorough: bool) -> tuple[Soundness, str]:
    check = "integrity_check" if thorough else "quick_check"
    with opened_to_read(path) as connection:
        complaints = _complaints(connection, check)
    if complaints:
        return Soundness.MALFORMED, "; ".join(complaints)
    return Soundness.SOUND, ""


def _complaints(connection: sqlite3.Connection, check: str) -> list[str]:
    """Ask SQLite to look through everything; what it says is cut short."""
    found = [str(said) for (said,) in connection.execute(f"PRAGMA {check}({_SHOWN})")]
    said = " ".join(" ".join(found).replace("*** in database main ***", "").split())
    return [] if said == "ok" else [said]


def frames_seen(path: Path) -> int | None:
    """Return how many frames of its log SQLite would use, by a copy; None where it cannot tell.

    Behind a damaged frame it uses none, and says nothing of it.
    """
    log = companion_file(path, "-wal")
    with (
        suppress(OSError, sqlite3.Error),
        ALONE,
        tempfile.TemporaryDirectory(prefix="unjam-") as at,
    ):
        if path.stat().st_size + log.stat().st_size > COPY_LIMIT:
            return None
        copy = Path(at, "state.db")
        copy.write_bytes(path.read_bytes())
        companion_file(copy, "-wal").write_bytes(log.read_bytes())
        with closing(sqlite3.connect(copy)) as connection:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            head = companion_file(copy, "-shm").read_bytes()[_LAST_FRAME]
        return int.from_bytes(head, sys.byteorder)
    return None


def _is_damage(error: sqlite3.Error) -> bool:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def row_counts(path: Path, log: Path | None = None) -> dict[str, int]:
    """Count the rows of every table, as SQLite reads a copy of the files. Raises UnjamError.

    ``log`` is another one than that beside it.
    """
    with translated(), ALONE, tempfile.TemporaryDirectory(prefix="unjam-") as at:
        copy = Path(at, "state.db")
        for side in ("", "-wal", "-journal"):
            if companion_file(path, side).exists():
                shutil.copyfile(companion_file(path, side), companion_file(copy, side))
        if log is not None:
            shutil.copyfile(log, companion_file(copy, "-wal"))
        return _counts(copy)


def row_counts_in_place(path: Path) -> dict[str, int]:
    """Count the rows of every table where others may be writing: no bytes are copied. Raises UnjamError."""
    with opened_to_read(path) as connection:
        return _counted(connection)


def _counts(path: Path) -> dict[str, int]:
    with closing(sqlite3.connect(path)) as connection:
        return _counted(connection)


def _counted(connection: sqlite3.Connection) -> dict[str, int]:
    return {
        name: int(connection.execute(f"SELECT count(*) FROM {_quoted(name)}").fetchone()[0])  # noqa: S608 -- quoted
        for name in tables_in(connection)
    }


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
