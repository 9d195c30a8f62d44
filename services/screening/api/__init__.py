"""The routes of screening."""

from services.screening.api import listings, queue, votes
from services.screening.api.router import router

__all__ = ["listings", "queue", "router", "votes"]
