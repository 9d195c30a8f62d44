"""Extraction: what of two coders' codings of one report counts, and what they differ in.

Pure: (who has finished, their links, what people decided) -> what counts. In whatever order these came, it is the same.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol, get_args

from shared.agreement import alpha
from shared.errors import Conflict
from shared.events.synthesis import Element, Inference, Stance
from shared.folding import WORD, plain
from shared.ids import id_of
from shared.states import States
from shared.tokens import Person
from shared.wire.synthesis import DifferenceKind, ExtractionState, Held

#: What a coder says of a unit that they coded nothing of.
NOTHING: Final = "-"

#: What stands between several stances of one coder in one unit.
_AND: Final = "+"


class ExtractionStates(States[ExtractionState]):
    """An included report that waits for its coders."""

    OPEN: Final = "open"
    DIFFERING: Final = "differing"
    DONE: Final = "done"
    WITHDRAWN: Final = "withdrawn"

    what = "extraction"
    moves = {
        (None, OPEN): "screening includes the report, or the protocol begins to ask for coders",
        (OPEN, DIFFERING): "its last coder finishes, and the two differ",
        (OPEN, DONE): "its last coder finishes, and nothing is left to decide",
        (DIFFERING, DONE): "people decide the last difference, or what differed is withdrawn",
        (DONE, DIFFERING): "one of its coders corrects what they coded",
        (OPEN, WITHDRAWN): "the report is not included any more, or is another one",
        (DIFFERING, WITHDRAWN): "the report is not included any more",
        (DONE, WITHDRAWN): "the report is not included any more",
        (WITHDRAWN, OPEN): "the report is included again",
        (WITHDRAWN, DIFFERING): "the report is included again",
        (WITHDRAWN, DONE): "the report is included again",
    }


class HeldStates:
    """Why a link does not count yet, or not for itself."""

    CODING: Final = "coding"
    DIFFERS: Final = "differs"
    DOUBLED: Final = "doubled"
    LEFT: Final = "left"


class Slot(Protocol):
    """One of the codings that are asked for: free, or a person's, and finished at some time."""

    @property
    def person(self) -> str | None: ...

    @property
    def finished_at(self) -> datetime | None: ...


def finished_by(codings: Iterable[Slot]) -> list[str]:
    """Who has finished, in the order of the codings."""
    return [it.person for it in codings if it.person is not None and it.finished_at is not None]


def require_finished(state: ExtractionState, finished: Sequence[str], coders: int) -> None:
    """Raises Conflict while anybody still codes a report, or nobody does any more."""
    if state == ExtractionStates.WITHDRAWN:
        raise Conflict("its report is not coded any more: nobody is asked for it", slug="extraction_withdrawn")
    if len(finished) < coders:
        raise Conflict("not all of its coders have finished: nobody sees the codings before", slug="still_coded")


def may_decide(reconciled_by: str, finished: Sequence[str], by: Person) -> bool:
    """Whether a person decides what the two coders of a report differ in: each of those two and who may adjudicate, or
    who may adjudicate and is none of them, as the protocol says."""
    if reconciled_by == "coders":
        return by.id in finished or by.has("adjudicator")
    return by.has("adjudicator") and by.id not in finished


@dataclass(frozen=True, slots=True)
class Coded:
    """A link as one coder made it, and where its fragment says it is: also in which `copy`, where its quote was
    found."""

    link: str
    coder: str
    cmoc: str
    element: Element
    stance: Stance
    inference: Inference
    locator: str
    words: str
    copy: str | None = None
    start: int | None = None
    end: int | None = None

    @property
    def unit(self) -> tuple[str, str]:
        return self.cmoc, self.element

    @property
    def says(self) -> tuple[str, str]:
        return self.stance, self.inference


@dataclass(frozen=True, slots=True)
class Sides:
    """What two coders say of one element of one CMOC, side by side; of a link that only one has, the other is None.
    It is `decided` where they agree, or people decided about it."""

    difference: str
    kind: DifferenceKind
    first: Coded | None
    second: Coded | None
    decided: bool

    @property
    def links(self) -> list[Coded]:
        return [it for it in (self.first, self.second) if it is not None]


@dataclass(frozen=True, slots=True)
class Weighed:
    """What of an extraction counts: each link with why it is held back (None where it counts), what is side by side,
    and where the extraction stands."""

    held: Mapping[str, Held | None]
    sides: Sequence[Sides]
    state: ExtractionState


