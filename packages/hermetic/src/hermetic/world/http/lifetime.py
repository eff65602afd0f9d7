"""
A block in which servers run, in `with` as in `async with`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self


class Lifetime(Protocol):
    """
    Starts with the block and stops with it; then fails for requests that nothing takes, unless the block failed before: an
    error of the block is what happened first, and must not be hidden behind ours.
    """

    async def start(self) -> Self: ...

    async def stop(self) -> object: ...

    def start_blocking(self) -> Self: ...

    def stop_blocking(self) -> object: ...

    def check_unmatched(self) -> None:
        """
        Raises:
            UnmatchedRequestsError: there were requests that nothing takes.
        """

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()
        if error is None:
            self.check_unmatched()

    def __enter__(self) -> Self:
        return self.start_blocking()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop_blocking()
        if error is None:
            self.check_unmatched()
