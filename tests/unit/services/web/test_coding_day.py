"""A day of coding: forty fragments by keys alone in a real browser over a long line, a second coder, what they differ
in decided, a revision signed, and its crate verified with nothing but Python.

It takes a minute: two people code forty fragments each, and one of them does it in a browser to which every page comes
200 ms late.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.browsers import Visit, chromium
from tests.flows.line import LongLine
from tests.unit.services.web.rig import PROTOCOL, REVIEW, Browser, Site
from tests.unit.services.web.test_findings import included
from tests.unit.services.web.test_synthesis import copy_of, fills

pytestmark = [pytest.mark.slow, pytest.mark.waits]

FRAGMENTS = 40
SYNTHESIS = f"/reviews/{REVIEW}/synthesis"

#: Three sentences a passage, each said once.
SENTENCES = [f"In garden {n} the neighbours came to trust each other." for n in range(1, FRAGMENTS + 3)]
ARTICLE = "Gardens and trust\n\n" + "\n\n".join(
    " ".join(SENTENCES[at : at + 3]) for at in range(0, len(SENTENCES), 3)
)  # fmt: skip


@pytest.fixture(scope="module")
def record(site: Site) -> str:
    site.founds(PROTOCOL + "extraction: {coders: 2}\n")
    made = included(site, "Gardens and trust")
    with site.client(site.admin) as living:
        site.waits(lambda: list(living.synthesis.extractions(REVIEW)))
    return made


def test_forty_fragments_are_coded_by_keys_twice_reconciled_signed_and_verified(site, record, tmp_path):
    ana, ben = site.member("Ana", "reviewer"), site.member("Ben", "reviewer")
    text = copy_of(site, ana, record, ARTICLE.encode())
    extraction = extraction_of(site)
    for coder in (ana, ben):
        coder.goes(f"{SYNTHESIS}/extractions").sends(f"{SYNTHESIS}/extractions/claim")

    with site.on_a_port() as url, LongLine(urlsplit(url).port or 0, 0.1) as line, chromium() as browser:
        codes_by_keys(Visit(browser, line.url), text)
    ana.goes(f"/reviews/{REVIEW}/records/{record}/evidence").sends(f"{SYNTHESIS}/extractions/{extraction}/finish")
    codes_by_the_api(site, ben, text, record)
    ben.goes(f"/reviews/{REVIEW}/records/{record}/evidence").sends(f"{SYNTHESIS}/extractions/{extraction}/finish")

    at = f"{SYNTHESIS}/extractions/{extraction}"
    while keys := re.findall(r'name="difference" value="([^"]+)"', ben.goes(at).text):
        ben.sends(f"{at}/reconcile", difference=keys[0], keep="first", **{f"why-{keys[0]}": "the words say so"})
        assert ben.page.status_code == 200, ben.words
    with site.client(site.admin) as living:
        site.waits(lambda: living.synthesis.draft(REVIEW).settled)
        site.waits(lambda: living.synthesis.draft(REVIEW).counts.links == FRAGMENTS)
    signs(site.admin)
    verifies_with_python_alone(site, tmp_path)


def extraction_of(site: Site) -> str:
    with site.client(site.admin) as living:
        return next(living.synthesis.extractions(REVIEW)).extraction


def codes_by_keys(visit: Visit, text: str) -> None:
    """Signs in, and codes sentence after sentence without touching anything but keys."""
    page = visit.page
    page.goto(f"/sign-in?to=/reviews/{REVIEW}/texts/{text}")
    page.fill("#sign_in_as", "Ana")
    page.fill("#password", "a sentence of my own")
    page.press("#password", "Enter")
    page.wait_for_url(f"**/texts/{text}")
    for n, sentence in enumerate(SENTENCES[:FRAGMENTS]):
        if n == 0:
            page.keyboard.press("j")  # The heading, which no sentence of the test is in.
            page.keyboard.press("j")
        page.keyboard.press("n")
        page.keyboard.press("Enter")
        assert page.input_value("[name='fragment.quote']") == sentence
        if n == 0:  # What stays for the next ones.
            for label, words in (("m", "c1"), ("d", "observation")):
                page.keyboard.press(label)
                page.keyboard.type(words)
                page.keyboard.press("Tab")
        page.locator("[name='links[0].element']").first.focus()
        page.keyboard.press("3")
        page.keyboard.press("s")
        page.keyboard.press("p")
        page.keyboard.type(f"garden {n + 1}: trust")
        page.keyboard.press("Control+Enter")
        page.locator("mark", has_text=sentence).wait_for()
    assert page.locator("mark").count() == FRAGMENTS
    assert visit.wrong == []


def codes_by_the_api(site: Site, coder: Browser, text: str, record: str) -> None:
    """The second coder says the same of all but two: one bounds what the first says it supports, one is not there."""
    with site.client(coder) as living:
        for n, sentence in enumerate(SENTENCES[: FRAGMENTS - 1]):
            receipt = living.ingest.quote(REVIEW, text, sentence).receipt
            fragment = {"paraphrase": f"trust in {n + 1}", "data_type": "observation", "receipt": receipt}
            link = {"cmoc": "c1", "element": "reasoning", "stance": "bounds" if n == 7 else "supports"}
            living.synthesis.link_one(REVIEW, {"record": record, "fragment": fragment, "links": [link]})


def signs(lead: Browser) -> None:
    lead.goes(f"{SYNTHESIS}/sign")
    fills(lead, "look", summary="Forty gardens.")
    assert "Sign revision 1?" in lead.words, lead.words
    lead.sends(f"{SYNTHESIS}/sign", do="sign")
    assert lead.at == f"/reviews/{REVIEW}/findings/1"


def verifies_with_python_alone(site: Site, folder: Path) -> None:
    """Nothing of ours is imported, and no address asked: the crate and the public keys are all there is."""
    with site.client(site.admin) as living:
        with (folder / "crate.zip").open("wb") as crate:
            living.synthesis.crate(REVIEW, 1, crate.write)
        keys = site.admin.goes(f"/reviews/{REVIEW}/findings/1/keys.json").page.json()
    (folder / "keys.json").write_text(json.dumps(keys))
    (folder / "alone.py").write_text(_ALONE)
    run = [sys.executable, "-I", str(folder / "alone.py"), str(folder / "crate.zip"), str(folder / "keys.json")]
    answer = json.loads(subprocess.run(run, check=True, capture_output=True, timeout=120, cwd=folder).stdout)
    assert answer == {"signed": True, "links": True, "supports": True, "shown": FRAGMENTS}


#: Reads the crate as its own files say, and the signature as RFC 7515 and RFC 8037 do.
_ALONE = """
import base64, csv, hashlib, io, json, sys, zipfile
from collections import Counter

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def plain(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


crate = zipfile.ZipFile(sys.argv[1])
document, signature = crate.read("revision.json"), crate.read("signature.jws").decode().strip()
head, claims, sealed = signature.split(".")
kid = json.loads(plain(head))["kid"]
[key] = [it for it in json.load(open(sys.argv[2]))["keys"] if it["kid"] == kid and it["purpose"] == "revisions"]
Ed25519PublicKey.from_public_bytes(plain(key["x"])).verify(plain(sealed), f"{head}.{claims}".encode())
said = json.loads(plain(claims))
rows = list(csv.DictReader(io.StringIO(crate.read("matrix.csv").decode())))
[cmoc] = json.loads(document)["cmocs"]
counted = Counter((row["element"], row["stance"]) for row in rows)
says = {(element, it["stance"]): it["links"] for element, all in cmoc["by_element"].items() for it in all}
print(json.dumps({
    "signed": said["content_sha256"] == hashlib.sha256(document).hexdigest(),
    "links": json.loads(document)["counts"]["links"] == len(rows),
    "supports": says == counted,
    "shown": counted["reasoning", "supports"],
}))
"""
