"""
The roadmap's table and the architecture name what exists: every object can be imported, every test is there, every old name has a row.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TABLE = (ROOT / "docs" / "reference" / "roadmap.md").read_text("utf-8")
ROWS = [
    [cell.strip() for cell in line.strip("| ").split(" | ")] for line in TABLE.splitlines() if line.startswith("| ")
]
ARCHITECTURE = (ROOT / "docs" / "explanation" / "architecture.md").read_text("utf-8")
OBJECTS = sorted(set(re.findall(r"`((?:hermetic|ip_monitor)(?:\.\w+)+)`", TABLE + ARCHITECTURE)))
RULES = sorted(set(re.findall(r"`([a-z]+\.[a-z-]+)`", TABLE)) - set(OBJECTS) - {"pyproject.toml"})
TESTS = sorted(set(re.findall(r"`(test_\w+)`", TABLE)))

# The names of the old plan: classes and functions, fixtures, and operations with a time of their own.
NAMES = """
    ResourceMonitor ResourceSnapshot ResourceLimits ResourceProfiler ResourceBenchmark ResourceExhaustionError
    ErrorDiagnostics DiagnosticContext with_diagnostics track_service_state monitor_async_operations
    track_concurrent_operations assert_with_context TestReporter FixtureFactory MockServer MockCluster MockServerContext
    MockServerCluster HTTPMockFixture MockIPAPIServer MockAPICluster isolated_cache isolated_service_health
    isolated_message_queue isolated_api_manager isolated_sqlite_storage isolated_sqlite_storage_with_data
    isolated_test_config reset_global_state integration_test_isolation cleanup_tasks setup_test_environment
    mock_api_server mock_api_cluster mock_bot mock_client
    admin_command ip_check http_request discord_api database workflow concurrent
""".split()  # noqa: SIM905 - so many names are read more easily without their quotes
PLAN = (
    "storage leaks", "event loop", "mock server life cycle", "isolation", "asynchronous tasks", "fixture architecture",
    "timeouts", "resource monitoring", "diagnostics", "test configuration", "mock realism",
)  # fmt: skip


LOOK_UP = """
import importlib, sys

for name in sys.argv[1:]:
    try:
        importlib.import_module(name)
    except ModuleNotFoundError:
        home, _, last = name.rpartition(".")
        if not hasattr(importlib.import_module(home), last):
            print(name)
"""


def test_every_object_of_the_table_and_of_the_diagrams_exists():
    """
    A renamed class takes its row with it, and a moved module its place in a diagram. (In a process of its own, which imports nearly everything there is.)
    """
    done = subprocess.run([sys.executable, "-c", LOOK_UP, *OBJECTS], capture_output=True, text=True, check=False)

    assert (done.stdout, done.stderr) == ("", "")
    assert len(OBJECTS) > 40


def test_every_test_and_every_rule_of_the_table_exists():
    """
    Proofs that are gone prove nothing.
    """
    files = [file for folder in ("packages", "tests", "examples") for file in (ROOT / folder).rglob("*.py")]
    text = "\n".join(file.read_text("utf-8") for file in files if "/tests/" in str(file) or "/examples/" in str(file))
    defined = set(re.findall(r"^\s*(?:async )?def (test_\w+)\(", text, re.MULTILINE))
    rules = (ROOT / "docs" / "reference" / "diagnoses.md").read_text("utf-8")

    assert [name for name in TESTS if name not in defined] == []
    assert len(TESTS) > 50
    assert [rule for rule in RULES if f"| `{rule}` |" not in rules] == []
    assert len(RULES) >= 5


@pytest.mark.parametrize("name", NAMES)
def test_every_name_of_the_old_plan_has_a_row_that_names_a_proof(name):
    """
    And what is exported under that name is that name.
    """
    rows = [row for row in ROWS if f"`{name}`" in row[0]]

    assert rows, f"no row for {name}"
    assert all(re.search(r"`test_\w+`", row[-1]) for row in rows)


def test_every_task_of_the_old_plan_has_a_row_that_names_a_proof():
    """
    In the words of the plan.
    """
    for task in PLAN:
        rows = [row for row in ROWS if row[0].lower().startswith(task)]
        assert rows, f"no row for {task}"
        assert all(re.search(r"`test_\w+`", row[-1]) for row in rows)
