"""What every search index promises (services/search/ports/index/port.py), on SQLite and on Elasticsearch."""

from __future__ import annotations

import itertools
import multiprocessing
import random
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.search.domain import AT_FIRST, Document, Notice, Screening
from services.search.ports.index import FACETS, NOTICE, Among, Query, Results, SearchIndex, open_index, write
from services.search.ports.index.elastic import ElasticIndex
from services.search.ports.index.sqlite import SqliteIndex
from shared.errors import Conflict, Invalid, Rejected, Unavailable
from shared.events import bounds
from shared.events.ingest import Bibliography
from shared.ids import new_id
from tests.contract import scripts
from tests.waiting import eventually


@dataclass(frozen=True)
class Site:
    """Where indexes are kept, and how words are cut there."""

    url: str
    analyzer: str

    def open(self, name: str, analyzer: str | None = None) -> SearchIndex:
        return open_index(self.url, name=name, analyzer=analyzer or self.analyzer)


@pytest.fixture(
    scope="module",
    params=[
        "sqlite-english",
        "sqlite-standard",
        pytest.param("elastic-english", marks=pytest.mark.real),
        pytest.param("elastic-standard", marks=pytest.mark.real),
    ],
)
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Site:
    adapter, analyzer = request.param.split("-")
    if adapter == "elastic":
        return Site(request.getfixturevalue("real_search_url"), analyzer)
    return Site(f"sqlite:{tmp_path_factory.mktemp('index') / 'index.db'}", analyzer)


@pytest.fixture(scope="module")
def index(site: Site) -> Iterator[SearchIndex]:
    """One index that the tests of this module share; each keeps to a review of its own."""
    with closing(site.open(new_id("test"))) as index:
        index.ready()
        yield index
        index.drop()


@pytest.fixture
def own_name(site: Site) -> Iterator[str]:
    """The name of an index that a test may swap and drop."""
    name = new_id("test")
    with closing(site.open(name)) as index:
        index.ready()
        yield name
        # Whatever the test left, a swap leaves one generation.
        with closing(index.fresh()) as last:
            index.swap(last)
        index.drop()


@pytest.fixture
def own_index(site: Site, own_name: str) -> Iterator[SearchIndex]:
    with closing(site.open(own_name)) as index:
        yield index


class Rig:
    """One review in an index: its records go by short names."""

    def __init__(self, index: SearchIndex, review: str | None = None) -> None:
        self.index, self.review = index, review or new_id("rev")

    def document(self, name: str, revision: int = 1, **fields: Any) -> Document:
        """A record as ingest describes it."""
        return Document(
            record=f"{name}@{self.review}",
            review=self.review,
            revision=revision,
            bibliography=Bibliography(**fields),
        )

    def merged(self, name: str, revision: int) -> Document:
        """A record that ingest merged into another."""
        return Document(record=f"{name}@{self.review}", review=self.review, revision=revision)

    def screened(self, name: str, revision: int, status: Any, **rest: Any) -> Document:
        """A record as screening knows it."""
        return Document(
            record=f"{name}@{self.review}",
            review=self.review,
            screening_revision=revision,
            screening=Screening(status, **rest),
        )

    def noticed(self, name: str, *notices: Notice) -> Document:
        """What ingest tells of a record's report."""
        return Document(record=f"{name}@{self.review}", review=self.review, notices=notices)

    def hears(self, *news: Document) -> None:
        write(self.index, news)
        self.index.refresh()

    def stored(self, name: str) -> Document:
        return self.index.get([f"{name}@{self.review}"])[f"{name}@{self.review}"]

    def search(self, text: str = "", **query: Any) -> Results:
        return self.index.search(Query(review=self.review, text=text, **query))

    def find(self, text: str = "", **query: Any) -> list[str]:
        """The names of the hits, in their order."""
        return [hit.record.partition("@")[0] for hit in self.search(text, **query).hits]

    def pages(self, **query: Any) -> Iterator[list[str]]:
        cursor = None
        while True:
            results = self.search(**query, cursor=cursor)
            yield [hit.record.partition("@")[0] for hit in results.hits]
            cursor = results.next
            if cursor is None:
                return


@pytest.fixture
def rig(index: SearchIndex) -> Rig:
    return Rig(index)


FULL = {
    "title": "Führung & Vertrauen – “leading” across boundaries",
    "abstract": "Ein Überblick.\n\nJosé's teams met weekly.",
    "authors": ["García Márquez, J.", "O'Neill, P.", "Häkkinen, Ø."],
    "venue": "Gesundheitsökonomie",
    "published": "2019-04",
    "kind": "article",
    "language": "de",
    "identifiers": {"doi": "10.1000/a-b(c)1", "pmid": "1", "pmcid": "PMC1", "openalex": "w1"},
    "sources": [{"source": "openalex", "id": "w1", "run": "run_1"}, {"source": "pubmed", "id": "1", "run": "run_2"}],
}


# -- documents -------------------------------------------------------------------------------------


def test_what_was_put_is_got_back_at_once(rig: Rig) -> None:
    document = rig.document("full", 3, **FULL).joined(
        rig.screened("full", 2, "excluded", stage="full_text", reason="out of scope")
    )

    assert rig.index.put([document]) == set()

    assert rig.stored("full") == document


@pytest.mark.parametrize("fields", [{}, {"title": ""}, {"title": "e\u0301clair"}, {"authors": [""], "kind": ""}])
def test_a_sparse_description_is_got_back_as_it_was(rig: Rig, fields: dict[str, Any]) -> None:
    rig.index.put([rig.document("sparse", **fields)])

    assert rig.stored("sparse") == rig.document("sparse", **fields)


def test_a_record_that_was_never_put_is_absent(rig: Rig) -> None:
    rig.index.put([rig.document("a")])

    assert set(rig.index.get([f"a@{rig.review}", "rec_unknown"])) == {f"a@{rig.review}"}
    assert rig.index.get([]) == {}


def test_a_document_made_afresh_is_refused_where_the_record_is_known(rig: Rig) -> None:
    rig.index.put([rig.document("a", title="First")])

    refused = rig.index.put([rig.document("a", 2, title="Second"), rig.document("b")])

    assert refused == {f"a@{rig.review}"}
    assert rig.stored("a") == rig.document("a", title="First")
    assert rig.stored("b") == rig.document("b")


def test_a_document_read_before_another_write_is_refused(rig: Rig) -> None:
    rig.index.put([rig.document("a")])
    early = rig.stored("a")
    rig.index.put([early.joined(rig.document("a", 2, title="Newer"))])

    assert rig.index.put([early.joined(rig.document("a", 5, title="Newest"))]) == {early.record}
    assert rig.stored("a").bibliography == Bibliography(title="Newer")


def test_of_two_documents_of_one_record_in_one_put_the_second_is_refused(rig: Rig) -> None:
    assert rig.index.put([rig.document("a", title="One"), rig.document("a", title="Two")]) == {f"a@{rig.review}"}
    assert rig.stored("a").bibliography == Bibliography(title="One")


def test_a_jump_of_one_part_never_wipes_out_the_other(rig: Rig) -> None:
    """A writer that read before the screening arrived may not overwrite it, however new its own part is."""
    rig.hears(rig.document("a"))
    before = rig.stored("a")
    rig.hears(rig.screened("a", 1, "included"))

    assert rig.index.put([before.joined(rig.document("a", 7, title="Mended"))]) == {before.record}
    rig.hears(rig.document("a", 7, title="Mended"))

    assert rig.stored("a").screening == Screening("included")
    assert rig.stored("a").bibliography == Bibliography(title="Mended")


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_the_parts_of_a_record_may_arrive_in_any_order(rig: Rig, order: tuple[int, ...]) -> None:
    news = [
        rig.document("a", 1, title="Early"),
        rig.document("a", 2, title="Late"),
        rig.screened("a", 1, "included", stage="rigour"),
    ]

    for position in order:
        rig.hears(news[position])

    assert rig.stored("a") == rig.document("a", 2, title="Late").joined(news[2])
    assert rig.find("late", status=("included",)) == ["a"]
    assert rig.find("early") == []


