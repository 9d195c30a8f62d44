"""The routes of screening."""

from services.screening.api import (
    assigning,
    batches,
    flow,
    listings,
    mine,
    notes,
    parking,
    queue,
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
    "stream",
    "training",
    "votes",
]
