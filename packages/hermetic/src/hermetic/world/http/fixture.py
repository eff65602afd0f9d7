"""
`HTTPMockFixture`: the servers of one test, made when asked for, stopped and judged together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from hermetic.world.http.server import MockServer

if TYPE_CHECKING:
    from types import TracebackType

    from hermetic.foundation.sink import Sink
    from hermetic.world.http.report import StopReport
    from hermetic.world.http.route import Route

# How many of a server's last requests a failure shows.
_SHOWN = 10


class HTTPMockFixture:
    """
    Knows nothing of pytest: the plugin's fixture `http_mock` is one, and a unittest's `setUp` may make another.

    Args:
        seed: of all its servers; they draw apart because their names differ.
        sink: where their ledgers go; by default into the stream of the process.
    """

    def __init__(self, *, seed: int, sink: Sink | None = None) -> None:
        self.seed = seed
        self.servers: dict[str, MockServer] = {}
        self._sink = sink

    def __repr__(self) -> str:
        return f"<HTTPMockFixture seed {self.seed} [{', '.join(self.servers) or 'no servers'}]>"

    def server(self, name: str = "server", **options: Any) -> MockServer:
        """
        The running server of that name; made and started when it is first asked for, with `options` as for
        `MockServer`.

        Raises:
            ValueError: there is one of that name already, and options were given.
        """
        if name in self.servers:
            if options:
                raise ValueError(
                    f"server {name!r} was made before; its options ({', '.join(options)}) cannot be changed. "
                    "Give them when it is first asked for, or choose another name."
                )
            return self.servers[name]
        made = MockServer(name, seed=self.seed, sink=self._sink, **options)
        self.servers[name] = made.start_blocking()
        return made

    @property
    def url(self) -> str:
        """
        Of the server without a name of its own.
        """
        return self.server().url

    def url_for(self, path: str = "/") -> str:
        return self.server().url_for(path)

    def get(self, path: str, **asked: Any) -> Route:
        return self.server().route("GET", path, stacklevel=3, **asked)

    def post(self, path: str, **asked: Any) -> Route:
        return self.server().route("POST", path, stacklevel=3, **asked)

    def any(self, path: str, **asked: Any) -> Route:
        return self.server().route(None, path, stacklevel=3, **asked)

    def check(self) -> None:
        """
        Raises:
            UnmatchedRequestsError: a server got a request that no route takes, and did not allow that.
        """
        for server in self.servers.values():
            server.check_unmatched()

    def stop(self) -> list[StopReport]:
        """
        Stop all servers; idempotent. They stay readable: calls, unmatched requests, reports.
        """
        return [server.stop_blocking() for server in self.servers.values()]

    def describe(self) -> str:
        """
        What a failed test is shown: the seed, each server, its last requests and what was done to them.
        """
        lines = [f"seed {self.seed}: the same draws come again with --hermetic-seed={self.seed}"]
        for server in self.servers.values():
            lines.append(repr(server))
            lines += [f"  {call!r}" for call in server.calls[-_SHOWN:]]
            lines += [f"  rejected with {status}: {why}" for status, why in server.rejected[-_SHOWN:]]
        return "\n".join(lines)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        if error is None:
            self.check()
