"""Strategies by hand in a protocol: what one may say, and that every service needs to know them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from services.catalog import SERVICES
from services.protocol.domain import check
from shared.errors import Invalid
from shared.events import protocol as plans
from shared.events.protocol import Need, Protocol, Strategy, VersionPublished, slug_of
from tests.unit.services.protocol.examples import SMALL, as_yaml, small

EMBASE: dict[str, Any] = {"id": "embase", "manual": "Embase (Ovid)", "query": "leader*.ti.", "every_days": 28}


def test_a_database_that_is_searched_by_hand_is_a_strategy_and_may_be_the_only_one():
    (strategy,) = check(as_yaml(small(strategies=[{**EMBASE, "owner": "person_01a2"}]))).strategies

    assert (strategy.manual, strategy.query, strategy.owner) == ("Embase (Ovid)", "leader*.ti.", "person_01a2")
    assert (strategy.searched, strategy.files_of) == ((), "import:embase-ovid")


def test_a_website_needs_no_string():
    (strategy,) = check(as_yaml(small(strategies=[{"id": "site", "manual": "kingsfund.org.uk"}]))).strategies

    assert (strategy.query, strategy.every_days) == (None, 7)


def test_a_version_with_one_needs_a_release_that_has_them_in_every_service(monkeypatch):
    version = VersionPublished.of(check(as_yaml(small(strategies=[EMBASE]))), 1, "dora")
    assert version.needs == [Need(feature="strategy:manual")]
    assert Protocol.read(version.document).strategies[0].manual == "Embase (Ovid)"

    monkeypatch.delitem(plans.FEATURES, "strategy:manual")

    assert {service.name: version.lacking(service.name) for service in SERVICES} == {
        service.name: ["strategy:manual"] for service in SERVICES
    }


def test_a_protocol_without_one_says_nothing_of_them():
    protocol = check(as_yaml(SMALL))

    assert protocol.needs() == []
    assert {"manual", "owner"}.isdisjoint(json.loads(protocol.document())["strategies"][0])


@pytest.mark.parametrize(
    ("given", "at", "why"),
    [
        ({**EMBASE, "source": "pubmed"}, "strategies[0]", "manual and source are of two ways"),
        ({**EMBASE, "concepts": [{"name": "a", "terms": ["leader"]}]}, "strategies[0]", "manual and concepts"),
        ({**EMBASE, "not": {"name": "a", "terms": ["leader"]}}, "strategies[0]", "manual and not"),
        ({**EMBASE, "manual": " "}, "strategies[0].manual", "must not be empty"),
        ({**EMBASE, "manual": 7}, "strategies[0].manual", "put it in quotes"),
        ({**EMBASE, "owner": "Ana Ruiz"}, "strategies[0].owner", "living people list"),
        ({**EMBASE, "every_days": 0}, "strategies[0].every_days", "1"),
        ({"id": "a", "source": "pubmed", "query": "x", "owner": "p_1"}, "strategies[0]", "owner is of a strategy"),
        ({"id": "a"}, "strategies[0]", "or manual"),
        ({**EMBASE, "manul": "x"}, "strategies[0].manul", "did you mean manual?"),
    ],
)
def test_what_one_may_not_say_is_refused_with_its_line(given, at, why):
    with pytest.raises(Invalid) as refused:
        check(as_yaml(small(strategies=[given])))

    (error,) = [error for error in refused.value.errors if error["at"] == at]
    assert why in error["why"] and isinstance(error["line"], int)


@pytest.mark.parametrize(
    ("database", "slug"),
    [
        ("Embase", "embase"), ("CINAHL (EBSCO)", "cinahl-ebsco"), ("Bibliothèque  Santé", "bibliotheque-sante"),
        ("中国知网", ""), ("x" * 90, "x" * 60),
    ],
)  # fmt: skip
def test_a_database_is_called_by_its_latin_letters_and_digits(database, slug):
    assert slug_of(database) == slug


def test_one_without_any_is_called_as_its_strategy():
    assert Strategy(id="cnki", manual="中国知网").files_of == "import:cnki"


def test_what_it_asks_is_its_database_its_string_and_the_first_day():
    def question(**about: Any) -> str:
        protocol = check(as_yaml(small(strategies=[{**EMBASE, **about.pop("strategy", {})}], **about)))
        return protocol.question_of(protocol.strategies[0])

    asked = question()
    same = question(strategy={"every_days": 7, "owner": "p_1", "manual": "EMBASE (ovid)"})
    others = {
        question(strategy={"manual": "Scopus"}), question(strategy={"query": "other"}),
        question(search_from="2001-01-01"),
    }  # fmt: skip

    assert asked == same and asked not in others and len(others) == 3
