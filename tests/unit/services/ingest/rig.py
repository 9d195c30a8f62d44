"""What the tests of ingest play with: a source that they fill, works, and a bench that pulls from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from functools import cached_property
from typing import Any

from fastapi.testclient import TestClient

from services.ingest.jobs import pulling
from services.ingest.manifest import SERVICE
from services.ingest.ports.fulltext.fetching import TextFetcher
from services.ingest.ports.fulltext.port import FullTexts
from services.ingest.ports.sources.catalog import Sources
from services.ingest.ports.sources.port import (
    Heard,
    Keep,
    Notice,
    Page,
    Query,
    Rejection,
    SourceRecord,
    SourceRefused,
    keep_nothing,
)
from shared.events.base import Envelope, Event
from shared.events.protocol import Cmoc, Definitions, Protocol, Strategy, Theory, VersionPublished
from shared.events.stages import Answer, Stage
from shared.events.values import Identifiers
from tests.workbench import Workbench

REVIEW = "ics-leadership"
SOURCES = ("crossref", "pubmed", "europepmc", "openalex")
LONG_TITLE = "How leadership works in integrated care systems: a realist review"
PEOPLE = ["Nicholson, Caroline", "Hepworth, Julie", "Burridge, Letitia", "Marley, John"]


NOW = datetime(2020, 1, 1, tzinfo=UTC)


@dataclass
class LocalSource:
    """A source in this process. It gives what `entered` in the window, `per_page` items a page.

    `trouble` is raised before the page of that number (counted from 0 over the source's life), once.
    """

    name: str
    per_page: int = 3
    items: list[SourceRecord | Rejection] = field(default_factory=list)
    trouble: dict[int, Exception] = field(default_factory=dict)
    asked: list[tuple[date, date, str | None]] = field(default_factory=list)
    reported: int | None = None
    datings: tuple[str, ...] = ("came",)
    least_overlap_days: int = 0
    slack: float = 0.0
    #: How many works may be looked up at once; none where it cannot be asked by ids, and so makes no sweeps.
    ids_at_once: int = 0
    looked_up: list[tuple[list[str], date]] = field(default_factory=list)
    #: Ids that it refuses to look up, and whatever it is asked with them.
    refuses: set[str] = field(default_factory=set)
    #: Ids that it lists and never gives.
    missing: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    #: The raw answers that each page is read from, page by page.
    answers: list[list[bytes]] = field(default_factory=list)
    #: The rate and budget headers of each of its raw answers.
    quota: dict[str, str] = field(default_factory=dict)
    #: How many pages it has given.
    given: int = 0

    def put(self, *items: SourceRecord | Rejection) -> None:
        """Puts items into the source, each in place of the one that was there under its id."""
        fresh = {item.source_id for item in items}
        self.items = [item for item in self.items if item.source_id not in fresh] + list(items)

    def pages(self, query: Query, cursor: str | None = None, keep: Keep = keep_nothing) -> Iterator[Page]:
        self.asked.append((query.since, query.until, cursor))
        there = [item for item in self.items if self._in_window(item, query)]
        at = int(cursor or 0)
        while True:
            if self.given in self.trouble:
                raise self.trouble.pop(self.given)
            self.given += 1
            for body in self.answers.pop(0) if self.answers else ():
                keep(
                    Heard(
                        f"GET https://{self.name}.example/works?page={self.given}",
                        200,
                        "text/plain",
                        NOW,
                        body,
                        self.quota,
                    )
                )
            batch = there[at : at + self.per_page]
            at += self.per_page
            yield Page(
                records=[item for item in batch if isinstance(item, SourceRecord)],
                rejections=[item for item in batch if isinstance(item, Rejection)],
                cursor=str(at) if at < len(there) else None,
                reported=self.reported if self.reported is not None else len(there),
                missing=self.missing,
                remarks=self.remarks,
            )
            if at >= len(there):
                return

    def look_up(self, ids: Sequence[str], since: date, keep: Keep = keep_nothing) -> Iterator[Page]:
        self.looked_up.append((list(ids), since))
        if len(self.looked_up) - 1 in self.trouble:
            raise self.trouble.pop(len(self.looked_up) - 1)
        for refused in [each for each in ids if each in self.refuses]:
            raise SourceRefused(f"{self.name} refuses {refused}", source=self.name)
        there = [item for item in self.items if item.source_id in ids]
        yield Page(records=[item for item in there if isinstance(item, SourceRecord)], missing=self.missing)

    def _in_window(self, item: SourceRecord | Rejection, query: Query) -> bool:
        entered = getattr(item, "entered", None)
        return entered is None or query.since <= entered <= query.until


def work(source: str, source_id: str, title: str | None = LONG_TITLE, **fields: Any) -> SourceRecord:
    """A source's record of a work; identifiers may be given by their names."""
    known = {name: fields.pop(name) for name in list(fields) if name in Identifiers.model_fields}
    defaults: dict[str, Any] = {
        "authors": PEOPLE,
        "venue": "International Journal of Integrated Care",
        "published": "2018-03-08",
        "kind": "article",
    }
    return SourceRecord(
        source=source, source_id=source_id, title=title, identifiers=Identifiers(**known), **{**defaults, **fields}
    )


def rejection(
    source: str, source_id: str | None = None, reason: str = "it has no title", position: int = 0
) -> Rejection:
    return Rejection(source=source, source_id=source_id, position=position, reason=reason, excerpt="{}")


def retracted(record: SourceRecord, **notice: Any) -> SourceRecord:
    return record.model_copy(update={"notices": [Notice(**{"kind": "retraction", **notice})]})


def strategy(source: str, query: str = "leadership", **fields: Any) -> Strategy:
    """The strategy of a source; its id is the source's name unless another is given."""
    return Strategy(**{"id": source, "source": source, "query": query, "every_days": 7, "overlap_days": 3, **fields})


def version(number: int, *strategies: Strategy, review: str = REVIEW, **fields: Any) -> VersionPublished:
    """A protocol version with these strategies and the names of its `stages`, and the least of everything else."""
    answers = [Answer(value="include", leads_to="advance"), Answer(value="exclude", leads_to="exclude")]
    names = fields.pop("stages", ["title-abstract"])
    needs = fields.pop("needs", {})
    parts = {"context": "c", "resource": "r", "reasoning": "m", "outcome": "o"}
    protocol = Protocol(
        review=review,
        title="Leadership",
        question="How does it work?",
        definitions=Definitions(context="c", mechanism="m", outcome="o"),
        strategies=list(strategies) or [strategy("crossref")],
        stages=[
            Stage(name=name, question="Could it inform any theory?", answers=answers, needs=needs.get(name))
            for name in names
        ],
        theories=[Theory(id="being", heading="Being", statement="Leaders matter.")],
        cmocs=[Cmoc(id="cmoc-1", theory="being", **parts)],
        **fields,
    )
    return VersionPublished.of(protocol, number, "lea")


class IngestBench(Workbench):
    """A workbench whose sources are these, and in place of some of them those that are given; nobody knows where full
    texts are open, or fetches them, unless somebody is given."""

    def __init__(
        self,
        *args: Any,
        sources: Mapping[str, Any] | None = None,
        full_texts: FullTexts | None = None,
        fetcher: TextFetcher | None = None,
        **settings: Any,
    ) -> None:
        self.sources = {name: LocalSource(name) for name in SOURCES} | dict(sources or {})
        self.review = REVIEW
        made = replace(SERVICE, resources=lambda _: Sources(self.sources, full_texts, fetcher=fetcher))
        super().__init__(made, *args, **settings)

    def envelope(self, event: Event, correlation: str | None = None) -> Envelope:
        # A protocol's `version` is a field of its event and hides the event's own.
        return super().envelope(event, correlation)._replace(dataversion=type(event).version)

    def adopt(self, *strategies: Strategy, number: int = 1, **fields: Any) -> None:
        self.hears(version(number, *strategies, **{"review": self.review, **fields}))

    def pull(self) -> None:
        """Lets the job run once."""
        self.runs(pulling.pull_due_watches)

    def pull_again(self, days: int = 7) -> None:
        self.clock.advance(days=days)
        self.pull()

    @cached_property
    def reader(self) -> TestClient:
        return self.person("rea", "reader")

    @cached_property
    def lead(self) -> TestClient:
        return self.person("lea", "lead")

    def get(self, path: str, **params: Any) -> Any:
        answer = self.reader.get(f"/ingest/reviews/{self.review}/{path}", params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, body: Any = None, role: str = "lead", status: int = 200, **headers: str) -> Any:
        asking = self.lead if role == "lead" else self.person("lea", role)
        answer = asking.post(f"/ingest/reviews/{self.review}/{path}", json=body, headers=headers)
        assert answer.status_code == status, answer.text
        return answer.json()

    def items(self, path: str, **params: Any) -> list[Any]:
        """Every item of a listing."""
        found, cursor = [], None
        while True:
            page = self.get(path, **params, **({"cursor": cursor} if cursor else {}))
            found += page["items"]
            if (cursor := page["next"]) is None:
                return found

    def records(self) -> list[Any]:
        """Every live record, whole."""
        return [self.get(f"records/{one['record']}") for one in self.items("records")]

    def clusters(self) -> set[frozenset[str]]:
        """Which source records make one record."""
        return {frozenset(one["sources"]) for one in self.items("records")}
