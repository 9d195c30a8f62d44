"""The bench counts what a claim and a vote ask of the database, and would see a check of a token that asks it, too."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from bench import statements
from shared.db.engine import Database
from shared.errors import Unavailable
from shared.withdrawn import Withdrawn
from tests.unit.services.screening.rig import REVIEW, ScreeningRig, make_bench

RECORDS = [f"rec_{number:032x}" for number in range(9)]


@pytest.fixture
def settings(tmp_path):
    """Of a service with tasks that nobody has voted on."""
    bench = make_bench(tmp_path)
    ScreeningRig(bench).discovers(*RECORDS)
    yield bench.settings
    bench.close()


def test_a_claim_and_a_vote_are_counted_and_the_check_of_a_token_adds_nothing(settings):
    counted = statements.count(settings, REVIEW)

    assert counted.claim > 0 and counted.vote > 0
    assert counted.check == 0


def test_a_check_that_asks_a_database_is_seen(settings, monkeypatch, tmp_path):
    database = Database(f"sqlite:///{tmp_path}/other.db")
    standing = Withdrawn.require_standing

    def ask_too(self: Withdrawn, person: object) -> None:
        with database.session(readonly=True) as session:
            session.execute(text("SELECT 1"))
        standing(self, person)

    monkeypatch.setattr(Withdrawn, "require_standing", ask_too)

    assert statements.count(settings, REVIEW).check > 0
    database.close()


def test_a_review_without_tasks_is_told(settings):
    with pytest.raises(Unavailable, match="was answered"):
        statements.count(settings, "another")
