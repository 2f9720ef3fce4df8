"""Where trials of a culprit search are carried out: in threads of ours, or on Dask by Prefect's task runner."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import copy_context
from typing import Any

from prefect import task

from tasks.runtime.retry import RETRY_TRANSIENT
from unjam.engine.culprits.bench import Carry, workers_of
from unjam.engine.culprits.trial import Trial, run_trial
from unjam.engine.observing.tests_on_record import Ran
from unjam.engine.orchestration import Orchestration
from unjam.errors import UsageError

LOCAL = "local"
_PATIENCE = "10s"  # for a scheduler to answer


@task(task_run_name="try {one.commit}", **RETRY_TRANSIENT)
def attempt(one: Trial) -> Ran:
    """Run the tests on one tree."""
    return run_trial(one)


@contextmanager
def carrier(orchestration: Orchestration) -> Iterator[Carry]:
    """Give what carries trials out, as ``verify.dask`` says; a cluster of ours ends with the block."""
    where = orchestration.settings.verify.dask
    if where is None:
        yield run_trial
        return
    with _runner(orchestration, where) as runner:
        _refuse_without_answer(runner, where)
        # A thread of the search knows no flow run: it borrows this one's context, a copy for each.
        here = copy_context()

        def carry(one: Trial) -> Ran:
            future = here.copy().run(runner.submit, attempt, {"one": one})
            ran: Ran = future.result()
            return ran

        yield carry


def _runner(orchestration: Orchestration, where: str) -> Any:
    try:
        from prefect_dask.task_runners import DaskTaskRunner
    except ImportError as error:
        raise UsageError("verify.dask needs more packages: pip install 'unjam[dask]'") from error
    if where != LOCAL:
        return DaskTaskRunner(address=where, client_kwargs={"timeout": _PATIENCE})
    return DaskTaskRunner(
        cluster_kwargs={
            "n_workers": workers_of(orchestration),
            "threads_per_worker": 1,
            "host": "127.0.0.1",
            "security": True,  # or whoever is on this machine could run code as this user
            "dashboard_address": None,
        }
    )


def _refuse_without_answer(runner: Any, where: str) -> None:
    try:
        _ = runner.client  # it is connected when it is first asked for
    except OSError as error:  # a timeout is one as well
        raise UsageError(f"verify.dask: no scheduler answers at {where}") from error
