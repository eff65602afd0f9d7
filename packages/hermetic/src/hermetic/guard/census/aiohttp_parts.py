"""
aiohttp: client sessions, connectors, and the runners of its servers.
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


class _AiohttpPart(Basic):
    module: str
    cls: str

    def __init__(self, arrivals: Arrivals) -> None:
        self._arrivals = arrivals

    def install(self, intake: Intake) -> Callable[[], None]:
        undoes: list[Callable[[], None]] = []
        self._arrivals.when(
            self.module,
            lambda module: undoes.append(at_creation(getattr(module, self.cls), cast("Tracker", self), intake)),
        )
        return all_of(undoes)


class ClientSessions(_AiohttpPart):
    module = "aiohttp.client"
    cls = "ClientSession"
    kind = "aiohttp.session"
    noun = "client session"
    title = "aiohttp ClientSession"
    rank = 72
    remedy = Remedy(
        text="Open it inside a with, which closes it:", code="async with aiohttp.ClientSession() as session:\n    …"
    )

    def is_open(self, resource: Any) -> bool:
        return not resource.closed

    def subject(self, resource: Any, note: str) -> str:
        del note
        base = getattr(resource, "_base_url", None)
        return f"{safe_repr(resource)}{f' for {base}' if base else ''}"

    def evidence(self, resource: Any) -> list[str]:
        return _connections(resource.connector)

    def mend(self, resource: Any) -> str:
        connector = resource.connector
        if not _close(connector._loop, resource.close):  # noqa: SLF001 - a session of 3.14 has no public loop
            connector._close()  # noqa: SLF001 - close() needs the loop that is closed
            resource.detach()
        return "closed"


class Connectors(_AiohttpPart):
    module = "aiohttp.connector"
    cls = "BaseConnector"
    kind = "aiohttp.connector"
    noun = "connector"
    title = "aiohttp connector"
    rank = 62
    remedy = Remedy(text="Close it, or give it to a session that owns it:", code="await connector.close()")

    def is_open(self, resource: Any) -> bool:
        return not resource.closed

    def subject(self, resource: Any, note: str) -> str:
        del note
        return safe_repr(resource)

    def evidence(self, resource: Any) -> list[str]:
        return _connections(resource)

    def mend(self, resource: Any) -> str:
        if not _close(resource._loop, resource.close):  # noqa: SLF001 - it has no public loop
            resource._close()  # noqa: SLF001 - close() needs the loop that is closed
        return "closed"


class Runners(_AiohttpPart):
    module = "aiohttp.web_runner"
    cls = "BaseRunner"
    kind = "aiohttp.runner"
    noun = "server runner"
    title = "aiohttp server runner"
    verb = "never cleaned up"
    rank = 75
    holds = True  # its slots leave no room for weak references
    remedy = Remedy(text="Clean it up in a finally:", code="try:\n    …\nfinally:\n    await runner.cleanup()")

    def is_open(self, resource: Any) -> bool:
        return resource.server is not None

    def subject(self, resource: Any, note: str) -> str:
        del note
        sites = ", ".join(str(one.name) for one in resource.sites)
        return f"{type(resource).__qualname__} on {sites or 'no address'}"

    def mend(self, resource: Any) -> str:
        server: Any = resource.server
        resource._shutdown_timeout = 0.0  # noqa: SLF001 - nobody waits for the handlers of a leaked server
        if not _close(server._loop, resource.cleanup):  # noqa: SLF001 - it has no public loop
            for one in resource.sites:
                one._server.close()  # noqa: SLF001 - stop() needs the loop that is closed
            resource._server = None  # noqa: SLF001 - so that it counts as cleaned up
        return "cleaned up"


def _connections(connector: Any) -> list[str]:
    if connector is None:
        return []
    idle = sum(len(pool) for pool in connector._conns.values())  # noqa: SLF001 - aiohttp tells no counts
    busy = len(connector._acquired)  # noqa: SLF001 - as above
    return [f"{idle} idle and {busy} busy connections"] if idle or busy else []


def _close(loop: Any, close: Callable[[], Any]) -> bool:
    """
    Run `close` on its loop; False when the loop cannot run any more.
    """
    from hermetic.guard.census import loops  # noqa: PLC0415 - it loads asyncio, as aiohttp does

    if not loops.can_run(loop):
        return False
    loops.run(loop, close())
    loops.spin(loop)
    return True
