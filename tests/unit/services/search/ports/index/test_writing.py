"""Writing against others who write."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from services.search.domain import Document, Screening
from services.search.ports.index.sqlite import SqliteIndex
from services.search.ports.index.writing import write
from shared.errors import Unavailable
from shared.events.ingest import Bibliography


class Crowded(SqliteIndex):
    """An index in which somebody else is quicker: after each of our first readings, they write."""

    quicker = 0
    _seen = 0

    def get(self, records: Collection[str]) -> dict[str, Document]:
        read = super().get(records)
        if records and self._seen < self.quicker:
            self._seen += 1
            theirs = Document(
                record="r", review="v", screening_revision=self._seen, screening=Screening("included", reason="theirs")
            )
            known = super().get(["r"])
            super().put([known["r"].joined(theirs) if known else theirs])
        return read


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Crowded]:
    with closing(Crowded(tmp_path / "index.db", name="test", analyzer="standard")) as index:
        index.ready()
        yield index


def described(revision: int) -> Document:
    return Document(record="r", review="v", revision=revision, bibliography=Bibliography(title=f"Title {revision}"))


@pytest.mark.parametrize("revision", [1, 2])
def test_what_is_refused_is_read_and_put_again(index: Crowded, revision: int) -> None:
    index.quicker = 3
    write(index, [Document(record="r", review="v", screening_revision=0)])

    write(index, [described(revision)])

    stored = index.get(["r"])["r"]
    assert stored.bibliography == Bibliography(title=f"Title {revision}")
    assert stored.screening.reason == "theirs"


def test_a_writer_that_never_gets_its_turn_says_so(index: Crowded) -> None:
    index.quicker = 1_000

    with pytest.raises(Unavailable, match="try again"):
        write(index, [described(2)])


def test_old_news_is_not_written(index: Crowded) -> None:
    write(index, [described(2)])
    before = index.get(["r"])["r"].seen

    write(index, [described(1), described(2)])

    assert index.get(["r"])["r"].seen == before


def test_who_writes_learns_what_was_there_before_and_nothing_of_what_is_new_or_stays(index: Crowded) -> None:
    assert write(index, [described(1)]) == {}

    assert write(index, [described(2)]) == {"r": described(1)}
    assert write(index, [described(2)]) == {}
