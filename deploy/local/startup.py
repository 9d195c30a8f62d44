"""Brings up what is missing of an instance, in parallel, and takes it back when one part fails."""

import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed

from deploy.local.account import Account
from deploy.local.downloads import Cache, Say
from deploy.local.files import tail
from deploy.local.instance import Instance, Ports, Record, rotate
from deploy.local.processes import end, family, look_up
from deploy.local.servers import KINDS, Server
from deploy.local.trouble import Trouble

POLL = 0.2
STOP_PATIENCE = 30
LINES_OF_LOG = 25


class Abandoned(Trouble):
    """Another server failed, so this one is not waited for any longer."""


class Startup:
    """One `up`: which servers it started, and what it learnt of them."""

    def __init__(self, instance: Instance, account: Account, timeout: float, say: Say) -> None:
        self.instance = instance
        self.account = account
        self.timeout = timeout
        self.say = say
        self.children: dict[str, subprocess.Popen] = {}
        self._abandon = threading.Event()

    def run(self, names: Sequence[str], cache: Cache) -> None:
        """Starts those that do not run and waits until all of them answer."""
        missing = [name for name in names if not self.instance.running(name)]
        with Ports(cache.folder / "ports") as ports:
            servers = {name: self._plan(name, ports) for name in missing}
            with cache.mine():
                for server in servers.values():
                    server.fetch(cache, self.say)
            each_in_parallel(names, lambda name: self._bring_up(name, servers.get(name)), self._abandon.set)

    def take_back(self) -> None:
        """Stops what this `up` started, and nothing that ran before."""
        stop(self.instance, list(self.children), self.say)
        for child in self.children.values():
            child.wait()

    def _plan(self, name: str, ports: Ports) -> Server:
        """Gives a server its ports: those it had before, unless somebody took them meanwhile."""
        known = self.instance.records.get(name, Record({}))
        self._end_remains(name, known)
        chosen = ports.choose(KINDS[name].port_names, known.ports)
        if known.ports and chosen != known.ports:
            self.say(name, f"a port of {list(known.ports.values())} is taken, using {list(chosen.values())}")
        self.instance.remember(name, Record(chosen))
        return self.instance.server(name)

    def _end_remains(self, name: str, known: Record) -> None:
        """A server whose main process was killed may have left others that hold its data folder."""
        if family(known.processes):
            self.say(name, "ending what a crash left ...")
            end(known.processes, KINDS[name].gentle, STOP_PATIENCE)

    def _bring_up(self, name: str, server: Server | None) -> None:
        began = time.monotonic()
        child = self._start(name, server) if server else None
        self._wait_until_ready(name, child)
        if child:
            self._note_family(name)
            self.say(name, f"ready in {time.monotonic() - began:.1f} s")
        else:
            self.say(name, f"already running (pid {self.instance.records[name].processes[0].pid})")

    def _start(self, name: str, server: Server) -> subprocess.Popen:
        self.say(name, "starting ...")
        server.prepare(self.account, self.timeout)
        self._stop_if_abandoned()
        rotate(self.instance.log(name))
        child = self.account.start(server.command(), server.folder, server.environment(), self.instance.log(name))
        self.children[name] = child
        if entry := look_up(child.pid):
            self.instance.remember(name, Record(dict(server.ports), [entry.process]))
        return child

    def _note_family(self, name: str) -> None:
        """Remembers the helpers of a server too, so that we know them should it be killed."""
        record = self.instance.records[name]
        helpers = [process for process in family(record.processes) if process != record.processes[0]]
        self.instance.remember(name, Record(record.ports, record.processes + helpers))

    def _wait_until_ready(self, name: str, child: subprocess.Popen | None) -> None:
        deadline = time.monotonic() + self.timeout
        server = self.instance.server(name)
        while not server.answers():
            self._stop_if_abandoned()
            self._check_it_runs(name, child)
            if time.monotonic() > deadline:
                raise Trouble(
                    f"{name} did not answer within {self.timeout:g} s: see why below, or allow more "
                    f"with --timeout.{self._end_of_log(name)}"
                )
            time.sleep(POLL)
        self._check_it_runs(name, child)  # else it was a stranger on that port who answered

    def _check_it_runs(self, name: str, child: subprocess.Popen | None) -> None:
        code = child.poll() if child else None
        if code is not None or not self.instance.running(name):
            raise Trouble(
                f"{name} ended{'' if code is None else f' with {code}'} before it was ready: "
                f"see why below.{self._end_of_log(name)}"
            )

    def _end_of_log(self, name: str) -> str:
        log = self.instance.log(name)
        return f"\n--- the end of {log}\n{tail(log, LINES_OF_LOG) or '(it has said nothing)'}"

    def _stop_if_abandoned(self) -> None:
        if self._abandon.is_set():
            raise Abandoned("given up, because another server failed")


def stop(instance: Instance, names: Sequence[str], say: Say) -> None:
    """Ends the servers of an instance, all at the same time."""
    each_in_parallel(names, lambda name: _stop(instance, name, say))


def _stop(instance: Instance, name: str, say: Say) -> None:
    record = instance.records.get(name, Record({}))
    if not family(record.processes):
        say(name, "not running")
        return
    say(name, "stopping ...")
    began = time.monotonic()
    end(record.processes, KINDS[name].gentle, STOP_PATIENCE)
    instance.remember(name, Record(record.ports))
    say(name, f"stopped in {time.monotonic() - began:.1f} s")


def each_in_parallel(
    names: Sequence[str], work: Callable[[str], None], on_failure: Callable[[], None] = lambda: None
) -> None:
    """Does the same for several servers at once. The first failure is raised once all are done."""
    with ThreadPoolExecutor(max_workers=len(KINDS)) as pool:
        try:
            for done in as_completed([pool.submit(work, name) for name in names]):
                done.result()
        except BaseException:
            on_failure()
            raise
