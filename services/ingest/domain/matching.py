"""Whether two sources describe the same work: a decision with its evidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from services.ingest.domain.citations import Citation as Citation
from services.ingest.domain.citations import Described as Described
from services.ingest.domain.citations import cite as cite
from services.ingest.domain.citations import identifier_keys as identifier_keys
from services.ingest.domain.citations import title_key as title_key
from services.ingest.domain.evidence import Evidence, weigh
from services.ingest.domain.evidence import Relation as Relation
from services.ingest.domain.titles import TELLING_TITLE

Verdict = Literal["same", "maybe", "different"]

#: The number of these rules: one more where any two descriptions come out otherwise than before.
RULES = 1

#: From how many words about its subject a title is so long that no two works have it in one journal on one page.
_LONG_TITLE = 5


@dataclass(frozen=True, slots=True)
class Decision:
    """What comparing two citations came to, and why: one sentence for each thing that was weighed.

    `contradicted` says that they share an identifier and have others that differ. `relation` is what one of two works
    would be beside the other, and surely is where they are `different`: which of them is the preprint, the correction
    or the part is told by their kinds, titles and years.
    """

    verdict: Verdict
    evidence: tuple[str, ...]
    by_identifier: bool = False
    contradicted: bool = False
    relation: Relation | None = None


def decide(one: Citation, other: Citation) -> Decision:
    """Decides whether two citations are of the same work. It does not matter which is given first.

    `same` is only said where nothing speaks against it; what might be the same is left to a person.
    """
    first, second = (one, other) if one.key <= other.key else (other, one)
    seen = weigh(first, second)
    verdict = _with_identifier(seen) if seen.shared else _without_identifier(seen)
    relation = None if verdict == "same" else _relation(first, second, seen)
    if relation and verdict == "maybe" and _is_certain(seen):
        verdict = "different"
    return Decision(verdict, seen.sentences, bool(seen.shared), bool(seen.shared and seen.contradicted), relation)


# With an identifier


def _with_identifier(seen: Evidence) -> Verdict:
    """A shared identifier is enough unless another contradicts it, or the descriptions do."""
    if seen.title in ("equal", "close", "part", "stage", "signs", "unknown"):
        return _under_one_title(seen)
    if seen.title == "marked":
        return "maybe"
    if {"pmid", "pmcid"} & seen.shared.keys():
        return _of_one_number(seen)
    return "maybe" if seen.contradicted else _of_one_doi(seen)


def _under_one_title(seen: Evidence) -> Verdict:
    if seen.contradicted:
        # One PubMed id is one record, whatever DOI was written to it.
        certain = "pmid" in seen.shared and seen.title != "unknown" and seen.authors_agree and seen.years != "far"
        return "same" if certain or _same_throughout(seen) else "maybe"
    if seen.title == "unknown":
        return "same" if seen.authors_agree and seen.years != "far" else "maybe"
    if not seen.specificity:
        return "same" if seen.title == "equal" and seen.people != "none" and seen.years != "far" else "maybe"
    if seen.people == "none":
        telling_title = seen.title == "equal" and seen.specificity >= TELLING_TITLE
        return "same" if telling_title and seen.years != "far" else "maybe"
    # Two abstracts of one supplement, which has one DOI.
    return "maybe" if seen.spots == "other" and seen.people != "all" else "same"


def _of_one_number(seen: Evidence) -> Verdict:
    """A number of PubMed is of one record: another title is its title in another language, or another form of it."""
    if seen.people == "none" or seen.years == "far" or seen.spots == "other":
        return "maybe"
    if seen.authors_agree:
        return "same" if "pmid" in seen.shared or not seen.contradicted else "maybe"
    return "same" if not seen.contradicted and (seen.in_one_spot or "pmid" in seen.shared) else "maybe"


def _of_one_doi(seen: Evidence) -> Verdict:
    """One DOI may stand on many abstracts of a supplement, so that the title must agree, or all else."""
    if seen.authors_agree and seen.years != "far":
        if seen.spots == "all" or (seen.title in ("counts", "word") and seen.in_one_spot):
            return "same"
        return "different" if seen.spots == "other" else "maybe"
    apart = seen.spots == "other" or (seen.abstracts and seen.people == "none")
    return "different" if apart and seen.title == "other" else "maybe"


# Without an identifier


def _without_identifier(seen: Evidence) -> Verdict:
    """Title, authors and year must agree, and nothing may speak against; the shorter the title, the more."""
    if seen.title == "unknown" or not seen.specificity:
        return "different"
    if seen.versions:
        return _of_versions(seen)
    if seen.title in ("other", "word", "counts", "signs", "stage", "marked"):
        return _under_other_titles(seen)
    if seen.contradicted or seen.apart:
        if not seen.apart and _same_throughout(seen):
            return "same"
        alike = seen.title != "part" and seen.authors_agree and seen.years != "far" and not _elsewhere(seen)
        return "maybe" if alike else "different"
    if not seen.authors_agree:
        return _of_other_people(seen)
    # A year that is far off beside the same pages is a wrong one.
    if seen.in_one_spot and (seen.years != "far" or (seen.spots == "all" and seen.venues == "equal")):
        return "same"
    if _elsewhere(seen):
        return "different"
    return "same" if _agrees_throughout(seen) else "maybe"


def _of_versions(seen: Evidence) -> Verdict:
    """Versions of a review: one of each year, unless a number says otherwise."""
    if seen.title not in ("equal", "close", "part") and not (
        seen.title == "word" and seen.spots in ("all", "equal", "pages")
    ):
        return "different"
    if not seen.authors_agree or seen.versions == "other":
        return "different"
    return "same" if seen.versions == "equal" and not seen.contradicted and not seen.apart else "maybe"


def _under_other_titles(seen: Evidence) -> Verdict:
    """A title that differs may be a translation, or badly read, where all else is the same to the last page."""
    if seen.contradicted or seen.apart or seen.years != "equal" or not seen.authors_agree or seen.title == "marked":
        return "different"
    if seen.title == "other":
        if seen.spots != "all":
            return "different"
        return "same" if seen.venues != "other" else "maybe"
    if seen.in_one_spot and seen.venues != "other":
        return "same" if seen.spots == "all" or seen.people == "all" else "maybe"
    unsure = seen.title == "signs" or (seen.title == "stage" and not seen.relation)
    return "maybe" if unsure and seen.spots != "other" else "different"


def _of_other_people(seen: Evidence) -> Verdict:
    """Works whose authors are unknown or differ, as where one source names a group and another its writer."""
    telling_title = seen.title == "equal" and seen.specificity >= TELLING_TITLE
    here = seen.years == "equal" and seen.venues == "equal"
    if here and seen.title == "equal" and seen.people == "unknown" and seen.spots in ("all", "equal", "issue"):
        return "same"
    if here and seen.title in ("equal", "close") and seen.in_one_spot and seen.specificity >= _LONG_TITLE:
        return "same"
    if not telling_title or seen.years not in ("equal", "unknown") or seen.spots == "other":
        return "different"
    return "maybe" if seen.people != "none" or seen.venues == "equal" else "different"


def _elsewhere(seen: Evidence) -> bool:
    """Whether both were published, each in a spot of its own, which are not of one year's volume of one journal."""
    return seen.spots == "other" and (seen.venues == "other" or seen.years == "far")


