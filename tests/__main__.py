"""`python -m tests`: the whole suite as `make test` runs it, on the real servers wherever they can be had.

`python -m tests --random [SEED]` is `make fuzz`: the tests that draw examples, with other ones and more of them.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parent.parent
LOCAL = [sys.executable, str(ROOT / "deploy" / "local")]
INSTANCE = ["--instance", "tests"]


def main(arguments: list[str]) -> int:
    """Checks style and imports, then runs every suite; answers the first exit code that is not zero."""
    if arguments[:1] == ["--random"]:
        return look_for_others(arguments[1:])
    tools = Path(sys.executable).parent
    for check in (["ruff", "format", "--check", "--quiet", "."], ["ruff", "check", "--quiet", "."], ["lint-imports"]):
        code = subprocess.call([str(tools / check[0]), *check[1:]], cwd=ROOT)
        if code:
            return code
    with real_servers() as servers:
        # Two at a time, a file each: much of the suite waits for processes, servers and clocks.
        parallel = ["-n", "2", "--dist", "loadfile"]
        command = [sys.executable, "-m", "pytest", *parallel, *arguments]
        return subprocess.call(command, cwd=ROOT, env={**os.environ, **servers})


def look_for_others(arguments: list[str]) -> int:
    """Runs the tests that draw their examples, with a seed: the first argument if it is one, else a new one."""
    given = arguments[:1] if arguments[:1] and arguments[0].isdecimal() else []
    seed = given[0] if given else str(secrets.randbelow(2**32))
    print(f"seed {seed}; the same again: make fuzz SEED={seed}")
    chosen = ["-m", "hypothesis or fuzz", f"--hypothesis-seed={seed}", *arguments[len(given) :]]
    with real_servers() as servers:
        environment = {**os.environ, **servers, "LIVING_TEST_RANDOM": seed}
        code = subprocess.call([sys.executable, "-m", "pytest", *chosen], cwd=ROOT, env=environment)
    print(f"seed {seed}; the same again: make fuzz SEED={seed}")
    return code


@contextmanager
def real_servers() -> Iterator[dict[str, str]]:
    """The variables that lead the suites to Kafka, Elasticsearch and PostgreSQL: those given, or servers of
    our own for the length of the run. Without Java and Maven there are none, which is said in one line."""
    if os.environ.get("LIVING_TEST_KAFKA_URL"):
        yield {}
        return
    required = os.environ.get("LIVING_TEST_REQUIRE_REAL") == "1"
    missing = [tool for tool in ("java", "mvn") if shutil.which(tool) is None]
    why = f"{' and '.join(missing)} is missing" if missing and not required else _start()
    if why and required:
        sys.exit(f"the real servers are required, and {why}")
    if why:
        print(f"left out: the suites on real Kafka, Elasticsearch and PostgreSQL, since {why}")
        yield {}
        return
    try:
        told = json.loads(subprocess.check_output([*LOCAL, "env", "--json", *INSTANCE], cwd=ROOT))
        yield {
            "LIVING_TEST_KAFKA_URL": told["LIVING_LOG_URL"],
            "LIVING_TEST_POSTGRES_URL": told["LIVING_DATABASE_URL"].replace("living_{service}", "{database}"),
            "LIVING_TEST_SEARCH_URL": told["LIVING_SEARCH_URL"],
        }
    finally:
        subprocess.call([*LOCAL, "down", *INSTANCE, "--wipe"], cwd=ROOT)


def _start() -> str | None:
    """Starts the servers; answers why not, where they cannot be had."""
    return "they do not start here (see above)" if subprocess.call([*LOCAL, "up", *INSTANCE], cwd=ROOT) else None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
