"""What the documentation shows of the client is so: the script that screens does, against a platform over HTTP."""

from __future__ import annotations

import re
from pathlib import Path

from tests.unit.services.screening.rig import REVIEW, SIFT

PAGE = Path(__file__).parents[4] / "docs" / "stages.md"


def test_the_script_that_screens_votes_skips_and_takes_back(screening_at, served, monkeypatch, capsys):
    rig = screening_at({**SIFT, "name": "title_abstract"})
    rig.discovers("r1", "r2", "r3")
    (script,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    said = iter(["include", "yes", "", "exclude", "no data", "no", *["include", "yes"] * 2])
    monkeypatch.setattr("builtins.input", lambda asked: next(said))
    monkeypatch.setenv("LIVING_KEY", served.token("ana", "reviewer"))
    here = script.replace("shared-records", REVIEW).replace('"http://127.0.0.1:8000"', 'os.environ["LIVING_URL"]')

    exec(compile(here, str(PAGE), "exec"), {})

    records = ("r1", "r2", "r3")
    votes = [[vote["answer"] for vote in rig.record(record)["stages"][0]["votes"]] for record in records]
    assert votes == [["include"], ["include"], ["include"]], "what was excluded was taken back, and asked again"
    printed = capsys.readouterr().out.splitlines()
    assert printed == ["r1: open", "r3: open", "r3: open", "r2: open", "['title_abstract: 0']"]
