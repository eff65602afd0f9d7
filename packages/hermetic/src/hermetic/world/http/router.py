"""
Which route takes a request: the first one made that matches. And what came near when none does.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

from hermetic.world.http.errors import ShadowedRouteWarning

if TYPE_CHECKING:
    from hermetic.world.http.matchers import Mismatch
    from hermetic.world.http.request import Request
    from hermetic.world.http.route import Route

# How many of the nearest routes a 404 compares with.
SHOWN = 3


class Router:
    """
    Routes in order. Changed from any thread by replacing the tuple; read on the server's loop.
    """

    def __init__(self) -> None:
        self.routes: tuple[Route, ...] = ()

    def add(self, route: Route, *, first: bool, stacklevel: int) -> None:
        """
        Append it, or put it before all others; warns when an earlier one takes everything that it would.
        """
        if not first:
            for earlier in self.routes:
                if _covers(earlier, route):
                    warnings.warn(
                        f"route {route.name} is never reached: {earlier.name}, made before it, takes every request "
                        "that it would. Make the narrower route first, or pass first=True to put it in front.",
                        ShadowedRouteWarning,
                        stacklevel=stacklevel + 1,
                    )
                    break
        self.routes = (route, *self.routes) if first else (*self.routes, route)

    def remove(self, route: Route) -> None:
        self.routes = tuple(one for one in self.routes if one is not route)

    def find(self, request: Request) -> Route | None:
        """
        The route that takes the request, with its path fields put into `request.params`.
        """
        path = request.path
        for route in self.routes:
            criteria = route.criteria
            if not criteria.takes_method(request.method):
                continue
            params = criteria.path.match(path)
            if params is None:
                continue
            if params:
                request.params = params
            if criteria.is_simple:
                return route
            if criteria.mismatches_beyond_path(request):
                continue
            route.met += 1
            if criteria.takes_nth(route.met):
                return route
        request.params = {}
        return None

    def near_misses(self, request: Request) -> list[tuple[Route, list[Mismatch]]]:
        """
        The routes that lack least, best first.
        """
        scored = [(route, route.criteria.mismatches(request)) for route in self.routes]
        return sorted(scored, key=lambda pair: _distance(pair[1]))[:SHOWN]

    def explain(self, request: Request) -> str:
        """
        Why no route takes the request, as text for people.
        """
        lines = [f"no route takes {request.summary()}"]
        for route, mismatches in self.near_misses(request):
            why = "; ".join(map(str, mismatches)) or f"nth: wanted {route.criteria.nth}, got {route.met}"
            lines.append(f"  {route.name}: {why}")
        if not self.routes:
            lines.append("  the server has no routes")
        return "\n".join(lines)


def _distance(mismatches: list[Mismatch]) -> int:
    # A wrong path makes it another route altogether; anything else is probably a mistake in this one.
    return sum(10 if one.part == "path" else 1 for one in mismatches)


def _covers(earlier: Route, later: Route) -> bool:
    ours, theirs = earlier.criteria, later.criteria
    methods = ours.methods is None or (theirs.methods is not None and theirs.methods <= ours.methods)
    return methods and ours.path.covers(theirs.path) and (ours.is_simple or ours == theirs)
