"""A screening rig to test with: events and people in a few words, on an empty service of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from httpx import Response

from services.screening import jobs
from services.screening.manifest import SERVICE
from shared.events.base import Event
from shared.events.ingest import (
    Bibliography,
    DecisionStated,
    RecordDiscovered,
    RecordMerged,
    RecordNoticed,
    RecordSplit,
    RecordUpdated,
    SourceRef,
)
from shared.events.protocol import Protocol, VersionPublished
from shared.events.synthesis import Happened, RevisionPublished, TheoryChanged
from tests.workbench import Workbench

REVIEW = "gardens"

SIFT: dict[str, Any] = {
    "name": "sift",
    "question": "Could it inform a theory?",
    "votes": 2,
    "answers": [
        {"value": "include", "leads_to": "advance"},
        {"value": "unsure", "leads_to": "adjudicate"},
        {"value": "exclude", "leads_to": "exclude", "reason_required": True},
    ],
}
DEPTH: dict[str, Any] = {
    "name": "depth",
    "question": "Is it rich enough?",
    "votes": 2,
    "answers": [
        {"value": "thin", "leads_to": "exclude"},
        {"value": "moderate", "leads_to": "advance"},
        {"value": "rich", "leads_to": "advance"},
    ],
    "fields": [
        {"name": "cmocs", "label": "Which CMOCs?", "kind": "cmocs", "required": True},
        {"name": "setting", "label": "Where?", "kind": "choice", "options": ["town", "country"]},
        {"name": "designs", "label": "Designs", "kind": "choices", "options": ["survey", "interviews"]},
        {"name": "note", "label": "A note"},
    ],
    "adjudicators": "lead",
}

#: Why something is out at a stage that has reasons.
REASONS: list[dict[str, Any]] = [
    {"value": "no-garden", "label": "Not about gardens", "help": "Parks and farms are none."},
    {"value": "no-people", "label": "Nobody tends it"},
    {"value": "opinion", "label": "No study"},
]


def protocol(*stages: dict[str, Any], **changes: Any) -> Protocol:
    """A small review about gardens; `changes` replace parts of it."""
    theory = {"id": "tending", "heading": "Tending", "statement": "Gardens that are tended bear fruit."}
    parts = {"context": "a plot", "resource": "tools", "reasoning": "pride", "outcome": "fruit", "theory": "tending"}
    return Protocol.model_validate(
        {
            "review": REVIEW,
            "title": "Community gardens",
            "question": "How do community gardens work, and for whom?",
            "published_after": "2017-12-31",
            "definitions": {"context": "before it", "mechanism": "within it", "outcome": "after it"},
            "strategies": [{"id": "all", "source": "openalex", "query": "gardens"}],
            "stages": list(stages) or [SIFT, DEPTH],
            "theories": [theory],
            "cmocs": [{"id": "c1", **parts}, {"id": "c2", **parts}],
            **changes,
        }
    )


def published(plan: Protocol, version: int = 1) -> VersionPublished:
    return VersionPublished.of(plan, version, "lea")


def discovered(record: str, *, published: str | None = "2019", revision: int = 1, **seen: Any) -> RecordDiscovered:
    return RecordDiscovered(
        review=REVIEW,
        record=record,
        revision=revision,
        run="run_1",
        bibliography=_bibliography(record, published, seen),
    )


def found_at(source: str, id: str, run: str = "run_1", *, by_citations: bool = False) -> SourceRef:
    """A source's own record."""
    return SourceRef(source=source, id=id, run=run, by_citations=by_citations)


def updated(record: str, *, revision: int, published: str | None = "2019", **seen: Any) -> RecordUpdated:
    return RecordUpdated(
        review=REVIEW, record=record, revision=revision, run="run_2",
        bibliography=_bibliography(record, published, seen), changed=["published"],
    )  # fmt: skip


def merged(record: str, into: str, revision: int = 9) -> RecordMerged:
    return RecordMerged(review=REVIEW, record=record, revision=revision, into=into, evidence=["same doi"])


