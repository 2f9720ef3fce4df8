"""A module is one idea and fits a few screens."""

from pathlib import Path

import pytest

from tests.command import ROOT

LIMIT = 400  # lines
DIRECTORIES = ("unjam", "flows", "tasks", "deployments", "tests", "benchmarks")
MODULES = sorted(path for name in DIRECTORIES for path in (ROOT / name).rglob("*.py"))


@pytest.mark.parametrize("directory", DIRECTORIES)
def test_no_module_is_longer_than_it_may_be(directory: str) -> None:
    modules = [path for path in MODULES if path.is_relative_to(ROOT / directory)]

    assert modules
    assert {name(path): lines(path) for path in modules if lines(path) > LIMIT} == {}


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def lines(path: Path) -> int:
    return len(path.read_text().splitlines())
