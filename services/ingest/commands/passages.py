"""Passages and quotes: what a parser made of a copy is kept, quotes are anchored in it and found again in the next."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, NoReturn

from services.ingest import store
from services.ingest.domain import licences
from services.ingest.domain.passages import PARSERS, REASONS, Parse, read_parse
from services.ingest.domain.reading import is_shown, require_reader
from services.ingest.domain.recent import Recent
from services.ingest.domain.texts import AnchorStates
from services.ingest.models import AnchorRow, ParseRow, TextRow
from shared.blobs import names
from shared.blobs.packing import Blob
from shared.blobs.port import Blobs
from shared.db.work import Work
from shared.errors import Conflict, Invalid, NotFound
from shared.events.ingest import AnchorFound, AnchorLost, TextParsed
from shared.events.synthesis import ProposedBy
from shared.ids import new_id
from shared.quoting import MOST_FOUND, Everywhere, Searched, Span, around, find, is_said, nearest
from shared.receipts import Receipt, issue_receipt, salted
from shared.tokens import Person
from shared.wire.ingest import NewQuote, Unparsed

#: Bytes of a parse as it is kept.
LARGEST_PARSE = 256 * 1024 * 1024

#: Where a copy says something more than once, so many of them are offered.
_MOST_OFFERED = 20

#: By the hash of what is kept, which says all of it: who may read a copy is looked at before, each time.
_RECENT = Recent()


# Parsing


def have_parsed_again(work: Work, review: str, text: str) -> TextRow:
    """Has a copy be parsed once more, as where a busy machine took too long. Raises NotFound."""
    row = standing_text(work, review, text)
    store.have_parsed(work, row.id)
    return row


def keep_parse(work: Work, blobs: Blobs, row: TextRow, sighting: Sighting, blob: Blob) -> None:
    """Keeps what a parser made of a copy, which is locked, tells it, and finds the quotes of the one before in it."""
    parse = sighting.parse
    store.parse_no_more(work, row.id)
    before = store.parses_of_now(work, [row.id]).get(row.id)
    if before is not None and (before.parser, before.sha256) == (parse.parser, parse.sha256):
        before.tried_by = parse.parser
        return
    made = ParseRow(
        id=new_id("parse"), text=row.id, parser=parse.parser, tried_by=parse.parser, sha256=parse.sha256,
        blob=blob.sha256, size=blob.size, paragraphs=parse.paragraphs, parsed_at=work.now,
    )  # fmt: skip
    _supersede(work, before)
    names.keep(work, blobs, blob.sha256, by=user(made.id))
    work.add(made)
    _tell_parsed(work, row, made)
    _find_again(work, row, made, sighting)


def keep_refusal(work: Work, row: TextRow, why: Unparsed) -> None:
    """Keeps and tells why a copy, which is locked, has no passages. Where an earlier parser made some, they stay."""
    store.parse_no_more(work, row.id)
    parser = PARSERS[row.kind]
    before = store.parses_of_now(work, [row.id]).get(row.id)
    if before is not None and (before.why is None or before.why == why):
        before.tried_by = parser
        return
    made = ParseRow(id=new_id("parse"), text=row.id, parser=parser, tried_by=parser, why=why, parsed_at=work.now)
    _supersede(work, before)
    work.add(made)
    _tell_parsed(work, row, made)


def _supersede(work: Work, before: ParseRow | None) -> None:
    if before is not None:
        before.superseded_at = work.now
        # One alone may be a copy's own.
        work.session.flush()


def _tell_parsed(work: Work, row: TextRow, made: ParseRow) -> None:
    with work.following(row.record, None):
        work.emit(
            TextParsed(
                review=row.review, record=row.record, text=row.id, parse=made.id, parser=made.parser,
                sha256=made.sha256, paragraphs=made.paragraphs, state="parsed" if made.why is None else "unparsed",
                why=made.why,
            )
        )  # fmt: skip


def user(parse: str) -> str:
    """What uses the blob of a parse."""
    return f"{parse}/parse"


def forget_passages(work: Work, row: TextRow, reason: str) -> None:
    """Keeps nothing of what a copy says any more: it is withdrawn. Its quotes are lost, and their words gone."""
    store.parse_no_more(work, row.id)
    for parse in store.parses_of(work, row.id):
        _let_go(work, parse)
    for anchor in store.anchors_of(work, row.id):
        anchor.exact = anchor.prefix = anchor.suffix = None
        _lose(work, row, anchor, f"the copy was withdrawn: {reason}"[:500])


def move_passages(work: Work, row: TextRow, into: TextRow) -> None:
    """Has what is known of a copy's passages and quotes be another's that stands for it, of the same bytes."""
    if store.parses_of_now(work, [row.id]):
        store.parse_no_more(work, into.id)
    store.move_passages(work, row.id, into.id)


def forget_parse(work: Work, parse: ParseRow) -> None:
    """Forgets what an earlier parser made of a copy."""
    _let_go(work, parse)


def _let_go(work: Work, parse: ParseRow) -> None:
    if parse.blob is not None:
        names.let_go(work, parse.blob, by=user(parse.id))
    store.forget_parse(work, parse)


# Reading


@dataclass(frozen=True, slots=True)
class Kept:
    """Where what a parser made of a copy is kept."""

    parse: str
    blob: Blob


def standing_text(work: Work, review: str, text: str) -> TextRow:
    """A review's copy that was not withdrawn. Raises NotFound."""
    row = store.text_of(work, review, text)
    if row.withdrawn_at is not None:
        raise NotFound(f"copy {text!r} was withdrawn: {row.withdrawn_why}", slug="copy_withdrawn")
    return row


