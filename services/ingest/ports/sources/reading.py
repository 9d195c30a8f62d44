"""Reading pages by their cursors, and their items one by one: each a record or an explained rejection."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from traceback import extract_tb
from typing import Any, TypeVar
from xml.etree.ElementTree import Element, tostring

import orjson
from pydantic import ValidationError

from services.ingest.ports.sources import normal
from services.ingest.ports.sources.http import Answer, Malformed
from services.ingest.ports.sources.markup import squeeze
from services.ingest.ports.sources.port import (
    EXCERPT,
    LONGEST_CURSOR,
    Page,
    Rejection,
    SourceDrifted,
    SourceRecord,
    SourceRefused,
)
from shared import identifiers, logging
from shared.events import bounds
from shared.events.base import Value

log = logging.get(__name__)

Form = TypeVar("Form", bound=Value)

#: Characters at most: what no event may carry, an item is rejected for.
_LONGEST = {
    "source_id": bounds.LONGEST_ID, "title": bounds.LONGEST_TITLE, "abstract": bounds.LONGEST_ABSTRACT,
    "venue": bounds.LONGEST_VENUE,
}  # fmt: skip
_MOST_TITLES, _MOST_NOTICES = 20, 500

#: Characters at most of what only says where a work is: what is longer is left out, and the item is read.
_LONGEST_PART = {
    "volume": bounds.LONGEST_ID, "issue": bounds.LONGEST_ID, "pages": bounds.LONGEST_ID,
    "article_number": bounds.LONGEST_ID, "publisher": bounds.LONGEST_VENUE,
}  # fmt: skip
_MOST_NUMBERS = 20

#: How often a page is asked for again that holds less than it should.
AGAIN = 2

#: What positions around it add to a source's own cursor at most: that of a walk, and those of a chase around that.
_AROUND = 400

#: Remarks a page makes about its items, and characters of each.
MOST_REMARKS, _LONGEST_REMARK = 20, 300


@dataclass
class Reader:
    """Applies `read` to each item of a page of `source`; knows at which position it stands.

    `remarks` say what was left out of items that were read all the same.
    """

    source: str
    read: Callable[[Any, Reader], SourceRecord | Rejection]
    position: int = 0
    remarks: list[str] = field(default_factory=list)
    _left_out: list[str] = field(default_factory=list)

    def page(self, items: list[Any], **facts: Any) -> Page:
        """The page of these items; `facts` are the other fields of `Page`."""
        records: list[SourceRecord] = []
        rejections: list[Rejection] = []
        for self.position, item in enumerate(items):
            outcome = self.outcome(item)
            records.append(outcome) if isinstance(outcome, SourceRecord) else rejections.append(outcome)
        return Page(records=records, rejections=rejections, remarks=self.remarks[:MOST_REMARKS], **facts)

    def outcome(self, item: Any) -> SourceRecord | Rejection:
        """The item, read; whatever reading it raises is its rejection, so that it costs no other item its place."""
        self._left_out.clear()
        try:
            return self.read(item, self)
        except Exception as error:
            # Where, and no more: a traceback for each of a page's items would cost more than the page.
            at = extract_tb(error.__traceback__)[-1]
            why = squeeze(str(error))[:_LONGEST_REMARK]
            log.warning(
                "item cannot be read", source=self.source, position=self.position, error=type(error).__name__,
                why=why, at=f"{at.filename}:{at.lineno}",
            )  # fmt: skip
            return self.reject(item, None, f"it cannot be read ({type(error).__name__}: {why})")

    def record(self, item: Any, *, source_id: str, **fields: Any) -> SourceRecord | Rejection:
        """The record, unless nothing tells what it is or a field is too long to be what it claims."""
        source_id = squeeze(source_id)
        fields["other_titles"] = _possible(fields.get("other_titles", []))
        self._mend_parts(fields)
        record = SourceRecord(source=self.source, source_id=source_id, **fields)
        identified = any(value for _, value in record.identifiers)
        if not (record.title or record.abstract or identified):
            return self.reject(item, source_id, "it has no title, no abstract and no identifier known elsewhere")
        if reason := _too_long(record):
            return self.reject(item, source_id, reason)
        self.remarks += [f"{source_id}: {what}" for what in dict.fromkeys(self._left_out)]
        return record

    def _mend_parts(self, fields: dict[str, Any]) -> None:
        """Leaves out what cannot be a part of a citation, and brings numbers of series and books into one form."""
        for name, most in _LONGEST_PART.items():
            if len(fields.get(name) or "") > most:
                self.leave_out(name.replace("_", " "), fields.pop(name))
        if fault := bounds.fault_of_authors(fields.get("editors", [])):
            self.leave_out("list of editors", fault)
            del fields["editors"]
        for name, read in (("issns", identifiers.issn), ("isbns", identifiers.isbn), ("urls", identifiers.url)):
            fields[name] = list(dict.fromkeys(filter(None, map(read, fields.get(name, [])))))[:_MOST_NUMBERS]
        fields["keywords"] = self._keywords(fields.get("keywords", []))
        fields["other_venues"] = _other_venues(fields.get("other_venues", []), fields.get("venue"))

    def _keywords(self, said: list[str | None]) -> list[str]:
        """Each keyword once, whatever its case, without the star by which indexers mark what a work is mainly about."""
        kept: dict[str, str] = {}
        for text in filter(None, said):
            keyword = text.strip("* ")
            if len(keyword) > bounds.LONGEST_KEYWORD:
                self.leave_out("keyword", keyword)
            elif keyword:
                kept.setdefault(keyword.casefold(), keyword)
        if len(kept) > bounds.MOST_KEYWORDS:
            self._left_out.append(f"of its {len(kept)} keywords the first {bounds.MOST_KEYWORDS} are kept")
        return list(kept.values())[: bounds.MOST_KEYWORDS]

    def partial_date(self, *parts: Any) -> str | None:
        """A publication date out of its parts; one that is there and cannot be used is remarked."""
        return self._noted(normal.partial_date(*parts), [part for part in parts if part is not None])

    def partial_date_of(self, text: Any) -> str | None:
        """A publication date out of text; one that is there and cannot be used is remarked."""
        return self._noted(normal.partial_date_of(text), text)

    def _noted(self, date: str | None, said: Any) -> str | None:
        if date is None and said:
            self.leave_out("date", said)
        return date

    def doi(self, said: Any) -> str | None:
        """A DOI; one that is there and is none is remarked."""
        doi = identifiers.doi(said)
        if doi is None and said:
            self.leave_out("DOI", said)
        return doi

    def leave_out(self, what: str, said: Any) -> None:
        """Remarks what stands where a date, a DOI or the like should, once the item is a record."""
        self._left_out.append(f"{squeeze(repr(said)[:100])} is no {what} we can use")

    def reject(self, item: Any, source_id: str | None, reason: str) -> Rejection:
        return Rejection(
            source=self.source,
            source_id=source_id and squeeze(source_id)[: bounds.LONGEST_ID],
            position=self.position,
            reason=reason,
            excerpt=_excerpt(item),
        )


def answered(page: Page, answer: Answer) -> Page:
    """The page with what its answer said beside it: rates and budget, and what had to be mended."""
    remarks = [remark[:_LONGEST_REMARK] for remark in answer.remarks]
    return page.model_copy(update={"quota": answer.quota, "remarks": remarks + page.remarks})


class Position(Value):
    """Where a walk by cursors stands: at which of the source's own cursors, and how many items were given before."""

    at: str
    given: int = 0


