"""`living people old-names` and `map`: whose the names of before are, said from a terminal."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest
from structlog.testing import capture_logs

from demo.replay.server import ReplayServer
from services.notify.manifest import SERVICE as NOTIFY
from services.synthesis.manifest import SERVICE as SYNTHESIS
from shared.errors import Conflict, Forbidden, Invalid, NotFound
from shared.events.people import NameMapped
from tests.unit.services.cli.conftest import data
from tests.unit.services.people.rig import PeopleBench, done
from tests.unit.services.synthesis.rig import REVIEW, SynthesisRig
from tests.workbench import Workbench


@dataclass
class Screening:
    """What stands for screening: it lists the names that it is given."""

    names: dict[str, int] = field(default_factory=dict)
    status: int = 200

    async def __call__(self, scope, receive, send) -> None:
        assert scope["path"] == f"/screening/reviews/{REVIEW}/old-names"
        listed = [{"name": name, "acts": acts} for name, acts in self.names.items()]
        body = {"names": listed} if self.status == 200 else {"detail": "Not Found"}
        await send({"type": "http.response.start", "status": self.status, "headers": []})
        await send({"type": "http.response.body", "body": json.dumps(body).encode()})


class ByItself(Workbench):
    """A workbench that hears as its listener does out there, in nobody's name."""

    def work(self, actor: str = "bench", **about: Any) -> Any:
        return super().work(f"{self.service.name}:listener" if actor == "bench" else actor, **about)


@dataclass
class Site:
    """The services that know names of before, where the commands ask."""

    people: PeopleBench
    synthesis: SynthesisRig
    notify: Workbench
    screening: Screening = field(default_factory=Screening)

    def tell(self) -> None:
        """Lets them hear whose the names are."""
        for event in self.people.emitted(NameMapped):
            self.synthesis.bench.hears(event)
            self.notify.hears(event)
            self.screening.names.pop(event.name, None)

    def mapped(self) -> dict[str, str]:
        path = f"/people/reviews/{REVIEW}/old-names"
        return {row["name"]: row["person"] for row in done(self.people.owner().get(path))["items"]}


@pytest.fixture
def site(tmp_path, monkeypatch) -> Iterator[Site]:
    """A platform of a process for each service, with one ring."""
    folder = tmp_path / "data"
    people = PeopleBench(folder)
    rig, notify = SynthesisRig(ByItself(SYNTHESIS, folder)), Workbench(NOTIFY, folder)
    rig.adopts()
    made = Site(people, rig, notify)
    with capture_logs(), ExitStack() as stack:
        apps = {"people": people.app, "synthesis": rig.bench.app, "notify": notify.app, "screening": made.screening}
        urls = {name: stack.enter_context(ReplayServer(app)).url for name, app in apps.items()}
        monkeypatch.setenv("LIVING_URL", ",".join(f"{name}={url}" for name, url in urls.items()))
        yield made
    for bench in (people, rig.bench, notify):
        bench.close()


@pytest.fixture
def acted(site) -> Site:
    """Ana voted, coded and subscribed; ana voted once; Ben voted."""
    site.screening.names = {"Ana": 3, "ana": 1, "Ben": 2}
    site.synthesis.includes("r1")
    site.synthesis._roles["Ana"] = "reviewer"
    site.synthesis.links("r1", by="Ana")
    answer = site.notify.person("Ana", "reader").post(
        f"/notify/reviews/{REVIEW}/subscriptions", json={"channel": "feed"}
    )
    assert answer.status_code == 201, answer.text
    return site


@pytest.fixture
def at_terminal(monkeypatch) -> None:
    """Has what is typed come from a terminal."""
    monkeypatch.setattr("services.cli.old_names._is_terminal", lambda: True)


def words(text: str) -> str:
    """What was printed, however it was broken over lines."""
    return " ".join(text.split())


