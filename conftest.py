"""
What both suites share: tests that need system programs, and tests that `./dev prove` runs at full count.
"""

from __future__ import annotations

import gc
import os
import shutil
import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator

_missing = pytest.StashKey[dict[str, list[str]]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("repository")
    group.addoption(
        "--require-programs", action="store_true", help="fail when a system program that a test needs is missing"
    )
    group.addoption(
        "--prove",
        metavar="NAMES",
        default=None,
        help="run only these proofs (comma-separated, or 'all'), at full count",
    )
    group.addoption("--list-proofs", action="store_true", help="name the proofs with their counts, and run nothing")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_missing] = {}
    if _measuring() is not None:
        from hermetic.guard import audit  # noqa: PLC0415 - only where branches are measured

        # CPython turns tracers off in an audit hook that does not say otherwise (Python/sysmodule.c, `sys_audit_tstate`).
        hook: Any = audit._hook  # noqa: SLF001 - what the interpreter calls
        hook.__cantrace__ = True


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    chosen: str | None = config.getoption("--prove")
    listing = bool(config.getoption("--list-proofs"))
    names = set((chosen or "").split(",")) - {""}
    keep: list[pytest.Item] = []
    drop: list[pytest.Item] = []
    for item in items:
        mark = item.get_closest_marker("prove")
        if chosen is None and not listing:
            wanted = mark is None or mark.kwargs.get("sample") != 0
        else:
            wanted = mark is not None and (listing or "all" in names or mark.args[0] in names)
        (keep if wanted else drop).append(item)
    if listing:
        rows = {
            (m.args[0], str(m.kwargs["sample"]), str(m.kwargs["full"])) for i in keep for m in i.iter_markers("prove")
        }
        sys.stdout.write(
            "\n"
            + "\n".join(
                f"{name:<28} {sample:>6} in ./dev test, {full:>8} in full" for name, sample, full in sorted(rows)
            )
            + "\n"
        )
        keep, drop = [], items[:]
    elif chosen is not None and not keep:
        raise pytest.UsageError(f"no proof named {chosen!r}; ./dev prove --list names them")
    if drop:
        items[:] = keep
        config.hook.pytest_deselected(items=drop)


def pytest_runtest_setup(item: pytest.Item) -> None:
    absent = [name for mark in item.iter_markers("needs_program") for name in mark.args if not shutil.which(name)]
    if not absent:
        return
    if item.config.getoption("--require-programs"):
        pytest.fail(
            f"needs {', '.join(absent)}, which is not installed, and --require-programs was given", pytrace=False
        )
    pytest.skip(f"not run: needs {', '.join(absent)}")


def _measuring() -> Any:
    # The coverage that is measured in this process, if any.
    coverage = sys.modules.get("coverage")
    return None if coverage is None else coverage.Coverage.current()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """
    Let no tracer run during a test that says so, nor in the processes that it starts.
    """
    if not any(item.iter_markers("untraced")):
        return (yield)
    current = _measuring()
    kept = {
        name: os.environ.pop(name)
        for name in ("COVERAGE_PROCESS_CONFIG", "COVERAGE_PROCESS_START")
        if name in os.environ
    }
    if current is not None:
        current.stop()
    try:
        return (yield)
    finally:
        if current is not None:
            current.start()
        os.environ.update(kept)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports: list[pytest.TestReport] = terminalreporter.stats.get("skipped", [])
    lost = [report.nodeid for report in reports if "not run: needs " in str(report.longrepr)]
    if lost:
        terminalreporter.section(f"not run: {len(lost)} tests whose system program is missing (.ci/run installs them)")
        for nodeid in lost:
            terminalreporter.line(f"  {nodeid}")


@pytest.fixture
def rounds(request: pytest.FixtureRequest) -> int:
    """
    How often a proof repeats: its `sample` in a test run, its `full` count in `./dev prove`.
    """
    mark = request.node.get_closest_marker("prove")
    if mark is None:
        raise pytest.UsageError(
            f"{request.node.nodeid} asks for `rounds` without @pytest.mark.prove(name, sample=…, full=…)"
        )
    count: int = mark.kwargs["full" if request.config.getoption("--prove") else "sample"]
    return count


def pytest_collection_finish() -> None:
    """
    Put what collection made out of the collector's sight: it stays to the end anyway, and each full collection, of
    which some tests need one, would walk through all of it.
    """
    gc.collect()
    gc.freeze()


def pytest_collection() -> None:
    """
    Let no property test fail for how long an example took: that says how busy the machine is. A real hang meets
    Hermetic's deadline. Tests take their settings when they are defined, so this comes before they are imported.
    """
    from hypothesis import settings  # noqa: PLC0415 - the controller of a parallel run, and `--help`, do without

    settings.register_profile("unhurried", deadline=None)
    settings.load_profile("unhurried")
