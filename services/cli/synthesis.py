"""`living synthesis`: what the theories are now, what they rest on, what changed - and signing it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

import click
from rich.text import Text

from services.cli.called import called_in
from services.cli.commands import AS_JSON, REVIEW, Group, argument, option
from services.cli.comments import comments
from services.cli.confidence import confidence
from services.cli.context import acting, client
from services.cli.describing import characteristics
from services.cli.printing import (
    counted,
    day,
    err,
    indented,
    out,
    plain,
    print_json,
    print_line,
    print_rows,
    second,
    table,
)
from services.cli.rejudging import rewordings
from shared.client import Client
from shared.errors import Forbidden, Invalid, NotFound
from shared.naming import naming
from shared.private import write_new
from shared.storage import content

if TYPE_CHECKING:
    from shared.client.synthesis import SynthesisClient
    from shared.events.synthesis import Change
    from shared.wire.synthesis import (
        CmocDrafted,
        DepositView,
        DraftView,
        EvidenceForm,
        EvidenceView,
        ExportForm,
        MapEdge,
        RevisionContent,
        Signing,
        Statement,
        StudyAdded,
        Verified,
        WithdrawnRevision,
    )

app = Group(help="Theories, their evidence, signed revisions.")

_STYLE = {"supported": "green", "partially_supported": "yellow", "contested": "red", "no_evidence": "dim"}

#: Bytes that are read of a file for `verify`. A revision of 500 CMOCs on 100,000 links has some 10 MB.
_LARGEST_EXPORT, _LARGEST_KEYS = 64_000_000, 1_000_000

#: What `export` writes beside what was signed: all that a revision says, and what it rests on.
FORMS, EVIDENCE = ("markdown", "docx", "csv", "jsonld"), ("matrix", "annotated", "destiny")

_CHANGES: list[tuple[str, Callable[[Change], object]]] = [
    ("CMOC", lambda change: change.cmoc),
    ("what", lambda change: change.what),
    ("before", lambda change: change.before),
    ("after", lambda change: change.after),
    ("class", lambda change: change.change_class),
]


@app.command("show", example="living synthesis show ics-leadership --revision 5")
@REVIEW
@option("--revision", type=int, help="A published revision; the newest without.")
@option("--draft", is_flag=True, help="What would be published now instead.")
@AS_JSON
def show(review: str, revision: int | None, draft: bool, as_json: bool) -> None:
    """Print the theories: each CMOC with its wording, its status and how many studies stand behind it.

    With --draft also which studies those are, and what differs from the last signed revision.
    """
    with client() as living:
        if draft:
            _show_draft(living, review, as_json)
            return
        number = _newest(living, review) if revision is None else revision
        view = living.synthesis.revision(review, number) if number is not None else None
        shown = view is not None and not as_json
        called = called_in(living, review) if shown else str
        signing = _signing(living, review, view.content.number) if view is not None and shown else None
    if as_json:
        print_json(view)
    elif view is None:
        print_line(f"No revision is signed yet. What would be signed now: living synthesis show {review} --draft")
    else:
        _show_withdrawn(getattr(view, "withdrawn", None))
        for later in getattr(view, "later_withdrawn", []):
            _show_withdrawn(later)
        _show_revision(view.content, called, getattr(view, "doi", None), signing)


def _newest(living: Client, review: str) -> int | None:
    """The number of the newest revision that is not withdrawn, or of the newest where all are; None where none is
    signed."""
    rows = list(living.synthesis.revisions(review))
    left = [row for row in rows if getattr(row, "withdrawn", None) is None]
    return max((row.number for row in left or rows), default=None)


def _show_withdrawn(said: WithdrawnRevision | None) -> None:
    """That a revision is withdrawn, where it is."""
    if said is None:
        return
    line = f"Revision {said.number} was withdrawn on {day(said.at)}: {said.why}"
    out.print(Text(line, style="bold red"), soft_wrap=True)
    if said.replaced_by is not None:
        out.print(Text(f"Read revision {said.replaced_by} instead.", style="red"), soft_wrap=True)


def _signing(living: Client, review: str, number: int) -> Signing | None:
    """How a revision was signed, for members; an earlier platform does not know."""
    try:
        return living.synthesis.signing(review, number)
    except (Forbidden, NotFound):
        return None


def _show_revision(
    content: RevisionContent, called: Callable[[str], str], doi: str | None, signing: Signing | None
) -> None:
    signed = f"signed by {called(content.signed_by)} on {day(content.signed_at)}"
    out.print(Text(content.title, style="bold"))
    out.print(
        Text(f"revision {content.number}{_drill(content.drill)}: {content.change_class}, {signed}\n{content.summary}\n")
    )
    if signing is not None and signing.despite is not None:
        was = f"Signed though comments on its draft were open ({signing.open_comments}): {signing.despite}\n"
        out.print(Text(was, style="yellow"), soft_wrap=True)
    if doi is not None:
        out.print(Text(f"https://doi.org/{doi}\n"), soft_wrap=True)
    _show_not_searched(content)
    _show_theories(content, {})


@app.command("diff", example="living synthesis diff ics-leadership 5 6")
@REVIEW
@argument("before", "The earlier revision's number.", type=int)
@argument("after", "The later revision's number.", type=int)
@AS_JSON
def diff(review: str, before: int, after: int, as_json: bool) -> None:
    """Print what changed between two revisions, CMOC by CMOC."""
    with client() as living:
        difference = living.synthesis.diff(review, before, after)
    if as_json:
        print_json(difference)
    else:
        if difference.drill:
            out.print("A drill: at least one of the two revisions is an exercise.")
        print_rows(difference.changes, _CHANGES, as_json=False, empty="Nothing changed.")


@app.command("revisions", example="living synthesis revisions ics-leadership")
@REVIEW
@AS_JSON
def revisions(review: str, as_json: bool) -> None:
    """List the signed revisions, oldest first."""
    with client() as living:
        rows = list(living.synthesis.revisions(review))
        called = called_in(living, review) if rows and not as_json else str
    columns = [
        ("number", lambda row: row.number),
        ("cycle", lambda row: row.cycle),
        ("class", lambda row: row.change_class),
        ("signed by", lambda row: called(row.signed_by)),
        ("on", lambda row: day(row.signed_at)),
        ("summary", lambda row: row.summary),
        ("drill", lambda row: "drill" if row.drill else ""),
        ("withdrawn", lambda row: row.withdrawn.why if getattr(row, "withdrawn", None) else ""),
    ]
    print_rows(rows, columns, as_json=as_json, empty="No revision is signed yet.")


@app.command("dois", example="living synthesis dois ics-leadership")
@REVIEW
@AS_JSON
def dois(review: str, as_json: bool) -> None:
    """List how far the DOI of each revision is, and why one does not get on; it is tried again by itself.

    The platform makes them for the reviews that its operator names (LIVING_DOI_REVIEWS).
    """
    with client() as living:
        rows = list(living.synthesis.dois(review))
    columns = [
        ("revision", lambda row: row.number),
        ("state", lambda row: row.state),
        ("DOI", lambda row: row.doi),
        ("of all", lambda row: row.concept_doi),
        ("tries", lambda row: row.tries or ""),
        ("again", lambda row: second(row.again_at) if row.again_at else ""),
        ("because", _why_of_deposit),
    ]
    print_rows(rows, columns, as_json=as_json, empty="No revision is to have a DOI yet.")


def _why_of_deposit(row: DepositView) -> str | None:
    """What keeps a deposit, or is to be done at the archive by hand."""
    if getattr(row, "withdrawn", False):
        return "withdrawn since, which the archive does not know: say it there by hand"
    return f"refused: {row.trouble}" if row.refused else row.trouble


@app.command(
    "withdraw",
    example="living synthesis withdraw shared-records 3 --why 'A report was coded for another review.' --instead 2",
)
@REVIEW
@argument("revision", "The revision's number.", type=int)
@option("--why", required=True, help="Why nobody should go by it any more; its readers are told.")
@option("--instead", type=int, help="The revision that is to be read instead.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@AS_JSON
def withdraw(review: str, revision: int, why: str, instead: int | None, yes: bool, as_json: bool) -> None:
    """Withdraw a signed revision, for good: whoever reads it is told that nobody should go by it any more.

    Needs a lead's own key. What was signed stays readable and verifies as before. Where it was the newest, the one
    before it that is not withdrawn is in force again, and the draft is compared with that.
    """
    with acting("withdrawing", review, "lead") as living:
        if not yes:
            click.confirm(f"Withdraw revision {revision} of {review}, for good?", abort=True, err=True)
        said = living.synthesis.withdraw_revision(review, revision, why, replaced_by=instead)
    if as_json:
        print_json(said)
    else:
        _show_withdrawn(said.withdrawn)


@app.command("evidence", example="living synthesis evidence ics-leadership --cmoc cmoc-5")
@REVIEW
@option("--cmoc", help="Only what bears on this CMOC.")
@option("--record", help="Only what this record says.")
@option(
    "--asked", is_flag=True, help="Only links whose CMOC reads otherwise since, and of which nobody has judged that."
)
@AS_JSON
def evidence(review: str, cmoc: str | None, record: str | None, asked: bool, as_json: bool) -> None:
    """List the coded links: what each number counts. `living events trace` goes on from a record."""
    with client() as living:
        rows = list(living.synthesis.evidence(review, cmoc=cmoc, record=record, asked=asked))
        called = called_in(living, review) if rows and not as_json else str
    columns = [
        ("CMOC", lambda row: row.cmoc),
        ("element", lambda row: row.element),
        ("stance", lambda row: row.stance),
        ("record", lambda row: row.record),
        ("report", lambda row: row.title),
        ("what it says", lambda row: row.paraphrase),
        ("coded by", lambda row: called(row.coder)),
        ("on", lambda row: day(row.linked_at)),
        ("stands", lambda row: "yes" if row.stands else naming(called, row.why_not or "")),
    ]
    of = [f"{what} {name}" for what, name in (("CMOC", cmoc), ("record", record)) if name is not None]
    empty = f"Nothing is coded for {' and '.join(of)}." if of else "Nothing is coded yet."
    if rows and out.is_terminal and not as_json:
        for row in rows:
            _show_link(row, called)
    else:
        print_rows(rows, columns, as_json=as_json, empty=empty)


def _show_link(row: EvidenceView, called: Callable[[str], str]) -> None:
    """Prints a link for people: a table of this many columns would fold every one of them into shreds."""
    out.print(Text(f"{row.cmoc}  {row.element}  {row.stance}", style="bold"))
    out.print(indented(Text(row.paraphrase)))
    out.print(indented(Text(", ".join(filter(None, (row.title, row.locator))), style="dim")))
    if not row.stands:
        out.print(indented(Text(f"does not stand: {naming(called, row.why_not or '')}", style="yellow")))
    print_line(f"  {row.record}  coded by {called(row.coder)} on {day(row.linked_at)}", "dim")


@app.command("appraise", example="living synthesis appraise ics-leadership link_1 caution --why 'a single remark'")
@REVIEW
@argument("link", "The link's id, as `living synthesis evidence --json` has it.")
@argument(
    "credibility", "credible, caution or not_credible.", type=click.Choice(["credible", "caution", "not_credible"])
)
@option("--why", required=True, help="Why; it stays with the link.")
@AS_JSON
def appraise(
    review: str, link: str, credibility: Literal["credible", "caution", "not_credible"], why: str, as_json: bool
) -> None:
    """Say whether a fragment is trustworthy for what a link says by it.

    The last that was said holds, and all of it stays. A link of which nothing was said is as credible as its report was
    judged in screening.
    """
    with acting("appraising", review, "reviewer") as living:
        said = living.synthesis.appraise(review, link, credibility, why)
    if as_json:
        print_json(said)
    else:
        print_line(f"{said.link} is {said.credibility.replace('_', ' ')} from now on.")


app.add_command(confidence)
app.add_command(rewordings)
app.add_command(comments)
app.add_command(characteristics)


@app.command("proposals", example="living synthesis proposals ics-leadership --state open")
@REVIEW
@option("--state", type=click.Choice(["open", "declined", "lapsed"]), help="Only those in this state.")
@AS_JSON
def proposals(review: str, state: Literal["open", "declined", "lapsed"] | None, as_json: bool) -> None:
    """List what the evidence suggests to do with CMOCs: to merge, split, refine or set aside.

    Nothing is done by it: a lead amends the protocol, or declines (docs/synthesis.md).
    """
    with client() as living:
        rows = list(living.synthesis.proposals(review, state))
        called = called_in(living, review) if rows and not as_json else str
    columns = [
        ("proposal", lambda row: row.proposal),
        ("what", lambda row: row.kind),
        ("CMOC", lambda row: " and ".join(row.cmocs)),
        ("element", lambda row: row.element),
        ("because", lambda row: row.why),
        ("links", lambda row: len(row.links)),
        ("state", lambda row: row.state),
        ("decided", lambda row: f"{called(row.decided_by)}: {row.decided_why}" if row.decided_by else ""),
    ]
    print_rows(rows, columns, as_json=as_json, empty="The evidence suggests nothing.")


@app.command("decline", example="living synthesis decline ics-leadership proposal_1 --why 'their outcomes differ'")
@REVIEW
@argument("proposal", "Its id, as `living synthesis proposals` shows it.")
@option("--why", required=True, help="Why it is not done.")
@AS_JSON
def decline(review: str, proposal: str, why: str, as_json: bool) -> None:
    """Say why what the evidence suggests is not done.

    It is suggested again once links speak for it that do not now.
    """
    with acting("declining", review, "lead") as living:
        declined = living.synthesis.decline(review, proposal, why)
    if as_json:
        print_json(declined)
    else:
        print_line(f"Declined: {declined.kind} {' and '.join(declined.cmocs)}.")


@app.command("kin", example="living synthesis kin ics-leadership cmoc-2")
@REVIEW
@argument("cmoc", "The CMOC's id.")
@AS_JSON
def kin(review: str, cmoc: str, as_json: bool) -> None:
    """Print the CMOCs that one was made of and those that it became, near and far."""
    with client() as living:
        found = living.synthesis.kin(review, cmoc)
    if as_json:
        print_json(found)
        return
    rows = [("before it", it) for it in found.before] + [("after it", it) for it in found.after]
    columns = [
        ("", lambda row: row[0]),
        ("CMOC", lambda row: row[1].cmoc),
        ("outcome", lambda row: row[1].outcome),
        ("became", lambda row: f"{row[1].gone_how}: {', '.join(row[1].gone_into)}" if row[1].gone_how else ""),
        ("because", lambda row: row[1].gone_why),
    ]
    print_rows(rows, columns, as_json=False, empty=f"{cmoc} was made of no other, and became none.")


@app.command("map", example="living synthesis map ics-leadership --graphml map.graphml")
@REVIEW
@option("--theory", help="Only this programme theory.")
@option("--most", type=click.IntRange(1, 200), help="How many studies at most; those with most links come first.")
@option("--graphml", type=click.Path(dir_okay=False, path_type=Path), help="Write it as GraphML into a new file.")
@AS_JSON
def theory_map(review: str, theory: str | None, most: int | None, graphml: Path | None, as_json: bool) -> None:
    """Print which studies speak to which CMOCs of the theories, with claims and independent studies counted apart."""
    with client() as living:
        if graphml is not None:
            write_new(graphml, living.synthesis.map_graphml(review, theory=theory, most=most).encode())
            print_line(f"The map of {review} is in {graphml}.")
            return
        found = living.synthesis.map(review, theory=theory, most=most)
    if as_json:
        print_json(found)
        return
    titles = {it.study: it.title or it.study for it in found.studies}
    columns: list[tuple[str, Callable[[MapEdge], object]]] = [
        ("CMOC", lambda edge: edge.cmoc),
        ("study", lambda edge: titles[edge.study]),
        ("stance", lambda edge: edge.stance),
        ("links", lambda edge: edge.links),
        ("outright", lambda edge: edge.explicit),
    ]
    for cmoc in found.cmocs:
        print_line(f"{cmoc.cmoc}: {cmoc.status}, {counted(cmoc.support, 'study', 'studies')}, links: {cmoc.links}")
    print_rows(found.edges, columns, as_json=False, empty="No study speaks to any CMOC yet.")
    if found.left_out.studies or found.left_out.links:
        print_line(f"Left out: studies {found.left_out.studies}, links {found.left_out.links}.")


@app.command("saturation", example="living synthesis saturation ics-leadership --last 20")
@REVIEW
@option("--last", type=click.IntRange(1, 500), default=20, help="How many of the studies that came last are listed.")
@AS_JSON
def saturation(review: str, last: int, as_json: bool) -> None:
    """Print what each study changed that was added, the newest first, and the last revisions that changed a theory.

    It tells of the evidence that counts today. Nothing acts by it.
    """
    with client() as living:
        found = living.synthesis.saturation(review)
        rows = list(islice(living.synthesis.added_studies(review, newest_first=True), last))
    if as_json:
        print_json({"saturation": found, "studies": rows})
        return
    columns: list[tuple[str, Callable[[StudyAdded], object]]] = [
        ("", lambda row: row.nth),
        ("coded on", lambda row: day(row.coded_at)),
        ("study", lambda row: row.title or row.study),
        ("links", lambda row: row.links),
        ("changed", lambda row: row.change if row.links else "counts no more"),
        ("what", lambda row: "; ".join(f"{it.cmoc} {it.what}: {it.before} -> {it.after}" for it in row.changes)),
    ]
    print_rows(rows, columns, as_json=False, empty="Nothing is coded yet.")
    print_line(f"The last in a row that changed no status and no element: {found.unchanged} of {found.speaking}.")
    for name, head, since in (
        ("MAJOR", found.last_major, found.since_major), ("MINOR", found.last_minor, found.since_minor),
    ):  # fmt: skip
        when = f"revision {head.number} on {day(head.signed_at)}" if head else "none yet"
        print_line(f"Last {name} revision: {when}; studies since: {since}.")


@app.command("sign", example="living synthesis sign shared-records --summary 'One more report.'")
@REVIEW
@option("--summary", required=True, help="What this revision says, in a sentence or two.")
@option("--drill", is_flag=True, help="Label it as an exercise.")
@option("--without", multiple=True, help="Leave out this search by hand, which is overdue; for several, several times.")
@option("--reason", multiple=True, help="Why: one for all that are left out, or one for each in their order.")
@option("--draft", "named", help="Sign this draft and no other, by its id, which `show --draft --json` says.")
@option("--despite", help="Why you sign though comments on the draft are open; it stays with the revision's history.")
@click.option("--yes", is_flag=True, help="Do not ask; for programs, with the draft that they mean.")
@AS_JSON
def sign(
    review: str,
    summary: str,
    drill: bool,
    without: tuple[str, ...],
    reason: tuple[str, ...],
    named: str | None,
    despite: str | None,
    yes: bool,
    as_json: bool,
) -> None:
    """Sign the draft: it becomes the next revision, under your name, and subscribers are told.

    Needs a lead's own key. Says first what differs from the last revision and how much that is, and asks; what arrives
    after that is not signed. Why each CMOC stands as it does: `living synthesis show REVIEW --draft`. It is refused
    past a search by hand that is overdue, unless that is left out with a reason, which the revision then says, and
    past open comments without --despite.
    A program names the draft that it read: `--yes --draft draft_...`.
    """
    if yes and named is None:
        raise click.UsageError("--yes needs --draft, the draft that you read: `living synthesis show REVIEW --draft`")
    left_out = _left_out(without, reason)
    with acting("signing", review, "lead") as living:
        draft = living.synthesis.draft(review)
        _show_to_signer(draft)
        _show_open_comments(living, review, draft)
        _show_held_back(living, review)
        if draft.drill and not drill:
            err.print("This draft is a drill, for a drill's notice is at work in it: so will the revision be.")
        if getattr(draft, "drill_in_part", False):
            err.print(
                "A part of this draft is a drill. The rest is not, and so the revision will be told as a real one."
            )
        seen = {"fragments_sha256": draft.fragments_sha256, "draft": named or draft.draft}
        if not yes:
            click.confirm(f"Sign {seen['draft']} as revision {draft.number}?", abort=True, err=True)
        # Said only where there are any, since an earlier release knows none.
        more: dict[str, object] = {"without": left_out} if left_out else {}
        if despite is not None:
            more |= {"despite": despite, "open_comments": sum(it.open for it in draft.comments)}
        revision = living.synthesis.sign(review, {**seen, "summary": summary, "drill": drill, **more})
    if as_json:
        print_json(revision)
    else:
        content = revision.content
        out.print(f"revision {content.number} is signed: {content.change_class}{_drill(content.drill)}")
        _show_not_searched(content)


def _show_to_signer(draft: DraftView) -> None:
    """Says how much differs from the last revision, and each line of it; beside what a program reads."""
    err.print(Text(f"draft of revision {draft.number}{_drill(draft.drill)}: {draft.change_class}", style="bold"))
    if not _differs(draft):
        err.print(f"{_nothing_differs(draft)} Subscribers are told of each revision, of this one too.")
    for change in draft.changes:
        said = f"{change.cmoc} {change.what}: ".lstrip()
        err.print(indented(Text(said + " -> ".join(_worded(it) for it in (change.before, change.after)))))


def _show_open_comments(living: Client, review: str, draft: DraftView) -> None:
    """Says whose comments on the draft are open; an earlier platform has none."""
    if not (of := getattr(draft, "comments", None) or []):
        return
    called = called_in(living, review)
    whose = ", ".join(f"{called(it.person)} ({it.open})" for it in of)
    err.print(Text(f"Open comments on it: {whose}. `living synthesis comments list {review} --state open`", "yellow"))


def _show_held_back(living: Client, review: str) -> None:
    """Says of how many reports the coding is not finished or decided; an earlier platform counts none."""
    status = living.synthesis.status(review)
    for state, said in (("differing", "Reports whose coders differ"), ("open", "Reports that not all have finished")):
        if n := getattr(status, "coders_differ" if state == "differing" else "being_coded", 0):
            err.print(Text(f"{said}: {n}. `living code list {review} --state {state}`", "yellow"))


def _worded(value: object) -> str:
    return "nothing" if value is None else str(value)


def _left_out(without: Sequence[str], reasons: Sequence[str]) -> list[dict[str, str]]:
    """The searches that are left out, each with its reason. Raises UsageError where the reasons are not theirs."""
    if without and not reasons:
        raise click.UsageError("--without needs a --reason, which the revision says")
    if len(reasons) not in ((0,) if not without else (1, len(without))):
        raise click.UsageError("give one --reason for all that are left out, or one for each --without")
    each = reasons if len(reasons) == len(without) else [*reasons] * len(without)
    return [{"strategy": strategy, "reason": why} for strategy, why in zip(without, each, strict=True)]


def _show_not_searched(said: RevisionContent | Verified) -> None:
    for it in getattr(said, "not_searched", None) or []:
        line = f"Not searched: {it.database} ({it.strategy}), due on {it.due}: {it.reason}"
        out.print(Text(line, style="yellow"), soft_wrap=True)


@app.command("course", example="living synthesis course shared-records paused --why 'No funds until spring.'")
@REVIEW
@argument("course", "What becomes of the review", type=click.Choice(["living", "paused", "retired"]))
@option("--why", required=True, help="Why, in a sentence; its readers are told.")
def course(review: str, course: Literal["living", "paused", "retired"], why: str) -> None:
    """Have a review rest, end, or go on. One that rests is never late, one that has ended publishes no more."""
    with client("lead") as living:
        living.synthesis.set_course(review, course, why)
    print_line(f"{review} is {course}")


@app.command(
    "export",
    example="living synthesis export ics-leadership 5 --to revision-5.json\n"
    "living synthesis export ics-leadership 5 --as docx --to revision-5.docx",
)
@REVIEW
@argument("revision", "The revision's number.", type=int)
@option(
    "--as",
    "form",
    default="signed",
    type=click.Choice(["signed", *FORMS, *EVIDENCE]),
    help="What was signed, all that it says, or (matrix, annotated, destiny) the links that it rests on.",
)
@option("--to", required=True, type=click.Path(dir_okay=False, path_type=Path), help="A new file; `-` prints it.")
def export(review: str, revision: int, form: str, to: Path) -> None:
    """Write a revision as one file: to be verified without this platform, or to be read.

    As `signed` it has the exact text that was signed, its hash and its signature. Whoever verifies it takes the key
    from you, not from the file: `living key public --json > keys.json`, or GET /signing-keys. The links that a
    revision rests on are for members: as they were signed (matrix), with annotations (annotated), or for a DESTINY
    repository.
    """
    with client() as living:
        made = _exported(living.synthesis, review, revision, form)
    if str(to) == "-":
        click.echo(made, nl=False)
        return
    write_new(to, made)
    out.print(f"revision {revision} of {review} is in {to}", markup=False, highlight=False)


def _exported(synthesis: SynthesisClient, review: str, revision: int, form: str) -> bytes:
    if form == "signed":
        exported = synthesis.export(review, revision)
        return (json.dumps(plain(exported), indent=2) + "\n").encode("ascii")
    pieces: list[bytes] = []
    if form in EVIDENCE:
        synthesis.evidence_file(review, revision, cast("EvidenceForm", form), pieces.append)
    else:
        synthesis.file(review, revision, cast("ExportForm", form), pieces.append)
    return b"".join(pieces)


@app.command("crate", example="living synthesis crate ics-leadership 5 --to ics-leadership-5.crate.zip")
@REVIEW
@argument("revision", "The revision's number.", type=int)
@option("--to", required=True, type=click.Path(dir_okay=False, path_type=Path), help="A new file.")
def crate(review: str, revision: int, to: Path) -> None:
    """Write a revision as a package (RO-Crate): what was signed, every link it rests on, what changed, how to cite it.

    `living synthesis verify --file` proves it, and each number of it, with a key alone.
    """
    pieces: list[bytes] = []
    with client() as living:
        living.synthesis.crate(review, revision, pieces.append)
    write_new(to, b"".join(pieces))
    out.print(f"revision {revision} of {review} is in {to}", markup=False, highlight=False)


@app.command(
    "verify",
    example="living synthesis verify ics-leadership 5\nliving synthesis verify --file revision-5.json --key keys.json",
)
@argument("review", "The review, such as ics-leadership.", required=False)
@argument("revision", "The revision's number.", type=int, required=False)
@option(
    "--file", type=click.Path(path_type=Path), help="An exported revision or a crate, instead of one of the platform."
)
@option(
    "--key", type=click.Path(path_type=Path), help="The key set, or a public key (PEM), that you trust; for --file."
)
@AS_JSON
def verify(review: str | None, revision: int | None, file: Path | None, key: Path | None, as_json: bool) -> None:
    """Check that a revision is still what was signed, by a key in its time; exits 1 when it is not.

    With --file and --key nothing else is needed: no platform, no database, no settings. A key alone tells no dates;
    the key set has them. Of a crate each status and each number is computed anew from its links.
    """
    if file is not None or key is not None:
        if file is None or key is None or review is not None:
            raise click.UsageError("give REVIEW and REVISION, or --file and --key")
        verified = _verified_file(file, key)
    else:
        if review is None or revision is None:
            raise click.UsageError("give REVIEW and REVISION, or --file and --key")
        with client() as living:
            verified = living.synthesis.verify(review, revision)
    if as_json:
        print_json(verified)
    else:
        _show_verified(verified)
    if not verified.holds:
        sys.exit(1)


def _verified_file(file: Path, key: Path) -> Verified:
    from services.synthesis.domain.verifying import read_export, verified_with
    from services.synthesis.domain.verifying import verify as verify_signed
    from services.synthesis.ports.crates import is_crate, read_crate
    from shared.keys.published import read_keys

    try:
        ring = read_keys(content(key, _LARGEST_KEYS))
    except Invalid as error:
        raise Invalid(_of_file(key, error)) from error
    try:
        given = content(file, _LARGEST_EXPORT)
        if is_crate(given):
            found = read_crate(given)
            return verified_with(found.signed, ring, found.matrix)
        return verify_signed(read_export(given), ring)
    except Invalid as error:
        raise Invalid(_of_file(file, error)) from error


def _of_file(path: Path, error: Invalid) -> str:
    return error.detail if error.detail.startswith(str(path)) else f"{path}: {error.detail}"


def _show_verified(verified: Verified) -> None:
    if not verified.holds:
        out.print("\n".join(verified.faults), markup=False)
        return
    dates = [
        f"{word} {second(at)}" for word, at in (("since", verified.key_since), ("until", verified.key_until)) if at
    ]
    if verified.review and verified.number and verified.signed_by and verified.signed_at:
        of = f"Revision {verified.number} of {verified.review}{_drill(verified.drill)}"
        out.print(f"{of}, signed by {verified.signed_by} on {day(verified.signed_at)}.", markup=False, highlight=False)
    _show_withdrawn(getattr(verified, "withdrawn", None))
    verb = "signed" if verified.key_until else "signs"
    signer = f"key {verified.kid}" + (f", which {verb} {' '.join(dates)}" if dates else "")
    out.print(f"It is what was signed, by {signer}.", markup=False, highlight=False)
    if not verified.readable:
        out.print("It is of a schema that this release cannot show.")
    if verified.links is not None:
        out.print(f"Each status and each number follows from its {counted(verified.links, 'link')}.")
    _show_not_searched(verified)


def _show_draft(living: Client, review: str, as_json: bool) -> None:
    draft = living.synthesis.draft(review)
    if as_json:
        print_json(draft)
        return
    settled = "" if draft.settled else " (something that arrived is not taken in yet)"
    out.print(Text(draft.title, style="bold"))
    out.print(Text(f"draft of revision {draft.number}{_drill(draft.drill)}: {draft.change_class}{settled}\n"))
    _show_theories(draft, {study.study: study.titles for study in living.synthesis.support(review).studies})
    _show_changes(draft)
    for it in getattr(draft, "manual", []):
        if it.standing != "searched":
            line = f"{it.database} ({it.strategy}) is to be searched by hand: {it.standing} since {it.due}"
            out.print(Text(line, style="red" if it.standing == "overdue" else "yellow"), soft_wrap=True)
    out.print()
    print_line(f"what each number counts: living synthesis evidence {review} --cmoc CMOC", "cyan")


def _show_theories(said: DraftView | RevisionContent, titles: Mapping[str, Sequence[str]]) -> None:
    """Prints the theories of a draft or revision, with the studies behind each CMOC where their titles are given."""
    for theory in said.theories:
        out.print(Text(theory.heading, style="bold"))
        out.print(Text(theory.statement, style="dim"))
        for cmoc in said.cmocs:
            if cmoc.theory == theory.theory:
                out.print(_cmoc_line(cmoc.cmoc, cmoc.status, cmoc.support, cmoc.flagged))
                out.print(table(["", ""], _parts(cmoc, titles), show_header=False))
        out.print()


def _parts(cmoc: CmocDrafted | Statement, titles: Mapping[str, Sequence[str]]) -> Iterator[list[str]]:
    for name in ("context", "resource", "reasoning", "outcome"):
        yield [f"    {name}", getattr(cmoc, name)]
    for index, study in enumerate(cmoc.studies if titles else ()):
        yield ["" if index else "    studies", "; ".join(filter(None, titles.get(study, ()))) or study]


def _show_changes(draft: DraftView) -> None:
    """Prints what of a draft differs from the last signed revision."""
    if draft.preceding is None:
        out.print("No revision is signed yet: this would be the first.")
    elif not _differs(draft):
        out.print(_nothing_differs(draft))
    else:
        moved = draft.evidence
        out.print(
            f"What differs from revision {_before(draft)}: {counted(moved.added, 'link')} added, "
            f"{moved.withdrawn} withdrawn"
        )
        print_rows(draft.changes, _CHANGES, as_json=False, empty="")


def _drill(drill: bool | None) -> str:
    return ", a drill" if drill else ""


def _differs(draft: DraftView) -> bool:
    return draft.preceding is None or draft.change_class != "NONE"


def _before(draft: DraftView) -> int:
    """The number of the revision that a draft is compared with; an earlier platform knows of no other than the last."""
    return getattr(draft, "preceding_number", None) or draft.number - 1


def _nothing_differs(draft: DraftView) -> str:
    return f"Nothing differs from revision {_before(draft)}."


def _cmoc_line(name: str, status: str, support: int, flagged: bool) -> Text:
    line = Text(f"  {name}  ", style="bold")
    line.append(status.replace("_", " "), style=_STYLE.get(status, ""))
    line.append(f"  {counted(support, 'study', 'studies')}")
    return line.append("  flagged: its evidence changed" if flagged else "", style="bold yellow")
