"""The rooms: pages that belong together, each module one table of them."""

from __future__ import annotations

from services.web.room import Room
from services.web.rooms import account, entrance, reviews, screening

ROOMS: list[Room] = [entrance.room, account.room, reviews.room, screening.room]
