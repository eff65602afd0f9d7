"""
Packages whose names are imported when they are first asked for (PEP 562).
"""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


def lazy_names(
    package: str, *, names: Sequence[str], homes: Mapping[str, str]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """
    The `__getattr__` and `__dir__` of a package.

    Args:
        package: its name.
        names: what it offers, mostly its `__all__`.
        homes: each name that is not there yet with the module that defines it, in full or, with a leading dot, below the package.

    Source: PEP 562.
    """

    def find(name: str) -> Any:
        home = homes.get(name)
        if home is None:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(importlib.import_module(home, package), name)
        setattr(sys.modules[package], name, value)  # so that this is asked once for each name
        return value

    return find, lambda: sorted(names)
