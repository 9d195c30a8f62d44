"""Pictures of a synthesis in a browser: each beside a table that says the same, and as a file."""

from __future__ import annotations

import re
import struct
from html import unescape
from xml.etree import ElementTree

import pytest

from tests.unit.services.web.rig import PROTOCOL, REVIEW, Browser, Site
from tests.unit.services.web.test_findings import included, signs

pytestmark = pytest.mark.waits

AT = f"/reviews/{REVIEW}"
FIGURES = f"{AT}/synthesis/figures"
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def reader(site: Site) -> Browser:
    """Two revisions are signed: a study speaks to a CMOC, and another against it."""
    site.founds(PROTOCOL.replace("context: c,", "context: c <b> & d,"))
    signs(site, included(site, "Gardens & <trust>"), "trust grew", "The first evidence.")
    record = included(site, "Gardens and doubt")
    signs(site, record, "none", "One speaks against it.", stance="contradicts", inference="inferred")
    return site.member("Rita", "reader")


def shapes(svg: str) -> list[str]:
    """What the shapes of a picture are called."""
    return [title.text or "" for title in ElementTree.fromstring(svg).iter(f"{SVG}title")]


def test_the_map_is_drawn_beside_a_table_that_says_the_same(site, reader):
    reader.goes(FIGURES)

    assert '<svg class="picture" aria-hidden="true"' in reader.text and "style=" not in reader.text
    said = " ".join(unescape(reader.words).split())
    assert "c1 Gardens & <trust> supports 1 1 See them c1, Gardens & <trust>, supports" in said
    assert "c1 Gardens and doubt contradicts 1 0 See them c1, Gardens and doubt, contradicts" in said


def test_an_edge_leads_to_its_quotes_and_no_others(site, reader):
    reader.goes(FIGURES)
    (at,) = {unescape(it) for it in re.findall(r'href="([^"]*stance=contradicts[^"]*)"', reader.text)}
    reader.goes(at)
    cards = reader.text.split('id="evidence"')[1]
    assert "none" in cards and "trust grew" not in cards and "of one study" in reader.words


@pytest.mark.parametrize(
    ("path", "named"),
    [
        (f"{FIGURES}/map", "Gardens & <trust>: supports c1. Claims: 1, of which outright: 1."),
        (f"{FIGURES}/matrix", "c1, whole: contradicts 1 (0)"),
        (f"{AT}/synthesis/cmocs/c1/diagram", "Context: c <b> & d"),
        (f"{AT}/findings/1/cmocs/c1/diagram", "Context: c <b> & d"),
        (f"{AT}/findings/figures/support", "c1: 1 at revision 2"),
    ],
)
def test_each_picture_is_a_file_that_loads_nothing_and_one_of_pixels(reader, path, named):
    picture, pixels = reader.http.get(f"{path}.svg"), reader.http.get(f"{path}.png")

    assert picture.headers["content-type"] == "image/svg+xml" and named in shapes(picture.text)
    assert "href" not in picture.text and "script" not in picture.text
    said = picture.headers["content-security-policy"]
    assert said.startswith("default-src 'none'; style-src 'sha256-") and "unsafe" not in said
    (width, height) = re.search(r'width="(\d+)" height="(\d+)"', picture.text).groups()
    assert struct.unpack(">II", pixels.content[16:24]) == (2 * int(width), 2 * int(height))


def test_the_map_is_kept_as_graphml(reader):
    kept = reader.http.get(f"{FIGURES}/map.graphml")
    assert kept.headers["content-type"].startswith("application/graphml+xml")
    assert ElementTree.fromstring(kept.text).tag == "{http://graphml.graphdrawing.org/xmlns}graphml"


def test_the_matrix_names_what_each_study_speaks_to(reader):
    reader.goes(f"{FIGURES}/matrix")
    assert "the whole: supports 1 (1)" in reader.words and "the whole: contradicts 1 (0)" in reader.words


def test_saturation_says_what_each_study_changed(reader):
    reader.goes(f"{FIGURES}/saturation")
    words = " ".join(unescape(reader.words).split())
    assert "c1, status: no evidence yet → partially supported" in words
    assert "c1, status: partially supported → contested" in words
    assert "Last major change: revision 1" in words and "Last minor change: revision 2" in words


def test_support_is_drawn_revision_by_revision(reader):
    reader.goes(f"{AT}/findings/figures")
    row = re.search(r'<tr><th scope="row"><a[^>]*>c1</a></th>(.*?)</tr>', reader.text).group(1)
    assert re.findall(r">([^<]+)</td>", row) == ["1", "1"]


def test_a_theory_that_there_is_not_is_not_found(reader):
    assert reader.http.get(f"{FIGURES}?theory=luck").status_code == 404
    assert reader.http.get(f"{AT}/findings/1/cmocs/nothing").status_code == 404
    assert reader.http.get(f"{AT}/findings/9/cmocs/c1").status_code == 404


def test_anybody_sees_what_was_published_where_a_review_is_public_and_no_more(site, reader):
    anybody = Browser(site)
    assert anybody.goes(f"{AT}/findings/figures").at == "/sign-in"
    with site.client(site.admin) as living:
        living.people.set_public(REVIEW, True)
    site.waits(lambda: anybody.goes(f"{AT}/findings/figures").at == f"{AT}/findings/figures")
    assert "Support over time" in anybody.text
    anybody.goes(f"{AT}/findings/2/cmocs/c1")
    assert "contradicts: links 1" in anybody.words
    for path in (FIGURES, f"{FIGURES}/map.svg", f"{FIGURES}/saturation", f"{AT}/synthesis/cmocs/c1/diagram.svg"):
        assert anybody.goes(path).at == "/sign-in"
