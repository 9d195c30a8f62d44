"""A report is made of words of ours, of what data state, and of numbers, of which none is typed."""

from __future__ import annotations

import ast
import json
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from docx import Document as word
from hypothesis import given
from hypothesis import strategies as st

import shared.reporting.parts
from shared.reporting.as_docx import as_docx
from shared.reporting.as_json import as_json
from shared.reporting.asking import EVERY, Number, Query, Request, Step, found_in, reckoned
from shared.reporting.checklists import AUTHORED, KINDS, checklist
from shared.reporting.documents import (
    Authored,
    Document,
    Item,
    Lack,
    Paragraph,
    Stated,
    Table,
    Words,
    paragraphs_of,
    said,
)
from shared.reporting.gathered import Answer, Gathered, answered, wanted
from shared.reporting.parts import PARTS
from shared.reporting.parts.rows import MOST_ROWS, named, table
from shared.reporting.reports import document_of
from shared.reporting.wording import state_of
from tests.unit.shared.reporting.typed import typed

NUMBERS = {
    "prisma": 42, "prisma-s": 16, "prisma-lsr": 14, "rameses": 19,
}  # fmt: skip

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=20,
)
STEPS = st.lists(st.sampled_from(["a", "b", EVERY, ("a", "1"), ("b", "x")]), max_size=4).map(tuple)


def report(*blocks: Any, authored: tuple[Authored, ...] = (), name: str = "Gardens") -> Document:
    item = Item("1", "Title", "What it is", blocks, authored)
    return Document("prisma", "PRISMA", "Somebody", "gardens", name, None, "2026-11-30", (item,))


@pytest.mark.parametrize("kind", KINDS)
def test_each_item_of_a_guideline_is_there_once_and_is_filled_in_by_data_or_people(kind):
    items = checklist(kind).items

    assert len({item.number for item in items}) == len(items) == NUMBERS[kind]
    for item in items:
        assert item.filled_by or item.written, item
        assert {*item.filled_by} <= {*PARTS} and {*item.written} <= {*AUTHORED}, item
        assert not any(letter.isdigit() for letter in item.about), item


def test_whatever_can_be_filled_in_or_written_is_asked_for():
    items = [item for kind in KINDS for item in checklist(kind).items]

    assert {name for item in items for name in item.filled_by} == {*PARTS}
    assert {name for item in items for name in item.written} == {*AUTHORED}
    assert not any(letter.isdigit() for asks in AUTHORED.values() for letter in asks)


def test_no_words_of_a_part_have_a_digit_also_where_no_data_lead_there():
    for file in Path(shared.reporting.parts.__file__).parent.glob("*.py"):
        tree = ast.parse(file.read_text())
        strings = [
            node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)
        ]
        assert [it for it in strings if any(letter.isdigit() for letter in it) and not it.isidentifier()] == []


def test_a_number_that_somebody_typed_is_found():
    assert typed(report(said("Found: {n}.", n=Stated("3")))) == []
    assert typed(report(said("Found: 3."))) == ["Found: 3."]
    assert typed(report(Paragraph((Words("99 records"),)))) == ["99 records"]
    assert typed(report(table("Of 2019", ("n",), ["x"], lambda it: (named(it),)))) == ["Of 2019"]


@given(JSON, STEPS)
def test_whatever_an_answer_says_a_step_leads_somewhere_or_nowhere(answer, steps):
    found = found_in(answer, steps)

    assert reckoned(answer, Query(Request("/a"), steps, "count")) == len(found)
    value = reckoned(answer, Query(Request("/a"), steps))
    assert value is None or (len(found) == 1 and found[0] == value and not isinstance(value, bool))


@pytest.mark.parametrize(
    ("steps", "how", "value"),
    [
        (("stages", ("stage", "sift"), "n"), "value", 3),
        (("stages", ("stage", "none"), "n"), "value", None),
        (("stages", EVERY, "n"), "sum", 7),
        (("stages", EVERY), "count", 2),
        (("stages", EVERY, "of"), "distinct", 1),
        (("stages",), "value", None),
    ],
)
def test_a_number_is_read_out_of_its_answer(steps: tuple[Step, ...], how, value):
    answer = {"stages": [{"stage": "sift", "n": 3, "of": "a"}, {"stage": "depth", "n": 4, "of": "a"}]}

    assert reckoned(answer, Query(Request("/a"), steps, how)) == value


