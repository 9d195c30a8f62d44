"""`living people`: who belongs to a review, and letting in, changing and ending that."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from services.cli import old_names
from services.cli.called import called_in
from services.cli.commands import AS_JSON, REVIEW, Group, argument, option
from services.cli.context import acting, client
from services.cli.printing import err, minute, print_json, print_line, print_rows
from shared.errors import Conflict, LivingError, NotFound

if TYPE_CHECKING:
    from shared.client import Client
    from shared.wire.people import Invited

app = Group(help="Who belongs to a review, and letting somebody in.")

_ROLES = click.Choice(["reader", "reviewer", "adjudicator", "lead", "admin"])
_OR_EVERYWHERE = argument("review", "The review; none with --everywhere.", required=False)
_EVERYWHERE = option("--everywhere", is_flag=True, help="All reviews, those to come too (for admins).")
_WHOM = argument("whom", "Their name as `living people list` shows it, or their id.")


@app.command("list", example="living people list shared-records\nliving people list --everywhere")
@_OR_EVERYWHERE
@_EVERYWHERE
@option("--left", is_flag=True, help="Those who left, too.")
@AS_JSON
def list_(review: str | None, everywhere: bool, left: bool, as_json: bool) -> None:
    """List who belongs to a review, with what role; or, for admins, who has a role in all."""
    _require_either(review, everywhere)
    with client("reader" if review else "admin") as living:
        members = living.people.members(review, left=left) if review else living.people.members_of_all(left=left)
        rows = list(members)
    columns = [
        ("name", lambda row: row.name),
        ("role", lambda row: row.role),
        ("since", lambda row: minute(row.joined_at)),
        ("left", lambda row: minute(row.left_at) if row.left_at else ""),
        ("person", lambda row: row.person),
    ]
    print_rows(rows, columns if left else [*columns[:3], columns[4]], as_json=as_json, empty="nobody belongs to it yet")


@app.command(
    "invite",
    example="living people invite shared-records --role reviewer\n"
    "living people invite --everywhere --role admin\nliving people invite --everywhere --founds",
)
@argument("review", "The review; none with --everywhere.", required=False)
@option("--role", type=_ROLES, help="What they may do there; not beyond your own.")
@option("--everywhere", is_flag=True, help="To all reviews, those to come too (for admins).")
@option("--founds", is_flag=True, help="With --everywhere: they may found reviews.")
@option("--back", metavar="PERSON", help="With --everywhere: lets a person back in who lost their keys.")
@option("--days", default=7, type=click.IntRange(1, 90), help="Days until the link ends.")
@AS_JSON
def invite(
    review: str | None, role: str | None, everywhere: bool, founds: bool, back: str | None, days: int, as_json: bool
) -> None:
    """Make a link by which one person comes in, once. Send it by a way that only they read."""
    _require_either(review, everywhere)
    if review is not None and role is None:
        raise click.UsageError("say --role: reader, reviewer, adjudicator, lead or admin")
    if review is not None and (founds or back):
        raise click.UsageError(f"{'--founds' if founds else '--back'} is of no review: say --everywhere in its place")
    if back is not None and not back.startswith("person_"):
        raise click.UsageError("--back takes an id: `living people list REVIEW --left` shows it")
    with client("admin") as living:
        if review is None:
            made = living.people.grant({"role": role, "founds": founds, "person": back, "days": days})
        else:
            made = living.people.invite(review, {"role": role, "days": days})
            _say_if_unknown(living, review)
    _show(made, as_json)


@app.command("invitations", example="living people invitations shared-records\nliving people invitations --everywhere")
@_OR_EVERYWHERE
@_EVERYWHERE
@AS_JSON
def invitations(review: str | None, everywhere: bool, as_json: bool) -> None:
    """List the links of a review, or those that are of none: which wait, which were used, and by whom."""
    _require_either(review, everywhere)
    with client("admin") as living:
        rows = list(living.people.invitations(review))
        called = called_in(living, review) if review else str
    columns = [
        ("invitation", lambda row: row.id),
        ("role", lambda row: row.role or ""),
        ("made", lambda row: minute(row.made_at)),
        ("by", lambda row: called(row.invited_by)),
        ("ends", lambda row: "withdrawn" if row.withdrawn_at else minute(row.ends_at)),
        ("used by", lambda row: called(row.used_by) if row.used_by else ""),
    ]
    print_rows(rows, columns, as_json=as_json, empty="nobody was invited by a link")


@app.command("uninvite", example="living people uninvite invitation_01a2... shared-records")
@argument("invitation", "The link's id, as `living people invitations` shows it.")
@_OR_EVERYWHERE
@_EVERYWHERE
def uninvite(invitation: str, review: str | None, everywhere: bool) -> None:
    """End a link before its time: nobody comes in by it any more."""
    _require_either(review, everywhere)
    with client("admin") as living:
        living.people.withdraw_invitation(review, invitation)
    print_line(f"nobody comes in by {invitation} any more")


@app.command("role", example="living people role shared-records 'Ana Ruiz' adjudicator")
@REVIEW
@_WHOM
@argument("role", "What they may do from now on", type=_ROLES)
def role(review: str, whom: str, role: str) -> None:
    """Give a member another role, not beyond your own. It counts within seconds."""
    with client("admin") as living:
        changed = living.people.change_role(review, _person(living, review, whom), role)
    print_line(f"{changed.name} is {changed.role} in {review}")


@app.command(
    "hand-over",
    example="living people hand-over shared-records 'Ana Ruiz' --why 'I leave the hospital.'\n"
    "living people hand-over shared-records --take-back",
)
@REVIEW
@argument("whom", "The member who is to lead it: their name or their id.", required=False)
@option("--why", help="Why; its readers are told once it has changed hands.")
@option("--stay-as", type=click.Choice(["reader", "reviewer", "adjudicator"]), help="What you are there afterwards.")
@option("--take-back", is_flag=True, help="Take back what is proposed.")
@AS_JSON
def hand_over(
    review: str, whom: str | None, why: str | None, stay_as: str | None, take_back: bool, as_json: bool
) -> None:
    """Propose that a member leads a review instead of you. It changes hands once they accept (`take-over`).

    Without --stay-as you are an adjudicator there from then on.
    """
    if take_back == (whom is not None) or (whom is not None and why is None):
        raise click.UsageError("say WHOM and --why, or --take-back")
    with acting("handing a review over", review, "lead") as living:
        if take_back or whom is None or why is None:
            said = living.people.close_handover(review, _open_handover(living, review), "taken_back")
        else:
            said = living.people.hand_over(
                review, _person(living, review, whom), why, stays_as=stay_as or "adjudicator"
            )
    if as_json:
        print_json(said)
    else:
        print_line(f"{review} stays with you" if take_back else f"{whom} is asked to take {review} over")


@app.command(
    "take-over", example="living people take-over shared-records\nliving people take-over shared-records --decline"
)
@REVIEW
@option("--decline", is_flag=True, help="Say that you do not.")
@AS_JSON
def take_over(review: str, decline: bool, as_json: bool) -> None:
    """Take a review over that its lead proposes to hand to you. You lead it from then on."""
    with acting("taking a review over", review, "reader") as living:
        handover = _open_handover(living, review)
        if decline:
            said = living.people.close_handover(review, handover, "declined")
        else:
            said = living.people.accept_handover(review, handover)
    if as_json:
        print_json(said)
    else:
        print_line(f"you do not take {review} over" if decline else f"you lead {review} from now on")


@app.command("handovers", example="living people handovers shared-records")
@REVIEW
@AS_JSON
def handovers(review: str, as_json: bool) -> None:
    """List who was to take a review over, the newest first, and what became of that."""
    with client() as living:
        rows = list(living.people.handovers(review))
        called = called_in(living, review) if rows and not as_json else str
    columns = [
        ("handover", lambda row: row.handover),
        ("from", lambda row: called(row.by)),
        ("to", lambda row: called(row.to)),
        ("why", lambda row: row.why),
        ("state", lambda row: row.state.replace("_", " ")),
        ("proposed", lambda row: minute(row.proposed_at)),
    ]
    print_rows(rows, columns, as_json=as_json, empty="Nobody was to take it over yet.")


@app.command(
    "remove",
    example="living people remove shared-records 'Ana Ruiz'\nliving people remove --everywhere person_01a2...",
)
@_OR_EVERYWHERE
@argument("whom", "Their name as `living people list` shows it, or their id.", required=False)
@_EVERYWHERE
def remove(review: str | None, whom: str | None, everywhere: bool) -> None:
    """End a membership, another's or your own. What they hold goes back to the queue, what they decided stands.

    With --everywhere a role in all reviews ends; those of single reviews stay.
    """
    from services.cli.keys import say_withdrawn

    if everywhere:  # Then the one argument is whom.
        review, whom = None, whom or review
    if whom is None:
        raise click.UsageError("say who: a review and a member, or --everywhere and a member")
    with client("admin") as living:
        withdrawal = living.people.remove(review, _person(living, review, whom))
        where = f"belongs to {review} no more" if review else "has no role in all reviews any more"
        say_withdrawn(living, withdrawal, f"{whom} {where}")


@app.command("found", example="living people found shared-records")
@REVIEW
def found(review: str) -> None:
    """Found a review, of which you are the lead; apply its protocol next. Needs your own key."""
    with acting("founding a review", review, "lead") as living:
        living.people.found(review)
    print_line(f"{review} is founded; next: living review apply FILE")


@app.command("names", example="living people names shared-records hidden")
@REVIEW
@argument("shown", "Whether members see each other's names", type=click.Choice(["shown", "hidden"]))
def names(review: str, shown: str) -> None:
    """Show members each other's names, or numbers instead. Leads see names."""
    with client("admin") as living:
        living.people.set_pseudonyms(review, shown == "hidden")
    print_line(f"members of {review} see each other's {'names' if shown == 'shown' else 'numbers'}")


