"""Imports in a browser: a lead sends a file, sees what came of it, and nothing is kept of one that breaks off."""

from __future__ import annotations

import asyncio
import re
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from html import unescape

import pytest
import yaml
from starlette.datastructures import FormData
from starlette.requests import ClientDisconnect, Request

from services.web import door, forms
from services.web.files import Ways
from shared.errors import Busy
from shared.keys import PERSONS
from tests.disks import mounted
from tests.unit.services.web.rig import REVIEW, Browser, Form, Site

pytestmark = pytest.mark.waits

AT = f"/reviews/{REVIEW}/imports"

RIS = b"TY  - JOUR\nTI  - %s\nPY  - 2021\nER  - \n\n"


@pytest.fixture(scope="module")
def lead(site: Site) -> Browser:
    site.founds()
    return site.member("Lea", "lead")


def over(site: Site, browser: Browser) -> Browser:
    site.waits(lambda: "data-again" not in browser.goes(browser.at).text)
    return browser


def test_a_lead_brings_a_file_and_sees_a_sum_that_adds_up(site, lead):
    lead.goes(AT).uploads(AT, "library.ris", RIS % b"One garden" + RIS % b"Two gardens" + b"TY  - JOUR\nER  - \n\n")

    assert re.fullmatch(rf"{AT}/import_[0-9a-f]+", lead.at)
    over(site, lead)
    counts = [int(n) for n in re.findall(r"<dd>(?:<span[^>]*>[=+]</span> )?(\d+)</dd></div>", lead.text)]
    assert counts == [3, 2, 0, 0, 0, 1] and counts[0] == sum(counts[1:])
    assert "What of it is no record" in lead.text and "library.ris" in lead.goes(AT).text


def test_what_a_file_holds_and_is_called_is_shown_as_text(site, lead):
    lead.goes(AT).uploads(AT, '<b onclick="x">.json', b'[{"type":"article","note":"<img src=x onerror=x>"}]')
    over(site, lead)

    assert "<img" not in lead.text and "&lt;img" in lead.text and "<b onclick" not in lead.text
    assert "<b onclick" not in lead.goes(AT).text


def test_the_same_form_twice_is_one_import(site, lead):
    form = lead.goes(AT).form(AT)
    names = []
    for _ in range(2):
        lead.page = lead.http.post(AT, data=form, files={"file": ("twice.ris", RIS % b"Twice a garden")})
        names.append(lead.at)

    assert names[0] == names[1] and lead.goes(AT).text.count("twice.ris") == 1


