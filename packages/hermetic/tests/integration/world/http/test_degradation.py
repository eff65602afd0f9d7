"""
Latency, load, conditions and limits as a client meets them. Time is a clock that only takes note of what was slept.
"""

from __future__ import annotations

import asyncio
import http.client
import socket
import ssl

import pytest
from hermetic.foundation import SystemClock
from hermetic.world.http import (
    MockServer,
    brown_out,
    fixed_window,
    outage,
    pause,
    quota,
    ramp,
    recovery,
    sliding_window,
    token_bucket,
    uniform,
    warm_up,
)
from hermetic.world.http.faults import bandwidth, slow_drip

LIMIT_FIELDS = {
    "ratelimit": {"RateLimit-Policy", "RateLimit"},
    "ratelimit-3": {"RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"},
    "x-ratelimit": {"X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"},
    "x-epoch": {"X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"},
    "none": set(),
}


class NotedClock(SystemClock):
    """
    A sleep is noted, moves the time on and is over; none is ever over while the clock `stands_still`.
    """

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []
        self.stands_still = False

    def monotonic(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        if self.stands_still:
            await asyncio.get_running_loop().create_future()
        self.slept.append(round(seconds, 6))
        self.now += seconds
        await asyncio.sleep(0)


@pytest.fixture
def clock():
    return NotedClock()


@pytest.fixture
def api(clock):
    with MockServer(seed=1, clock=clock) as server:
        yield server


class Client:
    """
    One kept connection.
    """

    def __init__(self, server: MockServer) -> None:
        self.server = server
        self.connection = http.client.HTTPConnection(server.hosts[0], server.port, timeout=10)

    def get(self, path: str = "/", **headers: str) -> http.client.HTTPResponse:
        self.connection.request("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        reply = self.connection.getresponse()
        reply.read()
        return reply

    def statuses(self, count: int) -> list[int]:
        return [self.get().status for _ in range(count)]


@pytest.fixture
def client(api):
    made = Client(api)
    yield made
    made.connection.close()


class TestLatency:
    def test_connect_first_byte_and_body_are_waited_for_apart(self, api, client, clock):
        """
        Once a connection, once a request, and in ten steps over the body.
        """
        api.latency(0.02, connect=0.3, body=1.0)
        api.get("/").text("x" * 100)
        client.statuses(2)

        assert clock.slept == [0.3, 0.02, *[0.1] * 10, 0.02, *[0.1] * 10]
        assert [call.planned_s for call in api.calls] == [pytest.approx(1.02)] * 2

    def test_a_routes_own_latency_takes_the_place_of_the_servers(self, api, client, clock):
        """
        And none at all is none.
        """
        api.latency(5.0)
        route = api.get("/").delay(0.25).text("x")
        client.get()
        route.latency()
        api.latency()
        client.get()

        assert clock.slept == [0.25]

    def test_connect_latency_holds_the_handshake(self, clock):
        """
        Over TLS, where a client's connect time-out sees it.
        """
        with MockServer(seed=1, clock=clock, tls=True) as api:
            api.latency(connect=0.7)
            context = api.authority.client_context()
            with (
                socket.create_connection((api.hosts[0], api.port), timeout=10) as plain,
                context.wrap_socket(plain, server_hostname="localhost") as secured,
            ):
                assert isinstance(secured, ssl.SSLSocket)
            assert clock.slept == [0.7]

    def test_drip_and_bandwidth_take_the_time_that_they_say(self, api, client, clock):
        """
        A byte every so often, and no more than so many bytes a second.
        """
        route = api.get("/").text("x" * 10)
        with route.fault(slow_drip(every=0.5, size=4)):
            client.get()
        assert clock.slept == [0.5] * 3
        clock.slept.clear()
        with route.fault(bandwidth(100)):
            client.get()

        assert sum(clock.slept) == pytest.approx(route.calls[-1].sent_bytes / 100)


class TestLoad:
    def test_waiting_grows_out_of_concurrency_and_overflow_is_refused(self, api, raw, clock):
        """
        Two workers of a second each, two places: six requests at one instant wait 0, 0, 1, 1 seconds; two are refused
        and told when there is room.
        """
        route = api.get("/").load(2, service_time=1.0, queue=2).text("done")
        clock.stands_still = True
        for _ in range(6):
            raw(api).send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        # The last two are refused, and so over: by then all six are decided.
        route.wait_for_blocking(2, finished=True)
        planned = sorted((call.refused_by, call.planned_s) for call in route.calls)

        assert planned == [("", 1.0), ("", 1.0), ("", 2.0), ("", 2.0), ("queue full", 0.0), ("queue full", 0.0)]
        refused = [call for call in route.calls if call.status == 503]
        assert [call.retry_after for call in refused] == ["1", "1"]


class TestConditions:
    @pytest.mark.parametrize(
        "shape, statuses, waits",
        [
            (outage(1, 2, by="requests"), [200, 503, 503, 200, 200], [0.1, 0.1, 0.1]),
            (brown_out(1, 2, error_rate=1, by="requests"), [200, 500, 500, 200, 200], [0.1, 0.1, 0.1]),
            (brown_out(1, 1, factor=3, extra_s=1, by="requests"), [200] * 3, [0.1, 1.3, 0.1]),
            (warm_up(2, factor=5, by="requests"), [200] * 4, [0.5, 0.3, 0.1, 0.1]),
            (ramp(2, factor=3, by="requests"), [200] * 4, [0.1, 0.2, 0.3, 0.3]),
            (recovery(1, 1, over=1, by="requests"), [200, 503, 500, 200], [0.1, 0.1]),
            (outage(0.05, 0.1, every=10), [200, 503], [0.1]),
            (pause(0, 2), [200] * 2, [2.1, 0.1]),
        ],
        ids=str,
    )
    def test_a_shape_changes_what_clients_get_and_how_long_they_wait(self, client, shape, statuses, waits):
        """
        Refusals wait for nothing; the rest for the route's tenth of a second, as the conditions change it.
        """
        client.server.shape(shape)
        client.server.get("/").delay(0.1).text("x")

        assert client.statuses(len(statuses)) == statuses
        assert client.server.clock.slept == pytest.approx(waits)

    def test_fair_weather_comes_back(self, api, client):
        """
        A shape is taken away by saying none.
        """
        api.get("/").text("x")
        api.shape(outage(0, 1e9))
        assert client.statuses(2) == [503, 503]
        api.shape()

        assert client.statuses(1) == [200]


class TestLimits:
    @pytest.mark.parametrize("style", LIMIT_FIELDS)
    @pytest.mark.parametrize(
        "limit", [fixed_window(2, 60), sliding_window(2, 60), token_bucket(0.5, burst=2), quota(2, "month")], ids=str
    )
    def test_a_client_is_told_where_it_stands_and_refused_beyond_it(self, api, client, clock, limit, style):
        """
        In the fields of the style and no others; a client that waits as told is served, and another has a count of its
        own.
        """
        known = set().union(*LIMIT_FIELDS.values())
        api.get("/").rate_limit(limit, style=style).text("x")
        replies = [client.get() for _ in range(3)]

        assert [reply.status for reply in replies] == [200, 200, 429]
        for reply in replies:
            assert {name for name in known if name in reply.headers} == LIMIT_FIELDS[style]
        assert [reply.getheader("Retry-After") is not None for reply in replies] == [False, False, True]
        assert client.get(Hermetic_Client="another").status == 200
        if not str(limit).startswith("Quota"):
            clock.now += int(replies[-1].getheader("Retry-After"))
            assert client.get().status == 200

    def test_server_and_route_both_limit(self, api, client):
        """
        The server's limit counts for all its routes.
        """
        api.rate_limit(fixed_window(3, 60))
        api.get("/a").rate_limit(fixed_window(1, 60, name="a")).text("a")
        api.get("/b").text("b")

        assert [client.get(path).status for path in ("/a", "/a", "/b", "/b")] == [200, 429, 200, 429]


def test_an_idle_connection_is_closed_after_its_time(raw):
    """
    And one that is at work is not.
    """
    with MockServer(seed=1, keep_alive_s=0.02) as api:
        api.get("/").delay(0.05).text("x")
        one = raw(api)
        one.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        got, end = one.read_to_end()

    assert got.endswith(b"x")
    assert end == "fin"


def test_another_loop_can_carry_the_server():
    """
    `loop_factory` makes it; the server answers from it.
    """
    made: list[asyncio.AbstractEventLoop] = []

    def factory() -> asyncio.AbstractEventLoop:
        made.append(asyncio.SelectorEventLoop())
        return made[-1]

    async def loop_of(request):
        return str(asyncio.get_running_loop() is made[0])

    with MockServer(seed=1, loop_factory=factory) as api:
        api.get("/").call(loop_of)
        client = Client(api)
        client.connection.request("GET", "/")
        assert client.connection.getresponse().read() == b"True"
        client.connection.close()

    assert made[0].is_closed()


def test_a_distribution_is_drawn_anew_for_each_request(api, client, clock):
    """
    Within its bounds, and the same again from the same seed.
    """
    api.get("/").latency(uniform(0.1, 0.2)).text("x")
    client.statuses(5)

    assert len(set(clock.slept)) == 5
    assert all(0.1 <= slept <= 0.2 for slept in clock.slept)
