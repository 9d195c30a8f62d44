"""Politeness: pauses, limits, and what becomes of every kind of bad answer."""

from __future__ import annotations

import gzip
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from pydantic import SecretStr

from services.ingest.ports.sources.http import Access, Answer, Limits, PoliteClient, retry_after, within
from services.ingest.ports.sources.port import SourceDrifted, SourceRefused, SourceUnavailable
from tests.unit.services.ingest.ports.sources.wire import Net, json_reply, text_reply

KEY = "0123456789abcdef"
LIMITS = Limits(timeout=1, answer_seconds=10, answer_bytes=1000, tries=3, longest_pause=60)


def polite(net: Net, **settings) -> PoliteClient:
    access = Access("https://api.example.org/", "team@example.org", SecretStr(KEY))
    return PoliteClient("example", access, net.client, **({"interval": 0.0, "limits": LIMITS} | net.timing | settings))


def ask(net: Net, **settings):
    return polite(net, **settings).ask("GET", "works", Answer.json)


def test_an_answer_is_read():
    net = Net(json_reply({"works": 1}))
    assert ask(net) == {"works": 1}
    assert str(net.requests[0].url) == "https://api.example.org/works"


def test_the_source_is_told_whom_to_write_to():
    net = Net(json_reply({}))
    ask(net)
    assert net.requests[0].headers["user-agent"] == "living-reviews (mailto:team@example.org)"


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_source_that_is_busy_is_asked_again(status):
    net = Net(text_reply("busy", "text/html", status), json_reply({"ok": True}))
    assert ask(net) == {"ok": True}
    assert net.slept == [1.0]


def test_the_pauses_grow_and_then_the_source_counts_as_unavailable():
    net = Net(text_reply("busy", "text/plain", 503))
    with pytest.raises(SourceUnavailable, match=r"HTTP 503.*3 times"):
        ask(net)
    assert net.slept == [1.0, 2.0]
    assert len(net.requests) == 3


def test_a_short_wait_is_waited():
    net = Net(text_reply("", "text/html", 429, retry_after="7"), json_reply({}))
    ask(net)
    assert net.slept == [7.0]


def test_a_long_wait_is_not_slept_but_told():
    net = Net(text_reply("", "text/html", 429, retry_after="53578"))
    with pytest.raises(SourceUnavailable, match="wait 53578 s") as caught:
        ask(net)
    assert net.slept == []
    assert caught.value.retry_after == 53578


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "12"}, 12.0),
        ({"retry-after": "Fri, 31 Dec 2021 23:59:59 GMT", "date": "Fri, 31 Dec 2021 23:59:29 GMT"}, 30.0),
        ({"retry-after": "Fri, 31 Dec 2021 23:59:59 GMT", "date": "Sat, 01 Jan 2022 23:59:29 GMT"}, 0.0),
        ({"retry-after": "Fri, 31 Dec 2021 23:59:59 GMT"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-5"}, None),
        ({}, None),
    ],
)
def test_a_wait_may_be_seconds_or_a_date(headers, seconds):
    assert retry_after(headers) == seconds


@pytest.mark.parametrize(
    "error", [httpx.ConnectError("refused"), httpx.ReadTimeout("slow"), httpx.RemoteProtocolError("cut")]
)
def test_a_broken_connection_is_tried_again(error):
    assert ask(Net(error, json_reply({"ok": True}))) == {"ok": True}
    with pytest.raises(SourceUnavailable, match=type(error).__name__):
        ask(Net(error))


@pytest.mark.parametrize(
    "reply",
    [
        text_reply("<html>Maintenance</html>", "text/html"),
        text_reply('{"cut": ', "application/json"),
        text_reply("", "application/json"),
        text_reply("{}", "text/plain"),
        httpx.Response(200, content=b""),
        httpx.Response(204),
    ],
)
def test_an_answer_in_another_form_is_tried_again_and_then_counts_as_drift(reply):
    assert ask(Net(reply, json_reply({"ok": True}))) == {"ok": True}
    with pytest.raises(SourceDrifted, match="does not document, 3 times"):
        ask(Net(reply))


