"""`living log` and `living key` tell how log and key stand, and mend what a start would refuse."""

from __future__ import annotations

import os
import socket
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest

from services.catalog import BY_NAME
from services.cli import main
from shared.bus.open import open_log
from shared.errors import Conflict, NotFound, Unavailable
from shared.keys.file import make
from shared.private import is_private
from tests.disks import mounted
from tests.unit.services.cli.conftest import LOG, data, remove_log


def test_lag_is_told_by_service_and_partition(home, run):
    rows = data(run("log", "lag", "screening", "search", "--json"))

    of_records = [row for row in rows if row["topic"] == "ingest.records"]
    assert {row["service"] for row in rows} == {"screening", "search"}
    assert sum(row["unread"] for row in of_records if row["service"] == "search") == 6
    assert all((row["oldest_unread_seconds"] is not None) == bool(row["unread"]) for row in rows)
    assert {row["read_by"] for row in rows} == {None}
    shown = run("log", "lag", "search").output
    assert "ingest.records/0" in shown and "nobody" in shown


def test_who_reads_a_partition_is_told(home, run):
    with closing(open_log(LOG)) as log, closing(log.subscribe("search", BY_NAME["search"].topics)) as member:
        member.poll(0.1)
        rows = data(run("log", "lag", "search", "--json"))
    assert all(row["read_by"].startswith("member_") for row in rows)


def test_a_log_as_it_was_left_is_checked_and_nothing_changes(home, run):
    before = {path: path.read_bytes() for path in home.iterdir() if path.suffix in (".db", ".pem")}
    rows = data(run("log", "check", "--json"))
    assert {row["told"] for row in rows} == {"ok"}
    assert {path: path.read_bytes() for path in home.iterdir() if path.suffix in (".db", ".pem")} == before


@pytest.mark.parametrize("kept", [True, False], ids=["all there", "removed"])
def test_a_database_that_was_removed_is_told_as_a_start_would(home, run, kept):
    if not kept:
        (home / "ingest.db").unlink()
    (home / "notify.db").unlink()

    checked = run("log", "check", "--json")

    seen = {row["service"]: row["told"] for row in data(checked)}
    assert seen["notify"] == "no database yet", "it was never at work on this log"
    assert (seen["ingest"] == "ok") == kept
    if not kept:
        assert isinstance(checked.exception, Conflict)
        assert "the database of ingest is older than the event log" in seen["ingest"]
        assert not (home / "ingest.db").exists()


def test_a_lost_log_is_told_and_mended(home, run):
    with closing(open_log(LOG)) as log:
        before = [delivery.value for delivery in log.read(["ingest.records"])]
    remove_log(home)

    checked = run("log", "check", "--json")
    seen = {row["service"]: row["told"] for row in data(checked)}
    assert isinstance(checked.exception, Conflict)
    assert "living log mend" in seen["ingest"] and seen["protocol"] == "ok"

    assert run("log", "mend").exit_code == 1, "it asks first"
    assert not (home / "log.db").exists()
    mended = run("log", "mend", "--yes", "--json")
    assert data(mended)["events"]["ingest"] == 6
    with closing(open_log(LOG)) as log:
        assert sorted(delivery.value for delivery in log.read(["ingest.records"])) == sorted(before)
    assert run("log", "check").exit_code == 0


def test_a_mended_log_and_all_beside_it_is_its_owners_alone_whatever_the_mask_of_the_shell(home, run):
    remove_log(home)
    before = os.umask(0o022)
    try:
        assert run("log", "mend", "--yes").exit_code == 0
        with closing(open_log(LOG)) as log:  # What SQLite makes beside a file has its rights.
            list(log.read(["ingest.records"]))
            made = [path for path in home.iterdir() if path.name.startswith("log.db")]
            assert made and all(map(is_private, made))
    finally:
        os.umask(before)


def test_a_database_older_than_the_log_is_told_and_its_group_rewound(home, run):
    with closing(open_log(LOG)) as log:
        log.rewind("screening", {partition: end for partition, end in log.ends(["ingest.records"]).items() if end})

    seen = {row["service"]: row["told"] for row in data(run("log", "check", "--json"))}
    assert "living log rewind screening" in seen["screening"]
    rewound = data(run("log", "rewind", "screening", "--json"))

    assert sum(row["from"] - row["to"] for row in rewound["moved"]) == 6
    assert rewound["in_journal_again"] == 0
    assert run("log", "check").exit_code == 0
    assert "nothing to do" in " ".join(run("log", "rewind", "screening").output.split())


