"""
A change as commands and the page write it in JSON.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ip_monitor.domain.wording import stamp

if TYPE_CHECKING:
    from ip_monitor.domain.changes import Change


def change_as_json(change: Change) -> dict[str, Any]:
    return {
        "key": change.key,
        "at": stamp(change.at),
        "family": change.family.label,
        "address": str(change.address),
        "previous": None if change.previous is None else str(change.previous),
        "previous_lasted_s": change.previous_lasted_s,
        "operators": list(change.operators),
        "pool": [str(address) for address in change.pool],
    }