def test_broken_compression_counts_as_drift():
    headers = {"content-type": "application/json", "content-encoding": "gzip"}
    net = Net(lambda request: httpx.Response(200, stream=httpx.ByteStream(b"no gzip"), headers=headers))
    with pytest.raises(SourceDrifted, match="compression"):
        ask(net)


def test_an_oversized_answer_is_cut_off_at_once():
    net = Net(json_reply({"works": "x" * 2000}))
    with pytest.raises(SourceDrifted, match="more than 1000 bytes"):
        ask(net)
    assert len(net.requests) == 1


def test_what_counts_is_the_size_after_decompression():
    bomb = gzip.compress(b" " * 1_000_000)
    headers = {"content-type": "application/json", "content-encoding": "gzip"}
    net = Net(lambda request: httpx.Response(200, stream=httpx.ByteStream(bomb), headers=headers))
    with pytest.raises(SourceDrifted, match="more than 1000 bytes"):
        ask(net)


def test_an_answer_that_drips_for_too_long_is_given_up():
    class Dripping(httpx.SyncByteStream):
        def __iter__(self):
            for _ in range(20):
                net.now += 1.0
                yield b" "

    headers = {"content-type": "application/json"}
    net = Net(lambda request: httpx.Response(200, stream=Dripping(), headers=headers))
    with pytest.raises(SourceUnavailable, match="more than 10 s"):
        ask(net)


def test_a_redirect_is_not_followed():
    net = Net(httpx.Response(301, headers={"location": "https://elsewhere.example.org/works"}))
    with pytest.raises(SourceDrifted, match="moved"):
        ask(net)
    assert len(net.requests) == 1


@pytest.mark.parametrize("media_type", ["text/html", "text/plain", "application/json"])
def test_an_address_that_is_gone_counts_as_drift(media_type):
    with pytest.raises(SourceDrifted, match="nothing at the address"):
        ask(Net(text_reply("Resource not found.", media_type, 404)))


def test_a_refusal_is_final_and_in_the_sources_words():
    net = Net(text_reply("Sorry, <b>no</b>", "text/html", 403))
    with pytest.raises(SourceRefused, match="HTTP 403: Sorry"):
        ask(net)
    assert len(net.requests) == 1


def test_a_request_that_moves_the_sources_place_is_not_sent_twice():
    for reply in (httpx.ReadTimeout("slow"), text_reply("cut", "text/html")):
        net = Net(reply, json_reply({"ok": True}))
        with pytest.raises((SourceUnavailable, SourceDrifted)):
            polite(net).ask("GET", "works", Answer.json, repeatable=False)
        assert len(net.requests) == 1


def test_a_request_that_moves_the_sources_place_is_sent_again_after_not_now():
    net = Net(text_reply("", "text/html", 429), json_reply({"ok": True}))
    assert polite(net).ask("GET", "works", Answer.json, repeatable=False) == {"ok": True}


def test_requests_keep_their_distance():
    net = Net(json_reply({}))
    client = polite(net, interval=0.5)
    for _ in range(3):
        client.ask("GET", "works", Answer.json)
    assert net.slept == [0.5, 0.5]


def test_the_source_may_set_the_distance_anew():
    net = Net(json_reply({}))
    client = polite(net, interval=1.0, pace=lambda answer: 0.25)
    for _ in range(3):
        client.ask("GET", "works", Answer.json)
    assert net.slept == [1.0, 0.25]


@pytest.mark.parametrize(
    "reply",
    [
        json_reply({"error": "API key invalid", "api-key": KEY}, 400),
        json_reply({"error": "limit", "api-key": KEY}, 429),
        text_reply(f"<html>{KEY}</html>", "text/html"),
        text_reply(f"moved {KEY}", "text/html", 404),
    ],
)
def test_a_key_that_the_source_repeats_is_in_no_error_nor_in_what_caused_it(reply):
    with pytest.raises((SourceRefused, SourceUnavailable, SourceDrifted)) as caught:
        ask(Net(reply))
    error: BaseException | None = caught.value
    while error is not None:
        assert KEY not in f"{error} {error.args} {getattr(error, 'extra', '')}"
        error = error.__cause__ or error.__context__


