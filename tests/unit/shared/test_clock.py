"""Time is an argument: it stands, moves and is shared as told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from shared.clock import FileClock, ManualClock, SystemClock, open_clock, parse_instant


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