def passages_for(work: Work, row: TextRow, person: Person) -> Kept:
    """Where what a copy says is kept, for whom its `readers` names. Raises Forbidden, and Conflict while it is not
    parsed or where it cannot be."""
    require_reader(row, person)
    made = store.parses_of_now(work, [row.id]).get(row.id)
    if made is None:
        raise Conflict(f"copy {row.id!r} is being parsed; look again in a minute", slug="not_parsed_yet")
    if made.why is not None or made.blob is None or made.size is None:
        why = REASONS[made.why or "damaged"]
        raise Conflict(f"copy {row.id!r} has no passages: {why}", slug="not_parsed", why=made.why)
    return Kept(made.id, Blob(made.blob, made.size))


def read(blobs: Blobs, kept: Kept) -> Parse:
    """What a copy says; no transaction need be open."""
    return read_parse(b"".join(blobs.open(kept.blob.sha256, kept.blob.size)))


# Quotes


@dataclass(frozen=True, slots=True)
class Sought:
    """Where a copy says what somebody quotes, as it was parsed then."""

    of: Kept
    parse: Parse
    span: Span


def seek_quote(blobs: Blobs, kept: Kept, asked: NewQuote) -> Sought:
    """Finds words in what a copy says, which of a book that nobody quoted of late may take seconds: no transaction need
    be open.

    Raises Invalid where the copy does not say them, with what comes nearest; where it says them more than once, with
    where; and for a locator that names none of its passages.
    """
    parse, searched = _RECENT.of(kept.blob.sha256, lambda: read(blobs, kept))
    return Sought(kept, parse, _found(parse, searched, asked))


def add_quote(
    work: Work, text: str, quote: Sought, person: Person, *, proposed_by: ProposedBy | None = None
) -> tuple[AnchorRow, TextRow, str]:
    """Anchors words that were found in a copy, and answers the receipt. The same person's same quote again is the same
    anchor; another's is one of their own, since nobody is to learn what others quote before they have coded themselves.

    Raises NotFound and Conflict where the copy was withdrawn or parsed anew since they were found.
    """
    # Another one with the same quote waits here, and finds this one's.
    row = store.lock_text(work, text)
    if row is None or row.withdrawn_at is not None:
        raise NotFound(f"copy {text!r} was withdrawn meanwhile", slug="copy_withdrawn")
    if passages_for(work, row, person) != quote.of:
        raise Conflict(f"copy {text!r} was parsed anew at this moment; quote it again", slug="parsed_anew")
    anchor = store.anchor_at(work, text, *quote.span, work.actor, AnchorStates.ANCHORED)
    if anchor is None:
        anchor = work.add(_anchor(work, row, quote))
    return anchor, row, issue_receipt(work.ring, _receipt(work, row, anchor, proposed_by))


