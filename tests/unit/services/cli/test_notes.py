"""Notes and tags from a terminal: written by the lease one holds, listed and found again."""

from __future__ import annotations

import pytest

from shared.errors import Invalid
from tests.unit.services.cli.conftest import data
from tests.unit.services.screening.rig import REVIEW, SIFT

TAGS = [{"name": "setting", "label": "Where"}, {"name": "size", "label": "How many", "kind": "number"}]


@pytest.fixture
def lease(screening_at, as_) -> str:
    screening_at({**SIFT, "tags": TAGS}).discovers("r1")
    return data(as_("ana", "queue", "next", REVIEW, "--json"))["lease"]


def test_a_note_and_tags_are_written_and_found(lease, as_):
    noted = as_("ana", "queue", "note", REVIEW, lease, "cites the first trial")
    tagged = as_("ana", "queue", "tag", REVIEW, lease, "--tag", "setting=a town", "--tag", "size=12")

    assert noted.stdout.strip() == "r1 at sift: cites the first trial"
    assert tagged.stdout.strip() == "r1 at sift: cites the first trial, setting=a town, size=12"
    (found,) = data(as_("ana", "queue", "notes", REVIEW, "--tag", "size=12", "--json"))
    assert found["tags"] == {"setting": "a town", "size": 12}
    assert "cites" in as_("ana", "queue", "notes", REVIEW, "--task", found["task"]).stdout
    assert "nothing is noted" in as_("ana", "queue", "notes", REVIEW, "--tag", "setting=moon").stdout
    assert "nothing is noted" in as_("ben", "queue", "notes", REVIEW, "--task", found["task"]).stdout
    as_("ana", "queue", "tag", REVIEW, lease)
    assert as_("ana", "queue", "note", REVIEW, lease, "").stdout.strip() == "r1 at sift: nothing noted"


@pytest.mark.parametrize("given", ["setting", "=town", "setting=", "size=many", "colour=red"])
def test_a_tag_that_is_none_is_refused(lease, as_, given):
    refused = as_("ana", "queue", "tag", REVIEW, lease, "--tag", given)

    assert isinstance(refused.exception, Invalid)
    assert data(as_("ana", "queue", "notes", REVIEW, "--json")) == []
