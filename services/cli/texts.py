"""`living texts`: full texts of reports - which are sought, retrieved or not, and the copies that are kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from services.cli.called import called_in
from services.cli.commands import AS_JSON, REVIEW, Group, argument, option, reason
from services.cli.context import acting, client
from services.cli.printing import err, minute, out, print_json, print_rows, title_of
from services.cli.saving import require_writable, save
from services.cli.sending import pieces_of, size_of
from shared.errors import Invalid

if TYPE_CHECKING:
    from shared.client import Client
    from shared.wire.ingest import AnchorState, AnchorView, FileView, ParseView, RetrievalView, TextView

app = Group(help="Full texts: copies of reports, and whether each is retrieved.")

#: How names of files of each kind end.
_ENDINGS = {"pdf": ".pdf", "jats": ".xml", "html": ".html", "txt": ".txt"}
_STATES = ("sought", "retrieved", "not-retrieved")
_READERS = ("members", "reviewers", "leads")
_VERSIONS = ("published", "accepted", "submitted", "unknown")

_RECORD = argument("record", "A record, by its id.")
_TEXT = argument("text", "A copy, by its id.")
_REASON = reason()


@app.command("list", example="living texts list shared-records --state sought")
@REVIEW
@option("--state", type=click.Choice(_STATES), help="Only those of which this is so.")
@AS_JSON
def list_(review: str, state: str | None, as_json: bool) -> None:
    """List the records whose full text was ever sought, and whether it is retrieved, the oldest record first."""
    with client() as living:
        asked = None if state is None else state.replace("-", "_")
        rows = list(living.ingest.retrievals(review, state=asked))  # type: ignore[arg-type]  # it is one of these
        called = called_in(living, review) if not as_json else str
    columns: list[tuple[str, Callable[[RetrievalView], object]]] = [
        ("record", lambda row: row.record),
        ("title", lambda row: title_of(row.title)),
        ("full text", lambda row: row.state.replace("_", " ")),
        ("since", lambda row: minute(row.since)),
        ("by", lambda row: called(row.by)),
        ("why", lambda row: row.reason or ""),
        ("what is wrong", lambda row: row.trouble or ""),
        ("again at", lambda row: minute(row.retry_at) if row.retry_at else ""),
    ]
    print_rows(rows, columns, as_json=as_json, empty="no full text was sought")


@app.command("show", example="living texts show shared-records rec_01a2")
@REVIEW
@_RECORD
@AS_JSON
def show(review: str, record: str, as_json: bool) -> None:
    """Show the copies of a record's report: where each is from, its licence, and who may read it."""
    with client() as living:
        view = living.ingest.texts(review, record)
        called = called_in(living, review) if not as_json else str
    if as_json:
        print_json(view)
        return
    if view.retrieval is None:
        out.print("its full text was never sought")
    else:
        why = view.retrieval.reason or view.retrieval.trouble
        line = view.retrieval.state.replace("_", " ") + (f": {why}" if why else "")
        out.print(line, soft_wrap=True, markup=False, highlight=False)
    columns: list[tuple[str, Callable[[TextView], object]]] = [
        ("text", lambda row: row.text),
        ("kind", lambda row: row.kind),
        ("bytes", lambda row: row.size),
        ("version", lambda row: row.version),
        ("from", lambda row: row.source),
        ("licence", lambda row: row.licence or "none"),
        ("class", lambda row: row.licence_class),
        ("readers", lambda row: row.readers),
        ("passages", lambda row: _passages_of(row.parse)),
        ("by", lambda row: called(row.added_by)),
        ("withdrawn", lambda row: row.withdrawn_why or ""),
    ]
    if view.texts:
        print_rows(view.texts, columns, as_json=False, empty="")


