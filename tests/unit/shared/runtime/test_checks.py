"""A platform refuses to start on a log, a key or a database that is not the one it knew, and says what to do."""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import delete, select, update

from shared.bus.port import Message
from shared.clock import SystemClock
from shared.db.tables import DeadLetterRow, HeardUpToRow, OutboxRow, PublishedUpToRow, WaitingRow
from shared.errors import Conflict, LivingError, Unavailable
from shared.events.notify import DeliveryFailed
from shared.events.synthesis import ReviewOverdue
from shared.ids import new_id
from shared.keys.file import make, open_ring, read_ring, rotate
from shared.keys.ring import PURPOSES
from shared.runtime import checks, mend
from tests.databases import drop_database
from tests.toy import TOY
from tests.unit.shared.runtime.rig import PlatformRig, heard, notes, rows, unpublished
from tests.waiting import eventually

pytestmark = pytest.mark.waits


@pytest.fixture
def rig(tmp_path, workbench) -> PlatformRig:
    return PlatformRig(tmp_path / "data", workbench)


# What starts without a word


#: A service that a release adds, which tells on the topic of another one.
NEW = replace(TOY, name="new")


def test_a_first_start_and_every_later_one_start(rig):
    rig.start()
    rig.start()
    rig.lives("a", "b")
    rig.start()
    rig.lives("c")


def test_a_new_service_on_an_existing_log_starts_and_hears_everything(rig):
    rig.lives("a", "b")
    rig.services = (TOY, NEW)

    with rig.platform() as platform:
        eventually(lambda: notes(platform.running["new"]) == {"a", "b"})


def test_a_group_that_the_log_has_forgotten_goes_on_where_the_database_is(rig):
    rig.lives("a", "b", "c")
    with rig.log() as log:  # As a broker does with a group that was away for long; and the inbox was pruned.
        log.rewind(TOY.name, {partition: 0 for partition in log.stored(TOY.name, TOY.topics)})
    with rig.started() as running:
        first = notes(running)
        assert running.event_log.lag(TOY.name, TOY.topics) == 0
        rig.put("d")
        eventually(lambda: notes(running) == first | {"d"})


def test_a_database_of_the_release_before_takes_the_log_as_it_is(rig):
    rig.lives("a", "b", "c")
    forget_positions(rig)

    rig.start()

    with rig.started() as running:
        assert sum(positions_heard(running).values()) == 3


def test_what_never_concerned_the_service_may_lie_between(rig):
    rig.lives("a")
    with rig.log() as log:
        other = rig.envelope(DeliveryFailed(review="r", subscription="s", delivery="d", attempts=1, error="e"))
        log.append([Message(ReviewOverdue.topic, f"k{n}", other.to_json()) for n in range(8)])
        log.append([Message(ReviewOverdue.topic, f"k{n}", b"no event") for n in range(4)])
    with rig.started() as running:
        eventually(lambda: running.event_log.lag(TOY.name, TOY.topics) == 0)
    with rig.started() as running:
        assert positions_heard(running) == running.event_log.stored(TOY.name, TOY.topics)


def test_what_became_a_dead_letter_counts_as_heard(rig):
    rig.lives("a")
    rig.put("poison")
    with rig.started() as running:
        eventually(lambda: running.event_log.lag(TOY.name, TOY.topics) == 0)
        assert [letter.slug for letter in rows(running, DeadLetterRow)] == ["rejected"]
    rig.start()


def test_a_log_that_is_behind_the_database_in_what_it_stored_starts(rig):
    """As after a crash between the commit and the storing of the offsets: heard again, done once."""
    rig.lives("a", "b", "c")
    with rig.log() as log:
        log.rewind(TOY.name, {partition: 0 for partition in log.stored(TOY.name, TOY.topics)})

    rig.lives("d")

    with rig.started() as running:
        assert notes(running) == {"a", "b", "c", "d"}
        assert heard(running) == 4


# The log


def removed(rig: PlatformRig) -> None:
    rig.remove(rig.log_file)


