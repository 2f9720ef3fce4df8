"""A kind of step is registered once: with its class, the task of its verb and its act."""

import inspect
import typing
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
from prefect import Task

from tests.command import ROOT
from unjam.domain.catalogue import codec
from unjam.domain.catalogue.references import resolved
from unjam.domain.catalogue.steps import STEPS, StepRow
from unjam.domain.steps.plan import Step


def kinds(of: type[Step] = Step) -> Iterator[type[Step]]:
    """Every kind of step there is, in whatever module of the domain."""
    for one in of.__subclasses__():
        yield one
        yield from kinds(one)


def import_all(folder: Path) -> None:
    for path in folder.rglob("*.py"):
        import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))


def test_every_kind_of_step_is_registered_once() -> None:
    import_all(ROOT / "unjam" / "domain")

    registered = [row.kind for row in STEPS]

    # By name: a class with slots is made twice, and the first may not be collected yet.
    named = {f"{one.__module__}:{one.__name__}" for one in kinds()}
    assert len(set(registered)) == len(registered)
    assert set(registered) == {one for one in named if one.startswith("unjam.")}


def test_a_journal_can_hold_every_kind_of_step() -> None:
    written = {name for name, kind in codec._kinds().items() if issubclass(kind, Step)}

    assert written - {"Step"} == {row.name for row in STEPS}


@pytest.mark.parametrize("row", STEPS, ids=lambda row: row.name)
def test_a_kind_has_a_task_and_an_act_that_takes_it(row: StepRow) -> None:
    task = resolved(f"tasks.{row.task}")
    act = resolved(f"unjam.engine.acts.{row.act}")

    taken = inspect.signature(act).parameters["step"].annotation

    assert isinstance(task, Task)
    assert row.type() in (typing.get_args(taken) or (taken,))
    assert row.type().verb
