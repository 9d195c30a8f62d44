"""One work of Crossref as a source record: what its publisher deposited, and what was said of it later."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from services.ingest.ports.sources import normal, noticing
from services.ingest.ports.sources.markup import plain, prose, squeeze
from services.ingest.ports.sources.noticing import with_title
from services.ingest.ports.sources.port import Notice, Rejection, SourceRecord
from services.ingest.ports.sources.reading import Reader, as_dict, as_list, as_text
from shared import identifiers
from shared.events.values import Identifiers
from shared.folding import plain_words
from shared.languages import language

#: Registered things that are no works of their own, in the words of a methodologist.
_NO_WORKS = {
    "component": "it is a part of a work (a figure, table or supplement)",
    "journal": "it is a journal, not a work in it",
    "journal-volume": "it is a volume of a journal, not a work in it",
    "journal-issue": "it is an issue of a journal, not a work in it",
    "book-set": "it is a set of books, not a work in it",
    "book-series": "it is a series of books, not a work in it",
    "proceedings-series": "it is a series of proceedings, not a work in it",
    "report-series": "it is a series of reports, not a work in it",
    "grant": "it is a grant, not a work",
}


#: Works that are known by their editors where they have no author; a chapter's editors are those of its book.
_EDITED = {"book", "edited-book", "monograph", "reference-book", "proceedings", "report"}


def read_work(work: Any, reader: Reader) -> SourceRecord | Rejection:
    """Reads one work item."""
    work = as_dict(work)
    raw_doi, its_type = as_text(work.get("DOI")), as_text(work.get("type")) or ""
    doi = identifiers.doi(raw_doi)
    if doi is None:
        return reader.reject(work, raw_doi, "it has no well-formed DOI, so nothing identifies it")
    if its_type in _NO_WORKS:
        return reader.reject(work, doi, _NO_WORKS[its_type])
    if its_type == "peer-review":
        return reader.reject(work, doi, _peer_review(work))
    titles, abstract = _titles(work), prose(as_text(work.get("abstract")))
    notices = _notices(work, doi, reader)
    its_kind = "notice" if any(one.of or one.text for one in notices) else normal.kind([its_type])
    its_kind, notices = with_title(its_kind, notices, titles[0] if titles else None, abstract, f"doi:{doi}")
    return reader.record(
        work,
        source_id=doi,
        title=titles[0] if titles else None,
        other_titles=titles[1:],
        abstract=abstract,
        keywords=[plain(as_text(each)) for each in as_list(work.get("subject"))],
        authors=_people(work, its_type),
        editors=_editors(work),
        venue=_venue(work),
        other_venues=[
            plain(as_text(name))
            for each in ("container-title", "short-container-title")
            for name in as_list(work.get(each))
        ],
        volume=normal.part(work.get("volume")),
        issue=normal.part(work.get("issue")),
        pages=normal.pages(work.get("page")),
        article_number=normal.part(work.get("article-number")),
        issns=as_list(work.get("ISSN")),
        isbns=[each.rpartition("/")[2] for each in as_list(work.get("ISBN")) if isinstance(each, str)],
        publisher=plain(as_text(work.get("publisher"))),
        published=_published(work, reader),
        kind=its_kind,
        language=language(work.get("language")),
        identifiers=Identifiers(doi=doi),
        notices=notices,
        entered=normal.day(as_dict(work.get("created")).get("date-time")),
        updated=normal.day(as_dict(work.get("indexed")).get("date-time")),
    )


def _peer_review(work: dict[str, Any]) -> str:
    reviewed = as_list(as_dict(work.get("relation")).get("is-review-of"))
    dois = [doi for each in reviewed if (doi := identifiers.doi(as_dict(each).get("id")))]
    what = f" {', '.join(dois[:3])}" if dois else " another work"
    return f"it is a referee's report on{what}, not a work of its own"


def _titles(work: dict[str, Any]) -> list[str]:
    """The title with its subtitle first, then every other form of it: alone, further titles, the short and the
    original one. What only repeats the title (a running head) is no subtitle."""
    titles = [title for each in as_list(work.get("title")) if (title := plain(as_text(each)))]
    subtitles = [plain(as_text(subtitle)) for subtitle in as_list(work.get("subtitle"))]
    if titles and (added := [subtitle for subtitle in subtitles if subtitle and not _repeats(titles[0], subtitle)]):
        titles.insert(0, ": ".join([titles[0].rstrip(" :."), *dict.fromkeys(added)]))
    others = [plain(as_text(title)) for name in ("short-title", "original-title") for title in as_list(work.get(name))]
    return list(dict.fromkeys([*titles, *(title for title in others if title)]))


def _repeats(title: str, subtitle: str) -> bool:
    longer, shorter = f" {' '.join(plain_words(title))} ", f" {' '.join(plain_words(subtitle))} "
    return shorter in longer or longer in shorter


def _people(work: dict[str, Any], its_type: str) -> list[str]:
    """The authors; of a book that has none, its editors."""
    authors = [name for name in map(_author, as_list(work.get("author"))) if name]
    return authors if authors or its_type not in _EDITED else _editors(work)


def _editors(work: dict[str, Any]) -> list[str]:
    return [name for name in map(_author, as_list(work.get("editor"))) if name]


def _author(author: Any) -> str | None:
    author = as_dict(author)
    family, given = plain(as_text(author.get("family"))), plain(as_text(author.get("given")))
    if not family:
        return plain(as_text(author.get("name"))) or given
    if suffix := plain(as_text(author.get("suffix"))):
        given = f"{given} {suffix}" if given else suffix
    return f"{family}, {given}" if given else family


def _venue(work: dict[str, Any]) -> str | None:
    """The journal or book; for a preprint the server's institution."""
    return plain(_first(work.get("container-title")) or as_text(as_dict(_first_of(work, "institution")).get("name")))


