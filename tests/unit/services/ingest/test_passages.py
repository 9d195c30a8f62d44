"""Passages: each copy is parsed in a process of its own, read by whom it is for, and cannot do more than be refused."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import func, select

from services.ingest.domain import passages as domain
from services.ingest.domain.passages import NotParsed, read_parse
from services.ingest.jobs import parsing, pruning
from services.ingest.ports.parsing import html, jats, plain
from services.ingest.ports.parsing.worker import Died, Parser
from services.ingest.ports.sources.catalog import Sources
from shared.db.tables import BlobNameRow
from shared.events.ingest import TextParsed
from tests.unit.services.ingest.conftest import opened
from tests.unit.services.ingest.made_articles import article
from tests.unit.services.ingest.made_pdfs import Typeset, Word, bomb, encrypted, pdf, without_text
from tests.unit.services.ingest.rig import REVIEW, IngestBench
from tests.unit.services.ingest.test_texts import bring, fill, record, upload, withdraw

BODY = (
    "<sec><label>1</label><title>Background</title><p>Boards meet <italic>often</italic>."
    "<xref ref-type='bibr' rid='b1'><sup>1</sup></xref> They had 10<sup>2</sup> members.</p>"
    "<p>They list:<list><list-item><p>trust</p></list-item><list-item><p>vision</p></list-item></list></p>"
    "<sec><title>Setting</title><p>England.</p>"
    "<fig><label>Figure 1</label><caption><p>Who meets whom.</p></caption></fig></sec></sec>"
    "<sec><title>Findings</title><p>Trust grew<fn><p>A note.</p></fn> in time.</p></sec>"
)
FRONT = "<abstract><p>Boards decide together.</p></abstract>"
TEXT = b"Boards meet often.\nThey trust each leader-\nship.\n\nA second paragraph."


@pytest.fixture
def ready(bench: IngestBench) -> IngestBench:
    return fill(bench)


def parsed(bench: IngestBench, content: bytes, **about: Any) -> str:
    """A copy that was brought and parsed."""
    text: str = bring(bench, content, **about)["text"]
    bench.runs(parsing.parse_texts)
    return text


def passages(bench: IngestBench, text: str, *, role: str = "reviewer", status: int = 200, **asked: Any) -> Any:
    path = f"/ingest/reviews/{REVIEW}/texts/{text}/passages"
    answer = bench.person("rea", role).get(path, params=asked)
    assert answer.status_code == status, answer.text
    return answer.json()


def shown(bench: IngestBench, text: str) -> Any:
    return bench.get(f"texts/{text}")


def with_parser(bench: IngestBench, parser: Any) -> None:
    bench.running.resource(Sources).parser = parser


# Each kind


def test_an_article_is_read_by_its_sections_without_notes_and_their_marks(ready):
    text = parsed(ready, article(BODY, front=FRONT), licence="cc-by")

    found = passages(ready, text)["items"]
    assert [(one["kind"], one["locator"], one["words"]) for one in found] == [
        ("heading", "title", "How boards decide"),
        ("heading", "abs", "Abstract"),
        ("paragraph", "abs/p1", "Boards decide together."),
        ("heading", "sec1", "1 Background"),
        ("paragraph", "sec1/p1", "Boards meet often. They had 10² members."),
        ("paragraph", "sec1/p2", "They list:"),
        ("paragraph", "sec1/p3", "trust"),
        ("paragraph", "sec1/p4", "vision"),
        ("heading", "sec1.1", "Setting"),
        ("paragraph", "sec1.1/p1", "England."),
        ("paragraph", "sec1.1/p2", "Figure 1 Who meets whom."),
        ("heading", "sec2", "Findings"),
        ("paragraph", "sec2/p1", "Trust grew in time."),
    ]
    assert found[9]["section"] == "How boards decide > 1 Background > Setting"
    assert found[9]["page"] is None


def test_a_page_of_the_web_is_read_without_its_menus_and_scripts():
    page = b"""<!doctype html><html><head><title>T</title><script>var no = "<p>No</p>"</script></head><body>
        <nav><p>Menu</p></nav><h1>Boards</h1><p>They meet&nbsp;often &amp; long.</p><div>Loose words<br>here</div>
        <h2>Later</h2><ul><li>One</li><li>Two</li></ul></body></html>"""
    parse = html.parse(page)

    assert [(one.kind, one.locator, parse.of(one)) for one in parse.passages] == [
        ("heading", "h1", "Boards"),
        ("paragraph", "h1/p1", "They meet often & long."),
        ("paragraph", "h1/p2", "Loose words here"),
        ("heading", "h2", "Later"),
        ("paragraph", "h2/p1", "One"),
        ("paragraph", "h2/p2", "Two"),
    ]


def test_plain_text_is_read_by_its_blank_lines():
    parse = plain.parse(TEXT)

    said = [(one.locator, parse.of(one)) for one in parse.passages]
    assert said == [
        ("p1", "Boards meet often. They trust each leader\u00adship."),
        ("p2", "A second paragraph."),
    ]


def test_columns_are_read_one_after_another_without_what_stands_at_the_edge_of_each_page(ready):
    words = "says that fifty-five officers of the board met efficiently in time."
    said = [" ".join(f"Paragraph {number}.{part} {words}" for part in range(6)) for number in range(30)]
    text = parsed(ready, Typeset(is_interleaved=True).made(said), licence="cc-by")

    found = passages(ready, text, limit=500)["items"]
    paragraphs = [one["words"].replace("\u00ad", "") for one in found if one["kind"] == "paragraph"]
    # Of a hyphen at a line's end nobody knows whether it is the word's own.
    assert [one.replace("-", "") for one in paragraphs] == [one.replace("-", "") for one in said]
    assert {one["words"] for one in found if one["kind"] == "heading"} >= {"Section 1 of this report"}
    assert not any("Journal of Things" in one["words"] for one in found)
    pages = [one["page"] for one in found]
    assert pages == sorted(pages) and pages[0] == 1 and pages[-1] > 1
    assert all(one["locator"].startswith(f"page{one['page']}/") for one in found)


# What cannot be parsed says why


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (encrypted(), "encrypted"),
        (without_text(), "no_text_layer"),
        (without_text(5000), "too_many_pages"),
        (pdf([[Word(72, 700, 10, "Boards decide.")]])[:700] + b"\n%%EOF", "damaged"),
        (b"%PDF-1.7\n%%EOF\n", "damaged"),
        (article("", front=FRONT), "metadata_only"),
        (article("<sec><title>Only titles</title></sec>"), "metadata_only"),
    ],
    ids=["encrypted", "pictures", "5000 pages", "truncated", "empty", "without a body", "titles alone"],
)
def test_what_cannot_be_parsed_says_why_and_is_told(ready, content, why):
    text = parsed(ready, content)

    parse = shown(ready, text)["parse"]
    assert (parse["state"], parse["why"], parse["sha256"]) == ("unparsed", why, None)
    assert parse["reason"]
    (event,) = ready.emitted(TextParsed)
    assert (event.text, event.state, event.why, event.paragraphs) == (text, "unparsed", why, 0)
    refused = passages(ready, text, status=409)
    assert refused["type"].endswith("not_parsed") and refused["why"] == why


def test_a_page_that_unpacks_to_half_a_gigabyte_is_a_bomb(ready):
    assert shown(ready, parsed(ready, bomb()))["parse"]["why"] == "bomb"


ENTITIES = '<!DOCTYPE article [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (f"{ENTITIES}<article><body><p>&b;</p></body></article>", "bomb"),
        (
            '<!DOCTYPE article [<!ENTITY x SYSTEM "file:///etc/passwd">]><article><body><p>&x;</p></body></article>',
            "bomb",
        ),
        ("<article><body>" + "<sec>" * 500 + "<p>x</p>" + "</sec>" * 500 + "</body></article>", "bomb"),
        ("<article><body><p>It breaks", "damaged"),
        ("", "damaged"),
        ("<article><!-- The publisher does not allow this --><front/></article>", "metadata_only"),
        ("<pmc-articleset><Reply/></pmc-articleset>", "metadata_only"),
    ],
    ids=["laughs", "outward", "deep", "truncated", "nothing", "held back", "no article"],
)
def test_articles_that_mean_harm_or_say_nothing_are_refused(content, why):
    with pytest.raises(NotParsed) as refused:
        jats.parse(content.encode())

    assert refused.value.why == why


def test_an_article_of_old_encodings_and_names_is_read_all_the_same():
    old = '<?xml version="1.0" encoding="iso-8859-1"?><article><body><p>caf\xe9 &mdash; &amp; A&B</p></body></article>'

    assert jats.parse(old.encode("latin-1")).text == "café — & A&B"


@pytest.mark.waits
def test_a_file_of_no_bytes_or_too_many_is_not_even_begun():
    for size, why in ((0, "damaged"), (domain.LARGEST["jats"] + 1, "too_large")):
        with pytest.raises(NotParsed) as refused:
            Parser().parse("jats", lambda: iter(()), size, threading.Event())
        assert refused.value.why == why


def test_what_takes_too_long_is_ended_and_one_may_ask_for_it_again(ready):
    with_parser(ready, Parser(longest=0.0))
    text = parsed(ready, TEXT, licence="cc-by")
    assert shown(ready, text)["parse"]["why"] == "timed_out"

    with_parser(ready, Parser())
    ready.post(f"texts/{text}/parse")
    ready.post(f"texts/{text}/parse", role="reviewer", status=403)
    ready.runs(parsing.parse_texts)

    assert shown(ready, text)["parse"]["state"] == "parsed"
    assert [event.state for event in ready.emitted(TextParsed)] == ["unparsed", "parsed"]


@pytest.mark.waits
def test_what_takes_more_memory_than_it_may_is_ended():
    with pytest.raises((NotParsed, Died)):
        Parser(memory=1).parse("txt", lambda: iter((TEXT,)), len(TEXT), threading.Event())


class Deadly:
    """A parser that every copy kills, or those of some sizes."""

    def __init__(self, size: int | None = None) -> None:
        self.size, self.tried = size, 0

    def parse(self, kind: Any, content: Any, size: int, stopping: Any) -> Any:
        if self.size in (None, size):
            self.tried += 1
            raise Died
        return Parser().parse(kind, content, size, stopping)


def test_a_copy_that_kills_what_parses_it_is_damaged_after_some_times_and_in_nobodys_way(ready):
    deadly = Deadly(len(TEXT))
    with_parser(ready, deadly)
    bad = bring(ready, TEXT)["text"]
    good = bring(ready, b"Another text.")["text"]

    ready.runs(parsing.parse_texts)
    ready.runs(parsing.parse_texts)

    assert shown(ready, bad)["parse"]["why"] == "damaged"
    assert shown(ready, good)["parse"]["state"] == "parsed"
    assert deadly.tried == domain.MOST_DEATHS


def test_what_a_parser_that_was_led_astray_answers_is_not_taken():
    sound = plain.parse(TEXT)
    content = sound.to_json()
    assert read_parse(content) == sound

    for odd in (
        content.replace(b'"p2"', b'"p1"'),
        content.replace(b'"form":1', b'"form":9'),
        content.replace(b'"paragraph"', b'"script"', 1),
        content.replace(b'"passages":[', b'"passages":[["paragraph","p0",0,99999,null,null,null],'),
        content.replace(b"Boards", b"\\u0000ards"),
        b"[]",
        b"{}",
    ):
        with pytest.raises((ValueError, KeyError)):
            read_parse(odd)


# Once, whatever happens


def test_what_is_parsed_is_told_once_on_the_flow_of_its_record(ready):
    text = parsed(ready, TEXT, licence="cc-by")
    ready.runs(parsing.parse_texts)
    bring(ready, TEXT, licence="cc-by")
    ready.runs(parsing.parse_texts)

    (event,) = ready.emitted(TextParsed)
    parse = shown(ready, text)["parse"]
    assert (event.record, event.sha256, event.paragraphs) == (record(ready), parse["sha256"], 2)
    assert (event.parser, event.parse) == ("plain-1", parse["parse"])
    (envelope,) = [one for one in ready.journal() if one.type == "ingest.text.parsed"]
    assert envelope.correlationid == record(ready)


@pytest.mark.waits
@pytest.mark.parametrize("step", ["begun", "parsed", "written"])
def test_a_copy_whose_process_was_killed_in_the_middle_is_taken_up_again(tmp_path, step):
    with opened(tmp_path, None) as bench:
        text = bring(fill(bench), TEXT, licence="cc-by")["text"]
    child = subprocess.run(
        [sys.executable, "-m", "tests.unit.services.ingest.passages_child", step, str(tmp_path)],
        capture_output=True, check=False,
    )  # fmt: skip
    assert child.returncode == -signal.SIGKILL, child.stderr

    with opened(tmp_path, None, at="2020-02-01T00:00:00+00:00") as bench:
        bench.runs(parsing.parse_texts)

        assert shown(bench, text)["parse"]["state"] == "parsed"
        assert len(bench.emitted(TextParsed)) == 1


def test_a_platform_that_ends_leaves_its_copy_for_the_next(ready):
    text = bring(ready, TEXT)["text"]
    ready.running.stopping.set()
    ready.runs(parsing.parse_texts)
    assert shown(ready, text)["parse"] is None
    assert passages(ready, text, status=409)["type"].endswith("not_parsed_yet")

    ready.running.stopping.clear()
    ready.runs(parsing.parse_texts)

    assert shown(ready, text)["parse"]["state"] == "parsed"


@pytest.fixture
def newer(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Has plain text be read by another parser, which makes this of a copy."""

    class Newer:
        text = ""

        def parse(self, kind: Any, content: Any, size: int, stopping: Any) -> Any:
            if not self.text:
                raise NotParsed("timed_out")
            made = plain.parse(self.text.encode())
            return domain.Parse("plain-2", made.text, made.passages)

    monkeypatch.setattr("services.ingest.domain.passages.PARSERS", {**domain.PARSERS, "txt": "plain-2"})
    for module in ("services.ingest.store.passages", "services.ingest.commands.passages"):
        monkeypatch.setattr(f"{module}.PARSERS", {**domain.PARSERS, "txt": "plain-2"})
    yield Newer()


