"""
What all tests of IP Monitor share: the fixtures that it offers to others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


def pytest_configure(config: pytest.Config) -> None:
    """
    Load them for this package's tests alone; `pytest_plugins` would be for the whole repository.
    """
    config.pluginmanager.import_plugin("ip_monitor.testing.fixtures")