@pytest.mark.waits
def test_a_folder_that_can_only_be_read_is_told_as_that_and_not_as_a_lost_log(run, tmp_path, monkeypatch):
    with mounted(tmp_path / "disk") as disk:
        monkeypatch.setenv("LIVING_DATA_DIR", str(disk.folder / "data"))
        assert run("db", "upgrade").exit_code == 0
        make(disk.folder / "data" / "signing-key.pem")
        with closing(open_log(f"sqlite:{disk.folder}/data/log.db")) as log:
            log.create_topics()
        with disk.read_only():
            checked = run("log", "check", "--json")

    assert isinstance(checked.exception, Conflict)
    seen = {row["told"] for row in data(checked)}
    assert all("mounted read-only" in one for one in seen) and not any("log mend" in one for one in seen)


def test_a_hole_in_the_log_is_told_and_mended(home, run):
    with closing(sqlite3.connect(home / "log.db", isolation_level=None)) as log:
        log.execute("DELETE FROM message WHERE rowid = 3")

    seen = {row["service"]: row["told"] for row in data(run("log", "check", "--json"))}

    assert "is damaged: it lacks ingest.records/" in seen["ingest"] and "living log mend" in seen["ingest"]
    assert run("log", "mend", "--yes").exit_code == 0
    assert run("log", "check").exit_code == 0


def test_a_damaged_database_is_told_and_the_others_are_checked(home, run):
    with (home / "screening.db").open("r+b") as file:
        file.write(b"\xff" * 100)

    seen = {row["service"]: row["told"] for row in data(run("log", "check", "--json"))}

    assert "data/screening.db is damaged" in seen.pop("screening")
    assert set(seen.values()) == {"ok"}


def test_what_a_file_or_a_server_says_is_a_sentence_and_no_traceback(home, monkeypatch, capsys):
    with (home / "screening.db").open("r+b") as file:
        file.write(b"\xff" * 100)
    monkeypatch.setattr(sys, "argv", ["living", "log", "lag"])

    with pytest.raises(SystemExit) as ended:
        main()

    seen = capsys.readouterr().err
    assert ended.value.code == 1
    assert seen.startswith("unavailable: the database data/screening.db is damaged") and "Traceback" not in seen


def test_what_is_a_fault_of_ours_keeps_its_traceback(home, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["living", "log", "lag"])
    monkeypatch.setattr("services.cli.log.opened", lambda: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        main()


# The key


def test_the_key_and_who_knows_it_are_shown(home, run):
    shown = data(run("key", "show", "--json"))
    assert [key["purpose"] for key in shown["keys"]] == ["tokens", "revisions"] and shown["databases"] == []

    assert run("key", "accept", "--yes").exit_code == 0

    shown = data(run("key", "show", "--json"))
    assert {row["service"] for row in shown["databases"]} == set(BY_NAME)
    known = sorted(key["fingerprint"] for key in shown["keys"])
    assert all(row["knows"] == known and row["same"] for row in shown["databases"])


def test_another_key_is_told_until_it_is_accepted(home, run):
    run("key", "accept", "--yes")
    os.remove("data/signing-key.pem")
    lost = run("key", "show")
    assert isinstance(lost.exception, Unavailable) and "screening" in lost.output

    assert run("key", "accept", "--new").exit_code == 1, "it asks first"
    assert not Path("data/signing-key.pem").exists()
    accepted = run("key", "accept", "--new", "--yes")

    assert "every token ends" in " ".join(accepted.output.split())
    assert run("key", "show").exit_code == 0
    assert run("log", "check").exit_code == 0
    assert isinstance(run("key", "accept", "--new", "--yes").exception, Conflict), "a key that is there is kept"


def test_a_key_that_was_replaced_is_told(home, run):
    run("key", "accept", "--yes")
    os.remove("data/signing-key.pem")
    make(Path("data/signing-key.pem"))

    assert isinstance(run("key", "show").exception, Conflict)
    assert "living key accept" in str(data(run("log", "check", "--json")))


def test_a_key_that_every_database_knows_needs_no_accepting(home, run):
    run("key", "accept", "--yes")

    again = run("key", "accept")

    assert again.exit_code == 0 and again.stdout == "every database knows the key that is there: nothing to do\n"


@pytest.mark.parametrize("words", [["log", "lag"], ["log", "check"], ["key", "show"], ["db", "check"]], ids=" ".join)
def test_where_there_is_no_platform_each_command_says_so_alike(run, tmp_path, words):
    result = run(*words)

    assert isinstance(result.exception, NotFound)
    assert f"there is no platform in {tmp_path}/data" in result.exception.detail
    assert "LIVING_DATA_DIR" in result.exception.detail and not (tmp_path / "data").exists()


def test_a_start_warns_of_variables_that_are_no_settings(run, monkeypatch):
    monkeypatch.setenv("LIVING_SERCH_URL", "http://127.0.0.1:9200")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        result = run("serve", "--port", str(taken.getsockname()[1]))

    assert isinstance(result.exception, Conflict)
    assert "LIVING_SERCH_URL" in result.stderr and "warning" in result.stderr
