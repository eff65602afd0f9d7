"""
One route on every server of a cluster: answer alike, or let the servers disagree.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from hermetic.world.http.errors import BadClusterError, BoundsError
from hermetic.world.http.reply import Reply, ok, reply_from
from hermetic.world.http.swizzle import swizzle_plan

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hermetic.world.http.calls import Call
    from hermetic.world.http.request import Request
    from hermetic.world.http.route import Route


class ClusterRoute:
    """
    Made by `MockCluster.route`. `standby` gives what a server must answer because it is not the primary, or None.
    """

    def __init__(
        self, routes: Mapping[str, Route], *, cluster: str, seed: int, standby: Callable[[str], Reply | None]
    ) -> None:
        self.routes = dict(routes)
        self._cluster = cluster
        self._seed = seed
        self._standby = standby
        for name in self.routes:
            self._answer(name, ok(""))

    def __getitem__(self, server: str) -> Route:
        try:
            return self.routes[server]
        except KeyError as error:
            raise BadClusterError(
                what=f"server {server!r}", why=f"the cluster {self._cluster!r} has {', '.join(self.routes)}"
            ) from error

    def __repr__(self) -> str:
        return f"<ClusterRoute {next(iter(self.routes.values())).name} [{self.call_count} calls]>"

    @property
    def calls(self) -> list[Call]:
        """
        Of all servers, in the order in which they came.
        """
        return sorted((call for route in self.routes.values() for call in route.calls), key=lambda call: call.at_s)

    @property
    def called(self) -> bool:
        return self.call_count > 0

    @property
    def call_count(self) -> int:
        return sum(route.call_count for route in self.routes.values())

    def reply(self, value: Any) -> Self:
        """
        All servers answer this: a Reply, or a value as for `ok`.
        """
        return self.disagree(dict.fromkeys(self.routes, value))

    def json(self, value: Any, **options: Any) -> Self:
        from hermetic.world.http.reply import json  # noqa: PLC0415  # a name that would hide this method

        return self.reply(json(value, **options))

    def text(self, value: str, **options: Any) -> Self:
        from hermetic.world.http.reply import text  # noqa: PLC0415  # a name that would hide this method

        return self.reply(text(value, **options))

    def disagree(self, answers: Mapping[str, Any]) -> Self:
        """
        These servers answer each its own; the others go on as before.

        Raises:
            BadClusterError: there is no such server.
        """
        for name, value in answers.items():
            self[name]
            self._answer(name, reply_from(value))
        return self

    def split(self, majority: Any, minority: Any, *, of: int = 1) -> list[str]:
        """
        `of` servers, chosen by the cluster's seed, answer `minority` and the rest `majority`; returns those few.

        Raises:
            BoundsError: `of` is not below the number of servers.
        """
        names = list(self.routes)
        if not 0 <= of < len(names):
            raise BoundsError(where="split(of)", value=of, allowed=f"a whole number from 0 to {len(names) - 1}")
        order = swizzle_plan(names, seed=self._seed, name=f"split {self.routes[names[0]].name}", nth=0, everyone=True)
        few = [step.server for step in order[:of]]
        self.disagree({name: minority if name in few else majority for name in names})
        return few

    def _answer(self, name: str, reply: Reply) -> None:
        standby = self._standby

        def answer(_request: Request) -> Reply:
            return standby(name) or reply

        self.routes[name].call(answer)
