"""Odd items: one valid item of each source, and every way we know to make one field of it absurd, as bytes.

An item is `Sound` or `Odd`; both are fragments of a source's own answer, in which a page is joined around them.
All are made up here.
"""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from xml.etree.ElementTree import Element, fromstring, tostring

MARK = "@@odd@@"


@dataclass(frozen=True)
class Item:
    """A fragment of an answer, and what is odd about it (empty for a sound one)."""

    raw: bytes
    odd: str = ""


Make = Callable[[int], Any]


def crossref(number: int) -> dict[str, Any]:
    return {
        "DOI": f"10.5555/odd.{number}",
        "type": "journal-article",
        "title": [title(number)],
        "subtitle": ["A made-up study"],
        "original-title": [f"Titel {number}"],
        "author": [
            {"given": "Ada", "family": f"Okoye{number}", "suffix": "Jr"},
            {"name": "The Made-up Group"},
        ],
        "container-title": ["Journal of Made-up Care"],
        "institution": [{"name": "A made-up server"}],
        "abstract": "<jats:title>Aim</jats:title><jats:p>We asked.</jats:p>",
        "issued": {"date-parts": [[2020, 3, 4]]},
        "published-online": {"date-parts": [[2020, 2]]},
        "language": "en",
        "created": {"date-time": "2020-03-01T08:00:00Z"},
        "indexed": {"date-time": "2020-03-02T08:00:00Z"},
        "updated-by": [
            {"type": "correction", "DOI": f"10.5555/note.{number}", "updated": {"date-parts": [[2020, 5, 6]]}}
        ],
        "update-to": [],
    }


def openalex(number: int) -> dict[str, Any]:
    return {
        "id": f"https://openalex.org/W{7_000_000 + number}",
        "doi": f"https://doi.org/10.5556/odd.{number}",
        "ids": {
            "openalex": f"https://openalex.org/W{7_000_000 + number}",
            "pmid": f"https://pubmed.ncbi.nlm.nih.gov/{6_000_000 + number}",
            "pmcid": f"https://www.ncbi.nlm.nih.gov/pmc/articles/{5_000_000 + number}",
        },
        "title": title(number, "alex"),
        "display_name": title(number, "alex"),
        "publication_year": 2020,
        "publication_date": "2020-03-04",
        "language": "en",
        "type": "article",
        "authorships": [{"author": {"display_name": f"Ada Okoye{number}"}, "raw_author_name": "A. Okoye"}],
        "primary_location": {"source": {"display_name": "Journal of Made-up Care"}},
        "host_venue": {"display_name": "Journal of Made-up Care"},
        "abstract_inverted_index": {"We": [0], "asked": [1, 3], "and": [2]},
        "is_retracted": False,
        "created_date": "2020-03-01T00:00:00",
        "updated_date": "2020-03-02T00:00:00.5",
    }


def europepmc(number: int) -> dict[str, Any]:
    return {
        "id": str(8_000_000 + number),
        "source": "MED",
        "pmid": str(8_000_000 + number),
        "pmcid": f"PMC{8_000_000 + number}",
        "doi": f"10.5557/odd.{number}",
        "title": f"{title(number, 'euro')}.",
        "authorString": "Okoye A.",
        "authorList": {"author": [{"firstName": "Ada", "lastName": f"Okoye{number}", "initials": "A"}]},
        "journalInfo": {
            "dateOfPublication": "2020 Mar",
            "monthOfPublication": 3,
            "yearOfPublication": 2020,
            "journal": {"title": "Journal of Made-up Care"},
        },
        "bookOrReportDetails": {"publisher": "A made-up press"},
        "pubYear": "2020",
        "abstractText": "<h4>Aim</h4>We asked.",
        "language": "eng",
        "pubTypeList": {"pubType": ["Journal Article"]},
        "commentCorrectionList": {
            "commentCorrection": [{"id": str(9_000_000 + number), "source": "MED", "type": "Erratum in"}]
        },
        "electronicPublicationDate": "2020-03-04",
        "firstIndexDate": "2020-03-01",
        "firstPublicationDate": "2020-03-04",
        "dateOfRevision": "2020-03-02",
    }


