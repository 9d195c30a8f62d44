"""For which of a stage's reasons a record is out, and for which CMOCs it was judged, going by several votes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from services.screening.domain.deciding import reason_given
from shared.events.stages import Stage


def excluded_for(stage: Stage, named: Iterable[str | None]) -> str | None:
    """The reason that most of these name, and of as many the first in the protocol's order; None where none of them is
    a reason of the stage."""
    order = [reason.value for reason in stage.reasons]
    times = Counter(value for value in named if value in order)
    return min(times, key=lambda value: (-times[value], order.index(value)), default=None)


def judged_for(named: Sequence[Sequence[str]], *, leads_out: bool) -> list[str]:
    """The CMOCs that any of these judgements is for, each once. Who leads a record out and names none does so for all
    of them, which is said by naming none here."""
    if leads_out and not all(named):
        return []
    return list(dict.fromkeys(cmoc for judged in named for cmoc in judged))


def reason_in_words(stage: Stage, answer: str, value: str | None, reasons: Sequence[str | None]) -> str:
    """The reason told for an exclusion in words: the label of the stage's reason and what people said, each once."""
    label = next((reason.label for reason in stage.reasons if reason.value == value), None)
    if label is None:
        return reason_given(answer, reasons)
    return ": ".join([label, *filter(None, ["; ".join(dict.fromkeys(reason for reason in reasons if reason))])])
