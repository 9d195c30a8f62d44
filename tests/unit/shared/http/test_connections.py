"""No connection is held without an end, no number of them stops a server, and stopping it cuts nothing off."""

from __future__ import annotations

import signal
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import httpx
import pytest

from tests.unit.shared.http.serving import Served, served
from tests.waiting import eventually

pytestmark = pytest.mark.waits

#: With so many files a server opens fewer connections than the half-open ones below.
FEW_FILES = 600


@pytest.fixture(scope="module")
def impatient(tmp_path_factory) -> Iterator[Served]:
    """A server that waits a second for anything."""
    with served(tmp_path_factory.mktemp("impatient"), head_timeout=1, body_timeout=1, idle_timeout=1) as server:
        yield server


@pytest.fixture(scope="module")
def patient(tmp_path_factory) -> Iterator[Served]:
    """A server that waits for what a busy machine sends late."""
    with served(tmp_path_factory.mktemp("patient"), head_timeout=300, body_timeout=300) as server:
        yield server


def closed(connection: socket.socket) -> bool:
    """Reads to the end, which a server that goes on waiting never brings: then it times out."""
    try:
        while connection.recv(65536):
            pass
    except ConnectionResetError:
        pass
    return True


def test_half_open_connections_keep_nobody_out_and_do_not_fill_the_log(tmp_path):
    with served(tmp_path, open_files=FEW_FILES) as server, ExitStack() as half_open:
        for _ in range(500):
            connection = half_open.enter_context(server.connect())
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n")

        for _ in range(5):
            answer = httpx.get(f"{server.url}/toy/reviews/r/notes", headers=server.headers(), timeout=60)
            assert answer.status_code == 200
        assert len(server.log.read_text().splitlines()) < 100


def test_an_address_without_a_path_is_answered_as_one_that_is_not_there(patient):
    with patient.connect() as connection:
        connection.sendall(b"GET ?a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        answer = connection.recv(65536)

    assert answer.startswith(b"HTTP/1.1 404 ")


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"GET /healthz HTTP/1.1\r\nHost:",
        b"POST /toy/reviews/r/notes HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12345",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
    ids=["nothing", "half a head", "half a body", "nothing after the first answer"],
)
def test_a_connection_that_does_not_go_on_is_closed(impatient, sent):
    with impatient.connect() as connection:
        connection.sendall(sent)

        assert closed(connection)


def test_a_head_that_comes_byte_by_byte_is_not_waited_for(impatient):
    with impatient.connect() as connection, pytest.raises(OSError):
        for byte in b"GET /healthz HTTP/1.1\r\nX: " + b"y" * 1000:
            connection.sendall(bytes([byte]))
            time.sleep(0.1)


def test_what_is_no_http_is_told_so_without_a_line_in_the_log_each_time(patient):
    for _ in range(50):
        with patient.connect() as connection:
            connection.sendall(b"\x16\x03\x01 hello\r\n\r\n")
            assert connection.recv(1000).startswith(b"HTTP/1.1 400")

    assert patient.log.read_text().count("Invalid HTTP") <= 2


@pytest.mark.parametrize("at_once", [True, False])
def test_a_body_that_is_none_is_told_so_and_nothing_is_done(patient, at_once):
    review = f"chunks-{at_once}"
    head = f"POST /toy/reviews/{review}/notes HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in patient.headers().items()) + "\r\n"
    with patient.connect() as connection:
        if at_once:
            connection.sendall(head.encode() + b"5\r\nhello\r\nno chunk\r\n")
        else:
            connection.sendall(head.encode() + b"5\r\nhello\r\n")
            time.sleep(0.3)  # So that the request is at work, and waits for the rest.
            connection.sendall(b"no chunk\r\n")
        answer = b"".join(iter(lambda: connection.recv(65536), b""))

    assert answer.startswith(b"HTTP/1.1 400") and answer.count(b"HTTP/1.1") == 1
    notes = httpx.get(f"{patient.url}/toy/reviews/{review}/notes", headers=patient.headers(), timeout=60).json()
    assert review not in {note["review"] for note in notes}
    assert "Traceback" not in patient.log.read_text()


def test_above_the_limit_of_connections_idle_ones_make_room(tmp_path):
    with served(tmp_path, connections=8) as server, ExitStack() as idle:
        for _ in range(30):
            client = idle.enter_context(httpx.Client(timeout=60))
            assert client.get(f"{server.url}/healthz").status_code == 200


def test_a_stop_finishes_what_works_answers_what_waits_and_cuts_nothing_off(tmp_path):
    with served(tmp_path) as server, ThreadPoolExecutor(40) as people:

        def write(number: int) -> tuple[int, str]:
            headers = server.headers(f"p{number}")
            url = f"{server.url}/toy/reviews/r{number}/slow-notes"
            answer = httpx.post(url, headers=headers, timeout=60)
            if answer.status_code == 503:
                assert "retry-after" in answer.headers
            return answer.status_code, answer.headers.get("connection", "")

        asked = [people.submit(write, number) for number in range(40)]
        eventually(lambda: any(answer.done() for answer in asked))

        assert server.terminate() in (0, -signal.SIGTERM)
        answers = [answer.result() for answer in asked]
        # Who asks again by a connection on which a stopping process answered finds it cut.
        assert {(503, "close"), (200, "close")} <= set(answers) <= {(503, "close"), (200, "close"), (200, "")}