def weighed(
    extraction: str, coders: int, finished: Sequence[str], links: Iterable[Coded], kept: Collection[str]
) -> Weighed:
    """What counts of the `links` that stand, where so many `coders` are asked for, these have `finished` (the first
    slot first), and people decided that those in `kept` count."""
    ordered = sorted(links, key=lambda it: it.link)
    if len(finished) < coders:
        return Weighed({it.link: HeldStates.CODING for it in ordered}, [], ExtractionStates.OPEN)
    # Who gave the report back before they had finished does not count beside those who did.
    held: dict[str, Held | None] = {it.link: HeldStates.LEFT for it in ordered}
    sides = list(_side_by_side(extraction, finished, ordered, kept))
    for side in sides:
        if side.kind == "agreed":
            counting = _counting(side.links, kept)
            held.update({it.link: None if it.link in counting else HeldStates.DOUBLED for it in side.links})
        else:
            held.update({it.link: None if it.link in kept else HeldStates.DIFFERS for it in side.links})
    done = all(side.decided for side in sides)
    return Weighed(held, sides, ExtractionStates.DONE if done else ExtractionStates.DIFFERING)


def as_decided(difference: str, finished: Sequence[str], links: Iterable[Coded]) -> Sides | None:
    """A difference as people had it before them when they decided about these links, both sides of it; None where none
    of them is left."""
    by_coder = {it.coder: it for it in links}
    first, second = (by_coder.get(coder) for coder in finished[:2])
    if first is None and second is None:
        return None
    return Sides(difference, _kind(first, second), first, second, decided=True)


def compared(finished: Sequence[str], links: Iterable[Coded]) -> Counter[tuple[Element, str, str]]:
    """How often two coders said what of an element, side by side: units (a CMOC's element in this report) of which one
    of them coded anything."""
    said: dict[tuple[str, str], tuple[set[str], set[str]]] = defaultdict(lambda: (set(), set()))
    for it in links:
        if it.coder in finished:
            said[it.unit][finished.index(it.coder)].add(it.stance)
    counted: Counter[tuple[Element, str, str]] = Counter()
    for (_, element), (first, second) in said.items():
        counted[element, _AND.join(sorted(first)) or NOTHING, _AND.join(sorted(second)) or NOTHING] += 1  # type: ignore[index]
    return counted


@dataclass(frozen=True, slots=True)
class Agreed:
    """How far coders agree over `n` units, on `agreed` of which both said the same; alpha is None where chance alone
    would explain everything."""

    n: int
    agreed: int
    alpha: float | None


@dataclass(frozen=True, slots=True)
class CodingAgreement:
    """Over all units; over those of which both coded something; by element; and by stance, each against the rest."""

    every: Agreed
    where_both: Agreed
    by_element: Mapping[Element, Agreed]
    by_stance: Mapping[Stance, Agreed]


def agreement(counted: Mapping[tuple[Element, str, str], int]) -> CodingAgreement:
    """Krippendorff's alpha (nominal) over units, with the stance as what is said of each."""
    return CodingAgreement(
        every=_agreed(counted, lambda said: said),
        where_both=_agreed({it: n for it, n in counted.items() if NOTHING not in it[1:]}, lambda said: said),
        by_element={
            element: _agreed({it: n for it, n in counted.items() if it[0] == element}, lambda said: said)
            for element in get_args(Element)
        },
        by_stance={
            stance: _agreed(counted, lambda said, one=stance: "yes" if one in said.split(_AND) else "no")  # type: ignore[misc]
            for stance in get_args(Stance)
        },
    )


def _agreed(counted: Mapping[tuple[Element, str, str], int], category: Callable[[str], str]) -> Agreed:
    sets: Counter[tuple[str, ...]] = Counter()
    for (_, first, second), times in counted.items():
        sets[tuple(sorted((category(first), category(second))))] += times
    agreed = sum(times for said, times in sets.items() if len(set(said)) == 1)
    return Agreed(sets.total(), agreed, alpha(sets))


