"""An entry leaves ``depends_on``; every other byte of the file is as it was."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unjam.domain.scenarios.shared.spec_edit import with_context, without_dependencies

EDITS = [
    ('{"id": "a", "depends_on": ["x"]}', '{"id": "a", "depends_on": []}'),
    ('{"depends_on": ["x", "y"]}', '{"depends_on": ["y"]}'),
    ('{"depends_on": ["y", "x"]}', '{"depends_on": ["y"]}'),
    ('{"depends_on": ["y" ,"x",  "z"]}', '{"depends_on": ["y",  "z"]}'),
    ('{"depends_on": ["x", "y", "x"]}', '{"depends_on": ["y"]}'),
    ('{"depends_on": [\n    "x",\n    "y"\n  ]\n}\n', '{"depends_on": [\n    "y"\n  ]\n}\n'),
    ('{"depends_on": [\n    "y",\n    "x"\n  ]\n}\n', '{"depends_on": [\n    "y"\n  ]\n}\n'),
    ('{\r\n\t"depends_on": [\r\n\t\t"x"\r\n\t]\r\n}', '{\r\n\t"depends_on": []\r\n}'),
    ('\ufeff{"depends_on": ["x"], "ü": "\\ud83d"}  ', '\ufeff{"depends_on": [], "ü": "\\ud83d"}  '),
    ('{"depends_on": ["\\u0078", "y"]}', '{"depends_on": ["y"]}'),
    (
        '{"tasks": {"depends_on": ["x"]}, "depends_on": ["x"], "z": "depends_on"}',
        '{"tasks": {"depends_on": ["x"]}, "depends_on": [], "z": "depends_on"}',
    ),
    # Of a key that is there twice, JSON takes the last.
    ('{"depends_on": ["x"], "depends_on": ["x"]}', '{"depends_on": ["x"], "depends_on": []}'),
    ('{"id": 1.50, "depends_on": ["x"], "n": 1e3}', '{"id": 1.50, "depends_on": [], "n": 1e3}'),
]


@pytest.mark.parametrize(("before", "after"), EDITS)
def test_only_the_entry_goes(before: str, after: str) -> None:
    assert without_dependencies(before.encode(), {"x"}).decode() == after


def test_what_is_not_there_leaves_the_file_as_it_is() -> None:
    content = b'{"depends_on" : [ "y" ] }'

    assert without_dependencies(content, {"x"}) is content


@pytest.mark.parametrize("content", ["[]", "{}", '{"depends_on": "x"}', '{"depends_on": ["x"]', ""])
def test_what_is_no_spec_is_not_edited(content: str) -> None:
    with pytest.raises((ValueError, IndexError)):
        without_dependencies(content.encode(), {"x"})


@given(
    st.lists(st.sampled_from(["x", "y", "z", 'q"', "ü\\", "]"]), max_size=6),
    st.sets(st.sampled_from(["x", "y", 'q"', "]"]), max_size=3),
    st.sampled_from([None, 0, 2, "\t"]),
    st.booleans(),
    st.dictionaries(st.text(max_size=4), st.text(max_size=4), max_size=3),
)
def test_any_layout_says_afterwards_what_it_should(
    entries: list[str], removed: set[str], indent: Any, plain: bool, more: dict[str, str]
) -> None:
    spec = {**more, "depends_on": entries, "id": "a"}
    before = json.dumps(spec, indent=indent, ensure_ascii=plain)

    after = without_dependencies(before.encode("utf-8", "surrogatepass"), removed).decode()

    kept = [one for one in entries if one not in removed]
    assert json.loads(after) == {**spec, "depends_on": kept}
    # What is left is laid out as its writer would have.
    assert after == json.dumps({**spec, "depends_on": kept}, indent=indent, ensure_ascii=plain)


CONTEXTS = [
    ('{"id": "a"}', '{"id": "a","context": "t"}'),
    ('{\n  "id": "a"\n}\n', '{\n  "id": "a",\n  "context": "t"\n}\n'),
    ('{"id": "a", "n": [1.50]}', '{"id": "a", "n": [1.50], "context": "t"}'),
    ('{"context": "why" , "n": 1e3}', '{"context": "why\\n\\nt" , "n": 1e3}'),
    ('{"context": "", "id": "a"}', '{"context": "t", "id": "a"}'),
    ('{"context": null, "id": "a"}', '{"context": "t", "id": "a"}'),
    ('{"context": []}', '{"context": ["t"]}'),
    ('{"context": [ "x"]}', '{"context": [ "x", "t"]}'),
    ('{"context": ["x" ,  "y" ]}', '{"context": ["x" ,  "y",  "t" ]}'),
    ('\ufeff{\r\n\t"id": "\\u0041"\r\n}', '\ufeff{\r\n\t"id": "\\u0041",\r\n\t"context": "t"\r\n}'),
    ('{"context": "x", "context": "y"}', '{"context": "x", "context": "y\\n\\nt"}'),
]


@pytest.mark.parametrize(("before", "after"), CONTEXTS)
def test_text_goes_into_the_context_and_nothing_else_changes(before: str, after: str) -> None:
    edited = with_context(before.encode(), "t")

    assert edited.decode() == after
    assert with_context(edited, "t") == edited


@pytest.mark.parametrize(
    "content", ["{}", "[]", "", '{"id"', '{"context": 7}', '{"context": {"a": 1}}']
)
def test_what_holds_no_context_is_refused(content: str) -> None:
    with pytest.raises((ValueError, IndexError)):
        with_context(content.encode(), "t")


@given(st.text(), st.dictionaries(st.text(), st.none() | st.integers() | st.lists(st.text())))
def test_any_text_can_be_told_to_any_spec(told: str, spec: dict[str, Any]) -> None:
    spec = {**spec, "id": "a", "context": ["x", "y"]}

    edited = with_context(json.dumps(spec, indent=1).encode(), told)

    assert json.loads(edited)["context"] == ["x", "y", *([] if told in ("x", "y") else [told])]
    assert {**json.loads(edited), "context": None} == {**spec, "context": None}
