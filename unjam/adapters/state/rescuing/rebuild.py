"""Make a new database of what a damaged one still holds; the damaged one is only read."""

import os
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from unjam.adapters.state.dump import sync
from unjam.adapters.state.file import ALONE, companion_file, translated
from unjam.adapters.state.file_format import HEADER, MAGIC
from unjam.adapters.state.rescuing.pages import Pages, pages_of
from unjam.adapters.state.rescuing.rescue import Rescue, RescuedRows, SchemaObject, rescue
from unjam.domain.world.database import TableCount
from unjam.domain.world.snapshot import Scalar
from unjam.errors import PermanentError, UnjamError

LIMIT = 1 << 28  # bytes that are searched for rows; all of them are in memory then
_USER_VERSION, _APPLICATION = 60, 68


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What a new file holds, and what of the old one's schema could not be made in it."""

    counts: tuple[TableCount, ...]
    missing: tuple[str, ...] = ()  # in words: what, its name and why


def recoverable(path: Path) -> Rebuilt:
    """Count what could be had of a damaged database, and what SQLite reads of it; a copy is asked.

    What of its schema could not be had is seen by trying. Empty where nothing can be had. Raises
    UnjamError where it cannot be read at all.
    """
    with translated():
        pages = _pages(path)
        found = rescue(pages)
        counts = (_counted(one, _read_by_sqlite(path, one.table.name)) for one in found.found)
        return Rebuilt(tuple(counts), _missing(pages, found))


def _missing(pages: Pages, found: Rescue) -> tuple[str, ...]:
    with (
        suppress(sqlite3.Error, UnjamError),
        tempfile.TemporaryDirectory(prefix="unjam-") as at,
    ):
        return _write(Path(at, "new.db"), pages, found, wal=False).missing
    return ()


def rebuild(path: Path, target: Path, *, wal: bool) -> Rebuilt:
    """Write what can be had into a new file, whole or not at all, and count it there.

    Raises PermanentError where nothing can be had, or the new one is not sound.
    """
    partial = target.with_name(f"{target.name}.{os.getpid()}.partial")
    with translated():
        pages = _pages(path)
        found = rescue(pages)
        if not any(one.all for one in found.found):
            raise PermanentError("no row of it can be read, so there is nothing to rebuild")
        for side in ("", "-wal", "-shm", "-journal"):
            Path(f"{partial}{side}").unlink(missing_ok=True)
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            made = _write(partial, pages, found, wal=wal)
            sync(partial)
            partial.replace(target)
            sync(target.parent)
        finally:
            partial.unlink(missing_ok=True)
    return made


def _pages(path: Path) -> Pages:
    with ALONE:
        size = sum(
            one.stat().st_size for one in (path, companion_file(path, "-wal")) if one.exists()
        )
        if size > LIMIT:
            raise PermanentError(f"it is too large to search for rows: {size:,} bytes")
        log = companion_file(path, "-wal")
        return pages_of(
            path.read_bytes() if path.exists() else b"", log.read_bytes() if log.exists() else b""
        )


def _counted(one: RescuedRows, read: int | None) -> TableCount:
    found = one.all
    return TableCount(one.table.name, read, len(found), len(found.keys() - one.rows.keys()))


def _read_by_sqlite(path: Path, table: str) -> int | None:
    """Count the rows SQLite gives before it gives up, reading the copy it is asked of in place."""
    count = None
    with suppress(sqlite3.Error), closing(_opened(path)) as connection:
        connection.text_factory = bytes
        for _row in connection.execute(f"SELECT * FROM {_quoted(table)}"):  # noqa: S608 -- quoted
            count = (count or 0) + 1
        count = count or 0
    return count


def _opened(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=0.25)


def _write(target: Path, pages: Pages, found: Rescue, *, wal: bool) -> Rebuilt:
    os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    with closing(sqlite3.connect(target, isolation_level=None)) as made:
        made.execute(f"PRAGMA page_size = {pages.size}")
        made.execute("PRAGMA synchronous = OFF")  # it is synced as a whole, and only then named
        made.execute("PRAGMA ignore_check_constraints = ON")  # what was committed is not judged
        made.execute("BEGIN")
        virtual = [one for one in found.others if one.is_virtual]
        missing = _made(made, virtual)
        counts = [_fill(made, one) for one in found.found]
        _go_on_counting(made, found.sequences)
        missing |= _made(made, [one for one in found.others if one.kind in ("index", "view")])
        missing |= _indexed_anew(made, [one for one in virtual if one not in missing])
        missing |= _triggers(made, found.others, missing)
        made.execute("COMMIT")
        _stamp(made, pages)
        (said,) = made.execute("PRAGMA integrity_check").fetchone()
        if said != "ok":
            raise PermanentError(f"the new file is not sound: {said}")
        made.execute(f"PRAGMA journal_mode = {'WAL' if wal else 'DELETE'}")
    told = (f"{one.what} {one.name} {why}" for one, why in missing.items())
    return Rebuilt(tuple(counts), tuple(told))


Missing = dict[SchemaObject, str]


