"""Text out of titles and abstracts as sources really send them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.ports.sources.markup import plain, prose, squeeze, text_of

JATS = "<jats:{0}>{1}</jats:{0}>"


@pytest.mark.parametrize(
    ("title", "read"),
    [
        ("Health &amp; Social Care", "Health & Social Care"),
        ("Twice &amp;amp; escaped &amp;lt;1", "Twice & escaped <1"),
        ("γ-Aminobutyric Acid<sub>B</sub> receptors", "γ-Aminobutyric AcidB receptors"),
        ("H<sub>2</sub>O", "H2O"),
        ("&lt;p&gt;Current perspectives&lt;/p&gt;", "Current perspectives"),
        ("Neuropathy&lt;SUBTITLE&gt;A trial&lt;/SUBTITLE&gt;", "Neuropathy A trial"),
        ("  Two\n                    lines ", "Two lines"),
        ("Outcome when p <0.05 and n> 3", "Outcome when p <0.05 and n> 3"),
        ("a < b > c", "a < b > c"),
        ("5,7-Dimethyl-1<i>H</i>-indole", "5,7-Dimethyl-1H-indole"),
        ("<mml:math><mml:mi>x</mml:mi></mml:math> of health", "x of health"),
        ("A title \x00 with a NUL", "A title with a NUL"),
        ("", None),
        ("   ", None),
        ("<i></i>", None),
        (None, None),
    ],
)
def test_a_title_is_read_as_plain_text(title, read):
    assert plain(title) == read


def test_words_that_italics_glued_together_come_apart():
    assert plain("An<i>in vitro</i>FcRn assay") == "An in vitro FcRn assay"
    assert plain("from<i>In Vitro</i>to<i>In Vivo</i>") == "from In Vitro to In Vivo"


def test_a_jats_abstract_keeps_its_headings_and_paragraphs():
    section = JATS.format(
        "sec", JATS.format("title", "Methods") + JATS.format("p", "We <jats:italic>asked</jats:italic>.")
    )
    assert prose(JATS.format("title", "Abstract") + section + JATS.format("p", "Then more.")) == (
        "Methods: We asked.\nThen more."
    )


def test_the_word_abstract_is_no_heading():
    assert prose("<jats:title>ABSTRACT</jats:title><jats:p>Text.</jats:p>") == "Text."


def test_the_word_abstract_alone_is_no_abstract():
    assert prose("<jats:p>Abstract</jats:p>") is None
    assert prose("<jats:p>Abstract.</jats:p><jats:p>Abstract art heals.</jats:p>") == "Abstract art heals."


def test_a_heading_without_a_paragraph_is_not_lost():
    assert prose("<jats:p>Text.</jats:p><jats:title>Graphical abstract</jats:title>") == "Text.\nGraphical abstract"
    nested = "<sec><title>Results</title><sec><title>Leaders</title><p>They led.</p></sec></sec>"
    assert prose(nested) == "Results\nLeaders: They led."


def test_europe_pmc_headings_stand_before_loose_text():
    assert prose("<h4>Background</h4>It was H<sub>2</sub>O.<h4>Methods</h4>We asked.") == (
        "Background: It was H2O.\nMethods: We asked."
    )


def test_an_escaped_abstract_is_unescaped_and_then_read():
    assert prose("&lt;jats:p&gt;Escaped &amp;amp; whole&lt;/jats:p&gt;") == "Escaped & whole"


def test_a_bare_sign_eats_no_text():
    assert prose("<p>Support fell (p<0.05) & trust rose when n < 30.</p>") == (
        "Support fell (p<0.05) & trust rose when n < 30."
    )


def test_html_entities_that_xml_does_not_know_are_read():
    assert prose("<p>One&nbsp;two&mdash;three</p>") == "One two—three"


def test_a_broken_abstract_loses_its_tags_only():
    assert prose("<jats:p>First <jats:italic>second</jats:p> third") == "First second third"


def test_mathematics_keeps_its_symbols_and_drops_its_latex():
    formula = (
        "<jats:p>A <jats:inline-formula><jats:alternatives><jats:tex-math>\\alpha</jats:tex-math>"
        '<mml:math xmlns:mml="http://www.w3.org/1998/Math/MathML"><mml:mi>α</mml:mi></mml:math>'
        "</jats:alternatives></jats:inline-formula> b</jats:p>"
    )
    assert prose(formula) == "A α b"


def test_an_abstract_cannot_declare_entities():
    bomb = '<!DOCTYPE a [<!ENTITY x "boom">]><jats:p>&x;&x;</jats:p>'
    assert "boom boom" not in (prose(bomb) or "")
    assert "boomboom" not in (prose(bomb) or "")


def test_nothing_is_no_abstract():
    assert prose(None) is None
    assert prose(" \n ") is None
    assert prose("<jats:p> </jats:p>") is None
    assert text_of(None) is None


@given(st.text())
def test_any_text_at_all_is_read_without_an_error(text):
    for read in (plain(text), prose(text)):
        assert read is None or read == read.strip()


@given(st.text(alphabet="ab <>&/;p\"'=", max_size=40))
def test_reading_keeps_every_letter_that_is_not_in_a_tag(text):
    kept = "".join(sign for sign in (prose(f"<p>x{text}y</p>") or "") if sign in "xy")
    assert kept.startswith("x")
    assert kept.endswith("y")


@given(st.text())
def test_squeezing_twice_changes_nothing(text):
    assert squeeze(squeeze(text)) == squeeze(text)
