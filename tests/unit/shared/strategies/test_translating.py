"""A translation finds all that the strategy finds, on any document and at every source."""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st

from shared.strategies.dialects import DIALECTS
from shared.strategies.pubmed import read_pubmed
from shared.strategies.reaching import reaches
from shared.strategies.translating import MOST_STRINGS, TRANSLATED, Unsayable, translate
from shared.strategies.tree import And, Node, Not, Or, Term, all_of, any_of
from tests.unit.shared.strategies.targets import Document, found_by, has_phrase, has_window, spots

WORDS = ["care", "carers", "leader", "leaders", "leadership", "integrated", "integration", "system", "of", "new"]
PATTERNS = [*WORDS, "leader*", "integrat*", "care*", "le*", "l?ader", "inte*ed"]

texts = st.lists(st.sampled_from(WORDS), max_size=7)
fields = st.sampled_from(["title", "abstract", "title_or_abstract", "text", "all", "subject"])


@st.composite
def terms(draw: st.DrawFn) -> Term:
    field = draw(fields)
    words = draw(st.lists(st.sampled_from(WORDS if field == "subject" else PATTERNS), min_size=1, max_size=3))
    if field == "subject":
        return Term(" ".join(words), "subject", tag="mh")
    near = draw(st.none() | st.integers(0, 3)) if len(words) > 1 else None
    return Term(" ".join(words), field, exact=near is not None or draw(st.booleans()), near=near)


attributes = st.sampled_from(["letter", "trial"]).map(lambda it: Term(it, "attribute", tag="attribute"))
trees = st.recursive(
    terms() | terms() | attributes,
    lambda inner: (
        st.lists(inner, min_size=2, max_size=4).map(any_of)
        | st.lists(inner, min_size=2, max_size=3).map(all_of)
        | st.tuples(inner, inner).map(lambda two: all_of([two[0], Not(two[1])]))
    ),
    max_leaves=8,
)
documents = st.builds(
    Document,
    title=texts,
    abstract=texts,
    keywords=st.lists(st.lists(st.sampled_from(WORDS), min_size=1, max_size=3), max_size=2),
    headings=st.lists(st.lists(st.sampled_from(WORDS), min_size=1, max_size=3), max_size=2),
    attributes=st.frozensets(st.sampled_from(["letter", "trial"])),
)


def as_it_is_there(source: str, document: Document) -> Document:
    """What a source has of a work: only two have headings, three keywords, and Crossref searches no abstract."""
    return Document(
        title=document.title,
        abstract=[] if source == "crossref" else document.abstract,
        keywords=document.keywords if source in ("pubmed", "europepmc", "doaj") else [],
        headings=document.headings if source in ("pubmed", "europepmc") else [],
        attributes=document.attributes,
    )


def holds(node: Node, document: Document) -> bool:
    """What the strategy means."""
    if isinstance(node, Not):
        return not holds(node.of, document)
    if isinstance(node, And):
        return all(holds(part, document) for part in node.parts)
    if isinstance(node, Or):
        return any(holds(part, document) for part in node.parts)
    words = node.text.split()
    if node.field == "attribute":
        return node.text in document.attributes
    if node.field == "subject":
        return words in document.headings
    both = [document.title, document.abstract]
    looked_into = {
        "title": [document.title],
        "abstract": [document.abstract],
        "title_or_abstract": both,
        "text": [*both, *document.keywords],
        "all": document.texts(),
    }[node.field]
    if node.near is not None:
        return any(has_window(words, node.near, text) for text in looked_into)
    if node.exact:
        return any(has_phrase(words, text) for text in looked_into)
    return all(any(spots(word, text) for text in looked_into) for word in words)


@pytest.mark.fuzz
@pytest.mark.parametrize("source", TRANSLATED)
@given(tree=trees, document=documents)
def test_what_the_strategy_finds_is_found_at_every_source(source, tree, document):
    there = as_it_is_there(source, document)
    assume(holds(tree, there))
    try:
        translation = translate(tree, source)
    except Unsayable:
        event("the source can say nothing of it")
        return

    assert any(found_by(source, string, there) for string in translation.strings)


@pytest.mark.fuzz
@pytest.mark.parametrize("source", ["pubmed", "europepmc", "openalex", "doaj", "arxiv"])
@given(tree=trees, document=documents)
def test_what_comes_without_a_warning_is_what_the_strategy_finds(source, tree, document):
    there = as_it_is_there(source, document)
    if source == "pubmed":
        there = replace(there, keywords=[])  # It says of every answer that it looks into those too.
    try:
        translation = translate(tree, source)
    except Unsayable:
        return
    assume(not translation.filtered)

    assert any(found_by(source, string, there) for string in translation.strings) == holds(tree, there)


@pytest.mark.fuzz
@given(tree=trees, document=documents)
def test_the_local_filter_never_says_no_of_what_the_strategy_finds_nor_yes_of_what_it_does_not(tree, document):
    found = reaches(tree, " ".join(document.title), " ".join(document.abstract))

    assert found != ("no" if holds(tree, document) else "yes")


