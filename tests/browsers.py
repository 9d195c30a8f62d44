"""A real browser: Chromium, as Debian has it, driven by Playwright."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest


@contextmanager
def chromium() -> Iterator[Any]:
    """The browser, where it is; where it is not a test is skipped in one line, or fails where it must be."""
    found = shutil.which("chromium")
    if found is None:
        seen = "no browser here: chromium is not installed"
        if os.environ.get("LIVING_TEST_REQUIRE_BROWSER") == "1":
            pytest.fail(seen)
        pytest.skip(seen)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        try:
            yield made
        finally:
            made.close()


class Visit:
    """One page of one person, with whatever it did that no page of ours may do (`wrong`)."""

    def __init__(self, browser: Any, url: str, **how: Any) -> None:
        self.url = url
        self.wrong: list[str] = []
        self.context = browser.new_context(base_url=url, **how)
        self.page = self.context.new_page()
        self.page.set_default_timeout(60_000)
        self.page.on("pageerror", lambda error: self.wrong.append(f"error: {error}"))
        self.page.on("dialog", lambda dialog: self.wrong.append(f"dialog: {dialog.message}"))
        self.page.on("request", lambda asked: asked.url.startswith(url) or self.wrong.append(f"asked: {asked.url}"))
        self.page.on("console", self._heard)

    def _heard(self, message: Any) -> None:
        # A form that lacks something is answered 422, a machine that stands still makes a service busy, and a test may
        # cut a line; all of it a browser tells its console.
        expected = ("status of 4", "status of 503", "net::ERR_INTERNET_DISCONNECTED")
        if message.type == "error" and not any(said in message.text for said in expected):
            self.wrong.append(f"console: {message.text}")
