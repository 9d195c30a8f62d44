"""Odd items: whatever a source sends in whatever field, the item arrives or is rejected with its reason, every sound
item beside it arrives, and no service is held up by it."""

from __future__ import annotations

import json
import os
import random
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select

from services.catalog import SERVICES
from services.ingest.domain.watching import lacks
from services.ingest.jobs import pulling
from services.ingest.models import RecordRow, RejectionRow, RunRow, SourceRecordRow, WatchRow
from services.ingest.ports.sources import port
from services.ingest.ports.sources.catalog import Sources, open_sources
from services.screening.models import RecordRow as ScreenedRow
from services.search.ports.index import Query
from services.synthesis import jobs as synthesis_jobs
from services.synthesis.models import ReportRow
from shared.bus.port import Message
from shared.client import Client
from shared.client.http import Http
from shared.clock import ManualClock
from shared.db.tables import DeadLetterRow, HeldKeyRow, OutboxRow, WaitingRow
from shared.errors import LogUnavailable
from shared.events.protocol import Cmoc, Definitions, Protocol, Strategy, Theory
from shared.events.stages import Answer, Stage
from shared.runtime.app import create_app
from shared.runtime.platform import Platform
from shared.service import Service
from shared.settings import Settings
from shared.tokens import Person, issue_token
from shared.wire.synthesis import EvidenceBatch, EvidenceGiven, FragmentGiven, LinkGiven, SignDraft
from tests.flows import oddities
from tests.flows.conftest import make_profile
from tests.flows.oddities import Item
from tests.waiting import eventually

pytestmark = [pytest.mark.slow, pytest.mark.fuzz, pytest.mark.waits]  # Some 7,000 items go through every service.

REVIEW = "odd-items"
SOUND = 5
PER_PAGE = {"crossref": 200, "openalex": 100, "europepmc": 100, "pubmed": 200}
MAKE = {name: getattr(oddities, name) for name in PER_PAGE}
FIRST_ODD = 1000
#: The page of who looks works up by their ids: nothing was changed.
NOTHING: tuple[list[bytes], str | None, int] = [], None, 0
#: How many records people read and code.
READ = 20

#: Another seed than this is for a longer, random run (`make fuzz`), which tells how to have it again.
SEED = int(os.environ.get("LIVING_TEST_RANDOM") or 20260101)


@dataclass
class Library:
    """The four sources behind one HTTP client: pages of items as bytes, sound ones among the odd."""

    items: dict[str, list[Item]]
    #: What the adapters made of it.
    given: dict[str, list[port.Page]] = field(default_factory=dict)

    def client(self) -> httpx.Client:
        return httpx.Client(transport=httpx.MockTransport(self._answer))

    def _answer(self, request: httpx.Request) -> httpx.Response:
        asked = {**parse_qs(request.content.decode()), **parse_qs(request.url.query.decode())}
        return getattr(self, f"_{request.url.host}")(request, {name: values[0] for name, values in asked.items()})

    def _crossref(self, request: httpx.Request, asked: dict[str, str]) -> httpx.Response:
        items, _, total = self._page("crossref", asked["offset"]) if "offset" in asked else NOTHING
        head = b'{"message-type": "work-list", "message": {"total-results": %d, "items": ['
        return _json(head % total, items, b"]}}")

    def _openalex(self, request: httpx.Request, asked: dict[str, str]) -> httpx.Response:
        items, following, total = self._page("openalex", asked["cursor"]) if "cursor" in asked else NOTHING
        cursor = b'"%s"' % following.encode() if following else b"null"
        return _json(b'{"meta": {"count": %d, "next_cursor": %s}, "results": [' % (total, cursor), items, b"]}")

    def _europepmc(self, request: httpx.Request, asked: dict[str, str]) -> httpx.Response:
        looked_up = asked["query"].startswith("((SRC:")
        items, following, total = NOTHING if looked_up else self._page("europepmc", asked["cursorMark"])
        cursor = b'"nextCursorMark": "%s", ' % following.encode() if following else b""
        return _json(b'{"hitCount": %d, %s"resultList": {"result": [' % (total, cursor), items, b"]}}")

    def _pubmed(self, request: httpx.Request, asked: dict[str, str]) -> httpx.Response:
        if "esearch" in request.url.path:
            listed = [] if "[uid]" in asked["term"] else list(self._citations)
            found = {"count": str(len(self.items["pubmed"]) if listed else 0), "idlist": listed}
            return httpx.Response(200, json={"esearchresult": found})
        items = [self._citations[number] for number in asked["id"].split(",")]
        body = b"<PubmedArticleSet>" + b"".join(items) + b"</PubmedArticleSet>"
        return httpx.Response(200, content=body, headers={"content-type": "text/xml"})

    @cached_property
    def _citations(self) -> dict[str, bytes]:
        """The citations by their numbers; one that has none, or one that no number is, is known by another."""
        known: dict[str, bytes] = {}
        for position, item in enumerate(self.items["pubmed"], start=9_000_000):
            named = re.search(rb"<PMID[^>]*>([1-9][0-9]{0,7})<", item.raw)
            number = named[1].decode() if named else str(position)
            known[str(position) if number in known else number] = item.raw
        return known

    def _page(self, name: str, at: str) -> tuple[list[bytes], str | None, int]:
        start, items = 0 if at == "*" else int(at), self.items[name]
        end = start + PER_PAGE[name]
        return [item.raw for item in items[start:end]], str(end) if end < len(items) else None, len(items)


