"""What data say of the life of a review: its versions, what led to each, and how it goes on."""

from __future__ import annotations

from shared.reporting.documents import Block, Lack, said
from shared.reporting.gathered import Gathered
from shared.reporting.parts.rows import day_of, named, table, words


def version(g: Gathered) -> list[Block]:
    """Which version this is."""
    if g.revision is None:
        return [said("Not signed yet: the review as it is on {on}.", on=g.stated(g.flow, "on"))]
    return [
        said(
            "Revision {n}, signed on {day}.",
            n=g.number(g.content, "content", "number"), day=day_of(g.one(g.content, "content", "signed_at")),
        ),
        *([words("It is an exercise.")] if g.one(g.content, "content", "drill") else []),
        *_withdrawn(g),
    ]  # fmt: skip


def _withdrawn(g: Gathered) -> list[Block]:
    """That nobody should go by it any more, where it is withdrawn."""
    if g.one(g.content, "withdrawn") is None:
        return []
    return [
        said(
            "It was withdrawn on {day}: {why}",
            day=day_of(g.one(g.content, "withdrawn", "at")), why=named(g.one(g.content, "withdrawn", "why")),
        )
    ]  # fmt: skip


def version_before(g: Gathered) -> list[Block]:
    """The version that came before."""
    last = g.one(g.content, "preceding_number") if g.revision is not None else g.one(g.standing, "newest", "number")
    before = next((it for it in g.items(g.revisions) if it["number"] == last), None)
    if before is None:
        return [words("There is no version before this one.")]
    return [
        said(
            "The version before is revision {n}, signed on {day}: {summary}",
            n=g.number(g.revisions, ("number", str(last)), "number"), day=day_of(before["signed_at"]),
            summary=named(before["summary"]),
        )
    ]  # fmt: skip


def course(g: Gathered) -> list[Block]:
    """Whether it goes on being living, as its lead says."""
    state, why = g.one(g.standing, "state"), g.one(g.standing, "why")
    if state in ("paused", "retired"):
        return [said("As it stands today, the review is {state} since {day}: {why}", state=named(state),
                     day=day_of(g.one(g.standing, "since")), why=named(why))]  # fmt: skip
    return [said("As it stands today, the review goes on as a living one; it is {state}.", state=named(state))]


def cadence(g: Gathered) -> list[Block]:
    """How often it is published, and when next."""
    return [
        said(
            "A revision is due every {days} days, also one that changes nothing; as it stands today, the next one is "
            "due on {day}.",
            days=g.number(g.protocol, "protocol", "publish_every_days"), day=g.stated(g.standing, "next_due"),
        ),
        words(
            "A rule that fires asks for another look before that: a contradiction or a bound arrives, an inferred part "
            "has explicit evidence, a configuration without evidence has some, a report is noticed, the protocol is "
            "amended."
        ),
    ]  # fmt: skip


def notices(g: Gathered) -> list[Block]:
    """What happens when more is known of a report that was there before."""
    return [
        words(
            "Each included report is looked up again and again at its sources. One that is retracted, withdrawn or "
            "replaced speaks no more, by itself, until it is reinstated; every configuration that it touched is "
            "judged anew by a person."
        )
    ]


def triggers(g: Gathered) -> list[Block]:
    """The rules that fired and led to the revision."""
    if g.revision is None:
        return [words("What led to a version is said of a signed one.")]
    fired = g.items(g.content, "content", "triggers")
    if not fired:
        return [words("No rule fired before this revision.")]
    return [
        table(
            "Rules that fired", ("rule", "about", "why", "on"), fired,
            lambda it: (named(it["rule"]), named(it["subject"]), named(it["why"]), day_of(it["at"])),
        )
    ]  # fmt: skip


def changes(g: Gathered) -> list[Block]:
    """What changed since the version before."""
    found = g.items(g.content, *g.said, "changes")
    moved = ("evidence",)
    return [
        said(
            "Links that came to stand since the version before: {added}; that no longer do: {withdrawn}.",
            added=g.number(g.content, *g.said, *moved, "added"),
            withdrawn=g.number(g.content, *g.said, *moved, "withdrawn"),
        ),
        table(
            "What changed", ("configuration", "what", "class"), found,
            lambda it: (named(it["cmoc"]), named(it["what"]), named(it["change_class"])),
        ) if found else words("No theory changed."),
    ]  # fmt: skip


def versions(g: Gathered) -> list[Block]:
    """All signed versions up to this one, the newest first."""
    if not g.signed:
        return [Lack("No revision is signed yet.", "synthesis/sign")]
    return [
        table(
            "Signed versions", ("revision", "signed on", "class", "summary", "withdrawn"), g.signed,
            lambda it: (
                g.number(g.revisions, ("number", str(it["number"])), "number"), day_of(it["signed_at"]),
                named(it["change_class"]), named(it["summary"]), named((it.get("withdrawn") or {}).get("why")),
            ),
            cut=g.is_cut(g.revisions),
        )
    ]  # fmt: skip


def signers(g: Gathered) -> list[Block]:
    """Who signed it, by name or by the name that the review gives people."""
    if g.revision is None:
        return [words("Nobody has signed it yet.")]
    return [said("Signed by {name}.", name=g.person(g.one(g.content, "content", "signed_by")))]


def protocol(g: Gathered) -> list[Block]:
    """Where the protocol is, and which version it was."""
    return [
        said(
            "The protocol is kept with all its versions. This report goes by version {n} of {day}; its hash is {hash}.",
            n=g.number(g.protocol, "version"), day=day_of(g.one(g.protocol, "published_at")),
            hash=g.stated(g.protocol, "sha256"),
        )
    ]  # fmt: skip


def amendments(g: Gathered) -> list[Block]:
    """Each version of the protocol, with why."""
    known = [it for it in g.items(g.versions) if g.version is None or it["version"] <= g.version]
    return [
        table(
            "Versions of the protocol", ("version", "of", "why", "what changed"), known,
            lambda it: (
                g.number(g.versions, ("version", str(it["version"])), "version"), day_of(it["published_at"]),
                named(it.get("why")), named(", ".join(it.get("changed") or {})),
            ),
            cut=g.is_cut(g.versions),
        )
    ]  # fmt: skip


def availability(g: Gathered) -> list[Block]:
    """Where the data are."""
    if g.revision is None:
        return [words("Each signed revision gives itself away as a package with all its evidence.")]
    return [
        said(
            "Members of the review may take the revision as a package: the signed document, each link with its "
            "fragment, and the key by which both are checked. The document has the hash {hash}.",
            hash=g.stated(g.content, "content_sha256"),
        )
    ]


PARTS = (
    version, version_before, course, cadence, notices, triggers, changes, versions, signers, protocol, amendments,
    availability,
)  # fmt: skip
