"""
What Hermetic costs here: the same trivial tests with it and without, each run in a process of its own.

Two sizes tell the cost of a test from that of the start. Processor time is compared, since the elapsed time of a busy
machine says more about its other work; of several rounds the least counts, to which others only ever add.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_SUITE: Final = (
    "import pytest\n@pytest.mark.parametrize('n', range({count}))\ndef test_trivial(n):\n    assert n >= 0\n"
)
_FEW: Final = 20
_MANY: Final = 620


class CostError(Exception):
    """
    The measurement itself failed.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """
    Processor seconds of one trivial test and of the start, with Hermetic and without.
    """

    test_s: float
    plain_test_s: float
    start_s: float
    plain_start_s: float

    def lines(self) -> list[str]:
        more = max(0.0, self.test_s - self.plain_test_s)
        test = f"a trivial test takes {self.test_s * 1e3:.2f} ms of processor time, {self.plain_test_s * 1e3:.2f} ms without"
        return [
            f"{test} Hermetic: {more * 1e6:.0f} µs more, {more / self.plain_test_s:.0%}",
            f"a test of 50 ms takes {more / 0.05:.2%} more",
            f"starting takes {(self.start_s - self.plain_start_s) * 1e3:.0f} ms more",
        ]


def measure(*, rounds: int = 3, few: int = _FEW, many: int = _MANY) -> Cost:
    """
    Compares suites of `few` and of `many` tests. Takes about four seconds a round. The figures of a busy machine vary a good deal from one call to the next.

    Raises:
        CostError: pytest did not run the tests; its output is the text.
    """
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        (directory / "pytest.ini").write_text("[pytest]\n")
        for count in (few, many):
            (directory / f"test_{count}.py").write_text(_SUITE.format(count=count))
        least: dict[tuple[int, bool], float] = {}
        for _ in range(rounds):
            for count in (few, many):
                for guarded in (True, False):
                    took = _seconds(directory, count, guarded=guarded)
                    least[count, guarded] = min(took, least.get((count, guarded), took))
    tests = {guarded: (least[many, guarded] - least[few, guarded]) / (many - few) for guarded in (True, False)}
    return Cost(
        test_s=tests[True],
        plain_test_s=max(tests[False], 1e-6),
        start_s=least[few, True] - few * tests[True],
        plain_start_s=least[few, False] - few * tests[False],
    )


def _seconds(directory: Path, count: int, *, guarded: bool) -> float:
    words = ["-q", "-p", "no:cacheprovider", "--no-header", f"test_{count}.py"]
    plugin = ["-p", "hermetic._pytest.plugin"] if guarded else []
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": ""}
    # With it, every run would compile the guard anew, which no other run does.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    with subprocess.Popen(
        [sys.executable, "-m", "pytest", *plugin, *words],
        cwd=directory,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
        assert process.stdout is not None  # noqa: S101 - it was asked for
        said = process.stdout.read()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise CostError(said.decode(errors="backslashreplace"))
    return used.ru_utime + used.ru_stime
