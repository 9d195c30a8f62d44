"""Pages in a process of their own: they ask the platform over the network, and say whether it answers."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from demo.replay.server import ReplayServer
from services.web.app import alone
from shared.settings import Settings
from tests.unit.services.web.rig import REVIEW, Form, Site

pytestmark = pytest.mark.waits


@pytest.fixture(scope="module")
def platform(site: Site) -> Iterator[str]:
    site.founds()
    with ReplayServer(site.app) as server:
        yield server.url


def settings(url: str) -> Settings:
    return Settings(url=url, public_url="http://testserver", log_level="error", _env_file=None)


def test_they_show_what_the_platform_has_to_whoever_has_a_session_there(site, platform):
    with TestClient(alone(settings(platform)), cookies={"living-session": site.admin.session or ""}) as browser:
        assert REVIEW in browser.get("/").text
        assert "Waiting for you" in browser.get(f"/reviews/{REVIEW}").text
        assert (browser.get("/readyz").status_code, browser.get("/healthz").json()) == (200, {"status": "ok"})


def test_files_go_through_them_over_the_network_on_their_way_in_and_out(site, platform):
    imports, exports = f"/reviews/{REVIEW}/imports", f"/reviews/{REVIEW}/exports"
    library = b"TY  - JOUR\nTI  - A garden from afar\nPY  - 2021\nER  - \n"
    with TestClient(alone(settings(platform)), cookies={"living-session": site.admin.session or ""}) as browser:
        fields = Form(browser.get(imports).text).forms[-1]["fields"]
        fields.pop("file")
        page = browser.post(imports, data=fields, files={"file": ("afar.ris", library)})
        assert page.status_code == 200 and "afar.ris" in page.text
        site.waits(lambda: "data-again" not in browser.get(page.url.path).text)

        browser.post(exports, data=Form(browser.get(exports).text).forms[-1]["fields"] | {"format": "ris"})
        site.waits(lambda: "/file" in browser.get(exports).text)
        (file,) = re.findall(r'href="([^"]+/file)"', browser.get(exports).text)
        assert b"A garden from afar" in browser.get(file).content


def test_without_the_platform_a_page_says_so_and_readiness_too(site):
    with TestClient(
        alone(settings("http://127.0.0.1:9")), cookies={"living-session": site.admin.session or ""}
    ) as browser:
        answer = browser.get("/")
        assert (answer.status_code, "Not at this moment" in answer.text) == (503, True)
        assert 'data-again="crowd"' in answer.text
        assert "127.0.0.1" not in answer.text
        assert browser.get("/readyz").json() == {"ready": False, "services": {"web": {"people": "down"}}}
        assert browser.get("/readyz").status_code == 503 and browser.get("/healthz").status_code == 200
