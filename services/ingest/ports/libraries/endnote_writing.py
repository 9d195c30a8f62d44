"""EndNote's XML as we write it: what EndNote has elements for in those, the rest in one more that others pass over."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from xml.sax.saxutils import escape, quoteattr

from services.ingest.ports.libraries.outgoing import in_pieces
from services.ingest.ports.libraries.port import Exported
from shared.characters import sayable

#: There is an element for all that a description has, if need be one of ours.
LACKS: frozenset[str] = frozenset()

#: What the files that we write say made them.
OWN_APPLICATION = "Living Reviews"

_TYPES = {
    "article": ("Journal Article", 17), "review": ("Journal Article", 17), "editorial": ("Journal Article", 17),
    "letter": ("Journal Article", 17), "book": ("Book", 6), "chapter": ("Book Section", 5), "thesis": ("Thesis", 32),
    "report": ("Report", 27), "conference_paper": ("Conference Paper", 47), "dataset": ("Dataset", 59),
    "preprint": ("Unpublished Work", 34),
}  # fmt: skip


def write(records: Iterable[Exported]) -> Iterator[bytes]:
    """A `<record>` for each of them."""
    return in_pieces(_pieces(records))


def _pieces(records: Iterable[Exported]) -> Iterator[str]:
    yield '<?xml version="1.0" encoding="UTF-8"?>\n<xml><records>\n'
    empty = True
    for number, record in enumerate(records, start=1):
        empty = False
        yield f"<record>{''.join(_record(number, record))}</record>\n"
    # So that a file without records shows what it is, too.
    yield f"</records>{f'<!-- {OWN_APPLICATION} -->' if empty else ''}</xml>\n"


def _record(number: int, record: Exported) -> Iterator[str]:
    it, ids = record.bibliography, record.bibliography.identifiers
    name, code = _TYPES.get(it.kind or "", ("Generic", 13))
    yield f'<source-app name={quoteattr(OWN_APPLICATION)} version="1">{OWN_APPLICATION}</source-app>'
    yield f"<rec-number>{number}</rec-number><ref-type name={quoteattr(name)}>{code}</ref-type>"
    authors, editors = (_all("author", people) for people in (it.authors, it.editors))
    yield _group("contributors", _group("authors", authors) + _group("secondary-authors", editors))
    others = _all("short-title", it.other_titles)
    yield _group("titles", _one("title", it.title) + _one("secondary-title", it.venue) + others)
    yield _one("pages", it.pages) + _one("volume", it.volume) + _one("number", it.issue)
    yield _group("keywords", _all("keyword", it.keywords))
    dates = _group("pub-dates", _one("date", it.published)) if it.published else ""
    yield _group("dates", _one("year", (it.published or "")[:4]) + dates)
    yield _one("publisher", it.publisher) + _all("isbn", it.issns) + _one("electronic-resource-num", ids.doi)
    yield (
        _one("abstract", it.abstract)
        + _one("remote-database-name", "; ".join(record.databases))
        + _one("language", it.language)
    )
    yield _group("urls", _group("related-urls", _all("url", it.urls)))
    rest = {"living_record": record.record, "kind": it.kind, "article-number": it.article_number, "pmid": ids.pmid,
            "pmcid": ids.pmcid, "openalex": ids.openalex}  # fmt: skip
    yield _all("custom-living", [f"{name}: {value}" for name, value in rest.items() if value])
    yield _all("custom-living", [f"isbn: {number}" for number in it.isbns])
    yield _all("custom-living", [f"{name}: {value}" for name, value in record.decisions.items() if value])


def _group(name: str, inner: str) -> str:
    return f"<{name}>{inner}</{name}>" if inner else ""


def _one(name: str, text: str | None) -> str:
    return _all(name, [text] if text else [])


def _all(name: str, texts: Iterable[str]) -> str:
    return "".join(f"<{name}>{escape(sayable(text))}</{name}>" for text in texts)