def _made(made: sqlite3.Connection, wanted: Iterable[SchemaObject]) -> Missing:
    """Make them; returns what cannot be, such as an index over damaged rows or an unknown module's."""
    missing: Missing = {}
    for one in wanted:
        try:
            made.execute(one.sql)
        except sqlite3.Error as error:
            missing[one] = f"cannot be made: {error}"
    return missing


def _indexed_anew(made: sqlite3.Connection, wanted: Iterable[SchemaObject]) -> Missing:
    """Make the index of each text table of its content; returns those where that cannot be."""
    missing: Missing = {}
    for one in wanted:
        name = _quoted(one.name)
        commands = ["rebuild"] if one.is_indexed_text else []
        definition = " ".join(one.sql.lower().split())
        is_text = "using fts" in definition
        try:
            for command in (*commands, *(["integrity-check"] if is_text else ())):
                made.execute(f"INSERT INTO {name}({name}) VALUES (?)", (command,))  # noqa: S608 -- quoted
            if "using rtree" in definition:
                (said,) = made.execute("SELECT rtreecheck(?)", (one.name,)).fetchone()
                missing |= {} if said == "ok" else {one: f"is there, and damaged: {said}"}
        except sqlite3.Error as error:
            missing[one] = f"is there, and its index is damaged: {error}"
    return missing


def _triggers(
    made: sqlite3.Connection, others: Iterable[SchemaObject], missing: Missing
) -> Missing:
    """Make the triggers, but for those that would fail at each write since what they name is not there."""
    gone = [one.name.lower() for one in missing if one.kind in ("table", "view")]
    triggers = [one for one in others if one.kind == "trigger"]
    broken = [one for one in triggers if any(name in one.sql.lower() for name in gone)]
    left = _made(made, [one for one in triggers if one not in broken])
    return left | dict.fromkeys(broken, "is left out: what it names is missing")


def _fill(made: sqlite3.Connection, one: RescuedRows) -> TableCount:
    table = one.table
    known = made.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (table.name,)).fetchone()
    if known is None:
        made.execute(table.sql)
    else:  # a virtual table made it, with rows of an empty one
        made.execute(f"DELETE FROM {_quoted(table.name)}")  # noqa: S608 -- quoted
    for rowid, values in (*one.rows.items(), *one.loose.items()):
        made.execute(*_insert(one, rowid, values))
    (count,) = made.execute(f"SELECT count(*) FROM {_quoted(table.name)}").fetchone()  # noqa: S608 -- quoted
    return TableCount(table.name, None, int(count), max(0, int(count) - len(one.rows)))


def _go_on_counting(made: sqlite3.Connection, sequences: Iterable[tuple[str, int]]) -> None:
    """Let AUTOINCREMENT give no number again that it gave once, to a row that was deleted since."""
    counting = "SELECT name FROM sqlite_master WHERE sql LIKE '%AUTOINCREMENT%'"
    tables = {str(name) for (name,) in made.execute(counting)}
    for table, last in sequences:
        if table not in tables:
            continue
        made.execute("UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = ?", (last, table))
        made.execute(
            "INSERT INTO sqlite_sequence (name, seq) SELECT ?1, ?2 WHERE NOT EXISTS "
            "(SELECT 1 FROM sqlite_sequence WHERE name = ?1)",
            (table, last),
        )


def _insert(
    one: RescuedRows, rowid: int, values: tuple[Scalar, ...]
) -> tuple[str, tuple[Scalar, ...]]:
    table = one.table
    pairs = zip(table.columns, map(_storable, values), strict=False)
    given = {column.name: value for column, value in pairs if not column.is_generated}
    if table.has_rowid and table.alias is None:
        given = _with_rowid(given, rowid)
    listed = ", ".join(map(_quoted, given))
    marks = ", ".join(map(_mark, given.values()))
    sql = f"INSERT OR IGNORE INTO {_quoted(table.name)} ({listed}) VALUES ({marks})"  # noqa: S608 -- quoted
    return sql, tuple(value.text if isinstance(value, _Text) else value for value in given.values())


def _with_rowid(given: "dict[str, Scalar | _Text]", rowid: int) -> "dict[str, Scalar | _Text]":
    """Add the rowid by a name of it that no column has taken."""
    taken = {name.lower() for name in given}
    free = [name for name in ("rowid", "_rowid_", "oid") if name not in taken]
    return {free[0]: rowid, **given} if free else given


class _Text:
    """Text that is not UTF-8, byte for byte."""

    def __init__(self, text: bytes) -> None:
        self.text = text


def _storable(value: Scalar) -> "Scalar | _Text":
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            return _Text(value.encode("utf-8", "surrogateescape"))
    return value


def _mark(value: "Scalar | _Text") -> str:
    return "CAST(? AS TEXT)" if isinstance(value, _Text) else "?"


def _stamp(made: sqlite3.Connection, pages: Pages) -> None:
    header = pages.page(1)[:HEADER]
    if header.startswith(MAGIC):
        for name, at in (("user_version", _USER_VERSION), ("application_id", _APPLICATION)):
            value = int.from_bytes(header[at : at + 4], "big", signed=True)
            made.execute(f"PRAGMA {name} = {value}")


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def tables_in(connection: sqlite3.Connection) -> Iterator[str]:
    """Yield the names of the tables that hold rows of somebody's."""
    query = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name"
    return (str(name) for (name,) in connection.execute(query).fetchall())
