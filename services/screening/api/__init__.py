"""The routes of screening."""

from services.screening.api import listings, notes, parking, queue, votes
from services.screening.api.router import router

__all__ = ["listings", "notes", "parking", "queue", "router", "votes"]