def test_a_description_for_another_review_is_rejected(rig: Rig) -> None:
    rig.hears(rig.document("a"))
    stray = Document(record=f"a@{rig.review}", review="rev_other", revision=2, bibliography=Bibliography())

    with pytest.raises(Rejected, match="rev_other"):
        write(rig.index, [stray])


_steps = st.lists(
    st.tuples(st.sampled_from("ab"), st.sampled_from(["described", "merged", "screened"]), st.integers(1, 4)),
    max_size=8,
)


@settings(max_examples=25)
@given(steps=_steps, seed=st.integers(0, 1000))
def test_news_in_any_order_and_twice_comes_to_the_same(index: SearchIndex, steps: Any, seed: int) -> None:
    rig = Rig(index)
    # What ingest says at one revision is always the same: whether it merged is part of the revision's content.
    merged_at = seed % 5
    news = [
        rig.screened(name, revision, "included", reason=str(revision))
        if kind == "screened"
        else rig.merged(name, revision)
        if revision == merged_at
        else rig.document(name, revision, title=f"Title {revision}")
        for name, kind, revision in steps
    ]
    shuffled = random.Random(seed).sample([*news, *news], 2 * len(news))

    for one in shuffled:
        write(index, [one])
    mirrored = Rig(index)
    write(index, [_moved(one, mirrored.review) for one in news])

    for name in "ab":
        left = index.get([f"{name}@{rig.review}"]).get(f"{name}@{rig.review}")
        right = index.get([f"{name}@{mirrored.review}"]).get(f"{name}@{mirrored.review}")
        assert (left and _moved(left, mirrored.review)) == right


def _moved(document: Document, review: str) -> Document:
    name = document.record.partition("@")[0]
    return Document(
        record=f"{name}@{review}",
        review=review,
        revision=document.revision,
        bibliography=document.bibliography,
        screening_revision=document.screening_revision,
        screening=document.screening,
    )


@pytest.mark.waits
def test_writers_at_the_same_time_lose_nothing_of_each_other(site: Site, own_name: str) -> None:
    """A live consumer of each stream, and a rebuild of both, on the same records in different orders."""
    rig = Rig(site.open(own_name))
    names = [f"r{number}" for number in range(12)]
    described = [rig.document(name, step, title=f"{name} {step}") for step in range(1, 6) for name in names]
    screened = [rig.screened(name, step, "included", reason=str(step)) for step in range(1, 6) for name in names]
    rebuild = random.Random(1).sample(described + screened, 120)

    _at_once([lambda news=news: _write_in_batches(site, own_name, news) for news in (described, screened, rebuild)])

    with closing(rig.index):
        for name in names:
            last = rig.document(name, 5, title=f"{name} 5")
            assert rig.stored(name) == last.joined(rig.screened(name, 5, "included", reason="5"))


def _write_in_batches(site: Site, name: str, news: list[Document]) -> None:
    with closing(site.open(name)) as index:
        for start in range(0, len(news), 5):
            write(index, news[start : start + 5])


@pytest.mark.waits
def test_several_processes_share_an_index(site: Site, own_name: str, own_index: SearchIndex) -> None:
    news = [[Rig(own_index, "rev_shared").document(f"{who}{n}") for n in range(30)] for who in "ab"]
    spawn = multiprocessing.get_context("spawn")
    processes = [spawn.Process(target=_write_in_batches, args=(site, own_name, part)) for part in news]
    for process in processes:
        process.start()
    for process in processes:
        process.join(300)

    assert [process.exitcode for process in processes] == [0, 0]
    own_index.refresh()
    assert own_index.count("rev_shared") == 60


def _at_once(tasks: list[Callable[[], None]]) -> None:
    """Runs tasks in threads; the first error of any is raised."""
    errors: list[BaseException] = []

    def run(task: Callable[[], None]) -> None:
        try:
            task()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(task,)) for task in tasks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(300)
    if errors:
        raise errors[0]


# -- what is found, and what is not ----------------------------------------------------------------


@pytest.mark.parametrize("seed", range(4))
def test_a_review_counts_as_many_as_it_lists_whatever_comes_in_whatever_order(rig: Rig, seed: int) -> None:
    rolling = random.Random(seed)
    names = [f"r{number}" for number in range(6)]
    listed: dict[str, int] = {}
    for revision in range(1, 6):
        news = [
            rolling.choice(
                [
                    rig.document(name, revision, title="Trust"),
                    rig.merged(name, revision),
                    rig.screened(name, revision, "included"),
                    # What is older than what is known changes nothing.
                    rig.document(name, 0, title="Trust"),
                ]
            )
            for name in rolling.sample(names, 4)
        ]
        rig.hears(*news)

        listed |= {it.record: it.bibliography is not None for it in rig.index.get([it.record for it in news]).values()}
        there = sum(listed.values())
        found = rig.search()
        assert (rig.index.count(rig.review), found.total, len(found.hits)) == (there, there, there)


def test_a_merged_record_is_gone_and_stays_gone(rig: Rig) -> None:
    rig.hears(rig.document("a", 2, title="Leading"), rig.document("b", title="Leading"))

    rig.hears(rig.merged("a", 3))
    assert rig.find("leading") == ["b"]
    assert rig.find() == ["b"]
    assert rig.index.count(rig.review) == 1

    rig.hears(rig.document("a", 1, title="Leading"), rig.document("a", 2, title="Leading"))
    rig.hears(rig.screened("a", 9, "included"))
    assert rig.find("leading") == ["b"]
    assert rig.stored("a").gone


def test_a_tombstone_that_comes_first_keeps_older_news_out(rig: Rig) -> None:
    rig.hears(rig.merged("a", 3))
    rig.hears(rig.document("a", 1, title="Leading"))

    assert rig.find() == []
    assert rig.index.count(rig.review) == 0


def test_a_record_that_only_screening_knows_is_not_found_yet(rig: Rig) -> None:
    rig.hears(rig.screened("a", 1, "included"))
    assert rig.find() == []

    rig.hears(rig.document("a", title="Leading"))
    assert rig.find(status=("included",)) == ["a"]


def test_a_record_that_moved_on_is_found_at_its_new_stage_only(rig: Rig) -> None:
    rig.hears(rig.document("a", title="Trust"), rig.screened("a", 1, "screening", stage="sift"))
    assert rig.find(stage=("sift",)) == ["a"]

    rig.hears(rig.screened("a", 3, "screening", stage="depth"))
    assert (rig.find(stage=("sift",)), rig.find(stage=("depth",))) == ([], ["a"])
    rig.hears(rig.screened("a", 2, "screening", stage="sift"))
    assert rig.find(stage=("depth",)) == ["a"]

    rig.hears(rig.screened("a", 4, "included"))
    results = rig.search(facets=("stage",))
    assert rig.find(stage=("sift", "depth")) == [] and results.facets == {"stage": []}


def test_an_updated_text_is_found_by_its_new_words_only(rig: Rig) -> None:
    rig.hears(rig.document("a", title="Governance", sources=[{"source": "crossref", "id": "1", "run": "r"}]))
    rig.hears(rig.document("a", 2, title="Trust", sources=[{"source": "pubmed", "id": "1", "run": "r"}]))

    assert rig.find("governance") == []
    assert rig.find("trust") == ["a"]
    assert rig.find(source=("crossref",)) == []
    assert rig.find(source=("pubmed",)) == ["a"]


@pytest.mark.waits
def test_what_is_written_is_found_within_seconds_though_nobody_asks_for_it(rig: Rig) -> None:
    write(rig.index, [rig.document("a", title="Leading")])

    assert eventually(lambda: rig.find("leading")) == ["a"]


