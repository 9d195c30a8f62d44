"""One result of Europe PMC as a source record: a citation of PubMed, a paper of PubMed Central or a preprint."""

from __future__ import annotations

from typing import Any

from services.ingest.ports.sources import normal, noticing
from services.ingest.ports.sources.markup import plain, prose
from services.ingest.ports.sources.noticing import with_title
from services.ingest.ports.sources.port import Notice, Rejection, SourceRecord
from services.ingest.ports.sources.reading import Reader, as_dict, as_list, as_text
from shared import identifiers
from shared.events.values import Identifiers
from shared.languages import language


def read_result(result: Any, reader: Reader) -> SourceRecord | Rejection:
    """Reads one result; its own id is its source (MED, PMC, PPR ...) and its id there."""
    result = as_dict(result)
    origin, number = as_text(result.get("source")), as_text(result.get("id"))
    if not origin or not number:
        return reader.reject(result, number, "it has no source and id, so nothing identifies it")
    own_id = f"{origin}:{number}"
    called = Identifiers(
        doi=reader.doi(result.get("doi")),
        pmid=identifiers.pmid(result.get("pmid") or (number if origin == "MED" else None)),
        pmcid=identifiers.pmcid(result.get("pmcid") or (number if origin == "PMC" else None)),
    )
    issue = as_dict(result.get("journalInfo"))
    journal = as_dict(issue.get("journal"))
    own = f"pmid:{called.pmid}" if called.pmid else f"doi:{called.doi}" if called.doi else own_id
    title, abstract = _title(result), prose(as_text(result.get("abstractText")))
    its_kind, notices = with_title(
        "preprint" if origin == "PPR" else normal.kind(_types(result)), _notices(own, result), title, abstract, own
    )
    return reader.record(
        result,
        source_id=own_id,
        title=title,
        abstract=abstract,
        keywords=_keywords(result),
        authors=_authors(result),
        venue=_venue(result),
        other_venues=[plain(as_text(journal.get(name))) for name in ("medlineAbbreviation", "isoabbreviation")],
        volume=normal.part(issue.get("volume") or result.get("journalVolume")),
        issue=normal.part(issue.get("issue") or result.get("issue")),
        pages=normal.pages(result.get("pageInfo")),
        issns=[journal.get("issn"), journal.get("essn"), *(as_text(result.get("journalIssn")) or "").split(";")],
        isbns=[as_dict(result.get("bookOrReportDetails")).get(name) for name in ("isbn10", "isbn13")],
        publisher=plain(as_text(as_dict(result.get("bookOrReportDetails")).get("publisher"))),
        published=_published(result, reader),
        kind=its_kind,
        language=language(result.get("language")),
        identifiers=called,
        notices=notices,
        entered=normal.day(result.get("firstIndexDate")),
        updated=normal.day(result.get("dateOfRevision")),
    )


def _title(result: dict[str, Any]) -> str | None:
    """The title without its final dot and the brackets of a translation."""
    title = plain(as_text(result.get("title"))) or ""
    if title.startswith("[") and title.rstrip(".").endswith("]"):
        title = title.rstrip(".")[1:-1]
    return (title if title.endswith("..") else title.removesuffix(".")) or None


def _keywords(result: dict[str, Any]) -> list[str | None]:
    """The descriptors of MeSH, then the keywords, as at PubMed."""
    headings = map(as_dict, as_list(as_dict(result.get("meshHeadingList")).get("meshHeading")))
    listed = as_list(as_dict(result.get("keywordList")).get("keyword"))
    return [plain(as_text(each)) for each in [*(heading.get("descriptorName") for heading in headings), *listed]]


def _authors(result: dict[str, Any]) -> list[str]:
    people = [as_dict(each) for each in as_list(as_dict(result.get("authorList")).get("author"))]
    if not people:
        listed = (as_text(result.get("authorString")) or "").strip().removesuffix(".")
        return [name for name in map(plain, listed.split(", ")) if name]
    return [name for name in map(_author, people) if name]


def _author(author: dict[str, Any]) -> str | None:
    family = plain(as_text(author.get("lastName")))
    given = plain(as_text(author.get("firstName")) or as_text(author.get("initials")))
    if family:
        return f"{family}, {given}" if given else family
    return plain(as_text(author.get("collectiveName"))) or plain(as_text(author.get("fullName")))


def _venue(result: dict[str, Any]) -> str | None:
    """The journal; for a preprint its server, for a chapter its book's publisher."""
    journal = as_dict(as_dict(result.get("journalInfo")).get("journal"))
    report = as_dict(result.get("bookOrReportDetails"))
    return plain(
        as_text(journal.get("title")) or as_text(result.get("journalTitle")) or as_text(report.get("publisher"))
    )


def _published(result: dict[str, Any], reader: Reader) -> str | None:
    """The earliest of the day of electronic publication, the issue's date as precise as it is printed, and
    `firstPublicationDate`, which fills an unknown month and day with 01."""
    issue = as_dict(result.get("journalInfo"))
    printed = reader.partial_date_of(issue.get("dateOfPublication")) or reader.partial_date(
        issue.get("yearOfPublication"), issue.get("monthOfPublication")
    )
    online = reader.partial_date_of(result.get("electronicPublicationDate"))
    first = normal.unfilled(reader.partial_date_of(result.get("firstPublicationDate")))
    return normal.earliest([online, printed, first]) or reader.partial_date(result.get("pubYear"))


def _types(result: dict[str, Any]) -> list[str]:
    """Publication types: a list in `core`, text with semicolons in `lite`."""
    listed = as_list(as_dict(result.get("pubTypeList")).get("pubType"))
    return [str(each) for each in listed] or [each.strip() for each in str(result.get("pubType") or "").split(";")]


def _notices(own: str, result: dict[str, Any]) -> list[Notice]:
    notices = [
        notice
        for other in map(as_dict, as_list(as_dict(result.get("commentCorrectionList")).get("commentCorrection")))
        for notice in noticing.linked(
            as_text(other.get("type")),
            other.get("id") if other.get("source") == "MED" else None,
            plain(as_text(other.get("reference"))),
            own,
        )
    ]
    types = {each.lower() for each in _types(result)}
    if "retracted publication" in types and not any(one.kind == "retraction" and not one.of for one in notices):
        notices.append(Notice(kind="retraction"))
    if "duplicate publication" in types:
        notices.append(Notice(kind="expression_of_concern", said="duplicate publication"))
    return notices
