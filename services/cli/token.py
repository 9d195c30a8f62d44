"""`living token`: who may do what, as signed tokens that are kept nowhere."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import click

from services.cli.commands import Group, argument, option
from services.cli.context import client, require_key
from shared.errors import Conflict, Invalid, LivingError, NotFound, Unavailable

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
    from shared.keys.file import read_ring

    # Never a new one, whose tokens no platform would know.
    ring = read_ring(require_key())
    if not unknown_review:
        _refuse_unknown(review)
    from shared.tokens import ALL_REVIEWS, Person, issue_token

    person = Person(name, role, review or (ALL_REVIEWS,))
    click.echo(issue_token(ring, person, now=datetime.now(UTC), valid_for=timedelta(days=days)))


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