def pubmed(number: int) -> Element:
    return fromstring(
        f"""<PubmedArticle><MedlineCitation><PMID Version="1">{3_000_000 + number}</PMID>
        <DateRevised><Year>2020</Year><Month>03</Month><Day>02</Day></DateRevised>
        <Article><Journal><JournalIssue><PubDate><Year>2020</Year><Month>Mar</Month><Day>4</Day></PubDate></JournalIssue>
        <Title>Journal of Made-up Care</Title></Journal><ArticleTitle>{title(number, "med")}.</ArticleTitle>
        <ELocationID EIdType="doi" ValidYN="Y">10.5558/odd.{number}</ELocationID>
        <Abstract><AbstractText Label="AIM">We asked.</AbstractText></Abstract>
        <AuthorList><Author ValidYN="Y"><LastName>Okoye{number}</LastName><ForeName>Ada</ForeName><Suffix>Jr</Suffix>
        </Author><Author><CollectiveName>The Made-up Group</CollectiveName></Author></AuthorList>
        <Language>eng</Language><PublicationTypeList><PublicationType>Journal Article</PublicationType>
        </PublicationTypeList><VernacularTitle>Titel {number}</VernacularTitle>
        <ArticleDate><Year>2020</Year><Month>03</Month><Day>04</Day></ArticleDate></Article>
        <CommentsCorrectionsList><CommentsCorrections RefType="ErratumIn"><RefSource>J. 2020. doi: 10.5558/n.{number}
        </RefSource><PMID>{4_000_000 + number}</PMID></CommentsCorrections></CommentsCorrectionsList></MedlineCitation>
        <PubmedData><History><PubMedPubDate PubStatus="entrez"><Year>2020</Year><Month>3</Month><Day>1</Day>
        </PubMedPubDate></History><ArticleIdList><ArticleId IdType="pmc">PMC{3_000_000 + number}</ArticleId>
        </ArticleIdList></PubmedData></PubmedArticle>"""
    )


def title(number: int, kind: str = "ref") -> str:
    """A title that nothing else has, with its own word at both ends, by which matching looks."""
    return f"{kind}{number}a made-up shared records in rural clinics {kind}{number}z"


def deep(levels: int) -> bytes:
    return b"[" * levels + b"]" * levels


#: What may stand in the place of any JSON value.
JSON_VALUES: dict[str, bytes] = {
    "null": b"null", "true": b"true", "blank": b'"  \\n "', "list": b"[]", "object": b"{}",
    "nulls": b"[null, [null], {}]", "object in a list": b'[{"a": [1]}]', "text": b'"in press"',
    "year 9999": b"9999", "year 0": b"0", "negative": b"-1", "fraction": b"2020.5", "time stamp": b"1609459200000",
    "2^31": b"2147483648", "2^63": b"9223372036854775808", "2^64": b"18446744073709551616",
    "5,000 digits": b"9" * 5000, "beyond float": b"1e999", "NaN": b"NaN",
    "date 9999": b'"9999-12-31"', "date 0000": b'"0000-00-00"', "day 99": b'"2020-01-99"',
    "parts 9999": b"[[9999, 12, 31]]", "parts 0": b"[[0, 0, 0]]",
    "other digits": '"٢٠٢٠"'.encode(), "NUL": b'"a\\u0000b\\u0000"', "half a pair": b'"a \\ud83d b \\udc00"',
    "no UTF-8": b'"a \xff\xfe b"', "cut UTF-8": b'"a \xf0\x9f b"', "raw control": b'"a \x01\x0b\x1f b"',
    "controls": b'"\\u0001\\u001b[31m\\u007f\\u0085"', "right to left": b'"\\u202e\\u200f\\u2067abc\\ufeff"',
    "no character": b'"\\ufffe\\uffff"', "beyond the plane": '"𝒳 🧬 \U0010ffff"'.encode(),
    "marks": ("\"e" + "\u0301" * 300 + "\"").encode(),
    "references": b'"&#0; &#x1f; &#xD83D; &#x110000; &amp;amp; &bogus;"',
    "markup": b'"<i><jats:p>a</i> <b <b> </x> < 5"', "6,000 letters": b'"' + b"x" * 6000 + b'"',
    "long in bytes": ("\"" + "語" * 290 + "\"").encode(), "90 deep": deep(90), "300 deep": deep(300),
}  # fmt: skip

