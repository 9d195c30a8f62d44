"""SQLite is set up before it is loaded, or left as it is."""

import subprocess
import sys
from importlib.util import find_spec
from textwrap import dedent

import pytest

pytestmark = pytest.mark.waits

reachable = pytest.mark.skipif(
    sys.platform != "linux" or not find_spec("_sqlite3").has_location, reason="SQLite is left as it is here"
)


def _said_by(program: str, ends: int = 0) -> str:
    done = subprocess.run([sys.executable, "-c", dedent(program)], capture_output=True, text=True, timeout=300)
    assert done.returncode == ends, done.stderr
    return done.stdout.strip()


@reachable
def test_a_process_that_sets_it_up_first_has_an_sqlite_that_counts_no_memory():
    seen = _said_by("""
        from shared.sqlite import keep_no_count_of_memory
        print(keep_no_count_of_memory())
        import _sqlite3, ctypes, sqlite3
        db = sqlite3.connect(":memory:")
        db.execute("CREATE TABLE t (x)"); db.execute("INSERT INTO t VALUES (?)", ["x" * 100_000])
        used = ctypes.CDLL(_sqlite3.__file__).sqlite3_memory_used
        used.restype = ctypes.c_int64
        print(used(), db.execute("SELECT length(x) FROM t").fetchone())
    """)
    assert seen == "True\n0 (100000,)"


def test_a_process_that_has_loaded_it_goes_on_as_before():
    seen = _said_by("""
        import sqlite3
        from shared.sqlite import keep_no_count_of_memory
        print(keep_no_count_of_memory(), sqlite3.connect(":memory:").execute("SELECT 1").fetchone())
    """)
    assert seen == "False (1,)"


@reachable
def test_the_command_that_serves_sets_it_up_before_anything_loads_it():
    seen = _said_by(
        """
        import sys
        import shared.sqlite
        from services.cli import main
        done, real = [], shared.sqlite.keep_no_count_of_memory
        shared.sqlite.keep_no_count_of_memory = lambda: done.append(real())
        sys.argv = ["living", "serve", "no-such-service"]
        try:
            main()
        finally:
            print(done)
    """,
        ends=1,
    )
    assert seen == "[True]"
