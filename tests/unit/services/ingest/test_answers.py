"""Raw answers: what a source said is kept as it came, with its page, and goes when its time is over."""

from __future__ import annotations

import hashlib
import threading
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import httpx
import pytest
from sqlalchemy import select
from structlog.testing import capture_logs

from services.ingest.jobs import pruning, runs
from services.ingest.models import RawAnswerRow
from services.ingest.ports.sources.port import SourceDrifted
from shared.blobs import names
from shared.errors import Unavailable
from shared.events.ingest import RunFinished
from shared.runtime import blobs
from shared.runtime.blobs import sweep_blobs, sweep_bucket
from tests.unit.services.ingest.rig import IngestBench, strategy, work

BODIES = [[b'{"page": 1}'], [b"busy", b'{"page": 2}'], [b'{"page": 3}']]
LATER = timedelta(days=2)


@pytest.fixture(params=["folder", "rows"])
def kept(request, bench, tmp_path) -> IngestBench:
    """A bench whose blobs are kept in one way or the other."""
    if request.param == "folder":
        return bench
    url = bench.settings.database_url
    bench.close()
    other = IngestBench(tmp_path, database_url=url, blobs_url="database:")
    request.addfinalizer(other.close)
    return other


def pull(bench: IngestBench, bodies: list[list[bytes]] = BODIES) -> str:
    """Pulls three pages of works that were read from these answers; answers the run."""
    source = bench.sources["crossref"]
    source.answers = [list(page) for page in bodies]
    source.put(*[work("crossref", f"10.1/{n}", f"Work number {n} on boards", doi=f"10.1/{n}") for n in range(8)])
    bench.adopt(strategy("crossref"))
    bench.pull()
    return bench.emitted(RunFinished)[-1].run


def listed(bench: IngestBench, run: str) -> list[dict]:
    answer = bench.lead.get(f"/ingest/reviews/{bench.review}/runs/{run}/answers", params={"limit": 3})
    assert answer.status_code == 200, answer.text
    items, following = answer.json()["items"], answer.json()["next"]
    while following:
        params = {"limit": 3, "cursor": following}
        page = bench.lead.get(f"/ingest/reviews/{bench.review}/runs/{run}/answers", params=params).json()
        items, following = items + page["items"], page["next"]
    return items


def fetched(bench: IngestBench, run: str, number: int) -> httpx.Response:
    return bench.lead.get(f"/ingest/reviews/{bench.review}/runs/{run}/answers/{number}")


def age(bench: IngestBench) -> datetime:
    """The instant of a sweep two days from now."""
    return datetime.now(UTC) + LATER


def sweep(bench: IngestBench) -> int:
    return sum(sweep_bucket(bench.running, f"{number:02x}", age(bench)) for number in range(256))


def test_what_a_source_answered_is_listed_with_its_page_and_read_as_it_came(kept):
    run = pull(kept)

    seen = listed(kept, run)
    assert [(one["number"], one["page"]) for one in seen] == [(1, 0), (2, 1), (3, 1), (4, 2)]
    assert [fetched(kept, run, one["number"]).content for one in seen] == [body for page in BODIES for body in page]
    assert seen[0]["sha256"] == hashlib.sha256(BODIES[0][0]).hexdigest() and seen[0]["size"] == len(BODIES[0][0])
    assert seen[0]["asked"].startswith("GET https://crossref.example/") and seen[0]["status"] == 200


def test_an_answer_can_only_be_saved_whatever_the_source_called_it(bench):
    answer = fetched(bench, pull(bench), 1)

    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment;")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-length"] == str(len(BODIES[0][0]))


def test_answers_are_for_leads_of_the_review_alone(bench):
    run = pull(bench)

    for path in (f"runs/{run}/answers", f"runs/{run}/answers/1"):
        assert bench.person("rob", "reviewer").get(f"/ingest/reviews/{bench.review}/{path}").status_code == 403
        other = bench.person("lou", "lead", ("another",))
        assert other.get(f"/ingest/reviews/{bench.review}/{path}").status_code == 403
    assert fetched(bench, run, 99).status_code == fetched(bench, "run_x", 1).status_code == 404


def test_what_a_source_said_when_it_drifted_is_kept_too(bench):
    bench.sources["crossref"].trouble[1] = SourceDrifted("no documented answer", source="crossref")

    run = pull(bench)

    assert [(one["number"], one["page"]) for one in listed(bench, run)] == [(1, 0)]
    assert bench.get(f"runs/{run}")["state"] == "incomplete"


