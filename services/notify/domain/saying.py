"""What a notification says, as a person would: what changed, why, how sure, and what to look at. Mail, feeds and chats
say the same."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from shared.events.synthesis import FURTHER_CHANGES, THEORY, CmocWords, NoticedReport
from shared.wire.notify import (
    AgreementNotification,
    AlertData,
    AlertNotification,
    AllClearNotification,
    CmocChanges,
    ConfirmNotification,
    ConflictNotification,
    CourseData,
    CourseNotification,
    DigestNotification,
    HandoverNotification,
    Line,
    Notification,
    OverdueNotification,
    ProgressNotification,
    QueueNotification,
    RevisionData,
    RevisionNotification,
    SearchNotification,
    TroubleNotification,
    WithdrawalData,
    WithdrawalNotification,
)

_LONGEST_VALUE = 300

#: Statuses of a CMOC as people say them.
_STATUSES = {"partially_supported": "partially supported", "no_evidence": "without evidence yet"}

#: How a CMOC went that is stated no more.
_GONE = {
    "set aside": "It is set aside", "merged": "It is one with another now", "split": "It is split into others",
    "goes on as": "It goes on in other words", "refuted": "It is refuted",
}  # fmt: skip

#: What was said of a report.
_NOTICED = {
    "retraction": "was retracted", "withdrawal": "was withdrawn", "replacement": "was replaced",
    "reinstatement": "counts again", "correction": "was corrected", "expression_of_concern": "was put in doubt",
    "partial_retraction": "was retracted in part",
}  # fmt: skip

_SUPPORT = "Independent studies that speak to it, and not only against it"

#: What a revision of each class is.
_CLASSES = {
    "MAJOR": "What is stated changed: a CMOC is new, or is stated no more.",
    "MINOR": "What is said of a CMOC changed: its words, its status, or how sure people are.",
    "PATCH": "Evidence came or went. What is stated stands.",
    "NONE": "Nothing changed: what was stated stands, and was signed again.",
}


class _Now(NamedTuple):
    """What is said of a review's course, and what follows from it for its readers."""

    headline: str
    then: str


_COURSES = {
    "living": _Now("goes on", "It is kept up to date again."),
    "paused": _Now("is paused", "It is not kept up to date for now. What it has published stands as of its day."),
    "retired": _Now(
        "is retired",
        "It is kept up to date no more, and publishes nothing more. What it has published stands as of its day.",
    ),
}  # fmt: skip

_PARTS = ("context", "resource", "reasoning", "outcome")


@dataclass(frozen=True)
class Part:
    """What is said of one thing, under its heading, in sentences."""

    heading: str
    lines: Sequence[str]


@dataclass(frozen=True)
class Said:
    """A headline, what comes first, what is said of each thing, and where to look, with what for."""

    headline: str
    link: str
    look: str = "Read more"
    first: Sequence[str] = ()
    parts: Sequence[Part] = ()
    #: What a digest is made of.
    entries: Sequence[Said] = field(default=())


def say(notification: Notification) -> Said:
    """What a notification says."""
    match notification:
        case RevisionNotification():
            return _of_revision(notification.data)
        case DigestNotification(data=data):
            entries = [say(entry) for entry in data.entries]
            many = f"{len(entries)} notices" if len(entries) > 1 else entries[0].headline if entries else "Nothing new"
            return Said(f"{data.review}: {many}", data.link, "Open the review", entries=entries)
        case ConfirmNotification(data=data):
            return Said(
                f"Do you want to be told of the review {data.review}?", data.link, "Say that you want it",
                first=[
                    f"Somebody who belongs to the review {data.review} asked that this address be told of it.",
                    f"Nothing is sent before you open the link below and say so, until {data.until:%Y-%m-%d %H:%M} "
                    "UTC. If you do not want it, do nothing.",
                ],
            )  # fmt: skip
        case WithdrawalNotification(data=data):
            return _of_withdrawal(data)
        case CourseNotification(data=data):
            return _of_course(data)
        case HandoverNotification(data=data):
            first = [f"Since {data.since:%Y-%m-%d}. Why, as the lead before says: {data.why}"]
            return Said(f"The review {data.review} has another lead", data.link, "Open the review", first)
        case OverdueNotification(data=data):
            last = (
                f"Its last revision is of {data.last_published}." if data.last_published else "It has no revision yet."
            )
            return Said(
                f"The review {data.review} is overdue", data.link, "Open the review",
                first=[f"A revision was due on {data.due}. {last}", "A “no change” that is signed counts as well."],
            )  # fmt: skip
        case _:
            return _of_work(notification)


def text_of(said: Said) -> str:
    """All of it as plain text."""
    return "\n\n".join(_paragraphs(said)) + "\n"


def sentence_of(words: CmocWords) -> str:
    """A CMOC as one sentence: its context, what it offers, how people take it, and what comes of it."""
    context, resource, reasoning, outcome = (getattr(words, part).strip().rstrip(".") for part in _PARTS)
    return f"Where {context}: {resource}; hence {reasoning}; and so {outcome}"


