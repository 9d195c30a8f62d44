"""People as one table."""

from __future__ import annotations

from pathlib import Path

from services.people import api, jobs, reactions, views
from services.people.commands.standing import require_standing
from services.people.models import Base
from services.people.ports.sign_in.argon2 import Argon2Passwords
from shared.events.people import (
    AccessWithdrawn,
    HandoverAccepted,
    HandoverClosed,
    HandoverProposed,
    KeyMade,
    MemberJoined,
    MemberLeft,
    NameMapped,
    PublicityChanged,
    RoleChanged,
)
from shared.events.protocol import VersionPublished
from shared.service import Prune, Service, on

SERVICE = Service(
    name="people",
    summary="Knows who may act in a review, by which keys, and what was withdrawn.",
    package=Path(__file__).parent,
    tables=Base.metadata,
    routes=api.router,
    reactions=[on(VersionPublished, reactions.know_review)],
    emits=[
        MemberJoined,
        MemberLeft,
        RoleChanged,
        PublicityChanged,
        HandoverProposed,
        HandoverClosed,
        HandoverAccepted,
        NameMapped,
        KeyMade,
        AccessWithdrawn,
    ],
    resources=lambda settings: Argon2Passwords(),
    admit=require_standing,
    hide=views.hide_old_names,
    prunes=[Prune(jobs.old_failures, "sign_in_days")],
)
