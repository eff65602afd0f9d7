"""
Trimming, copies, the queue's operations and the older program's files.
"""

from __future__ import annotations

import ipaddress
import json
import sqlite3
from datetime import UTC, datetime, timedelta

import pytest
from ip_monitor.adapters.storage.sqlite import ImportRefusedError, Retention, RetentionRefusedError, SQLiteIPStorage
from ip_monitor.adapters.storage.sqlite.file import connect
from ip_monitor.adapters.storage.sqlite.schema import LATEST, migrate, version_of
from ip_monitor.application.ports import StorageUnavailableError
from ip_monitor.bootstrap import assemble
from ip_monitor.domain.addresses import Family
from ip_monitor.domain.answers import Answer, Source
from ip_monitor.domain.ballots import Electorate, tally
from ip_monitor.domain.changes import Change
from ip_monitor.domain.notices import DeliveryState
from ip_monitor.settings import Settings

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
A = ipaddress.ip_address("93.184.216.34")


def change(number, at=AT):
    return Change(key=f"k{number}", address=A + number, previous=A + number - 1, at=at)


def ballot(at=AT):
    source = Source(name="a", operator="a", family=Family.V4)
    answers = [Answer(source=source, at=at, latency_s=0, address=A)]
    return tally(answers, Electorate.of([source], Family.V4), A, at=at)


@pytest.fixture
async def storage(tmp_path):
    storage = await SQLiteIPStorage.open(tmp_path / "ip.sqlite3")
    yield storage
    await storage.close()


async def keys(storage):
    return [item.key for item in await storage.get_ip_history()]


async def test_trimming_by_count_keeps_the_newest_of_equal_times(storage):
    """
    Ten changes of one second: the last three written stay, whatever their times say.
    """
    for number in range(10):
        await storage.save_current_ip(change(number), ballots=[ballot()])

    assert await storage.trim(Retention(changes=3), now=AT) == (7, 0)
    assert await keys(storage) == ["k9", "k8", "k7"]
    assert len(await storage.last_ballots(limit=100)) == 3
    assert await storage.trim(Retention(changes=3), now=AT) == (0, 0)


async def test_trimming_by_age_keeps_the_newest_change_however_old(storage):
    """
    The known address is never forgotten.
    """
    for number in range(3):
        await storage.save_current_ip(change(number, AT + timedelta(days=number)))

    await storage.trim(Retention(changes=None, changes_days=1), now=AT + timedelta(days=1000))

    assert await keys(storage) == ["k2"]


async def test_trimming_never_drops_what_is_still_to_be_delivered(storage):
    """
    An outage of the receiver longer than the retention loses no announcement.
    """
    for number in range(5):
        await storage.save_current_ip(change(number), sinks=["hook"])

    await storage.trim(Retention(changes=1), now=AT)

    assert len(await storage.pending_notices(sink="hook")) == 5


async def test_ballots_that_changed_nothing_are_trimmed_on_their_own(storage):
    """
    By count and by age; those of a change stay with it.
    """
    await storage.save_current_ip(change(0), ballots=[ballot()])
    await storage.save_ballots([ballot(AT + timedelta(days=day)) for day in range(10)])

    assert await storage.trim(Retention(ballots=4, ballots_days=None), now=AT) == (0, 6)
    assert await storage.trim(Retention(ballots_days=2), now=AT + timedelta(days=10)) == (0, 2)
    assert len(await storage.ballots_of("k0")) == 1


@pytest.mark.parametrize("fields", [{"changes": 0}, {"ballots": -1}, {"changes_days": 0}, {"ballots_days": -2}])
def test_a_retention_that_keeps_nothing_is_refused(fields):
    """
    A mistyped number does not empty the history.
    """
    with pytest.raises(RetentionRefusedError, match=next(iter(fields))):
        Retention(**fields)


async def test_a_backup_is_a_whole_database_while_the_original_is_in_use(storage, tmp_path):
    """
    It opens like any other, and an existing file is never overwritten.
    """
    await storage.save_current_ip(change(1))
    target = tmp_path / "backup.sqlite3"
    await storage.backup(target)
    await storage.save_current_ip(change(2))
    with pytest.raises(StorageUnavailableError, match="exists already"):
        await storage.backup(target)

    copy = await SQLiteIPStorage.open(target)
    assert await keys(copy) == ["k1"]
    await copy.close()
    assert list(tmp_path.glob("*.partial")) == []


async def test_a_backup_to_nowhere_is_a_clear_error(storage, tmp_path):
    """
    With the place and the reason.
    """
    with pytest.raises(StorageUnavailableError, match="nowhere"):
        await storage.backup(tmp_path / "nowhere" / "x")


