"""One thing is looked up in a snapshot in one place, which knows what was hidden from the look."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.command import ROOT

HERE = ROOT / "unjam" / "domain" / "world" / "lookups.py"
FIELDS = {"rows", "branches", "worktrees", "processes", "specs", "locks", "strays"}
CALLS = {"orchestrators", "in_worktree"}
SNAPSHOTS = {"snapshot", "fresh", "seen", "state", "now", "again", "facts"}
ACTS = ROOT / "unjam" / "engine" / "acts"
MODULES = sorted(
    path
    for folder in ("unjam/domain", "unjam/engine", "unjam/cli", "tasks", "flows")
    for path in (ROOT / folder).rglob("*.py")
    if path != HERE and "sandbox" not in path.parts
)


def is_collection(node: ast.AST) -> bool:
    """Tell whether an expression is, or holds, one of a snapshot's collections."""
    for one in ast.walk(node):
        if isinstance(one, ast.Attribute) and one.attr in FIELDS | CALLS:
            value = one.value
            name = value.attr if isinstance(value, ast.Attribute) else getattr(value, "id", "")
            if name in SNAPSHOTS:
                return True
    return False


def searched(function: ast.AST) -> Iterator[ast.Call]:
    """Give every ``next`` over such a collection, also by way of a local name."""
    named = {
        target.id: node.value
        for node in ast.walk(function)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name) and isinstance(node.value, ast.GeneratorExp)
    }
    for node in ast.walk(function):
        is_next = isinstance(node, ast.Call) and getattr(node.func, "id", "") == "next"
        if is_next and isinstance(node, ast.Call):
            names = {one.id for one in ast.walk(node.args[0]) if isinstance(one, ast.Name)}
            over = [node.args[0], *(named[one] for one in names & named.keys())]
            if any(map(is_collection, over)):
                yield node


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nobody_else_searches_a_snapshot_for_one_thing(path: Path) -> None:
    found = [f"line {one.lineno}" for one in searched(ast.parse(path.read_text()))]

    assert found == [], f"{path}: use unjam.domain.world.lookups, which tells hidden from absent"


@pytest.mark.parametrize("path", sorted(ACTS.rglob("*.py")), ids=lambda path: path.stem)
def test_no_act_takes_rows_it_could_not_read_for_none(path: Path) -> None:
    read = [
        f"line {node.lineno}"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr == "rows" and is_collection(node)
    ]

    assert read == [], f"{path}: rows_in and row_named say where the state cannot be read"
