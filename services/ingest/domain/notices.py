"""What a source newly says about a published report, and what it takes back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from services.ingest.domain.matching import identifier_keys
from shared.events.ingest import NoticeKind
from shared.events.values import Identifiers

#: What can be undone by a reinstatement; a correction or a replacement stands for ever.
UNDONE_BY_REINSTATEMENT = frozenset({"expression_of_concern", "partial_retraction", "retraction", "withdrawal"})


class Claimed(Protocol):
    """A notice as a source tells it; `of` names the work it strikes, None the record that carries it."""

    @property
    def kind(self) -> NoticeKind: ...
    @property
    def of(self) -> Identifiers | None: ...
    @property
    def by(self) -> str | None: ...
    @property
    def published(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Claim:
    """That a work was struck: `of` is the key of the struck work, None for the record that says so."""

    kind: NoticeKind
    of: str | None
    reason: str


def claims(source: str, notices: Iterable[Claimed]) -> dict[tuple[str, str | None], Claim]:
    """A source record's claims, by their kind and the struck work; a claim made twice counts once.

    A work that is named by several identifiers is claimed by each: whoever knows it may know only one of them.
    """
    made: dict[tuple[str, str | None], Claim] = {}
    for notice in notices:
        for of in identifier_keys(notice.of) if notice.of else [None]:
            made.setdefault((notice.kind, of), Claim(notice.kind, of, _reason(source, notice)))
    return made


def _reason(source: str, notice: Claimed) -> str:
    by = f", by {notice.by}" if notice.by else ""
    on = f", on {notice.published}" if notice.published else ""
    return f"{source} tells of its {notice.kind.replace('_', ' ')}{by}{on}"
