"""What data say of how records were selected and appraised, and of where each went."""

from __future__ import annotations

from collections.abc import Iterator

from shared.reporting.asking import Request, Step
from shared.reporting.documents import Block, Lack, Paragraph, Table, said
from shared.reporting.gathered import Gathered
from shared.reporting.parts.rows import named, table, words

#: What becomes of votes that part, by the way that the protocol chose.
_SETTLED = {
    "third_person": "a third person decides",
    "consensus": "the voters settle it",
    "include_if_any": "one that includes is enough",
    "exclude_if_all": "it is out only where all exclude",
}

#: Who settles what coders differ in, by the way that the protocol chose.
_RECONCILED = {"coders": "these coders", "adjudicator": "an adjudicator who did not code the report"}

_SIDES = ("all", "databases", "other methods")


def criteria(g: Gathered) -> list[Block]:
    """What the protocol says makes a record eligible."""
    lines = [
        (label, text)
        for name, label in (("include", "eligible"), ("exclude", "not eligible"))
        for text in g.items(g.protocol, "protocol", "criteria", name)
    ]
    if not lines:
        return [Lack("The protocol has no criteria.", "protocol")]
    return [table("Criteria", ("criterion", "is"), lines, lambda it: (named(it[1]), words(it[0])))]


def stages(g: Gathered) -> list[Block]:
    """Each stage, what it asks, and of how many people."""
    return [
        table(
            "Stages of selection",
            ("stage", "question", "votes", "per cent that get them all", "where votes part"),
            g.items(g.protocol, "protocol", "stages"),
            lambda it: (
                named(it["name"]), named(it["question"]),
                g.number(g.protocol, "protocol", "stages", ("name", it["name"]), "votes"),
                g.number(g.protocol, "protocol", "stages", ("name", it["name"]), "double_screened")
                if it.get("double_screened") else words("every record"),
                words(_SETTLED.get(it.get("reconciliation") or "third_person", "as the protocol says")),
            ),
        ),
        words("Nobody sees another's vote on a record before their own."),
    ]  # fmt: skip


def agreement(g: Gathered) -> list[Block]:
    """How far independent votes agree, with the counts."""
    voted = [it for it in g.items(g.agreement) if it["n"]]
    if not voted:
        return [Lack("There are no two independent votes on one record yet, of those that you may see.", "")]
    return [
        table(
            "Agreement of independent votes, as it is today",
            ("stage", "records with two votes or more", "all votes equal", "share of equal pairs", "Cohen's kappa",
             "Gwet's AC"),
            voted,
            lambda it: (
                named(it["stage"]),
                *(
                    g.number(g.agreement, ("stage", it["stage"]), *steps)
                    for steps in (("n",), ("agreed",), ("observed",), ("kappa",), ("ac1", "value"))
                ),
            ),
        )
    ]  # fmt: skip


def coders(g: Gathered) -> list[Block]:
    """How many people code each report, who settles what they differ in, and how far they agree; nothing where the
    protocol asks for no coders."""
    plan = ("protocol", "extraction")
    if not g.has(g.protocol, *plan):
        return []
    number, many = g.number(g.protocol, *plan, "coders"), g.one(g.protocol, *plan, "coders")
    found: list[Block] = [said("People who code each included report: {n}.", n=number)]
    if many == 1:
        return found
    settled = said(
        "They know nothing of each other's coding until all of them have finished. What they differ in is settled by "
        "{who}, with why.",
        who=words(_RECONCILED[g.one(g.protocol, *plan, "reconciled_by") or "coders"]).runs[0],
    )
    n = g.number(g.coding_agreement, "reports")
    finished = said("Reports that all of their coders have finished, as it is today: {n}.", n=n)
    return [*found, settled, finished, _coding_agreement(g)]


def _coding_agreement(g: Gathered) -> Block:
    """How far coders agreed before anything was settled."""
    if not any(g.all(g.coding_agreement, "every", "n")):
        return Lack("No report is coded by all of its coders yet.", "synthesis/extractions")
    return table(
        "Agreement of coders before anything was settled, as it is today",
        ("of elements of configurations in reports", "units", "both said the same", "Krippendorff's alpha"),
        (("every", "all of which one coded anything"), ("where_both", "those of which both coded something")),
        lambda it: (
            words(it[1]), *(g.number(g.coding_agreement, it[0], name) for name in ("n", "agreed", "alpha")),
        ),
    )  # fmt: skip


def appraisal(g: Gathered) -> list[Block]:
    """What is asked about a report beside whether it stays, and that rigour is of a fragment and a claim."""
    asked = [
        (stage, field) for stage in g.items(g.protocol, "protocol", "stages") for field in stage.get("fields") or []
    ]
    found: list[Block] = [
        words(
            "Whether a fragment is trustworthy is judged for each claim that rests on it (credible, caution, not "
            "credible), each time with why; the last judgement holds and all of them stay."
        )
    ]
    if asked:
        found.append(_fields("What appraisers say beside their answer", asked))
    return found


def forms(g: Gathered) -> list[Block]:
    """What people fill in about a report."""
    asked = [
        (stage, field) for stage in g.items(g.protocol, "protocol", "stages") for field in stage.get("fields") or []
    ]
    found: list[Block] = [
        words(
            "Of each fragment its place, its quote or paraphrase and the kind of data are kept, and of each link the "
            "part of the configuration, the stance, the inference and why."
        )
    ]
    return [*found, _fields("What forms ask", asked)] if asked else found


