"""The flow in a browser: a picture that loads nothing, the same figures as a table, at any date."""

from __future__ import annotations

import re
import struct

import pytest

from tests.unit.services.web.rig import REVIEW, Browser, Site

pytestmark = pytest.mark.waits

AT = f"/reviews/{REVIEW}/flow"


@pytest.fixture(scope="module")
def reader(site: Site) -> Browser:
    site.founds()
    site.brings("A shared garden", "A second garden")
    return site.member("Rita", "reader")


def test_the_figures_are_those_of_the_api_as_a_picture_and_as_a_table(site, reader):
    flow = site.client(reader).screening.flow(REVIEW)
    reader.goes(AT)

    assert flow.identified.n == 2
    assert re.search(
        r"Found \(records identified\)</th><td class=.n.>2</td><td class=.n.>0</td><td class=.n.>2<", reader.text
    )
    assert "sift: reached" in reader.text

    picture = reader.http.get(f"{AT}.svg")
    assert picture.headers["content-type"] == "image/svg+xml" and picture.text.startswith("<svg")
    said = picture.headers["content-security-policy"]
    assert said.startswith("default-src 'none'; style-src 'sha256-") and "unsafe" not in said


def test_it_is_to_be_had_in_pixels_twice_as_large_as_it_is_drawn(site, reader):
    reader.goes(AT)
    (at,) = re.findall(r'href="([^"]+\.png)"', reader.text)
    svg, png = reader.http.get(f"{AT}.svg").text, reader.http.get(at)

    (width, height) = re.search(r'width="(\d+)" height="(\d+)"', svg).groups()
    assert png.headers["content-type"] == "image/png" and png.content.startswith(b"\x89PNG")
    assert struct.unpack(">II", png.content[16:24]) == (2 * int(width), 2 * int(height))
    assert reader.http.get(f"{AT}.png?on=yesterday").status_code == 422


def test_it_is_shown_as_it_was_on_a_day(site, reader):
    reader.goes(f"{AT}?on=2020-01-01")

    assert "As of 2020-01-01" in reader.text and "flow.svg?on=2020-01-01" in reader.text
    assert re.search(r"Found \(records identified\)</th><td class=.n.>0<", reader.text)


@pytest.mark.parametrize("asked", ["on=yesterday", "on=2020-13-01", "cycle=x", "cycle=-1", "on=2020-01-01&cycle=1"])
def test_what_is_no_day_and_no_cycle_is_said_so(site, reader, asked):
    reader.goes(f"{AT}?{asked}")

    assert reader.page.status_code in (404, 422) and "That went wrong" not in reader.text
