"""How long to wait before the next try: the one rule, whoever waits and wherever the pause is kept.

A pause is a function of the tries made, so that it is the same in a loop, over the turns of a thread, and out of a row
that counts them.
"""

from __future__ import annotations

import random
from email.utils import parsedate_to_datetime

#: More doublings than any pause needs, and fewer than a float takes.
_MOST_DOUBLINGS = 60


def pause_after(tries: int, *, first: float, longest: float) -> float:
    """Seconds until the next try after so many that failed: `first`, doubled each time, at most `longest`."""
    return min(first * 2.0 ** min(max(tries - 1, 0), _MOST_DOUBLINGS), longest)


def spread(pause: float) -> float:
    """Half of a pause up to all of it, so that what failed together is not tried again together."""
    return pause * random.uniform(0.5, 1.0)


def no_less_than_asked(pause: float, asked: float | None, *, most: float) -> float:
    """A pause of ours, or the longer one that was asked for, as far as `most` seconds."""
    return max(pause, min(asked or 0.0, most))


def retry_after(header: str, date: str | None = None) -> float | None:
    """Seconds that a Retry-After header asks for (RFC 9110, 10.2.3); None when it says nothing clear.

    One that names a time is held against the asker's own Date header, so that a wrong clock here does no harm; without
    that it is not read.
    """
    text = header.strip()
    whole, point, fraction = text.partition(".")
    if whole.isascii() and whole.isdigit() and len(whole) < 10 and (fraction.isdigit() if point else not fraction):
        return float(text)
    try:
        wait = parsedate_to_datetime(text) - parsedate_to_datetime(date or "")
    except (ValueError, TypeError, OverflowError):
        return None
    return max(0.0, wait.total_seconds())
