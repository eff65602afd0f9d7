"""
Clients that cannot reach servers, for as long as it is wanted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from hermetic.world.http.holds import Hold


class Partition:
    """
    Clients and servers that do not reach one another, until it is healed.
    """

    def __init__(self, holds: list[Hold], *, healed: Callable[[], None]) -> None:
        self._holds = holds
        self._healed: Callable[[], None] | None = healed

    @property
    def is_healed(self) -> bool:
        return self._healed is None

    def heal(self) -> None:
        """
        Let through what was held, and all that follows. Idempotent.
        """
        healed, self._healed = self._healed, None
        for hold in self._holds:
            hold.release()
        if healed is not None:
            healed()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.heal()
