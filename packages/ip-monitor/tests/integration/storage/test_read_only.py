"""
A database that may not be written, because of its file or of its directory.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

SCENE = """
import asyncio, json, pathlib, sys
from datetime import UTC, datetime
from ipaddress import ip_address
from ip_monitor.adapters.storage.sqlite import SQLiteIPStorage
from ip_monitor.application.ports import StorageUnavailableError
from ip_monitor.domain.changes import Change

path = pathlib.Path(sys.argv[1])
CHANGE = Change(key="k", address=ip_address("93.184.216.34"), previous=None, at=datetime.now(UTC), operators=("a",))

async def tried(**options):
    try:
        storage = await SQLiteIPStorage.open(path, **options)
    except StorageUnavailableError as error:
        return str(error)
    try:
        if not options:
            await storage.save_current_ip(CHANGE)
        return [change.key for change in await storage.get_ip_history()]
    finally:
        await storage.close()

async def main():
    storage = await SQLiteIPStorage.open(path)
    await storage.save_current_ip(CHANGE)
    await storage.close()
    told = {}
    for name, file, directory in (("directory", 0o644, 0o555), ("both", 0o444, 0o555), ("file", 0o444, 0o755)):
        path.chmod(file)
        path.parent.chmod(directory)
        told[name] = [await tried(), await tried(read_only=True)]
        path.parent.chmod(0o755)
        path.chmod(0o644)
    told["afterwards"] = [await tried(), sorted(entry.name for entry in path.parent.iterdir())]
    print(json.dumps(told))

asyncio.run(main())
"""


@pytest.mark.needs_program("setpriv")
def test_a_database_that_may_not_be_written_is_refused_and_can_be_read(tmp_path):
    """
    A monitor that could not keep what it finds does not start, and says what to do; `history` and `status` still tell what
    is on record. Nothing is changed, and with the rights given back everything is there.
    """
    path = tmp_path / "kept" / "ip.sqlite3"
    words = [sys.executable, "-c", SCENE, str(path)]
    if os.geteuid() == 0:
        # Root may write everything, unless it gives that up.
        words = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", *words]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    for name in ("file", "directory", "both"):
        refusal, read = told[name]
        assert "Make the file and its directory writable for this user" in refusal, name
        assert read == ["k"], name
    assert told["afterwards"] == [["k"], ["ip.sqlite3", "ip.sqlite3.lock"]]
