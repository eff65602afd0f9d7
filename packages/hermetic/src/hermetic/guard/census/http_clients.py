"""
Clients of httpx, requests and urllib3, when those libraries are loaded. One that never made a connection is silent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from hermetic.foundation.remedy import Remedy
from hermetic.guard.census.tracker import Basic
from hermetic.guard.census.wording import safe_repr
from hermetic.guard.census.wrapping import all_of, at_creation

if TYPE_CHECKING:
    from collections.abc import Callable

    from hermetic.guard.census.arrivals import Arrivals
    from hermetic.guard.census.tracker import Intake, Tracker


class _Client(Basic):
    classes: tuple[tuple[str, str], ...]

    def __init__(self, arrivals: Arrivals) -> None:
        self._arrivals = arrivals

    def install(self, intake: Intake) -> Callable[[], None]:
        undoes: list[Callable[[], None]] = []

        def watch(name: str) -> Callable[[Any], None]:
            return lambda module: undoes.append(at_creation(getattr(module, name), cast("Tracker", self), intake))

        for module, name in self.classes:
            self._arrivals.when(module, watch(name))
        return all_of(undoes)

    def subject(self, resource: Any, note: str) -> str:
        del note
        return safe_repr(resource)


class HttpxClients(_Client):
    classes = (("httpx._client", "Client"), ("httpx._client", "AsyncClient"))
    kind = "httpx.client"
    noun = "httpx client"
    title = "httpx client"
    rank = 71
    remedy = Remedy(
        text="Use it inside a with, which closes it:", code="async with httpx.AsyncClient() as client:\n    …"
    )

    def is_open(self, resource: Any) -> bool:
        return str(resource._state.name) == "OPENED"  # noqa: SLF001 - is_closed is false for one that was never used

    def mend(self, resource: Any) -> str:
        if hasattr(resource, "close"):
            resource.close()
            return "closed"
        # An asynchronous client does not know its loop. Its transports, which do, are closed as its parts.
        states: Any = resource._state.__class__  # noqa: SLF001 - as in is_open
        resource._state = states.CLOSED  # noqa: SLF001 - so that it counts as closed
        return "closed"


class RequestsSessions(_Client):
    classes = (("requests.sessions", "Session"),)
    kind = "requests.session"
    noun = "requests session"
    title = "requests session"
    rank = 70
    remedy = Remedy(text="Use it inside a with, which closes it:", code="with requests.Session() as session:\n    …")

    def is_open(self, resource: Any) -> bool:
        return any(
            len(adapter.poolmanager.pools) > 0
            for adapter in resource.adapters.values()
            if hasattr(adapter, "poolmanager")
        )

    def mend(self, resource: Any) -> str:
        resource.close()
        return "closed"


class Urllib3Managers(_Client):
    classes = (("urllib3.poolmanager", "PoolManager"),)
    kind = "urllib3.manager"
    noun = "urllib3 pool manager"
    title = "urllib3 pool manager"
    rank = 61
    remedy = Remedy(
        text="Use it inside a with, which closes its pools:", code="with urllib3.PoolManager() as http:\n    …"
    )

    def is_open(self, resource: Any) -> bool:
        return len(resource.pools) > 0

    def mend(self, resource: Any) -> str:
        resource.clear()
        return "cleared"


class Urllib3Pools(_Client):
    classes = (("urllib3.connectionpool", "HTTPConnectionPool"),)
    kind = "urllib3.pool"
    noun = "urllib3 pool"
    title = "urllib3 pool"
    rank = 57
    remedy = Remedy(
        text="Use it inside a with, which closes its connections:",
        code="with urllib3.HTTPConnectionPool(host) as pool:\n    …",
    )

    def is_open(self, resource: Any) -> bool:
        return resource.pool is not None and any(
            connection is not None and connection.sock is not None for connection in resource.pool.queue
        )

    def mend(self, resource: Any) -> str:
        resource.close()
        return "closed"
