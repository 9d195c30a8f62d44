"""What the records of a file claim to be: ones that left here, or those of a number. What is claimed of another work
is not believed, so that no work takes the name of another and is lost by it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence

from services.ingest import store
from services.ingest.domain.claims import agree, differences
from services.ingest.models import RecordRow, RunRow
from services.ingest.ports.libraries.common import by_content
from services.ingest.ports.libraries.dialects import HOSTS, MANAGERS
from services.ingest.ports.libraries.port import UNKNOWN, Entry
from services.ingest.ports.sources.port import SourceRecord
from shared.db.work import Work
from shared.events.ingest import Bibliography

#: What is remarked of a record that left and comes back changed.
_DIFFERS = "{} is described otherwise here ({}), and stays so: `living ingest correct` changes it"
_ANOTHER = "{} is another work here, so that this one is taken in as what it says"
_CLAIMED = "{} stands above in this file and says otherwise, so that this one is taken in as what it says"
_TAKEN_AS = "the file shows {}, and is taken as {}, as you said"
_SAY = "nobody said of which database it is, nor does it: its records are taken as of `{}`"
_NUMBERED = "its number {} is that of another work, so that it is known by what it says"
_REPEATED = "its number {} stands above in this file and says otherwise, and what stands last counts"


def remark_on(named: str | None, dialect: str | None) -> str | None:
    """What is remarked of the database that a lead `named` of a file, beside what the file shows; None where that is
    as it seems."""
    shows_none = dialect is None or dialect in MANAGERS | HOSTS
    if named is None:
        # What leaves here is of no database, and known.
        return _SAY.format(dialect or UNKNOWN) if shows_none and dialect != "living" else None
    return None if shows_none or named == dialect else _TAKEN_AS.format(dialect, named)


def brought_back(work: Work, run: RunRow, entries: Iterable[Entry]) -> tuple[list[Entry], set[str], set[str]]:
    """The entries, those that are none of this review's records no longer with a claim to be one; the records that came
    back; and which of them this file had not brought before.

    What leaves says nothing that is not known here, so that it is no source of its own.
    """
    entries = list(entries)
    rows = store.records(work, {entry.exported for entry in entries if entry.exported is not None})
    left = {row.id: row for row in rows.values() if row.review == run.review}
    lives = store.records(work, {row.merged_into for row in left.values() if row.merged_into is not None})
    here = {
        row.id: Bibliography.model_validate(lives.get(row.merged_into or "", row).bibliography) for row in left.values()
    }
    doubted = {
        record for entry in entries if (record := entry.exported) in here and not agree(entry.record, here[record])
    }
    said = _said_of(work, [left[record] for record in sorted(doubted)])
    believed = []
    for entry in entries:
        record = entry.exported
        if record in here and not any(agree(entry.record, each) for each in (here[record], *said.get(record, ()))):
            entry = entry.without_claim(_ANOTHER.format(record))
        believed.append(entry)
    claimed = {entry.exported for entry in believed if entry.exported in here}
    fresh = store.meet(work, run.walk, filter(None, claimed))
    above, held = claimed - fresh, []
    for entry in believed:
        if (record := entry.exported) in here:
            entry = _held_against(entry, here[record], again=record in above)
            above.add(record)
        held.append(entry)
    return held, claimed, fresh


def _said_of(work: Work, rows: Collection[RecordRow]) -> dict[str, list[Bibliography | SourceRecord]]:
    """What records said when they were absorbed, and what each of their source records says: they may have left as
    that."""
    homes = {row.id: row.merged_into or row.id for row in rows}
    said: defaultdict[str, list[SourceRecord]] = defaultdict(list)
    for kept in store.kept_in(work, set(homes.values())):
        said[kept.record].append(SourceRecord.model_validate(kept.content))
    return {row.id: [Bibliography.model_validate(row.bibliography), *said[homes[row.id]]] for row in rows}


def _held_against(entry: Entry, here: Bibliography, *, again: bool) -> Entry:
    """An entry that came back, held against how it is described here: one of which the file has another before is taken
    for that only where it says the same."""
    if others := differences(entry.record, here):
        if again:
            return entry.without_claim(_CLAIMED.format(entry.exported))
        return entry.remarking(_DIFFERS.format(entry.exported, ", ".join(others)))
    return entry


def known_by_numbers(work: Work, run: RunRow, entries: Sequence[Entry]) -> list[Entry]:
    """The entries, those whose number is another work's known by their content instead."""
    hashes = {at: entry.content_hash for at, entry in enumerate(entries) if entry.accession}
    if not hashes:
        return list(entries)
    known = store.source_records(work, run.review, run.source, {entries[at].record.source_id for at in hashes})
    above = {number for number, row in known.items() if row.seen_in == run.walk}
    latest = {number: row.content_hash for number, row in known.items()}
    changed = {number for at, it in hashes.items() if latest.get(number := entries[at].record.source_id, it) != it}
    kept = store.kept(work, run.review, [(run.source, number) for number in sorted(changed)])
    said = {row.source_id: SourceRecord.model_validate(row.content) for row in kept}
    numbered = []
    for at, entry in enumerate(entries):
        number = entry.record.source_id
        if at in hashes and latest.get(number) != hashes[at]:
            if number in said and not agree(entry.record, said[number]):
                numbered.append(entry.without_number(by_content(entry.record), _NUMBERED.format(number)))
                continue
            if number in above:
                entry = entry.remarking(_REPEATED.format(number))
            said[number], latest[number] = entry.record, hashes[at]
            above.add(number)
        numbered.append(entry)
    return numbered
