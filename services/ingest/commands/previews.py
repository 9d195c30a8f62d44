"""Asking ahead: a lead wants to know what the strings of a draft would bring, before it is applied."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from services.ingest import store
from services.ingest.domain.watching import whole_window
from services.ingest.models import PreviewedRow, PreviewRow
from shared.canonical import sha256
from shared.db.work import Work
from shared.errors import Conflict, Invalid
from shared.events.protocol import SOURCES, Strategy
from shared.ids import new_id
from shared.strategies.asking import asked
from shared.wire.ingest import MOST_PREVIEWED, NewPreview


@dataclass(frozen=True, slots=True)
class Draft:
    """What is asked ahead: the strategies, and each string with the strategy and the source that it is of."""

    given: NewPreview
    strings: tuple[tuple[str, str, str], ...]


def drafted(given: NewPreview) -> Draft:
    """The strings of a draft, as a run would ask them. Raises Invalid, naming what cannot be asked; reading may take a
    second, and needs no transaction."""
    strings = list[tuple[str, str, str]]()
    for one in _strings(given.strategies):
        if len(strings) == MOST_PREVIEWED:
            why = (
                f"they are more than {MOST_PREVIEWED} strings, which are asked at once at most; ask with fewer of them"
            )
            raise Invalid.of("strategies", why, slug="too_many_strings")
        strings.append(one)
    return Draft(given, tuple(strings))


def request_preview(work: Work, review: str, draft: Draft) -> PreviewRow:
    """Begins one; the same again, while it is under way, answers that one. The review need have no protocol yet. Raises
    Conflict where another one of that person is under way there."""
    first = draft.given.search_from or draft.given.published_after
    since, until = whole_window(search_from=first, today=work.now.date())
    digest = sha256([draft.strings, since.isoformat(), until.isoformat()])
    row = PreviewRow(
        id=new_id("preview"), review=review, since=since, until=until, digest=digest, asked_by=work.actor,
        asked_at=work.now, ended_at=None if draft.strings else work.now,
    )  # fmt: skip
    if not store.begin_preview(work, row):
        return _same(store.preview_under_way(work, review, work.actor), digest)
    for number, (strategy, source, string) in enumerate(draft.strings):
        work.add(PreviewedRow(preview=row.id, number=number, strategy=strategy, source=source, asked=string))
    return row


def _same(under_way: PreviewRow | None, digest: str) -> PreviewRow:
    if under_way is not None and under_way.digest == digest:
        return under_way
    why = "the sources are still asked what another draft of yours would bring: wait for that"
    raise Conflict(why, slug="preview_under_way", preview=under_way.id if under_way is not None else None)


def _strings(strategies: Sequence[Strategy]) -> Iterator[tuple[str, str, str]]:
    for at, strategy in enumerate(strategies):
        for nth, source in enumerate(strategy.searched):
            where = f"strategies[{at}]." + ("source" if strategy.source is not None else f"sources[{nth}]")
            if source not in SOURCES:
                why = f"there is no source {source!r}; there are: {', '.join(SOURCES)}"
                raise Invalid.of(where, why, slug="unknown_source")
            try:
                strings = asked(strategy, source).strings
            except Invalid as error:
                said = where if strategy.query is None else f"strategies[{at}].query"
                raise Invalid.of(said, error.detail, slug=error.slug) from error
            yield from ((strategy.id, source, string) for string in strings)
