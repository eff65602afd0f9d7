"""
The product against a small internet of its own: the same storage, monitor and delivery, asking servers in this very
process, on loopback.

Six operators look at one line whose address changes every few seconds. One lies, one is slow, one fails in every way it
knows; a receiver stands in for Discord. A referee watches and gives a verdict at the end.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from hermetic.world.http import MockServer, lognormal

from ip_monitor.application.cancellation import cancel_and_wait
from ip_monitor.domain.addresses import Family
from ip_monitor.domain.events import AnswerArrived, ChangeRecorded, CheckFinished, NoticeDelivered, Trouble
from ip_monitor.settings import Secret, Settings
from ip_monitor.testing.ip_api_cluster import MockAPICluster
from ip_monitor.testing.line import SimulatedLine
from ip_monitor.testing.pools import DATA_CENTRE, PLAY_RANGES, RESIDENTIAL
from ip_monitor.testing.profiles import CAPTIVE_PORTAL, HEROKU_DOWN, LOGIN_REDIRECT

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping
    from ipaddress import IPv4Address, IPv6Address
    from pathlib import Path

    from ip_monitor.domain.changes import Change
    from ip_monitor.domain.events import Event
    from ip_monitor.domain.providers import ProviderSpec
    from ip_monitor.testing.discord import DiscordDouble

OPERATORS = {
    "alder": "cloudflare_trace",
    "birch": "ipify",
    "cedar": "aws",
    "slow": "ident_me",
    "liar": "icanhazip",
    "failing": "ifconfig_me",
}
# Times are those of speed 1.
FIRST_CHANGE_S = 4.0
CHANGE_EVERY_S = 6.0
_INTERVAL_S = 1.0
_PAUSE_S = 0.3
# Interval, twice the deadline and the pause stay below the time between changes: no change can be missed.
_TIMEOUT_S = 1.5
_HEDGE_S = 0.25
# No change is made so late that the last check could hardly confirm it any more.
_QUIET_END_S = 5.0
# What a busy machine needs longer is waited for, so long at most, whatever the speed.
_PATIENCE_S = 20.0
_VISIT_EVERY_S = 1.0
_MOST_VISITS = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Internet:
    """
    What is simulated: the line, the services, and the receiver of announcements, which is Discord itself
    where `discord` is. `visits` tells of each command that somebody used there whether it was answered.
    """

    line: SimulatedLine
    cluster: MockAPICluster
    speed: float
    receiver: MockServer
    lie: IPv4Address | IPv6Address
    discord: DiscordDouble | None = None
    visits: list[bool] = field(default_factory=list[bool])

    def specs(self) -> tuple[ProviderSpec, ...]:
        return tuple(
            replace(spec, name=spec.operator, timeout_s=_TIMEOUT_S / self.speed) for spec in self.cluster.specs()
        )

    def settings(self, database: Path) -> Settings:
        """
        Settings that fit: short intervals, and play addresses that count as public.
        """
        plain = Settings(
            database=database,
            interval_s=_INTERVAL_S / self.speed,
            retry_s=_INTERVAL_S / self.speed,
            confirm_pause_s=_PAUSE_S / self.speed,
            timeout_s=_TIMEOUT_S / self.speed,
            hedge_s=_HEDGE_S / self.speed,
            families="ipv4",
            public_ranges=PLAY_RANGES,
            discord_webhook=None if self.discord else Secret(self.receiver.url_for("/webhook")),
        )
        if self.discord is None:
            return plain
        return replace(plain, discord_token=Secret(self.discord.token), discord_channel=self.discord.channel.id)

    def announced(self) -> tuple[str, ...]:
        """
        What was told, in the order of arrival.
        """
        if self.discord is None:
            return tuple(_announced(call.request.json()["embeds"][0]) for call in self.receiver.calls)
        embeds = [message.embed for message in self.discord.messages() if message.author.is_bot and message.embeds]
        return tuple(_announced(embed) for embed in embeds if "fields" in embed)

    async def live(self, referee: Referee, *, seconds: float) -> None:
        """
        Change the line's address every few seconds, and have somebody ask in Discord meanwhile. An address stays until it
        was told: one that is gone before a check could confirm it cannot be. Returns after `seconds`, or once the last
        address was told, when that is later.
        """
        loop = asyncio.get_running_loop()
        began = loop.time()
        last_s = seconds - _QUIET_END_S / self.speed
        async with contextlib.AsyncExitStack() as stack:
            if self.discord is not None:
                visiting = asyncio.ensure_future(self._visit(self.discord))
                stack.push_async_callback(cancel_and_wait, [visiting])
            for nth in itertools.count():
                due_s = (FIRST_CHANGE_S + CHANGE_EVERY_S * nth) / self.speed
                if due_s > last_s:
                    break
                await asyncio.sleep(began + due_s - loop.time())
                await referee.wait_told(_PATIENCE_S)
                self.line.change()
            await asyncio.sleep(began + seconds - loop.time())
            await referee.wait_told(_PATIENCE_S)

    async def _visit(self, discord: DiscordDouble) -> None:
        await discord.commands("status", within_s=60.0)
        await discord.ready(within_s=60.0)
        for _ in range(_MOST_VISITS):
            reply = await discord.slash(discord.member, discord.channel, "status")
            self.visits.append(not reply.has_failed)
            await asyncio.sleep(_VISIT_EVERY_S / self.speed)


@contextlib.asynccontextmanager
async def open_internet(*, seed: int, speed: float = 1.0, discord: bool = False) -> AsyncGenerator[Internet]:
    """
    Start the servers; stop them all at the end of the block. `speed` divides every time; with `discord` announcements go to
    a server that speaks Discord's protocol, and somebody there asks the bot.
    """
    line = SimulatedLine(pools={Family.V4: RESIDENTIAL}, seed=seed)
    cluster = MockAPICluster(OPERATORS, line=line, seed=seed)
    receiver = MockServer("receiver", seed=seed)
    receiver.post("/webhook").json({"id": "1"})
    lie = DATA_CENTRE.network[66]
    _misbehave(cluster, lie, speed=speed)
    async with cluster, receiver, contextlib.AsyncExitStack() as stack:
        double = await stack.enter_async_context(_discord()) if discord else None
        yield Internet(line=line, cluster=cluster, speed=speed, receiver=receiver, lie=lie, discord=double)


def _misbehave(cluster: MockAPICluster, lie: IPv4Address | IPv6Address, *, speed: float) -> None:
    for server in cluster:
        server.latency(lognormal(median=0.03, p99=0.15))
    cluster["slow"].latency(lognormal(median=0.6 / speed, p99=1.2 / speed))
    cluster["liar"].lie(lie)
    troubles = itertools.cycle((HEROKU_DOWN, CAPTIVE_PORTAL, LOGIN_REDIRECT))
    cluster["failing"].any("/{rest:path}", first=True).call(lambda _request: next(troubles))


@dataclass(slots=True)
class Referee:
    """
    Watches the events and compares them with the truth. `report` sums up.
    """

    internet: Internet
    checks: int = 0
    lies_heard: int = 0
    recorded: list[Change] = field(default_factory=list["Change"])
    troubles: list[str] = field(default_factory=list[str])
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    async def wait_told(self, within_s: float) -> None:
        """
        Until the address that the line has now was announced last, or `within_s` seconds are over.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while self.internet.announced()[-1:] != (str(self.internet.line.address(Family.V4)),):
                    self._news.clear()
                    await self._news.wait()

    def observe(self, event: Event) -> None:
        match event:
            case AnswerArrived() if event.answer.address == self.internet.lie:
                self.lies_heard += 1
            case CheckFinished():
                self.checks += 1
            case ChangeRecorded():
                self.recorded.append(event.change)
            case NoticeDelivered():
                self._news.set()
            case Trouble():
                self.troubles.append(event.what)
            case _:
                pass

    def report(self) -> Report:
        steps = self.internet.line.steps(Family.V4)
        return Report(
            truth=tuple(str(step.address) for step in steps),
            recorded=tuple(str(change.address) for change in self.recorded),
            announced=self.internet.announced(),
            asked=len(self.internet.visits),
            answered=sum(self.internet.visits),
            checks=self.checks,
            lies_heard=self.lies_heard,
            lies_believed=sum(change.address == self.internet.lie for change in self.recorded),
            troubles=tuple(self.troubles),
        )


