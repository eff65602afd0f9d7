"""
The doors through which an exception leaves what runs its tasks, watched so that what the others waited for can still be seen.

Behind each of them tasks end that were alive when something failed: a runner cancels what its loop still has, and a group
of tasks cancels the rest of itself. Whoever wants to know what they waited for has to look before. It costs nothing while
nothing fails.

A cancellation that a deadline asked for becomes another error here as well: `CancelledError` is no `Exception`, and out
of a fixture's teardown it would pass by pytest's bookkeeping and spoil the tests that follow. Anything else that runs a
loop sees no difference.

Source: CPython's Lib/asyncio/taskgroups.py, `_abort` is called once, when the first member or the body has failed.
"""

from __future__ import annotations

import asyncio
import functools
import sys
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

    # Called with the loop and what leaves it; what it returns is raised in its place.
    Leaving: TypeAlias = Callable[[asyncio.AbstractEventLoop | None, BaseException], BaseException | None]

# The two doors through which a loop's result comes back into ordinary code. The runner's is needed for loops written in
# C (uvloop), whose own method cannot be replaced. One lies behind the other, so an exception may be told twice.
_LOOPS: tuple[tuple[type, str], ...] = ((asyncio.BaseEventLoop, "run_until_complete"), (asyncio.Runner, "run"))


class Doors:
    """
    While installed, `leaving` is asked about every exception that leaves a loop, or that ends a `TaskGroup`.

    What it returns for an exception that leaves a loop is raised in its place, unless that is None.
    """

    def __init__(self, leaving: Leaving) -> None:
        self._leaving = leaving
        self._originals: list[tuple[type, str, Any]] = []

    def install(self) -> None:
        for owner, name in _LOOPS:
            self._replace(owner, name, self._of_loop)
        if "_abort" in asyncio.TaskGroup.__dict__:  # it has no public name, so it may go
            self._replace(asyncio.TaskGroup, "_abort", self._of_group)

    def uninstall(self) -> None:
        while self._originals:
            owner, name, original = self._originals.pop()
            setattr(owner, name, original)

    def _replace(self, owner: type, name: str, wrapped: Callable[[Any], Any]) -> None:
        original = owner.__dict__[name]
        self._originals.append((owner, name, original))
        setattr(owner, name, wrapped(original))

    def _of_loop(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def run(owner: Any, /, *args: Any, **kwargs: Any) -> Any:
            try:
                return original(owner, *args, **kwargs)
            except BaseException as error:
                loop = owner if isinstance(owner, asyncio.AbstractEventLoop) else getattr(owner, "_loop", None)
                instead = self._leaving(loop, error)
                if instead is None:
                    raise
                raise instead from error

        return run

    def _of_group(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def abort(group: Any) -> Any:
            errors: list[BaseException] = getattr(group, "_errors", None) or []
            error = errors[-1] if errors else sys.exc_info()[1]
            if error is not None and not isinstance(error, asyncio.CancelledError):
                self._leaving(getattr(group, "_loop", None), error)
            return original(group)

        return abort
