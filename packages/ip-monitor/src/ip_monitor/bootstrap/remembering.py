"""
What is remembered for a few seconds, kept over a restart.
"""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING

from ip_monitor.adapters.storage.sqlite.remembered import check_of, check_text
from ip_monitor.application.ports import StorageUnavailableError
from ip_monitor.resilience.cache import CacheRecord

if TYPE_CHECKING:
    from ip_monitor.adapters.storage.sqlite import SQLiteIPStorage
    from ip_monitor.domain.checks import Check
    from ip_monitor.resilience.cache import Cache

REMEMBERED = "remembered"
"""
Under this name it is kept.
"""


async def keep_remembered(cache: Cache[Check], storage: SQLiteIPStorage) -> None:
    """
    Write down what can still be given. Storage that is unavailable only costs another check.
    """
    cache.cleanup()
    records = [
        {"namespace": one.namespace, "key": one.key, "stored_at": one.stored_at, "check": check_text(one.value)}
        for one in cache.records()
    ]
    if records:
        with contextlib.suppress(StorageUnavailableError):
            await storage.save_state(REMEMBERED, json.dumps(records, separators=(",", ":")))


def restore_remembered(cache: Cache[Check], text: str | None) -> int:
    """
    Take up what was kept, as far as it is not too old; tells how many entries that were. What cannot be read, as after a
    change of versions, is forgotten.
    """
    if not text:
        return 0
    try:
        records = [
            CacheRecord(
                namespace=str(entry["namespace"]),
                key=str(entry["key"]),
                value=check_of(entry["check"]),
                stored_at=float(entry["stored_at"]),
            )
            for entry in json.loads(text)
        ]
    except (ValueError, TypeError, KeyError, AttributeError):
        return 0
    return cache.restore(records)
