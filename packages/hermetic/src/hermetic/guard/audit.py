"""
One audit hook for the process, since hooks cannot be removed (PEP 578): it forwards to whoever listens now.

The table below is the one piece of module state in the guard, forced by that: a hook lives as long as the process,
while a run, and in tests several runs in one process, comes and goes. An event that nobody listens to costs one
dictionary lookup.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, TypeAlias

Listener: TypeAlias = Callable[[tuple[Any, ...]], None]

_listeners: dict[str, tuple[Listener, ...]] = {}
_installed: list[bool] = []


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    found = _listeners.get(event)
    if found is None:
        return
    for listener in found:
        # An audit hook that raises forbids the operation that it watches. Four events a test have a listener, and
        # `suppress` costs more than most listeners.
        try:  # noqa: SIM105 - see above
            listener(arguments)
        except Exception:  # noqa: BLE001, S110 - see above
            pass


def listen(event: str, listener: Listener) -> Callable[[], None]:
    """
    Call `listener` with the arguments of each audit event of this name, from whatever thread raises it; what it raises
    is dropped. Returns what ends the listening.
    """
    if not _installed:
        sys.addaudithook(_hook)
        _installed.append(True)
    _listeners[event] = (*_listeners.get(event, ()), listener)

    def stop() -> None:
        left = tuple(one for one in _listeners.get(event, ()) if one is not listener)
        if left:
            _listeners[event] = left
        else:
            _listeners.pop(event, None)

    return stop
