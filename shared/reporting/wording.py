"""Wording: what a report as a Word document says beside its items, and how a number is read in each form but JSON."""

from __future__ import annotations

from shared.reporting.documents import Authored, Item

HEADING = "Report on {document.review} by {document.title}, {of}, up to {document.on}."

WORDS = {
    "of_revision": "of revision {n}",
    "of_now": "of the review as it is now, unsigned",
    "to_write": "To be written by the team: {asks}",
    "cut": "There are more than are shown here.",
    "queries": "Where each number comes from",
    "queries_help": "Each number is read out of an answer of the platform; the same question gives it again.",
    "number": "number",
    "request": "asked",
    "read_as": "read as",
}


def shown(value: int | float) -> str:
    """A number as it is read: whole, or to two places."""
    return f"{value:,}".replace(",", "\u202f") if isinstance(value, int) else f"{value:.2f}"


def stamp_of(written: Authored) -> str:
    """Who wrote a text and when, and whether it is still of the review as it is."""
    did = "Confirmed" if written.confirmed else "Written"
    at = f"{written.at:%Y-%m-%d}" if written.at else ""
    stamp = f"{did} by {written.by} on {at}, at revision {written.revision} and version {written.protocol_version}"
    return stamp + (" of the protocol; out of date since." if written.out_of_date else " of the protocol.")


def state_of(item: Item) -> str:
    """What is wrong with an item, in words."""
    if item.state == "lacking":
        return f"What lacks here: {'; '.join(item.lacks)}."
    return "What is written here is out of date."