def test_records_of_other_reviews_never_show(index: SearchIndex) -> None:
    mine, other = Rig(index), Rig(index)
    mine.hears(mine.document("a", title="Trust", kind="article"))
    other.hears(other.document("b", title="Trust", kind="book"), other.document("c", title="Power"))

    assert mine.find("trust") == ["a"]
    assert mine.find("NOT power") == ["a"]
    assert mine.find("trust OR power OR NOT xyz") == ["a"]
    results = mine.search(facets=FACETS)
    assert results.total == 1
    assert [facet.value for facet in results.facets["kind"]] == ["article"]
    assert (index.count(mine.review), index.count(other.review)) == (1, 2)
    assert index.count() >= 3


@pytest.mark.parametrize("review", ['r" OR scope : "x', "a b", "A-B", "a_b", "*", "", "ä"])
def test_a_review_may_have_any_name(index: SearchIndex, review: str) -> None:
    rig, other = Rig(index, review), Rig(index, review + "x")
    other.hears(other.document("b", 1, title="Trust"))
    rig.hears(rig.document("a", 1, title="Trust"))

    assert rig.find("trust") == ["a"]
    assert rig.find("-power") == ["a"]


# -- the query language ----------------------------------------------------------------------------

LIBRARY: dict[str, dict[str, Any]] = {
    "aims": {
        "title": "Leadership of integrated care",
        "abstract": "Trust between partners grows. Governance of partners is shared.",
        "authors": ["Miller Robin", "Stein Kate"],
        "venue": "Journal of Integrated Care",
        "identifiers": {"doi": "10.5334/ijic.4684"},
    },
    "book": {
        "title": "Care of the integrated leader",
        "abstract": "On power, and on trust that is lost.",
        "authors": ["García Márquez José"],
        "venue": "BMJ Leader",
        "identifiers": {"doi": "10.5334/ijic.46"},
    },
    "city": {
        "title": "Wohlfahrt in Städten: Universitäten und Kommunen",
        "abstract": "Governance without leaders. COVID-19 and well-being.",
        "authors": ["Häkkinen Anna"],
        "venue": "The People’s Miller",
        "identifiers": {"doi": "10.1016/s0140-6736(05)67889-0"},
    },
    "dark": {"title": "日本の医療", "abstract": "Здоровье и управление", "authors": ["Ωmega Ν."]},
}


@pytest.fixture(scope="module")
def library(index: SearchIndex) -> Rig:
    rig = Rig(index)
    rig.hears(*(rig.document(name, **fields) for name, fields in LIBRARY.items()))
    return rig


@pytest.mark.parametrize(
    ("text", "found"),
    [
        # words, in any field
        ("", "aims book city dark"),
        ("   ", "aims book city dark"),
        ("*", "aims book city dark"),
        ("* -trust", "city dark"),
        ("trust OR *", "aims book city dark"),
        ("leadership", "aims"),
        ("LEADERSHIP Trust", "aims"),
        ("trust", "aims book"),
        ("trust power", "book"),
        ("miller", "aims city"),
        ("nowhere", ""),
        # Boolean
        ("leadership OR power", "aims book"),
        ("trust AND power", "book"),
        ("trust governance OR power", "aims book"),
        ("trust (governance OR power)", "aims book"),
        ("(leadership OR Wohlfahrt) governance", "aims city"),
        ("governance NOT trust", "city"),
        ("governance -trust", "city"),
        ("trust NOT (power OR lost)", "aims"),
        ("NOT trust", "city dark"),
        ("-trust -wohlfahrt", "dark"),
        ("NOT NOT trust", "aims book"),
        ("power OR NOT trust", "book city dark"),
        ("governance or power", ""),  # only capitals are operators
        # phrases
        ('"integrated care"', "aims"),
        ('"care integrated"', ""),
        ("“integrated care”", "aims"),
        ('"trust between partners" governance', "aims"),
        ("well-being", "city"),
        ("being-well", ""),
        ("covid-19", "city"),
        # fields
        ("title:care", "aims book"),
        ("abstract:care", ""),
        ("author:miller", "aims"),
        ("venue:people's", "city"),
        ("people’s", "city"),
        ("venue:leader", "book"),
        ("TITLE:care venue:bmj", "book"),
        ("author: miller", "aims"),
        ('author:"miller robin"', "aims"),
        ('author:"robin miller"', ""),
        ("title:(leadership OR leader)", "aims book"),
        ("title:(care -leadership)", "book"),
        ("-title:care", "city dark"),
        # the whole DOI or its beginning
        ("doi:10.5334/ijic.46", "book"),
        ("doi:10.5334/IJIC.4684", "aims"),
        ("10.5334/ijic.46", "book"),
        ("https://doi.org/10.5334/ijic.4684", "aims"),
        ("doi:10.5334/*", "aims book"),
        ("doi:10.5334/ijic.46*", "aims book"),
        ("doi:ijic", ""),
        ("10.1016/S0140-6736(05)67889-0", "city"),
        ("(10.1016/s0140-6736(05)67889-0 OR 10.5334/ijic.46)", "book city"),
        # beginnings of words
        ("leader*", "aims book city"),
        ("lead*", "aims book city"),
        ("LEADERSH*", "aims"),
        ("title:govern*", ""),
        ("integrat* govern*", "aims"),
        ("universit*", "city"),
        ("hakk* OR garc*", "book city"),
        ("zzz*", ""),
        ("NOT govern*", "book dark"),
        # accents, scripts
        ("hakkinen", "city"),
        ("HÄKKINEN", "city"),
        ("ha\u0308kkinen", "city"),
        ("author:garcia", "book"),
        ('"García Marquez"', "book"),
        ("staedten OR städten", "city"),
        ("universitaten", "city"),
        ("здоровье", "dark"),
        ("ωmega", "dark"),
        # what has no letter or digit is passed over
        ("trust & power", "book"),
        ("power – trust ...", "book"),
        ("- trust - power", "book"),
        ("trust OR &", "aims book"),
    ],
)
def test_the_query_language(library: Rig, text: str, found: str) -> None:
    assert sorted(library.find(text)) == found.split()


@pytest.mark.parametrize("text", ["collaborat*", "integrat*", "univers*", "polic*", "randomi*", "studie*"])
def test_a_beginning_finds_words_whose_stem_is_shorter(rig: Rig, text: str) -> None:
    words = "collaboration integrating universities policies randomised studies"
    rig.hears(rig.document("a", title=words), rig.document("b", abstract="Nothing of the kind."))

    assert rig.find(text) == ["a"]


def test_a_beginning_of_very_many_words_is_invalid_or_finds_them(rig: Rig) -> None:
    rig.hears(*(rig.document(f"r{n}", abstract=" ".join(f"qu{n}x{m} qw{n}x{m}" for m in range(100))) for n in range(8)))

    assert len(rig.find("qu*")) == 8
    try:
        assert len(rig.find("qu* qw*")) == 8
    except Invalid as refusal:
        assert "1000" in refusal.detail


def test_english_takes_the_forms_of_a_word_for_one(site: Site, rig: Rig) -> None:
    rig.hears(rig.document("a", title="Leading universities"))

    assert rig.find("leads university") == (["a"] if site.analyzer == "english" else [])


@pytest.mark.parametrize(
    "text",
    [
        '"',
        'trust "power',
        '""',
        "(",
        ")",
        "()",
        "((trust)",
        "trust)",
        "OR",
        "AND",
        "NOT",
        "trust OR",
        "OR trust",
        "trust AND OR power",
        "title:",
        "title:title:title:trust",
        "colour:red",
        "&",
        "%_%",
        "👩‍👩‍👧",
        "title:*",
        "t*",
        "tr*st",
        "*rust",
        '"trust*"',
        "well-be*",
        "word " * 2_000,
        "(" * 5_000,
        "NOT " * 1_000,
        "a" * 10_000,
    ],
)
def test_a_text_that_makes_no_sense_is_invalid_and_says_where(library: Rig, text: str) -> None:
    with pytest.raises(Invalid) as refusal:
        library.find(text)

    assert refusal.value.errors[0]["at"].startswith("text:")


