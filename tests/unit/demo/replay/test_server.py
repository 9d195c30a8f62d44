"""The replay in a thread: up on a free port, down without a trace."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import pytest
from starlette.responses import PlainTextResponse

from demo.replay.__main__ import main
from demo.replay.server import ReplayServer

ROOT = Path(__file__).parents[4]
REVIEW = ROOT / "reviews" / "ics-leadership" / "papers.yaml"


@pytest.mark.waits
def test_a_server_answers_while_the_block_runs_and_not_after():
    with ReplayServer(PlainTextResponse("here")) as server:
        assert httpx.get(server.url, timeout=60).text == "here"
        url = server.url
    with pytest.raises(httpx.ConnectError):
        httpx.get(url)
    assert not [thread for thread in threading.enumerate() if thread.name == "replay"]


def test_two_servers_do_not_fight_over_a_port():
    with ReplayServer(PlainTextResponse("a")) as one, ReplayServer(PlainTextResponse("b")) as other:
        assert one.port != other.port
        assert (httpx.get(one.url, timeout=60).text, httpx.get(other.url, timeout=60).text) == ("a", "b")


def test_a_port_that_is_taken_is_an_error():
    with ReplayServer(PlainTextResponse("here")) as server, pytest.raises(OSError):
        ReplayServer(PlainTextResponse("there"), port=server.port).__enter__()


@pytest.mark.waits
def test_the_command_serves_a_file_of_papers():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "demo.replay", "--papers", str(REVIEW), "--port", str(port)]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL) as process:
        try:
            assert _asked(f"http://127.0.0.1:{port}/openalex/works").json()["meta"]["count"] == 20
        finally:
            process.terminate()


def _asked(url: str) -> httpx.Response:
    """The answer, once the server is up."""
    for _ in range(3000):
        try:
            return httpx.get(url, timeout=60)
        except httpx.ConnectError:
            time.sleep(0.1)
    raise AssertionError(f"no answer from {url}")


def test_a_corpus_that_cannot_be_read_ends_the_command_with_its_reason(tmp_path, capsys):
    assert main(["--openalex", str(tmp_path)]) == 2
    assert "no file" in capsys.readouterr().err
    assert main(["--papers", str(tmp_path / "none.yaml")]) == 2
    assert "none.yaml" in capsys.readouterr().err
