"""`living events replay` says what is wrong with where it shall go, and makes nothing by it."""

from __future__ import annotations

import pytest

from shared.errors import Invalid
from shared.keys import SigningKey
from shared.settings import Settings


@pytest.fixture(autouse=True)
def key() -> None:
    SigningKey.open(Settings(_env_file=None))


@pytest.mark.parametrize("into", ["foo", "again.db", "mysql://u@h/x", "postgresql+psycopg://u@h:port/x"])
def test_what_is_no_address_of_a_database_is_told(run, into):
    result = run("events", "replay", "screening", "--into", into)

    assert isinstance(result.exception, Invalid)
    assert f"--into {into}" in result.exception.detail and "sqlite:///FILE" in result.exception.detail


def test_a_file_in_a_folder_that_is_not_there_makes_no_folder(run, tmp_path):
    result = run("events", "replay", "screening", "--into", f"sqlite:///{tmp_path}/nope/x.db")

    assert isinstance(result.exception, Invalid) and f"there is no folder {tmp_path}/nope" in result.exception.detail
    assert not (tmp_path / "nope").exists()
