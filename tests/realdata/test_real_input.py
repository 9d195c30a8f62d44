"""Real works, which nobody here wrote, go the whole way on both profiles: nothing lost, nothing twice, memory flat.

Slow: 3,944 works are pulled page by page and screened and indexed by running processes, 30 to 120 seconds a profile.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from demo.environment import Environment, prepared, set_clock
from demo.real_input import REVIEW, Account, take_in
from demo.replay.app import replay_app
from demo.replay.works import OpenAlexWorksCorpus
from tests.flows.conftest import REAL, make_profile
from tests.flows.profiles import client

pytestmark = [pytest.mark.realdata, pytest.mark.slow, pytest.mark.waits]


class Follower:
    """Notes how much memory each process uses once each connection has its cache of pages, and at the end."""

    def __init__(self) -> None:
        self.stage: Environment | None = None
        self.early: dict[str, int] = {}

    def tell(self, what: str) -> None:
        count = int(what.split()[0])
        if not self.early and count >= 2000:
            self.early = self.now()

    def now(self) -> dict[str, int]:
        assert self.stage is not None
        return {name: _resident(pid) for name, pid in self.stage.processes.pids().items()}


def _resident(pid: int) -> int:
    """Resident memory of a process, in MiB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) // 1024


@pytest.fixture(scope="module", params=["embedded", REAL])
def taken_in(request, realdata, tmp_path_factory):
    profile = make_profile(request)
    folder = tmp_path_factory.mktemp("real-input")
    follower = Follower()
    sources = replay_app(OpenAlexWorksCorpus(realdata / "api-responses" / "openalex-synergy"))
    clock = set_clock(folder / "clock", datetime.now(UTC))
    with prepared(folder, sources, clock=clock, split=profile.split, servers=profile.servers) as site:
        follower.stage = site
        account = take_in(site, follower.tell)
        yield site, account, follower
    profile.clear_away()


def test_every_work_is_a_record_a_merge_or_a_rejection_with_its_reason(taken_in):
    account: Account = taken_in[1]

    assert account.reported == account.counts.found == 3944
    assert account.whole, account


def test_every_record_has_one_task_or_a_recorded_reason_why_not(taken_in):
    site, account, _ = taken_in
    with client(site) as living:
        tasks = [task.record for task in living.screening.tasks(REVIEW, "title-abstract")]
        left_out = [record.record for record in living.screening.records(REVIEW, "excluded")]
        known = [record.record for record in living.ingest.records(REVIEW) if record.merged_into is None]
        reasons = {record.rule for record in living.screening.records(REVIEW, "excluded")}

    assert len(tasks) == len(set(tasks)) == account.with_task
    assert sorted(tasks + left_out) == sorted(known)
    assert reasons == {"published_after"}
    # Counted in the recorded works: 2,830 of them appeared before 2018.
    assert account.left_out == {"published_after": 2830}


def test_every_record_is_searchable_and_found_by_its_own_words(taken_in):
    site, account, _ = taken_in
    with client(site) as living:
        assert living.search.find(REVIEW, limit=1).total == account.records
        for record in list(living.ingest.records(REVIEW))[::400]:
            if record.identifiers.doi:
                found = living.search.find(REVIEW, f'doi:"{record.identifiers.doi}"', limit=5)
                assert record.record in [item.record for item in found.items]


def test_works_that_share_a_title_or_an_identifier_and_differ_are_left_to_a_person(taken_in):
    site, account, _ = taken_in
    with client(site) as living:
        pairs = list(living.ingest.duplicates(REVIEW))
        generic = [record for record in living.ingest.records(REVIEW) if (record.title or "").lower() == "abstracts"]

    assert len(pairs) == account.open_duplicates and all(pair.evidence for pair in pairs)
    assert len(generic) == 11, "eleven supplements are called Abstracts, and each is a record of its own"


def test_memory_stays_flat_while_the_works_pass(taken_in):
    _, _, follower = taken_in

    grown = {name: now - follower.early[name] for name, now in follower.now().items()}
    # 22 KiB for each of the 1,944 records since.
    assert max(grown.values()) < 42, f"MiB grown since the first two thousand records: {grown}"