def test_how_a_number_is_read_is_said_in_words():
    query = Query(Request("/flow", (("on", "2026-11-30"),)), ("stages", ("stage", "sift"), "n"))

    assert (query.request.line, query.reading) == ("GET /flow?on=2026-11-30", "stages[stage=sift].n")
    assert Query(Request("/a"), ("items", EVERY), "count").reading == "count of items[*]"


def test_a_number_out_of_a_listing_says_that_all_its_pages_are_asked_for():
    listing = Request("/a", (("newest_first", "true"),), listing=True)

    query = Query(listing, (("number", "3"), "number"))
    assert (query.request.line, query.reading) == (
        "GET /a?newest_first=true, page after page", "items[number=3].number",
    )  # fmt: skip
    assert Query(listing, (EVERY,), "count").reading == "count of items[*]"


def test_a_report_on_a_revision_has_no_version_that_was_signed_after_it():
    signed = [
        {"number": n, "signed_at": f"2026-0{n}-01", "change_class": "MINOR", "summary": f"The {n}."} for n in (3, 2, 1)
    ]

    def shown(revision: int | None) -> list[str]:
        found = Gathered("gardens", "prisma-lsr", revision, {})
        (made,) = PARTS["versions"](answered(found, {found.revisions: Answer(signed)}))
        assert isinstance(made, Table)
        return [
            str(run.text)
            for row in made.rows
            for run in row[made.head.index("summary")].runs
            if isinstance(run, Stated)
        ]

    assert shown(2) == ["The 2.", "The 1."]
    assert shown(None) == ["The 3.", "The 2.", "The 1."]


def test_what_is_of_today_says_so_also_in_a_report_on_a_revision():
    found = Gathered("gardens", "prisma", 1, {})
    found = answered(
        found,
        {
            found.standing: Answer({"state": "paused", "why": "We rest.", "since": "2026-01-01"}),
            found.studies: Answer({"reports": [{"title": "A", "study": "s", "cmocs": [], "notices": []}]}),
            **{it: Answer([{"step": "s", "does": "d", "evaluated": False, "decided_by": "w"}])
               for it in found.automations()},
        },
    )  # fmt: skip
    for part in ("course", "cadence", "automation", "studies"):
        blocks = PARTS[part](found)
        ours = [run.text for it in blocks for line in paragraphs_of(it) for run in line.runs if isinstance(run, Words)]
        ours += [head for it in blocks if isinstance(it, Table) for head in it.head]
        assert any("as it stands today" in it.lower() for it in ours), part


def test_a_word_document_holds_whatever_people_and_sources_wrote():
    odd = "<b>&amp;]]></b> \x00\x0b\x1b\ufffe\ufdd0 \u202e\u200b{n} \U0001f600 " + "long" * 500
    written = Authored("funding", "Who paid.", text=f"{odd}\n\n\n{odd}", by=odd)
    file = as_docx(report(said("{it}", it=Stated(odd)), authored=(written,), name=odd))

    said_there = "".join(line.text for line in word(BytesIO(file)).paragraphs)
    assert said_there.count("<b>&amp;]]></b> ") == 5 and said_there.count("\U0001f600") == 5
    assert "\x00" not in said_there and "\ufffd" in said_there


def test_a_long_table_is_cut_and_says_so():
    made = table("Records", ("title",), range(MOST_ROWS + 5), lambda n: (named(n),))

    assert len(made.rows) == MOST_ROWS and made.cut
    assert as_json(report(made))["items"][0]["blocks"][0]["cut"] is True


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("revision", [None, 3])
def test_where_nothing_is_known_yet_a_report_says_what_lacks_and_no_number(kind, revision):
    gathered = Gathered("gardens", kind, revision, {})
    document = document_of(answered(gathered, dict.fromkeys(wanted(gathered))))

    assert typed(document) == [] and document.queries() == []
    assert len(json.dumps(as_json(document))) > 1_000 and as_docx(document)


@pytest.mark.parametrize(("since", "begun"), [("2026-11-30", True), ("2026-12-01", False)])
def test_a_cycle_that_has_not_begun_has_no_figures(since, begun):
    now = Gathered("gardens", "prisma-lsr", None, {})
    gathered = answered(now, {now.standing: Answer({"revisions": 0})})
    flow = {"cycle": 1, "since": since, "on": "2026-11-30", "identified": {"n": 0}}
    gathered = answered(gathered, {gathered.flow_of(1): Answer(flow)})

    (block,) = PARTS["cycle_flow"](gathered)
    assert isinstance(block, Table) is begun
    assert begun or block == said("The next cycle has not begun: its first day is {day}.", day=Stated(since))
    assert any(isinstance(it, Table) for it in PARTS["cycles"](gathered)) is begun
    of_revision = answered(Gathered("gardens", "prisma", 1, {}), {gathered.flow_of(1): Answer(flow)})
    assert isinstance(PARTS["cycle_flow"](of_revision)[0], Table) is begun


