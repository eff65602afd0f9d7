"""
What `ip-monitor doctor` sees of the machine's surroundings: whether names resolve, whether the clock is right, and whether the
page can be served.
"""

from __future__ import annotations

import asyncio
import email.utils
import socket
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import aiohttp

from ip_monitor.adapters.storage.sqlite.instance_lock import holder
from ip_monitor.cli.finding import Finding
from ip_monitor.domain.wording import duration

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence
    from datetime import datetime

    from ip_monitor.domain.providers import ProviderSpec
    from ip_monitor.settings import Settings

    Resolve = Callable[[str], Awaitable[object]]

_PATIENCE_S = 5.0
_MOST_ASKED = 3
# A Date header has whole seconds and was some time on its way; TLS and signed webhooks stand a few minutes.
_NOTICEABLE_S = 5.0
_HARMFUL_S = 60.0


async def resolve(name: str) -> object:
    """
    Ask the system's resolver.

    Raises:
        OSError: it does not know the name, or cannot be asked.
    """
    return await asyncio.get_running_loop().getaddrinfo(name, None, type=socket.SOCK_STREAM)


async def names(specs: Iterable[ProviderSpec], *, ask: Resolve = resolve) -> Finding:
    """
    Whether the names of the providers' servers resolve.
    """
    wanted = sorted({host for spec in specs if (host := urlsplit(spec.url).hostname) and not _is_address(host)})
    if not wanted:
        return Finding(topic="names", state="ok", text="every provider is reached by its address; no name is needed")

    async def one(name: str) -> bool:
        try:
            async with asyncio.timeout(_PATIENCE_S):
                await ask(name)
        except (OSError, TimeoutError, UnicodeError):
            return False
        return True

    lost = [name for name, found in zip(wanted, await asyncio.gather(*map(one, wanted)), strict=True) if not found]
    if not lost:
        return Finding(topic="names", state="ok", text=f"{len(wanted)} names of providers resolve")
    text = f"{len(lost)} of {len(wanted)} names of providers do not resolve: {', '.join(lost)}"
    if len(lost) == len(wanted):
        remedy = "Look at /etc/resolv.conf, or `resolvectl status`: the resolver cannot be reached, or answers nothing."
        return Finding(topic="names", state="wrong", text=text, remedy=remedy)
    remedy = "A resolver that blocks some names does this; allow them, or disable those providers."
    return Finding(topic="names", state="warning", text=text, remedy=remedy)


async def clock(specs: Iterable[ProviderSpec], *, now: Callable[[], datetime]) -> Finding:
    """
    How far this machine's clock is from what providers' servers say, by the median of three.

    Source: RFC 9110, section 6.6.1, Date.
    """
    urls = [spec.url for spec in specs if urlsplit(spec.url).scheme in {"http", "https"}][:_MOST_ASKED]
    timeout = aiohttp.ClientTimeout(total=_PATIENCE_S)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        offsets = [
            one for one in await asyncio.gather(*(_offset_s(session, url, now) for url in urls)) if one is not None
        ]
    if not offsets:
        remedy = "Compare it yourself: timedatectl. Once the providers answer, this asks them again."
        return Finding(topic="clock", state="warning", text="nobody could be asked what time it is", remedy=remedy)
    return judge_clock(sorted(offsets)[len(offsets) // 2], asked=len(offsets))


def judge_clock(offset_s: float, *, asked: int) -> Finding:
    """
    Args:
        offset_s: this machine's time less the others', seconds.
        asked: how many others.
    """
    if abs(offset_s) < _NOTICEABLE_S:
        return Finding(topic="clock", state="ok", text=f"within {_NOTICEABLE_S:g} s of what {asked} servers say")
    side = "ahead of" if offset_s > 0 else "behind"
    text = f"{duration(abs(offset_s))} {side} what {asked} servers say"
    remedy = "Let it be kept by the network: timedatectl set-ntp true. Times in the history are those of this clock."
    return Finding(topic="clock", state="wrong" if abs(offset_s) >= _HARMFUL_S else "warning", text=text, remedy=remedy)


async def _offset_s(session: aiohttp.ClientSession, url: str, now: Callable[[], datetime]) -> float | None:
    try:
        async with session.head(url, allow_redirects=False) as response:
            told = email.utils.parsedate_to_datetime(response.headers.get("Date", ""))
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError, TypeError):
        return None
    return (now() - told).total_seconds() if told.tzinfo else None


def page(settings: Settings) -> Sequence[Finding]:
    """
    Whether the page can be served where the settings want it; nothing where they want none.
    """
    if not settings.web:
        return ()
    from ip_monitor.adapters.web.listening import PlaceUnavailableError, listen  # noqa: PLC0415 # only with a page
    from ip_monitor.settings.place import Place  # noqa: PLC0415

    place = Place.parse(settings.web)
    try:
        listen(place).close()
    except PlaceUnavailableError as error:
        pid = holder(settings.database)
        if pid is not None and f"({pid})" in error.holder:
            return [Finding(topic="page", state="ok", text=f"the running monitor serves it at {place}")]
        return [Finding(topic="page", state="wrong", text=str(error), remedy="The monitor runs without the page then.")]
    findings = [Finding(topic="page", state="ok", text=f"{place} is free")]
    if not place.is_loopback and settings.web_certificate is None:
        text = f"{place} is reached over the network, without TLS"
        remedy = (
            "Set web_certificate and web_key, or put a proxy with TLS before it: the token could be read on the way."
        )
        findings.append(Finding(topic="page", state="warning", text=text, remedy=remedy))
    return findings


def _is_address(host: str) -> bool:
    return ":" in host or host.replace(".", "").isdigit()