@pytest.mark.parametrize(
    ("said", "at"),
    [
        ({"searched_on": "2999-01-01"}, "searched_on"), ({"searched_on": "yesterday"}, "searched_on"),
        ({"reported": "many"}, "reported"), ({"database": "Em base"}, "database"),
        ({"mapping": "no: mapping"}, "mapping"),
        ({"format": "parchment"}, "format"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_at_its_field_and_what_was_typed_stays(site, lead, said, at):
    lead.goes(AT).uploads(AT, "wrong.ris", RIS % b"A wrong garden", query="gardens AND health", **said)

    assert lead.page.status_code == 422 and "gardens AND health" in lead.text and "wrong.ris" not in lead.text
    assert f'href="#{at}"' in lead.text


def test_where_the_disk_for_files_is_full_nothing_is_kept_and_that_is_said(site, lead, tmp_path, monkeypatch):
    content = b"".join(RIS % f"Garden {n}, of which much is said: {'much ' * 400}".encode() for n in range(2000))
    with mounted(tmp_path / "disk", "2m") as disk, monkeypatch.context() as small:
        small.setattr(tempfile, "tempdir", str(disk.folder))
        lead.goes(AT).uploads(AT, "large.ris", content)
        assert lead.page.status_code == 503 and "retry-after" not in lead.page.headers
        assert "is full, or fails" in lead.text and str(disk.folder) not in lead.text
        assert list(disk.folder.iterdir()) == []

    assert "large.ris" not in lead.goes(AT).text
    assert lead.uploads(AT, "large.ris", RIS % b"A large garden").at.startswith(f"{AT}/import_")
    over(site, lead)


@pytest.mark.parametrize(("name", "content"), [("", b""), ("empty.ris", b"")])
def test_no_file_and_an_empty_one_are_said_so(lead, name, content):
    lead.goes(AT).uploads(AT, name, content)

    assert lead.page.status_code == 422 and 'href="#file"' in lead.text


def test_a_file_that_is_none_of_any_kind_fails_with_why(site, lead):
    lead.goes(AT).uploads(AT, "noise.bin", bytes(range(256)) * 8)
    over(site, lead)

    assert "failed" in lead.text and 'role="alert"' in lead.text


MAPPING = """
decisions:
  - column: Decision
    stage: sift
    answers: {"Yes": include, "No": exclude}
    reason: {column: Why}
"""
DECIDED = b"Title,Year,Decision,Why\nA first bed,2021,Yes,\nA second bed,2021,No,<b>no bed</b>\nA third bed,2021,No,\n"


def test_what_a_file_states_is_applied_by_a_mapping_and_undone(site, lead):
    lead.goes(AT).uploads(AT, "decided.csv", DECIDED, mapping=MAPPING)
    over(site, lead)
    at = f"{lead.at}/decisions"
    assert "3 decisions are stated" in lead.text and at in lead.text
    imported = lead.at.rpartition("/")[2]
    stated = lambda: {it.answer: it for it in site.client(lead).screening.decisions(REVIEW) if it.imported == imported}  # noqa: E731
    site.waits(lambda: sum(it.stated for it in stated().values()) == 3)

    lead.goes(at)
    assert "&lt;b&gt;no bed" in lead.text and "A first bed" not in site.member("Ria", "reader").goes(at).text
    fields = lead.form(at)
    answers = {fields[f"stated.{n}"]: n for n in range(2)}
    lead.sends(at, reason="")
    assert lead.page.status_code == 422 and "say of one answer at least" in lead.text
    given = {f"answer.{n}": answer for answer, n in answers.items()} | {f"excluded_for.{answers['exclude']}": "opinion"}
    lead.goes(at).sends(at, reason="screened in 2023", **given)
    assert lead.at.startswith(f"/reviews/{REVIEW}/batches/batch_"), lead.words

    over(site, lead)
    assert "carried out" in lead.text and sum(it.applied for it in stated().values()) == 3
    lead.sends(f"{lead.at}/undo", reason="the wrong file")
    over(site, lead)
    site.waits(lambda: sum(it.applied for it in stated().values()) == 0)
    assert "the wrong file" in lead.goes(lead.at).text


def test_a_column_that_states_decisions_is_named_without_a_word_of_yaml(site, lead):
    column = {"map-column": "Decision", "map-stage": "sift", "map-reason": "Why"}
    table = DECIDED.replace(b"bed", b"row") + b"A fourth row,2021,Maybe: later,\n"
    lead.goes(AT).uploads(AT, "unfit.csv", table, **column, **{"map-answers": "Yes = include\nNo = exclude"})
    over(site, lead)
    assert "failed" in lead.text and "What does not fit the mapping" in lead.text and "Maybe: later" in lead.text

    answers = "Yes = include\r\nNo = exclude\r\nMaybe: later ="
    lead.goes(AT).uploads(AT, "fits.csv", table, **column, **{"map-answers": answers})
    over(site, lead)
    assert "3 decisions are stated" in lead.text, lead.words


def look(lead: Browser, name: str, content: bytes, **said: str) -> str:
    """Has a lead look at a file first; where its form is sent to."""
    lead.goes(AT).uploads(AT, name, content, look="yes", **said)
    return next((form["action"] for form in Form(lead.text).forms if "/imports/of/" in form["action"]), "")


def test_a_lead_sees_what_a_file_holds_and_says_what_it_means_before_it_is_imported(site, lead):
    before = len(list(site.client(lead).ingest.imports(REVIEW)))
    to = look(lead, "looked.csv", DECIDED.replace(b"bed", b"pot"), query="gardens AND pots")
    assert "What looked.csv holds" in lead.text and "&lt;b&gt;no pot" in lead.text and "gardens AND pots" in lead.text
    assert "Read as parts of a citation: Title, Year." in lead.text and "Yes" in lead.text
    assert len(list(site.client(lead).ingest.imports(REVIEW))) == before

    proposed = unescape(re.search(r'<textarea id="mapping"[^>]*>\n(.*?)</textarea>', lead.text, re.DOTALL)[1])
    assert 'stage: "?"' in proposed and '"Yes": "?"' in proposed
    lead.sends(to, mapping=proposed, mapped="yes", **{"map-stage": "sift"}, query="gardens AND pots")
    assert lead.page.status_code == 422 and "only you can say" in lead.text and "gardens AND pots" in lead.text
    said = proposed.replace('"Yes": "?"', '"Yes": include').replace('"No": "?"', '"No": exclude')
    lead.sends(to, mapping=said, mapped="yes", **{"map-stage": "sift"}, query="gardens AND pots")
    assert lead.at.startswith(f"{AT}/import_"), lead.words
    over(site, lead)
    assert "3 decisions are stated" in lead.text and "gardens AND pots" in lead.text


def test_a_file_that_was_looked_at_is_imported_without_its_mapping_and_once(site, lead):
    to = look(lead, "plain.csv", DECIDED.replace(b"bed", b"jug"))
    form = lead.form(to) | {"mapping": "decisions: what I began to write"}
    names = [lead.posts(to, form).at for _ in range(2)]

    assert names[0] == names[1] and names[0].startswith(f"{AT}/import_"), lead.words
    over(site, lead)
    assert "taken in" in lead.text and "decisions are stated" not in lead.text


def test_what_was_said_of_a_column_is_kept_when_the_file_is_looked_at(lead):
    column = {"map-column": "Decision", "map-stage": "sift", "map-answers": "Yes = include\nNo = exclude"}
    look(lead, "said.csv", DECIDED.replace(b"bed", b"pan"), **column)
    shown = unescape(re.search(r'<textarea id="mapping"[^>]*>\n(.*?)</textarea>', lead.text, re.DOTALL)[1])
    assert yaml.safe_load(shown)["decisions"][0]["answers"] == {"Yes": "include", "No": "exclude"}


def test_what_is_no_library_is_said_so_at_once_when_it_is_looked_at(lead):
    assert look(lead, "noise.bin", bytes(range(256)) * 9, query="gardens AND noise") == ""
    assert lead.page.status_code == 422 and 'href="#file"' in lead.text and "gardens AND noise" in lead.text


def test_a_file_that_somebody_else_sent_is_there_for_nobody_else(site, lead):
    to = look(lead, "mine.csv", DECIDED.replace(b"bed", b"cup"))
    leo = site.member("Leo", "lead").goes(AT)
    leo.posts(to, leo.form("/sign-out") | {"name": "mine.csv", "once": ""})

    assert leo.page.status_code == 404 and "cup" not in leo.text


def test_who_is_no_lead_sees_what_came_and_has_no_form(site, lead):
    rita = site.member("Rita", "reader").goes(AT)

    assert "library.ris" in rita.text and "data-upload" not in rita.text
    form = rita.form("/sign-out")
    rita.page = rita.http.post(AT, data=form, files={"file": ("mine.ris", RIS % b"Mine")})
    assert rita.page.status_code == 403 and "mine.ris" not in lead.goes(AT).text


def test_a_file_with_no_proof_is_not_taken_and_nothing_of_it_is_kept(lead, monkeypatch):
    monkeypatch.setattr(forms.MultiPartParser, "spool_max_size", 1)
    begun = []
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda *given, **named: begun.append(given))
    form = lead.goes(AT).form(AT) | {"proof": "0" * 64}

    page = lead.http.post(AT, data=form, files={"file": ("foreign.ris", RIS % b"Foreign" * 1000)})

    assert page.status_code == 403 and begun == [] and "foreign.ris" not in lead.goes(AT).text


def test_a_session_that_ended_meanwhile_leads_to_the_door(site, lead):
    lea = site.member("Lea again", "lead").goes(AT)
    form = lea.form(AT)
    session = lea.session
    site.client(lea).people.withdraw_key(site.client(lea).people.me().key)
    site.waits(lambda: lea.goes(AT).at == "/sign-in")
    lea.http.cookies.set("living-session", session)

    page = lea.http.post(AT, data=form, files={"file": ("late.ris", RIS % b"Late")})

    assert page.status_code == 401 and "Your session has ended" in page.text


@contextmanager
def senders(url: str, cookie: str, proof: str, many: int = 8) -> Iterator[list[socket.socket]]:
    """Who sends the beginning of a file, and then keeps still."""
    begun = part("proof", proof.encode()) + part("file", b"TY", "slow.ris")[:-2]
    head = (
        f"POST {AT} HTTP/1.1\r\nHost: {url.removeprefix('http://')}\r\nCookie: living-session={cookie}\r\n"
        "Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 100000\r\n\r\n"
    )
    port = int(url.rpartition(":")[2])
    with ExitStack() as stack:
        sending = [stack.enter_context(socket.create_connection(("127.0.0.1", port), 60)) for _ in range(many)]
        for one in sending:
            one.sendall(head.encode() + begun)
        yield sending


@pytest.mark.parametrize("proven", [True, False])
def test_who_may_send_no_file_keeps_nobody_from_sending_one_and_is_answered_soon(site, lead, monkeypatch, proven):
    begun, refused = threading.Semaphore(0), forms._NotTaken.__init__

    def seen(self):
        refused(self)
        begun.release()

    monkeypatch.setattr(forms._NotTaken, "__init__", seen)
    made_up = f"{PERSONS}{'0' * 32}_{'a' * 43}"
    cookie, proof = (made_up, door.proof(made_up)) if proven else (lead.session, "0" * 64)
    with site.on_a_port() as url, senders(url, cookie, proof) as sending:
        for _ in sending:
            assert begun.acquire(timeout=60)
        lead.goes(AT).uploads(AT, f"{proven}.ris", RIS % b"Meanwhile a garden %d" % proven)
        assert re.fullmatch(rf"{AT}/import_[0-9a-f]+", lead.at), lead.words
        # They send no more, and hear nevertheless what came of it: well before the minute that a sender may keep still.
        assert {one.recv(12) for one in sending} <= {b"HTTP/1.1 401", b"HTTP/1.1 403"}


def test_a_file_of_somebody_who_has_another_on_its_way_is_said_to_wait(site, lead, monkeypatch):
    begun, made = threading.Semaphore(0), forms.MultiPartParser.on_headers_finished

    def seen(self):
        made(self)
        if self._current_part.file is not None:
            begun.release()

    monkeypatch.setattr(forms.MultiPartParser, "on_headers_finished", seen)
    lead.goes(AT)
    with site.on_a_port() as url, senders(url, lead.session, lead.form(AT)["proof"], 1):
        assert begun.acquire(timeout=60)
        site.waits(lambda: lead.goes(AT).uploads(AT, "b.ris", RIS % b"B").page.status_code == 503)
        assert "another file of yours" in lead.text


def request(*pieces: bytes, length: int | None = None) -> Request:
    """A request whose sender breaks off after these pieces."""
    coming = iter([{"type": "http.request", "body": piece, "more_body": True} for piece in pieces])

    async def receive() -> dict:
        return next(coming, {"type": "http.disconnect"})

    said = length if length is not None else sum(map(len, pieces)) + 1000
    headers = [(b"content-type", b"multipart/form-data; boundary=x"), (b"content-length", str(said).encode())]
    return Request({"type": "http", "method": "POST", "headers": headers}, receive)


def part(name: str, content: bytes, file: str = "") -> bytes:
    said = f'--x\r\nContent-Disposition: form-data; name="{name}"' + (f'; filename="{file}"' if file else "")
    return said.encode() + b"\r\n\r\n" + content + b"\r\n"


def test_of_an_upload_that_breaks_off_nothing_stays(monkeypatch):
    opened = []
    made = forms.MultiPartParser.on_headers_finished

    def seen(self):
        made(self)
        opened.extend(self._files_to_close_on_error)

    monkeypatch.setattr(forms.MultiPartParser, "on_headers_finished", seen)

    async def send() -> None:
        broken = request(part("proof", b"p"), part("file", b"half of it", "a.ris")[:-6])
        async with forms.form_with_file(broken, lambda form: form.get("proof") == "p"):
            raise AssertionError("it is no form")

    with pytest.raises(ClientDisconnect):
        asyncio.run(send())
    assert opened and all(file.closed for file in opened)


def test_a_file_is_gone_when_its_page_is_made():
    async def send() -> FormData:
        whole = request(part("proof", b"p"), part("file", b"all of it", "a.ris"), b"--x--\r\n")
        whole._receive = _until_the_end(whole._receive)
        async with forms.form_with_file(whole, lambda form: True) as form:
            assert await form["file"].read() == b"all of it"
            return form

    form = asyncio.run(send())
    assert form["file"].file.closed


def _until_the_end(receive):
    async def more() -> dict:
        message = await receive()
        return message if message["type"] == "http.request" else {"type": "http.request", "body": b""}

    return more


def test_one_file_of_a_session_comes_in_at_a_time_and_so_many_of_all():
    uploads = Ways(at_once=2)
    with uploads.one("a"), uploads.one("b"):
        for session in ("a", "c"):
            with pytest.raises(Busy), uploads.one(session):
                pass
    with uploads.one("a"), uploads.one("c"):
        pass
