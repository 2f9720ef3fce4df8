"""A scenario is a flow, a page and a test of the same name; a flow is a deployment of its own name."""

import ast
from pathlib import Path

import pytest
import yaml

from deployments.serve import declared
from tests.command import ROOT
from unjam.domain.catalogue.scenarios import SCENARIOS

FLOWS = sorted(path for path in (ROOT / "flows").glob("*.py") if path.stem != "__init__")
FRONT_DOORS = {"recover", "undo", "detect"}  # to all scenarios; docs/cli.md has them
PROCEDURES = [path.stem for path in FLOWS if path.stem not in {*SCENARIOS, *FRONT_DOORS}]


def name_of(flow: Path) -> str:
    return flow.stem


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_scenario_has_a_page_and_a_test_of_its_name(scenario: str) -> None:
    assert (ROOT / "docs" / "scenarios" / f"{scenario}.md").is_file()
    assert [*(ROOT / "tests" / "flows").rglob(f"test_{scenario}.py")]


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_recovery_started_in_the_ui_asks_where_the_policy_asks(scenario: str) -> None:
    assert "answered(" in (ROOT / "flows" / f"{scenario}.py").read_text()


@pytest.mark.parametrize("page", sorted((ROOT / "docs" / "scenarios").glob("*.md")), ids=name_of)
def test_a_page_has_a_scenario(page: Path) -> None:
    assert page.stem in SCENARIOS


@pytest.mark.parametrize("procedure", PROCEDURES)
def test_a_procedure_has_a_page_a_test_and_a_command_of_its_name(procedure: str) -> None:
    assert (ROOT / "docs" / "procedures" / f"{procedure}.md").is_file()
    assert [*(ROOT / "tests" / "flows").rglob(f"test_{procedure}.py")]
    assert (ROOT / "unjam" / "cli" / f"{procedure}.py").is_file()


@pytest.mark.parametrize("flow", FLOWS, ids=name_of)
def test_a_flow_module_holds_one_flow_and_it_has_the_modules_name(flow: Path) -> None:
    functions = [
        node for node in ast.parse(flow.read_text()).body if isinstance(node, ast.FunctionDef)
    ]

    flows = [one.name for one in functions if "flow" in map(decorator_name, one.decorator_list)]

    assert flows == [flow.stem]


@pytest.mark.parametrize("flow", FLOWS, ids=name_of)
def test_a_flow_has_one_deployment(flow: Path) -> None:
    entrypoint = f"flows/{flow.name}:{flow.stem}"

    assert [one["name"] for one in declared() if one["entrypoint"] == entrypoint] == [flow.stem]


@pytest.mark.parametrize("wanted", declared(), ids=lambda one: one["name"])
def test_a_deployment_explains_itself(wanted: dict[str, object]) -> None:
    assert str(wanted["description"]).endswith(".")
    assert "unjam" in list(wanted["tags"])  # type: ignore[call-overload]
    assert wanted["concurrency_limit"]
    assert "schedules" in wanted  # else `prefect deploy` asks about them in a terminal


def test_no_deployment_knows_a_machine() -> None:
    text = (ROOT / "prefect.yaml").read_text()
    (step,) = yaml.safe_load(text)["pull"]

    assert step["prefect.deployments.steps.set_working_directory"]["directory"].startswith("{{ $")
    assert not [word for word in text.split() if word.startswith("/")]


def decorator_name(node: ast.expr) -> str:
    called = node.func if isinstance(node, ast.Call) else node
    return called.id if isinstance(called, ast.Name) else ""