def line_of(line: Line) -> str:
    """A change as somebody would say it. What nobody has words for stands as it is."""
    before, after = _value(line.before), _value(line.after)
    match line.what:
        case "added":
            return f"It is new: {after}."
        case "set aside" | "merged" | "split" | "goes on as" | "refuted" as how:
            return f"{_GONE[how]}; it was {before}."
        case "status" if line.before is None:
            return f"It is {after}."
        case "status":
            return f"It was {before}, and is {after} now."
        case "support" if line.before is None:
            return f"{_SUPPORT}: {after}."
        case "support":
            return f"{_SUPPORT}: {before} before, {after} now."
        case "confidence" if line.before is None:
            return f"People judged how sure one may be of it: {_level(line.after)}."
        case "confidence":
            return (
                f"People judged anew how sure one may be of it: {_level(line.before)} before, {_level(line.after)} now."
            )
        case "flagged" if line.after:
            return "What it rests on was retracted, corrected or put in doubt; a person is to judge it again."
        case "flagged":
            return "A person has judged it again since its evidence changed."
        case "links added" | "links withdrawn":
            links = "link" if line.after == 1 else "links"
            return f"{after} {links} of evidence {'came' if line.what == 'links added' else 'went'}."
        case "theory":
            return "It belongs to another theory now."
        case what if what == FURTHER_CHANGES:
            return f"And {after} more changes."
        case what if what.startswith(THEORY):
            return _of_theory(before, after, is_new=line.before is None, is_gone=line.after is None)
        case part if line.before is None:
            return f"{part}, new: {after}"
        case part if line.after is None:
            return f"{part}, dropped: {before}"
        case part:
            return f"{part}, before: {before}. Now: {after}"


def _of_revision(data: RevisionData) -> Said:
    wholly = _is_exercise(data)
    drill, first = "Exercise: " if wholly else "", ["This is an exercise."] if wholly else []
    if not wholly and (data.drill or data.drilled or any(it.drill for it in data.noticed)):
        first.append("A part of this is an exercise; the rest is not.")
    first += [data.summary, _CLASSES[data.change_class]]
    if waiting := len(data.flagged):
        are = "1 CMOC rests" if waiting == 1 else f"{waiting} CMOCs rest"
        first.append(
            f"{are} on evidence that was retracted, corrected or put in doubt, until a person judges it again."
        )
    parts = [_part(changed, data) for changed in data.changed]
    if data.noticed:
        parts.insert(0, _of_reports(data.noticed, data.noticed_more))
    if data.not_searched:
        left_out = [f"{it.database}, due on {it.due}: {it.reason}" for it in data.not_searched]
        parts.insert(0, Part("Not searched", left_out))
    if not data.changed:
        first.append("No CMOC changed.")
    headline = f"{drill}Revision {data.number} of “{data.title}”"
    if data.withdrawn is not None:
        headline = f"Withdrawn: {headline}"
        why = f"Withdrawn on {data.withdrawn.at:%Y-%m-%d}: {data.withdrawn.why}"
        first = [why, *_instead(data.withdrawn.replaced_by), *first]
    return Said(headline, data.link, "Read the revision, with what changed and what it rests on", first, parts)


def _of_withdrawal(data: WithdrawalData) -> Said:
    first = [
        f"Nobody should go by it any more. Why, as a lead says: {data.why}",
        *_instead(data.replaced_by),
        f"Revision {data.in_force} is in force." if data.in_force else "No revision is in force now.",
        "What was signed stays readable, and says that it is withdrawn.",
    ]
    headline = f"Revision {data.number} of the review {data.review} is withdrawn"
    return Said(headline, data.link, "Open the revision", first)


def _instead(number: int | None) -> list[str]:
    return [] if number is None else [f"Read revision {number} instead."]


def _of_course(data: CourseData) -> Said:
    now = _COURSES[data.course]
    first = [f"Since {data.since:%Y-%m-%d}. Why, as a lead says: {data.why}", now.then]
    return Said(f"The review {data.review} {now.headline}", data.link, "Open the review", first)


def _is_exercise(data: RevisionData) -> bool:
    """Whether all of it is an exercise: nothing was really said of a report, whatever its signer calls it."""
    return data.drill and all(it.drill for it in data.noticed)


def _of_reports(named: Sequence[NoticedReport], more: int) -> Part:
    """What was said of these reports, and how many more there are: also above them, since a chat cuts what is long."""
    lines, heading = [_noticed(it) for it in named], "What was said of reports"
    if more:
        return Part(f"{heading}: {len(named)} here, and {more} more", [*lines, f"And {more} more."])
    return Part(heading, lines)


def _noticed(report: NoticedReport) -> str:
    name = f"“{report.title}”" if report.title else "A report without a title"
    became = _NOTICED.get(report.kind, f"has a notice: {report.kind.replace('_', ' ')}")
    return f"{name} {became}{', in an exercise' if report.drill else ''}."


