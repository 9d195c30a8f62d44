"""Rules between the parts of a protocol, that no single part can hold by itself.

They read plain data, and step over what has not its shape: that is told already, and one fault must not
hide another.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from pydantic import ValidationError

from shared.documents import Path
from shared.events.protocol import CITING_SOURCES, MOST_SOURCES, SOURCES, Strategy
from shared.events.stages import CONSENSUS
from shared.strategies.asking import asked
from shared.strategies.translating import Unsayable
from shared.strategies.tree import StrategyFault

#: Terms that all strategies have at all of their sources together: what checking may take is bounded.
MOST_TRANSLATED = 20_000

Broken = Iterator[tuple[Path, str]]


def broken_rules(data: object, review: str | None) -> Broken:
    """Every rule between parts that the data breaks, with its place."""
    if not isinstance(data, dict):
        return
    yield from _for_this_review(data, review)
    yield from _window(data)
    yield from _sources(data)
    yield from _strategies(data)
    yield from _citations(data)
    for name, key in (
        ("strategies", "id"),
        ("stages", "name"),
        ("theories", "id"),
        ("cmocs", "id"),
        ("set_aside", "cmoc"),
        ("characteristics", "name"),
        ("characteristics", "label"),
    ):
        yield from _unique(_parts(data, name), (name,), key)
    for index, stage in _parts(data, "stages"):
        yield from _stage(stage, ("stages", index))
        if index == 0 and stage.get("needs") == "full_text":
            yield ("stages", 0, "needs"), "the first stage needs no full text, else that of all that is found is sought"
    for index, asked_of_study in _parts(data, "characteristics"):
        yield from _field(asked_of_study, ("characteristics", index))
    yield from _team(data)
    yield from _highlights(data)
    yield from _theories_exist(data)


def _for_this_review(data: dict[str, Any], review: str | None) -> Broken:
    given = data.get("review")
    if review is not None and isinstance(given, str) and given != review:
        yield ("review",), f"the file is for review {given!r}, but was sent for review {review!r}"


def _window(data: dict[str, Any]) -> Broken:
    after, until = _day(data.get("published_after")), _day(data.get("published_until"))
    if after is not None and until is not None and until <= after:
        yield ("published_until",), f"nothing is published after {after} and until {until}"
    since = _day(data.get("search_from"))
    if since is not None and until is not None and since > until:
        yield ("search_from",), f"the sources would be searched from {since} on for what is published until {until}"


def _sources(data: dict[str, Any]) -> Broken:
    for index, strategy in _parts(data, "strategies"):
        named = _named(strategy.get("sources"))
        for path, source in [*((("sources", at), name) for at, name in named), (("source",), strategy.get("source"))]:
            if isinstance(source, str) and source not in SOURCES:
                why = f"there is no source {source[:80]!r}; there are: {', '.join(SOURCES)}"
                yield ("strategies", index, *path), why
        yield from _named_twice(named, ("strategies", index, "sources"))
        concepts = _parts(strategy, "concepts")
        yield from _unique(concepts, ("strategies", index, "concepts"), "name")


def _citations(data: dict[str, Any]) -> Broken:
    given = data.get("citations")
    named = _named(given.get("sources")) if isinstance(given, dict) else []
    for at, source in named:
        if source not in CITING_SOURCES:
            why = f"no citations are known at {source[:80]!r}; they are at: {', '.join(CITING_SOURCES)}"
            yield ("citations", "sources", at), why
    yield from _named_twice(named, ("citations", "sources"))


def _named(listed: object) -> list[tuple[int, str]]:
    """The sources of a list with their places, as many as may be listed; that there are more is told already."""
    listed = listed[:MOST_SOURCES] if isinstance(listed, list) else []
    return [(at, source) for at, source in enumerate(listed) if isinstance(source, str)]


def _named_twice(named: list[tuple[int, str]], path: Path) -> Broken:
    seen: set[str] = set()
    for at, source in named:
        if source in seen:
            yield (*path, at), f"the source {source!r} is named twice"
        seen.add(source)


def _strategies(data: dict[str, Any]) -> Broken:
    """What a source would refuse or misread, or has no words for; a strategy that is none is told of already."""
    terms = 0
    for index, given in _parts(data, "strategies"):
        try:
            strategy = Strategy.model_validate_json(json.dumps(given, default=str), strict=True)
        except (ValidationError, ValueError):
            continue
        terms += sum(len(concept.terms) for concept in strategy.concepts or ()) * len(strategy.searched)
        if terms > MOST_TRANSLATED:
            yield ("strategies", index), f"the strategies translate more than {MOST_TRANSLATED:,} terms in all"
            return
        for at, source in enumerate(strategy.searched):
            if source not in SOURCES:
                continue
            path: Path = ("query",) if strategy.query is not None else ("sources", at)
            try:
                asked(strategy, source)
            except StrategyFault as fault:
                yield ("strategies", index, *path), f"line {fault.line}, column {fault.column}: {fault.why}"
            except Unsayable as fault:
                yield ("strategies", index, *path), fault.detail


def _stage(stage: dict[str, Any], path: Path) -> Broken:
    answers = _parts(stage, "answers")
    yield from _unique(answers, (*path, "answers"), "value")
    led_to = [answer.get("leads_to") for _, answer in answers]
    for needed in ("advance", "exclude"):
        if answers and needed not in led_to:
            yield (*path, "answers"), f"no answer leads to {needed!r}, so no record could ever {needed} here"
    yield from _votes(stage, path)
    reasons = _parts(stage, "reasons")
    yield from _unique(reasons, (*path, "reasons"), "value")
    yield from _unique(reasons, (*path, "reasons"), "label")
    fields = _parts(stage, "fields")
    yield from _unique(fields, (*path, "fields"), "name")
    for index, field in fields:
        yield from _field(field, (*path, "fields", index))
    tags = _parts(stage, "tags")
    yield from _unique(tags, (*path, "tags"), "name")
    for index, tag in tags:
        yield from _tag(tag, (*path, "tags", index))
    yield from _training(stage, path)


def _training(stage: dict[str, Any], path: Path) -> Broken:
    """What is right of an item is an answer of the stage, and a reason of it where that excludes."""
    items = _parts(stage, "training")
    yield from _unique(items, (*path, "training"), "id")
    leads_to = {str(answer.get("value")): answer.get("leads_to") for _, answer in _parts(stage, "answers")}
    reasons = [reason.get("value") for _, reason in _parts(stage, "reasons")]
    for index, item in items:
        answer, reason = item.get("answer"), item.get("excluded_for")
        if isinstance(answer, str) and answer not in leads_to:
            known = ", ".join(leads_to)
            yield (*path, "training", index, "answer"), f"{answer[:80]!r} is no answer of this stage; it has: {known}"
        if not isinstance(reason, str):
            continue
        at: Path = (*path, "training", index, "excluded_for")
        if reason not in reasons:
            yield at, f"{reason[:80]!r} is no reason of this stage; it has: {', '.join(map(str, reasons)) or 'none'}"
        elif leads_to.get(str(answer), "exclude") != "exclude":
            yield at, f"{answer!r} does not exclude; leave the reason out"


def _votes(stage: dict[str, Any], path: Path) -> Broken:
    """What takes two votes or more."""
    if stage.get("votes", 2) != 1:
        return
    if stage.get("reconciliation") == CONSENSUS:
        yield (*path, "reconciliation"), "a consensus is of two votes or more, and the stage asks for one"
    if stage.get("double_screened") is not None:
        yield (*path, "double_screened"), "a share of the records gets `votes` votes, and the stage asks for one"


def _field(field: dict[str, Any], path: Path) -> Broken:
    options, kind = field.get("options"), field.get("kind", "text")
    if kind in ("choice", "choices"):
        if not options:
            yield (*path, "options"), f"a field of kind {kind!r} needs options"
        elif isinstance(options, list) and len({str(option) for option in options}) < len(options):
            yield (*path, "options"), "an option is given twice"
    elif options:
        yield (*path, "options"), f"a field of kind {kind!r} has no options"
    least, most = _number(field.get("least")), _number(field.get("most"))
    for name, bound in (("least", least), ("most", most)):
        if bound is not None and kind != "number":
            yield (*path, name), f"a field of kind {kind!r} has no {name}; that is for a number"
    if least is not None and most is not None and kind == "number" and least > most:
        yield (*path, "most"), f"no number is {least:g} or more and {most:g} or less"


def _highlights(data: dict[str, Any]) -> Broken:
    """A word that speaks for a record cannot speak against it."""
    given = data.get("highlights")
    listed = {name: given.get(name) for name in ("include", "exclude")} if isinstance(given, dict) else {}
    seen: dict[str, str] = {}
    for name, words in listed.items():
        for at, word in enumerate(words if isinstance(words, list) else ()):
            folded = word.strip().casefold() if isinstance(word, str) else ""
            if folded in seen:
                yield ("highlights", name, at), f"the word {folded!r} is in highlights.{seen[folded]} already"
            elif folded:
                seen[folded] = name


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _tag(tag: dict[str, Any], path: Path) -> Broken:
    options, kind = tag.get("options"), tag.get("kind", "free")
    if kind == "choice" and not options:
        yield (*path, "options"), "a tag of kind 'choice' needs options"
    elif kind == "choice" and isinstance(options, list) and len({str(option) for option in options}) < len(options):
        yield (*path, "options"), "an option is given twice"
    elif options and kind != "choice":
        yield (*path, "options"), f"a tag of kind {kind!r} has no options"


def _team(data: dict[str, Any]) -> Broken:
    seen: dict[str, int] = {}
    for index, wanted in _parts(data, "team"):
        people = wanted.get("people")
        for at, person in enumerate(people if isinstance(people, list) else []):
            if isinstance(person, str) and person in seen:
                yield ("team", index, "people", at), f"{person!r} is named under team[{seen[person]}] already"
            elif isinstance(person, str):
                seen[person] = index


def _theories_exist(data: dict[str, Any]) -> Broken:
    known = {theory.get("id") for _, theory in _parts(data, "theories") if isinstance(theory.get("id"), str)}
    for index, cmoc in _parts(data, "cmocs"):
        theory = cmoc.get("theory")
        if isinstance(theory, str) and theory not in known:
            yield ("cmocs", index, "theory"), f"there is no theory {theory!r} in this protocol"
    stated = {cmoc.get("id") for _, cmoc in _parts(data, "cmocs") if isinstance(cmoc.get("id"), str)}
    for index, gone in _parts(data, "set_aside"):
        if isinstance(gone.get("cmoc"), str) and gone["cmoc"] in stated:
            yield ("set_aside", index, "cmoc"), f"{gone['cmoc']!r} is stated under cmocs: it is one or the other"


def _unique(parts: list[tuple[int, dict[str, Any]]], path: Path, key: str) -> Broken:
    seen: dict[str, int] = {}
    for index, part in parts:
        value = part.get(key)
        if not isinstance(value, str):
            continue
        if value in seen:
            yield (*path, index, key), f"{value!r} is taken by {path[-1]}[{seen[value]}]"
        seen.setdefault(value, index)


def _parts(data: dict[str, Any], name: str) -> list[tuple[int, dict[str, Any]]]:
    """The items of a list that are objects, with their places; none when it is no list."""
    items = data.get(name)
    return [(at, item) for at, item in enumerate(items) if isinstance(item, dict)] if isinstance(items, list) else []


def _day(value: object) -> date | None:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
