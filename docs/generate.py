"""The generated pages: events from the registry and the manifests, states from their machines, settings from their
class, commands from the CLI, who may ask what from the routes, and the clients for asyncio from the others."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic_core import PydanticUndefined

from docs import access, asyncapi, twins
from services.catalog import SERVICES
from services.cli import app
from services.cli.commands import walk
from services.ingest.domain.clusters import PairStates
from services.ingest.domain.proposing import ProposingStates
from services.ingest.domain.texts import AnchorStates, RetrievalStates
from services.ingest.domain.watching import (
    ExportStates,
    ImportStates,
    ReparseStates,
    RunStates,
    SearchStates,
    Standings,
    WatchStates,
)
from services.notify.domain import DeliveryStates
from services.people.domain.handovers import HandoverStates
from services.screening.domain import BatchStates, LeaseStates, RecordStates, TaskStates
from services.search.domain import RebuildStates
from services.synthesis.domain.comments import CommentStates
from services.synthesis.domain.deposits import DepositStates
from services.synthesis.domain.extraction import ExtractionStates
from services.synthesis.domain.notices import RejudgementStates
from services.synthesis.domain.proposals import ProposalStates
from services.synthesis.domain.reports import ReportStates
from shared.db.tables import LetterStates
from shared.events import registry
from shared.events.base import Event
from shared.settings import Settings
from shared.states import States

FOLDER = Path(__file__).parent
_MADE = "<!-- Made by `make docs`; a test fails when it is stale. -->\n\n"

#: The state machines, by whose rows they move.
MACHINES: dict[str, list[type[States[Any]]]] = {
    "ingest": [
        WatchStates,
        RunStates,
        SearchStates,
        ImportStates,
        ExportStates,
        ReparseStates,
        PairStates,
        Standings,
        RetrievalStates,
        AnchorStates,
        ProposingStates,
    ],
    "screening": [RecordStates, TaskStates, LeaseStates, BatchStates],
    "people": [HandoverStates],
    "synthesis": [ReportStates, ExtractionStates, RejudgementStates, ProposalStates, DepositStates, CommentStates],
    "search": [RebuildStates],
    "notify": [DeliveryStates],
    "every service": [LetterStates],
}


def events() -> str:
    """docs/events.md: every event, who tells it, who reacts and how, what it carries."""
    lines = [
        "# Events",
        "",
        "Everything services tell each other. An event travels in a CloudEvents 1.0 envelope; its topic has a fixed",
        "number of partitions, and the log keeps the order of each key.",
        "",
        "| event | told by | effects |",
        "| --- | --- | --- |",
    ]
    lines += [
        f"| [{event.type}](#{_anchor(event.type)}) | {_teller(event)} | {_effects(event)} |"
        for event in registry.EVENTS
    ]
    lines += ["", "## Jobs", "", "| service | job | every | what it does |", "| --- | --- | --- | --- |"]
    for service in SERVICES:
        for job in service.jobs:
            lines.append(f"| {service.name} | {job.name} | {job.every} | {_first_sentence(job.run)} |")
    for event in registry.EVENTS:
        lines += ["", *_event(event)]
    return _MADE + "\n".join(lines) + "\n"


def states() -> str:
    """docs/states.md: every state machine, drawn."""
    lines = [
        "# States",
        "",
        "What rows go through, and what moves them. No row makes another move: code that tried would fail",
        "(`IllegalMove` in `shared/states.py`).",
    ]
    for service, machines in MACHINES.items():
        for machine in machines:
            lines += ["", f"## {service}: {machine.what}", "", inspect.cleandoc(machine.__doc__ or ""), ""]
            lines += ["```mermaid", "stateDiagram-v2"]
            lines += [f"    {before or '[*]'} --> {after}: {why}" for (before, after), why in machine.moves.items()]
            lines += ["```"]
    return _MADE + "\n".join(lines) + "\n"


def configuration() -> str:
    """docs/configuration.md: every setting."""
    lines = [
        "# Configuration",
        "",
        "Every setting is an environment variable, or a line of `.env`. `{data}` stands for `LIVING_DATA_DIR`,",
        "`{service}` for a service's name. An empty variable counts as not given.",
        "",
        "| variable | default | what it does |",
        "| --- | --- | --- |",
    ]
    for name, field in Settings.model_fields.items():
        default = "" if field.default in (None, PydanticUndefined, "") else f"`{field.default}`"
        lines.append(f"| `LIVING_{name.upper()}` | {default} | {field.description} |")
    return _MADE + "\n".join(lines) + "\n"


def cli() -> str:
    """docs/cli.md: every command."""
    lines = ["# The command line", "", _plain(app.help or ""), ""]
    for path, command in walk(app, "living"):
        lines += [f"## `{path}`", "", _paragraphs(command.help or ""), ""]
        rows = [_parameter(parameter) for parameter in command.params if parameter.name != "help"]
        if rows:
            lines += ["| | | |", "| --- | --- | --- |", *rows, ""]
        lines += ["```console", *(f"$ {line}" for line in command.example.splitlines()), "```", ""]
    return _MADE + "\n".join(lines).rstrip() + "\n"


def who_may() -> str:
    """docs/access.md: every route, and who may ask it."""
    return _MADE + "\n".join(access.lines()) + "\n"


PAGES: dict[Path, Callable[[], str]] = {
    FOLDER / "access.md": who_may,
    FOLDER / "events.md": events,
    FOLDER / "states.md": states,
    FOLDER / "configuration.md": configuration,
    FOLDER / "cli.md": cli,
    asyncapi.PATH: asyncapi.text,
    **twins.twins(),
}


def _event(event: type[Event]) -> Iterator[str]:
    yield f"## {event.type}"
    yield ""
    partitions = registry.TOPICS[event.topic].partitions
    yield f"Version {event.version}, topic `{event.topic}` ({partitions} partitions), key `{event.key_field}`."
    yield ""
    yield inspect.cleandoc(event.__doc__ or "")
    yield ""
    yield "| field | form |"
    yield "| --- | --- |"
    for name, field in event.model_fields.items():
        yield f"| `{name}` | `{_form(field.annotation)}`{'' if field.is_required() else ', optional'} |"


def _teller(event: type[Event]) -> str:
    return ", ".join(service.name for service in SERVICES if event in service.emits)


def _effects(event: type[Event]) -> str:
    return "<br>".join(
        f"{service.name}: {effect.__name__}" for service in SERVICES for effect in service.effects(event)
    )


def _form(annotation: Any) -> str:
    if get_origin(annotation) is Annotated:
        return _form(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return " or ".join(map(_form, get_args(annotation)))
    text = (
        annotation.__name__ if isinstance(annotation, type) and not hasattr(annotation, "__args__") else str(annotation)
    )
    return re.sub(r"\b(?:[a-z_]+\.)+", "", text).replace("|", "or").replace("NoneType", "None")


def _anchor(text: str) -> str:
    return text.replace(".", "")


def _first_sentence(thing: Callable[..., Any]) -> str:
    return (inspect.getdoc(thing) or "").partition("\n\n")[0].replace("\n", " ")


def _parameter(parameter: Any) -> str:
    if parameter.param_type_name == "option":
        name, help_text = ", ".join(f"`{option}`" for option in parameter.opts), parameter.help or ""
    else:
        name, help_text = f"`{(parameter.name or '').upper()}`", getattr(parameter, "help", "") or ""
    default = parameter.to_info_dict()["default"]
    shown = f"default `{default}`" if default not in (None, False, "", (), []) and not callable(default) else ""
    return f"| {name} | {shown} | {_plain(help_text)} |"


def _paragraphs(help_text: str) -> str:
    """A command's help, in which what click leaves as it is written (behind a `\\b`) stands as it is written."""
    parts = inspect.cleandoc(help_text).split("\n\n")
    fenced = (
        f"```text\n{part.removeprefix(chr(8)).strip()}\n```" if part.startswith("\b") else _plain(part)
        for part in parts
    )
    return "\n\n".join(fenced)


def _plain(text: str) -> str:
    return re.sub(r"\[/?[a-z ]+\]", "", inspect.cleandoc(text))
