"""The switch between the logs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from shared.bus.open import open_log
from shared.bus.sqlite_log import SqliteLog

ROOT = Path(__file__).parents[4]


def test_a_sqlite_url_opens_a_file_and_touches_nothing_yet(tmp_path: Path) -> None:
    log = open_log(f"sqlite:{tmp_path}/data/log.db")
    assert isinstance(log, SqliteLog)
    assert log.path == tmp_path / "data" / "log.db"
    assert not log.path.parent.exists()
    log.close()


@pytest.mark.parametrize("servers", ["kafka:9092", "10.0.0.1:9092,10.0.0.2:9093", "[::1]:9092"])
def test_a_kafka_url_names_one_server_or_several_and_connects_to_none_yet(servers: str) -> None:
    log = open_log(f"kafka://{servers}", prefix="mine.")
    assert type(log).__name__ == "KafkaLog"
    log.close()


@pytest.mark.parametrize(
    "url",
    ["", "sqlite:", "kafka:", "kafka://", "kafka://host", "kafka:host:9092", "kafka://a:1,,b:2", "redis://host:1"],
)
def test_another_url_is_refused_with_the_forms_that_are_known(url: str) -> None:
    with pytest.raises(ValueError, match=r"LIVING_LOG_URL is .* 'sqlite:FILE' or 'kafka://HOST:PORT"):
        open_log(url)


@pytest.mark.waits
def test_the_embedded_profile_never_loads_kafka() -> None:
    code = (
        "import sys; from shared.bus.open import open_log; open_log('sqlite:x.db'); assert 'kafka' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
