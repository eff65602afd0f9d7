"""
Verdicts and ballots, shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ip_monitor.adapters.discord import times
from ip_monitor.adapters.discord.card import Card, Colour, Field, joined
from ip_monitor.adapters.discord.quoting import code, prose
from ip_monitor.domain.verdicts import VerdictKind

if TYPE_CHECKING:
    from ip_monitor.adapters.discord.address_style import AddressStyle
    from ip_monitor.adapters.discord.texts import Texts
    from ip_monitor.domain.ballots import Ballot, Vote
    from ip_monitor.domain.verdicts import Verdict

COLOURS = {
    VerdictKind.FIRST: Colour.NEWS,
    VerdictKind.STABLE: Colour.GOOD,
    VerdictKind.CHANGED: Colour.CHANGED,
    VerdictKind.DISPUTED: Colour.CHANGED,
    VerdictKind.OFFLINE: Colour.BAD,
    VerdictKind.CAPTIVE: Colour.BAD,
    VerdictKind.MULTI_EGRESS: Colour.CHANGED,
}
_MOST_ADDRESSES = 8
_ROOM = 1000


def verdict_line(verdict: Verdict, *, texts: Texts, style: AddressStyle) -> str:
    """
    The address, or the addresses that are claimed, or what else there is.
    """
    kind = texts(f"verdict.{verdict.kind.value}")
    if verdict.address is not None:
        return f"{style.show(verdict.address)} · {kind}"
    claimed = ", ".join(style.show(address) for address in verdict.addresses[:_MOST_ADDRESSES])
    return f"{kind}: {claimed}" if claimed else kind


def ballot_card(ballot: Ballot, *, texts: Texts, style: AddressStyle) -> Card:
    """
    One ballot: what was known, every vote, and what came of it.
    """
    verdict = ballot.verdict
    before = texts("why.nothing") if ballot.previous is None else style.show(ballot.previous)
    votes = joined((_vote(vote, ballot, texts, style) for vote in ballot.votes), _ROOM, more=texts.more)
    fields = [
        Field(texts("why.verdict"), verdict_line(verdict, texts=texts, style=style), inline=True),
        Field(texts("why.before"), before, inline=True),
        Field(texts("why.votes"), votes or texts("why.no_votes")),
    ]
    if verdict.address is not None:
        weight = texts("why.weight", support=f"{verdict.support:g}", total=f"{verdict.total:g}")
        fields.insert(2, Field(texts("why.weight_title"), weight, inline=True))
    return Card(
        title=f"{ballot.family.label} · {texts(f'verdict.{verdict.kind.value}')}",
        description=f"{times.both(ballot.at)}\n{prose(style.hide_in(verdict.reason), 600)}",
        colour=COLOURS[verdict.kind],
        fields=tuple(fields),
    )


def _vote(vote: Vote, ballot: Ballot, texts: Texts, style: AddressStyle) -> str:
    latencies = [answer.latency_s for answer in ballot.answers if answer.source.operator == vote.operator]
    latency = f" · {min(latencies) * 1000:.0f} ms" if latencies else ""
    if vote.address is None:
        return f"{code(vote.operator, 50)} {texts('why.silent')}: {prose(style.hide_in(vote.why), 120)}{latency}"
    return f"{code(vote.operator, 50)} {style.show(vote.address)} ({vote.weight:g}){latency}"
