"""
The document of a run in which every test passed and nothing else happened, from what its journal's writer was told.

Most runs are like this, and what reads journals in full, with a class for each kind of event and rules for what went wrong,
takes longer to load than a thousand such tests take to tell of. What is made here equals what would be made in full; whatever
is not as simple is left to that.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

from hermetic.record.report.verdict import verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hermetic.foundation.events import Event
    from hermetic.record.moments import Moment

    # When it began, its name, file and line, what its three parts took, and when it ended.
    Passed: TypeAlias = tuple[Any, ...]

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
_UNTOLD: Final = tuple(f'{{"kind":"{kind}",' for kind in ("fixture.set_up", "fixture.torn_down", "log"))
# Of other lines, in characters: a run that tells this much has something to tell.
_MOST_OTHER: Final = 2**22
_WARNING: Final = ("category", "message", "place", "test")
# A test's beginning and the ends of its parts.
_WHOLE: Final = 4
_PLAIN_PART: Final = frozenset({"kind", "at_s", "test", "phase", "outcome", "duration_s"})


class _EventfulError(ValueError):
    # There is more to be told.
    pass


class Uneventful:
    """
    Keeps of what a journal's writer writes as much as a report of passing tests needs.
    """

    def __init__(self) -> None:
        self._kept: list[str | Passed] | None = []
        self._room = _MOST_OTHER

    def take(self, told: Sequence[Event | Moment], line: str) -> None:
        """
        The next line, or both lines of a test that passed, with what it was told as; the header was told by nobody.
        """
        kept = self._kept
        if kept is None:
            return
        if len(told) == _WHOLE:
            # Only moments are told together.
            (_, began), (_, setup), (_, call), (_, teardown) = cast("Sequence[Moment]", told)
            kept.append((*began[:4], setup[3], call[3], teardown[3], teardown[0]))
        elif not line.startswith(_UNTOLD):
            self._room -= len(line)
            if self._room < 0:
                self._kept = None
            else:
                kept.append(line)

    def document(self) -> dict[str, Any] | None:
        """
        The document, or None where more is to be told than that tests passed.
        """
        try:
            return _Reader(self._kept or []).document()
        except (ValueError, LookupError, TypeError):
            return None


class _Reader:
    def __init__(self, kept: list[str | Passed]) -> None:
        header, *self._kept = kept
        self._header: dict[str, Any] = json.loads(header)  # type: ignore[arg-type]  # the first is a line
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
        self._ended = 0.0

    def document(self) -> dict[str, Any]:
        for one in self._kept:
            if isinstance(one, str):
                self._line(json.loads(one))
            else:
                self._whole(*one)
        self._grown()
        if self._open or self._status != 0 or not self._tests or self._expected != len(self._tests):
            raise _EventfulError
        return self._told()

    def _whole(self, *one: Any) -> None:
        began_s, test, file, line, setup_s, call_s, teardown_s, self._ended = one
        if self._open or test in self._tests:
            raise _EventfulError
        if self._samples:
            self._grown()
        took_s = round(round(setup_s, 6) + round(call_s, 6) + round(teardown_s, 6), 6)
        self._tests[test] = self._test(test, file, line, began_s, took_s)

    def _line(self, line: dict[str, Any]) -> None:
        kind, self._ended = line["kind"], line["at_s"]
        if kind == "test.passed":
            self._end(line["test"], sum(line["took_s"]))
        elif kind == "test.began":
            self._begin(self._ended, line["test"], line["file"], line["line"])
        elif kind == "test.phase":
            self._part(line)
        elif kind == "resources.sampled":
            self._samples.append(line["memory_bytes"])
        else:
            self._of_run(kind, line)

    # ------------------------------------------------------------ lines

    def _since(self, at_s: float) -> float:
        return round(max(0.0, self._started + at_s - self._at - self._started), 6)

    def _begin(self, at_s: float, test: str, file: str, line: int) -> None:
        if self._open or test in self._tests:
            raise _EventfulError
        if self._samples:
            self._grown()
        self._open = test
        self._tests[test] = self._test(test, file, line, at_s, 0.0)

    def _test(self, test: str, file: str, line: int, began_s: float, took_s: float) -> dict[str, Any]:
        began_s = self._since(began_s)
        return {
            "id": test,
            "file": file,
            "line": line,
            "outcome": "passed",
            "duration_s": took_s,
            "tries": [{"outcome": "passed", "began_s": began_s, "duration_s": took_s, "worker": self._name}],
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
        ended = self._since(self._ended)
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
