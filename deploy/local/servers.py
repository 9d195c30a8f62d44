"""Says of each server how it is prepared, started, asked whether it is ready, and stopped."""

import base64
import http.client
import json
import os
import shutil
import signal
import socket
import struct
import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path

from deploy.local import postgresql
from deploy.local.account import Account
from deploy.local.downloads import Cache, Java, Say
from deploy.local.files import build_once
from deploy.local.processes import at_work_in, run
from deploy.local.trouble import Trouble

HOST = "127.0.0.1"
ANSWER_WITHIN = 5
VECTOR_MODULE = "jdk.incubator.vector"


class Server(ABC):
    """One server of one instance: its folder and its ports are all that it needs to know."""

    name: str
    port_names: tuple[str, ...]
    gentle = signal.SIGTERM

    def __init__(self, folder: Path, ports: Mapping[str, int]) -> None:
        self.folder = folder
        self.ports = ports

    @property
    def port(self) -> int:
        """The port that clients use; the first of its names."""
        return self.ports[self.port_names[0]]

    @abstractmethod
    def fetch(self, cache: Cache, say: Say) -> None:
        """Gets the programs."""

    @abstractmethod
    def prepare(self, account: Account, timeout: float) -> None:
        """Writes settings, and makes an empty store the first time."""

    @abstractmethod
    def command(self) -> list[str]:
        """The command that runs the server in the foreground."""

    def environment(self) -> dict[str, str]:
        """All that the server inherits: what our own environment holds is no business of its."""
        return {"PATH": os.defpath + ":/usr/sbin:/sbin", "HOME": str(self.folder), "LC_ALL": "C.UTF-8"}

    @abstractmethod
    def answers(self) -> bool:
        """Asks the server, over its own protocol, whether it can be used."""

    @abstractmethod
    def exports(self) -> dict[str, str]:
        """The settings of the platform that lead to this server; the first one is its URL."""


class Kafka(Server):
    name = "kafka"
    port_names = ("client", "controller")

    def fetch(self, cache: Cache, say: Say) -> None:
        self.java: Java = cache.java()
        self.jars = cache.kafka(self.java)

    def prepare(self, account: Account, timeout: float) -> None:
        account.own(self.folder)
        self._settings.write_text(self._properties(), encoding="utf-8")
        self._logging.write_text(KAFKA_LOGGING, encoding="utf-8")
        build_once(self.folder / "data", lambda data: self._format(account.own(data), account, timeout))

    def _format(self, data: Path, account: Account, timeout: float) -> None:
        account.run(
            [
                *self._launcher(),
                "kafka.tools.StorageTool",
                "format",
                "--standalone",
                "-t",
                _cluster_id(),
                "-c",
                str(self._settings),
            ],
            "Formatting Kafka's storage",
            timeout,
            cwd=data,
            env=self.environment(),
        )

    def command(self) -> list[str]:
        return [*self._launcher(), "kafka.Kafka", str(self._settings)]

    def _launcher(self) -> list[str]:
        return [
            self.java.program,
            "-Xmx512m",
            # It lives for minutes here, in which better code does not save what making it costs.
            "-XX:TieredStopAtLevel=1",
            "-XX:+ExitOnOutOfMemoryError",
            f"-Dlog4j2.configurationFile={self._logging}",
            "-cp",
            f"{self.jars}/*",
        ]

    @property
    def _settings(self) -> Path:
        return self.folder / "server.properties"

    @property
    def _logging(self) -> Path:
        return self.folder / "log4j2.properties"

    def _properties(self) -> str:
        return KAFKA_SETTINGS.format(host=HOST, data=self.folder / "data", **self.ports)

    def answers(self) -> bool:
        """Asks for the cluster's metadata: a broker is in it once it may be used."""
        try:
            with socket.create_connection((HOST, self.port), ANSWER_WITHIN) as connection:
                connection.sendall(METADATA_REQUEST)
                return _first_broker(_read_frame(connection)) == (HOST, self.port)
        except (OSError, struct.error):
            return False

    def exports(self) -> dict[str, str]:
        return {"LIVING_LOG_URL": f"kafka://{HOST}:{self.port}"}


