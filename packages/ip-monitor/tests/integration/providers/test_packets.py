"""
Asking over STUN, DNS, DoT, DoH and the local interfaces, against real servers on loopback.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl

import dns.message
import pytest
import trustme
from hermetic.world.http import Authority
from ip_monitor.adapters.providers.client import HTTPClient
from ip_monitor.adapters.providers.defaults import SPARES
from ip_monitor.adapters.providers.factory import provider_for
from ip_monitor.domain.addresses import AddressPolicy, Family
from ip_monitor.domain.answers import FailureKind, SourceRefusedError
from ip_monitor.domain.providers import ProviderSpec
from ip_monitor.testing.dns_server import DNSFault, MockDNSServer
from ip_monitor.testing.doh_server import MockDoHServer
from ip_monitor.testing.stun_server import MockSTUNServer, STUNFault

GOOD = ipaddress.ip_address("203.0.113.7")
GOOD_V6 = ipaddress.ip_address("2606:4700::7")
POLICY = AddressPolicy((ipaddress.ip_network("203.0.113.0/24"),))


def spec_for(url, **fields):
    fields = {
        "name": "x",
        "operator": "x",
        "family": Family.V4,
        "allow_private_address": True,
        "timeout_s": 0.3,
        **fields,
    }
    return ProviderSpec(url=url, **fields)


async def ask(client, url, **fields):
    return await provider_for(spec_for(url, **fields), client=client).ask()


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture
def tls(authority):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


@pytest.fixture
async def trusting(authority):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority.configure_trust(context)
    client = HTTPClient(policy=POLICY, ssl_context=context)
    yield client
    await client.aclose()


@pytest.fixture(scope="module")
def doh_authority():
    return Authority()


@pytest.fixture
async def vouched(doh_authority):
    """
    A DoH server, and a client that trusts it.
    """
    watched = asyncio.get_running_loop()._selector.get_map()
    before = len(watched)
    async with MockDoHServer(GOOD, tls=doh_authority) as server:
        client = HTTPClient(policy=POLICY, ssl_context=doh_authority.client_context())
        yield server, client
        await client.aclose()
    # aiohttp does not wait for the end of a TLS connection that it gave back; it ends with the server.
    async with asyncio.timeout(20):
        while len(watched) > before:  # noqa: ASYNC110 - what ends it raises no event
            await asyncio.sleep(0)


async def test_stun_gives_the_mapped_address_of_both_families(client):
    """
    With the xor of the cookie, and for IPv6 of the transaction id too.
    """
    async with MockSTUNServer(GOOD) as v4, MockSTUNServer(GOOD_V6) as v6:
        assert (await ask(client, v4.url)).address == GOOD
        url = v6.url
        # The question goes over IPv4 here, but the server may answer with any family; the wrong one is refused.
        assert (await ask(client, url)).failure.kind is FailureKind.WRONG_FAMILY


STUN_FAULTS = [
    (STUNFault.SILENT, FailureKind.TIMEOUT),
    (STUNFault.WRONG_TRANSACTION, FailureKind.TIMEOUT),
    (STUNFault.WRONG_COOKIE, FailureKind.TIMEOUT),
    (STUNFault.GARBAGE, FailureKind.TIMEOUT),
    (STUNFault.ERROR, FailureKind.STATUS),
    (STUNFault.NO_ADDRESS, FailureKind.MALFORMED),
    (STUNFault.CUT, FailureKind.MALFORMED),
]


@pytest.mark.parametrize(("fault", "kind"), STUN_FAULTS)
async def test_a_bad_stun_response_is_no_address(client, fault, kind):
    """
    What is not for this transaction is waited past; what is, and is broken, is a failure.
    """
    async with MockSTUNServer(GOOD, faults=[fault] * 9) as server:
        assert (await ask(client, server.url)).failure.kind is kind


@pytest.mark.parametrize("fault", [STUNFault.PLAIN_ONLY, STUNFault.REWRITTEN_PLAIN])
async def test_the_xor_form_outranks_the_plain_one(client, fault):
    """
    Routers rewrite plain addresses in passing; the plain form counts only alone.
    """
    async with MockSTUNServer(GOOD, faults=[fault]) as server:
        assert (await ask(client, server.url)).address == GOOD


async def test_a_lost_datagram_is_sent_again(client):
    """
    After half a second.
    """
    async with MockSTUNServer(GOOD, faults=[STUNFault.SILENT]) as server:
        assert (await ask(client, server.url, timeout_s=5)).address == GOOD
        assert server.requests == 2


async def test_a_port_without_a_server_is_unreachable(client):
    """
    The refusal of a connected socket is told at once, not at the deadline.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as guard:
        guard.bind(("127.0.0.1", 0))
        port = guard.getsockname()[1]
    answer = await ask(client, f"stun://127.0.0.1:{port}", timeout_s=20)

    assert answer.failure.kind is FailureKind.UNREACHABLE


