"""Read a configuration file once: what is judged by its digest are the bytes that are parsed."""

import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unjam.errors import UsageError

Content = dict[str, Any]
_LARGEST = 4 << 20  # bytes; no person writes more, and an agent can write as much as it likes


@dataclass(frozen=True, slots=True)
class TomlFile:
    """What was read."""

    path: Path
    content: Content
    digest: str  # of the bytes


def read_toml(path: Path, *, private: bool = False) -> TomlFile:
    """Read and parse a file; raises UsageError. A ``private`` one may be written by this person alone."""
    return parsed(path, read_bytes(path, private=private))


def parsed(path: Path, raw: bytes) -> TomlFile:
    """Parse what was read from a file; raises UsageError."""
    import tomllib

    try:
        content = tomllib.loads(raw.decode())
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: not UTF-8 at byte {error.start}") from None
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path}: not TOML: {error}") from None
    except (RecursionError, ValueError):  # what its parser does not say of its own accord
        raise UsageError(f"{path}: nested too deep, or a number too long") from None
    return TomlFile(path, content, digest_of(raw))


def read_bytes(path: Path, *, private: bool = False) -> bytes:
    """Read a regular file, links followed, without waiting for a pipe's writer; raises UsageError."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None
    about = os.fstat(handle)
    if not stat.S_ISREG(about.st_mode):
        os.close(handle)
        raise UsageError(f"{path}: not a regular file")
    with os.fdopen(handle, "rb") as file:
        if private and (about.st_uid not in (os.geteuid(), 0) or about.st_mode & stat.S_IWOTH):
            raise UsageError(f"{path}: others may write it; make it yours alone with chmod 600")
        raw = file.read(_LARGEST + 1)
    if len(raw) > _LARGEST:
        raise UsageError(f"{path}: larger than {_LARGEST >> 20} MB; no configuration is")
    return raw


def digest_of(raw: bytes) -> str:
    """Return what stands for this content and no other."""
    return hashlib.sha256(raw).hexdigest()
