"""One citation of PubMed as a source record: an article or a book, and the comments and corrections linked to it."""

from __future__ import annotations

import re
from datetime import date
from xml.etree.ElementTree import Element

from services.ingest.ports.sources import normal, noticing
from services.ingest.ports.sources.markup import plain, text_of
from services.ingest.ports.sources.noticing import with_title
from services.ingest.ports.sources.port import Notice, Rejection, SourceRecord
from services.ingest.ports.sources.reading import Reader
from shared import identifiers
from shared.events.values import Identifiers
from shared.languages import language

_ELSEWHERE = re.compile(r"abstract (?:is )?available from the publisher\W*$", re.IGNORECASE)
_NOT_AVAILABLE = {"not available", "no title available"}


def read_article(item: Element, reader: Reader) -> SourceRecord | Rejection:
    """Reads one PubmedArticle or PubmedBookArticle."""
    if item.tag == "PubmedBookArticle":
        return _read_book(item, reader)
    if item.tag != "PubmedArticle":
        return reader.reject(item, None, f"it is a <{item.tag}>, neither an article nor a book")
    citation, article = item.find("MedlineCitation"), item.find("MedlineCitation/Article")
    own_id = identifiers.pmid(item.findtext("MedlineCitation/PMID"))
    if citation is None or article is None or own_id is None:
        return reader.reject(item, own_id, "it has no citation with a PMID and an article")
    titles = _titles(article)
    types = [text_of(each) for each in article.iterfind("PublicationTypeList/PublicationType")]
    abstract = _abstract(article.find("Abstract")) or _other_abstract(citation)
    its_kind, notices = with_title(
        normal.kind(types),
        _notices(own_id, citation, types),
        titles[0] if titles else None,
        abstract,
        f"pmid:{own_id}",
    )
    return reader.record(
        item,
        source_id=own_id,
        title=titles[0] if titles else None,
        other_titles=titles[1:],
        abstract=abstract,
        keywords=_keywords(citation),
        authors=_authors(_writers(article)),
        editors=_authors(article.find("AuthorList[@Type='editors']")),
        venue=plain(article.findtext("Journal/Title")),
        other_venues=[
            plain(article.findtext("Journal/ISOAbbreviation")),
            plain(citation.findtext("MedlineJournalInfo/MedlineTA")),
        ],
        volume=normal.part(article.findtext("Journal/JournalIssue/Volume")),
        issue=normal.part(article.findtext("Journal/JournalIssue/Issue")),
        pages=_pages(article.find("Pagination")),
        issns=[article.findtext("Journal/ISSN"), citation.findtext("MedlineJournalInfo/ISSNLinking")],
        published=_published(article, reader),
        kind=its_kind,
        language=language(article.findtext("Language")),
        identifiers=_identifiers(own_id, item.find("PubmedData/ArticleIdList"), article, reader),
        notices=notices,
        entered=_stamp(_entrez(item.find("PubmedData/History"))),
        updated=_stamp(citation.find("DateRevised")),
    )


def _read_book(item: Element, reader: Reader) -> SourceRecord | Rejection:
    document = item.find("BookDocument")
    own_id = identifiers.pmid(item.findtext("BookDocument/PMID"))
    if document is None or own_id is None:
        return reader.reject(item, own_id, "it has no book document with a PMID")
    chapter, book = _titles(document), text_of(document.find("Book/BookTitle"))
    people = document.find("AuthorList")
    return reader.record(
        item,
        source_id=own_id,
        title=chapter[0] if chapter else book,
        abstract=_abstract(document.find("Abstract")),
        keywords=_keywords(document),
        authors=_authors(people if people is not None else document.find("Book/AuthorList")),
        editors=_authors(document.find("Book/AuthorList[@Type='editors']")),
        venue=book if chapter else plain(document.findtext("Book/Publisher/PublisherName")),
        volume=normal.part(document.findtext("Book/Volume")),
        pages=_pages(document.find("Pagination")),
        isbns=[text_of(each) for each in document.iterfind("Book/Isbn")],
        publisher=plain(document.findtext("Book/Publisher/PublisherName")),
        published=_date(document.find("Book/PubDate"), reader),
        kind="chapter" if chapter else "book",
        language=language(document.findtext("Language")),
        identifiers=_identifiers(own_id, document.find("ArticleIdList"), document, reader),
        entered=_stamp(_entrez(item.find("PubmedBookData/History"))),
        updated=_stamp(document.find("DateRevised")),
    )


def _titles(article: Element) -> list[str]:
    """The title without its final dot and the brackets of a translation; then the title in its own language."""
    title = text_of(article.find("ArticleTitle")) or ""
    if title.startswith("[") and title.rstrip(".").endswith("]"):
        title = title.rstrip(".")[1:-1]
    title = title if title.endswith("..") else title.removesuffix(".")
    vernacular = (text_of(article.find("VernacularTitle")) or "").removesuffix(".")
    return [each for each in (title, vernacular) if each and each.lower() not in _NOT_AVAILABLE]


