"""Serve the deployments of ``prefect.yaml`` from one process, without a work pool or a worker.

Run ``python -m deployments.serve`` with ``PREFECT_API_URL`` naming the server.
"""

import asyncio
from contextlib import chdir
from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml
from prefect import Flow, aserve
from prefect.client.schemas.objects import ConcurrencyLimitConfig
from prefect.deployments.runner import RunnerDeployment
from prefect.flows import load_flow_from_entrypoint
from prefect.schedules import Interval, Schedule

ROOT = Path(__file__).parents[1]


def declared() -> list[dict[str, Any]]:
    """Return the deployments as ``prefect.yaml`` has them: there they are written, and only there."""
    deployments: list[dict[str, Any]] = yaml.safe_load((ROOT / "prefect.yaml").read_text())[
        "deployments"
    ]
    return deployments


async def deployment(wanted: dict[str, Any]) -> RunnerDeployment:
    """Turn one of them into a deployment of this process."""
    # Without the last argument Prefect hides an import error behind a flow that cannot run.
    served: Flow[Any, Any] = load_flow_from_entrypoint(
        str(ROOT / wanted["entrypoint"]), use_placeholder_flow=False
    )
    return await served.ato_deployment(
        wanted["name"],
        description=wanted["description"],
        tags=wanted["tags"],
        parameters=wanted.get("parameters"),
        schedules=[_schedule(one) for one in wanted.get("schedules", ())],
        concurrency_limit=ConcurrencyLimitConfig(**wanted["concurrency_limit"]),
        enforce_parameter_schema=True,
    )


def _schedule(wanted: dict[str, Any]) -> Schedule:
    return Interval(timedelta(seconds=wanted["interval"]), slug=wanted["slug"])


async def main() -> None:
    """Register every deployment and wait for runs."""
    with chdir(ROOT):  # Prefect writes down where a flow is relative to here, and runs it from here
        served = [await deployment(wanted) for wanted in declared()]
        # Paused deployments, Prefect's way to stop, would leave the next server without work.
        await aserve(*served, pause_on_shutdown=False)


if __name__ == "__main__":
    asyncio.run(main())
