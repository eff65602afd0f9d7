"""
asyncio's transports and servers.
"""

from __future__ import annotations

import contextlib
from asyncio import base_events, base_subprocess, selector_events
from typing import TYPE_CHECKING, Any

from hermetic.foundation.remedy import Remedy
from hermetic.guard.census import loops, proc
from hermetic.guard.census.sockets import address
from hermetic.guard.census.tracker import Basic
from hermetic.guard.census.wording import safe_repr
from hermetic.guard.census.wrapping import at_creation

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hermetic.guard.census.tracker import Intake


class Transports(Basic):
    """
    Stream and datagram transports: open until `connection_lost` has been called and the socket is closed.
    """

    kind = "asyncio.transport"
    noun = "transport"
    title = "asyncio transport"
    rank = 50
    remedy = Remedy(
        text="Close it and wait until it is closed:",
        code="writer.close()\nawait writer.wait_closed()",
    )

    def install(self, intake: Intake) -> Callable[[], None]:
        # Only the base of all socket transports; each subclass calls it before its own work.
        return at_creation(selector_events._SelectorTransport, self, intake)  # type: ignore[attr-defined]  # noqa: SLF001

    def is_open(self, resource: Any) -> bool:
        return resource._sock is not None  # noqa: SLF001 - is_closing() is true long before

    def settle(self, resources: Sequence[Any]) -> None:
        _settle(resources)

    def subject(self, resource: Any, note: str) -> str:
        del note
        own, peer = (resource.get_extra_info(name) for name in ("sockname", "peername"))
        return " to ".join(address(one) for one in (own, peer) if one) or safe_repr(resource)

    def evidence(self, resource: Any) -> list[str]:
        pending = resource.get_write_buffer_size()
        lines = [f"its protocol is {type(resource.get_protocol()).__qualname__}"]
        return [*lines, f"{pending} bytes wait to be sent"] if pending else lines

    def mend(self, resource: Any) -> str:
        loop = resource._loop  # noqa: SLF001 - transports have no public way to their loop
        if loop.is_closed():
            resource._sock.close()  # noqa: SLF001 - a closed loop can end nothing
            # Else it would say once more that it was not closed, to whoever runs when it is freed.
            resource._sock = None  # noqa: SLF001 - as `_call_connection_lost` leaves it
            return "closed, without its protocol hearing of it, since its loop is closed"
        resource.abort()
        _settle([resource])
        return "aborted"


class SubprocessTransports(Basic):
    """
    What `asyncio.create_subprocess_exec` returns stands on; open until the process has been waited for.
    """

    kind = "asyncio.subprocess"
    noun = "subprocess"
    title = "asyncio subprocess"
    verb = "never waited for"
    rank = 60
    remedy = Remedy(
        text="Wait for it, and end it when the code between raises:", code="process.terminate()\nawait process.wait()"
    )

    def install(self, intake: Intake) -> Callable[[], None]:
        return at_creation(base_subprocess.BaseSubprocessTransport, self, intake)

    def is_open(self, resource: Any) -> bool:
        return resource._proc is not None and resource._returncode is None  # noqa: SLF001 - closing leaves no public trace

    def settle(self, resources: Sequence[Any]) -> None:
        _settle(resources)

    def subject(self, resource: Any, note: str) -> str:
        del note
        process = resource._proc  # noqa: SLF001 - as above
        return f"pid {process.pid} {safe_repr(process.args)}"

    def mend(self, resource: Any) -> str:
        loop, process = resource._loop, resource._proc  # noqa: SLF001 - as above
        family = proc.Family(process.pid)
        if loop.is_closed():
            process.kill()
            process.wait()
            return f"killed{family.end()}"
        with contextlib.suppress(ProcessLookupError):
            resource.kill()
        if loops.can_run(loop):
            loops.run(loop, resource._wait())  # noqa: SLF001 - the public way stands on the stream API
            resource.close()
            loops.spin(loop)
        return f"killed{family.end()}"


class Servers(Basic):
    kind = "asyncio.server"
    noun = "server"
    title = "asyncio server"
    rank = 55
    remedy = Remedy(
        text="Serve inside a with, which closes it:",
        code="async with await asyncio.start_server(handle, host, port):\n    …",
    )

    def install(self, intake: Intake) -> Callable[[], None]:
        return at_creation(base_events.Server, self, intake)

    def is_open(self, resource: Any) -> bool:
        return resource._sockets is not None  # noqa: SLF001 - is_serving() is false before it has started

    def subject(self, resource: Any, note: str) -> str:
        del note
        return ", ".join(address(one.getsockname()) for one in resource.sockets) or safe_repr(resource)

    def mend(self, resource: Any) -> str:
        loop = resource.get_loop()
        if loop.is_closed():
            for one in resource._sockets:  # noqa: SLF001 - the public ones are wrapped and cannot be closed
                one.close()
            return "its sockets closed, since its loop is closed"
        resource.close()
        _settle([resource])
        return "closed"


def _settle(resources: Sequence[Any]) -> None:
    for loop in {one._loop for one in resources}:  # noqa: SLF001 - neither transports nor old servers tell their loop
        if loops.can_run(loop):
            loops.spin(loop)