def _agrees_throughout(seen: Evidence) -> bool:
    if seen.venues == "other" or seen.spots in ("other", "issues"):
        return False
    if seen.title == "equal" and seen.specificity >= TELLING_TITLE:
        return seen.years == "equal" or _printed_later(seen)
    long_enough = seen.specificity >= (1 if seen.title == "equal" else TELLING_TITLE)
    return long_enough and seen.years == "equal" and seen.venues == "equal"


def _printed_later(seen: Evidence) -> bool:
    """Printed a year after it appeared online; a meeting's abstract rarely has just the same authors."""
    if seen.years != "near" or seen.venues != "equal":
        return False
    return seen.people == "all" or seen.spots in ("issue", "volume")


def _same_throughout(seen: Evidence) -> bool:
    """Whether one of two numbers must be wrong, since the works are the same to the last page."""
    return (
        seen.title == "equal"
        and seen.specificity >= TELLING_TITLE
        and seen.people == "all"
        and (seen.years, seen.venues) == ("equal", "equal")
        and seen.in_one_spot
    )


# Related works


def _relation(one: Citation, other: Citation, seen: Evidence) -> Relation | None:
    """What one is beside the other, where their titles, kinds or spots say so."""
    if seen.title in ("marked", "stage"):
        return seen.relation
    if seen.title not in ("equal", "close", "part") or seen.specificity < TELLING_TITLE or not seen.authors_agree:
        return None
    if seen.versions == "other":
        return "update"
    if seen.kinds:
        return seen.kinds
    if seen.venues != "other" and (seen.spots != "other" or seen.years == "equal"):
        return None
    if one.spot.is_of_abstract != other.spot.is_of_abstract or _is_one_of_meeting(one, other):
        return "abstract"
    return "republication" if seen.venues == seen.spots == "other" and seen.years != "far" else None


def _is_one_of_meeting(one: Citation, other: Citation) -> bool:
    return (one.kind == "conference_paper") != (other.kind == "conference_paper")


def _is_certain(seen: Evidence) -> bool:
    """Whether two related works are surely two, so that no person needs to look."""
    if seen.shared:  # One source leaves out of the title what the other has in it.
        return False
    return seen.title in ("marked", "stage") or bool(seen.kinds) or seen.versions == "other" or seen.spots == "other"
