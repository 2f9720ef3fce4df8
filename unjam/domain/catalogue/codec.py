"""Write values of the domain down as plain JSON, and read them back exactly.

Journals outlive versions and can be written by others: only what the domain itself defines is
read back, and a record that does not fit raises.
"""

import base64
import dataclasses
import functools
import types
import typing
from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from pathlib import PurePath
from typing import Any, Union

from unjam.domain.catalogue.steps import STEPS
from unjam.domain.steps import change, outcome, plan
from unjam.domain.world import finding, identity, snapshot, trials, truth
from unjam.domain.world.agents import signs
from unjam.errors import PermanentError

_MODULES = (change, finding, identity, outcome, plan, signs, snapshot, trials, truth)
_BYTES = "base64"


class UnreadableRecordError(PermanentError):
    """A record is damaged, or of a version that knows more than this one."""


def to_record(value: Any) -> Any:
    """Turn a value of the domain into what ``json`` can write; a dataclass carries its kind."""
    match value:
        case StrEnum() | PurePath():
            record: Any = str(value)
        case None | str() | int() | float():
            record = value
        case bytes():
            record = {_BYTES: base64.b64encode(value).decode("ascii")}
        case datetime():
            record = value.isoformat()
        case tuple():
            record = [to_record(one) for one in value]
        case frozenset():
            record = sorted((to_record(one) for one in value), key=repr)
        case _:
            record = _tagged(value)
    return record


def from_record(record: Any) -> Any:
    """Read a dataclass of the domain back; raises UnreadableRecordError if it is none."""
    try:
        return _dataclass(record)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise UnreadableRecordError(f"cannot read a record of the journal: {error}") from error


@functools.cache
def _kinds() -> Mapping[str, Any]:
    found = (one for module in _MODULES for one in vars(module).values())
    values = {one.__name__: one for one in found if isinstance(one, type) and _is_ours(one)}
    return values | {row.name: row.type() for row in STEPS}


def _is_ours(kind: type) -> bool:
    return dataclasses.is_dataclass(kind) and kind.__module__.startswith("unjam.domain.")


def _tagged(value: Any) -> dict[str, Any]:
    name = type(value).__name__
    if _kinds().get(name) is not type(value):
        raise TypeError(f"{name} is no value of the domain")
    own = {field: to_record(getattr(value, field)) for field in _hints(_kinds()[name])}
    return {"kind": name, "fields": own}


@functools.cache
def _hints(kind: type) -> Mapping[str, Any]:
    hints = typing.get_type_hints(kind)
    return {one.name: hints[one.name] for one in dataclasses.fields(kind)}


def _dataclass(record: Any) -> Any:
    kind = _kinds()[record["kind"]]
    hints, fields = _hints(kind), record["fields"]
    unknown = fields.keys() - hints.keys()
    if unknown:
        raise ValueError(f"{kind.__name__} has no {min(unknown)}")
    return kind(**{name: _value(hints[name], one) for name, one in fields.items()})


def _value(hint: Any, record: Any) -> Any:
    """Read a value as what its field is declared to be."""
    hint = getattr(hint, "__supertype__", hint)
    origin = typing.get_origin(hint)
    if origin in (Union, types.UnionType):
        return _one_of(typing.get_args(hint), record)
    if origin is tuple:
        return _tuple(typing.get_args(hint), record)
    if origin is frozenset:
        return frozenset(_value(typing.get_args(hint)[0], one) for one in record)
    return _plain(hint, record)


def _plain(hint: Any, record: Any) -> Any:
    if dataclasses.is_dataclass(hint):
        value = _dataclass(record)
    elif hint is bytes:
        value = base64.b64decode(record[_BYTES], validate=True)
    elif hint is datetime:
        value = datetime.fromisoformat(record)
    elif issubclass(hint, StrEnum | PurePath):
        value = hint(record)
    else:
        value = record
    if not isinstance(value, int | float if hint is float else hint):
        raise TypeError(f"{value!r:.80} is no {hint.__name__}")
    return value


def _one_of(hints: Iterable[Any], record: Any) -> Any:
    """Read a union: the first member that the record fits exactly."""
    for hint in hints:
        try:
            value = _value(hint, record)
        except (ValueError, TypeError, KeyError, AttributeError):
            continue
        # By their text: 1 and 1.0 are two values of a column, and NaN equals nothing.
        if dataclasses.is_dataclass(value) or repr(to_record(value)) == repr(record):
            return value
    raise TypeError(f"{record!r:.80} fits none of the declared types")


def _tuple(hints: tuple[Any, ...], record: Any) -> tuple[Any, ...]:
    if not isinstance(record, list):
        raise TypeError(f"{record!r:.80} is no list")
    if len(hints) == 2 and hints[1] is Ellipsis:  # noqa: PLR2004 -- tuple[X, ...]
        return tuple(_value(hints[0], one) for one in record)
    return tuple(_value(hint, one) for hint, one in zip(hints, record, strict=True))