def test_names_are_listed_by_service_and_with_whose_they_are(acted, run):
    ben = acted.people.comes_in("Ben Miller", review=REVIEW)
    done(acted.people.owner().post(f"/people/reviews/{REVIEW}/old-names", json={"name": "Ben", "person": ben.id}))

    rows = data(run("people", "old-names", REVIEW, "--json"))

    assert rows == [
        {"name": "Ana", "screening": 3, "synthesis": 1, "notify": 1, "person": None},
        {"name": "ana", "screening": 1, "synthesis": 0, "notify": 0, "person": None},
        {"name": "Ben", "screening": 2, "synthesis": 0, "notify": 0, "person": ben.id, "called": "Ben Miller"},
    ]
    shown = run("people", "old-names", REVIEW)
    assert "nobody's yet" in shown.stdout and "Ben Miller" in shown.stdout
    assert f"2 names are nobody's yet: living people map {REVIEW}" in words(shown.stderr)


def test_where_nobody_acted_before_it_says_so(site, run):
    assert "nobody acted in it before people had ids" in run("people", "old-names", REVIEW).stdout
    mapped = run("people", "map", REVIEW)
    assert mapped.exit_code == 0 and "nothing to map" in mapped.stdout


@pytest.mark.parametrize("command", ["old-names", "map"])
def test_a_service_that_does_not_list_its_names_is_told_and_nothing_is_mapped(acted, run, command):
    acted.screening.status = 404

    error = run("people", command, REVIEW).exception

    assert isinstance(error, NotFound) and error.detail.startswith("screening lists no old names (Not Found)")
    assert acted.mapped() == {}


def test_what_looks_like_nobody_is_mapped_and_what_looks_like_somebody_waits_for_an_answer(acted, run):
    mapped = run("people", "map", REVIEW)

    assert mapped.exit_code == 1
    # Under Ana most was done: so a new person is called by that, and `ana` is asked about.
    assert set(acted.mapped()) == {"Ana", "Ben"}
    assert "looks like Ana" in words(mapped.stdout) and "new" in mapped.stdout
    assert "1 name is undecided: --same" in words(mapped.stderr)
    acted.tell()
    rows = data(run("people", "old-names", REVIEW, "--json"))
    assert [(row["name"], row["person"] is None) for row in rows] == [("ana", True), ("Ana", False), ("Ben", False)]
    assert rows[1]["screening"] == rows[1]["synthesis"] == rows[1]["notify"] == 0


def test_a_program_is_told_what_is_mapped_and_what_is_undecided(acted, run):
    ana = acted.people.comes_in("ANA", review=REVIEW)

    found = run("people", "map", REVIEW, "--json")

    assert found.exit_code == 1
    printed = json.loads(found.stdout)
    assert [row["name"] for row in printed["mapped"]] == ["Ben"]
    assert printed["undecided"] == [
        {"name": name, "acts": acts, "why": "looks like ANA", "person": ana.id, "called": "ANA"}
        for name, acts in (("Ana", 5), ("ana", 1))
    ]


def test_with_yes_a_name_that_is_written_like_a_members_is_theirs_and_no_other_is(acted, run):
    ana = acted.people.comes_in("Ana", review=REVIEW)

    mapped = run("people", "map", REVIEW, "--yes")

    assert mapped.exit_code == 1
    assert acted.mapped()["Ana"] == ana.id and "ana" not in acted.mapped()


def test_a_lead_says_whose_a_name_is_by_name_or_id(acted, run):
    ana = acted.people.comes_in("Ana", review=REVIEW)

    mapped = run("people", "map", REVIEW, "--same", "Ana=Ana", "--same", f"ana={ana.id}", "--call", "Ben=Ben of Madrid")

    assert mapped.exit_code == 0, mapped.output
    assert acted.mapped()["Ana"] == acted.mapped()["ana"] == ana.id
    assert "Ben of Madrid" in mapped.stdout
    again = run("people", "map", REVIEW)
    assert again.exit_code == 0 and "nothing to map" in again.stdout


def test_another_person_of_the_same_name_is_called_otherwise(acted, run):
    ana = acted.people.comes_in("Ana", review=REVIEW)

    mapped = run("people", "map", REVIEW, "--call", "Ana=Ana of Madrid", "--same", "ana=Ana")

    assert mapped.exit_code == 0, mapped.output
    assert acted.mapped()["ana"] == ana.id != acted.mapped()["Ana"]


def test_what_a_name_cannot_be_called_is_said_and_the_others_are_mapped(acted, run):
    acted.people.comes_in("Lea", "lead", review=REVIEW)

    mapped = run("people", "map", REVIEW, "--call", "Ben=LEA", "--json")

    undecided = json.loads(mapped.stdout)["undecided"]
    assert mapped.exit_code == 1 and {row["name"]: row["why"] for row in undecided} == {
        "Ben": "looks like Lea", "ana": "looks like Ana",
    }  # fmt: skip


