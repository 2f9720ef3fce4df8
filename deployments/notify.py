"""Let the server call a webhook about what the watch finds and about runs that need a person.

Run ``UNJAM_WEBHOOK=https://… python -m deployments.notify`` with ``PREFECT_API_URL`` naming the
server. Run again, it replaces what it made before. The address is kept in a block of Prefect.
"""

import asyncio
import os
import sys
from datetime import timedelta
from uuid import UUID

from prefect.automations import AutomationCore
from prefect.blocks.webhook import Webhook
from prefect.client.orchestration import PrefectClient, get_client
from prefect.events.actions import CallWebhook
from prefect.events.schemas.automations import EventTrigger, Posture
from prefect.types import SecretDict
from pydantic import SecretStr

from tasks.runtime.states import name_of
from unjam.domain.steps.outcome import ALL_WELL, RunWord

BLOCK = "unjam"
# Every value is given a default: where one is missing, Prefect would call nobody, and say so nowhere.
FOUND = """\
{"text": {{ event.payload.get("summary", "something was found") | tojson }},
 "about": "finding",
 "repository": {{ event.payload.get("repo", "") | tojson }},
 "scenario": {{ event.payload.get("scenario", "") | tojson }},
 "severity": {{ event.payload.get("severity", "") | tojson }},
 "fingerprint": {{ event.payload.get("fingerprint", "") | tojson }},
 "workstreams": {{ event.payload.get("workstreams", []) | tojson }}}
"""
NEEDED = """\
{"text": {{ (event.resource.get("prefect.resource.name", "a run") ~ ": "
             ~ event.resource.get("prefect.state-name", "")) | tojson }},
 "about": "run",
 "run": {{ event.resource.get("prefect.resource.id", "") | tojson }},
 "state": {{ event.resource.get("prefect.state-name", "") | tojson }},
 "message": {{ event.resource.get("prefect.state-message", "") | tojson }}}
"""


def automations(block: UUID) -> tuple[AutomationCore, ...]:
    """Return what is to happen when, with the webhook of this block."""
    found = EventTrigger(
        expect={"unjam.finding.*"}, posture=Posture.Reactive, threshold=1, within=timedelta(0)
    )
    waits = {"Suspended", "Failed", "Crashed", "TimedOut", *map(name_of, set(RunWord) - ALL_WELL)}
    needed = EventTrigger(
        expect={f"prefect.flow-run.{state}" for state in waits},
        match_related={
            "prefect.resource.id": "prefect.tag.unjam",
            "prefect.resource.role": "tag",
        },
        posture=Posture.Reactive,
        threshold=1,
        within=timedelta(0),
    )
    return tuple(
        AutomationCore(
            name=name,
            description=description,
            trigger=trigger,
            actions=[CallWebhook(block_document_id=block, payload=payload)],
        )
        for name, description, trigger, payload in (
            ("unjam: found", "What the watch finds that was not there before.", found, FOUND),
            (
                "unjam: needed",
                "Runs that wait for a person, or leave something to one.",
                needed,
                NEEDED,
            ),
        )
    )


async def notify(url: str) -> list[UUID]:
    """Make or replace the block and the automations; returns the automations' ids."""
    told = SecretDict({"content-type": "application/json"})
    block = UUID(str(await Webhook(url=SecretStr(url), headers=told).save(BLOCK, overwrite=True)))
    async with get_client() as client:
        return [await _placed(client, one) for one in automations(block)]


async def _placed(client: PrefectClient, wanted: AutomationCore) -> UUID:
    for old in await client.read_automations_by_name(wanted.name):
        await client.update_automation(old.id, wanted)
        return old.id
    return await client.create_automation(wanted)


def main() -> None:
    """Take the address from the environment: in a command line everybody could read it."""
    url = os.environ.get("UNJAM_WEBHOOK", "")
    if not url.startswith(("http://", "https://")):
        sys.exit("UNJAM_WEBHOOK must hold the address to call, https://…")
    asyncio.run(notify(url))


if __name__ == "__main__":
    main()
