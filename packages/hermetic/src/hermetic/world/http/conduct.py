"""
What a client did, asserted from the server's side.

A `Conduct` is a view of recorded calls at one moment: `api.conduct()` of all of a server, `route.conduct()` of one
route, `.of("label")` of one client. Each assertion either returns or raises a `ConductError` that shows the calls
it judged as a timeline. Times are the server's: a reply leaves before the client sees it, so a client that waits as
it was told is never judged too early.
"""

from __future__ import annotations

import asyncio
import math
from collections import defaultdict
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Protocol

from hermetic.world.http import bounds
from hermetic.world.http.errors import BoundsError, ConductError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

_SHOWN = 20
# How often a wait for closes looks again; they come from another thread, which has no event to wait for.
_LOOK_S = 0.002
# Of every call that was answered with one of these, a client should stay away for a while.
RETRIED = frozenset({408, 425, 429, 500, 502, 503, 504, *range(520, 528)})


class RequestSeen(Protocol):
    """
    What conduct looks at in a request.
    """

    @property
    def method(self) -> str: ...

    @property
    def target(self) -> str: ...

    @property
    def connection(self) -> int: ...

    @property
    def client(self) -> str | None: ...


class CallSeen(Protocol):
    """
    What conduct looks at in a call; `Call` has it.
    """

    @property
    def request(self) -> RequestSeen: ...

    @property
    def route(self) -> str: ...

    @property
    def at_s(self) -> float: ...

    @property
    def ended_s(self) -> float | None: ...

    @property
    def last_byte_s(self) -> float | None: ...

    @property
    def status(self) -> int | None: ...

    @property
    def outcome(self) -> str: ...

    @property
    def retry_after(self) -> str | None: ...


