"""A machine is one, from one start to the next, and two with a clone at one place are two."""

import os
from pathlib import Path

import pytest

from unjam.adapters import machine

REPO = Path("/srv/shop")


def test_a_machine_keeps_its_name_and_calls_itself_as_the_system_does() -> None:
    assert machine.mark(REPO) == machine.mark(REPO)
    assert machine.shown() == os.uname().nodename
    assert os.uname().nodename.lower() in machine.names()


def test_what_a_person_called_it_counts_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    unnamed = machine.mark(REPO)
    marks = {unnamed}
    for name in ("build-1", "Build-2"):
        monkeypatch.setenv("UNJAM_MACHINE", name)
        marks.add(machine.mark(REPO))
        assert (machine.shown(), machine.names()) == (name, frozenset({name.lower()}))

    assert len(marks) == 3


def test_a_key_is_one_that_prefect_takes_and_no_other_repository_s() -> None:
    one, other = (machine.key("report", place) for place in (REPO, Path("/home/ada/shop")))

    assert one.startswith("unjam-report-shop-")
    assert one != other
    assert set(machine.key("run", Path("/srv/Größe & Co"))) <= set(
        "abcdefghijklmnopqrstuvwxyz0123456789-"
    )
