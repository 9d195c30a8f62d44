"""A source's description of a work as matching sees it, and the keys by which works are found."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from services.ingest.domain.names import Name, name
from services.ingest.domain.pages import Spot, spot
from services.ingest.domain.titles import NO_TITLE, TELLING_TITLE, Title, read_title, titles_in
from services.ingest.domain.venues import Form, forms
from services.ingest.domain.words import specificity, written_out
from shared.events.values import Identifiers

#: The version of `Citation.keys`: whoever changes what a citation is found by raises it, and every database makes the
#: keys that it holds anew (jobs.keying).
KEYS = 3

#: Names compared of a long author list; OpenAlex cuts its own lists at 100.
_AUTHORS = 30

#: Further titles compared of a record.
_TITLES = 6

#: A Cochrane review and its version: `10.1002/14651858.CD002273.pub2`.
_VERSIONED = re.compile(r"(10\.1002/14651858\.[a-z]{2}[0-9]{6})(?:\.pub([0-9]+))?", re.IGNORECASE)

#: Archives of preprints, whose works some databases call articles.
_PREPRINT = re.compile(
    r"10\.(?:1101/(?:19|20)\d\d\.|1101/\d{6}$|2139/ssrn|20944/|21203/|22541/|26434/|31219/|31234/|31235/|48550/)"
)

#: How many years after a work something about it appears that is found by its beginning or end.
_YEARS_AFTER = 3


class Described(Protocol):
    """What matching reads of a source's record."""

    @property
    def source(self) -> str: ...
    @property
    def source_id(self) -> str: ...
    @property
    def title(self) -> str | None: ...
    @property
    def other_titles(self) -> list[str]: ...
    @property
    def authors(self) -> list[str]: ...
    @property
    def editors(self) -> list[str]: ...
    @property
    def venue(self) -> str | None: ...
    @property
    def other_venues(self) -> list[str]: ...
    @property
    def volume(self) -> str | None: ...
    @property
    def issue(self) -> str | None: ...
    @property
    def pages(self) -> str | None: ...
    @property
    def article_number(self) -> str | None: ...
    @property
    def issns(self) -> list[str]: ...
    @property
    def published(self) -> str | None: ...
    @property
    def kind(self) -> str: ...
    @property
    def identifiers(self) -> Identifiers: ...
    @property
    def restricted(self) -> bool: ...


@dataclass(frozen=True)
class Citation:
    """A source's description of a work: everything in one spelling."""

    source: str
    source_id: str
    title: Title
    further: tuple[Title, ...]
    authors: tuple[Name, ...]
    year: int | None
    venues: tuple[Form, ...]
    issns: frozenset[str]
    spot: Spot
    kind: str
    identifiers: Identifiers
    restricted: bool = False

    @property
    def key(self) -> tuple[str, str]:
        """Whose record it is, and its name there."""
        return self.source, self.source_id

    @cached_property
    def keys(self) -> frozenset[str]:
        """What a work is found by; two citations that share no key are never compared.

        A restricted one has none: that two accounts bear one title tells nothing, and what is held back is not to be
        learnt from what it is compared with. Only a person says that it is one with another.
        """
        if self.restricted:
            return frozenset()
        return frozenset((*identifier_keys(self.identifiers), *_title_keys(self), *_spot_keys(self)))

    @property
    def version(self) -> str | None:
        """Which version of a review it is, where its DOI says so."""
        found = _VERSIONED.fullmatch(self.identifiers.doi) if self.identifiers.doi else None
        return f"{found[1]}.{found[2] or 1}".lower() if found else None


def cite(record: Described) -> Citation:
    """Reads a source's record for matching."""
    # Of a book without authors, its editors are those it goes by.
    people = record.authors or record.editors
    return Citation(
        source=record.source,
        source_id=record.source_id,
        title=read_title(record.title) if record.title else NO_TITLE,
        further=_further(record),
        authors=tuple([person for text in people[:_AUTHORS] if (person := name(text))]),
        year=int(record.published[:4]) if record.published else None,
        venues=forms(*filter(None, (record.venue, *record.other_venues))),
        issns=frozenset(record.issns),
        spot=spot(record.volume, record.issue, record.pages, record.article_number),
        kind="preprint" if _is_preprint(record) else record.kind,
        identifiers=record.identifiers,
        restricted=record.restricted,
    )


def _is_preprint(record: Described) -> bool:
    doi = record.identifiers.doi
    return record.kind in ("article", "other") and doi is not None and bool(_PREPRINT.match(doi))


def _further(record: Described) -> tuple[Title, ...]:
    texts = [*(titles_in(record.title) if record.title else ()), *record.other_titles[:_TITLES]]
    return tuple([title for text in texts if text != record.title and (title := read_title(text)).is_telling])


def identifier_keys(identifiers: Identifiers) -> list[str]:
    """The keys of known identifiers, such as `doi:10.5334/ijic.4684`."""
    return [f"{kind}:{value}" for kind, value in identifiers if value]


def title_key(title: str) -> str | None:
    """The key of a whole title, by which a work that no identifier names is found; None for one that does not tell its
    work apart."""
    read = read_title(title)
    return _hashed("title", read.joined) if read.specificity > TELLING_TITLE else None


def _title_keys(citation: Citation) -> Iterator[str]:
    """The whole title, the title without its subtitle, and the first author and year with either end of the title.

    A title that is about nothing (`Editorial`) gives no key: only an identifier finds such a work. What is about
    another work has that one's ends, also of the years before it, and never its whole title: a title that two records
    hold names neither.
    """
    title = citation.title
    for each in (title, *citation.further):
        if each.specificity:
            yield _hashed("title", each.joined)
    work = title.work
    if not work.specificity:
        return
    whole = not title.marks or title.marks <= {"protocol", "update"}
    if whole and len(work.main) < len(title.subject) and specificity(work.main) >= TELLING_TITLE:
        yield _hashed("title", written_out("".join(work.main)))
    if citation.authors and citation.year and len(work.subject) > TELLING_TITLE:
        family = citation.authors[0].family
        for years in range(_YEARS_AFTER if title.marks else 1):
            yield _hashed("start", family, str(citation.year - years), *map(written_out, work.subject[:2]))
            yield _hashed("end", family, str(citation.year - years), *map(written_out, work.subject[-2:]))


def _spot_keys(citation: Citation) -> Iterator[str]:
    """The first author with volume and first page, by which a work is found under a title in another language."""
    where = citation.spot
    if citation.authors and where.volume and where.starts and citation.title.specificity:
        for page in where.starts:
            yield _hashed("spot", citation.authors[0].family, where.volume, page.letters, str(page.number))


def _hashed(kind: str, *parts: str) -> str:
    digest = hashlib.blake2b("\x1f".join(parts).encode(), digest_size=8).hexdigest()
    return f"{kind}:{digest}"
