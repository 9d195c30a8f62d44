"""Searches by hand: no revision is signed past one that is overdue, unless its signer leaves it out and says why."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from shared.errors import Conflict
from shared.events.ingest import SearchFulfilled
from shared.events.protocol import Protocol
from shared.events.synthesis import RevisionPublished
from shared.wire.synthesis import ManualSearch
from tests.unit.services.synthesis.rig import REVIEW, SynthesisRig, protocol

LEFT_OUT = {"strategy": "embase", "reason": "Our licence lapsed in March."}


def plan(*strategies: dict[str, Any]) -> Protocol:
    by_api = {"id": "one", "source": "pubmed", "query": "leader*[ti]"}
    return protocol(strategies=[by_api, *strategies])


def by_hand(strategy: str = "embase", **about: Any) -> dict[str, Any]:
    return {"id": strategy, "manual": strategy.capitalize(), "query": "leader*:ti", "every_days": 28, **about}


def searches(rig: SynthesisRig, on: date, of: Protocol, strategy: str = "embase", **about: Any) -> None:
    """Hears that somebody searched by hand for what a protocol asks."""
    asked = next(each for each in of.strategies if each.id == strategy)
    rig.bench.hears(
        SearchFulfilled(
            review=REVIEW, search=f"search-{strategy}-{on}", watch=f"watch-{strategy}", strategy=strategy,
            source=asked.files_of, database=str(asked.manual), question=of.question_of(asked), query="leader*:ti",
            planned=None, searched_on=on, due=on, how="imported", reported=4, entries=4, by="lea",
            **{"protocol_version": 1} | about,
        )
    )  # fmt: skip


@pytest.fixture
def rig(rig_of) -> SynthesisRig:
    return rig_of(plan(by_hand()))


def stands(rig: SynthesisRig) -> dict[str, tuple[str, str]]:
    found: list[ManualSearch] = rig.lead.status(REVIEW).manual
    assert rig.draft().manual == found
    return {one.strategy: (one.standing, str(one.due)) for one in found}


def test_a_search_is_due_on_the_day_it_is_first_asked_for_and_overdue_the_day_after(rig: SynthesisRig):
    assert stands(rig) == {"embase": ("due", "2020-01-01")}
    rig.signs("Nothing is past its day.")

    rig.bench.clock.advance(days=1)

    assert stands(rig) == {"embase": ("overdue", "2020-01-01")}


def test_no_revision_is_signed_past_one_that_is_overdue_and_what_is_overdue_is_named(rig: SynthesisRig):
    rig.bench.clock.advance(days=1)

    with pytest.raises(Conflict, match=r"embase \(Embase, due on 2020-01-01\)") as refused:
        rig.signs()

    assert refused.value.slug == "searches_overdue"
    assert list(rig.lead.revisions(REVIEW)) == []


def test_a_search_that_was_made_lets_it_be_signed_and_the_document_has_its_day(rig: SynthesisRig):
    rig.bench.clock.advance(days=3)
    searches(rig, date(2020, 1, 3), plan(by_hand()))

    signed = rig.signs()

    assert stands(rig) == {"embase": ("searched", "2020-01-31")}
    assert signed.content.searched_through == {"import:embase": date(2020, 1, 3)}
    assert signed.content.not_searched == []
    assert "not_searched" not in json.loads(rig.lead.export(REVIEW, 1).document)


def test_one_that_is_left_out_with_a_reason_stands_in_the_signed_document_and_is_told(rig: SynthesisRig):
    rig.bench.clock.advance(days=9)

    signed = rig.signs(without=[LEFT_OUT])

    said = {**LEFT_OUT, "database": "Embase", "due": "2020-01-01"}
    assert json.loads(rig.lead.export(REVIEW, 1).document)["not_searched"] == [said]
    assert [one.model_dump(mode="json") for one in signed.content.not_searched] == [said]
    verified = rig.lead.verify(REVIEW, 1)
    assert verified.holds and [one.reason for one in verified.not_searched or []] == [LEFT_OUT["reason"]]
    (published,) = rig.bench.emitted(RevisionPublished)
    assert [one.database for one in published.not_searched] == ["Embase"]
    with pytest.raises(Conflict, match="overdue"):
        rig.signs("The next one is asked again.")


def test_each_that_is_overdue_is_to_be_left_out_and_no_other(rig_of):
    rig = rig_of(plan(by_hand(), by_hand("scopus")))
    rig.bench.clock.advance(days=1)

    with pytest.raises(Conflict, match="scopus") as refused:
        rig.signs(without=[LEFT_OUT])
    assert "embase" not in refused.value.detail

    searches(rig, date(2020, 1, 2), plan(by_hand()))
    with pytest.raises(Conflict, match="'embase' is no search by hand that is overdue"):
        rig.signs(without=[LEFT_OUT, {"strategy": "scopus", "reason": "No access."}])


def test_the_newest_search_counts_in_whatever_order_they_are_heard(rig: SynthesisRig):
    for on in (date(2020, 1, 20), date(2020, 1, 5), date(2020, 1, 20)):
        searches(rig, on, plan(by_hand()))

    assert stands(rig) == {"embase": ("searched", "2020-02-17")}


def test_a_search_that_is_heard_of_before_its_protocol_counts_once_that_comes(rig_of):
    rig = rig_of(plan())
    searches(rig, date(2020, 1, 1), plan(by_hand()), protocol_version=2)
    assert stands(rig) == {}

    rig.adopts(plan(by_hand()), version=2)

    assert stands(rig) == {"embase": ("searched", "2020-01-29")}


def test_a_strategy_that_asks_something_else_is_due_anew_and_one_that_asks_what_was_searched_is_not(rig: SynthesisRig):
    searches(rig, date(2020, 1, 1), plan(by_hand()))
    rig.bench.clock.advance(days=4)

    rig.adopts(plan(by_hand(query="governance:ti")), version=2)
    assert stands(rig) == {"embase": ("due", "2020-01-05")}

    rig.adopts(plan(by_hand()), version=3)
    assert stands(rig) == {"embase": ("searched", "2020-01-29")}


def test_a_strategy_that_is_gone_holds_nothing_up_and_is_due_when_it_comes_back(rig: SynthesisRig):
    rig.bench.clock.advance(days=4)
    rig.adopts(plan(), version=2)
    assert stands(rig) == {}
    rig.signs()

    rig.bench.clock.advance(days=4)
    rig.adopts(plan(by_hand()), version=3)

    assert stands(rig) == {"embase": ("due", "2020-01-09")}


def test_a_protocol_that_changes_other_things_leaves_its_day(rig: SynthesisRig):
    rig.bench.clock.advance(days=4)

    rig.adopts(plan(by_hand(every_days=90), by_hand("scopus")), version=2)

    assert stands(rig) == {"embase": ("overdue", "2020-01-01"), "scopus": ("due", "2020-01-05")}


def test_a_clock_that_is_set_back_lets_it_be_signed_again(rig: SynthesisRig):
    rig.bench.clock.advance(days=1)
    assert stands(rig)["embase"][0] == "overdue"

    rig.bench.clock.advance(days=-1)

    assert rig.signs().content.number == 1
