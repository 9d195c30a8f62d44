"""`living token`: who may do what, as signed tokens that are kept nowhere."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click

from services.cli.commands import Group, argument, option
from services.cli.context import client, key_path
from shared.errors import Conflict, Invalid, LivingError, NotFound, Unavailable

if TYPE_CHECKING:
    from shared.keys.ring import KeyRing

app = Group(help="Tokens: who may do what.")


@app.command(
    "issue",
    example="export ANA=$(living token issue ana --review shared-records)\n"
    "export DORA=$(living token issue dora --role lead --review shared-records --days 365)",
)
@argument("name", "Whose token it is, without a colon; votes and signatures carry this name.")
@option("--role", default="reviewer", help="reader, reviewer, adjudicator, lead or admin.")
@option("--review", multiple=True, help="A review it holds for (repeatable); all without.")
@option("--days", default=90, type=click.IntRange(1, 3650), help="Days until it expires.")
@click.option(
    "--unknown-review",
    is_flag=True,
    help="Also for a review that the platform does not know or cannot be asked of.",
)
def issue(name: str, role: str, review: tuple[str, ...], days: int, unknown_review: bool) -> None:
    """Issue a token; it is printed once and kept nowhere.

    Needs the platform's signing key. Whether the platform knows the reviews is asked of the platform, so let it
    run; a token for a review that is applied later needs --unknown-review.
    """
    ring = _ring()
    if not unknown_review:
        _refuse_unknown(review)
    from shared.tokens import ALL_REVIEWS, Person, issue_token

    person = Person(name, role, review or (ALL_REVIEWS,))
    click.echo(issue_token(ring, person, now=datetime.now(UTC), valid_for=timedelta(days=days)))


def _ring() -> KeyRing:
    """The platform's keys; never a new one, whose tokens no platform would know."""
    from shared.keys.file import read_ring

    path = key_path()
    if not path.is_file():
        raise NotFound(
            f"there is no signing key at {path}, and a token of another key opens nothing: start `living serve` once, "
            "or set LIVING_DATA_DIR or LIVING_SIGNING_KEY to where the platform's key is",
            slug="no_signing_key",
        )
    return read_ring(path)


def _refuse_unknown(reviews: tuple[str, ...]) -> None:
    """Raises Invalid for a review that the platform does not know, Unavailable when it does not answer."""
    for review in reviews:
        try:
            with client(patience=0) as living:
                living.protocol.newest(review)
        except NotFound as error:
            raise Invalid(
                f"the platform knows no review {review!r}: apply its protocol first (`living review apply FILE`), or "
                "say --unknown-review",
                slug="unknown_review",
            ) from error
        except Unavailable as error:
            raise Unavailable(
                f"whether there is a review {review!r} cannot be asked: {error.detail}; or say --unknown-review"
            ) from error
        except LivingError as error:
            raise Conflict(
                f"the platform does not tell whether there is a review {review!r}: {error.detail}"
            ) from error
