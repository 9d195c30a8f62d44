"""What the synthesis says, found in a browser from the coded fragment to its CMOC, with no scripts."""

from __future__ import annotations

import pytest

from tests.unit.services.web.rig import PROTOCOL, REVIEW, Site
from tests.unit.services.web.test_findings import included
from tests.unit.services.web.test_synthesis import codes

pytestmark = pytest.mark.waits

AT = f"/reviews/{REVIEW}/said"


def test_what_was_coded_is_found_with_what_it_is_tied_to_and_nothing_that_people_wrote_runs(site: Site):
    site.founds(PROTOCOL)
    record = included(site, "Gardens and trust")
    codes(site, site.member("Cora", "reviewer"), record)
    with site.client(site.admin) as living:
        site.waits(lambda: living.search.find_fragments(REVIEW, "trust").total == 1)
    reader = site.member("Rita", "reader")

    reader.goes(f"{AT}?q=trust")
    assert reader.page.status_code == 200
    assert "1 found" in reader.text and "trust &lt;b&gt;grew&lt;/b&gt;" in reader.text and "<b>grew" not in reader.text
    assert "We trust them." not in reader.text  # Nobody held it against a copy.
    assert "1 found" in reader.goes(f"{AT}?q=trust&stance=supports&cmoc=c1").text
    assert "0 found" in reader.goes(f"{AT}?q=trust&stance=contradicts").text
    assert "c1" in reader.goes(f"{AT}?kind=theories").text and reader.page.status_code == 200
    assert "0 found" in reader.goes(f"{AT}?kind=releases").text
    assert "character" in reader.goes(f"{AT}?q=%22never").text and reader.page.status_code == 422
    assert AT in reader.goes(f"/reviews/{REVIEW}/records").text
