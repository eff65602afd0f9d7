"""
Managing sources, on a real SQLite file, with the guard against reaching into one's own network.
"""

from __future__ import annotations

import asyncio
import socket

import pytest
from ip_monitor.adapters.providers.client import HTTPClient
from ip_monitor.adapters.providers.defaults import DEFAULTS, SPARES
from ip_monitor.adapters.providers.factory import provider_for
from ip_monitor.application.panel import Panel
from ip_monitor.application.ports import StorageUnavailableError
from ip_monitor.application.providers import IPAPIManager, ProviderRefusedError, UnknownSourceError
from ip_monitor.domain.addresses import AddressPolicy, Family
from ip_monitor.domain.answers import FailureKind, SourceRefusedError
from ip_monitor.domain.checks import Trigger
from ip_monitor.domain.performance import wilson_lower
from ip_monitor.domain.providers import ProviderSpec

HOSTS = {
    "good.example": ["93.184.216.34"],
    "inside.example": ["192.168.1.1"],
    "both.example": ["93.184.216.34", "10.0.0.1"],
    "metadata.example": ["169.254.169.254"],
}


def look_up(host, family):
    if host not in HOSTS:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    return HOSTS[host]


def spec(name="own", url="https://good.example/ip", **fields):
    return ProviderSpec(name=name, operator=name, family=Family.V4, url=url, **fields)


@pytest.fixture
async def client():
    client = HTTPClient(policy=AddressPolicy(), look_up=look_up)
    yield client
    await client.aclose()


@pytest.fixture
def manage(client, clock, storage):
    async def start(*, store=storage, make=None, built_in=DEFAULTS):
        panel = Panel([], clock=clock)
        manager = IPAPIManager(
            panel,
            store=store,
            make=make or (lambda one: provider_for(one, client=client, clock=clock)),
            check_host=client.resolve,
        )
        await manager.start(built_in, spares=SPARES)
        manager.panel = panel
        return manager

    return start


def asked(manager):
    return [source.name for source in manager.panel.sources]


async def test_decisions_outlive_a_restart(manage):
    """
    Added, switched and ordered sources are as they were; the built-in ones stay built in.
    """
    first = await manage()
    await first.add(spec())
    await first.prioritise("own", 7)
    await first.disable("Amazon IPv4")
    await first.enable("icanhazip IPv4")

    second = await manage()

    assert asked(second)[0] == "own"
    assert "icanhazip IPv4" in asked(second)
    assert "Amazon IPv4" not in asked(second)
    assert [one.spec for one in second.list() if one.is_custom] == [spec()]


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("https://127.0.0.1/", "RFC 1122"),
        ("https://192.168.1.1/", "RFC 1918"),
        ("https://169.254.169.254/latest", "RFC 3927"),
        ("https://inside.example/", "192.168.1.1"),
        ("https://both.example/", "10.0.0.1"),
        ("https://metadata.example/", "169.254.169.254"),
        ("https://nowhere.example/", "not known"),
        ("https://good.example:22/", "port 22"),
        ("https://good.example:6379/", "port 6379"),
    ],
)
async def test_adding_cannot_reach_into_the_own_network(manage, url, said):
    """
    The refusal names the rule; nothing is kept and nobody is asked.
    """
    manager = await manage()

    with pytest.raises(ProviderRefusedError, match=said):
        await manager.add(spec(url=url))

    assert "own" not in asked(manager)
    assert "own" not in asked(await manage())


@pytest.mark.parametrize(
    "url",
    [
        "https://[::1]/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://good.example@127.0.0.1/",
        "https://good.example\\@127.0.0.1/",
        "gopher://good.example/",
        "https://good.example/\r\nHost: evil",
    ],
)
def test_addresses_in_disguise_never_become_a_specification(url):
    """
    Brackets, numbers, user names and characters that parsers read differently.
    """
    with pytest.raises(SourceRefusedError):
        spec(url=url)


async def test_a_name_that_is_pointed_inside_later_is_refused_when_asked(manage):
    """
    The guard stands before every question, not only before the first.
    """
    manager = await manage()
    await manager.add(spec())
    HOSTS["good.example"] = ["10.0.0.1"]
    try:
        answer = await manager.test("own")
    finally:
        HOSTS["good.example"] = ["93.184.216.34"]

    assert answer.failure.kind is FailureKind.UNREACHABLE
    assert "RFC 1918" in answer.failure.detail
    assert manager.statistics("own").last_error == answer.failure.detail


async def test_mistakes_are_told_with_what_to_do(manage):
    """
    Taken names, unknown names, built-in ones, ranges, and the last one of a family.
    """
    manager = await manage(built_in=[spec("only", "https://good.example/")])
    with pytest.raises(ProviderRefusedError, match="another name"):
        await manager.add(spec("ONLY"))
    with pytest.raises(UnknownSourceError, match="There are:"):
        await manager.enable("nobody")
    with pytest.raises(ProviderRefusedError, match="built in"):
        await manager.remove("only")
    with pytest.raises(ProviderRefusedError, match="0 to 1000"):
        await manager.prioritise("only", -1)
    with pytest.raises(ProviderRefusedError, match="the last provider for IPv4"):
        await manager.disable("only")

    assert asked(manager) == ["only"]


async def test_a_removed_source_is_gone_for_good(manage):
    """
    From the panel, the statistics and the database.
    """
    manager = await manage()
    await manager.add(spec())
    await manager.remove("own")

    assert "own" not in asked(manager)
    assert "own" not in [name for name, _ in manager.ranking()]
    assert "own" not in [one.spec.name for one in (await manage()).list()]


async def test_what_cannot_be_kept_is_not_in_force(manage, storage):
    """
    A full disk refuses the change as a whole.
    """

    class Full:
        def __getattr__(self, name):
            return getattr(storage, name)

        async def save_provider(self, provider):
            raise StorageUnavailableError("disk is full")

    manager = await manage(store=Full())
    with pytest.raises(StorageUnavailableError):
        await manager.disable("Amazon IPv4")

    assert "Amazon IPv4" in asked(manager)


async def test_statistics_tell_liars_from_honest_sources(manage, build, scripted, announcer, clock):
    """
    Success, agreement, lies and the ranking follow from every panel of finished checks, the confirming one of the first
    check included.
    """
    truth, lie = "93.184.216.34", "93.184.216.99"
    says = {"a": truth, "b": truth, "c": truth, "liar": lie, "dead": FailureKind.TIMEOUT}
    specs = [spec(name, "https://good.example/") for name in says]
    manager = await manage(built_in=specs, make=lambda one: scripted(one.name, says.get(one.name, truth)))
    announcer.add(manager)
    monitor = build([])
    monitor._panel = manager.panel

    for number in range(4):
        task = asyncio.create_task(monitor.check(Trigger.REQUEST))
        if number == 0:
            await clock.slept(2.0)
        await task

    liar, dead, honest = (manager.statistics(name) for name in ("liar", "dead", "a"))
    assert (honest.agreement_share, honest.lies, honest.success_share) == (1.0, 0, 1.0)
    assert (liar.agreement_share, liar.lies) == (0.0, 5)
    assert (dead.success_share, dead.last_error) == (0.0, "timeout")
    assert {name for name, _ in manager.ranking()[:3]} == {"a", "b", "c"}


def test_the_wilson_bound_matches_known_values():
    """
    0 of 20, 8 of 60 and 20 of 20.
    """
    assert [round(wilson_lower(*pair), 3) for pair in ((0, 20), (8, 60), (20, 20), (0, 0))] == [0.0, 0.069, 0.839, 0.0]