def parted(record: str, out_of: str, revision: int = 10, brings: Sequence[str] = (), **seen: Any) -> RecordSplit:
    return RecordSplit(
        review=REVIEW, record=record, out_of=out_of, revision=revision, run="run-1", brings=list(brings),
        bibliography=_bibliography(record, seen.pop("published", "2019"), seen), evidence=["another garden"],
    )  # fmt: skip


def lost(record: str, *notices: str, revision: int = 11) -> RecordUpdated:
    """A record whose notices went with another one, which was parted from it."""
    return RecordUpdated(
        review=REVIEW, record=record, revision=revision, run="run-1", changed=["sources"], lost_notices=list(notices),
        bibliography=_bibliography(record, "2019", {}),
    )  # fmt: skip


def noticed(record: str, kind: str, notice: str | None = None, *, drill: bool = False) -> RecordNoticed:
    return RecordNoticed(
        review=REVIEW, record=record, notice=notice or f"{kind}_of_{record}", kind=kind,
        reason="data could not be found", source="crossref", drill=drill,
    )  # fmt: skip


def stated(record: str, answer: str = "include", *, imported: str = "import_1", **about: Any) -> DecisionStated:
    """A file states that somebody decided something about a record, whose source record is named after it."""
    given: dict[str, Any] = {
        "stage": "sift", "line": 2, "source": "import:scopus", "source_id": f"s_{record}", "column": "Decision",
        "said": answer, "statement": f"statement_{imported}_{record}_{answer}_{about.get('by')}", **about,
    }  # fmt: skip
    return DecisionStated(
        review=about.pop("review", REVIEW), record=record, answer=answer, imported=imported, file_sha256="f" * 64,
        mapping_sha256="a" * 64, brought_by="lea", **{name: it for name, it in given.items() if name != "review"},
    )  # fmt: skip


def revision_published(cycle: int, *, drill: bool = False) -> RevisionPublished:
    return RevisionPublished(
        review=REVIEW, revision=f"rev_{cycle}", number=cycle, cycle=cycle, title="How gardens work",
        change_class="PATCH", states=[], changes=[], summary="One more study.", fragments_sha256="f" * 64,
        content_sha256="c" * 64, preceding=None, searched_through={}, signed_by="lea", signature="x.y.z", because=[],
        drill=drill,
    )  # fmt: skip


def changed(cmoc: str, happened: Happened = "refined", after: str | None = "context: a terrace", **about: Any) -> Event:
    """Something happens to a CMOC; without more, it is worded anew."""
    given = {"review": REVIEW, "why": "it is other now", **about}
    return TheoryChanged(cmoc=cmoc, happened=happened, after=after, **given)


def _bibliography(record: str, published: str | None, seen: dict[str, Any]) -> Bibliography:
    return Bibliography(**{"title": f"On {record}", "abstract": "Gardens.", "published": published, **seen})


