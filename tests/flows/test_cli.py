"""The command line against a running platform: what a person types, and what they read.

Slow: the first review is played once before.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest
from click.testing import CliRunner, Result

from services.cli import app, context
from services.screening.manifest import SERVICE as screening
from shared.db.migrate import head
from shared.errors import LivingError
from shared.keys import SigningKey
from shared.tokens import read_token
from tests.flows.stage import FIRST_REVIEW, embedded, played

pytestmark = pytest.mark.slow

REVIEW = "ics-leadership"

Run = Callable[..., Result]


@pytest.fixture(scope="module")
def the_play(tmp_path_factory):
    with played(embedded(), tmp_path_factory.mktemp("cli")) as result:
        yield result


@pytest.fixture
def run(the_play, monkeypatch) -> Iterator[Run]:
    """Runs `living ...` as an admin, or as someone with another role."""
    stage, _ = the_play
    monkeypatch.setenv("LIVING_URL", stage.house.urls["screening"])
    monkeypatch.setenv("LIVING_DATA_DIR", str(stage.settings.data_dir))
    monkeypatch.setenv("LIVING_CLOCK", f"file:{stage.clock}")
    monkeypatch.setenv("COLUMNS", "200")

    def run(*words: str, role: str = "admin", name: str = "watcher", fails: bool = False) -> Result:
        monkeypatch.setenv("LIVING_TOKEN", stage.token(name, role))
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


def test_a_protocol_is_checked_applied_listed_and_shown(run, tmp_path):
    file = str(FIRST_REVIEW / "protocol.yaml")

    assert "no errors" in run("review", "check", file).output
    assert "nothing changed" in run("review", "apply", file).output
    assert [row["review"] for row in data(run("review", "list", "--json"))] == [REVIEW]
    assert "question:" in run("review", "show", REVIEW).output
    status = data(run("review", "status", REVIEW, "--json"))
    assert status["literature"]["records"] == 22 and status["screening"]["included"] == 18
    assert "included" in run("review", "status", REVIEW).output


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


def test_events_are_followed_and_one_record_is_traced_to_its_notices(run, the_play):
    record = the_play[1].a_record
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
    assert data(run("dead-letters", "list", "--json")) == {
        name: [] for name in ("protocol", "ingest", "screening", "synthesis", "search", "notify")
    }


def test_a_token_is_issued_for_a_role_and_a_review(run, the_play):
    token = run("token", "issue", "ana", "--role", "reviewer", "--review", REVIEW).stdout.strip()

    person = read_token(SigningKey.open(the_play[0].settings), token)
    assert (person.name, person.role, person.reviews) == ("ana", "reviewer", (REVIEW,))
    assert run("token", "issue", "ana", "--role", "king", fails=True).exit_code == 1


def test_databases_are_as_the_models_are(run):
    assert all(state["differences"] == [] for state in data(run("db", "check", "--json")))
    assert f"screening: {head(screening)}" in run("db", "upgrade").output


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
        ["token"],
        ["db"],
        ["serve"],
        ["demo"],
    ],
)
def test_every_command_explains_itself(words):
    assert "Usage: " in CliRunner().invoke(app, [*words, "--help"]).output
