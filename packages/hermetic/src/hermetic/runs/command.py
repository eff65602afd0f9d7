"""
How pytest is started with this plugin in it.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_PLUGIN = "hermetic._pytest.plugin"


def pytest_command(*words: str, environment: Mapping[str, str] = os.environ) -> list[str]:
    """
    Pytest under this interpreter with `words`; where plugins are not loaded by themselves, ours is named.
    """
    named = ["-p", _PLUGIN] if environment.get("PYTEST_DISABLE_PLUGIN_AUTOLOAD") else []
    return [sys.executable, "-m", "pytest", *named, *words]
