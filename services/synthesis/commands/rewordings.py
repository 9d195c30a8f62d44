"""Rewordings: where a CMOC reads otherwise, people judge whether the links to it hold for the words of today."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from services.synthesis import store
from services.synthesis.commands import extraction
from services.synthesis.commands.history import Happening, mark_due, tell_theories
from services.synthesis.models import CmocRow, LinkJudgementRow, LinkRow, RewordingRow
from shared.db.work import Work
from shared.errors import Conflict, Forbidden, Invalid
from shared.events.protocol import Cmoc, VersionPublished
from shared.events.synthesis import Element, LinksQuestioned, LinksRejudged
from shared.tokens import Person
from shared.wire.synthesis import LinksJudged, NewLinkJudgements


def ask_anew(work: Work, row: CmocRow, cmoc: Cmoc, parts: Sequence[Element], event: VersionPublished) -> None:
    """Keeps what a version makes of the words of these parts, and has the links that stand to them be judged anew. They
    stand meanwhile; costs one statement, whatever their number."""
    for part in parts:
        work.add(
            RewordingRow(
                review=event.review, cmoc=cmoc.id, protocol_version=event.version, part=part,
                before=getattr(row, part), after=getattr(cmoc, part), why=event.why, by=event.published_by,
                at=work.now,
            )
        )  # fmt: skip
    links = store.ask_links(work, event.review, cmoc.id, parts, event.version)
    if links:
        work.emit(
            LinksQuestioned(
                review=event.review, cmoc=cmoc.id, elements=list(parts), protocol_version=event.version, links=links
            )
        )  # fmt: skip


def judge(work: Work, review: str, given: NewLinkJudgements, by: Person) -> LinksJudged:
    """Keeps these links for the words of today, or takes them back: all of them, or none.

    Raises Invalid for a link that there is not, Conflict for one of which nobody asks, and Forbidden for one that
    somebody else coded, unless an adjudicator judges.
    """
    store.review(work, review)
    weighed = extraction.in_front_of_links(work, review, given.links) if given.verdict == "withdraw" else []
    found = store.links_to_judge(work, review, set(given.links))
    _require_all(review, given.links, found, by)
    by_cmoc: dict[str, list[LinkRow]] = defaultdict(list)
    for link, _ in found.values():
        by_cmoc[link.cmoc].append(link)
    for cmoc, links in by_cmoc.items():
        _judge(work, review, cmoc, links, given, by)
    work.session.flush()
    for row in weighed:
        extraction.settle(work, row)
    return LinksJudged(links=list(found), verdict=given.verdict, left=store.count_links_to_judge(work, review))


def _judge(work: Work, review: str, cmoc: str, links: Sequence[LinkRow], given: NewLinkJudgements, by: Person) -> None:
    names = [link.id for link in links]
    event_id = work.emit(
        LinksRejudged(review=review, cmoc=cmoc, links=names, verdict=given.verdict, why=given.why, by=by.id)
    )
    for link in links:
        work.add(
            LinkJudgementRow(
                review=review, link=link.id, protocol_version=link.asked_version or 0, verdict=given.verdict,
                why=given.why, by=by.id, at=work.now, event_id=event_id,
            )
        )  # fmt: skip
        link.asked_version = None
        if given.verdict == "withdraw":
            link.withdrawn_at, link.withdrawn_by, link.withdrawn_why = work.now, by.id, given.why
    if given.verdict == "withdraw":
        with work.following(work.correlation, event_id):
            happening = Happening(cmoc, "evidence_withdrawn", given.why, links=names)
            tell_theories(work, store.review(work, review), [happening])
        mark_due(work, review, event_id, [cmoc])


def _require_all(review: str, links: Sequence[str], found: dict[str, tuple[LinkRow, str]], by: Person) -> None:
    unknown = [
        {"at": f"links[{at}]", "why": f"review {review!r} has no link {link!r}"}
        for at, link in enumerate(links)
        if link not in found
    ]
    if unknown:
        raise Invalid(f"{unknown[0]['at']}: {unknown[0]['why']}", unknown, slug="unknown_link")
    for name, (link, coder) in found.items():
        if link.asked_version is None:
            raise Conflict(
                f"nobody asks whether link {name!r} still holds: it was judged, or withdrawn", slug="not_asked"
            )
        if coder != by.id and not by.has("adjudicator"):
            raise Forbidden(f"link {name!r} was coded by {coder}: only they, an adjudicator or a lead may judge it")
