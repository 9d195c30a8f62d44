"""Chases of OpenAlex whose answers lie: what it lists or counts is given, rejected or missing, and never lost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

import httpx
import pytest

from services.ingest.ports.sources.citing import Seed
from services.ingest.ports.sources.http import Access
from services.ingest.ports.sources.openalex import OpenAlex
from services.ingest.ports.sources.port import Page, SourceRefused
from tests.unit.services.ingest.ports.sources.wire import Net, json_reply

#: What is asked of an answer: the name of the filter, its values, and the cursor if any.
Asked = tuple[str, list[str], str | None]


def work(number: int, *cites: int, **fields: Any) -> dict[str, Any]:
    address = "https://openalex.org/W"
    cited = [f"{address}{each}" for each in cites]
    return {"id": f"{address}{number}", "title": f"Work {number}", "referenced_works": cited} | fields


class Answers:
    """OpenAlex with these works, five to a page; `change` makes another body of what it answers, and ids or DOIs that
    it `refuses` it takes in no filter."""

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
        if self.refuses.intersection(asked[1]) or len(asked[1]) > 100:
            return json_reply({"error": "Invalid query parameters error.", "message": "that is none"}, 400)
        there = [each for each in self.works if self._is_asked_for(each, name, set(asked[1]))]
        start = int(asked[2]) if asked[2] not in (None, "*") else 0
        page = there[start : start + 5] if asked[2] else there
        following = str(start + 5) if asked[2] and page else None
        body = {"meta": {"count": len(there), "next_cursor": following}, "results": page}
        return json_reply(self.change(asked, body))

    def _is_asked_for(self, each: dict[str, Any], name: str, values: set[str]) -> bool:
        if name == "cites":
            return any(one.rpartition("/")[2] in values for one in each["referenced_works"])
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
