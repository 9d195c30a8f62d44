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
from sqlalchemy import delete, select, update

from shared.bus.port import Message
from shared.db.tables import DeadLetter, HeardUpTo, OutboxRow, PublishedUpTo, WaitingRow
from shared.errors import Conflict, LivingError, Unavailable
from shared.events.notify import DeliveryFailed
from shared.events.synthesis import ReviewOverdue
from shared.ids import new_id
from shared.keys import SigningKey
from shared.runtime import checks, mend
from tests.databases import drop_database
from tests.toy import TOY
from tests.unit.shared.runtime.ground import Ground, heard, notes, rows, unpublished
from tests.waiting import eventually


@pytest.fixture
def ground(tmp_path, workbench) -> Ground:
    return Ground(tmp_path / "data", workbench)


# What starts without a word


#: A service that a release adds, which tells on the topic of another one.
NEW = replace(TOY, name="new")


def test_a_first_start_and_every_later_one_start(ground):
    ground.start()
    ground.start()
    ground.lives("a", "b")
    ground.start()
    ground.lives("c")


def test_a_new_service_on_an_existing_log_starts_and_hears_everything(ground):
    ground.lives("a", "b")
    ground.services = (TOY, NEW)

    with ground.platform() as platform:
        eventually(lambda: notes(platform.running["new"]) == {"a", "b"})


def test_a_group_that_the_log_has_forgotten_goes_on_where_the_database_is(ground):
    ground.lives("a", "b", "c")
    with ground.log() as log:  # As a broker does with a group that was away for long; and the inbox was pruned.
        log.rewind(TOY.name, {place: 0 for place in log.stored(TOY.name, TOY.topics)})
    with ground.started() as running:
        first = notes(running)
        assert running.event_log.lag(TOY.name, TOY.topics) == 0
        ground.put("d")
        eventually(lambda: notes(running) == first | {"d"})


def test_a_database_of_the_release_before_takes_the_log_as_it_is(ground):
    ground.lives("a", "b", "c")
    forget_places(ground)

    ground.start()

    with ground.started() as running:
        assert sum(places_heard(running).values()) == 3


def test_what_never_concerned_the_service_may_lie_between(ground):
    ground.lives("a")
    with ground.log() as log:
        other = ground.envelope(DeliveryFailed(review="r", subscription="s", delivery="d", attempts=1, error="e"))
        log.append([Message(ReviewOverdue.topic, f"k{n}", other.to_json()) for n in range(8)])
        log.append([Message(ReviewOverdue.topic, f"k{n}", b"no event") for n in range(4)])
    with ground.started() as running:
        eventually(lambda: running.event_log.lag(TOY.name, TOY.topics) == 0)
    with ground.started() as running:
        assert places_heard(running) == running.event_log.stored(TOY.name, TOY.topics)


def test_what_became_a_dead_letter_counts_as_heard(ground):
    ground.lives("a")
    ground.put("poison")
    with ground.started() as running:
        eventually(lambda: running.event_log.lag(TOY.name, TOY.topics) == 0)
        assert [letter.slug for letter in rows(running, DeadLetter)] == ["rejected"]
    ground.start()


def test_a_log_that_is_behind_the_database_in_what_it_stored_starts(ground):
    """As after a crash between the commit and the storing of the offsets: heard again, done once."""
    ground.lives("a", "b", "c")
    with ground.log() as log:
        log.rewind(TOY.name, {place: 0 for place in log.stored(TOY.name, TOY.topics)})

    ground.lives("d")

    with ground.started() as running:
        assert notes(running) == {"a", "b", "c", "d"}
        assert heard(running) == 4


# The log


def removed(ground: Ground) -> None:
    ground.remove(ground.log_file)


def emptied(ground: Ground) -> None:
    ground.remove(ground.log_file)
    ground.log_file.touch()


def made_anew(ground: Ground) -> None:
    ground.remove(ground.log_file)
    with ground.log() as log:
        log.create_topics()


def of_another_platform(ground: Ground) -> None:
    ground.remove(ground.log_file)
    with ground.log() as log:
        log.create_topics()
    ground.put(*(f"other{number}" for number in range(20)))


@pytest.mark.parametrize("harm", [removed, emptied, made_anew, of_another_platform])
def test_another_log_than_the_one_it_knew_is_refused(ground, harm: Callable[[Ground], None]):
    ground.lives("a", "b", "c")
    harm(ground)
    before = ground.log_file.read_bytes() if ground.log_file.exists() else None

    with pytest.raises(Unavailable, match="living log mend") as refused:
        ground.start()

    assert refused.value.slug == "log_lost"
    after = ground.log_file.read_bytes() if ground.log_file.exists() else None
    assert before == after, "nothing is made by a start that is refused"


