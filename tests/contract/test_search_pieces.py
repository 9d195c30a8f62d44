"""What the search index promises of pieces of the synthesis (services/search/ports/index/pieces.py)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.search.domain import Piece, Said
from services.search.ports.index import PieceQuery, Query, SearchIndex, open_index, write_pieces
from shared.errors import Invalid
from shared.ids import new_id


@pytest.fixture(scope="module", params=["sqlite", pytest.param("elastic", marks=pytest.mark.real)])
def index(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SearchIndex]:
    """One that the tests of this module share; each keeps to a review of its own."""
    url = f"sqlite:{tmp_path_factory.mktemp('index') / 'index.db'}"
    if request.param == "elastic":
        url = request.getfixturevalue("real_search_url")
    with closing(open_index(url, name=new_id("test"))) as index:
        index.ready()
        yield index
        index.drop()


@pytest.fixture
def review() -> str:
    return new_id("rev")


def link(cmoc: str, stance: str = "supports", element: str = "outcome") -> dict[str, str]:
    return {"link": new_id("link"), "cmoc": cmoc, "element": element, "stance": stance, "inference": "explicit"}


def fragment(review: str, name: str, text: str, *links: dict[str, str], revision: int = 1, **about: Any) -> Piece:
    """A fragment as synthesis describes it; without a text it counts no more."""
    said = {
        "record": "rec", "study": "study", "locator": "p. 1", "suspended": False, "paraphrase": text, "quote": None,
        "texts": [text] if text else [], "links": list(links or [link("c1")] if text else []),
    }  # fmt: skip
    parts = {"described": Said((revision, "", ""), said | about)}
    return Piece(piece=f"{name}@{review}", review=review, kind="fragment", parts=parts)


def found(index: SearchIndex, review: str, text: str = "", **tags: str) -> list[str]:
    index.refresh()
    asked = tuple((name, (value,)) for name, value in tags.items())
    results = index.pieces.search(PieceQuery(review=review, kind="fragment", text=text, tags=asked))
    assert results.total == len(results.hits)
    return [hit.piece.piece.partition("@")[0] for hit in results.hits]


def test_a_fragment_is_found_by_its_words_in_its_review_alone(index, review):
    write_pieces(index.pieces, [fragment(review, "a", "Leaders share power"), fragment(review, "b", "Nurses rest")])

    assert found(index, review, "leader") == ["a"]
    assert found(index, review, "leader OR nurse NOT rest") == ["a"]
    assert found(index, review, "lead*") == ["a"]
    assert found(index, review) == ["a", "b"]
    assert found(index, new_id("rev")) == []


def test_it_is_narrowed_by_what_one_and_the_same_link_has(index, review):
    both = [link("c1", "supports"), link("c2", "contradicts")]
    write_pieces(index.pieces, [fragment(review, "a", "trust", *both), fragment(review, "b", "trust", link("c1"))])

    assert found(index, review, "trust", cmoc="c1") == ["a", "b"]
    assert found(index, review, "trust", cmoc="c2", stance="contradicts") == ["a"]
    assert found(index, review, "trust", cmoc="c1", stance="contradicts") == []


def test_facets_count_fragments_and_not_their_links(index, review):
    both = [link("c1"), link("c1", element="context")]
    write_pieces(index.pieces, [fragment(review, "a", "trust", *both), fragment(review, "b", "trust", link("c2"))])
    index.refresh()

    facets = index.pieces.search(PieceQuery(review=review, kind="fragment", text="trust", facets=True)).facets

    assert {it.value: it.count for it in facets["cmoc"]} == {"c1": 1, "c2": 1}
    assert {it.value: it.count for it in facets["element"]} == {"outcome": 2, "context": 1}


def test_what_counts_no_more_is_not_found_and_no_older_news_brings_it_back(index, review):
    write_pieces(index.pieces, [fragment(review, "a", "trust in leaders")])
    write_pieces(index.pieces, [fragment(review, "a", "", revision=3)])
    write_pieces(index.pieces, [fragment(review, "a", "trust in nurses", revision=2)])

    assert found(index, review, "trust") == []
    assert found(index, review) == []


def test_a_later_description_is_found_by_its_own_words(index, review):
    write_pieces(index.pieces, [fragment(review, "a", "trust in leaders")])
    write_pieces(index.pieces, [fragment(review, "a", "power of boards", revision=2)])

    assert found(index, review, "trust") == []
    assert found(index, review, "board") == ["a"]


def test_pages_follow_each_other_without_a_gap(index, review):
    write_pieces(index.pieces, [fragment(review, f"f{number}", "trust " * (1 + number % 3)) for number in range(7)])
    index.refresh()

    for text in ("", "trust"):
        seen, cursor = list[str](), None
        while True:
            query = PieceQuery(review=review, kind="fragment", text=text, limit=3, cursor=cursor)
            page = index.pieces.search(query)
            assert page.total == 7
            seen += [hit.piece.piece for hit in page.hits]
            if (cursor := page.next) is None:
                break
        assert len(seen) == len(set(seen)) == 7


def test_a_cursor_of_another_query_is_refused(index, review):
    write_pieces(index.pieces, [fragment(review, f"f{number}", "trust") for number in range(3)])
    index.refresh()
    first = index.pieces.search(PieceQuery(review=review, kind="fragment", text="trust", limit=1))

    with pytest.raises(Invalid):
        index.pieces.search(PieceQuery(review=review, kind="fragment", text="power", limit=1, cursor=first.next))


def test_finds_are_marked_and_all_else_is_escaped(index, review):
    write_pieces(index.pieces, [fragment(review, "a", "<b>trust</b> in leaders")])
    index.refresh()

    [hit] = index.pieces.search(PieceQuery(review=review, kind="fragment", text="trust")).hits

    assert hit.marked["abstract"] == ["&lt;b&gt;<mark>trust</mark>&lt;/b&gt; in leaders"]


def test_what_says_much_of_the_same_is_alike(index, review):
    said = "shared leadership builds trust across boundaries"
    write_pieces(
        index.pieces,
        [fragment(review, "a", said), fragment(review, "b", f"{said} slowly"), fragment(review, "c", "nurses rest")],
    )
    index.refresh()

    alike = index.pieces.like(f"a@{review}", review, 5)

    assert [hit.piece.piece.partition("@")[0] for hit in alike] == ["b"]
    assert index.pieces.like(f"a@{review}", new_id("rev"), 5) == []


def test_no_search_of_records_finds_a_piece(index, review):
    write_pieces(index.pieces, [fragment(review, "a", "trust")])
    index.refresh()

    assert index.search(Query(review=review, text="trust")).total == index.search(Query(review=review)).total == 0
    assert index.count(review) == 0


def test_a_fresh_generation_takes_pieces_unseen_until_it_is_swapped(index, review):
    write_pieces(index.pieces, [fragment(review, "a", "trust")])
    with closing(index.fresh()) as new:
        write_pieces(new.pieces, [fragment(review, "b", "trust")])
        new.refresh()
        assert found(index, review, "trust") == ["a"]
        index.swap(new)

    assert found(index, review, "trust") == ["b"]


_SAID = st.sampled_from(["described", "standing"])
_PARTS = st.lists(st.tuples(_SAID, st.integers(1, 4), st.sampled_from("ab")), min_size=1, max_size=8)


@given(_PARTS, st.randoms())
def test_in_any_order_and_repetition_the_same_pieces_join_to_one(news, random):
    # One rank is one event, which says one thing.
    pieces = [
        Piece(piece="p", review="r", kind="theory", parts={part: Said((number, "", name), {"said": [number, name]})})
        for part, number, name in news
    ]

    def joined(some: list[Piece]) -> Piece:
        first, *rest = some
        for one in rest:
            first = first.joined(one)
        return first

    again = [*pieces, *random.choices(pieces, k=3)]
    random.shuffle(again)
    assert joined(pieces) == joined(again)
