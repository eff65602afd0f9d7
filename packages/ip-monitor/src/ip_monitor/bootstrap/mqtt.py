"""
From settings to Home Assistant. Nothing of it is imported where the settings name no broker.
"""

from __future__ import annotations

import asyncio
import logging
import re
import socket
import ssl
from typing import TYPE_CHECKING

from ip_monitor.domain.addresses import Family
from ip_monitor.errors import IPMonitorError
from ip_monitor.settings.broker import Broker

if TYPE_CHECKING:
    from ip_monitor.adapters.mqtt.discovery import Entities
    from ip_monitor.adapters.mqtt.link import Watch
    from ip_monitor.application.announcing import Announcer
    from ip_monitor.application.ports import Clock
    from ip_monitor.settings import Settings

_LOG = logging.getLogger("ip_monitor")
_AGAIN_S = 30.0
_FAMILIES = {"ipv4": {Family.V4}, "ipv6": {Family.V6}}
_LONGEST_IDENTITY = 60


class AuthorityRefusedError(IPMonitorError, ValueError):
    """
    The certificates that the broker's is checked against cannot be used.
    """


def has_broker(settings: Settings) -> bool:
    """
    Whether the settings name a broker.
    """
    return settings.mqtt_url is not None


def identity_of(settings: Settings, *, host: str) -> str:
    """
    What tells this monitor from others at the same broker: the setting, or else this machine's name.
    """
    plain = re.sub(r"[^A-Za-z0-9_-]+", "-", host.partition(".")[0]).strip("-")
    return settings.mqtt_id or plain[:_LONGEST_IDENTITY] or "ip-monitor"


def entities_of(settings: Settings) -> Entities:
    from ip_monitor.adapters.mqtt.discovery import Entities  # noqa: PLC0415 # only with a broker

    return Entities(
        identity=identity_of(settings, host=socket.gethostname()),
        prefix=settings.mqtt_prefix,
        families=frozenset(_FAMILIES.get(settings.families, set(Family))),
    )


async def keep_link(settings: Settings, *, watch: Watch, announcer: Announcer, clock: Clock) -> None:
    """
    Keep the broker of the settings told until cancelled. A defect of it is logged, and never ends the monitor.
    """
    from ip_monitor.adapters.mqtt.link import HomeLink  # noqa: PLC0415 # only with a broker

    broker = broker_of(settings)
    if broker.password is not None and not broker.is_tls and not broker.is_here:
        _LOG.warning("the password for %s goes over the network without TLS; mqtts:// keeps it from being read", broker)
    while True:
        try:
            tls = await asyncio.to_thread(tls_of, settings)
        except AuthorityRefusedError as error:
            announcer.trouble("mqtt", what=str(error), remedy="Mend mqtt_ca, and start the monitor again.")
            return
        link = HomeLink(broker, entities=entities_of(settings), watch=watch, announcer=announcer, clock=clock, tls=tls)
        announcer.add(link)
        try:
            await link.run()
        except Exception:  # noqa: BLE001 # a defect of it must not end the monitor
            _LOG.exception("telling Home Assistant ended with a defect; it starts again in %g s", _AGAIN_S)
        finally:
            announcer.discard(link)
        await clock.sleep(_AGAIN_S)


async def try_broker(settings: Settings) -> str:
    """
    Connect once under a name of its own, and go; gives what there is to say of it.

    Raises:
        ConnectionLostError: it cannot be reached, or refuses.
        AuthorityRefusedError: `mqtt_ca` cannot be used.
    """
    from ip_monitor.adapters.mqtt.connection import connected  # noqa: PLC0415 # only with a broker
    from ip_monitor.adapters.mqtt.packets import Message  # noqa: PLC0415

    broker, entities = broker_of(settings), entities_of(settings)
    tls = await asyncio.to_thread(tls_of, settings)
    # The monitor's own identifier would throw the running monitor out.
    client = f"{entities.identity}-doctor"
    farewell = Message(topic=f"ip-monitor/{client}/bye", payload=b"")
    async with connected(broker, client=client, will=farewell, tls=tls) as connection:
        await connection.say_goodbye(farewell)
    return f"{broker} lets us in{'' if broker.is_tls else ', without TLS'}"


def broker_of(settings: Settings) -> Broker:
    """
    The broker of settings that name one.
    """
    if settings.mqtt_url is None:
        raise AssertionError("asked for a broker that the settings do not name")
    return Broker.parse(settings.mqtt_url.reveal())


def tls_of(settings: Settings) -> ssl.SSLContext | None:
    """
    What verifies the broker: the system's certificates, or those of `mqtt_ca` alone. Blocks.

    Raises:
        AuthorityRefusedError: that file cannot be used.
    """
    if not broker_of(settings).is_tls:
        return None
    try:
        return ssl.create_default_context(cafile=settings.mqtt_ca)
    except OSError as error:
        why = error.strerror or str(error)
        raise AuthorityRefusedError(f"mqtt_ca {settings.mqtt_ca} holds no certificates to use: {why}") from error
