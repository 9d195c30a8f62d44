"""Fetching texts: whatever a publisher answers, a whole text is kept or nothing is, and nobody leads us inside."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from services.ingest.ports.fulltext.fetching import MOST_REDIRECTS, TextFetcher, Turns
from services.ingest.ports.fulltext.port import Address, Fetched, NotFetched
from shared.blobs.folder import FolderBlobs
from tests.unit.services.ingest.publisher import (
    ARTICLE,
    LANDING,
    PDF,
    Publisher,
    bomb,
    dripping,
    endless,
    packed,
    page,
    redirect,
    refusal,
    silent,
)

pytestmark = pytest.mark.waits

LIMIT = 2 * 1024 * 1024


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    with Publisher() as server:
        yield server


@pytest.fixture
def blobs(tmp_path: Path) -> FolderBlobs:
    kept = FolderBlobs(tmp_path / "blobs")
    kept.ready()
    return kept


def fetcher(**options: Any) -> TextFetcher:
    given = {"user_agent": "us (mailto:team@review.example)", "limit": LIMIT, "timeout": 120, "each": 60, "pause": 0.0}
    return TextFetcher(**{**given, "private": True, **options})


def fetch(blobs: FolderBlobs, url: str, **options: Any) -> Fetched:
    kinds, own = options.pop("kinds", ("pdf", "jats")), options.pop("own", False)
    address = Address(url, "unpaywall", kinds, licence="cc-by-nc", own=own)
    return fetcher(**options).fetch(address, blobs, Turns(), options.pop("stopping", threading.Event()))


def kept(blobs: FolderBlobs, fetched: Fetched) -> bytes:
    return b"".join(blobs.open(fetched.blob.sha256, LIMIT))


def nothing_left(blobs: FolderBlobs) -> bool:
    files = [each for each in blobs._folder.rglob("*") if each.is_file() and each.name != "lock"]
    return files == []


def test_a_pdf_is_kept_as_it_is_and_whoever_is_asked_knows_who_asks(publisher, blobs):
    publisher.pages["/a.pdf"] = page(PDF)

    found = fetch(blobs, publisher.url("/a.pdf"))

    assert (found.kind, found.licence, kept(blobs, found)) == ("pdf", "cc-by-nc", PDF)
    assert publisher.headers[0]["user-agent"] == "us (mailto:team@review.example)"


def test_an_article_names_its_licence_itself(publisher, blobs):
    publisher.pages["/a.xml"] = page(ARTICLE, "text/xml")

    found = fetch(blobs, publisher.url("/a.xml"))

    assert (found.kind, found.licence) == ("jats", "https://creativecommons.org/licenses/by/4.0/")


def test_what_is_packed_is_kept_unpacked(publisher, blobs):
    publisher.pages["/a.pdf"] = packed(PDF)

    assert kept(blobs, fetch(blobs, publisher.url("/a.pdf"))) == PDF


def test_redirects_are_followed_to_their_end(publisher, blobs):
    for hop in range(MOST_REDIRECTS):
        publisher.pages[f"/{hop}"] = redirect(f"/{hop + 1}#page=2", code=[301, 302, 303, 307, 308][hop])
    publisher.pages[f"/{MOST_REDIRECTS}"] = page(PDF)

    found = fetch(blobs, publisher.url("/0"))

    assert found.url == publisher.url(f"/{MOST_REDIRECTS}#page=2")


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (page(LANDING, "application/pdf"), "HTML"),
        (page(LANDING, "text/html"), "HTML"),
        (page(b"", "application/pdf"), "empty"),
        (page(b"only words", "text/plain"), "TXT"),
        (page(b"PK\x03\x04" + bytes(100)), "ZIP"),
        (page(PDF[:-20]), "breaks off"),
        (page(ARTICLE.replace(b"<body>", b"<back>"), "text/xml"), "without its text"),
        (page(ARTICLE[:-12], "text/xml"), "breaks off"),
        (page(b'<!DOCTYPE article [<!ENTITY a "ha">]>' + ARTICLE[21:], "text/xml"), "entities"),
        (page(PDF, length="100000"), "RemoteProtocolError"),
        (page(PDF, length=str(LIMIT + 1)), "more than"),
        (page(PDF + bytes(LIMIT)), "more than"),
        (endless, "more than"),
        (bomb(20), "more than"),
        (page(gzip.compress(PDF)[:-9], Content_Encoding="gzip"), "breaks off"),
        (page(b"no gzip at all", Content_Encoding="gzip"), "packed wrongly"),
        (page(PDF, Content_Encoding="br"), "packed in a way"),
        (refusal(403), "HTTP 403"),
        (refusal(404), "HTTP 404"),
        (refusal(500), "HTTP 500"),
        (page(PDF, code=206), "HTTP 206"),
        (page(b"", code=302), "nowhere"),
        (redirect("/a.pdf"), "redirects more than"),
        (redirect("ftp://publisher.example/a.pdf"), "https://"),
        (redirect("http://user:pass@127.0.0.1/a.pdf"), "user name"),
        (redirect("http://a:b/"), "no address"),
        (redirect("http://169.254.169.254/latest/meta-data/"), "not an address of the open internet"),
        (lambda handler: handler.wfile.write(b"SSH-2.0-OpenSSH\r\n"), "RemoteProtocolError"),
        (lambda handler: handler.wfile.write(b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 100_000), "Error"),
    ],
)  # fmt: skip
def test_what_is_no_whole_text_is_not_kept_and_it_is_said_why(publisher, blobs, answer, why):
    publisher.pages["/a.pdf"] = answer

    with pytest.raises(NotFetched, match=why):
        fetch(blobs, publisher.url("/a.pdf"))

    assert nothing_left(blobs)


@pytest.mark.parametrize("answer", [dripping, silent])
def test_whoever_takes_too_long_is_left(publisher, blobs, answer):
    publisher.pages["/a.pdf"] = answer

    with pytest.raises(NotFetched, match="in time"):
        fetch(blobs, publisher.url("/a.pdf"), timeout=0.5)

    assert nothing_left(blobs)


def test_a_silence_is_waited_for_less_long_than_all_of_a_copy(publisher, blobs):
    publisher.pages["/a.pdf"] = silent

    with pytest.raises(NotFetched, match="in time"):
        fetch(blobs, publisher.url("/a.pdf"), timeout=3_600, each=0.3)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{port}/a.pdf",
        "https://127.0.0.1:{port}/a.pdf",
        "https://localhost:{port}/a.pdf",
        "https://[::1]:{port}/a.pdf",
        "https://169.254.169.254/latest/meta-data/",
        "https://10.0.0.1/a.pdf",
        "file:///etc/passwd",
        "gopher://publisher.example/",
        "",
        "https://",
    ],
)
def test_no_address_leads_inside(publisher, blobs, url):
    publisher.pages["/a.pdf"] = page(PDF)

    with pytest.raises(NotFetched, match="is not gone to"):
        fetch(blobs, url.format(port=publisher.port), private=False)

    assert publisher.asked == []


def test_an_address_of_the_settings_may_be_inside_and_what_it_redirects_to_may_not(publisher, blobs):
    publisher.pages |= {"/a.pdf": page(PDF), "/b.pdf": redirect(publisher.url("/a.pdf"))}

    assert fetch(blobs, publisher.url("/a.pdf"), private=False, own=True).kind == "pdf"
    with pytest.raises(NotFetched, match="is not gone to"):
        fetch(blobs, publisher.url("/b.pdf"), private=False, own=True)

    assert publisher.asked == ["/a.pdf", "/b.pdf"]


def test_a_name_is_looked_up_once_for_each_request_and_gone_to_where_it_was_checked(publisher, blobs):
    publisher.pages |= {"/a": redirect(f"http://other.example:{publisher.port}/b"), "/b": page(PDF)}
    looked_up: list[str] = []

    def resolve(host: str) -> list[str]:
        looked_up.append(host)
        return ["127.0.0.1"]

    fetch(blobs, f"http://publisher.example:{publisher.port}/a", resolve=resolve)

    assert looked_up == ["publisher.example", "other.example"]
    assert [each["host"] for each in publisher.headers] == [f"{name}:{publisher.port}" for name in looked_up]


def test_an_address_without_tls_is_asked_with_it(publisher, blobs):
    looked_up: list[str] = []

    def resolve(host: str) -> list[str]:
        looked_up.append(host)
        return ["127.0.0.1"]

    with pytest.raises(NotFetched, match=r"is at 127\.0\.0\.1"):
        fetch(blobs, "http://publisher.example/a.pdf", resolve=resolve, private=False)
    assert looked_up == ["publisher.example"]


def test_how_long_to_leave_it_alone_is_heard(publisher, blobs):
    publisher.pages["/a.pdf"] = refusal(429, Retry_After="7200")

    with pytest.raises(NotFetched) as refused:
        fetch(blobs, publisher.url("/a.pdf"))

    assert refused.value.retry_after == 7200


def test_a_stop_ends_a_download(publisher, blobs):
    publisher.pages["/a.pdf"] = dripping
    stopping = threading.Event()
    stopping.set()

    with pytest.raises(NotFetched, match="the process ends"):
        fetcher(each=3_600, timeout=3_600).fetch(
            Address(publisher.url("/a.pdf"), "unpaywall", ("pdf",)), blobs, Turns(), stopping
        )


def test_a_host_is_asked_one_request_at_a_time(publisher, blobs):
    at_once, most, lock = 0, 0, threading.Lock()

    def counted(handler: Any) -> None:
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        threading.Event().wait(0.05)
        with lock:
            at_once -= 1
        page(PDF)(handler)

    publisher.pages = {f"/{number}": counted for number in range(6)}
    turns, one = Turns(), fetcher()
    threads = [
        threading.Thread(
            target=one.fetch,
            args=(Address(publisher.url(f"/{number}"), "unpaywall", ("pdf",)), blobs, turns, threading.Event()),
        )
        for number in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (len(publisher.asked), most) == (6, 1)