#: What is so large that it stands only where an item's first level has a value.
LARGE_JSON_VALUES: dict[str, bytes] = {
    "60,000 words": b'"' + b"word " * 60_000 + b'"', "3,000 deep": deep(3000),
    "deep markup": b'"' + b"<p>" * 1500 + b"x" + b"</p>" * 1500 + b'"',
    "10,000 names": b"[" + b",".join([b'{"family": "Lind", "author": {"display_name": "Lind"}}'] * 10_000) + b"]",
    "10,000 texts": b"[" + b",".join([b'"Lind"'] * 10_000) + b"]",
}  # fmt: skip

#: What may stand in the place of any XML text.
XML_TEXTS: dict[str, bytes] = {
    "nothing": b"", "year 9999": b"9999", "year 0": b"0", "negative": b"-1", "fraction": b"2020.5",
    "time stamp": b"1609459200000", "5,000 digits": b"9" * 5000, "other digits": "٢٠٢٠".encode(), "text": b"in press",
    "season": b"Winter 2020-2021", "raw control": b"a \x01\x0b\x1f b", "reference to a control": b"a &#x1f; &#0; b",
    "half a pair": b"a &#xD83D; b", "no character": "a \ufffe\uffff b".encode(), "no UTF-8": b"a \xff\xfe b",
    "cut UTF-8": b"a \xf0\x9f b", "encoded half": b"a \xed\xa0\xbd b", "entity of HTML": b"a &nbsp; &eacute; b",
    "no entity": b"a &bogus; & b &", "right to left": "\u202e\u200f\u2067abc".encode(),
    "marks": ("e" + "\u0301" * 300).encode(), "6,000 letters": b"x" * 6000, "long in bytes": ("語" * 290).encode(),
    "CDATA": b"<![CDATA[<b & c]]>", "comment": b"<!-- a --><?b c?>", "90 deep": b"<b>" * 90 + b"x" + b"</b>" * 90,
}  # fmt: skip

#: What is so large that it stands only in the place of texts that may be long.
LARGE_XML_TEXTS: dict[str, bytes] = {
    "60,000 words": b"word " * 60_000, "1,500 deep": b"<b>" * 1500 + b"x" + b"</b>" * 1500,
    "10,000 parts": b"<b>x</b>" * 10_000,
}  # fmt: skip
LONG = ("ArticleTitle", "AbstractText", "LastName", "Title", "VernacularTitle", "RefSource", "Year")

#: In an attribute only characters can be odd.
XML_ATTRIBUTES = ("nothing", "raw control", "reference to a control", "no UTF-8", "no entity", "6,000 letters")


def sound(make: Make, number: int) -> Item:
    thing = make(number)
    return Item(tostring(thing) if isinstance(thing, Element) else json.dumps(thing).encode())


def odd(make: Make, first: int) -> Iterator[Item]:
    """Every field of the item, at every depth, made odd in every way; numbered from `first`."""
    of_xml = isinstance(make(0), Element)
    for number, (position, how) in enumerate(_xml_ways(make(0)) if of_xml else _json_ways(make(0)), start=first):
        yield _odd_xml(make(number), [(position, how)]) if of_xml else _odd_json(make(number), [(position, how)])


