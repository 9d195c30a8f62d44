"""The client: one method for each route, each in the words of the field."""

from __future__ import annotations

import pytest

from services.ingest.ports.sources.catalog import Sources
from shared.client.http import Http
from shared.client.ingest import IngestClient
from shared.errors import Conflict, Forbidden, NotFound
from shared.events.protocol import SOURCES
from shared.settings import Settings
from tests.unit.services.ingest.rig import REVIEW, IngestBench, rejection, strategy, work


def client(bench: IngestBench, role: str = "lead") -> IngestClient:
    person = bench.person("lea", role)
    return IngestClient(Http("http://testserver", person.headers["authorization"].split()[1], client=person))


def test_a_lead_sees_and_steers_everything(bench):
    bench.adopt(strategy("crossref"), strategy("openalex"))
    lead = client(bench)
    bench.sources["crossref"].put(work("crossref", "10.1000/a", doi="10.1000/a"), rejection("crossref", "bad"))
    bench.pull()
    bench.sources["openalex"].put(work("openalex", "W1", doi="10.1000/b", openalex="W1"))
    bench.pull_again()

    watches = {watch.source: watch for watch in lead.watches(REVIEW)}
    crossref = watches["crossref"].watch
    assert lead.status(REVIEW).watches == [watches["crossref"], watches["openalex"]]
    assert lead.pause(REVIEW, crossref).state == "paused"
    assert lead.resume(REVIEW, crossref).state == "active"
    assert lead.pull_now(REVIEW, crossref).due_at == bench.clock.now()

    first = list(lead.runs(REVIEW, watch=crossref))[-1]
    assert lead.run(REVIEW, first.run) == first
    assert [item.outcome for item in lead.items(REVIEW, first.run)] == ["new"]
    assert [one.source_id for one in lead.rejections(REVIEW, first.run)] == ["bad"]
    assert len(list(lead.runs(REVIEW))) == 4

    (found,) = lead.records(REVIEW, doi="10.1000/a")
    assert lead.record(REVIEW, found.record).source_records[0].source_id == "10.1000/a"
    notice = lead.notice(REVIEW, found.record, kind="retraction", reason="a drill", drill=True)
    assert lead.record(REVIEW, found.record).notices == [notice]

    (pair,) = lead.duplicates(REVIEW)
    assert lead.decide_duplicate(REVIEW, pair.duplicate, "same", "the same text").state == "same"
    assert [one.duplicate for one in lead.duplicates(REVIEW, state="same")] == [pair.duplicate]
    (record,) = lead.records(REVIEW)
    assert lead.record(REVIEW, record.record).merges[0].into == record.record


def test_a_lead_has_what_a_source_answered_as_it_came(bench):
    bench.sources["crossref"].answers = [[b"one", b"two"]]
    bench.adopt(strategy("crossref"))
    bench.pull()
    (run,) = client(bench).runs(REVIEW)

    seen = list(client(bench).answers(REVIEW, run.run))
    assert [client(bench).answer(REVIEW, run.run, one.number) for one in seen] == [b"one", b"two"]
    with pytest.raises(Forbidden):
        list(client(bench, "reviewer").answers(REVIEW, run.run))


def test_errors_arrive_as_themselves(bench):
    bench.adopt(strategy("crossref"))
    (watch,) = client(bench).watches(REVIEW)
    client(bench).pause(REVIEW, watch.watch)

    with pytest.raises(Conflict, match="paused"):
        client(bench).pull_now(REVIEW, watch.watch)
    with pytest.raises(NotFound):
        client(bench).record(REVIEW, "rec_x")
    with pytest.raises(Forbidden):
        client(bench, "reader").pause(REVIEW, watch.watch)


def test_there_is_a_source_for_every_name_a_protocol_may_use(tmp_path):
    sources = Sources.open(Settings(data_dir=tmp_path, _env_file=None))

    assert set(sources) == set(SOURCES)
    sources.close()
