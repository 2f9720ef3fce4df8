"""A scenario is one row of the catalogue, a room, a flow and a page: nobody else names it."""

import ast
import inspect
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from prefect import Flow
from prefect.exceptions import ParameterTypeError

from deployments.serve import declared
from flows.escalate import escalate
from flows.recover import recover
from tests.command import ROOT
from unjam.domain.catalogue.references import resolved
from unjam.domain.catalogue.scenarios import SCENARIOS, ScenarioRow
from unjam.domain.steps.request import Request

ROOMS = "unjam.domain.scenarios"
ROWS = pytest.mark.parametrize("row", SCENARIOS.values(), ids=list(SCENARIOS))
ASKS = ("obstacle", "hidden", "asked", "refuses", "picture")
CATALOGUE = ROOT / "unjam" / "domain" / "catalogue" / "scenarios.py"
# Whatever is no scenario's own. The demonstration's sandbox breaks itself, one way a function.
NAMELESS = sorted(
    path
    for folder in ("unjam", "tasks")
    for path in (ROOT / folder).rglob("*.py")
    if path != CATALOGUE
    and "sandbox" not in path.parts
    and not (path.is_relative_to(ROOT / "unjam/domain/scenarios") and "shared" not in path.parts)
)


def place(path: Path) -> str:
    return str(path.relative_to(ROOT))


@ROWS
def test_every_name_in_a_row_leads_somewhere(row: ScenarioRow) -> None:
    finds, plans = resolved(f"{ROOMS}.{row.find}"), resolved(f"{ROOMS}.{row.plan}")
    asked = [getattr(row, name) for name in ASKS if getattr(row, name)]

    assert list(inspect.signature(finds).parameters) == ["snapshot"]
    assert list(inspect.signature(plans).parameters) == [
        "snapshot",
        "policy",
        "request",
        "owed",
    ]
    assert all(callable(resolved(f"{ROOMS}.{one}")) for one in asked)
    assert callable(resolved(f"unjam.demo.{row.demo}"))


@ROWS
def test_a_row_keeps_to_one_room_which_knows_its_name(row: ScenarioRow) -> None:
    used = [row.find, row.plan, *(getattr(row, name) for name in ASKS if getattr(row, name))]

    (room,) = {one.partition(".")[0] for one in used}

    assert resolved(f"{ROOMS}.{room}.find:SCENARIO") == row.name


@ROWS
def test_a_scenario_has_a_flow_a_page_and_tests(row: ScenarioRow) -> None:
    module, _, function = row.flow.partition(":")
    entrypoint = f"{module.replace('.', '/')}.py:{function}"

    assert (ROOT / row.page).is_file()
    assert entrypoint in [one["entrypoint"] for one in declared()]
    assert list((ROOT / "tests" / "flows").glob(f"*/test_{row.name}.py"))


@ROWS
def test_what_can_be_asked_of_a_scenario_alone_is_in_the_request_and_in_its_form(
    row: ScenarioRow,
) -> None:
    asked = {one.name for one in row.options}

    assert asked <= {one.name for one in fields(Request)}
    assert asked <= set(inspect.signature(resolved(row.flow).fn).parameters)


def test_every_room_is_a_scenarios_or_shared() -> None:
    rooms = {path.parent.name for path in (ROOT / "unjam/domain/scenarios").glob("*/find.py")}

    assert rooms == {row.find.partition(".")[0] for row in SCENARIOS.values()}


@pytest.mark.parametrize("path", NAMELESS, ids=place)
def test_nobody_else_names_a_scenario(path: Path) -> None:
    found = [f"{line}: {name}" for line, text in texts(path) for name in SCENARIOS if name in text]

    assert found == [], f"{place(path)}: ask the catalogue"


def texts(path: Path) -> Iterator[tuple[int, str]]:
    """Every literal of a module, and every module it imports."""
    rooms = {f"{ROOMS}.{row.find.partition('.')[0]}": row.name for row in SCENARIOS.values()}
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value
        if isinstance(node, ast.ImportFrom) and node.module is not None:
            yield node.lineno, rooms.get(".".join(node.module.split(".")[:4]), "")


@pytest.mark.parametrize("flow", [recover, escalate], ids=lambda flow: flow.name)
def test_a_form_offers_every_scenario_and_takes_no_other(flow: Flow[Any, Any]) -> None:
    offered, _ = flow.parameters.properties["scenarios"]["anyOf"]

    assert offered["items"]["enum"] == list(SCENARIOS)
    with pytest.raises(ParameterTypeError, match="unknown scenario"):
        flow.validate_parameters({"repo": ".", "scenarios": ["orchestrator_crush"]})
