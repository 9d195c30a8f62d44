"""What the fields of a BibTeX entry say, by the names that each maker has for them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from bibtexparser import model
from bibtexparser.middlewares.names import InvalidNameError, parse_single_name_into_parts

from services.ingest.ports.libraries import keywords, latex, names
from services.ingest.ports.libraries.port import LARGEST_RECORD
from services.ingest.ports.libraries.said import Said, several
from shared import identifiers

_MONTHS = {
    "jan": "January", "feb": "February", "mar": "March", "apr": "April", "may": "May", "jun": "June",
    "jul": "July", "aug": "August", "sep": "September", "oct": "October", "nov": "November", "dec": "December",
}  # fmt: skip


def _meanings(listed: dict[str, str]) -> dict[str, str]:
    return {name: part for part, names in listed.items() for name in names.split("|")}


_PARTS = _meanings(
    {
        "title": "title",
        "other_titles": "shorttitle|origtitle|titletranslation|translatedtitle|booktitle_original",
        "abstract": "abstract",
        "keywords": "keywords|keyword|author_keywords|index_keywords|keywords-plus|author-keywords|keywords_plus",
        "authors": "author|authors",
        "editors": "editor|editors",
        "venue": "journal|journaltitle|booktitle|maintitle",
        "other_venues": "shortjournal|journal_abbrev|abbrev_source_title|journal-iso|fjournal|journal-abbreviation"
        "|journal_iso|shortbooktitle",
        "volume": "volume",
        "issue": "number|issue",
        "pages": "pages|page",
        "article_number": "articleno|art_number|article-number|article_number|eid|articlenumber",
        "issns": "issn|eissn|issn-l",
        "isbns": "isbn|eisbn",
        "publisher": "publisher",
        "urls": "url|bdsk-url-1|link|ee",
        "date": "date",
        "year": "year",
        "month": "month",
        "day": "day",
        "kinds": "document_type|type|document-type|entrysubtype|documenttype",
        "language": "language|langid",
        "doi": "doi",
        "pmid": "pmid|pubmed_id|pubmedid|pubmed-id",
        "pmcid": "pmcid|pmc",
        "openalex": "openalex",
        "accession": "unique-id|accession-number|accession_number|accession|eprintid",
    }
)  # fmt: skip
#: Who published what has no publisher, and what a book is a part of that is in no journal.
_INSTEAD = (("publisher", ("institution", "school")), ("venue", ("series",)))
_LISTS = {"other_titles", "other_venues", "issns", "isbns", "urls", "kinds"}
_RAW = {"urls", "doi", "pmid", "pmcid", "openalex", "accession", "issns", "isbns"}
_NUMBERED = re.compile(r"(other_?titles?|url)_?[0-9]*")
#: What our own files have before a decision's name.
OWN_PREFIX = "living_"

_JUNIOR = re.compile(r"(?:Jr|Sr|I{1,3}|IV|V)\.?")
_AND_OR_BRACE = re.compile(r" and |[{}]", re.IGNORECASE)
_BRACE, _BRACE_OR_QUOTE = re.compile(r"(?<!\\)[{}]"), re.compile(r"(?<!\\)[{}\"]")
_QUOTED_OR_BRACED = re.compile(r"\s*(?:#\s*)?([{\"]|[^\s#{}\"]+)")


def said_of(entry: model.Entry, macros: Mapping[str, str], *, own: bool) -> Said:
    """What the entry says, its abbreviations resolved and its TeX read. Raises ValueError where they make it longer
    than any record."""
    said = Said(own=own, kinds=[entry.entry_type])
    left: dict[str, tuple[str, str]] = {}
    size = 0
    for it in entry.fields:
        name, tex = it.key.lower(), value_of(str(it.value), macros)
        size = _within_bounds(size + len(tex))
        if not tex.strip():
            continue
        part = _PARTS.get(name) or _numbered(name)
        if part is None or not _take(said, part, tex):
            left.setdefault(name, (it.key, tex))
    for part, others in _INSTEAD:
        for name in others:
            if not getattr(said, part) and name in left:
                setattr(said, part, latex.line_of(left.pop(name)[1]))
    if "subtitle" in left and not own:
        said.title = f"{said.title}: {latex.line_of(left.pop('subtitle')[1])}"
    said.fields = {
        key.removeprefix(OWN_PREFIX) if own and key != f"{OWN_PREFIX}record" else key: latex.lines_of(tex)
        for key, tex in left.values()
    }
    if own:
        said.fields.pop("databases", None)
    if entry.key and not own:
        said.fields["citation key"] = entry.key
    _mend(said)
    return said


def _numbered(name: str) -> str | None:
    """`othertitle2` and `url3`, as our own files have what BibTeX has one of."""
    found = _NUMBERED.fullmatch(name)
    return {"u": "urls", "o": "other_titles"}[name[0]] if found else None


def _take(said: Said, part: str, tex: str) -> bool:
    """Takes what a field says, and answers whether it was wanted: of two that say the same, the first counts."""
    if part in ("authors", "editors"):
        people = list(_people(tex, own=said.own))
        if None in people:
            said.remarks.append(f"its list of {part} is cut off there")
        getattr(said, part).extend(name for name in people if name is not None)
    elif part == "keywords":
        text = latex.line_of(tex)
        said.keywords.extend(names.listed(text) if said.own else keywords.split(text))
        # People keep labels and decisions there as well, so it stays a field too.
        return said.own
    elif part in _LISTS:
        text = latex.address_of(tex) if part in _RAW else latex.line_of(tex)
        getattr(said, part).extend([text] if part not in ("issns", "isbns") else several(text))
    elif getattr(said, part):
        return False
    elif part in _RAW:
        setattr(said, part, latex.address_of(tex))
    else:
        setattr(said, part, latex.lines_of(tex) if part == "abstract" else latex.line_of(tex))
    return True


def _people(tex: str, *, own: bool) -> Iterator[str | None]:
    """The names between `and`, each `Family, Given`; one that is in braces is as it is. None for `others`, which is the
    word of BibTeX for those that it does not name."""
    for name in _divided(" ".join(tex.split())):
        if name.startswith("{") and name.endswith("}") and _end_of_group(name, 0) == len(name):
            yield latex.line_of(name[1:-1])
        elif name.lower() == "others":
            yield None
        else:
            yield latex.line_of(name if own else _in_order(name))


def _in_order(name: str) -> str:
    """`First von Last` and `von Last, Jr, First` as `von Last, First Jr`."""
    if name.count(",") == 1:
        return name
    try:
        parts = parse_single_name_into_parts(name, strict=False)
    except (InvalidNameError, ValueError, IndexError):
        return name
    first, junior = parts.first, parts.jr
    if junior and _JUNIOR.fullmatch(" ".join(first)):
        first, junior = junior, first  # `Family, Given, Jr`, as some write it.
    family, given = " ".join([*parts.von, *parts.last]), " ".join([*first, *junior])
    return f"{family}, {given}" if family and given else name


def _divided(tex: str) -> Iterator[str]:
    start = depth = 0
    for sign in _AND_OR_BRACE.finditer(tex):
        if sign[0] in "{}":
            depth += 1 if sign[0] == "{" else -1
        elif depth == 0:
            yield tex[start : sign.start()]
            start = sign.end()
    yield tex[start:]


def _end_of_group(tex: str, start: int) -> int:
    """Where the group that begins with the brace at `start` ends; 0 where it does not."""
    depth = 1
    for sign in _BRACE.finditer(tex, start + 1):
        depth += 1 if sign[0] == "{" else -1
        if not depth:
            return sign.end()
    return 0


def value_of(raw: str, macros: Mapping[str, str]) -> str:
    """The value of a field without what it stands in, its abbreviations resolved: `{a}`, `"a"`, `jan # " 1"`.

    `macros` are abbreviations, in small letters, with their values. Raises ValueError where they make the value longer
    than any record.
    """
    raw = raw.strip()
    if raw.startswith("{") and _end_of_group(raw, 0) == len(raw):
        return raw[1:-1]
    if len(raw) > 1 and raw[0] == raw[-1] == '"' and "#" not in raw:
        return raw[1:-1]
    parts: list[str] = []
    position = size = 0
    while (found := _QUOTED_OR_BRACED.match(raw, position)) and found.end() > position:
        begins = found.start(1)
        if found[1] == "{":
            end = _end_of_group(raw, begins) or len(raw)
            parts.append(raw[begins + 1 : end - 1])
        elif found[1] == '"':
            end = _end_of_quoted(raw, begins)
            parts.append(raw[begins + 1 : end - 1])
        else:
            end = found.end()
            word = found[1].lower()
            parts.append(macros.get(word, _MONTHS.get(word, found[1])))
        size = _within_bounds(size + len(parts[-1]))
        position = end
    return "".join(parts) + raw[position:]


def _end_of_quoted(raw: str, start: int) -> int:
    depth = 0
    for sign in _BRACE_OR_QUOTE.finditer(raw, start + 1):
        if sign[0] == '"' and depth <= 0:
            return sign.end()
        depth += {"{": 1, "}": -1, '"': 0}[sign[0]]
    return len(raw) + 1


def _within_bounds(size: int) -> int:
    """The size, where a record may have it: a few abbreviations, made of each other, may stand for gigabytes."""
    if size > LARGEST_RECORD:
        raise ValueError(f"its abbreviations make it longer than {LARGEST_RECORD} characters")
    return size


def _mend(said: Said) -> None:
    """Reads numbers where makers put them that have no field of their own."""
    if not said.title and said.kinds[0] in ("proceedings", "book", "collection"):
        said.title, said.venue = said.venue, ""
    if said.article_number.startswith("2-s2.0-"):
        said.accession, said.article_number = said.accession or said.article_number, ""
    if not said.pmid and (note := next((text for name, text in said.fields.items() if name.lower() == "note"), "")):
        said.pmid = next(identifiers.pmids_in(note), "")
    if said.month and said.day == "" and (day := re.search(r"(?<![0-9])([0-9]{1,2})(?![0-9])", said.month)):
        # `MAR 1`, as Web of Science has it; `03` is a month.
        letters = re.search(r"[A-Za-z]", said.month)
        said.day = day[1] if letters else ""
