"""`living doctor`: everything the platform stands on, looked at from this machine; nothing is written."""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import socket
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from http.client import HTTPException
from itertools import groupby, islice
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast
from urllib.error import HTTPError
from urllib.parse import quote, urlsplit
from urllib.request import Request, urlopen

import click
from rich.text import Text

from services.cli.commands import AS_JSON, Command
from services.cli.context import asked_of_all, client, key_path, setting, settings, unknown_variables, version, your_key
from services.cli.looking import PATIENCE, Looked, looked_into, rows_of
from services.cli.printing import minute, out, print_json
from services.cli.watches import every_watch
from shared.client.operations import SERVICES
from shared.errors import (
    NOT_SERVED,
    Forbidden,
    Invalid,
    LivingError,
    LogUnavailable,
    NotFound,
    Unauthenticated,
    Unavailable,
)
from shared.private import sqlite_file
from shared.storage import fault_of, obstacle_in

if TYPE_CHECKING:
    from shared.client import Client
    from shared.keys import Purpose
    from shared.keys.ring import KeyRing

State = Literal["ok", "warn", "fail"]

_STYLE = {"ok": "green", "warn": "yellow", "fail": "bold red"}
#: How what is damaged and kept in a file is made anew.
_MEND = {
    "log": "then `living log mend`: it keeps the file aside and makes it anew from the services' journals",
    "search index": "move the file away, start again, then `living search rebuild`",
}
_NEEDED = 100 * 2**20, 2**30
#: Held keys of a service that have a line each.
_SHOWN = 5
_ADMIN = "use the key of an admin, or none where the platform's own keys can be read"
_ALL_ADDRESSES = "set LIVING_URL to what leads to all services, or to `service=address` pairs"


@dataclass(frozen=True)
class Finding:
    """What was looked at, how it is, and what to do about it (empty where nothing is)."""

    check: str
    state: State
    told: str
    do: str = ""


Check = Callable[[], Iterator[Finding]]


@click.command("doctor", cls=Command, example="living doctor\nliving doctor --json")
@AS_JSON
def doctor(as_json: bool) -> None:
    """Look at everything the platform stands on, and say what to do.

    Settings, signing key, databases, log, search index, blobs, sources, clock, disk, versions; and, where the platform
    runs, what it holds back, dead letters and sources that fail. Writes nothing.

    Exits 0 when all is well, 1 when something should be looked at, 2 when something does not work.
    """
    findings = examine()
    if as_json:
        print_json([asdict(finding) for finding in findings])
    else:
        for finding in findings:
            out.print(_line(finding), soft_wrap=True)
    worst = {finding.state for finding in findings}
    sys.exit(2 if "fail" in worst else 1 if "warn" in worst else 0)


def examine() -> list[Finding]:
    """Every finding, in the order in which they are told; each look is bounded in time, and slow ones go on side
    by side."""
    try:
        settings()
    except Invalid as error:
        text = "; ".join(f"{item['at']}: {item['why']}" for item in error.errors)
        return [Finding("settings", "fail", text, "docs/configuration.md says what each may be")]
    databases = [partial(_database, name) for name in SERVICES]
    here = [_key, *databases, _log, _index, _blobs] if _kept_here() else [_nothing_here]
    sources = [name for name in _SOURCES]
    with ThreadPoolExecutor(len(here) + len(sources) + 7) as pool:
        asked_sources = pool.submit(_asked_sources)
        asked = [partial(_source, name, asked_sources) for name in sources]
        checks: list[Check] = [_settings, *here, _contact, *asked, _full_texts, _disk, _versions, _platform]
        return [finding for found in pool.map(_done, checks) for finding in found]


def _done(check: Check) -> list[Finding]:
    """What a check finds; what it did not foresee is a finding too."""
    found: list[Finding] = []
    try:
        found.extend(check())
    except Exception as error:
        found.append(_unforeseen(getattr(check, "func", check).__name__.strip("_"), error))
    return found


def _unforeseen(name: str, error: Exception) -> Finding:
    from shared.bus.judging import is_down, reason_of

    if is_down(error):
        return Finding(
            name,
            "fail",
            f"cannot be looked at: {_first_line(reason_of(error))}",
            "start it, or mend its LIVING_..._URL",
        )
    text = f"cannot be looked at: {type(error).__name__}: {error}"
    return Finding(name, "fail", text, "this line belongs in a report of a fault")