@pytest.mark.fuzz
@pytest.mark.parametrize("source", ["openalex", "semanticscholar", "doaj"])
@settings(max_examples=15)
@given(sizes=st.lists(st.integers(150, 220), min_size=2, max_size=3), document=documents, at=st.data())
def test_a_strategy_that_is_too_long_is_cut_into_strings_that_find_the_same_together(source, sizes, document, at):
    blocks = [[Term(f"{word}{number}word") for number in range(size)] for word, size in zip("abc", sizes, strict=False)]
    for block in blocks:
        block[at.draw(st.integers(0, len(block) - 1))] = Term(at.draw(st.sampled_from(WORDS)))
    tree = all_of(any_of(block) for block in blocks)

    translation = translate(tree, source)

    there = as_it_is_there(source, document)
    dialect = DIALECTS[source]
    cut = any("left out" in warning.why for warning in translation.warnings)
    assert cut or len(translation.strings) > 1
    assert len(translation.strings) <= MOST_STRINGS
    assert all(dialect.measured(string) <= dialect.longest for string in translation.strings)
    found = any(found_by(source, string, there) for string in translation.strings)
    assert found or not holds(tree, there)
    assert cut or found == holds(tree, there)


TREE = read_pubmed('("integrated care"[tiab] OR "care system*"[tiab]) AND leader*[ti] NOT rats[tiab]').tree


@pytest.mark.parametrize(
    ("source", "string"),
    [
        (
            "pubmed",
            '("integrated care"[tiab] OR "care system*"[tiab]) AND "leader*"[ti] NOT "rats"[tiab]',
        ),
        (
            "europepmc",
            '((TITLE_ABS:"integrated care" OR KW:"integrated care") OR ((TITLE_ABS:care OR KW:care) AND '
            "(TITLE_ABS:system* OR KW:system*))) AND TITLE:leader* AND NOT (TITLE_ABS:rats OR KW:rats)",
        ),
        (
            "openalex",
            'title_and_abstract.search.exact:("integrated care" OR (care AND system*)) AND leader* NOT rats',
        ),
        (
            "semanticscholar",
            '("integrated care" | (care + (system* | system))) + (leader* | leader)',
        ),
        ("crossref", "query.bibliographic=integrated system"),
    ],
)
def test_the_strings_are_as_each_source_writes_them(source, string):
    tree = TREE if source != "crossref" else read_pubmed('"integrated care" OR "care system"').tree

    assert translate(tree, source).strings == (string,)


def test_what_a_source_cannot_say_is_told_with_the_term_and_the_source():
    warnings = [warning for warning in translate(TREE, "openalex").warnings if warning.term]

    assert {warning.source for warning in warnings} == {"openalex"}
    assert {warning.term: warning.why for warning in warnings} == {
        "care system*[tiab]": "its words are looked for each by itself, wherever they stand",
        "leader*[ti]": "it is looked for in title and abstract, not in the title alone",
    }


@pytest.mark.parametrize("strategy", ["care[ti] NOT rats[ti]", 'care[ti] NOT "care of rats*"[tiab]'])
def test_less_is_excluded_where_a_source_could_only_exclude_more(strategy):
    translation = translate(read_pubmed(strategy).tree, "openalex")

    assert translation.strings == ("title_and_abstract.search.exact:care",)
    assert any("it is not excluded there" in warning.why for warning in translation.warnings)


@pytest.mark.parametrize("source", ["doaj", "arxiv", "crossref"])
def test_a_source_that_can_say_nothing_of_a_strategy_is_not_asked_for_all_it_has(source):
    with pytest.raises(Unsayable, match="write the words out"):
        translate(read_pubmed("leader*[tiab] AND integrat*[tiab]").tree, source)


def test_doaj_is_never_sent_a_colon_that_it_would_escape():
    tree = read_pubmed('("a b"[tiab] OR c[ti] OR d[ab]) AND (e[tiab] OR f[tw])').tree
    (string,) = translate(tree, "doaj").strings

    between = string.split(":")[1:-1]
    assert all(" AND " in part or " OR " in part for part in between), "as DOAJ's own code asks"


@pytest.mark.parametrize("blocks", [5, 20])
@pytest.mark.parametrize("source", TRANSLATED)
def test_a_term_takes_so_much_work_however_many_strings_a_long_strategy_is_cut_into(source, blocks):
    """Each is written once, not once more for each part that is looked at until all are short enough."""
    tree = all_of(
        any_of(Term(f"word{block}x{number} other{number}") for number in range(1_000 // blocks))
        for block in range(blocks)
    )
    done: Counter[str] = Counter()

    def count(frame, what, argument):
        done[what] += 1

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        translate(tree, source)
    finally:
        sys.setprofile(before)

    assert done["call"] < 200 * 1_000
