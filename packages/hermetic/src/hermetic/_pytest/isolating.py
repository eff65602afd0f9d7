"""
Isolation as pytest needs it: whose code is whose, and which mode holds for which test.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hermetic._pytest.options import as_mode
from hermetic.guard.isolation import MODES, Isolation, OwnCode, Trail, default_states

if TYPE_CHECKING:
    from hermetic._pytest.options import Settings
    from hermetic.guard.isolation import Mode
    from hermetic.guard.ownership.tenure import Tenure


def isolation(config: pytest.Config, settings: Settings) -> list[Isolation]:
    """
    The component that isolates, unless nobody can ask for it: off for the run leaves markers without effect.
    """
    if settings.isolation == "off":
        return []
    own = OwnCode(str(config.rootpath), packages=settings.packages)
    trail = Trail()
    usual: Mode = settings.isolation

    def mode(tenure: Tenure) -> Mode:
        return tenure.isolation or usual

    return [Isolation(default_states(own, trail), own=own, trail=trail, mode=mode)]


def marked_mode(item: pytest.Item) -> Mode | None:
    """
    The mode that the closest `hermetic` marker with one gives to a test.

    Raises:
        pytest.UsageError: there is no such mode.
    """
    for mark in item.iter_markers("hermetic"):
        if "isolation" in mark.kwargs:
            word = mark.kwargs["isolation"]
            mode = as_mode(word)
            if mode is None:
                raise pytest.UsageError(
                    f"isolation={word!r} in the marker hermetic on {item.nodeid}: give {', '.join(MODES)}."
                )
            return mode
    return None