@app.command("readers", example="living people readers shared-records anybody")
@REVIEW
@argument("allowed", "Who may read what is published", type=click.Choice(["anybody", "members"]))
def readers(review: str, allowed: str) -> None:
    """Make a review public, so that anybody reads its published revisions and no more; or end that, within seconds."""
    with client("admin") as living:
        living.people.set_public(review, allowed == "anybody")
    print_line(f"{'anybody' if allowed == 'anybody' else 'members alone'} may read what {review} has published")


app.add_command(old_names.list_)
app.add_command(old_names.map_)


@app.command("forget", example="living people forget person_01a2... --yes")
@argument("person", "Their id; your own, or as an admin anybody's.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def forget(person: str, yes: bool) -> None:
    """Erase what somebody is called, for good; every decision stays, under their id."""
    if not person.startswith("person_"):
        raise click.UsageError("give their id: `living people list REVIEW` shows it, `living people me` your own")
    if not yes:
        click.confirm(f"What {person} is called is gone for good; what they decided stays. Go on?", abort=True)
    with client("admin") as living:
        living.people.erase_name(person)
    print_line(f"{person} has no name any more")


@app.command("me", example="living people me")
@AS_JSON
def me(as_json: bool) -> None:
    """Show who you are here, your roles, and what your key is for."""
    with client() as living:
        mine = living.people.me()
    if as_json:
        print_json(mine)
        return
    if mine.person.startswith("owner:"):
        print_line("nobody: no key of yours is kept here; you act as this machine's owner, by the platform's own keys")
        return
    print_line(f"{mine.name} ({mine.person})" if mine.name else mine.person)
    if mine.founds:
        print_line("  may found reviews")
    for review, held in dict(mine.roles).items():
        print_line(f"  {'all reviews' if review == '*' else review}: {held}")
    if mine.scopes is not None:
        print_line(f"  by a key for {', '.join(mine.scopes)}", "dim")


def _show(made: Invited, as_json: bool) -> None:
    if as_json:
        print_json(made)
        return
    err.print(f"Lets one person in, until {minute(made.ends_at)}:", style="dim", highlight=False)
    click.echo(made.link)


def _require_either(review: str | None, everywhere: bool) -> None:
    if everywhere == (review is not None):
        raise click.UsageError("name a review, or say --everywhere")


def _say_if_unknown(living: Client, review: str) -> None:
    """Tells an admin, who may let somebody into any, that there is no such review yet."""
    try:
        living.protocol.newest(review)
    except NotFound:
        err.print(f"{review} has no protocol yet", style="dim", highlight=False)
    except LivingError:
        pass  # The link is made, and whoever made it may not ask.


def _open_handover(living: Client, review: str) -> str:
    """The id of what is proposed. Raises NotFound."""
    for row in living.people.handovers(review):
        if row.state == "open":
            return row.handover
    raise NotFound(f"nobody is asked to take {review!r} over", slug="unknown_handover")


def _person(living: Client, review: str | None, whom: str) -> str:
    """The id of a member, or of who has a role in all reviews, by their id or their name. Raises NotFound, and Conflict
    where several have that name."""
    rows = list(living.people.members(review) if review else living.people.members_of_all())
    found = [row.person for row in rows if whom == row.person] or [row.person for row in rows if whom == row.name]
    where = f"review {review!r} has no member" if review else "nobody has a role in all reviews who is"
    if not found:
        shown = f"living people list {review or '--everywhere'}"
        raise NotFound(f"{where} {whom!r}; `{shown}` shows them")
    if len(found) > 1:
        raise Conflict(f"several are shown as {whom!r}: name one by their id, {', '.join(found)}")
    return found[0]