@app.command(
    "add",
    example="living texts add shared-records rec_01a2 boards.pdf --licence 'CC BY 4.0' --version accepted\n"
    "living texts add shared-records rec_01a2 boards.pdf --closed",
)
@REVIEW
@_RECORD
@argument("file", "A PDF, JATS, HTML or plain text.", type=click.Path(path_type=Path))
@option("--licence", help="Its licence as the file says it, by name or address; without one nobody knows it.")
@option("--closed", is_flag=True, help="All rights are reserved.")
@option("--readers", type=click.Choice(_READERS), help="Who may read it; without it those that its licence lets.")
@option("--version", type=click.Choice(_VERSIONS), default="unknown", help="Which version of the report it is.")
@option("--url", help="Where it is from.")
@AS_JSON
def add(
    review: str, record: str, file: Path, licence: str | None, closed: bool, readers: str | None, version: str,
    url: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Bring a copy of a record's report; for reviewers.

    What is closed, or of no known licence, reviewers alone may read; open copies all members may. What the file is its
    bytes tell. The same file again, with another licence, version or other readers, corrects what was said of it, for
    whoever brought it and for leads.
    """
    asked = {
        "name": file.name, "licence": licence, "licence_class": "closed" if closed else None, "readers": readers,
        "version": version, "url": url,
    }  # fmt: skip
    size = size_of(file)
    with acting("bringing a copy", review) as living:
        sent = _send(living, review, file, size)
        given = {name: value for name, value in asked.items() if value is not None}
        view = living.ingest.add_text(review, record, {"file": sent.sha256, **given})
    if as_json:
        print_json(view)
        return
    what = f"{view.kind}, {view.licence_class.replace('_', ' ')}, for {view.readers}"
    out.print(f"{view.text} is a copy of {record} ({what})", soft_wrap=True, highlight=False)


@app.command("save", example="living texts save shared-records text_01a2 --to boards.pdf")
@REVIEW
@_TEXT
@option("--to", type=click.Path(path_type=Path), help="The file to write; `-` writes to the standard output.")
@option("--force", is_flag=True, help="Write over a file that is there.")
def save_(review: str, text: str, to: Path | None, force: bool) -> None:
    """Write a copy into a file, where you may read it. What it is saved for is between you and its licence."""
    with client("reviewer") as living:
        view = living.ingest.text(review, text)
        to = to or Path(f"{text}{_ENDINGS.get(view.kind, '')}")
        require_writable(to, force=force, as_json=False)
        save(to, lambda into: living.ingest.file_of_text(review, text, into), view.sha256)
    if str(to) != "-":
        err.print(f"{text} written to {to}", soft_wrap=True, highlight=False)


@app.command("passages", example="living texts passages shared-records text_01a2")
@REVIEW
@_TEXT
@AS_JSON
def passages(review: str, text: str, as_json: bool) -> None:
    """Print the headings and paragraphs of a copy, each behind its locator, where you may read it."""
    with client("reviewer") as living:
        rows = living.ingest.passages(review, text)
        if as_json:
            print_json(list(rows))
            return
        for row in rows:
            page = f" (page {row.page})" if row.page is not None else ""
            mark = "# " if row.kind == "heading" else ""
            said = f"{row.locator}{page}: {mark}{row.words}\n"
            out.print(said, soft_wrap=True, markup=False, highlight=False)


@app.command(
    "quote",
    example="living texts quote shared-records text_01a2 'trust grew once leaders met'\n"
    "living texts quote shared-records text_01a2 'trust grew' --in sec2/p3 --json",
)
@REVIEW
@_TEXT
@argument("exact", "What it says, word for word; how it is typeset is nothing.")
@option("--prefix", help="What stands right before it, where the copy says it more than once.")
@option("--suffix", help="What stands right behind it.")
@option("--in", "locator", help="The passage that it stands in, as `living texts passages` names it.")
@AS_JSON
def quote(
    review: str, text: str, exact: str, prefix: str | None, suffix: str | None, locator: str | None, as_json: bool
) -> None:
    """Anchor words that a copy says, for coders; with --json also the receipt that proves it.

    What the copy does not say is refused with what comes nearest, and what it says more than once with where.
    """
    with acting("anchoring a quote", review) as living:
        try:
            made = living.ingest.quote(review, text, exact, prefix=prefix, suffix=suffix, locator=locator)
        except Invalid as refused:
            _print_offers(refused)
            raise
    if as_json:
        print_json(made)
        return
    page = f" on page {made.anchor.page}" if made.anchor.page is not None else ""
    out.print(f"{made.anchor.anchor} stands in {made.anchor.locator}{page}", soft_wrap=True, highlight=False)


@app.command("anchors", example="living texts anchors shared-records --state lost")
@REVIEW
@option("--text", help="Only the quotes of this copy.")
@option("--state", type=click.Choice(("anchored", "lost")), help="Only those of which this is so.")
@AS_JSON
def anchors(review: str, text: str | None, state: AnchorState | None, as_json: bool) -> None:
    """List your quotes of copies, or as a lead everybody's; such as those that are lost since their copies were parsed
    anew."""
    with client() as living:
        ingest = living.ingest
        found = (
            ingest.anchors(review, state=state) if text is None else ingest.anchors_of_text(review, text, state=state)
        )
        rows = list(found)
        called = called_in(living, review) if not as_json else str
    columns: list[tuple[str, Callable[[AnchorView], object]]] = [
        ("anchor", lambda row: row.anchor),
        ("text", lambda row: row.text),
        ("stands in", lambda row: row.locator),
        ("state", lambda row: row.state),
        ("why", lambda row: row.why or ""),
        ("words", lambda row: row.exact or f"{row.words} words"),
        ("by", lambda row: called(row.made_by)),
    ]
    print_rows(rows, columns, as_json=as_json, empty="no quote is anchored")


@app.command("parse", example="living texts parse shared-records text_01a2")
@REVIEW
@_TEXT
@AS_JSON
def parse(review: str, text: str, as_json: bool) -> None:
    """Have a copy be parsed once more, such as one that took too long; for leads."""
    with acting("having a copy be parsed", review, "lead") as living:
        view = living.ingest.parse_again(review, text)
    if as_json:
        print_json(view)
    else:
        out.print(f"{text} is parsed within a minute", soft_wrap=True, highlight=False)


@app.command("quotable", example="living texts quotable shared-records text_01a2 25 --reason 'its publisher lets us'")
@REVIEW
@_TEXT
@argument("words", "The most words of a quote; 0 shows none.", type=click.IntRange(0, 100))
@_REASON
@AS_JSON
def quotable(review: str, text: str, words: int, reason: str, as_json: bool) -> None:
    """Say of how many words quotes of a closed copy may be shown to whoever may not read it; for leads."""
    with acting("saying what may be shown of a copy", review, "lead") as living:
        view = living.ingest.decide_quotable_words(review, text, words, reason=reason)
    if as_json:
        print_json(view)
    else:
        out.print(f"quotes of {text} are shown up to {view.quotable_words} words", soft_wrap=True, highlight=False)


@app.command("seek", example="living texts seek shared-records rec_01a2 --reason 'a library has it now'")
@REVIEW
@_RECORD
@_REASON
@AS_JSON
def seek(review: str, record: str, reason: str, as_json: bool) -> None:
    """Have the full text of a record be sought, or looked for again at once; for reviewers."""
    _decide(review, record, "sought", reason, as_json)


@app.command("not-retrieved", example="living texts not-retrieved shared-records rec_01a2 --reason 'no library has it'")
@REVIEW
@_RECORD
@_REASON
@AS_JSON
def not_retrieved(review: str, record: str, reason: str, as_json: bool) -> None:
    """Say that the full text of a record cannot be had; for reviewers."""
    _decide(review, record, "not_retrieved", reason, as_json)


@app.command("withdraw", example="living texts withdraw shared-records text_01a2 --reason 'another report'")
@REVIEW
@_TEXT
@_REASON
@AS_JSON
def withdraw(review: str, text: str, reason: str, as_json: bool) -> None:
    """Take a copy back, such as a wrong file: for whoever added it, and for leads. Its bytes are kept no longer."""
    with acting("taking a copy back", review) as living:
        view = living.ingest.withdraw_text(review, text, reason=reason)
    if as_json:
        print_json(view)
    else:
        out.print(f"{text} is a copy of {view.record} no more", soft_wrap=True, highlight=False)


def _decide(review: str, record: str, state: Literal["sought", "not_retrieved"], reason: str, as_json: bool) -> None:
    with acting("saying what is so of a full text", review) as living:
        view = living.ingest.decide_retrieval(review, record, state=state, reason=reason)
    if as_json:
        print_json(view)
    else:
        out.print(f"the full text of {record} is {view.state.replace('_', ' ')}", soft_wrap=True, highlight=False)


def _send(living: Client, review: str, file: Path, size: int) -> FileView:
    """Sends a file, with a bar while that takes long."""
    from rich.progress import Progress

    with Progress(console=err, transient=True) as bar:
        task = bar.add_task(f"sending {file.name}", total=size)
        return living.ingest.upload_text(review, pieces_of(file, bar, task), size)


def _passages_of(parse: ParseView | None) -> str:
    """What came of parsing a copy, in a cell."""
    if parse is None:
        return ""
    return f"{parse.paragraphs} paragraphs" if parse.reason is None else f"none: {parse.reason}"


def _print_offers(refused: Invalid) -> None:
    """What comes nearest to a quote that is not there, or where one is that is there more than once."""
    near, spans = refused.extra.get("nearest"), refused.extra.get("spans") or []
    for offered in [near] if isinstance(near, dict) else spans:
        said = f"{offered['locator']}: …{offered['prefix']}[{offered['exact']}]{offered['suffix']}…"
        err.print(said, soft_wrap=True, markup=False, highlight=False)
