"""A search that no API makes, as a team lives with it: due, told, overdue, in the way of signing, made in two files.

Slow: a platform is started, and its jobs run by its own scheduler.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from demo.environment import Environment, prepared, set_clock
from demo.replay.app import replay_app
from demo.replay.papers import PapersCorpus
from shared.client import Client
from shared.clock import FileClock
from shared.errors import Conflict, NotFound
from shared.wire.synthesis import DraftView
from tests.flows.conftest import REAL, make_profile
from tests.flows.profiles import FIRST_REVIEW
from tests.waiting import eventually

pytestmark = [pytest.mark.slow, pytest.mark.waits]

REVIEW = "by-hand"
BEGAN = datetime(2020, 1, 1, 12, tzinfo=UTC)
QUERY = "'integrated care'/exp AND leader*:ti"


@pytest.fixture(params=["embedded", REAL])
def site(request, tmp_path: Path) -> Iterator[Environment]:
    """A platform that runs, on each profile."""
    profile = make_profile(request)
    clock = set_clock(tmp_path / "clock", BEGAN)
    sources = replay_app(PapersCorpus.load(FIRST_REVIEW / "papers.yaml"), clock=FileClock(clock))
    with prepared(
        tmp_path, sources, clock=clock, split=profile.split, servers=profile.servers, LIVING_RETRY_SECONDS="0.2"
    ) as site:
        yield site
    profile.clear_away()


def lead_of(site: Environment) -> Client:
    return Client.at(site.processes.urls, site.key("Lea", "lead", REVIEW), patience=60)


def plan(**by_hand: object) -> bytes:
    """The first review's protocol, of this review, which is searched by hand alone."""
    protocol = yaml.safe_load((FIRST_REVIEW / "protocol.yaml").read_text())
    embase = {"id": "embase", "manual": "Embase", "query": QUERY, "every_days": 28, **by_hand}
    protocol |= {"review": REVIEW, "strategies": [embase]}
    return yaml.safe_dump(protocol).encode()


def library(*titles: str) -> bytes:
    return "".join(
        f"TY  - JOUR\r\nTI  - {title}\r\nAU  - Okoye, Ada\r\nPY  - 2019\r\nSP  - {17 * number}\r\nER  - \r\n\r\n"
        for number, title in enumerate(titles, 1)
    ).encode()


def bring(living: Client, search: str, content: bytes) -> None:
    """Brings a file of a search, and waits until it is taken in."""
    file = living.ingest.upload(REVIEW, lambda: [content], len(content))
    asked = {"file": file.sha256, "name": "embase.ris", "search": search}
    view = living.ingest.request_import(REVIEW, asked)
    eventually(lambda: living.ingest.imported(REVIEW, view.id).state == "done")


def sign(living: Client, **about: object) -> object:
    draft = eventually(lambda: settled_draft(living))
    seen = {"fragments_sha256": draft.fragments_sha256, "draft": draft.draft, "summary": "As it is."}
    return living.synthesis.sign(REVIEW, {**seen, **about})


def settled_draft(living: Client) -> DraftView | None:
    """The draft, once there is one and all that arrived is taken in."""
    try:
        draft = living.synthesis.draft(REVIEW)
    except NotFound:
        return None
    return draft if draft.settled else None


def standing(living: Client) -> str:
    """Where the search stands, as ingest and synthesis have it alike; nothing until both know the protocol."""
    try:
        [here], [there] = living.ingest.status(REVIEW).manual, living.synthesis.status(REVIEW).manual
    except NotFound:
        return ""
    return here.standing if here.standing == there.standing else ""


def feed(living: Client) -> str:
    return living.notify.trouble_feed(REVIEW).decode()


def test_a_search_by_hand_is_due_told_overdue_in_the_way_of_signing_made_in_two_files_and_signed(site):
    site.key("Lea", "lead", REVIEW)
    with lead_of(site) as living:
        living.protocol.apply(REVIEW, plan())
        eventually(lambda: any(it.review == REVIEW for it in living.protocol.reviews()))
        eventually(lambda: "Search Embase by hand: due on 2020-01-01" in feed(living))

        set_clock(site.clock, BEGAN + timedelta(days=2))
        eventually(lambda: "Search Embase by hand: overdue since 2020-01-01" in feed(living))
        eventually(lambda: standing(living) == "overdue")
        with pytest.raises(Conflict, match=r"embase \(Embase, due on 2020-01-01\)"):
            sign(living)

        [embase] = living.ingest.status(REVIEW).manual
        asked = {"database": "Embase", "query": QUERY, "searched_on": "2020-01-02", "reported": 3}
        search = living.ingest.begin_search(REVIEW, embase.watch, asked)
        bring(living, search.search, library("Boards that learn", "Trust between councils"))
        assert living.ingest.search(REVIEW, search.search).state == "open"
        site.processes.kill("ingest")
        site.processes.start()
        bring(living, search.search, library("Nurses who lead teams"))

        assert living.ingest.search(REVIEW, search.search).state == "fulfilled"
        eventually(lambda: standing(living) == "searched")
        signed = sign(living)
        assert str(signed.content.searched_through["import:embase"]) == "2020-01-02"
        assert signed.content.not_searched == []


def test_one_that_is_left_out_is_said_by_the_revision_and_asked_for_again_by_the_next(site):
    site.key("Lea", "lead", REVIEW)
    with lead_of(site) as living:
        living.protocol.apply(REVIEW, plan(every_days=7))
        eventually(lambda: standing(living) == "due")
        set_clock(site.clock, BEGAN + timedelta(days=1))

        signed = sign(living, without=[{"strategy": "embase", "reason": "No licence until May."}])

        assert [it.reason for it in signed.content.not_searched] == ["No licence until May."]
        assert living.synthesis.verify(REVIEW, 1).holds
        eventually(lambda: "No licence until May." in living.notify.feed(REVIEW).decode())
        with pytest.raises(Conflict, match="overdue"):
            sign(living)
        [embase] = living.ingest.status(REVIEW).manual
        said = {"query": QUERY, "searched_on": "2020-01-02", "reported": 1800, "words": "Nothing that we lack."}
        living.ingest.sign_nothing_new(REVIEW, embase.watch, said)
        eventually(lambda: standing(living) == "searched")
        assert sign(living).content.number == 2
