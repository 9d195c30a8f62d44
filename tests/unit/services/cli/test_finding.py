"""`living search`: searches that one saves, and is told of, from a terminal."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import get_args

import pytest

from services.cli import finding
from services.search.manifest import SERVICE
from shared.events.synthesis import ChangeClass, Element, Inference, Stance, Status
from tests.unit.services.search.test_pieces import adopts, described, published
from tests.unit.services.search.test_search import discovered
from tests.workbench import Workbench


@pytest.fixture
def search(serve, tmp_path) -> Iterator[Workbench]:
    bench = Workbench(SERVICE, tmp_path / "search")
    serve(bench)
    yield bench
    bench.close()


def living(as_, *words: str):
    return as_("ana", "search", *words, role="reader")


def test_a_search_is_saved_tells_of_what_is_new_until_that_ends_and_is_forgotten(search, as_):
    about = ("--from", "2019-01-01", "--status", "included", "--notice", "none")
    made = json.loads(living(as_, "save", "garden", "Trust", "title:trust", *about, "--alert", "--json").stdout)
    assert (made["q"], made["published_from"], made["status"], made["alert"]) == (
        "title:trust", "2019-01-01", ["included"], True,
    )  # fmt: skip

    listed = " ".join(living(as_, "saved", "garden").stdout.split())
    assert "Trust" in listed
    assert "title:trust; published_from 2019-01-01; status included; notice none" in listed
    assert living(as_, "alert", "garden", made["saved"], "--off").stdout.strip() == made["saved"]
    assert json.loads(living(as_, "saved", "garden", "--json").stdout)[0]["alert"] is False
    add = "living subscriptions add garden --kind alert --email you@example.org"
    assert add in living(as_, "alert", "garden", made["saved"]).stderr.splitlines()
    assert "Trust is forgotten" in living(as_, "forget", "garden", made["saved"]).stdout
    assert json.loads(living(as_, "saved", "garden", "--json").stdout) == []


def test_records_like_one_are_printed_or_that_there_are_none(search, as_):
    twins = [discovered("a", "Trust among gardeners"), discovered("b", "Trust among the [gardeners] of towns")]
    search.hears(*twins, discovered("c", "Hospital beds"))
    search.running.resources.refresh()

    assert living(as_, "alike", "r", "a").stdout.splitlines()[0] == "Trust among the [gardeners] of towns"
    assert living(as_, "alike", "r", "c").stdout == "no other record is like it\n"


def test_what_the_synthesis_says_is_found_and_printed_as_people_wrote_it(search, as_):
    search.hears(described("f1", "Leaders [share] power"), described("f2", "Leaders share power too"), published())
    adopts(search, "c1")
    search.running.resources.refresh()

    fragments = living(as_, "fragments", "small", "power", "--stance", "supports", "--facets").stdout
    assert "Leaders [share] power" in fragments and "supports c1 (outcome, explicit)" in fragments
    assert "2 of 2" in fragments and "cmoc: c1 2" in fragments
    assert "f2" in living(as_, "fragments", "small", "--like", "f1").stdout
    assert "c1  Trust" in living(as_, "theories", "small", "trust").stdout
    assert "revision 1  MAJOR" in living(as_, "releases", "small", "--class", "MAJOR").stdout
    assert json.loads(living(as_, "releases", "small", "listen", "--json").stdout)["total"] == 1


@pytest.mark.parametrize("more", [["trust"], ["--stance", "bounds"]])
def test_what_is_like_a_fragment_is_not_asked_for_by_words_or_links_too(as_, search, more):
    refused = living(as_, "fragments", "r", *more, "--like", "frag_1")

    assert refused.exit_code == 2 and "leave these out" in refused.output


def test_what_can_be_narrowed_by_is_what_there_is():
    said = (finding.ELEMENTS, finding.STANCES, finding.INFERENCES, finding.STATUSES, finding.CLASSES)

    assert list(said) == [get_args(it) for it in (Element, Stance, Inference, Status, ChangeClass)]
