"""Harm: processes killed, the log down, evidence lost - the figures are the same, or the demo says they are not.

Slow: each test plays the whole first review against running processes while something is done to them.
"""

from __future__ import annotations

import ast
import shutil
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from threading import Event

import pytest
import yaml

from demo.environment import Environment
from demo.processes import ALL
from tests.flows.broker import Broker
from tests.flows.profiles import APART, FIRST_REVIEW, ROOT, SECOND_REVIEW, client, demo_run, embedded, environment, real
from tests.waiting import in_the_background

pytestmark = [pytest.mark.slow, pytest.mark.waits]


def test_every_process_killed_in_the_middle_gives_the_same_figures(apart, tmp_path):
    killed: Counter[str] = Counter()
    # A broker waits ten seconds for a member that was killed, so once around is enough there.
    victims = ALL * (2 if apart.name == "embedded" else 1)

    def harm(site: Environment) -> ExitStack:
        def kill_one_after_another(over: Event) -> None:
            for service in victims:
                if over.wait(0.7):
                    return
                site.processes.kill(service)
                killed[service] += 1
                time.sleep(0.3)
                site.processes.reopen(service)

        stack = ExitStack()
        stack.enter_context(in_the_background(kill_one_after_another))
        return stack

    with demo_run(apart, tmp_path, harm=harm) as (site, outcome), client(site) as living:
        assert outcome.differences == []
        assert [list(living.operations.dead_letters(service)) for service in ALL] == [[]] * len(ALL)
    assert min(killed[service] for service in ALL) >= 1, killed


def test_while_the_log_is_locked_nothing_is_lost(tmp_path):
    def harm(site: Environment) -> ExitStack:
        def lock_the_log_now_and_then(over: Event) -> None:
            path = site.settings.data_dir / "log.db"
            while not over.wait(1.0):
                holder = sqlite3.connect(path, timeout=300, isolation_level=None)
                holder.execute("BEGIN EXCLUSIVE")
                over.wait(7.0)  # Longer than the log's patience: appends fail meanwhile.
                holder.execute("ROLLBACK")
                holder.close()

        stack = ExitStack()
        stack.enter_context(in_the_background(lock_the_log_now_and_then))
        return stack

    with demo_run(embedded(), tmp_path, harm=harm) as (_, outcome):
        assert outcome.differences == []


@pytest.mark.real
def test_while_the_broker_is_killed_and_comes_back_nothing_is_lost(real_postgres_url, real_search_url, tmp_path):
    with Broker.of_its_own("flows") as broker:
        profile = real(broker.url, real_postgres_url, real_search_url)

        def harm(site: Environment) -> ExitStack:
            def kill_the_broker_once(over: Event) -> None:
                seen = site.settings.data_dir / "told"
                while not over.wait(0.2):
                    if seen.exists() and "2019:" in seen.read_text():
                        broker.kill()
                        over.wait(3)
                        broker.up()
                        return

            stack = ExitStack()
            stack.enter_context(in_the_background(kill_the_broker_once))
            return stack

        try:
            folder = tmp_path / "platform"
            folder.mkdir()
            with demo_run(profile, folder, harm=harm) as (_, outcome):
                assert outcome.differences == []
        finally:
            profile.clear_away()


def test_services_in_processes_of_their_own_share_the_embedded_log(tmp_path):
    with demo_run(embedded(APART), tmp_path) as (_, outcome):
        assert outcome.differences == []


def test_a_second_review_with_other_stages_forms_and_theories_runs_from_its_own_files(tmp_path):
    review = tmp_path / "review"
    shutil.copytree(SECOND_REVIEW, review)
    shutil.copy(FIRST_REVIEW / "papers.yaml", review)  # The same library, asked other questions.
    with demo_run(embedded(), tmp_path, review=review) as (site, outcome), client(site) as living:
        assert outcome.differences == []
        assert outcome.conflicts == 2
        assert living.screening.funnel("garden-rota").by_rule == {"published_after": 5}
        statuses = {cmoc.cmoc: cmoc.status for cmoc in living.synthesis.draft("garden-rota").states}
        assert statuses == {"fair": "contested", "tired": "partially_supported"}


def test_one_link_less_in_the_evidence_changes_the_figures_and_fails_the_demo(tmp_path):
    review = tmp_path / "review"
    shutil.copytree(FIRST_REVIEW, review)
    evidence = yaml.safe_load((review / "evidence.yaml").read_text())
    dropped = next(coded for coded in evidence["evidence"] if len(coded["links"]) == 1)
    evidence["evidence"].remove(dropped)
    (review / "evidence.yaml").write_text(yaml.safe_dump(evidence))

    demo = subprocess.run(
        [sys.executable, "-m", "services", "demo", str(review), "--folder", str(tmp_path / "demo"), "--json"],
        capture_output=True, text=True, cwd=ROOT, env=environment(), timeout=900, check=False,
    )  # fmt: skip

    assert demo.returncode == 1, demo.stderr
    assert "links: 56, not 57" in demo.stdout
    assert "support in 2022" in demo.stdout


def test_nothing_in_the_code_knows_the_first_review():
    words = ("ics-leadership", "integrated care", "gordon", "title_abstract", "cmoc-1", "richness", "rigour")
    code = [path for folder in ("services", "shared") for path in Path(ROOT / folder).rglob("*.py")]

    knowing = {
        str(path.relative_to(ROOT)): [word for word in words if any(word in text.lower() for text in _strings(path))]
        for path in code
        # The command line names the first review in its help and as the demo's default.
        if "services/cli" not in str(path)
    }
    assert {path: named for path, named in knowing.items() if named} == {}


def _strings(path: Path) -> list[str]:
    """Every text in a module that is no docstring."""
    tree = ast.parse(path.read_text())
    seen = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in seen
    ]