def test_what_another_parser_read_is_parsed_anew_and_what_it_made_is_forgotten_in_time(ready, newer):
    text = bring(ready, TEXT, licence="cc-by")["text"]
    # As the release before did.
    with_parser(ready, _Before())
    ready.runs(parsing.parse_texts)
    first = shown(ready, text)["parse"]
    assert first["parser"] == "plain-1"

    newer.text = "Boards meet often. They trust each leadership, and more."
    with_parser(ready, newer)
    ready.runs(parsing.have_texts_parsed_anew)
    ready.runs(parsing.parse_texts)
    ready.runs(parsing.have_texts_parsed_anew)
    ready.runs(parsing.parse_texts)

    second = shown(ready, text)["parse"]
    assert (second["parser"], second["parse"] != first["parse"]) == ("plain-2", True)
    assert len(ready.emitted(TextParsed)) == 2
    ready.clock.advance(days=1)
    with ready.work() as work:
        assert pruning.parses_of_long_ago(work, work.now, 10) == 1
        assert pruning.parses_of_long_ago(work, work.now, 10) == 0
    assert passages(ready, text)["items"][0]["words"].endswith("and more.")


class _Before:
    def parse(self, kind: Any, content: Any, size: int, stopping: Any) -> Any:
        made = plain.parse(b"".join(content()))
        return domain.Parse("plain-1", made.text, made.passages)