def _settings() -> Iterator[Finding]:
    unknown = unknown_variables()
    if unknown:
        text = f"no setting is called {', '.join(unknown)}"
        yield Finding("settings", "warn", text, "compare with docs/configuration.md, and mend or unset it")
    else:
        yield Finding("settings", "ok", f"valid; data in {settings().data_dir}")


def _key() -> Iterator[Finding]:
    from shared.keys.file import read_ring
    from shared.keys.ring import PURPOSES

    path = key_path()
    if not path.exists():
        yield _no_key(path)
        return
    try:
        ring = read_ring(path)
    except Unavailable as error:
        text, _, do = error.detail.partition("; ")
        yield Finding("signing key", "fail", text, do or "set LIVING_SIGNING_KEY to an Ed25519 key in PEM form")
        return
    mode = path.stat().st_mode & 0o777
    if mode & 0o077:
        text = f"{path} can be read by others (mode {mode:04o}), who could sign in anybody's name"
        yield Finding("signing key", "fail", text, f"chmod 600 {path}")
        return
    idle = [purpose for purpose in PURPOSES if _signs_nothing(ring, purpose)]
    if idle:
        do = f"look at the clock; or `living key rotate --for {idle[0]}`"
        yield Finding("signing key", "fail", f"no key of {path} may sign {' or '.join(idle)} now", do)
        return
    yield Finding("signing key", "ok", f"{path}, mode {mode:04o}; {_signers(ring)}")


def _signs_nothing(ring: KeyRing, purpose: Purpose) -> bool:
    from shared.clock import open_clock

    now = datetime.now(UTC)
    if purpose == "revisions":
        try:
            now = open_clock(settings().resolved(settings().clock)).now()
        except Unavailable:
            return False  # The clock has a line of its own.
    return ring.signing(purpose, now) is None


def _signers(ring: KeyRing) -> str:
    """Which key signs what, since when; and how many signed before."""
    signing = [key for key in ring.keys if key.private is not None]
    text = [f"{key.purpose} by {key.kid} {key.dates()}" for key in signing]
    return ", ".join([*text, f"{len(ring.keys) - len(signing)} that signed before"])


def _no_key(path: Path) -> Finding:
    """A key that no database has known is made at the first start; a start without one that was used is refused."""
    try:
        used = _used_keys()
    except Unavailable:
        do = "look to the databases first: whether one of them knows a key cannot be asked"
        return Finding("signing key", "fail", f"there is none at {path}", do)
    if used:
        known = ", ".join(sorted(next(iter(used.values()))))
        text = f"there is none at {path}, though {', '.join(used)} were used with one ({known})"
        do = "put it back; if it is lost for good, `living key accept --new` makes another, and says what that means"
        return Finding("signing key", "fail", text, do)
    if not settings().make_signing_key:
        do = "put one there, or let the first start make it with LIVING_MAKE_SIGNING_KEY=true"
        return Finding("signing key", "fail", f"there is none at {path}", do)
    return Finding("signing key", "fail", f"there is none at {path}", "`living serve` makes it at its first start")


def _used_keys() -> dict[str, frozenset[str]]:
    """By service, the fingerprints of the keys that its database knows. Raises Unavailable."""
    from services.catalog import SERVICES as ALL
    from shared.runtime.checks import known_keys

    return known_keys(settings(), ALL)


def _database(name: str) -> Iterator[Finding]:
    check, url = f"database {name}", settings().resolved(settings().database_url, name)
    try:
        revision, server = _revision(url)
    except (sqlite3.Error, OSError, RuntimeError) as error:
        path = sqlite_file(url)
        down = Finding(
            check, "fail", f"cannot be read: {_first_line(error)}", "start the server, or mend LIVING_DATABASE_URL"
        )
        yield down if path is None else _unreadable(check, path, error, "move the file away, and put a copy of it back")
        return
    newest = _newest(name)
    if revision is None:
        yield _no_database(check, name)
    elif revision != newest:
        yield Finding(check, "fail", f"is at {revision}, not at {newest}", f"`living db upgrade {name}`")
    else:
        yield _private(check, f"at {revision}, the newest{server}", sqlite_file(url))