class ScreeningRig:
    """The service, its people by name, and a clock."""

    def __init__(self, bench: Workbench, *stages: dict[str, Any], **changes: Any) -> None:
        self.bench = bench
        self._people: dict[tuple[str, str], Any] = {}
        self.hears(published(protocol(*stages, **changes)))

    def hears(self, *events: Event) -> None:
        self.bench.hears(*events)

    def discovers(self, *records: str, source: str | None = None, **seen: Any) -> None:
        """Where a `source` is given each is a record of its own there."""
        for record in records:
            self.hears(discovered(record, **({"sources": [found_at(source, record)]} if source else {}), **seen))

    def person(self, name: str, role: str = "reviewer") -> Any:
        if (name, role) not in self._people:
            self._people[name, role] = self.bench.person(name, role)
        return self._people[name, role]

    def gets(self, path: str, name: str = "ana", role: str = "reviewer", **params: Any) -> Response:
        given = {key: value for key, value in params.items() if value is not None}
        return self.person(name, role).get(f"/screening/reviews/{REVIEW}{path}", params=given or None)

    def asks(self, path: str, body: Any, name: str = "ana", role: str = "reviewer") -> Response:
        """Posts as someone."""
        return self.person(name, role).post(f"/screening/reviews/{REVIEW}{path}", json=body)

    def claims(self, name: str, role: str = "reviewer", **wanted: Any) -> dict[str, Any] | None:
        """The task someone gets, or None."""
        tasks = self.claims_many(name, role, count=1, **wanted)
        return tasks[0] if tasks else None

    def claims_many(self, name: str, role: str = "reviewer", **wanted: Any) -> list[dict[str, Any]]:
        """The tasks someone gets."""
        answer = self.asks("/claims", wanted, name, role)
        assert answer.status_code == 200, answer.text
        return answer.json()["tasks"]

    def votes(self, name: str, lease: str, answer: str, role: str = "reviewer", **rest: Any) -> Response:
        return self.asks(f"/leases/{lease}/vote", {"answer": answer, **rest}, name, role)

    def looks(self, name: str, lease: str, answer: str, role: str = "adjudicator", **rest: Any) -> dict[str, Any]:
        """Gives a first look; the conflict with its votes."""
        answered = self.asks(f"/leases/{lease}/look", {"answer": answer, **rest}, name, role)
        assert answered.status_code == 200, answered.text
        return answered.json()

    def answers(
        self,
        name: str,
        answer: str,
        role: str = "reviewer",
        kind: str = "screening",
        stage: str | None = None,
        **rest: Any,
    ) -> Any:
        """Claims the next task and votes, on others' conflicts after a first look of the same answer; the receipt."""
        task = self.claims(name, role, kind=kind, stage=stage)
        assert task is not None, f"nothing waits for {name}"
        if kind == "conflict" and not task["decided_by_voters"] and task["look"] is None:
            self.looks(name, task["lease"], answer, role, **rest)
        receipt = self.votes(name, task["lease"], answer, role, **rest)
        assert receipt.status_code == 200, receipt.text
        return receipt.json()

    def asks_for(self, kind: str, stage: str = "sift", **asked: Any) -> dict[str, Any]:
        """A lead asks for a batch, which is carried out; the batch as it is then."""
        body = {"kind": kind, "stage": stage, "reason": "as we agreed", **asked}
        answer = self.asks("/batches", body, "lea", "lead")
        assert answer.status_code == 202, answer.text
        return self.carried_out(answer.json()["batch"])

    def carried_out(self, batch: str) -> dict[str, Any]:
        self.bench.runs(jobs.carry_out_batches)
        return self.gets(f"/batches/{batch}", "lea", "lead").json()

    def undoes(self, batch: str) -> dict[str, Any]:
        """A lead undoes a batch; the batch as it is then."""
        answer = self.asks(f"/batches/{batch}/undo", {"reason": "the wrong file"}, "lea", "lead")
        assert answer.status_code == 202, answer.text
        return self.carried_out(batch)

    def outcomes(self, batch: str, what: str = "outcome") -> dict[str, str]:
        """What became of each record of a batch: done, or why it was left alone; of undoing it, with `undone`."""
        why = "why" if what == "outcome" else "undone_why"
        rows = self.gets(f"/batches/{batch}/records", "lea", "lead").json()["items"]
        return {row["record"]: row[why] or row[what] for row in rows if row[what]}

    def record(self, record: str, name: str = "ana") -> dict[str, Any]:
        answer = self.gets(f"/records/{record}", name)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def queue(self, stage: str) -> dict[str, Any]:
        return next(seen for seen in self.gets("/queue").json() if seen["stage"] == stage)


class PatientRig(ScreeningRig):
    """Asks again what a database answered it is too busy for, as a client does: how long a crowd waits for its turn is
    the machine's affair."""

    def asks(self, path: str, body: Any, name: str = "ana", role: str = "reviewer") -> Response:
        for _ in range(20):
            answer = super().asks(path, body, name, role)
            if answer.status_code != 503 or answer.json()["title"] != "busy":
                return answer
            assert "retry-after" in answer.headers
        return answer


def make_bench(folder: Any, **settings: Any) -> Workbench:
    return Workbench(SERVICE, folder, **settings)