def _part(changed: CmocChanges, data: RevisionData) -> Part:
    lines = [line_of(line) for line in changed.changes]
    spoken = {line.what for line in changed.changes}
    if changed.status is not None and not spoken & {"status", "added"}:
        lines.append(f"It stands as {_value(changed.status)}.")
    if changed.cmoc in data.support and "support" not in spoken:
        lines.append(f"{_SUPPORT}: {data.support[changed.cmoc]}.")
    if changed.cmoc in data.drilled:
        lines.append("An exercise is about it: what changed may be by that.")
    return Part(heading_of(changed), lines)


def heading_of(changed: CmocChanges) -> str:
    """What a CMOC is called: its words, and its id only where nobody said any."""
    if changed.words is not None:
        return f"{sentence_of(changed.words)} ({changed.words.heading})"
    of = f"CMOC {changed.cmoc}" if changed.cmoc else "The theories"
    return f"{of} of the theory {changed.theory}" if changed.theory else of


def _of_theory(before: str, after: str, *, is_new: bool, is_gone: bool) -> str:
    if is_gone:
        return f"A theory is stated no more: {before}"
    return f"A theory is new: {after}" if is_new else f"A theory, before: {before}. Now: {after}"


def _of_work(notification: Notification) -> Said:
    """What is said of how the work on a review stands."""
    match notification:
        case TroubleNotification(data=data):
            first = [data.error] if data.error else []
            if data.until:
                first.append(f"Nothing asks it until {data.until:%Y-%m-%d %H:%M} UTC.")
            if data.missing:
                first.append(f"Missing: {', '.join(data.missing)}.")
            if data.rejected:
                first.append(f"{data.rejected} of {data.found} items are no usable records.")
            return Said(f"Trouble with {data.source} on {data.day}", data.link, "See how the sources stand", first)
        case AllClearNotification(data=data):
            first = [f"No watch over {data.source} fails any more; trouble was first told on {data.since}."]
            return Said(f"All clear with {data.source}", data.link, "See how the sources stand", first)
        case SearchNotification(data=data):
            is_past = notification.type == "search.overdue"
            first = [f"Strategy {data.strategy} of the protocol."]
            first += [f"Search for: {data.query}"] if data.query else []
            first += ["The protocol names whose it is to make."] if data.owner else []
            when = f"{'overdue since' if is_past else 'due on'} {data.due}"
            return Said(f"Search {data.database} by hand: {when}", data.link, "Bring what it finds", first)
        case AgreementNotification(data=data):
            first = [f"Two people: kappa {data.kappa:.2f} over {data.n} tasks; the floor is {data.floor:.2f}."]
            return Said(
                f"Agreement at {data.stage} fell to {data.kappa:.2f}", data.link, "See who agrees how far", first
            )
        case ConflictNotification(data=data):
            return Said(
                f"A conflict waits at {data.stage}", data.link, "Decide it", ["Votes lead to different outcomes."]
            )
        case QueueNotification(data=data):
            first = [f"No task needs votes. {data.conflicts} conflicts wait, and {data.parked} tasks are parked."]
            return Said(f"The queue of {data.stage} ran empty", data.link, "Open the queue", first)
        case ProgressNotification(data=data):
            lines = [
                f"{it.stage}: {it.open} need votes, {it.conflicts} are conflicts, {it.parked} are parked, "
                f"{it.decided} are decided."
                for it in data.stages
            ]
            return Said(f"How the stages of {data.review} stand", data.link, "Open the queue", lines)
        case AlertNotification(data=data):
            return _of_alert(data)
    data_of_trial = notification.data
    return Said("A test", "", "", [getattr(data_of_trial, "message", "Nothing happened.")])


def _of_alert(data: AlertData) -> Said:
    many = len(data.records) + data.more
    lines = [f"{it.title or 'A record without a title'}: {it.link}" for it in data.records]
    lines += [f"And {data.more} more."] if data.more else []
    headline = f"A saved search of yours in {data.review} finds {f'{many} more records' if many > 1 else 'one more'}"
    return Said(headline, data.link, "See all that it finds", lines)


def _paragraphs(said: Said) -> Iterator[str]:
    yield said.headline
    yield from said.first
    for part in said.parts:
        yield "\n".join([part.heading, *(f"- {line}" for line in part.lines)])
    for entry in said.entries:
        yield "\n\n".join(_paragraphs(entry))
    if said.link:
        yield f"{said.look}: {said.link}"


def _level(value: object) -> str:
    return str(value).replace("_", " ") if value is not None else "not judged"


def _value(value: object) -> str:
    if isinstance(value, str):
        text = _STATUSES.get(value, value)
    else:
        text = "nothing" if value is None else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text if len(text) <= _LONGEST_VALUE else text[:_LONGEST_VALUE] + "…"
