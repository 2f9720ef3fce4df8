"""What tasks are given: handed over whole, since Prefect looks for futures in all that it can reach."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

from prefect import Task
from prefect.utilities.annotations import opaque

P = ParamSpec("P")
Told = TypeVar("Told")


def given_whole(verb: Task[P, Told]) -> Callable[P, Told]:
    """Call a task whose arguments Prefect does not walk through: a run grows with each of its steps."""
    call = cast("Callable[..., Told]", verb)

    def called(*arguments: P.args, **options: P.kwargs) -> Told:
        return call(*map(opaque, arguments), **options)

    return called
