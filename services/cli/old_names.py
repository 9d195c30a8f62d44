"""`living people old-names` and `map`: whose the names are under which people acted before they had ids."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import click

from services.cli.commands import AS_JSON, REVIEW, Command, option
from services.cli.context import client
from services.cli.printing import counted, day, err, out, print_json, print_line, print_rows, table
from shared.errors import Conflict, Invalid, NotFound

if TYPE_CHECKING:
    from shared.client import Client
    from shared.wire.people import MappedNameView, MemberView

#: The services in which somebody acted.
_SERVICES = ("screening", "synthesis", "notify")


@dataclass(frozen=True)
class _Undecided:
    """An old name that is nobody's still, why, and which member it looks like, where it does."""

    name: str
    acts: int
    why: str
    person: str | None = None
    called: str | None = None


@dataclass
class _Outcome:
    """What came of mapping: whose the names are, who is new among them, and what is undecided."""

    mapped: list[MappedNameView] = field(default_factory=list)
    new: set[str] = field(default_factory=set)
    undecided: list[_Undecided] = field(default_factory=list)


@click.command("old-names", cls=Command, example="living people old-names shared-records")
@REVIEW
@AS_JSON
def list_(review: str, as_json: bool) -> None:
    """List the names of before people had ids: how much was done under each, and whose it is.

    Votes are screening's, codings synthesis', subscriptions notify's. `living people map` says whose
    a name is.
    """
    with client("admin") as living:
        acts, mapped = _acts(living, review), {row.name: row for row in living.people.old_names(review)}
    waiting = _most_first(acts, mapped)
    rows = [
        {
            "name": name,
            **{service: acts.get(name, {}).get(service, 0) for service in _SERVICES},
            **({"person": mapped[name].person, "called": mapped[name].called} if name in mapped else {"person": None}),
        }
        for name in (*waiting, *sorted(mapped))
    ]
    columns: list[tuple[str, Callable[[Mapping[str, object]], object]]] = [
        ("name", lambda row: row["name"]),
        ("screening", lambda row: row["screening"]),
        ("synthesis", lambda row: row["synthesis"]),
        ("notify", lambda row: row["notify"]),
        ("whose", lambda row: row.get("called", "nobody's yet")),
        ("person", lambda row: row["person"]),
    ]
    print_rows(rows, columns, as_json=as_json, empty="nobody acted in it before people had ids")
    if waiting and not as_json:
        _say(f"{_names(waiting)} nobody's yet: living people map {review}")


@click.command(
    "map",
    cls=Command,
    example="living people map shared-records\n"
    "living people map shared-records --same 'ana=Ana Ruiz' --call 'Ben=Ben of Madrid'\n"
    "living people map shared-records --yes --json",
)
@REVIEW
@option(
    "--same",
    multiple=True,
    metavar="NAME=PERSON",
    help="An old name, and the member whose it is, by their name or id (repeatable).",
)
@option(
    "--call",
    multiple=True,
    metavar="NAME=OTHER",
    help="An old name of somebody who is no member, and what to call them (repeatable).",
)
@click.option("--yes", is_flag=True, help="Take a name written exactly like a member's as theirs.")
@AS_JSON
def map_(review: str, same: tuple[str, ...], call: tuple[str, ...], yes: bool, as_json: bool) -> None:
    """Say whose the names of before people had ids are, once and for good. For leads.

    Invite your people first. A name that looks like no member's becomes that of somebody who is a
    member no more; an admin's link lets them back in (`living people invite --everywhere --back`).
    One that looks like a member's is asked about on a terminal; elsewhere it stays undecided, and
    this ends with 1 until --same or --call says whose it is. Again is safe: what is said stands.
    """
    with client("admin") as living:
        outcome = _mapped(living, review, same, call, yes=yes, asks=_is_terminal() and not as_json)
    _show(outcome, review, as_json)
    if outcome.undecided:
        _say(
            f"{_names(outcome.undecided)} undecided: --same 'NAME=PERSON' says that it is a member's, "
            "--call 'NAME=OTHER' that it is somebody else's, and what to call them"
        )
        sys.exit(1)


def _mapped(
    living: Client, review: str, same: Iterable[str], call: Iterable[str], *, yes: bool, asks: bool
) -> _Outcome:
    """Maps what nobody need be asked about, and then, where it may ask, what somebody says."""
    acts, mapped = _acts(living, review), {row.name for row in living.people.old_names(review)}
    members = _members(living, review)
    chosen = _chosen(same, call, {*acts, *mapped}, members)
    outcome, alike = _Outcome(), list[_Undecided]()
    for name in _in_progress([*chosen, *(name for name in _most_first(acts, mapped) if name not in chosen)]):
        given = _give(living, review, name, sum(acts.get(name, {}).values()), chosen.get(name, {}))
        if yes and isinstance(given, _Undecided) and given.called == name and name not in chosen:
            given = _give_to(living, review, given)
        if not isinstance(given, _Undecided):
            outcome.mapped.append(given)
            outcome.new |= {given.person} - members.keys()
        elif given.person is not None and name not in chosen:
            alike.append(given)
        else:
            outcome.undecided.append(given)
    members = _members(living, review) if alike and asks else members
    for one in alike:
        given = _give_to(living, review, one) if asks and _is_the_same(one, members) else one
        if isinstance(given, _Undecided):
            outcome.undecided.append(given)
        else:
            outcome.mapped.append(given)
    return outcome


