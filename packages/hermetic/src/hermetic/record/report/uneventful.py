"""
The document of a run in which every test passed and nothing else happened, straight from the lines of its journal.

Most runs are like this, and what reads journals in full, with a class for each kind of event and rules for what went wrong,
takes longer to load than a thousand such tests take to tell of. What is made here equals what would be made in full; whatever
is not as simple is left to that.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from hermetic.record.report.verdict import verdict

if TYPE_CHECKING:
    from pathlib import Path

DOCUMENT_VERSION: Final = 1
"""
The version of the document, whoever makes it.
"""
LISTED: Final = 10
"""
How many of the slowest and of the hungriest tests are listed.
"""
LEAST_MB: Final = 0.5
"""
A process grows by less than this for any reason.
"""
MEBIBYTE: Final = 2**20

_ENVIRONMENT: Final = ("hermetic", "python", "platform", "root", "arguments")
# What a test's page would show of it, which one that passed does not have.
_UNTOLD: Final = frozenset({"fixture.set_up", "fixture.torn_down", "log"})
_WARNING: Final = ("category", "message", "place", "test")
_PLAIN_PART: Final = frozenset({"kind", "at_s", "test", "phase", "outcome", "duration_s"})


def uneventful(path: Path) -> dict[str, Any] | None:
    """
    The document, or None where more is to be told than that tests passed. Only for a journal that this process wrote: its lines
    are not checked.
    """
    try:
        # No line has a newline in it, so the file is an array but for its commas.
        lines: list[dict[str, Any]] = json.loads(b"[" + path.read_bytes().strip().replace(b"\n", b",") + b"]")
        return _Reader(lines).document()
    except (OSError, ValueError, LookupError, TypeError):
        return None


class _EventfulError(ValueError):
    # There is more to be told.
    pass


class _Reader:
    def __init__(self, lines: list[dict[str, Any]]) -> None:
        self._header, *self._lines = lines
        self._started = float(self._header["started_at"])
        self._at = float(self._header["at_s"])
        self._name = str(self._header["worker"]) or "main"
        self._tests: dict[str, dict[str, Any]] = {}
        # Where the last ended, so that one that never did is found.
        self._open = ""
        self._memory: list[tuple[float, str]] = []
        self._samples: list[int] = []
        # Each once, as what is told of it.
        self._warnings: dict[tuple[str, str, str, str], None] = {}
        self._expected = 0
        self._status: int | None = None

    def document(self) -> dict[str, Any]:
        if self._header["kind"] != "journal":
            raise _EventfulError
        for line in self._lines:
            kind = line["kind"]
            if kind == "test.passed":
                self._end(line["test"], sum(line["took_s"]))
            elif kind == "test.began":
                self._begin(line)
            elif kind == "test.phase":
                self._part(line)
            elif kind == "resources.sampled":
                self._samples.append(line["memory_bytes"])
            elif kind not in _UNTOLD:
                self._of_run(kind, line)
        self._grown()
        if self._open or self._status != 0 or not self._tests or self._expected != len(self._tests):
            raise _EventfulError
        return self._told()

    # ------------------------------------------------------------ lines

    def _since(self, at_s: float) -> float:
        return round(max(0.0, self._started + at_s - self._at - self._started), 6)

    def _begin(self, line: dict[str, Any]) -> None:
        test = line["test"]
        if self._open or test in self._tests:
            raise _EventfulError
        self._grown()
        self._open = test
        self._tests[test] = {
            "id": test,
            "file": line["file"],
            "line": line["line"],
            "outcome": "passed",
            "duration_s": 0.0,
            "tries": [
                {"outcome": "passed", "began_s": self._since(line["at_s"]), "duration_s": 0.0, "worker": self._name}
            ],
        }

    def _part(self, line: dict[str, Any]) -> None:
        # A part by itself: the journal was written while the test ran.
        if line["outcome"] != "passed" or not line.keys() <= _PLAIN_PART:
            raise _EventfulError
        if line["test"] != self._open:
            raise _EventfulError
        self._tests[self._open]["duration_s"] += line["duration_s"]
        if line["phase"] == "teardown":
            self._end(self._open, self._tests[self._open]["duration_s"])

    def _end(self, test: str, duration_s: float) -> None:
        if test != self._open:
            raise _EventfulError
        told = self._tests[test]
        told["duration_s"] = told["tries"][0]["duration_s"] = round(duration_s, 6)
        self._open = ""

    def _grown(self) -> None:
        # The samples of the test before, and the last one before it, which they are compared with.
        if self._tests and self._samples:
            memory_mb = (max(self._samples) - self._samples[0]) / MEBIBYTE
            if memory_mb >= LEAST_MB:
                self._memory.append((memory_mb, next(reversed(self._tests))))
        del self._samples[:-1]

    def _of_run(self, kind: str, line: dict[str, Any]) -> None:
        if kind == "run.began":
            self._expected = max(self._expected, line["tests"])
        elif kind == "warning":
            place = f"{line['file']}:{line['line']}"
            self._warnings[line["category"], line["message"], place, line["test"]] = None
        elif kind == "run.ended" and line.keys() == {"kind", "at_s", "status"}:
            self._status = line["status"]
        else:
            raise _EventfulError

    # ------------------------------------------------------------ what comes of them

    def _told(self) -> dict[str, Any]:
        tests = [self._tests[nodeid] for nodeid in sorted(self._tests)]
        ended = self._since(self._lines[-1]["at_s"])
        slowest = sorted(tests, key=lambda one: (-one["duration_s"], one["id"]))[:LISTED]
        hungriest = sorted(self._memory, key=lambda one: (-one[0], one[1]))[:LISTED]
        return {
            "version": DOCUMENT_VERSION,
            "verdict": verdict({"passed": len(tests)}, duration_s=ended),
            "run": {
                "id": str(self._header["run"]),
                "began_at": round(self._started, 3),
                "duration_s": round(ended, 3),
                "status": self._status,
                "stopped": "",
                "expected": self._expected,
                "not_run": 0,
                "environment": {name: self._header[name] for name in _ENVIRONMENT if name in self._header},
            },
            "counts": {"total": len(tests), "passed": len(tests)},
            **{name: [] for name in ("diagnoses", "groups", "findings", "collection_failures", "problems")},
            "warnings": [dict(zip(_WARNING, one, strict=True)) for one in self._warnings],
            "news": None,
            "past": None,
            "slowest": [{"id": one["id"], "duration_s": one["duration_s"]} for one in slowest],
            "hungriest": [{"id": nodeid, "memory_mb": round(mb, 2)} for mb, nodeid in hungriest],
            "workers": [
                {"name": self._name, "host": str(self._header["host"]), "began_s": 0.0, "ended_s": ended},
            ],
            "tests": tests,
        }
