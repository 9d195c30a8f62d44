"""Cards: a task as the terminal shows it, read from the platform's answer, of which later releases say more."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from services.cli.visible import visible

#: Seconds that a lease is taken to last where the platform's clock is another than ours, and at most.
_UNKNOWN, _LONGEST = 600.0, 86_400.0


@dataclass(frozen=True)
class Choice:
    """An answer of the stage. `leads_to` is `advance`, `exclude` or `adjudicate`."""

    value: str
    leads_to: str
    reason_required: bool = False


@dataclass(frozen=True)
class Option:
    """Something that may be chosen: a reason, a CMOC, an option of a field."""

    value: str
    label: str
    help: str = ""


@dataclass(frozen=True)
class Field:
    """A field of the stage's form; its kind is `text`, `number`, `choice`, `choices` or `cmocs`."""

    name: str
    label: str
    kind: str
    options: tuple[Option, ...] = ()
    required: bool = False
    help: str = ""
    least: float | None = None
    most: float | None = None


@dataclass(frozen=True)
class Card:
    """A task under a lease, with all that is needed to answer it. `kept_for` is in seconds from when it was read.

    An item of a training set is one without a lease, whose `task` is its name; `training` says so in words, and
    `lesson` what is right of it, once it is answered.
    """

    lease: str
    task: str
    record: str
    stage: str
    question: str
    title: str
    abstract: str
    authors: tuple[str, ...]
    venue: str
    published: str
    links: tuple[str, ...]
    flags: tuple[str, ...]
    restricted: bool
    full_text: str
    answers: tuple[Choice, ...]
    fields: tuple[Field, ...]
    reasons: tuple[Option, ...]
    cmocs: tuple[Option, ...]
    judged_for_cmocs: bool
    definitions: tuple[tuple[str, str], ...]
    included_if: tuple[str, ...]
    excluded_if: tuple[str, ...]
    include_words: tuple[str, ...]
    exclude_words: tuple[str, ...]
    kept_for: float
    training: str = ""
    lesson: tuple[str, ...] = ()


def card_of(task: Mapping[str, Any], now: datetime | None = None) -> Card:
    """A card of a task in hand. What hides commands to a terminal is replaced here, once and for all."""
    record = task["record"]
    criteria, highlights = task.get("criteria") or {}, task.get("highlights") or {}
    cmocs = tuple(Option(cmoc["id"], _gist(cmoc)) for cmoc in task.get("cmocs") or ())
    return Card(
        lease=task["lease"],
        task=task["task"],
        record=record["record"],
        stage=_line(task["stage"]),
        question=_line(task["question"]),
        title=_line(record["title"]) or "[no title]",
        abstract=_text(record["abstract"]),
        authors=_lines(record["authors"]),
        venue=_line(record["venue"]),
        published=_line(record["published"]),
        links=tuple(_link(kind, name) for kind, name in record["identifiers"].items()),
        flags=tuple(_flag(flag) for flag in record["flags"]),
        restricted=bool(record.get("restricted")),
        full_text=_full_text(task.get("full_text"), record["record"]),
        answers=tuple(
            Choice(answer["value"], answer["leads_to"], bool(answer["reason_required"])) for answer in task["answers"]
        ),
        fields=tuple(_field(field, cmocs) for field in task["fields"]),
        reasons=tuple(_option(reason) for reason in task.get("reasons") or ()),
        cmocs=cmocs,
        judged_for_cmocs=task.get("judged_for") == "cmocs",
        definitions=tuple((name, _line(said)) for name, said in (task.get("definitions") or {}).items() if said),
        included_if=_lines(criteria.get("include")),
        excluded_if=_lines(criteria.get("exclude")),
        include_words=_lines(highlights.get("include")),
        exclude_words=_lines(highlights.get("exclude")),
        kept_for=kept_for(task["expires_at"], now),
    )


