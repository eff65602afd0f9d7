"""
What pytest reads of the plugin's objects when they are registered.

pytest asks an object for each name that `dir` tells, whether it is a hook and whether it is a fixture, and follows each
through its wrappers: a few microseconds a name, at every start. So `dir` tells only what is there for pytest. Modules that
are registered say it themselves, in `__all__` and `__dir__`.
"""

from __future__ import annotations


class Hooks:
    """
    Base of the objects that are registered as plugins: of their attributes pytest sees the hooks alone, no fixtures.
    """

    def __dir__(self) -> list[str]:
        return [name for name in vars(type(self)) if name.startswith("pytest_")]
