"""What a protocol needs of those who work by it."""

from __future__ import annotations

import pytest

from shared.events.protocol import SOURCES, Need
from tests.unit.services.ingest.rig import strategy, version


@pytest.mark.parametrize("source", SOURCES[:4])
def test_a_source_that_every_release_has_is_no_need(source):
    assert version(1, strategy(source)).needs == []


@pytest.mark.parametrize("source", SOURCES[4:])
def test_a_source_that_came_later_is_needed_of_ingest_alone(source):
    published = version(1, strategy("crossref"), strategy(source))

    assert published.needs == [Need(feature=f"source:{source}", services=["ingest"])]
    assert (published.lacking("ingest"), published.lacking("screening")) == ([], [])
