"""What a source is asked for a strategy of a protocol, and what whoever wrote it should know."""

from __future__ import annotations

import pytest

from shared.errors import Invalid
from shared.events.protocol import Strategy
from shared.strategies.asking import asked, tree_of
from shared.strategies.native import check_native
from shared.strategies.reaching import reaches
from shared.strategies.translating import Unsayable
from shared.strategies.tree import StrategyFault

BLOCKS = Strategy.model_validate(
    {
        "id": "blocks",
        "sources": ["pubmed", "openalex", "crossref", "another"],
        "concepts": [
            {"name": "leadership", "terms": ["leader*", "governance"]},
            {"name": "integrated care", "terms": ["integrated care", {"text": "care system", "near": 2}]},
        ],
        "not": {"name": "animals", "terms": ["rats"]},
    }
)


def test_concepts_are_blocks_of_or_joined_by_and():
    (string,) = asked(BLOCKS, "pubmed").strings

    assert string == (
        '("leader*"[tiab] OR "governance"[tiab]) AND '
        '("integrated care"[tiab] OR "care system"[tiab:~2]) NOT "rats"[tiab]'
    )
    assert not asked(BLOCKS, "pubmed").filtered


def test_what_comes_too_much_is_known_by_the_tree():
    translation, tree = asked(BLOCKS, "openalex"), tree_of(BLOCKS)

    assert translation.filtered
    assert [(it.source, it.term) for it in translation.warnings if it.term] == [("openalex", "care system (near 2)")]
    assert tree is not None
    # Whether rats are in its keywords is not seen.
    assert reaches(tree, "Governance of the system of care", "None.") == "cannot tell"
    assert reaches(tree, "Governance of care in a very large system", "None.") == "no"
    assert reaches(tree, "Leaders of integrated care", "In rats.") == "no"


def test_a_query_of_its_own_is_asked_byte_for_byte():
    query = "  (“leader*”[tiab]\n or governance[tiab])"
    strategy = Strategy(id="one", source="pubmed", query=query)

    translation = asked(strategy, "pubmed")

    assert translation.strings == (strategy.query,)
    assert strategy.query == query.strip()
    assert not translation.filtered
    assert [it.why for it in translation.warnings] == [
        "typographic quotation marks are read as plain ones",
        "operators in small letters (or) are read as operators; write OR",
    ]


def test_a_query_that_cannot_be_read_is_not_asked():
    with pytest.raises(StrategyFault, match="line 1, column 17"):
        asked(Strategy(id="one", source="pubmed", query="((leader*[tiab] AND"), "pubmed")


def test_an_operator_inside_a_term_is_told_and_the_term_is_asked_for_as_it_is():
    terms = ["leader AND manager", "OR", "care NEAR3 team", "research and development", "ORs"]
    strategy = Strategy.model_validate(
        {"id": "one", "sources": ["pubmed"], "concepts": [{"name": "leading", "terms": terms}]}
    )

    translation = asked(strategy, "pubmed")

    remarked = [it for it in translation.warnings if "is no operator there" in it.why]
    assert [it.term for it in remarked] == terms[:3]
    assert remarked[0].why.startswith("AND stands inside a term of 'leading'")
    assert '"leader and manager"[tiab] OR "or"[tiab]' in translation.strings[0]
    assert not translation.filtered


def test_what_is_in_the_way_is_told_and_not_what_is_left_out_of_a_not():
    concepts = [{"name": "leading", "terms": ["leader*", "manage*"]}]
    strategy = Strategy.model_validate(
        {"id": "one", "sources": ["doaj"], "concepts": concepts, "not": {"name": "animals", "terms": ["rats"]}}
    )

    with pytest.raises(Unsayable) as refused:
        asked(strategy, "doaj")

    assert "leader*: the source cannot truncate it" in refused.value.detail
    assert "excluded" not in refused.value.detail and "block" not in refused.value.detail


def test_a_heading_of_one_word_is_looked_for_once_at_europe_pmc():
    def string(*terms: str) -> str:
        subjects = [{"text": term, "field": "subject"} for term in terms]
        concepts = [{"name": "leading", "terms": subjects}]
        strategy = Strategy.model_validate({"id": "one", "sources": ["europepmc"], "concepts": concepts})
        return asked(strategy, "europepmc").strings[0]

    assert string("Leadership") == "TITLE_ABS:leadership OR KW:leadership"
    # A heading of several is one phrase there, which its words by themselves are not.
    assert string("Health Policy").startswith('KW:"health policy" OR (')


def test_only_the_sources_of_a_strategy_are_asked():
    with pytest.raises(Invalid, match="is not asked at 'doaj'"):
        asked(BLOCKS, "doaj")
    with pytest.raises(Unsayable, match="not translated for another"):
        asked(BLOCKS, "another")


@pytest.mark.parametrize(
    ("source", "query", "warning"),
    [
        ("pubmed", "lea*[tiab]", "PubMed wants 4 letters before a *: 'lea*'"),
        ("crossref", "integrated AND care", "takes them for words or for nothing"),
        ("crossref", "filter=type:book,type:report", "is given more than once: a work with any of its values is found"),
        ("openalex", "title.search:a,title.search:b", "is given more than once: a work needs all its values"),
        ("openalex", "leadership", "costs ten times"),
        ("openalex", "title.search:a or b", "write AND, OR, NOT"),
        ("semanticscholar", "a AND b", "writes + for AND"),
        ("arxiv", "title:a", "the field title is not known here"),
        ("arxiv", "ti:a NOT ti:b", "arXiv writes ANDNOT"),
        ("another", "“a”", "typographic quotation marks"),
    ],
)
def test_where_a_source_is_unsure_it_is_a_warning(source, query, warning):
    assert any(warning in each for each in check_native(source, query))


@pytest.mark.parametrize(
    ("source", "query", "why"),
    [
        ("doaj", "title:leader*", "DOAJ takes no *"),
        ("doaj", '"a b"~3', "DOAJ takes no ~"),
        ("arxiv", "(ti:a", "this bracket is never closed"),
        ("semanticscholar", '"a', "this quotation mark is never closed"),
        ("semanticscholar", "()", "there is nothing between these brackets"),
        ("another", "a)", "this bracket is closed and was never opened"),
        ("another", "(" * 60 + ")" * 60, "brackets are nested more than 50 deep"),
        ("openalex", "a\0", "a character that cannot be searched for"),
    ],
)
def test_where_it_is_sure_it_is_refused(source, query, why):
    with pytest.raises(StrategyFault) as refused:
        check_native(source, query)

    assert why in refused.value.why
