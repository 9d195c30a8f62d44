"""`living ingest quota` shows the days that are asked for, and which sources are left alone."""

from __future__ import annotations

import json

import pytest

from shared.keys.file import open_ring
from shared.settings import Settings
from tests.unit.services.cli.test_doctor import page, serve_answers


def day(number: int, source: str = "openalex", **different: object) -> dict[str, object]:
    plain = dict.fromkeys(("limit", "remaining", "limit_usd", "remaining_usd", "cost_usd", "reset"))
    return {
        "source": source, "day": f"2026-01-0{number}", "requests": 12, "refusals": 0, **plain, "spent_usd": 0.0,
        "said": {}, "heard_at": f"2026-01-0{number}T03:04:05Z", **different,
    }  # fmt: skip


@pytest.fixture
def asked(run, monkeypatch):
    """Runs `living ingest quota` beside a platform that was asked on three days."""
    open_ring(Settings(_env_file=None))
    parked = {"source": "openalex", "since": "2026-01-03T03:04:05Z", "until": "2026-01-04T00:00:00Z", "why": "spent"}
    rows = [
        day(3, remaining=0, limit=1000, remaining_usd=0.05, limit_usd=0.1, spent_usd=0.05, refusals=1),
        day(3, "crossref", limit=50), day(2), day(1),
    ]  # fmt: skip
    with serve_answers({"/ingest/quota": page(*rows), "/ingest/parked": page(parked)}) as server:
        monkeypatch.setenv("LIVING_URL", server.url)
        yield lambda *arguments: run("ingest", "quota", *arguments)


def test_a_table_has_what_is_left_of_how_much_and_who_is_left_alone(asked):
    shown = asked().stdout

    assert "0 of 1000" in shown and "0.05 of 0.1" in shown and "? of 50" in shown
    assert "openalex is left alone until 2026-01-04 00:00 UTC: spent" in shown


def test_as_many_days_are_listed_as_asked_for(asked):
    seen = json.loads(asked("--days", "2", "--json").stdout)

    assert [(row["day"], row["source"]) for row in seen["quotas"]] == [
        ("2026-01-03", "openalex"), ("2026-01-03", "crossref"), ("2026-01-02", "openalex"),
    ]  # fmt: skip


def test_one_source_is_listed_alone(asked):
    seen = json.loads(asked("--source", "crossref", "--json").stdout)

    assert ([row["source"] for row in seen["quotas"]], seen["parked"]) == (["crossref"], [])