def emptied(rig: PlatformRig) -> None:
    rig.remove(rig.log_file)
    rig.log_file.touch()


def made_anew(rig: PlatformRig) -> None:
    rig.remove(rig.log_file)
    with rig.log() as log:
        log.create_topics()


def of_another_platform(rig: PlatformRig) -> None:
    rig.remove(rig.log_file)
    with rig.log() as log:
        log.create_topics()
    rig.put(*(f"other{number}" for number in range(20)))


@pytest.mark.parametrize("harm", [removed, emptied, made_anew, of_another_platform])
def test_another_log_than_the_one_it_knew_is_refused(rig, harm: Callable[[PlatformRig], None]):
    rig.lives("a", "b", "c")
    harm(rig)
    before = rig.log_file.read_bytes() if rig.log_file.exists() else None

    with pytest.raises(Unavailable, match="living log mend") as refused:
        rig.start()

    assert refused.value.slug == "log_lost"
    after = rig.log_file.read_bytes() if rig.log_file.exists() else None
    assert before == after, "nothing is made by a start that is refused"


@pytest.mark.parametrize("harm", [removed, emptied, made_anew])
def test_a_lost_log_is_refused_by_a_database_of_the_release_before_too(rig, harm: Callable[[PlatformRig], None]):
    rig.lives("a", "b", "c")
    forget_positions(rig)
    harm(rig)
    with pytest.raises(Unavailable, match="living log mend"):
        rig.start()


def test_an_older_copy_of_the_log_is_refused(rig):
    rig.lives("a")
    copy = rig.copy(rig.log_file)
    rig.lives("b", "c", "d")
    rig.put_back(copy, rig.log_file)

    with pytest.raises(Unavailable, match=r"is not as toy left it: .* there is nothing"):
        rig.start()


def test_an_older_copy_that_went_on_by_itself_is_refused(rig):
    rig.lives("a")
    copy = rig.copy(rig.log_file)
    rig.lives(*"bcdefgh")
    rig.put_back(copy, rig.log_file)
    rig.put(*(f"later{number}" for number in range(40)))

    with pytest.raises(Unavailable, match="there is"):
        rig.start()


def test_a_log_with_a_damaged_page_is_refused(rig):
    rig.lives(*(f"review{number}" for number in range(300)))
    copy = rig.copy(rig.log_file)
    damaged, page = bytearray(copy.read_bytes()), 4096
    middle = len(damaged) // page // 2 * page
    damaged[middle : middle + page] = random.Random(7).randbytes(page)
    copy.write_bytes(damaged)
    rig.put_back(copy, rig.log_file)

    with pytest.raises(Unavailable, match=r"(damaged|malformed).*living log mend"):
        rig.start()


def test_a_log_with_a_hole_in_its_middle_is_refused(rig):
    rig.lives(*(f"review{number}" for number in range(30)))
    with closing(sqlite3.connect(rig.log_file, isolation_level=None)) as log:
        log.execute("DELETE FROM message WHERE rowid = (SELECT rowid FROM message LIMIT 1 OFFSET 20)")

    with pytest.raises(Unavailable, match=r"damaged: it lacks .*/\d+@\d+.*living log mend") as refused:
        rig.start()

    assert refused.value.slug == "log_lost"


def test_a_file_that_is_no_database_is_refused(rig):
    rig.lives("a")
    rig.remove(rig.log_file)
    rig.log_file.write_text("not a log" * 1000)
    with pytest.raises(Unavailable, match=r"not a database.*living log mend"):
        rig.start()


# The database


def test_a_database_that_is_older_than_the_log_is_refused_and_may_be_rewound(rig):
    rig.lives("a", "b")
    copy = rig.copy(rig.database_file)
    rig.lives("c", "d", "e")
    rig.put_back(copy, rig.database_file)

    with pytest.raises(Conflict, match="living log rewind toy") as refused:
        rig.start()

    assert refused.value.slug == "database_older"


