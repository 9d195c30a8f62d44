"""State machines are walls, too: they agree with what travels, and outside a domain nobody spells a state."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest

from docs.generate import MACHINES
from services.ingest.domain.clusters import PairStates
from services.ingest.domain.proposing import ProposingStates
from services.ingest.domain.texts import AnchorStates, RetrievalStates
from services.ingest.domain.watching import (
    ExportStates,
    ImportStates,
    ReparseStates,
    RunStates,
    SearchStates,
    Standings,
    WatchStates,
)
from services.notify.domain import DeliveryStates
from services.people.domain.handovers import HandoverStates
from services.screening.domain import BatchStates, LeaseStates, RecordStates, TaskStates
from services.search.domain import RebuildStates
from services.synthesis.domain.comments import CommentStates
from services.synthesis.domain.deposits import DepositStates
from services.synthesis.domain.extraction import ExtractionStates
from services.synthesis.domain.notices import RejudgementStates
from services.synthesis.domain.proposals import ProposalStates
from services.synthesis.domain.reports import ReportStates
from shared.db.tables import LetterStates
from shared.states import States
from shared.wire import common, ingest, notify, people, screening, search, synthesis

ROOT = Path(__file__).parent.parent.parent

#: What a machine's states are called on the wire.
ON_THE_WIRE = {
    RecordStates: screening.RecordState,
    TaskStates: screening.TaskState,
    LeaseStates: screening.Ended,
    BatchStates: screening.BatchState,
    WatchStates: ingest.WatchState,
    RunStates: ingest.RunState,
    SearchStates: ingest.SearchState,
    Standings: ingest.Standing,
    ImportStates: ingest.ImportState,
    ExportStates: ingest.ExportState,
    ReparseStates: ingest.ReparseState,
    PairStates: ingest.PairState,
    RetrievalStates: ingest.RetrievalState,
    AnchorStates: ingest.AnchorState,
    ProposingStates: ingest.ProposingState,
    ReportStates: synthesis.ReportState,
    ExtractionStates: synthesis.ExtractionState,
    RejudgementStates: synthesis.RejudgementState,
    ProposalStates: synthesis.ProposalState,
    DepositStates: synthesis.DepositState,
    CommentStates: synthesis.CommentState,
    RebuildStates: search.RebuildState,
    DeliveryStates: notify.DeliveryState,
    HandoverStates: people.HandoverState,
    LetterStates: common.LetterState,
}

#: Words that are a state's, and here another thing's: by file, with what they are.
OF_OTHER_THINGS = {
    "services/synthesis/commands/drafts.py": {"withdrawn"},  # a column: how many links
    "services/synthesis/ports/forms/sheets.py": {"withdrawn"},  # a column: that the revision is
    "services/screening/manifest.py": {"screening"},  # the service
    "services/screening/api/router.py": {"screening"},  # the service
}


def test_every_machine_that_a_service_has_is_drawn_and_looked_at():
    assert set(ON_THE_WIRE) == {machine for machines in MACHINES.values() for machine in machines}
    assert set(ON_THE_WIRE) == {machine for machine in States.__subclasses__() if _is_of_the_platform(machine)}


@pytest.mark.parametrize("machine", ON_THE_WIRE, ids=lambda machine: machine.__name__)
def test_a_machine_has_the_states_that_travel(machine):
    assert set(machine.all()) == set(get_args(ON_THE_WIRE[machine]))


@pytest.mark.parametrize("machine", ON_THE_WIRE, ids=lambda machine: machine.__name__)
def test_a_machine_leads_to_every_state_that_it_names_and_begins_somewhere(machine):
    named = {value for name, value in vars(machine).items() if name.isupper() and isinstance(value, str)}

    assert named == set(machine.all())
    assert {before for before, _ in machine.moves} - {None} <= named
    assert None in {before for before, _ in machine.moves}


def _spelt(tree: ast.AST, words: set[str]) -> Iterator[tuple[int, str]]:
    """Where a word stands as a text of its own, or quoted within a longer one; docstrings, types and an error's slug
    aside."""
    aside: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            aside.add(id(node.value))
        if isinstance(node, ast.keyword) and node.arg == "slug":
            aside.add(id(node.value))
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in aside:
            quoted = set(re.findall(r"'(\w+)'", node.value))
            for word in words & ({node.value} | quoted):
                yield node.lineno, word


def _files(service: str) -> Iterator[Path]:
    if service == "every service":
        yield from sorted(file for name in ("bus", "http") for file in (ROOT / "shared" / name).rglob("*.py"))
        return
    folder = ROOT / "services" / service
    for file in sorted(folder.rglob("*.py")):
        layer = file.relative_to(folder).parts[0].removesuffix(".py")
        # What stands in `sources` is in the words of others: of MathML, TeX, and each API.
        if layer not in ("domain", "migrations") and "sources" not in file.parts:
            yield file


def _is_of_the_platform(machine: type[States[Any]]) -> bool:
    return machine.__module__.startswith(("services.", "shared."))


def _words(service: str) -> set[str]:
    return {state for machine in MACHINES.get(service, []) for state in machine.all()}


@pytest.mark.parametrize("service", MACHINES)
def test_no_module_outside_a_domain_spells_a_state(service):
    found = [
        f"{name}:{line} {word!r}"
        for file in _files(service)
        for name in [str(file.relative_to(ROOT))]
        for line, word in _spelt(ast.parse(file.read_text()), _words(service) - OF_OTHER_THINGS.get(name, set()))
    ]
    assert found == [], "name the state by its machine, as in TaskStates.OPEN"


@pytest.mark.parametrize(
    ("code", "seen"),
    [
        ('task.state = "open"', True),
        ('query.where(col(TaskRow.state) == "open")', True),
        ('Index("x", postgresql_where=text("state = \'open\'"))', True),
        ("text(f\"state = 'open' AND review = {review}\")", True),
        ('def opened():\n    """What is \'open\'."""', False),
        ('raise Conflict("it is open already", slug="open")', False),
    ],
)
def test_a_state_that_somebody_spells_is_seen(code, seen):
    assert bool(list(_spelt(ast.parse(code), {"open"}))) is seen
