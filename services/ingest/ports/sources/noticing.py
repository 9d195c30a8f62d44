"""What sources say of published reports after they appeared: their words for it, and the titles that say so themselves.

Our kinds are those that events have (`NoticeKind`), which are closed; a word for which there is none becomes the kind
with the same effect, and stays readable as `Notice.said`: people must look at a report that was updated, republished or
published twice, as they must at one that was corrected, but its evidence stands until they have.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from services.ingest.ports.sources.port import Kind, Notice
from shared import identifiers
from shared.events.ingest import NoticeKind
from shared.events.values import Identifiers

_UPDATES: dict[str, NoticeKind] = {
    "addendum": "correction",
    "clarification": "correction",
    "correction": "correction",
    "corrigendum": "correction",
    "erratum": "correction",
    "concern": "expression_of_concern",
    "expression of concern": "expression_of_concern",
    "partial retraction": "partial_retraction",
    "retraction": "retraction",
    "removal": "withdrawal",
    "withdrawal": "withdrawal",
    "replacement": "replacement",
    "retract and replace": "replacement",
    "retraction and replacement": "replacement",
    "reinstatement": "reinstatement",
}
#: A version or an edition more says nothing of the work that it is one of.
_SAY_NOTHING = {"new version", "new edition"}

_LINKS: dict[str, NoticeKind] = {
    "retraction": "retraction",
    "partialretraction": "partial_retraction",
    "withdrawal": "withdrawal",
    "expressionofconcern": "expression_of_concern",
    "erratum": "correction",
    "correction": "correction",
    "corrigendum": "correction",
    "correctedandrepublished": "replacement",
    "retractedandrepublished": "replacement",
    "republished": "correction",
    "update": "correction",
}
#: Links that are no correction, and of which people must know that they are none.
_SAID_AS_WELL = {"republished", "update"}
_LINK = re.compile(r"(?P<stem>[a-z]{6,30}?)(?P<way>in|of|for|from)")

#: Characters of what names a work where no identifier does.
LONGEST_TEXT = 250


def of_update(word: str | None) -> NoticeKind | None:
    """What Crossref's type of an update means. None for what says nothing of the other work, or is no word for it."""
    return _UPDATES.get(_spelled(word))


def is_known_update(word: str | None) -> bool:
    return _spelled(word) in _UPDATES or _spelled(word) in _SAY_NOTHING


def _spelled(word: str | None) -> str:
    return re.sub(r"[\W_]+", " ", (word or "").lower()).strip()


def of_link(word: str | None) -> tuple[NoticeKind, bool] | None:
    """What the link between two citations of PubMed or Europe PMC means (`RetractionIn`, `Erratum for`): the kind, and
    whether the citation that has the link strikes the other one. None for links of another sort, such as comments."""
    found = _link(word)
    kind = _LINKS.get(found["stem"]) if found else None
    return (kind, found["way"] != "in") if found and kind else None


def _link(word: str | None) -> re.Match[str] | None:
    return _LINK.fullmatch(re.sub(r"[^a-z]", "", (word or "").lower()[:60]))


def named(pmid: object, reference: str | None) -> list[Identifiers]:
    """The works that a reference names: by the PMID beside it and by DOIs in its text. More than one DOI is more than
    one work."""
    text = reference or ""
    ids = [identifiers.pmid(pmid)] if identifiers.pmid(pmid) else list(identifiers.pmids_in(text))
    dois = list(identifiers.dois_in(text))
    if len(ids) <= 1 and len(dois) <= 1:
        ids_and_dois = [(*ids, None)[0], (*dois, None)[0]]
        return [Identifiers(pmid=ids_and_dois[0], doi=ids_and_dois[1])] if any(ids_and_dois) else []
    return [Identifiers(pmid=one) for one in ids] + [Identifiers(doi=one) for one in dois]


def linked(word: str | None, pmid: object, reference: str | None, own: str) -> list[Notice]:
    """The notices that a link of a citation makes; `own` is what the citation that has it is called.

    A work that the link names by no identifier is named by its text: such a notice stays open, and says which."""
    if (link := of_link(word)) is None:
        return []
    kind, strikes = link
    works, text = named(pmid, reference), " ".join((reference or "").split())[:LONGEST_TEXT] or None
    said = word if (found := _link(word)) and found["stem"] in _SAID_AS_WELL else None
    if not strikes:
        by = _name(works[0]) if works else text
        return [Notice(kind=kind, by=by, said=said)]
    if not works:
        return [Notice(kind=kind, text=text, by=own, said=said)] if text else []
    return [Notice(kind=kind, of=work, by=own, said=said) for work in works]


def _name(work: Identifiers) -> str:
    return f"pmid:{work.pmid}" if work.pmid else f"doi:{work.doi}"


# Titles

