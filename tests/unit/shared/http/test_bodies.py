"""Bodies: each route takes as much as it says, reads it from those it knows alone, and may take it as it comes."""

from __future__ import annotations

import asyncio
import hashlib
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest

from shared.blobs.packing import CHUNK
from shared.http import blobs
from shared.tokens import Person, issue_token
from tests.unit.shared.http.serving import Served, served
from tests.unit.shared.http.uploads import MOST, OWN, UPLOADING, add_uploads
from tests.waiting import eventually
from tests.workbench import Workbench

pytestmark = pytest.mark.waits

FILE = random.Random(3).randbytes(1_000_000)
USUAL = 2000


@pytest.fixture
def bench(workbench) -> Workbench:
    bench = workbench(UPLOADING, max_body_bytes=USUAL)
    add_uploads(bench.app)
    return bench


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[Served]:
    """The toy with uploads, in a process of its own, which waits for a body as long as it takes."""
    folder = tmp_path_factory.mktemp("uploads")
    with served(folder, uploads=True, body_timeout=600, requests_at_once=1) as process:
        yield process


def url(review: str = "r", what: str = "files") -> str:
    return f"/toy/reviews/{review}/{what}"


def drafts(folder: Any) -> list[str]:
    return [path.name for path in (folder / "blobs" / "toy" / "drafts").iterdir()]


def pieces(size: int = 50_000) -> Iterator[bytes]:
    yield from (FILE[at : at + size] for at in range(0, len(FILE), size))


def counted(parts: Iterator[bytes], given: list[int]) -> Iterator[bytes]:
    for part in parts:
        given.append(len(part))
        yield part


def test_a_route_has_the_usual_limit_unless_it_says_its_own(bench):
    ana = bench.person()
    text = {"text": "x" * 3000}

    assert ana.post(url(what="long-notes"), json=text).status_code == 200
    seen = ana.post(url(what="long-notes"), json={"text": "x" * OWN})
    assert seen.status_code == 413 and str(OWN) in seen.json()["detail"]
    seen = ana.post(url(what="notes"), content=b"x" * (USUAL + 1))
    assert seen.status_code == 413 and str(USUAL) in seen.json()["detail"]


@pytest.mark.parametrize("what", ["files", "long-notes"])
def test_a_size_that_is_announced_is_refused_before_anything_is_read(bench, what):
    read = asked_of(bench, url(what=what), {"content-length": "999999999999"}, [b"x"])

    assert read == (413, 0)


@pytest.mark.parametrize("what", ["files", "long-notes", "notes"])
def test_nothing_is_read_from_somebody_we_do_not_know(bench, what):
    read = asked_of(bench, url(what=what), {"content-length": "3", "authorization": "Bearer nonsense"}, [b"abc"])

    assert read == (401, 0)


@pytest.mark.parametrize("headers", [{"transfer-encoding": "chunked"}, {"content-length": "999999999999"}])
@pytest.mark.parametrize("what", ["files", "long-notes", "notes"])
def test_nothing_is_read_from_somebody_who_may_not_send_it(bench, what, headers):
    assert asked_of(bench, url(what=what), headers, [b"abc"], role="reader") == (403, 0)
    assert asked_of(bench, url(what=what), headers, [b"abc"], reviews=("other",)) == (403, 0)