def test_where_another_parser_fails_what_the_one_before_made_stays(ready, newer):
    text = bring(ready, TEXT, licence="cc-by")["text"]
    with_parser(ready, _Before())
    ready.runs(parsing.parse_texts)

    with_parser(ready, newer)
    for _ in range(2):
        ready.runs(parsing.have_texts_parsed_anew)
        ready.runs(parsing.parse_texts)

    assert shown(ready, text)["parse"]["parser"] == "plain-1"
    assert len(passages(ready, text)["items"]) == 2
    assert len(ready.emitted(TextParsed)) == 1


# Reading


def test_passages_are_read_a_page_at_a_time_and_never_of_two_parses(ready, newer):
    text = bring(ready, b"One.\n\nTwo.\n\nThree.", licence="cc-by")["text"]
    with_parser(ready, _Before())
    ready.runs(parsing.parse_texts)

    page = passages(ready, text, role="reader", limit=2)
    assert [one["words"] for one in page["items"]] == ["One.", "Two."]
    rest = passages(ready, text, limit=2, cursor=page["next"])
    assert ([one["number"] for one in rest["items"]], rest["next"]) == ([2], None)
    passages(ready, text, cursor="AAAA", status=422)

    newer.text = "One.\n\nTwo and a half."
    with_parser(ready, newer)
    ready.runs(parsing.have_texts_parsed_anew)
    ready.runs(parsing.parse_texts)
    refused = passages(ready, text, limit=2, cursor=page["next"], status=422)
    assert refused["errors"][0]["at"] == "cursor"


