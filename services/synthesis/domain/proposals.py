"""Proposals: what the evidence suggests to do with CMOCs, which only people do, with the links that speak for it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

from services.synthesis.domain.states import ENOUGH_STUDIES, PARTS, Link, Report, Wording, is_credible, parts_of, shows
from shared.canonical import sha256_of_texts
from shared.events.synthesis import Element, Status
from shared.folding import plain_words
from shared.states import States
from shared.wire.synthesis import ProposalKind, ProposalState

#: Of the parts, those by which evidence may fall into two configurations.
_PARTING: tuple[Element, ...] = ("context", "reasoning", "outcome")

#: Stances that say where something stops holding.
_ELSEWHERE = frozenset({"bounds", "inverse"})


class ProposalStates(States[ProposalState]):
    """Something that the evidence suggests to do."""

    OPEN: Final = "open"
    DECLINED: Final = "declined"
    LAPSED: Final = "lapsed"

    what = "proposal"
    moves = {
        (None, OPEN): "the evidence suggests it",
        (OPEN, OPEN): "other links speak for it now",
        (OPEN, DECLINED): "a person decides against it, and says why",
        (OPEN, LAPSED): "the evidence suggests it no longer, or it was done",
        (DECLINED, OPEN): "links speak for it that did not when a person decided",
        (LAPSED, OPEN): "the evidence suggests it again",
    }


@dataclass(frozen=True, slots=True)
class Proposed:
    """What might be done with these CMOCs (two of a merge), because of what these links say of an element."""

    kind: ProposalKind
    cmocs: tuple[str, ...]
    element: Element | None
    why: str
    links: tuple[str, ...]

    @property
    def about(self) -> tuple[str, ...]:
        """What tells it from others: the same suggestion by other links is the same proposal."""
        return (self.kind, *self.cmocs, self.element or "")

    @property
    def links_sha256(self) -> str:
        return sha256_of_texts([[link] for link in self.links])


@dataclass(frozen=True, slots=True)
class Footing:
    """What a CMOC rests on, as far as others are held against it: its studies, how many fragments show its reasoning
    (`shown_by`), and the links by which they do: of all these fragments, or of those that are asked about."""

    cmoc: str
    reasoning: str
    studies: frozenset[str]
    shown_by: int
    reasoned: Mapping[str, Sequence[str]]


def footing_of(wording: Wording, links: Iterable[Link], reports: Mapping[str, Report]) -> Footing:
    """What the standing links of a CMOC lend it. A link to the whole says nothing of which reasoning it is."""
    speaking = [link for link in links if link.stance != "contradicts"]
    studies = frozenset(reports[link.record].study for link in speaking)
    reasoned = reasoned_by(speaking, reports)
    return Footing(wording.cmoc, as_said(wording.reasoning), studies, len(reasoned), reasoned)


def reasoned_by(links: Iterable[Link], reports: Mapping[str, Report]) -> dict[str, list[str]]:
    """The links that show a reasoning, by their fragments."""
    found: dict[str, list[str]] = defaultdict(list)
    for link in links:
        if link.element == "reasoning" and shows(link, reports):
            found[link.fragment].append(link.link)
    return found


def proposals_of(
    wording: Wording,
    links: Sequence[Link],
    reports: Mapping[str, Report],
    *,
    status: Status,
    published: Status | None,
    taken_up: Collection[str] = (),
) -> Iterator[Proposed]:
    """What the standing links of one CMOC suggest for it alone. `published` is its status in the newest revision, None
    of one that no revision states; `taken_up` are the links that a person has heeded in its wording."""
    cmoc = wording.cmoc
    if status == published == "no_evidence":
        yield Proposed(
            "set_aside", (cmoc,), None, "no study spoke to it when it was published, and none does since", ()
        )
    for part in PARTS:
        refining = [it for it in links if it.stance == "refines" and part in parts_of(it) and shows(it, reports)]
        waiting = [it for it in refining if it.link not in taken_up]
        studies = _studies(waiting, reports)
        if len(studies) >= ENOUGH_STUDIES:
            yield Proposed(
                "refine", (cmoc,), part, f"{len(studies)} independent studies refine its {part}", _ids(waiting)
            )
    for part in _PARTING:
        speaking = [it for it in links if part in parts_of(it)]
        within = [it for it in speaking if shows(it, reports)]
        beyond = [it for it in speaking if it.stance in _ELSEWHERE and is_credible(it, reports)]
        inside, outside = _studies(within, reports), _studies(beyond, reports)
        if min(len(inside - outside), len(outside - inside)) >= ENOUGH_STUDIES:
            why = f"{len(inside)} independent studies show its {part}, and {len(outside - inside)} others where it ends"
            yield Proposed("split", (cmoc,), part, why, _ids([*within, *beyond]))


def mergers(touched: Iterable[Footing], others: Iterable[Footing] = ()) -> Iterator[Proposed]:
    """Pairs of CMOCs that lack distinct evidence, of those that were `touched` with each other and with these others:
    they share most of their papers *and* the same reasoning. Papers alone never suggest it, however many."""
    mine, every = set[str](), dict[str, Footing]()
    for it in touched:
        mine.add(it.cmoc)
        every[it.cmoc] = it
    for it in others:
        every.setdefault(it.cmoc, it)
    alike: dict[str, list[str]] = defaultdict(list)
    for cmoc in sorted(every):
        alike[f"said {every[cmoc].reasoning}"].append(cmoc)
        for fragment in every[cmoc].reasoned:
            alike[fragment].append(cmoc)
    pairs = {pair for those in alike.values() for pair in combinations(those, 2) if not mine.isdisjoint(pair)}
    for first, second in sorted(pairs):
        yield from _merger(every[first], every[second])


def _merger(first: Footing, second: Footing) -> Iterator[Proposed]:
    shared = first.studies & second.studies
    if len(shared) < ENOUGH_STUDIES or len(shared) * 2 <= max(len(first.studies), len(second.studies)):
        return
    both = sorted(first.reasoned.keys() & second.reasoned.keys())
    is_worded_alike = first.reasoning == second.reasoning
    if not is_worded_alike and (len(both) < ENOUGH_STUDIES or len(both) * 2 <= max(first.shown_by, second.shown_by)):
        return
    how = "the same reasoning in the same words" if is_worded_alike else f"{len(both)} fragments of their reasoning"
    links = {link for fragment in both for it in (first, second) for link in it.reasoned[fragment]}
    why = f"they share {len(shared)} of {len(first.studies | second.studies)} studies, and {how}"
    yield Proposed("merge", (first.cmoc, second.cmoc), "reasoning", why, tuple(sorted(links)))


def as_said(words: str) -> str:
    """Words as they are compared, whatever their case, accents, punctuation and spaces."""
    return " ".join(plain_words(words))


def _studies(links: Iterable[Link], reports: Mapping[str, Report]) -> set[str]:
    return {reports[link.record].study for link in links}


def _ids(links: Iterable[Link]) -> tuple[str, ...]:
    return tuple(sorted({link.link for link in links}))