def _discord() -> DiscordDouble:
    from ip_monitor.testing.discord import DiscordDouble  # noqa: PLC0415 # only those who want it have its libraries

    return DiscordDouble()


def _announced(embed: Mapping[str, Any]) -> str:
    found: str = next(entry["value"] for entry in embed["fields"] if entry["name"] == "New")
    return found.strip("`")


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """
    What was true, and what the product made of it. The first address counts as an announcement too.

    Attributes:
        truth: the addresses that the line had, in order.
        recorded: those written to the database.
        announced: those that the receiver was told, in the order of arrival.
        troubles: what went wrong inside the product; must be empty.
        asked, answered: commands that were used in Discord.
    """

    truth: tuple[str, ...]
    recorded: tuple[str, ...]
    announced: tuple[str, ...]
    checks: int
    lies_heard: int
    lies_believed: int
    troubles: tuple[str, ...]
    asked: int = 0
    answered: int = 0

    @property
    def is_clean(self) -> bool:
        """
        Every address recorded once and announced once, in order; the liar never believed; every command answered; no
        trouble.
        """
        told = self.truth == self.recorded == self.announced and self.asked == self.answered
        return told and not self.lies_believed and not self.troubles

    def __str__(self) -> str:
        lines = [
            f"true        {_addresses(self.truth)}",
            f"recorded    {_addresses(self.recorded)}",
            f"announced   {_addresses(self.announced)}",
            f"the liar    told {self.lies_heard} lies in {self.checks} checks; {self.lies_believed} were believed",
            *([f"commands    {self.asked} used in Discord, {self.answered} answered"] if self.asked else []),
            f"exceptions  {len(self.troubles)}",
            *(f"            {trouble}" for trouble in self.troubles),
        ]
        if self.is_clean:
            lines.append("Every change was announced exactly once.")
        else:
            lines.append("This is not as it should be: what was announced differs from what was true.")
        return "\n".join(lines)


def _addresses(addresses: tuple[str, ...]) -> str:
    return f"{len(addresses)}: {' → '.join(addresses)}" if addresses else "none"
