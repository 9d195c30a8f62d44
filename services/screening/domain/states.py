"""The states of records, tasks and leases, and the kinds of leases."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from shared.states import States
from shared.wire.screening import BatchState, Ended, Kind, RecordState, TaskState


class RecordStates(States[RecordState]):
    """A record's way through the stages."""

    SCREENING: Final = "screening"
    INCLUDED: Final = "included"
    EXCLUDED: Final = "excluded"
    MERGED: Final = "merged"

    what = "record"
    moves = {
        (None, SCREENING): "it is discovered",
        (None, EXCLUDED): "a rule of the protocol keeps it out",
        (
            SCREENING,
            SCREENING,
        ): "it passes a stage, goes back to one, or is at one that an amended protocol has no more",
        (SCREENING, INCLUDED): "it passes the last stage",
        (SCREENING, EXCLUDED): "a stage decides so, or a rule of an amended protocol",
        (EXCLUDED, SCREENING): "the dates that kept it out admit it now, votes that led it out were one person's, the "
        "theory it was out for says something else now, a lead has it decided again, or undoes a batch",
        (INCLUDED, SCREENING): "votes that led it on were one person's, a lead has it decided again, or undoes a batch",
        (SCREENING, MERGED): "it is the same work as another",
        (INCLUDED, MERGED): "it is the same work as another",
        (EXCLUDED, MERGED): "it is the same work as another",
        (MERGED, SCREENING): "it turns out to be a work of its own, about which nothing was decided",
        (MERGED, INCLUDED): "it turns out to be a work of its own, which was included",
        (MERGED, EXCLUDED): "it turns out to be a work of its own, which was excluded",
    }


class TaskStates(States[TaskState]):
    """A stage's question about a record."""

    OPEN: Final = "open"
    CONFLICT: Final = "conflict"
    ADVANCED: Final = "advanced"
    EXCLUDED: Final = "excluded"
    WITHDRAWN: Final = "withdrawn"
    PARKED: Final = "parked"

    #: Those that are not over, in the first two of which people are asked; and those in which their answer stands.
    WAITING = (OPEN, CONFLICT, PARKED)
    DECIDED = (ADVANCED, EXCLUDED)

    what = "task"
    moves = {
        (None, OPEN): "its record reaches the stage",
        (
            OPEN,
            CONFLICT,
        ): "its votes part, or ask for a third person, what is one with it passed the stage, or a lead has "
        "an adjudicator decide again",
        (OPEN, ADVANCED): "its votes lead on, or a lead's batch",
        (OPEN, EXCLUDED): "its votes lead out, or a lead's batch",
        (CONFLICT, ADVANCED): "an adjudicator or its voters decide, or the batch is undone that had it decided again",
        (CONFLICT, EXCLUDED): "an adjudicator or its voters decide, what passed the stage is another record again, or "
        "the batch is undone that had it decided again",
        (OPEN, WITHDRAWN): "its record is merged, kept out by a rule, or goes back to an earlier stage, or an amended "
        "protocol has the stage no more",
        (CONFLICT, WITHDRAWN): "its record is merged, or goes back to an earlier stage",
        (WITHDRAWN, OPEN): "its record is admitted again, or comes by again",
        (CONFLICT, OPEN): "votes on it were one person's",
        (ADVANCED, OPEN): "votes on it were one person's, a lead has it decided again, or undoes a batch",
        (EXCLUDED, OPEN): "votes on it were one person's, its record comes by again, or is one with what passed here, "
        "the theory it was judged for says something else now, a lead has it decided again, or undoes a batch",
        (OPEN, PARKED): "somebody parks it, or leases of it came to nothing again and again",
        (CONFLICT, PARKED): "somebody parks it, or leases of it came to nothing again and again",
        (PARKED, OPEN): "it is brought back, or its day has come",
        (PARKED, CONFLICT): "it is brought back, or what people still had in hand makes its votes part",
        (PARKED, ADVANCED): "what people still had in hand decides it, or a lead's batch",
        (PARKED, EXCLUDED): "what people still had in hand decides it, or a lead's batch",
        (PARKED, WITHDRAWN): "its record is merged, kept out by a rule, or goes back to an earlier stage",
    }


class LeaseStates(States[Ended]):
    """A slot of a task that is kept for a person: nothing while it lives, then how it ended."""

    VOTED: Final = "voted"
    RELEASED: Final = "released"
    LAPSED: Final = "lapsed"
    WITHDRAWN: Final = "withdrawn"
    FREED: Final = "freed"

    what = "lease"
    column = "ended"
    moves = {
        (None, VOTED): "its person votes",
        (None, RELEASED): "its person gives it back",
        (None, LAPSED): "its time is over",
        (None, WITHDRAWN): "its task needs no vote any more",
        (None, FREED): "a lead frees it",
    }


class BatchStates(States[BatchState]):
    """What a lead asked for many records at once."""

    REQUESTED: Final = "requested"
    CARRIED_OUT: Final = "carried_out"
    UNDOING: Final = "undoing"
    UNDONE: Final = "undone"

    what = "batch"
    moves = {
        (None, REQUESTED): "a lead asks for it",
        (REQUESTED, CARRIED_OUT): "all its records are gone through",
        (REQUESTED, UNDOING): "a lead undoes it before it is through",
        (CARRIED_OUT, UNDOING): "a lead undoes it",
        (UNDOING, UNDONE): "all that it did is gone through",
    }


#: How a lease may come to nothing beside the ways in which it ends: its person wants it after the others.
SKIPPED: Final = "skipped"

#: The kinds of leases: to screen a record, and to decide a conflict.
TO_SCREEN: Final = "screening"
TO_DECIDE: Final = "conflict"

#: Who decides a conflict, where it is no role: those who voted.
VOTERS: Final = "voters"

#: The state of a task in which each kind of lease is taken.
ASKED_IN: Mapping[Kind, TaskState] = {TO_SCREEN: TaskStates.OPEN, TO_DECIDE: TaskStates.CONFLICT}