KAFKA_SETTINGS = """\
process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers={host}:{controller}
listeners=CLIENT://{host}:{client},CONTROLLER://{host}:{controller}
advertised.listeners=CLIENT://{host}:{client},CONTROLLER://{host}:{controller}
listener.security.protocol.map=CLIENT:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=CLIENT
controller.listener.names=CONTROLLER
log.dirs={data}
auto.create.topics.enable=false
group.initial.rebalance.delay.ms=0
# How far each service has read is kept for ten years of rest, not for a week.
offsets.retention.minutes=5256000
# One node: no topic can have a second replica.
default.replication.factor=1
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
# The first consumer waits until these exist: 8 partitions rather than 50 come sooner.
offsets.topic.num.partitions=8
transaction.state.log.num.partitions=8
"""

KAFKA_LOGGING = """\
status=error
appender.console.type=Console
appender.console.name=console
appender.console.layout.type=PatternLayout
appender.console.layout.pattern=[%d] %p %m (%c)%n
rootLogger.level=info
rootLogger.appenderRef.console.ref=console
"""

# Metadata, version 8, about no topic; correlation 7, no client id. The length stands in front.
METADATA_REQUEST = struct.pack(">ihhihibbb", 17, 3, 8, 7, -1, 0, 0, 0, 0)


def _cluster_id() -> str:
    """A random id in the form that Kafka prints; none that its command line would take for an option."""
    made = "-"
    while made.startswith("-"):
        made = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    return made


def _read_frame(connection: socket.socket) -> bytes:
    with connection.makefile("rb") as answer:
        (length,) = struct.unpack(">i", answer.read(4))
        return answer.read(min(length, 65536))


def _first_broker(frame: bytes) -> tuple[str, int] | None:
    """Reads the first broker after correlation id and throttle time."""
    (brokers,) = struct.unpack_from(">i", frame, 8)
    if brokers < 1:
        return None
    _, length = struct.unpack_from(">ih", frame, 12)
    (port,) = struct.unpack_from(">i", frame, 18 + length)
    return frame[18 : 18 + length].decode(), port


class Elasticsearch(Server):
    name = "elasticsearch"
    port_names = ("http", "transport")

    def fetch(self, cache: Cache, say: Say) -> None:
        self.java: Java = cache.java()
        self.home = cache.elasticsearch(self.java)

    def prepare(self, account: Account, timeout: float) -> None:
        for part in (".", "data", "logs", "tmp"):
            account.own(self.folder / part)
        shutil.rmtree(self._config, ignore_errors=True)  # it holds nothing that is not written anew here
        self._config.mkdir()
        for name, text in self._configuration().items():
            (self._config / name).write_text(text, encoding="utf-8")
        (self._config / "jvm.options.d").mkdir()
        account.own(self._config)  # Elasticsearch adds its keystore

    @property
    def _config(self) -> Path:
        return self.folder / "config"

    def _configuration(self) -> dict[str, str]:
        settings = ELASTICSEARCH_SETTINGS | {
            "cluster.name": f"living-{self.folder.parent.name}",
            "path.data": str(self.folder / "data"),
            "path.logs": str(self.folder / "logs"),
            "network.host": HOST,
            "http.port": self.ports["http"],
            "transport.port": self.ports["transport"],
        }
        return {
            "elasticsearch.yml": "".join(f"{key}: {json.dumps(value)}\n" for key, value in settings.items()),
            "jvm.options": self._jvm_options(),
            "log4j2.properties": ELASTICSEARCH_LOGGING,
        }

    def _jvm_options(self) -> str:
        """Elasticsearch's own options, with our heap and without what this Java does not know."""
        own = (self.home / "config" / "jvm.options").read_text(encoding="utf-8").splitlines()
        fit = [line for line in own if VECTOR_MODULE not in line or VECTOR_MODULE in self.java.modules]
        return "\n".join([*fit, *ELASTICSEARCH_JVM, ""])

    def command(self) -> list[str]:
        return [str(self.home / "bin" / "elasticsearch")]

    def environment(self) -> dict[str, str]:
        return super().environment() | {
            "ES_JAVA_HOME": str(self.java.home),
            "ES_PATH_CONF": str(self._config),
            "ES_TMPDIR": str(self.folder / "tmp"),
        }

    def answers(self) -> bool:
        """Asks for the cluster's health: yellow is as good as it gets with one node."""
        connection = http.client.HTTPConnection(HOST, self.port, timeout=ANSWER_WITHIN)
        try:
            connection.request("GET", "/_cluster/health?wait_for_status=yellow&timeout=1s")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def exports(self) -> dict[str, str]:
        return {"LIVING_SEARCH_URL": f"http://{HOST}:{self.port}", "LIVING_SEARCH_ANALYZER": "standard"}


