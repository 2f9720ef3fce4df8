"""What tests said before: of each tree, and of each trunk, below the Git common directory.

Everything in there was paid for with test runs; losing it costs time and nothing else. What is
damaged is left out.
"""

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from unjam.errors import PermanentError, RefusedError

_LARGEST = 256 << 20  # bytes
_PRIVATE = 0o600


@contextmanager
def one_search(folder: Path) -> Iterator[None]:
    """Let one search of a repository run at a time; raises RefusedError while another does."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, _PRIVATE)
    except OSError as error:
        raise PermanentError(f"cannot write below {folder}: {error.strerror}") from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise RefusedError("another search for a culprit is at work here") from error
        yield
    finally:
        os.close(handle)


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Read one JSON object a line; a torn line is left out."""
    found = []
    for line in (_content(path) or b"").splitlines():
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if isinstance(record, dict):
            found.append(record)
    return found


def append_line(path: Path, record: Mapping[str, Any]) -> None:
    """Add one object; a torn line before it keeps to itself."""
    line = json.dumps(record, separators=(",", ":")).encode()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW
        with os.fdopen(os.open(path, flags, _PRIVATE), "ab", buffering=0) as file:
            file.write(b"\n" + line + b"\n")
    except OSError as error:
        raise PermanentError(f"cannot write {path}: {error.strerror}") from error


def read_document(path: Path) -> dict[str, Any] | None:
    """Read one JSON object; None where there is no whole one."""
    try:
        found = json.loads(_content(path) or b"null")
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def write_document(path: Path, document: Mapping[str, Any]) -> None:
    """Write one JSON object, whole or not at all."""
    write_page(path, json.dumps(document))


def _content(path: Path) -> bytes | None:
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
            return file.read(_LARGEST)
    except OSError:
        return None


def write_page(path: Path, text: str) -> None:
    """Write a page for a person, whole or not at all."""
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        scratch.write_text(text, errors="backslashreplace")
        scratch.replace(path)
    except OSError as error:
        raise PermanentError(f"cannot write {path}: {error.strerror}") from error
