"""Text out of titles and abstracts as sources really send them."""

from __future__ import annotations

from time import process_time
from xml.etree.ElementTree import fromstring

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.ports.sources.markup import clean, plain, prose, squeeze, text_of

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
        ("scores <median and others >median", "scores <median and others >median"),
        ("HbA1c <a threshold of 7% and BMI >30", "HbA1c <a threshold of 7% and BMI >30"),
        ("Risk at p <i and q> 3", "Risk at p <i and q> 3"),
        ("adults <5 years and >65 years", "adults <5 years and >65 years"),
        ("scores &lt;median and &gt;mean", "scores <median and >mean"),
        ("&amp;amp;lt; is more than twice", "&lt; is more than twice"),
        ("an address?a=1&copy=2 of R&D", "an address?a=1&copy=2 of R&D"),
        ("<a href=\"http://x.test/?a>b\" title='c'>Linked</a>", "Linked"),
        ("One<br/>two<BR>three", "One two three"),
        ("<jats:p>One.</jats:p><jats:p>Two.", "One. Two."),
        ("A<!-- not said -->B<![CDATA[ & <C]]>", "AB & <C"),
        ("10<sup>6</sup> cells, x<sup>2</sup>", "10^6 cells, x2"),
        ("soft\u00adhyphens, zero\u200bwidth\ufeff", "softhyphens, zerowidth"),
        ("cafe\u0301", "caf\u00e9"),
        ("\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"),
        ("5,7-Dimethyl-1<i>H</i>-indole", "5,7-Dimethyl-1H-indole"),
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


@pytest.mark.parametrize(
    ("title", "read"),
    [
        ("<scp>C</scp>arebase: an<scp>R</scp>package", "Carebase: an R package"),
        ("of<scp>rFAC</scp>a from the<scp>CARE</scp>clinics", "of rFACa from the CARE clinics"),
        ("Mc<sc>D</sc>onald and H <scp>i</scp>", "McDonald and H i"),
        ("Leadership<i>in</i>care", "Leadership in care"),
        ("with<italic>C. longa</italic>and", "with C. longa and"),
        ("hydrogel:<i>In vivo</i>effects", "hydrogel: In vivo effects"),
        ("mi<i>RNA</i>s of <i>KRAS</i>s", "miRNAs of KRASs"),
        ("<i>PRO</i>spective, <b>SYM</b>ptoms, <i>P</i>atients", "PROspective, SYMptoms, Patients"),
        ("T<i>in</i>y", "Tiny"),
        (
            "(\n             <i>Cura longa</i>\n             ) and more\n             .",
            "(Cura longa) and more.",
        ),
        ("CD5<sup>+</sup> and <i>p</i>-styrene", "CD5+ and p-styrene"),
    ],
)
def test_a_word_stays_whole_and_two_words_stay_apart(title, read):
    assert plain(title) == read


MATHS = "<mml:math>{}</mml:math>".format
X, TWO, SIX = "<mml:mi>x</mml:mi>", "<mml:mn>2</mml:mn>", "<mml:mn>6</mml:mn>"


@pytest.mark.parametrize(
    ("formula", "read"),
    [
        (X, "x"),
        (f"<mml:msup>{X}{TWO}</mml:msup>", "x^2"),
        (f"<mml:msub>{X}{TWO}</mml:msub>", "x2"),
        ("<mml:msup><mml:mi>Ca</mml:mi><mml:mrow><mml:mn>2</mml:mn><mml:mo>+</mml:mo></mml:mrow></mml:msup>", "Ca2+"),
        ("<mml:msup><mml:mi/><mml:mn>18</mml:mn></mml:msup><mml:mi>F</mml:mi>", "18F"),
        (f"<mml:mfrac>{X}<mml:mrow>{X}<mml:mo>+</mml:mo>{TWO}</mml:mrow></mml:mfrac>", "x/(x+2)"),
        (f"<mml:msqrt>{X}</mml:msqrt>", "√x"),
        (f"<mml:mover>{X}<mml:mo>¯</mml:mo></mml:mover>", "x̄"),
        (f"<mml:mfenced>{X}{TWO}</mml:mfenced>", "(x, 2)"),
        (f"<mml:mi>sin</mml:mi><mml:mo>&#x2061;</mml:mo>{X}", "sin x"),
        (f"<mml:semantics>{X}<mml:annotation>x it is</mml:annotation></mml:semantics>", "x"),
        (f"\n  <mml:mrow>\n    {X}\n    <mml:mo>=</mml:mo>\n    {SIX}\n  </mml:mrow>\n", "x=6"),
    ],
)
def test_mathematics_is_a_line_of_text(formula, read):
    assert plain(f"Care at {MATHS(formula)} of health") == f"Care at {read} of health"