@pytest.mark.parametrize(
    "text",
    [
        "NEAR(trust power)",
        "NEAR/2",
        "^trust",
        "trust + power",
        "{title abstract} trust",
        "scope OR doi",
        '"trust" "power"',
        "'; DROP TABLE records_1; --",
        "trust\x00power",
        "trust\ud800power",
        "trust\\",
        "[trust]",
        "trust~2^4",
        "/trust/",
        "_exists_trust",
        "<script>",
        "\u202etrust",
        "trust/power;trust,power",
        "a" * 7_000,
        "é" * 7_000,
        "𞤀𞤁",
        '"𞤀𞤁 trust"',
        "中文",
        "1" * 5_000,
        "doi:10.1000/" + "x" * 5_000,
        "title:10.5334/ijic",
        "(" * 15 + "trust" + ")" * 15,
        "-(a -(b -(c -(d -(e -(f -(g -(h -(i -(j OR k) OR l)))))))))",
        " ".join(f"w{number}" for number in range(200)),
        " OR ".join(f"w{number}*" for number in range(200)),
        "-x " * 199,
    ],
)
def test_an_odd_text_gets_a_sane_answer(library: Rig, text: str) -> None:
    results = library.search(text, facets=FACETS)

    assert results.total == len(results.hits) <= len(LIBRARY)


@settings(max_examples=150)
@given(
    text=st.one_of(
        st.text(max_size=60),
        st.lists(
            st.sampled_from(
                ["trust", "po*", '"', "(", ")", "OR", "AND", "NOT", "-", "title:", "doi:", '"a b"', "10.1/x"]
            )
        ).map(" ".join),
    )
)
def test_any_text_finds_something_nothing_or_is_invalid(library: Rig, text: str) -> None:
    try:
        results = library.search(text)
    except Invalid:
        return
    assert results.total == len(results.hits) <= len(LIBRARY)


# -- scripts ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def rigs(index: SearchIndex) -> dict[str, Rig]:
    """A review for each script, with its texts as titles."""
    rigs = {script: Rig(index) for script in scripts.TEXTS}
    for script, rig in rigs.items():
        rig.hears(*(rig.document(name, title=text) for name, text in scripts.TEXTS[script].items()))
    return rigs


@pytest.mark.parametrize(
    ("script", "query", "found"),
    [(script, query, found) for script, finds in scripts.FINDS.items() for query, found in finds],
)
def test_the_same_is_found_in_every_script(rigs: dict[str, Rig], script: str, query: str, found: str) -> None:
    assert sorted(rigs[script].find(query)) == sorted(found.split())


def test_the_table_of_scripts_is_large_enough() -> None:
    texts, finds = (sum(map(len, table.values())) for table in (scripts.TEXTS, scripts.FINDS))
    assert scripts.TEXTS.keys() == scripts.FINDS.keys()
    assert len(scripts.TEXTS) >= 12 and texts + finds >= 200


@pytest.mark.parametrize(
    ("title", "query", "marked"),
    [
        ("The patient’s own view", "patient", "The <mark>patient</mark>’s own view"),
        ("Uptake of e-health here", "ehealth", "Uptake of <mark>e-health</mark> here"),
        ("Uptake of ehealth here", "e-health", "Uptake of <mark>ehealth</mark> here"),
        ("Trans\u00adparency", "transpar*", "<mark>Trans\u00adparency</mark>"),
        ("treatment.Results", "results", "treatment.<mark>Results</mark>"),
        ("ग्रामीण साझा अभिलेख", "साझा", "ग्रामीण <mark>साझा</mark> अभिलेख"),
        ("การดูแลร่วมกัน", "ดูแล", "การ<mark>ดูแล</mark>ร่วมกัน"),
        ("日本の医療と心", "医療", "日本の<mark>医療</mark>と心"),
        ("Straße & Größe", "strasse", "<mark>Straße</mark> &amp; Größe"),
        ("trust the care of trust", '"care of trust"', "trust the <mark>care of trust</mark>"),
        ("ｶﾞﾝ検診", "ガン", "<mark>ｶﾞﾝ</mark>検診"),
    ],
)
def test_finds_are_marked_where_they_stand_in_the_text_as_it_was(rig: Rig, title: str, query: str, marked: str) -> None:
    rig.hears(rig.document("a", title=title))

    assert rig.search(query).hits[0].marked == {"title": [marked]}


def test_two_authors_make_no_phrase(rig: Rig) -> None:
    rig.hears(rig.document("a", authors=["Miller Robin", "Stein Kate"]))

    assert rig.find('author:"miller robin" author:stein') == ["a"]
    assert rig.find('author:"robin stein"') == []


def test_a_very_long_word_counts_by_its_beginning(rig: Rig) -> None:
    rig.hears(rig.document("a", title=f"{'x' * 300} trust"))

    assert rig.find("x" * 300) == rig.find(f'"{"x" * 300} trust"') == rig.find(f"{'x' * 200}*") == ["a"]


# -- filters, order, facets ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def dated(index: SearchIndex) -> Rig:
    rig = Rig(index)

    def source(*names: str) -> list[dict[str, str]]:
        return [{"source": name, "id": "1", "run": "run_1"} for name in names]

    rig.hears(
        rig.document("year", title="trust", published="2019", kind="article", sources=source("openalex", "pubmed")),
        rig.document("month", title="trust", published="2019-04", kind="article", sources=source("openalex")),
        rig.document("day", title="trust", published="2019-04-02", kind="book", language="en"),
        rig.document("next", title="trust power", published="2020", language="en", venue="BMJ Leader"),
        rig.document("never", title="trust", venue="BMJ Leader", language="fr"),
        rig.document("ancient", title="power", published="0980-01-01"),
        rig.screened("day", 1, "included"),
        rig.screened("next", 1, "excluded", stage="depth", reason="late"),
        rig.screened("year", 1, "screening", stage="depth"),
        rig.screened("month", 1, "screening", stage="sift"),
    )
    return rig


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"published_from": date(2019, 1, 1)}, "day month next year"),
        ({"published_from": date(2019, 1, 2)}, "day month next"),
        ({"published_from": date(2019, 4, 1)}, "day month next"),
        ({"published_until": date(2019, 4, 1)}, "ancient month year"),
        ({"published_until": date(2018, 12, 31)}, "ancient"),
        ({"published_from": date(2019, 4, 2), "published_until": date(2019, 4, 2)}, "day"),
        ({"published_from": date(1, 1, 1)}, "ancient day month next year"),
        ({"status": ("screening",)}, "ancient month never year"),
        ({"status": ("included", "excluded")}, "day next"),
        ({"stage": ("depth",)}, "next year"),
        ({"stage": ("depth", "sift")}, "month next year"),
        ({"stage": ("depth",), "status": ("screening",)}, "year"),
        ({"stage": ("Depth",)}, ""),
        ({"source": ("pubmed",)}, "year"),
        ({"source": ("pubmed", "openalex")}, "month year"),
        ({"kind": ("article",), "source": ("openalex",)}, "month year"),
        ({"language": ("en",), "text": "power"}, "next"),
        ({"venue": ("BMJ Leader",)}, "never next"),
        ({"venue": ("bmj leader",)}, ""),
        ({"kind": ("",)}, ""),
        ({"kind": ("'; --",)}, ""),
    ],
)
def test_filters_narrow_what_is_found(dated: Rig, query: dict[str, Any], found: str) -> None:
    assert sorted(dated.find(**query)) == found.split()


RETRACTED = Notice("notice_1", "retraction", "pubmed", "pubmed tells of its retraction")
CORRECTED = Notice("notice_2", "correction", "crossref", "crossref tells of its correction")
REINSTATED = Notice("notice_3", "reinstatement", "pubmed", "pubmed no longer tells of its retraction")
DRILL = Notice("notice_4", "retraction", "person", "the yearly exercise", drill=True)


