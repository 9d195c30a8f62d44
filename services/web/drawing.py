"""Drawing: templates, the words in them, and how instants, dates and addresses are shown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from functools import cache
from hashlib import sha256
from itertools import groupby
from pathlib import Path
from string import Formatter
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from shared.reporting.documents import Item
from shared.reporting.wording import shown
from shared.strategies.dialects import DIALECTS

_HERE = Path(__file__).parent
STATIC = _HERE / "static"

#: The pages of a review that each of its pages leads to, in their order.
ROOMS = (
    "mine", "records", "duplicates", "conflicts", "protocol", "sources", "imports", "exports", "people", "flow",
    "synthesis", "findings", "reports",
)  # fmt: skip


#: A part of a place that an error names: `stages[0]`.
_STEP = re.compile(r"([^\[\]]+)(?:\[(\d{1,9})\])?")

#: Sources that no strategy is translated for, as people call them.
_SOURCES = {"crossref": "Crossref", "unpaywall": "Unpaywall"}


@cache
def environment() -> Environment:
    """The templates. All that comes from people and sources is escaped; a name that is not there is an error."""
    made = Environment(
        loader=PackageLoader("services.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals |= {
        "t": text,
        "worded": worded,
        "has_text": has_text,
        "field_of": field_of,
        "static": static,
        "url": url,
        "again": again,
        "rooms": ROOMS,
    }
    made.filters |= {
        "instant": instant, "day": day, "link": link, "number": number, "source": source, "stage": stage,
        "steps_of": steps_of, "shown": shown, "sections": sections,
    }  # fmt: skip
    return made


def draw(template: str, given: Mapping[str, Any]) -> str:
    """A page's HTML."""
    return environment().get_template(template).render(given)


@cache
def texts(language: str = "en") -> dict[str, str]:
    """All that pages say, by name: the one file that a translation is made of."""
    found: dict[str, str] = {}
    _flatten(yaml.safe_load((_HERE / "texts" / f"{language}.yaml").read_text()), "", found)
    return found


class _Words(Formatter):
    """Fills in a text. `{n|record|records}` says the one word where `n` is 1, and else the other."""

    def get_field(self, field_name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[Any, str]:
        name, of_one, of_many = (*field_name.split("|"), "", "")[:3]
        if not of_many:
            return kwargs[name], name
        return (of_one if str(kwargs[name]) == "1" else of_many), name


_WORDS = _Words()


def text(name: str, /, **given: object) -> str:
    """What pages say under a name, with what is to stand in it. Raises KeyError for a name that there is not."""
    return _WORDS.vformat(texts()[name], (), given)


def worded(name: str, value: object) -> str:
    """What pages say of a value, under `name` and then the value; the value itself where they know no words for it, as
    of one that stands in an address."""
    named = f"{name}{value}"
    return texts().get(named, str(value))


def has_text(name: str) -> bool:
    return name in texts()


def field_of(name: str, labels: Mapping[str, str]) -> str:
    """What pages call a field of a form: by the form's own labels, else as in all forms."""
    if name in labels:
        return text(labels[name])
    return text(f"field.{name}") if has_text(f"field.{name}") else stage(name)


def _flatten(given: Mapping[str, Any], before: str, found: dict[str, str]) -> None:
    for name, value in given.items():
        if isinstance(value, Mapping):
            _flatten(value, f"{before}{name}.", found)
        else:
            found[f"{before}{name}"] = str(value)


@cache
def files() -> frozenset[str]:
    """The names of the files of ours that a browser may ask for."""
    return frozenset(path.name for path in STATIC.iterdir())


@cache
def file(name: str) -> bytes:
    """What one of them holds."""
    return (STATIC / name).read_bytes()


@cache
def static(name: str) -> str:
    """Where a browser finds a file of ours: its address changes with what it holds, so that it may be kept for good."""
    return f"/static/{version_of(name)}/{name}"


@cache
def version_of(name: str) -> str:
    return sha256(file(name)).hexdigest()[:16]


def url(*parts: str, **asked: object) -> str:
    """A path of ours, of these parts, asking for what is given."""
    path = "/" + "/".join(quote(part, safe="~:.-_") for part in parts)
    given = {name: value for name, value in asked.items() if value not in (None, "")}
    return path + ("?" + "&".join(f"{name}={quote(str(value))}" for name, value in given.items()) if given else "")


def again(path: str, query: Mapping[str, object], **other: object) -> str:
    """The same page once more, asked otherwise in what is given; a list is asked for one by one."""
    asked = {name: value for name, value in {**query, **other}.items() if value not in (None, "", [])}
    return path + (f"?{urlencode(asked, doseq=True)}" if asked else "")


def instant(at: datetime) -> Markup:
    """An instant, in UTC; `times.js` shows it in the reader's own zone."""
    utc = at.astimezone(UTC)
    return Markup('<time datetime="{}">{}</time>').format(f"{utc:%Y-%m-%dT%H:%M:%SZ}", f"{utc:%Y-%m-%d %H:%M} UTC")


def day(at: date | str) -> Markup:
    """A date of a source, as precise as it was: a year, a month or a day."""
    return Markup("<time>{}</time>").format(str(at))


def source(name: str) -> str:
    """What people call a source; the name by which protocols know it where they call it nothing else."""
    return DIALECTS[name].title if name in DIALECTS else _SOURCES.get(name, name)


def stage(name: str) -> str:
    """The name of a stage as people say it, of the one by which protocols know it: `title-and-abstract`."""
    said = name.replace("-", " ").replace("_", " ").strip()
    return said[:1].upper() + said[1:]


def steps_of(at: str) -> list[tuple[str, int | None]]:
    """The parts of a place that an error names, each with which one it is of several, counted from 1."""
    parts = (_STEP.fullmatch(part) for part in at.split("."))
    return [(part[1], int(part[2]) + 1 if part[2] else None) for part in parts if part]


def number(n: float) -> str:
    """A number with thin spaces between its thousands."""
    return f"{n:,}".replace(",", "\u202f")


def sections(items: Iterable[Item]) -> list[tuple[str, list[Item]]]:
    """The items of a report by the sections that they stand in."""
    return [(name, list(them)) for name, them in groupby(items, lambda item: item.section)]


def link(address: str | None) -> str | None:
    """An address that a page may lead to; None for what is no http(s) address, which is shown as text."""
    try:
        parts = urlsplit(address or "")
    except ValueError:
        return None
    return address if parts.scheme in ("http", "https") and parts.netloc else None
