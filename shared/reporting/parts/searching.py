"""What data say of how the literature was searched."""

from __future__ import annotations

from typing import Any

from shared.events.protocol import ADDED, FILES
from shared.reporting.asking import EVERY
from shared.reporting.documents import Block, Lack, said
from shared.reporting.gathered import Gathered
from shared.reporting.parts.rows import day_of, named, source_called, table, words

#: Additions that are of people who were asked.
_PEOPLE = ("contact", "expert")

#: Additions that were found by browsing.
_BROWSED = ("website", "organisation", "hand_search")


def sources(g: Gathered) -> list[Block]:
    """Each source, with the day up to which it is searched."""
    through = g.one(g.content, "content", "searched_through") if g.revision else g.one(g.status, "searched_through")
    found: list[Block] = []
    if through:
        found.append(
            table(
                "Sources that are searched",
                ("source", "searched through"),
                sorted(through.items()),
                lambda it: (source_called(it[0]), named(it[1])),
            )
        )
    return [*found, *_by_hand(g)] or [Lack("No source is searched through yet.", "sources")]


def strategies(g: Gathered) -> list[Block]:
    """Each strategy with its exact string; of an earlier version of the protocol as it was written there."""
    if g.version != g.one(g.status, "protocol_version"):
        return [
            words(
                "The strategies as that version of the protocol has them; the strings of then are kept with the runs."
            ),
            table(
                "Strategies",
                ("strategy", "sources", "query"),
                g.items(g.protocol, "protocol", "strategies"),
                lambda it: (named(it["id"]), named(_sources_of(it)), named(it.get("query") or _concepts_of(it))),
            ),
        ]
    watches = [it for it in _watches(g) if it.get("query")]
    found: list[Block] = []
    if watches:
        found.append(
            table(
                "Strategies as they are run",
                ("strategy", "source", "exact string"),
                watches,
                lambda it: (named(it["strategy"]), source_called(it["source"]), named(it["query"])),
            )
        )
    by_hand = [it for it in g.items(g.ingest, "manual") if it["standing"] != "retired"]
    if by_hand:
        found.append(
            table(
                "Strategies by hand",
                ("strategy", "database", "planned string", "string of the last search"),
                by_hand,
                lambda it: (
                    named(it["strategy"]), named(it["database"]), named(it["query"]),
                    named(it["searches"][0]["query"] if it["searches"] else None),
                ),
            )
        )  # fmt: skip
    return found or [Lack("The protocol has no strategy that is run.", "protocol")]


def dates(g: Gathered) -> list[Block]:
    """The dates between which records are taken."""
    plan = ("protocol",)
    wanted = [
        ("Searched from", g.one(g.protocol, *plan, "search_from")),
        ("Published after", g.one(g.protocol, *plan, "published_after")),
        ("Published until", g.one(g.protocol, *plan, "published_until")),
    ]
    if not any(day for _, day in wanted):
        return [words("The protocol sets no dates between which a record must be published, and no other limits.")]
    return [said(f"{label}: {{day}}.", day=named(day)) for label, day in wanted if day]


def citations(g: Gathered) -> list[Block]:
    """Whose citations are followed, and how often."""
    asked = g.items(g.protocol, "protocol", "citations", "sources")
    if not asked:
        return [words("The protocol has no citations followed.")]
    steps = ("protocol", "citations", "every_days")
    first = said(
        "What the included reports cite, and what cites them, is asked of these sources every {days} days.",
        days=g.number(g.protocol, *steps),
    )
    return [
        first,
        table(
            "Sources of citations, as they stand today", ("source", "searched through"), asked,
            lambda name: (source_called(name), named(_chased_through(g, name))),
        ),
    ]  # fmt: skip


def other_methods(g: Gathered) -> list[Block]:
    """What came by other ways than databases."""
    names = g.names(g.flow, "other_methods", "identified", "sources")
    if not names:
        return [words("Nothing came by other ways than databases.")]
    return [
        table(
            "Records that came by other ways", ("how", "records"), names,
            lambda name: (source_called(name), g.number(g.flow, "other_methods", "identified", "sources", name)),
        )
    ]  # fmt: skip


def browsed(g: Gathered) -> list[Block]:
    """What was found by browsing."""
    return _added(g, _BROWSED, "Records that were found by browsing", "Nothing that was browsed has brought a record.")


def contacts(g: Gathered) -> list[Block]:
    """What came of people who were asked."""
    return _added(g, _PEOPLE, "Records that people named", "Nobody who was asked has named a record.")


def updates(g: Gathered) -> list[Block]:
    """How often each strategy is run anew."""
    watches, by_hand = _watches(g), [it for it in g.items(g.ingest, "manual") if it["standing"] != "retired"]
    found: list[Block] = []
    if watches:
        found.append(
            table(
                "Searches that are run again by themselves, as they stand today",
                ("strategy", "source", "every … days", "looking back … days", "all dates again every … days"),
                watches,
                lambda it: (
                    named(it["strategy"]), source_called(it["source"]),
                    *(
                        g.number(g.ingest, "watches", ("watch", it["watch"]), name)
                        for name in ("every_days", "overlap_days", "whole_every_days")
                    ),
                ),
            )
        )  # fmt: skip
    if by_hand:
        found.append(
            table(
                "Searches that people make again, as they stand today",
                ("strategy", "database", "every … days"), by_hand,
                lambda it: (
                    named(it["strategy"]), named(it["database"]),
                    g.number(g.ingest, "manual", ("watch", it["watch"]), "every_days"),
                ),
            )
        )  # fmt: skip
    return found or [Lack("No search is run again.", "protocol")]


