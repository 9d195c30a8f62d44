"""The router of screening, on which each module beside this one puts its routes, and their units of work."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from fastapi import APIRouter

from shared.db.work import Work
from shared.http.route import Route
from shared.http.streams import Asking
from shared.http.units import reading_of, unit_of

router = APIRouter(prefix="/screening", tags=["screening"], route_class=Route)

Unit = Annotated[Work, unit_of("screening")]
Reading = Annotated[Work, reading_of("screening")]

#: How what many follow is read, by the application and a name for it.
asking = partial(Asking, "screening")
