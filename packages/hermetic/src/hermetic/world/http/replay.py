"""
Answering from a recording: the same replies at the same pace, found by what is asked.

Requests are scrubbed as the recording was before they are compared, so a client with real credentials finds the replies
that were recorded without. The n-th equal request gets the n-th recorded reply, whichever connection it comes on; the
place in the sequence is taken when the request matches, so concurrent clients never get one reply twice.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol
from urllib.parse import unquote

from hermetic.world.http import bounds
from hermetic.world.http.errors import BoundsError
from hermetic.world.http.faults.model import Sender
from hermetic.world.http.proxy import Passage, recorded_request, scrubbed_request
from hermetic.world.http.reply import Reply, fail

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from hermetic.world.http.matchers import Predicate
    from hermetic.world.http.outlet import Outlet
    from hermetic.world.http.recording import RecordedReply, RecordedRequest, Recording
    from hermetic.world.http.request import Request
    from hermetic.world.http.route import Route
    from hermetic.world.http.scrubbing import Scrubber

WhenUsedUp = Literal["repeat", "again", "refuse"]
Key = Literal["method", "target", "path", "body"]


class RouteMaker(Protocol):
    """
    The part of a server that a replay needs.
    """

    def route(
        self, methods: str | Collection[str] | None, path: str, *, where: Predicate | None, name: str | None
    ) -> Route: ...


@dataclass(frozen=True, slots=True)
class Replayed(Sender):
    """
    One recorded reply as an answer. Its times are divided by `speed`; at infinity nothing waits.
    """

    reply: RecordedReply
    speed: float = 1.0

    async def send(self, out: Outlet, reply: Reply) -> None:  # noqa: ARG002  # the recorded one is sent
        recorded = self.reply
        await self._wait(out, recorded.first_byte_s)
        if recorded.end == "refused":
            out.reset()
            return
        passage = Passage(out, recorded.status, recorded.reason, recorded.headers)
        await passage.begin()
        for piece in recorded.pieces:
            await self._wait(out, piece.after_s)
            await passage.piece(piece.data)
        await passage.end(is_complete=recorded.end == "complete")

    async def _wait(self, out: Outlet, seconds: float) -> None:
        if seconds / self.speed > 0:
            await out.sleep(seconds / self.speed)


def replay_on(
    server: RouteMaker,
    recording: Recording,
    *,
    speed: float = 1.0,
    by: tuple[Key, ...] = ("method", "target", "body"),
    when_used_up: WhenUsedUp = "repeat",
    scrubber: Scrubber | None,
) -> list[Route]:
    """
    Make a route for each different request of the recording.

    Args:
        server: gets the routes.
        recording: what to answer with.
        speed: 2 is twice as fast as it was; `math.inf` does not wait.
        by: what must be equal for a request to be the recorded one; "path" is the target without its query.
        when_used_up: after the last reply to a request, repeat it, begin again, or refuse with 404.
        scrubber: the one the recording was made with; None compares as it comes.

    Raises:
        BoundsError: `speed` is not above 0, or there is no such `by` or `when_used_up`.
    """
    for one in by:
        bounds.one_of(one, ("method", "target", "path", "body"), where="replay(by)")
    bounds.one_of(when_used_up, ("repeat", "again", "refuse"), where="replay(when_used_up)")
    if not speed > 0:
        raise BoundsError(where="replay(speed)", value=speed, allowed="a factor above 0")
    found: dict[tuple[str, ...], list[RecordedReply]] = defaultdict(list)
    first: dict[tuple[str, ...], RecordedRequest] = {}
    for exchange in recording.exchanges:
        key = _key_of(exchange.request, by)
        found[key].append(exchange.reply)
        first.setdefault(key, exchange.request)
    routes: list[Route] = []
    for key, replies in found.items():
        asked = first[key]
        route = server.route(
            asked.method if "method" in by else None,
            _pattern(asked.target) if {"target", "path"} & set(by) else "/{rest:path}",
            where=_matcher(key, by, scrubber),
            name=f"{asked.method} {asked.target}",
        )
        routes.append(_answering(route, [Replayed(reply, speed) for reply in replies], when_used_up))
    return routes


def _answering(route: Route, answers: list[Replayed], when_used_up: WhenUsedUp) -> Route:
    match when_used_up:
        case "repeat":
            return route.then(*answers)
        case "refuse":
            used_up = fail(404, body=f"{route.name}: the recording has {len(answers)} replies, and all were used")
            return route.then(*answers).reply(used_up)
        case "again":
            return route.cycle(*answers)


def _key_of(request: RecordedRequest, by: tuple[Key, ...]) -> tuple[str, ...]:
    parts = {
        "method": request.method,
        "target": request.target,
        "path": request.target.partition("?")[0],
        "body": request.body.decode("latin-1"),
    }
    return tuple(parts[one] for one in by)


def _matcher(key: tuple[str, ...], by: tuple[Key, ...], scrubber: Scrubber | None) -> Callable[[Request], bool]:
    def is_recorded(request: Request) -> bool:
        asked = recorded_request(request)
        if scrubber is not None:
            asked = scrubbed_request(asked, scrubber.begin())
        return _key_of(asked, by) == key

    return is_recorded


def _pattern(target: str) -> str:
    # Paths are compared decoded too; what a pattern would take for a field or a wildcard matches anything there.
    path = unquote(target.partition("?")[0])
    return "/{rest:path}" if set(path) & set("{}*?#~") or not path.startswith("/") else path
