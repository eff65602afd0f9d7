"""
Operations under a name and a limit, and the state of a service before and after.
"""

from __future__ import annotations

from contextlib import asynccontextmanager, contextmanager
from time import monotonic
from typing import TYPE_CHECKING

from hermetic.foundation.stream import stream
from hermetic.guard.deadlines import deadline
from hermetic.record.events import StateChanged
from hermetic.record.helpers.context import DiagnosticContext

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator, Iterable

    from hermetic.foundation import Sink


@asynccontextmanager
async def monitor_async_operations(
    name: str,
    *,
    timeout: float | None = None,  # noqa: ASYNC109 - it says where the operation waited, which asyncio.timeout cannot
    sink: Sink | None = None,
) -> AsyncGenerator[DiagnosticContext]:
    """
    A block of asynchronous operations under a name, with `timeout` seconds for all of them.

    Raises:
        DeadlineExceeded: the time was over; it names the line that waited.
    """
    async with DiagnosticContext(name, sink=sink) as context:
        if timeout is None:
            yield context
        else:
            async with deadline(timeout):
                yield context


@contextmanager
def track_service_state(
    service: object, attributes: Iterable[str], *, name: str = "", sink: Sink | None = None
) -> Generator[dict[str, tuple[str, str]]]:
    """
    Look at these attributes of a service before and after a block, and tell which of them changed.

    The dictionary holds before and after by name once the block has ended, also when it raised. An attribute that is
    missing or raises is told as that.
    """
    names = tuple(attributes)
    label = name or type(service).__name__
    before = {one: _state(service, one) for one in names}
    changed: dict[str, tuple[str, str]] = {}
    try:
        yield changed
    finally:
        target = sink or stream
        for one in names:
            after = _state(service, one)
            if after != before[one]:
                changed[one] = (before[one], after)
                target.emit(
                    StateChanged(at_s=monotonic(), service=label, attribute=one, before=before[one], after=after)
                )


def _state(service: object, attribute: str) -> str:
    # As text at that moment: a list that is appended to later would compare equal to itself.
    try:
        return repr(getattr(service, attribute))[:1000]
    except Exception as error:  # noqa: BLE001 - a property that raises is a state as well
        return f"<{type(error).__name__}>"