def walk(ask: Callable[[str], Page], cursor: str | None, start: str, size: int) -> Iterator[Page]:
    """Asks page after page of `size` items, each with the cursor of the one before, from `cursor` or else `start` on.

    The end shows in one of several ways: no further cursor, the same cursor again, an empty page. Where the source's
    own count says that it came too early the page is asked for again. Raises SourceDrifted for a walk without an end.
    """
    begin = Position(at=start)
    position = resumed = read_cursor(cursor, Position) or begin
    empty = 0
    while True:
        try:
            page = whole(partial(ask, position.at), partial(_is_whole, position=position, size=size))
        except SourceRefused:
            if position is not resumed or position is begin:
                raise
            # A cursor of an earlier day may have lapsed: what follows now was partly given before.
            position = begin
            continue
        position, at = Position(at=page.cursor or "", given=position.given + page.found), position.at
        empty = 0 if page.found else empty + 1
        if _is_end(page, position, at) or empty > AGAIN:
            yield page.model_copy(update={"cursor": None})
            return
        check_for_an_end(page, position.given, size)
        yield page.model_copy(update={"cursor": position.model_dump_json()})


def whole(ask: Callable[[], Page], is_whole: Callable[[Page], bool]) -> Page:
    """The page; one that holds less than it should is asked for again, and the fullest of them counts."""
    page = ask()
    for _ in range(AGAIN):
        if is_whole(page):
            break
        page = max(page, ask(), key=lambda each: len(each.distinct))
    return page