def test_what_the_source_says_about_our_quota_is_kept():
    reply = json_reply({}, x_ratelimit_remaining="989", x_api_pool="polite", server="nginx")
    quota = polite(Net(reply)).ask("GET", "works", lambda answer: answer.quota)
    assert quota == {"x-ratelimit-remaining": "989", "x-api-pool": "polite"}


def test_every_answer_that_came_whole_is_kept_before_it_is_read():
    net = Net(text_reply("busy", "text/html", 503), json_reply({"ok": True}))
    kept = []
    polite(net).ask("GET", "works", Answer.json, params={"q": "a b"}, keep=kept.append)

    assert [(one.status, one.content_type, one.body) for one in kept] == [
        (503, "text/html", b"busy"), (200, "application/json", b'{"ok":true}'),
    ]  # fmt: skip
    assert {one.asked for one in kept} == {"GET https://api.example.org/works?q=a+b"}
    assert all(one.at.tzinfo is not None for one in kept)


def test_what_was_asked_is_told_without_who_asked():
    net = Net(json_reply({}))
    access = Access(f"https://someone:{KEY}@api.example.org/{KEY}/", "team@example.org", SecretStr(KEY))
    kept = []
    PoliteClient("example", access, net.client, interval=0.0, **net.timing).ask(
        "POST",
        "search",
        Answer.json,
        form={"db": "pubmed", "term": f"heart {KEY}", "email": "team@example.org", "api_key": KEY, "tool": "living"},
        keep=kept.append,
    )

    (heard,) = kept
    assert heard.asked == "POST https://api.example.org/***/search?db=pubmed&term=heart+***&tool=living"


def test_what_keeping_raises_ends_the_asking():
    def full(heard):
        raise OSError("no room")

    net = Net(json_reply({}))
    with pytest.raises(OSError, match="no room"):
        polite(net).ask("GET", "works", Answer.json, keep=full)
    assert len(net.requests) == 1


def test_whoever_has_a_person_wait_gives_up_in_time_and_a_run_does_not():
    def hangs(request: httpx.Request) -> httpx.Response:
        net.now += request.extensions["timeout"]["read"]
        raise httpx.ReadTimeout("silent")

    for patient in (True, False):
        net = Net(hangs)
        limits = Limits(timeout=30, tries=4)
        with pytest.raises(SourceUnavailable, match="ReadTimeout"):
            if patient:
                ask(net, limits=limits)
            else:
                with within(40):
                    ask(net, limits=limits)
        assert net.now == (4 * 30 + 1 + 2 + 4 if patient else 40)


def test_one_that_asks_for_a_pause_longer_than_one_waits_is_not_waited_for_and_is_told():
    net = Net(text_reply("", "text/html", 429, retry_after="50"))
    with pytest.raises(SourceUnavailable) as caught, within(20):
        ask(net)
    assert (net.slept, caught.value.retry_after) == ([], 50)


def test_one_that_sends_a_little_again_and_again_is_given_up_in_time():
    def drips(request: httpx.Request) -> httpx.Response:
        def body():
            while True:
                net.now += 3
                yield b" "

        return httpx.Response(200, content=body(), headers={"content-type": "application/json"})

    net = Net(drips)
    with pytest.raises(SourceUnavailable, match="one answer took more than"), within(5):
        ask(net)
    assert net.now <= 5 + 3 + 1


@pytest.mark.waits
def test_one_that_others_ask_for_longer_than_one_waits_is_not_asked():
    net = Net(json_reply({}))
    client = polite(net)
    with client._turn, ThreadPoolExecutor(1) as pool:

        def ahead() -> None:
            with within(0.05):
                client.ask("GET", "works", Answer.json)

        with pytest.raises(SourceUnavailable, match="asked by others"):
            pool.submit(ahead).result()
    assert net.requests == []
    assert client.ask("GET", "works", Answer.json) == {}
