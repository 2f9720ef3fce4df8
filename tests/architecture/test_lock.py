"""The lock pins the whole tree, to the byte, and says nothing about where it comes from."""

import re
import tomllib
from importlib.metadata import distributions

from tests.command import ROOT

LOCK = (ROOT / "requirements.lock").read_text()
PINNED = dict(re.findall(r"^([a-z0-9-]+)==([^ ]+) ", LOCK, re.MULTILINE))


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_everything_the_project_asks_for_is_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    asked = [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]

    names = {normal(re.split(r"[^\w.-]", requirement)[0]) for requirement in asked}

    assert names <= PINNED.keys()


def test_every_line_is_a_pin_with_hashes() -> None:
    entries = re.split(r"\n(?=[a-z])", LOCK.partition("\n")[2])

    assert [one for one in entries if "==" not in one or "--hash=sha256:" not in one] == []


def test_it_names_no_address_and_no_option() -> None:
    assert "://" not in LOCK
    assert not re.findall(r"^\s*-(?!-hash)", LOCK, re.MULTILINE)


def test_what_is_pinned_is_what_is_tested() -> None:
    installed = {normal(one.name): one.version for one in distributions()}

    differing = {
        name: (version, installed[name])
        for name, version in PINNED.items()
        if name in installed and installed[name] != version
    }

    assert differing == {}