def test_a_body_that_announces_nothing_is_refused_as_soon_as_more_has_come(bench):
    endless = [b"x" * 1000] * 10_000

    assert asked_of(bench, url(what="long-notes"), {"transfer-encoding": "chunked"}, endless) == (413, OWN // 1000 + 1)
    assert asked_of(bench, url(), {"transfer-encoding": "chunked"}, endless) == (413, MOST // 1000 + 1)
    assert drafts(bench.settings.data_dir) == []


@pytest.mark.parametrize("content", [b"", b"a", FILE, FILE[:CHUNK]])
@pytest.mark.parametrize("announced", [True, False])
def test_an_upload_becomes_a_blob_and_comes_back_as_it_was(bench, content, announced):
    given = content if announced else iter([content[: len(content) // 2], content[len(content) // 2 :]])
    seen = bench.person().post(url(), content=given)

    assert (seen.status_code, seen.json()) == (
        200,
        {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)},
    )
    back = bench.person("rea", "reader").get(f"{url()}/{seen.json()['sha256']}/{len(content)}")
    assert back.status_code == 200 and back.content == content


def test_an_upload_that_is_encoded_is_refused_by_name(bench):
    seen = bench.person().post(url(), content=b"abc", headers={"Content-Encoding": "gzip"})

    assert seen.status_code == 422 and "gzip" in seen.json()["detail"]
    assert drafts(bench.settings.data_dir) == []


def test_a_client_that_leaves_half_way_leaves_nothing(bench):
    assert asked_of(bench, url(), {"content-length": str(len(FILE))}, [FILE[:400_000]], leaves=True)[0] in (0, 400)
    assert drafts(bench.settings.data_dir) == []
    assert bench.running.blobs.lost([hashlib.sha256(FILE[:400_000]).hexdigest()])


def test_a_client_that_leaves_half_way_through_a_usual_body_has_nothing_done(bench):
    assert asked_of(bench, url("half", "notes"), {"content-length": "10"}, [b"12345"], leaves=True)[0] in (0, 400)
    assert bench.person().get(url(what="notes")).json() == []


def test_a_slow_upload_holds_neither_a_gates_place_nor_the_right_to_write(server):
    going, done = threading.Event(), threading.Event()

    def slowly() -> Iterator[bytes]:
        for part in pieces(200_000):
            yield part
            going.set()
            done.wait(120)

    seen: list[httpx.Response] = []
    headers = server.headers()
    upload = threading.Thread(
        target=lambda: seen.append(httpx.post(server.url + url("slow"), content=slowly(), headers=headers, timeout=300))
    )
    upload.start()
    assert going.wait(120)
    for number in range(3):  # There is one place, and one writer.
        note = httpx.post(server.url + url(f"n{number}", "notes"), headers=server.headers("ben"), timeout=60)
        assert note.status_code == 200
    done.set()
    upload.join(120)
    assert seen[0].json() == {"sha256": hashlib.sha256(FILE).hexdigest(), "size": len(FILE)}


@pytest.mark.parametrize("chunked", [True, False])
def test_a_client_slower_than_a_body_may_be_is_cut_off_and_leaves_nothing(tmp_path, chunked):
    how = "Transfer-Encoding: chunked" if chunked else "Content-Length: 900000"
    with served(tmp_path, uploads=True, body_timeout=2) as server, server.connect() as connection:
        seen = "".join(f"{name}: {value}\r\n" for name, value in server.headers().items())
        connection.sendall(f"POST {url('late')} HTTP/1.1\r\nHost: x\r\n{how}\r\n{seen}\r\n".encode())
        with pytest.raises(OSError):
            for _ in range(800):  # As long as the announced length takes; a cut comes long before.
                connection.sendall(b"3e8\r\n" + b"x" * 1000 + b"\r\n" if chunked else b"x" * 1000)
                time.sleep(0.1)
        eventually(lambda: drafts(server.settings.data_dir) == [])


def test_a_client_whose_line_breaks_in_an_upload_leaves_nothing_and_no_fault_in_the_log(server):
    seen = "".join(f"{name}: {value}\r\n" for name, value in server.headers().items())
    with server.connect() as connection:
        connection.sendall(f"POST {url('cut')} HTTP/1.1\r\nHost: x\r\nContent-Length: 900000\r\n{seen}\r\n".encode())
        connection.sendall(FILE[:300_000])
        eventually(lambda: drafts(server.settings.data_dir) != [])

    eventually(lambda: drafts(server.settings.data_dir) == [])
    assert "Traceback" not in server.log.read_text()


def test_a_slow_reader_of_a_blob_holds_no_gates_place(server):
    seen = httpx.post(server.url + url("read"), content=FILE, headers=server.headers(), timeout=60).json()
    path = f"{url()}/{seen['sha256']}/{seen['size']}"
    headers = server.headers("rea", "reader")
    with httpx.stream("GET", server.url + path, headers=headers, timeout=60) as answer:
        chunks = answer.iter_raw(1000)
        read = next(chunks)
        for number in range(3):
            assert httpx.get(server.url + url(f"n{number}", "notes"), headers=headers, timeout=60).status_code == 200
        assert read + b"".join(chunks) == FILE


def test_what_turns_out_damaged_on_the_way_is_never_whole_to_who_reads_it(server):
    seen = httpx.post(server.url + url("damage"), content=FILE[:-1], headers=server.headers(), timeout=60).json()
    path = server.settings.data_dir / "blobs" / "toy" / seen["sha256"][:2] / f"{seen['sha256']}.gz"
    kept = path.read_bytes()
    path.write_bytes(kept[:-100_000] + bytes(99_996) + kept[-4:])

    with pytest.raises(httpx.RemoteProtocolError):
        httpx.get(
            f"{server.url}{url()}/{seen['sha256']}/{seen['size']}", headers=server.headers("rea", "reader"), timeout=60
        )


def test_blobs_move_for_those_who_ask_over_the_connections_of_requests(workbench):
    bench = workbench(UPLOADING, blobs_url="database:")
    add_uploads(bench.app)
    pool = bench.running.database.engine.pool
    with ExitStack() as taken:
        for _ in range(pool.size()):  # As relay, listener and jobs might.
            taken.enter_context(bench.running.database.engine.connect())
        seen = bench.person().post(url(), content=FILE).json()
        back = bench.person("rea", "reader").get(f"{url()}/{seen['sha256']}/{seen['size']}")

    assert back.content == FILE


def test_a_crowd_that_downloads_takes_few_threads_and_connections_at_once(bench, monkeypatch):
    seen = bench.person().post(url(), content=FILE).json()
    headers = {"authorization": bench.person("rea", "reader").headers["authorization"]}
    moving, most, lock = 0, 0, threading.Lock()
    next_chunk = blobs._next

    def counted_next(chunks: Iterator[bytes]) -> bytes | None:
        nonlocal moving, most
        with lock:
            moving += 1
            most = max(most, moving)
        time.sleep(0.01)  # Long enough for all to be here at once, were nothing in their way.
        with lock:
            moving -= 1
        return next_chunk(chunks)

    async def all_at_once() -> list[bytes]:
        transport = httpx.ASGITransport(bench.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://x", headers=headers) as client:
            answers = await asyncio.gather(*[client.get(f"{url()}/{seen['sha256']}/{len(FILE)}") for _ in range(30)])
            return [answer.content for answer in answers]

    monkeypatch.setattr(blobs, "_next", counted_next)
    assert asyncio.run(all_at_once()) == [FILE] * 30
    assert 1 < most <= blobs.AT_ONCE


def asked_of(
    bench: Workbench,
    path: str,
    headers: dict[str, str],
    parts: list[bytes],
    *,
    role: str = "reviewer",
    reviews: tuple[str, ...] = ("*",),
    leaves: bool = False,
) -> tuple[int, int]:
    """Asks the application itself; answers its status (0: none) and how many parts of the body it took."""
    from datetime import UTC, datetime, timedelta

    token = issue_token(
        bench.platform.ring, Person.member("ana", role, reviews), now=datetime.now(UTC), valid_for=timedelta(hours=1)
    )
    named = {"authorization": f"Bearer {token}", "content-type": "application/json", **headers}
    status, taken, rest = 0, 0, list(parts)

    async def receive() -> dict[str, Any]:
        nonlocal taken
        if not rest:
            if leaves or taken:
                return {"type": "http.disconnect"}
            await asyncio.sleep(3600)
        taken += 1
        return {"type": "http.request", "body": rest.pop(0), "more_body": bool(rest) or leaves}

    async def send(message: dict[str, Any]) -> None:
        nonlocal status
        status = message.get("status", status)

    scope = {
        "type": "http", "method": "POST", "path": path, "raw_path": path.encode(), "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in named.items()], "http_version": "1.1",
        "scheme": "http", "server": ("x", 80), "client": ("y", 1), "root_path": "",
    }  # fmt: skip
    call: Callable[..., Any] = bench.app
    asyncio.run(call(scope, receive, send))
    return status, taken
