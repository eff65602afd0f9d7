"""
Writes what a monitor writes, and says after each step that it was acknowledged.

Arguments: the database; how SQLite synchronises, or "as it is" for what the product sets.
"""

from __future__ import annotations

import asyncio
import ipaddress
import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ip_monitor.adapters.storage.sqlite import SQLiteIPStorage
from ip_monitor.domain.addresses import Family
from ip_monitor.domain.answers import Answer, Source
from ip_monitor.domain.ballots import Electorate, tally
from ip_monitor.domain.changes import Change
from ip_monitor.settings import StoredSettings
from ip_monitor.settings.stored import SettingChange

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
FIRST = ipaddress.ip_address("93.0.0.1")


def say(text):
    os.write(1, f"{text}\n".encode())


def change(number):
    at = AT + timedelta(minutes=number)
    return Change(key=f"k{number}", address=FIRST + number, previous=None, at=at, operators=("a", "b"))


def ballot(number):
    sources = [Source(name=name, operator=name, family=Family.V4) for name in "ab"]
    answers = [Answer(source=one, at=AT, latency_s=0.1, address=FIRST + number, raw=b"x" * 400) for one in sources]
    return tally(answers, Electorate.of(sources, Family.V4), None, at=AT)


async def open_as_told(database, synchronous):
    storage = await SQLiteIPStorage.open(database)
    # Instead of every thousand pages, so that a short workload goes through several checkpoints.
    settings = ["wal_autocheckpoint = 50", *([] if synchronous == "as it is" else [f"synchronous = {synchronous}"])]
    for setting in settings:
        await storage._pool._run(
            storage._pool._writer, lambda db, text=setting: db.execute(f"PRAGMA {text}").fetchall()
        )
    return storage


async def main(database, synchronous):
    for life in range(2):
        storage = await open_as_told(database, synchronous)
        for number in range(life * 5, life * 5 + 5):
            await storage.save_current_ip(change(number), ballots=[ballot(number)], sinks=["hook", "log"])
            say(f"change {number}")
            (notice,) = await storage.pending_notices(sink="hook")
            await storage.mark_delivered(notice, at=AT)
            say(f"delivered {number}")
            if number % 3 == 0:
                one = SettingChange(
                    at=AT.isoformat(), who="a", name="interval_s", before="300", after=str(400 + number)
                )
                StoredSettings(database).append(one)
                say(f"setting {400 + number}")
        copy = database.with_name(f"copy{life}.sqlite3")
        await storage.backup(copy)
        say(f"copy {copy.name}")
        StoredSettings(database).copy_to(copy)
        say(f"settings {copy.name}")
        await storage.close()
        say("closed")


asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
