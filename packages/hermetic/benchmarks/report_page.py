"""
How soon the page of a run is there in Debian's Chromium: 5,000 tests with 100 failures, beside an empty page in the same run.

    ./dev bench report_page            5,000 tests
    python report_page.py --tests 20000

Ready means that the first screen is drawn, all tests are in the list and every control answers. The figures are medians
of several openings in fresh tabs, from the start of the navigation on the page's own clock.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from hermetic.record.events import LogWritten, PhaseEnded, RunEnded, TestBegan
from hermetic.record.failure import Failure, FailureFrame
from hermetic.record.journal.reading import Journal
from hermetic.record.report import TestReporter
from hermetic.record.run import build

OPENINGS = 7
BUDGETS = {"ready_ms": 500.0, "filter_ms": 50.0, "size_bytes": 1_500_000.0, "growth": 2.0}
FILTER = """() => {
  const search = document.getElementById('search'), took = [];
  for (const text of ['case_001', 'value', 'area_01', 'case_04999', '']) {
    search.value = text;
    const began = performance.now();
    search.dispatchEvent(new Event('input'));
    document.body.offsetHeight;
    took.push(performance.now() - began);
  }
  return took;
}"""


def journal(tests: int) -> Journal:
    """
    A run of so many tests of which each fiftieth fails.
    """
    events: list[Any] = []
    for number in range(tests):
        name, at = f"tests/test_area_{number // 100:03d}.py::test_case_{number:05d}", number * 0.006
        events.append(TestBegan(at_s=at, test=name, file=name.partition("::")[0], line=number))
        is_bad = number % 50 == 0
        if is_bad:
            events.append(LogWritten(at_s=at, logger="shop", level="INFO", message=f"asked {name}"))
        for phase in ("setup", "call", "teardown"):
            bad = is_bad and phase == "call"
            text = f"def test():\n>   assert x\nE   assert {number}\n" * 40
            events.append(
                PhaseEnded(
                    at_s=at,
                    test=name,
                    phase=phase,
                    outcome="failed" if bad else "passed",
                    duration_s=0.002,
                    failure=failure(number) if bad else None,
                    text=text if bad else "",
                    output=(("Captured stdout call", f"{name}\n" * 50),) if bad else (),
                )
            )
    events.append(RunEnded(at_s=tests * 0.006, status=1))
    header = {
        "started_at": 1.7e9,
        "at_s": 0.0,
        "worker": "gw0",
        "run": "a",
        "hermetic": "",
        "python": "",
        "platform": "",
    }
    return Journal(path=Path("journal"), header=header, events=tuple(events))


def failure(number: int) -> Failure:
    frame = FailureFrame(file="shop.py", line=number, function="buy", module="shop", source="await pay()", is_own=True)
    return Failure(type="ValueError", message=f"no {number % 10}", frames=(frame,))


def growth(tests: int) -> float:
    """
    How much more processor time a test costs a report of so many than one of a quarter: 1 where nothing is looked at
    again and again.
    """
    seconds: list[float] = []
    for number in (tests // 4, tests):
        events = journal(number)
        began = time.process_time()
        TestReporter(build([events])).render(Path("report.html"))
        seconds.append((time.process_time() - began) / number)
    return seconds[1] / seconds[0]


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--tests", type=int, default=5000)
    tests = parser.parse_args().tests
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - `--help` needs no browser

    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        report, empty = Path(name) / "report.html", Path(name) / "empty.html"
        TestReporter(build([journal(tests)])).write(report)
        empty.write_text("<!doctype html><title>empty</title><body data-ready=0><p>empty")
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        ready: list[float] = []
        base: list[float] = []
        filters: list[float] = []
        nodes = 0
        for _ in range(OPENINGS):
            for path, times in ((empty, base), (report, ready)):
                page = browser.new_page(viewport={"width": 1280, "height": 800})
                page.goto(path.as_uri())
                page.wait_for_selector("body[data-ready]")
                paint = page.evaluate("performance.getEntriesByType('paint').pop()?.startTime || 0")
                times.append(max(float(page.evaluate("+document.body.dataset.ready")), float(paint)))
                if path is report:
                    filters.append(max(page.evaluate(FILTER)))
                    nodes = page.evaluate("document.getElementsByTagName('*').length")
                page.close()
        browser.close()
        size = report.stat().st_size
    found = {
        "ready_ms": statistics.median(ready),
        "filter_ms": statistics.median(filters),
        "size_bytes": float(size),
        "growth": growth(tests),
    }
    print(f"{tests} tests: an empty page is painted after {statistics.median(base):.0f} ms; {nodes} elements")
    is_over = False
    for key, value in found.items():
        is_over |= value > BUDGETS[key]
        print(
            f"{key:<10} {value:10.1f}  budget {BUDGETS[key]:10.1f}  {'ok' if value <= BUDGETS[key] else 'OVER'}",
            flush=True,
        )
    return int(is_over)


if __name__ == "__main__":
    sys.exit(main())
