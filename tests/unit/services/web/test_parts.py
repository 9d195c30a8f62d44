"""The parts that pages stand on: words, addresses, proofs, marks, and turns."""

from __future__ import annotations

import asyncio
import html
import re
from datetime import date
from itertools import pairwise
from string import Formatter
from typing import get_args

import pytest
from httpx import Response
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from services.web import door, drawing, policy
from services.web.asking import Api
from services.web.citing import Citation
from services.web.comparing import parts, words_between
from services.web.door import Door
from services.web.drawing import STATIC
from services.web.faults import errors_of
from services.web.gate import Gate
from services.web.page import Pages, Web
from services.web.pages import ALL
from shared.errors import Busy, Invalid, LivingError
from shared.events.stages import Highlights
from shared.events.synthesis import FURTHER_CHANGES, Change, Changed
from shared.highlighting import spans

#: What is quoted in templates and is no text: the names of files.
FILES = (".html", ".css", ".js", ".atom")

pytestmark = pytest.mark.waits

TEMPLATES = STATIC.parent / "templates"


@given(st.text(max_size=40))
def test_whatever_a_link_names_one_goes_on_within_the_site(to):
    path = door.within(to)

    assert path.startswith("/") and not path.startswith("//") and "\\" not in path


@pytest.mark.parametrize("to", ["/reviews/a?b=c#d", "/", "/account"])
def test_a_path_of_ours_is_kept(to):
    assert door.within(to) == to


@given(st.text(min_size=1), st.text(min_size=1))
def test_a_proof_is_of_one_session(one, other):
    assert (door.proof(one) == door.proof(other)) is (one == other)


@pytest.mark.parametrize("what", [*get_args(Changed), FURTHER_CHANGES])
def test_whatever_differs_between_two_revisions_has_a_name_in_the_texts(what):
    change = Change(cmoc="c1", what=what, before="a", after="b", change_class="MINOR")

    ((line,),) = (part.lines for part in parts([change]))

    assert line.name is not None


def test_no_policy_lets_anything_run_that_is_not_a_file_of_ours():
    for allowed in ((), tuple(policy.MORE)):
        said = policy.policy(allowed)
        assert "unsafe" not in said and "http" not in said and "*" not in said and "data:" not in said


def test_every_text_is_said_somewhere_and_every_word_that_is_said_is_there():
    used, made = set(), set()
    for template in TEMPLATES.glob("*.html"):
        html = template.read_text()
        used |= {
            name for name in re.findall(r"""["']([a-z_]+\.[a-z_.]+)["'](?! ~)""", html) if not name.endswith(FILES)
        }
        used |= set(re.findall(r"""\bt\("([a-z_.]+)"[,)]""", html))
        made |= set(re.findall(r"""\bt\(\s*["']([a-z_.]+)["'] ~""", html))
        made |= set(re.findall(r"""\bworded\("([a-z_.]+)",""", html))
    code = "".join(path.read_text() for path in STATIC.parent.rglob("*.py"))
    used |= set(re.findall(r"""drawing\.text\("([a-z_.]+)\"""", code))
    made |= set(re.findall(r"""drawing\.text\(f"([a-z_.]+)\{""", code))
    made.add("field.")  # `drawing.field_of`
    used |= {label for table in ALL for shown in table.all for label in shown.labels.values()}
    used -= made
    known = set(drawing.texts())

    assert used <= known, used - known
    assert {name for name in known - used if not name.startswith(tuple(made))} == set()
    assert all(field != "" for text in drawing.texts().values() for _, field, _, _ in Formatter().parse(text))


def test_templates_and_files_have_no_styles_or_scripts_within():
    for template in TEMPLATES.glob("*.html"):
        html = template.read_text()
        if template.name == "picture-file.html":  # A picture of its own, whose policy names its style by its hash.
            html = html.replace("<style>", "")
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=|<script(?! src=)|\|\s*safe", html), template.name
        assert not re.search(r"""(?:src|href)=["'](?:https?:)?//(?!doi\.org)""", html), template.name


@given(st.text(max_size=60), st.lists(st.text(min_size=1, max_size=4).filter(str.strip), max_size=3))
def test_marks_lie_within_the_text_in_order_and_never_over_one_another(text, words):
    words = [word.strip() for word in words]
    found = list(spans(text, Highlights(include=words, exclude=words[:1])))

    assert all(0 <= begins < ends <= len(text) for begins, ends, _ in found)
    assert all(one[1] <= other[0] for one, other in pairwise(found))


def test_what_both_sides_name_speaks_against():
    assert [*spans("a garden of mice", Highlights(include=["garden", "mice"], exclude=["mice"]))] == [
        (2, 8, "include"),
        (12, 16, "exclude"),
    ]


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://a.org/x", True),
        ("http://a.org", True),
        ("javascript:alert(1)", False),
        ("//a.org", False),
        (None, False),
    ],
)
def test_only_addresses_of_the_web_are_led_to(address, shown):
    assert drawing.link(address) == (address if shown else None)


