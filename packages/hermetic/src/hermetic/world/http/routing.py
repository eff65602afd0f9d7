"""
Telling a server what it answers: routes, applications behind it, real servers passed on to, and recordings.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hermetic.world.http.behaviour import Behaviour
from hermetic.world.http.errors import BadRouteError
from hermetic.world.http.matchers import Criteria, Predicate, TextMatch, json_wanted
from hermetic.world.http.patterns import compile_path
from hermetic.world.http.router import Router

if TYPE_CHECKING:
    import re
    import ssl
    from collections.abc import Mapping

    from hermetic.foundation.clock import Clock
    from hermetic.world.http.apps import App
    from hermetic.world.http.proxy import Recorder
    from hermetic.world.http.recording import Recording
    from hermetic.world.http.replay import Key, WhenUsedUp
    from hermetic.world.http.route import Route
    from hermetic.world.http.scrubbing import Scrubber

_ASKED_NOTHING: Any = object()


class Routing(Behaviour):
    """
    The part of a server through which a test says what is answered to which request.
    """

    def __init__(self, *, clock: Clock) -> None:
        super().__init__(clock=clock)
        self._router = Router()
        self._apps: list[App] = []

    @abstractmethod
    def _new_route(self, criteria: Criteria, name: str) -> Route:
        """
        A route that belongs to this server.
        """

    def route(
        self,
        methods: str | Collection[str] | None,
        path: str,
        *,
        query: Mapping[str, TextMatch] | None = None,
        headers: Mapping[str, TextMatch] | None = None,
        json: Any = _ASKED_NOTHING,
        body: bytes | str | re.Pattern[bytes] | None = None,
        tls: bool | None = None,
        client: str | None = None,
        where: Predicate | None = None,
        nth: int | Collection[int] | None = None,
        first: bool = False,
        name: str | None = None,
        stacklevel: int = 2,
    ) -> Route:
        """
        Make a route; the first one made that matches takes a request, unless a later one says `first`.

        Raises:
            BadRouteError: it could never match.
        """
        given: Any = methods
        if not (given is None or isinstance(given, str | Collection)):
            raise BadRouteError(what=f"methods {given!r}", why="name one method or more, or None for all")
        named = None if methods is None else frozenset({methods} if isinstance(methods, str) else methods)
        if named is not None and not named:
            raise BadRouteError(what=f"methods {methods!r}", why="name one method or more, or None for all")
        criteria = Criteria(
            methods=named,
            path=compile_path(path),
            query=query,
            headers=headers,
            json=None if json is _ASKED_NOTHING else json_wanted(json),
            has_json=json is not _ASKED_NOTHING,
            body=body,
            tls=tls,
            client=client,
            where=where,
            nth=nth,
        )
        shown = "ANY" if named is None else ",".join(sorted(named))
        route = self._new_route(criteria, name or f"{shown} {path}")
        self._router.add(route, first=first, stacklevel=stacklevel)
        return route

    def get(self, path: str, **asked: Any) -> Route:
        """
        A route for GET, and HEAD without the body; arguments as for `route`.
        """
        return self.route("GET", path, stacklevel=3, **asked)

    def post(self, path: str, **asked: Any) -> Route:
        return self.route("POST", path, stacklevel=3, **asked)

    def put(self, path: str, **asked: Any) -> Route:
        return self.route("PUT", path, stacklevel=3, **asked)

    def patch(self, path: str, **asked: Any) -> Route:
        return self.route("PATCH", path, stacklevel=3, **asked)

    def delete(self, path: str, **asked: Any) -> Route:
        return self.route("DELETE", path, stacklevel=3, **asked)

    def any(self, path: str, **asked: Any) -> Route:
        """
        A route for every method.
        """
        return self.route(None, path, stacklevel=3, **asked)

    def asgi(self, app: Any, path: str = "/{rest:path}") -> Route:
        """
        Answer with an ASGI application, under all paths unless told otherwise. It runs on the server's loop.
        """
        from hermetic.world.http.apps import ASGIApp  # noqa: PLC0415  # for those who have an application

        return self._behind(ASGIApp(app), path)

    def aiohttp(self, app: Any, path: str = "/{rest:path}") -> Route:
        """
        Answer with an `aiohttp.web.Application`, which is set up on the server's loop and cleaned up with its stop.
        """
        from hermetic.world.http.aiohttp_app import AiohttpApp  # noqa: PLC0415  # aiohttp takes 200 ms to import

        return self._behind(AiohttpApp(app), path)

    def _behind(self, app: App, path: str) -> Route:
        self._apps.append(app)
        return self.route(None, path, name=f"app {path}", stacklevel=4).reply(app)

    def remove(self, route: Route) -> None:
        self._router.remove(route)

    @property
    def routes(self) -> tuple[Route, ...]:
        return self._router.routes

    # ------------------------------------------------------------ real servers, live and recorded

    def proxy_to(
        self,
        url: str,
        *,
        record: str | Path | None = None,
        scrub: Scrubber | bool = True,
        path: str = "/{rest:path}",
        ssl_context: ssl.SSLContext | None = None,
        timeout: float = 30.0,
    ) -> Recorder:
        """
        Pass on what no other route takes to a real server, and record it with its times.

        Args:
            url: the real server, such as "https://api.example.org".
            record: a file for the recording, replaced when it exists; None keeps it in memory.
            scrub: take secrets out of the recording, by the rules of `Scrubber`; False records them.
            path: which paths are passed on.
            ssl_context: for https; the system's trust by default.
            timeout: seconds without a byte after which the real server counts as gone.

        Raises:
            UpstreamError: the address is none.
        """
        from hermetic.world.http.proxy import Proxy, Recorder  # noqa: PLC0415  # brings httptools and ssl
        from hermetic.world.http.scrubbing import Scrubber  # noqa: PLC0415
        from hermetic.world.http.upstream import Upstream  # noqa: PLC0415

        upstream = Upstream(url, clock=self.clock, ssl_context=ssl_context, timeout=timeout)
        scrubber = (Scrubber() if scrub else None) if isinstance(scrub, bool) else scrub
        recorder = Recorder(upstream=upstream.url, path=None if record is None else Path(record), scrubber=scrubber)
        proxy = Proxy(upstream, recorder)
        for one in dict.fromkeys(("/", path)) if path == "/{rest:path}" else (path,):
            self.any(one, name=f"proxy {one}").reply(proxy)
        return recorder

    def replay(
        self,
        recording: Recording | str | Path,
        *,
        speed: float = 1.0,
        by: tuple[Key, ...] = ("method", "target", "body"),
        when_used_up: WhenUsedUp = "repeat",
        scrub: Scrubber | bool = True,
    ) -> list[Route]:
        """
        Answer from a recording, at its pace; arguments as for `replay_on`.

        Raises:
            RecordingError: the file is no recording.
            BoundsError: `speed` is not above 0.
        """
        from hermetic.world.http.recording import Recording  # noqa: PLC0415  # only those who replay pay for it
        from hermetic.world.http.replay import replay_on  # noqa: PLC0415
        from hermetic.world.http.scrubbing import Scrubber  # noqa: PLC0415

        tape = recording if isinstance(recording, Recording) else Recording.load(Path(recording))
        scrubber = (Scrubber() if scrub else None) if isinstance(scrub, bool) else scrub
        return replay_on(self, tape, speed=speed, by=by, when_used_up=when_used_up, scrubber=scrubber)