def _side_by_side(
    extraction: str, finished: Sequence[str], links: Sequence[Coded], kept: Collection[str]
) -> Iterator[Sides]:
    units: dict[tuple[str, str], dict[str, list[Coded]]] = defaultdict(lambda: defaultdict(list))
    for it in links:
        if it.coder in finished:
            units[it.unit][it.coder].append(it)
    for _, by_coder in sorted(units.items()):
        first = list(map(_Piece.of, by_coder[finished[0]]))
        second = list(map(_Piece.of, by_coder[finished[1]])) if len(finished) > 1 else []
        # The same first, then what is at least about the same place; the smallest ids meet first, whatever came first.
        pairs = [*_met(first, second, saying_the_same=True), *_met(first, second, saying_the_same=False)]
        for one, other in pairs:
            yield _sides(extraction, one, other, kept)
        for alone in first:
            yield _sides(extraction, alone.coded, None, kept)
        for alone in second:
            yield _sides(extraction, None, alone.coded, kept)


@dataclass(frozen=True, slots=True)
class _Piece:
    """A link with what its piece of the report is known by: its words and its place, as they are compared, and its copy
    where it has a span of one."""

    coded: Coded
    names: frozenset[tuple[str, str]]
    copies: frozenset[tuple[str, str]]

    @classmethod
    def of(cls, coded: Coded) -> _Piece:
        written = {("words", _folded(coded.words)), ("place", _folded(coded.locator))}
        copies = {("copy", coded.copy)} if coded.copy is not None and None not in (coded.start, coded.end) else set()
        # What has no letter says nothing, and is the same as nothing.
        return cls(coded, frozenset(it for it in written if it[1]), frozenset(copies))


def _met(first: list[_Piece], second: list[_Piece], *, saying_the_same: bool) -> Iterator[tuple[Coded, Coded]]:
    """Takes out of both what is about the same piece, two by two."""
    there, met = _Pieces(second), set[str]()
    for one in first:
        for other in there.like(one):
            if not saying_the_same or one.coded.says == other.coded.says:
                there.taken.add(other.coded.link)
                met.add(one.coded.link)
                yield one.coded, other.coded
                break
    first[:] = [it for it in first if it.coded.link not in met]
    second[:] = [it for it in second if it.coded.link not in there.taken]


class _Pieces:
    """Links of one coder, by the pieces of the report that they are about, so that not each is held against each."""

    def __init__(self, links: Sequence[_Piece]) -> None:
        self.taken: set[str] = set()
        self._at = {it.coded.link: at for at, it in enumerate(links)}
        self._known_by: dict[tuple[str, str], list[_Piece]] = defaultdict(list)
        for it in links:
            for name in it.names | it.copies:
                self._known_by[name].append(it)

    def like(self, one: _Piece) -> list[_Piece]:
        """Those that are about the same piece and are not taken, in their order."""
        near = (it for name in one.names | one.copies for it in self._known_by[name])
        found = {it.coded.link: it for it in near if it.coded.link not in self.taken and _same_piece(one, it)}
        return sorted(found.values(), key=lambda it: self._at[it.coded.link])


def _kind(first: Coded | None, second: Coded | None) -> DifferenceKind:
    if first is None or second is None:
        return "only_second" if first is None else "only_first"
    if first.says == second.says:
        return "agreed"
    return "other_stance" if first.stance != second.stance else "other_inference"


def _sides(extraction: str, first: Coded | None, second: Coded | None, kept: Collection[str]) -> Sides:
    kind = _kind(first, second)
    links = sorted(it.link for it in (first, second) if it is not None)
    decided = kind == "agreed" or all(link in kept for link in links)
    return Sides(id_of("difference", extraction, *links), kind, first, second, decided)


def _counting(pair: Sequence[Coded], kept: Collection[str]) -> set[str]:
    """Of two links that say the same the one that counts, or what people kept: first the one whose quote was found."""
    decided = {it.link for it in pair if it.link in kept}
    return decided or {min(pair, key=lambda it: (it.copy is None, it.link)).link}


def _same_piece(one: _Piece, other: _Piece) -> bool:
    """Whether two fragments are about the same piece of the report: characters of the same copy that overlap, else the
    same words or the same place, as they are written."""
    if one.copies & other.copies:
        spans = [(it.coded.start or 0, it.coded.end or 0) for it in (one, other)]
        (_, ends), (begins, _) = sorted(spans)
        return begins < ends
    return bool(one.names & other.names)


def _folded(text: str) -> str:
    return " ".join(WORD.findall(plain(text)))
