"""Documents: parts that join to the same whatever their order."""

from __future__ import annotations

import itertools
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.search.domain import Document, Screening, joined_by_record
from services.search.ports.index.port import as_number, earliest
from shared.errors import Rejected
from shared.events.ingest import Bibliography


def described(revision: int) -> Document:
    return Document(record="r", review="v", revision=revision, bibliography=Bibliography(title=f"Title {revision}"))


def merged(revision: int) -> Document:
    return Document(record="r", review="v", revision=revision)


def screened(revision: int) -> Document:
    return Document(
        record="r", review="v", screening_revision=revision, screening=Screening("included", reason=str(revision))
    )


_news = st.lists(
    st.one_of(
        # Of one revision there is one content: odd ones describe, even ones merge.
        st.integers(1, 6).map(lambda revision: described(revision) if revision % 2 else merged(revision)),
        st.integers(1, 6).map(screened),
    ),
    min_size=1,
    max_size=6,
)


@given(news=_news, rnd=st.randoms())
def test_documents_join_to_the_same_in_any_order_and_with_any_repetition(news: list[Document], rnd: object) -> None:
    (once,) = joined_by_record(news).values()
    shuffled = [*news, *news]
    rnd.shuffle(shuffled)  # type: ignore[attr-defined]

    assert joined_by_record(shuffled) == {"r": once}


@given(a=_news, b=_news, c=_news)
def test_joining_may_be_grouped_as_one_likes(a: list[Document], b: list[Document], c: list[Document]) -> None:
    one, two, three = (joined_by_record(news)["r"] for news in (a, b, c))

    assert one.joined(two).joined(three) == one.joined(two.joined(three))
    assert one.joined(one) == one


def test_a_joined_document_remembers_what_it_was_read_from() -> None:
    stored = Document(record="r", review="v", seen="1:7")

    assert stored.joined(described(1)).seen == "1:7"


def test_a_tombstone_outlasts_older_descriptions_only() -> None:
    assert merged(3).joined(described(2)).gone
    assert described(2).joined(merged(3)).gone
    assert not merged(3).joined(described(4)).gone
    assert not screened(1).gone


@pytest.mark.parametrize("other", [Document(record="s", review="v"), Document(record="r", review="w")])
def test_documents_of_different_records_or_reviews_do_not_join(other: Document) -> None:
    with pytest.raises(Rejected, match="cannot be joined"):
        described(1).joined(other)


@pytest.mark.parametrize(
    ("published", "day"),
    [(None, 0), ("2019", 20190101), ("2019-04", 20190401), ("2019-04-30", 20190430), ("0980", 9800101)],
)
def test_a_partial_date_counts_by_its_earliest_day(published: str | None, day: int) -> None:
    assert earliest(Bibliography(published=published)) == day


def test_numbers_of_days_are_ordered_as_the_days() -> None:
    days = [date(1, 1, 1), date(980, 12, 31), date(2019, 1, 31), date(2019, 2, 1)]

    assert all(as_number(one) < as_number(next) for one, next in itertools.pairwise(days))
