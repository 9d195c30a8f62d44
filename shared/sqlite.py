"""SQLite as a server with many threads uses it: set up once, before anything in the process loads it."""

from __future__ import annotations

import ctypes
import sys
from importlib.util import find_spec

#: `SQLITE_CONFIG_MEMSTATUS` (SQLite's page "Configuration Options", sqlite3.h).
_MEMSTATUS = 9


def keep_no_count_of_memory() -> bool:
    """Has SQLite not count what memory it takes. For that count it holds one lock of the whole process at each
    allocation, and threads that work side by side then wait for one another; SQLite's manual recommends to do without.

    Answers whether it could be done: not where SQLite is loaded already, nor where this Python's cannot be reached.
    Then all works the same, only slower.
    """
    if sys.platform != "linux" or "_sqlite3" in sys.modules or (spec := find_spec("_sqlite3")) is None:
        return False
    try:
        # Loads the library without running the module, whose first act would be to start SQLite.
        configure = ctypes.CDLL(spec.origin if spec.has_location else None).sqlite3_config
    except (OSError, AttributeError):
        return False
    code: int = configure(ctypes.c_int(_MEMSTATUS), ctypes.c_int(0))
    return code == 0
