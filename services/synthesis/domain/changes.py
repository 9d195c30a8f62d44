"""Changes: what differs between two states of the theories, and how much that is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import orjson

from services.synthesis.domain.states import PARTS
from shared.events.synthesis import FURTHER_CHANGES, RANKS, THEORY, Change, ChangeClass, Changed, CmocWords
from shared.wire.synthesis import Body, EvidenceMoved, GoneCmoc, GoneHow, Statement, TheoryText

#: What a diff calls it, of what is not just set aside.
_GONE: dict[GoneHow, Changed] = {
    "merged": "merged", "split": "split", "refined": "goes on as", "refuted": "refuted",
}  # fmt: skip

#: What a diff compares of the words of a CMOC.
_WORDS: tuple[Changed, ...] = ("theory", "context", "resource", "reasoning", "outcome")

#: How much of a text, and how many bytes of changes, an event tells; the revision holds them whole.
_LONGEST_TEXT, _MOST_BYTES = 200, 200_000


def differences(before: Body | None, after: Body) -> list[Change]:
    """Every change, CMOC by CMOC, in the order of `after`; those that are gone come last.

    MAJOR: a CMOC is new or no longer stated (so also merged, split or refuted). MINOR: an element's or a
    theory's wording, a status, or the confidence in it, changed. PATCH: evidence or a flag came or went, the
    statement stands.
    An outcome that is reversed is another CMOC: the protocol gives it a new id, and so it is MAJOR.
    """
    known = {statement.cmoc: statement for statement in before.cmocs} if before else {}
    changes = [change for after_it in after.cmocs for change in changes_of(known.pop(after_it.cmoc, None), after_it)]
    gone = {it.cmoc: it for it in after.gone}
    changes += [change for left in known.values() for change in changes_of(left, None, gone.get(left.cmoc))]
    return changes + (changes_of_theories(before.theories, after.theories) if before else [])


def change_class(changes: Iterable[Change], *, first: bool = False) -> ChangeClass:
    """The greatest class among changes; the first revision is MAJOR whatever it holds."""
    return "MAJOR" if first else greatest(change.change_class for change in changes)


def greatest(classes: Iterable[ChangeClass]) -> ChangeClass:
    return max(classes, key=RANKS.__getitem__, default="NONE")


def moved(before: Statement | None, after: Statement | None) -> EvidenceMoved:
    """How many links of a CMOC came and went."""
    had, has = set(before.links if before else ()), set(after.links if after else ())
    return EvidenceMoved(added=len(has - had), withdrawn=len(had - has))


def changes_of(before: Statement | None, after: Statement | None, gone: GoneCmoc | None = None) -> list[Change]:
    """What became of one CMOC; of one that is stated no more, how it went, where that is known."""
    if after is not None:
        return list(_of_cmoc(before, after))
    if before is None:
        return []
    how = _GONE.get(gone.how, "set aside") if gone is not None else "set aside"
    into = ", ".join(gone.into) if gone is not None else ""
    return [_change(before.cmoc, how, before.status, into or None, "MAJOR")]


def changes_of_theories(before: Sequence[TheoryText], after: Sequence[TheoryText]) -> list[Change]:
    """What became of the programme theories that gather the CMOCs."""
    return list(_of_theories(before, after))


def shortened(changes: Sequence[Change]) -> list[Change]:
    """Changes as an event carries them: the greatest first, long texts cut, as many as a message holds."""
    kept: list[Change] = []
    bytes_left = _MOST_BYTES
    for change in sorted(changes, key=lambda change: -RANKS[change.change_class]):
        short = change.model_copy(update={"before": _cut(change.before), "after": _cut(change.after)})
        bytes_left -= len(orjson.dumps(short.model_dump(mode="json")))
        if bytes_left < 0:
            left = len(changes) - len(kept)
            return [*kept, _of_all(FURTHER_CHANGES, None, left, change.change_class)]
        kept.append(short)
    return kept


def words_of(
    statements: Iterable[Statement], theories: Iterable[TheoryText], changes: Iterable[Change]
) -> list[CmocWords]:
    """The words of the CMOCs that changed, in the order of their changes, as many as a message holds."""
    headings, known = {it.theory: it.heading for it in theories}, {it.cmoc: it for it in statements}
    words: list[CmocWords] = []
    bytes_left = _MOST_BYTES
    for cmoc in dict.fromkeys(change.cmoc for change in changes if change.cmoc in known):
        it = known[cmoc]
        parts = {part: cut(getattr(it, part)) for part in PARTS}
        heading = cut(headings.get(it.theory, it.theory))
        words.append(CmocWords(cmoc=cmoc, theory=it.theory, heading=heading, **parts))
        bytes_left -= len(orjson.dumps(words[-1].model_dump(mode="json")))
        if bytes_left < 0:
            return words[:-1]
    return words


def _of_cmoc(before: Statement | None, after: Statement) -> Iterator[Change]:
    if before is None:
        yield _change(after.cmoc, "added", None, after.status, "MAJOR")
        if after.support:
            yield _change(after.cmoc, "support", None, after.support, "PATCH")
        return
    for part in _WORDS:
        if getattr(before, part) != getattr(after, part):
            yield _change(after.cmoc, part, getattr(before, part), getattr(after, part), "MINOR")
    if before.status != after.status:
        yield _change(after.cmoc, "status", before.status, after.status, "MINOR")
    was, now = (it.confidence.confidence if it.confidence is not None else None for it in (before, after))
    if was != now:
        yield _change(after.cmoc, "confidence", was, now, "MINOR")
    if before.support != after.support:
        yield _change(after.cmoc, "support", before.support, after.support, "PATCH")
    if before.links != after.links:
        yield from _links_moved(after.cmoc, set(before.links), set(after.links))
    if before.flagged != after.flagged:
        yield _change(after.cmoc, "flagged", before.flagged, after.flagged, "PATCH")


def _links_moved(cmoc: str, had: set[str], has: set[str]) -> Iterator[Change]:
    if had - has:
        yield _change(cmoc, "links withdrawn", None, len(had - has), "PATCH")
    if has - had:
        yield _change(cmoc, "links added", None, len(has - had), "PATCH")


def _of_theories(before: Sequence[TheoryText], after: Sequence[TheoryText]) -> Iterator[Change]:
    known = {theory.theory: theory for theory in before}
    for theory in after:
        had = known.pop(theory.theory, None)
        if had != theory:
            said_before = f"{had.heading}: {had.statement}" if had else None
            said_now = f"{theory.heading}: {theory.statement}"
            yield _of_all(f"{THEORY}{theory.theory}", said_before, said_now, "MINOR")
    for name in known:
        yield _of_all(f"{THEORY}{name}", known[name].heading, None, "MINOR")


def _change(cmoc: str, what: Changed, before: object, after: object, change_class: ChangeClass) -> Change:
    return Change(cmoc=cmoc, what=what, before=before, after=after, change_class=change_class)


def _of_all(what: str, before: object, after: object, change_class: ChangeClass) -> Change:
    """A change of no one CMOC."""
    return Change(cmoc="", what=what, before=before, after=after, change_class=change_class)


def cut(text: str) -> str:
    """As much of a text as an event tells."""
    return f"{text[:_LONGEST_TEXT]}…" if len(text) > _LONGEST_TEXT else text


def _cut(value: object) -> object:
    return cut(value) if isinstance(value, str) else value