def _give(living: Client, review: str, name: str, acts: int, said: Mapping[str, str]) -> MappedNameView | _Undecided:
    """Says whose an old name is, or why it is nobody's still."""
    try:
        return living.people.map_name(review, {"name": name, **said})
    except (Conflict, Invalid, NotFound) as error:
        first = next(iter(error.extra.get("errors") or [{}]))
        if error.slug == "looks_alike" and first.get("person"):
            return _Undecided(name, acts, f"looks like {first['called']}", first["person"], first["called"])
        return _Undecided(name, acts, error.detail)


def _give_to(living: Client, review: str, one: _Undecided) -> MappedNameView | _Undecided:
    """Gives an old name to the member whom it looks like."""
    return _give(living, review, one.name, one.acts, {"person": str(one.person)})


def _acts(living: Client, review: str) -> dict[str, dict[str, int]]:
    """The old names that no person has in every service yet, each with how much bears it by service. Raises NotFound
    where one of the services does not say."""
    acts: dict[str, dict[str, int]] = {}
    for service in _SERVICES:
        try:
            found = living.people.old_names_in(service, review).names
        except NotFound as error:
            if error.slug == "unknown_review":
                raise
            raise NotFound(
                f"{service} lists no old names ({error.detail}): every service must be of this release, and LIVING_URL "
                "say where each is served",
                slug=error.slug,
            ) from error
        for row in found:
            acts.setdefault(row.name, {})[service] = row.acts
    return acts


def _most_first(acts: Mapping[str, Mapping[str, int]], but: Collection[str]) -> list[str]:
    """The names that nobody has yet, those first under which most was done: of several that look alike, a new person is
    called by the first."""
    return sorted((name for name in acts if name not in but), key=lambda name: (-sum(acts[name].values()), name))


def _members(living: Client, review: str) -> dict[str, MemberView]:
    return {row.person: row for row in living.people.members(review, left=True)}


def _chosen(
    same: Iterable[str], call: Iterable[str], names: Collection[str], members: Mapping[str, MemberView]
) -> dict[str, dict[str, str]]:
    """What `--same` and `--call` say of each name. Raises Invalid, naming the option."""
    chosen: dict[str, dict[str, str]] = {}
    for given, at in (*((it, "--same") for it in same), *((it, "--call") for it in call)):
        name, said = _pair(given, at, names)
        if name in chosen:
            raise Invalid.of(at, f"{name!r} is said more than once")
        chosen[name] = {"person": _person(said, members)} if at == "--same" else {"call": said}
    return chosen


def _pair(given: str, at: str, names: Collection[str]) -> tuple[str, str]:
    """An old name, which may have an = itself, and what is said of it."""
    for end in (end for end, char in enumerate(given) if char == "="):
        if given[:end] in names and given[end + 1 :].strip():
            return given[:end], given[end + 1 :].strip()
    if not names:
        raise Invalid.of(at, f"{given!r} is about no old name, since there are none here")
    raise Invalid.of(at, f"{given!r} begins with no old name and =, such as {_some(names)}")


def _some(names: Collection[str]) -> str:
    return ", ".join(f"'{name}=...'" for name in sorted(names)[:3])


def _person(whom: str, members: Mapping[str, MemberView]) -> str:
    """The id of a member, by their name or their id."""
    found = [id for id, row in members.items() if whom in (id, row.name)]
    if len(found) != 1:
        raise Invalid.of("--same", f"{whom!r} is no member, of now or before; `living people list --left` shows them")
    return found[0]


def _is_the_same(one: _Undecided, members: Mapping[str, MemberView]) -> bool:
    """Asks whether an old name is the member's whom it looks like."""
    member = members.get(str(one.person))
    if member is None:
        since = ""
    elif member.left_at is None:
        since = f", member since {day(member.joined_at)}"
    elif member.left_at == member.joined_at:
        since = ", who is no member but acted before people had ids"
    else:
        since = f", member from {day(member.joined_at)} to {day(member.left_at)}"
    return click.confirm(f"Is {one.name!r} the same person as {one.called}{since}?", default=False, err=True)


def _is_terminal() -> bool:
    """Whether somebody is there to be asked."""
    return sys.stdin.isatty()


def _in_progress(names: list[str]) -> Iterator[str]:
    """These names, while a terminal shows how far it is."""
    from rich.progress import Progress

    with Progress(console=err, transient=True) as progress:
        yield from progress.track(names, description="mapping")


def _show(outcome: _Outcome, review: str, as_json: bool) -> None:
    if as_json:
        undecided = [{key: it for key, it in vars(one).items() if it is not None} for one in outcome.undecided]
        print_json({"mapped": outcome.mapped, "undecided": undecided})
        return
    if outcome.mapped:
        lines = [
            (row.name, row.called, "new" if row.person in outcome.new else "", row.person) for row in outcome.mapped
        ]
        out.print(table(["name", "whose", "", "person"], lines))
    elif not outcome.undecided:
        print_line(f"there are no old names in {review} that are nobody's: nothing to map")
    if outcome.undecided:
        open_ones = [(one.name, one.acts, one.why, one.person) for one in outcome.undecided]
        out.print(table(["undecided", "acts", "why", "person"], open_ones))


def _names(names: Collection[object]) -> str:
    return f"{counted(len(names), 'name')} {'is' if len(names) == 1 else 'are'}"


def _say(text: str) -> None:
    err.print(text, style="yellow", soft_wrap=True, highlight=False, markup=False)
