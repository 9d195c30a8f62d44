"""States: what the standing evidence says of each CMOC, by the rules of a realist synthesis."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import get_args

from shared.canonical import sha256_of_texts
from shared.events.synthesis import Credibility, Element, Inference, Stance, Status
from shared.wire.synthesis import (
    Body,
    Confidence,
    Counts,
    Evidenced,
    Pattern,
    StanceCount,
    Statement,
    StatusReason,
    StatusRule,
    TheoryText,
)

#: The four parts of a CMOC, never sharing a field (Dalkin 2015).
PARTS: tuple[Element, ...] = ("context", "resource", "reasoning", "outcome")

#: Stances that show an element at work. The others speak to the CMOC without showing that.
_SHOWING: frozenset[Stance] = frozenset({"supports", "refines"})

#: The rule of the status that each part is shown.
SHOWN: dict[Element, StatusRule] = {
    "context": "context_is_shown",
    "resource": "resource_is_shown",
    "reasoning": "reasoning_is_shown",
    "outcome": "outcome_is_shown",
}

#: The number of these rules; a draft that was made by others is made anew.
RULES = 1

#: How many independent studies the status `supported` asks for.
ENOUGH_STUDIES = 2


@dataclass(frozen=True, slots=True)
class Wording:
    """A CMOC as the protocol words it; `taken_up` are the links that it heeds."""

    cmoc: str
    theory: str
    context: str
    resource: str
    reasoning: str
    outcome: str
    taken_up: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """A report of a study. One that does not stand (excluded, suspended) lends nothing to any CMOC."""

    record: str
    study: str
    stands: bool
    credible: bool


@dataclass(frozen=True, slots=True)
class Link:
    """A fragment of a record, tied to an element of a CMOC; not withdrawn by its coder. `credibility` is what was
    judged of the fragment for this claim, None where nobody did."""

    link: str
    fragment: str
    record: str
    cmoc: str
    element: Element
    stance: Stance
    inference: Inference
    credibility: Credibility | None = None


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
    by_cmoc = standing_by_cmoc(wordings, links, reports)
    stated = [statement_of(wording, by_cmoc[wording.cmoc], reports, wording.cmoc in flagged) for wording in wordings]
    return Body(
        theories=list(theories),
        cmocs=[it.statement for it in stated],
        fragments_sha256=hash_of({it.statement.cmoc: it.links_sha256 for it in stated}),
        counts=_counts([link for found in by_cmoc.values() for link in found], reports),
        drills=sorted(set(drills)),
    )


@dataclass(frozen=True, slots=True)
class Stated:
    """What the evidence says of one CMOC, and the hash of the links that it rests on."""

    statement: Statement
    links_sha256: str


def standing_by_cmoc(
    wordings: Iterable[Wording], links: Iterable[Link], reports: Mapping[str, Report]
) -> dict[str, list[Link]]:
    """The links that stand, by the CMOC of these `wordings` that they speak to."""
    by_cmoc: dict[str, list[Link]] = {wording.cmoc: [] for wording in wordings}
    for link in links:
        if link.cmoc in by_cmoc and reports[link.record].stands:
            by_cmoc[link.cmoc].append(link)
    return by_cmoc


def statement_of(
    wording: Wording,
    links: Sequence[Link],
    reports: Mapping[str, Report],
    flagged: bool,
    confidence: Confidence | None = None,
) -> Stated:
    """What the standing links of one CMOC say of it. What other CMOCs have makes no difference, so that whatever
    arrives is taken in by the CMOCs it speaks to alone."""
    studies = {reports[link.record].study for link in links if link.stance != "contradicts"}
    elements, reasons = _elements(links, reports), _reasons(links, reports)
    statement = Statement(
        cmoc=wording.cmoc,
        theory=wording.theory,
        context=wording.context,
        resource=wording.resource,
        reasoning=wording.reasoning,
        outcome=wording.outcome,
        status=status_by(reasons),
        support=len(studies),
        flagged=flagged,
        elements=elements,
        stances=dict(sorted(Counter(link.stance for link in links).items())),
        studies=sorted(studies),
        links=sorted(link.link for link in links),
        challenges=sorted(link.link for link in links if link.stance in ("contradicts", "bounds")),
        reasons=reasons,
        by_element=_by_element(links, reports),
        pattern=_pattern(links, reports),
        confidence=confidence,
    )
    return Stated(statement, _links_hash(links, reports))


def hash_of(by_cmoc: Mapping[str, str]) -> str:
    """The hash of the set of links that a body rests on: hex SHA-256 of those of its CMOCs, by their ids."""
    return sha256_of_texts(sorted([cmoc, sha256] for cmoc, sha256 in by_cmoc.items()))


def _links_hash(links: Iterable[Link], reports: Mapping[str, Report]) -> str:
    """The hash of a set of links: hex SHA-256, the same in whatever order they came.

    A link's id is made of its content (services.synthesis.commands.evidence), so the ids, with what a link
    may change without a new id, stand for the whole.
    """
    return sha256_of_texts(
        sorted(
            [link.link, reports[link.record].study, link.inference, "yes" if is_credible(link, reports) else "no"]
            for link in links
        )
    )


def credible(outcomes: Iterable[str]) -> bool:
    """Whether a report's judgements let it stand as trustworthy: every stage's answer led on.

    Which stage asks about rigour, and which of its answers lead on, is the protocol's to say.
    """
    return all(outcome == "advance" for outcome in outcomes)


def status_by(reasons: Iterable[StatusReason]) -> Status:
    """The status that these rules give, in this order: a credible contradiction contests whatever supports; without a
    study there is no evidence; where every other rule is met too it is supported, else partially.

    A study that bounds a CMOC, or finds the opposite where the resource is missing, is evidence about how
    it works: reviews cite such papers for a CMOC all the same, and so their numbers count them. They do
    not make it `supported`, which asks for links that show it.
    """
    return status_without([reason.rule for reason in reasons if not reason.met])


def status_without(unmet: Collection[StatusRule]) -> Status:
    """The status where these rules are not met."""
    if "no_credible_contradiction" in unmet:
        return "contested"
    if "has_support" in unmet:
        return "no_evidence"
    return "partially_supported" if unmet else "supported"


def _reasons(links: Sequence[Link], reports: Mapping[str, Report]) -> list[StatusReason]:
    """Each rule of the status, whether it is met, and by what."""
    against = sorted(link.link for link in links if link.stance == "contradicts" and is_credible(link, reports))
    behind = {reports[link.record].study for link in links if link.stance != "contradicts"}
    shown: dict[str, set[str]] = {part: set() for part in PARTS}
    for link in links:
        if shows(link, reports):
            for part in parts_of(link):
                shown[part].add(reports[link.record].study)
    showing = set().union(*shown.values())
    return [
        StatusReason(rule="no_credible_contradiction", met=not against, links=against),
        StatusReason(rule="has_support", met=bool(behind), studies=sorted(behind)),
        *(StatusReason(rule=SHOWN[part], met=bool(shown[part]), studies=sorted(shown[part])) for part in PARTS),
        StatusReason(rule="enough_studies", met=len(showing) >= ENOUGH_STUDIES, studies=sorted(showing)),
    ]


def _elements(links: Iterable[Link], reports: Mapping[str, Report]) -> dict[str, Evidenced]:
    """How each part is evidenced; a link to the whole CMOC speaks to all four."""
    found: dict[str, set[bool]] = defaultdict(set)
    for link in links:
        if link.stance in _SHOWING:
            for part in parts_of(link):
                found[part].add(shows(link, reports))
    return {part: _evidenced(found[part]) for part in PARTS}


def _by_element(links: Iterable[Link], reports: Mapping[str, Report]) -> dict[Element, list[StanceCount]]:
    """What speaks to each part, and to the whole, by stance; without what nothing speaks to."""
    found: dict[tuple[Element, Stance], list[Link]] = defaultdict(list)
    for link in links:
        found[link.element, link.stance].append(link)
    counts: dict[Element, list[StanceCount]] = {}
    for element in (*PARTS, "whole"):
        counted = [
            StanceCount(
                stance=stance,
                links=len(found[element, stance]),
                shown=sum(
                    link.inference == "explicit" and is_credible(link, reports) for link in found[element, stance]
                ),
                studies=len({reports[link.record].study for link in found[element, stance]}),
            )
            for stance in get_args(Stance)
            if (element, stance) in found
        ]
        if counted:
            counts[element] = counted
    return counts


def _pattern(links: Sequence[Link], reports: Mapping[str, Report]) -> Pattern | None:
    """The studies that show context and outcome both, where there are two or more, and what speaks against that."""
    shown: dict[Element, set[str]] = {"context": set(), "outcome": set()}
    for link in links:
        if shows(link, reports):
            for part in shown.keys() & set(parts_of(link)):
                shown[part].add(reports[link.record].study)
    both = shown["context"] & shown["outcome"]
    if len(both) < ENOUGH_STUDIES:
        return None
    counter = [it.link for it in links if it.stance in ("contradicts", "inverse") and "outcome" in parts_of(it)]
    moderators = [it.link for it in links if it.stance == "bounds"]
    return Pattern(studies=sorted(both), counter=sorted(counter), moderators=sorted(moderators))


def _evidenced(explicit: set[bool]) -> Evidenced:
    if not explicit:
        return "none"
    return "explicit" if True in explicit else "inferred"


def parts_of(link: Link) -> tuple[Element, ...]:
    return PARTS if link.element == "whole" else (link.element,)


def shows(link: Link, reports: Mapping[str, Report]) -> bool:
    """Whether a link shows its element explicitly, by what is credible."""
    return link.stance in _SHOWING and link.inference == "explicit" and is_credible(link, reports)


def is_credible(link: Link, reports: Mapping[str, Report]) -> bool:
    """Whether a fragment is trustworthy for what the link says by it: as somebody judged, and else as its report is.
    One that asks for caution is not enough by itself."""
    return reports[link.record].credible if link.credibility is None else link.credibility == "credible"


def _counts(links: list[Link], reports: Mapping[str, Report]) -> Counts:
    records = {link.record for link in links}
    return Counts(
        studies=len({reports[record].study for record in records}),
        reports=len(records),
        fragments=len({link.fragment for link in links}),
        links=len(links),
    )
