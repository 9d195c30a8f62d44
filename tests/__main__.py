"""`python -m tests`: the whole suite as `make test` runs it, on the real servers wherever they can be had.

`python -m tests --random [SEED]` is `make fuzz`: the tests that draw examples, with other ones and more of them.
`python -m tests --busy 8 --times 20` is `make busy`: the tests that wait, again and again beside busy processes.
`python -m tests --busy 4` is the whole suite, once, beside four of them.
`python -m tests --flow` has 5,716 records live through six stages, and counts their flow anew from the log.
What else is given goes to pytest.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.busy import Tally, busy

ROOT = Path(__file__).parent.parent
LOCAL = [sys.executable, str(ROOT / "deploy" / "local")]
INSTANCE = ["--instance", "tests"]
_FLOW = "tests/unit/services/screening/test_flow_course.py"
#: Two at a time, a file each, since much of the suite waits for processes, servers and clocks; in the order of their
#: folders, since the flows, which have the fewest tests and take longest, would else come last, one of them alone.
PARALLEL = ["-n", "2", "--dist", "loadfile", "--no-loadscope-reorder"]

#: Where a run keeps its bytecode when it is told to keep none beside the sources: hundreds of processes start, and to
#: compile all that one loads takes as long as the rest of its start.
_COMPILED = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(ROOT / ".venv" / "bytecode")}

#: The file system that Linux keeps in memory, and how much of it a run must find free.
_MEMORY, _LARGE = Path("/dev/shm"), 8 * 1024**3


def main(arguments: list[str]) -> int:
    if sys.dont_write_bytecode:
        os.environ.update(_COMPILED)
    if arguments[:1] == ["--random"]:
        return look_for_others(arguments[1:])
    if arguments[:1] == ["--flow"]:
        return recount_the_flow(arguments[1:])
    options = argparse.ArgumentParser(allow_abbrev=False, add_help=False)
    options.add_argument("--busy", type=int, default=0)
    options.add_argument("--times", type=int, default=0)
    given, rest = options.parse_known_args(arguments)
    with busy(given.busy):
        return again_and_again(given.times, rest) if given.times else whole(rest)


def whole(arguments: list[str]) -> int:
    """Checks style, types and imports, then runs every suite; answers the first exit code that is not zero."""
    tools = Path(sys.executable).parent
    checks = [
        "ruff format --check --quiet .", "ruff check --quiet .", "mypy --no-error-summary", "lint-imports",
        "python -m docs.asyncapi",
    ]  # fmt: skip
    for check in map(str.split, checks):
        code = subprocess.call([str(tools / check[0]), *check[1:]], cwd=ROOT)
        if code:
            return code
    with folder_in_memory() as folder, real_servers(folder) as servers:
        inside = ["--basetemp", str(folder / f"pytest-{os.getpid()}")] if folder else []
        command = [sys.executable, "-m", "pytest", *PARALLEL, *inside, *arguments]
        return subprocess.call(command, cwd=ROOT, env={**os.environ, **servers})


def again_and_again(times: int, arguments: list[str]) -> int:
    """Runs the tests that wait so many times, and tells of each how often it failed; answers the first exit code that
    is not zero. Each time is a run of its own, with fixtures of its own, since a flow cannot begin twice in one."""
    tally, codes = Tally(), []
    with real_servers() as servers, tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, **servers}
        try:
            files = _with_tests_that_wait(arguments, environment)
            for number in range(1, times + 1):
                print(f"run {number} of {times}", flush=True)
                results = Path(folder) / f"{number}.xml"
                chosen = ["-q", "-m", "waits", "-o", "junit_family=xunit1", f"--junitxml={results}", *arguments]
                command = [sys.executable, "-m", "pytest", *PARALLEL, *chosen, *files]
                codes.append(subprocess.call(command, cwd=ROOT, env=environment))
                tally.add(results)
        finally:
            print(f"\n{len(codes)} of {times} runs are done", tally.report(), sep="\n", flush=True)
    return next(filter(None, codes), 0)


def _with_tests_that_wait(arguments: list[str], environment: Mapping[str, str]) -> list[str]:
    """The files that have any of the tests meant, unless some are named: so that not each worker of each run reads all
    of them, which beside busy processes takes longer than the tests."""
    if any((ROOT / argument.partition("::")[0]).exists() for argument in arguments):
        return []
    looking = [sys.executable, "-m", "pytest", "--collect-only", "-qq", "-m", "waits", *arguments, "-n", "0"]
    found = subprocess.run(looking, cwd=ROOT, env={**environment}, stdout=subprocess.PIPE, text=True, check=False)
    return re.findall(r"^(.+\.py): [0-9]+$", found.stdout, re.MULTILINE)


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


def recount_the_flow(arguments: list[str]) -> int:
    """Runs the one test that is too long for the suite, on either database, at the same time."""
    with real_servers() as servers:
        environment = {**os.environ, **servers, "LIVING_TEST_FLOW": "1"}
        command = [sys.executable, "-m", "pytest", "-n", "2", "-k", "whole_review", "--durations=2", *arguments, _FLOW]
        return subprocess.call(command, cwd=ROOT, env=environment)


@contextmanager
def folder_in_memory() -> Iterator[Path | None]:
    """A folder in memory for what tests and their servers keep, gone with the run, or None where there is no room. All
    of it is made durable as ever, for which a disk is waited for longer than the tests work. It has the same name each
    time, so that servers of a run that was killed are found again."""
    if not _is_large(_MEMORY):
        yield None
        return
    folder = _MEMORY / f"living-tests-{os.getuid()}-{zlib.crc32(bytes(ROOT)):08x}"
    folder.mkdir(exist_ok=True)
    folder.chmod(0o755)  # The servers may be of another user.
    for left in folder.glob("pytest-*"):
        if not Path("/proc", left.name.removeprefix("pytest-")).exists():
            shutil.rmtree(left, ignore_errors=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder / f"pytest-{os.getpid()}", ignore_errors=True)
        with suppress(OSError):
            folder.rmdir()


def _is_large(memory: Path) -> bool:
    try:
        system = os.statvfs(memory)
        available = re.search(r"^MemAvailable: +([0-9]+) kB$", Path("/proc/meminfo").read_text(), re.MULTILINE)
    except OSError:
        return False
    free = min(system.f_bavail * system.f_frsize, int(available[1]) * 1024 if available else 0)
    return free >= _LARGE and not system.f_flag & os.ST_NOEXEC


@contextmanager
def real_servers(folder: Path | None = None) -> Iterator[dict[str, str]]:
    """The variables that lead the suites to Kafka, Elasticsearch and PostgreSQL: those given, or servers of our own for
    the length of the run, with their data in `folder` if it is given. Without Java and Maven there are none, which is
    said in one line."""
    if os.environ.get("LIVING_TEST_KAFKA_URL"):
        yield {}
        return
    instance = [*INSTANCE, *(["--dir", str(folder)] if folder else [])]
    required = os.environ.get("LIVING_TEST_REQUIRE_REAL") == "1"
    missing = [tool for tool in ("java", "mvn") if shutil.which(tool) is None]
    why = f"{' and '.join(missing)} is missing" if missing and not required else _start(instance)
    if why and required:
        sys.exit(f"the real servers are required, and {why}")
    if why:
        print(f"left out: the suites on real Kafka, Elasticsearch and PostgreSQL, since {why}")
        yield {}
        return
    try:
        shown = json.loads(subprocess.check_output([*LOCAL, "env", "--json", *instance], cwd=ROOT))
        yield {
            "LIVING_TEST_KAFKA_URL": shown["LIVING_LOG_URL"],
            "LIVING_TEST_POSTGRES_URL": shown["LIVING_DATABASE_URL"].replace("living_{service}", "{database}"),
            "LIVING_TEST_SEARCH_URL": shown["LIVING_SEARCH_URL"],
        }
    finally:
        subprocess.call([*LOCAL, "down", *instance, "--wipe"], cwd=ROOT)


def _start(instance: list[str]) -> str | None:
    """Starts the servers; answers why not, where they cannot be had."""
    return "they do not start here (see above)" if subprocess.call([*LOCAL, "up", *instance], cwd=ROOT) else None


if __name__ == "__main__":
    # Ended from outside, it takes down what it has started, and tells what it has seen so far.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
