"""What Prefect loads when a deployment runs: the flow itself, its form explained."""

import asyncio
from typing import Any

import pytest
from prefect import Flow
from prefect.flows import load_flow_from_entrypoint

from deployments.serve import declared, deployment
from tests.command import ROOT

DEPLOYMENTS = declared()


@pytest.mark.parametrize("wanted", DEPLOYMENTS, ids=lambda one: one["name"])
def test_a_deployments_entrypoint_loads(
    wanted: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)

    # By default Prefect hides an import error behind a placeholder flow.
    flow: Flow[Any, Any] = load_flow_from_entrypoint(
        wanted["entrypoint"], use_placeholder_flow=False
    )

    assert flow.name == wanted["name"]


@pytest.mark.parametrize("wanted", DEPLOYMENTS, ids=lambda one: one["name"])
def test_every_field_of_its_form_is_explained(
    wanted: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    flow: Flow[Any, Any] = load_flow_from_entrypoint(
        wanted["entrypoint"], use_placeholder_flow=False
    )

    unexplained = [
        name for name, field in flow.parameters.properties.items() if not field.get("description")
    ]

    assert unexplained == []


@pytest.mark.parametrize("wanted", DEPLOYMENTS, ids=lambda one: one["name"])
def test_it_is_served_as_it_is_declared(
    wanted: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)

    served = asyncio.run(deployment(wanted))

    assert served.entrypoint == wanted["entrypoint"]
    assert served.tags == wanted["tags"]
    assert served.description == wanted["description"]