@pytest.mark.parametrize("query", ["name=myip.example&type=A", "name=whoami.example&type=TXT&class=CH"])
async def test_dns_gives_the_address_in_a_and_txt_records(client, query):
    """
    In both classes; the raw response is the evidence.
    """
    async with MockDNSServer(GOOD) as server:
        answer = await ask(client, f"dns://127.0.0.1:{server.port}/?{query}")

    assert answer.address == GOOD
    assert dns.message.from_wire(answer.raw).answer
    assert len(server.questions) == 1


DNS_FAULTS = [
    (DNSFault.SILENT, FailureKind.TIMEOUT),
    (DNSFault.WRONG_ID, FailureKind.TIMEOUT),
    (DNSFault.OTHER_QUESTION, FailureKind.TIMEOUT),
    (DNSFault.GARBAGE, FailureKind.TIMEOUT),
    (DNSFault.TRUNCATED, FailureKind.TOO_LARGE),
    (DNSFault.REFUSED, FailureKind.STATUS),
    (DNSFault.EMPTY, FailureKind.EMPTY),
    (DNSFault.SEVERAL, FailureKind.SEVERAL),
    (DNSFault.PROSE, FailureKind.MALFORMED),
]


@pytest.mark.parametrize(("fault", "kind"), DNS_FAULTS)
async def test_a_bad_dns_response_is_no_address(client, fault, kind):
    """
    A forged id or another question is waited past; codes, truncation and several answers are failures.
    """
    async with MockDNSServer(GOOD, faults=[fault] * 9) as server:
        answer = await ask(client, f"dns://127.0.0.1:{server.port}/?name=a.example&type=TXT")

    assert answer.failure.kind is kind


async def test_client_subnet_records_and_repeats_are_left_out(client):
    """
    Some services send both, in any order.
    """
    async with MockDNSServer(GOOD, faults=[DNSFault.TWICE]) as server:
        answer = await ask(client, f"dns://127.0.0.1:{server.port}/?name=a.example&type=TXT")

    assert answer.address == GOOD


async def test_dns_over_tls_is_verified(client, trusting, tls):
    """
    A certificate that nobody trusts is a TLS failure.
    """
    async with MockDNSServer(GOOD, tls=tls) as server:
        url = f"dot://127.0.0.1:{server.tls_port}/?name=a.example&type=A"
        good, bad = await ask(trusting, url, timeout_s=10), await ask(client, url, timeout_s=10)

    assert good.address == GOOD
    assert bad.failure.kind is FailureKind.TLS


async def test_dns_over_tls_that_ends_early_is_malformed(trusting, tls):
    """
    The server closes without a word.
    """
    async with MockDNSServer(GOOD, tls=tls, faults=[DNSFault.SILENT]) as server:
        answer = await ask(trusting, f"dot://127.0.0.1:{server.tls_port}/?name=a.example&type=A", timeout_s=10)

    assert answer.failure.kind in {FailureKind.MALFORMED, FailureKind.UNREACHABLE}