def test_of_one_visitor_so_many_pages_are_made_at_once_and_others_have_their_turn():
    async def many() -> list[str]:
        gate, begun, go = Gate(5, at_once=3, of_one=2, waiting=2), [], asyncio.Event()

        async def page(visitor: str) -> str:
            try:
                async with gate.turn(visitor):
                    begun.append(visitor)
                    await go.wait()
                    return "made"
            except Busy as error:
                return error.slug

        pages = [asyncio.ensure_future(page(who)) for who in ("a", "a", "a", "b", "c", "d", "e")]
        await asyncio.sleep(0.05)
        assert begun == ["a", "a", "b"]
        go.set()
        return await asyncio.gather(*pages)

    assert asyncio.run(many()) == ["made", "made", "busy", "made", "made", "made", "busy"]


def test_those_who_have_not_signed_in_wait_for_one_another_and_for_nobody_else():
    async def many() -> list[str]:
        gate, begun, go = Gate(5, at_once=4, of_one=1, waiting=10), [], asyncio.Event()

        async def page(session: str | None) -> str:
            async with gate.turn(session):
                begun.append(session or "nobody")
                await go.wait()
            return "made"

        pages = [asyncio.ensure_future(page(who)) for who in (None,) * 6 + ("a", "b")]
        await asyncio.sleep(0.05)
        assert begun == ["nobody", "nobody", "a", "b"]
        go.set()
        return await asyncio.gather(*pages)

    assert asyncio.run(many()) == ["made"] * 8


def test_who_waits_too_long_is_told_to_come_again_and_nobody_after_the_end():
    async def wait() -> list[str]:
        gate, said = Gate(0.05, at_once=1), []
        async with gate.turn("a"):
            try:
                async with gate.turn("b"):
                    said.append("made")
            except Busy as error:
                said.append(error.slug)
        gate.close()
        try:
            async with gate.turn("c"):
                said.append("made")
        except Busy as error:
            said.append(error.slug)
        return said

    assert asyncio.run(wait()) == ["busy", "stopping"]


#: What a page may be given as text, with what browsers take for something else.
HOSTILE = st.text(st.sampled_from("ab <>&\"'{}%$#_\\~^\r\n\u2028"), max_size=40)


@given(HOSTILE, HOSTILE)
def test_of_two_texts_that_are_compared_what_stays_and_came_is_the_one_and_what_stays_and_went_the_other(before, after):
    shown = str(words_between(before, after))

    came = re.sub(r"<del>.*?</del>", "", shown, flags=re.DOTALL)
    went = re.sub(r"<ins>.*?</ins>", "", shown, flags=re.DOTALL)
    assert html.unescape(re.sub(r"</?ins>", "", came)) == after
    assert html.unescape(re.sub(r"</?del>", "", went)) == before


@given(HOSTILE)
def test_whatever_a_title_holds_a_citation_has_one_field_a_line_and_closes_what_it_opens(title):
    cited = Citation(
        "gardens", title, 2, date(2026, 11, 30), "0" * 64, "https://living.example/reviews/gardens/findings/2"
    )

    bibtex = re.sub(r"\\[{}]", "", cited.bibtex())
    assert bibtex.count("{") == bibtex.count("}") and bibtex.endswith("}\n")
    assert len(cited.bibtex().splitlines()) == 11
    assert all(re.match(r"[A-Z][A-Z0-9]  - ", line) for line in cited.ris().split("\r\n")[:-1])


def shown_of(fault: Exception) -> Response:
    """The answer of a page that fails so."""
    table = Pages()

    @table.page("/fails", open_to="anybody")
    async def show_failing(asked):
        raise fault

    web = Web(Api(None, "http://nowhere.test"), Gate(5), Door(encrypted=False), "http://testserver")
    return TestClient(Starlette(routes=list(web.routes([table])))).get("/fails")


def test_what_is_wrong_is_named_as_forms_name_it_wherever_it_is_said():
    wrong = Invalid("two", [{"at": "body.links.0.cmocs", "why": "is missing"}, {"at": "query.on", "why": "is no day"}])

    assert [fault["at"] for fault in errors_of(wrong)] == ["links[0].cmocs", "on"]
    said = re.sub(r"<[^>]*>", "", shown_of(wrong).text)
    assert "Links 1: CMOC: is missing" in said and "Day: is no day" in said


@pytest.mark.parametrize(
    ("fault", "said"),
    [(RuntimeError("broken"), "a page failed"), (LivingError("odd"), "a page met what it does not know")],
)
def test_what_nobody_expected_of_a_page_stands_in_the_log_once(fault, said):
    with capture_logs() as logged:
        answer = shown_of(fault)

    assert answer.status_code == 500 and "broken" not in answer.text and "odd" not in answer.text
    assert [line["event"] for line in logged] == [said]
