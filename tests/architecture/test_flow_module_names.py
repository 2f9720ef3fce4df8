"""Prefect puts the application's directories first on sys.path: flows/git.py would shadow GitPython."""

import sys
from importlib.metadata import packages_distributions

import pytest

from tests.command import ROOT

OURS = {"__init__"}


@pytest.mark.parametrize("directory", ["flows"])
def test_no_flow_module_shadows_an_importable_name(directory: str) -> None:
    stems = {path.stem for path in (ROOT / directory).glob("*.py")} - OURS

    assert stems, f"{directory}/ has no modules"
    assert not stems & (sys.stdlib_module_names | packages_distributions().keys())


def test_the_applications_packages_shadow_nothing_installed() -> None:
    installed = {
        name
        for name, owners in packages_distributions().items()
        if any(owner != "unjam" for owner in owners)
    }

    assert not {"flows", "tasks", "deployments", "unjam"} & installed
