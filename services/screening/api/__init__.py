"""The routes of screening."""

from services.screening.api import queue  # Routes are tried in turn: those that are asked most come first.

# isort: split
from services.screening.api import (
    assigning,
    batches,
    flow,
    listings,
    mine,
    notes,
    parking,
    settling,
    stream,
    training,
    votes,
)
from services.screening.api.router import router

__all__ = [
    "assigning",
    "batches",
    "flow",
    "listings",
    "mine",
    "notes",
    "parking",
    "queue",
    "router",
    "settling",
    "stream",
    "training",
    "votes",
]
