"""By whom a library file was made, the numbers that databases give their records, and what earlier tools decided there.

Screening tools have no field of RIS, BibTeX or CSV for what they decide: they write it into notes, each in its own way.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

#: By what a file shows who made it, in its first lines. Tools come before the databases whose records they hold.
_DIALECTS = [
    (dialect, re.compile(pattern, re.MULTILINE))
    for dialect, pattern in (
        ("living", r"^ID  - rec_[0-9a-f]{32}\s*$|^OWN +- LIVING\s*$"),
        ("rayyan", r"RAYYAN-(?:INCLUSION|LABELS|EXCLUSION-REASONS)|\brayyan-[0-9]+"),
        ("asreview", r"ASReview_(?:relevant|irrelevant|not_seen|prior|time|validation)|^asreview_label"),
        ("covidence", r"^(?:N1|ID|DB|DP|C[1-8]|U[1-5]) {1,2}- .{0,40}Covidence|^Covidence #"),
        ("ovid", r"ovidsp\.ovid\.com|^VN +- Ovid|^DB +- Ovid|^<[0-9]+>\s*$"),
        ("cochrane", r"^AN  - CN-[0-9]{8}|cochranelibrary\.com|^DB  - (?:The )?Cochrane"),
        ("embase", r"embase\.com/|^DB  - Embase|^U2  - L[0-9]+"),
        ("scopus", r"www\.scopus\.com/|^DB  - Scopus"),
        ("wos", r"^FN (?:Clarivate|Thomson|ISI)|\bWOS:[0-9A-Z]{10,}|^N1  - Times Cited in Web"),
        ("ebsco", r"search\.ebscohost\.com|^DP  - EBSCOhost|openurl\.ebsco\.com"),
        ("proquest", r"\bsearch\.proquest\.com|www\.proquest\.com|^DB  - ProQuest"),
        ("jstor", r"^Provider: JSTOR|^DB  - JSTOR"),
        ("eric", r"^OWN +- ERIC"),
        ("lens", r"^UR  - https://lens\.org/|^ID  - [0-9]{3}(?:-[0-9]{3}){3}-[0-9]{2,3}"),
        ("pubmed", r"^PMID- ?[0-9]|^DP  - NLM|^DB  - (?:PubMed|MEDLINE)"),
        ("mendeley", r"^L1  - file:///|^DP  - Mendeley"),
        ("zotero", r"^DA  - [0-9]{4}/[0-9/]*/(?:undefined)?\s*$|^N1  - <(?:p|div data-schema)"),
        ("endnote", r"^ID  - [0-9]{1,6}\s*\nER  -|^ST  - "),
    )
]

#: Numbers that name their database themselves.
_OWN_NUMBERS = re.compile(
    r"(?:WOS|MEDLINE|BIOSIS|BCI|CCC|KJD|SCIELO|CABI|FSTA|INSPEC|ZOOREC|DIIDW|PPRN|PQDT|RSCI|ARCI):[A-Z0-9.]{6,40}"
    r"|CN-[0-9]{8}|CD[0-9]{6}(?:\.PUB[0-9]+)?|rayyan-[0-9]{1,15}",
    re.IGNORECASE,
)
_EID = re.compile(r"2-s2\.0-[0-9]{5,15}")
_SCOPUS, _LENS = (
    re.compile(r"\beid=(2-s2\.0-[0-9]{5,15})"),
    re.compile(r"(?:^|/)([0-9]{3}(?:-[0-9]{3}){3}-[0-9]{2}[0-9X])$"),
)
_OVID = re.compile(
    r"ovid\.com/ovidweb\.cgi\?[^ ]{0,300}[&;]D=([A-Za-z0-9]{1,20})[^ ]{0,300}[&;]AN=([A-Za-z0-9.-]{4,40})"
)
_EBSCO = re.compile(r"ebscohost\.com/[^ ]{0,200}[?&]db=([A-Za-z0-9]{1,20})&AN=([A-Za-z0-9.-]{4,40})")
_PROQUEST = re.compile(r"proquest\.com/[^ ]{0,200}?docview/([0-9]{5,15})")
_EMBASE = re.compile(r"L[0-9]{5,12}")
_PUBMED = re.compile(r"\b(?:pubmed|medline|nlm)\b", re.IGNORECASE)
_NUMBER = re.compile(r"[A-Za-z0-9][\w.:/-]{2,60}")


#: Dialects of programs in which people keep and screen records of any database, and of hosts of many databases.
MANAGERS = frozenset({"living", "rayyan", "asreview", "covidence", "mendeley", "zotero", "endnote"})
HOSTS = frozenset({"ovid", "ebsco", "proquest"})


def dialect_of(head: str) -> str | None:
    """Who made a file that begins so; None where nothing shows it."""
    return next((dialect for dialect, pattern in _DIALECTS if pattern.search(head)), None)


def accession_of(
    numbers: Iterable[str], addresses: Iterable[str], databases: Iterable[str], others: Iterable[str] = ()
) -> str | None:
    """The number of a record in the database it is from, out of what its export has for numbers, addresses, names of
    databases, and `others`, which may be numbers or anything else.

    A number alone is one in the database beside it (`psyh:2022-96522-001`), since a file may be of several; without one
    it names nothing.
    """
    numbers, addresses, others = list(numbers), list(addresses), list(others)
    for text in (*numbers, *others):
        if own := _OWN_NUMBERS.fullmatch(text):
            return own[0]
        if found := _EMBASE.fullmatch(text) or _LENS.search(text):
            return found[found.re.groups]
    for address in addresses:
        if found := _SCOPUS.search(address) or _LENS.search(address):
            return found[1]
        if found := _OVID.search(address) or _EBSCO.search(address):
            return f"{found[1]}:{found[2]}"
        if found := _PROQUEST.search(address):
            return f"proquest:{found[1]}"
    database = next((name.strip()[:60] for name in databases if name.strip()), None)
    number = next((found[0] for text in numbers if (found := _NUMBER.match(text.split(";")[0].strip()))), None)
    return f"{database}:{number}" if database and number else None


def names_its_database(number: str) -> bool:
    """Whether a number says itself which database gave it, so that no other work has it, whatever file it is in."""
    return any(form.fullmatch(number) for form in (_OWN_NUMBERS, _EMBASE, _LENS, _EID))


def is_of_pubmed(databases: Sequence[str]) -> bool:
    """Whether numbers of the first of these databases are PubMed ids."""
    return bool(_PUBMED.search(next(iter(databases), "")[:100]))


# What was decided

_RAYYAN = re.compile(r"(?:RAYYAN-([A-Z-]{4,30})|(USER-NOTES)): ?")
_RAYYAN_PARTS = re.compile(r"(?<!\s)\s*+\|\s*+(?=RAYYAN-|USER-NOTES:|$)|\n")
_PAIR = re.compile(r'"((?:[^"\\]|\\.){1,200})"\s*=>\s*(?:"((?:[^"\\]|\\.){0,2000})"|\[([^\]]{0,5000})\])')
_ASREVIEW = re.compile(r"\bASReview_(relevant|irrelevant|not_seen|prior)\b")
_COVIDENCE = re.compile(r"\bCovidence ?(?:#|ID:?|number:?) ?#?([0-9]{1,10})\b")
_COVIDENCE_REASON = re.compile(r"\bExclusion reason: ?([^;\n]{1,500})")
_OURS = re.compile(r"(?:^|\n|\| )LIVING-([A-Z_]{1,40}): ?([^|\n]*)")
_TAGS = re.compile(r"</?(?:p|div|span|br|b|i)\b[^<>]{0,100}>")


def decisions_of(notes: Iterable[str]) -> dict[str, str]:
    """What Rayyan, ASReview, Covidence or this platform wrote into a record's notes, each under a name that is the same
    in every file (`rayyan.inclusion.<person>`, `rayyan.exclusion_reasons`, `asreview`, `covidence.number`,
    `covidence.exclusion_reason`, `living.stage`)."""
    found: dict[str, str] = {}
    for note in notes:
        if "RAYYAN-" in note or "USER-NOTES:" in note:
            for name, value in _of_rayyan(note):
                found.setdefault(name, value)
        if "ASReview_" in note:
            for label in _ASREVIEW.findall(note):
                found["asreview.prior" if label == "prior" else "asreview"] = "yes" if label == "prior" else label
        if "ovidence" in note and (number := _COVIDENCE.search(note)):
            found["covidence.number"] = number[1]
        if "Exclusion reason:" in note and (reason := _COVIDENCE_REASON.search(note)):
            found["covidence.exclusion_reason"] = _TAGS.sub("", reason[1]).strip()
        if "LIVING-" in note:
            found.update({f"living.{name.lower()}": value.strip() for name, value in _OURS.findall(note)})
    return found


def _of_rayyan(note: str) -> Iterator[tuple[str, str]]:
    for part in _RAYYAN_PARTS.split(_TAGS.sub("", note)):
        if (head := _RAYYAN.search(part)) is None:
            continue
        name = f"rayyan.{(head[1] or head[2]).lower().replace('-', '_')}"
        value = part[head.end() :].strip(" |")
        pairs = _PAIR.findall(value)
        for person, said, several in pairs:
            yield f"{name}.{person}", said or several.strip().strip('"')
        if value and not pairs:
            yield name, value


def noted(decisions: Mapping[str, str]) -> str:
    """Decisions as one note that `decisions_of` reads again, in the way that Rayyan has for its own."""
    return " | ".join(
        f"LIVING-{name.upper()}: {' '.join(value.replace('|', '/').split())}"
        for name, value in decisions.items()
        if re.fullmatch(r"[A-Za-z_]{1,40}", name) and value.strip()
    )
