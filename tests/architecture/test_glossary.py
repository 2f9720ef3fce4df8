"""The glossary has every word the project speaks, and the words of its enums with them."""

import re

import pytest

from tests.command import ROOT
from unjam.domain.steps.outcome import RunWord, StepWord
from unjam.domain.world.status import Status

PAGE = (ROOT / "docs" / "glossary.md").read_text()
ENTRIES = re.findall(r"^- \*\*(.+?)\*\*: \S", PAGE, re.MULTILINE)
WORDS = [
    "orchestration",
    "orchestrator",
    "workstream",
    "agent",
    "trunk",
    "state",
    "journal",
    "vault",
    "snapshot",
    "fact",
    "finding",
    "detector",
    "diagnosis",
    "scenario",
    "plan",
    "step",
    "outcome",
    "salvage",
    "landed",
    "unit",
    "culprit",
    "verify",
    "lease",
    "escalate",
    "layout",
    "claim",
    "kind",
    "belief",
    "status",
    "elsewhere",
    "incomplete",
    "recording",
    "lost",
]
SCENARIOS = [page.stem for page in sorted((ROOT / "docs" / "scenarios").glob("*.md"))]
LINKED_FROM = {"README.md": "docs/glossary.md", "docs/cli.md": "glossary.md"}


def test_every_word_is_explained_once_and_no_other() -> None:
    assert sorted(ENTRIES) == sorted(WORDS)


@pytest.mark.parametrize(
    ("title", "words"),
    [
        ("Words of a step", list(StepWord)),
        ("Words of a run", list(RunWord)),
        ("Scenarios", SCENARIOS),
        ("Statuses", list(Status)),
    ],
)
def test_every_word_of_a_closed_set_has_its_row(title: str, words: list[str]) -> None:
    section = PAGE.partition(f"## {title}\n")[2].partition("\n## ")[0]

    assert sorted(re.findall(r"^\| \[?`(.+?)`", section, re.MULTILINE)) == sorted(words)


@pytest.mark.parametrize("page", LINKED_FROM)
def test_it_is_found_where_people_begin(page: str) -> None:
    assert f"]({LINKED_FROM[page]})" in (ROOT / page).read_text()


def test_its_links_lead_somewhere() -> None:
    links = [one.partition("#") for one in re.findall(r"\]\((.+?)\)", PAGE)]
    pages = {name: (ROOT / "docs" / name).read_text() if name else PAGE for name, _, _ in links}

    for name, _, anchor in links:
        titles = re.findall(r"^#+ (.+)$", pages[name], re.MULTILINE)
        assert not anchor or anchor in {one.lower().replace(" ", "-") for one in titles}