def _no_database(check: str, name: str) -> Finding:
    """One that was never there is made at the first start; a start without one that was lost is refused."""
    from services.catalog import BY_NAME
    from services.cli.log import refusal_without

    refused = refusal_without(BY_NAME[name])
    if refused is None:
        return Finding(check, "fail", "there is none yet", "`living serve` or `living db upgrade` makes it")
    why, _, do = refused.partition(". ")
    return Finding(check, "fail", f"there is none, and a start of {name} would be refused: {why}", do)


def _revision(url: str) -> tuple[str | None, str]:
    """The migration a database is at (None where there is none), and the server it is on. Raises sqlite3.Error, or
    RuntimeError of a server."""
    query, path = "SELECT version_num FROM alembic_version", sqlite_file(url)
    if path is None:
        return _revision_of_server(url, query)
    try:
        rows = rows_of(path, query) if path.is_file() else []
    except sqlite3.OperationalError as error:
        if "no such table" not in str(error):
            raise
        rows = []
    return rows[0][0] if rows else None, ""


def _revision_of_server(url: str, query: str) -> tuple[str | None, str]:
    import psycopg

    try:
        with psycopg.connect(url.replace("postgresql+psycopg:", "postgresql:"), connect_timeout=PATIENCE) as connection:
            server = f"; PostgreSQL {connection.info.parameter_status('server_version')}"
            row = connection.execute(query).fetchone()
    except psycopg.errors.UndefinedTable:
        return None, ""
    except psycopg.Error as error:
        if "does not exist" in str(error):
            return None, ""
        raise RuntimeError(str(error)) from error
    return row[0] if row else None, server


def _newest(name: str) -> str:
    """The newest migration of a service, by its file."""
    import services

    folder = Path(services.__path__[0]) / name / "migrations"
    return max(path.name for path in folder.glob("[0-9]*_*.py")).partition("_")[0]


def _log() -> Iterator[Finding]:
    url = settings().resolved(settings().log_url)
    found, path = _file("log", url), sqlite_file(url)
    used = _used_logs() if path is not None and _is_away(path) else []
    if used:
        do = "put it back; if it is lost for good, `living log mend` makes it anew from the services' journals"
        found = replace(found, told=f"{found.told}, though {', '.join(used)} used one", do=do)
    yield found
    if used or found.state != "fail":
        yield from _as_known()


def _used_logs() -> list[str]:
    """The services whose databases know a log; one that cannot be asked is told by itself."""
    from sqlalchemy.exc import DBAPIError

    from services.catalog import SERVICES as ALL
    from shared.runtime.checks import Known

    used = []
    for service in ALL:
        with (
            suppress(DBAPIError),
            looked_into(settings().resolved(settings().database_url, service.name)) as database,
        ):
            if database is not None:
                with database.session() as session:
                    known = Known.of(session, service.name)
                    used += [service.name] if known.topics or known.listened else []
    return used


def _as_known() -> Iterator[Finding]:
    """Whether a start would take log and key for those that the databases know; what is true of several, once."""
    from services.cli.log import WELL, as_known, opened

    try:
        if not key_path().exists() and not _used_keys():
            yield Finding("log and key", "ok", "no database knows a signing key yet")
            return
    except Unavailable:
        text = "what the databases know of them cannot be asked while one does not answer"
        yield Finding("log and key", "fail", text, "start the server, or mend LIVING_DATABASE_URL")
        return
    alike: dict[str, dict[str, str]] = {}
    with opened() as log:
        for service, text in ((row["service"], row["told"]) for row in as_known(log)):
            if text not in WELL:
                alike.setdefault(text.replace(service, "..."), {})[service] = text
    for group in alike.values():
        text = _first_line(next(iter(group.values())))
        if str(key_path()) in text:
            text = "without its signing key, of which is told above"
        refused = f"a start of {', '.join(group)} would be refused: {text}"
        yield Finding("log and key", "fail", refused, "`living log check`")
    if not alike:
        yield Finding("log and key", "ok", "as every database knows them")


def _index() -> Iterator[Finding]:
    url = settings().resolved(settings().search_url)
    found, path = _file("search index", url), sqlite_file(url)
    if path is not None and _is_away(path) and _index_was_used():
        found = replace(found, do="search has written to one: start the platform, then `living search rebuild`")
    yield found


def _index_was_used() -> bool:
    """Whether search's database keeps the mark of an index; only a file is asked."""
    path = sqlite_file(settings().resolved(settings().database_url, "search"))
    try:
        return path is not None and bool(rows_of(path, "SELECT 1 FROM facts WHERE name = 'search_index'"))
    except sqlite3.Error:
        return False  # Told already, or there is none yet.


