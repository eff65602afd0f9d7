"""
Faults in scope: how often, how long, whom; and what cannot be asked.
"""

from __future__ import annotations

import asyncio
import socket

import pytest
from hermetic.foundation import ListSink, SystemClock
from hermetic.world.http import MockServer, fail, ok
from hermetic.world.http.errors import BadFaultError
from hermetic.world.http.faults import (
    black_hole,
    close,
    content_length,
    cut_on_accept,
    expired_certificate,
    extra_bytes,
    garbage,
    gzip_bomb,
    instead,
    refuse,
    reset,
    slow_drip,
    stall,
    wrong_charset,
)

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


class HandClock(SystemClock):
    """
    Wall time as usual, and a monotonic clock that a test moves on.
    """

    def __init__(self) -> None:
        self.ahead = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self.ahead


def statuses(raw, server: MockServer, count: int, *, headers: bytes = b"") -> list[int | str]:
    """
    The status of so many requests, each on a connection of its own, or how it ended.
    """
    found: list[int | str] = []
    for _ in range(count):
        one = raw(server)
        one.send(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + headers + b"\r\n")
        got, end = one.read_to_end()
        found.append(int(got.split()[1]) if got else end)
    return found


class TestScope:
    def test_fault_ends_with_its_block(self, raw):
        """
        Inside every request is struck, outside none.
        """
        with MockServer() as api:
            route = api.get("/").text("x")
            before = statuses(raw, api, 2)
            with route.fault(reset()) as rule:
                inside = statuses(raw, api, 3)

            assert (before, inside, statuses(raw, api, 2)) == ([200] * 2, ["rst"] * 3, [200] * 2)
            assert (rule.looked, rule.struck) == (3, 3)

    def test_fault_ends_with_its_time_to_live(self, raw):
        """
        By the server's clock.
        """
        clock = HandClock()
        with MockServer(clock=clock) as api:
            api.get("/").text("x").fault(close(), ttl=5)
            early = statuses(raw, api, 1)
            clock.ahead = 6

            assert (early, statuses(raw, api, 1)) == (["fin"], [200])

    def test_rate_as_a_function_of_time(self, raw):
        """
        It is asked with the seconds since the rule was set.
        """
        clock = HandClock()
        with MockServer(clock=clock) as api:
            api.get("/").text("x").fault(close(), rate=lambda elapsed_s: 1.0 if elapsed_s > 10 else 0.0)
            early = statuses(raw, api, 2)
            clock.ahead = 11

            assert (early, statuses(raw, api, 2)) == ([200] * 2, ["fin"] * 2)

    def test_by_client_by_nth_and_by_times(self, raw):
        """
        Only the client named, only the requests counted, only so often.
        """
        with MockServer() as api:
            route = api.get("/").text("x")
            with route.fault(fail(503), client="a"):
                assert statuses(raw, api, 1, headers=b"Hermetic-Client: a\r\n") == [503]
                assert statuses(raw, api, 1, headers=b"Hermetic-Client: b\r\n") == [200]
            with route.fault(fail(503), nth={2, 4}):
                assert statuses(raw, api, 5) == [200, 503, 200, 503, 200]
            with route.fault(fail(503), times=2):
                assert statuses(raw, api, 4) == [503, 503, 200, 200]
            with api.fault(fail(500), where=lambda request: "x-bad" in request.headers):
                assert statuses(raw, api, 1, headers=b"X-Bad: 1\r\n") == [500]
                assert statuses(raw, api, 1) == [200]

    def test_faults_in_a_sequence(self, raw):
        """
        A step may be a fault; the sequence goes on with the next request.
        """
        with MockServer() as api:
            api.get("/").text("own").then(reset(), fail(503, times=2), close(), ok())

            assert statuses(raw, api, 6) == ["rst", 503, 503, "fin", 200, 200]

    @pytest.mark.deadline(600)
    @pytest.mark.prove("fault-rates", sample=2_000, full=100_000)
    @pytest.mark.parametrize("rate, expected", [(0.0, 200), (1.0, 503)])
    def test_a_rate_of_0_gives_none_and_a_rate_of_1_gives_all(self, raw, rounds, rate, expected):
        """
        Exactly, over many requests on one pipelined connection.
        """
        with MockServer() as api:
            api.get("/").text("x").fault(fail(503), rate=rate)
            one = raw(api)
            for begin in range(0, rounds, 500):
                count = min(500, rounds - begin)
                one.send(GET * count)
                got = one.read_until(b"HTTP/1.1 ", count=count)

                assert got.count(b"HTTP/1.1 %d" % expected) == count

    def test_applied_faults_are_in_the_ledger(self, raw):
        """
        With name, bytes and how the connection was left.
        """
        sink = ListSink()
        with MockServer(sink=sink) as api:
            api.get("/").text("x").fault(reset(after_bytes=7))
            statuses_seen = raw(api)
            statuses_seen.send(GET)
            statuses_seen.read_to_end()
        ended = [event for event in sink.events if event.kind == "http.exchange"]

        assert [(e.fault, e.outcome, e.sent_bytes, e.close) for e in ended] == [("reset", "faulted", 7, "rst")]