def flow(g: Gathered) -> list[Block]:
    """Where all records are that came by the day of the report."""
    if not g.has(g.flow, "identified", "n"):
        return [Lack("Nothing was identified yet.", "sources")]
    return [_flow(g, g.flow, said("All records up to {on}", on=g.stated(g.flow, "on")))]


def cycle_flow(g: Gathered) -> list[Block]:
    """What of that came within the cycle."""
    if g.cycle is None or not g.has(g.cycle_flow, "identified"):
        return []
    since = g.one(g.cycle_flow, "since")
    if _is_to_come(g, g.cycle):
        if g.revision is not None:
            return [words("This cycle has no day of its own: the revision before it was signed on the same day.")]
        return [said("The next cycle has not begun: its first day is {day}.", day=named(since))]
    caption = said("Changed within this cycle, from {a} to {b}", a=named(since), b=g.stated(g.cycle_flow, "on"))
    return [_flow(g, g.cycle_flow, caption)]


def exclusions(g: Gathered) -> list[Block]:
    """Why records are out, at each stage."""
    out = [(stage["stage"], reason) for stage in g.items(g.flow, "stages") for reason in stage["excluded_for"]]
    if not out:
        return [words("No stage has left out a record for one of its reasons.")]
    return [
        table(
            "Records left out, by reason", ("stage", "reason", "records"), out,
            lambda it: (
                named(it[0]), named(it[1]), g.number(g.flow, "stages", ("stage", it[0]), "excluded_for", it[1], "n")
            ),
        )
    ]  # fmt: skip


def automation(g: Gathered) -> list[Block]:
    """What machines do in the review, in which version, and whether that was evaluated (RAISE)."""
    done = [(request, it["step"], it) for request in g.automations() for it in g.items(request)]
    if not done:
        return [Lack("The platform does not say what it does by itself.", "")]
    return [
        table(
            "Steps that are automated (RAISE), as it stands today",
            ("step", "what it does", "version", "evaluated", "who decides"), done,
            lambda it: (
                named(it[2]["step"]), named(it[2]["does"]), g.number(it[0], ("step", it[1]), "version"),
                words("yes") if it[2]["evaluated"] else words("not on this review"), named(it[2]["decided_by"]),
            ),
        ),
        words("No machine includes or excludes a record by what it says, codes evidence, or signs."),
    ]  # fmt: skip


def cycles(g: Gathered) -> list[Block]:
    """The newest cycles beside each other."""
    known = [cycle for cycle in g.cycles if g.has(g.flow_of(cycle), "identified") and not _is_to_come(g, cycle)]
    if not known:
        return []
    figures = ("identified", "duplicates", "excluded", "included", "waiting")
    return [
        table(
            "What each cycle changed, the newest last",
            ("cycle", "until", *figures),
            known,
            lambda cycle: (
                g.number(g.flow_of(cycle), "cycle"), g.stated(g.flow_of(cycle), "on"),
                *(g.number(g.flow_of(cycle), figure, "n") for figure in figures),
            ),
        )
    ]  # fmt: skip


def _is_to_come(g: Gathered, cycle: int) -> bool:
    """Whether a cycle has no day yet: what comes on the day of a signature is of the one that ends then."""
    since, on = (g.one(g.flow_of(cycle), name) for name in ("since", "on"))
    return bool(since and on) and str(since) > str(on)


def _fields(caption: str, asked: list[tuple[dict[str, object], dict[str, object]]]) -> Table:
    return table(
        caption, ("stage", "field", "asked"), asked,
        lambda it: (named(it[0]["name"]), named(it[1].get("label") or it[1]["name"]), named(it[1].get("help"))),
    )  # fmt: skip


def _flow(g: Gathered, request: Request, caption: Paragraph) -> Table:
    """The figures of a flow: all, and what of them came from databases and by other methods."""
    return table(
        caption, ("figure", *_SIDES), _figures(g, request),
        lambda it: (
            it[0],
            *(
                g.number(request, *side, *it[1])
                for side in ((), ("databases",), ("other_methods",))
            ),
        ),
    )  # fmt: skip


def _figures(g: Gathered, request: Request) -> Iterator[tuple[Paragraph, tuple[Step, ...]]]:
    yield words("identified"), ("identified", "n")
    yield words("duplicates removed"), ("duplicates", "n")
    for rule in g.names(request, "kept_out"):
        yield said("kept out by rule {rule}", rule=named(rule)), ("kept_out", rule, "n")
    for stage in g.items(request, "stages"):
        name = stage["stage"]
        if name == g.one(request, "assessed_from"):
            for figure in ("sought", "retrieved", "awaited", "not_retrieved"):
                yield words(f"full texts {figure.replace('_', ' ')}"), ("texts", figure, "n")
        for figure in ("reached", "excluded", "waiting", "passed"):
            yield said(f"{{stage}}: {figure}", stage=named(name)), ("stages", ("stage", name), figure, "n")
    yield words("included"), ("included", "n")


PARTS = (criteria, stages, agreement, coders, appraisal, forms, flow, cycle_flow, exclusions, automation, cycles)
