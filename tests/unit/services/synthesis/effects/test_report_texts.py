"""What reports say where only people can say it is a lead's, is kept with its stamp, and is shown when it is behind."""

from __future__ import annotations

import pytest

from shared.client.asking import under
from shared.errors import Conflict, Forbidden, Invalid, NotFound
from shared.events.synthesis import ReportTextWritten
from tests.unit.services.synthesis.rig import REVIEW, SynthesisRig, protocol


def test_the_last_that_was_written_holds_and_all_of_it_stays(rig: SynthesisRig):
    rig.lead.write_report_text(REVIEW, "limitations", "We are two.")
    rig.signs()
    rig.lead.write_report_text(REVIEW, "limitations", " We are three. ")

    (holds,) = rig.person("rita").report_texts(REVIEW)
    assert (holds.text, holds.by, holds.revision, holds.protocol_version) == ("We are three.", "dora", 1, 1)
    assert not holds.confirmed and not holds.out_of_date
    written = [(it.text, it.revision) for it in rig.person("rita").texts_of_item(REVIEW, "limitations")]
    assert written == [("We are two.", 0), ("We are three.", 1)]
    assert next(rig.lead.texts_of_item(REVIEW, "limitations", newest_first=True)).event == holds.event


@pytest.mark.parametrize("later", ["revision", "version"])
def test_it_is_out_of_date_once_the_review_has_a_later_one_until_it_is_confirmed_as_it_is(rig: SynthesisRig, later):
    rig.lead.write_report_text(REVIEW, "funding", "Nobody paid.")
    if later == "revision":
        rig.signs()
    else:
        rig.adopts(protocol(["c1"]), version=2)
    assert rig.lead.report_texts(REVIEW)[0].out_of_date

    for _ in range(2):
        rig.lead.write_report_text(REVIEW, "funding", "Nobody paid.")

    (holds,) = rig.lead.report_texts(REVIEW)
    assert holds.confirmed and not holds.out_of_date
    assert len(list(rig.lead.texts_of_item(REVIEW, "funding"))) == 2
    assert [(it.item, it.confirmed) for it in rig.bench.emitted(ReportTextWritten)] == [
        ("funding", False),
        ("funding", True),
    ]


def test_the_words_are_not_told(rig: SynthesisRig):
    rig.lead.write_report_text(REVIEW, "funding", "A secret sponsor.")

    (event,) = rig.bench.emitted(ReportTextWritten)
    assert "sponsor" not in event.model_dump_json() and len(event.sha256) == 64


def test_nothing_is_written_over_what_came_meanwhile(rig: SynthesisRig):
    first = rig.lead.write_report_text(REVIEW, "summary", "One")
    rig.lead.write_report_text(REVIEW, "summary", "Two", seen=first.event)

    with pytest.raises(Conflict, match="meanwhile") as refused:
        rig.lead.write_report_text(REVIEW, "summary", "Three", seen=first.event)
    assert refused.value.slug == "text_changed"
    assert rig.lead.report_texts(REVIEW)[0].text == "Two"


def test_who_may_not_write_what_is_no_item_and_what_says_nothing_are_refused(rig: SynthesisRig):
    for name in ("rita", "ana", "carol"):
        with pytest.raises(Forbidden):
            rig.person(name).write_report_text(REVIEW, "funding", "Mine.")
    with pytest.raises(NotFound, match="funding"):
        rig.lead.write_report_text(REVIEW, "fundings", "Nobody.")
    with pytest.raises(NotFound):
        list(rig.lead.texts_of_item(REVIEW, "fundings"))
    for text in ("", " \n ", "x" * 20_001, "a\0b"):
        with pytest.raises(Invalid, match="text"):
            rig.lead.write_report_text(REVIEW, "funding", text)
    assert rig.bench.emitted(ReportTextWritten) == []


def test_a_text_as_long_as_may_be_is_kept_whole(rig: SynthesisRig):
    text = "<b>é\u202e</b> " * 1_500
    rig.lead.write_report_text(REVIEW, "abstract", text)

    assert rig.lead.report_texts(REVIEW)[0].text == text.strip()


def test_what_runs_by_itself_is_said_with_the_version_of_its_rules(rig: SynthesisRig):
    assert {(it.step, it.version) for it in rig.person("rita").automations(REVIEW)} >= {("synthesis", 1)}
    with pytest.raises((NotFound, Forbidden)):
        rig.person("rita").automations("another")


def test_the_same_command_is_done_once(rig: SynthesisRig):
    with under("cmd_" + "0" * 32):
        rig.lead.write_report_text(REVIEW, "funding", "Nobody.")
        rig.lead.write_report_text(REVIEW, "funding", "Nobody.")
    assert len(rig.bench.emitted(ReportTextWritten)) == 1
