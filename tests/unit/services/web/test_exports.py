"""Exports in a browser: a file is asked for, made and taken away, passed on piece by piece and never shown."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from services.ingest.ports.libraries.catalog import ending_of
from services.web.passing import PassedOn
from shared.wire.ingest import EXPORT_ENDINGS
from tests.unit.services.web.rig import REVIEW, Browser, Site

pytestmark = pytest.mark.waits

AT = f"/reviews/{REVIEW}/exports"


@pytest.fixture(scope="module")
def reviewer(site: Site) -> Browser:
    site.founds()
    site.brings("A <script>shared</script> garden", "A second garden")
    return site.member("Ana", "reviewer")


def made(site: Site, browser: Browser, **asked: str) -> str:
    """Asks for a file, and where it is to be had."""
    browser.goes(AT).sends(AT, **asked)
    (export, *_) = site.client(browser).ingest.exports(REVIEW)
    site.waits(lambda: site.client(browser).ingest.export(REVIEW, export.id).state == "done")
    return f"{AT}/{export.id}/file"


@pytest.mark.parametrize("format", EXPORT_ENDINGS)
def test_a_file_of_each_format_is_asked_for_and_saved(site, reviewer, format):
    at = made(site, reviewer, format=format)
    assert at in reviewer.goes(AT).text and "Download" in reviewer.text

    page = reviewer.http.get(at)
    assert page.headers["content-disposition"] == f'attachment; filename="{REVIEW}{ending_of(format)}"'
    assert page.headers["x-content-type-options"] == "nosniff" and page.headers["cache-control"] == "no-store"
    assert page.headers["content-type"] == "application/octet-stream"
    assert len(page.content) == int(page.headers["content-length"])
    if format == "ris":
        assert b"A second garden" in page.content


def test_two_files_of_one_person_one_after_the_other_are_had(site, reviewer):
    at = made(site, reviewer, format="ris")

    assert [reviewer.http.get(at).status_code for _ in range(3)] == [200] * 3


def test_what_is_no_format_or_stage_is_said_at_its_field(reviewer):
    reviewer.goes(AT).sends(AT, format="parchment")

    assert reviewer.page.status_code == 422 and 'href="#format"' in reviewer.text


def test_readers_take_files_and_ask_for_none_and_strangers_see_nothing(site, reviewer):
    at = made(site, reviewer, format="csv")
    rita = site.member("Rita", "reader").goes(AT)

    assert "Make the file" not in rita.text and rita.http.get(at).status_code == 200
    assert rita.posts(AT, rita.form("/sign-out") | {"format": "ris"}).page.status_code == 403
    assert Browser(site).goes(at).at == "/sign-in"
    assert reviewer.goes(f"{AT}/export_none/file").page.status_code == 404


def passed_on(app, read: int | None = None) -> list[bytes]:
    """What of an application's answer is read: all, or so many pieces, after which it is closed."""

    async def ask() -> list[bytes]:
        found = []
        async with (
            httpx.AsyncClient(transport=PassedOn(app)) as client,
            client.stream("GET", "http://a/b?c=d") as answer,
        ):
            async for piece in answer.aiter_raw():
                found.append(piece)
                if len(found) == read:
                    break
        return found

    return asyncio.run(ask())


def test_an_answer_is_passed_on_as_it_comes_and_made_no_further_than_it_is_read():
    sent = []

    async def app(scope, receive, send):
        assert (scope["path"], scope["query_string"]) == ("/b", b"c=d")
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for n in range(1000):
            await send({"type": "http.response.body", "body": b"%d" % n, "more_body": True})
            sent.append(n)
        await send({"type": "http.response.body", "body": b""})

    assert passed_on(app, read=3) == [b"0", b"1", b"2"] and len(sent) < 10
    assert len(passed_on(app)) == 1000


def test_an_answer_that_breaks_off_is_not_taken_for_whole():
    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
        raise OSError("the disk is gone")

    with pytest.raises(httpx.ReadError):
        passed_on(app)
