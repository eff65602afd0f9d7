"""
A pytest plugin that writes each test's outcome, phase by phase, to the file that OUTCOMES_FILE names.

It is loaded into the suites of other projects, with and without Hermetic, and depends on nothing but pytest.
"""

from __future__ import annotations

import json
import os
from pathlib import Path


class Outcomes:
    """
    Node id to phase to outcome; expected failures are told apart.
    """

    def __init__(self) -> None:
        self.seen: dict[str, dict[str, str]] = {}

    def pytest_runtest_logreport(self, report) -> None:
        expected = "x" if hasattr(report, "wasxfail") else ""
        self.seen.setdefault(report.nodeid, {})[report.when] = expected + report.outcome

    def pytest_sessionfinish(self) -> None:
        Path(os.environ["OUTCOMES_FILE"]).write_text(json.dumps(self.seen))


def pytest_configure(config) -> None:
    config.pluginmanager.register(Outcomes(), "hermetic-proof-outcomes")
