"""The wire forms: one paper's facts as each source would send them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from typing import Any
from xml.etree.ElementTree import Element, SubElement

from demo.replay.arxiv import ARXIV, ATOM
from demo.replay.corpus import SourceName
from demo.replay.facts import Copy, Paper


def openalex(paper: Paper, copy: Copy) -> dict[str, Any]:
    """A work object of the 2026 schema, as far as facts fill it."""
    own = f"https://openalex.org/{copy.id}"
    doi = f"https://doi.org/{paper.doi.lower()}" if paper.doi else None
    first, last = _pages(paper)
    return {
        "id": own,
        "doi": doi,
        "title": paper.title,
        "display_name": paper.title,
        "publication_year": paper.year,
        # Only the year is known; OpenAlex fills the rest like this.
        "publication_date": f"{paper.year}-01-01",
        "ids": {"openalex": own} | ({"doi": doi} if doi else {}),
        "language": paper.language,
        "primary_location": {"source": {"display_name": paper.venue, "type": "journal"}} if paper.venue else None,
        "type": "article",
        "authorships": [_authorship(name) for name in paper.authors],
        "biblio": {"volume": paper.volume, "issue": paper.issue, "first_page": first, "last_page": last},
        "is_retracted": False,
        "is_paratext": False,
        "abstract_inverted_index": None,
        "created_date": f"{copy.entered}T00:00:00",
        "updated_date": f"{copy.entered}T00:00:00.000000",
    }


def crossref(paper: Paper, copy: Copy) -> dict[str, Any]:
    """A work item; Crossref leaves out what it does not have."""
    item: dict[str, Any] = {
        "DOI": paper.doi,
        "URL": f"https://doi.org/{paper.doi}",
        "type": "journal-article",
        "title": [paper.title],
        "subtitle": [copy.subtitle] if copy.subtitle else None,
        "author": [
            {"family": family, "given": given, "sequence": "additional" if index else "first", "affiliation": []}
            for index, (family, given) in enumerate(map(_parted, paper.authors))
        ],
        "container-title": [paper.venue] if paper.venue else None,
        "volume": paper.volume,
        "issue": paper.issue,
        "page": paper.pages,
        "issued": {"date-parts": [[paper.year]]},
        "language": paper.language,
        "created": _stamp(copy.entered),
        "deposited": _stamp(copy.entered),
        "indexed": _stamp(copy.entered),
        "source": "Crossref",
        "score": 0.0,
    }
    return {name: value for name, value in item.items() if value}


def pubmed(paper: Paper, copy: Copy) -> Element:
    """A PubmedArticle."""
    root = Element("PubmedArticle")
    citation = SubElement(root, "MedlineCitation", Status="PubMed-not-MEDLINE", Owner="NLM")
    _add(citation, "PMID", copy.id, Version="1")
    _add_date(SubElement(citation, "DateRevised"), copy.entered)
    article = SubElement(citation, "Article", PubModel="Print")
    journal = SubElement(article, "Journal")
    issue = SubElement(journal, "JournalIssue", CitedMedium="Internet")
    _add(issue, "Volume", paper.volume)
    _add(issue, "Issue", paper.issue)
    _add(SubElement(issue, "PubDate"), "Year", str(paper.year))
    _add(journal, "Title", paper.venue)
    _add(journal, "ISOAbbreviation", paper.abbreviation)
    _add(article, "ArticleTitle", _with_dot(paper.title))
    if paper.pages:
        _add(SubElement(article, "Pagination"), "MedlinePgn", paper.pages)
    _add(article, "ELocationID", paper.doi, EIdType="doi", ValidYN="Y")
    people = SubElement(article, "AuthorList", CompleteYN="N" if paper.more_authors else "Y")
    for family, given in map(_parted, paper.authors):
        author = SubElement(people, "Author", ValidYN="Y")
        _add(author, "LastName", family)
        _add(author, "ForeName", given.replace(".", " ").strip())
        _add(author, "Initials", _initials(given))
    _add(article, "Language", _THREE_LETTERS.get(paper.language, paper.language))
    _add(SubElement(article, "PublicationTypeList"), "PublicationType", "Journal Article", UI="D016428")
    data = SubElement(root, "PubmedData")
    _add_date(SubElement(SubElement(data, "History"), "PubMedPubDate", PubStatus="entrez"), copy.entered)
    ids = SubElement(data, "ArticleIdList")
    _add(ids, "ArticleId", copy.id, IdType="pubmed")
    _add(ids, "ArticleId", paper.doi, IdType="doi")
    _add(ids, "ArticleId", copy.pmcid, IdType="pmc")
    return root


def europepmc(paper: Paper, copy: Copy) -> dict[str, Any]:
    """A result of type core; Europe PMC leaves out what it does not have."""
    origin, _, number = (copy.id or "").partition(":")
    people = [(family, _initials(given)) for family, given in map(_parted, paper.authors)]
    journal = {"title": paper.venue, "medlineAbbreviation": paper.abbreviation}
    result = {
        "id": number,
        "source": origin,
        "pmid": number if origin == "MED" else None,
        "pmcid": number if origin == "PMC" else copy.pmcid,
        "doi": paper.doi and paper.doi.lower(),
        "title": _with_dot(paper.title),
        "authorString": ", ".join(f"{family} {initials}" for family, initials in people) + ".",
        "authorList": {
            "author": [
                {"fullName": f"{family} {initials}", "lastName": family, "initials": initials}
                for family, initials in people
            ]
        },
        "journalInfo": {
            "issue": paper.issue,
            "volume": paper.volume,
            "dateOfPublication": str(paper.year),
            "monthOfPublication": 0,
            "yearOfPublication": paper.year,
            "printPublicationDate": f"{paper.year}-01-01",
            "journal": {name: value for name, value in journal.items() if value},
        },
        "pubYear": str(paper.year),
        "pageInfo": paper.pages,
        "language": _THREE_LETTERS.get(paper.language, paper.language),
        "pubTypeList": {"pubType": ["research-article", "Journal Article"]},
        "dateOfCreation": copy.entered.isoformat(),
        "firstIndexDate": copy.entered.isoformat(),
        "dateOfRevision": copy.entered.isoformat(),
        "firstPublicationDate": f"{paper.year}-01-01",
    }
    return {name: value for name, value in result.items() if value}


def doaj(paper: Paper, copy: Copy) -> dict[str, Any]:
    """An article; names stand as their publisher wrote them."""
    first, last = _pages(paper)
    described = {
        "title": paper.title,
        "year": str(paper.year),
        "identifier": [{"id": paper.doi, "type": "doi"}] if paper.doi else [],
        "author": [{"name": f"{given} {family}".strip()} for family, given in map(_parted, paper.authors)],
        "journal": {
            "title": paper.venue,
            "volume": paper.volume,
            "number": paper.issue,
            "language": [paper.language.upper()],
        },
        "start_page": first,
        "end_page": last,
    }
    stamp = f"{copy.entered}T00:00:00Z"
    return {"id": copy.id, "created_date": stamp, "last_updated": stamp, "bibjson": described}


def arxiv(paper: Paper, copy: Copy) -> Element:
    """An Atom entry of one version; one that names a journal's DOI has its reference too."""
    entry = Element(f"{{{ATOM}}}entry")

    def add(tag: str, text: str | None, parent: Element = entry) -> None:
        _add(parent, tag, text)

    stamp = f"{copy.entered}T12:00:00Z"
    add(f"{{{ATOM}}}id", f"http://arxiv.org/abs/{copy.id}v1")
    add(f"{{{ATOM}}}title", paper.title)
    add(f"{{{ATOM}}}updated", stamp)
    add(f"{{{ATOM}}}published", stamp)
    add(f"{{{ARXIV}}}doi", paper.doi)
    add(f"{{{ARXIV}}}journal_ref", paper.doi and f"{paper.venue} {paper.volume or ''} ({paper.year})")
    for family, given in map(_parted, paper.authors):
        add(f"{{{ATOM}}}name", f"{given} {family}".strip(), SubElement(entry, f"{{{ATOM}}}author"))
    return entry


