"""What data say of what was found: the studies, the theories, and what stands behind each."""

from __future__ import annotations

from functools import partial
from typing import Any

from shared.reporting.asking import EVERY, Step
from shared.reporting.documents import Block, Lack, Stated, said
from shared.reporting.gathered import Gathered
from shared.reporting.parts.rows import named, table, words

#: The parts of a configuration.
_ELEMENTS = ("context", "resource", "reasoning", "outcome")

_CONFIDENCE = ("methodological_limitations", "coherence", "adequacy", "relevance", "confidence")


def title(g: Gathered) -> list[Block]:
    """What the review is called."""
    return [said("{title} (a living realist review).", title=g.stated(g.standing, "title"))]


def question(g: Gathered) -> list[Block]:
    """What the protocol asks."""
    return [said("{question}", question=g.stated(g.protocol, "protocol", "question"))]


def definitions(g: Gathered) -> list[Block]:
    """How the review defines what is coded."""
    names = g.names(g.protocol, "protocol", "definitions")
    return [
        table(
            "Definitions that people code by", ("word", "definition"), names,
            lambda name: (named(name), g.stated(g.protocol, "protocol", "definitions", name)),
        )
    ]  # fmt: skip


def configurations(g: Gathered) -> list[Block]:
    """The outcomes that evidence is sought for, as parts of the configurations."""
    cmocs = g.items(g.protocol, "protocol", "cmocs")
    return [
        said(
            "Configurations of context, mechanism and outcome for which evidence is coded: {n}. The outcome of each:",
            n=g.number(g.protocol, "protocol", "cmocs", EVERY, how="count"),
        ),
        table(
            "Outcomes", ("configuration", "outcome"), cmocs, lambda it: (named(it["id"]), named(it["outcome"]))
        ),
    ]  # fmt: skip


def evidence_rules(g: Gathered) -> list[Block]:
    """Which evidence counts for what."""
    return [
        words(
            "Each configuration rests on the standing links of fragments to it. Several reports of one study count "
            "as one; a report that is retracted, withdrawn or replaced speaks no more until it is reinstated."
        )
    ]


def status_rules(g: Gathered) -> list[Block]:
    """By which rules a status is found, and what only people decide."""
    return [
        words(
            "Of each configuration a status is computed by fixed rules: contested where a credible link contradicts "
            "it; no evidence where no study speaks for it; partially supported where a part of it is not shown, or "
            "by a single study; and supported otherwise. Mergers, splits, refinements and what is set aside are "
            "decided by people, by an amendment of the protocol, each with its reason. A named lead signs."
        )
    ]


def confidence_method(g: Gathered) -> list[Block]:
    """How it is judged how sure one may be."""
    return [
        words(
            "How sure one may be of a configuration is judged by people, by the four parts of GRADE-CERQual, each "
            "time with why; it changes no status."
        )
    ]


def studies(g: Gathered) -> list[Block]:
    """The reports that it rests on, study by study."""
    if g.revision is None:
        return _studies_of_draft(g)
    reports = g.items(g.studies, "reports")
    if not reports:
        return [Lack("No evidence is coded yet.", "synthesis/coding")]
    return [
        said(
            "Studies: {studies}; reports of them: {reports}.",
            studies=g.number(g.studies, "reports", EVERY, "study", how="distinct"),
            reports=g.number(g.studies, "reports", EVERY, how="count"),
        ),
        table(
            "Reports that the findings rest on",
            ("report", "study", "speaks to", "noticed, as it stands today"), reports,
            lambda it: (
                named(it["title"]), named(it["study"]), named(", ".join(it["cmocs"])),
                named(", ".join(notice["kind"] for notice in it["notices"])),
            ),
        ),
    ]  # fmt: skip


def characteristics(g: Gathered) -> list[Block]:
    """What is known of each included study, of whatever the protocol asks; as it stands today."""
    asked = g.items(g.asked_of_studies)
    if not asked:
        return []
    described = g.items(g.described)
    if not described:
        return [Lack("No study is included yet.", "synthesis/coding")]
    counts = said(
        "As it stands today: included studies: {studies}. Answers that must be given, and lack: {lacking}; answers in "
        "which people differ: {apart}.",
        studies=g.number(g.described, EVERY, how="count"),
        lacking=g.number(g.described, EVERY, "lacking", how="sum"),
        apart=g.number(g.described, EVERY, "apart", how="sum"),
    )
    form = table(
        "What is asked of each study", ("characteristic", "kind", "must be answered"), asked,
        lambda it: (named(it["label"]), named(it["kind"].replace("_", " ")), named("yes" if it["required"] else "")),
    )  # fmt: skip
    heads = ("study", *(it["label"] for it in asked))
    return [
        counts,
        form,
        table("Characteristics of the included studies", heads, described, partial(_described, asked)),
    ]


