"""The flow of records: under what each is counted, given where it stands, and what that adds up to."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from shared.events.ingest import SourceRef
from shared.events.protocol import ADDED
from shared.wire.screening import Flow, RecordState, TextState

#: Where a record stands (each has one of the first five), which stages it passed, what is known of its full text; and
#: which of these decisions a file had stated before. Beside these, each source record that was ever `found`.
Standing = Literal[
    "waiting", "excluded", "included", "kept_out", "merged", "passed", "sought", "retrieved", "not_retrieved",
    "passed_before", "excluded_before", "found",
]  # fmt: skip

#: What begins the source of what a chase of citations found; the name of the source that was asked follows.
BY_CITATIONS = "citations:"

#: Of these a record is counted under just one, unless it lives on in another.
ONE_EACH: frozenset[Standing] = frozenset(("waiting", "excluded", "included", "kept_out"))

#: What reached a stage is counted under one of these there.
REACHED: frozenset[Standing] = frozenset(("waiting", "passed", "excluded"))

#: How a source record is counted that was found.
FOUND: tuple[str, Standing, str] = ("", "found", "")


def standings(
    state: RecordState,
    stage: str | None,
    rule: str | None,
    excluded_for: str | None,
    passed: Iterable[str],
    text: TextState | None,
    decided_before: Collection[str] = (),
) -> Iterator[tuple[str, Standing, str]]:
    """Each as the stage ('' where it is of none), what is counted there, and the rule or the stage's reason for it.

    What a rule keeps out, and what lives on in another record, passed nothing and needs no text.
    """
    if state == "merged":
        yield "", "merged", ""
        return
    if state == "excluded" and rule is not None:
        yield "", "kept_out", rule
        return
    if state == "included":
        yield "", "included", ""
    else:
        yield stage or "", "excluded" if state == "excluded" else "waiting", excluded_for or ""
        if state == "excluded" and stage in decided_before:
            yield stage or "", "excluded_before", ""
    for name in dict.fromkeys(passed):
        yield name, "passed", ""
        if name in decided_before:
            yield name, "passed_before", ""
    if text is not None:
        yield "", text, ""


def counted_as(found: SourceRef) -> str:
    """The source that a source record is counted for; one that was asked for citations is told apart."""
    return f"{BY_CITATIONS}{found.source}" if found.by_citations else found.source


def is_other_method(source: str) -> bool:
    """Whether a record was found by one of PRISMA's other methods."""
    return source.startswith((ADDED, BY_CITATIONS))


def beyond(all_of: Flow, some: Flow) -> Flow:
    """What is left of a figure without what another has of it."""
    sources = Counter(all_of.sources)
    sources.subtract(some.sources)
    return _flow(sources)


def _flow(sources: Counter[str]) -> Flow:
    return Flow(n=sources.total(), sources={name: n for name, n in sorted(sources.items()) if n})


@dataclass(frozen=True, slots=True)
class Flowed:
    """How many records from a source stand so at a stage, for a reason."""

    stage: str
    what: Standing
    reason: str
    source: str
    n: int


class Figures:
    """What is counted, by stage, standing and reason, with those of its sources of which `counts` holds."""

    def __init__(
        self, found: Iterable[Flowed], before: Iterable[Flowed], counts: Callable[[str], bool] = lambda source: True
    ) -> None:
        self._counted: defaultdict[tuple[str, str, str], Counter[str]] = defaultdict(Counter)
        for sign, rows in ((1, found), (-1, before)):
            for row in rows:
                if counts(row.source):
                    self._counted[row.stage, row.what, row.reason][row.source] += sign * row.n

    def of(self, holds: Callable[[str, str, str], bool]) -> Flow:
        """The records of all keys (stage, standing, reason) of which this holds."""
        sources: Counter[str] = Counter()
        for key, counted in self._counted.items():
            if holds(*key):
                sources.update(counted)
        return _flow(sources)

    def by_reason(self, stage: str, what: str) -> dict[str, Flow]:
        reasons = sorted({key[2] for key in self._counted if key[:2] == (stage, what) and key[2]})
        found = {reason: self.of(lambda *key, reason=reason: key == (stage, what, reason)) for reason in reasons}
        return {reason: flow for reason, flow in found.items() if flow.sources}

    def stages(self) -> set[str]:
        return {stage for stage, _, _ in self._counted if stage}
