"""Serving as an operator sees it: what is said and when, whose files they are, what a review's status tells of trouble.

Slow: it starts platforms as processes of their own.
"""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml

from demo.replay.server import ReplayServer
from shared.client import Client
from tests.flows.profiles import ROOT, environment
from tests.unit.services.protocol.examples import small
from tests.waiting import eventually

pytestmark = [pytest.mark.slow, pytest.mark.waits]

REVIEW = "small"


class Served:
    """One `living serve` in a folder of its own, started by somebody whose files others may read."""

    def __init__(self, folder: Path, *services: str, **settings: str) -> None:
        with closing(socket.create_server(("127.0.0.1", 0))) as probe:
            self.port = probe.getsockname()[1]
        self.folder, self.log = folder, folder / "serve.log"
        self.data, self.url = folder / "data", f"http://127.0.0.1:{self.port}"
        self.admin: str | None = None  # Their key, once they came in.
        self.environment = {
            **environment(), "PYTHONPATH": str(ROOT), "COLUMNS": "80", "LIVING_PORT": str(self.port),
            "LIVING_URL": self.url, "LIVING_SCHEDULER_TICK": "0.2", **settings,
        }  # fmt: skip
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "services", "serve", *services], env=self.environment, cwd=folder,
                stdin=subprocess.DEVNULL, stdout=output, stderr=output, umask=0o022,
            )  # fmt: skip

    def said(self) -> str:
        return self.log.read_text()

    def living(self, *words: str, **settings: str) -> subprocess.CompletedProcess[str]:
        """Runs `living ...` beside it."""
        return subprocess.run(
            [sys.executable, "-m", "services", *words], env=self.environment | settings, cwd=self.folder,
            capture_output=True, text=True, timeout=300, check=False, umask=0o022,
        )  # fmt: skip

    def close(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(300)


async def odd_source(scope: Any, receive: Any, send: Any) -> None:
    """An OpenAlex two of whose three works have no id, so that nothing identifies them."""
    works = [{"title": "Nameless"}, {"title": "Nameless too"}, {"id": "https://openalex.org/W1", "title": "Leading"}]
    body = json.dumps({"meta": {"count": 3, "next_cursor": None}, "results": works}).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": body})


@pytest.fixture(scope="module")
def served(tmp_path_factory) -> Iterator[Served]:
    """A platform whose one source sends what is of no use, and whose other does not answer. It finds a folder and a
    file of before, which others may read."""
    folder = tmp_path_factory.mktemp("served")
    (folder / "data").mkdir(mode=0o755)
    (folder / "data" / "screening.db").touch(mode=0o644)
    with ReplayServer(odd_source) as source:
        one = Served(
            folder,
            LIVING_OPENALEX_URL=source.url, LIVING_CROSSREF_URL="http://127.0.0.1:9", LIVING_CONTACT="t@example.org",
            LIVING_UNPAYWALL_URL="http://127.0.0.1:9",
        )  # fmt: skip
        try:
            eventually(lambda: "listens on" in one.said() or one.process.poll() is not None, within=300)
            yield one
        finally:
            one.close()


def first_admin(served: Served) -> str:
    """The key of the first admin, who comes in by the link when first asked for."""
    if served.admin is None:
        file = served.data / "first-admin"
        eventually(file.exists, within=300)
        with Client.at(served.url, "", patience=60) as door:
            arrived = door.people.accept({"invitation": file.read_text().strip(), "name": "Root"})
        assert arrived.key is not None
        served.admin = arrived.key.key
    return served.admin


@pytest.fixture(scope="module")
def pulled(served) -> Served:
    """The same, with a review whose sources were pulled."""
    sources = {"works": "openalex", "more": "crossref"}
    strategies = [{"id": name, "source": source, "query": "leader"} for name, source in sources.items()]
    file = served.folder / "small.yaml"
    file.write_text(yaml.safe_dump(small(strategies=strategies)))
    applied = served.living("review", "apply", str(file))
    assert applied.returncode == 0, applied.stderr
    key = first_admin(served)

    def both_were_pulled() -> bool:
        with Client.at(served.url, key, patience=30) as living:
            watches = {it.source: it for it in living.ingest.watches(REVIEW)}
        return bool(watches["crossref"].trouble and watches["openalex"].searched_through)

    eventually(both_were_pulled, within=300)
    return served


def test_it_says_where_it_listens_once_it_does(served):
    said = served.said()

    assert f"living reviews listens on {served.url}" in said
    assert said.index("startup complete") < said.index("listens on")


def test_it_says_how_commands_find_it_where_they_would_look_elsewhere(tmp_path):
    one = Served(tmp_path, LIVING_URL="", LIVING_SCHEDULER="false")
    try:
        eventually(lambda: "listens on" in one.said() or one.process.poll() is not None, within=300)
        assert f"for commands: export LIVING_URL={one.url}\n" in one.said()
    finally:
        one.close()


def test_a_start_that_is_refused_is_one_sentence_and_no_trace(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "log.db").write_bytes(b"\xff" * 8192)
    one = Served(tmp_path, LIVING_SCHEDULER="false")

    assert one.process.wait(300) == 1
    said = one.said()
    assert "Traceback" not in said and "startup failed" not in said
    assert "log lost: " in said.splitlines()[-1] and "living log mend" in said.splitlines()[-1]


def test_a_part_of_the_services_does_not_say_that_it_is_where_commands_go(tmp_path):
    one = Served(tmp_path, "notify", LIVING_URL="", LIVING_SCHEDULER="false")
    try:
        eventually(lambda: "listens on" in one.said() or one.process.poll() is not None, within=300)
        assert "listens on" in one.said() and "export LIVING_URL" not in one.said()
    finally:
        one.close()


def test_it_says_nothing_of_that_to_whom_has_set_it(served):
    assert "export LIVING_URL" not in served.said()


def test_the_feed_links_to_where_it_listens(pulled):
    with Client.at(pulled.url, first_admin(pulled), patience=60) as living:
        feed = living.notify.feed(REVIEW).decode()

    assert f'href="{pulled.url}/notify/reviews/{REVIEW}/feed.atom"' in feed


def test_the_first_admins_link_is_in_a_file_for_its_owner_and_not_in_the_log(served):
    key = first_admin(served)

    link = (served.data / "first-admin").read_text().strip()
    assert (served.data / "first-admin").stat().st_mode & 0o777 == 0o600
    assert link.startswith(f"{served.url}/join#living_invitation_")
    assert link not in served.said() and key not in served.said()
    assert "living login --name " in served.said()
    listed = served.living("review", "list", LIVING_KEY=key, LIVING_DATA_DIR="elsewhere")
    assert listed.returncode == 0, listed.stderr
    again = served.living("login", link, "--name", "Another", XDG_CONFIG_HOME=str(served.folder / "config of another"))
    assert "used already" in again.stderr


def test_a_taken_port_is_one_sentence_and_nothing_is_made(served):
    refused = served.living("serve", LIVING_DATA_DIR="another")

    assert refused.returncode == 1
    assert f"port {served.port} of 127.0.0.1 is taken" in refused.stderr and "listens" not in refused.stderr
    assert len(refused.stderr.splitlines()) == 1 and not (served.folder / "another").exists()


def test_no_file_of_a_platform_at_work_can_be_read_by_others(pulled):
    kept = [pulled.data, *pulled.data.rglob("*")]

    assert {path.name for path in kept} >= {"log.db", "screening.db", "screening.db-wal", "search-index.db"}
    assert [str(path) for path in kept if path.stat().st_mode & 0o077] == []


def test_the_status_tells_which_source_fails_since_when_why_and_when_it_is_tried_again(pulled):
    seen = " ".join(pulled.living("review", "status", REVIEW).stdout.split())

    assert "crossref (more) fails since 20" in seen and "tried again at 20" in seen
    assert "does not answer" in seen or "refused" in seen.lower()
    watches = json.loads(pulled.living("review", "status", REVIEW, "--json").stdout)["watches"]
    assert all(watch["last_run"]["run"] in seen for watch in watches), "`living review answers` takes them"
    assert f"living review answers {REVIEW} --run run_" in seen


def test_the_status_tells_how_much_was_rejected_and_why_and_how_to_list_it(pulled):
    seen = " ".join(pulled.living("review", "status", REVIEW).stdout.split())
    run = json.loads(pulled.living("review", "status", REVIEW, "--json").stdout)["rejected"][0]["run"]

    assert "2 of the last run's 3 items are rejected" in seen
    assert "2 x it has no OpenAlex work id" in seen
    assert f"living review rejections {REVIEW} --run {run}" in seen
    rows = json.loads(pulled.living("review", "rejections", REVIEW, "--source", "openalex", "--json").stdout)
    assert [row["reason"].partition(",")[0] for row in rows] == ["it has no OpenAlex work id"] * 2


def test_the_doctor_sees_the_failing_source(pulled):
    looked = pulled.living(
        "doctor",
        "--json",
        LIVING_PUBMED_URL=pulled.url,
        LIVING_EUROPEPMC_URL=pulled.url,
        LIVING_DOAJ_URL=pulled.url,
        LIVING_ARXIV_URL=pulled.url,
        LIVING_SEMANTICSCHOLAR_URL=pulled.url,
        LIVING_UNPAYWALL_URL=pulled.url,
    )
    seen = {finding["check"]: finding for finding in json.loads(looked.stdout)}

    assert seen["failing watches"]["state"] == "warn" and "crossref of small" in seen["failing watches"]["told"]
    assert seen["platform"]["state"] == seen["log"]["state"] == seen["database notify"]["state"] == "ok"
    assert looked.returncode == 1


def test_whoever_started_it_may_not_vote_with_its_key_and_a_reviewer_may(pulled):
    refused = pulled.living("queue", "next", REVIEW)
    assert refused.returncode == 1 and "living login LINK" in refused.stderr

    invited = pulled.living("people", "invite", REVIEW, "--role", "reviewer")
    ana = {"XDG_CONFIG_HOME": str(pulled.folder / "ana")}
    came = pulled.living("login", invited.stdout.strip(), "--name", "Ana", **ana)
    assert "Welcome to review small as reviewer" in came.stdout, came.stderr
    taken = pulled.living("queue", "next", REVIEW, "--json", **ana)
    assert json.loads(taken.stdout)["record"]["title"] == "Leading", taken.stderr