def search_dates(g: Gathered) -> list[Block]:
    """When each strategy was run last."""
    found: list[Block] = []
    if watches := _watches(g):
        found.append(
            table(
                "When each search was run last, as it stands today",
                ("strategy", "source", "searched through", "last run"), watches,
                lambda it: (
                    named(it["strategy"]), source_called(it["source"]), named(it["searched_through"]),
                    day_of((it.get("last_run") or {}).get("started_at")),
                ),
            )
        )  # fmt: skip
    return [*found, *_by_hand(g)] or [Lack("Nothing was searched yet.", "sources")]


def records_by_source(g: Gathered) -> list[Block]:
    """How many records each source gave, each once."""
    names = g.names(g.flow, "identified", "sources")
    if not names:
        return [Lack("No source has given a record yet.", "sources")]
    return [
        said("Records identified: {n}.", n=g.number(g.flow, "identified", "n")),
        table(
            "Records by source", ("source", "records", "of these duplicates"), names,
            lambda name: (
                source_called(name), g.number(g.flow, "identified", "sources", name),
                g.number(g.flow, "duplicates", "sources", name)
                if g.has(g.flow, "duplicates", "sources", name) else named(None),
            ),
        ),
    ]  # fmt: skip


def last_runs(g: Gathered) -> list[Block]:
    """What the last run of each search brought, beside what its source counts."""
    ran = [it for it in _watches(g) if it.get("last_run")]
    if not ran:
        return []
    return [
        table(
            "The last run of each search, as it stands today",
            ("strategy", "source", "days asked for", "found", "new", "as the source counts"), ran,
            lambda it: (
                named(it["strategy"]), source_called(it["source"]),
                said("{a} to {b}", a=named(it["last_run"]["since"]), b=named(it["last_run"]["until"])),
                *(
                    g.number(g.ingest, "watches", ("watch", it["watch"]), "last_run", *steps)
                    for steps in (("counts", "found"), ("counts", "new"), ("reported",))
                ),
            ),
        )
    ]  # fmt: skip


def duplicates(g: Gathered) -> list[Block]:
    """How many were duplicates, and how many pairs wait for a person."""
    return [
        said("Duplicates removed: {n}.", n=g.number(g.flow, "duplicates", "n")),
        said(
            "Pairs that the rules left to a person and nobody has decided by today: {n}.",
            n=g.number(g.ingest, "open_duplicates"),
        ),
        words(
            "Two descriptions are one work where an identifier or title, authors and place agree and nothing speaks "
            "against it; every merge is kept with its evidence and can be undone."
        ),
    ]


def _by_hand(g: Gathered) -> list[Block]:
    """The databases that people search, as they stand today."""
    return [
        table(
            "Databases that people search by hand, as they stand today",
            ("database", "strategy", "searched on", "due"), by_hand,
            lambda it: (named(it["database"]), named(it["strategy"]), named(it["searched_on"]), named(it["due"])),
        )
        for by_hand in [g.items(g.status, "manual")] if by_hand
    ]  # fmt: skip


def _added(g: Gathered, ways: tuple[str, ...], caption: str, none: str) -> list[Block]:
    steps = ("other_methods", "identified", "sources")
    names = [name for name in g.names(g.flow, *steps) if name.removeprefix(ADDED) in ways and name.startswith(ADDED)]
    if not names:
        return [words(none)]
    return [
        table(caption, ("how", "records"), names, lambda name: (source_called(name), g.number(g.flow, *steps, name)))
    ]


def _watches(g: Gathered) -> list[Any]:
    """The searches that are run by themselves."""
    return [
        it
        for it in g.all(g.ingest, "watches", EVERY)
        if it["state"] != "retired" and it["purpose"] == "search" and not it["source"].startswith((FILES, ADDED))
    ]


def _chased_through(g: Gathered, source: str) -> object:
    return next(iter(g.all(g.ingest, "chases", ("source", source), "searched_through")), None)


def _sources_of(strategy: dict[str, Any]) -> str:
    return strategy.get("manual") or ", ".join(
        source_called(name).text for name in strategy.get("sources") or [strategy.get("source") or ""]
    )


def _concepts_of(strategy: dict[str, Any]) -> str:
    """A strategy of concepts, in one line."""
    blocks = [
        " OR ".join(term["text"] if isinstance(term, dict) else str(term) for term in concept["terms"])
        for concept in strategy.get("concepts") or []
    ]
    return " AND ".join(f"({block})" for block in blocks)


PARTS = (
    sources, strategies, dates, citations, other_methods, browsed, contacts, updates, search_dates, records_by_source,
    last_runs, duplicates,
)  # fmt: skip