def check_for_an_end(page: Page, given: int, size: int) -> None:
    """Raises SourceDrifted where a source has given far more than its own count says."""
    if page.reported is not None and given > 2 * page.reported + 10 * size:
        source = next((each.source for each in page.records), "the source")
        raise SourceDrifted(f"{source} gave {given} items of {page.reported}; the walk has no end", source=source)


def read_cursor(cursor: str | None, form: type[Form]) -> Form | None:
    """What a cursor of ours says; None for none, and for one that is not of this form."""
    try:
        return form.model_validate_json(cursor or "")
    except ValidationError:
        return None


def _is_whole(page: Page, position: Position, size: int) -> bool:
    """Whether a page holds what its source's own count let expect."""
    rest = max((page.reported or 0) - position.given, 0)
    return page.found >= (rest if page.cursor in {None, position.at} else min(size, rest))


def _is_end(page: Page, after: Position, asked: str) -> bool:
    """An empty page ends a walk only where nothing lacks."""
    return page.cursor in {None, asked} or (not page.found and after.given >= (page.reported or 0))


def _possible(titles: list[str]) -> list[str]:
    """Those other titles that can be titles, as many as a work may have."""
    return [title for title in titles if len(title) <= _LONGEST["title"]][:_MOST_TITLES]


def _other_venues(names: list[str | None], venue: str | None) -> list[str]:
    """Those names of a venue that are others than its own."""
    names = [name for name in names if name and name != venue and len(name) <= bounds.LONGEST_VENUE]
    return list(dict.fromkeys(filter(None, names)))[:_MOST_TITLES]


def _too_long(record: SourceRecord) -> str | None:
    for name, most in _LONGEST.items():
        if len(getattr(record, name) or "") > most:
            return f"its {name} is longer than {most} characters, so it is not one"
    if fault := bounds.fault_of_authors(record.authors):
        return f"it has {fault}, which no work has"
    if len(record.notices) > _MOST_NOTICES:
        return f"it carries more than {_MOST_NOTICES} notices"
    return None


def _excerpt(item: Any) -> str:
    """The beginning of an item as it came, as far as it can be shown in a line."""
    try:
        text = tostring(item, encoding="unicode") if isinstance(item, Element) else orjson.dumps(item, default=str)
    except (RecursionError, ValueError, TypeError) as error:
        return f"(it cannot be shown: {type(error).__name__})"
    return squeeze(text if isinstance(text, str) else text.decode())[:EXCERPT]


def as_cursor(value: Any) -> str | None:
    """The cursor for the next page. Raises Malformed for one that is longer than any is."""
    cursor = as_text(value)
    if cursor and len(orjson.dumps(cursor).decode()) > LONGEST_CURSOR - _AROUND:
        raise Malformed(f"the next page's cursor has {len(cursor)} characters")
    return cursor


def as_dict(value: Any) -> dict[str, Any]:
    """The value if it is an object, else an empty one: a field of another shape counts as absent."""
    return value if isinstance(value, dict) else {}


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def as_text(value: Any) -> str | None:
    """The value if it is text that says something."""
    return value if isinstance(value, str) and value.strip() else None
