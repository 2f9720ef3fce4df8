"""Serve the deployments of ``prefect.yaml`` from one process, without a work pool or a worker.

Run ``python -m deployments.serve`` with ``PREFECT_API_URL`` naming the server. `unjam up` does.
"""

import argparse
import asyncio
import time
from collections.abc import Sequence
from contextlib import chdir
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml
from prefect import Flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import ConcurrencyLimitConfig
from prefect.deployments.runner import RunnerDeployment
from prefect.flows import load_flow_from_entrypoint
from prefect.runner import Runner
from prefect.schedules import Interval, Schedule

ROOT = Path(__file__).parents[1]
WATCH = "detect"
_PATIENCE = 180.0  # seconds for a server that starts; alone it takes 15


@dataclass(frozen=True, slots=True)
class Watch:
    """What the watch is to look at, where that is not as ``prefect.yaml`` has it."""

    repos: Sequence[str] = ()
    every: timedelta | None = None
    config: str | None = None


def declared() -> list[dict[str, Any]]:
    """Return the deployments as ``prefect.yaml`` has them: there they are written, and only there."""
    deployments: list[dict[str, Any]] = yaml.safe_load((ROOT / "prefect.yaml").read_text())[
        "deployments"
    ]
    return deployments


async def deployment(wanted: dict[str, Any], watch: Watch | None = None) -> RunnerDeployment:
    """Turn one of them into a deployment of this process."""
    # Without the last argument Prefect hides an import error behind a flow that cannot run.
    served: Flow[Any, Any] = load_flow_from_entrypoint(
        str(ROOT / wanted["entrypoint"]), use_placeholder_flow=False
    )
    ours = watch if watch is not None and wanted["name"] == WATCH else Watch()
    return await served.ato_deployment(
        wanted["name"],
        description=wanted["description"],
        tags=wanted["tags"],
        parameters={**wanted.get("parameters", {}), **_parameters(ours)},
        schedules=[_schedule(one, ours.every) for one in wanted.get("schedules", ())],
        concurrency_limit=ConcurrencyLimitConfig(**wanted["concurrency_limit"]),
        enforce_parameter_schema=True,
    )


def _parameters(watch: Watch) -> dict[str, Any]:
    chosen = {
        "repos": list(watch.repos),
        "every": f"PT{watch.every.total_seconds():.0f}S" if watch.every else None,
        "config": watch.config,
    }
    return {name: value for name, value in chosen.items() if value}


def _schedule(wanted: dict[str, Any], every: timedelta | None) -> Schedule:
    # Prefect knows a schedule by its slug: with another one, that of the last time would go on, too.
    return Interval(every or timedelta(seconds=wanted["interval"]), slug=wanted["slug"])


async def main(watch: Watch, ready: Path | None) -> None:
    """Register every deployment and wait for runs; ``ready`` appears when all can be asked for."""
    await _server()
    with chdir(ROOT):  # Prefect writes down where a flow is relative to here, and runs it from here
        # Paused deployments, Prefect's way to stop, would leave the next server without work.
        runner = Runner(pause_on_shutdown=False)
        for wanted in declared():
            await runner.aadd_deployment(await deployment(wanted, watch))
        print("Your deployments are being served", flush=True)  # noqa: T201 -- for who started it
        if ready is not None:
            await asyncio.to_thread(ready.touch)
        await runner.start()


async def _server() -> None:
    """Wait until it answers: it may have been started together with us."""
    end = time.monotonic() + _PATIENCE
    async with get_client() as client:
        while (error := await client.api_healthcheck()) is not None:
            if time.monotonic() > end:
                raise error
            await asyncio.sleep(0.2)


def _arguments() -> argparse.Namespace:
    asked = argparse.ArgumentParser(description="Serve the deployments of prefect.yaml.")
    asked.add_argument("--repos", nargs="+", default=[], help="watch these")
    asked.add_argument("--every", type=float, metavar="SECONDS", help="look that often")
    asked.add_argument("--config", help="instead of the repositories' own")
    asked.add_argument("--ready", type=Path, help="a file to make when all can be asked for")
    return asked.parse_args()


if __name__ == "__main__":
    given = _arguments()
    often = timedelta(seconds=given.every) if given.every else None
    asyncio.run(main(Watch(given.repos, often, given.config), given.ready))
