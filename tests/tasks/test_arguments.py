"""What tasks are given grows with a recovery, and Prefect walks through none of it."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from prefect import flow, task
from prefect.runtime import task_run

from tasks.runtime.arguments import argument, given_whole
from tasks.runtime.retry import RETRY_TRANSIENT
from unjam.errors import TransientError


class _Walked(list[int]):
    """A list that counts who goes through it."""

    times = 0

    def __iter__(self) -> Iterator[int]:
        self.times += 1
        return super().__iter__()


@dataclass
class _Run:
    outcomes: _Walked = field(default_factory=_Walked)
    tried: int = 0


def _name() -> str:
    return f"step {argument('number') + 1}"


@task(task_run_name=_name, **RETRY_TRANSIENT | {"retry_delay_seconds": 0})
def _step(run: _Run, number: int) -> int:
    run.tried += 1
    assert task_run.name == f"step {number + 1}"
    run.outcomes.append(number)
    if run.tried == 1:
        raise TransientError("busy")
    return len(run.outcomes)


@pytest.mark.usefixtures("prefect_server")
def test_a_run_is_handed_to_each_task_as_it_is_and_never_walked_through() -> None:
    run = _Run()

    @flow
    def walks() -> list[int]:
        return [given_whole(_step)(run, number) for number in range(5)]

    assert walks() == [2, 3, 4, 5, 6]  # the first was tried twice, on the same run
    assert run.outcomes.times == 0
