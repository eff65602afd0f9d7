"""
What was acknowledged is there after the power went, whenever it goes and whatever the disk had not written yet.
"""

from __future__ import annotations

import random
import sqlite3
import sys
from pathlib import Path

import pytest
from ip_monitor.adapters.storage.sqlite.file import prepare
from ip_monitor.application.ports import StorageUnavailableError
from ip_monitor.settings import StoredSettings

from .disk import Disk, record

KEEPER = Path(__file__).with_name("keeper.py")


@pytest.fixture
def recorded(tmp_path):
    """
    The events of a whole life of two runs.
    """

    def run(synchronous="as it is"):
        directory = tmp_path / f"recorded-{synchronous}"
        directory.mkdir()
        log = tmp_path / "strace.log"
        return record([sys.executable, KEEPER, directory / "ip.sqlite3", synchronous], directory, log=log)

    return run


def losses(events, *, rng, drawn, cuts, place):
    """
    Cut the power after `cuts` of the events, in every way; what was then missing or broken, and how many ways there were.
    """
    chosen = set(range(len(events))) if cuts >= len(events) else set(rng.sample(range(len(events)), cuts))
    # Just after each promise, it must hold.
    chosen |= {number for number, event in enumerate(events) if event.did == "said"}
    disk, found, tried = Disk(), [], 0
    for number, event in enumerate(events):
        disk.play(event)
        if number not in chosen:
            continue
        for contents in disk.outcomes(rng, drawn):
            tried += 1
            directory = place / str(tried)
            directory.mkdir()
            for name, content in contents.items():
                if not name.endswith(("-shm", ".lock")):
                    (directory / name).write_bytes(content)
            found += [f"after event {number}, {event.did}: {loss}" for loss in missing(directory, disk.said.decode())]
    return found, tried


def missing(directory, said):
    """
    What was promised and is not there, or is there and was never begun.
    """
    promises = [line.split(" ") for line in said.splitlines()]
    changes = sum(words[0] == "change" for words in promises)
    delivered = sum(words[0] == "delivered" for words in promises)
    try:
        db = prepare(directory / "ip.sqlite3")
    except (StorageUnavailableError, sqlite3.Error) as error:
        yield f"cannot be opened: {error}"
        return
    try:
        yield from missing_rows(db, changes, delivered)
    finally:
        db.close()
    stored = StoredSettings(directory / "ip.sqlite3")
    for words in promises:
        if words[0] == "setting" and words[1] not in {change.after for change in stored.changes()}:
            yield f"the setting {words[1]} is lost"
        if words[0] == "settings" and not StoredSettings(directory / words[1]).changes():
            yield f"the settings of {words[1]} are lost"
        if words[0] == "copy":
            yield from missing_copy(directory / words[1])


def missing_rows(db, changes, delivered):
    keys = [row["key"] for row in db.execute("SELECT key FROM changes ORDER BY id")]
    if keys not in [[f"k{number}" for number in range(count)] for count in (changes, changes + 1)]:
        yield f"{changes} changes were acknowledged, and there are {keys}"
    current = db.execute("SELECT address FROM current").fetchall()
    if [row["address"] for row in current] != [f"93.0.0.{len(keys)}"][: len(keys)]:
        yield "the current address is not that of the last change"
    for table, each in (("deliveries", 2), ("ballots", 1)):
        if db.execute(f"SELECT count(*) FROM {table}").fetchone()[0] != each * len(keys):
            yield f"a change is there in part: {table}"
    done = db.execute("SELECT count(*) FROM deliveries WHERE state = 'delivered'").fetchone()[0]
    if done not in {delivered, delivered + 1}:
        yield f"{delivered} deliveries were acknowledged, and {done} are marked"


def missing_copy(path):
    try:
        copy = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)
        try:
            if (
                copy.execute("PRAGMA integrity_check").fetchone() != ("ok",)
                or not copy.execute("SELECT count(*) FROM changes").fetchone()[0]
            ):
                yield f"{path.name} is broken"
        finally:
            copy.close()
    except sqlite3.Error as error:
        yield f"{path.name} is lost: {error}"


@pytest.mark.needs_program("strace")
@pytest.mark.deadline(1800)
@pytest.mark.timeout(1800)
@pytest.mark.prove("power", sample=10, full=100_000)
def test_what_was_acknowledged_outlives_a_power_loss(recorded, tmp_path, rounds, capsys):
    """
    Changes with their ballots and deliveries, whole or not at all; what was marked as delivered; settings; copies. The power
    goes after any recorded call: what no fsync has covered is there, or not, or in part.
    """
    events = recorded()
    drawn = 8 if rounds > len(events) else 0
    found, tried = losses(events, rng=random.Random(rounds), drawn=drawn, cuts=rounds, place=tmp_path)
    with capsys.disabled():
        print(  # noqa: T201 - the counts are part of the proof
            f"\npower: {len(events)} events, {sum(one.did == 'sync' for one in events)} of them fsyncs, {tried} outcomes, "
            f"{len(found)} losses"
        )

    assert found == []


@pytest.mark.needs_program("strace")
def test_a_database_that_is_not_synchronised_at_each_commit_is_found_to_lose_changes(recorded, tmp_path):
    """
    The proof sees what it is there for: with less than FULL an acknowledged change can be gone.
    """
    found, _ = losses(recorded("NORMAL"), rng=random.Random(1), drawn=0, cuts=0, place=tmp_path)

    assert any("changes were acknowledged" in loss for loss in found)
