"""Time is an argument: it stands, moves and is shared as told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from shared.clock import FileClock, ManualClock, SystemClock, open_clock, parse_instant
from shared.errors import Unavailable
from shared.settings import _DAYS, Settings


def test_a_manual_clock_moves_only_when_told():
    clock = ManualClock("2018-12-31T12:00:00+00:00")
    clock.advance(hours=2)

    assert clock.now() == datetime(2018, 12, 31, 14, tzinfo=UTC)


def test_a_file_clock_is_seen_to_move_by_everyone_who_reads_it(tmp_path):
    FileClock.write(tmp_path / "clock", datetime(2018, 1, 1, tzinfo=UTC))
    one, other = open_clock(f"file:{tmp_path}/clock"), open_clock(f"file:{tmp_path}/clock")
    assert one.now() == other.now() == datetime(2018, 1, 1, tzinfo=UTC)

    FileClock.write(tmp_path / "clock", datetime(2019, 1, 1, tzinfo=UTC))

    assert one.now() == other.now() == datetime(2019, 1, 1, tzinfo=UTC)


def test_the_system_clock_is_in_utc():
    assert SystemClock().now().utcoffset() == timedelta(0)
    assert abs(open_clock("system").now() - datetime.now(UTC)) < timedelta(minutes=1)


def test_an_instant_without_an_offset_is_utc_and_one_with_is_turned():
    assert parse_instant("2018-01-01T00:00:00") == parse_instant("2018-01-01T02:00:00+02:00")


@pytest.mark.parametrize("url", ["", "file:", "ntp://pool", "now"])
def test_a_clock_nobody_has_is_a_clear_error(url):
    with pytest.raises(ValueError, match="LIVING_CLOCK"):
        open_clock(url)


def removed(clock):
    clock.unlink()


def a_folder(clock):
    clock.unlink()
    clock.mkdir()


def shows(text: str):
    return lambda clock: clock.write_bytes(text.encode("latin-1"))


@pytest.mark.parametrize(
    ("harm", "why"),
    [
        (removed, "No such file or directory"),
        (a_folder, "Is a directory"),
        (shows(""), "it is empty"),
        (shows(" \n"), "it is empty"),
        (shows("soon"), "it shows 'soon', which is no instant"),
        (shows("\x80\xff\0"), "which is no instant"),
        (shows("9" * 10_000), "which is no instant"),
        (shows("9999-12-31T23:59:59-01:00"), "which is no instant"),
        (shows("9999-12-31"), "between the years 1900 and 2999"),
        (shows("0001-01-01"), "between the years 1900 and 2999"),
    ],
)
def test_a_clock_that_shows_no_time_says_which_file_and_why_until_it_does_again(tmp_path, harm, why):
    path = tmp_path / "clock"
    FileClock.write(path, datetime(2018, 1, 1, tzinfo=UTC))
    clock = FileClock(path)
    clock.now()
    harm(path)

    for _ in range(2):
        with pytest.raises(Unavailable) as seen:
            clock.now()
        assert str(path) in seen.value.detail and why in seen.value.detail
        assert len(seen.value.detail) < 1000 and seen.value.slug == "clock_unreadable"

    if path.is_dir():
        path.rmdir()
    FileClock.write(path, datetime(2019, 1, 1, tzinfo=UTC))
    assert clock.now() == datetime(2019, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("at", ["1900-01-01", "2999-12-31T23:59:59"])
def test_what_we_keep_longest_can_be_reckoned_from_every_instant_a_clock_shows(tmp_path, at):
    (tmp_path / "clock").write_text(at)
    longest = timedelta(days=_DAYS)

    now = FileClock(tmp_path / "clock").now()

    assert now - longest < now < now + longest


@pytest.mark.parametrize("name", [name for name in Settings.model_fields if name.endswith(("_days", "_minutes"))])
def test_no_setting_keeps_anything_beyond_the_calendar(name):
    with pytest.raises(ValidationError, match=name):
        Settings(_env_file=None, **{name: 10_000_000})
