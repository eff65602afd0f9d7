"""
What the doctor sees of names, clock and page.
"""

from __future__ import annotations

import email.utils
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hermetic.world.http import MockServer
from ip_monitor.adapters.web.listening import listen
from ip_monitor.cli import surroundings
from ip_monitor.domain.addresses import Family
from ip_monitor.domain.providers import ProviderSpec
from ip_monitor.settings import Settings
from ip_monitor.settings.place import Place

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def spec(url):
    return ProviderSpec(
        name="one IPv4", operator="one", url=url, family=Family.V4, allow_plain_http=True, allow_private_address=True
    )


async def knows(*known):
    async def ask(name):
        if name not in known:
            raise OSError("unknown")

    return ask


@pytest.mark.parametrize(
    ("known", "state", "text"),
    [
        (("a.example", "b.example"), "ok", "2 names of providers resolve"),
        (("a.example",), "warning", "1 of 2 names of providers do not resolve: b.example"),
        ((), "wrong", "2 of 2 names of providers do not resolve: a.example, b.example"),
    ],
)
async def test_names_that_do_not_resolve_are_told(known, state, text):
    """
    Some may be blocked; when none resolves, the resolver itself is what to mend.
    """
    found = await surroundings.names([spec("https://a.example/"), spec("https://b.example/")], ask=await knows(*known))

    assert (found.state, found.text) == (state, text)
    assert bool(found.remedy) == (state != "ok")


async def test_the_systems_resolver_is_asked():
    """
    It knows this machine, and not what can never be a name.
    """
    assert (await surroundings.names([spec("https://localhost/")])).state == "ok"
    assert (await surroundings.names([spec("https://127.0.0.1/")])).text.startswith("every provider is reached")


@pytest.mark.parametrize(
    ("offset_s", "state", "text"),
    [
        (0, "ok", "within 5 s of what 1 servers say"),
        (30, "warning", "30 s ahead of what 1 servers say"),
        (-7200, "wrong", "2 h behind what 1 servers say"),
    ],
)
async def test_a_clock_that_is_off_is_told(offset_s, state, text):
    """
    By what a real server's Date says.
    """
    async with MockServer("clock", seed=1) as server:
        route = server.any("/", first=True)
        route.text("", headers={"Date": email.utils.format_datetime(NOW, usegmt=True)})
        found = await surroundings.clock([spec(server.url_for("/"))], now=lambda: NOW + timedelta(seconds=offset_s))

    assert (found.state, found.text) == (state, text)


async def test_a_clock_that_nobody_can_judge_is_no_fault():
    """
    Offline the doctor says so and does not fail.
    """
    found = await surroundings.clock([spec("http://127.0.0.1:1/")], now=lambda: NOW)

    assert (found.state, found.text) == ("warning", "nobody could be asked what time it is")


def test_a_page_whose_port_is_taken_is_told_with_who_has_it():
    """
    And a free one is free.
    """
    with listen(Place("127.0.0.1", 0)) as taken:
        place = f"127.0.0.1:{taken.getsockname()[1]}"
        (found,) = surroundings.page(Settings(database=Path("/nowhere/ip.sqlite3"), web=place))
    (free,) = surroundings.page(Settings(database=Path("/nowhere/ip.sqlite3"), web=place))

    assert found.state == "wrong"
    assert f"({os.getpid()})" in found.text
    assert (free.state, free.text) == ("ok", f"{place} is free")
