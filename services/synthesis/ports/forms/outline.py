"""The outline of a revision as people read it, once for all forms that are read: headings, paragraphs and lists."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from services.synthesis.domain.states import PARTS
from services.synthesis.ports.crates import said_of
from shared.events.synthesis import Change
from shared.wire.synthesis import RevisionContent, Statement, WithdrawnRevision


@dataclass(frozen=True)
class Heading:
    level: int
    text: str


@dataclass(frozen=True)
class Paragraph:
    text: str


@dataclass(frozen=True)
class Item:
    """One of a list: what it is about, and what is said of it."""

    label: str
    text: str


Block = Heading | Paragraph | Item


def outline_of(
    content: RevisionContent, sha256: str, doi: str | None, withdrawn: WithdrawnRevision | None = None
) -> Iterator[Block]:
    """Everything that a revision says, in the order in which people read it."""
    yield Heading(1, f"{content.title}: revision {content.number}")
    if withdrawn is not None:
        yield Paragraph(said_of(withdrawn))
    day = content.signed_at.date().isoformat()
    yield Paragraph(f"Living review {content.review}, signed on {day}. Class of the change: {content.change_class}.")
    if content.drill:
        yield Paragraph("This revision is an exercise.")
    yield Paragraph(content.summary)
    yield from _changes(content.changes)
    yield from _theories(content)
    yield from _gone(content)
    yield from _searched(content)
    yield Heading(2, "How to cite and check it")
    if doi is not None:
        yield Item("DOI", f"https://doi.org/{doi}")
    yield Item("SHA-256 of what was signed", sha256)
    yield Item("Protocol", f"version {content.protocol_version}, SHA-256 {content.protocol_sha256}")


def _changes(changes: Sequence[Change]) -> Iterator[Block]:
    yield Heading(2, "What changed")
    if not changes:
        yield Paragraph("Nothing changed.")
    for it in changes:
        label = f"{it.cmoc}, {it.what}" if it.cmoc else it.what
        yield Item(label, f"{_said(it.before)} → {_said(it.after)} ({it.change_class})")


def _theories(content: RevisionContent) -> Iterator[Block]:
    of_theory: dict[str, list[Statement]] = defaultdict(list)
    for cmoc in content.cmocs:
        of_theory[cmoc.theory].append(cmoc)
    for theory in content.theories:
        yield Heading(2, theory.heading)
        yield Paragraph(theory.statement)
        for cmoc in of_theory[theory.theory]:
            yield from _cmoc(cmoc)


def _cmoc(it: Statement) -> Iterator[Block]:
    yield Heading(3, it.cmoc)
    for part in PARTS:
        yield Item(part.capitalize(), f"{getattr(it, part)} (evidence: {it.elements.get(part, 'none')})")
    studies = "1 independent study" if it.support == 1 else f"{it.support} independent studies"
    yield Item("Status", f"{it.status.replace('_', ' ')}; support: {studies}")
    if it.flagged:
        yield Item("Flagged", "a person is asked to judge it anew")
    if it.reasons:
        rules = (f"{reason.rule.replace('_', ' ')}: {'met' if reason.met else 'not met'}" for reason in it.reasons)
        yield Item("Rules", "; ".join(rules))
    if it.confidence is not None:
        yield Item("Confidence", f"{it.confidence.confidence.replace('_', ' ')}: {it.confidence.why}")


def _gone(content: RevisionContent) -> Iterator[Block]:
    if content.gone:
        yield Heading(2, "Stated no more")
    for it in content.gone:
        into = f" into {', '.join(it.into)}" if it.into else ""
        yield Item(it.cmoc, f"{it.how.replace('_', ' ')}{into}: {it.why}")


def _searched(content: RevisionContent) -> Iterator[Block]:
    if content.searched_through or content.not_searched:
        yield Heading(2, "Searched")
    for source, day in content.searched_through.items():
        yield Item(source, f"until {day.isoformat()}")
    for it in content.not_searched:
        yield Item(it.database, f"not searched, due on {it.due.isoformat()}: {it.reason}")


def _said(value: object) -> str:
    return "nothing" if value is None else str(value)
