"""Specs: the workstreams as they were ordered, read from files that anybody may have written."""

import json
import os
import stat
from collections.abc import Mapping
from pathlib import Path, PurePath
from types import MappingProxyType
from typing import NamedTuple

from unjam.domain.world.identity import WorkstreamId
from unjam.domain.world.snapshot import BadSpec, Spec
from unjam.domain.world.truth import Unknown

Contents = Mapping[str, bytes | None]  # by a file's name

_COMMAND_KEYS = ("command", "cmd", "run", "test")
SIZE_LIMIT = 4 << 20  # bytes; a spec is a page of text


class SpecFacts(NamedTuple):
    """The specs that could be read, and why the others could not."""

    specs: tuple[Spec, ...] = ()
    unknown: tuple[Unknown, ...] = ()
    bad: tuple[BadSpec, ...] = ()  # the files among the unknown, one by one


class _UnreadableError(Exception):
    """Why one file is not a spec; never leaves this module."""


def read_specs(directory: Path, instead: Contents = MappingProxyType({})) -> SpecFacts:
    """Read every ``*.json`` of the directory; one bad file does not hide the others.

    The id inside counts, not the file's name. No directory means no specs. Never raises.
    ``instead`` are contents that count for the files of these names; None: there is none.
    """
    try:
        names = _names(directory, instead)
    except OSError as error:
        return SpecFacts(unknown=(_unknown(directory, error.strerror or str(error)),))
    real = os.path.realpath(directory)
    specs: dict[WorkstreamId, Spec] = {}
    bad = []
    # The shortest name first: of ws-1.json and ws-1-copy.json the copy is the duplicate.
    for name in sorted(names, key=lambda name: (len(name), name)):
        try:
            path, other = directory / name, instead.get(name)
            spec = _spec(path, _content(path, real) if other is None else other)
        except _UnreadableError as error:
            bad.append(BadSpec(directory / name, str(error)))
            continue
        first = specs.setdefault(spec.workstream, spec)
        if first is not spec:
            reason = f"{first.path.name} has the same id {spec.workstream!r}"
            bad.append(BadSpec(spec.path, reason, spec.workstream))
    ordered = sorted(specs.values(), key=lambda spec: spec.path.name)
    unknown = tuple(_unknown(one.path, one.because) for one in bad)
    return SpecFacts(tuple(ordered), unknown, tuple(bad))


def _names(directory: Path, instead: Contents) -> list[str]:
    try:
        there = {entry.name for entry in os.scandir(directory)}
    except FileNotFoundError:
        there = set()
    gone = {name for name, content in instead.items() if content is None}
    return [one for one in (there | instead.keys()) - gone if one.endswith(".json")]


def _spec(path: Path, raw: bytes) -> Spec:
    content = _object(raw)
    if not content.get("id"):
        raise _UnreadableError("it has no id")
    track = content.get("track")
    return Spec(
        workstream=_id("id", content["id"]),
        path=path,
        depends_on=_depends_on(content),
        files_scope=_texts(content.get("files_scope") or content.get("file_scope")),
        track=track if isinstance(track, str) and track else None,
        acceptance_tests=_acceptance_tests(content.get("acceptance_tests")),
    )


def depends_on(content: bytes) -> tuple[WorkstreamId, ...]:
    """Read what a spec of these bytes depends on; nothing if it is no spec."""
    try:
        return _depends_on(_object(content))
    except _UnreadableError:
        return ()


def _object(raw: bytes) -> dict[str, object]:
    try:
        content = json.loads(raw.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise _UnreadableError(f"it is not UTF-8 at byte {error.start}") from error
    except ValueError as error:
        raise _UnreadableError(f"it is not JSON: {error}") from error
    except RecursionError as error:
        raise _UnreadableError("it is nested too deeply") from error
    if not isinstance(content, dict):
        raise _UnreadableError("it is not a JSON object")
    return content


def _depends_on(content: dict[str, object]) -> tuple[WorkstreamId, ...]:
    listed = content.get("depends_on")
    if listed is None:
        return ()
    if not isinstance(listed, list):
        raise _UnreadableError(f"depends_on is {listed!r:.40}, not a list")
    return tuple(_id("depends_on", one) for one in listed)


def _acceptance_tests(listed: object) -> tuple[str, ...]:
    """Take commands and names of tests, be they texts or objects that hold one; prose says nothing."""
    entries = listed if isinstance(listed, list) else [listed]
    found = (
        next((entry[key] for key in _COMMAND_KEYS if entry.get(key)), None)
        if isinstance(entry, dict)
        else entry
        for entry in entries
    )
    return tuple(one for one in found if isinstance(one, str) and one.strip())


def _texts(listed: object) -> tuple[str, ...]:
    """Take the texts of a list; whatever else is there says nothing."""
    if isinstance(listed, str):
        return (listed,)
    return tuple(one for one in listed if isinstance(one, str)) if isinstance(listed, list) else ()


def _content(path: Path, directory: str) -> bytes:
    """Read a file of the directory, whose own path holds no link."""
    real = os.path.join(directory, path.name)  # noqa: PTH118 -- a thousand times
    if os.path.islink(real):  # noqa: PTH114 -- a thousand times
        real = os.path.realpath(real)
        if not Path(real).is_relative_to(directory):
            raise _UnreadableError("it is a link that leads out of the directory")
    try:
        # A named pipe would wait for its writer; a link put there just now is not followed.
        descriptor = os.open(real, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
    except OSError as error:
        raise _UnreadableError(error.strerror or str(error)) from error
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise _UnreadableError("it is not a regular file")
        if status.st_size > SIZE_LIMIT:
            raise _UnreadableError(f"it is larger than {SIZE_LIMIT >> 20} MB")
        return os.read(descriptor, status.st_size)
    except OSError as error:
        raise _UnreadableError(error.strerror or str(error)) from error
    finally:
        os.close(descriptor)


def _id(field: str, value: object) -> WorkstreamId:
    if not isinstance(value, str):
        raise _UnreadableError(f"{field} holds {value!r:.40}, which is not a text")
    try:
        value.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError as error:  # JSON can spell halves of characters
        raise _UnreadableError(f"{field} holds {value!r:.40}, which is no text anywhere") from error
    return WorkstreamId(value)


def _unknown(path: PurePath, because: str) -> Unknown:
    return Unknown(f"spec {path.name}", because)