class TestListening:
    def test_refused_port_stays_reserved(self):
        """
        Nobody else gets the port meanwhile, and it listens again afterwards.
        """
        with MockServer() as api:
            api.get("/").text("x")
            for _ in range(3):
                with api.fault(refuse()):
                    with pytest.raises(ConnectionRefusedError):
                        socket.create_connection(("127.0.0.1", api.port))
                    with pytest.raises(OSError, match="in use"), socket.socket() as other:
                        other.bind(("127.0.0.1", api.port))
                socket.create_connection(("127.0.0.1", api.port)).close()

    def test_fault_set_before_the_start_holds_from_the_start(self):
        """
        A server may begin its life refusing.
        """
        api = MockServer()
        rule = api.fault(refuse())
        with api:
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", api.port))
            rule.remove()
            socket.create_connection(("127.0.0.1", api.port)).close()

    async def test_on_the_callers_loop_it_takes_effect_at_once(self):
        """
        With in_loop=True the rule is set by code that holds the loop.
        """
        async with MockServer(in_loop=True) as api:
            with api.fault(refuse()), pytest.raises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", api.port))
            socket.create_connection(("127.0.0.1", api.port)).close()

    async def test_connection_made_just_before_a_stop_is_not_left_behind(self):
        """
        Whatever stage of being accepted it is in.
        """
        for turns in range(6):
            api = MockServer(in_loop=True)
            await api.start()
            with socket.create_connection(("127.0.0.1", api.port)) as sock:
                for _ in range(turns):
                    await asyncio.sleep(0)
                await api.stop()
                sock.settimeout(5)
                with pytest.raises(ConnectionResetError):
                    sock.recv(1)


class TestBadInput:
    @pytest.mark.parametrize(
        "arguments, words",
        [
            ({"rate": -0.1}, "rate=-0.1"),
            ({"rate": 20}, "20 % is 0.2"),
            ({"rate": float("nan")}, "nan"),
            ({"ttl": 0}, "ttl=0"),
            ({"times": 0}, "times=0"),
            ({"nth": 0}, "nth=0"),
            ({"nth": "1"}, "nth='1'"),
            ({"nth": []}, "counted from 1"),
            ({"ttl": "5"}, "seconds above 0"),
            ({"ttl": float("nan")}, "seconds above 0"),
            ({"times": 1.5}, "a whole number of times"),
            ({"client": 5}, "a client's label is text"),
            ({"where": 5}, "a function of the request"),
        ],
    )
    def test_impossible_scope_is_refused(self, arguments, words):
        """
        When it is set, with the value and what would be right.
        """
        with pytest.raises(BadFaultError, match=words):
            MockServer().get("/").fault(reset(), **arguments)

    @pytest.mark.parametrize(
        "make",
        [
            lambda: reset(after_bytes=-1),
            lambda: reset(during="middle"),
            lambda: garbage(0),
            lambda: gzip_bomb(2**40),
            lambda: slow_drip(every=0),
            lambda: stall(after_bytes=1.5),
            lambda: cut_on_accept("gently"),
            lambda: content_length("5"),
            lambda: wrong_charset(actual="klingon"),
            lambda: wrong_charset(actual="ascii"),
            lambda: extra_bytes(-1),
            lambda: instead("text"),
            # The usual slip: no parentheses.
            lambda: MockServer().get("/").fault(reset),
            lambda: MockServer().get("/").fault("reset"),
        ],
    )
    def test_impossible_fault_is_refused(self, make):
        """
        When it is made.
        """
        with pytest.raises(BadFaultError):
            make()

    def test_fault_in_the_wrong_place_is_refused(self):
        """
        A route has no listening socket, a plain server no certificate, a listening socket no rate.
        """
        with pytest.raises(BadFaultError, match="set it on the server"):
            MockServer().get("/").fault(refuse())
        with pytest.raises(BadFaultError, match="without tls=True"):
            MockServer().fault(expired_certificate())
        with pytest.raises(BadFaultError, match="one for all connections"):
            MockServer().fault(black_hole(), rate=0.5)

    def test_rate_function_out_of_range_is_a_failed_handler_not_a_dead_server(self, raw):
        """
        The request is answered with 500 and the reason, and the server goes on.
        """
        with MockServer() as api:
            with api.get("/").text("x").fault(reset(), rate=lambda _: 7):
                assert statuses(raw, api, 1) == [500]

            assert statuses(raw, api, 1) == [200]