def decide_quotable_words(work: Work, review: str, text: str, words: int) -> TextRow:
    """Says of how many words quotes of a closed copy may be shown to whoever may not read it. Raises NotFound, and
    Conflict for one that is open."""
    standing_text(work, review, text)
    row = store.lock_text(work, text)
    if row is None or not licences.is_closed(row.licence_class):
        raise Conflict(f"copy {text!r} is open: its quotes are shown as they are", slug="copy_open")
    row.quotable_words = words
    return row


def _anchor(work: Work, row: TextRow, quote: Sought) -> AnchorRow:
    parse, span = quote.parse, quote.span
    exact, salt = parse.text[span.start : span.end], secrets.token_hex(16)
    passage, (prefix, suffix) = parse.at(span.start), around(parse.text, span)
    return AnchorRow(
        id=new_id("anchor"), review=row.review, text=row.id, parse=quote.of.parse, parse_sha256=parse.sha256,
        locator=passage.locator, page=passage.page, begins=span.start, ends=span.end, exact=exact, prefix=prefix,
        suffix=suffix, words=len(exact.split()), salt=salt, quote_sha256=salted(exact, salt), made_by=work.actor,
        made_at=work.now,
    )  # fmt: skip


def _receipt(work: Work, row: TextRow, anchor: AnchorRow, proposed_by: ProposedBy | None) -> Receipt:
    return Receipt(
        review=row.review, record=row.record, text=row.id, anchor=anchor.id, parse_sha256=anchor.parse_sha256,
        locator=anchor.locator, page=anchor.page, start=anchor.begins, end=anchor.ends,
        quote_sha256=anchor.quote_sha256, salt=anchor.salt, words=anchor.words,
        closed=licences.is_closed(row.licence_class), exact=anchor.exact if is_shown(row, anchor.words) else None,
        proposer=None if proposed_by is None else proposed_by.proposer,
        proposer_version=None if proposed_by is None else proposed_by.version, made_by=anchor.made_by, at=work.now,
    )  # fmt: skip


def _found(parse: Parse, searched: Searched, asked: NewQuote) -> Span:
    """Where a copy says these words, once."""
    if not is_said(asked.exact):
        raise Invalid.of("exact", "has neither a letter nor a digit, and quotes nothing")
    passage = parse.named(asked.locator) if asked.locator is not None else None
    if asked.locator is not None and passage is None:
        raise Invalid.of("locator", f"the copy has no passage {asked.locator!r:.120}; its passages list those it has")
    within = Span(passage.start, passage.end) if passage is not None else None
    try:
        spans = find(searched, asked.exact, asked.prefix or "", asked.suffix or "", within)
        if not spans:
            _refuse_unfound(parse, searched, asked)
    except Everywhere:
        why = "the copy has this in more places, also within words, than can be looked through: quote more of it"
        raise Invalid.of("exact", why, slug="quote_everywhere") from None
    if len(spans) == 1:
        return spans[0]
    why = f"the copy says this {_how_often(spans)}: say what stands before or behind it, or in which passage"
    raise Invalid.of(
        "exact", why,
        slug="quote_ambiguous", spans=[_offered(parse, span) for span in spans[:_MOST_OFFERED]],
    )  # fmt: skip


def _refuse_unfound(parse: Parse, searched: Searched, asked: NewQuote) -> NoReturn:
    elsewhere = find(searched, asked.exact)
    if elsewhere:
        at = next(name for name in ("locator", "prefix", "suffix") if getattr(asked, name) is not None)
        why = "the copy says this, but not there"
        spans = [_offered(parse, span) for span in elsewhere[:_MOST_OFFERED]]
        raise Invalid.of(at, why, slug="quote_elsewhere", spans=spans)
    near = nearest(searched, asked.exact)
    # No words of the copy stand in what may be logged.
    why = "the copy does not say this" + ("; what comes nearest stands beside" if near is not None else "")
    offered = _offered(parse, near.span) | {"similarity": near.similarity} if near is not None else None
    raise Invalid.of("exact", why, slug="quote_not_found", nearest=offered)


