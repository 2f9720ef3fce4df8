"""Whatever the domain says can be written down as JSON and read back exactly."""

import dataclasses
import json
import typing
from datetime import UTC, datetime
from pathlib import PurePath, PurePosixPath
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unjam.domain.catalogue.codec import UnreadableRecordError, from_record, to_record
from unjam.domain.steps import plan
from unjam.domain.steps.change import Change, MoveRef, UpdateRow
from unjam.domain.steps.outcome import Outcome
from unjam.domain.world.finding import Evidence, Finding, Severity, Subject
from unjam.domain.world.identity import Scenario
from unjam.domain.world.snapshot import Process, Row, State

CHANGES = typing.get_args(Change)
STEPS = [
    one
    for one in vars(plan).values()
    if isinstance(one, type) and issubclass(one, plan.Step) and one is not plan.Step
]
# Text as it comes from disk: any bytes, the undecodable ones as surrogate escapes.
TEXT = st.one_of(
    st.text(max_size=8),
    st.binary(max_size=8).map(lambda raw: raw.decode("utf-8", "surrogateescape")),
)
PLAIN: dict[type, st.SearchStrategy[Any]] = {
    str: TEXT,
    bytes: st.binary(max_size=8),
    float: st.floats(allow_nan=False),
    # The fold says nothing in UTC, and ISO has no word for it.
    datetime: st.datetimes(timezones=st.just(UTC)).map(lambda one: one.replace(fold=0)),
    PurePath: st.lists(TEXT.filter(lambda one: "/" not in one), max_size=3)
    .map("/".join)
    .map(PurePosixPath),
}


def values(kind: Any) -> st.SearchStrategy[Any]:
    """Values of a dataclass, its paths as this system has them."""
    hints = typing.get_type_hints(kind)
    return st.builds(
        kind, **{field.name: of_hint(hints[field.name]) for field in dataclasses.fields(kind)}
    )


def of_hint(hint: Any) -> st.SearchStrategy[Any]:
    hint = getattr(hint, "__supertype__", hint)
    arguments = typing.get_args(hint)
    if typing.get_origin(hint) is tuple:
        if len(arguments) == 2 and arguments[1] is Ellipsis:
            return st.lists(of_hint(arguments[0]), max_size=3).map(tuple)
        return st.tuples(*map(of_hint, arguments))
    if arguments:
        return st.one_of(*map(of_hint, arguments))
    if dataclasses.is_dataclass(hint):
        return values(hint)
    return PLAIN[hint] if hint in PLAIN else st.from_type(hint)


def there_and_back(value: object) -> object:
    text = json.dumps(to_record(value), ensure_ascii=True)
    assert text.isascii()
    return from_record(json.loads(text))


@pytest.mark.parametrize("kind", [*CHANGES, *STEPS, Outcome, Finding, Process, Row, State])
@given(data=st.data())
def test_every_kind_comes_back_exactly(kind: type, data: st.DataObject) -> None:
    value = data.draw(values(kind))

    again = there_and_back(value)

    assert again == value
    assert repr(again) == repr(value)  # 1 and 1.0 are equal, and not the same


@given(st.lists(st.one_of(st.none(), st.integers(), st.floats(), TEXT, st.binary(max_size=8))))
def test_a_column_keeps_its_type(column: list[Any]) -> None:
    row = UpdateRow(typing.cast(Any, "ws"), tuple(("c", one) for one in column), ())

    assert repr(there_and_back(row)) == repr(row)


def test_a_record_names_its_kind() -> None:
    record = to_record(MoveRef("refs/heads/a", None, typing.cast(Any, "1" * 40)))

    assert record == {
        "kind": "MoveRef",
        "fields": {"ref": "refs/heads/a", "old": None, "new": "1" * 40, "logged": True},
    }


def test_fields_called_kind_are_no_trouble() -> None:
    finding = Finding(
        scenario=Scenario("orchestrator_crash"),
        cause="dead",
        severity=Severity.ERROR,
        summary="",
        subjects=(Subject("worktree", "one"),),
        evidence=(Evidence("git", "a fact"),),
    )

    assert there_and_back(finding) == finding


@pytest.mark.parametrize(
    "record",
    [
        None,
        [],
        "MoveRef",
        {},
        {"kind": "MoveRef"},
        {"kind": "Path", "fields": {}},
        {"kind": "MoveRef", "fields": []},
        {"kind": "MoveRef", "fields": {"ref": "a"}},
        {"kind": "MoveRef", "fields": {"ref": 1, "old": None, "new": None}},
        {"kind": "MoveRef", "fields": {"ref": "a", "old": 1.5, "new": None}},
        {"kind": "MoveRef", "fields": {"ref": "a", "old": None, "new": None, "later": 1}},
        {
            "kind": "AbortOperation",
            "fields": {"path": "a", "admin": "b", "operation": "melt", "salvage": "c"},
        },
        {
            "kind": "MoveCheckout",
            "fields": {
                "path": "a",
                "admin": "b",
                "old": {"kind": "MoveRef", "fields": {"ref": "a", "old": None, "new": None}},
                "new": None,
            },
        },
    ],
)
def test_a_record_that_does_not_fit_is_refused(record: object) -> None:
    with pytest.raises(UnreadableRecordError):
        from_record(record)


def test_what_is_not_the_domains_cannot_be_written() -> None:
    with pytest.raises(TypeError):
        to_record(object())
    with pytest.raises(TypeError):
        to_record([1])
