"""The whole loop: the first review lived through on both profiles, and what must still be so afterwards.

Slow: each profile plays five yearly cycles against running processes, some 20 to 60 seconds.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from contextlib import suppress

import orjson
import pytest

from services.search.ports.index import open_index
from shared.bus.port import EventLog, Message
from shared.client import Client
from shared.errors import Conflict, Forbidden, Invalid, NotFound, Unauthenticated, Unavailable
from shared.events import registry
from tests.flows.profiles import FIRST_REVIEW, client
from tests.waiting import eventually

pytestmark = [pytest.mark.slow, pytest.mark.waits]

REVIEW = "ics-leadership"


@pytest.fixture(scope="module")
def living(the_run) -> Client:
    with client(the_run[0]) as living:
        yield living


@pytest.fixture(scope="module")
def folder(the_run):
    return the_run[0].settings.data_dir


@pytest.fixture(scope="module")
def log(the_run, profile, folder) -> EventLog:
    log = profile.log(folder)
    yield log
    log.close()


def state(living: Client) -> dict[str, object]:
    """What the platform says of the review, in everything a person acts on."""
    return {
        "support": living.synthesis.support(REVIEW).model_dump(mode="json"),
        "funnel": living.screening.funnel(REVIEW).model_dump(mode="json"),
        "flow": living.screening.flow(REVIEW).model_dump(mode="json"),
        "status": living.ingest.status(REVIEW).model_dump(mode="json"),
        "revisions": [revision.content_sha256 for revision in living.synthesis.revisions(REVIEW)],
        "history": [
            event.model_dump(mode="json")
            for cmoc in living.synthesis.cmocs(REVIEW)
            for event in living.synthesis.history(REVIEW, cmoc.cmoc)
        ],
        "rejudgements": [it.model_dump(mode="json") for it in living.synthesis.rejudgements(REVIEW)],
        "found": found(living),
        "feed": living.notify.feed(REVIEW).count(b"<entry>"),
    }


def found(living: Client) -> dict[str, list[str]]:
    """What several searches find."""
    asked = {
        "all": {},
        "phrase": {"q": '"integrated care"'},
        "boolean": {"q": "leadership OR governance"},
        "field": {"q": "author:martin"},
        "included": {"status": ["included"]},
        "excluded": {"status": ["excluded"]},
        "years": {"published_from": "2020-01-01", "published_until": "2020-12-31"},
    }
    return {
        name: sorted(item.record for item in living.search.find(REVIEW, limit=100, **about).items)
        for name, about in asked.items()
    }


def quiet(log: EventLog, services: tuple[str, ...]) -> bool:
    """Whether every service has done all that is on the log."""
    from services.catalog import BY_NAME

    return all(log.lag(name, BY_NAME[name].topics) == 0 for name in services if BY_NAME[name].topics)


LISTENING = ("ingest", "screening", "synthesis", "search", "notify")


def test_every_figure_is_as_the_published_review_has_it(the_run):
    _, outcome = the_run

    assert outcome.differences == []
    assert outcome.cycles[0].change_class == "MAJOR"
    assert outcome.conflicts >= 1 and outcome.blind == 210
    assert outcome.refused_notifications == 0


def test_the_flow_of_each_cycle_is_as_the_published_review_has_it(living):
    whole = living.screening.flow(REVIEW)
    cycles = [living.screening.flow(REVIEW, cycle=number) for number in range(1, 6)]

    assert [found.identified.n for found in (whole, *cycles)] == [64, 14, 7, 23, 8, 12]
    assert [found.duplicates.n for found in (whole, *cycles)] == [42, 9, 4, 16, 5, 8]
    assert [found.included.n for found in (whole, *cycles)] == [18, 5, 2, 6, 3, 2]
    assert (whole.excluded.n, whole.waiting.n) == (4, 0)
    assert whole.identified.n == living.ingest.status(REVIEW).source_records
    assert (whole.databases.identified.n, whole.other_methods.identified.n) == (64, 0)


def test_every_source_record_lives_in_one_record_with_its_provenance(living):
    status = living.ingest.status(REVIEW)
    records = [living.ingest.record(REVIEW, record.record) for record in living.ingest.records(REVIEW)]

    assert len(records) == status.records == 22
    assert sum(len(record.source_records) for record in records) == status.source_records
    for record in records:
        assert len(record.source_records) >= 2
        seen = set(record.bibliography.provenance.values())
        assert seen <= {f"{it.source}:{it.source_id}" for it in record.source_records}


def test_every_run_says_where_each_item_went(living):
    for run in living.ingest.runs(REVIEW):
        counts = run.counts
        assert counts.found == counts.new + counts.merged + counts.updated + counts.unchanged + counts.rejected
        assert run.state == "complete" and run.error is None


def test_every_run_has_what_its_source_answered_as_it_came(living):
    for run in living.ingest.runs(REVIEW):
        answers = list(living.ingest.answers(REVIEW, run.run))
        pages = {one.page for one in answers}
        # The last page of a look at what was changed only says that it was the last.
        assert pages <= set(range(run.pages)) if run.purpose == "changes" else pages == set(range(run.pages))
        for one in answers:
            assert hashlib.sha256(living.ingest.answer(REVIEW, run.run, one.number)).hexdigest() == one.sha256


def test_nothing_is_a_dead_letter_and_nothing_waits(living, log):
    eventually(lambda: quiet(log, LISTENING))

    for service in (*LISTENING, "protocol"):
        assert list(living.operations.dead_letters(service)) == []


def test_one_record_is_traced_from_its_source_to_the_notices(the_run, living):
    entries = living.operations.trace(REVIEW, the_run[1].a_record)

    kinds = Counter(entry.event["type"] for entry in entries)
    for kind in (
        "ingest.record.discovered", "ingest.record.noticed", "screening.task.opened", "screening.task.closed",
        "screening.record.advanced", "screening.record.included", "synthesis.evidence.linked",
        "synthesis.theory.changed", "synthesis.rejudgement.opened", "synthesis.rejudgement.closed",
        "synthesis.revision.published", "notify.notice.delivered",
    ):  # fmt: skip
        assert kinds[kind] >= 1, f"{kind} is not in the trace"
    seen = {entry.event["id"] for entry in entries}
    roots = [entry for entry in entries if not ({entry.event["causationid"], *entry.because} & seen)]
    assert any(entry.event["type"] == "ingest.record.discovered" for entry in roots)
    published = [entry for entry in entries if entry.event["type"] == "synthesis.revision.published"]
    assert all(set(entry.because) & seen or entry.event["causationid"] in seen for entry in published)


def test_the_drill_stays_visible_in_the_history(living):
    drilled = [event for event in living.synthesis.history(REVIEW, "cmoc-3") if event.drill]

    assert {event.happened for event in drilled} >= {"evidence_withdrawn", "reinstated"}
    assert sum(revision.drill for revision in living.synthesis.revisions(REVIEW)) == 2


def test_every_revision_is_what_was_signed(living):
    for revision in living.synthesis.revisions(REVIEW):
        assert living.synthesis.verify(REVIEW, revision.number).holds


def test_hearing_every_event_again_changes_nothing(living, log):
    before = state(living)
    everything = list(log.read(registry.TOPICS))
    assert len(everything) > 300

    log.append([Message(delivery.topic, delivery.key, delivery.value) for delivery in everything])
    eventually(lambda: quiet(log, LISTENING))

    assert state(living) == before
    assert len(list(log.read(registry.TOPICS))) == 2 * len(everything)


def test_an_index_that_was_dropped_answers_the_same_once_it_is_made_again(living, profile, folder):
    before = found(living)
    assert all(before.values())
    settings = profile.settings(folder)
    index = open_index(
        settings.resolved(settings.search_url), name=settings.search_index, analyzer=settings.search_analyzer
    )
    index.drop()
    index.ready()
    index.close()
    with suppress(Unavailable):  # Search may have noticed by now, and then it answers nobody.
        assert found(living)["all"] == []

    asked = living.search.rebuild()
    rebuild = eventually(
        lambda: next((it for it in living.search.rebuilds().items if it.id == asked.id and it.finished_at), None),
    )

    assert (rebuild.state, rebuild.error) == ("done", None)
    assert found(living) == before


@pytest.mark.parametrize(
    ("value", "slug"),
    [
        (b"\x00\x01 not json", "not_json"),
        (b'{"id": "evt_1"}', "not_an_envelope"),
        ("bad data", "bad_data"),
    ],
)
def test_what_is_no_event_becomes_a_dead_letter_with_its_reason(living, log, value, slug):
    if isinstance(value, str):
        value = _spoiled(next(log.read(["ingest.records"])).value, value)
    before = {letter.id for letter in living.operations.dead_letters("search")}

    log.append([Message("ingest.records", "nobody", value)])

    (letter,) = eventually(lambda: [it for it in living.operations.dead_letters("search") if it.id not in before])
    assert letter.slug == slug and letter.reason


def test_an_event_of_another_release_is_passed_by_or_parked_until_it_is_known(living, log):
    sample = next(log.read(["ingest.records"])).value
    letters = {letter.id for letter in living.operations.dead_letters("search")}

    log.append(
        [Message("ingest.records", name, _spoiled(sample, name)) for name in ("unknown type", "unknown version")]
    )

    def held() -> list:
        return [it for it in living.operations.held("search") if it.key.startswith("unknown")]

    (parked,) = eventually(held)
    assert (parked.key, parked.cause, parked.parked) == ("unknown version", "unknown_version", 1)
    assert {letter.id for letter in living.operations.dead_letters("search")} == letters


def _spoiled(value: bytes, how: str) -> bytes:
    envelope = orjson.loads(value)
    envelope["id"] = f"evt_{how.replace(' ', '_')}"
    match how:
        case "unknown type":
            envelope["type"] = "ingest.record.vanished"
        case "unknown version":
            envelope["dataversion"] = 99
        case "bad data":
            envelope["data"]["revision"] = "many"
    return orjson.dumps(envelope)


def test_a_malformed_protocol_is_told_with_every_error_and_nothing_is_stored(living):
    text = (FIRST_REVIEW / "protocol.yaml").read_text().replace("review: ics-leadership", "review: broken", 1)
    text = text.replace("leads_to: advance", "leads_to: sideways").replace("theory: being", "theory: nowhere")

    with pytest.raises(Invalid) as caught:
        living.protocol.apply("broken", text)

    assert len(caught.value.errors) > 3
    assert all(error["at"] and error["why"] and error["line"] for error in caught.value.errors)
    with pytest.raises(NotFound):
        living.protocol.newest("broken")


def test_what_nobody_knows_is_a_clear_problem(the_run, living):
    with pytest.raises(NotFound):
        living.screening.claim("no-such-review")
    with pytest.raises(NotFound):
        living.screening.claim(REVIEW, "no-such-stage")
    with pytest.raises(NotFound):
        living.screening.vote(REVIEW, "no-such-lease", "include")
    with pytest.raises((NotFound, Invalid, Conflict)):
        living.synthesis.revision(REVIEW, 99)
    with Client.at(the_run[0].processes.urls, "no token") as stranger, pytest.raises(Unauthenticated):
        stranger.screening.claim(REVIEW)
    with client(the_run[0], "reader") as reader, pytest.raises(Forbidden):
        reader.screening.claim(REVIEW)