class Conduct:
    """
    Args:
        calls: the calls to judge.
        subject: whose they are, for the failure's text.
        epoch_s: the Unix time that belongs to the calls' second 0, for Retry-After given as a date.
        open_now: names the connections that are open at the moment it is called.
    """

    def __init__(
        self,
        calls: Iterable[CallSeen],
        *,
        subject: str,
        epoch_s: float = 0.0,
        open_now: Callable[[], Sequence[str]] = tuple,
    ) -> None:
        self.calls: Sequence[CallSeen] = sorted(calls, key=lambda call: call.at_s)
        self.subject = subject
        self._epoch_s = epoch_s
        self._open_now = open_now

    def __repr__(self) -> str:
        return f"<Conduct of {self.subject} [{len(self.calls)} calls]>"

    def of(self, client: str) -> Conduct:
        """
        Only the calls of the client with this label (header `Hermetic-Client`).
        """
        mine = [call for call in self.calls if call.request.client == client]
        return self._narrowed(mine, f"client {client!r} of {self.subject}")

    def since(self, moment_s: float) -> Conduct:
        """
        Only the calls that came at `moment_s` of the server's clock or later (`api.now()`).
        """
        later = [call for call in self.calls if call.at_s >= moment_s]
        return self._narrowed(later, f"{self.subject} since {moment_s:.3f} s")

    def where(self, wanted: Callable[[CallSeen], bool]) -> Conduct:
        """
        Only the calls for which `wanted` is true.
        """
        return self._narrowed(filter(wanted, self.calls), self.subject)

    def _narrowed(self, calls: Iterable[CallSeen], subject: str) -> Conduct:
        return Conduct(calls, subject=subject, epoch_s=self._epoch_s, open_now=self._open_now)

    # ------------------------------------------------------------ assertions

    def assert_honoured_retry_after(self, *, whole_server: bool = False, early_s: float = 0.0) -> None:
        """
        After a reply with Retry-After, in seconds or as a date, the same client left the same route alone for that
        long; with `whole_server` all routes. It must have asked at least once for a Retry-After to be judged.

        A client with several requests in flight may have sent one before it read the refusal: `early_s` forgives
        requests that came within so many seconds of the refusal itself.

        Raises:
            ConductError: a request came too early, or no reply carried a Retry-After.
        """
        judged = 0
        for group in self._groups(by_route=not whole_server):
            until, told, refused_at = -math.inf, "", -math.inf
            # Replies and arrivals in the order in which they happened on the server.
            for moment, call, is_arrival in _moments(group):
                if is_arrival:
                    if refused_at + early_s < moment < until:
                        self._fail(
                            f"a client did not honour Retry-After: {told}, but it came again after "
                            f"{moment - refused_at:.3f} s, {until - moment:.3f} s too early",
                            "Wait at least as long as Retry-After says before asking again.",
                            [call],
                        )
                    continue
                wait = self._told(call, moment)
                if wait is not None:
                    judged += 1
                    until, refused_at, told = moment + wait, moment, f"told {call.retry_after!r} with {call.status}"
        if not judged:
            self._fail("no reply carried a Retry-After that could be read", "Make the server refuse with one first.")

    def assert_backed_off(self, *, least_s: float, growth: float = 2.0, cap_s: float = math.inf) -> None:
        """
        The n-th retry of a client to a route came no sooner than `least_s * growth ** (n - 1)` seconds after the
        failure before it, or than `cap_s` if that is less. Failures are the statuses that ask for a retry, faults,
        refusals; a success begins anew. With jitter, let `least_s` be its lower edge.

        Raises:
            ConductError: a retry came too soon, or there was none.
            BoundsError: a time is negative, or `growth` is below 1.
        """
        bounds.duration(least_s, where="assert_backed_off(least_s)")
        if not growth >= 1:
            raise BoundsError(where="assert_backed_off(growth)", value=growth, allowed="a factor of 1 or more")
        retries = 0
        for group in self._groups(by_route=True):
            failures, failed_at = 0, 0.0
            for call in group:
                if failures:
                    retries += 1
                    due, gap = min(cap_s, least_s * growth ** (failures - 1)), call.at_s - failed_at
                    if gap < due:
                        self._fail(
                            f"retry {failures} came {gap:.3f} s after the failure before it, and not {due:.3f} s",
                            "Wait longer after each failure: exponential back-off with jitter.",
                            [call],
                        )
                failures = failures + 1 if _failed(call) else 0
                failed_at = call.at_s + _over(call)
        if not retries:
            self._fail("there was no retry to judge", "Make the server fail first, and look after the client retried.")

    def assert_concurrency_at_most(self, limit: int) -> None:
        """
        Never more than `limit` requests were in flight at once, from match to the end of the reply.

        Raises:
            ConductError: there were more.
        """
        bounds.count(limit, where="assert_concurrency_at_most(limit)")
        open_now: set[int] = set()
        for _, call, is_arrival in _moments(self.calls):
            if is_arrival:
                open_now.add(id(call))
                if len(open_now) > limit:
                    together = [one for one in self.calls if id(one) in open_now]
                    self._fail(
                        f"{len(open_now)} requests were in flight at once, and not {limit} at most",
                        "Bound the client: a semaphore, or a connector's limit.",
                        together,
                    )
            else:
                open_now.discard(id(call))

    def peak_concurrency(self) -> int:
        """
        The most requests that were in flight at once.
        """
        now = most = 0
        for _, _, is_arrival in _moments(self.calls):
            now += 1 if is_arrival else -1
            most = max(most, now)
        return most

    def assert_reused_connections(self, *, at_most: int = 1) -> None:
        """
        All calls came over `at_most` connections, and there were more calls than that.

        Raises:
            ConductError: there were more connections, or too few calls to tell.
        """
        bounds.count(at_most, where="assert_reused_connections(at_most)")
        used = {call.request.connection for call in self.calls}
        if len(used) > at_most:
            self._fail(
                f"{len(self.calls)} requests came over {len(used)} connections, and not {at_most} at most",
                "Keep one session for all requests, and read every reply to its end.",
            )
        if len(self.calls) <= at_most:
            self._fail(
                f"{len(self.calls)} requests cannot show whether {at_most} connections are used again",
                "Make more requests than connections first.",
            )

    async def assert_closed_connections(self, *, timeout: float = 1.0) -> None:  # noqa: ASYNC109  # told in the error
        """
        No client keeps a connection to the server open, whoever's calls these are; waits up to `timeout` seconds for
        closes that are on their way.

        Raises:
            ConductError: some are still open; names them.
        """
        deadline = asyncio.get_running_loop().time() + bounds.duration(
            timeout, where="assert_closed_connections(timeout)"
        )
        while left := self._open_now():
            if asyncio.get_running_loop().time() >= deadline:
                self._fail(
                    f"{len(left)} connections are still open after {timeout:g} s: {'; '.join(left)}",
                    "Close the client (`async with` its session), and read or release every reply.",
                )
            await asyncio.sleep(_LOOK_S)

    def assert_quiet(self) -> None:
        """
        There is no call: with `since`, that the client stopped (`conduct().since(cancelled_at).assert_quiet()`).

        Raises:
            ConductError: there is one.
        """
        if self.calls:
            self._fail(
                f"{len(self.calls)} requests came when none should",
                "Cancel what still sends: tasks, timers, retries.",
                self.calls[:1],
            )

    def assert_abandoned(self, times: int | None = None) -> None:
        """
        The client left `times` requests before their reply was over; None: at least one.

        Raises:
            ConductError: it left more or fewer.
        """
        left = [call for call in self.calls if call.outcome == "client gone"]
        if (times is None and not left) or (times is not None and len(left) != times):
            wanted = "at least one" if times is None else str(times)
            self._fail(
                f"{len(left)} requests were abandoned, and not {wanted}",
                "A client that gives up must close its connection, or the server goes on working for nobody; "
                "one that never gives up leaves none.",
                left,
            )

    def assert_abandoned_none(self) -> None:
        """
        Every reply was read to its end.

        Raises:
            ConductError: some were not.
        """
        self.assert_abandoned(0)

    # ------------------------------------------------------------ parts

    def timeline(self, marked: Sequence[CallSeen] = ()) -> str:
        """
        The calls as lines, times relative to the first; those that are `marked` begin with ">".
        """
        if not self.calls:
            return "  no calls"
        start = self.calls[0].at_s
        marks = {id(call) for call in marked}
        first = next((at for at, call in enumerate(self.calls) if id(call) in marks), 0)
        low = max(0, min(first - _SHOWN // 2, len(self.calls) - _SHOWN))
        rows = [
            f"{'>' if id(call) in marks else ' '} {call.at_s - start:+9.3f} s  {_row(call)}"
            for call in self.calls[low : low + _SHOWN]
        ]
        left_out = len(self.calls) - len(rows)
        return "\n".join(rows + ([f"  … and {left_out} more"] if left_out else []))

    def _fail(self, what: str, remedy: str, marked: Sequence[CallSeen] = ()) -> None:
        raise ConductError(subject=self.subject, what=what, remedy=remedy, timeline=self.timeline(marked))

    def _groups(self, *, by_route: bool) -> list[list[CallSeen]]:
        groups: dict[tuple[str | None, str], list[CallSeen]] = defaultdict(list)
        for call in self.calls:
            groups[call.request.client, call.route if by_route else ""].append(call)
        return list(groups.values())

    def _told(self, call: CallSeen, moment: float) -> float | None:
        if call.retry_after is None:
            return None
        if call.retry_after.isdigit():
            return float(call.retry_after)
        try:
            return parsedate_to_datetime(call.retry_after).timestamp() - (self._epoch_s + moment)
        except ValueError:
            return None


def _failed(call: CallSeen) -> bool:
    return call.outcome in {"faulted", "refused", "handler failed", "client gone"} or call.status in RETRIED


def _moments(calls: Iterable[CallSeen]) -> list[tuple[float, CallSeen, bool]]:
    """
    Arrivals and ends in order. At one instant ends come first: a request may be sent the moment a reply is in. A call
    that took no time by its clock still begins before it ends.
    """
    found: list[tuple[float, int, int, int, CallSeen]] = []
    for number, call in enumerate(calls):
        found.append((call.at_s, 1, number, 0, call))
        if call.ended_s is not None:
            took = _over(call)
            found.append((call.at_s + took, 0 if took > 0 else 1, number, 1, call))
    found.sort(key=lambda one: one[:4])
    return [(moment, call, not is_end) for moment, _, _, is_end, call in found]


def _over(call: CallSeen) -> float:
    """
    When the client could have the end of the reply: at the last write, though the server noticed a little later.
    """
    if call.outcome in {"replied", "refused"} and call.last_byte_s is not None:
        return call.last_byte_s
    return call.ended_s or 0.0


def _row(call: CallSeen) -> str:
    request = call.request
    end = "in flight" if call.ended_s is None else f"{call.ended_s:.3f} s"
    told = f", Retry-After {call.retry_after}" if call.retry_after is not None else ""
    who = f" by {request.client}" if request.client else ""
    return (
        f"{request.method} {request.target}{who} -> {call.outcome}, status {call.status}{told}, {end}, "
        f"connection {request.connection}"
    )
