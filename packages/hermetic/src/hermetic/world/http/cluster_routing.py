"""
Telling all servers of a cluster what they answer, and judging what all of them saw.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any

from hermetic.world.http.cluster_route import ClusterRoute

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from hermetic.foundation.clock import Clock
    from hermetic.world.http.conduct import Conduct
    from hermetic.world.http.reply import Reply
    from hermetic.world.http.route import Route
    from hermetic.world.http.server import MockServer


class ClusterRouting:
    """
    The part of `MockCluster` through which a test says what is answered.
    """

    name: str
    seed: int
    clock: Clock
    servers: dict[str, MockServer]

    @abstractmethod
    def __iter__(self) -> Iterator[MockServer]: ...

    @abstractmethod
    def answers_as_standby(self, server: str) -> Reply | None:
        """
        What this server must answer now because it is not the primary; None when it serves.
        """

    def route(self, methods: str | Collection[str] | None, path: str, **asked: Any) -> ClusterRoute:
        """
        The same route on every server; arguments as for `MockServer.route`.
        """
        made: dict[str, Route] = {
            name: server.route(methods, path, stacklevel=3, **asked) for name, server in self.servers.items()
        }
        return ClusterRoute(made, cluster=self.name, seed=self.seed, standby=self.answers_as_standby)

    def get(self, path: str, **asked: Any) -> ClusterRoute:
        return self.route("GET", path, **asked)

    def post(self, path: str, **asked: Any) -> ClusterRoute:
        return self.route("POST", path, **asked)

    def put(self, path: str, **asked: Any) -> ClusterRoute:
        return self.route("PUT", path, **asked)

    def patch(self, path: str, **asked: Any) -> ClusterRoute:
        return self.route("PATCH", path, **asked)

    def delete(self, path: str, **asked: Any) -> ClusterRoute:
        return self.route("DELETE", path, **asked)

    def any(self, path: str, **asked: Any) -> ClusterRoute:
        """
        A route for every method.
        """
        return self.route(None, path, **asked)

    def check_unmatched(self) -> None:
        """
        Raises:
            UnmatchedRequestsError: one of the servers got requests without a route, and that is not allowed.
        """
        for server in self:
            server.check_unmatched()

    def conduct(self) -> Conduct:
        """
        What clients did to all the servers together.
        """
        from hermetic.world.http.conduct import Conduct  # noqa: PLC0415  # only those who judge pay for it

        calls = [call for server in self for call in server.calls]
        epoch = self.clock.time() - self.clock.monotonic()
        return Conduct(calls, subject=f"cluster {self.name!r}", epoch_s=epoch, open_now=self.open_connections)

    def open_connections(self) -> list[str]:
        """
        Of all servers, as for `MockServer.open_connections`.
        """
        return [f"{server.name}: {one}" for server in self for one in server.open_connections()]
