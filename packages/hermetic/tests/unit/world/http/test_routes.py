"""
Routes without a server: what they take, in which order, and what cannot be asked.
"""

from __future__ import annotations

import re
import warnings

import pytest
from hermetic.world.http import MockServer, Reply, chunked, data, fail, json, ok, text
from hermetic.world.http.errors import BadReplyError, BadRouteError, ShadowedRouteWarning
from hermetic.world.http.patterns import compile_path
from hermetic.world.http.request import Request


def request(method: str = "GET", target: str = "/", *, body: bytes = b"", **headers: str) -> Request:
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request(method=method, target=target, raw_headers=raw, body=body)


def found(server: MockServer, asked: Request) -> str | None:
    route = server._router.find(asked)
    return None if route is None else route.name


class TestPaths:
    @pytest.mark.parametrize(
        "pattern, path, expected",
        [
            ("/ip", "/ip", {}),
            ("/ip", "/ip/", None),
            ("/a b", "/a%20b", {}),
            ("/dynamic/{x}", "/dynamic/a%2Fb", {"x": "a/b"}),
            ("/dynamic/{x}", "/dynamic/a/b", None),
            ("/files/{rest:path}", "/files/a/b", {"rest": "a/b"}),
            ("/{rest:path}", "/", {"rest": ""}),
            ("/*/b", "/a/b", {}),
            ("/a.c", "/abc", None),
        ],
    )
    def test_pattern_takes_and_captures(self, pattern, path, expected):
        """
        Literal text is literal, a field is one segment, captures are decoded.
        """
        assert compile_path(pattern).match(path) == expected

    @pytest.mark.parametrize("pattern", ["ip", "", "/a?b=1", "/a#b", "/{x}/{x}", "/{", "/{1}", "/{x:int}", None, 3])
    def test_malformed_pattern_is_refused(self, pattern):
        """
        When the route is made, with the pattern in the text.
        """
        with pytest.raises(BadRouteError, match=re.escape(repr(pattern))):
            MockServer().get(pattern)


class TestMatching:
    def test_first_route_that_matches_takes_the_request(self):
        """
        And one made with first=True goes in front of all.
        """
        server = MockServer()
        server.get("/ip", query={"format": "json"}, name="json")
        server.get("/ip", name="plain")
        server.get("/ip", name="front", headers={"X-A": re.compile("^1")}, first=True)

        assert found(server, request(target="/ip?format=json")) == "json"
        assert found(server, request(target="/ip?format=xml")) == "plain"
        assert found(server, request(target="/ip?format=json", X_A="12")) == "front"
        assert found(server, request("POST", "/ip")) is None
        assert found(server, request("HEAD", "/ip")) == "plain"

    def test_body_json_client_and_conditions(self):
        """
        Each asks for more than the path.
        """
        server = MockServer()
        server.post("/", json={"a": 1}, name="json")
        server.post("/", body=re.compile(b"^x+$"), name="body")
        server.post("/", client="worker", name="client")
        server.post("/", where=lambda asked: asked.header("x-b") == "2", name="where")

        assert found(server, request("POST", body=b'{ "a": 1 }')) == "json"
        assert found(server, request("POST", body=b"xxx")) == "body"
        assert found(server, request("POST", Hermetic_Client="worker")) == "client"
        assert found(server, request("POST", X_B="2")) == "where"
        assert found(server, request("POST", body=b"{broken")) is None

    def test_nth_counts_what_meets_everything_else(self):
        """
        The second and third such request, whatever else came between.
        """
        server = MockServer()
        server.get("/", nth={2, 3}, name="nth")
        server.get("/", name="rest")

        assert [found(server, request()) for _ in range(4)] == ["rest", "nth", "nth", "rest"]

    def test_condition_that_raises_does_not_hold_and_is_named(self):
        """
        The comparison shows what it raised.
        """
        server = MockServer()
        server.get("/", where=lambda asked: asked.json()["a"])

        assert found(server, request()) is None
        assert "JSONDecodeError" in server._router.explain(request())

    @pytest.mark.parametrize("bad", [{"nth": 0}, {"nth": []}, {"nth": True}])
    def test_impossible_count_is_refused(self, bad):
        """
        Requests are counted from 1.
        """
        with pytest.raises(BadRouteError, match="counted from 1"):
            MockServer().get("/", **bad)

    def test_impossible_method_is_refused(self):
        """
        A method is a token, and there must be one.
        """
        with pytest.raises(BadRouteError, match="token"):
            MockServer().route("GET POST", "/")
        with pytest.raises(BadRouteError, match="one method or more"):
            MockServer().route([], "/")


class TestShadows:
    @pytest.mark.parametrize(
        "earlier, later",
        [("/ip", "/ip"), ("/{x}", "/ip"), ("/{rest:path}", "/a/{x}"), ("/a/*", "/a/{x}")],
    )
    def test_route_that_is_never_reached_is_warned_about(self, earlier, later):
        """
        At the line that makes it, with both names.
        """
        server = MockServer()
        server.get(earlier)
        with pytest.warns(ShadowedRouteWarning, match=f"GET {re.escape(later)} is never reached") as caught:
            server.get(later)

        assert caught[0].filename == __file__

    def test_routes_that_can_be_reached_are_not(self):
        """
        Narrower first, other methods, other conditions, or put in front.
        """
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            server = MockServer()
            server.get("/a/{x}", query={"q": "1"})
            server.get("/a/{x}")
            server.post("/a/{x}")
            server.get("/{x}")
            server.get("/{x}", first=True)


class TestReplies:
    @pytest.mark.parametrize(
        "make",
        [
            lambda: json({1, 2}),
            lambda: json(float("nan")),
            lambda: text(b"x"),
            lambda: data("x"),
            lambda: Reply(99),
            lambda: Reply(1000),
            lambda: fail(503, times=0),
            lambda: text("x", headers={"A": "b\r\nC: d"}),
            lambda: text("x", headers={"A B": "c"}),
            lambda: text("x", headers=[("A", 1)]),
            lambda: MockServer().get("/").json(object()),
            lambda: MockServer().get("/").file("/nowhere/at/all"),
            lambda: MockServer().get("/").template("$"),
            lambda: MockServer().get("/").then("text"),
            lambda: MockServer().get("/").call(3),
        ],
    )
    def test_reply_that_cannot_be_written_is_refused_when_it_is_made(self, make):
        """
        Not when the first request comes.
        """
        with pytest.raises(BadReplyError):
            make()

    def test_empty_chunks_are_left_out(self):
        """
        An empty chunk would be the end of the body.
        """
        assert chunked([b"a", b"", b"b"]).chunks == (b"a", b"b")


class TestSequences:
    def test_steps_come_once_or_as_often_as_they_say_then_the_routes_own(self):
        """
        `ok()` without a value stands for the route's own answer.
        """
        route = MockServer().get("/").text("own").then(fail(503, times=2), ok(), fail(500))

        assert [route.advance().status for _ in range(6)] == [503, 503, 200, 500, 200, 200]

    def test_last_step_repeats_where_there_is_nothing_else(self):
        """
        A sequence never runs out.
        """
        route = MockServer().get("/").then(ok("a"), fail(503))

        assert [route.advance().status for _ in range(4)] == [200, 503, 503, 503]
