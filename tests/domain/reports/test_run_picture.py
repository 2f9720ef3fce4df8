"""The picture of a run: every workstream, every step in the colour of its outcome, no name as markup."""

from typing import Any
from xml.etree import ElementTree as ET

from tests.world import HOSTILE_IDS
from unjam.domain.reports.run_picture import MOST_SHOWN, SHARED, picture_of_run

SVG = "{http://www.w3.org/2000/svg}"


def ran(*outcomes: tuple[str, str, str], left: str = "") -> dict[str, Any]:
    """A document of steps, each a workstream, a verb and an outcome."""
    names = {name for name, _, _ in outcomes if name}
    return {
        "word": "recovered",
        "because": "",
        "findings_before": [{"verdicts": dict.fromkeys(names, "dead with commits")}],
        "findings_after": [{"workstreams": [left]}] if left else [],
        "outcomes": [
            {
                "workstream": name or None,
                "step": step,
                "outcome": word,
                "sentence": f"{name} {word}",
            }
            for name, step, word in outcomes
        ],
    }


def test_each_workstream_has_a_line_with_its_steps_and_what_is_left_of_it() -> None:
    picture = picture_of_run(
        ran(
            ("ws-02", "land", "failed"),
            ("ws-01", "land", "done"),
            ("ws-01", "record", "already done"),
            ("", "push", "refused"),
            left="ws-02",
        )
    )

    root = ET.fromstring(picture)
    chips = {(one.get("class"), one.findtext(f"{SVG}text")) for one in root.iter(f"{SVG}g")} - {
        (None, name) for name in ("ws-01", "ws-02", SHARED)
    }
    assert chips == {
        ("failed", "land"),
        ("done", "land"),
        ("already-done", "record"),
        ("refused", "push"),
    }
    words = ["".join(one.itertext()) for one in root.iter(f"{SVG}text")]
    lines = [words.index(one) for one in ("ws-01", "nothing left", "ws-02", "left over", SHARED)]
    assert lines == sorted(lines)


def test_what_did_nothing_has_no_picture() -> None:
    assert picture_of_run(ran()) == ""


def test_hostile_names_are_only_text_and_of_many_lines_the_rest_is_counted() -> None:
    names = [*HOSTILE_IDS, "</text><script>alert(1)</script>", "\x00\x1b[2J", "\udcff"]
    many = [(f"ws-{n:03}", "record", "done") for n in range(MOST_SHOWN)]

    picture = picture_of_run(ran(*((name, "record", "done") for name in names if name), *many))

    tags = {one.tag.removeprefix(SVG) for one in ET.fromstring(picture).iter()}
    assert tags <= {"svg", "style", "rect", "line", "g", "text", "title"}
    assert f"{len(set(filter(None, names)))} more workstreams" in picture
