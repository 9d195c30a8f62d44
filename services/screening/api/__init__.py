"""The routes of screening."""

from services.screening.api import flow, listings, notes, parking, queue, stream, votes
from services.screening.api.router import router

__all__ = ["flow", "listings", "notes", "parking", "queue", "router", "stream", "votes"]
