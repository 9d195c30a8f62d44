"""Unpaywall: locations that can be followed and those that cannot, and fields that are no longer filled."""

from __future__ import annotations

import json
from typing import Any

import httpx
import orjson
import pytest

from services.ingest.ports.fulltext.port import Location
from services.ingest.ports.fulltext.unpaywall import read_work
from services.ingest.ports.sources.http import Answer, Malformed

DOI = "10.1038/nature12373"
REPOSITORY = {
    "url": "https://example.org/1.pdf",
    "url_for_pdf": "https://example.org/1.pdf",
    "url_for_landing_page": "http://example.org/1",
    "license": None,
    "version": "acceptedVersion",
    "host_type": "repository",
    "evidence": "deprecated",
    "updated": "deprecated",
}
PUBLISHER = REPOSITORY | {
    "url": "https://example.com/2", "url_for_pdf": None, "url_for_landing_page": "https://example.com/2",
    "license": "cc-by", "version": "publishedVersion", "host_type": "publisher",
}  # fmt: skip
WORK = {
    "doi": DOI.upper(), "is_oa": True, "oa_status": "green", "best_oa_location": PUBLISHER,
    "oa_locations": [REPOSITORY, PUBLISHER],
}  # fmt: skip


def read(**fields: Any):
    body = orjson.dumps(WORK | fields)
    return read_work(Answer(200, httpx.Headers({"content-type": "application/json"}), body), DOI)


def test_the_best_location_comes_first_and_no_location_twice():
    found = read()
    assert (found.doi, found.openness, found.remarks) == (DOI, "green", [])
    assert found.locations == [
        Location(
            url="https://example.com/2", page="https://example.com/2", licence="cc-by", version="published",
            host="publisher",
        ),
        Location(
            url="https://example.org/1.pdf", pdf="https://example.org/1.pdf", page="http://example.org/1",
            version="accepted", host="repository",
        ),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "url",
    [
        None, 7, "", " ", "no address", "ftp://example.org/1", "javascript:alert(1)", "file:///etc/passwd", "https://",
        "https://exa mple.org/", "https://example.org/\x00", "https://example.org/\ud800", "http://[", "https://a:b:c/",
        "https://example.org/" + "x" * 3000, {"url": "https://example.org"},
    ],
)  # fmt: skip
def test_a_location_without_an_address_that_can_be_followed_is_left_out_and_remarked(url):
    body = f'{{"url": {json.dumps(url)}, "url_for_pdf": null, "url_for_landing_page": null}}'
    raw = orjson.dumps(WORK | {"best_oa_location": None, "oa_locations": [PUBLISHER, "BAD"]}).decode()
    answer = Answer(200, httpx.Headers({"content-type": "application/json"}), raw.replace('"BAD"', body).encode())
    found = read_work(answer, DOI)
    assert [each.url for each in found.locations] == ["https://example.com/2"]
    assert "1 of its locations have no address that can be used" in found.remarks


def test_a_location_is_reached_by_whichever_address_it_has():
    only = {"url_for_landing_page": "https://example.org/1"}
    assert read(best_oa_location=only, oa_locations=None).best == Location(
        url="https://example.org/1", page="https://example.org/1"
    )


def test_a_best_location_that_cannot_be_used_is_counted_once():
    odd = PUBLISHER | {"url": "javascript:alert(1)", "url_for_pdf": None, "url_for_landing_page": None}
    found = read(best_oa_location=odd, oa_locations=[odd, PUBLISHER])
    assert found.remarks == ["1 of its locations have no address that can be used"]
    assert len(found.locations) == 1


def test_what_is_open_and_nowhere_is_remarked():
    assert read(best_oa_location=None, oa_locations=[]).remarks == ["it is said to be open, and nothing says where"]


@pytest.mark.parametrize(("status", "shown"), [("platinum", "platinum"), ({}, "{}"), (7, "7")])
def test_a_way_of_being_open_that_nobody_knows_is_remarked(status, shown):
    found = read(oa_status=status)
    assert (found.openness, found.remarks) == (None, [f"{shown} is no way of being open that we know"])


def test_words_that_nobody_knows_count_as_absent():
    odd = PUBLISHER | {"version": "draft", "host_type": ["publisher"], "license": 7}
    assert read(best_oa_location=odd, oa_locations=[]).best == Location(
        url="https://example.com/2", page="https://example.com/2"
    )


def test_a_crowd_of_locations_is_cut():
    many = [PUBLISHER | {"url": f"https://example.com/{n}"} for n in range(5_000)]
    assert len(read(oa_locations=many).locations) <= 101


@pytest.mark.parametrize(
    "fields", [{"is_oa": "yes"}, {"is_oa": None}, {"oa_locations": {}}, {"doi": None}, {"doi": "10.1038/nature12374"}]
)
def test_what_is_no_answer_about_the_work_is_malformed(fields):
    with pytest.raises(Malformed):
        read(**fields)