def _abstract(abstract: Element | None) -> str | None:
    lines = []
    for part in abstract.iterfind("AbstractText") if abstract is not None else ():
        label, text = (plain(part.get("Label")) or "").rstrip(" :"), text_of(part)
        if text:
            lines.append(text if label.upper() in {"", "UNLABELLED"} else f"{label}: {text}")
    return "\n".join(lines) or None


def _other_abstract(citation: Element) -> str | None:
    """The abstract of a citation that has none of its own: one by somebody else or in another language, English first.
    Many say only that the publisher has it."""
    others = sorted(citation.iterfind("OtherAbstract"), key=lambda other: other.get("Language", "eng") != "eng")
    texts = (_abstract(other) for other in others)
    return next((text for text in texts if text and not _ELSEWHERE.match(text)), None)


def _keywords(citation: Element) -> list[str | None]:
    """The descriptors of MeSH, without what of each the work is about, then the keywords of its authors and others."""
    listed = ("MeshHeadingList/MeshHeading/DescriptorName", "KeywordList/Keyword")
    return [text_of(each) for path in listed for each in citation.iterfind(path)]


def _pages(pagination: Element | None) -> str | None:
    """`MedlinePgn` as it is cited, which stands for a number of an article too; else the first and the last page."""
    if pagination is None:
        return None
    first, last = pagination.findtext("StartPage"), pagination.findtext("EndPage")
    return normal.pages(pagination.findtext("MedlinePgn")) or normal.pages(first, last)


def _writers(article: Element) -> Element | None:
    """The list of authors, beside which a list of editors may stand."""
    lists = article.findall("AuthorList")
    return next((each for each in lists if each.get("Type") != "editors"), lists[0] if lists else None)


def _authors(people: Element | None) -> list[str]:
    return [name for name in map(_author, people.iterfind("Author") if people is not None else ()) if name]


def _author(author: Element) -> str | None:
    if author.get("ValidYN") == "N":
        return None
    family = text_of(author.find("LastName"))
    if not family:
        return text_of(author.find("CollectiveName"))
    given = [plain(author.findtext("ForeName") or author.findtext("Initials")), plain(author.findtext("Suffix"))]
    return ", ".join([family, " ".join(filter(None, given))]).removesuffix(", ")


def _identifiers(own_id: str, listed: Element | None, article: Element, reader: Reader) -> Identifiers:
    """The ids of the citation itself: a ReferenceList elsewhere in it holds those of other works."""
    ids = {each.get("IdType"): text_of(each) for each in (listed if listed is not None else ())}
    found = article.iterfind("ELocationID[@EIdType='doi']")
    located = next((text_of(each) for each in found if each.get("ValidYN") != "N"), None)
    return Identifiers(
        doi=reader.doi(ids.get("doi")) or reader.doi(located),
        pmid=own_id,
        pmcid=identifiers.pmcid(ids.get("pmc")),
    )


def _published(article: Element, reader: Reader) -> str | None:
    """The earliest of the day it appeared online and of its issue's date, which may lie months later."""
    online = [_date(element, reader) for element in article.iterfind("ArticleDate")]
    return normal.earliest([*online, _date(article.find("Journal/JournalIssue/PubDate"), reader)])


def _date(element: Element | None, reader: Reader) -> str | None:
    return (
        None
        if element is None
        else reader.partial_date(*_parts(element)) or reader.partial_date_of(element.findtext("MedlineDate"))
    )


def _stamp(element: Element | None) -> date | None:
    return None if element is None else normal.day(normal.partial_date(*_parts(element)))


def _parts(element: Element) -> list[str | None]:
    return [element.findtext(name) for name in ("Year", "Month", "Day")]


def _entrez(history: Element | None) -> Element | None:
    return history.find("PubMedPubDate[@PubStatus='entrez']") if history is not None else None


def _notices(own_id: str, citation: Element, types: list[str | None]) -> list[Notice]:
    """What the citation's links and publication types say; NLM's DTD lists the links as `RefType`."""
    notices = [
        notice
        for other in citation.iterfind("CommentsCorrectionsList/CommentsCorrections")
        for notice in noticing.linked(
            other.get("RefType"), other.findtext("PMID"), text_of(other.find("RefSource")), f"pmid:{own_id}"
        )
    ]
    if "Retracted Publication" in types and not any(one.kind == "retraction" and not one.of for one in notices):
        notices.append(Notice(kind="retraction"))
    if "Duplicate Publication" in types:
        notices.append(Notice(kind="expression_of_concern", said="Duplicate Publication"))
    return notices