def _published(work: dict[str, Any], reader: Reader) -> str | None:
    """The earliest day it could be read: online where that was before print, since from then on it was known; `issued`
    alone may be the date on a cover.

    What was never published otherwise has the day it was approved, such as a dissertation. A work that nobody dated was
    there in the year it was registered (`created`), at the latest: the year alone, since month and day are the
    registration's.
    """
    names = ("published-online", "published-print", "published", "issued", "posted", "published-other")
    dates = [_date(work, name, reader) for name in names]
    return (
        normal.earliest(dates) or _date(work, "approved", reader) or (_date(work, "created", reader) or "")[:4] or None
    )


def _date(work: dict[str, Any], name: str, reader: Reader) -> str | None:
    """A date, which may be [[null]]."""
    parts = as_list(_first_of(as_dict(work.get(name)), "date-parts"))
    return reader.partial_date(*parts[:3]) if parts else None


def _notices(work: dict[str, Any], doi: str, reader: Reader) -> list[Notice]:
    """What this work, being a notice itself, says of others (`update-to`), and what others say of it (`updated-by`);
    then what the relations add. One that names its own DOI was changed in place, and is no notice.

    The types are Crossref's, as its pages on registering updates and on relationships list them.
    """
    notices = [
        notice
        for name in ("update-to", "updated-by")
        for update in map(as_dict, as_list(work.get(name)))
        if (notice := _update(update, doi, strikes=name == "update-to", reader=reader))
    ]
    known = {(notice.kind, notice.of) for notice in notices}
    return notices + [notice for notice in _related(work, doi) if (notice.kind, notice.of) not in known]


def _update(update: dict[str, Any], own: str, *, strikes: bool, reader: Reader) -> Notice | None:
    word, other = as_text(update.get("type")), as_text(update.get("DOI"))
    kind, doi = noticing.of_update(word), identifiers.doi(other)
    if kind is None:
        if word and not noticing.is_known_update(word):
            reader.leave_out("kind of update", word)
        return None
    parts = as_list(_first_of(as_dict(update.get("updated")), "date-parts"))
    published = normal.partial_date(*parts[:3]) if parts else None
    if not strikes or doi == own:
        by = f"doi:{doi}" if doi and doi != own else None
        return Notice(kind=kind, by=by, published=published)
    if doi is None:
        text = squeeze(other or "")[: noticing.LONGEST_TEXT]
        return Notice(kind=kind, text=text, by=f"doi:{own}", published=published) if text else None
    return Notice(kind=kind, of=Identifiers(doi=doi), by=f"doi:{own}", published=published)


_STRIKING, _STRUCK = re.compile(r"(?:is-)?([a-z-]+?)-(?:of|for|to)"), re.compile(r"has-([a-z-]+)")


def _related(work: dict[str, Any], own: str) -> Iterator[Notice]:
    """What `relation` says: `is-retraction-of` and `has-retraction`; a bare `correction` is said of whichever of both
    works the other one asserts it of; `replaces` and `is-replaced-by` only of what is no preprint, whose versions
    follow each other without anything being wrong."""
    for name, relations in as_dict(work.get("relation")).items():
        for relation in map(as_dict, relations if isinstance(relations, list) else [relations]):
            asserted_here = relation.get("asserted-by") == "subject"
            if name in ("replaces", "is-replaced-by"):
                is_version = work.get("type") == "posted-content"
                kind, strikes = None if is_version else noticing.of_update("replacement"), name == "replaces"
            elif found := _STRIKING.fullmatch(name[:60]):
                kind, strikes = noticing.of_update(found[1]), True
            elif found := _STRUCK.fullmatch(name[:60]):
                kind, strikes = noticing.of_update(found[1]), False
            else:
                kind, strikes = noticing.of_update(name[:60]), asserted_here
            other = _other(relation)
            if kind and other and other.doi != own:
                yield Notice(kind=kind, of=other if strikes else None, by=f"doi:{own}" if strikes else _called(other))


def _other(relation: dict[str, Any]) -> Identifiers | None:
    id_type, number = relation.get("id-type"), relation.get("id")
    doi = identifiers.doi(number) if id_type == "doi" else None
    pmid = identifiers.pmid(number) if id_type == "pmid" else None
    return Identifiers(doi=doi, pmid=pmid) if doi or pmid else None


def _called(work: Identifiers) -> str:
    return f"doi:{work.doi}" if work.doi else f"pmid:{work.pmid}"


def _first(texts: Any) -> str | None:
    return next((text for text in as_list(texts) if as_text(text)), None)


def _first_of(thing: dict[str, Any], name: str) -> Any:
    values = as_list(thing.get(name))
    return values[0] if values else None
