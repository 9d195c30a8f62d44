"""Apart: what fails is told in the end, and what comes after it is done."""

from __future__ import annotations

import pytest

from shared.apart import each


def test_one_that_fails_keeps_none_of_the_others_and_is_raised_in_the_end_under_its_name():
    done = []

    with pytest.raises(ExceptionGroup, match="2 failed: review a: ValueError: no plan; review c: KeyError: ") as failed:  # noqa: SIM117
        with each("review") as failures:
            for name, error in (("a", ValueError("no plan")), ("b", None), ("c", KeyError()), ("d", None)):
                with failures.apart(name):
                    if error is not None:
                        raise error
                    done.append(name)

    assert done == ["b", "d"]
    assert [error.__notes__ for error in failed.value.exceptions] == [["review a"], ["review c"]]


def test_when_all_went_well_nothing_is_raised():
    with each("review") as failures, failures.apart("a"):
        pass


def test_what_ends_the_whole_is_raised_as_it_is():
    with pytest.raises(KeyboardInterrupt), each("review") as failures, failures.apart("a"):
        raise KeyboardInterrupt


def test_what_ends_the_whole_comes_beside_what_had_failed_before():
    with pytest.raises(ExceptionGroup, match="2 failed: review a: ValueError: no plan; then: OSError: gone"):  # noqa: SIM117
        with each("review") as failures:
            with failures.apart("a"):
                raise ValueError("no plan")
            raise OSError("gone")
    with pytest.raises(OSError, match="gone"), each("review"):
        raise OSError("gone")
