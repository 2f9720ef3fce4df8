"""Words, tables and columns of the orchestrator's state stand in one module; all others use ours."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.command import ROOT
from unjam.domain.world.status import Status

SEAM = "unjam/adapters/state/reference.py"
PLAYS_THE_ORCHESTRATOR = "unjam/demo/"  # programs of the sandbox: they are whom the seam is to
COLUMNS = {
    "workstream_id",
    "agent_id",
    "started_at",
    "completed_at",
    "exit_code",
    "error_message",
    "blocked_by",
    "updated_at",
    "event_type",
}
TABLES = re.compile(r"\b(workstream_status|execution_log)\b")
# A word that is a status elsewhere and something else here: by its place, and why.
OTHERS = {
    ("unjam/engine/keeping/past_conflicts.py", "conflict"): "an event of the journal",
    ("unjam/domain/scenarios/shared/conflict_page.py", "conflict"): "a key of the page's head",
    ("unjam/engine/acts/landing/conflict_pages.py", "conflict"): "an event of the journal",
    ("unjam/engine/acts/landing/landing_trial.py", "conflict"): "Git's word for what clashes",
    ("unjam/adapters/processes/running/run.py", "unknown"): "an exit status in a sentence",
    ("unjam/adapters/state/rows/server_session.py", "waiting"): "a parameter of a query of ours",
    ("unjam/cli/recover.py", "failed"): "the word of a step",
    ("unjam/domain/redaction/redact.py", "completed"): "a plain word that is no secret",
    ("unjam/domain/redaction/redact.py", "conflict"): "a plain word that is no secret",
    ("unjam/domain/redaction/redact.py", "discarded"): "a plain word that is no secret",
    ("unjam/domain/redaction/redact.py", "reverted"): "a plain word that is no secret",
}
DOUBTS = "unknown"  # the key of every document for what cannot be told


def modules() -> Iterator[str]:
    for name in ("unjam", "tasks", "flows", "deployments"):
        for path in sorted((ROOT / name).rglob("*.py")):
            place = path.relative_to(ROOT).as_posix()
            if place != SEAM and not place.startswith(PLAYS_THE_ORCHESTRATOR):
                yield place


MODULES = list(modules())


def test_no_status_table_or_column_stands_as_a_bare_string() -> None:
    found = {(place, said) for place in MODULES for said in strings_of_the_state(ROOT / place)}

    assert sorted(found - OTHERS.keys()) == []


def test_every_exception_is_one() -> None:
    found = {(place, said) for place, _ in OTHERS for said in strings_of_the_state(ROOT / place)}

    assert sorted(OTHERS.keys() - found) == []


@pytest.mark.parametrize(
    "bare",
    [
        'row.status == "running"',
        'done = ("completed", "discarded")',
        'Record(status="failed")',
        'query = f"SELECT * FROM workstream_status WHERE {key}"',
        'dict(row.values).get("blocked_by")',
    ],
)
def test_a_bare_string_would_be_found(tmp_path: Path, bare: str) -> None:
    module = tmp_path / "module.py"
    module.write_text(f'"""Rows that are running in workstream_status."""\n\n{bare}\n')

    assert list(strings_of_the_state(module))


def strings_of_the_state(path: Path) -> Iterator[str]:
    """Name what a module says of the state, but in the words of an enumeration and in docstrings."""
    tree = ast.parse(path.read_text())
    passed_over = {id(one) for node in ast.walk(tree) for one in enumerated(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = node.value
            words = {*COLUMNS, *(one.value for one in Status)}
            if id(node) not in passed_over and (text in words or TABLES.search(text)):
                yield text


def enumerated(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.ClassDef) and any("Enum" in ast.unparse(one) for one in node.bases):
        yield from (one.value for one in node.body if isinstance(one, ast.Assign))
    elif isinstance(node, ast.Dict):  # a key of a document
        yield from (
            key for key in node.keys if isinstance(key, ast.Constant) and key.value == DOUBTS
        )
    elif isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        if node.slice.value == DOUBTS:
            yield node.slice
    elif isinstance(node, ast.Expr):  # a docstring
        yield node.value