def test_an_emptied_database_is_refused_where_its_group_has_gone_on(rig):
    rig.lives("a", "b")
    rig.remove(rig.database_file)
    with pytest.raises(Conflict, match="never heard it"):
        rig.start()


def test_a_database_that_does_not_know_what_its_service_told_is_refused_until_it_is_rewound(rig):
    """Such as one that was put back after people had voted: nothing was heard since, only told."""
    rig.lives("a")
    copy = rig.copy(rig.database_file)
    tells(rig, "b", "c")
    rig.put_back(copy, rig.database_file)
    for _ in range(2):
        with pytest.raises(Conflict, match=r"toy told evt_.* knows nothing of it.*living log rewind toy") as refused:
            rig.start()
        assert refused.value.slug == "database_older"

    with rig.log() as log, checks.opened_if_there(rig.settings, TOY, HeardUpToRow) as database:
        assert (mend.rewind(TOY, database, log).journalled, mend.rewind(TOY, database, log).journalled) == (2, 0)

    tells(rig, "d")
    with rig.started() as running:
        assert [row.review for row in rows(running, OutboxRow)] == ["a", "b", "c", "d"]
        assert [json.loads(value)["data"]["review"] for topic, _, value in rig.on_the_log() if "deliv" in topic] == [
            "a", "b", "c", "d",
        ]  # fmt: skip


def test_a_database_that_was_removed_is_refused_where_its_service_only_told(rig):
    tells(rig, "a")
    rig.remove(rig.database_file)
    with pytest.raises(Conflict, match="toy told evt_"):
        rig.start()


def test_what_was_told_and_not_marked_yet_is_no_reason_to_refuse(rig):
    """As after a crash between the append and its mark."""
    rig.lives("a")
    tells(rig, "b")
    with rig.started() as running, running.database.session() as session:
        last = session.execute(select(OutboxRow.event_id).order_by(OutboxRow.seq.desc()).limit(1)).scalar_one()
        session.add(WaitingRow(event_id=last))
        session.execute(
            update(PublishedUpToRow).values(offset=PublishedUpToRow.offset - 1, event_id=first_emitted(session))
        )
        session.commit()

    rig.start()


def first_emitted(session) -> str:
    return session.execute(select(OutboxRow.event_id).order_by(OutboxRow.seq).limit(1)).scalar_one()


def tells(rig: PlatformRig, *reviews: str) -> None:
    """Tells what no event led to, as a person's decision is told."""
    with rig.started() as running:
        for review in reviews:
            with running.work("ana") as work:
                work.emit(DeliveryFailed(review=review, subscription="s", delivery="d", attempts=1, error="e"))
        eventually(lambda: unpublished(running) == 0)


# The key


def test_a_signing_key_that_was_removed_is_not_made_anew(rig):
    rig.start()
    rig.key_file.unlink()
    with pytest.raises(Unavailable, match=r"is not there, though toy were used with one.*living key accept --new"):
        rig.start()
    assert not rig.key_file.exists()


def test_another_signing_key_is_refused(rig):
    rig.start()
    was = open_ring(rig.settings).keys[0].kid
    rig.key_file.unlink()
    open_ring(rig.settings)

    with pytest.raises(Conflict, match="living key accept") as refused:
        rig.start()

    assert refused.value.slug == "another_key"
    assert was in refused.value.detail


def test_a_ring_that_was_rotated_by_command_passes_and_an_older_copy_of_it_is_refused(rig):
    rig.start()
    copy = rig.key_file.read_bytes()
    for purpose in PURPOSES:
        rotate(rig.key_file, purpose, SystemClock())
    rig.start()
    assert checks.known_keys(rig.settings, [TOY]) == {"toy": read_ring(rig.key_file).fingerprints}

    rig.key_file.write_bytes(copy)
    with pytest.raises(Conflict) as refused:
        rig.start()
    assert refused.value.slug == "another_key"