def odd_together(make: Make, first: int, many: int, chance: random.Random) -> Iterator[Item]:
    """Items of which two to five fields are odd at once."""
    of_xml = isinstance(make(0), Element)
    ways = list(_xml_ways(make(0)) if of_xml else _json_ways(make(0)))
    for number in range(first, first + many):
        chosen = chance.sample(ways, chance.randint(2, 5))
        yield (_odd_xml if of_xml else _odd_json)(make(number), chosen)


# -- JSON ----------------------------------------------------------------------------------------

JsonPath = tuple[str | int, ...]


def _json_ways(item: Any) -> Iterator[tuple[JsonPath, str]]:
    for position in _positions(item):
        large = LARGE_JSON_VALUES if len(position) == 1 else ()
        yield from ((position, how) for how in (*JSON_VALUES, *large, "missing", "twice"))


def _positions(value: Any, position: JsonPath = ()) -> Iterator[JsonPath]:
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, part in parts:
        yield (*position, name)
        yield from _positions(part, (*position, name))


def _odd_json(item: dict[str, Any], ways: list[tuple[JsonPath, str]]) -> Item:
    item, said, values = copy.deepcopy(item), [], {}
    for number, (position, how) in enumerate(ways):
        try:
            values |= _put(item, position, how, f"{MARK}{number}")
        except (KeyError, IndexError, TypeError):
            continue  # Another oddity has taken this place away.
        said.append(f"{'.'.join(map(str, position))}: {how}")
    raw = json.dumps(item).encode()
    for mark, value in values.items():
        raw = raw.replace(b'"%s"' % mark.encode(), value)
    return Item(raw, "; ".join(said))


def _put(item: Any, position: JsonPath, how: str, mark: str) -> dict[str, bytes]:
    """Makes a place of the item odd in place; what the mark it leaves stands for, if it leaves one."""
    *way, last = position
    for name in way:
        item = item[name]
    before = item[last]
    if how == "missing":
        del item[last]
        return {}
    item[last] = mark
    if how == "twice":
        name = f"{json.dumps(last)}: " if isinstance(last, str) else ""
        return {mark: f"{json.dumps(before)}, {name}{json.dumps(before)}".encode()}
    return {mark: (JSON_VALUES | LARGE_JSON_VALUES)[how]}


# -- XML -----------------------------------------------------------------------------------------

XmlPath = tuple[int, str | None]


def _xml_ways(item: Element) -> Iterator[tuple[XmlPath, str]]:
    """Elements by their number in the document's order, and the attributes of each by name."""
    for number, element in enumerate(item.iter()):
        if number:
            large = LARGE_XML_TEXTS if element.tag in LONG else ()
            yield from (((number, None), how) for how in (*XML_TEXTS, *large, "missing", "twice"))
        for name in list(element.attrib):
            yield from (((number, name), how) for how in (*XML_ATTRIBUTES, "missing"))


def _odd_xml(item: Element, ways: list[tuple[XmlPath, str]]) -> Item:
    elements, parents = list(item.iter()), {child: parent for parent in item.iter() for child in parent}
    said, values = [], {}
    for number, ((index, name), how) in enumerate(ways):
        mark = f"{MARK}{number}@"
        element = elements[index]
        if name is not None:
            _put_attribute(element, name, how, mark)
        else:
            _put_element(element, parents[element], how, mark)
        values[mark] = (XML_TEXTS | LARGE_XML_TEXTS).get(how, b"")
        said.append(f"{element.tag}{f'@{name}' if name else ''}: {how}")
    raw = tostring(item)
    for mark, value in values.items():
        raw = raw.replace(mark.encode(), value)
    return Item(raw, "; ".join(said))


def _put_attribute(element: Element, name: str, how: str, mark: str) -> None:
    if how == "missing":
        element.attrib.pop(name, None)
    else:
        element.set(name, mark)


def _put_element(element: Element, parent: Element, how: str, mark: str) -> None:
    if element not in list(parent):
        return
    if how == "missing":
        parent.remove(element)
    elif how == "twice":
        parent.append(copy.deepcopy(element))
    else:
        element[:] = []
        element.text = mark
