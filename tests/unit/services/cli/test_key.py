"""`living key` changes the ring by command, and gives its public halves away."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from services.cli.context import key_path
from services.synthesis.models import RevisionRow
from shared.clock import FileClock, SystemClock
from shared.errors import Conflict, Invalid, NotFound, Unauthenticated, Unavailable
from shared.keys.file import make, read_ring, rotate
from shared.keys.published import key_set, read_keys
from shared.private import is_private
from shared.runtime import checks
from tests.unit.services.cli.conftest import data, forget
from tests.unit.services.cli.test_doctor import findings
from tests.unit.services.synthesis.rig import REVIEW, SynthesisRig


@pytest.fixture
def ring():
    make(key_path())
    return read_ring(key_path())


def test_a_rotated_key_is_shown_and_said(run, ring):
    done = run("key", "rotate", "--for", "revisions")
    new = read_ring(key_path()).newest("revisions")

    assert f"revisions are signed by {new.kid} from now on, {new.since:%Y-%m-%d %H:%M:%S} UTC\n" in done.stdout
    assert f"those of {ring.keys[1].kid} verify as before" in done.stdout
    rows = data(run("key", "show", "--json"))["keys"]
    assert [(row["kid"], row["signs"], row["until"] is None) for row in rows] == [
        (ring.keys[0].kid, True, True),
        (ring.keys[1].kid, False, False),
        (new.kid, True, True),
    ]
    shown = run("key", "show").stdout
    assert new.kid in shown and f"{new.since:%Y-%m-%d %H:%M:%S} UTC" in shown
    assert is_private(key_path())


def test_revision_keys_are_dated_by_the_platforms_clock(run, ring, monkeypatch, tmp_path):
    FileClock.write(tmp_path / "clock", datetime(2019, 5, 6, tzinfo=UTC))
    monkeypatch.setenv("LIVING_CLOCK", f"file:{tmp_path}/clock")
    run("key", "rotate", "--for", "revisions")
    run("key", "rotate", "--for", "tokens")

    keys = read_ring(key_path()).keys
    assert [key.since.year for key in keys if key.since] == [2019, datetime.now(UTC).year]
    monkeypatch.setenv("LIVING_CLOCK", f"file:{tmp_path}/gone")
    assert run("key", "rotate", "--for", "revisions").exit_code == 1
    assert read_ring(key_path()).keys[-1].kid == keys[-1].kid


def test_tokens_of_a_key_before_may_be_given_an_end_that_is_to_come(run, ring):
    assert run("key", "rotate", "--for", "tokens", "--until", "2999-01-31").exit_code == 0
    assert read_ring(key_path()).keys[0].until == datetime(2999, 1, 31, tzinfo=UTC)
    for words in (["--for", "tokens", "--until", "2020-01-31"], ["--for", "revisions", "--until", "2999-01-31"]):
        assert isinstance(run("key", "rotate", *words).exception, Invalid)


def test_a_key_that_signs_is_not_retired(run, ring):
    signs = run("key", "retire", ring.keys[0].kid)
    assert isinstance(signs.exception, Conflict) and "living key rotate --for tokens" in signs.exception.detail
    run("key", "rotate", "--for", "tokens")

    assert "open nothing any more" in run("key", "retire", ring.keys[0].kid).stdout
    rows = data(run("key", "show", "--json"))["keys"]
    assert [row["retired"] for row in rows] == [True, False, False]
    assert "retired" in run("key", "show").stdout
    assert isinstance(run("key", "retire", "0" * 16).exception, NotFound)


def test_the_public_halves_are_given_away_and_no_private_one(run, ring):
    run("key", "rotate", "--for", "revisions")
    whole, one = run("key", "public", "--json").stdout, run("key", "public").stdout
    old = run("key", "public", ring.keys[1].kid).stdout

    kept = read_ring(key_path())
    assert [key.kid for key in read_keys(whole.encode()).keys] == [key.kid for key in kept.keys]
    assert read_keys(one.encode()).keys[0].kid == kept.newest("revisions").kid
    assert old == ring.keys[1].public_pem
    assert "PRIVATE" not in whole + one + old
    assert isinstance(run("key", "public", "nothing").exception, NotFound)


@pytest.fixture
def on_a_laptop(rig, monkeypatch, tmp_path_factory):
    """The platform answers at LIVING_URL, and its ring is not here."""
    monkeypatch.setenv("LIVING_DATA_DIR", str(tmp_path_factory.mktemp("laptop")))
    return rig.bench.platform.ring.current()


def test_where_there_is_no_ring_the_public_halves_are_those_of_the_platform_at_living_url(on_a_laptop, as_):
    set_of_all = as_("rita", "key", "public", "--json", role="reader")
    one = as_("rita", "key", "public", role="reader")

    assert data(set_of_all) == key_set(on_a_laptop), set_of_all.exception
    assert one.stdout == on_a_laptop.newest("revisions").public_pem
    assert not key_path().exists()


def test_whoever_has_no_key_of_their_own_is_told_so_where_the_keys_are_elsewhere(on_a_laptop, run):
    refused = run("key", "public", "--json").exception

    assert isinstance(refused, Unauthenticated) and "living login LINK" in refused.detail


@pytest.mark.parametrize("words", [["rotate", "--for", "tokens"], ["retire", "a"], ["public"]])
def test_where_there_is_no_ring_none_is_made(run, words, monkeypatch):
    monkeypatch.delenv("LIVING_URL")

    refused = run("key", *words)
    assert isinstance(refused.exception, NotFound) and "LIVING_SIGNING_KEY" in refused.exception.detail
    assert not Path("data").exists()


def test_a_ring_is_made_where_there_is_none(run):
    assert "made" in run("key", "make").stdout
    assert [key.purpose for key in read_ring(key_path()).keys] == ["tokens", "revisions"] and is_private(key_path())

    again = run("key", "make")
    assert isinstance(again.exception, Conflict) and "living key rotate" in again.exception.detail


def test_the_doctor_says_which_key_signs_what(run, ring):
    seen = findings(run("doctor", "--json"))["signing key"]
    assert seen["state"] == "ok"
    assert f"tokens by {ring.keys[0].kid} from the first, revisions by {ring.keys[1].kid}" in seen["told"]


def test_the_doctor_tells_a_clock_that_is_behind_the_key(run, ring, monkeypatch, tmp_path):
    run("key", "rotate", "--for", "revisions")
    FileClock.write(tmp_path / "clock", datetime(2019, 5, 6, tzinfo=UTC))
    monkeypatch.setenv("LIVING_CLOCK", f"file:{tmp_path}/clock")

    seen = findings(run("doctor", "--json"))["signing key"]
    assert seen["state"] == "fail" and "may sign revisions now" in seen["told"] and "clock" in seen["do"]


@pytest.fixture
def signing(rig, monkeypatch) -> SynthesisRig:
    """A review that is synthesised where the commands look, dated by a clock of its own, with something to sign."""
    monkeypatch.setenv("LIVING_DATA_DIR", str(rig.bench.settings.data_dir))
    forget()
    rig.includes("r1")
    rig.links("r1")
    rig.settles()
    return rig


@pytest.fixture
def known(signing) -> Path:
    """A ring that a database knows, and a copy of it from before a rotation in its place."""
    copy = key_path().read_bytes()
    rotate(key_path(), "tokens", SystemClock())
    checks.check_key("synthesis", signing.bench.running.database, read_ring(key_path()))
    key_path().with_name("right.pem").write_bytes(key_path().read_bytes())
    key_path().write_bytes(copy)
    return key_path().with_name("right.pem")


@pytest.mark.parametrize("words", [["rotate", "--for", "revisions"], ["rotate", "--for", "tokens"], ["retire", "a"]])
def test_a_ring_that_lacks_a_key_which_a_database_knows_is_not_changed(run, known, words):
    older = key_path().read_bytes()
    refused = run("key", *words).exception

    assert isinstance(refused, Conflict) and refused.slug == "another_key"
    lacking = read_ring(known).newest("tokens").fingerprint
    assert lacking in refused.detail and "synthesis" in refused.detail and "living key accept" in refused.detail
    assert key_path().read_bytes() == older

    known.replace(key_path())
    assert run("key", "rotate", "--for", "revisions").exit_code == 0


def test_a_ring_is_not_made_beside_a_database_that_knows_one(run, known):
    key_path().unlink()
    refused = run("key", "make").exception

    assert isinstance(refused, Unavailable) and refused.slug == "key_lost"
    assert not key_path().exists()
    assert run("key", "accept", "--new", "--yes").exit_code == 0


def test_a_rotation_by_a_clock_behind_spoils_no_revision(run, signing, monkeypatch, tmp_path):
    signing.signs()
    signed_at = signing.bench.clock.now()
    FileClock.write(tmp_path / "clock", signed_at - timedelta(seconds=1))
    monkeypatch.setenv("LIVING_CLOCK", f"file:{tmp_path}/clock")
    refused = run("key", "rotate", "--for", "revisions").exception

    assert isinstance(refused, Conflict) and refused.slug == "clock_behind"
    assert f"{signed_at:%Y-%m-%d %H:%M:%S} UTC" in refused.detail and "LIVING_CLOCK" in refused.detail
    assert signing.lead.verify(REVIEW, 1).holds

    FileClock.write(tmp_path / "clock", signed_at)
    done = run("key", "rotate", "--for", "revisions")
    assert f"from now on, {signed_at:%Y-%m-%d %H:%M:%S} UTC (by LIVING_CLOCK, file:{tmp_path}/clock)" in done.stdout
    assert signing.lead.verify(REVIEW, 1).holds
    signing.signs("Nothing new.")
    assert signing.lead.verify(REVIEW, 2).holds


def test_a_rotation_by_a_clock_ahead_is_mended_as_the_doctor_says(run, signing, monkeypatch, tmp_path):
    signing.signs()
    run("key", "rotate", "--for", "revisions")  # By the machine's clock, years ahead of the review's.
    FileClock.write(tmp_path / "clock", signing.bench.clock.now())
    monkeypatch.setenv("LIVING_CLOCK", f"file:{tmp_path}/clock")
    seen = findings(run("doctor", "--json"))["signing key"]
    assert seen["state"] == "fail" and "`living key rotate --for revisions`" in seen["do"]

    assert "has signed nothing" in run("key", "rotate", "--for", "revisions").stdout
    assert findings(run("doctor", "--json"))["signing key"]["state"] == "ok"
    signing.signs("Nothing new.")
    assert all(signing.lead.verify(REVIEW, number).holds for number in (1, 2))


def test_a_spoiled_listing_keeps_no_key_from_being_rotated(run, signing):
    signing.signs()
    with signing.bench.work() as work:
        work.session.get(RevisionRow, (REVIEW, 1)).head = {"signed_at": "soon"}

    assert run("key", "rotate", "--for", "revisions").exit_code == 0
