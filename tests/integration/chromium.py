"""A real headless browser for tests of pages: the fixture `chromium`, and `open_page` for one page that stays at home.

Playwright's own Chromium where it is installed, else the machine's; a test is skipped, with the reason, where there is
neither. Every test file here can ask for the fixture; `from chromium import Looked, open_page` for the rest.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, Playwright, Route, expect, sync_playwright

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
LOCAL = {"127.0.0.1", "localhost", "", None}
PATIENCE = 60_000.0  # milliseconds: other tests share the machine


@dataclass
class Looked:
    """One open page, what it asked other hosts for (refused), and what it complained of."""

    page: Page
    refused: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser for a file of tests; skips where the machine has none.

    Not for the session: Playwright keeps an event loop running in this thread, in which no other can be started.
    """
    with sync_playwright() as playwright:
        program = find_chromium(playwright)
        if program is None:
            pytest.skip(f"no Chromium: Playwright has none installed, and PATH has none of {', '.join(PROGRAMS)}")
        browser = playwright.chromium.launch(executable_path=program, headless=True, args=list(FLAGS))
        expect.set_options(timeout=PATIENCE)
        yield browser
        browser.close()


def find_chromium(playwright: Playwright) -> str | None:
    """Return the path of a Chromium, None when there is none."""
    own = playwright.chromium.executable_path
    return own if Path(own).is_file() else next(filter(None, map(shutil.which, PROGRAMS)), None)


@contextmanager
def open_page(browser: Browser, *, width: int = 1400, height: int = 900, dark: bool = False) -> Iterator[Looked]:
    """Open an empty page with a profile of its own, which reaches no host but this one."""
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme="dark" if dark else "light", locale="en-US"
    )
    context.set_default_timeout(PATIENCE)
    looked = Looked(context.new_page())

    def only_here(route: Route) -> None:
        url = route.request.url
        if urlsplit(url).hostname in LOCAL:
            route.continue_()
        else:
            looked.refused.append(url)
            route.abort()

    context.route("**/*", only_here)
    looked.page.on("pageerror", lambda error: looked.errors.append(str(error)))
    try:
        yield looked
    finally:
        context.close()
