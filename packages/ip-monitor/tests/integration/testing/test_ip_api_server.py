"""
The simulated services: what each endpoint says, and that IP Monitor's own adapter reads every profile.
"""

from __future__ import annotations

import aiohttp
import pytest
import requests
from hermetic.world.http.errors import UnmatchedRequestsError
from ip_monitor.adapters.providers.client import HTTPClient
from ip_monitor.adapters.providers.http import HTTPProvider
from ip_monitor.domain.addresses import AddressPolicy, Family
from ip_monitor.testing import PLAY_RANGES, PROFILES, MockAPICluster, MockIPAPIServer


@pytest.fixture
async def server():
    async with MockIPAPIServer(slow_s=0.05, seed=1) as running:
        yield running


@pytest.fixture
async def session():
    async with aiohttp.ClientSession() as opened:
        yield opened


@pytest.fixture
async def ask():
    """
    Ask as the monitor does, and give the answer.
    """
    client = HTTPClient(policy=AddressPolicy(PLAY_RANGES))
    yield lambda spec: HTTPProvider(spec, client=client).ask()
    await client.aclose()


def truth(server):
    return str(server.line.address(Family.V4))


@pytest.mark.parametrize(
    ("path", "status", "body"),
    [
        ("/json", 200, '{{"ip":"{ip}"}}'),
        ("/text", 200, "{ip}"),
        ("/custom", 200, '{{"address":"{ip}"}}'),
        ("/nested", 200, '{{"data":{{"network":{{"ip":"{ip}"}}}}}}'),
        ("/array", 200, '[{{"ip":"{ip}"}}]'),
        ("/slow", 200, "{ip}"),
        ("/error", 500, "500 Internal Server Error"),
        ("/rate_limit", 429, "429 Too Many Requests"),
        ("/malformed", 200, '{{"ip": "{ip}'),
        ("/empty", 200, ""),
        ("/invalid_ip", 200, "999.999.999.999"),
        ("/multiple_ips", 200, "192.168.0.2, {ip}"),
        ("/dynamic/198.51.100.9", 200, "198.51.100.9"),
        ("/dynamic/503", 503, "503 Service Unavailable"),
        ("/dynamic/nonsense", 404, "'nonsense' is neither an address nor a status"),
    ],
)
async def test_each_endpoint_answers_in_its_own_way(server, session, path, status, body):
    """
    To the byte, so that a test may rely on it.
    """
    async with session.get(server.url_for(path)) as response:
        said = await response.text()

    assert (response.status, said) == (status, body.format(ip=truth(server)))


async def test_the_rate_limit_says_when_to_come_back(server, session):
    """
    As RFC 9110 wants it.
    """
    async with session.get(server.url_for("/rate_limit")) as response:
        assert response.headers["Retry-After"] == "30"


async def test_the_endpoint_that_never_answers_does_not_keep_the_server_from_stopping(session):
    """
    Stopping waits for nobody.
    """
    async with MockIPAPIServer(seed=1) as server:
        with pytest.raises(TimeoutError):
            await session.get(server.url_for("/timeout"), timeout=aiohttp.ClientTimeout(total=0.1))

    assert not server.is_running


@pytest.mark.parametrize("profile", sorted(PROFILES))
async def test_the_monitor_reads_every_profile(ask, profile):
    """
    Each service's manner of answering is understood by the adapter that asks the real ones.
    """
    async with MockIPAPIServer(profile=profile, seed=1) as server:
        answer = await ask(server.spec())

    assert (answer.failure, str(answer.address)) == (None, truth(server))


@pytest.mark.parametrize(
    ("profile", "trouble"),
    [(name, trouble) for name, profile in sorted(PROFILES.items()) for trouble in sorted(profile.failures)],
)
async def test_no_known_failure_of_a_service_is_taken_for_an_address(ask, profile, trouble):
    """
    Whatever a service has been seen to say in trouble, it is a failure with a reason.
    """
    async with MockIPAPIServer(profile=profile, seed=1) as server:
        server.fail_as(trouble)
        answer = await ask(server.spec())

    assert answer.address is None
    assert answer.failure is not None
    assert answer.failure.detail


async def test_an_unknown_failure_is_refused_by_name(server):
    """
    A misspelled trouble must not leave a healthy server behind.
    """
    with pytest.raises(KeyError, match="cannot fail as 'nonsense'; it knows: none"):
        server.fail_as("nonsense")


