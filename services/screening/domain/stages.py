"""The stages of a protocol and the answers of each."""

from __future__ import annotations

from collections.abc import Collection

from shared.events.protocol import Protocol
from shared.events.stages import Answer, Stage


def next_stage(protocol: Protocol, passed: Collection[str]) -> Stage | None:
    """The first stage a record has not passed; None when it has passed them all."""
    return next((stage for stage in protocol.stages if stage.name not in passed), None)


def stage_named(protocol: Protocol, name: str) -> Stage | None:
    return next((stage for stage in protocol.stages if stage.name == name), None)


def answer_named(stage: Stage, value: str) -> Answer | None:
    return next((answer for answer in stage.answers if answer.value == value), None)


def decisions(stage: Stage, said: Collection[str] = ()) -> list[Answer]:
    """The answers that decide a conflict: those that ask for no adjudicator again, each with its reason, but for those
    that another voter has `said`, and why."""
    deciding = (answer for answer in stage.answers if answer.leads_to != "adjudicate")
    return [answer.model_copy(update={"reason_required": answer.value not in said}) for answer in deciding]