@pytest.fixture
def noticed(rig: Rig) -> Rig:
    for name in ("clean", "struck", "both", "lifted", "drilled"):
        rig.hears(rig.document(name, title="Trust"))
    for name, notices in {
        "struck": (RETRACTED,), "both": (RETRACTED, CORRECTED), "drilled": (DRILL,),
        "lifted": (RETRACTED, CORRECTED, REINSTATED),
    }.items():  # fmt: skip
        for notice in reversed(notices):
            rig.hears(rig.noticed(name, notice))
    return rig


@pytest.mark.parametrize(
    ("notice", "found"),
    [
        ((), "both clean drilled lifted struck"),
        (("retraction",), "both struck"),
        (("correction",), "both lifted"),
        (("none",), "clean drilled"),
        (("none", "correction"), "both clean drilled lifted"),
        (("replacement",), ""),
        (("'; --",), ""),
    ],
)
@pytest.mark.parametrize("text", ["", "trust"])
def test_records_are_found_by_the_notices_that_stand(noticed: Rig, notice: Any, found: str, text: str) -> None:
    assert sorted(noticed.find(text, notice=notice)) == found.split()


def test_notices_that_stand_are_counted(noticed: Rig) -> None:
    (counts,) = noticed.search("trust", facets=(NOTICE,)).facets.values()

    assert {count.value: count.count for count in counts} == {"none": 2, "retraction": 2, "correction": 2}


def test_notices_stay_with_a_record_whatever_comes_after_them(noticed: Rig) -> None:
    noticed.hears(noticed.document("struck", revision=2, title="Trust again"))
    noticed.hears(noticed.screened("struck", 1, "included"))
    noticed.hears(noticed.noticed("struck", RETRACTED))

    (hit,) = noticed.search("again").hits
    assert hit.document.notices == (RETRACTED,)
    assert noticed.find(status=("included",), notice=("retraction",)) == ["struck"]


def test_a_notice_may_come_before_its_record(rig: Rig) -> None:
    rig.hears(rig.noticed("a", RETRACTED))
    assert rig.find() == []

    rig.hears(rig.document("a", title="Trust"))

    assert rig.find(notice=("retraction",)) == ["a"]


@pytest.mark.parametrize("text", ["", "trust OR power"])
def test_newest_first_puts_records_without_a_date_last(dated: Rig, text: str) -> None:
    assert dated.find(text, sort="newest") == ["next", "day", "month", "year", "ancient", "never"]


def test_without_a_text_the_record_decides_the_order(dated: Rig) -> None:
    assert dated.find() == sorted(dated.find())
    assert {hit.score for hit in dated.search().hits} == {None}


def test_the_first_stage_which_goes_without_saying_is_counted_among_the_others(rig: Rig) -> None:
    rig.hears(*(rig.document(name, title="Trust") for name in "abcd"))
    rig.hears(rig.screened("d", 2, "screening", stage="depth"), rig.screened("c", 2, "screening", stage=None))

    found = rig.search(facets=("stage", "kind"))

    assert [(it.value, it.count) for it in found.facets["stage"]] == [(AT_FIRST, 2), ("depth", 1)]
    assert found.facets["kind"] == []
    assert rig.find(stage=(AT_FIRST,)) == ["a", "b"]


def test_a_find_in_the_title_counts_for_more(rig: Rig) -> None:
    # A word of no other test: how rare one is in titles and in abstracts, over the whole index, counts too.
    rig.hears(
        rig.document("a", title="Something else here", abstract="Kinship, once, in a text of some more words."),
        rig.document("b", title="Kinship in something", abstract="Nothing more to say in a text of some words."),
    )

    hits = rig.search("kinship").hits
    assert [hit.record.partition("@")[0] for hit in hits] == ["b", "a"]
    assert hits[0].score > hits[1].score


def test_facets_count_what_the_query_and_the_filters_leave(dated: Rig) -> None:
    results = dated.search("trust", published_from=date(2019, 1, 1), facets=FACETS)

    counts = {name: {count.value: count.count for count in counts} for name, counts in results.facets.items()}
    assert results.total == 4
    assert counts == {
        "year": {"2019": 3, "2020": 1},
        "source": {"openalex": 2, "pubmed": 1},
        "kind": {"article": 2, "book": 1},
        "language": {"en": 2},
        "status": {"screening": 2, "included": 1, "excluded": 1},
        "stage": {"depth": 2, "sift": 1},
        "venue": {"BMJ Leader": 1},
    }


def test_facets_do_not_depend_on_the_page(dated: Rig) -> None:
    first = dated.search(limit=1, facets=("status",))
    second = dated.search(limit=1, facets=("status",), cursor=first.next)

    assert first.facets == second.facets
    assert first.total == second.total == 6
    assert dated.search().facets == {}


def test_a_facet_lists_its_20_most_frequent_values(rig: Rig) -> None:
    venues = [f"Venue {number:02d}" for number in range(25) for _ in range(1 if number % 2 else 2)]
    rig.hears(*(rig.document(f"r{position}", venue=venue) for position, venue in enumerate(venues)))

    counts = rig.search(facets=("venue",), limit=1).facets["venue"]

    even, odd = ([f"Venue {number:02d}" for number in range(start, 25, 2)] for start in (0, 1))
    assert [count.value for count in counts] == [*even, *odd][:20]
    assert [count.count for count in counts] == [2] * 13 + [1] * 7


def test_a_venue_is_shown_and_chosen_with_its_accents(rig: Rig) -> None:
    rig.hears(rig.document("a", venue="Revista Española"))

    assert rig.search(facets=("venue",)).facets["venue"][0].value == "Revista Española"
    assert rig.find(venue=("Revista Española",)) == ["a"]
    assert rig.find("venue:espanola") == ["a"]


# -- highlights ------------------------------------------------------------------------------------


def test_finds_are_marked_in_title_and_abstract(rig: Rig) -> None:
    rig.hears(rig.document("a", title="Trust, and trust again", abstract="Distrust is not trust."))

    assert rig.search("trust").hits[0].marked == {
        "title": ["<mark>Trust</mark>, and <mark>trust</mark> again"],
        "abstract": ["Distrust is not <mark>trust</mark>."],
    }


def test_only_the_field_that_was_asked_for_is_marked(rig: Rig) -> None:
    rig.hears(rig.document("a", title="Trust", abstract="Trust."))

    assert rig.search("title:trust").hits[0].marked == {"title": ["<mark>Trust</mark>"]}
    assert rig.search("").hits[0].marked == {}


@pytest.mark.parametrize(
    ("title", "marked"),
    [
        ("<script>alert('trust')</script>", "&lt;script&gt;alert(&#x27;<mark>trust</mark>&#x27;)&lt;/script&gt;"),
        ('<b>trust</b> & "x"', "&lt;b&gt;<mark>trust</mark>&lt;/b&gt; &amp; &quot;x&quot;"),
        ("<mark>not</mark> trust", "&lt;mark&gt;not&lt;/mark&gt; <mark>trust</mark>"),
        ("\x02trust\x03 &lt;", "\x02<mark>trust</mark>\x03 &amp;lt;"),
        ("Größe: trust für José", "Größe: <mark>trust</mark> für José"),
    ],
)
def test_a_hostile_title_is_harmless_where_it_is_marked(rig: Rig, title: str, marked: str) -> None:
    rig.hears(rig.document("a", title=title))

    assert rig.search("trust").hits[0].marked == {"title": [marked]}


def test_marks_keep_the_accents_of_the_text(rig: Rig) -> None:
    rig.hears(rig.document("a", title="Größe und Führung", abstract="La dirección, e\u0301clair; José dirige."))

    assert rig.search("fuhrung jose eclair").hits[0].marked == {
        "title": ["Größe und <mark>Führung</mark>"],
        "abstract": ["La dirección, <mark>éclair</mark>; <mark>José</mark> dirige."],
    }


def test_a_beginning_is_marked_as_the_whole_word(rig: Rig) -> None:
    rig.hears(rig.document("a", title="Collaboration for trust"))

    assert rig.search("collaborat*").hits[0].marked == {"title": ["<mark>Collaboration</mark> for trust"]}


