"""Specs: every readable one is told, every other is a reason, whatever is in the directory."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.world import HOSTILE_IDS
from unjam.adapters.specs import SIZE_LIMIT, read_specs
from unjam.domain.world.truth import Unknown


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    path = tmp_path / "workstreams"
    path.mkdir()
    return path


def order(directory: Path, name: str, **content: object) -> Path:
    path = directory / name
    path.write_text(json.dumps(content))
    return path


def test_the_id_inside_counts_and_dependencies_keep_their_order(directory: Path) -> None:
    path = order(directory, "ws-2-with-a-long-name.json", id="ws-2", depends_on=["ws-9", "ws-1"])
    order(directory, "ws-1.json", id="ws-1", tasks=["…"], files_scope=["src"])

    first, second = read_specs(directory).specs

    assert (first.workstream, first.depends_on) == ("ws-1", ())
    assert (second.workstream, second.path, second.depends_on) == ("ws-2", path, ("ws-9", "ws-1"))


@pytest.mark.parametrize("name", [name for name in HOSTILE_IDS if name])
def test_hostile_ids_are_only_text(directory: Path, name: str) -> None:
    order(directory, "ws.json", id=name, depends_on=[name])

    (spec,) = read_specs(directory).specs

    assert (spec.workstream, spec.depends_on) == (name, (name,))
    assert spec.path == directory / "ws.json"


def test_a_byte_order_mark_is_no_obstacle(directory: Path) -> None:
    (directory / "ws-1.json").write_bytes(b'\xef\xbb\xbf{"id": "ws-1", "depends_on": null}')

    assert [spec.workstream for spec in read_specs(directory).specs] == ["ws-1"]


def text(content: str | bytes) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())

    return write


def huge(path: Path) -> None:
    with path.open("wb") as file:
        file.write(b'{"id": "ws-x"}')
        file.truncate(SIZE_LIMIT * 1000)


def link_out(path: Path) -> None:
    outside = path.parent.parent / "outside.json"
    outside.write_text('{"id": "secret"}')
    path.symlink_to(outside)


BAD: list[tuple[Callable[[Path], object], str]] = [
    (text("{'id': 1}"), "not JSON"),
    (text(""), "not JSON"),
    (text("[" * 100_000), "nested too deeply"),
    (text("[]"), "not a JSON object"),
    (text('{"name": "x"}'), "has no id"),
    (text('{"id": ""}'), "has no id"),
    (text('{"id": ["ws-1"]}'), "id holds ['ws-1']"),
    (text('{"id": "ws-\\ud800"}'), "no text anywhere"),
    (text('{"id": "ws-x", "depends_on": "ws-1"}'), "depends_on is 'ws-1', not a list"),
    (text('{"id": "ws-x", "depends_on": [["ws-1"]]}'), "depends_on holds ['ws-1']"),
    (text('{"id": "ws-1"}'), "ws-1.json has the same id 'ws-1'"),
    (text(b'{"id": "ws-\xff"}'), "not UTF-8 at byte 11"),
    (text('{"id": "ws-x"}'.encode("utf-16")), "not UTF-8"),
    (huge, "larger than 4 MB"),
    (link_out, "leads out of the directory"),
    (lambda path: path.symlink_to("none.json"), "No such file"),
    (Path.mkdir, "not a regular file"),
    (os.mkfifo, "not a regular file"),
]


@pytest.mark.parametrize(("spoil", "because"), BAD, ids=[because for _, because in BAD])
def test_a_bad_spec_is_told_and_hides_no_other(
    directory: Path, spoil: Callable[[Path], object], because: str
) -> None:
    order(directory, "ws-1.json", id="ws-1")
    order(directory, "ws-3.json", id="ws-3")
    spoil(directory / "ws-1-copy.json")

    facts = read_specs(directory)

    assert [spec.workstream for spec in facts.specs] == ["ws-1", "ws-3"]
    (unknown,) = facts.unknown
    assert unknown.what == "spec ws-1-copy.json"
    assert because in unknown.because


def test_links_within_the_directory_are_read(directory: Path) -> None:
    order(directory, "ws-1.json.v2", id="ws-1")
    (directory / "ws-1.json").symlink_to("ws-1.json.v2")

    assert [spec.workstream for spec in read_specs(directory).specs] == ["ws-1"]


def test_no_directory_means_no_specs(tmp_path: Path) -> None:
    facts = read_specs(tmp_path / "workstreams")

    assert facts.specs == ()
    assert facts.unknown == ()


def test_a_file_in_place_of_the_directory_is_told(tmp_path: Path) -> None:
    (tmp_path / "workstreams").write_text("")

    assert read_specs(tmp_path / "workstreams").unknown == (
        Unknown("spec workstreams", "Not a directory"),
    )
