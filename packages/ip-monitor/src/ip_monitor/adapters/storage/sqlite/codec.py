"""
Between rows and the domain's types. Addresses and times are texts; what only `why` reads of a ballot is JSON.
"""

from __future__ import annotations

import base64
import ipaddress
import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Protocol

from ip_monitor.domain.addresses import Address, Family
from ip_monitor.domain.answers import Answer, Failure, FailureKind, Source, Transport
from ip_monitor.domain.ballots import Ballot, Vote
from ip_monitor.domain.changes import Change, CurrentAddress
from ip_monitor.domain.notices import Notice
from ip_monitor.domain.verdicts import Verdict, VerdictKind


class Row(Protocol):
    """
    What SQLite gives, or the same by name from elsewhere.
    """

    def __getitem__(self, name: str, /) -> Any: ...


_CHANGE_COLUMNS = (
    "changes.key, changes.address, changes.previous, changes.at, changes.previous_since, changes.operators"
)
_POOL_SINCE_VERSION = 4
BALLOT_COLUMNS = "family, at, kind, address, previous, reason, detail"


def change_columns(version: int) -> str:
    """
    What `change_of` reads. A database that is only read may have an earlier version than the latest.
    """
    return f"{_CHANGE_COLUMNS}, {'changes.pool' if version >= _POOL_SINCE_VERSION else 'NULL AS pool'}"


def time_text(at: datetime) -> str:
    """
    UTC with microseconds, of one length, so that texts sort as times do.
    """
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def time_of(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _address_text(address: Address | None) -> str | None:
    return None if address is None else str(address)


def _address_of(text: str | None) -> Address | None:
    return None if text is None else ipaddress.ip_address(text)


def change_row(change: Change) -> tuple[object, ...]:
    """
    The values of key, family, address, previous, at, previous_since, operators, pool.
    """
    return (
        change.key,
        change.family.value,
        str(change.address),
        _address_text(change.previous),
        time_text(change.at),
        None if change.previous_since is None else time_text(change.previous_since),
        json.dumps(change.operators),
        json.dumps([str(address) for address in change.pool]) if change.pool else None,
    )


def change_of(row: Row) -> Change:
    return Change(
        key=row["key"],
        address=ipaddress.ip_address(row["address"]),
        previous=_address_of(row["previous"]),
        at=time_of(row["at"]),
        previous_since=None if row["previous_since"] is None else time_of(row["previous_since"]),
        operators=tuple(json.loads(row["operators"])),
        pool=_pool_of(row),
    )


def _pool_of(row: Row) -> tuple[Address, ...]:
    text: str | None = row["pool"]
    return () if text is None else tuple(ipaddress.ip_address(address) for address in json.loads(text))


def current_of(row: Row) -> CurrentAddress:
    return CurrentAddress(
        address=ipaddress.ip_address(row["address"]), since=time_of(row["since"]), seen_at=time_of(row["seen_at"])
    )


def notice_of(row: Row) -> Notice:
    change, told_key = change_of(row), row["told_key"]
    return Notice(
        key=row["delivery_key"],
        sink=row["sink"],
        change=change if told_key is None else replace(change, key=told_key, is_reminder=True),
        priority=row["priority"],
        attempts=row["attempts"],
        created_at=time_of(row["created_at"]),
        due_at=time_of(row["due_at"]),
    )


def ballot_row(ballot: Ballot) -> tuple[object, ...]:
    """
    The values of family, at, kind, address, previous, reason, detail.
    """
    verdict = ballot.verdict
    detail = {
        "addresses": [str(address) for address in verdict.addresses],
        "operators": list(verdict.operators),
        "support": verdict.support,
        "total": verdict.total,
        "is_decisive": verdict.is_decisive,
        "votes": [_vote_json(vote) for vote in ballot.votes],
        "answers": [_answer_json(answer) for answer in ballot.answers],
    }
    return (
        ballot.family.value,
        time_text(ballot.at),
        verdict.kind.value,
        _address_text(verdict.address),
        _address_text(ballot.previous),
        verdict.reason,
        json.dumps(detail, separators=(",", ":")),
    )


def ballot_of(row: Row) -> Ballot:
    family = Family(row["family"])
    detail: dict[str, Any] = json.loads(row["detail"])
    return Ballot(
        family=family,
        at=time_of(row["at"]),
        previous=_address_of(row["previous"]),
        answers=tuple(_answer_of(entry, family) for entry in detail["answers"]),
        votes=tuple(_vote_of(entry) for entry in detail["votes"]),
        verdict=Verdict(
            kind=VerdictKind(row["kind"]),
            address=_address_of(row["address"]),
            addresses=tuple(ipaddress.ip_address(text) for text in detail["addresses"]),
            operators=tuple(detail["operators"]),
            support=detail["support"],
            total=detail["total"],
            is_decisive=detail["is_decisive"],
            reason=row["reason"],
        ),
    )


def _vote_json(vote: Vote) -> dict[str, object]:
    return {
        "operator": vote.operator,
        "weight": vote.weight,
        "address": _address_text(vote.address),
        "is_proof": vote.is_proof,
        "why": vote.why,
    }


def _vote_of(entry: dict[str, Any]) -> Vote:
    return Vote(
        operator=entry["operator"],
        weight=entry["weight"],
        address=_address_of(entry["address"]),
        is_proof=entry["is_proof"],
        why=entry["why"],
    )


def _answer_json(answer: Answer) -> dict[str, object]:
    entry: dict[str, object] = {
        "source": answer.source.name,
        "operator": answer.source.operator,
        "transport": answer.source.transport.value,
        "weight": answer.source.weight,
        "at": time_text(answer.at),
        "latency_s": answer.latency_s,
        "address": _address_text(answer.address),
        "raw": base64.b64encode(answer.raw).decode(),
    }
    if answer.failure is not None:
        entry["failure"] = {
            "kind": answer.failure.kind.value,
            "detail": answer.failure.detail,
            "retry_after_s": answer.failure.retry_after_s,
        }
    return entry


def _answer_of(entry: dict[str, Any], family: Family) -> Answer:
    failure: dict[str, Any] | None = entry.get("failure")
    return Answer(
        source=Source(
            name=entry["source"],
            operator=entry["operator"],
            family=family,
            transport=Transport(entry["transport"]),
            weight=entry["weight"],
        ),
        at=time_of(entry["at"]),
        latency_s=entry["latency_s"],
        address=_address_of(entry["address"]),
        failure=None
        if failure is None
        else Failure(
            kind=FailureKind(failure["kind"]), detail=failure["detail"], retry_after_s=failure["retry_after_s"]
        ),
        raw=base64.b64decode(entry["raw"]),
    )