_WORDS: list[tuple[NoticeKind, str]] = [
    ("partial_retraction", r"(?:notice of )?partial retraction(?: notice| note)?"),
    ("retraction", r"(?:notice|statement) of retraction|retraction(?: notice| note| statement| of publication)?"),
    ("expression_of_concern", r"(?:editorial )?(?:expression|statement|notice) of (?:editorial )?concern"),
    ("withdrawal", r"notice of (?:withdrawal|removal)|(?:withdrawal|removal)(?: notice)?"),
    (
        "correction",
        r"(?:(?:publisher|author|editor)(?:s|['’]s|s['’])? )?"
        r"(?:corrections?|corrigend(?:um|a)|errat(?:um|a)|addend(?:um|a))(?: notice| note)?"
        r"(?: and (?:addendum|correction|corrigendum|erratum))?|department of error",
    ),
]
_AFTER = r"(?P<after>\s?[:.–—]\s?|\s-\s|\s(?P<way>to|for|on|of|regarding)\b:?\s?|\W{0,3}$)(?P<rest>.*)"
_STRIKING = [
    (kind, re.compile(rf"\W{{0,3}}(?P<words>{words}){_AFTER}", re.IGNORECASE | re.DOTALL)) for kind, words in _WORDS
]
#: No other works begin so, whatever follows; corrections also are made on spines, and withdrawal is studied.
_SURE = re.compile(
    r"department|corrigend|errat|addend|(?:retraction|withdrawal|removal|correction) (?:notice|note)|notice of"
)
_QUOTES = "\"'“”‘’«»"
_QUOTED = re.compile(rf"[{_QUOTES}](.{{5,}})[{_QUOTES}]", re.DOTALL)
_FIRST_AUTHOR, _LAST_BRACKET = re.compile(r"[^:]{2,60}? et al[.,]{1,2}\s"), re.compile(r"\s*\[[^\[\]]{3,200}\]\W{0,2}$")
_SORTS = "(?: (?:article|chapter|paper|publication|manuscript))?"
_STRUCK: list[tuple[NoticeKind, re.Pattern[str]]] = [
    ("retraction", re.compile(rf"\W{{0,3}}retracted{_SORTS}(?:\s?[:\])]|\s[-–—]\s).", re.IGNORECASE)),
    ("withdrawal", re.compile(rf"\W{{0,3}}(?:withdrawn|removed){_SORTS}\s?[:\])].", re.IGNORECASE)),
    ("withdrawal", re.compile(r"\W{0,3}(?:temporary|permanent) removal\s?:.", re.IGNORECASE)),
    ("retraction", re.compile(rf".*\w\W{{0,3}}[(\[—–-]\s?retracted{_SORTS}[.:,)\]\s][^()\[\]]*[)\]]?\W*", re.I | re.S)),
    ("withdrawal", re.compile(rf".*\w\W{{0,3}}[(\[]\s?withdrawn{_SORTS}[.:,)\]\s][^()\[\]]*[)\]]?\W*", re.I | re.S)),
]
#: One of these, in lower case, is in every title in which anything above is found. That a text holds none is seen many
#: times faster than by a pattern.
_STEMS = ("retract", "thdr", "remov", "concern", "corr", "errat", "addend", "department")
#: An abstract of so many characters is that of a work, whatever its title seems to say.
_OF_A_WORK = 300
#: Characters of a title that are looked at.
_LOOKED_AT = 1_000


@dataclass(frozen=True, slots=True)
class Titled:
    """What a title says: of its own work (`RETRACTED: ...`), or of the one that `names` (`Erratum to: ...`) names, if
    it does."""

    kind: NoticeKind
    of_itself: bool
    names: str | None = None


def of_title(title: str | None, abstract: str | None) -> Titled | None:
    """What a title says about a published report; None for that of an ordinary work.

    Some forms are those of ordinary works as well (`Withdrawal: a qualitative study`): they count where there is no
    abstract, since notices have none."""
    title = (title or "")[:_LOOKED_AT].strip()
    small = title.lower()
    if not any([stem in small for stem in _STEMS]):
        return None
    for kind, pattern in _STRUCK:
        if pattern.fullmatch(title) if pattern.pattern.startswith(".*") else pattern.match(title):
            return Titled(kind, of_itself=True)
    for kind, pattern in _STRIKING:
        if (found := pattern.match(title)) and _is_notice(found, bool(abstract) and len(abstract or "") >= _OF_A_WORK):
            return Titled(kind, of_itself=False, names=_struck_title(found["rest"]))
    return None


def _is_notice(found: re.Match[str], has_abstract: bool) -> bool:
    if _SURE.match(re.sub(r"^(?:publisher|author|editor)\S* ", "", found["words"].lower())):
        return True
    if has_abstract:
        return False
    way, rest = found["way"], found["rest"].lstrip()
    if way is None or found["after"].rstrip().endswith(":") or rest[:1] in tuple(_QUOTES):
        return True
    if way == "to":
        return rest[:1].isupper()  # As the American Chemical Society has it.
    if way == "for":
        return bool(_FIRST_AUTHOR.match(rest))  # As the National Academy of Sciences has it.
    return way in ("on", "regarding") and "concern" in found["words"].lower()


def _struck_title(rest: str) -> str | None:
    """The title of the struck work out of what follows; None where nothing is left of it."""
    rest = rest.strip()
    if (quoted := _QUOTED.match(rest)) is not None:
        rest = quoted[1]
    elif author := _FIRST_AUTHOR.match(rest):
        rest = rest[author.end() :]
    return _LAST_BRACKET.sub("", rest).strip(_QUOTES + " .,")[:LONGEST_TEXT] or None


def with_title(
    kind: Kind, notices: Iterable[Notice], title: str | None, abstract: str | None, own: str
) -> tuple[Kind, list[Notice]]:
    """What a record is and tells when its title is read as well; `own` is what it is called elsewhere."""
    notices = list(notices)
    titled = of_title(title, abstract)
    if titled is None:
        return kind, notices
    strikes = any(one.of or one.text for one in notices)
    if titled.of_itself:
        known = any(one.kind == titled.kind and not one.of and not one.text for one in notices)
        # A notice may bear the title of its work after the word, too (`Retracted: ...`).
        if kind == "notice" or strikes or known:
            return kind, notices
        return kind, [*notices, Notice(kind=titled.kind, said="its title")]
    if strikes or titled.names is None:
        return "notice", notices
    word: dict[str, Any] = {"kind": titled.kind, "by": own, "said": "its title"}
    works = [Notice(of=work, **word) for work in named(None, titled.names)]
    return "notice", [*notices, *(works or [Notice(text=titled.names, **word)])]