def semanticscholar(paper: Paper, copy: Copy) -> dict[str, Any]:
    """A paper; names are shortened, and a day that is not known is left out."""
    people = ((_initials(given)[:1], family) for family, given in map(_parted, paper.authors))
    return {
        "paperId": copy.id,
        "externalIds": {"CorpusId": int(str(copy.id)[:7], 16)} | ({"DOI": paper.doi.upper()} if paper.doi else {}),
        "title": paper.title,
        "abstract": None,
        "venue": paper.venue or "",
        "year": paper.year,
        "publicationDate": None,
        "publicationTypes": ["JournalArticle"],
        "journal": {"name": paper.venue, "volume": paper.volume, "pages": paper.pages} if paper.venue else None,
        "authors": [{"authorId": None, "name": f"{initial}. {family}"} for initial, family in people],
    }


def cited_in_openalex(papers: Sequence[Paper]) -> dict[str, Any]:
    """Which works a work cites: those that are there."""
    there = [paper.sources["openalex"].id for paper in papers if "openalex" in paper.sources]
    return {"referenced_works": [f"https://openalex.org/{own}" for own in there], "referenced_works_count": len(there)}


def cited_in_crossref(papers: Sequence[Paper]) -> dict[str, Any]:
    """What its publisher deposited: each by its DOI, whoever registered that, or in words."""
    references: list[dict[str, Any]] = [
        {"key": f"ref{number}"}
        | (
            {"doi-asserted-by": "publisher", "DOI": paper.doi}
            if paper.doi
            else {"unstructured": f"{paper.title}, {paper.year}"}
        )
        for number, paper in enumerate(papers, 1)
    ]
    return {"reference": references, "references-count": len(references)}