def _offered(parse: Parse, span: Span) -> dict[str, Any]:
    passage, (prefix, suffix) = parse.at(span.start), around(parse.text, span)
    return {
        "locator": passage.locator, "page": passage.page, "start": span.start, "end": span.end,
        "exact": parse.text[span.start : span.end], "prefix": prefix, "suffix": suffix,
    }  # fmt: skip


# Quotes in another parse


class Quoted(NamedTuple):
    """Words that somebody quoted, and what stood around them."""

    exact: str
    prefix: str
    suffix: str


def quotes_of(work: Work, text: str) -> list[Quoted]:
    """What was quoted of a copy, but for what is gone with it."""
    return [_quoted(anchor) for anchor in store.anchors_of(work, text) if anchor.exact is not None]


class Sighting:
    """Where a copy's quotes stand in what another parser made of it.

    Of a long text it takes seconds, so that those it is given are looked for at once, while no transaction need be
    open; one that was made meanwhile is looked for when it is asked for.
    """

    def __init__(self, parse: Parse, quotes: Iterable[Quoted]) -> None:
        self.parse = parse
        self._searched = Searched(parse.text)
        self._known = {quoted: self._look(quoted) for quoted in set(quotes)}

    def of(self, quoted: Quoted) -> Sequence[Span] | None:
        """Where these words stand now: where that is several times, with what stood around them, or at one side of
        them. None where that is everywhere."""
        if quoted not in self._known:
            self._known[quoted] = self._look(quoted)
        return self._known[quoted]

    def _look(self, quoted: Quoted) -> Sequence[Span] | None:
        exact, prefix, suffix = quoted
        try:
            spans = find(self._searched, exact)
            for before, behind in ((prefix, suffix), (prefix, ""), ("", suffix)):
                if len(spans) > 1 and len(closer := find(self._searched, exact, before, behind)) == 1:
                    return closer
        except Everywhere:
            return None
        return spans


def _quoted(anchor: AnchorRow) -> Quoted:
    return Quoted(anchor.exact or "", anchor.prefix or "", anchor.suffix or "")


def _find_again(work: Work, row: TextRow, made: ParseRow, sighting: Sighting) -> None:
    """Moves the quotes of a copy to where they stand in what another parser made of it, or has them be lost."""
    for anchor in store.anchors_of(work, row.id):
        if anchor.exact is None:
            continue
        spans = sighting.of(_quoted(anchor))
        if spans is None or len(spans) != 1:
            _lose(work, row, anchor, f"the copy was parsed anew by {made.parser}, and says it {_how_often(spans)}")
            continue
        was_lost = anchor.state == AnchorStates.LOST
        if was_lost:
            AnchorStates.turn(anchor, AnchorStates.ANCHORED)
        _move(anchor, made, sighting.parse, spans[0])
        with work.following(row.record, None):
            work.emit(
                AnchorFound(
                    review=row.review, record=row.record, text=row.id, anchor=anchor.id,
                    parse_sha256=anchor.parse_sha256, locator=anchor.locator, start=anchor.begins, end=anchor.ends,
                    was_lost=was_lost,
                )
            )  # fmt: skip


def _how_often(spans: Sequence[Span] | None) -> str:
    if spans is None:
        return "everywhere, also within words"
    if not spans:
        return "nowhere"
    return f"{len(spans)} times" + (" or more" if len(spans) == MOST_FOUND else "")


def _move(anchor: AnchorRow, made: ParseRow, parse: Parse, span: Span) -> None:
    passage = parse.at(span.start)
    anchor.parse, anchor.parse_sha256, anchor.why = made.id, parse.sha256, None
    anchor.locator, anchor.page = passage.locator, passage.page
    anchor.begins, anchor.ends = span
    anchor.exact = parse.text[span.start : span.end]
    anchor.prefix, anchor.suffix = around(parse.text, span)


def _lose(work: Work, row: TextRow, anchor: AnchorRow, why: str) -> None:
    anchor.why = why
    if anchor.state == AnchorStates.LOST:
        return
    AnchorStates.turn(anchor, AnchorStates.LOST)
    with work.following(row.record, None):
        work.emit(AnchorLost(review=row.review, record=row.record, text=row.id, anchor=anchor.id, why=why))
