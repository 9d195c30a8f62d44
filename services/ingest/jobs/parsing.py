"""Parsing: each copy that is kept is read into passages, by a process of its own and never within a request."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from services.ingest import store
from services.ingest.commands import passages
from services.ingest.domain.passages import MOST_DEATHS, MOST_TRIES, NotParsed, Parse
from services.ingest.models import ParsingRow, TextRow
from services.ingest.ports.parsing.worker import Died, Parser, Stopped
from services.ingest.ports.sources.catalog import Sources
from shared import counters, logging
from shared.db.work import Work
from shared.errors import Lost
from shared.service import Context, Gauge
from shared.wire.ingest import TextKind, Unparsed

log = logging.get(__name__)

ACTOR = "ingest:parsing"

#: Copies whose parser was replaced that are taken up in a turn.
MOST_ANEW = 500

#: For how long a copy waits whose bytes are away; and one that killed what parsed it, which may have been the machine.
_AWAY, _AFTER_DEATH = timedelta(hours=1), timedelta(seconds=0)

_PARSED = counters.counter("living_texts_parsed", "Copies that were parsed, by what came of it.", ["ended"])


@dataclass(frozen=True, slots=True)
class _Begun:
    """A copy that is being parsed."""

    text: str
    kind: TextKind
    sha256: str
    size: int


def have_texts_parsed_anew(running: Context) -> None:
    """Takes up copies that a parser of before read last, some at a time."""
    with running.work(ACTOR) as work:
        if count := store.have_parsed_anew(work, MOST_ANEW):
            work.note("copies are parsed anew", count=count)


def gauges(work: Work) -> list[Gauge]:
    """How many copies wait to be parsed."""
    return [
        Gauge("living_texts_unparsed", "Copies that wait to be parsed.", (), {(): float(store.count_parsings(work))})
    ]


def parse_texts(running: Context) -> None:
    """Parses the copies that wait for it, one after another, with no transaction open meanwhile.

    A process that dies in the middle leaves its copy, and the next one takes it up again. A copy that kills what parses
    it is said to be damaged after some times, and so is one that is never done.
    """
    parser = running.resource(Sources).parser
    while not running.stopping.is_set():
        with running.work(ACTOR) as work:
            row = store.next_parsing(work)
            if row is None:
                return
            begun = _begin(work, row)
        if begun is not None and not _parse(running, parser, begun):
            return


def _begin(work: Work, row: ParsingRow) -> _Begun | None:
    """Takes a copy up; None for one that is gone, or was begun too often."""
    text = store.lock_text(work, row.text)
    if text is None or text.withdrawn_at is not None:
        store.parse_no_more(work, row.text)
        return None
    if row.deaths >= MOST_DEATHS or row.tries >= MOST_TRIES:
        log.warning("a copy cannot be parsed", text=text.id, deaths=row.deaths, tries=row.tries)
        _refuse(work, text, "damaged")
        return None
    row.tries += 1
    return _Begun(text.id, text.kind, text.sha256, text.size)


def _parse(running: Context, parser: Parser, begun: _Begun) -> bool:
    """Parses a copy and keeps what came of it; false where the platform is to end."""

    def opened() -> Iterator[bytes]:
        return running.blobs.open(begun.sha256, begun.size)

    try:
        parse = parser.parse(begun.kind, opened, begun.size, running.stopping)
    except Stopped:
        _put_back(running, begun)
        return False
    except Died:
        _note_death(running, begun)
    except NotParsed as refused:
        _write_down(running, begun, refused.why)
    except Lost as lost:
        log.warning("a kept copy is lost", text=begun.text, error=str(lost))
        _put_off(running, begun)
    else:
        _keep(running, begun, parse)
    return True


def _keep(running: Context, begun: _Begun, parse: Parse) -> None:
    # Durable before the transaction that names it.
    blob = running.blobs.put([parse.to_json()], passages.LARGEST_PARSE)
    with running.work(ACTOR, readonly=True) as work:
        quotes = passages.quotes_of(work, begun.text)
    sighting = passages.Sighting(parse, quotes)
    with running.work(ACTOR) as work:
        if (text := _still_wanted(work, begun)) is not None:
            passages.keep_parse(work, running.blobs, text, sighting, blob)
            _PARSED.labels("parsed").inc()


def _write_down(running: Context, begun: _Begun, why: Unparsed) -> None:
    with running.work(ACTOR) as work:
        if (text := _still_wanted(work, begun)) is not None:
            _refuse(work, text, why)


def _refuse(work: Work, text: TextRow, why: Unparsed) -> None:
    passages.keep_refusal(work, text, why)
    work.note("a copy has no passages", text=text.id, why=why)
    _PARSED.labels(why).inc()


def _still_wanted(work: Work, begun: _Begun) -> TextRow | None:
    """The copy, locked; None where it was withdrawn meanwhile."""
    text = store.lock_text(work, begun.text)
    waits = store.lock_parsing(work, begun.text) is not None
    return text if text is not None and text.withdrawn_at is None and waits else None


def _note_death(running: Context, begun: _Begun) -> None:
    log.warning("what parsed a copy was killed", text=begun.text)
    with running.work(ACTOR) as work:
        if (row := store.lock_parsing(work, begun.text)) is not None:
            row.deaths += 1
            row.due_at = work.now + _AFTER_DEATH


def _put_back(running: Context, begun: _Begun) -> None:
    """That the platform ended meanwhile was not the copy's doing."""
    with running.work(ACTOR) as work:
        if (row := store.lock_parsing(work, begun.text)) is not None:
            row.tries -= 1


def _put_off(running: Context, begun: _Begun) -> None:
    with running.work(ACTOR) as work:
        if (row := store.lock_parsing(work, begun.text)) is not None:
            row.due_at = work.now + _AWAY
            row.tries -= 1
