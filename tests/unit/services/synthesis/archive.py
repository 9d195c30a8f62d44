"""An archive for tests: a server that speaks the records API of InvenioRDM, and loses connections as it is asked to."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import md5
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

TOKEN = "a-token-of-the-archive"

#: What it wants to know of whatever is published.
_WANTED = ("title", "publication_date", "creators", "resource_type", "publisher")


class Refused(Exception):
    def __init__(self, status: int, message: str, **fields: str) -> None:
        super().__init__(message)
        self.status = status
        faults = [{"field": name, "messages": [why]} for name, why in fields.items()]
        self.said = {"status": status, "message": message, "errors": faults}


@dataclass
class Kept:
    """`of_all` is the DOI of all versions: empty before the first is published, None where the server makes none."""

    id: str
    parent: str
    metadata: dict[str, Any]
    of_all: str | None = ""
    doi: str | None = None
    is_published: bool = False
    files: dict[str, bytes | None] = field(default_factory=dict)

    @property
    def shown(self) -> dict[str, Any]:
        pids = {"doi": {"identifier": self.doi, "provider": "datacite"}} if self.doi else {}
        parent: dict[str, Any] = {"id": self.parent}
        if self.of_all is not None:
            parent["pids"] = {"doi": {"identifier": self.of_all}} if self.of_all else {}
        return {
            "id": self.id, "metadata": self.metadata, "pids": pids, "is_published": self.is_published,
            "parent": parent,
        }  # fmt: skip


@dataclass
class Archive:
    """`lost_after` is the request whose answer is lost, counted from 1; `instead` answers each with these bytes, or
    with nothing at all for None; `lags` is that its search does not know what is not published, and `alone` that it
    gives no DOI to all versions of a deposit together."""

    kept: dict[str, Kept] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    lost_after: int | None = None
    instead: Callable[[str], tuple[int, bytes, dict[str, str]] | None] | None = None
    lags: bool = False
    alone: bool = False
    closing: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Archive:
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.archive = self  # type: ignore[attr-defined]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/api"

    @property
    def published(self) -> list[Kept]:
        return [it for it in self.kept.values() if it.is_published]

    def answer(self, method: str, path: str, body: bytes) -> object:
        """What it answers, as its own software does. Raises Refused."""
        address = urlsplit(path)
        match method, [unquote(it) for it in address.path.removeprefix("/api/").split("/")]:
            case "GET", ["user", "records"]:
                return self._found(parse_qs(address.query)["q"][0])
            case "POST", ["records"]:
                of_all = None if self.alone else ""
                return self._begun(str(len(self.kept) + 100), json.loads(body)["metadata"], of_all)
            case "GET", ["records", of]:
                return self._one(of, published=True).shown
            case "POST", ["records", of, "versions"]:
                return self._version(self._one(of, published=True))
            case how, ["records", of, "draft", *rest]:
                return self._draft(how, self._one(of, published=False), rest, body)
        raise Refused(404, "no such address")

    def _one(self, of: str, *, published: bool) -> Kept:
        found = self.kept.get(of)
        if found is None or found.is_published is not published:
            raise Refused(404, "The persistent identifier does not exist.")
        return found

    def _begun(self, parent: str, metadata: dict[str, Any], of_all: str | None) -> dict[str, Any]:
        made = Kept(str(len(self.kept) + 1000), parent, metadata, of_all)
        self.kept[made.id] = made
        return made.shown

    def _version(self, before: Kept) -> dict[str, Any]:
        begun = [it for it in self.kept.values() if it.parent == before.parent and not it.is_published]
        if begun:
            return begun[0].shown
        left_out = {"version", "publication_date"}
        metadata = {name: it for name, it in before.metadata.items() if name not in left_out}
        return self._begun(before.parent, metadata, before.of_all)

    def _found(self, asked: str) -> dict[str, Any]:
        known = [it for it in self.kept.values() if it.is_published or not self.lags]
        hits = [it.shown for it in known if any(f'"{one["identifier"]}"' in asked for one in _identifiers(it))]
        return {"hits": {"hits": hits, "total": len(hits)}}

    def _draft(self, method: str, it: Kept, rest: list[str], body: bytes) -> object:
        match method, rest:
            case "GET", []:
                pass
            case "PUT", []:
                given = json.loads(body)
                it.metadata = given["metadata"]
                if "doi" not in given.get("pids", {}):
                    it.doi = None
            case "POST", ["pids", "doi"]:
                if it.doi:
                    raise Refused(400, "A PID already exists for type doi")
                it.doi = f"10.5281/zenodo.{it.id}"
            case "POST", ["actions", "publish"]:
                self._publish(it)
            case how, ["files", *names]:
                return self._files(how, it, names, body)
            case _:
                raise Refused(405, "not so")
        return it.shown

    def _publish(self, it: Kept) -> None:
        if not it.files or None in it.files.values():
            raise Refused(400, "A validation error occurred.", **{"files.enabled": "Missing uploaded files."})
        lacking = {
            f"metadata.{name}": "Missing data for required field." for name in _WANTED if name not in it.metadata
        }
        if lacking or it.doi is None:
            raise Refused(400, "A validation error occurred.", **lacking)
        it.is_published = True
        if it.of_all is not None:
            it.of_all = f"10.5281/zenodo.{it.parent}"

    def _files(self, method: str, it: Kept, names: list[str], body: bytes) -> object:
        match method, names:
            case "GET", []:
                return {"entries": [_entry(key, content) for key, content in it.files.items()]}
            case "POST", []:
                for one in json.loads(body):
                    if one["key"] in it.files:
                        raise Refused(400, "File already exists")
                    it.files[one["key"]] = None
                return {"entries": []}
            case "DELETE", [name]:
                del it.files[name]
                return None
            case "PUT", [name, "content"]:
                it.files[name] = body
                return _entry(name, body)
            case "POST", [name, "commit"]:
                return _entry(name, it.files[name])
        raise Refused(405, "not so")


def _identifiers(it: Kept) -> list[dict[str, str]]:
    listed: list[dict[str, str]] = it.metadata.get("identifiers", [])
    return listed


def _entry(key: str, content: bytes | None) -> dict[str, Any]:
    if content is None:
        return {"key": key, "status": "pending"}
    return {"key": key, "status": "completed", "checksum": f"md5:{md5(content, usedforsecurity=False).hexdigest()}"}


class _Handler(BaseHTTPRequestHandler):
    def _do(self) -> None:
        archive: Archive = self.server.archive  # type: ignore[attr-defined]
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        archive.asked.append(f"{self.command} {self.path}")
        if archive.instead is not None:
            given = archive.instead(self.path)
            if given is None:
                archive.closing.wait(30)
                return
            self._send(*given)
            return
        try:
            if self.headers["Authorization"] != f"Bearer {TOKEN}":
                raise Refused(403, "Permission denied.")
            said = archive.answer(self.command, self.path, body)
            status = 204 if said is None else 200 if self.command in ("GET", "PUT") else 201
        except Refused as refused:
            said, status = refused.said, refused.status
        if archive.lost_after == len(archive.asked):
            return
        self._send(status, b"" if said is None else json.dumps(said).encode(), {})

    do_GET = do_POST = do_PUT = do_DELETE = _do

    def _send(self, status: int, content: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Says nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """One who has hung up is what some of these tests are about."""
