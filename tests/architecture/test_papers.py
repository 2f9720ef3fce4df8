"""What the papers name is there: a path in them leads to a file or a folder."""

import re
from pathlib import Path
from typing import get_args

import pytest

from tests.command import ROOT
from unjam.domain.steps.change import Change

PAPERS = [
    ROOT / "CONTRIBUTING.md",
    ROOT / "docs/ARCHITECTURE.md",
    *sorted((ROOT / "docs/adr").glob("*.md")),
]
IN_THE_WHEEL_ALONE = {"unjam/_app/"}
NUMBERS = {13: "Thirteen", 14: "Fourteen", 15: "Fifteen", 16: "Sixteen"}


@pytest.mark.parametrize("paper", PAPERS, ids=lambda one: one.stem)
def test_every_path_it_names_is_there(paper: Path) -> None:
    named = re.findall(
        r"`((?:unjam|flows|tasks|tests|docs|deployments)/[\w./]+)`", paper.read_text()
    )

    missing = {one for one in named if not (ROOT / one).exists()}
    assert missing <= IN_THE_WHEEL_ALONE


@pytest.mark.parametrize("paper", PAPERS, ids=lambda one: one.stem)
def test_every_link_of_it_leads_somewhere(paper: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", paper.read_text())

    assert [one for one in links if not (paper.parent / one).exists()] == []


def test_every_scenario_is_in_the_way_from_a_symptom_to_its_code() -> None:
    page = (ROOT / "docs/ARCHITECTURE.md").read_text()
    rooms = {one.name for one in (ROOT / "unjam/domain/scenarios").glob("*/") if one.name[0] != "_"}

    assert {one.stem for one in (ROOT / "docs/scenarios").glob("*.md")} <= set(
        re.findall(r"^\| .+? \| `(\w+)` \|", page, re.MULTILINE)
    )
    assert rooms <= set(re.findall(r"`(\w+)/`", page))


def test_the_kinds_of_change_are_counted() -> None:
    text = (ROOT / "docs/adr/0005-changes-as-a-closed-set.md").read_text()

    assert f"{NUMBERS[len(get_args(Change))]} kinds of change" in text
