"""The flow of records: each step of theirs counted on its day, so that the sum until a day is how things stood then."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date

from sqlalchemy import text

from services.screening.domain.flow import FOUND, Flowed, Standing, counted_as, standings
from services.screening.models import Record
from services.screening.store.counts import FLOW, counts
from services.screening.store.records import absorbed_by
from shared.db.many import as_json
from shared.db.said import Said
from shared.db.work import Work
from shared.events.ingest import SourceRef


def count_standing(work: Work, record: Record, n: int) -> None:
    """Counts where a record stands now (`n` is 1), or that it stands there no more (-1)."""
    found = standings(
        record.state, record.stage, record.rule, record.excluded_for, record.passed, record.text, record.decided_before
    )
    add_to_flow(work, record.review, record.source, found, n)


def add_to_flow(
    work: Work, review: str, source: str | None, found: Iterable[tuple[str, Standing, str]], n: int = 1
) -> None:
    counted, day = counts(work), work.now.astimezone(UTC).date().isoformat()
    for stage, what, reason in found:
        counted.add(review, stage, FLOW, f"{day}\n{what}", f"{source or ''}\n{reason}", n=n)


#: Each source record once, whoever lists it first; in one order, so that no two works wait for each other.
_MEET = Said(
    """
INSERT INTO found_sources (review, source, source_id, counted_as)
SELECT {review}, {source}, {source_id}, {counted_as} FROM {listed} WHERE true
ON CONFLICT (review, source, source_id) DO NOTHING RETURNING review, counted_as
""",
    sqlite={
        **{name: f"json_extract(value, '$.{name}')" for name in ("review", "source", "source_id", "counted_as")},
        "listed": "json_each(:listed)",
    },
    postgresql={
        **{name: name for name in ("review", "source", "source_id", "counted_as")},
        "listed": "json_to_recordset(CAST(:listed AS json))"
        " AS listed(review text, source text, source_id text, counted_as text)",
    },
)


class FoundSources:
    """The source records that one work is told of, kept just before its commit. Each is counted, on its day, when it is
    heard of first: in which record, how often and in what order it is listed changes nothing."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._listed: dict[tuple[str, str, str], str] = {}
        # Asked for here, so that the counts are there, and written last, when this is flushed.
        self._counts = counts(work)

    def add(self, review: str, listed: Iterable[SourceRef]) -> None:
        for found in listed:
            self._listed.setdefault((review, found.source, found.id), counted_as(found))

    def flush(self) -> None:
        listed, self._listed = sorted(self._listed.items()), {}
        if listed:
            rows = [
                {"review": review, "source": source, "source_id": source_id, "counted_as": name}
                for (review, source, source_id), name in listed
            ]
            for review, name in self._work.rows.read(_MEET, {"listed": as_json(rows)}):
                add_to_flow(self._work, review, name, [FOUND])
        self._counts.flush()


def found_sources(work: Work) -> FoundSources:
    """The source records that this work is told of."""
    return work.before_commit("screening.found_sources", lambda: FoundSources(work))


def count_listed(work: Work, record: Record, listed: Sequence[SourceRef]) -> None:
    """Counts the source records of a record, in place of the one that it and each that lives on in it were counted as
    while nobody had listed any."""
    found_sources(work).add(record.review, listed)
    if listed and record.unlisted:
        count_unlisted_no_more(work, [record, *absorbed_by(work, record)])


def count_unlisted_no_more(work: Work, records: Iterable[Record]) -> None:
    """Has those of these of which no source records were listed not stand for one any more: another record, which they
    live on in, lists theirs."""
    for record in records:
        if record.unlisted:
            record.unlisted = False
            add_to_flow(work, record.review, record.source, [FOUND], -1)


#: Sums and changes in one look, since a fold may come between two. A change has its source and reason as one.
_FLOWED = text(
    f"""
SELECT stage, what, source, reason, sum(n) AS n FROM (
    SELECT stage, what, source, reason, n FROM flow WHERE review = :review AND day <= :day
    UNION ALL
    SELECT stage, substr(first, 12) AS what, second AS source, NULL AS reason, n FROM count_changes
    WHERE review = :review AND what = '{FLOW}' AND substr(first, 1, 10) <= :day
) AS parts GROUP BY stage, what, source, reason HAVING sum(n) <> 0
"""
)


def flowed(work: Work, review: str, day: date) -> list[Flowed]:
    """How the records of a review stood at the end of a day (UTC). The same may come in several parts."""
    found = []
    for row in work.rows.read(_FLOWED, {"review": review, "day": day.isoformat()}):
        source, reason = (row.source, row.reason) if row.reason is not None else row.source.split("\n", 1)
        found.append(Flowed(row.stage, row.what, reason, source, int(row.n)))
    return found
