"""
Every kind of event that a journal may hold, by its name. Its modules are imported only by those who read.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, get_type_hints

from hermetic import foundation
from hermetic.foundation import Event

if TYPE_CHECKING:
    from types import ModuleType

_MODULES = (
    "hermetic.guard.events",
    "hermetic.guard.deadlines.events",
    "hermetic.guard.limits.events",
    "hermetic.guard.reached",
    "hermetic.world.http.decisions",
    "hermetic.record.events",
)


def known_kinds() -> dict[str, type[Event]]:
    """
    The class of each kind, sorted by the kind's name.
    """
    modules: list[ModuleType] = [importlib.import_module(name) for name in _MODULES]
    found = {
        one.kind: one
        for module in modules
        for one in vars(module).values()
        if isinstance(one, type)
        and issubclass(one, Event)
        and one.__module__ == module.__name__
        and "kind" in vars(one)
    }
    found.pop("http.request_event", None)  # what the others have in common
    return dict(sorted(found.items()))


def hints_of(cls: type) -> dict[str, Any]:
    """
    The types of a record's fields. Modules may import the foundation's own records for type checkers only.
    """
    # Its names are asked for one by one: the foundation loads each when it is first wanted.
    return get_type_hints(cls, localns={name: getattr(foundation, name) for name in foundation.__all__})
