"""A file that is sent from a real browser: how much of it went is shown, and a line that breaks loses nothing.

Slow: a browser is started; half a minute.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from services.web.files import Ways
from services.web.gate import Gate
from shared.errors import Busy
from tests.browsers import Visit, chromium
from tests.unit.services.web.rig import REVIEW, Site

pytestmark = [pytest.mark.slow, pytest.mark.waits]

AT = f"/reviews/{REVIEW}/imports"


@pytest.fixture(scope="module")
def url(site: Site) -> Iterator[str]:
    site.founds()
    site.admin.goes("/")
    with site.on_a_port() as found:
        yield found


def library(folder: Path, name: str, records: int) -> Path:
    file = folder / name
    record = "TY  - JOUR\nTI  - Garden %d\nPY  - 2021\nER  - \n\n"
    file.write_text("".join(record % n for n in range(records)))
    return file


def comes(browser: Any, site: Site, url: str) -> Visit:
    """An admin who is signed in, at the imports."""
    ada = Visit(browser, url)
    ada.context.add_cookies([{"name": "living-session", "value": site.admin.session or "", "url": url}])
    ada.page.goto(AT)
    return ada


def test_a_line_that_breaks_is_said_so_and_the_same_form_sent_again_is_one_import(site, url, tmp_path):
    with chromium() as browser:
        ada = comes(browser, site, url)
        page = ada.page
        page.set_input_files("#file", library(tmp_path, "garden.ris", 3))
        ada.context.set_offline(True)
        page.click("form[data-upload] button")
        page.wait_for_selector("[data-trouble]:not([hidden])")
        assert "nothing was kept" in page.inner_text("[data-trouble]")

        ada.context.set_offline(False)
        page.click("form[data-upload] button")
        page.wait_for_url(f"**{AT}/import_*")
        page.wait_for_selector("[data-again]", state="detached")
        assert page.inner_text("h1") == "garden.ris"
        assert len(list(site.client(site.admin).ingest.imports(REVIEW))) == 1


def test_a_form_that_is_not_done_at_this_moment_stays_as_it_is_with_its_file(site, url, tmp_path, monkeypatch):
    def one(ways, session):
        raise Busy("many files are on their way")

    with chromium() as browser, monkeypatch.context() as patch:
        ada = comes(browser, site, url)
        page = ada.page
        page.click("summary")
        page.fill("#reported", "1")
        page.set_input_files("#file", library(tmp_path, "waits.ris", 1))
        patch.setattr(Ways, "one", one)
        page.click("form[data-upload] button")
        page.wait_for_selector("[data-trouble]:not([hidden])")
        assert page.inner_text("[data-trouble]") == "Not at this moment. many files are on their way"
        assert page.input_value("#reported") == "1"

        patch.undo()
        page.click("form[data-upload] button")
        page.wait_for_url(f"**{AT}/import_*")
        assert page.inner_text("h1") == "waits.ris"


def test_a_page_that_nobody_can_be_shown_at_this_moment_comes_by_itself(site, url, monkeypatch):
    @asynccontextmanager
    async def turn(gate: Gate, session: str | None) -> Any:
        raise Busy("many people are here")
        yield

    with chromium() as browser, monkeypatch.context() as patch:
        patch.setattr(Gate, "turn", turn)
        ada = comes(browser, site, url)
        assert "This page looks again by itself." in ada.page.inner_text("[data-trouble='away']")

        patch.undo()
        ada.page.wait_for_selector("form[data-upload]")
        assert ada.wrong == []


def test_what_is_wrong_is_shown_without_leaving_and_mended_there(site, url, tmp_path):
    with chromium() as browser:
        ada = comes(browser, site, url)
        page = ada.page
        page.click("summary")
        page.fill("#reported", "many")
        page.set_input_files("#file", library(tmp_path, "wrong.ris", 1))
        page.click("form[data-upload] button")
        page.wait_for_selector(".why")
        assert page.input_value("#reported") == "many"

        page.fill("#reported", "1")
        page.set_input_files("#file", library(tmp_path, "mended.ris", 1))
        page.click("form[data-upload] button")
        page.wait_for_url(f"**{AT}/import_*")
        assert ada.wrong == []