def _blobs() -> Iterator[Finding]:
    """Of each service that keeps blobs: whether it can, and whether all used are there and none looks damaged."""
    from sqlalchemy.exc import DBAPIError

    from services.catalog import SERVICES as ALL

    for service in ALL:
        if service.blobs:
            check = f"blobs {service.name}"
            try:
                with looked_into(settings().resolved(settings().database_url, service.name)) as database:
                    if database is not None:
                        yield _blobs_of(check, service.name, database)
            except DBAPIError as error:
                text = f"its database cannot be asked which are used: {_first_line(error.orig or error)}"
                yield Finding(check, "fail", text, "look to the database first")


def _blobs_of(check: str, service: str, database: Looked) -> Finding:
    from shared.blobs import names
    from shared.blobs.open import open_blobs
    from shared.db.engine import Database

    # Asked for nothing but what is there.
    blobs = open_blobs(settings().resolved(settings().blobs_url, service), cast(Database, database))
    used, lost = 0, dict[str, str]()
    try:
        blobs.ping()
        with database.session() as session:
            for batch in names.every(session):
                used += len(batch)
                lost |= {
                    sha256: f"{batch[sha256]} ({error.slug.removeprefix('blob_')})"
                    for sha256, error in blobs.lost(batch).items()
                }
    except Unavailable as error:
        with database.session() as session:
            if error.slug == "not_there" and not names.newest(session, 1):
                return Finding(check, "ok", "none is used yet; a start makes their folder")
        return Finding(
            check, "fail", error.detail, "make room there, or mend LIVING_BLOBS_URL; a start makes the folder"
        )
    if lost:
        sha256 = min(lost)
        text = f"{len(lost)} of {used} that are used are missing or damaged, such as {sha256} of {lost[sha256]}"
        return Finding(check, "fail", text, "put a copy of the blobs back, as old as the database or newer")
    return Finding(check, "ok", f"{used} used, and all of them there")


def _kept_here() -> bool:
    """Whether this machine keeps anything of a platform, or is told of servers that do."""
    urls = [
        settings().log_url,
        settings().search_url,
        *(settings().database_url.replace("{service}", it) for it in SERVICES),
    ]
    files = [sqlite_file(settings().resolved(url)) for url in urls]
    try:
        return key_path().exists() or any(path is None or path.exists() for path in files)
    except PermissionError:
        return True  # What this user may not look into is something, too.


def _nothing_here() -> Iterator[Finding]:
    text = f"this machine keeps no platform in {settings().data_dir}"
    if your_key():
        yield Finding("data", "ok", f"{text}; your key is for the one at {settings().url}")
    else:
        yield Finding("data", "fail", text, "`living serve` makes one; LIVING_DATA_DIR says where another is")


def _is_away(path: Path) -> bool:
    """Whether a file is not there, or has nothing in it."""
    return not (path.is_file() and path.stat().st_size)


def _file(check: str, url: str) -> Finding:
    """A file that can be read, or a server that answers."""
    path = sqlite_file(url)
    if path is None:
        return _kafka(check, url) if url.startswith("kafka:") else _http(check, url, _mend_server(url))
    if not path.is_file():
        return Finding(check, "fail", f"there is none at {path}", "`living serve` makes it at its first start")
    try:
        tables = rows_of(path, "SELECT count(*) FROM sqlite_master")[0][0]
    except sqlite3.Error as error:
        return _unreadable(check, path, error, _MEND[check])
    if not tables:
        return Finding(check, "fail", f"{path} is empty", "`living serve` fills it; if it had been filled, ask why")
    return _private(check, f"{path}, {_size(path.stat().st_size)}", path)


def _unreadable(check: str, path: Path, error: Exception, mend: str) -> Finding:
    """A file that cannot be read, with what stands in the way; what is damaged is to be mended."""
    fault = fault_of(path, error)
    if fault is None or fault.damaged:
        text = fault.detail if fault is not None else f"{path}: {_first_line(error)}"
        return Finding(check, "fail", f"cannot be read: {text}", f"stop the platform, {mend}")
    return Finding(check, "fail", fault.detail)