def test_the_key_of_a_release_before_passes_and_is_rotated(rig):
    """One PEM for both purposes, known by one fingerprint."""
    rig.folder.mkdir(exist_ok=True)
    private = Ed25519PrivateKey.generate()
    rig.key_file.write_bytes(
        private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    rig.start()
    assert [len(it) for it in checks.known_keys(rig.settings, [TOY]).values()] == [1]

    rotate(rig.key_file, "revisions", SystemClock())
    rig.start()
    assert [len(it) for it in checks.known_keys(rig.settings, [TOY]).values()] == [2]


def test_a_platform_at_work_takes_up_a_ring_that_was_rotated_and_tells_one_that_was_swapped(rig):
    with rig.started() as running:
        _, new = rotate(rig.key_file, "revisions", SystemClock())
        eventually(lambda: running.ring.newest("revisions").kid == new.kid)
        eventually(lambda: new.fingerprint in checks.known_keys(rig.settings, [TOY])["toy"])

        rig.key_file.rename(rig.key_file.with_name("aside"))
        with pytest.raises(Unavailable, match="is not there: put it back"):
            running.ring.refresh()
        make(rig.key_file)
        with pytest.raises(Unavailable, match="lacks keys that it had"):
            running.ring.refresh()
        assert running.ring.newest("revisions").kid == new.kid


def test_the_first_start_keeps_the_keys_fingerprint(rig):
    assert checks.known_keys(rig.settings, [TOY]) == {}
    assert not rig.database_file.exists(), "nothing is made by looking"
    rig.start()
    assert checks.known_keys(rig.settings, [TOY]) == {"toy": open_ring(rig.settings).fingerprints}


# On real servers


@pytest.fixture
def real_rig(tmp_path, workbench, real_kafka_url, real_postgres_url):
    mark = new_id("ground")[:24]
    database = real_postgres_url.replace("{database}", f"{mark}_{{service}}")
    rig = PlatformRig(
        tmp_path / "data", workbench, log_url=real_kafka_url, topic_prefix=f"{mark}.", database_url=database
    )
    yield rig
    drop_topics(rig)
    drop_database(database.replace("{service}", TOY.name))


def drop_topics(rig: PlatformRig) -> None:
    from kafka import KafkaAdminClient

    servers = rig.settings.log_url.removeprefix("kafka://").split(",")
    with closing(KafkaAdminClient(bootstrap_servers=servers)) as admin:
        ours = lambda: [it for it in admin.list_topics() if it.startswith(rig.settings.topic_prefix)]  # noqa: E731
        if ours():
            admin.delete_topics(ours())
        eventually(lambda: not ours())


@pytest.mark.real
def test_topics_that_were_deleted_and_made_anew_are_refused(real_rig):
    real_rig.start()
    real_rig.lives("a", "b", "c")
    real_rig.start()
    drop_topics(real_rig)
    with pytest.raises(Unavailable, match=r"not on it \(any more\).*LIVING_TOPIC_PREFIX"):
        real_rig.start()

    with real_rig.log() as log:
        log.create_topics()
    with pytest.raises(Unavailable, match=r"is not as toy left it.*restore the topics"):
        real_rig.start()


@pytest.mark.real
def test_a_database_of_a_server_that_is_older_than_the_log_is_refused(real_rig):
    real_rig.lives("a", "b")
    drop_database(real_rig.settings.resolved(real_rig.settings.database_url, TOY.name))
    with pytest.raises(Conflict, match="living log rewind toy"):
        real_rig.start()


def test_every_refusal_is_one_error_of_the_platform(rig):
    rig.lives("a")
    shutil.rmtree(rig.folder)
    rig.start()  # Nothing is left that remembers anything: this is a first start again.
    rig.lives("a")
    rig.remove(rig.log_file)
    with pytest.raises(LivingError):
        rig.start()


def forget_positions(rig: PlatformRig) -> None:
    """Makes the database as the release before left it, which kept no places."""
    with rig.started() as running, running.database.session() as session:
        session.execute(delete(PublishedUpToRow))
        session.execute(delete(HeardUpToRow))
        session.commit()


def positions_heard(running) -> dict:
    return {(row.topic, row.partition): row.offset + 1 for row in rows(running, HeardUpToRow)}
