"""Zenodo: deposits by the records API of InvenioRDM, the software that it and others run.

Its older deposit API is there still, and refuses new versions of what has files.
"""

from __future__ import annotations

import html
import json
import re
import ssl
from collections.abc import Mapping
from hashlib import md5
from typing import Any
from urllib.parse import quote, urlsplit

import httpcore

from services.synthesis.ports.dois.port import About, Assigned, Gone, NotDeposited, Reserved
from shared.errors import Invalid
from shared.outward.pinned import Deadline, PinnedNetwork
from shared.outward.target import Resolver, Target, find_target, look_up
from shared.outward.trust import trusted
from shared.pauses import retry_after

#: Bytes of an answer that are read, and characters of it that are shown.
ANSWER_BYTES, _SHOWN = 1_000_000, 300

#: Deposits of ours that bear one identifier: more than one where somebody made a copy by hand.
_FOUND = 10

_DOI = re.compile(r"10\.\d{4,9}/[!-~]{1,200}")
_DEPOSIT = re.compile(r"[A-Za-z0-9._-]{1,100}")

#: The one that is called so; another server is called by its host.
_ZENODO = "zenodo.org"

_USER_AGENT = "living-reviews (InvenioRDM)"


class Zenodo:
    """Asks an InvenioRDM server at `url` (https://zenodo.org/api). Its token goes there alone: no redirect is followed,
    no address is taken out of an answer, and each request is connected to what was checked."""

    def __init__(
        self,
        url: str,
        token: str,
        *,
        licence: str,
        timeout: float,
        resolve: Resolver = look_up,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.name = url.rstrip("/")
        self._token, self._licence, self._timeout, self._resolve = token, licence, timeout, resolve
        self._tls = tls or trusted()

    def reserve(self, about: About, after: str | None) -> Reserved:
        found = self._find(about.identifier)
        if found is None:
            # Of versions there is one that is begun at most; it is answered where it is there.
            where = "/records" if after is None else f"/records/{_part(after)}/versions"
            found = _deposit(self._asked("POST", where, self._said(about) if after is None else None))
        draft = self._look(f"/records/{found}/draft")
        if draft is None:
            published = self._look(f"/records/{found}")
            if published is None:
                raise NotDeposited(f"what {self._host} says it has begun is not there")
            return Reserved(found, _doi(published))
        doi = draft.get("pids", {}).get("doi") if isinstance(draft.get("pids"), dict) else None
        if doi is None:
            draft = self._asked("POST", f"/records/{found}/draft/pids/doi", None)
        reserved = _doi(draft)
        self._require_versions(draft, after)
        # With our identifier in it, by which it is found again.
        self._describe(found, about, draft)
        return Reserved(found, reserved)

    def publish(self, deposit: str, about: About, file_name: str, content: bytes) -> Assigned:
        at = f"/records/{_part(deposit)}"
        published = self._look(at)
        if published is None:
            draft = self._look(f"{at}/draft")
            if draft is None:
                raise Gone(f"the deposit {deposit} is not at {self._host} any more")
            self._describe(deposit, about, draft)
            self._upload(at, file_name, content)
            published = self._asked("POST", f"{at}/draft/actions/publish", None)
        if about.identifier not in _identifiers(published):
            raise NotDeposited(f"the deposit {deposit} at {self._host} is of something else", refused=True)
        return Assigned(_doi(published), _doi(published.get("parent")))

    def _find(self, identifier: str) -> str | None:
        """A deposit that bears an identifier. What the search answers is held against it; it may not know yet what was
        begun a moment ago, so that this alone keeps nothing from being begun twice, and nothing that is not kept by
        its id is ever published."""
        asked = quote(f'metadata.identifiers.identifier:"{identifier}"', safe="")
        answer = self._asked("GET", f"/user/records?q={asked}&allversions=true&size={_FOUND}", None)
        hits = answer.get("hits")
        listed = hits.get("hits") if isinstance(hits, dict) else None
        if not isinstance(listed, list):
            raise self._nonsense()
        mine = [it for it in listed if isinstance(it, dict) and identifier in _identifiers(it)]
        # One that is published before one that is not.
        mine.sort(key=lambda it: it.get("is_published") is not True)
        return _deposit(mine[0]) if mine else None

    def _require_versions(self, draft: Mapping[str, Any], after: str | None) -> None:
        """Raises NotDeposited where the server gives no DOI to all versions together, before anything is public. One
        that does has the place for it in a first draft, though it makes it in publishing."""
        parent = draft.get("parent")
        pids = parent.get("pids") if isinstance(parent, Mapping) else None
        if not isinstance(pids, Mapping) or (after is not None and "doi" not in pids):
            raise NotDeposited(f"{self._host} gives no DOI to all versions of a deposit together", refused=True)

    def _describe(self, deposit: str, about: About, draft: Mapping[str, Any]) -> None:
        # Without its PIDs the DOI that was reserved would be given up.
        self._asked("PUT", f"/records/{deposit}/draft", self._said(about) | {"pids": draft.get("pids", {})})

    def _upload(self, at: str, name: str, content: bytes) -> None:
        """Has the draft hold this file and no other."""
        entries = self._asked("GET", f"{at}/draft/files", None).get("entries")
        if not isinstance(entries, list):
            raise self._nonsense()
        is_there = False
        for entry in entries:
            key = entry.get("key") if isinstance(entry, dict) else None
            if not isinstance(key, str):
                raise self._nonsense()
            if key == name and entry.get("status") == "completed" and entry.get("checksum") == _checksum(content):
                is_there = True
            else:
                self._asked("DELETE", f"{at}/draft/files/{_part(key)}", None)
        if not is_there:
            self._asked("POST", f"{at}/draft/files", [{"key": name}])
            self._asked("PUT", f"{at}/draft/files/{_part(name)}/content", content)
            kept = self._asked("POST", f"{at}/draft/files/{_part(name)}/commit", None)
            if kept.get("checksum") != _checksum(content):
                raise NotDeposited(f"{self._host} keeps another file than it was sent")

    def _said(self, about: About) -> dict[str, Any]:
        metadata: dict[str, Any] = {
            "resource_type": {"id": "publication-report"},
            "title": about.title,
            "publication_date": about.published_on.isoformat(),
            "version": about.version,
            # It is read as HTML there.
            "description": f"<p>{html.escape(about.summary)}</p>",
            "publisher": "Zenodo" if self._host == _ZENODO else self._host,
            "creators": [{"person_or_org": {"type": "organizational", "name": about.creator}}],
            "rights": [{"id": self._licence}],
            "identifiers": [{"scheme": "urn", "identifier": about.identifier}],
        }
        if about.address.startswith("https://"):
            related = {"scheme": "url", "identifier": about.address, "relation_type": {"id": "isidenticalto"}}
            metadata["related_identifiers"] = [related]
        return {
            "access": {"record": "public", "files": "public"},
            "files": {"enabled": True},
            "metadata": metadata,
        }

    # What is asked

    @property
    def _host(self) -> str:
        return urlsplit(self.name).hostname or self.name

    def _look(self, path: str) -> dict[str, Any] | None:
        """What is there; None where nothing is."""
        status, answer = self._answer("GET", path, None)
        return None if status in (404, 410) else self._read(status, answer)

    def _asked(self, method: str, path: str, body: object) -> dict[str, Any]:
        return self._read(*self._answer(method, path, body))

    def _answer(self, method: str, path: str, body: object) -> tuple[int, bytes]:
        """Asks once. Raises NotDeposited for what another try may mend, and for what it will not."""
        try:
            status, asked, answer = self._exchange(self._target(path), method, body)
        except httpcore.TimeoutException:
            raise NotDeposited(f"{self._host} did not answer within {self._timeout:g} s") from None
        except (httpcore.NetworkError, httpcore.ProtocolError) as lost:
            raise NotDeposited(f"{self._host}: {type(lost).__name__}: {lost}"[:_SHOWN]) from None
        if status == 429 or status >= 500:
            raise NotDeposited(f"{self._host} answers HTTP {status}", retry_after=asked)
        if status in (401, 403):
            raise NotDeposited(f"{self._host} does not take the token (HTTP {status}): look at LIVING_DOI_TOKEN")
        if not 200 <= status < 300 and status not in (404, 410):
            raise NotDeposited(f"{self._host} answers HTTP {status}: {self._why(answer)}", refused=400 <= status < 500)
        return status, answer

    def _read(self, status: int, answer: bytes) -> dict[str, Any]:
        if status in (404, 410):
            raise NotDeposited(f"{self._host} answers HTTP {status}: is LIVING_DOI_URL right?")
        if status == 204:
            return {}
        try:
            found = json.loads(answer)
        except (ValueError, RecursionError):
            raise self._nonsense() from None
        if not isinstance(found, dict):
            raise self._nonsense()
        return found

    def _nonsense(self) -> NotDeposited:
        return NotDeposited(f"what {self._host} answers is none of its answers")

    def _why(self, answer: bytes) -> str:
        """What a refusal says, by its fields, as one line of what can be shown."""
        try:
            said = json.loads(answer)
            faults = [f"{it['field']}: {' '.join(it['messages'])}" for it in said.get("errors") or []]
            text = "; ".join([str(said.get("message", "")), *faults])
        except (ValueError, RecursionError, TypeError, KeyError, AttributeError):
            text = ""
        shown = "".join(one if one.isprintable() else " " for one in text.replace(self._token, "..."))
        return " ".join(shown.split())[:_SHOWN] or "it does not say why"

    def _target(self, path: str) -> Target:
        try:
            # The operator of this platform names it, so that it may be on their own network.
            return find_target(self.name + path, private=True, resolve=self._resolve)
        except Invalid as refused:
            raise NotDeposited(f"LIVING_DOI_URL is not gone to: {refused.detail.removeprefix('url: ')}") from None

    def _exchange(self, target: Target, method: str, body: object) -> tuple[int, float | None, bytes]:
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        headers = {
            "Host": target.authority,
            "User-Agent": _USER_AGENT,
            "Accept": "application/json",
            "Authorization": f"Bearer {self._token}",
            "Content-Type": "application/octet-stream" if isinstance(body, bytes) else "application/json",
            "Content-Length": str(len(content)),
            "Connection": "close",
        }
        url = httpcore.URL(scheme=target.scheme, host=target.host, port=target.port, target=target.path)
        wire = PinnedNetwork(target.addresses, Deadline(self._timeout))
        with (
            httpcore.ConnectionPool(ssl_context=self._tls, network_backend=wire) as pool,
            pool.stream(method, url, headers=[*headers.items()], content=content) as answer,
        ):
            asked = retry_after(_header(answer, "retry-after"), _header(answer, "date"))
            return answer.status, asked, self._body(answer)

    def _body(self, answer: httpcore.Response) -> bytes:
        read = bytearray()
        for piece in answer.iter_stream():
            read += piece
            if len(read) > ANSWER_BYTES:
                raise NotDeposited(f"{self._host} answers more than {ANSWER_BYTES} bytes")
        return bytes(read)


def _part(name: str) -> str:
    return quote(name, safe="")


def _header(answer: httpcore.Response, name: str) -> str:
    found = (value for key, value in answer.headers if key.lower() == name.encode())
    return next((value.decode("latin-1") for value in found), "")


def _checksum(content: bytes) -> str:
    """As the archive has it, to see that all of it came; nothing is proved by it."""
    return f"md5:{md5(content, usedforsecurity=False).hexdigest()}"


def _deposit(said: Mapping[str, Any]) -> str:
    found = said.get("id")
    if not isinstance(found, str) or not _DEPOSIT.fullmatch(found):
        raise NotDeposited("the archive's answer has no id of a deposit")
    return found


def _doi(said: object) -> str:
    """The DOI of a deposit, or of all its versions. It is printed as an address, so that it must be one."""
    for name in ("pids", "doi", "identifier"):
        said = said.get(name) if isinstance(said, Mapping) else None
    if not isinstance(said, str) or not _DOI.fullmatch(said):
        raise NotDeposited("the archive's answer has no DOI")
    return said


def _identifiers(said: Mapping[str, Any]) -> set[str]:
    metadata = said.get("metadata")
    listed = metadata.get("identifiers") if isinstance(metadata, Mapping) else None
    of_it = [it.get("identifier") for it in listed if isinstance(it, Mapping)] if isinstance(listed, list) else []
    return {it for it in of_it if isinstance(it, str)}
