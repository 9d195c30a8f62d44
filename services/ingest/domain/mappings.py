"""Mappings: the small file in which a team says what the columns of a library file say was decided before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from unicodedata import category

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from shared.documents import Document, Path, read, spelled
from shared.errors import Invalid
from shared.folding import composed

#: Characters of a mapping at most.
LARGEST = 64 * 1024

#: What stands in a proposal where only a person can say it.
OPEN = "?"

#: Characters of a column's name by which it is known, as of every field of a record.
_LONGEST_NAME = 100

#: What is made of control characters and of those that only say how text is to be shown.
_SEEN = {"Cc": " ", "Cf": ""}

Faults = list[tuple[Path, str]]


@dataclass(frozen=True, slots=True)
class Mapped:
    """One decision that a file states: where its value stands, and what that means.

    It is the value of a `column`, or what Rayyan wrote of each person into whichever column has its notes (`reads`), or
    one `answer` for every record of the file. `answers` has what each value means as an answer of the `stage`; what is
    in `ignored` is no decision, and neither is a blank unless `answers` has it. Who decided it is the value of the
    column `by_column`, or `by`; why, that of `reason`. `line` is where it stands in the mapping.
    """

    stage: str
    line: int
    column: str | None = None
    reads: Literal["rayyan"] | None = None
    answer: str | None = None
    answers: Mapping[str, str] = field(default_factory=dict)
    ignored: frozenset[str] = frozenset()
    reason: str | None = None
    by: str | None = None
    by_column: str | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that the file must have for it."""
        return tuple(name for name in (self.column, self.reason, self.by_column) if name is not None)


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Column(_Shape):
    column: str = Field(min_length=1, max_length=500)


class _Decision(_Shape):
    stage: str = Field(min_length=1, max_length=200)
    column: str | None = Field(default=None, min_length=1, max_length=500)
    reads: Literal["rayyan"] | None = None
    answer: str | None = Field(default=None, min_length=1, max_length=200)
    answers: dict[str, str] = Field(default={}, max_length=200)
    ignore: list[str] = Field(default=[], max_length=200)
    reason: _Column | None = None
    by: str | _Column | None = None


class _Written(_Shape):
    decisions: list[_Decision] = Field(min_length=1, max_length=100)


def same(text: str) -> str:
    """A value or a name as it is compared: as one line, its accents in one form, without what nobody sees."""
    if not (text.isascii() and text.isprintable()):
        text = "".join(_SEEN.get(category(each), each) for each in composed(text))
    return " ".join(text.split())


def name_of(column: str) -> str:
    """The name of a column by which a record's fields have it."""
    return same(column)[:_LONGEST_NAME]


def read_mapping(text: str, stages: Mapping[str, Collection[str]] | None = None) -> tuple[Mapped, ...]:
    """The decisions of a mapping, for a protocol of these stages, each with its answers, where they are known. Raises
    Invalid, whose `errors` name every fault with its line."""
    if len(text) > LARGEST:
        why = f"it is longer than {LARGEST} characters"
        raise Invalid(f"the mapping cannot be read: {why}", [{"at": "mapping", "why": why}], slug="malformed_mapping")
    document = read(text, "yaml", what="the mapping", slug="malformed_mapping", as_written=True)
    written, faults = _shape(document)
    faults = [*document.faults, *faults, *_open(document.data, ())]
    if written is None or faults:
        raise _invalid(document, faults)
    for at, one in enumerate(written.decisions):
        faults += _faults(one, ("decisions", at), stages)
    mapped = tuple(_mapped(document, at, one) for at, one in enumerate(written.decisions))
    faults += _twice(mapped)
    if faults:
        raise _invalid(document, faults)
    return mapped


def _invalid(document: Document, faults: Faults) -> Invalid:
    errors: list[dict[str, Any]] = [
        {"at": f"mapping: {spelled(path)}", "why": why, "line": document.line_of(path) or 1}
        for path, why in dict.fromkeys(faults)
    ]
    errors.sort(key=lambda error: error["line"])
    first, more = errors[0], len(errors) - 1
    rest = f" (and {more} more)" if more else ""
    return Invalid(f"the mapping, line {first['line']}: {first['why']}{rest}", errors, slug="malformed_mapping")


