"""Put another database in the place of the state, with everything beside it, and keep the old one.

At every instant there is a whole file of its name, the old one or the new. SQLite takes any
``-wal`` or ``-journal`` it finds for the database's own, so that the old ones have to go before the
new database comes, and those that belong to it come after. A killed exchange is carried on.
"""

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum
from pathlib import Path

from unjam.adapters.state.dump import sync
from unjam.adapters.state.file import ALONE, companion_file, lenient, opened_to_read, translated
from unjam.adapters.state.files.raw_copy import digest
from unjam.adapters.state.rescuing.rebuild import tables_in
from unjam.errors import PermanentError, RefusedError, TransientError, UnjamError

_BESIDE = ("-journal", "-wal", "-shm")
_LOCKED = (0x40000000, 512)  # everything SQLite locks in a database


class ExchangeStage(StrEnum):
    """How far an exchange is."""

    BEFORE = "before"
    BETWEEN = "between"
    AFTER = "after"
    NOWHERE = "nowhere"  # neither the one nor the other is there


def exchange(path: Path, incoming: Path, outgoing: Path) -> None:
    """Move the files of the state to ``outgoing``, and those in ``incoming`` to its place.

    Both are folders on its file system. Done already is fine. Raises TransientError while somebody
    holds a lock on it, RefusedError where what is there is not what was meant.
    """
    place = Path(os.path.realpath(path))
    with translated(), ALONE:
        stage = stage_of(path, incoming, outgoing)
        if stage is ExchangeStage.AFTER:
            return
        if stage is ExchangeStage.NOWHERE:
            raise PermanentError(f"{incoming} holds nothing to put in the place of {path}")
        outgoing.mkdir(mode=0o700, parents=True, exist_ok=True)
        if (incoming / place.name).exists():
            with _held(place):
                _put_away(place, outgoing)
                _bring(place, incoming)
        for side in _BESIDE:
            if (incoming / f"{place.name}{side}").exists():
                (incoming / f"{place.name}{side}").rename(companion_file(place, side))
        for folder in (incoming, outgoing, place.parent):
            sync(folder)


def stage_of(path: Path, incoming: Path, outgoing: Path) -> ExchangeStage:
    """Tell how far an exchange is, by what is in the two folders."""
    name = Path(os.path.realpath(path)).name
    waiting, kept = (incoming / name).exists(), (outgoing / name).exists()
    if waiting:
        return ExchangeStage.BETWEEN if kept else ExchangeStage.BEFORE
    if not kept:
        return ExchangeStage.NOWHERE
    left = any((incoming / f"{name}{side}").exists() for side in _BESIDE)
    return ExchangeStage.BETWEEN if left else ExchangeStage.AFTER


def bring_log(path: Path, log: Path) -> None:
    """Give a log that was deleted under its writer its name back; done already is fine.

    What is there in its place, empty or an index of nothing, is kept beside where the log was.
    """
    with translated(), ALONE:
        if not log.exists():
            return
        for side in ("-wal", "-shm"):
            there = companion_file(path, side)
            if there.exists():
                there.rename(log.with_name(f"{there.name}.aside"))
        log.rename(companion_file(path, "-wal"))
        sync(log.parent)
        sync(path.parent)


def digest_of(path: Path) -> str:
    """Return what stands for all rows of a database; of one that cannot be read, for its bytes."""
    try:
        return f"rows {_rows_digest(path)}"
    except UnjamError:
        with ALONE, translated():
            return f"bytes {digest(path)}"


def _rows_digest(path: Path) -> str:
    found = hashlib.sha256()
    with opened_to_read(path) as connection:
        connection.text_factory = lenient
        for table in tables_in(connection):
            quoted = '"' + table.replace('"', '""') + '"'
            found.update(repr(table).encode("utf-8", "surrogateescape"))
            rows = [repr(row) for row in connection.execute(f"SELECT * FROM {quoted}")]  # noqa: S608 -- quoted
            found.update("\n".join(sorted(rows)).encode("utf-8", "surrogateescape"))
    return found.hexdigest()[:32]


def _put_away(place: Path, outgoing: Path) -> None:
    kept = outgoing / place.name
    if not kept.exists():
        os.link(place, kept)  # its name stays until the other one has it
        sync(outgoing)
    elif not kept.samefile(place):
        raise RefusedError(f"{place} is not the file that was put away as {kept}")
    for side in _BESIDE:
        if companion_file(place, side).exists():
            companion_file(place, side).rename(outgoing / f"{place.name}{side}")
    sync(outgoing)
    sync(place.parent)


def _bring(place: Path, incoming: Path) -> None:
    new, status = incoming / place.name, place.stat()
    new.chmod(status.st_mode & 0o7777)
    with suppress(PermissionError):
        os.chown(new, status.st_uid, status.st_gid)
    sync(new)
    new.replace(place)
    sync(place.parent)


@contextmanager
def _held(place: Path) -> Iterator[None]:
    """Keep every user of SQLite out while its files are moved."""
    with place.open("r+b") as file:
        first, length = _LOCKED
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, length, first)
        except OSError as error:
            raise TransientError("somebody holds a lock on it") from error
        yield