def test_long_abstracts_are_cut_to_their_best_fragments(rig: Rig) -> None:
    filler = "nothing of note here " * 30
    rig.hears(rig.document("a", abstract=f"trust {filler} trust trust {filler} trust {filler} trust"))

    fragments = rig.search("trust").hits[0].marked["abstract"]

    assert 1 <= len(fragments) <= 3
    assert all("<mark>trust</mark>" in fragment and len(fragment) < 350 for fragment in fragments)
    assert any("<mark>trust</mark> <mark>trust</mark>" in fragment for fragment in fragments)


# -- pages -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def long_rig(index: SearchIndex) -> Rig:
    rig = Rig(index)
    rng = random.Random(7)
    rig.hears(
        *(
            rig.document(
                f"r{number:03d}",
                title="trust " * rng.randint(1, 3) + "in care",
                published=rng.choice(["2019", "2019-04", "2020-01-01", None]),
            )
            for number in range(137)
        )
    )
    return rig


@pytest.mark.parametrize("sort", ["relevance", "newest"])
@pytest.mark.parametrize("text", ["", "trust", "trust OR title:care"])
@pytest.mark.parametrize("limit", [1, 10, 137, 200])
def test_pages_show_each_hit_exactly_once(long_rig: Rig, sort: str, text: str, limit: int) -> None:
    if limit == 1:
        pages = list(itertools.islice(long_rig.pages(text=text, sort=sort, limit=1), 12))
    else:
        pages = list(long_rig.pages(text=text, sort=sort, limit=limit))
    records = [record for page in pages for record in page]

    everything = long_rig.find(text, sort=sort, limit=200)
    assert records == everything[: len(records)]
    assert all(len(page) == limit for page in pages[:-1])
    if limit > 1:
        assert len(records) == len(set(records)) == 137


def test_a_page_that_is_just_full_is_the_last(long_rig: Rig) -> None:
    assert long_rig.search(limit=137).next is None
    assert long_rig.search(limit=136).next is not None


def test_pages_go_on_though_the_size_changes(long_rig: Rig) -> None:
    first = long_rig.search("trust", limit=5)
    rest = long_rig.search("trust", limit=200, cursor=first.next)

    assert len({hit.record for hit in first.hits + rest.hits}) == 137


def test_a_cursor_of_another_search_is_invalid(long_rig: Rig) -> None:
    cursor = long_rig.search("trust", limit=5).next

    for other in ({"text": "care"}, {"text": "trust", "sort": "newest"}, {"text": "trust", "kind": ("book",)}):
        with pytest.raises(Invalid, match="another search"):
            long_rig.search(**other, cursor=cursor)


@settings(max_examples=60)
@given(cursor=st.one_of(st.text(max_size=40), st.binary(max_size=40).map(lambda raw: raw.hex())))
def test_a_cursor_that_is_none_of_ours_is_invalid(long_rig: Rig, cursor: str) -> None:
    with pytest.raises(Invalid):
        long_rig.search(cursor=cursor)


