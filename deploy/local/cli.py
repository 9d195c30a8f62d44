"""The command: up, down, status, logs and env for the servers on this machine."""

import argparse
import json
import os
import shlex
import signal
import sys
from collections.abc import Sequence

from deploy.local.account import servers_account
from deploy.local.downloads import Cache, cache_folder
from deploy.local.files import tail
from deploy.local.instance import Instance, find_folder
from deploy.local.processes import PROC, memory
from deploy.local.servers import KINDS
from deploy.local.startup import Startup, each_in_parallel, stop
from deploy.local.trouble import Trouble

NOT_RUNNING = 3  # what `systemctl status` and `pg_ctl status` answer, too


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and turns every expected failure into one sentence and a 1."""
    options = parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, _as_interrupt)
    try:
        _check_system()
        return options.run(options)
    except Trouble as trouble:
        return _fail(str(trouble))
    except OSError as error:
        return _fail(f"{error.filename or options.command}: {error.strerror or error}.")
    except KeyboardInterrupt:
        return _fail("Interrupted.", 130)


def _check_system() -> None:
    if not PROC.joinpath("self/stat").exists():
        raise Trouble("This needs Linux with /proc: use Docker or servers of your own elsewhere.")
    if os.geteuid() == 0:
        os.umask(0o022)  # the servers' user must be able to read what root downloads and writes


def _fail(sentence: str, code: int = 1) -> int:
    print(f"deploy/local: {sentence}", file=sys.stderr)
    return code


def _as_interrupt(*_) -> None:
    raise KeyboardInterrupt


def say(name: str, text: str) -> None:
    """Prints one line of progress, in one piece even from several threads."""
    sys.stdout.write(f"{name:<14} {text}\n")
    sys.stdout.flush()


# -- what can be asked ---------------------------------------------------------------------------


def parser() -> argparse.ArgumentParser:
    """Describes the command line."""
    top = argparse.ArgumentParser(prog="python deploy/local", description=__doc__)
    commands = top.add_subparsers(dest="command", required=True, metavar="up|down|status|logs|env")
    up = _command(commands, "up", run_up, "start what is not running and wait until it answers")
    up.add_argument(
        "--timeout",
        type=float,
        default=120,
        metavar="SECONDS",
        help="how long each server may take to answer (default: %(default)s)",
    )
    up.add_argument("--keep", action="store_true", help="if one fails, leave the others running")
    down = _command(commands, "down", run_down, "stop what `up` started")
    down.add_argument("--wipe", action="store_true", help="delete the data, too")
    for name, run, text in (
        ("status", run_status, "say what runs, where, and whether it answers"),
        ("env", run_env, "print the settings that lead the platform here, for eval"),
    ):
        _command(commands, name, run, text).add_argument("--json", action="store_true")
    logs = _command(commands, "logs", run_logs, "print the end of what a server said", several=False)
    logs.add_argument("server", choices=KINDS)
    logs.add_argument("-n", type=int, default=50, dest="lines", help="how many lines (default: %(default)s)")
    return top


def _command(commands, name: str, run, text: str, several: bool = True) -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=text, description=f"{name}: {text}.")
    command.set_defaults(run=run)
    command.add_argument("--instance", default="default", metavar="NAME")
    command.add_argument(
        "--dir",
        default=os.environ.get("LIVING_LOCAL_DIR"),
        metavar="FOLDER",
        help="where instances keep their data, each in a folder of its name "
        "(default: LIVING_LOCAL_DIR, else .local in the repository)",
    )
    if several:
        command.add_argument(
            "--only", type=_names, default=list(KINDS), metavar="SERVERS", help=f"some of {','.join(KINDS)}"
        )
    return command


def _names(text: str) -> list[str]:
    names = list(dict.fromkeys(text.split(",")))
    if unknown := [name for name in names if name not in KINDS]:
        raise argparse.ArgumentTypeError(f"{unknown[0]!r} is not one of {', '.join(KINDS)}")
    return names


# -- what is done --------------------------------------------------------------------------------


def run_up(options: argparse.Namespace) -> int:
    """Starts what is missing. When that fails, stops again what it started."""
    account = servers_account()
    instance = Instance(options.instance, find_folder(options.instance, options.dir, account))
    say(options.instance, f"in {instance.folder}")
    with instance.locked(say):
        instance.reload()
        startup = Startup(instance, account, options.timeout, say)
        try:
            startup.run(options.only, Cache(cache_folder(), account, say))
        except BaseException:
            if not options.keep:
                startup.take_back()
            raise
    return 0


def run_down(options: argparse.Namespace) -> int:
    """Stops servers, and deletes their data if asked to."""
    instance = _instance(options)
    if not instance.exists:
        say(instance.name, f"nothing to stop: there is no instance in {instance.folder}")
        return 0
    with instance.locked(say):
        instance.reload()
        stop(instance, options.only, say)
        if options.wipe:
            instance.wipe(options.only)
            say(instance.name, f"deleted the data of {', '.join(options.only)}")
    return 0


def run_status(options: argparse.Namespace) -> int:
    """Prints what runs; ends with 3 unless all of it answers."""
    instance = _instance(options)
    found: dict[str, dict] = {}
    each_in_parallel(options.only, lambda name: found.update({name: _state(instance, name)}))
    rows = [found[name] for name in options.only]
    print(json.dumps(rows, indent=2) if options.json else _table(rows))
    return 0 if all(row["state"] == "running" for row in rows) else NOT_RUNNING


def _state(instance: Instance, name: str) -> dict:
    if not instance.running(name):
        return {"server": name, "state": "stopped", "pid": None, "port": None, "memory_mb": None, "url": None}
    server, record = instance.server(name), instance.records[name]
    return {
        "server": name,
        "state": "running" if server.answers() else "not answering",
        "pid": record.processes[0].pid,
        "port": server.port,
        "memory_mb": round(memory(record.processes) / 2**20),
        "url": next(iter(server.exports().values())),
    }


def _table(rows: Sequence[dict]) -> str:
    lines = [list(rows[0]), *([_cell(value) for value in row.values()] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)


def _cell(value: object) -> str:
    return "-" if value is None else str(value)


def run_logs(options: argparse.Namespace) -> int:
    """Prints the end of a server's log."""
    log = _instance(options).log(options.server)
    if not log.exists():
        raise Trouble(f"{options.server} has no log yet ({log}): start it with `up`.")
    print(tail(log, options.lines))
    return 0


def run_env(options: argparse.Namespace) -> int:
    """Prints the settings of the servers that run."""
    instance = _instance(options)
    settings: dict[str, str] = {}
    for name in filter(instance.running, options.only):
        settings |= instance.server(name).exports()
    if not settings:
        raise Trouble(f"Nothing of the instance {instance.name} is running: start it with `up` first.")
    print(json.dumps(settings, indent=2) if options.json else as_exports(settings))
    return 0


def as_exports(settings: dict[str, str]) -> str:
    """Writes settings so that a shell can eval them."""
    return "\n".join(f"export {name}={shlex.quote(value)}" for name, value in settings.items())


def _instance(options: argparse.Namespace) -> Instance:
    return Instance(options.instance, find_folder(options.instance, options.dir))
