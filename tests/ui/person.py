"""What a person does and sees in the Prefect UI, in words of the screen and never of its markup."""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from playwright.sync_api import Locator, Page, expect

TRIES = 4


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody before a browser."""

    page: Page
    address: str
    album: Path | None  # where pictures of what they see go

    def opens(self, place: str) -> None:
        """Go to a page, as from a bookmark."""
        self.page.goto(f"{self.address}/v2/{place}")

    def sees(self, words: str) -> None:
        """Wait until these words are on the screen."""
        expect(self.page.get_by_text(words).first).to_be_visible()

    def photographs(self, name: str) -> None:
        """Keep what is on the screen, where pictures are wanted."""
        if self.album is not None:
            self.album.mkdir(parents=True, exist_ok=True)
            self.page.wait_for_load_state("networkidle")
            self.page.screenshot(path=self.album / f"{name}.png", animations="disabled")

    def fills_in_a_run(self, deployment: str, repo: Path, workstream: str) -> None:
        """Open the form of a deployment's custom run and fill it in."""
        self.page.get_by_role("link", name=deployment).first.click()
        self.page.get_by_role("button", name="Run", exact=True).click()
        self.page.get_by_role("menuitem", name="Custom run").click()
        self.page.get_by_label("repo").first.fill(str(repo))
        self.page.get_by_text("list", exact=True).first.click()
        self.page.get_by_role("button", name="Add item").click()
        self.page.get_by_role("textbox").last.fill(workstream)

    def submits(self) -> None:
        """Send the form off, and go to the run that comes of it."""
        self.page.get_by_role("button", name="Submit").click()
        self.page.get_by_text("View run").first.click()
        self.page.wait_for_url("**/flow-run/**")

    def waits_for(self, state: str) -> None:
        """Wait until the run's page says that the run is in this state."""
        expect(self.page.get_by_text(state, exact=True).first).to_be_visible()

    def asks_to_resume(self) -> Locator:
        """Open the form of a suspended run."""
        self.page.get_by_role("button", name="Open menu").first.click()
        self.page.get_by_role("menuitem", name="Resume").click()
        form = self.page.get_by_role("dialog")
        expect(form.get_by_role("button", name="Resume")).to_be_visible()
        return form

    def answers(self, form: Locator, decision: str, name: str) -> None:
        """Fill that form in."""
        form.get_by_label("Decision").click()
        self.page.get_by_role("option", name=decision, exact=True).click()
        form.get_by_label("Name (Optional)").fill(name)

    def resumes(self, form: Locator) -> None:
        """Send that form off; again, where a busy server did not take it."""
        for _ in range(TRIES):
            form.get_by_role("button", name="Resume").click()
            with suppress(AssertionError):
                expect(form).to_be_hidden(timeout=15_000)
                return
        raise AssertionError("the server does not take the answer")

    def opens_tab(self, name: str) -> None:
        """Turn to a part of the run's page, as it is now."""
        self.page.reload()
        self.page.get_by_role("tab", name=name).click()

    def opens_artifact(self, key: str, number: UUID) -> None:
        """Go from the run's artifacts by the page of all runs' of this key to what it holds."""
        self.page.get_by_role("link", name=key).first.click()
        self.page.wait_for_url(f"**/key/{key}")
        self.page.locator(f'a[href*="/artifacts/artifact/{number}"]').first.click()
        self.page.wait_for_url("**/artifacts/artifact/**")

    def goes_back_to(self, place: str) -> None:
        """Go to a place that was on the screen before, by its address."""
        self.page.goto(place)
