"""The flow of records counted anew from the log alone: what screening heard and what it told, and no table of its."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from shared.events.base import Event
from shared.events.ingest import (
    RecordDiscovered,
    RecordMerged,
    RecordSplit,
    RecordUpdated,
    SourceRef,
    TextNotRetrieved,
    TextRetrieved,
    TextSought,
    TextWithdrawn,
)
from shared.events.protocol import VersionPublished
from shared.events.screening import (
    RecordAdvanced,
    RecordExcluded,
    RecordIncluded,
    RecordReopened,
    TaskClosed,
    TaskOpened,
)

#: What a figure is of: its name, the stage, the reason or rule, and the source.
Figure = tuple[str, str, str, str]


@dataclass
class _Record:
    source: str
    is_now: str = "waiting"
    at: str = ""
    why: str = ""
    passed: set[str] = field(default_factory=set)
    #: Where it was decided as a file states.
    before: set[str] = field(default_factory=set)
    text: str = ""

    def stands(self, is_now: str, at: str = "", why: str = "") -> None:
        self.is_now, self.at, self.why = is_now, at, why


def recounted(log: Iterable[tuple[date, Event]], days: Iterable[date]) -> dict[date, Counter[Figure]]:
    """Every figure of the flow at the end of each of these days, from all that was heard and told in order."""
    found: dict[date, Counter[Figure]] = {}
    left, records, sources = sorted(days), dict[str, _Record](), dict[tuple[str, str], str]()
    for day, event in log:
        while left and left[0] < day:
            found[left.pop(0)] = _counted(records, sources)
        _apply(records, event)
        for each in _listed(event):
            sources.setdefault((each.source, each.id), _name(each, event))
    return found | {day: _counted(records, sources) for day in left}


@dataclass(frozen=True, slots=True)
class Exclusions:
    """The records that are out at some stages and were judged before a moment: those for a CMOC or for all, and those
    for others alone; and those that are out and were asked about since alone."""

    for_it: set[tuple[str, str]]
    for_others: set[tuple[str, str]]
    since: set[tuple[str, str]]


def excluded_for(log: Iterable[tuple[date, Event]], cmoc: str, stages: Collection[str], version: int) -> Exclusions:
    """Which records are out, as (record, stage): for the CMOC or for others, under a protocol before this version.

    One that was asked about before and after that version is in none of the three: no event says under which it is
    judged.
    """
    records: dict[str, _Record] = {}
    published = 0
    judged_for: dict[tuple[str, str], list[str]] = {}
    before, since = set[tuple[str, str]](), set[tuple[str, str]]()
    for _, event in log:
        _apply(records, event)
        match event:
            case VersionPublished():
                published = event.version
            case TaskOpened():
                (since if published >= version else before).add((event.record, event.stage))
            case TaskClosed():
                judged_for[event.record, event.judgement.stage] = event.judgement.judged_for
    out = {(name, record.at) for name, record in records.items() if record.is_now == "excluded"}
    out = {each for each in out if each[1] in stages}
    old = {each for each in out if each in before and each not in since}
    for_it = {each for each in old if not judged_for[each] or cmoc in judged_for[each]}
    return Exclusions(for_it, old - for_it, {each for each in out if each not in before})


def _counted(records: Mapping[str, _Record], sources: Mapping[tuple[str, str], str]) -> Counter[Figure]:
    """Every source record is identified; those that no record of today stands for are duplicates."""
    counted = Counter(figure for record in records.values() for figure in _figures(record))
    identified = Counter(sources.values())
    standing_for = Counter(record.source for record in records.values() if record.is_now != "duplicate")
    for name, n in identified.items():
        counted["identified", "", "", name] = n
        counted["duplicate", "", "", name] = n - standing_for[name]
    assert all(n >= 0 for n in counted.values())
    return +counted


def _apply(records: dict[str, _Record], event: Any) -> None:
    name = getattr(event, "record", None)
    if isinstance(event, (RecordDiscovered, RecordUpdated, RecordSplit)):
        names = [_name(each, event) for each in _listed(event)]
        record = records.setdefault(name, _Record(names[0]))
        if record.source not in names:
            record.source = names[0]
        return
    if name not in records:
        return
    record = records[name]
    match event:
        case TaskOpened():
            record.stands("waiting", event.stage)
        case TaskClosed():
            by = event.judgement.by_batch
            record.before.discard(event.judgement.stage)
            if by is not None and by.stated is not None:
                record.before.add(event.judgement.stage)
            if event.judgement.outcome == "advance":
                record.passed.add(event.judgement.stage)
        case RecordAdvanced():
            record.stands("waiting", event.next_stage)
        case RecordIncluded():
            record.stands("included")
        case RecordExcluded(rule="merged") | RecordMerged():
            record.stands("duplicate")
        case RecordExcluded(rule=str(rule)):
            record.stands("kept_out", why=rule)
        case RecordExcluded():
            record.stands("excluded", event.stage or "", event.excluded_for or "")
        case RecordReopened():
            record.passed.discard(event.stage)
            record.stands("waiting", event.stage)
        case TextSought():
            record.text = "awaited"
        case TextRetrieved():
            record.text = "retrieved"
        case TextNotRetrieved():
            record.text = "not_retrieved"
        case TextWithdrawn():
            record.text = "retrieved" if event.left else "awaited"


def _listed(event: Event) -> list[SourceRef]:
    describes = isinstance(event, (RecordDiscovered, RecordUpdated, RecordSplit))
    return event.bibliography.sources if describes else []


def _name(found: SourceRef, event: Any) -> str:
    """What a source record is counted for."""
    chased = found.by_citations or (getattr(event, "by_citations", False) and found.run == event.run)
    return f"citations:{found.source}" if chased else found.source


def in_column(figures: Counter[Figure], *, others: bool) -> Counter[Figure]:
    """Of some figures those of other methods than databases and registers, or those of these."""
    return Counter(
        {figure: n for figure, n in figures.items() if figure[3].startswith(("added:", "citations:")) == others}
    )


def _figures(record: _Record) -> Iterable[Figure]:
    if record.is_now == "duplicate":
        return
    if record.is_now == "kept_out":
        yield "kept_out", "", record.why, record.source
        return
    if record.is_now == "included":
        yield "included", "", "", record.source
    else:
        yield record.is_now, record.at, "", record.source
        yield "reached", record.at, "", record.source
        if record.is_now == "excluded" and record.at in record.before:
            yield "excluded_before", record.at, "", record.source
        if record.why:
            yield "excluded_for", record.at, record.why, record.source
    for stage in record.passed:
        yield "passed", stage, "", record.source
        if stage in record.before:
            yield "passed_before", stage, "", record.source
        yield "reached", stage, "", record.source
    if record.text:
        yield record.text, "", "", record.source


def figures_of(flow: dict[str, Any]) -> Counter[Figure]:
    """The same figures of what the API answers."""
    found: Counter[Figure] = Counter()

    def add(name: str, stage: str, reason: str, counted: dict[str, Any]) -> None:
        assert counted["n"] == sum(counted["sources"].values())
        found.update({(name, stage, reason, source): n for source, n in counted["sources"].items()})

    add("identified", "", "", flow["identified"])
    add("duplicate", "", "", flow["duplicates"])
    add("included", "", "", flow["included"])
    for rule, counted in flow["kept_out"].items():
        add("kept_out", "", rule, counted)
    for text in ("awaited", "retrieved", "not_retrieved"):
        add(text, "", "", flow["texts"][text])
    for stage in flow["stages"]:
        for name in ("reached", "waiting", "passed", "excluded", "passed_before", "excluded_before"):
            add(name, stage["stage"], "", stage[name])
        for reason, counted in stage["excluded_for"].items():
            add("excluded_for", stage["stage"], reason, counted)
    return found
