"""
Routes without a server: what they take, in which order, and what cannot be asked.
"""

from __future__ import annotations

import contextlib
import re
import warnings

import httptools
import pytest
from hermetic.world.http import MockServer, Reply, chunked, data, fail, html, json, ok, redirect, services, text
from hermetic.world.http.errors import BadReplyError, BadRouteError, ShadowedRouteWarning
from hermetic.world.http.faults import wrong_content_type
from hermetic.world.http.matchers import METHODS
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
            ("/grüße/{x}", "/gr%C3%BC%c3%9fe/100%25", {"x": "100%"}),
            ("/a b/*", "/a%20b/c", {}),
            ("/a b/*", "/a+b/c", None),
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

    @pytest.mark.parametrize(
        "methods, words",
        [
            ("get", "written in capitals: 'GET'"),
            ("GET POST", "answers it with 501"),
            ("FETCH", "answers it with 501"),
            ("", "answers it with 501"),
            (["GET", 5], "a method is text"),
            ([], "one method or more"),
            (5, "one method or more"),
        ],
    )
    def test_impossible_method_is_refused(self, methods, words):
        """
        What no request could ever bring, with the reason.
        """
        with pytest.raises(BadRouteError, match=words):
            MockServer().route(methods, "/")

    def test_a_route_can_have_every_method_that_the_parser_knows(self):
        """
        And no other: a route for those would never be met.
        """
        for method in sorted(METHODS | {"FETCH", "DESCRIBE", "get"}):
            parser = httptools.HttpRequestParser(object())
            try:
                with contextlib.suppress(httptools.HttpParserUpgrade):
                    parser.feed_data(f"{method} / HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            except httptools.HttpParserError:
                assert method not in METHODS
            else:
                assert method in METHODS

    @pytest.mark.parametrize(
        "asked, words",
        [
            ({"query": {"page": 1}}, re.escape("query={'page': 1}: names are text")),
            ({"query": {1: "x"}}, "names are text"),
            ({"query": "page=1"}, "a mapping of names"),
            ({"headers": {"X-A": b"y"}}, "what is wanted is text"),
            ({"headers": {"X-A": re.compile(b"y")}}, "a pattern of text"),
            ({"headers": [("X-A", "y")]}, "a mapping of names"),
            ({"body": {"a": 1}}, "json=… compares a parsed body"),
            ({"body": re.compile("x")}, "a pattern of bytes"),
            ({"json": {"a": {1, 2}}}, "equal to a set"),
            ({"json": b"{}"}, "equal to a bytes"),
            ({"where": 5}, "a function of the request"),
            ({"client": 5}, "a client's label is text"),
            ({"tls": "yes"}, "True, False"),
            ({"nth": "1"}, "a whole number, or several"),
            ({"nth": 1.5}, "a whole number, or several"),
            ({"nth": [1, "2"]}, "a whole number, or several"),
        ],
    )
    def test_what_no_request_could_meet_is_refused(self, asked, words):
        """
        When the route is made, and not as a puzzling 404 in the middle of a test.
        """
        with pytest.raises(BadRouteError, match=words):
            MockServer().get("/", **asked)

    def test_json_is_compared_as_json(self):
        """
        Tuples are lists there and keys are text; an object with an equality of its own decides by that.
        """

        class Any:
            __hash__ = None

            def __eq__(self, other):
                return True

        server = MockServer()
        server.post("/", json={"pair": (1, 2), 3: Any()}, name="json")

        assert found(server, request("POST", body=b'{"3": "whatever", "pair": [1, 2]}')) == "json"
        assert found(server, request("POST", body=b'{"3": "whatever", "pair": [2, 1]}')) is None


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
            lambda: text("\ud800"),
            lambda: html(5),
            lambda: json("\ud800"),
            lambda: chunked(["x"]),
            lambda: chunked([5]),
            lambda: Reply("200"),
            lambda: Reply(status=True),
            lambda: Reply(body="x"),
            lambda: Reply(reason="a\r\nb"),
            lambda: fail(503, times=1.5),
            lambda: redirect(5),
            lambda: redirect("/a\r\nX: y"),
            lambda: wrong_content_type("a\r\nb"),
            lambda: services.too_many_requests(form="date"),
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
        assert chunked(b"whole").chunks == (b"whole",)


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
