"""A module is one idea and fits a few screens; a folder is one that fits an eye."""

from collections import Counter
from pathlib import Path

import pytest

from tests.command import ROOT

LIMIT = 400  # lines
ROOM = (
    18  # modules in a folder; each flow is a module that Prefect names, and they lie side by side
)
DIRECTORIES = ("unjam", "flows", "tasks", "deployments", "tests", "benchmarks")
MODULES = sorted(path for name in DIRECTORIES for path in (ROOT / name).rglob("*.py"))


@pytest.mark.parametrize("directory", DIRECTORIES)
def test_no_module_is_longer_than_it_may_be(directory: str) -> None:
    modules = [path for path in MODULES if path.is_relative_to(ROOT / directory)]

    assert modules
    assert {name(path): lines(path) for path in modules if lines(path) > LIMIT} == {}


def test_no_folder_has_more_modules_than_an_eye_takes_in() -> None:
    folders = Counter(name(path.parent) for path in MODULES)

    assert {one: count for one, count in folders.items() if count > ROOM and one != "flows"} == {}


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def lines(path: Path) -> int:
    return len(path.read_text().splitlines())
