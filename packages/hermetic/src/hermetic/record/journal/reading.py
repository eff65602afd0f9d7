"""
Reads journals back, as they are found: whole, cut in the middle of a line, or written by a newer version.

What cannot be understood is told in `problems` and kept as `UnknownEvent`; nothing is thrown away in silence.
"""

from __future__ import annotations

import functools
import json
import math
import stat
import types
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Union, get_args, get_origin

from hermetic.errors import HermeticError
from hermetic.foundation import Event
from hermetic.record.events import PhaseEnded, TestBegan, TestPassed
from hermetic.record.journal.kinds import hints_of, known_kinds
from hermetic.record.journal.line import PARTS, SCHEMA_VERSION

if TYPE_CHECKING:
    from collections.abc import Iterable


class NotAJournalError(HermeticError, ValueError):
    """
    A file that holds no journal.
    """

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        return (
            f"{self.path} is no journal: {self.reason}. Give a file that was written with --hermetic-journal, "
            "or a directory that holds such files."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownEvent(Event):
    """
    A line whose kind or fields this version does not know; `values` is the line as it stands.
    """

    kind: ClassVar[str] = "unknown"

    values: dict[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class Journal:
    """
    What one process wrote: the header's values, then its events in the order in which they happened.

    `problems` are sentences about what could not be read.
    """

    path: Path
    header: dict[str, Any]
    events: tuple[Event, ...]
    problems: tuple[str, ...] = ()

    @property
    def run(self) -> str:
        return str(self.header.get("run", ""))

    @property
    def worker(self) -> str:
        return str(self.header.get("worker", ""))

    def wall(self, at_s: float) -> float:
        """
        Seconds since the Unix epoch at a moment of this journal's process: how journals are laid side by side.
        """
        return float(self.header.get("started_at", 0.0)) + at_s - float(self.header.get("at_s", 0.0))


def read(*paths: Path | str) -> list[Journal]:
    """
    The journals in these files and directories, each process's part by itself, in the order in which they began.

    Raises:
        NotAJournalError: a path that does not exist, or a file without any line of a journal.
    """
    journals: list[Journal] = []
    for path in _files(paths):
        journals += read_file(path)
    return sorted(journals, key=lambda one: (float(one.header.get("started_at", 0.0)), one.worker))


def _files(paths: Iterable[Path | str]) -> list[Path]:
    found: dict[Path, None] = {}
    for given in map(Path, paths):
        if given.is_dir():
            # What an earlier run left is kept beside the newest, and is no part of it.
            named = [one for one in sorted(given.rglob("*.jsonl")) if not one.stem.endswith(".previous")]
            inside = [one for one in named if _begins_as_journal(one)]
            if not inside:
                raise NotAJournalError(given, "no file in this directory begins as a journal does")
            found.update(dict.fromkeys(inside))
        else:
            found[given] = None
            # Under xdist each worker writes beside its controller.
            found.update(dict.fromkeys(sorted(given.parent.glob(f"{given.stem}-gw*{given.suffix}"))))
    return list(found)


def _begins_as_journal(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return b'"kind":"journal"' in file.readline(4096)
    except OSError:
        return False


def read_file(path: Path) -> list[Journal]:
    """
    The journals of one file: several, when several processes wrote there one after the other.

    Raises:
        NotAJournalError: the file cannot be read, or holds no line of a journal.
    """
    try:
        if stat.S_ISCHR(path.stat().st_mode):
            raise NotAJournalError(path, "it is a device, and some of those never end")
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise NotAJournalError(path, error.strerror or str(error)) from error
    parts: list[_Part] = []
    for number, line in enumerate(text.splitlines(), 1):
        values = _values(line)
        if values is not None and values.get("kind") == "journal":
            parts.append(_Part(path, _checked(path, number, values)))
        elif parts:
            parts[-1].take(number, line, values)
        elif line.strip():
            raise NotAJournalError(path, "its first line is not a journal's header")
    if not parts:
        raise NotAJournalError(path, "it is empty")
    return [part.journal() for part in parts]


def _checked(path: Path, number: int, header: dict[str, Any]) -> dict[str, Any]:
    # The clocks of a header are calculated with by everybody; its other values are only shown.
    for name in ("started_at", "at_s", "schema"):
        value = header.get(name, 0)
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise NotAJournalError(path, f"in the header at line {number}, {name} is {value!r} and no number")
    return header


def _values(line: str) -> dict[str, Any] | None:
    try:
        values: Any = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return values if isinstance(values, dict) and isinstance(values.get("kind"), str) else None  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]  # JSON


class _Part:
    def __init__(self, path: Path, header: dict[str, Any]) -> None:
        self._path = path
        self._header = header
        self._events: list[Event] = []
        self._problems: list[str] = []
        self._unknown: dict[str, int] = {}
        if int(header.get("schema", 0) or 0) > SCHEMA_VERSION:
            self._problems.append(
                f"{path} was written by Hermetic {header.get('hermetic')} in version {header['schema']} of the journal; "
                f"this one reads version {SCHEMA_VERSION}. What it does not know is shown as it is; install the newer one "
                "to read it in full."
            )

    def take(self, number: int, line: str, values: dict[str, Any] | None) -> None:
        if values is None:
            if line.strip():
                self._problems.append(
                    f"{self._path}:{number} is not whole ({len(line)} characters): its process ended there"
                )
            return
        event = decode(values)
        if isinstance(event, UnknownEvent):
            kind = str(values["kind"])
            self._unknown[kind] = self._unknown.get(kind, 0) + 1
        if isinstance(event, TestPassed):
            self._events += _parts(event)
        else:
            self._events.append(event)

    def journal(self) -> Journal:
        unknown = [
            f"{self._path}: {count} events of the kind {kind!r} are not known to this version, and kept as they are"
            for kind, count in sorted(self._unknown.items())
        ]
        self._take_running()
        return Journal(
            path=self._path, header=self._header, events=tuple(self._events), problems=(*self._problems, *unknown)
        )

    def _take_running(self) -> None:
        # A killed process has told here what it had not written yet.
        running: Any = self._header.pop("running", None)
        if running is None:
            return
        said = str(running)[:100]
        began = decode({**running, "kind": TestBegan.kind}) if isinstance(running, dict) else None
        if not isinstance(began, TestBegan):
            self._problems.append(f"{self._path}: its header says {said} of the test that ran, which is none")
        elif not any(isinstance(one, TestBegan) and one.at_s >= began.at_s for one in self._events):
            self._events.append(began)


def _parts(passed: TestPassed) -> list[Event]:
    return [
        PhaseEnded(at_s=ended, test=passed.test, phase=part, outcome="passed", duration_s=took)
        for part, ended, took in zip(PARTS, passed.ended_s, passed.took_s, strict=True)
    ]


# ---------------------------------------------------------------- from JSON to records


@functools.cache
def _kinds() -> dict[str, type[Event]]:
    return known_kinds()


def decode(values: dict[str, Any]) -> Event:
    """
    The event of a line. Fields that are not known are left out; what does not fit its class is an `UnknownEvent`.
    """
    cls = _kinds().get(str(values.get("kind")))
    if cls is not None:
        try:
            event: Event = _record(cls, values)
        except (TypeError, ValueError, KeyError):
            pass
        else:
            return event
    at_s = values.get("at_s")
    return UnknownEvent(at_s=float(at_s) if isinstance(at_s, int | float) else 0.0, values=values)


@functools.cache
def _shape(cls: type) -> tuple[tuple[str, Any, bool], ...]:
    hints = hints_of(cls)
    shown: Any = cls
    return tuple(
        (one.name, hints[one.name], one.default is MISSING and one.default_factory is MISSING) for one in fields(shown)
    )


def _record(cls: type, values: Any) -> Any:
    if not isinstance(values, dict):
        raise TypeError(f"{cls.__name__} is an object")
    given: dict[str, Any] = {}
    for name, hint, is_needed in _shape(cls):
        if name in values:
            given[name] = _value(hint, values[name])
        elif is_needed:
            raise KeyError(name)
    return cls(**given)


def _value(hint: Any, value: Any) -> Any:  # noqa: PLR0911, C901 - one branch a shape
    if hint is Any or hint is object:
        return value
    if isinstance(hint, type):
        if is_dataclass(hint):
            return _record(hint, value)
        if hint is float and isinstance(value, int) and not isinstance(value, bool):
            return float(value)
        if not isinstance(value, hint) or (hint is int and isinstance(value, bool)):
            raise TypeError(f"{value!r} is no {hint!r}")
        return value
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Literal:
        if value not in arguments:
            raise ValueError(f"{value!r} is none of {arguments}")
        return value
    if origin in {Union, types.UnionType}:
        return _one_of(arguments, value)
    if origin is tuple:
        if not isinstance(value, list):
            raise TypeError("an array is expected")
        inner = arguments[:1] * len(value) if arguments[-1] is Ellipsis else arguments  # pyright: ignore[reportUnknownArgumentType]  # JSON
        return tuple(_value(one, item) for one, item in zip(inner, value, strict=True))  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]  # JSON
    if origin is dict:
        return {str(name): _value(arguments[1], one) for name, one in value.items()}
    raise TypeError(f"{hint!r} cannot be read")


def _one_of(arguments: tuple[Any, ...], value: Any) -> Any:
    if value is None and type(None) in arguments:
        return None
    for one in arguments:
        try:
            return _value(one, value)
        except (TypeError, ValueError, KeyError):
            continue
    raise TypeError(f"{value!r} fits none of {arguments}")
