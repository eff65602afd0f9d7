"""
One vote an operator: how answers become a verdict.

A change needs at least two operators that agree, at least one of them through a transport that proves, and more than
half of the weight of *all* enabled operators of the family, silent ones counted in. So operators of less than half of
the weight can lie, be stale, captive or silent in any combination without causing a change: the most they reach is
`disputed`. Liars that agree with one another and hold more than half of the weight win; no vote can prevent that.

The previous address has it easier: it stays as long as nobody contradicts it, because no answer is never a change.

Of IPv6 addresses the prefix votes. Each question leaves from a host part of the machine's own choice, which may differ
from one question to the next and is replaced every day; it is noted in the verdict's address and decides nothing.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ip_monitor.domain.addresses import is_same_line, network_key
from ip_monitor.domain.verdicts import Verdict, VerdictKind

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import datetime

    from ip_monitor.domain.addresses import Address, Family
    from ip_monitor.domain.answers import Answer, Source

# Sums of binary fractions may come out a little above the true sum; half of the weight must not look like more.
_ROUNDING = 1e-9
_PORTAL_OPERATORS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """
    What a decision needs.

    Attributes:
        minimum_operators: how many must agree; 2 or more unless a network has only one operator to ask.
    """

    minimum_operators: int = 2

    def __post_init__(self) -> None:
        if self.minimum_operators < 1:
            raise ValueError(f"minimum_operators is {self.minimum_operators}; it must be 1 or more")


@dataclass(frozen=True, slots=True)
class Electorate:
    """
    Who may vote on a family: each enabled operator with its weight, whether it answers or not.
    """

    family: Family
    weights: Mapping[str, float]

    @classmethod
    def of(cls, sources: Iterable[Source], family: Family) -> Electorate:
        """
        Each operator weighs as much as its heaviest source of `family`; an operator of weight 0 has no vote.
        """
        weights: dict[str, float] = {}
        for source in sources:
            if source.family is family and source.weight > 0:
                weights[source.operator] = max(source.weight, weights.get(source.operator, 0.0))
        return cls(family, weights)

    @property
    def total(self) -> float:
        return sum(self.weights.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Vote:
    """
    What one operator's answers come to. `address` is None when it was silent or contradicted itself (`why` says).
    """

    operator: str
    weight: float
    address: Address | None
    is_proof: bool
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ballot:
    """
    One family's panel: the question, every answer, every vote and the verdict. Stored whole, so that `why` can
    explain any verdict later.
    """

    family: Family
    at: datetime
    previous: Address | None
    answers: tuple[Answer, ...]
    votes: tuple[Vote, ...]
    verdict: Verdict


def tally(
    answers: Sequence[Answer],
    electorate: Electorate,
    previous: Address | None,
    *,
    at: datetime,
    rules: Rules | None = None,
    portal_seen: bool = False,
) -> Ballot:
    """
    Count the answers of one panel.

    Answers of other families or of operators outside the electorate are kept as evidence and not counted.

    Args:
        answers: what came in, in any order; an operator may have several.
        electorate: who may vote.
        previous: the address known before, None when there was none yet.
        at: when the panel ended, UTC.
        rules: what a decision needs; two operators by default.
        portal_seen: a captive-portal probe got something other than its known reply.
    """
    rules = rules or Rules()
    votes = tuple(
        _vote(operator, weight, answers, electorate.family) for operator, weight in sorted(electorate.weights.items())
    )
    portal = portal_seen or _portal(answers, electorate)
    verdict = _judge(votes, portal=portal, total=electorate.total, previous=previous, rules=rules)
    return Ballot(
        family=electorate.family, at=at, previous=previous, answers=tuple(answers), votes=votes, verdict=verdict
    )


@dataclass(frozen=True, slots=True)
class Prospect:
    """
    How far a ballot has come while it is being taken.

    Attributes:
        is_decided: no answer that is still to come could change the verdict.
        is_within_reach: those under way would decide it, if they agreed with the strongest camp so far.
    """

    is_decided: bool
    is_within_reach: bool


def prospect(
    answers: Sequence[Answer], electorate: Electorate, under_way: Collection[str], *, rules: Rules | None = None
) -> Prospect:
    """
    Whether asking may stop, and whether more must be asked.

    Args:
        answers: what came in so far.
        electorate: who may vote.
        under_way: operators that have not answered with all of their sources yet; they have no vote so far.
        rules: what a decision needs.
    """
    rules = rules or Rules()
    waiting = [name for name in electorate.weights if name in under_way]
    camps: dict[int, list[Vote]] = defaultdict(list)
    for operator, weight in electorate.weights.items():
        if operator not in under_way:
            vote = _vote(operator, weight, answers, electorate.family)
            if vote.address is not None:
                camps[network_key(vote.address)].append(vote)
    total = electorate.total
    is_decided = any(_decides(camp, total, rules) for camp in camps.values())
    hoped = sum(electorate.weights[name] for name in waiting)
    nobody: list[Vote] = []
    strongest = max(camps.values(), key=_weight, default=nobody)
    count, weight = len(strongest) + len(waiting), _weight(strongest) + hoped
    return Prospect(
        is_decided=is_decided,
        is_within_reach=bool(waiting) and count >= rules.minimum_operators and weight > total / 2 + _ROUNDING * total,
    )


def _vote(operator: str, weight: float, answers: Sequence[Answer], family: Family) -> Vote:
    own = [answer for answer in answers if answer.source.operator == operator and answer.source.family is family]
    named = [answer for answer in own if answer.address is not None and answer.source.weight > 0]
    if not named:
        why = "; ".join(sorted({a.failure.detail for a in own if a.failure is not None})) or "was not asked"
        return Vote(operator=operator, weight=weight, address=None, is_proof=False, why=why)
    # An operator's heavier source speaks for it: a proof outweighs the same operator's single unauthenticated packet.
    heaviest = max(answer.source.weight for answer in named)
    best = [answer for answer in named if answer.source.weight == heaviest]
    lines = {network_key(answer.address) for answer in best if answer.address is not None}
    if len(lines) > 1:
        listed = ", ".join(sorted({str(answer.address) for answer in best}))
        return Vote(operator=operator, weight=weight, address=None, is_proof=False, why=f"contradicts itself: {listed}")
    same = [answer for answer in named if answer.address is not None and network_key(answer.address) in lines]
    return Vote(
        operator=operator,
        weight=heaviest,
        address=best[0].address,
        is_proof=any(answer.source.transport.is_proof for answer in same),
        why=", ".join(sorted(answer.source.name for answer in same)),
    )


def _portal(answers: Sequence[Answer], electorate: Electorate) -> bool:
    redirected = {
        answer.source.operator
        for answer in answers
        if answer.failure is not None
        and answer.failure.kind.suggests_portal
        and answer.source.family is electorate.family
    }
    return len(redirected & electorate.weights.keys()) >= min(_PORTAL_OPERATORS, len(electorate.weights) or 1)


def _judge(votes: Sequence[Vote], *, portal: bool, total: float, previous: Address | None, rules: Rules) -> Verdict:
    camps = _camps(votes, previous)
    ranked = sorted(camps, key=lambda address: (-_weight(camps[address]), -len(camps[address]), int(address)))
    leader = ranked[0] if ranked else None
    decisive = leader is not None and _decides(camps[leader], total, rules)
    if leader is None:
        kind, reason = _silence(len(votes), portal=portal)
    elif decisive:
        kind = _kind_of(leader, previous)
        reason = f"{len(camps[leader])} of {len(votes)} operators say {leader}"
    elif len(ranked) == 1 and is_same_line(leader, previous):
        kind = VerdictKind.STABLE
        reason = f"only {len(camps[leader])} of {len(votes)} operators answered; they say {leader} as before"
    elif _several(list(camps.values()), total, rules):
        kind = VerdictKind.MULTI_EGRESS
        reason = f"operators see several addresses: {' and '.join(str(address) for address in ranked)}"
    else:
        kind, reason = VerdictKind.DISPUTED, _disagreement(ranked, camps, len(votes), previous)
    named = leader if kind.is_known else None
    camp = camps[named] if named is not None else []
    return Verdict(
        kind=kind,
        address=named,
        addresses=tuple(ranked),
        operators=tuple(vote.operator for vote in camp),
        support=_weight(camp),
        total=total,
        is_decisive=decisive,
        reason=reason,
    )


def _camps(votes: Sequence[Vote], previous: Address | None) -> dict[Address, list[Vote]]:
    """
    Who agrees with whom, by the address that stands for each camp: the one that most of its weight named, the known one
    first among equals, so that a host part is not taken for another without need.
    """
    lines: dict[int, list[Vote]] = defaultdict(list)
    for vote in votes:
        if vote.address is not None:
            lines[network_key(vote.address)].append(vote)
    camps: dict[Address, list[Vote]] = {}
    for camp in lines.values():
        behind: dict[Address, float] = defaultdict(float)
        for vote in camp:
            if vote.address is not None:
                behind[vote.address] += vote.weight
        camps[min(behind, key=lambda address: (-behind[address], address != previous, int(address)))] = camp
    return camps


def _silence(operators: int, *, portal: bool) -> tuple[VerdictKind, str]:
    if portal:
        return VerdictKind.CAPTIVE, "pages came back in the place of answers, as from a captive portal"
    return VerdictKind.OFFLINE, f"none of {operators} operators answered"


def _kind_of(decided: Address, previous: Address | None) -> VerdictKind:
    if previous is None:
        return VerdictKind.FIRST
    return VerdictKind.STABLE if is_same_line(decided, previous) else VerdictKind.CHANGED


def _weight(camp: Sequence[Vote]) -> float:
    return sum(vote.weight for vote in camp)


def _decides(camp: Sequence[Vote], total: float, rules: Rules) -> bool:
    return (
        len(camp) >= rules.minimum_operators
        and any(vote.is_proof for vote in camp)
        and _weight(camp) > total / 2 + _ROUNDING * total
    )


def _several(camps: Sequence[Sequence[Vote]], total: float, rules: Rules) -> bool:
    """
    Whether the votes show several ways out of this network: two or more addresses, each seen by as many
    operators as a decision needs (never fewer than two) and by a proof, together a majority, and nobody alone.
    """
    enough = max(2, rules.minimum_operators)
    return (
        len(camps) > 1
        and all(len(camp) >= enough and any(vote.is_proof for vote in camp) for camp in camps)
        and sum(_weight(camp) for camp in camps) > total / 2 + _ROUNDING * total
    )


def _disagreement(
    ranked: Sequence[Address], camps: Mapping[Address, Sequence[Vote]], operators: int, previous: Address | None
) -> str:
    said = ", ".join(f"{address} ({', '.join(vote.operator for vote in camps[address])})" for address in ranked)
    known = f"; {previous} stays" if previous is not None else ""
    return f"no address has a majority of {operators} operators: {said}{known}"