@pytest.mark.parametrize(
    ("title", "read"),
    [
        (r"The $\alpha$-synuclein of \textit{E. coli}", "The α-synuclein of E. coli"),
        (r"H$_2$O and $\mathrm{CO}_{2}$ at $x^{2}$", "H2O and CO2 at x^2"),
        (r"Up to $\frac{a+b}{2}$, \(\sqrt{n}\) and $n=5$", "Up to (a+b)/2, √n and n=5"),
        (r"Schr\"odinger's \emph{caf\'{e}} {\it in vivo}", "Schrödinger's café in vivo"),
        (r"$p \leq 0.05$ and $\pm$ 3\%", "p ≤ 0.05 and ± 3%"),
        (r"\mathbf{Leading} with $\bar{x}$", "Leading with x̄"),
        ("Saving $18 billion, or $20 each", "Saving $18 billion, or $20 each"),
        (r"US$A in C:\new \"quoted\" {DNA}", r"US$A in C:\new \"quoted\" {DNA}"),
        (r"10$^{6}$ cells and 10$^{-3}$ l", "10^6 cells and 10^-3 l"),
        (r"Half a formula $\alpha", "Half a formula $α"),
    ],
)
def test_tex_is_read_as_text_and_money_as_money(title, read):
    assert plain(title) == read


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


def test_a_heading_that_asks_is_followed_by_its_answer():
    assert prose("<h4>What is known?</h4>Little.<h4>Methods.</h4>We asked.") == (
        "What is known? Little.\nMethods: We asked."
    )


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
    assert prose("<jats:p>First <jats:italic>second</jats:p> third") == "First second\nthird"


def test_mathematics_keeps_its_symbols_and_drops_its_latex():
    formula = (
        "<jats:p>A <jats:inline-formula><jats:alternatives><jats:tex-math>\\alpha</jats:tex-math>"
        '<mml:math xmlns:mml="http://www.w3.org/1998/Math/MathML"><mml:mi>α</mml:mi></mml:math>'
        "</jats:alternatives></jats:inline-formula> b</jats:p>"
    )
    assert prose(formula) == "A α b"


def test_a_formula_in_latex_alone_is_read():
    document = (
        r"\documentclass[12pt]{minimal} \usepackage{amsmath} \begin{document}$$\beta = \frac{1}{2}$$\end{document}"
    )
    assert prose(f"<jats:p>At <jats:tex-math>{document}</jats:tex-math>.</jats:p>") == "At β = 1/2."


def test_a_formula_in_two_forms_side_by_side_is_read_once():
    formula = f"<inline-formula><tex-math>$x$</tex-math>{MATHS(X)}</inline-formula>"
    assert prose(f"<p>Where {formula} stands.</p>") == "Where x stands."


def test_what_is_hidden_hides_nothing_else_when_it_never_ends():
    assert plain("Leading <style>p { color: red }</style>care") == "Leading care"
    assert plain("Leading <style>care") == "Leading care"


def test_an_abstract_cannot_declare_entities():
    bomb = '<!DOCTYPE a [<!ENTITY x "boom">]><jats:p>&x;&x;</jats:p>'
    assert "boom boom" not in (prose(bomb) or "")
    assert "boomboom" not in (prose(bomb) or "")


def test_nothing_is_no_abstract():
    assert prose(None) is None
    assert prose(" \n ") is None
    assert prose("<jats:p> </jats:p>") is None
    assert text_of(None) is None


def test_an_xml_element_is_read_as_text_is():
    citation = fromstring(
        "<ArticleTitle>Scores &lt;median, <i>in</i> <sub>2</sub><!-- aside -->O and &amp;lt;5 &lt;i&gt;so&lt;/i&gt;"
        f"{MATHS(X).replace('mml:', '')}</ArticleTitle>"
    )
    assert text_of(citation) == "Scores <median, in 2O and <5 so x"


@pytest.mark.parametrize(
    "hostile",
    [
        "<" * 200_000,
        "<i>" * 60_000,
        "<mrow>" * 30_000,
        "<mfrac>" * 10_000 + "x" * 100_000 + "</mfrac>" * 10_000,
        "<!--" * 50_000,
        "<![CDATA[" * 20_000,
        "<i a='" * 30_000,
        '<p a="x" ' * 20_000,
        "<i href=a " * 20_000,
        "<a" + " " * 200_000,
        "<i></i>" * 25_000,
        "a<i>" + "<b>b" * 40_000 + "</i>",
        "&amp;" * 40_000,
        "$" * 200_000,
        "$a_" * 60_000,
        r"\textit{" * 25_000,
        "{\\it " * 40_000,
        "<tex-math>" + "^{" * 100_000,
        "<tex-math>" + r"\frac" * 40_000,
        "\n" * 200_000,
    ],
    ids=lambda hostile: hostile[:12],
)
@pytest.mark.waits
def test_hostile_text_takes_no_longer_than_its_length(hostile):
    started = process_time()
    prose(hostile)
    text_of_it = plain(hostile)
    assert process_time() - started < 5
    assert len(text_of_it or "") <= 2 * len(hostile)


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


@pytest.mark.parametrize("read", [squeeze, clean, plain, prose])
def test_what_commands_a_terminal_or_turns_a_line_around_is_left_out(read):
    sent = ["\x07", "\x1b", "\x7f", "\x80", "\x9b", "\x9d", "\u061c", "\u200f", "\u202e", "\u2066", "\u2069"]

    assert read("".join(f"a {sign} " for sign in sent)) == " ".join("a" * len(sent))
