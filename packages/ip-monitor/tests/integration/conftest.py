"""
What these tests share.
"""

from __future__ import annotations

# Settings are read in the test's process then, and not in a process for each time, which takes a third of a second.
# `settings/test_loading.py` and everything in `e2e` read through the process.
import ip_monitor.settings.validation  # noqa: F401