def test_what_our_fault_could_not_take_in_is_kept_for_whoever_looks_into_it(kept, monkeypatch):
    def failing(*given, **more):
        raise ZeroDivisionError

    with monkeypatch.context() as broken, pytest.raises(ExceptionGroup, match="ZeroDivisionError"):
        broken.setattr(runs, "take_page", failing)
        pull(kept)

    run = kept.items("runs")[0]["run"]
    assert kept.get(f"runs/{run}")["error"].startswith("ZeroDivisionError")
    assert [(one["number"], one["page"]) for one in listed(kept, run)] == [(1, 0)]
    assert sweep(kept) == 0


def test_a_store_that_takes_nothing_keeps_the_source_from_being_asked(kept, monkeypatch):
    def full(self):
        raise Unavailable("the disk is full")

    with monkeypatch.context() as away, pytest.raises(ExceptionGroup, match="the disk is full"):
        away.setattr(type(kept.running.blobs), "ping", full)
        pull(kept)

    assert kept.sources["crossref"].asked == []


def test_a_page_that_is_not_committed_leaves_no_name_of_its_answers(kept, monkeypatch):
    class Killed(BaseException):
        pass

    def failing(*given, **more):
        raise Killed

    with monkeypatch.context() as broken, pytest.raises(Killed):
        broken.setattr(runs, "take_page", failing)
        pull(kept)
    run = kept.items("runs")[0]["run"]
    assert listed(kept, run) == []
    assert sweep(kept) == 1

    kept.sources["crossref"].answers = [list(page) for page in BODIES]
    kept.pull()
    assert len(listed(kept, run)) == 4 and sweep(kept) == 0


@pytest.mark.waits
def test_no_transaction_is_open_while_an_answer_is_kept(bench, monkeypatch):
    """Another writer gets its turn while the bytes move."""
    blobs, wrote = bench.running.blobs, []
    put = type(blobs).put

    def putting(self, chunks, limit, expected=None):
        def write() -> None:
            with bench.work() as other:
                names.let_go(other, "0" * 64, by="nobody")
            wrote.append(1)

        writer = threading.Thread(target=write)
        writer.start()
        writer.join(120)
        return put(self, chunks, limit, expected)

    monkeypatch.setattr(type(blobs), "put", putting)
    pull(bench)

    assert len(wrote) == 4


def test_with_a_full_disk_the_run_waits_and_goes_on_where_it_stood(bench, monkeypatch):
    def full(self, *given, **more):
        raise Unavailable("the disk is full", slug="disk_full")

    with monkeypatch.context() as broken, pytest.raises(BaseExceptionGroup, match="full"):
        broken.setattr(type(bench.running.blobs), "draft", full)
        pull(bench)
    (begun,) = bench.items("runs")
    assert (begun["state"], begun["pages"]) == ("running", 0)

    bench.sources["crossref"].answers = [list(page) for page in BODIES]
    bench.pull()
    assert bench.get(f"runs/{begun['run']}")["state"] == "complete" and len(listed(bench, begun["run"])) == 4


def test_with_no_days_nothing_is_kept(tmp_path):
    bench = IngestBench(tmp_path, raw_answer_days=0)
    try:
        assert listed(bench, pull(bench)) == [] and sweep(bench) == 0
    finally:
        bench.close()


def test_answers_are_forgotten_with_their_time_and_their_bytes_are_swept_once_nothing_uses_them(kept):
    first = pull(kept)
    kept.sources["crossref"].answers = [[BODIES[0][0]]]
    kept.pull_again()
    second = kept.emitted(RunFinished)[-1].run
    assert second != first and sweep(kept) == 0

    with kept.work() as at:
        row = at.session.get(runs.RunRow, second)
        row.state = "running"  # A run that is under way keeps what it has.
    while True:
        with kept.work() as at:
            if not pruning.answers_of_finished_runs(at, datetime.now(UTC) + LATER, 3):
                break

    assert listed(kept, first) == [] and len(listed(kept, second)) == 1
    assert sweep(kept) == 3
    assert fetched(kept, second, 1).content == BODIES[0][0]