def card_of_item(item: Mapping[str, Any]) -> Card:
    """A card of an item of a training set."""
    record = {
        "record": item["item"], "title": item["title"], "abstract": item["abstract"], "authors": [], "venue": None,
        "published": None, "identifiers": {}, "flags": [],
    }  # fmt: skip
    answers = [{**answer, "reason_required": False} for answer in item["answers"]]
    card = card_of(
        {
            "lease": "", "task": item["item"], "stage": item["stage"], "question": item["question"],
            "record": record, "answers": answers, "fields": [], "reasons": item["reasons"],
            "definitions": item["definitions"], "criteria": item["criteria"], "highlights": item["highlights"],
            "expires_at": "1970-01-01T00:00:00+00:00",
        }
    )  # fmt: skip
    number = item["of"] - item["left"] + 1
    links = (_line(item["identifier"]),) if item["identifier"] else ()
    return replace(card, links=links, training=f"Training, item {number} of {item['of']}: it is no record and no vote")


def lesson_of(receipt: Mapping[str, Any]) -> tuple[str, ...]:
    """What is right of an item that was answered, in lines."""
    right, answered = (
        f"{answer} ({reason})" if reason else str(answer)
        for answer, reason in (
            (receipt["right"], receipt["right_excluded_for"]),
            (receipt["answer"], receipt["excluded_for"] if receipt["right_excluded_for"] else None),
        )
    )
    is_right = receipt["is_right"] and receipt["reason_is_right"] is not False
    said = f"Right: {right}." if is_right else f"You answered {answered}; right is {right}."
    return tuple(_line(line) for line in (said, receipt["why"]) if line)


def kept_for(expires_at: str, now: datetime | None = None) -> float:
    """Seconds that a lease lasts from now on; a guess where that cannot be, as with a clock that a drill moves."""
    left = (datetime.fromisoformat(expires_at) - (now or datetime.now(UTC))).total_seconds()
    return min(left, _LONGEST) if 0 < left < 370 * _LONGEST else _UNKNOWN


def _field(field: Mapping[str, Any], cmocs: tuple[Option, ...]) -> Field:
    options = cmocs if field["kind"] == "cmocs" else tuple(Option(it, _line(it)) for it in field["options"])
    notes = [_line(field.get(name)) for name in ("help", "definition")]
    return Field(
        field["name"], _line(field["label"]), field["kind"], options, bool(field["required"]),
        " ".join(note for note in notes if note), field.get("least"), field.get("most"),
    )  # fmt: skip


def _option(reason: Mapping[str, Any]) -> Option:
    return Option(reason["value"], _line(reason.get("label")) or _line(reason["value"]), _line(reason.get("help")))


def _gist(cmoc: Mapping[str, Any]) -> str:
    """A CMOC has no title: what is offered and what follows tell it from others."""
    return f"{_line(cmoc['id'])}: {_line(cmoc['resource'])} -> {_line(cmoc['outcome'])}"


def _flag(flag: Mapping[str, Any]) -> str:
    drill = " (drill)" if flag["drill"] else ""
    return f"{_line(flag['kind']).replace('_', ' ').upper()}{drill}: {_line(flag['reason'])}"


def _full_text(text: Mapping[str, Any] | None, record: str) -> str:
    """How the full text stands, where the stage needs it."""
    if text is None:
        return ""
    state = _line(text["state"]).replace("_", " ") or "never sought"
    return f"{state} (`living texts show REVIEW {record}` lists its copies)" if text["state"] == "retrieved" else state


def _link(kind: str, name: str) -> str:
    return f"https://doi.org/{_line(name)}" if kind == "doi" else f"{_line(kind).upper()} {_line(name)}"


def _lines(texts: Iterable[str] | None) -> tuple[str, ...]:
    return tuple(line for text in texts or () if (line := _line(text)))


def _line(text: str | None) -> str:
    """A text as one line."""
    return " ".join(visible(text or "").split())


def _text(text: str | None) -> str:
    """A text whose paragraphs stay, each as one line."""
    return "\n".join(line for part in (text or "").splitlines() if (line := _line(part)))
