"""
The address and its history in real SQLite files.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import os
import sqlite3
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta

import pytest
from ip_monitor.adapters.storage.sqlite import (
    DatabaseCorruptError,
    DatabaseForeignError,
    DatabaseInUseError,
    DatabaseMissingError,
    DatabaseTooNewError,
    SQLiteIPStorage,
)
from ip_monitor.application.ports import StorageUnavailableError
from ip_monitor.domain.addresses import Family
from ip_monitor.domain.answers import Answer, Failure, FailureKind, Source, Transport
from ip_monitor.domain.ballots import Electorate, tally
from ip_monitor.domain.changes import Change

AT = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
A, B = ipaddress.ip_address("93.184.216.34"), ipaddress.ip_address("93.184.216.35")


def change(key="k1", address=A, previous=None, at=AT, **fields):
    return Change(key=key, address=address, previous=previous, at=at, operators=("a", "b"), **fields)


def ballot(address=A, previous=None, at=AT):
    sources = [Source(name=n, operator=n, family=Family.V4, transport=Transport.HTTPS) for n in "abc"]
    answers = [Answer(source=s, at=at, latency_s=0.25, address=address, raw=b"\xff\x00raw") for s in sources[:2]]
    failure = Failure(kind=FailureKind.RATE_LIMITED, detail="slow down", retry_after_s=3.5)
    answers.append(Answer(source=sources[2], at=at, latency_s=1.5, failure=failure))
    return tally(answers, Electorate.of(sources, Family.V4), previous, at=at)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "data" / "ip.sqlite3"


@pytest.fixture
async def storage(path):
    storage = await SQLiteIPStorage.open(path)
    yield storage
    await storage.close()


async def test_a_saved_address_is_read_back_with_its_times(storage):
    """
    To the microsecond, in UTC.
    """
    await storage.save_current_ip(change())

    current = await storage.get_current_ip(Family.V4)

    assert (current.address, current.since, current.seen_at) == (A, AT, AT)
    assert await storage.load_last_ip(Family.V4) == A
    assert await storage.load_last_ip(Family.V6) is None


async def test_everything_survives_closing_and_opening_again(path):
    """
    What was acknowledged is there after a restart.
    """
    first = await SQLiteIPStorage.open(path)
    await first.save_current_ip(change(), ballots=[ballot()], sinks=["log"])
    await first.close()

    second = await SQLiteIPStorage.open(path)
    try:
        assert await second.load_last_ip(Family.V4) == A
        assert [change()] == list(await second.get_ip_history())
        assert [ballot()] == list(await second.ballots_of("k1"))
        assert [notice.key for notice in await second.pending_notices(sink="log")] == ["k1:log"]
    finally:
        await second.close()


async def test_writing_a_change_twice_changes_nothing(storage):
    """
    A retry of a write whose outcome was unknown neither doubles the change nor its deliveries.
    """
    await storage.save_current_ip(change(), sinks=["log"])
    await storage.save_current_ip(change(), sinks=["log", "other"])

    assert len(await storage.get_ip_history()) == 1
    assert list(await storage.pending_notices(sink="other")) == []


async def test_history_is_newest_first_by_order_of_writing_and_can_be_paged(storage):
    """
    Several changes of one second keep their order, also when the wall clock jumps back.
    """
    for number in range(5):
        at = AT - timedelta(days=number)
        await storage.save_current_ip(change(f"k{number}", A if number % 2 else B, B if number % 2 else A, at=at))

    first = await storage.get_ip_history(limit=2)
    rest = await storage.get_ip_history(limit=10, before=first[-1].key)

    assert [item.key for item in [*first, *rest]] == ["k4", "k3", "k2", "k1", "k0"]


async def test_history_can_be_asked_for_one_family(storage):
    """
    Families are kept apart.
    """
    v6 = ipaddress.ip_address("2606:4700::1111")
    await storage.save_current_ip(change())
    await storage.save_current_ip(change("k6", v6))

    assert [item.key for item in await storage.get_ip_history(family=Family.V6)] == ["k6"]
    assert await storage.load_last_ip(Family.V4) == A


async def test_a_ballot_is_read_back_whole(storage):
    """
    Every answer, vote, failure and raw byte, so that any verdict can be explained later.
    """
    kept = ballot(address=B, previous=A)
    await storage.save_ballots([kept])

    assert [kept] == list(await storage.last_ballots(family=Family.V4))


async def test_a_stable_ballot_notes_when_the_address_was_last_seen(storage):
    """
    Since when and until when are told apart.
    """
    later = AT + timedelta(hours=1)
    await storage.save_current_ip(change())
    await storage.save_ballots([ballot(previous=A, at=later)])

    current = await storage.get_current_ip(Family.V4)

    assert (AT, later) == (current.since, current.seen_at)


async def test_a_delivery_leaves_the_outbox_once_it_is_finished(storage):
    """
    Delivered and failed rows stay on record but are not sent again; a retry keeps its place and counts.
    """
    await storage.save_current_ip(change(), sinks=["log", "hook", "mail"])
    log, hook, mail = [(await storage.pending_notices(sink=sink))[0] for sink in ("log", "hook", "mail")]
    await storage.mark_delivered(log, at=AT)
    await storage.mark_failed(hook, at=AT, reason="gone")
    await storage.mark_retry(mail, due_at=AT + timedelta(seconds=30), reason="busy")

    assert list(await storage.pending_notices(sink="log")) == []
    assert list(await storage.pending_notices(sink="hook")) == []
    (again,) = await storage.pending_notices(sink="mail")
    assert (1, AT + timedelta(seconds=30)) == (again.attempts, again.due_at)


async def test_pending_notices_come_oldest_change_first(storage):
    """
    Each sink hears changes in their order.
    """
    await storage.save_current_ip(change("z", A), sinks=["log"])
    await storage.save_current_ip(change("a", B, A), sinks=["log"])

    assert [notice.key for notice in await storage.pending_notices(sink="log")] == ["z:log", "a:log"]


async def test_the_file_holds_everything_after_closing(path):
    """
    The write-ahead log is written back, so copying the one file copies the history.
    """
    storage = await SQLiteIPStorage.open(path)
    await storage.save_current_ip(change())
    await storage.close()
    await storage.close()

    assert sorted(entry.name for entry in path.parent.iterdir()) == ["ip.sqlite3", "ip.sqlite3.lock"]
    with sqlite3.connect(path) as db:
        assert db.execute("SELECT address, at FROM changes").fetchone() == (
            "93.184.216.34",
            "2026-01-02T03:04:05.678901Z",
        )
    db.close()


async def test_writes_are_durable(storage):
    """
    Acknowledged means on disk: WAL with synchronous FULL.
    """
    settings = await storage._pool.write(
        lambda db: [
            db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous", "foreign_keys")
        ]
    )

    assert settings == ["wal", 2, 1]


async def test_a_second_writer_is_refused_with_the_first_ones_process_id(path, storage):
    """
    Two monitors on one database would announce everything twice.
    """
    code = (
        "import asyncio, pathlib, sys\n"
        "from ip_monitor.adapters.storage.sqlite import SQLiteIPStorage, DatabaseInUseError\n"
        "async def main():\n"
        "    try:\n"
        "        await SQLiteIPStorage.open(pathlib.Path(sys.argv[1]))\n"
        "    except DatabaseInUseError as error:\n"
        "        print(error.pid)\n"
        "asyncio.run(main())\n"
    )
    done = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True
    )

    assert f"{os.getpid()}" == done.stdout.strip()
    with pytest.raises(DatabaseInUseError, match=f"process {os.getpid()}"):
        await SQLiteIPStorage.open(path)


async def test_the_lock_is_free_after_closing(path):
    """
    Closing gives the database to the next one.
    """
    first = await SQLiteIPStorage.open(path)
    await first.close()
    second = await SQLiteIPStorage.open(path)
    await second.close()


async def test_reading_works_beside_a_writer(path, storage):
    """
    `history` and `status` look while `run` writes.
    """
    await storage.save_current_ip(change())
    reader = await SQLiteIPStorage.open(path, read_only=True)
    try:
        assert await reader.load_last_ip(Family.V4) == A
        with pytest.raises(StorageUnavailableError, match="read only"):
            await reader.save_current_ip(change("k2", B, A))
    finally:
        await reader.close()


async def test_reading_what_does_not_exist_says_so_and_makes_nothing(path):
    """
    Looking never creates a database.
    """
    with pytest.raises(DatabaseMissingError, match="does not exist"):
        await SQLiteIPStorage.open(path, read_only=True)

    assert not path.parent.exists()


@pytest.mark.parametrize("content", [b"not a database at all", b"\x00" * 8192, b"SQLite format 3\x00" + b"\xff" * 8192])
async def test_a_damaged_file_is_refused_and_left_as_it_was(path, content):
    """
    Nothing is lost by starting on a damaged file.
    """
    path.parent.mkdir()
    path.write_bytes(content)

    with pytest.raises(DatabaseCorruptError, match="left as it is"):
        await SQLiteIPStorage.open(path)

    assert content == path.read_bytes()


async def test_damage_in_a_page_is_found_at_the_start(path):
    """
    A file that opens but whose pages are damaged is not written to.
    """
    storage = await SQLiteIPStorage.open(path)
    for number in range(200):
        await storage.save_current_ip(change(f"k{number:04}", A if number % 2 else B, B if number % 2 else A))
    await storage.close()
    content = bytearray(path.read_bytes())
    content[8192:12288] = b"\xaa" * 4096
    path.write_bytes(content)

    with pytest.raises(DatabaseCorruptError):
        await SQLiteIPStorage.open(path)


async def test_a_damaged_file_is_set_aside_when_told_to_start_anew(path):
    """
    Kept whole under another name, with its log, and never overwriting an earlier one.
    """

    class Frozen:
        def time(self):
            return AT.timestamp()

    path.parent.mkdir()
    names = []
    for content in (b"first damage", b"second damage"):
        path.write_bytes(content)
        path.with_name("ip.sqlite3-wal").write_bytes(b"log of " + content)
        storage = await SQLiteIPStorage.open(path, start_anew=True, clock=Frozen())
        names.append(storage.set_aside.name)
        await storage.save_current_ip(change())
        await storage.close()
        assert content == storage.set_aside.read_bytes()
        assert b"log of " + content == storage.set_aside.with_name(storage.set_aside.name + "-wal").read_bytes()

    assert names == ["ip.sqlite3.corrupt-20260102T030405Z", "ip.sqlite3.corrupt-20260102T030405Z-2"]


async def test_a_sound_file_is_not_set_aside_when_told_to_start_anew(path):
    """
    The option is for damage only; it never throws a history away.
    """
    storage = await SQLiteIPStorage.open(path)
    await storage.save_current_ip(change())
    await storage.close()

    storage = await SQLiteIPStorage.open(path, start_anew=True)
    try:
        assert storage.set_aside is None
        assert await storage.load_last_ip(Family.V4) == A
    finally:
        await storage.close()


def write_to(path, statement):
    """
    As another program: in a thread, for a busy disk may keep whoever writes waiting longer than a loop may be held.
    """
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        db.execute(statement)


async def test_a_database_of_another_program_is_refused(path):
    """
    A wrong file name destroys nothing.
    """
    path.parent.mkdir()
    await asyncio.to_thread(write_to, path, "CREATE TABLE precious (x)")
    before = path.read_bytes()

    with pytest.raises(DatabaseForeignError, match="another program"):
        await SQLiteIPStorage.open(path)

    assert before == path.read_bytes()


async def test_a_later_schema_is_refused(path):
    """
    An old version does not write into a database it does not understand.
    """
    storage = await SQLiteIPStorage.open(path)
    await storage.close()
    await asyncio.to_thread(write_to, path, "PRAGMA user_version = 99")

    for read_only in (False, True):
        with pytest.raises(DatabaseTooNewError, match="99"):
            await SQLiteIPStorage.open(path, read_only=read_only)


async def test_a_directory_in_the_place_of_the_file_is_refused(path):
    """
    Told plainly, not as "unable to open database file".
    """
    path.mkdir(parents=True)

    with pytest.raises(StorageUnavailableError, match="not a file"):
        await SQLiteIPStorage.open(path)


async def test_a_full_disk_is_an_error_that_passes(storage):
    """
    The failed change is not half there, what was acknowledged stays, and writing works again once there is space.
    """
    await storage.save_current_ip(change())
    pages = await storage._pool.write(lambda db: db.execute("PRAGMA page_count").fetchone()[0])
    await storage._pool._run(
        storage._pool._writer, lambda db: db.execute(f"PRAGMA max_page_count = {pages}").fetchone()
    )
    big = ballot(address=B, previous=A)
    with pytest.raises(StorageUnavailableError, match="full"):
        await storage.save_current_ip(change("k2", B, A), ballots=[big] * 500, sinks=["log"])

    assert await storage.load_last_ip(Family.V4) == A
    assert list(await storage.pending_notices(sink="log")) == []
    await storage._pool._run(storage._pool._writer, lambda db: db.execute("PRAGMA max_page_count = 1000000").fetchone())
    await storage.save_current_ip(change("k2", B, A), ballots=[big] * 500, sinks=["log"])
    assert await storage.load_last_ip(Family.V4) == B


async def test_a_database_locked_by_another_process_is_an_error_that_passes(path, storage):
    """
    Someone has it open in the sqlite3 tool within a transaction: what was there is read, nothing is half written, and once
    that one ends, even by a kill, writing works.
    """
    await storage.save_current_ip(change())
    await storage._pool._run(storage._pool._writer, lambda db: db.execute("PRAGMA busy_timeout = 10").fetchone())
    code = (
        "import sqlite3, sys\n"
        "db = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "db.execute('BEGIN IMMEDIATE')\n"
        "db.execute('DELETE FROM changes')\n"
        "print('locked', flush=True)\n"
        "sys.stdin.read()\n"
    )
    words = [sys.executable, "-c", code, str(path)]
    other = await asyncio.create_subprocess_exec(*words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert await other.stdout.readline() == b"locked\n"
        with pytest.raises(StorageUnavailableError, match="locked"):
            await storage.save_current_ip(change("k2", B, A), sinks=["log"])
        assert await storage.load_last_ip(Family.V4) == A
    finally:
        other.kill()
        await other.communicate()
    await storage.save_current_ip(change("k2", B, A), sinks=["log"])

    assert [one.key for one in await storage.get_ip_history()] == ["k2", "k1"]
    assert [one.key for one in await storage.pending_notices(sink="log")] == ["k2:log"]


async def test_a_cancelled_write_leaves_no_open_transaction(storage):
    """
    The transaction runs to its end in the writer's thread although nobody waits for it any more.
    """
    entered, release = threading.Event(), threading.Event()

    def slow(db):
        entered.set()
        release.wait(timeout=30)
        db.execute("UPDATE current SET seen_at = seen_at")

    task = asyncio.create_task(storage._pool.write(slow))
    await asyncio.to_thread(entered.wait, 30)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    release.set()

    await storage.save_current_ip(change())
    assert await storage.load_last_ip(Family.V4) == A


async def test_many_reads_at_once_share_few_connections(path, storage):
    """
    The pool is bounded; 200 concurrent reads all succeed.
    """
    await storage.save_current_ip(change())

    results = await asyncio.gather(*(storage.load_last_ip(Family.V4) for _ in range(200)))

    assert {A} == set(results)
    assert len(storage._pool._idle) <= 2


async def test_using_a_closed_storage_is_an_error(path):
    """
    Closed means closed: a clear error, and no hang.
    """
    storage = await SQLiteIPStorage.open(path)
    await storage.close()

    with pytest.raises(StorageUnavailableError, match="closed"):
        await storage.load_last_ip(Family.V4)
    with pytest.raises(StorageUnavailableError, match="closed"):
        await storage.save_current_ip(change())
