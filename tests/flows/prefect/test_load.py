"""Fifty flow runs asked for at once on the embedded backend: none fails for its locks, none is lost."""

from collections import Counter
from pathlib import Path
from uuid import UUID

import pytest
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.settings import PREFECT_API_URL, temporary_settings

from tests.deployed import served, started
from tests.prefect_server import shared_server
from tests.world import World, typical_wreck
from tests.world.shell import wait_until
from unjam.settings.prefect import SERVED, TUNED

ASKED: dict[str, dict[str, object]] = {
    "recover": {"dry_run": True},
    "postflight": {},
    "preflight": {},
    "progress": {},
    "detect": {"recover": False},
}
EACH = 10


@pytest.mark.thorough
@pytest.mark.slow
def test_fifty_flow_runs_at_once_all_complete_on_sqlite(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As `unjam up` has it."""
    typical_wreck(world)
    for name, value in {**TUNED, **SERVED}.items():
        monkeypatch.setenv(name, value)
    place = tmp_path / "server"
    with (
        shared_server(place) as url,
        temporary_settings({PREFECT_API_URL: url}),
        served(url, tmp_path / "served"),
        get_client(sync_client=True) as client,
    ):
        runs = [
            started(client, name, **about(name, world), **more)
            for _ in range(EACH)
            for name, more in ASKED.items()
        ]

        wait_until(lambda: not left(client, runs), "the fifty to end", deadline=600)

        states = [client.read_flow_run(one).state for one in runs]
    ended = Counter(str(state.name) for state in states if state)
    assert ended == {"Completed": EACH * len(ASKED)}, [
        state.message for state in states if state and not state.is_completed()
    ]


def about(name: str, world: World) -> dict[str, object]:
    return {"repos": [str(world.repo)]} if name == "detect" else {"repo": str(world.repo)}


def left(client: SyncPrefectClient, runs: list[UUID]) -> int:
    states = [client.read_flow_run(one).state for one in runs]
    return sum(state is None or not state.is_final() for state in states)