@pytest.mark.parametrize("harm", [removed, emptied, made_anew])
def test_a_lost_log_is_refused_by_a_database_of_the_release_before_too(ground, harm: Callable[[Ground], None]):
    ground.lives("a", "b", "c")
    forget_places(ground)
    harm(ground)
    with pytest.raises(Unavailable, match="living log mend"):
        ground.start()


def test_an_older_copy_of_the_log_is_refused(ground):
    ground.lives("a")
    copy = ground.copy(ground.log_file)
    ground.lives("b", "c", "d")
    ground.put_back(copy, ground.log_file)

    with pytest.raises(Unavailable, match=r"is not as toy left it: .* there is nothing"):
        ground.start()


def test_an_older_copy_that_went_on_by_itself_is_refused(ground):
    ground.lives("a")
    copy = ground.copy(ground.log_file)
    ground.lives(*"bcdefgh")
    ground.put_back(copy, ground.log_file)
    ground.put(*(f"later{number}" for number in range(40)))

    with pytest.raises(Unavailable, match="there is"):
        ground.start()


def test_a_log_with_a_damaged_page_is_refused(ground):
    ground.lives(*(f"review{number}" for number in range(300)))
    copy = ground.copy(ground.log_file)
    damaged, page = bytearray(copy.read_bytes()), 4096
    middle = len(damaged) // page // 2 * page
    damaged[middle : middle + page] = random.Random(7).randbytes(page)
    copy.write_bytes(damaged)
    ground.put_back(copy, ground.log_file)

    with pytest.raises(Unavailable, match=r"(damaged|malformed).*living log mend"):
        ground.start()


def test_a_log_with_a_hole_in_its_middle_is_refused(ground):
    ground.lives(*(f"review{number}" for number in range(30)))
    with closing(sqlite3.connect(ground.log_file, isolation_level=None)) as log:
        log.execute("DELETE FROM message WHERE rowid = (SELECT rowid FROM message LIMIT 1 OFFSET 20)")

    with pytest.raises(Unavailable, match=r"damaged: it lacks .*/\d+@\d+.*living log mend") as refused:
        ground.start()

    assert refused.value.slug == "log_lost"


def test_a_file_that_is_no_database_is_refused(ground):
    ground.lives("a")
    ground.remove(ground.log_file)
    ground.log_file.write_text("not a log" * 1000)
    with pytest.raises(Unavailable, match=r"not a database.*living log mend"):
        ground.start()


# The database


def test_a_database_that_is_older_than_the_log_is_refused_and_may_be_rewound(ground):
    ground.lives("a", "b")
    copy = ground.copy(ground.database_file)
    ground.lives("c", "d", "e")
    ground.put_back(copy, ground.database_file)

    with pytest.raises(Conflict, match="living log rewind toy") as refused:
        ground.start()

    assert refused.value.slug == "database_older"


def test_an_emptied_database_is_refused_where_its_group_has_gone_on(ground):
    ground.lives("a", "b")
    ground.remove(ground.database_file)
    with pytest.raises(Conflict, match="never heard it"):
        ground.start()


def test_a_database_that_does_not_know_what_its_service_told_is_refused_until_it_is_rewound(ground):
    """Such as one that was put back after people had voted: nothing was heard since, only told."""
    ground.lives("a")
    copy = ground.copy(ground.database_file)
    tells(ground, "b", "c")
    ground.put_back(copy, ground.database_file)
    for _ in range(2):
        with pytest.raises(Conflict, match=r"toy told evt_.* knows nothing of it.*living log rewind toy") as refused:
            ground.start()
        assert refused.value.slug == "database_older"

    with ground.log() as log, checks.opened_if_there(ground.settings, TOY, HeardUpTo) as database:
        assert (mend.rewind(TOY, database, log).told, mend.rewind(TOY, database, log).told) == (2, 0)

    tells(ground, "d")
    with ground.started() as running:
        assert [row.review for row in rows(running, OutboxRow)] == ["a", "b", "c", "d"]
        assert [json.loads(value)["data"]["review"] for topic, _, value in ground.on_the_log() if "deliv" in topic] == [
            "a", "b", "c", "d",
        ]  # fmt: skip


def test_a_database_that_was_removed_is_refused_where_its_service_only_told(ground):
    tells(ground, "a")
    ground.remove(ground.database_file)
    with pytest.raises(Conflict, match="toy told evt_"):
        ground.start()


