"""The values that cross the port."""

from __future__ import annotations

from datetime import date

import pytest
from pydantic import ValidationError

from services.ingest.ports.sources.port import Page, Query, Rejection, SourceRecord
from shared.events.values import Identifiers


def record(**fields) -> SourceRecord:
    return SourceRecord(**({"source": "crossref", "source_id": "10.1/a", "title": "Leading"} | fields))


def test_a_window_runs_forward():
    with pytest.raises(ValidationError, match="after its end"):
        Query(text="leadership", since=date(2019, 1, 1), until=date(2018, 1, 1))


def test_the_stamps_do_not_change_what_a_record_says():
    first = record(entered=date(2018, 1, 1), updated=date(2018, 1, 2))
    assert first.content_hash == record(entered=date(2018, 1, 1), updated=date(2023, 1, 2)).content_hash


@pytest.mark.parametrize(
    "change",
    [
        {"title": "Leading well"},
        {"abstract": "It came later."},
        {"authors": ["Sims, S"]},
        {"identifiers": Identifiers(doi="10.1/a")},
        {"published": "2018"},
    ],
)
def test_every_field_we_use_changes_the_hash(change):
    assert record().content_hash != record(**change).content_hash


def test_keywords_change_the_hash_where_there_are_any_and_their_order_does_not():
    assert record(keywords=[]).content_hash == record().content_hash
    assert record(keywords=["a", "b"]).content_hash == record(keywords=["b", "a"]).content_hash
    assert len({record(keywords=words).content_hash for words in ([], ["a"], ["a", "b"])}) == 3


def test_a_page_accounts_for_every_item():
    rejection = Rejection(source="crossref", source_id=None, position=1, reason="no DOI", excerpt="{}")
    assert Page(records=[record()], rejections=[rejection]).found == 2


def test_a_record_survives_storage():
    kept = record(published="2018-04", identifiers=Identifiers(pmid="1"), entered=date(2018, 5, 1))
    assert SourceRecord.model_validate_json(kept.model_dump_json()) == kept