ELASTICSEARCH_SETTINGS = {
    "node.name": "local",
    "discovery.type": "single-node",
    "action.auto_create_index": False,
    "cluster.routing.allocation.disk.threshold_enabled": False,
    "xpack.security.enabled": False,
    "xpack.ml.enabled": False,
}

# The later of two options wins; the garbage collector's own log would take up to 2 GB.
ELASTICSEARCH_JVM = ["-Xms512m", "-Xmx512m", "-Xlog:disable", "-Xlog:all=warning:stderr:utctime,level,tags"]

ELASTICSEARCH_LOGGING = """\
status=error
appender.console.type=Console
appender.console.name=console
appender.console.layout.type=PatternLayout
appender.console.layout.pattern=[%d{ISO8601}][%-5p][%-25c{1.}] %m%consoleException%n
rootLogger.level=info
rootLogger.appenderRef.console.ref=console
"""


class Postgres(Server):
    name = "postgres"
    port_names = ("sql",)
    gentle = signal.SIGINT  # a "fast" shutdown; on SIGTERM it would wait until every client has gone

    def fetch(self, cache: Cache, say: Say) -> None:
        self.programs = postgresql.find_or_install(self._major(), say)

    def _major(self) -> str | None:
        """The version that made our data, which no other can read."""
        version = self._data / "PG_VERSION"
        return version.read_text().strip() if version.is_file() else None

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    def prepare(self, account: Account, timeout: float) -> None:
        account.own(self.folder)
        build_once(self._data, lambda data: self._initdb(account.own(data), account, timeout))
        self._clear_up_after_a_crash(patience=min(timeout, 10))

    def _initdb(self, data: Path, account: Account, timeout: float) -> None:
        account.run(
            [
                str(self.programs / "initdb"),
                "-A",
                "trust",
                "-U",
                "living",
                "-D",
                str(data),
                "--encoding=UTF8",
                "--locale=C.UTF-8",
            ],
            "Making PostgreSQL's data folder",
            timeout,
            cwd=self.folder,
            env=self.environment(),
        )

    def _clear_up_after_a_crash(self, patience: float) -> None:
        """Lets PostgreSQL start again after a kill -9, where it would refuse by itself.

        The old sessions outlive it for a moment. And a dead process that its parent does not reap, as in
        many containers, still counts as running for PostgreSQL, so the note of its pid has to go.
        """
        deadline = time.monotonic() + patience
        while at_work_in(self._data.resolve()) and time.monotonic() < deadline:
            time.sleep(0.1)
        if not at_work_in(self._data.resolve()):
            (self._data / "postmaster.pid").unlink(missing_ok=True)

    def command(self) -> list[str]:
        settings = POSTGRES_SETTINGS | {"listen_addresses": HOST, "port": str(self.port)}
        return [
            str(self.programs / "postgres"),
            "-D",
            str(self._data),
            *(part for key, value in settings.items() for part in ("-c", f"{key}={value}")),
        ]

    def answers(self) -> bool:
        programs = postgresql.find(self._major())
        if programs is None:
            return False
        try:
            run(
                [
                    str(programs / "pg_isready"),
                    "-h",
                    HOST,
                    "-p",
                    str(self.port),
                    "-U",
                    "living",
                    "-d",
                    "postgres",
                    "-t",
                    str(ANSWER_WITHIN),
                ],
                "",
                timeout=2 * ANSWER_WITHIN,
            )
        except Trouble:
            return False
        return True

    def exports(self) -> dict[str, str]:
        return {"LIVING_DATABASE_URL": f"postgresql+psycopg://living@{HOST}:{self.port}/living_{{service}}"}


# No socket file: its folder would have to be writable and its path short.
# Connections and compression as in docker-compose.yml.
POSTGRES_SETTINGS = {
    "unix_socket_directories": "",
    "max_connections": "240",
    "default_toast_compression": "lz4",
    "fsync": "on",
}

KINDS: dict[str, type[Server]] = {kind.name: kind for kind in (Kafka, Elasticsearch, Postgres)}