def test_what_was_told_and_not_marked_yet_is_no_reason_to_refuse(ground):
    """As after a crash between the append and its mark."""
    ground.lives("a")
    tells(ground, "b")
    with ground.started() as running, running.database.session() as session:
        last = session.execute(select(OutboxRow.event_id).order_by(OutboxRow.seq.desc()).limit(1)).scalar_one()
        session.add(WaitingRow(event_id=last))
        session.execute(update(PublishedUpTo).values(offset=PublishedUpTo.offset - 1, event_id=first_told(session)))
        session.commit()

    ground.start()


def first_told(session) -> str:
    return session.execute(select(OutboxRow.event_id).order_by(OutboxRow.seq).limit(1)).scalar_one()


def tells(ground: Ground, *reviews: str) -> None:
    """Tells what no event led to, as a person's decision is told."""
    with ground.started() as running:
        for review in reviews:
            with running.work("ana") as work:
                work.emit(DeliveryFailed(review=review, subscription="s", delivery="d", attempts=1, error="e"))
        eventually(lambda: unpublished(running) == 0)


# The key


def test_a_signing_key_that_was_removed_is_not_made_anew(ground):
    ground.start()
    ground.key_file.unlink()
    with pytest.raises(Unavailable, match=r"is not there, though toy were used with one.*living key accept --new"):
        ground.start()
    assert not ground.key_file.exists()


def test_another_signing_key_is_refused(ground):
    ground.start()
    was = SigningKey.open(ground.settings).fingerprint
    ground.key_file.unlink()
    now = SigningKey.open(ground.settings).fingerprint

    with pytest.raises(Conflict, match="living key accept") as refused:
        ground.start()

    assert refused.value.slug == "another_key"
    assert was in refused.value.detail and now in refused.value.detail


def test_the_first_start_keeps_the_keys_fingerprint(ground):
    assert checks.known_keys(ground.settings, [TOY]) == {}
    assert not ground.database_file.exists(), "nothing is made by looking"
    ground.start()
    assert checks.known_keys(ground.settings, [TOY]) == {"toy": SigningKey.open(ground.settings).fingerprint}


# On real servers


@pytest.fixture
def real_ground(tmp_path, workbench, real_kafka_url, real_postgres_url):
    mark = new_id("ground")[:24]
    database = real_postgres_url.replace("{database}", f"{mark}_{{service}}")
    ground = Ground(
        tmp_path / "data", workbench, log_url=real_kafka_url, topic_prefix=f"{mark}.", database_url=database
    )
    yield ground
    drop_topics(ground)
    drop_database(database.replace("{service}", TOY.name))


def drop_topics(ground: Ground) -> None:
    from kafka import KafkaAdminClient

    servers = ground.settings.log_url.removeprefix("kafka://").split(",")
    with closing(KafkaAdminClient(bootstrap_servers=servers)) as admin:
        ours = lambda: [it for it in admin.list_topics() if it.startswith(ground.settings.topic_prefix)]  # noqa: E731
        if ours():
            admin.delete_topics(ours())
        eventually(lambda: not ours())


@pytest.mark.real
def test_topics_that_were_deleted_and_made_anew_are_refused(real_ground):
    real_ground.start()
    real_ground.lives("a", "b", "c")
    real_ground.start()
    drop_topics(real_ground)
    with pytest.raises(Unavailable, match=r"not on it \(any more\).*LIVING_TOPIC_PREFIX"):
        real_ground.start()

    with real_ground.log() as log:
        log.create_topics()
    with pytest.raises(Unavailable, match=r"is not as toy left it.*restore the topics"):
        real_ground.start()


@pytest.mark.real
def test_a_database_of_a_server_that_is_older_than_the_log_is_refused(real_ground):
    real_ground.lives("a", "b")
    drop_database(real_ground.settings.place(real_ground.settings.database_url, TOY.name))
    with pytest.raises(Conflict, match="living log rewind toy"):
        real_ground.start()


def test_every_refusal_is_one_error_of_the_platform(ground):
    ground.lives("a")
    shutil.rmtree(ground.folder)
    ground.start()  # Nothing is left that remembers anything: this is a first start again.
    ground.lives("a")
    ground.remove(ground.log_file)
    with pytest.raises(LivingError):
        ground.start()


def forget_places(ground: Ground) -> None:
    """Makes the database as the release before left it, which kept no places."""
    with ground.started() as running, running.database.session() as session:
        session.execute(delete(PublishedUpTo))
        session.execute(delete(HeardUpTo))
        session.commit()


def places_heard(running) -> dict:
    return {(row.topic, row.partition): row.offset + 1 for row in rows(running, HeardUpTo)}
