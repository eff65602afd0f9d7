"""
The state of the monitor on one card; `/status` answers with it, and the pinned message shows it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ip_monitor.adapters.discord import times
from ip_monitor.adapters.discord.card import Card, Colour, Field, joined
from ip_monitor.adapters.discord.quoting import code, prose
from ip_monitor.adapters.discord.verdict_card import COLOURS, verdict_line
from ip_monitor.domain.wording import duration
from ip_monitor.resilience.circuit_breaker import BreakerState
from ip_monitor.resilience.clock import utc_now
from ip_monitor.resilience.service_health import HealthLevel

if TYPE_CHECKING:
    from ip_monitor.adapters.discord.address_style import AddressStyle
    from ip_monitor.adapters.discord.desk import Desk
    from ip_monitor.adapters.discord.texts import Texts
    from ip_monitor.application.admin.queue import QueueStatus
    from ip_monitor.application.admin.watch import FamilyStatus

_ROOM = 1000
_MARKS = ("🟢", "🟡", "🟡", "🔴", "🔴")
"""
Of the levels of health, from the best on.
"""


async def status_card(desk: Desk, *, texts: Texts, style: AddressStyle) -> Card:
    """
    Raises:
        StorageUnavailableError: the database cannot be read.
    """
    status = await desk.admin.watch.status()
    queue = await desk.admin.queue.status()
    fields = [
        *(Field(one.family.label, _family(one, texts, style)) for one in status.families),
        Field(texts("status.next"), _next(desk, texts), inline=True),
        Field(texts("status.uptime"), _uptime(desk), inline=True),
        Field(texts("status.limiter"), _limiter(desk, texts), inline=True),
        Field(texts("status.providers"), await _providers(desk, texts), inline=True),
        Field(texts("status.queue"), _queue(queue, texts), inline=True),
        Field(texts("status.gateway"), _gateway(desk, texts), inline=True),
        Field(texts("status.health"), _health(desk, texts, style)),
        Field(texts("status.breakers"), _breakers(desk, texts)),
    ]
    if desk.sight.troubles:
        lines = [
            f"{code(one.topic, 40)} ({one.count}): {prose(style.hide_in(one.what), 200)}"
            for one in desk.sight.troubles.values()
        ]
        fields.append(Field(texts("status.troubles"), joined(lines, _ROOM, more=texts.more)))
    kind = status.kind
    return Card(
        title=texts("status.title") if kind is None else f"{texts('status.title')} · {texts(f'verdict.{kind.value}')}",
        description="" if status.families else texts("status.nothing"),
        colour=Colour.QUIET if kind is None else COLOURS[kind],
        fields=tuple(fields),
        at=utc_now(desk.clock),
    )


def _family(one: FamilyStatus, texts: Texts, style: AddressStyle) -> str:
    lines: list[str] = []
    if one.current is not None:
        since = texts("status.since", at=times.both(one.current.since))
        lines.append(f"{style.show(one.current.address)} {since}")
        lines.append(texts("status.seen", at=times.relative(one.current.seen_at)))
    if one.ballot is not None:
        verdict = one.ballot.verdict
        if verdict.address is None or one.current is None or verdict.address != one.current.address:
            lines.append(verdict_line(verdict, texts=texts, style=style))
        if verdict.address is not None:
            weight = texts("why.weight", support=f"{verdict.support:g}", total=f"{verdict.total:g}")
            lines.append(f"{texts('why.weight_title')}: {weight}")
    return "\n".join(lines)


def _next(desk: Desk, texts: Texts) -> str:
    at = desk.sight.next_at
    return texts("status.unknown") if at is None else times.relative(at)


def _uptime(desk: Desk) -> str:
    return duration((utc_now(desk.clock) - desk.sight.began_at).total_seconds())


def _limiter(desk: Desk, texts: Texts) -> str:
    limiter = desk.limiter()
    return texts("status.limiter_line", available=limiter.available, rejected=limiter.rejected)


async def _providers(desk: Desk, texts: Texts) -> str:
    ranks = await desk.admin.providers.statistics()
    enabled = [rank for rank in ranks if rank.is_enabled]
    ailing = [rank for rank in enabled if rank.statistics.asked and (rank.statistics.success_share or 0.0) < 0.5]
    line = texts("status.providers_line", enabled=len(enabled), known=len(ranks))
    if not ailing:
        return line
    names = ", ".join(code(rank.provider, 50) for rank in ailing[:5])
    return f"{line}\n{texts('status.ailing', names=names)}"


def _queue(queue: QueueStatus, texts: Texts) -> str:
    pending = sum(sink.pending for sink in queue.sinks)
    failed = sum(sink.failed for sink in queue.sinks)
    lines = [texts("status.queue_line", pending=pending, failed=failed)]
    if queue.is_stopped:
        lines.append(texts("queue.is_stopped"))
    if queue.quiet.muted_until is not None:
        lines.append(texts("notify.muted", at=times.relative(queue.quiet.muted_until)))
    return "\n".join(lines)


def _health(desk: Desk, texts: Texts, style: AddressStyle) -> str:
    """
    Those that do well in one line, and one for each that does not, with what went wrong last.
    """
    services = desk.services.health.statistics()
    well = [code(one.service, 60) for one in services if one.level is HealthLevel.NORMAL]
    lines = [f"{_MARKS[HealthLevel.NORMAL]} {', '.join(well)}"] if well else []
    for one in sorted(services, key=lambda one: -one.level):
        if one.level is not HealthLevel.NORMAL:
            level, why = texts(f"health.{one.level.name.lower()}"), prose(style.hide_in(one.last_error), 160)
            lines.append(f"{_MARKS[one.level]} {code(one.service, 60)} {level}: {why}")
    return joined(lines, _ROOM, more=texts.more)


def _breakers(desk: Desk, texts: Texts) -> str:
    """
    Who is left alone, and for how much longer.
    """
    breakers = desk.services.breakers()
    lines = [
        texts("status.breaker_open", name=code(name, 60), duration=duration(one.retry_in_s))
        for name, one in breakers.items()
        if one.state is not BreakerState.CLOSED
    ]
    return joined(lines, _ROOM, more=texts.more) or texts("status.breakers_closed", count=len(breakers))


def _gateway(desk: Desk, texts: Texts) -> str:
    key = "status.gateway_up" if desk.link.is_up else "status.gateway_down"
    return texts(key, duration=duration(desk.link.since_s))
