"""
The files of the older program: found beside the database or where the monitor was started, and taken up by themselves at its
first start.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING

from ip_monitor.adapters.storage.sqlite import ImportRefusedError
from ip_monitor.domain.addresses import AddressPolicy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ip_monitor.adapters.storage.sqlite import SQLiteIPStorage
    from ip_monitor.settings import Settings

LAST_NAME, HISTORY_NAME = "last_ip.json", "ip_history.json"
_LOG = logging.getLogger("ip_monitor")


def older_places(settings: Settings) -> tuple[Path, ...]:
    """
    Where such files are, if anywhere: the older program wrote them into the directory it was started in.
    """
    places = dict.fromkeys((settings.database.absolute().parent, Path.cwd()))
    # Not Path.is_file, which raises where a directory may not be searched.
    return tuple(
        place
        for place in places
        if any(os.path.isfile(place / name) for name in (LAST_NAME, HISTORY_NAME))  # noqa: PTH113 - see above
    )


async def take_up_older(storage: SQLiteIPStorage, places: Sequence[Path], *, settings: Settings) -> None:
    """
    Take up the first files there are, into a database that knows no address yet, and say so in the log. Files that cannot
    be taken up are told and left; the monitor starts without them.

    Raises:
        StorageUnavailableError: the database cannot be written.
    """
    for place in places:
        last_ip, history = place / LAST_NAME, place / HISTORY_NAME
        try:
            policy = AddressPolicy(settings.public_ranges)
            count = await storage.import_legacy(last_ip=last_ip, history=history, policy=policy)
        except ImportRefusedError as error:
            _LOG.warning("the files of an older program were not taken up: %s", error)
            continue
        if count:
            _LOG.info("took up %s changes of an older program from %s", count, place)
            return