def _kafka(check: str, url: str) -> Finding:
    from services.cli.log import opened

    for server in url.partition("://")[2].rstrip("/").split(","):
        host, _, port = server.rpartition(":")
        try:
            socket.create_connection((host.strip("[]"), int(port)), PATIENCE).close()
        except (OSError, ValueError) as error:
            return Finding(check, "fail", f"{server} does not answer: {error}", "start Kafka, or mend LIVING_LOG_URL")
    try:
        with opened() as log:
            return Finding(check, "ok", f"{url} answers; {log.version()}")
    except LogUnavailable as error:
        return Finding(check, "fail", f"{url} takes connections, but {error}", "look into Kafka's own log")


@dataclass(frozen=True)
class _Source:
    """A source's name for programs, and a question that costs it little, as ingest spells it."""

    name: str
    question: str


_SOURCES = {
    "OpenAlex": _Source("openalex", "works?per-page=1"),
    "Crossref": _Source("crossref", "works?rows=0"),
    "PubMed": _Source("pubmed", "esearch.fcgi?db=pubmed&term=review&retmax=0&retmode=json"),
    "Europe PMC": _Source("europepmc", "search?query=review&pageSize=1&format=json"),
    "DOAJ": _Source("doaj", "search/articles/review?pageSize=1"),
    "Semantic Scholar": _Source("semanticscholar", "paper/search?query=review&limit=1"),
    "arXiv": _Source("arxiv", "query?search_query=all:review&max_results=1"),
}


#: A work that Unpaywall knows.
_KNOWN_DOI = "10.1371/journal.pone.0000308"


def _asked_sources() -> set[str] | None:
    """The sources that some review watches, for whatever purpose; None where no platform tells."""
    try:
        with client(patience=0, timeout=PATIENCE) as living:
            reviews = [it.review for it in living.protocol.reviews()]
            return {watch.source for review in reviews for watch in every_watch(living.ingest.status(review))}
    except LivingError:
        return None


def _source(shown: str, asked_sources: Future[set[str] | None]) -> Iterator[Finding]:
    """A source that does not answer is a warning: the platform goes on, and asks again. One that nobody watches is
    none."""
    source, used = _SOURCES[shown], asked_sources.result()
    found = _asked(shown, source)
    if used is None or found.state == "ok":
        yield found
    elif source.name not in used:
        yield replace(found, state="ok", told=f"{found.told}; no review watches it", do="")
    else:
        yield replace(found, do=f"{found.do}; asked with this shell's settings, the platform may have others")


def _asked(shown: str, source: _Source) -> Finding:
    url = str(getattr(settings(), f"{source.name}_url"))
    return _judged(shown, source.name, *_status(url, source.question))


def _judged(shown: str, name: str, status: int | None, text: str) -> Finding:
    """What a source's answer says of the way to it."""
    check, variable = f"source {shown}", f"LIVING_{name.upper()}"
    keyless = name == "openalex" and settings().openalex_key is None
    url = settings().openalex_url
    if status in (404, 410):
        return Finding(check, "warn", text, f"there is no such source: mend {variable}_URL")
    if status is None or status >= 500:
        return Finding(check, "warn", text, "is there a way to the internet from here?")
    if keyless and (status in (401, 403) or urlsplit(url).hostname == "api.openalex.org"):
        return Finding(check, "warn", f"{text}, and needs a key", f"set {variable}_KEY; README says where one is had")
    return Finding(check, "ok", text)


def _contact() -> Iterator[Finding]:
    if re.search(r"@example\.(com|net|org)$", settings().contact):
        text = f"LIVING_CONTACT is {settings().contact}, which is an example's"
        yield Finding("contact", "warn", text, "set it to an address where the sources can reach you")


def _full_texts() -> Iterator[Finding]:
    """Unpaywall, which wants to know who asks. A platform that does not ask it works as well."""
    if not settings().contact:
        text = "nobody is asked where texts are open, as LIVING_CONTACT is not set"
        yield Finding("open copies", "ok", text, "set it to your e-mail address, which Unpaywall wants in each request")
        return
    question = f"{_KNOWN_DOI}?email={quote(settings().contact, safe='')}"
    status, text = _status(settings().unpaywall_url, question)
    if status == 404 and _KNOWN_DOI in text:
        # As it answers for each DOI that it does not know; where nothing of its kind is, no DOI is spoken of.
        yield Finding("open copies", "ok", text)
    elif status == 422:
        do = "set LIVING_CONTACT to an e-mail address of your own, which Unpaywall wants in each request"
        yield Finding("open copies", "warn", f"{text} 422", do)
    else:
        yield replace(_judged("Unpaywall", "unpaywall", status, text), check="open copies")


