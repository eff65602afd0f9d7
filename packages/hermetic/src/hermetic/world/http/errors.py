"""
What the mock servers raise and warn about.

    HermeticError
    ├── ServerError                 the server itself
    │   ├── PortTakenError          (OSError) names the process that holds the port when it can be known
    │   ├── NotRunningError         used before start or after stop
    │   └── StartFailedError        the listener could not be opened for another reason
    ├── BadRouteError               (ValueError) a path or matcher that can never work
    ├── BadReplyError               (ValueError) a reply that cannot be written
    ├── AppError                    (RuntimeError) an application behind a server did not answer
    ├── BadFaultError               (ValueError) a rate, count or size out of its range
    ├── BoundsError                 (ValueError) a number that a distribution, shape, queue or limit cannot take
    ├── ScheduleError               (ValueError) a schedule that cannot be read or followed
    ├── RecordingError              (ValueError) a recording that cannot be read
    ├── UpstreamError               (OSError) the server behind a proxy cannot be named or reached
    ├── NothingFailsError           (ValueError) a schedule to be shrunk does not fail
    ├── BadClusterError             (ValueError) a cluster, or what was asked of it, cannot be
    ├── ConductError                (AssertionError) a client did not behave as was asserted
    ├── CallsNotSeenError           (TimeoutError) `wait_for` gave up
    └── UnmatchedRequestsError      (AssertionError) requests that no route took

    UserWarning
    └── ShadowedRouteWarning        a route that can never be reached
"""

from __future__ import annotations

from hermetic.errors import HermeticError


class ServerError(HermeticError):
    """
    Base of what goes wrong with a server as a whole.
    """


class NotRunningError(ServerError):
    def __init__(self, *, server: str, asked: str, state: str) -> None:
        self.server = server
        self.asked = asked
        self.state = state
        super().__init__(
            f"server {server!r} was asked for {asked} but it is {state}. "
            "Start it first (`with MockServer() as api:` or `await api.start()`), and ask before it stops."
        )


class PortTakenError(ServerError, OSError):
    """
    The address is in use; `holder` names the process when /proc shows it.
    """

    def __init__(self, *, server: str, address: str, holder: str | None) -> None:
        self.server = server
        self.address = address
        self.holder = holder
        held = f"it is held by {holder}" if holder else "which process holds it cannot be seen from here"
        super().__init__(
            f"server {server!r} cannot listen on {address}: the address is in use; {held}. "
            "Leave the port out (port 0 takes a free one), or stop what listens there."
        )


class StartFailedError(ServerError, OSError):
    def __init__(self, *, server: str, address: str, why: str) -> None:
        self.server = server
        self.address = address
        self.why = why
        super().__init__(f"server {server!r} cannot listen on {address}: {why}. Check host, port and path.")


class BadRouteError(HermeticError, ValueError):
    def __init__(self, *, what: str, why: str) -> None:
        self.what = what
        self.why = why
        super().__init__(f"bad route: {what}: {why}.")


class BadReplyError(HermeticError, ValueError):
    def __init__(self, *, what: str, why: str) -> None:
        self.what = what
        self.why = why
        super().__init__(f"bad reply: {what}: {why}.")


class AppError(HermeticError, RuntimeError):
    """
    An application behind a mock server did not answer.
    """

    def __init__(self, *, what: str, why: str) -> None:
        self.what = what
        self.why = why
        super().__init__(f"the application behind the mock server did not answer: {what}: {why}.")


class BadFaultError(HermeticError, ValueError):
    def __init__(self, *, what: str, why: str) -> None:
        self.what = what
        self.why = why
        super().__init__(f"bad fault: {what}: {why}.")


class BoundsError(HermeticError, ValueError):
    """
    `where` names the call and its argument ("lognormal(p99)"), `value` is what was given, `allowed` the range.
    """

    def __init__(self, *, where: str, value: object, allowed: str) -> None:
        self.where = where
        self.value = value
        self.allowed = allowed
        super().__init__(f"{where} got {value!r}. Give {allowed}.")


class ScheduleError(HermeticError, ValueError):
    """
    `source` is the file and line, or where else the schedule came from.
    """

    def __init__(self, *, problem: str, source: str, remedy: str) -> None:
        self.problem = problem
        self.source = source
        self.remedy = remedy
        super().__init__(f"{problem} ({source}). {remedy}")


class NothingFailsError(HermeticError, ValueError):
    """
    The schedule to be shrunk does not fail, so there is nothing to look for.
    """

    def __init__(self, *, schedule: str) -> None:
        self.schedule = schedule
        super().__init__(
            f"{schedule} does not fail, so it cannot be shrunk. Either the failure does not come from what the "
            "server decided, or the run does not repeat: run the schedule several times before shrinking it."
        )


class RecordingError(HermeticError, ValueError):
    """
    `source` is the file and line.
    """

    def __init__(self, *, problem: str, source: str, remedy: str) -> None:
        self.problem = problem
        self.source = source
        self.remedy = remedy
        super().__init__(f"{problem} ({source}). {remedy}")


class UpstreamError(HermeticError, OSError):
    def __init__(self, *, url: str, why: str) -> None:
        self.url = url
        self.why = why
        super().__init__(f"upstream {url!r}: {why}. Check its address, and that it runs.")


class BadClusterError(HermeticError, ValueError):
    def __init__(self, *, what: str, why: str) -> None:
        self.what = what
        self.why = why
        super().__init__(f"bad cluster: {what}: {why}.")


class ConductError(HermeticError, AssertionError):
    """
    `timeline` shows the calls that were judged, those at fault marked with ">".
    """

    def __init__(self, *, subject: str, what: str, remedy: str, timeline: str) -> None:
        self.subject = subject
        self.what = what
        self.remedy = remedy
        self.timeline = timeline
        super().__init__(f"{subject}: {what}. {remedy}\n{timeline}")


class CallsNotSeenError(HermeticError, TimeoutError):
    def __init__(self, *, route: str, wanted: int, seen: int, timeout_s: float, others: str) -> None:
        self.route = route
        self.wanted = wanted
        self.seen = seen
        self.timeout_s = timeout_s
        super().__init__(
            f"route {route} was called {seen} of {wanted} times within {timeout_s:g} s.{others} "
            "Wait longer, or look at what the code under test asked instead."
        )


class UnmatchedRequestsError(HermeticError, AssertionError):
    def __init__(self, *, server: str, count: int, listing: str) -> None:
        self.server = server
        self.count = count
        self.listing = listing
        super().__init__(
            f"server {server!r} got {count} request{'s' if count != 1 else ''} that no route takes:\n{listing}\n"
            "Add a route, mend the request, or allow it with `allow_unmatched=True`."
        )


class ShadowedRouteWarning(UserWarning):
    """
    An earlier route takes every request that this one would.
    """
