"""What a protocol needs of those who work by it."""

from __future__ import annotations

import pytest

from shared.events.protocol import SOURCES, Need, Triggers, VersionPublished
from tests.unit.services.ingest.rig import strategy, version
from tests.unit.services.screening.rig import SIFT, protocol


@pytest.mark.parametrize("source", SOURCES[:4])
def test_a_source_that_every_release_has_is_no_need(source):
    assert version(1, strategy(source)).needs == []


@pytest.mark.parametrize("source", SOURCES[4:])
def test_a_source_that_came_later_is_needed_of_ingest_alone(source):
    published = version(1, strategy("crossref"), strategy(source))

    assert published.needs == [Need(feature=f"source:{source}", services=["ingest"])]
    assert (published.lacking("ingest"), published.lacking("screening")) == ([], [])


@pytest.mark.parametrize(
    ("said", "feature"),
    [
        ({"parks_after": 5}, "stage:parks_after"),
        ({"tags": [{"name": "a", "label": "A"}]}, "stage:tags"),
        ({"reconciliation": "consensus"}, "stage:reconciliation"),
        ({"double_screened": 20}, "stage:double_screened"),
        ({"training": [{"id": "one", "title": "One", "answer": "include"}]}, "stage:training"),
    ],
)
def test_what_a_stage_says_of_its_queue_and_its_votes_is_needed_of_screening_alone(said, feature):
    published = VersionPublished.of(protocol({**SIFT, **said}), 1, "lea")

    assert published.needs == [Need(feature=feature, services=["screening"])]


def test_what_a_stage_does_not_say_is_neither_written_nor_needed():
    published = VersionPublished.of(protocol({**SIFT, "parks_after": 3, "tags": [], "training": []}), 1, "lea")

    assert published.needs == []
    assert not any(name in published.document for name in ("parks_after", "tags", "training"))


def test_a_protocol_that_says_nothing_new_of_its_stages_reads_as_before():
    plain = protocol({**SIFT, "reconciliation": "third_person", "double_screened": None})

    assert plain.document() == protocol(SIFT).document()
    assert VersionPublished.of(plain, 1, "lea").needs == []


def test_a_protocol_that_says_nothing_of_triggers_is_byte_for_byte_as_before_and_one_that_does_needs_synthesis_alone():
    said = protocol(SIFT)
    asks = said.model_copy(update={"triggers": Triggers(new_supports=5)})

    assert "triggers" not in said.document() and VersionPublished.of(said, 1, "lea").needs == []
    published = VersionPublished.of(asks, 2, "lea")
    assert published.needs == [Need(feature="protocol:triggers", services=["synthesis"])]
    assert '"triggers":{"doubts":1,"new_supports":5}' in published.document and published.protocol == asks


@pytest.mark.parametrize("wrong", [{"new_supports": 0}, {"doubts": 1001}, {"supports": 3}])
def test_no_review_asks_for_none_or_for_more_than_there_could_be(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Triggers.model_validate(wrong)
