"""What a source newly says about a published report, and what it takes back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from services.ingest.domain.matching import identifier_keys, title_key
from shared.events.bounds import LONGEST_ID
from shared.events.ingest import NoticeKind
from shared.events.values import Identifiers

#: What can be undone by a reinstatement; a correction or a replacement stands for ever.
UNDONE_BY_REINSTATEMENT = frozenset({"expression_of_concern", "partial_retraction", "retraction", "withdrawal"})


class Claimed(Protocol):
    """A notice as a source tells it; `of` or `text` names the work it strikes, neither the record that carries it."""

    @property
    def kind(self) -> NoticeKind: ...
    @property
    def of(self) -> Identifiers | None: ...
    @property
    def text(self) -> str | None: ...
    @property
    def said(self) -> str | None: ...
    @property
    def by(self) -> str | None: ...
    @property
    def published(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Claim:
    """That a work was struck: `of` is the key of the struck work, None for the record that says so. A key that begins
    with `text:` finds none; it keeps an open notice that says which work it names."""

    kind: NoticeKind
    of: str | None
    reason: str


def claims(source: str, notices: Iterable[Claimed]) -> dict[tuple[str, str | None], Claim]:
    """A source record's claims, by their kind and the struck work; a claim made twice counts once.

    A work that is named by several identifiers is claimed by each: whoever knows it may know only one of them.
    """
    made: dict[tuple[str, str | None], Claim] = {}
    for notice in notices:
        for of in _keys(notice):
            made.setdefault((notice.kind, of), Claim(notice.kind, of, _reason(source, notice)))
    return made


def found_by(identifiers: Identifiers, title: str | None) -> list[str]:
    """The keys by which a claim finds a work."""
    by_title = title_key(title) if title else None
    return [*identifier_keys(identifiers), *([by_title] if by_title else [])]


def is_of_title(key: str) -> bool:
    """Whether it is the key of a title, which several works may have."""
    return key.startswith("title:")


def _keys(notice: Claimed) -> list[str] | list[None]:
    if notice.of and (keys := identifier_keys(notice.of)):
        return keys
    if notice.text:
        return [title_key(notice.text) or f"text:{notice.text}"[:LONGEST_ID]]
    return [None]


def _reason(source: str, notice: Claimed) -> str:
    said = f" ({notice.said})" if notice.said else ""
    named = f", naming it as {notice.text!r}" if notice.text else ""
    by = f", by {notice.by}" if notice.by else ""
    on = f", on {notice.published}" if notice.published else ""
    return f"{source} tells of its {notice.kind.replace('_', ' ')}{said}{named}{by}{on}"
