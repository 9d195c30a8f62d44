"""What the columns of a table mean: their names as each database and screening tool writes them."""

from __future__ import annotations

import re
from collections.abc import Sequence

#: What tables of our own have in their first column.
OWN_COLUMN = "living_record"

_NO_LETTERS = re.compile(r"[\W_]+")


def bare(name: str) -> str:
    """A column's name as it is compared: in lower case, words alone."""
    return _NO_LETTERS.sub(" ", name.casefold()).strip()


def _meanings(listed: dict[str, str]) -> dict[str, str]:
    return {bare(name): part for part, names in listed.items() for name in names.split("|")}


#: The names of each part of a citation, of all dialects. `accession` is the number that a database gave a record.
_PARTS = _meanings(
    {
        "title": "title|article title|document title|item title|primary title|title ti|ti|t1|titles|paper title",
        "other_title": "original title|translated title|alternate title|alternatetitle|short title|title translation"
        "|vernacular title|other titles|foreign title|original language title",
        "abstract": "abstract|abstracts|abstract note|ab|n2|abstract text|original abstract|abstract ab",
        "keywords": "keywords|keyword|author keywords|index keywords|keywords plus|keyword s|authors keywords"
        "|manual tags|automatic tags|kw|mesh|mesh terms|mesh headings|mesh heading|mesh subject headings|mh|ot"
        "|subject|subjects|subject terms|subject headings|subjectterms|descriptors|identifiers keywords"
        "|emtree drug index terms|emtree drug index terms major focus|emtree medical index terms"
        "|emtree medical index terms major focus|ieee terms|inspec controlled terms|inspec non controlled terms"
        "|mesh_terms|key concepts|identifier keyword",
        "authors": "authors|author|author names|author s|author full names|authors contributors|first authors|au|af"
        "|author name|contributors|author list|creators|creator|authors primary",
        "editors": "editors|editor|secondary authors|book editors|be|editor s",
        "venue": "venue|journal|source title|publication title|journal book|journal title|publication|so|jf|jo"
        "|journal name|secondary title|container title|pubtitle|booktitle|book title|jn|periodical"
        "|journal source|source name|full journal name",
        "other_venue": "journal abbreviation|abbreviated source title|journal iso abbreviation|j9|ji|jt|ta"
        "|journal iso|iso abbreviation|short container title|alternate title1|abbreviated journal",
        "volume": "volume|vol|journal volume|vl|vi",
        "issue": "issue|number|journal issue|is|ip|issue number|no",
        "pages": "pages|page|page s|page range|pg|page numbers|pagination",
        "first_page": "page start|start page|first page|bp|startpage|sp|beginning page",
        "last_page": "page end|end page|last page|ep|endpage|ending page",
        "article_number": "art no|article number|article no|ar|art number",
        "issn": "issn|issns|eissn|e issn|issn print|issn electronic|print issn|electronic issn|sn|ei|online issn"
        "|issn isbn",
        "isbn": "isbn|isbns|bn|eisbn",
        "publisher": "publisher|pu|publisher name|pb",
        "url": "url|link|urls|document url|documenturl|source link|pdf link|plink|permalink|open url link"
        "|full text link|embase link|ur|web address|persistent link|fulltext url|weblink",
        "date": "date|publication date|date of publication|pubdate|published|cover date|dp|published date"
        "|publication date yyyy mm dd|release date",
        "year": "year|publication year|published year|py|yr|pub year|year of publication|yearpub|pubyear",
        "month": "month|published month|publication month",
        "day": "day|publication day",
        "kind": "kind|type|item type|document type|publication type|type of reference|doctype|documenttype|dt|pt"
        "|content type|article type|articletype|source type|entrytype|type of work|reference type"
        "|publication types|doc type"
        "|record type|ref type",
        "language": "language|language of original document|language of article|languages|la|article language",
        "doi": "doi|item doi|digital object identifier|digitalobjectidentifier|di|doi link|article doi",
        "pmid": "pmid|pubmed id|pubmedid|medline pmid|pm|pubmed pmid",
        "pmcid": "pmcid|pmc id|pmc",
        "openalex": "openalex id|openalex|openalexid",
        "accession": "eid|ut unique wos id|ut|accession number|embase accession id|pui|cochrane id|storeid|ui"
        "|unique identifier|unique id|an|accession no|cn|proquest document id|document identifier ieee|arnumber",
        "citation": "citation",
    }
)  # fmt: skip