def _http(check: str, url: str, do: str) -> Finding:
    """Whether a server answers at all."""
    status, text = _status(url)
    return Finding(check, "fail", text, do) if status is None or status >= 500 else Finding(check, "ok", text)


def _status(url: str, question: str = "") -> tuple[int | None, str]:
    """What an address answers: its status (None for no answer), and in words. A password in it is neither sent nor
    shown."""
    parts = urlsplit(url)
    shown = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    asked = f"{shown.rstrip('/')}/{question}" if question else shown
    contact = f"living-reviews doctor ({settings().contact})" if settings().contact else "living-reviews doctor"
    try:
        with urlopen(Request(asked, headers={"User-Agent": contact}), timeout=PATIENCE) as answer:
            return answer.status, f"{shown} answers{_version(answer.read(10_000))}"
    except HTTPError as refused:
        said = _message(refused) if refused.code == 404 else ""
        refused.close()
        wrong = refused.code >= 500 or refused.code in (401, 403, 404, 410, 429)
        return refused.code, f"{shown} answers{f' {refused.code}' if wrong else ''}{said}"
    except (OSError, HTTPException, ValueError) as lost:
        return None, f"{shown} does not answer: {getattr(lost, 'reason', lost)}"


def _message(answer: HTTPError) -> str:
    """The message in a refusal that is JSON; nothing of any other."""
    try:
        return f": {' '.join(json.loads(answer.read(10_000))['message'].split())[:200]}"
    except (OSError, HTTPException, ValueError, KeyError, TypeError, AttributeError):
        return ""


def _version(body: bytes) -> str:
    """The version that Elasticsearch tells of itself; nothing for what tells none."""
    try:
        return f"; version {json.loads(body)['version']['number']}"
    except (ValueError, KeyError, TypeError):
        return ""


def _disk() -> Iterator[Finding]:
    folder = next(it for it in (settings().data_dir.resolve(), *settings().data_dir.resolve().parents) if it.exists())
    free = shutil.disk_usage(folder).free
    low, tight = _NEEDED
    state: State = "fail" if free < low else "warn" if free < tight else "ok"
    do = "" if state == "ok" else "make room: on a full disk nothing is accepted"
    yield Finding("disk", state, f"{_size(free)} free at {folder}", do)
    yield from _data_folder()


def _data_folder() -> Iterator[Finding]:
    if not os.path.isdir(settings().data_dir):
        return
    fault = obstacle_in(settings().data_dir)
    if fault is not None and fault.slug != "disk_full":  # Which is told already.
        yield Finding("data folder", "fail", fault.detail)
    if settings().data_dir.stat().st_mode & 0o077:
        text = f"others may look into {settings().data_dir}"
        yield Finding("data folder", "warn", text, f"chmod 700 {settings().data_dir}; `living serve` does it too")


def _versions() -> Iterator[Finding]:
    text = f"living-reviews {version()}, Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
    old = sys.version_info < (3, 11)
    yield Finding("versions", "fail" if old else "ok", text, "Python 3.11 or newer is needed" if old else "")


def _platform() -> Iterator[Finding]:
    """What only the running platform knows."""
    name = settings().resolved(settings().clock)
    if name != "system":
        yield _file_clock(Path(name.partition(":")[2]))
    url = settings().url.split(",")[0].rpartition("=")[2].rstrip("/")
    if not url.startswith(("http://", "https://")):
        text, do = f"{url} is no address", "set LIVING_URL to where it answers, such as http://127.0.0.1:8000"
        yield Finding("platform", "fail", text, do)
        return
    try:
        with urlopen(f"{url}/healthz", timeout=PATIENCE) as answer:
            date = answer.headers["Date"]
    except (OSError, HTTPException, ValueError) as lost:
        text = f"{url} does not answer: {getattr(lost, 'reason', lost)}"
        yield Finding("platform", "fail", text, "`living serve` starts it; LIVING_URL says where it is")
        return
    yield _clock(date)
    try:
        with client("admin", patience=0, timeout=PATIENCE) as living:
            yield from _ready(living)
            yield from _answered("held keys", partial(_held, living))
            yield from _answered("adopted", partial(_put_off, living))
            yield from _answered("dead letters", partial(_letters, living))
            yield from _answered("failing watches", partial(_watches, living))
            yield from _answered("parked sources", partial(_parked, living))
            yield from _answered("copies asked for", partial(_copies, living))
            yield from _answered("DOIs", partial(_dois, living))
    except Unavailable as error:
        start = "`living serve` starts it; LIVING_URL says where it is"
        do = start if error.slug == "no_answer" else "it answers, and cannot look: mend what it names"
        yield Finding("platform", "fail", error.detail, do)
    except Unauthenticated as error:
        text = f"your key is refused: {error.detail}" if your_key() else error.detail
        yield Finding("key of yours", "fail" if your_key() else "warn", text, _ADMIN)
    except Forbidden as error:
        yield Finding("platform", "warn", error.detail, _ADMIN)