def _shape(document: Document) -> tuple[_Written | None, Faults]:
    try:
        return _Written.model_validate(document.data), []
    except ValidationError as error:
        found = [(_path(item), _plainly(item)) for item in error.errors(include_url=False)]
    return None, list(dict.fromkeys(found))


def _path(item: ErrorDetails) -> Path:
    """Where it stands, without which form of a value was tried there."""
    where = item["loc"]
    return where[:3] if where[2:3] == ("by",) else where


def _plainly(item: ErrorDetails) -> str:
    where = item["loc"]
    if where[2:3] == ("by",):
        return "a name must stand here, or {column: NAME}"
    match item["type"]:
        case "extra_forbidden":
            shapes: dict[int, type[BaseModel]] = {1: _Written, 3: _Decision}
            shape = shapes.get(len(where), _Column)
            return f"there is no key {where[-1]!r} here; there may be: {', '.join(shape.model_fields)}"
        case "missing":
            return f"the key {where[-1]!r} is missing"
        case "model_type" | "model_attributes_type" | "dict_type":
            return "keys with values must stand here"
        case "list_type":
            return "a list must stand here, each item behind a -"
        case "string_type":
            return "a text must stand here"
        case "string_too_short":
            return "something must stand here"
    return item["msg"].replace("Input should be", "this must be")


def _open(data: object, path: Path) -> Iterator[tuple[Path, str]]:
    """What a proposal left to a person and nobody has said."""
    if data == OPEN:
        yield path, f"'{OPEN}' stands for what only you can say: write it, or put the value under ignore"
    parts = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for name, part in parts:
        yield from _open(part, (*path, name))


def _faults(one: _Decision, path: Path, stages: Mapping[str, Collection[str]] | None) -> Iterator[tuple[Path, str]]:
    """What shapes cannot say of a decision."""
    if stages is not None:
        yield from _unknown(one, path, stages)
    if [one.column, one.reads, one.answer].count(None) != 2:
        yield path, "one of these must stand here: column (with answers), reads (with answers), or answer"
        return
    if one.answer is not None and (one.answers or one.ignore):
        yield path, "an answer is of every record of the file, so that there are no answers and nothing to ignore"
    if one.answer is None and not one.answers:
        yield path, "answers must say what each value means"
    if one.reads is not None and one.by is not None:
        yield (*path, "by"), "Rayyan names whoever decided itself"
    known = Counter([*map(same, one.answers), *map(same, set(one.ignore))])
    for said in (each for each, times in known.items() if times > 1):
        yield path, f"{said!r} stands there twice, as an answer or to be ignored"


def _unknown(one: _Decision, path: Path, stages: Mapping[str, Collection[str]]) -> Iterator[tuple[Path, str]]:
    """What of a decision the protocol does not have."""
    if one.stage not in stages:
        yield (*path, "stage"), f"the protocol has no stage {one.stage!r}; it has {', '.join(stages)}"
        return
    given = {("answers", said): answer for said, answer in one.answers.items()}
    for inner, answer in (given | {("answer",): one.answer} if one.answer else given).items():
        if answer not in stages[one.stage]:
            why = f"{one.stage} has no answer {answer!r}; it has {', '.join(stages[one.stage])}"
            yield (*path, *inner), why


def _mapped(document: Document, at: int, one: _Decision) -> Mapped:
    by = one.by
    return Mapped(
        stage=one.stage,
        line=document.line_of(("decisions", at)) or 1,
        column=name_of(one.column) if one.column else None,
        reads=one.reads,
        answer=one.answer,
        answers={same(said): answer for said, answer in one.answers.items()},
        ignored=frozenset(map(same, one.ignore)),
        reason=name_of(one.reason.column) if one.reason else None,
        by=(same(by) or None) if isinstance(by, str) else None,
        by_column=name_of(by.column) if isinstance(by, _Column) else None,
    )


def _twice(mapped: Sequence[Mapped]) -> Iterator[tuple[Path, str]]:
    """Decisions that would state the same thing twice."""
    known: dict[tuple[object, ...], int] = {}
    for at, one in enumerate(mapped):
        about = (one.stage, one.column, one.reads, one.by, one.by_column)
        if about in known:
            yield ("decisions", at), f"it is of the same column, stage and person as that of line {known[about]}"
        known.setdefault(about, one.line)
