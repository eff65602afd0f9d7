"""
What pytest reads of the plugin's objects when they are registered.

pytest asks an object for each name that `dir` tells, whether it is a hook and whether it is a fixture, and follows each
through its wrappers: a few microseconds a name, at every start. So `dir` tells only what is there for pytest. Modules that
are registered say it themselves, in `__all__` and `__dir__`.
"""

from __future__ import annotations

from typing import Any, Self


class Hooks:
    """
    Base of the objects that are registered as plugins: of their attributes pytest sees the hooks alone, no fixtures.
    """

    def __new__(cls, *_: Any, **__: Any) -> Self:
        self = super().__new__(cls)
        # A hook that the object itself holds is taken as it is; one of its class is looked for without binding it, through
        # all bases and in Python, four times.
        vars(self).update({name: getattr(self, name) for name in dir(self)})
        return self

    def __dir__(self) -> list[str]:
        return [name for name in vars(type(self)) if name.startswith("pytest_")]
