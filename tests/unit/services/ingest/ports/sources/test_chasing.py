"""Chases of OpenAlex whose answers lie: what it lists or counts is given, rejected or missing, and never lost."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

import httpx
import orjson
import pytest

from services.ingest.jobs.chasing import Position
from services.ingest.ports.sources.citing import Seed
from services.ingest.ports.sources.http import Access
from services.ingest.ports.sources.openalex import OpenAlex
from services.ingest.ports.sources.port import LONGEST_CURSOR, Page, SourceRefused
from tests.unit.services.ingest.ports.sources.wire import Net, json_reply

#: What is asked of an answer: the name of the filter, its values, and the cursor if any.
Asked = tuple[str, list[str], str | None]


def work(number: int, *cites: int, **fields: Any) -> dict[str, Any]:
    address = "https://openalex.org/W"
    cited = [f"{address}{each}" for each in cites]
    return {"id": f"{address}{number}", "title": f"Work {number}", "referenced_works": cited} | fields


class Answers:
    """OpenAlex with these works, five to a page; `change` makes another body of what it answers, and what it
    `refuses` (ids, DOIs, cursors) it takes in no request."""

    def __init__(
        self,
        *works: dict[str, Any],
        change: Callable[[Asked, dict[str, Any]], dict[str, Any]] = lambda asked, body: body,
        refuses: Sequence[str] = (),
    ) -> None:
        self.works, self.change, self.refuses = works, change, set(refuses)
        self.net = Net(self._answer)
        self.source = OpenAlex(Access("https://openalex.example"), self.net.client, per_page=5, **self.net.timing)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        name, _, values = request.url.params["filter"].partition(":")
        asked = name, values.split("|"), request.url.params.get("cursor")
        if self.refuses.intersection([*asked[1], asked[2]]) or len(asked[1]) > 100:
            return json_reply({"error": "Invalid query parameters error.", "message": "that is none"}, 400)
        there = [each for each in self.works if self._is_asked_for(each, name, set(asked[1]))]
        start = int(asked[2]) if asked[2] not in (None, "*") else 0
        page = there[start : start + 5] if asked[2] else there
        following = str(start + 5) if asked[2] and page else None
        body = {"meta": {"count": len(there), "next_cursor": following}, "results": page}
        return json_reply(self.change(asked, body))

    def _is_asked_for(self, each: dict[str, Any], name: str, values: set[str]) -> bool:
        if name == "cites":
            return any(one.rpartition("/")[2] in values for one in each["referenced_works"] or ())
        if name == "doi":
            return each.get("doi") in values
        return (each["id"] or each["ids"]["openalex"]).rpartition("/")[2] in values

    def chase(self, *seeds: Seed, cursor: str | None = None) -> list[Page]:
        return list(self.source.chase(seeds, cursor))

    @property
    def filters(self) -> list[str]:
        return [asked["filter"] for asked in self.net.asked]


REPORT = Seed(record="rec", ids=["W1"])


def found(pages: Sequence[Page]) -> set[str]:
    return {each.source_id for page in pages for each in page.records}


def missing(pages: Sequence[Page]) -> list[str]:
    return [each for page in pages for each in page.missing]


def remarks(pages: Sequence[Page]) -> str:
    return "; ".join(each for page in pages for each in page.remarks)


def of_works(*items: Any, asked_with: str) -> Callable[[Asked, dict[str, Any]], dict[str, Any]]:
    """Where that id is looked up, these items come, as if they were all that was asked for."""

    def change(asked: Asked, body: dict[str, Any]) -> dict[str, Any]:
        return body | {"results": list(items)} if asked[0] != "cites" and asked_with in asked[1] else body

    return change


def test_an_item_that_nothing_identifies_is_one_rejection_of_the_chase():
    answers = Answers(work(1, 2, 3), work(2), work(3), change=of_works(work(2), None, asked_with="W3"))

    pages = answers.chase(REPORT)

    (rejection,) = [each for page in pages for each in page.rejections]
    assert (rejection.source_id, rejection.excerpt) == (None, "{}")
    assert found(pages) == {"W2"}


def test_a_work_that_comes_twice_stands_for_no_other():
    twice = of_works(work(2), work(2), work(4), asked_with="W2")

    def change(asked: Asked, body: dict[str, Any]) -> dict[str, Any]:
        # And of one that is asked for by itself nothing comes.
        return body | {"results": []} if asked[:2] == ("ids.openalex", ["W3"]) else twice(asked, body)

    answers = Answers(work(1, 2, 3, 4), work(2), work(3), work(4), change=change)
    (page,) = answers.source.look_up(["W2", "W3", "W4"], date(2026, 11, 1))
    assert page.missing == ["W3"]

    pages = answers.chase(REPORT)
    assert (found(pages), missing(pages)) == ({"W2", "W4"}, ["W3"])


def listing(count: int) -> list[dict[str, Any]]:
    return [work(1, *range(2, count + 2)), *(work(number) for number in range(2, count + 2))]


@pytest.mark.parametrize("count", [1, 3])
def test_a_few_works_that_are_all_refused_are_missing(count):
    refused = [f"W{number}" for number in range(2, count + 2)]

    pages = Answers(*listing(count), refuses=refused).chase(REPORT)

    assert (found(pages), missing(pages)) == (set(), refused)
    assert all(f"{each} is refused" in remarks(pages) for each in refused)


def test_a_quarter_of_a_batch_may_be_refused_and_costs_no_other_work():
    refused = [f"W{number}" for number in range(10, 20)]

    pages = Answers(*listing(40), refuses=refused).chase(REPORT)

    assert missing(pages) == refused
    assert found(pages) == {f"W{number}" for number in range(2, 42)} - set(refused)


def test_a_source_that_refuses_more_of_a_batch_refuses_whatever_it_is_asked():
    with pytest.raises(SourceRefused, match="that is none"):
        Answers(*listing(40), refuses=[f"W{number}" for number in range(10, 21)]).chase(REPORT)


def citing(count: int) -> list[dict[str, Any]]:
    """A report that so many works cite, of which five come at once."""
    return [work(1), *(work(number, 1) for number in range(20, 20 + count))]


def walked(pages: Sequence[Page]) -> tuple[int, int]:
    """How many works came, and how many lack."""
    return len(found(pages)), sum(page.lacking for page in pages)


def test_a_walk_that_gives_the_same_works_again_lacks_the_others():
    first = citing(20)[1:6]

    def second_again(asked: Asked, body: dict[str, Any]) -> dict[str, Any]:
        return body | {"results": first} if asked[2] == "5" else body

    pages = Answers(*citing(20), change=second_again).chase(REPORT)

    assert walked(pages) == (15, 5)
    assert "5 of 20 works that cite W1 did not come from openalex" in remarks(pages)
    assert missing(pages) == [] and pages[-1].cursor is None


def test_a_walk_that_goes_on_counts_what_it_gave_before():
    answers = Answers(*citing(20))
    pages = answers.chase(REPORT)

    for stop, page in enumerate(pages[:-1], 1):
        rest = answers.chase(REPORT, cursor=page.cursor)
        assert found(pages[:stop]) | found(rest) == found(pages)
        assert walked(rest)[1] == 0


def test_a_walk_whose_cursor_lapsed_begins_anew_with_its_count():
    cursor = Answers(*citing(20)).chase(REPORT)[2].cursor
    assert cursor and '"10' in cursor

    def breaks_off(asked: Asked, body: dict[str, Any]) -> dict[str, Any]:
        return body | {"meta": body["meta"] | {"next_cursor": None}} if asked[2] == "5" else body

    pages = Answers(*citing(20), change=breaks_off, refuses=["10"]).chase(REPORT, cursor=cursor)

    assert walked(pages) == (10, 10)


def test_a_walk_that_gives_nothing_new_ends_however_much_its_count_promises():
    numbers = itertools.count()

    def endless(asked: Asked, body: dict[str, Any]) -> dict[str, Any]:
        if asked[0] != "cites":
            return body
        return {"meta": {"count": 10**9, "next_cursor": str(next(numbers))}, "results": citing(1)[1:]}

    answers = Answers(*citing(1), change=endless)
    pages = answers.chase(REPORT)

    assert walked(pages) == (1, 10**9 - 1)
    assert len(answers.net.requests) < 20


def test_a_report_that_cannot_be_read_as_a_record_is_chased_all_the_same():
    pages = Answers(work(1, 2, title="word " * 2000), work(2), work(3, 1)).chase(REPORT)

    assert found(pages) == {"W2", "W3"}
    assert missing(pages) == [] and remarks(pages) == ""


def test_a_report_that_may_be_what_came_without_an_id_is_missing():
    pages = Answers(work(1, 2), work(2), change=of_works(None, asked_with="W1")).chase(REPORT)

    assert (found(pages), missing(pages)) == (set(), ["citations of W1"])


def test_a_report_with_its_id_among_its_ids_alone_is_chased():
    report = work(1, 2) | {"id": None, "ids": {"openalex": "https://openalex.org/W1"}}

    assert found(Answers(report, work(2)).chase(REPORT)) == {"W2"}


def test_a_report_whose_id_is_gone_is_asked_for_by_its_doi():
    answers = Answers(work(7, 2, doi="10.1000/s"), work(2), work(3, 7))

    pages = answers.chase(Seed(record="rec", ids=["W404"], doi="10.1000/s"))

    assert {(link.seed, link.found, link.direction) for page in pages for link in page.links} == {
        ("rec", "W2", "backward"), ("rec", "W3", "forward"),
    }  # fmt: skip
    assert remarks(pages) == ""


def test_a_report_that_is_refused_is_missing_and_costs_no_other_its_chase():
    answers = Answers(work(1, 2), work(2), refuses=["10.1000/(odd"])

    pages = answers.chase(REPORT, Seed(record="another", doi="10.1000/(odd"), Seed(record="third", doi="10.1000/none"))

    assert (found(pages), missing(pages)) == ({"W2"}, ["citations of 10.1000/(odd"])
    assert "10.1000/(odd is refused" in remarks(pages)
    assert "does not know 1 of the reports asked about: 10.1000/none" in remarks(pages)


def test_reports_with_more_ids_than_a_filter_takes_are_walked_some_at_a_time():
    reports = [work(number) for number in range(1, 151)]
    works = [work(1000 + number, number) for number in range(1, 151, 10)]
    seeds = [Seed(record=f"rec-{each}", ids=[f"W{each + 25 * more}" for more in range(6)]) for each in range(1, 26)]
    answers = Answers(*reports, *works)
    pages = answers.chase(*seeds)

    assert walked(pages) == (15, 0)
    assert len({each for each in answers.filters if each.startswith("cites:")}) == 3
    for stop, page in enumerate(pages[:-1], 1):
        rest = answers.chase(*seeds, cursor=page.cursor)
        assert found(pages[:stop]) | found(rest) == found(pages), page.cursor
        assert walked(rest)[1] == 0
    links = {(link.seed, link.found) for page in pages for link in page.links}
    assert links == {(f"rec-{(each - 1) % 25 + 1}", f"W{1000 + each}") for each in range(1, 151, 10)}


def test_a_report_whose_list_of_cited_works_is_none_lacks_it():
    pages = Answers(work(1, referenced_works=None), work(2, 1)).chase(REPORT)

    assert (found(pages), missing(pages)) == ({"W2"}, ["what W1 cites"])


def test_a_listed_work_that_comes_by_another_id_is_missing_and_not_gone():
    merged = of_works(work(9), asked_with="W3")

    pages = Answers(work(1, 2, 3), work(2), work(3), change=merged).chase(REPORT)

    assert missing(pages) == ["W2", "W3"] and "does not have" not in remarks(pages)


def test_most_reports_may_be_refused_and_cost_the_others_nothing():
    refused = [f"10.1000/odd-{number}" for number in range(8)]
    seeds = [Seed(record=f"rec-{doi}", doi=doi) for doi in refused]

    good = Seed(record="good", doi="10.1000/good")
    pages = Answers(work(1, 2, doi=good.doi), work(2), refuses=refused).chase(good, *seeds)

    assert (found(pages), missing(pages)) == ({"W2"}, [f"citations of {doi}" for doi in refused])
    with pytest.raises(SourceRefused, match="that is none"):
        Answers(refuses=refused).chase(*seeds)


def test_a_source_cursor_of_quotes_leaves_the_cursor_of_a_chase_short_enough():
    longest = '"' * ((LONGEST_CURSOR - 400) // 2 - 1)

    def quoted(asked: Asked, body: dict[str, Any]) -> dict[str, Any]:
        return body | {"meta": body["meta"] | {"next_cursor": longest}} if asked[2] == "*" else body

    pages = itertools.islice(Answers(*citing(10), change=quoted).source.chase([REPORT]), 2)
    cursor = max((page.cursor or "" for page in pages), key=len)
    assert len(cursor) > len(longest)
    position = Position(after="rec_" + "0" * 32, seeds="0" * 64, at=orjson.loads(cursor))

    assert len(position.model_dump_json()) <= LONGEST_CURSOR
