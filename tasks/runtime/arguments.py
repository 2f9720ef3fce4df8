"""What tasks are given: handed over whole, since Prefect looks for futures in all that it can reach."""

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, cast

from prefect import Task
from prefect.runtime import task_run
from prefect.utilities.annotations import opaque

P = ParamSpec("P")
Told = TypeVar("Told")


def given_whole(verb: Task[P, Told]) -> Callable[P, Told]:
    """Call a task whose arguments Prefect does not walk through: a run grows with each of its steps."""
    call = cast("Callable[..., Told]", verb)

    def called(*arguments: P.args, **options: P.kwargs) -> Told:
        return call(*map(opaque, arguments), **options)

    return called


def argument(name: str) -> Any:
    """Return what the task run that begins here was given."""
    given = task_run.parameters[name]
    return given.unwrap() if isinstance(given, opaque) else given