def test_a_run_that_stays_under_way_keeps_the_answers_and_items_of_no_later_one(bench):
    first = pull(bench)
    bench.sources["crossref"].answers = [[BODIES[0][0]]]
    bench.pull_again()
    second = bench.emitted(RunFinished)[-1].run
    later = datetime.now(UTC) + LATER
    with bench.work() as at:
        at.session.get_one(runs.RunRow, first).state = "running"

    with bench.work() as at:
        assert pruning.answers_of_finished_runs(at, later, 3) == 3
        assert [pruning.items_of_finished_runs(at, later, 100) for _ in range(2)] == [0, 0]

    assert (len(listed(bench, first)), listed(bench, second)) == (4, [])


def test_a_blob_that_cannot_be_removed_keeps_no_other(bench, monkeypatch):
    pull(bench)
    with bench.work() as at:
        for sha256, by in names.newest(at.session, 10).items():
            names.let_go(at, sha256, by=by)
    stuck = list_all(bench)[0]
    remove = bench.running.blobs.remove

    def fails(sha256: str, before: datetime) -> bool:
        if sha256 == stuck:
            raise Unavailable(f"{sha256} cannot be removed")
        return remove(sha256, before)

    monkeypatch.setattr(bench.running.blobs, "remove", fails)
    failures = []
    for bucket in range(256):
        try:
            sweep_bucket(bench.running, f"{bucket:02x}", age(bench))
        except ExceptionGroup as failed:
            failures += failed.exceptions

    assert [str(failed) for failed in failures] == [f"{stuck} cannot be removed"]
    assert list_all(bench) == [stuck]


def test_a_sweep_spares_what_is_young_and_looks_through_every_bucket_within_a_day(bench, monkeypatch):
    pull(bench)
    with bench.work() as at:
        for sha256, by in names.newest(at.session, 10).items():
            names.let_go(at, sha256, by=by)

    sweep_blobs(bench.running)
    assert len(list_all(bench)) == 4

    class Clock(datetime):
        hour_ahead = 0

        @classmethod
        def now(cls, tz=None):
            return datetime.now(tz) + LATER + timedelta(hours=cls.hour_ahead)

    monkeypatch.setattr("shared.runtime.blobs.datetime", Clock)
    with capture_logs() as lines:
        for Clock.hour_ahead in range(24):
            sweep_blobs(bench.running)
    assert list_all(bench) == []
    assert sum(line["unused"] for line in lines if line["event"] == "blobs swept") == 4


def test_no_bucket_is_bound_to_an_hour_of_the_day(bench, monkeypatch):
    looked: list[str] = []
    monkeypatch.setattr(blobs, "sweep_bucket", lambda running, bucket, before: looked.append(bucket) or 0)
    for day in range(23):  # As on a machine that is awake for one hour a day.
        at = datetime(2026, 1, 1, 9, tzinfo=UTC) + timedelta(days=day)
        monkeypatch.setattr(blobs, "datetime", SimpleNamespace(now=lambda tz, at=at: at))
        sweep_blobs(bench.running)

    assert sorted(looked) == [f"{number:02x}" for number in range(256)]


def list_all(bench: IngestBench) -> list[str]:
    return [
        found
        for number in range(256)
        for found in bench.running.blobs.older(datetime.now(UTC) + LATER, f"{number:02x}")
    ]


def test_a_blob_that_is_used_and_lost_is_told(kept):
    run = pull(kept)
    look = kept.running.checks()["blobs"]
    look()
    with kept.work(readonly=True) as at:
        lost = at.session.execute(select(RawAnswerRow.sha256).where(RawAnswerRow.number == 2)).scalar()
    kept.running.blobs.remove(lost, age(kept))

    with pytest.raises(Unavailable, match=f"used by {run}/answers/2: blob {lost}"):
        look()
    answer = fetched(kept, run, 2)
    assert answer.status_code == 500 and answer.json()["type"].endswith("blob_missing") and lost in answer.text
    assert "retry-after" not in answer.headers


def test_a_blob_that_is_damaged_is_told_and_not_given(bench):
    run = pull(bench)
    sha256 = listed(bench, run)[0]["sha256"]
    path = bench.settings.data_dir / "blobs" / "ingest" / sha256[:2] / f"{sha256}.gz"
    path.write_bytes(path.read_bytes()[:-9])

    answer = fetched(bench, run, 1)
    assert answer.status_code == 500 and sha256 in answer.text and "retry-after" not in answer.headers
    with pytest.raises(Unavailable, match=f"{sha256} is damaged"):
        bench.running.checks()["blobs"]()