@pytest.mark.parametrize(
    "query",
    [
        {"limit": 0},
        {"limit": 201},
        {"sort": "oldest"},
        {"facets": ("colour",)},
        {"kind": tuple(str(number) for number in range(51))},
    ],
)
def test_a_query_out_of_bounds_is_invalid(rig: Rig, query: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as refusal:
        rig.search(**query)

    assert refusal.value.errors[0]["at"] == next(iter(query))


def test_many_and_large_documents_go_in_one_put(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.search.ports.index.elastic._BULK_BYTES", 100_000)
    documents = [rig.document(f"r{number}", abstract="trust " * 1_000) for number in range(60)]

    assert rig.index.put([*documents, documents[0], documents[59]]) == {documents[0].record, documents[59].record}

    rig.index.refresh()
    assert rig.index.count(rig.review) == 60


def test_very_long_fields_are_taken(rig: Rig) -> None:
    rig.hears(
        rig.document(
            "a",
            # All as long as an event lets it be.
            title="trust " + "x" * (bounds.LONGEST_TITLE - 6),
            abstract=("trust in leaders " * 15_000)[: bounds.LONGEST_ABSTRACT],
            authors=[f"Author{number} A" for number in range(3_000)],
            venue=("Journal " * 5_000)[: bounds.LONGEST_VENUE],
            kind="k" * bounds.LONGEST_ID,
            language="l" * bounds.LONGEST_ID,
            identifiers={"doi": "10.1000/" + "y" * 292},
            sources=[{"source": "s" * 300, "id": "i", "run": "r"}],
        )
    )

    results = rig.search("trust author:author2999", facets=FACETS)

    assert [hit.record for hit in results.hits] == [f"a@{rig.review}"]
    assert results.hits[0].marked["abstract"]


# -- generations -----------------------------------------------------------------------------------


def test_a_fresh_generation_is_seen_by_nobody_until_it_is_swapped_in(site: Site, own_name: str) -> None:
    with closing(site.open(own_name)) as here, closing(site.open(own_name)) as elsewhere:
        old = Rig(here, "rev_1")
        old.hears(old.document("a", title="Old"), old.document("b", title="Old"))
        with closing(here.fresh()) as new:
            Rig(new, "rev_1").hears(old.document("a", 2, title="New"))
            new.refresh()
            assert (elsewhere.count("rev_1"), new.count("rev_1")) == (2, 1)

            here.swap(new)

        seen = Rig(elsewhere, "rev_1")
        assert seen.find("new") == ["a"]
        assert seen.find("old") == []
        assert seen.stored("a").revision == 2
        seen.hears(seen.document("c", title="New too"))
        assert old.find("new") == ["a", "c"] or old.find("new") == ["c", "a"]


@pytest.mark.parametrize("others", [0, 1, 3])
def test_a_reading_of_the_old_generation_is_refused_by_the_new(own_index: SearchIndex, others: int) -> None:
    """Also where the record was put into both as the same number."""
    rig = Rig(own_index)
    rig.hears(rig.document("a"))
    before = rig.stored("a")
    with closing(own_index.fresh()) as new:
        write(new, [*(rig.document(f"b{number}") for number in range(others)), rig.document("a", 4, title="New")])
        own_index.swap(new)

    assert own_index.put([before.joined(rig.document("a", 2, title="Late"))]) == {before.record}
    rig.hears(rig.document("a", 2, title="Late"))
    assert rig.stored("a").revision == 4


@pytest.mark.waits
def test_searches_go_on_while_the_index_is_rebuilt_and_swapped(site: Site, own_name: str) -> None:
    with closing(site.open(own_name)) as index, closing(site.open(own_name)) as reader:
        rig = Rig(index, "rev_1")
        documents = [rig.document(f"r{number:02d}", title="Trust") for number in range(40)]
        rig.hears(*documents)
        done, seen = threading.Event(), []

        def search_on() -> None:
            while not done.is_set():
                seen.append((Rig(reader, "rev_1").search("trust", facets=("year",)).total, reader.count("rev_1")))
                assert len(reader.get([document.record for document in documents])) == 40

        def rebuild() -> None:
            try:
                for _ in range(3):
                    with closing(index.fresh()) as new:
                        write(new, documents)
                        new.refresh()
                        index.swap(new)
            finally:
                done.set()

        _at_once([search_on, rebuild])

    assert set(seen) == {(40, 40)}


def test_a_swap_clears_away_what_other_rebuilds_left(own_index: SearchIndex) -> None:
    with closing(own_index.fresh()) as abandoned, closing(own_index.fresh()) as new:
        own_index.swap(new)

        with pytest.raises(Conflict, match="dropped"):
            abandoned.put([Rig(own_index).document("a")])
        with pytest.raises(Conflict, match="dropped"):
            own_index.swap(abandoned)


def test_a_rebuild_that_is_given_up_leaves_the_live_index_alone(own_index: SearchIndex) -> None:
    rig = Rig(own_index)
    rig.hears(rig.document("a"))
    with closing(own_index.fresh()) as new:
        new.put([rig.document("b")])
        new.drop()
        with pytest.raises(Conflict, match="dropped"):
            new.get(["x"])
        new.drop()

    assert rig.find() == ["a"]


def test_a_rebuild_that_fails_after_its_swap_cannot_drop_the_live_index(own_index: SearchIndex) -> None:
    rig = Rig(own_index)
    with closing(own_index.fresh()) as new:
        write(new, [rig.document("a")])
        new.refresh()
        own_index.swap(new)
        new.drop()

    assert rig.find() == ["a"]
    own_index.drop()
    own_index.drop()
    with pytest.raises(Unavailable):
        rig.find()


def test_indexes_of_similar_names_do_not_touch_each_other(site: Site, own_name: str, own_index: SearchIndex) -> None:
    longer = f"{own_name}-more"
    with closing(site.open(longer)) as other:
        other.ready()
        rig = Rig(other)
        rig.hears(rig.document("a"))
        with closing(own_index.fresh()) as new:
            own_index.swap(new)

        assert rig.find() == ["a"]
        other.drop()


def test_a_lost_index_is_unavailable_until_it_is_rebuilt(own_index: SearchIndex) -> None:
    rig = Rig(own_index)
    own_index.drop()

    for ask in (lambda: rig.find(), lambda: rig.index.put([rig.document("a")]), own_index.ping, own_index.count):
        with pytest.raises(Unavailable):
            ask()
    with closing(own_index.fresh()) as new:
        new.put([rig.document("a")])
        own_index.swap(new)

    own_index.refresh()
    assert rig.find() == ["a"]


# -- at start --------------------------------------------------------------------------------------


@pytest.mark.waits
def test_processes_that_start_together_make_one_index(site: Site) -> None:
    name = new_id("test")
    indexes = [site.open(name) for _ in range(6)]

    _at_once([index.ready for index in indexes])

    first, last = Rig(indexes[0]), indexes[-1]
    first.hears(first.document("a"))
    last.refresh()
    assert last.count() == 1
    last.ping()
    last.drop()
    for index in indexes:
        index.close()


def test_ready_twice_keeps_what_is_there(own_index: SearchIndex) -> None:
    rig = Rig(own_index)
    rig.hears(rig.document("a"))

    own_index.ready()

    assert rig.find() == ["a"]


def test_a_mark_is_one_generations_alone_and_the_same_for_all_who_ask(site: Site, own_name: str) -> None:
    with closing(site.open(own_name)) as here, closing(site.open(own_name)) as elsewhere:
        first = here.mark()
        assert first == elsewhere.mark() and " " not in first
        with closing(here.fresh()) as new:
            second = new.mark()
            assert here.mark() == first != second
            here.swap(new)
        here.ready()
        assert here.mark() == elsewhere.mark() == second

        here.drop()
        with pytest.raises(Unavailable):
            here.mark()
        here.ready()

        assert elsewhere.mark() not in (first, second)


def test_an_analyzer_that_is_not_there_is_named(site: Site) -> None:
    with pytest.raises(Invalid, match="klingon"), closing(site.open(new_id("test"), "klingon")) as index:
        index.ready()


def test_an_index_built_with_another_analyzer_is_noticed_and_can_be_rebuilt(site: Site, own_name: str) -> None:
    other = {"english": "standard", "standard": "english"}[site.analyzer]
    with closing(site.open(own_name, other)) as index:
        with pytest.raises(Invalid, match="rebuild"):
            index.ready()
        with closing(index.fresh()) as new:
            index.swap(new)
        index.ready()
        rig = Rig(index)
        rig.hears(rig.document("a", title="Collaboration"))
        assert rig.find("collaborat*") == ["a"]
        with closing(site.open(own_name)) as back, closing(back.fresh()) as old:
            back.swap(old)


def test_an_unknown_kind_of_url_is_invalid() -> None:
    with pytest.raises(Invalid, match="ftp"):
        open_index("ftp://127.0.0.1")


def test_a_file_that_is_no_index_is_unavailable(tmp_path: Path) -> None:
    path = tmp_path / "index.db"
    path.write_bytes(b"no database at all" * 100)

    with closing(open_index(f"sqlite:{path}")) as index, pytest.raises(Unavailable, match="not a database"):
        index.ready()


def test_a_file_that_was_made_anew_by_the_same_name_has_another_mark(tmp_path: Path) -> None:
    marks = set()
    for _ in range(2):
        with closing(open_index(f"sqlite:{tmp_path / 'index.db'}")) as index:
            index.ready()
            marks.add(index.mark())
        for file in tmp_path.iterdir():
            file.unlink()

    assert len(marks) == 2


def test_a_file_of_a_release_that_knew_no_marks_gets_one_that_stays(tmp_path: Path) -> None:
    path = tmp_path / "index.db"
    with closing(open_index(f"sqlite:{path}")) as index:
        index.ready()
        Rig(index).hears(Rig(index).document("a"))
    with closing(sqlite3.connect(path)) as old:
        old.execute("ALTER TABLE generations DROP COLUMN mark")

    marks = set()
    for _ in range(2):
        with closing(open_index(f"sqlite:{path}")) as index:
            index.ready()
            marks.add(index.mark())
            assert index.count() == 1

    assert len(marks) == 1


def test_an_index_of_another_form_is_left_alone_until_another_is_in_its_place(site: Site, own_name: str) -> None:
    with closing(site.open(own_name)) as index:
        rig = Rig(index)
        rig.hears(rig.document("a", title="Trust"))
        assert index.current()
        _give_another_form(index)
        index.ready()

        assert not index.current()
        index.ping()
        assert index.mark()
        for ask in (rig.find, index.count, lambda: index.get(["a"]), lambda: index.put([rig.document("b")])):
            with pytest.raises(Unavailable, match="form of another release"):
                ask()
        with closing(index.fresh()) as new:
            assert new.current()
            new.put([rig.document("b", title="Trust")])
            new.refresh()
            index.swap(new)

        assert rig.find("trust") == ["b"]
        assert index.current()


def _give_another_form(index: SearchIndex) -> None:
    """Makes it say that another release made it."""
    if isinstance(index, ElasticIndex):
        meta = {"name": index._name, "analyzer": index._analyzer, "shape": 1}
        index._client.indices.put_mapping(index=index._alias, meta=meta)
    else:
        assert isinstance(index, SqliteIndex)
        with index._connections.use() as db:
            db.execute("UPDATE generations SET form = NULL WHERE name = ?", [index._name])


def test_a_file_of_a_release_that_knew_no_forms_is_of_another_one(tmp_path: Path) -> None:
    path = tmp_path / "index.db"
    with closing(open_index(f"sqlite:{path}")) as index:
        index.ready()
    with closing(sqlite3.connect(path)) as old:
        old.execute("ALTER TABLE generations DROP COLUMN form")

    with closing(open_index(f"sqlite:{path}")) as index:
        index.ready()
        assert not index.current()


def test_a_sqlite_index_whose_file_is_taken_away_says_so_and_makes_none(tmp_path: Path) -> None:
    path = tmp_path / "index.db"
    with closing(open_index(f"sqlite:{path}")) as index:
        index.ready()
        rig = Rig(index)
        path.rename(tmp_path / "away.db")

        for ask in (index.ping, index.count, lambda: index.put([rig.document("a")])):
            with pytest.raises(Unavailable, match=r"is not there .*living search rebuild"):
                ask()
        assert not path.exists()

        (tmp_path / "away.db").rename(path)
        assert index.put([rig.document("a")]) == set() and index.count() == 1


def test_a_closed_sqlite_index_says_so(tmp_path: Path) -> None:
    index = open_index(f"sqlite:{tmp_path / 'index.db'}")
    index.ready()
    index.close()

    with pytest.raises(Unavailable, match="closed"):
        index.count()


def test_a_sqlite_index_that_is_locked_for_long_is_unavailable(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("services.search.ports.index.sqlite.PATIENCE", 0.05)
    path = tmp_path / "index.db"
    with closing(open_index(f"sqlite:{path}")) as index, closing(sqlite3.connect(path)) as greedy:
        index.ready()
        rig = Rig(index)
        greedy.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unavailable, match="locked"):
            index.put([rig.document("a")])
        assert rig.find() == []
        greedy.rollback()


def test_an_elasticsearch_that_is_down_is_unavailable_and_its_password_stays_secret() -> None:
    with closing(open_index("http://ana:s3cret@127.0.0.1:9")) as index:
        for ask in (index.ready, index.ping, index.count, lambda: index.get(["a"])):
            with pytest.raises(Unavailable, match="does not answer") as refusal:
                ask()
            assert "s3cret" not in str(refusal.value)


def test_an_index_that_was_never_made_ready_is_unavailable(tmp_path: Path) -> None:
    with closing(open_index(f"sqlite:{tmp_path / 'nowhere' / 'index.db'}")) as index:
        for ask in (index.ping, index.count, lambda: index.get(["a"]), index.drop):
            with pytest.raises(Unavailable):
                ask()


@pytest.mark.real
def test_a_process_that_starts_late_does_not_put_a_second_index_behind_the_alias(real_search_url: str) -> None:
    """It looked when there was no index yet, and makes the first one only when a swap has replaced that."""
    name = new_id("test")
    with closing(open_index(real_search_url, name=name, analyzer="standard")) as index:
        index.ready()
        with closing(index.fresh()) as new:
            index.swap(new)

        assert isinstance(index, ElasticIndex)
        index._make_first()

        Rig(index, "rev_1").hears(Rig(index, "rev_1").document("a"))
        assert index._generations() == [new._generation]
        index.drop()


@pytest.mark.real
def test_an_index_of_an_earlier_release_makes_ready_no_more_than_one_of_this(real_search_url: str) -> None:
    with closing(open_index(real_search_url, name=new_id("test"), analyzer="standard")) as index:
        index.ready()
        assert isinstance(index, ElasticIndex)
        change, shown = index._client.indices.put_settings, index._client.indices.get_settings
        change(index=index._alias, settings={"index.refresh_interval": "2s"})
        assert shown(index=index._alias, name="index.refresh_interval").body

        index.ready()

        assert not shown(index=index._alias, name="index.refresh_interval").body
        index.drop()


@pytest.mark.real
def test_a_document_that_elasticsearch_will_never_take_is_rejected_by_its_record(real_search_url: str) -> None:
    with closing(open_index(real_search_url, name=new_id("test"), analyzer="standard")) as index:
        index.ready()
        bad = Document(record="rec_bad", review="v" * 40_000, revision=1, bibliography=Bibliography())

        with pytest.raises(Rejected, match="rec_bad"):
            index.put([Rig(index).document("a"), bad])
        index.drop()


# -- a few records by themselves -------------------------------------------------------------------

_SOUGHT = st.sampled_from(
    ["", "*", "trust", "trusted OR leading", "title:trust", "abstract:team*", "author:garcía", '"shared care"',
     "10.1000/x", "doi:10.1000/*", "trust NOT care", "-trust", "(trust OR care) team", "führung", "e-health", "ehealth",
     "信頼", "venue:care", "that AND nothing"]
)  # fmt: skip

_NARROWED = st.fixed_dictionaries(
    {},
    optional={
        "kind": st.just(("article",)), "language": st.just(("de", "en")), "source": st.just(("pubmed",)),
        "status": st.sampled_from([("screening",), ("included", "excluded")]), "stage": st.just(("sift", AT_FIRST)),
        "notice": st.sampled_from([("retraction",), ("none",)]), "venue": st.just(("Care",)),
        "published_from": st.just(date(2019, 1, 1)), "published_until": st.just(date(2020, 6, 30)),
    },
)  # fmt: skip


@pytest.fixture(scope="module")
def of_all_kinds(index: SearchIndex) -> Rig:
    """Records that differ in all that can be asked for."""
    rig = Rig(index)
    rig.hears(
        rig.document("a", title="Trust in teams", venue="Care", kind="article", language="en", published="2019"),
        rig.document("b", title="Shared care", abstract="Trusted teams.", language="de", sources=FULL["sources"]),
        rig.document("c", **{**FULL, "identifiers": {"doi": "10.1000/x"}}),
        rig.document("d", title="E-health", abstract="信頼 and nothing of that", published="2020-06", kind="book"),
        rig.document("e", title="Care", identifiers={"doi": "10.1000/y"}, published="2021"),
        rig.document("f"),
        rig.merged("gone", 2),
    )  # fmt: skip
    rig.hears(
        rig.screened("a", 1, "included"),
        rig.screened("b", 1, "excluded", stage="sift", reason="no"),
        rig.screened("d", 1, "screening", stage="sift"),
        rig.noticed("e", Notice("n", "retraction", "pubmed", "")),
        rig.noticed("c", Notice("n", "retraction", "pubmed", "", drill=True)),
    )
    return rig


@given(text=_SOUGHT, narrowed=_NARROWED, arrived=st.sets(st.sampled_from(["a", "b", "c", "d", "e", "f", "gone"])))
@settings(max_examples=60, deadline=None)
def test_what_is_found_among_a_few_records_is_what_the_index_finds_of_them(
    of_all_kinds: Rig, site: Site, text: str, narrowed: dict[str, Any], arrived: set[str]
) -> None:
    rig, records = of_all_kinds, {f"{name}@{of_all_kinds.review}" for name in arrived}
    query = Query(review=rig.review, text=text, **narrowed)
    found = {hit.record for hit in rig.index.search(query).hits}

    with closing(Among(rig.index.get(records).values(), analyzer=site.analyzer)) as among:
        assert among.found(query) == found & records
        assert among.found(Query(review="another", text=text)) == set()


def test_what_cannot_be_understood_any_more_is_found_nowhere(site: Site) -> None:
    with closing(Among([], analyzer=site.analyzer)) as among:
        assert among.found(Query(review="r", text='"never closed')) == set()


# -- more like one ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def of_twins(index: SearchIndex) -> Rig:
    """Two records that are near twins, one that is of their kind, and others; and a twin in another review."""
    rig = Rig(index)
    words = "Distributed leadership among allotment holders of neighbouring towns"
    rig.hears(
        rig.document("one", title=words, abstract="Allotment holders share compost, seedlings, leadership, towns."),
        rig.document("twin", title=words, abstract="Allotment holders shared compost, seedlings; leadership grew."),
        rig.document("kin", title="Allotment holders and their compost", abstract="Seedlings in neighbouring towns."),
        rig.document("gone", 2, title=words, abstract="Allotment holders share compost and seedlings."),
        *(
            rig.document(f"other{number}", title=f"Hospital beds in winter {number}", abstract="Wards, nurses, beds.")
            for number in range(12)
        ),
        rig.document("bare"),
    )  # fmt: skip
    rig.hears(rig.merged("gone", 3))
    Rig(index).hears(Rig(index).document("elsewhere", title=words))
    return rig


def alike(rig: Rig, name: str, limit: int = 10) -> list[str]:
    hits = rig.index.like(f"{name}@{rig.review}", rig.review, limit)
    return [hit.record.partition("@")[0] for hit in hits]


def test_more_like_one_are_its_near_twins_the_nearest_first_and_never_itself(of_twins: Rig) -> None:
    assert alike(of_twins, "one") == ["twin", "kin"]
    assert alike(of_twins, "twin")[0] == "one"
    assert alike(of_twins, "one", limit=1) == ["twin"]
    assert set(alike(of_twins, "other3", limit=20)) == {f"other{number}" for number in range(12) if number != 3}


def test_nothing_is_like_what_says_nothing_is_gone_or_is_not_there(of_twins: Rig) -> None:
    assert alike(of_twins, "bare") == alike(of_twins, "gone") == alike(of_twins, "unknown") == []
    assert of_twins.index.like(f"one@{of_twins.review}", "another", 10) == []
