"""The history of a recorded review: the two versions of its protocol by which its initial CMOCs became those of today.

`python -m demo.history reviews/ics-leadership --to FOLDER` writes them as files, to be applied one after the other.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict

_PARTS = ("context", "resource", "reasoning", "outcome")

#: What protocol.yaml calls the CMOCs of before.
_INITIAL = re.compile(r"initial CMOC (\d+)")


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Initial(_Part):
    """A CMOC of before, and the programme theory that it stood under. Its words are not known."""

    cmoc: str
    theory: str


class Amended(_Part):
    """Why it was amended, and which CMOCs were set aside by that."""

    why: str
    set_aside: list[dict[str, str]]


class History(_Part):
    """history.yaml: `unprinted` stands where words would."""

    review: str
    unprinted: str
    initial: list[Initial]
    amended: Amended


def history_of(folder: Path) -> tuple[str, str, str]:
    """The protocol with the initial CMOCs, the one that amended it, and why."""
    plan = yaml.safe_load((folder / "protocol.yaml").read_text())
    history = History.model_validate(yaml.safe_load((folder / "history.yaml").read_text()))
    before = plan | {"cmocs": [_worded(it, history.unprinted) for it in history.initial]}
    after = plan | {"cmocs": [_named(it) for it in plan["cmocs"]], "set_aside": history.amended.set_aside}
    return _text(before), _text(after), history.amended.why


def _worded(it: Initial, unprinted: str) -> dict[str, Any]:
    return {"id": it.cmoc, "theory": it.theory, **dict.fromkeys(_PARTS, unprinted)}


def _named(cmoc: dict[str, Any]) -> dict[str, Any]:
    """The same CMOC, of which `lineage` names the ids that the initial ones have."""
    return cmoc | {"lineage": [_INITIAL.sub(r"initial-\1", it) for it in cmoc["lineage"]]}


def _text(plan: dict[str, Any]) -> str:
    return yaml.safe_dump(plan, sort_keys=False, allow_unicode=True, width=110)


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("folder", type=Path)
    asked.add_argument("--to", type=Path, required=True)
    given = asked.parse_args()
    before, after, why = history_of(given.folder)
    given.to.mkdir(parents=True, exist_ok=True)
    for name, text in (("initial.yaml", before), ("amended.yaml", after)):
        (given.to / name).write_text(text)
    print(f"{given.to}/initial.yaml, then {given.to}/amended.yaml: {why}")


if __name__ == "__main__":
    main()
