"""A command starts at once: what is loaded for `--help`, for each command's own help, and to ask the platform."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from demo.replay.server import ReplayServer
from services.cli.root import WHERE

pytestmark = pytest.mark.waits

#: What a server needs and a question to it does not; the last four cost more than all the rest of a command.
HEAVY = (
    "alembic", "apscheduler", "elasticsearch", "fastapi", "feedgen", "kafka", "psycopg", "services.catalog",
    "sqlalchemy", "sqlmodel", "starlette", "structlog", "uvicorn", "httpx", "pydantic", "pydantic_settings", "typer",
)  # fmt: skip

#: Runs the command line with the words given, and prints which of some modules were loaded.
PROGRAM = """
import json, sys
from services.cli import app
try:
    app(sys.argv[2:], standalone_mode=False)
except Exception as error:
    print(type(error).__name__, error, file=sys.stderr)
print("\\n" + json.dumps([name for name in sys.argv[1].split(",") if name in sys.modules]))
"""

#: Every command that only asks the platform, or acts on it.
CLIENT_COMMANDS = [
    ["queue", "status", "r"],
    ["queue", "next", "r"],
    ["queue", "next", "r", "--conflict"],
    ["queue", "vote", "r", "lease_1", "include"],
    ["queue", "release", "r", "lease_1"],
    ["queue", "agreement", "r"],
    ["review", "list"],
    ["review", "show", "r"],
    ["review", "status", "r"],
    ["review", "rejections", "r"],
    ["ingest", "rejections", "r"],
    ["ingest", "reparse", "r"],
    ["ingest", "decisions", "r"],
    ["search", "query", "r", "words"],
    ["synthesis", "show", "r"],
    ["synthesis", "show", "r", "--draft"],
    ["synthesis", "diff", "r", "1", "2"],
    ["synthesis", "revisions", "r"],
    ["synthesis", "evidence", "r"],
    ["synthesis", "sign", "r", "--summary", "s"],
    ["synthesis", "verify", "r", "1"],
    ["events", "tail", "r"],
    ["events", "trace", "r", "rec_1"],
    ["people", "list", "r"],
    ["people", "old-names", "r"],
    ["people", "map", "r"],
    ["dead-letters", "list"],
    ["dead-letters", "retry", "screening", "dead_1"],
]


def loaded(*words: str) -> list[str]:
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM, ",".join(HEAVY), *words],
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    return json.loads(ran.stdout.splitlines()[-1])


@pytest.fixture
def stranger(monkeypatch) -> str:
    """A server that knows nothing of what it is asked."""

    async def answer(scope, receive, send):
        await send({"type": "http.response.start", "status": 404, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})

    with ReplayServer(answer) as server:
        monkeypatch.setenv("LIVING_URL", server.url)
        monkeypatch.setenv("LIVING_KEY", "a token")
        yield server.url


def test_the_list_of_commands_loads_none_of_them():
    assert loaded("--help") == []


@pytest.mark.parametrize("name", [name for name in WHERE if name not in ("demo", "doctor")])
def test_a_commands_help_loads_nothing_that_it_would_run_on(name):
    assert loaded(name, "--help") == []


@pytest.mark.parametrize("words", CLIENT_COMMANDS, ids=" ".join)
def test_a_client_command_loads_no_server_and_no_models(stranger, words):
    assert loaded(*words) == []


def test_a_protocol_is_applied_without_reading_it_twice(stranger, tmp_path):
    file = tmp_path / "protocol.yaml"
    file.write_text("review: small\ntitle: A small review\n")

    assert loaded("review", "apply", str(file)) == []
