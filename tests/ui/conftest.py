"""A real browser for the tests of the Prefect UI, sealed off from everything but the server."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Route, expect, sync_playwright

from tests.ui.person import Person

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_QUIET = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run")
_PATIENCE = 300_000  # milliseconds


@pytest.fixture
def person(prefect_server: str, _deployments: None) -> Iterator[Person]:
    """Somebody before a browser that shows the UI of the session's server.

    ``SCREENSHOTS`` names a directory for what they see.
    """
    found = next(filter(None, map(shutil.which, _NAMES)), None)
    if found is None:
        pytest.skip(f"no browser: none of {', '.join(_NAMES)} is installed")
    address = prefect_server.removesuffix("/api")
    album = os.environ.get("SCREENSHOTS")

    def only_the_server(route: Route) -> None:
        if route.request.url.startswith((address, "data:", "blob:")):
            route.continue_()
        else:
            route.abort()

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=_QUIET)
        page = browser.new_page(viewport={"width": 1280, "height": 860})
        page.set_default_timeout(_PATIENCE)
        expect.set_options(timeout=_PATIENCE)
        page.route("**/*", only_the_server)
        yield Person(page, address, Path(album) if album else None)
        browser.close()
