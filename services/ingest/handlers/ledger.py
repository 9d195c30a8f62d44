"""The ledger: the canonical records one transaction touches, sorted anew, written down and told at its end."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from services.ingest import store
from services.ingest.domain.clusters import Merger, Pair, Place, Placement, Pool
from services.ingest.domain.description import Contribution, changes, describe
from services.ingest.domain.matching import Citation, cite, identifier_keys
from services.ingest.handlers import notices
from services.ingest.models import Duplicate, Merge, Record, Review, SourceRecord
from services.ingest.sources import port
from shared.db.work import Work
from shared.events.ingest import Bibliography, RecordDiscovered, RecordMerged, RecordUpdated
from shared.ids import new_id


@dataclass
class Ledger:
    """Sorts source records into a review's canonical records.

    Whoever opens one has locked the review. `load` what may matter, `enter` source records or `unite` two
    records, then `close` once: it writes every row and tells every event.
    """

    work: Work
    review: Review
    run: str | None = None
    pool: Pool = field(default_factory=Pool)
    entered: dict[Place, Placement] = field(default_factory=dict)
    _contents: dict[Place, Contribution] = field(default_factory=dict)
    _hashes: dict[Place, str] = field(default_factory=dict)
    _stored: dict[Place, SourceRecord] = field(default_factory=dict)
    _stored_keys: dict[str, set[str]] = field(default_factory=dict)
    _before: dict[Place, port.SourceRecord | None] = field(default_factory=dict)

    def load(self, citations: Iterable[Citation] = (), homes: Iterable[str] = ()) -> None:
        """Takes in these records, and every record that shares a telling key with one of these citations."""
        session = self.work.session
        keys = {key for citation in citations for key in citation.keys}
        rivals, self.pool.common = store.holders_of(session, self.review.review, sorted(keys))
        wanted = sorted(rivals | set(homes))
        for row in store.members_of(session, wanted):
            self._know(row)
        for pair in store.known_pairs(session, wanted):
            self.pool.pairs[Pair((pair.first, pair.second))] = pair.state

    def enter(self, record: port.SourceRecord, content_hash: str, citation: Citation) -> None:
        """Sorts a source record in, new or changed."""
        place = citation.place
        before = self._contents.get(place)
        self._before.setdefault(place, before.record if before else None)
        self._contents[place] = Contribution(record, before.run if before else self.run)
        self._hashes[place] = content_hash
        placement = self.pool.place(citation, lambda: new_id("rec"))
        self.entered.setdefault(place, placement)

    def unite(self, one: str, other: str, evidence: tuple[str, ...]) -> str:
        """Makes two records one. Gives the survivor back."""
        return self.pool.merge(one, other, evidence)

    def close(self) -> None:
        """Writes what has changed, and tells it."""
        mergers = [merger for merger in self.pool.mergers if merger.absorbed in self._stored_keys]
        self._write_source_records()
        for merger in mergers:
            store.absorb(self.work.session, merger.absorbed, merger.into)
            _move_pairs(self.work, merger)
        touched = self._touched()
        self._write_keys(touched, mergers)
        changed = [record for record in touched if record in self._stored_keys]
        rows = store.records(self.work.session, [*changed, *(merger.absorbed for merger in mergers)])
        self._write_records(touched, rows)
        for merger in mergers:
            self._tell_merger(merger, rows[merger.absorbed])
        self._write_doubts()
        self._hear_claims(mergers)

    def outcome_of(self, place: Place) -> tuple[str, str]:
        """What became of a source record that was not known before, and its record: `new` or `merged`."""
        record, placement = self.pool.homes[place], self.entered[place]
        return ("new" if placement.new and placement.record == record else "merged"), record

    def _know(self, row: SourceRecord) -> None:
        record = port.SourceRecord.model_validate(row.content)
        citation = cite(record)
        self._stored[citation.place] = row
        self._stored_keys.setdefault(row.record, set()).update(citation.keys)
        self._contents[citation.place] = Contribution(record, row.run)
        self.pool.know(row.record, [citation])

    def _touched(self) -> list[str]:
        """The records that exist in the end and may have changed."""
        into = {self.pool.home(merger.into) for merger in self.pool.mergers}
        return sorted(into | {self.pool.homes[place] for place in self.entered})

    def _write_source_records(self) -> None:
        fresh = []
        for place in self.entered:
            record = self._contents[place].record
            content = record.model_dump(mode="json", exclude_defaults=True)
            if row := self._stored.get(place):
                row.content, row.content_hash, row.seen_in = content, self._hashes[place], self.run
                continue
            fresh.append(
                {
                    "review": self.review.review,
                    "source": record.source,
                    "source_id": record.source_id,
                    "record": self.pool.homes[place],
                    "content_hash": self._hashes[place],
                    "content": content,
                    "because": list(self._because(place)),
                    "run": self.run,
                    "seen_in": self.run,
                }
            )
        self.work.session.flush()
        store.add_all(self.work.session, SourceRecord, fresh)
        self.review.source_records += len(fresh)

    def _because(self, place: Place) -> tuple[str, ...]:
        """Why a source record is its record's; for the one that begins a record, nothing."""
        placement = self.entered[place]
        absorbed = (merger.evidence for merger in self.pool.mergers if merger.absorbed == placement.record)
        return next(absorbed, ()) if placement.new else placement.evidence

    def _write_keys(self, touched: list[str], mergers: list[Merger]) -> None:
        session, review = self.work.session, self.review.review
        for merger in mergers:
            store.remove_keys(session, review, merger.absorbed, sorted(self._stored_keys[merger.absorbed]))
        added: list[tuple[str, str]] = []
        for record in touched:
            keys = {key for citation in self.pool.members[record].values() for key in citation.keys}
            stored = self._stored_keys.get(record, set())
            added += ((key, record) for key in sorted(keys - stored))
            store.remove_keys(session, review, record, sorted(stored - keys))
        store.add_keys(session, review, added)

    def _write_records(self, touched: list[str], rows: dict[str, Record]) -> None:
        fresh = []
        for record in touched:
            bibliography = describe(self._contents[place] for place in self.pool.members[record])
            if row := rows.get(record):
                self._tell_changes(row, bibliography)
                continue
            fresh.append(self._new_row(record, bibliography))
            with self.work.following(record, None):
                self.work.emit(
                    RecordDiscovered(
                        review=self.review.review, record=record, revision=1, run=self.run, bibliography=bibliography
                    )
                )
        store.add_all(self.work.session, Record, fresh)
        self.review.records += len(fresh)

    def _new_row(self, record: str, bibliography: Bibliography) -> dict[str, Any]:
        return {
            "id": record,
            "review": self.review.review,
            "revision": 1,
            "bibliography": bibliography.model_dump(mode="json"),
            "run": self.run,
            "discovered_at": self.work.now,
            "merged_into": None,
        }

    def _tell_changes(self, row: Record, bibliography: Bibliography) -> None:
        changed = changes(Bibliography.model_validate(row.bibliography), bibliography)
        if not changed:
            return
        row.bibliography = bibliography.model_dump(mode="json")
        row.revision += 1
        with self.work.following(row.id, None):
            self.work.emit(
                RecordUpdated(
                    review=row.review, record=row.id, revision=row.revision, run=self.run or row.run,
                    bibliography=bibliography, changed=changed,
                )
            )  # fmt: skip

    def _tell_merger(self, merger: Merger, row: Record) -> None:
        into = self.pool.home(merger.into)
        row.merged_into = into
        row.revision += 1
        self.review.records -= 1
        self.work.add(
            Merge(
                absorbed=row.id, review=row.review, into=merger.into, evidence=list(merger.evidence), run=self.run,
                merged_by=self.work.actor, merged_at=self.work.now,
            )
        )  # fmt: skip
        with self.work.following(row.id, None):
            self.work.emit(
                RecordMerged(
                    review=row.review, record=row.id, revision=row.revision, into=into, evidence=list(merger.evidence)
                )
            )

    def _write_doubts(self) -> None:
        for pair, evidence in self.pool.doubts.items():
            first, second = sorted(pair)
            self.work.add(
                Duplicate(
                    id=new_id("dup"), review=self.review.review, first=first, second=second,
                    evidence=list(evidence), run=self.run, opened_at=self.work.now,
                )
            )  # fmt: skip

    def _hear_claims(self, mergers: list[Merger]) -> None:
        for merger in mergers:
            notices.move(self.work, merger.absorbed, self.pool.home(merger.into))
        entered = [(place, self._contents[place].record) for place in self.entered]
        heard = [notices.Heard(self.pool.homes[place], self._before[place], record) for place, record in entered]
        keys = [key for _, record in entered for key in identifier_keys(record.identifiers)]
        notices.hear_claims(self.work, self.review.review, heard, keys)


def _move_pairs(work: Work, merger: Merger) -> None:
    """Carries what is known of an absorbed record's pairs over to its survivor; a person's word stands."""
    into, absorbed = merger.into, merger.absorbed
    kept = {_other(pair, into): pair for pair in store.known_pairs(work.session, [into])}
    for pair in store.known_pairs(work.session, [absorbed]):
        other = _other(pair, absorbed)
        if other == into:
            pair.state, pair.decided_by, pair.decided_at = "same", work.actor, work.now
        elif other not in kept:
            pair.first, pair.second = sorted((other, into))
        else:
            if pair.state == "different":
                twin = kept[other]
                twin.state, twin.reason = pair.state, pair.reason
                twin.decided_by, twin.decided_at = pair.decided_by, pair.decided_at
            work.session.delete(pair)


def _other(pair: Duplicate, record: str) -> str:
    return pair.second if pair.first == record else pair.first