def _json(head: bytes, items: list[bytes], tail: bytes) -> httpx.Response:
    body = head + b",".join(items) + tail
    return httpx.Response(200, content=body, headers={"content-type": "application/json"})


@dataclass
class Followed:
    """A source, and every page it gave."""

    source: port.Source
    pages_given: list[port.Page]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.source, name)

    def pages(
        self, query: port.Query, cursor: str | None = None, keep: port.Keep = port.keep_nothing
    ) -> Iterator[port.Page]:
        for page in self.source.pages(query, cursor, keep):
            self.pages_given.append(page)
            yield page


def sourced(name: str, *, every: int) -> list[Item]:
    """What a source holds: each `every`th odd item, in pages that begin, go on and end with a sound one."""
    odd = list(oddities.odd(MAKE[name], FIRST_ODD))[::every]
    chance = random.Random(f"{SEED} {name}")
    odd += oddities.odd_together(MAKE[name], 50_000, max(len(odd) // 10, 1), chance)
    chance.shuffle(odd)
    step = max(len(odd) // (SOUND - 1), 1)
    for number in range(SOUND):
        odd.insert(min(number * (step + 1), len(odd)), oddities.sound(MAKE[name], number))
    return odd


@dataclass
class Rig:
    """The whole platform in this process, after it has pulled every item."""

    platform: Platform
    library: Library
    client: Client

    def rows(self, service: str, *columns: Any) -> list[Any]:
        with self.platform.running[service].work("look", readonly=True) as work:
            return list(work.session.execute(select(*columns)))

    def slack(self, source: str) -> float:
        return self.platform.running["ingest"].resource(Sources)[source].slack

    def settled(self) -> bool:
        """Whether everything told has been heard by everybody."""
        waiting = [self.rows(name, func.count(WaitingRow.turn))[0][0] for name in self.platform.running]
        log = self.platform.event_log
        return not any(waiting) and not any(
            log.lag(name, running.service.topics) for name, running in self.platform.running.items()
        )

    def samples(self) -> dict[str, tuple[str, str, dict[str, Any]]]:
        """One event of every type that was told: its topic, its key and its envelope."""
        columns = OutboxRow.type, OutboxRow.topic, OutboxRow.key, OutboxRow.payload
        seen = [row for name in self.platform.running for row in self.rows(name, *columns)]
        return {type_: (topic, key, json.loads(payload)) for type_, topic, key, payload in seen}

    def append(self, message: Message) -> None:
        """As a relay would: while others are writing to the log's file for long, it tries again."""

        def done() -> bool:
            with suppress(LogUnavailable):
                self.platform.event_log.append([message])
                return True
            return False

        eventually(done)

    def pull(self) -> None:
        """A week passes, and every source is pulled."""
        self.platform.clock.advance(days=8)
        pulling.pull_due_watches(self.platform.running["ingest"])
        eventually(self.settled, within=600)

    def dead_letters(self) -> dict[str, list[Any]]:
        """Those that wait, by service."""
        kept = {name: self.rows(name, DeadLetterRow.type, DeadLetterRow.reason) for name in self.platform.running}
        return {name: letters for name, letters in kept.items() if letters}

    def troubles(self) -> dict[str, dict[str, str]]:
        seen = {name: running.health() for name, running in self.platform.running.items()}
        return {name: health for name, health in seen.items() if set(health.values()) != {"ok"}}


@pytest.fixture(
    scope="module",
    params=[pytest.param("embedded"), pytest.param("real", marks=pytest.mark.real)],
)
def rig(request, tmp_path_factory) -> Iterator[Rig]:
    profile = make_profile(request)
    every = 1 if request.param == "embedded" else 12
    library = Library({name: sourced(name, every=every) for name in MAKE})
    with opened(profile.servers, tmp_path_factory.mktemp("odd"), library) as rig:
        yield rig
    profile.clear_away()


@contextmanager
def opened(servers: dict[str, str], folder: Path, library: Library) -> Iterator[Rig]:
    """Opens the platform, adopts the protocol, pulls, and waits until everybody has heard of everything."""
    urls = {f"{name}_url": f"http://{name}" for name in MAKE}
    chosen = {name.removeprefix("LIVING_").lower(): value for name, value in servers.items()}
    settings = Settings(
        data_dir=folder,
        log_level="error",
        scheduler=False,
        dead_letter_limit=1_000_000,
        retry_seconds=0.05,
        _env_file=None,
        **urls,
        **chosen,
    )
    services = [sourcing(service, library) if service.name == "ingest" else service for service in SERVICES]
    platform = Platform(settings, services, ManualClock("2024-02-01T00:00:00+00:00"))
    now = datetime.now(UTC)
    token = issue_token(platform.ring, Person.member("ada", "lead", ("*",)), now=now, valid_for=timedelta(hours=1))
    with TestClient(create_app(platform)) as http:
        rig = Rig(platform, library, Client(Http("http://testserver", token, client=http)))
        rig.client.protocol.apply(REVIEW, protocol().model_dump_json(), form="json")
        eventually(lambda: len(rig.rows("ingest", WatchRow.id)) == len(MAKE))
        rig.pull()
        yield rig


def sourcing(service: Service, library: Library) -> Service:
    """Ingest, its sources behind the library, each watched."""

    def resources(settings: Settings) -> Sources:
        sources = open_sources(settings, library.client(), sleep=lambda seconds: None)
        return Sources({name: Followed(it, library.given.setdefault(name, [])) for name, it in sources.items()})

    return replace(service, resources=resources)


def protocol() -> Protocol:
    answers = [Answer(value="include", leads_to="advance"), Answer(value="exclude", leads_to="exclude")]
    parts = {"context": "c", "resource": "r", "reasoning": "m", "outcome": "o"}
    return Protocol(
        review=REVIEW, title="Odd items", question="Does it hold?", published_after="2018-06-30",
        definitions=Definitions(context="c", mechanism="m", outcome="o"),
        strategies=[Strategy(id=name, source=name, query="care") for name in MAKE],
        stages=[Stage(name="sift", question="Could it help?", votes=1, answers=answers)],
        theories=[Theory(id="one", heading="One", statement="It holds.")],
        cmocs=[Cmoc(id="cmoc-1", theory="one", **parts)],
    )  # fmt: skip


def test_every_item_is_a_record_or_a_rejection_with_its_reason(rig):
    for name, items in rig.library.items.items():
        pages = rig.library.given[name]
        assert sum(page.found for page in pages) == len(items), name
        assert all(
            rejection.reason and rejection.reason.isprintable() for page in pages for rejection in page.rejections
        )


def test_every_run_comes_to_its_end_and_lacks_what_a_source_gave_twice_and_nothing_else(rig):
    columns = RunRow.source, RunRow.state, RunRow.reported, RunRow.found, RunRow.missing
    runs = rig.rows("ingest", *columns)

    assert sorted(run[0] for run in runs) == sorted(MAKE)
    for name, state, reported, found, missing in runs:
        records = {record.source_id for page in rig.library.given[name] for record in page.records}
        rejected = {
            (one.source_id, one.reason, one.excerpt) for page in rig.library.given[name] for one in page.rejections
        }
        assert found >= len(records) + len(rejected)
        whole = not missing and not lacks(reported=reported, received=found, slack=rig.slack(name))
        assert state == ("complete" if whole else "partial"), name


def test_every_record_is_kept_and_every_rejection_with_it(rig):
    kept = {
        (source, source_id)
        for source, source_id in rig.rows("ingest", SourceRecordRow.source, SourceRecordRow.source_id)
    }
    given = {
        (record.source, record.source_id)
        for pages in rig.library.given.values()
        for page in pages
        for record in page.records
    }
    rejected = {
        (rejection.source, rejection.source_id, rejection.reason, rejection.excerpt)
        for pages in rig.library.given.values()
        for page in pages
        for rejection in page.rejections
    }

    assert kept == given
    columns = RejectionRow.source, RejectionRow.source_id, RejectionRow.reason, RejectionRow.excerpt
    assert set(rig.rows("ingest", *columns)) == rejected


def test_the_sound_items_arrive_as_they_are(rig):
    kept = dict(rig.rows("ingest", SourceRecordRow.source_id, SourceRecordRow.content))

    for number in range(SOUND):
        assert kept[f"10.5555/odd.{number}"]["title"] == f"{oddities.title(number)}: A made-up study"
        assert kept[f"W{7_000_000 + number}"]["published"] == "2020-03-04"
        assert kept[f"MED:{8_000_000 + number}"]["identifiers"]["doi"] == f"10.5557/odd.{number}"
        assert kept[str(3_000_000 + number)]["abstract"] == "AIM: We asked."


def test_every_service_has_heard_every_record_and_nothing_waits(rig):
    live = {record for record, into in rig.rows("ingest", RecordRow.id, RecordRow.merged_into) if into is None}
    screened = {
        record for record, into in rig.rows("screening", ScreenedRow.id, ScreenedRow.merged_into) if into is None
    }
    index = rig.platform.running["search"].resources
    index.refresh()

    assert len(live) > 100
    assert screened == live
    assert index.count(REVIEW) == len(live)
    assert rig.dead_letters() == {}
    assert rig.troubles() == {}


def test_odd_records_go_through_to_a_signed_revision_and_its_notice(rig):
    living = rig.client
    for _ in range(2 * READ):
        living.screening.vote(REVIEW, living.screening.claim(REVIEW).lease, "include")
    eventually(rig.settled)
    # An odd one may say that it is retracted, which does not stand.
    kept = rig.rows("synthesis", ReportRow.record, ReportRow.state, ReportRow.suspended_by)
    reports = sorted(record for record, state, suspended_by in kept if state == "included" and suspended_by is None)
    assert len(reports) >= READ

    link = LinkGiven(cmoc="cmoc-1", element="resource", stance="supports", inference="explicit")
    fragment = FragmentGiven(locator="p. 1", paraphrase="It holds.", data_type="author_interpretation")
    given = [EvidenceGiven(record=record, fragment=fragment, links=[link]) for record in reports[:READ]]
    living.synthesis.link(REVIEW, EvidenceBatch(evidence=given))
    synthesis_jobs.resynthesise(rig.platform.running["synthesis"])
    draft = living.synthesis.draft(REVIEW)
    signed = SignDraft(draft=draft.draft, fragments_sha256=draft.fragments_sha256, summary="It holds.")
    revision = living.synthesis.sign(REVIEW, signed)
    eventually(rig.settled)

    assert [state.support for state in draft.states] == [READ]
    assert (revision.content.number, revision.content.counts.fragments) == (1, READ)
    assert "It holds." in living.http.raw("GET", f"/notify/reviews/{REVIEW}/feed.atom").text
    assert rig.dead_letters() == {}


def test_odd_events_are_done_or_set_aside_with_their_reason_and_hold_their_own_key_at_most(rig):
    samples = rig.samples()
    messages = [message for sample in samples.items() for message in odd_messages(*sample)]
    many = 2_000 if rig.platform.settings.embedded else 400
    for message in random.Random(SEED).sample(messages, many):
        rig.append(message)
    late = oddities.sound(oddities.crossref, SOUND)
    rig.library.items["crossref"].append(late)

    rig.pull()

    # What people published otherwise before, or a version to come, holds the key it is about, and nothing else.
    keys = {(topic, key) for topic, key, _ in samples.values()}
    for name, seen in rig.troubles().items():
        assert {part for part, what in seen.items() if what != "ok"} == {"listener"}, seen
        assert set(rig.rows(name, HeldKeyRow.topic, HeldKeyRow.key)) <= keys
    letters = rig.dead_letters()
    assert all(reason.isprintable() for kept in letters.values() for _, reason in kept)
    titles = {title for (title,) in rig.rows("screening", ScreenedRow.title)}
    assert f"{oddities.title(SOUND)}: A made-up study" in titles
    index = rig.platform.running["search"].resources
    index.refresh()
    (hit,) = index.search(Query(review=REVIEW, text=f"ref{SOUND}z")).hits
    assert hit.document.bibliography.identifiers.doi == f"10.5555/odd.{SOUND}"


def odd_messages(type_: str, sample: tuple[str, str, dict[str, Any]]) -> Iterator[Message]:
    """Every field of an event made odd, but for those that name what is then waited for: that is another matter."""
    topic, key, envelope = sample
    made = oddities.odd(lambda number: {**envelope, "id": f"evt_{type_}_{number}"}, FIRST_ODD)
    awaited = ("data.review:", "data.into:")
    return (Message(topic, key, item.raw) for item in made if not item.odd.startswith(awaited))