def _clock(date: str | None) -> Finding:
    """The machine's clock against the date that the platform's answer bore."""
    if not date:
        return Finding("clock", "warn", "the platform's answer bears no date")
    # A date of HTTP is whole seconds.
    apart = abs(time.time() - parsedate_to_datetime(date).timestamp())
    state: State = "ok" if apart < 5 else "warn" if apart < 60 else "fail"
    do = "" if state == "ok" else "let both machines take their time from the network"
    return Finding("clock", state, f"within {max(1, round(apart))} s of the platform's", do)


def _file_clock(path: Path) -> Finding:
    from shared.clock import FileClock

    try:
        at = FileClock(path).now()
    except Unavailable as error:
        return Finding("clock", "fail", error.detail)
    text = f"LIVING_CLOCK stands at {minute(at.isoformat())}, the machine's clock at {datetime.now(UTC):%Y-%m-%d}"
    return Finding("clock", "warn", text, "right for a demo or a drill; else unset LIVING_CLOCK")


def _ready(living: Client) -> Iterator[Finding]:
    report = living.operations.ready()
    down = {
        f"{name} {part}": text
        for name, parts in report.services.items()
        for part, text in parts.items()
        if text != "ok"
    }
    if not down:
        yield Finding("platform", "ok", f"{len(report.services)} services are ready")
    for part, text in down.items():
        yield Finding(f"platform {part}", "fail", text, "its log says more")


def _answered(check: str, ask: Callable[[], Iterator[Finding]]) -> list[Finding]:
    """What the platform tells about one thing; one that lacks the route, or refuses, says so for itself."""
    try:
        return list(ask()) or [Finding(check, "ok", "none")]
    except NotFound as error:
        if error.slug == NOT_SERVED:
            return [Finding(check, "warn", error.detail, _ALL_ADDRESSES)]
        return [Finding(check, "warn", "this platform does not tell", "bring it to the version of this `living`")]
    except Forbidden as error:
        return [Finding(check, "warn", error.detail, _ADMIN)]
    except (Unavailable, Unauthenticated):
        raise
    except LivingError as error:
        return [Finding(check, "fail", error.detail)]


def _held(living: Client) -> Iterator[Finding]:
    rows, missing = asked_of_all(lambda service: islice(living.operations.held(service), _SHOWN + 1))
    for service, its in groupby(rows, itemgetter(0)):
        held = [it for _, it in its]
        for it in held[:_SHOWN]:
            key = f"{it.topic}/{it.partition} {it.key}"
            text = f"{service} holds {key} since {minute(it.since)}, {it.parked} events wait ({it.cause}): {it.reason}"
            if it.letter:
                do = f"`living dead-letters retry {service} {it.letter}`, or discard it"
            else:
                give_up = f"`living dead-letters give-up {service} '{it.topic}/{it.key}'`"
                do = f"it goes on by itself once what it needs is here; if that never comes: {give_up}"
            yield Finding("held keys", "fail" if it.cause == "fault" else "warn", text, do)
        if len(held) > _SHOWN:
            yield Finding(
                "held keys", "warn", f"{service} holds more", f"`living dead-letters held --service {service}`"
            )
    yield from _not_asked("held keys", missing)


def _put_off(living: Client) -> Iterator[Finding]:
    rows, missing = asked_of_all(lambda service: islice(living.operations.put_off(service), _SHOWN + 1))
    for service, its in groupby(rows, itemgetter(0)):
        waiting = [it for _, it in its]
        for it in waiting[:_SHOWN]:
            why = f"; it was tried, and failed: {it.reason}" if it.reason else ""
            yield Finding(
                "adopted", "warn",
                f"{service} works on without {it.type} of {it.key}, which needs {it.lacks}{why}",
                f"upgrade {service}: a release that can adopts it at its start",
            )  # fmt: skip
        if len(waiting) > _SHOWN:
            yield Finding("adopted", "warn", f"{service} works on without more", f"GET /{service}/put-off lists them")
    yield from _not_asked("adopted", missing)


