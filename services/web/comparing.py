"""Comparing: what differs between two revisions, part by part, as people read it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import groupby

from markupsafe import Markup, escape

from services.web import drawing
from shared.events.synthesis import Change
from shared.wire.synthesis import CitedReport, CitedStudies

#: Of a CMOC, whether its evidence changed and a person is to look at it again.
_FLAGGED = "flagged"

#: How sure people judge it to be.
_CONFIDENCE = "confidence"

#: Under which names the texts say what it is by now: its status, and how sure people judge it to be.
_STATUSES, _LEVELS = "findings.status.", "confidence.level."

_GONE, _CAME = Markup("<del>{}</del>"), Markup("<ins>{}</ins>")

#: Words of a text beyond which it is shown whole, before and after: to compare them costs the square of that.
_MOST = 1000


@dataclass(frozen=True)
class Line:
    """One thing that differs: what it is, by its `name` in the texts where it has one there, and how it reads, with
    what went and what came."""

    what: str
    name: str | None
    shown: Markup


@dataclass(frozen=True)
class Part:
    """All that differs of one CMOC; of the theories where it has no name."""

    cmoc: str
    lines: list[Line]


@dataclass(frozen=True)
class Moved:
    """The reports whose evidence came to stand, and those whose evidence no longer does."""

    came: list[CitedReport]
    went: list[CitedReport]


def parts(changes: Iterable[Change]) -> list[Part]:
    """What differs, CMOC by CMOC, in its order."""
    return [
        Part(cmoc, [Line(one.what, _name_of(one.what), _said(one)) for one in some])
        for cmoc, some in groupby(changes, key=lambda change: change.cmoc)
    ]


def moved(before: CitedStudies, after: CitedStudies) -> Moved:
    """The reports that one of two revisions rests on, and the other does not."""
    had, has = ({report.record for report in one.reports} for one in (before, after))
    return Moved(
        [report for report in after.reports if report.record not in had],
        [report for report in before.reports if report.record not in has],
    )


def words_between(before: str, after: str) -> Markup:
    """The text of after, with the words that went and those that came marked where they are."""
    old, new = (re.findall(r"\s+|\S+", text) for text in (before, after))
    if max(len(old), len(new)) > _MOST:
        return _GONE.format(before) + Markup(" ") + _CAME.format(after)
    shown = Markup()
    for tag, old_from, old_to, new_from, new_to in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        went, came = "".join(old[old_from:old_to]), "".join(new[new_from:new_to])
        if tag == "equal":
            shown += escape(came)
        else:
            shown += (_GONE.format(went) if went else Markup()) + (_CAME.format(came) if came else Markup())
    return shown


def _said(change: Change) -> Markup:
    """How a change reads; that of a mark, which is there or not, as what it means."""
    if change.what == _FLAGGED:
        return escape(drawing.text("findings.flag_set") if change.after else drawing.text("findings.flag_cleared"))
    if change.what == _CONFIDENCE:
        return _values(change.before, change.after, _LEVELS)
    return _shown(change.before, change.after)


def _shown(before: object, after: object) -> Markup:
    if isinstance(before, str) and isinstance(after, str) and " " in before.strip():
        return words_between(before, after)
    return _values(before, after, _STATUSES)


def _values(before: object, after: object, named: str) -> Markup:
    """What went and what came, each as the texts under `named` say it."""
    went = _GONE.format(drawing.worded(named, before)) if before is not None else Markup()
    came = _CAME.format(drawing.worded(named, after)) if after is not None else Markup()
    return Markup(" ").join(part for part in (went, came) if part)


def _name_of(what: str) -> str | None:
    """The name in the texts of a part of a CMOC, or of what happened to it; a theory has one of its own."""
    name = what.replace(" ", "_")
    return name if drawing.has_text(f"findings.what.{name}") else None