def test_a_name_under_which_nobody_can_be_shown_is_undecided_with_the_reason(site, run):
    site.screening.names = {"4711": 1, "Ana": 1}

    mapped = run("people", "map", REVIEW)

    assert mapped.exit_code == 1 and set(site.mapped()) == {"Ana"}
    assert "must have a letter" in words(mapped.stdout)
    assert run("people", "map", REVIEW, "--call", "4711=Number Four").exit_code == 0


def test_a_name_may_have_an_equals_sign(site, run):
    site.screening.names = {"a=b": 1}

    assert run("people", "map", REVIEW, "--call", "a=b=Ann=Bea").exit_code == 0
    assert set(site.mapped()) == {"a=b"}


@pytest.mark.parametrize(
    ("given", "at"),
    [
        (["--same", "Nobody=Ana"], "--same"), (["--same", "Ana"], "--same"), (["--same", "Ana="], "--same"),
        (["--same", "Ana=Nobody"], "--same"), (["--call", "Zoe=Zoe"], "--call"),
        (["--call", "Ana=A", "--call", "Ana=B"], "--call"),
    ],
)  # fmt: skip
def test_what_is_said_wrongly_is_refused_by_its_option_and_nothing_is_mapped(acted, run, given, at):
    error = run("people", "map", REVIEW, *given).exception

    assert isinstance(error, Invalid) and error.detail.startswith(f"{at}: ")
    assert acted.mapped() == {}


def test_on_a_terminal_a_lead_is_asked_about_what_looks_alike(acted, run, at_terminal):
    ana = acted.people.comes_in("ANA", review=REVIEW)

    mapped = run("people", "map", REVIEW, typed="y\nn\n")

    assert "Is 'Ana' the same person as ANA, member since 2020-01-01? [y/N]" in mapped.stderr
    assert mapped.exit_code == 1 and acted.mapped()["Ana"] == ana.id and "ana" not in acted.mapped()


def test_on_a_terminal_it_says_of_somebody_new_and_of_one_who_left_that_they_are(acted, run, at_terminal):
    ben = acted.people.comes_in("BEN", review=REVIEW)
    acted.people.clock.advance(days=1)
    done(ben.asks.delete(f"/people/reviews/{REVIEW}/members/{ben.id}"))

    mapped = run("people", "map", REVIEW, typed="\n\n")

    assert "as Ana, who is no member but acted before people had ids? [y/N]" in words(mapped.stderr)
    assert "as BEN, member from 2020-01-01 to 2020-01-02? [y/N]" in words(mapped.stderr)
    assert set(acted.mapped()) == {"Ana"}


def test_a_program_is_never_asked(acted, run, at_terminal):
    acted.people.comes_in("Ana", review=REVIEW)

    assert "[y/N]" not in run("people", "map", REVIEW, "--json", typed="y\n").output


def test_only_who_leads_maps(acted, run, monkeypatch):
    monkeypatch.setenv("LIVING_KEY", acted.people.comes_in("Rita", review=REVIEW).key)
    assert isinstance(run("people", "map", REVIEW).exception, Forbidden)

    lea = acted.people.comes_in("Lea", "lead", review=REVIEW)
    monkeypatch.setenv("LIVING_KEY", lea.key)
    assert run("people", "map", REVIEW, "--same", "ana=Lea").exit_code == 0
    assert acted.mapped()["ana"] == lea.id


def test_what_another_lead_said_meanwhile_stands(acted, run, monkeypatch):
    ana, lou = acted.people.comes_in("Ana R", review=REVIEW), acted.people.comes_in("Lou", review=REVIEW)
    acted.people.owner().post(f"/people/reviews/{REVIEW}/old-names", json={"name": "Ana", "person": ana.id})

    mapped = run("people", "map", REVIEW, "--same", f"Ana={lou.id}", "--json")

    assert mapped.exit_code == 1 and acted.mapped()["Ana"] == ana.id
    [undecided] = [row for row in json.loads(mapped.stdout)["undecided"] if row["name"] == "Ana"]
    assert "a name is somebody's once" in undecided["why"]
    assert not isinstance(mapped.exception, Conflict)
