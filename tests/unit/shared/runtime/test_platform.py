"""A start waits a while for servers that are not up yet, and says in a sentence what it waited for in vain."""

from __future__ import annotations

import pytest

from shared.errors import Unavailable
from shared.keys.file import open_ring
from shared.runtime import platform as starting
from shared.runtime.platform import Platform
from shared.settings import Settings
from tests.toy import TOY

#: A port on which nobody listens.
_NOBODY = "postgresql+psycopg://living@127.0.0.1:1/{service}"


@pytest.fixture
def settings(tmp_path):
    return Settings(
        data_dir=tmp_path, database_url=_NOBODY, scheduler=False, retry_seconds=0.01, log_level="error", _env_file=None
    )


@pytest.fixture
def platform(settings, monkeypatch):
    monkeypatch.setattr(starting, "_PATIENCE", 0.3)
    open_ring(settings)
    platform = Platform(settings, [TOY])
    yield platform
    platform.stop()


def test_without_a_key_it_is_told_that_none_can_be_made_while_a_database_may_know_one(settings):
    with pytest.raises(Unavailable, match=r"which keys toy was used with cannot be asked of its database: .*port 1"):
        Platform(settings, [TOY])


def test_a_database_that_is_not_there_in_time_is_told_in_a_sentence(platform):
    with pytest.raises(Unavailable, match=r"not started: .*connection to server at .127\.0\.0\.1., port 1 failed"):
        platform.start()


def test_a_database_that_comes_late_is_waited_for(platform, monkeypatch):
    (running,) = platform.running.values()
    prepare, tries = running.prepare, []

    def prepared_at_the_third() -> None:
        tries.append(1)
        if len(tries) < 3:
            prepare()

    monkeypatch.setattr(running, "prepare", prepared_at_the_third)
    monkeypatch.setattr(running, "start", lambda: None)

    platform.start()

    assert len(tries) == 3
