"""Two processes of screening, killed in turn, on a broker that is killed too: each task's votes are exact.

Slow: each fault takes the seconds that a process, or a broker, takes to start.
"""

from __future__ import annotations

import asyncio

import pytest

from tests.flows import contended

pytestmark = [pytest.mark.slow, pytest.mark.waits, pytest.mark.real]


def test_no_vote_is_lost_or_doubled_while_processes_and_broker_are_killed_and_requests_come_twice_and_late(
    real_postgres_url, tmp_path
):
    with contended.site(tmp_path, real_postgres_url, records=600) as site:
        day = asyncio.run(contended.spend(site, people=60, votes=1200, faults=3, between=1.0))

        assert contended.judged(site, day) == []
        assert day.over and day.unanswered
        assert day.faults["process"], "none was killed while they voted"
