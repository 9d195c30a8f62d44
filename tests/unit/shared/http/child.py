"""A process that serves the toy service: `python -m tests.unit.shared.http.child OPEN_FILES SETTINGS [uploads]`, the
settings as JSON."""

from __future__ import annotations

import json
import resource
import sys
import time

from fastapi import APIRouter

from shared import logging
from shared.http import connections
from shared.http.auth import Reviewer
from shared.http.route import Route
from shared.runtime.app import create_app
from shared.runtime.platform import Platform
from shared.settings import Settings
from tests.databases import make_tables
from tests.toy import TOY, NoteView, Unit, overdue, write_note
from tests.unit.shared.http.uploads import UPLOADING, add_uploads

slow = APIRouter(prefix="/toy", route_class=Route)


@slow.post("/reviews/{review}/slow-notes")
def post_slowly(review: str, work: Unit, person: Reviewer) -> NoteView:
    """Writes a note and takes a moment over it, with the right to write in hand."""
    write_note(work, overdue(review))
    work.session.flush()
    time.sleep(0.2)
    return NoteView(review=review)


def main(open_files: int, settings: Settings, uploads: bool) -> None:
    if open_files:
        resource.setrlimit(resource.RLIMIT_NOFILE, (open_files, open_files))
    logging.configure(settings)
    service = UPLOADING if uploads else TOY
    platform = Platform(settings, [service])
    make_tables(platform.running["toy"].database, service)
    app = create_app(platform)
    app.include_router(slow)
    add_uploads(app)
    connections.serve(app, settings, stopping=app.state.gates.close)


if __name__ == "__main__":
    main(int(sys.argv[1]), Settings(_env_file=None, **json.loads(sys.argv[2])), sys.argv[3:] == ["uploads"])