#: Where a dialect means something else by a name than the others; `None` is no part of a citation.
_OTHERWISE: dict[str, dict[str, str | None]] = {
    "embase": {"source": "source"},
    "ovid": {"source": "source", "so": "source"},
    "cochrane": {"source": "venue"},
    "ebsco": {"source": "venue"},
    "wos": {"pt": None, "is": "issue", "au": None, "ti": "title", "de": "keywords", "id": "keywords"},
    "ieee": {"publication date": None, "issue date": "date", "category": "kind", "document identifier": "kind"},
    "zotero": {"type": None, "number": None, "key": None},
    "covidence": {"accession number": None},
    "pubmed": {"publication date": "date"},
}

#: By which columns a dialect is known: all of one of its sets, the most telling dialects first.
_KNOWN_BY: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("living", (OWN_COLUMN,)),
    ("covidence", ("covidence", "covidence number")),
    ("rayyan", ("pubmed id|pmc id|notes|abstract", "key|title|year|month|day|journal", "rayyan id")),
    ("asreview", ("asreview label", "asreview ranking", "asreview prior", "label included")),
    ("zotero", ("key|item type|abstract note", "item type|manual tags", "item type|publication title|abstract note")),
    ("pubmed", ("pmid|title|journal book", "pmid|nihms id")),
    ("scopus", ("eid|source title", "author s id|title", "source title|index keywords", "art no|source title")),
    ("embase", ("author names|source", "medline pmid|title", "embase accession id", "emtree drug index terms")),
    ("cochrane", ("cochrane review group code", "cochrane id", "cochrane review id")),
    ("ieee", ("document title|publication title", "date added to xplore", "ieee terms", "publication|category|doi")),
    ("proquest", ("storeid", "findacopy", "pubtitle|documenturl", "proquest document id")),
    ("ebsco", ("article title|plink", "article title|journal title", "an|title|plink", "authors contributors")),
    ("wos", ("ut unique wos id", "pt|au|ti|so|ut", "researcher ids|article title")),
    ("ovid", ("ovid link", "link to the ovid full text or citation", "unique identifier|title", "ui|ti|au|so")),
    ("springer", ("item title|item doi",)),
)  # fmt: skip

#: What a row is known by, if by anything.
_TELLING = frozenset({"title", "abstract", "doi", "pmid", "pmcid", "openalex"})


def dialect_of(names: Sequence[str]) -> str | None:
    """Who made a table with columns of these names, as far as they show it."""
    present = {bare(name) for name in names}
    return next(
        (dialect for dialect, sets in _KNOWN_BY if any(present.issuperset(map(bare, one.split("|"))) for one in sets)),
        None,
    )


def meanings(names: Sequence[str], dialect: str | None) -> list[str | None]:
    """Which part of a citation each column is; None for one that is none, or says again what another one does."""
    otherwise = _OTHERWISE.get(dialect or "", {})
    return [otherwise.get(name, _PARTS.get(name)) for name in map(bare, names)]


def cited(names: Sequence[str], dialect: str | None) -> list[str]:
    """The columns that are read as parts of a citation, and as nothing else: keywords may be labels as well."""
    named = zip(names, meanings(names, dialect), strict=True)
    return [name for name, meaning in named if meaning not in (None, "keywords")]


def is_header(names: Sequence[str]) -> bool:
    """Whether a row names columns by one of which a work is known."""
    return bool(_TELLING.intersection(filter(None, meanings(names, dialect_of(names)))))
