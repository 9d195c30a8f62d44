"""Numbers of a service whose database is away are missing, and say so; those of the others are told."""

from __future__ import annotations

import math
from contextlib import ExitStack
from dataclasses import replace

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import select

from shared.runtime import metrics
from shared.runtime.platform import Platform
from tests.toy import TOY
from tests.unit.shared.runtime.rig import PlatformRig

pytestmark = pytest.mark.waits

OTHER = replace(TOY, name="other")


@pytest.fixture
def rig(tmp_path, workbench) -> PlatformRig:
    return PlatformRig(tmp_path / "data", workbench, [TOY, OTHER])


def numbers(platform: Platform, name: str) -> dict[str, float]:
    families = text_string_to_metric_families(platform.metrics.text().decode())
    return {it.labels["service"]: it.value for family in families for it in family.samples if it.name == name}


def test_the_age_of_what_is_known_of_withdrawn_keys_is_told_and_is_infinite_before_it_was_read(rig):
    def age(platform: Platform) -> float:
        families = text_string_to_metric_families(platform.metrics.text().decode())
        (sample,) = [it for family in families for it in family.samples if it.name == "living_withdrawals_age_seconds"]
        assert sample.labels == {}
        return sample.value

    with rig.platform() as platform:
        assert 0 <= age(platform) < math.inf

    unread = Platform(rig.settings, [TOY])
    assert age(unread) == math.inf
    unread.stop()


def test_a_database_that_is_away_takes_only_its_own_numbers_with_it(rig):
    with rig.platform() as platform:
        assert numbers(platform, "living_database_answers") == {"toy": 1.0, "other": 1.0}

        rig.remove(rig.database_file)

        assert numbers(platform, "living_database_answers") == {"toy": 0.0, "other": 1.0}
        assert set(numbers(platform, "living_outbox_waiting")) == {"other"}
        assert set(numbers(platform, "living_leading")) == {"toy", "other"}


def test_a_crowd_that_has_every_connection_of_requests_is_no_database_that_is_away(rig):
    with rig.platform() as platform, ExitStack() as crowd:
        toy = platform.running["toy"]
        for _ in range(toy.settings.requests_at_once + 2):
            crowd.enter_context(toy.work("somebody", readonly=True, asked=True)).session.execute(select(1))

        assert numbers(platform, "living_database_answers") == {"toy": 1.0, "other": 1.0}


def test_databases_that_take_long_are_not_asked_one_after_the_other_for_ever(rig, monkeypatch):
    monkeypatch.setattr(metrics, "_LONGEST", 0.0)
    with rig.platform() as platform:
        assert numbers(platform, "living_database_answers") == {"toy": 0.0, "other": 0.0}


def test_a_fault_of_ours_is_not_taken_for_a_database_that_is_away(rig, monkeypatch):
    def failing(*given: object) -> None:
        raise ZeroDivisionError

    with rig.platform() as platform, pytest.raises(ZeroDivisionError):
        monkeypatch.setattr(metrics, "_backlog", failing)
        platform.metrics.text()
