"""The doctor: a line for each thing, what to do, an exit code; whether a platform runs, is down or was never made."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from demo.replay.server import ReplayServer
from services.cli import doctor
from services.protocol.manifest import SERVICE
from services.search.manifest import SERVICE as SEARCH
from shared.client.operations import SERVICES
from shared.clock import FileClock, parse_instant
from shared.keys.file import open_ring
from shared.runtime.platform import Platform
from shared.settings import Settings
from tests.disks import mounted
from tests.unit.services.cli.conftest import data, remove_log


@pytest.fixture(autouse=True)
def sources(monkeypatch) -> Iterator[None]:
    """Sources that answer here, so that nobody is asked out there."""

    async def answer(scope, receive, send):
        await send({"type": "http.response.start", "status": 400, "headers": []})
        await send({"type": "http.response.body", "body": b"what do you want?"})

    with ReplayServer(answer) as server:
        for name in ("OPENALEX", "CROSSREF", "PUBMED", "EUROPEPMC", "DOAJ", "ARXIV", "SEMANTICSCHOLAR"):
            monkeypatch.setenv(f"LIVING_{name}_URL", f"{server.url}/{name.lower()}")
        yield


def findings(result) -> dict[str, dict[str, str]]:
    return {finding["check"]: finding for finding in data(result)}


def names(folder: Path) -> list[str]:
    return sorted(str(path) for path in folder.rglob("*"))


def serve_answers(answers: dict[str, object]) -> ReplayServer:
    """A platform that gives these answers by path, and knows no other path."""

    async def app(scope, receive, send):
        found = answers.get(scope["path"])
        body = json.dumps(found if found is not None else {"detail": "no such route"}).encode()
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200 if found is not None else 404, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return ReplayServer(app)


def page(*items: object) -> dict[str, object]:
    return {"items": list(items), "next": None}


def test_where_there_is_no_platform_it_says_so_and_makes_nothing(run, tmp_path):
    result = run("doctor", "--json")

    seen = findings(result)
    assert seen["data"]["state"] == "fail" and "living serve" in seen["data"]["do"]
    assert seen["platform"]["state"] == "fail" and "does not answer" in seen["platform"]["told"]
    assert result.exit_code == 2 and names(tmp_path) == []


def test_with_a_token_for_a_platform_elsewhere_nothing_is_missed_here(run, monkeypatch):
    monkeypatch.setenv("LIVING_KEY", "a token")

    assert findings(run("doctor", "--json"))["data"]["state"] == "ok"


def test_blobs_of_which_none_is_used_are_not_missed_before_a_start_makes_their_folder(run):
    run("db", "upgrade")

    seen = findings(run("doctor", "--json"))["blobs ingest"]
    assert (seen["state"], seen["told"]) == ("ok", "none is used yet; a start makes their folder")


def test_a_platform_that_is_down_is_one_line_and_what_it_keeps_is_looked_at(run, tmp_path):
    run("db", "upgrade")
    open_ring(Settings(_env_file=None))
    before = names(tmp_path)

    seen = findings(run("doctor", "--json"))

    assert [check for check in seen if check.startswith("platform")] == ["platform"]
    assert seen["database screening"]["state"] == "ok" and "newest" in seen["database screening"]["told"]
    assert seen["log"]["state"] == "fail" and seen["signing key"]["state"] == "ok"
    assert names(tmp_path) == before


def test_each_thing_has_a_line_for_people(run):
    lines = run("doctor").stdout.splitlines()

    assert lines[0].startswith("ok   settings: ")
    assert any(line.startswith("      -> ") for line in lines)


@pytest.mark.parametrize(
    ("name", "value", "state", "seen"),
    [
        ("LIVING_PROT", "8000", "warn", "LIVING_PROT"),
        ("LIVING_PORT", "eight", "fail", "LIVING_PORT"),
        ("LIVING_DATABASE_URL", "sqlite:///one.db", "fail", "{service}"),
    ],
)
def test_a_setting_that_is_wrong_or_unknown_is_named(run, monkeypatch, name, value, state, seen):
    monkeypatch.setenv(name, value)

    finding = findings(run("doctor", "--json"))["settings"]

    assert finding["state"] == state and seen in finding["told"]
    assert "Value error" not in finding["told"] and "LIVING_..." not in finding["told"]


def test_a_key_that_others_can_read_fails(run):
    settings = Settings(_env_file=None)
    open_ring(settings)
    path = Path(settings.resolved(settings.signing_key))
    path.chmod(0o644)

    finding = findings(run("doctor", "--json"))["signing key"]

    assert finding["state"] == "fail" and finding["do"] == f"chmod 600 {path}"


def test_a_key_that_is_none_fails(run, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "signing-key.pem").write_text("no key")

    assert findings(run("doctor", "--json"))["signing key"]["state"] == "fail"


def test_a_key_that_the_databases_do_not_know_fails_as_a_start_with_it_would(run):
    settings = Settings(scheduler=False, _env_file=None)
    platform = Platform(settings, [SERVICE])
    platform.start()
    platform.stop()
    assert findings(run("doctor", "--json"))["log and key"]["state"] == "ok"
    Path(settings.resolved(settings.signing_key)).unlink()
    open_ring(settings)

    finding = findings(run("doctor", "--json"))["log and key"]

    assert finding["state"] == "fail" and "a start of protocol would be refused" in finding["told"]
    assert finding["do"] == "`living log check`"


@pytest.fixture
def used() -> Path:
    """The signing key of a platform that ran once."""
    settings = Settings(scheduler=False, _env_file=None)
    platform = Platform(settings, [SERVICE])
    platform.start()
    platform.stop()
    return Path(settings.resolved(settings.signing_key))


def test_a_lost_key_that_a_database_knows_is_to_be_put_back(run, used):
    used.unlink()

    seen = findings(run("doctor", "--json"))

    assert "protocol were used with one" in seen["signing key"]["told"]
    assert "put it back" in seen["signing key"]["do"] and "living serve" not in seen["signing key"]["do"]
    assert seen["log and key"]["state"] == "fail" and "a start of protocol" in seen["log and key"]["told"]


def test_a_key_that_nobody_knew_yet_is_made_at_the_first_start(run):
    run("db", "upgrade")
    open_ring(Settings(_env_file=None))
    Path("data/log.db").touch()
    Path("data/signing-key.pem").unlink()

    assert "living serve" in findings(run("doctor", "--json"))["signing key"]["do"]


def test_what_is_no_key_is_told_once_for_all_services(run, used, monkeypatch):
    run("db", "upgrade")
    monkeypatch.setenv("LIVING_SIGNING_KEY", "/etc/passwd")

    result = run("doctor", "--json")

    assert result.output.count("/etc/passwd") == 1
    assert "LIVING_SIGNING_KEY" in findings(result)["signing key"]["do"]
    assert [it["check"] for it in data(result)].count("log and key") == 1


def test_a_ring_that_was_cut_is_told_once_with_what_to_do(run, used):
    run("db", "upgrade")
    used.write_text(used.read_text().rpartition("# end")[0])
    result = run("doctor", "--json")

    assert result.output.count(str(used)) == 1
    assert findings(result)["signing key"]["do"] == "put a copy of it back"


@pytest.mark.parametrize("key", [True, False])
def test_a_database_server_that_is_away_is_no_fault_of_ours(run, used, monkeypatch, key):
    monkeypatch.setenv("LIVING_DATABASE_URL", "postgresql+psycopg://u@127.0.0.1:9/{service}")
    if not key:
        used.unlink()

    result = run("doctor", "--json")

    seen = findings(result)
    assert seen["database screening"]["do"] == "start the server, or mend LIVING_DATABASE_URL"
    assert seen["log and key"]["state"] == "fail" and seen["log"]["state"] != "fail"
    assert "report of a fault" not in result.output and all(it["do"] for it in data(result) if it["state"] != "ok")


@pytest.mark.waits
def test_a_folder_that_can_only_be_read_refuses_every_start_in_one_line(run, tmp_path, monkeypatch):
    with mounted(tmp_path / "disk") as disk:
        monkeypatch.setenv("LIVING_DATA_DIR", str(disk.folder / "data"))
        platform = Platform(Settings(scheduler=False, _env_file=None), [SERVICE, SEARCH])
        platform.start()
        platform.stop()
        with disk.read_only():
            result = run("doctor", "--json")

    assert [it["check"] for it in data(result)].count("log and key") == 1


def test_a_database_that_others_may_read_is_a_warning(run):
    run("db", "upgrade")
    path = Path(Settings(_env_file=None).data_dir) / "screening.db"
    path.chmod(0o644)

    finding = findings(run("doctor", "--json"))["database screening"]

    assert (finding["state"], finding["do"]) == ("warn", f"chmod 600 {path}")


def test_a_log_that_is_no_database_fails(run, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "log.db").write_bytes(b"\xff" * 8192)

    finding = findings(run("doctor", "--json"))["log"]

    assert finding["state"] == "fail" and "cannot be read" in finding["told"]
    assert "living log mend" in finding["do"] and "move the file away" not in finding["do"], "mend keeps it aside"


def test_a_log_that_is_gone_though_databases_know_one_is_to_be_mended(run, home):
    remove_log(home)

    seen = findings(run("doctor", "--json"))

    assert "though ingest used one" in seen["log"]["told"] and "living log mend" in seen["log"]["do"]
    assert "a start of ingest would be refused" in seen["log and key"]["told"]


def test_a_database_that_is_gone_though_the_log_knows_its_work_is_told_as_a_start_would(run, home):
    for name in ("ingest", "notify"):
        (home / f"{name}.db").unlink()

    seen = findings(run("doctor", "--json"))

    assert "a start of ingest would be refused" in seen["database ingest"]["told"]
    assert "living log rewind ingest" in seen["database ingest"]["do"]
    assert "living serve" in seen["database notify"]["do"], "it was never at work on this log"


def test_an_index_that_is_gone_though_search_wrote_to_one_is_to_be_rebuilt(run, tmp_path):
    run("db", "upgrade")
    assert "first start" in findings(run("doctor", "--json"))["search index"]["do"]
    platform = Platform(Settings(scheduler=False, _env_file=None), [SEARCH])
    platform.start()
    platform.stop()
    (tmp_path / "data" / "search-index.db").unlink()

    finding = findings(run("doctor", "--json"))["search index"]

    assert finding["state"] == "fail" and "living search rebuild" in finding["do"]


def test_an_index_that_is_no_database_fails_and_says_how_it_is_made_anew(run, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "search-index.db").write_bytes(b"\xff" * 8192)

    finding = findings(run("doctor", "--json"))["search index"]

    assert finding["state"] == "fail" and "data/search-index.db is damaged" in finding["told"]
    assert "living search rebuild" in finding["do"]


def test_a_database_that_is_damaged_is_told_with_its_path_and_is_no_fault_of_ours(run, tmp_path):
    run("db", "upgrade")
    open_ring(Settings(_env_file=None))
    with (tmp_path / "data" / "screening.db").open("r+b") as file:
        file.write(b"\xff" * 100)

    result = run("doctor", "--json")

    finding = findings(result)["database screening"]
    assert finding["state"] == "fail" and "data/screening.db is damaged (file is not a database)" in finding["told"]
    assert "put a copy of it back" in finding["do"]
    assert "report of a fault" not in result.output


@pytest.mark.waits
def test_a_folder_that_can_only_be_read_is_told_as_that(run, tmp_path, monkeypatch):
    with mounted(tmp_path / "disk") as disk:
        monkeypatch.setenv("LIVING_DATA_DIR", str(disk.folder / "data"))
        platform = Platform(Settings(scheduler=False, _env_file=None), [SERVICE])
        platform.start()
        platform.stop()
        (disk.folder / "data").chmod(0o700)
        assert "data folder" not in findings(run("doctor", "--json"))
        with disk.read_only():
            result = run("doctor", "--json")

    finding = findings(result)["data folder"]
    assert finding["state"] == "fail" and "mounted read-only" in finding["told"]
    assert "report of a fault" not in result.output and "mend" not in result.output


@pytest.mark.parametrize(
    ("log", "index"), [("kafka://127.0.0.1:9", "http://127.0.0.1:9"), ("kafka://[::1]:9", "http://u:p@127.0.0.1:9")]
)
def test_servers_that_do_not_answer_are_told_and_no_password_is(run, monkeypatch, log, index):
    monkeypatch.setenv("LIVING_LOG_URL", log)
    monkeypatch.setenv("LIVING_SEARCH_URL", index)
    monkeypatch.setenv("LIVING_DATABASE_URL", "postgresql+psycopg://u:secret@127.0.0.1:9/{service}")

    result = run("doctor", "--json")

    seen = findings(result)
    assert [seen[check]["state"] for check in ("log", "search index", "database notify")] == ["fail"] * 3
    assert "secret" not in result.output and "u:p" not in result.output


def test_a_server_that_tells_its_version_is_shown_with_it(run, monkeypatch):
    with serve_answers({"": {}, "/": {"version": {"number": "9.2.1"}}}) as server:
        monkeypatch.setenv("LIVING_SEARCH_URL", server.url)

        assert findings(run("doctor", "--json"))["search index"]["told"] == f"{server.url} answers; version 9.2.1"


def test_a_source_that_does_not_answer_is_a_warning(run, monkeypatch):
    monkeypatch.setenv("LIVING_CROSSREF_URL", "http://127.0.0.1:9")

    seen = findings(run("doctor", "--json"))

    assert seen["source Crossref"]["state"] == "warn" and seen["source PubMed"]["state"] == "ok"


@pytest.mark.parametrize(("status", "state", "do"), [(404, "warn", "LIVING_CROSSREF_URL"), (200, "ok", "")])
def test_a_source_is_asked_as_ingest_asks_and_an_address_that_has_none_is_a_warning(
    run, monkeypatch, status, state, do
):
    asked = []

    async def answer(scope, receive, send):
        asked.append(scope["path"])
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})

    with ReplayServer(answer) as server:
        monkeypatch.setenv("LIVING_CROSSREF_URL", server.url)
        finding = findings(run("doctor", "--json"))["source Crossref"]

    assert finding["state"] == state and do in finding["do"] and asked == ["/works"]


def test_openalex_itself_is_not_ok_without_a_key(run, monkeypatch):
    monkeypatch.setattr(doctor, "_status", lambda url, question="": (200, f"{url} answers"))
    monkeypatch.setenv("LIVING_OPENALEX_URL", "https://api.openalex.org")
    finding = findings(run("doctor", "--json"))["source OpenAlex"]
    assert finding["state"] == "warn" and "LIVING_OPENALEX_KEY" in finding["do"]

    monkeypatch.setenv("LIVING_OPENALEX_KEY", "k")
    assert findings(run("doctor", "--json"))["source OpenAlex"]["state"] == "ok"


def test_a_source_that_no_review_watches_for_any_purpose_is_no_trouble(run, monkeypatch):
    open_ring(Settings(_env_file=None))
    answers: dict[str, object] = {
        "/healthz": {},
        "/protocol/reviews": page({"review": "small"}),
        "/ingest/reviews/small/status": {
            "watches": [{"source": "pubmed"}], "sweeps": [{"source": "europepmc"}], "chases": [{"source": "openalex"}],
        },
    }  # fmt: skip
    for name in ("CROSSREF", "PUBMED", "EUROPEPMC", "OPENALEX"):
        monkeypatch.setenv(f"LIVING_{name}_URL", "http://127.0.0.1:9")

    with serve_answers(answers) as server:
        monkeypatch.setenv("LIVING_URL", server.url)
        seen = findings(run("doctor", "--json"))

    assert seen["source Crossref"]["state"] == "ok" and "no review watches it" in seen["source Crossref"]["told"]
    for name in ("PubMed", "Europe PMC", "OpenAlex"):
        assert seen[f"source {name}"]["state"] == "warn" and "this shell's settings" in seen[f"source {name}"]["do"]


@pytest.mark.parametrize(("refused", "state"), [(True, "fail"), (False, "warn")])
def test_a_revision_that_gets_no_doi_is_named_with_why(run, monkeypatch, refused, state):
    open_ring(Settings(_env_file=None))
    again_at = "2026-01-02T00:00:00+00:00"
    answers: dict[str, object] = {
        "/healthz": {},
        "/protocol/reviews": page({"review": "small"}),
        "/readyz": {"status": "ready", "services": {}},
        "/synthesis/reviews/small": {"review": "small", "dois_in_trouble": 1},
        "/synthesis/reviews/small/dois": page(
            {"number": 2, "trouble": "an archive of before", "refused": not refused, "again_at": None},
            {"number": 3, "trouble": "no such licence", "refused": refused, "again_at": again_at},
        ),
    }  # fmt: skip
    with serve_answers(answers) as server:
        monkeypatch.setenv("LIVING_URL", server.url)
        seen = findings(run("doctor", "--json"))["DOIs"]

    assert (seen["state"], seen["do"].split()[:3]) == (state, ["`living", "synthesis", "dois"])
    assert seen["told"] == "revision 3 of small has no DOI yet: no such licence"


def test_a_review_that_is_to_have_dois_and_is_not_there_is_named(run, monkeypatch):
    open_ring(Settings(_env_file=None))
    monkeypatch.setenv("LIVING_DOI_TOKEN", "a-token")
    monkeypatch.setenv("LIVING_DOI_REVIEWS", "small, smal")
    answers: dict[str, object] = {
        "/healthz": {},
        "/protocol/reviews": page({"review": "small"}),
        "/readyz": {"status": "ready", "services": {}},
        "/synthesis/reviews/small": {"review": "small", "dois_in_trouble": 0},
    }
    with serve_answers(answers) as server:
        monkeypatch.setenv("LIVING_URL", server.url)
        seen = findings(run("doctor", "--json"))["DOIs"]

    assert (seen["state"], seen["told"]) == ("warn", "LIVING_DOI_REVIEWS names smal, and there is no such review")


def test_an_examples_contact_is_a_warning(run, monkeypatch):
    monkeypatch.setenv("LIVING_CONTACT", "you@example.org")

    assert findings(run("doctor", "--json"))["contact"]["state"] == "warn"


def test_an_address_of_the_platform_that_is_none_is_told_with_what_to_set(run, monkeypatch):
    monkeypatch.setenv("LIVING_URL", "127.0.0.1:8000")

    finding = findings(run("doctor", "--json"))["platform"]

    assert finding["told"] == "127.0.0.1:8000 is no address" and "set LIVING_URL" in finding["do"]


def test_a_token_that_is_none_is_told_by_its_variable(run, protocol, monkeypatch):
    monkeypatch.setenv("LIVING_KEY", "garbage")

    finding = findings(run("doctor", "--json"))["key of yours"]

    assert finding["state"] == "fail" and "your key is refused" in finding["told"] and finding["do"]


def test_a_clock_that_stands_still_is_told(run, tmp_path, monkeypatch):
    monkeypatch.setenv("LIVING_CLOCK", f"file:{tmp_path}/clock")
    assert findings(run("doctor", "--json"))["clock"]["state"] == "fail"

    FileClock.write(tmp_path / "clock", parse_instant("2018-05-01"))
    finding = findings(run("doctor", "--json"))["clock"]
    assert finding["state"] == "warn" and "2018-05-01" in finding["told"]


def test_a_full_disk_fails(run, monkeypatch):
    monkeypatch.setattr(doctor, "_NEEDED", (2**62, 2**63))

    assert findings(run("doctor", "--json"))["disk"]["state"] == "fail"


def test_a_running_platform_is_asked_what_it_holds_and_one_that_does_not_tell_is_a_warning(run, protocol):
    seen = findings(run("doctor", "--json"))

    assert seen["clock"]["state"] == "ok"
    # The log of a service without its threads was never made.
    assert seen["platform protocol log"]["state"] == "fail"
    # This process runs one service of seven, so what the others hold is not told.
    assert seen["held keys"]["state"] == seen["dead letters"]["state"] == "warn"


def test_a_platform_of_several_addresses_is_looked_at_whole(run, monkeypatch):
    open_ring(Settings(_env_file=None))
    names = ("people", "protocol", "ingest", "screening", "synthesis", "search", "notify")
    nothing = {f"/{name}/{what}": page() for name in names for what in ("held", "dead-letters/groups")}

    def of(name: str, seen: str) -> dict[str, object]:
        ready = {"ready": seen == "ok", "services": {name: {"log": seen}}}
        return nothing | {"/healthz": {}, "/readyz": ready, "/protocol/reviews": page()}

    with ExitStack() as servers:
        urls = {
            it: servers.enter_context(serve_answers(of(it, "gone" if it == "search" else "ok"))).url for it in names
        }
        monkeypatch.setenv("LIVING_URL", ",".join(f"{name}={url}" for name, url in urls.items()))
        seen = findings(run("doctor", "--json"))

    assert seen["platform search log"]["told"] == "gone"
    assert seen["held keys"]["state"] == seen["dead letters"]["state"] == "ok"


def test_what_is_held_what_is_set_aside_and_what_fails_is_told_with_what_to_do(run, monkeypatch):
    open_ring(Settings(_env_file=None))
    held = {
        "topic": "ingest.records", "partition": 3, "key": "rec_1", "review": "small", "cause": "fault",
        "reason": "ValueError: year", "since": "2026-01-02T03:04:05Z", "parked": 7, "letter": "dead_1",
    }  # fmt: skip
    letters = {
        "group": "g", "type": "ingest.record.discovered", "slug": "bad_data", "place": "screening", "count": 12,
        "oldest": "2026-01-02T03:04:05Z", "newest": "2026-01-03T00:00:00Z", "example": "dead_1",
    }  # fmt: skip
    watch = {"source": "pubmed", "failures": 4, "trouble": "HTTP 503", "watch": "w", "state": "active"}
    retired = {**watch, "source": "crossref", "state": "retired"}
    answers: dict[str, object] = {"/healthz": {}, "/readyz": {"ready": False, "services": {"search": {"log": "gone"}}}}
    for service in SERVICES:
        answers[f"/{service}/held"] = page(held) if service == "screening" else page()
        answers[f"/{service}/dead-letters/groups"] = page(letters) if service == "search" else page()
    answers["/protocol/reviews"] = page({"review": "small"})
    answers["/ingest/reviews/small/status"] = {"watches": [retired], "sweeps": [], "chases": [watch]}
    parked = {"source": "openalex", "since": "2026-01-02T03:04:05Z", "until": "2026-01-03T00:00:00Z", "why": "spent"}
    answers["/ingest/parked"] = page(parked)

    with serve_answers(answers) as server:
        monkeypatch.setenv("LIVING_URL", server.url)
        seen = findings(run("doctor", "--json"))

    assert seen["platform search log"]["told"] == "gone"
    assert "ingest.records/3 rec_1 since 2026-01-02 03:04 UTC, 7 events wait" in seen["held keys"]["told"]
    assert seen["held keys"]["do"] == "`living dead-letters retry screening dead_1`, or discard it"
    assert seen["held keys"]["state"] == "fail"
    assert "search set aside 12 of ingest.record.discovered" in seen["dead letters"]["told"]
    assert seen["failing watches"]["do"] == "`living review status small`"
    assert seen["failing watches"]["told"] == "pubmed of small fails, 4 in a row: HTTP 503"
    assert seen["parked sources"]["told"] == "openalex is left alone until 2026-01-03 00:00 UTC: spent"
