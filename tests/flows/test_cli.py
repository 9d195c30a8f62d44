"""The command line against a running platform: what a person types, and what they read.

Slow: the first review is played once before.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from click.testing import CliRunner, Result

from demo.environment import Environment
from demo.processes import ALL
from services.cli import app, context
from services.screening.manifest import SERVICE as screening
from shared.db.migrate import head
from shared.errors import Conflict, LivingError
from shared.keys.file import open_ring
from shared.tokens import own_token
from tests.flows.older import make_older
from tests.flows.profiles import FIRST_REVIEW, client, demo_run, embedded
from tests.waiting import eventually

pytestmark = [pytest.mark.slow, pytest.mark.waits]

REVIEW = "ics-leadership"

Run = Callable[..., Result]


@pytest.fixture(scope="module")
def the_run(tmp_path_factory):
    with demo_run(embedded(), tmp_path_factory.mktemp("cli")) as result:
        yield result


@pytest.fixture
def run(the_run, monkeypatch) -> Iterator[Run]:
    """Runs `living ...` as an admin, or as someone with another role."""
    site, _ = the_run
    monkeypatch.setenv("LIVING_URL", site.processes.urls["screening"])
    monkeypatch.setenv("LIVING_DATA_DIR", str(site.settings.data_dir))
    monkeypatch.setenv("LIVING_CLOCK", f"file:{site.clock}")
    monkeypatch.setenv("COLUMNS", "200")

    def run(*words: str, role: str = "admin", name: str = "watcher", fails: bool = False) -> Result:
        monkeypatch.setenv("LIVING_KEY", site.key(f"{name} as {role}", role))
        context.settings.cache_clear()
        result = CliRunner().invoke(app, list(words))
        if not fails:
            assert result.exit_code == 0, (result.output, result.exception)
        return result

    yield run
    context.settings.cache_clear()


def data(result: Result):
    return json.loads(result.stdout)


def test_services_prints_each_table(run):
    assert "RecordDiscovered" not in run("services").output
    assert "ingest.record.discovered" in run("services").output
    tables = {table["name"]: table for table in data(run("services", "--json"))}
    assert "open_first_task" in tables["screening"]["reactions"]["ingest.record.discovered"]
    assert tables["web"]["pages"]["vote"] == "POST /reviews/{review}/screen/{stage}/vote"


def test_a_protocol_is_checked_applied_listed_and_shown(run):
    file = str(FIRST_REVIEW / "protocol.yaml")

    assert "no errors" in run("review", "check", file).output
    assert "nothing changed" in run("review", "apply", file).output
    assert [row["review"] for row in data(run("review", "list", "--json"))] == [REVIEW]
    assert "question:" in run("review", "show", REVIEW).output
    status = data(run("review", "status", REVIEW, "--json"))
    assert status["team"] == []
    assert status["literature"]["records"] == 22 and status["screening"]["included"] == 18
    assert "included" in run("review", "status", REVIEW).output


def test_an_amendment_is_shown_before_it_is_applied(run, tmp_path):
    text = (FIRST_REVIEW / "protocol.yaml").read_text()
    file = tmp_path / "protocol.yaml"
    file.write_text(text.replace("publish_every_days: 365", "publish_every_days: 30"))

    assert data(run("review", "diff", str(FIRST_REVIEW / "protocol.yaml"), "--json"))["changes"] == []
    shown = run("review", "diff", str(file)).output
    assert "publish_every_days" in shown and "- 365" in shown and "+ 30" in shown

    refused = run("review", "apply", str(file), "--follows", "7", fails=True)
    assert isinstance(refused.exception, Conflict) and refused.exception.slug == "not_the_newest"


def test_a_malformed_protocol_names_the_line_of_each_error(run, tmp_path):
    broken = tmp_path / "broken.yaml"
    broken.write_text((FIRST_REVIEW / "protocol.yaml").read_text().replace("leads_to: advance", "leads_to: up"))

    result = run("review", "check", str(broken), fails=True)

    assert isinstance(result.exception, LivingError)
    assert all("line" in error for error in result.exception.errors)


def test_the_queue_shows_where_it_stands_and_says_when_nothing_waits(run):
    assert {row["stage"]: row["decided"] for row in data(run("queue", "status", REVIEW, "--json"))}["relevance"] == 22
    assert "Nothing waits" in run("queue", "next", REVIEW, role="reviewer").output
    assert "kappa" in run("queue", "agreement", REVIEW).output


def test_records_are_searched_with_facets(run):
    page = data(run("search", "query", REVIEW, "leadership", "--facets", "--json"))

    assert page["total"] >= 3 and page["facets"]["year"]
    assert "of" in run("search", "query", REVIEW, '"integrated care"', "--status", "included").output
    assert "of" in run("search", "query", REVIEW, "", "--stage", "nowhere").output
    refused = run("search", "query", REVIEW, '"never closed', fails=True)
    assert refused.exit_code == 1


def test_the_index_is_made_again(run):
    assert data(run("search", "rebuild", "--json"))["state"] == "done"


def test_the_theories_are_shown_compared_and_verified(run):
    shown = run("synthesis", "show", REVIEW).output
    assert "10 studies" in shown and "signed by dora" in shown
    assert data(run("synthesis", "diff", REVIEW, "4", "5", "--json"))["changes"]
    assert "class" in run("synthesis", "diff", REVIEW, "5", "6").output
    assert len(data(run("synthesis", "revisions", REVIEW, "--json"))) == 7
    assert len(data(run("synthesis", "evidence", REVIEW, "--cmoc", "cmoc-5", "--json"))) == 6
    assert "what was signed" in run("synthesis", "verify", REVIEW, "7").output
    assert "draft of revision 8" in run("synthesis", "show", REVIEW, "--draft").output


def test_events_are_followed_and_one_record_is_traced_to_its_notices(run, the_run):
    record = the_run[1].a_record
    tree = run("events", "trace", REVIEW, record).output

    assert "screening.record.included" in tree, tree
    assert tree.index("ingest.record.discovered") < tree.index("screening.record.included")
    assert "notify.notice.delivered" in tree and "synthesis.revision.published" in tree
    assert len(run("events", "tail", REVIEW, "--service", "protocol").stdout.splitlines()) == 1
    assert run("events", "trace", REVIEW, "rec_unknown", fails=True).exit_code == 1


@pytest.mark.parametrize("service", ["screening", "synthesis", "ingest", "notify"])
def test_a_service_lives_its_past_again_into_an_empty_database(run, tmp_path, service):
    into = f"sqlite:///{tmp_path}/again.db"

    assert "events again" in run("events", "replay", service, "--into", into).output
    assert run("events", "replay", service, "--into", into, fails=True).exit_code == 1


def test_dead_letters_are_listed(run):
    assert "no dead letters" in run("dead-letters", "list").output
    assert data(run("dead-letters", "list", "--json")) == {name: [] for name in ALL}


def test_databases_are_as_the_models_are(run):
    assert all(state["differences"] == [] for state in data(run("db", "check", "--json")))
    assert f"screening: {head(screening)}" in run("db", "upgrade").output


def test_keys_are_rotated_while_the_platform_runs(run, the_run, tmp_path):
    """What was signed before verifies by its own key, here and from a file; tokens hold until their key is retired."""
    site, _ = the_run
    before, kids = own_token(open_ring(site.settings), "lead"), []
    for position, summary in enumerate(("Before the rotation.", "After it.")):
        draft = data(run("synthesis", "show", REVIEW, "--draft", "--json"))["draft"]
        named = ("--summary", summary, "--draft", draft, "--yes", "--json")
        signed = data(run("synthesis", "sign", REVIEW, *named, role="lead", name="dora"))
        kids.append((signed["content"]["number"], signed["kid"]))
        if position == 0:
            run("key", "rotate", "--for", "revisions")
    (first, old), (second, new) = kids
    assert (second, old == new) == (first + 1, False)

    (tmp_path / "keys.json").write_text(run("key", "public", "--json").stdout)
    for number, kid in kids:
        shown = data(run("synthesis", "verify", REVIEW, str(number), "--json"))
        assert (shown["holds"], shown["kid"]) == (True, kid)
        file = str(tmp_path / f"{number}.json")
        run("synthesis", "export", REVIEW, str(number), "--to", file)
        seen = data(run("synthesis", "verify", "--file", file, "--key", str(tmp_path / "keys.json"), "--json"))
        assert seen == shown

    rotated = data(run("key", "rotate", "--for", "tokens", "--json"))
    assert run("review", "list").exit_code == 0, "a token of the new key opens at once"
    assert asked(site, before) == 200
    run("key", "retire", rotated["before"]["kid"])
    eventually(lambda: asked(site, before) == 401)
    assert all(row["same"] for row in data(run("key", "show", "--json"))["databases"])
    known = len(open_ring(site.settings).fingerprints)
    eventually(lambda: {len(row["knows"]) for row in data(run("key", "show", "--json"))["databases"]} == {known})


def asked(site: Environment, token: str) -> int:
    """What the platform answers to whoever has this token."""
    url = f"{site.processes.urls['protocol']}/protocol/reviews"
    return httpx.get(url, headers={"Authorization": f"Bearer {token}"}, timeout=60).status_code


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["review"],
        ["queue"],
        ["search"],
        ["synthesis"],
        ["events"],
        ["dead-letters"],
        ["people"],
        ["keys"],
        ["db"],
        ["serve"],
        ["demo"],
    ],
)
def test_every_command_explains_itself(words):
    assert "Usage: " in CliRunner().invoke(app, [*words, "--help"]).output


def test_what_the_release_before_left_is_taken_over_by_a_start(run, the_run):
    """The last: it kills the platform, makes its log and databases older, and starts it again."""
    site, _ = the_run
    before = seen(site)
    assert before["revisions"] and not any(before["revisions"].values())
    site.processes.kill(ALL[0])
    make_older(embedded(), site.settings.data_dir)
    early = run("log", "mend", "--yes", fails=True)
    assert "protocol is not of this release: `living db upgrade` first" in str(early.exception)

    site.processes.start()

    # Drafts are made anew by the rules of this release, within seconds. The release before kept no matrix, so that
    # those of what this one has signed are lost with it, and that is said.
    lost = {number: ["its matrix is missing, or is another"] for number in before["revisions"]}
    eventually(lambda: seen(site) == before | {"revisions": lost})
    # And it is at work.
    with client(site, "lead") as living:
        watch = next(living.ingest.watches(REVIEW)).watch
        runs = len(list(living.ingest.runs(REVIEW, watch=watch)))
        living.ingest.pull_now(REVIEW, watch)
        eventually(lambda: len(list(living.ingest.runs(REVIEW, watch=watch))) > runs)


OF_THIS_RELEASE = ("ingest.sweep.finished", "screening.queue.moved", "synthesis.fragment.described")


def seen(site: Environment) -> dict[str, Any]:
    """What a person sees: what is wrong with each revision, what supports what, and all that each service told."""
    with client(site) as living:
        numbers = [it.number for it in living.synthesis.revisions(REVIEW)]
        return {
            "revisions": {number: living.synthesis.verify(REVIEW, number).faults for number in numbers},
            "support": living.synthesis.support(REVIEW),
            "events": {
                # The release before had no people, made no sweeps, and told neither of a queue nor of what fragments
                # say, so that this is done at once.
                service: [
                    it.event
                    for it in living.operations.events(service, REVIEW)
                    if it.event["type"] not in OF_THIS_RELEASE
                ]
                for service in ALL
                if service != "people"
            },
        }