@pytest.mark.parametrize(
    ("about", "may"),
    [
        ({"licence": "cc-by"}, {"reader": 200, "reviewer": 200, "lead": 200}),
        ({}, {"reader": 403, "reviewer": 200, "lead": 200}),
        ({"licence_class": "closed"}, {"reader": 403, "reviewer": 200, "lead": 200}),
        ({"licence": "cc-by", "readers": "leads"}, {"reader": 403, "reviewer": 403, "lead": 200}),
    ],
)
def test_a_copy_is_read_by_whom_it_is_for(ready, about, may):
    text = parsed(ready, TEXT, **about)

    for role, status in may.items():
        passages(ready, text, role=role, status=status)


def test_a_closed_copy_is_read_by_no_program_and_by_nobody_unknown(ready):
    closed, free = parsed(ready, TEXT), parsed(ready, b"An open text.", licence="cc-by")

    program = ready.person("key_1", "reviewer", key="key_1")
    statuses = [program.get(f"/ingest/reviews/{REVIEW}/texts/{text}/passages").status_code for text in (closed, free)]
    assert statuses == [403, 200]
    anybody = ready.person(f"public:{REVIEW}", "public", (REVIEW,))
    for path in ("passages", "anchors"):
        assert anybody.get(f"/ingest/reviews/{REVIEW}/texts/{free}/{path}").status_code == 403
    assert ready.anybody().get(f"/ingest/reviews/{REVIEW}/texts/{free}/passages").status_code == 401
    assert ready.reader.get(f"/ingest/reviews/{REVIEW}/texts/text_0/passages").status_code == 404


