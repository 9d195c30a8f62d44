"""The routes of screening."""

from services.screening.api import listings, parking, queue
from services.screening.api.router import router

__all__ = ["listings", "parking", "queue", "router"]
