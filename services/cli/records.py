"""`living records`: what people add by hand, how they found it, and taking back what was consented to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from services.cli.called import called_in
from services.cli.commands import AS_JSON, REVIEW, Group, argument, option, reason
from services.cli.context import acting, client, plainly
from services.cli.printing import counted, minute, out, print_json, print_line, print_rows
from shared.errors import Invalid, LivingError, NotFound

if TYPE_CHECKING:
    from shared.client import Client
    from shared.documents import Document, Form
    from shared.wire.ingest import AddedView, AdditionText, NewAddition

app = Group(help="What people add by hand: papers, grey literature, policy and accounts, and how they found it.")

KINDS = ("paper", "grey", "policy", "account")
HOWS = ("website", "organisation", "citation_search", "contact", "expert", "hand_search", "other")

#: What must be said of one that is described by options.
_NEEDED = ("kind", "title", "how", "where", "why")

#: What is wrong with a name in a file, for people who write files.
_WORDS = {"missing": "must be given", "extra_forbidden": "nothing here takes this; look at how it is spelled"}

_RECORD = argument("record", "A record, by its id.")


@app.command(
    "add",
    example="living records add shared-records --kind grey --title 'Leading across systems' --year 2021 "
    "--organisation 'NHS Confederation' --url https://www.nhsconfed.org/1 --how website "
    "--where 'NHS Confederation website' --why 'it tests the theory of trust'\n"
    "living records add shared-records --kind account --title 'A manager of a new system, 2' --abstract @notes.txt "
    "--how contact --where 'interview of 3 May' --why 'how boards meet' "
    "--consent 'may be quoted without a name; noted by A. Okoye, 3 May'\n"
    "living records add shared-records --from additions.yaml --dry-run",
)
@REVIEW
@option("--kind", type=click.Choice(KINDS), help="What it is; an account is what somebody told you.")
@option("--title", help="Its title. That of a restricted one is told, and so must name nobody.")
@option("--author", "authors", multiple=True, help="An author, as `Family, Given`; again for more.")
@option("--year", "--published", "published", help="When it was published: 2021, 2021-05 or 2021-05-03.")
@option("--doi", help="Its DOI.")
@option("--url", help="Where it is on the web.")
@option("--venue", "--organisation", "venue", help="The journal, or whoever published it.")
@option("--abstract", help="What it says; @FILE reads it from a file.")
@option("--language", help="Its language, such as en.")
@option("--how", type=click.Choice(HOWS), help="How it was found.")
@option("--where", help="Where it was found.")
@option("--why", help="Why it is added.")
@option("--consent", help="Of an account: what was consented to, who took that down, and when.")
@option("--restricted", is_flag=True, help="Keep what it says to the review's people; accounts always are.")
@option(
    "--from", "form", type=click.Path(path_type=Path), help="A YAML or JSON file with a list of these, by their names."
)
@option("--dry-run", is_flag=True, help="Only say what would become of it.")
@AS_JSON
def add(review: str, form: Path | None, dry_run: bool, as_json: bool, **about: Any) -> None:
    """Add a paper, document or account that no search brought, with who found it, how and why.

    It is matched with the records that are there, and goes to screening as they do. Of a restricted one nothing but
    title, date and language does: reviewers read the rest with `living records show`. In a file all are checked
    before any is added, and what was added before changes nothing.
    """
    given = {name: value for name, value in about.items() if value not in (None, (), False)}
    if form is not None and given:
        raise Invalid(f"--from has all that is added: leave --{next(iter(given))} out, or put it into the file")
    asked = _of_form(form) if form is not None else [("", _checked(_of_options(given), "", None))]
    with acting("adding records", review) as living:
        # The first time says of each whether it may be added, so that none is where one may not.
        rehearsed = [_ask(living, review, one, name, dry_run=True) for name, one in asked if form or dry_run]
        made = rehearsed if dry_run else [_ask(living, review, one, name, dry_run=False) for name, one in asked]
    if as_json:
        print_json(made if form is not None else made[0])
        return
    for (name, one), view in zip(asked, made, strict=True):
        _tell(f"{name}{one.title}", view)


@app.command("additions", example="living records additions shared-records --record rec_01a2")
@REVIEW
@option("--record", help="Only of this record.")
@AS_JSON
def additions(review: str, record: str | None, as_json: bool) -> None:
    """List what was added by hand, the newest first: who found it, how, where and why."""
    with client() as living:
        rows = list(living.ingest.additions(review, record=record))
        called = called_in(living, review) if rows and not as_json else str
    columns: list[tuple[str, Callable[[Any], object]]] = [
        ("when", lambda row: minute(row.added_at)),
        ("record", lambda row: row.record),
        ("is", lambda row: f"{row.kind}{', restricted' if row.restricted else ''}"),
        ("title", lambda row: row.title or ""),
        ("found by", lambda row: row.how.replace("_", " ")),
        ("where", lambda row: row.where or ""),
        ("why", lambda row: row.why or ""),
        ("by", lambda row: called(row.added_by)),
        ("withdrawn", lambda row: row.withdrawn_why or ""),
    ]
    print_rows(rows, columns, as_json=as_json, empty="nothing was added by hand")


@app.command("show", example="living records show shared-records rec_01a2")
@REVIEW
@_RECORD
@AS_JSON
def show(review: str, record: str, as_json: bool) -> None:
    """Show what was added of a record, with what is held back of a restricted one; for reviewers."""
    with client("reviewer") as living:
        living.ingest.record(review, record)
        rows = [living.ingest.addition(review, one.addition) for one in living.ingest.additions(review, record=record)]
        called = called_in(living, review) if rows and not as_json else str
    if as_json:
        print_json(rows)
        return
    if not rows:
        raise NotFound(f"nothing of record {record!r} was added by hand", slug="unknown_addition")
    for row in rows:
        _show(row, called)


@app.command("withdraw", example="living records withdraw shared-records rec_01a2 --reason 'consent was taken back'")
@REVIEW
@_RECORD
@reason("Why. It is told, and so must name nobody.")
@AS_JSON
def withdraw(review: str, record: str, reason: str, as_json: bool) -> None:
    """Take away for good what is held back of a record, as when consent is withdrawn; for leads.

    Its text is deleted, and evidence from it is suspended. Its title stays, and what was quoted from it as evidence
    stays where that was written. There is no way back.
    """
    with acting("withdrawing a record", review, "lead") as living:
        view = living.ingest.withdraw(review, record, reason)
    if as_json:
        print_json(view)
    else:
        out.print(f"what was held back of {record} is gone, and evidence from it is suspended", soft_wrap=True)


def _of_options(given: dict[str, Any]) -> dict[str, object]:
    """What was said by options, in the form that a file has."""
    if lacking := [f"--{name}" for name in _NEEDED if name not in given]:
        raise Invalid(f"{', '.join(lacking)} must be given, or --from a file")
    abstract = given.get("abstract")
    if abstract is not None and abstract.startswith("@"):
        path = Path(abstract[1:])
        if not path.is_file():
            raise Invalid(f"--abstract: {path} is no file that is there")
        given["abstract"] = _text(path)
    return {**given, **({"authors": list(given["authors"])} if "authors" in given else {})}


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except UnicodeDecodeError as error:
        raise Invalid(f"{path} is not UTF-8: save it as UTF-8") from error


def _of_form(path: Path) -> list[tuple[str, NewAddition]]:
    """Each entry of a file with its name, all of them checked. Raises Invalid with every fault, by entry, field and
    line."""
    from shared.documents import read

    if not path.is_file():
        raise Invalid(f"{path} is no file that is there")
    form: Form = "json" if path.suffix.lower() == ".json" else "yaml"
    document = read(path.read_bytes(), form, what=str(path), slug="malformed_form")
    entries = document.data
    if document.faults:
        faults = [_fault(document, *fault) for fault in document.faults]
        raise _refused(path, faults)
    if not isinstance(entries, list) or not entries:
        raise Invalid(f"{path} holds no list of additions: each begins with a dash", slug="malformed_form")
    checked, faults = [], []
    for number, entry in enumerate(entries):
        try:
            checked.append((f"entry {number + 1}, ", _checked(entry, f"entry {number + 1}", (document, number))))
        except Invalid as error:
            faults += error.errors
    if faults:
        raise _refused(path, faults)
    return checked


def _refused(path: Path, faults: list[dict[str, Any]]) -> Invalid:
    first = faults[0]
    line = f" (line {first['line']})" if first.get("line") else ""
    more = f", and {counted(len(faults) - 1, 'more fault')}" if len(faults) > 1 else ""
    return Invalid(
        f"{path}, {first['at']}{line}: {first['why']}{more}; nothing was added", faults, slug="malformed_form"
    )


def _fault(document: Document, path: tuple[str | int, ...], why: str) -> dict[str, Any]:
    number, field = (*path, "")[0], ".".join(map(str, path[1:]))
    entry = f"entry {number + 1}" if isinstance(number, int) else "the file"
    return {"at": f"{entry}, {field}" if field else entry, "why": why, "line": document.line_of(path)}


def _checked(entry: object, name: str, where: tuple[Document, int] | None) -> NewAddition:
    """An addition as the platform takes it. Raises Invalid with each fault of it."""
    from pydantic import ValidationError

    from services.ingest.domain.additions import faults
    from shared.wire.ingest import NewAddition

    if not isinstance(entry, Mapping):
        raise Invalid(name, [{"at": name, "why": "is no list of names and values", "line": _line(where, ())}])
    found: list[tuple[tuple[int | str, ...], str]]
    try:
        asked = NewAddition.model_validate({key: _spelt(key, value) for key, value in entry.items()})
        found = [((field,), why) for field, why in faults(asked)]
    except ValidationError as error:
        found = [(item["loc"], _WORDS.get(item["type"]) or plainly(item["msg"])) for item in error.errors()]
    if not found:
        return asked
    errors = [
        {"at": ", ".join(filter(None, [name, ".".join(map(str, at))])), "why": why, "line": _line(where, at)}
        for at, why in found
    ]
    raise Invalid("; ".join(f"{error['at']}: {error['why']}" for error in errors), errors, slug="malformed_form")


def _line(where: tuple[Document, int] | None, at: tuple[str | int, ...]) -> int | None:
    return where[0].line_of((where[1], *at)) if where is not None else None


def _spelt(key: object, value: object) -> object:
    """A date as text, since YAML reads a year as a number and a day as a date."""
    if key == "published" and isinstance(value, int | date) and not isinstance(value, bool):
        return f"{value:04d}" if isinstance(value, int) else value.isoformat()
    return value


def _ask(living: Client, review: str, one: NewAddition, name: str, *, dry_run: bool) -> AddedView:
    body = one.model_dump(mode="json", exclude_defaults=True) | ({"dry_run": True} if dry_run else {})
    try:
        return living.ingest.add(review, body)
    except LivingError as error:
        if not name:
            raise
        raise type(error)(f"{name}{one.title}: {error.detail}", slug=error.slug) from error


def _tell(title: str, view: AddedView) -> None:
    become = "would be" if view.dry_run else "is"
    what = {
        "new": f"{become} a new record{f', {view.record}' if view.record else ''}",
        "merged": f"{become} one with {view.record}: {'; '.join(view.evidence)}",
        "known": f"was added before: {view.record}",
    }[view.what]
    print_line(f"{title}: {what}")
    for question in view.questions:
        print_line(
            f"  may be one with {question.record} {question.title or ''}: {'; '.join(question.evidence)}", "yellow"
        )


def _show(row: AdditionText, called: Callable[[str], str]) -> None:
    for line in _lines(row, called):
        print_line(line)
    out.print()


def _lines(row: AdditionText, called: Callable[[str], str]) -> Iterator[str]:
    yield f"{row.title or '(no title)'} ({row.kind}{', restricted' if row.restricted else ''})"
    yield f"added by {called(row.added_by)} at {minute(row.added_at)}, found by {row.how.replace('_', ' ')}"
    said = [("where", row.where), ("why", row.why), ("consent", row.consent)]
    if (held := row.held_back) is not None:
        said += [("by", "; ".join(held.authors)), ("in", held.venue), ("at", held.url)]
    yield from (f"{name}: {value}" for name, value in said if value)
    if row.withdrawn_at is not None:
        yield f"withdrawn by {called(row.withdrawn_by or '')} at {minute(row.withdrawn_at)}: {row.withdrawn_why}"
    if held is not None and held.abstract:
        yield ""
        yield held.abstract
