"""A new play clears away what the last one left, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from demo.environment import clear
from shared.errors import Conflict, Unavailable
from tests.toy import TOY
from tests.waiting import eventually
from tests.workbench import Workbench

pytestmark = pytest.mark.waits


def test_what_an_earlier_play_left_goes(tmp_path):
    folder = clear(tmp_path / "demo")
    (folder / "log.db").touch()

    assert [file.name for file in clear(folder).iterdir()] == [".living-demo"]


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(Conflict, match="not a demo's"):
        clear(tmp_path)

    assert (tmp_path / "thesis.txt").exists()


def test_a_folder_on_which_a_platform_runs_is_left_alone(tmp_path):
    folder = clear(tmp_path / "demo")
    bench = Workbench(TOY, folder)
    bench.running.start()
    try:
        eventually(lambda: bench.running.relay.leading)
        with pytest.raises(Conflict, match=r"a platform runs in .*demo: stop it first"):
            clear(folder)
        assert (folder / "toy.db").exists()
    finally:
        bench.running.stop()
        bench.close()

    clear(folder)


def test_a_folder_that_cannot_be_made_is_told_with_its_path():
    with pytest.raises(Unavailable, match="/proc/living-demo"):
        clear(Path("/proc/living-demo"))
