"""The catalog: each service by its name, and none loaded that nobody asked for."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from services.catalog import BY_NAME, NAMES, PAGES, SERVICES, choose
from shared.client.operations import SERVICES as ASKED
from shared.errors import Invalid

#: Builds the application of one service, and then looks at what all of them answer.
PROGRAM = """
import json, sys
from services.app import build
from shared.settings import Settings
app = build(Settings(_env_file=None, data_dir=sys.argv[1]), ["search"])
manifests = lambda: sorted(name for name in sys.modules if name.startswith("services.") and name.endswith(".manifest"))
print(json.dumps([manifests(), sorted(app.openapi()["paths"]), manifests()]))
"""


def test_it_has_every_service_by_its_name_in_the_order_of_a_records_way():
    assert [service.name for service in SERVICES] == list(NAMES) == list(BY_NAME)
    assert sorted(NAMES) == sorted(ASKED)


def test_those_that_are_named_come_in_that_order_and_a_name_that_is_none_is_refused():
    assert [service.name for service in choose(["search", "people"])] == ["people", "search"]
    for name in ("indexing", PAGES):  # Pages are served, and keep nothing that could be upgraded or replayed.
        with pytest.raises(Invalid, match=f"no service is called '{name}'; there are: people, protocol"):
            choose([name])
    assert [service.name for service in choose([PAGES, "search"], beside=[PAGES])] == ["search"]


@pytest.mark.waits
def test_a_process_loads_what_it_serves_and_the_others_when_their_description_is_asked_for(tmp_path):
    ran = subprocess.run([sys.executable, "-c", PROGRAM, str(tmp_path)], capture_output=True, text=True, check=True)

    loaded, paths, then = json.loads(ran.stdout.splitlines()[-1])
    assert loaded == ["services.search.manifest"]
    assert then == sorted(f"services.{name}.manifest" for name in NAMES)
    assert any(path.startswith("/ingest/") for path in paths) and any(path.startswith("/search/") for path in paths)
