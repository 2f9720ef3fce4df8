"""Copy a state's files into the vault: the database and everything beside it, byte for byte where it rests."""

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from unjam.adapters.state.dump import copy_database, sync
from unjam.adapters.state.file import ALONE, companion_file, translated
from unjam.domain.world.database import SIDES
from unjam.errors import UnjamError

_TRIES = 3


def copy_files(
    path: Path,
    folder: Path,
    deleted: Mapping[str, Path] | None = None,
    tries: int = _TRIES,
    between: Callable[[], None] = lambda: None,
) -> tuple[Path, ...]:
    """Copy what is there into a folder, and prove that it is the same; copied already is fine.

    ``deleted`` are further files by the name they get, such as a log that lost its name while its
    process lives. The database comes first and the rest after it, so that no commit is cut in two;
    if anything is written meanwhile, it is done again. Where that does not end, SQLite's own backup
    takes all that is committed as one file, and raises TransientError where it takes too long.
    """
    sources = {f"{path.name}{side}": companion_file(path, side) for side in SIDES} | dict(
        deleted or {}
    )
    try:
        with translated(), ALONE:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            for _ in range(tries):
                before = _stamps(sources)
                copies = [_copied(one, folder / name) for name, one in sources.items()]
                if _stamps(sources) == before and _is_same(sources, folder):
                    sync(folder)
                    sync(folder.parent)
                    return tuple(one for one in copies if one is not None)
                between()
    except UnjamError as error:
        raise type(error)(f"copy of state {path}: {error}") from error
    return _backed_up(path, folder, deleted or {})


def _backed_up(path: Path, folder: Path, deleted: Mapping[str, Path]) -> tuple[Path, ...]:
    """Copy what is written without a pause; nothing of an earlier try stays beside it."""
    target = folder / path.name
    made = target.with_name(f"{target.name}.backup")
    with translated(), ALONE:
        made.unlink(missing_ok=True)  # of a try that was killed
        copy_database(str(companion_file(path, "")), made)
        for side in SIDES[1:]:
            (folder / f"{path.name}{side}").unlink(missing_ok=True)
        made.replace(target)
        copies = [_copied(source, folder / name) for name, source in deleted.items()]
        sync(folder)
        sync(folder.parent)
    return (target, *(one for one in copies if one is not None))


@contextmanager
def held_open(sources: Mapping[str, Path]) -> Iterator[dict[str, BinaryIO]]:
    """Keep files readable that would be gone with the process that has them open."""
    with ExitStack() as until_closed:
        files: dict[str, BinaryIO] = {}
        for name, source in sources.items():
            with suppress(OSError):
                files[name] = until_closed.enter_context(source.open("rb"))
        yield files


def save(file: BinaryIO, target: Path) -> Path:
    """Copy all of an open file, as it is now; what is there of an earlier copy is replaced."""
    with translated():
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        partial = target.with_name(f"{target.name}.{os.getpid()}.partial")
        descriptor = os.open(partial, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
        with os.fdopen(descriptor, "wb") as copy:
            file.seek(0)
            shutil.copyfileobj(file, copy, 1 << 20)
        sync(partial)
        partial.replace(target)
        sync(target.parent)
    return target


def _copied(source: Path, target: Path) -> Path | None:
    """Copy one file; what is there of an earlier try goes when the new one is whole."""
    partial = target.with_name(f"{target.name}.{os.getpid()}.partial")
    try:
        with source.open("rb") as file:
            descriptor = os.open(partial, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
            with os.fdopen(descriptor, "wb") as copy:
                shutil.copyfileobj(file, copy, 1 << 20)
    except FileNotFoundError:
        target.unlink(missing_ok=True)  # of an earlier try: it does not belong to this database
        return None
    with suppress(OSError):
        shutil.copystat(source, partial)
        partial.chmod(0o600)
    sync(partial)
    partial.replace(target)
    return target


def _is_same(sources: Mapping[str, Path], folder: Path) -> bool:
    """Read back: a write that changes no time stamp is seen by its bytes."""
    return all(
        digest(folder / name) == digest(source)
        for name, source in sources.items()
        if not name.endswith("-shm") and source.exists()
    )


def digest(path: Path) -> str:
    """Return the SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _stamps(sources: Mapping[str, Path]) -> dict[str, tuple[int, int, int]]:
    stamps = {}
    for name, path in sources.items():
        if not name.endswith("-shm"):  # a reader's mark in it changes nothing of what is stored
            with suppress(OSError):
                status = path.stat()
                stamps[name] = (status.st_ino, status.st_size, status.st_mtime_ns)
    return stamps