def cited_in_semanticscholar(papers: Sequence[Paper]) -> dict[str, Any]:
    """Every paper; one that is not there has no id."""
    there = [(paper, paper.sources.get("semanticscholar")) for paper in papers]
    return {"references": [{"paperId": copy and copy.id, "title": paper.title} for paper, copy in there]}


#: What a source that knows it says of what a work cites.
CITED: dict[SourceName, Callable[[Sequence[Paper]], dict[str, Any]]] = {
    "openalex": cited_in_openalex,
    "crossref": cited_in_crossref,
    "semanticscholar": cited_in_semanticscholar,
}

#: The wire form of each source.
WIRE: dict[SourceName, Callable[[Paper, Copy], dict[str, Any] | Element]] = {
    "openalex": openalex,
    "crossref": crossref,
    "pubmed": pubmed,
    "europepmc": europepmc,
    "doaj": doaj,
    "arxiv": arxiv,
    "semanticscholar": semanticscholar,
}
_THREE_LETTERS = {"en": "eng", "fr": "fre", "de": "ger", "es": "spa", "it": "ita", "nl": "dut", "pt": "por"}


def _parted(name: str) -> tuple[str, str]:
    family, _, given = name.partition(", ")
    return family, given


def _initials(given: str) -> str:
    return given.replace(".", "").replace("-", "").replace(" ", "")


def _with_dot(title: str) -> str:
    """PubMed and Europe PMC end a title with a dot, unless it ends with another mark."""
    return title if title[-1] in ".?!" else f"{title}."


def _pages(paper: Paper) -> tuple[str | None, str | None]:
    first, _, last = (paper.pages or "").partition("-")
    return first or None, last or first or None


def _authorship(name: str) -> dict[str, Any]:
    family, given = _parted(name)
    display = f"{given} {family}".strip()
    return {"author": {"id": None, "display_name": display, "orcid": None}, "raw_author_name": display}


def _stamp(entered: date) -> dict[str, Any]:
    at = datetime(entered.year, entered.month, entered.day, tzinfo=UTC)
    parts = [[entered.year, entered.month, entered.day]]
    return {"date-parts": parts, "date-time": f"{at:%Y-%m-%dT%H:%M:%SZ}", "timestamp": int(at.timestamp() * 1000)}


def _add(parent: Element, tag: str, text: str | None, **attributes: str) -> None:
    if text:
        SubElement(parent, tag, attributes).text = text


def _add_date(parent: Element, entered: date) -> None:
    for tag, number in (("Year", entered.year), ("Month", entered.month), ("Day", entered.day)):
        _add(parent, tag, f"{number:02}")