def coded(reports: int = 0, n: int = 0, **plan: Any) -> Gathered:
    """A review by a protocol that asks for coders in this way, with what is coded."""
    found = Gathered("gardens", "rameses", None, {})
    found = answered(found, {found.status: Answer({"protocol_version": 1})})
    found = answered(found, {found.protocol: Answer({"protocol": {"extraction": plan} if plan else {}})})
    if plan:
        assert found.coding_agreement in wanted(found)
    agreed: dict[str, Any] = {"reports": reports} | {
        name: {"n": n, "agreed": n - 1, "alpha": 0.5} for name in ("every", "where_both")
    }
    return answered(found, {found.coding_agreement: Answer(agreed)})


def test_how_many_code_a_report_and_how_far_they_agree_is_said_with_where_it_comes_from():
    blocks = PARTS["coders"](coded(2, n=4, coders=2, reconciled_by="adjudicator"))

    runs = [run for block in blocks for line in paragraphs_of(block) for run in line.runs]
    numbers = [(run.value, run.query.reading) for run in runs if isinstance(run, Number)]
    assert numbers[:3] == [
        (2, "protocol.extraction.coders"), (2, "reports"), (4, "every.n"),
    ] and (0.5, "where_both.alpha") in numbers  # fmt: skip
    assert Words("an adjudicator who did not code the report") in runs

    (*_, lacks) = PARTS["coders"](coded(coders=2, reconciled_by="coders"))
    assert isinstance(lacks, Lack)
    assert len(PARTS["coders"](coded(coders=1, reconciled_by="coders"))) == 1 and PARTS["coders"](coded()) == []
    assert PARTS["coders"].__name__ in {part for it in checklist("prisma").items for part in it.filled_by}


def test_what_is_known_of_each_study_is_a_table_whose_counts_say_where_they_come_from():
    found = Gathered("gardens", "prisma", None, {})
    found = answered(found, {found.status: Answer({"protocol_version": 1})})
    assert PARTS["characteristics"](found) == []
    found = answered(found, {found.protocol: Answer({"protocol": {"characteristics": [{"name": "design"}]}})})
    assert {found.asked_of_studies, found.described} <= {*wanted(found)}
    asked = [{"name": "design", "label": "Design", "kind": "choice", "required": True}]
    found = answered(found, {found.asked_of_studies: Answer(asked), found.described: Answer([])})
    assert isinstance(PARTS["characteristics"](found)[0], Lack)
    said_of_it = [{"value": ["a", "b"], "not_reported": False}, {"value": None, "not_reported": True}]
    study = {
        "study": "s", "lacking": 0, "apart": 1, "reports": [{"record": "r1", "title": "Gardens"}],
        "characteristics": [{"characteristic": "design", "answers": said_of_it}],
    }  # fmt: skip
    counts, _, studies = PARTS["characteristics"](answered(found, {found.described: Answer([study, study])}))

    assert [(it.value, it.query.reading) for it in counts.runs if isinstance(it, Number)] == [
        (2, "count of items[*]"), (0, "sum of items[*].lacking"), (2, "sum of items[*].apart"),
    ]  # fmt: skip
    assert studies.head == ("study", "Design")
    assert [cell.runs[0] for cell in studies.rows[0]] == [Stated("Gardens"), Stated("a; b | not reported")]


def test_an_item_names_what_lacks_in_it():
    item = report(Lack("Nobody has judged it yet.", ""), authored=(Authored("funding", "Who paid."),)).items[0]

    assert item.lacks == ("Nobody has judged it yet", "funding") and item.state == "lacking"
    assert state_of(item) == "What lacks here: Nobody has judged it yet; funding."


def test_what_is_asked_next_follows_from_what_was_answered():
    gathered = Gathered("gardens", "prisma", None, {})
    first = dict.fromkeys(wanted(gathered))
    first |= {
        gathered.standing: Answer({"revisions": 2}), gathered.status: Answer({"protocol_version": 4}),
        gathered.undated_flow: Answer({"on": "2026-11-30"}),
    }  # fmt: skip

    then = [request.line for request in wanted(answered(gathered, first))]

    assert then == [
        "GET /protocol/reviews/gardens/versions/4",
        "GET /screening/reviews/gardens/flow?on=2026-11-30",
        "GET /screening/reviews/gardens/flow?cycle=3",
    ]
