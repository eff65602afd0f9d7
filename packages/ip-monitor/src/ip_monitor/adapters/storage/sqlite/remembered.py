"""
A check as a text, for the few seconds that it answers for others also over a restart.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ip_monitor.adapters.storage.sqlite import codec
from ip_monitor.domain.addresses import Family
from ip_monitor.domain.checks import Check, Trigger

if TYPE_CHECKING:
    from ip_monitor.domain.ballots import Ballot
    from ip_monitor.domain.changes import Change

_BALLOT: tuple[str, ...] = ("family", "at", "kind", "address", "previous", "reason", "detail")
_CHANGE: tuple[str, ...] = ("key", "family", "address", "previous", "at", "previous_since", "operators", "pool")


def check_text(check: Check) -> str:
    """
    Everything of a check, as JSON.
    """
    kept = {
        "number": check.number,
        "trigger": check.trigger.value,
        "started_at": codec.time_text(check.started_at),
        "finished_at": codec.time_text(check.finished_at),
        "ballots": [codec.ballot_row(ballot) for ballot in check.ballots],
        "earlier": [codec.ballot_row(ballot) for ballot in check.earlier],
        "changes": [codec.change_row(change) for change in check.changes],
        "unconfirmed": [family.value for family in check.unconfirmed],
    }
    return json.dumps(kept, separators=(",", ":"))


def check_of(text: str) -> Check:
    """
    What `check_text` wrote.

    Raises:
        ValueError, TypeError, KeyError: it was written by another version, or by nobody.
    """
    kept: dict[str, Any] = json.loads(text)
    return Check(
        number=kept["number"],
        trigger=Trigger(kept["trigger"]),
        started_at=codec.time_of(kept["started_at"]),
        finished_at=codec.time_of(kept["finished_at"]),
        ballots=_ballots(kept["ballots"]),
        earlier=_ballots(kept["earlier"]),
        changes=tuple(_change(values) for values in kept["changes"]),
        unconfirmed=tuple(Family(value) for value in kept["unconfirmed"]),
    )


def _ballots(rows: list[list[Any]]) -> tuple[Ballot, ...]:
    return tuple(codec.ballot_of(dict(zip(_BALLOT, values, strict=True))) for values in rows)


def _change(values: list[Any]) -> Change:
    return codec.change_of(dict(zip(_CHANGE, values, strict=True)))