def _letters(living: Client) -> Iterator[Finding]:
    rows, missing = asked_of_all(living.operations.dead_letter_groups)
    for service, it in rows:
        what = f"{it.count} of {it.type or 'what is no event'} ({it.slug})"
        text = f"{service} set aside {what} since {minute(it.oldest)}"
        yield Finding("dead letters", "warn", text, f"`living dead-letters list --service {service}`")
    yield from _not_asked("dead letters", missing)


def _not_asked(check: str, missing: Sequence[str]) -> Iterator[Finding]:
    if missing:
        text = f"not known of {', '.join(missing)}: {setting('url')} does not serve them"
        yield Finding(check, "warn", text, _ALL_ADDRESSES)


def _watches(living: Client) -> Iterator[Finding]:
    for review in living.protocol.reviews():
        for watch in every_watch(living.ingest.status(review.review)):
            # What was wrong with one that is retired is nobody's trouble any more.
            if watch.trouble and watch.state != "retired":
                text = f"{watch.source} of {review.review} fails, {watch.failures} in a row: {watch.trouble}"
                yield Finding("failing watches", "warn", text, f"`living review status {review.review}`")


def _parked(living: Client) -> Iterator[Finding]:
    for it in living.ingest.parked():
        text = f"{it.source} is left alone until {minute(it.until)}: {it.why}"
        yield Finding(
            "parked sources", "warn", text, "`living ingest quota`; a larger budget, or a key, where it has one"
        )


def _copies(living: Client) -> Iterator[Finding]:
    for review in living.protocol.reviews():
        # A platform of before does not tell.
        counts = getattr(living.ingest.status(review.review), "open_copies", None)
        if counts is not None and counts.troubled:
            text = f"where {counts.troubled} records of {review.review} are open was asked in vain: {counts.trouble}"
            yield Finding("copies asked for", "warn", text, f"`living ingest copies {review.review}`")


def _dois(living: Client) -> Iterator[Finding]:
    unknown = dict.fromkeys(settings().reviews_with_doi)
    for review in living.protocol.reviews():
        unknown.pop(review.review, None)
        try:
            # A platform of before does not tell.
            troubled = getattr(living.synthesis.status(review.review), "dois_in_trouble", 0)
        except NotFound as error:
            if error.slug == NOT_SERVED:
                raise
            continue  # Its protocol has not come there yet.
        if troubled:
            # What is not tried again is nobody's trouble any more.
            found = next((it for it in living.synthesis.dois(review.review) if it.trouble and it.again_at), None)
            why = f": {found.trouble}" if found is not None else ""
            text = f"revision {found.number if found else ''} of {review.review} has no DOI yet{why}"
            do = f"`living synthesis dois {review.review}` says when it is tried again"
            yield Finding("DOIs", "fail" if found is not None and found.refused else "warn", text, do)
    if unknown:
        text = f"LIVING_DOI_REVIEWS names {', '.join(unknown)}, and there is no such review"
        yield Finding("DOIs", "warn", text, "compare with `living review list`; what is not there gets no DOI")


def _line(finding: Finding) -> Text:
    line = Text(f"{finding.state:<5}", style=_STYLE[finding.state])
    line.append(f"{finding.check}: ", style="bold not red not yellow not green")
    line.append(finding.told, style="default not bold")
    return line.append(f"\n      -> {finding.do}", style="cyan not bold") if finding.do else line


def _private(check: str, text: str, path: Path | None) -> Finding:
    """All is well, but for a file that others may read."""
    if path is not None and path.stat().st_mode & 0o077:
        return Finding(check, "warn", f"{text}; others may read it", f"chmod 600 {path}")
    return Finding(check, "ok", text)


def _size(count: float) -> str:
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1024:
            return f"{count:.0f} {unit}"
        count /= 1024
    return f"{count:.1f} TiB"


def _mend_server(url: str) -> str:
    return "start the server, or mend its LIVING_..._URL" if sqlite_file(url) is None else "restore a backup"


def _first_line(error: Exception | str) -> str:
    return str(error).strip().partition("\n")[0]
