"""
A ballot as commands and the page write it in JSON.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ip_monitor.domain.wording import stamp

if TYPE_CHECKING:
    from ip_monitor.domain.ballots import Ballot


def ballot_as_json(ballot: Ballot) -> dict[str, Any]:
    verdict = ballot.verdict
    return {
        "at": stamp(ballot.at),
        "verdict": verdict.kind.value,
        "address": None if verdict.address is None else str(verdict.address),
        "addresses": [str(address) for address in verdict.addresses],
        "previous": None if ballot.previous is None else str(ballot.previous),
        "reason": verdict.reason,
        "is_decisive": verdict.is_decisive,
        "operators": list(verdict.operators),
        "weight": verdict.support,
        "weight_of_all": verdict.total,
        "answers": [
            {
                "source": answer.source.name,
                "operator": answer.source.operator,
                "transport": answer.source.transport.value,
                "latency_s": round(answer.latency_s, 4),
                "address": None if answer.address is None else str(answer.address),
                "failure": None if answer.failure is None else answer.failure.kind.value,
                "detail": None if answer.failure is None else answer.failure.detail,
            }
            for answer in ballot.answers
        ],
    }
