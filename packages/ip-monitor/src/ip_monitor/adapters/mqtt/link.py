"""
Keeping a broker told, beside the monitor and never in its way: what happens sets a mark, and a task of its own reads what
is known and publishes it. A broker that is slow, gone or mad costs the next message, and no check.
"""

from __future__ import annotations

import asyncio
import logging
import random
from typing import TYPE_CHECKING, Protocol

from ip_monitor.adapters.mqtt.connection import BrokerRefusesError, Connection, ConnectionLostError, connected
from ip_monitor.application.cancellation import cancel_and_wait
from ip_monitor.domain.audit import Actor
from ip_monitor.domain.events import (
    ChangeRecorded,
    CheckFinished,
    HostPartReplaced,
    SourcesChanged,
    Trouble,
    TroubleOver,
)
from ip_monitor.errors import IPMonitorError

if TYPE_CHECKING:
    import ssl
    from datetime import datetime

    from ip_monitor.adapters.mqtt.discovery import Entities
    from ip_monitor.adapters.mqtt.packets import Message
    from ip_monitor.application.admin import CheckNow, Status
    from ip_monitor.application.announcing import Announcer
    from ip_monitor.application.ports import Clock
    from ip_monitor.domain.events import Event
    from ip_monitor.settings.broker import Broker

_LOG = logging.getLogger("ip_monitor")
TOPIC = "mqtt"
"""
Of the trouble that is told when there is no connection.
"""
FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 60.0
# Trying wrong credentials again and again gets a client banned, and is of no use until somebody mends them.
CREDENTIALS_PAUSE_S = 300.0
# Events of one check come together; they are one message.
GATHER_S = 0.1
# A broken database is told of as trouble elsewhere; here it only means to look again.
_AGAIN_S = 5.0


class Watch(Protocol):
    """
    What the link asks of the monitor.
    """

    async def status(self) -> Status: ...

    async def check_now(self, *, by: Actor) -> CheckNow: ...


class HomeLink:
    """
    An observer; give it to the announcer, and keep `run` running.

    Args:
        broker: where, and who we are there.
        entities: what there is to tell.
        tls: verifies the broker; None for a connection without TLS.
        rng: strays the pauses between tries.
    """

    def __init__(
        self,
        broker: Broker,
        *,
        entities: Entities,
        watch: Watch,
        announcer: Announcer,
        clock: Clock,
        tls: ssl.SSLContext | None = None,
        rng: random.Random | None = None,
    ) -> None:
        self._broker = broker
        self._entities = entities
        self._watch = watch
        self._announcer = announcer
        self._clock = clock
        self._tls = tls
        self._rng = rng or random.Random()  # noqa: S311 - spreads load; nothing secret depends on it
        self._news = asyncio.Event()
        self._pressed = asyncio.Event()
        self._troubles: dict[str, str] = {}
        self._checked_at: datetime | None = None
        self._next_at: datetime | None = None
        self._was_up = False

    def __repr__(self) -> str:
        return f"<HomeLink {self._entities.identity!r} at {self._broker}, {'up' if self._was_up else 'down'}>"

    def observe(self, event: Event) -> None:
        match event:
            case CheckFinished():
                self._checked_at, self._next_at = event.check.finished_at, event.next_at
            case Trouble():
                self._troubles[event.topic] = event.what
            case TroubleOver():
                self._troubles.pop(event.topic, None)
            case ChangeRecorded() | HostPartReplaced() | SourcesChanged():
                pass
            case _:
                return
        self._news.set()

    async def run(self) -> None:
        """
        Stay connected until cancelled; then say `offline`, and goodbye, within two seconds.
        """
        attempts = 0
        while True:
            self._was_up = False
            try:
                await self._one_connection()
            except ConnectionLostError as error:
                attempts = 1 if self._was_up else attempts + 1
                pause_s = self._pause_s(attempts, error)
                self._announcer.trouble(
                    TOPIC,
                    what=f"Home Assistant is not told: {error}; the next try is in {pause_s:.0f} s",
                    remedy="Look at the broker, and at mqtt_url. Checks and announcements go on.",
                )
                await self._clock.sleep(pause_s)

    async def _one_connection(self) -> None:
        will = self._entities.available(is_here=False)
        async with connected(self._broker, client=self._entities.identity, will=will, tls=self._tls) as connection:
            work = [
                asyncio.create_task(connection.run(self._receive), name="ip-monitor-mqtt-reader"),
                asyncio.create_task(self._tell(connection), name="ip-monitor-mqtt-teller"),
                asyncio.create_task(self._obey(), name="ip-monitor-mqtt-button"),
            ]
            try:
                done, _ = await asyncio.wait(work, return_when=asyncio.FIRST_COMPLETED)
            except asyncio.CancelledError:
                await connection.say_goodbye(will)
                raise
            finally:
                await cancel_and_wait(work)
            # What the reading ended with says why; that the telling ended too only follows from it.
            raise next(error for error in [task.exception() for task in work if task in done] if error is not None)

    async def _tell(self, connection: Connection) -> None:
        """
        Say who we are and what there is; then what is news, and nothing twice.
        """
        await connection.subscribe(self._entities.command_topic)
        for description in self._entities.described():
            await connection.publish(description)
        self._was_up = True
        self._announcer.fine(TOPIC)
        told: Message | None = None
        is_first = True
        while True:
            self._news.clear()
            message = await self._state()
            if message is not None and message != told:
                await connection.publish(message)
                told = message
            if is_first:
                # Only now: an entity that is available has a state.
                await connection.publish(self._entities.available(is_here=True))
                is_first = False
            if message is None:
                await self._clock.sleep(_AGAIN_S)
            else:
                await self._news.wait()
                await self._clock.sleep(GATHER_S)

    async def _state(self) -> Message | None:
        # Taken before what is known: a check that ends meanwhile must not be told with what was known before it.
        checked_at, next_at = self._checked_at, self._next_at
        troubles = [f"{topic}: {what}" for topic, what in sorted(self._troubles.items())]
        try:
            known = await self._watch.status()
        except IPMonitorError:
            return None
        return self._entities.state(known, checked_at=checked_at, next_at=next_at, troubles=troubles)

    def _receive(self, message: Message) -> None:
        # A press that the broker kept is of who knows when, and nothing at all is how such a one is taken away.
        is_press = bool(message.payload) and not message.is_retained
        if message.topic == self._entities.command_topic and is_press:
            self._pressed.set()

    async def _obey(self) -> None:
        """
        However often the button was pressed meanwhile, it is one check; the use case bounds how many there are.
        """
        while True:
            await self._pressed.wait()
            self._pressed.clear()
            try:
                await self._watch.check_now(by=Actor(name=str(self._broker), via="mqtt"))
            except IPMonitorError as error:
                _LOG.warning("the button in Home Assistant was pressed in vain: %s", error)

    def _pause_s(self, attempts: int, error: ConnectionLostError) -> float:
        if isinstance(error, BrokerRefusesError) and error.is_credentials:
            return CREDENTIALS_PAUSE_S
        return min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** min(attempts - 1, 10)) * self._rng.uniform(0.5, 1.0)