async def test_the_queue_can_be_counted_cleared_and_retried(storage):
    """
    What is cleared stays on record; what was refused can be sent again.
    """
    await storage.save_current_ip(change(1), sinks=["a", "b"])
    await storage.save_current_ip(change(2), sinks=["a"])
    refused = (await storage.pending_notices(sink="b"))[0]
    await storage.mark_failed(refused, at=AT, reason="gone")
    assert await storage.clear_pending(at=AT, sink="a") == 2
    assert await storage.retry_failed(at=AT) == 1

    assert await storage.count_deliveries() == {"a": {DeliveryState.EXPIRED: 2}, "b": {DeliveryState.PENDING: 1}}


def files(tmp_path, *, last=None, history=None):
    paths = {}
    for name, value in (("last_ip", last), ("history", history)):
        if value is not None:
            paths[name] = tmp_path / f"{name}.json"
            paths[name].write_text(value if isinstance(value, str) else json.dumps(value))
    return paths


async def test_the_older_programs_files_are_taken_up_once(storage, tmp_path):
    """
    In the order of their times, without repetitions, and not a second time.
    """
    rows = [
        {"ip": "93.184.216.35", "timestamp": "2025-02-01T00:00:00"},
        {"ip": "93.184.216.34", "timestamp": "2025-01-01T00:00:00+00:00"},
        {"ip": "93.184.216.35", "timestamp": 1740000000.5},
    ]
    paths = files(tmp_path, last={"ip": "93.184.216.36", "last_check": "2025-03-01T00:00:00Z"}, history=rows)

    assert await storage.import_legacy(**paths) == 3
    assert await storage.import_legacy(**paths) == 0
    history = await storage.get_ip_history()
    assert [str(item.address) for item in history] == ["93.184.216.36", "93.184.216.35", "93.184.216.34"]
    assert str(await storage.load_last_ip(Family.V4)) == "93.184.216.36"
    assert history[-1].is_first


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "cannot be read as JSON"),
        ("[" * 100_000, "cannot be read as JSON"),
        ('"text"', "no list"),
        ('[{"ip": "93.184.216.34"}]', "entry 1"),
        ('[{"ip": "93.184.216.34", "timestamp": "2025-01-01"}, {"timestamp": 1}]', "entry 2"),
        ('[{"ip": "192.168.1.50", "timestamp": 1}]', "RFC 1918"),
        ('[{"ip": "93.184.216.34", "timestamp": 1e99}]', "is no time"),
        ("[7]", "entry 1"),
    ],
)
async def test_a_bad_file_is_refused_whole(storage, tmp_path, content, said):
    """
    With the file and the entry, and nothing of it is taken.
    """
    with pytest.raises(ImportRefusedError, match=said):
        await storage.import_legacy(**files(tmp_path, history=content))

    assert await keys(storage) == []


async def test_files_that_are_found_are_taken_up_at_the_first_start_and_bad_ones_are_told(tmp_path, caplog):
    """
    From the first of the places that has good ones; a bad file stops no start, and a later start takes nothing.
    """
    bad, good = tmp_path / "bad", tmp_path / "good"
    for place, content in ((bad, "{"), (good, json.dumps({"ip": "93.184.216.36", "timestamp": 1.7e9}))):
        place.mkdir()
        (place / "last_ip.json").write_text(content)
    settings = Settings(database=tmp_path / "fresh.sqlite3")
    caplog.set_level("INFO", logger="ip_monitor")

    told = []
    for _ in range(2):
        async with assemble(settings, older=(tmp_path / "none", bad, good)) as application:
            told.append([str(change.address) for change in (await application.known())[1]])

    assert told == [["93.184.216.36"]] * 2
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    assert str(bad / "last_ip.json") in caplog.text


async def test_missing_files_import_nothing(storage, tmp_path):
    """
    A fresh installation has none.
    """
    assert await storage.import_legacy(last_ip=tmp_path / "no", history=tmp_path / "none") == 0


@pytest.mark.parametrize("start", range(LATEST + 1))
def test_every_earlier_version_is_migrated_to_the_latest(tmp_path, start):
    """
    Step by step, in one transaction, and again without effect.
    """
    db = connect(tmp_path / "x.sqlite3", mode="rwc")
    try:
        migrate(db, target=start)
        assert version_of(db) == start
        migrate(db)
        migrate(db)
        assert version_of(db) == LATEST
    finally:
        db.close()


def test_a_migration_that_fails_leaves_the_file_as_it_was(tmp_path):
    """
    The version and the tables change together or not at all.
    """
    db = connect(tmp_path / "x.sqlite3", mode="rwc")
    try:
        db.execute("CREATE TABLE ballots (in_the_way)")
        with pytest.raises(sqlite3.OperationalError, match="ballots"):
            migrate(db)
        assert (version_of(db), [row[0] for row in db.execute("SELECT name FROM sqlite_master")]) == (0, ["ballots"])
    finally:
        db.close()
