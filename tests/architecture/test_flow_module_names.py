"""Prefect puts the application's directories first on sys.path: flows/git.py would shadow GitPython."""

import sys
from importlib.metadata import packages_distributions

import pytest

from tests.command import ROOT

OURS = {"__init__"}


# Of these only `flows` comes first on the path; started as a file, one of the others would, too.
DIRECTORIES = ["flows", "tasks", "tasks/runtime", "deployments"]
RUN_AS_MODULES_ONLY = {"tasks": {"bisect"}}


@pytest.mark.parametrize("directory", DIRECTORIES)
def test_no_module_and_no_folder_shadows_an_importable_name(directory: str) -> None:
    place = ROOT / directory
    folders = {path.parent.name for path in place.glob("*/*.py")}
    stems = {path.stem for path in place.glob("*.py")} | folders
    stems -= OURS | RUN_AS_MODULES_ONLY.get(directory, set())

    assert stems, f"{directory}/ has no modules"
    assert not stems & (sys.stdlib_module_names | packages_distributions().keys())


def test_the_applications_packages_shadow_nothing_installed() -> None:
    installed = {
        name
        for name, owners in packages_distributions().items()
        if any(owner != "unjam" for owner in owners)
    }

    assert not {"flows", "tasks", "deployments", "unjam"} & installed