def test_of_a_copy_that_is_withdrawn_no_passage_stays(ready):
    text = parsed(ready, TEXT)
    withdraw(ready, text)

    assert passages(ready, text, status=404)["type"].endswith("copy_withdrawn")
    assert shown(ready, text)["parse"] is None
    with ready.work(readonly=True) as work:
        assert work.session.execute(select(func.count()).select_from(BlobNameRow)).scalar_one() == 0


def test_a_copy_that_is_withdrawn_before_it_is_parsed_is_not_parsed(ready):
    text = bring(ready, TEXT)["text"]
    withdraw(ready, text)
    ready.runs(parsing.parse_texts)

    assert ready.emitted(TextParsed) == []


def test_what_is_corrected_of_a_copy_keeps_its_passages(ready):
    first = parsed(ready, TEXT)
    second = bring(ready, TEXT, licence="cc-by")["text"]
    ready.runs(parsing.parse_texts)

    assert first != second
    assert shown(ready, second)["parse"]["state"] == "parsed"
    assert len(passages(ready, second, role="reader")["items"]) == 2
    assert len(ready.emitted(TextParsed)) == 1


def test_a_file_that_nobody_sent_is_no_copy_to_be_parsed(ready):
    upload(ready, TEXT)
    ready.runs(parsing.parse_texts)

    assert ready.emitted(TextParsed) == []
