"""A closed text on a whole platform: its words lie with its copy, its parse and its quotes, and nowhere else at all."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import get_args

import pytest
from sqlalchemy import inspect, text

from shared.client import Client
from shared.errors import Forbidden, Invalid
from shared.receipts import opened_receipt
from shared.wire.ingest import ExportFormat
from tests.unit.services.web.rig import REVIEW, Site

pytestmark = pytest.mark.waits

#: Words that stand nowhere else, in sentences.
WORDS = [f"gardener{number}" for number in range(600)]
SECRET = ".\n\n".join(" ".join(WORDS[at : at + 40]) for at in range(0, 600, 40))


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path)
    yield made
    made.close()


def holds_a_run(content: str | bytes, words: int = 12) -> bool:
    """Whether twelve words of the text follow each other in something, whatever stands between them."""
    said = content if isinstance(content, str) else content.decode("utf-8", "replace")
    numbers = [int(number) for number in re.findall(r"gardener(\d+)", said)]
    so_far = 1
    for before, number in pairwise(numbers):
        so_far = so_far + 1 if number == before + 1 else 1
        if so_far >= words:
            return True
    return False


def exported(site: Site, living: Client, format: ExportFormat) -> bytes:
    """A file of all records, as it is given out."""
    export, pieces = living.ingest.request_export(REVIEW, {"format": format}).id, list[bytes]()
    site.waits(lambda: living.ingest.export(REVIEW, export).state == "done")
    living.ingest.file_of_export(REVIEW, export, pieces.append)
    assert pieces
    return b"".join(pieces)


def test_its_words_are_in_no_event_index_page_feed_export_or_table_but_its_own(site, tmp_path):
    site.founds()
    site.brings("Gardens that are shared")
    content = SECRET.encode()
    with site.client(site.admin) as living:
        (record,) = (it.record for it in living.ingest.records(REVIEW))
        file = living.ingest.upload_text(REVIEW, lambda: iter([content]), len(content))
        asked = {"file": file.sha256, "name": "garden.txt", "licence_class": "closed"}
        copy = living.ingest.add_text(REVIEW, record, asked).text
        site.waits(lambda: living.ingest.text(REVIEW, copy).parse)
        assert len(list(living.ingest.passages(REVIEW, copy))) == 15
        quote = " ".join(WORDS[100:118])
        made = living.ingest.quote(REVIEW, copy, quote)
        with pytest.raises(Invalid) as refused:
            living.ingest.quote(REVIEW, copy, f"{quote} and more of them")
        assert holds_a_run(str(refused.value.extra["nearest"])) and not holds_a_run(refused.value.detail)
        for format in get_args(ExportFormat):
            assert not holds_a_run(exported(site, living, format)), format
    ring = site.app.state.platform.ring
    assert not holds_a_run(opened_receipt(ring, made.receipt).model_dump_json())

    reader = site.member("Rick", "reader")
    with site.client(reader) as living:
        with pytest.raises(Forbidden):
            list(living.ingest.passages(REVIEW, copy))
        with pytest.raises(Forbidden) as kept_from:
            living.ingest.quote(REVIEW, copy, f"{quote} and more of them")
        assert not holds_a_run(f"{kept_from.value.detail} {kept_from.value.extra}")
        assert not holds_a_run(str(list(living.ingest.anchors(REVIEW))))
        assert not holds_a_run(str(living.search.find(REVIEW, "gardener101")))
        assert living.search.find(REVIEW, "shared").total == 1
    for path in ("", "/records", f"/records/{record}", "/feed.atom", "/flow.svg"):
        assert not holds_a_run(reader.goes(f"/reviews/{REVIEW}{path}").text)

    running = site.app.state.platform.running["ingest"]
    with running.database.session(readonly=True) as session:
        tables = set(inspect(session.get_bind()).get_table_names()) - {"anchors", "blobs", "blob_chunks"}
        assert {"outbox", "commands", "parses", "texts", "records"} <= tables
        for table in sorted(tables):
            assert not holds_a_run(str(session.execute(text(f"SELECT * FROM {table}")).all())), table
        assert holds_a_run(str(session.execute(text("SELECT * FROM anchors")).all()))
    kept = [
        path
        for path in tmp_path.rglob("*")
        if path.is_file() and "blobs" not in path.parts and not path.name.startswith("ingest.")
    ]
    assert len(kept) > 5
    assert [path.name for path in kept if holds_a_run(path.read_bytes())] == []
