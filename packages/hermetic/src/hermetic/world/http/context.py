"""
A server for the length of a block, whose report outlives it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hermetic.world.http.server import MockServer

if TYPE_CHECKING:
    from types import TracebackType

    from hermetic.world.http.report import StopReport


class MockServerContext:
    """
    Starts a server and stops it at the end of the block, which then fails if there were requests without a route.
    A server is a context manager by itself; this one also takes a server that exists, and keeps the `report` of its
    stop.

    Args:
        server: a server to use; without one, `options` make a new one.
        options: as for `MockServer`.
    """

    def __init__(self, server: MockServer | None = None, **options: Any) -> None:
        self.server = server or MockServer(**options)
        self.report: StopReport | None = None

    async def __aenter__(self) -> MockServer:
        return await self.server.start()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.report = await self.server.stop()
        # An error of the block is what happened first; it must not be hidden behind ours.
        if error is None:
            self.server.check_unmatched()

    def __enter__(self) -> MockServer:
        return self.server.start_blocking()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.report = self.server.stop_blocking()
        if error is None:
            self.server.check_unmatched()
