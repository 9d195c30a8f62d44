"""Ballots: what is asked for an answer, one thing after another, and what was typed for it, to be sent or kept."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from services.cli.screen.cards import Card, Choice, Field
from services.cli.screen.exchange import Ballot
from services.cli.screen.prompts import Line, Pick, number_of

#: What begins the name of a question that is a field of the form.
_FIELDS = "fields."


@dataclass
class Draft:
    """What was typed for a task so far, by the name of what was asked; `answer` is what it was typed for."""

    answer: str = ""
    values: dict[str, Any] = field(default_factory=dict)


def steps(
    card: Card, answer: Choice, draft: Draft, forced: Collection[str], *, whole: bool
) -> list[tuple[str, Line | Pick]]:
    """What is asked for an answer, by name: what must be said, what the platform asked for besides (`forced`), what was
    said before, which stands in it, and with `whole` also what may be left out."""
    had, found = draft.values, list[tuple[str, Line | Pick]]()
    why = f"Why {answer.value}?"
    if card.reasons and answer.leads_to == "exclude":
        chosen = [had["excluded_for"]] if "excluded_for" in had else []
        found.append(("excluded_for", Pick(why, card.reasons, chosen=chosen)))
    must = answer.reason_required or "reason" in forced
    if must or whole or ("reason" in had and draft.answer == answer.value):
        found.append(("reason", Line(f"{why} In words", had.get("reason", ""), required=must)))
    if card.judged_for_cmocs and card.cmocs:
        # Who lets a record on says for which; one that is out may be so for all, which none says.
        must, chosen = answer.leads_to == "advance", had.get("judged_for", [])
        found.append(("judged_for", Pick("Judged for which CMOCs?", card.cmocs, True, must, chosen=chosen)))
    for it in card.fields:
        name = f"{_FIELDS}{it.name}"
        if it.required or whole or name in forced or name in had:
            found.append((name, _prompt(it, had.get(name))))
    return found


def ballot_of(card: Card, answer: Choice, values: dict[str, Any]) -> Ballot:
    """What was said, by the names of what was asked, as a ballot."""
    fields = {it.name: _said(it, value) for it in card.fields if (value := values.get(f"{_FIELDS}{it.name}"))}
    judged_for = tuple(values.get("judged_for", ()))
    return Ballot(answer.value, values.get("reason"), fields, values.get("excluded_for"), judged_for)


def draft_of(ballot: Ballot) -> Draft:
    """What a ballot says, to be kept as if it had only been typed."""
    values: dict[str, Any] = {f"{_FIELDS}{name}": value for name, value in ballot.fields.items()}
    given = {"reason": ballot.reason, "excluded_for": ballot.excluded_for, "judged_for": list(ballot.judged_for)}
    return Draft(ballot.answer, values | {name: value for name, value in given.items() if value})


def _said(field: Field, value: Any) -> Any:
    return number_of(value) if field.kind == "number" else value


def _prompt(field: Field, had: Any) -> Line | Pick:
    if field.kind in ("text", "number"):
        text, number = "" if had is None else str(had), field.kind == "number"
        return Line(field.label, text, field.required, field.help, number, field.least, field.most)
    chosen = had if isinstance(had, list) else [had] if had else []
    return Pick(field.label, field.options, field.kind != "choice", field.required, field.help, chosen)