def _described(asked: list[Any], study: dict[str, Any]) -> list[Stated]:
    known = {it["characteristic"]: it["answers"] for it in study["characteristics"]}
    titles = "; ".join(it["title"] or it["record"] for it in study["reports"])
    return [named(titles), *(named(_answered(known.get(it["name"], []))) for it in asked)]


def _answered(answers: list[dict[str, Any]]) -> str:
    """The answers that stand, each once, as people read them."""
    return " | ".join(dict.fromkeys("not reported" if it["not_reported"] else _value(it["value"]) for it in answers))


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "; ".join(value) if isinstance(value, list) else str(value)


def study_findings(g: Gathered) -> list[Block]:
    """What each study speaks to, counted by stance."""
    cmocs = _cmocs(g)
    found = [(it["cmoc"], stance) for it in cmocs for stance in it["stances"]]
    if not found:
        return [Lack("No evidence is coded yet.", "synthesis/coding")]
    return [
        table(
            "Links to each configuration, by stance", ("configuration", "stance", "links"), found,
            lambda it: (
                named(it[0]), named(it[1]),
                g.number(g.content, *g.said, "cmocs", ("cmoc", it[0]), "stances", it[1]),
            ),
        )
    ]  # fmt: skip


def theories(g: Gathered) -> list[Block]:
    """The programme theories as they are stated."""
    found = g.items(g.content, *g.said, "theories")
    if not found:
        return [Lack("The synthesis says nothing yet.", "synthesis")]
    return [
        table(
            "Programme theories", ("theory", "statement"), found,
            lambda it: (named(it["heading"]), named(it["statement"])),
        )
    ]  # fmt: skip


def findings(g: Gathered) -> list[Block]:
    """Each configuration in its parts, with its status and how many studies stand behind it."""
    if not _cmocs(g):
        return [Lack("The synthesis says nothing yet.", "synthesis")]
    return [
        table(
            "Configurations", ("configuration", *_ELEMENTS, "status", "studies that support it"), _cmocs(g),
            lambda it: (
                named(it["cmoc"]), *(named(it[part]) for part in _ELEMENTS), named(it["status"].replace("_", " ")),
                g.number(g.content, *_cmoc(g, it), "support"),
            ),
        ),
        said(
            "Behind it stand {studies} studies in {reports} reports, by {fragments} fragments with {links} links.",
            **{
                name: g.number(g.content, *g.said, "counts", name)
                for name in ("studies", "reports", "fragments", "links")
            },
        ),
    ]  # fmt: skip


def patterns(g: Gathered) -> list[Block]:
    """Where context and outcome go together in several studies, with what speaks against that."""
    found = [it for it in _cmocs(g) if it.get("pattern")]
    if not found:
        return [words("In no configuration do two studies or more show context and outcome both.")]
    return [
        table(
            "Demi-regularities", ("configuration", "studies", "links against it", "links where it ends"),
            found,
            lambda it: (
                named(it["cmoc"]),
                *(
                    g.number(g.content, *_cmoc(g, it), "pattern", name, EVERY, how="count")
                    for name in ("studies", "counter", "moderators")
                ),
            ),
        )
    ]  # fmt: skip


def confidence(g: Gathered) -> list[Block]:
    """How sure people were of each configuration, and why."""
    judged = [it for it in _cmocs(g) if it.get("confidence")]
    if not judged:
        return [Lack("Nobody has judged yet how sure one may be of any configuration.", "synthesis")]
    return [
        table(
            "How sure one may be",
            ("configuration", "limitations", "coherence", "adequacy", "relevance", "the whole", "why"), judged,
            lambda it: (
                named(it["cmoc"]), *(named(str(it["confidence"][part]).replace("_", " ")) for part in _CONFIDENCE),
                named(it["confidence"]["why"]),
            ),
        )
    ]  # fmt: skip


def _cmocs(g: Gathered) -> list[Any]:
    return g.items(g.content, *g.said, "cmocs")


def _cmoc(g: Gathered, cmoc: dict[str, Any]) -> tuple[Step, ...]:
    return (*g.said, "cmocs", ("cmoc", cmoc["cmoc"]))


def _studies_of_draft(g: Gathered) -> list[Block]:
    found = g.items(g.studies, "studies")
    if not found:
        return [Lack("No evidence is coded yet.", "synthesis/coding")]
    return [
        said(
            "Studies: {studies}; reports of them: {reports}.",
            studies=g.number(g.studies, "studies", EVERY, how="count"),
            reports=g.number(g.studies, "studies", EVERY, "records", EVERY, how="count"),
        ),
        table(
            "Studies that the draft rests on", ("study", "reports"), found,
            lambda it: (named(it["study"]), named("; ".join(it["titles"]))),
        ),
    ]  # fmt: skip


PARTS = (
    title, question, definitions, configurations, evidence_rules, status_rules, confidence_method, studies,
    characteristics, study_findings, theories, findings, patterns, confidence,
)  # fmt: skip
