"""Teams: what the people of a review lack to do what its stages ask."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from shared.events.protocol import Protocol
from shared.events.stages import CONSENSUS, THIRD_PERSON, Stage
from shared.tokens import ROLES


def lacking(stages: Sequence[Stage], roles: Mapping[str, str]) -> list[str]:
    """What people with these roles, by their ids, cannot do of what the stages ask: a sentence each."""
    return [lack for stage in stages for lack in _lacking_at(stage, roles)]


def lacking_as_named(protocol: Protocol) -> list[str]:
    """The same of the team that a protocol names; nothing where it names none."""
    roles = {person: wanted.role for wanted in protocol.team for person in wanted.people}
    return lacking(protocol.stages, roles) if roles else []


def missing(protocol: Protocol, roles: Mapping[str, str]) -> list[str]:
    """Those whom a protocol names and who are not there with these roles, or with less than it says."""
    named = [(person, wanted.role) for wanted in protocol.team for person in wanted.people]
    return [
        f"{person} is to be {role}, and is {f'{roles[person]} here' if person in roles else 'no member'}"
        for person, role in named
        if person not in roles or not _has(roles[person], role)
    ]


def _lacking_at(stage: Stage, roles: Mapping[str, str]) -> Iterator[str]:
    voters = sum(_has(role, "reviewer") for role in roles.values())
    if voters < stage.votes:
        yield f"stage {stage.name!r} asks for {stage.votes} votes on a record, and {_people(voters)} may vote"
    elif _may_need_third_person(stage):
        if not any(_has(role, stage.adjudicators) for role in roles.values()):
            yield f"nobody may decide a conflict of stage {stage.name!r}, which takes the role {stage.adjudicators!r}"
        elif voters == stage.votes:
            hint = "; `reconciliation: consensus` has the voters decide" if _is_for_voters_too(stage) else ""
            yield f"nobody who did not vote is left to decide a conflict of stage {stage.name!r}{hint}"


def _may_need_third_person(stage: Stage) -> bool:
    asks = any(answer.leads_to == "adjudicate" for answer in stage.answers)
    if stage.reconciliation == THIRD_PERSON:
        return stage.votes > 1 or asks
    if stage.reconciliation == CONSENSUS:  # One vote alone has nobody to agree with.
        return stage.double_screened is not None and asks
    return stage.reconciliation == "include_if_any" and asks


def _is_for_voters_too(stage: Stage) -> bool:
    return stage.reconciliation == THIRD_PERSON and stage.votes > 1


def _has(role: str, needed: str) -> bool:
    return role in ROLES and ROLES.index(role) >= ROLES.index(needed)


def _people(count: int) -> str:
    return "one person" if count == 1 else f"{count or 'no'} people"
