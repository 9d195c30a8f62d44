"""States: what the standing evidence says of each CMOC, by the rules of a realist synthesis."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass

from shared.canonical import sha256_of_texts
from shared.events.synthesis import Element, Inference, Stance, Status
from shared.wire.synthesis import Body, Counts, Evidenced, Statement, TheoryText

#: The four parts of a CMOC, never sharing a field (Dalkin 2015).
PARTS: tuple[Element, ...] = ("context", "resource", "reasoning", "outcome")

#: Stances that show an element at work. The others speak to the CMOC without showing that.
_SHOWING: frozenset[Stance] = frozenset({"supports", "refines"})

#: How many independent studies the status `supported` asks for.
ENOUGH_STUDIES = 2


@dataclass(frozen=True, slots=True)
class Wording:
    """A CMOC as the protocol words it."""

    cmoc: str
    theory: str
    context: str
    resource: str
    reasoning: str
    outcome: str


@dataclass(frozen=True, slots=True)
class Report:
    """A report of a study. One that does not stand (excluded, suspended) lends nothing to any CMOC."""

    record: str
    study: str
    stands: bool
    credible: bool


@dataclass(frozen=True, slots=True)
class Link:
    """A fragment of a record, tied to an element of a CMOC; not withdrawn by its coder."""

    link: str
    fragment: str
    record: str
    cmoc: str
    element: Element
    stance: Stance
    inference: Inference


def synthesise(
    theories: Sequence[TheoryText],
    wordings: Sequence[Wording],
    links: Iterable[Link],
    reports: Mapping[str, Report],
    *,
    flagged: Set[str] = frozenset(),
    drills: Iterable[str] = (),
) -> Body:
    """What the evidence says of each CMOC, in the order of `wordings`.

    The order in which links come makes no difference. Links to CMOCs that are not among `wordings`, and
    links of reports that do not stand, count for nothing.
    """
    by_cmoc: dict[str, list[Link]] = {wording.cmoc: [] for wording in wordings}
    for link in links:
        if link.cmoc in by_cmoc and reports[link.record].stands:
            by_cmoc[link.cmoc].append(link)
    standing = [link for found in by_cmoc.values() for link in found]
    return Body(
        theories=list(theories),
        cmocs=[_statement(wording, by_cmoc[wording.cmoc], reports, wording.cmoc in flagged) for wording in wordings],
        fragments_sha256=hash_of(standing, reports),
        counts=_counts(standing, reports),
        drills=sorted(set(drills)),
    )


def hash_of(links: Iterable[Link], reports: Mapping[str, Report]) -> str:
    """The hash of a set of links: hex SHA-256, the same in whatever order they came.

    A link's id is made of its content (services.synthesis.commands.evidence), so the ids, with what a link
    may change without a new id, stand for the whole.
    """
    return sha256_of_texts(sorted([link.link, reports[link.record].study, link.inference] for link in links))


def credible(outcomes: Iterable[str]) -> bool:
    """Whether a report's judgements let it stand as trustworthy: every stage's answer led on.

    Which stage asks about rigour, and which of its answers lead on, is the protocol's to say.
    """
    return all(outcome == "advance" for outcome in outcomes)


def _statement(wording: Wording, links: list[Link], reports: Mapping[str, Report], flagged: bool) -> Statement:
    studies = {reports[link.record].study for link in links if link.stance != "contradicts"}
    elements = _elements(links, reports)
    return Statement(
        cmoc=wording.cmoc,
        theory=wording.theory,
        context=wording.context,
        resource=wording.resource,
        reasoning=wording.reasoning,
        outcome=wording.outcome,
        status=_status(links, reports, elements, len(studies)),
        support=len(studies),
        flagged=flagged,
        elements=elements,
        stances=dict(sorted(Counter(link.stance for link in links).items())),
        studies=sorted(studies),
        links=sorted(link.link for link in links),
        challenges=sorted(link.link for link in links if link.stance in ("contradicts", "bounds")),
    )


def _status(
    links: list[Link], reports: Mapping[str, Report], elements: Mapping[str, Evidenced], support: int
) -> Status:
    """`support` counts the studies that speak to the CMOC in any way but against it.

    A study that bounds a CMOC, or finds the opposite where the resource is missing, is evidence about how
    it works: reviews cite such papers for a CMOC all the same, and so their numbers count them. They do
    not make it `supported`, which asks for links that show it.
    """
    if any(link.stance == "contradicts" and reports[link.record].credible for link in links):
        return "contested"
    if support == 0:
        return "no_evidence"
    showing = {reports[link.record].study for link in links if _shows(link, reports)}
    everywhere = all(elements[part] == "explicit" for part in PARTS)
    return "supported" if everywhere and len(showing) >= ENOUGH_STUDIES else "partially_supported"


def _elements(links: list[Link], reports: Mapping[str, Report]) -> dict[str, Evidenced]:
    """How each part is evidenced; a link to the whole CMOC speaks to all four."""
    found: dict[str, set[bool]] = defaultdict(set)
    for link in links:
        if link.stance in _SHOWING:
            for part in PARTS if link.element == "whole" else (link.element,):
                found[part].add(_shows(link, reports))
    return {part: _evidenced(found[part]) for part in PARTS}


def _evidenced(explicit: set[bool]) -> Evidenced:
    if not explicit:
        return "none"
    return "explicit" if True in explicit else "inferred"


def _shows(link: Link, reports: Mapping[str, Report]) -> bool:
    """Whether a link shows its element explicitly, in a report that is credible."""
    return link.stance in _SHOWING and link.inference == "explicit" and reports[link.record].credible


def _counts(links: list[Link], reports: Mapping[str, Report]) -> Counts:
    records = {link.record for link in links}
    return Counts(
        studies=len({reports[record].study for record in records}),
        reports=len(records),
        fragments=len({link.fragment for link in links}),
        links=len(links),
    )
