"""The routes of screening."""

from services.screening.api import batches, flow, listings, notes, parking, queue, votes
from services.screening.api.router import router

__all__ = ["batches", "flow", "listings", "notes", "parking", "queue", "router", "votes"]
