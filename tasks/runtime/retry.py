"""The one retry policy: try again only what trying again can help."""

from typing import Any, TypedDict

from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.tasks import Task, exponential_backoff

from unjam.errors import TransientError


class RetryPolicy(TypedDict):
    """The arguments of ``@task`` that every task shares."""

    retries: int
    retry_delay_seconds: Any
    retry_jitter_factor: float
    retry_condition_fn: Any
    cache_policy: Any
    persist_result: bool


def is_transient(_task: Task[..., Any], _run: TaskRun, state: State[Any]) -> bool:
    """Tell whether the attempt failed on a TransientError."""
    try:
        state.result()
    except TransientError:
        return True
    except Exception:  # noqa: BLE001 -- whatever else it was, it is not transient
        return False
    return False


RETRY_TRANSIENT = RetryPolicy(
    retries=3,
    retry_delay_seconds=exponential_backoff(backoff_factor=1),
    retry_jitter_factor=0.5,
    retry_condition_fn=is_transient,
    # Nothing is taken from an earlier run: every step looks at the world again.
    cache_policy=NO_CACHE,
    persist_result=False,
)
