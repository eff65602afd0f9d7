"""
A cancellation that the ladder asked for, turned into the hang's own error where the loop hands its result over.

`CancelledError` is no `Exception`: out of a fixture's teardown it would pass by pytest's bookkeeping and spoil the tests
that follow. Anything else that runs a loop sees no difference.
"""

from __future__ import annotations

import asyncio
import functools
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

# The two doors through which a loop's result comes back into ordinary code. The runner's is needed for loops written in
# C (uvloop), whose own method cannot be replaced.
_DOORS: tuple[tuple[type, str], ...] = ((asyncio.BaseEventLoop, "run_until_complete"), (asyncio.Runner, "run"))


class Conversion:
    """
    While installed, `CancelledError` out of a loop becomes what `error()` returns, unless that is None.
    """

    def __init__(self, error: Callable[[], BaseException | None]) -> None:
        self._error = error
        self._originals: list[tuple[type, str, Any]] = []

    def install(self) -> None:
        for owner, name in _DOORS:
            original = owner.__dict__[name]
            self._originals.append((owner, name, original))
            setattr(owner, name, self._wrapped(original))

    def uninstall(self) -> None:
        while self._originals:
            owner, name, original = self._originals.pop()
            setattr(owner, name, original)

    def _wrapped(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def run(*args: Any, **kwargs: Any) -> Any:
            try:
                return original(*args, **kwargs)
            except asyncio.CancelledError as cancelled:
                error = self._error()
                if error is None:
                    raise
                raise error from cancelled

        return run