@pytest.mark.parametrize(
    ("profile", "headers", "body"),
    [
        ("ipify", {}, "{ip}"),
        ("icanhazip", {}, "{ip}\n"),
        ("ifconfig_me", {}, "{ip}"),
        ("aws", {}, "{ip}\n"),
        ("aws", {"X-Forwarded-For": "192.168.0.2"}, "192.168.0.2, {ip}\n"),
        ("ident_me", {}, "{ip}"),
        ("httpbin", {"X-Forwarded-For": "10.0.0.1"}, '{{"origin":"10.0.0.1, {ip}"}}'),
    ],
)
async def test_bodies_are_those_of_the_services_to_the_byte(session, profile, headers, body):
    """
    A newline or its absence has broken readers before.
    """
    async with MockIPAPIServer(profile=profile, seed=1) as server:
        url = server.spec().url
        async with session.get(url, headers=headers) as response:
            assert await response.text() == body.format(ip=truth(server))


async def test_ipify_answers_json_when_asked(session):
    """
    `?format=json`, as documented.
    """
    server = MockIPAPIServer(profile="ipify", seed=1)
    async with server, session.get(f"{server.url}/?format=json") as response:
        assert await response.json() == {"ip": truth(server)}


async def test_a_trace_names_its_host_and_no_tunnel(session):
    """
    The fields by which a monitor tells a true trace from a wrong one.
    """
    server = MockIPAPIServer(profile="cloudflare_trace", seed=1)
    async with server, session.get(server.url_for("/cdn-cgi/trace")) as response:
        fields = dict(line.split("=", 1) for line in (await response.text()).splitlines())

    assert (fields["h"], fields["ip"], fields["warp"]) == ("127.0.0.1", truth(server), "off")
    assert list(fields) == ["fl", "h", "ip", "ts", "visit_scheme", "uag", "colo", "http", "loc", "tls", "sni", "warp"]


async def test_an_ipv6_client_is_told_its_ipv6_address(session):
    """
    The family of the connection decides, as with the real services.
    """
    server = MockIPAPIServer(profile="ipify", host="::1", seed=1)
    async with server, session.get(server.url_for("/")) as response:
        assert await response.text() == str(server.line.address(Family.V6))


async def test_a_lie_staleness_and_honesty_again(ask):
    """
    The three states of a service that answers well-formed.
    """
    async with MockIPAPIServer(profile="ipify", seed=1) as server:
        first = truth(server)
        second = str(server.line.change(Family.V4))
        server.lie("198.51.100.7")
        lied = await ask(server.spec())
        server.be_stale(3600.0)
        stale = await ask(server.spec())
        server.be_honest()
        honest = await ask(server.spec())

    assert [str(answer.address) for answer in (lied, stale, honest)] == ["198.51.100.7", first, second]


async def test_a_cluster_looks_at_one_line(ask):
    """
    All report the same address, before and after a change.
    """
    async with MockAPICluster({"alder": "ipify", "birch": "aws", "cedar": "cloudflare_trace"}, seed=1) as cluster:
        before = {str((await ask(spec)).address) for spec in cluster.specs()}
        changed = cluster.line.change(Family.V4)
        after = {str((await ask(spec)).address) for spec in cluster.specs()}

    assert len(before) == 1
    assert after == {str(changed)}
    assert not any(server.is_running for server in cluster)


def test_code_without_a_loop_has_a_cluster_too():
    """
    And its block fails for a request that no endpoint takes.
    """
    cluster = MockAPICluster({"alder": "ipify", "birch": "aws"}, seed=1)
    with pytest.raises(UnmatchedRequestsError, match="server 'birch' got 1 request"), cluster:
        told = requests.get(cluster["alder"].url, timeout=10).text
        assert told == truth(cluster["alder"])
        assert requests.get(cluster["birch"].url_for("/nowhere"), timeout=10).status_code == 404

    assert not any(server.is_running for server in cluster)


def test_unknown_names_are_refused_with_those_that_there_are():
    """
    A profile and an operator.
    """
    with pytest.raises(KeyError, match="no profile 'nonsense'; there are: aws, "):
        MockIPAPIServer(profile="nonsense")
    with pytest.raises(KeyError, match="no operator 'nobody'; the cluster has: alder"):
        MockAPICluster({"alder": "ipify"})["nobody"]
