"""
Patches of `unittest.mock` that were started and never stopped.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, cast

from hermetic.guard.isolation.change import MISSING, Change
from hermetic.guard.isolation.state import State, list_changes

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable


class MockPatches(State[tuple[object, ...]]):
    """
    What `unittest.mock` itself keeps a list of: patches made with `start`.
    """

    kind = "mock-patch"
    what = "mock patch"
    needs = "unittest.mock"
    remedy = "self.addCleanup(patcher.stop), or with patch(…): …, or pytest-mock's mocker, which stops by itself"
    calls = ("start",)
    unloaded: tuple[object, ...] = ()

    def read(self) -> tuple[object, ...]:
        patch = cast("Any", sys.modules["unittest.mock"])._patch
        return tuple(patch._active_patches)

    def changes(self, before: tuple[object, ...], after: tuple[object, ...]) -> Iterable[Change]:
        for change in list_changes(before, after, name="patch"):
            if change.before is MISSING:
                patcher = cast("Any", change.after)
                target, name, covered = _aim(patcher)
                yield Change(
                    key=id(patcher),
                    name=name,
                    before="not patched",
                    after=f"patched with {type(getattr(patcher, 'new', None)).__name__}",
                    target=patcher,
                    covers=frozenset({(id(target), covered)}),
                )

    def restore(self, change: Change) -> None:
        cast("Any", change.target).stop()


def _aim(patcher: Any) -> tuple[object, str, Hashable]:
    """
    The object that is patched, its name for the reader, and the key within it; None for all of a dictionary.
    """
    if hasattr(patcher, "in_dict"):
        patched = patcher.in_dict
        return patched, "patch.dict(os.environ)" if patched is os.environ else "patch.dict of a dictionary", None
    target = getattr(patcher, "target", None)
    name = getattr(target, "__name__", type(target).__name__)
    module = f"{target.__module__}." if isinstance(target, type) else ""
    return target, f"patch of {module}{name}.{patcher.attribute}", patcher.attribute
