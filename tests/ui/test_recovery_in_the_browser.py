"""A recovery from the Prefect UI: started in a form, asked about, approved, and read, in a browser."""

from uuid import UUID

import pytest
from playwright.sync_api import expect
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId

from deployments.serve import declared
from tests.command import unjam_json
from tests.ui.person import Person
from tests.world import World, typical_wreck

pytestmark = pytest.mark.slow


def test_every_deployment_is_listed_with_what_it_is_for(person: Person) -> None:
    person.opens("deployments?limit=50")

    for one in declared():
        link = person.page.get_by_role("link", name=one["name"], exact=True)
        expect(link.first).to_be_visible()
    person.photographs("deployments")


def test_a_person_starts_a_recovery_sees_the_plan_approves_it_and_reads_what_came_of_it(
    person: Person, world: World
) -> None:
    typical_wreck(world)
    alone = ("recover", "orchestrator-crash", "--workstream", "ws-02")
    planned = unjam_json(*alone, "--dry-run", cwd=world.repo)

    starts(person, world)
    assert unjam_json("history", cwd=world.repo)["runs"] == []
    approves(person, planned["digest"])

    (past,) = unjam_json("history", cwd=world.repo)["runs"]
    assert past["word"] == "recovered"
    reads(person, UUID(past["flow_run"]["id"]))
    person.opens("runs")
    person.sees("orchestrator_crash project ws-02")
    person.photographs("runs")


def starts(person: Person, world: World) -> None:
    person.opens("deployments?limit=50")
    person.fills_in_a_run("orchestrator_crash", world.repo, "ws-02")
    person.sees("Recover only these workstreams")
    person.photographs("custom-run")
    person.submits()
    person.waits_for("Suspended")
    person.photographs("suspended")


def approves(person: Person, digest: str) -> None:
    form = person.asks_to_resume()
    for told in (digest, "its branch never landed", "asks first"):
        expect(form).to_contain_text(told)
    person.photographs("plan")
    person.answers(form, "approve", "Ada")
    person.resumes(form)
    person.waits_for("Recovered")
    person.opens_tab("Logs")
    person.sees("Ada says: approve")
    person.photographs("completed")


def reads(person: Person, run: UUID) -> None:
    made = ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[run]))
    with get_client(sync_client=True) as client:
        numbers = {one.key: one.id for one in client.read_artifacts(artifact_filter=made)}
    person.opens_tab("Artifacts")
    artifacts = person.page.url
    for key, told in (
        ("unjam-report", "To take it back"),
        ("unjam-workstreams", "done: salvage, land"),
        ("unjam-run", "what was done for each workstream"),
    ):
        person.goes_back_to(artifacts)
        (whole,) = [one for one in numbers if one and one.startswith(f"{key}-")]
        person.opens_artifact(whole, numbers[whole])
        person.sees(told)
        person.photographs(key.removeprefix("unjam-"))
    picture = person.page.locator('img[src^="data:image/svg+xml"]')
    expect(picture).to_be_visible()
    assert picture.evaluate("one => one.naturalWidth") > 0