@pytest.mark.parametrize(
    ("fault", "media_type", "kind"),
    [
        (DNSFault.NONE, "application/dns-message", None),
        (DNSFault.NONE, "text/html", FailureKind.MARKUP),
        (DNSFault.REFUSED, "application/dns-message", FailureKind.STATUS),
        (DNSFault.OTHER_QUESTION, "application/dns-message", FailureKind.MALFORMED),
        (DNSFault.SEVERAL, "application/dns-message", FailureKind.SEVERAL),
    ],
)
async def test_dns_over_https_takes_only_a_sound_message_of_its_own_media_type(vouched, fault, media_type, kind):
    """
    A page with status 200 is none, nor is another's answer.
    """
    server, client = vouched
    server.media_type = media_type
    server.fault_next(fault)
    url = f"doh://127.0.0.1:{server.port}/dns-query?name=whoami.example&type=TXT&class=CH"
    answer = await ask(client, url, timeout_s=10)

    assert (answer.failure.kind if answer.failure else None) == kind
    assert answer.address == (GOOD if kind is None else None)
    assert server.questions[-1] == "whoami.example. CH TXT"
    assert server.calls[-1].request.method == "POST"


async def test_a_silent_server_over_https_is_left_when_nobody_waits(vouched):
    """
    The question came, no answer does, and giving up leaves nothing open.
    """
    server, client = vouched
    server.fault_next(DNSFault.SILENT)
    before = len(server.questions)
    asking = asyncio.create_task(
        ask(client, f"doh://127.0.0.1:{server.port}/dns-query?name=a.example&type=A", timeout_s=30)
    )
    async with asyncio.timeout(20):
        while len(server.questions) == before:  # noqa: ASYNC110 - the server's thread raises no event here
            await asyncio.sleep(0.01)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking


async def test_private_servers_are_refused_by_packets_too(client):
    """
    The guard is the same for every transport.
    """
    async with MockSTUNServer(GOOD) as server:
        answer = await ask(client, server.url, allow_private_address=False)
        named = await ask(client, server.url.replace("127.0.0.1", "localhost"), allow_private_address=False)

    assert server.requests == 0
    assert all("RFC 1122" in one.failure.detail for one in (answer, named))


async def test_the_local_interface_is_evidence_that_never_votes(client):
    """
    The loopback address towards loopback: no public address, and no weight.
    """
    spec = spec_for("interface://127.0.0.1")
    answer = await provider_for(spec, client=client).ask()

    assert (answer.failure.kind, answer.raw) == (FailureKind.NOT_PUBLIC, b"127.0.0.1")
    assert spec.source.weight == 0


@pytest.mark.parametrize(
    "url", ["dns://1.1.1.1/", "dns://1.1.1.1/?name=a.example&type=MX", "doh://x.example/q?name=a.example&class=HS"]
)
def test_a_question_that_cannot_be_asked_is_refused(url):
    """
    Name, type and class are checked when the settings are read.
    """
    with pytest.raises(SourceRefusedError, match="name=…"):
        spec_for(url)


def test_every_spare_can_be_built():
    """
    The list that ships is sound.
    """
    client = HTTPClient(policy=POLICY)

    assert len(SPARES) == len({provider_for(spec, client=client).source.name for spec in SPARES})


async def test_cancelling_leaves_nothing_behind(client):
    """
    No task of a question outlives it.
    """
    before = asyncio.all_tasks()
    async with MockSTUNServer(GOOD, faults=[STUNFault.SILENT]) as server:
        task = asyncio.create_task(ask(client, server.url, timeout_s=20))
        async with asyncio.timeout(10):
            while not server.requests:  # noqa: ASYNC110 - the server is asked within a few turns of the loop
                await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    assert before == asyncio.all_tasks()
