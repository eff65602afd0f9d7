"""
One event as one line of JSON.

A line is an object with `kind`, `at_s` and the event's own fields. The first line of a journal has the kind `journal`
and carries the schema's version. Within one version fields are only added; a reader ignores those it does not know.

Version 2 tells the three parts of a test that passed in one line, of the kind `test.passed`; readers take it apart again.
"""

from __future__ import annotations

import json
import math
from json.encoder import encode_basestring_ascii as quoted
from typing import TYPE_CHECKING, Any, Final, cast

from hermetic.guard.census.wording import safe_repr
from hermetic.record.journal.hints import may_hold_secret
from hermetic.record.moments import phase_passed, resources_sampled, run_began, run_ended, test_began

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from hermetic.foundation import Event
    from hermetic.record.moments import Moment

SCHEMA_VERSION: Final = 2
LONGEST_TEXT: Final = 64 * 1024
"""
Characters of one text that are kept: what is longer is cut in its middle, and says by how much.
"""
_DEEPEST: Final = 20
PARTS: Final = ("setup", "call", "teardown")
"""
The parts of a test, in the order in which a line of the kind `test.passed` has their times.
"""


class Encoder:
    """
    Turns events into lines. Not for two threads at once.

    Args:
        tests: asked for the names of all tests of the run when one holds a secret.
    """

    def __init__(self, tests: Callable[[], Iterable[str]] = tuple) -> None:
        self._tests = tests
        self._apart: dict[str, str] | None = None
        # ASCII escapes keep lone surrogates writable and terminal control characters harmless.
        self._strictly = json.JSONEncoder(separators=(",", ":"), default=_default, allow_nan=False).encode
        # The name of the test that runs when nothing is to be taken out of it, as it is and as JSON.
        self._clean: object = None
        self._quoted = ""
        # A field that has its default is left out, which halves the file; a reader puts it back.
        self._fields: dict[type, tuple[tuple[str, object], ...]] = {}

    def _encode(self, values: Any) -> str:
        try:
            return self._strictly(values)
        except Exception:  # noqa: BLE001 - a repr may raise anything; others are keys that are no text, NaN, and what holds itself
            return self._strictly(_plain(values))

    def take(self, told: Sequence[Event | Moment], index: int) -> tuple[str, int]:
        """
        The line at this place of what was told, or both lines of a test that passed, and how many of what was told they hold. What
        happens in every test is written without its event being made, which would cost most of the journal's time.
        """
        one = told[index]
        if not isinstance(one, tuple):
            return self.encode(one), 1
        make, values = one
        if make is begun:
            self._clean, self._quoted, text = values[1], str(values[4]), values[5]
            began = f'{{"kind":"test.began",{text}}}\n'
            passed = _passed(self._clean, self._quoted, told[index + 1 : index + 4])
            return (began + passed, 4) if passed else (began, 1)
        if make is phase_passed and values[1] == self._clean:
            passed = _passed(self._clean, self._quoted, told[index : index + 3])
            return (passed, 3) if passed else (_part(values[0], self._quoted, *values[2:]), 1)
        if make in _PLAIN:
            kind, names = _PLAIN[make]
            told_of = {name: value for (name, default), value in zip(names, values, strict=True) if value != default}
            return self._encode({"kind": kind, **told_of}) + "\n", 1
        return self.encode(make(*values)), 1

    def encode(self, event: Event) -> str:
        r"""
        The event as ASCII JSON without a newline inside, ended by one, and without secrets.

        A value that is not JSON is written as its repr: a record with one odd value is worth more than none. Lone
        surrogates, which UTF-8 cannot hold, are written as `\udcxx` escapes.
        """
        values = self._told(event)
        text = self._encode({"kind": event.kind, **values})
        # A part of a test that passed says nothing but the test's name, which has been looked at when the test began; that of a
        # subtest has a name of its own.
        is_passed = values.get("outcome") == "passed" and values.get("test") == self._clean
        if is_passed and values.keys().isdisjoint(("output", "name", "text")):
            return text + "\n"
        if len(text) > LONGEST_TEXT or may_hold_secret(text):
            told = _scrubbing().scrub(shorten(json.loads(text)))
            if "test" in told:
                told["test"] = self._name_apart(str(values["test"]), told["test"])
            text = self._encode(told)
        elif event.kind == "test.began":
            self._clean, self._quoted = values["test"], quoted(values["test"])
        return text + "\n"

    def _name_apart(self, test: str, clean: str) -> str:
        if test == clean:
            return test
        apart = self._apart
        if apart is None:
            apart = self._apart = dict(_scrubbing().names_apart(filter(may_hold_secret, self._tests())))
        return apart.get(test, clean)

    def line(self, values: dict[str, Any]) -> str:
        text = self._encode(values)
        return (self._encode(_scrubbing().scrub(values)) if may_hold_secret(text) else text) + "\n"

    def _told(self, event: Event) -> dict[str, Any]:
        known = self._fields.get(type(event))
        if known is None:
            from dataclasses import fields  # noqa: PLC0415 - only where events are made

            known = self._fields[type(event)] = tuple((one.name, one.default) for one in fields(event))
        return {name: value for name, default in known if (value := getattr(event, name)) is not default}


def _scrubbing() -> Any:
    # Most journals hold nothing that may be a secret.
    from hermetic.record.journal import scrubbing  # noqa: PLC0415 - see above

    return scrubbing


def _default(value: Any) -> Any:
    from dataclasses import fields, is_dataclass  # noqa: PLC0415 - as above

    if is_dataclass(value) and not isinstance(value, type):
        return {one.name: getattr(value, one.name) for one in fields(value)}
    return repr(value)


def _plain(value: Any, *, deeper: int = _DEEPEST) -> Any:
    """
    The nearest value that JSON can hold: texts for keys of other kinds, for numbers that are none, and for what goes too deep.
    """
    if isinstance(value, str | int | None) or (isinstance(value, float) and math.isfinite(value)):
        return value
    if not deeper:
        return safe_repr(value)
    if isinstance(value, dict):
        items = cast("dict[object, Any]", value).items()
        return {key if isinstance(key, str) else safe_repr(key): _plain(one, deeper=deeper - 1) for key, one in items}
    if isinstance(value, list | tuple):
        return [_plain(one, deeper=deeper - 1) for one in cast("list[Any]", value)]
    try:
        told = _default(value)
    except Exception:  # noqa: BLE001 - a user's broken repr is no reason to lose the event
        told = safe_repr(value)
    return _plain(told, deeper=deeper - 1)


# ---------------------------------------------------------------- what every test writes


def begun(at_s: float, test: str, file: str, line: int, _name: str, _text: str) -> Event:
    """
    The beginning of a test from whose names nothing is to be taken out, with the name as JSON and what a line says of it.
    """
    return test_began(at_s, test, file, line)


class Beginnings:
    """
    The beginnings of tests with their text, made once for the header of a journal and for its line.
    """

    def __init__(self) -> None:
        # Tests stand in few files, and with parameters many share the name of one function: what was found last is kept.
        self._known: set[str] = set()
        # The file of the test before, the same object mostly, when nothing is to be taken out of it, and as JSON.
        self._file: object = None
        self._quoted_file = ""

    def take(self, moment: Moment) -> tuple[Moment, str]:
        """
        The moment of a `test_began` with its text, and that text; the moment as it is and no text when something is to be taken
        out of its names.
        """
        at_s, test, file, line = moment[1]
        if file is not self._file:
            if not self._is_clean(str(file)):
                return moment, ""
            self._file, self._quoted_file = file, quoted(str(file))
        if not self._is_clean(str(test)):
            return moment, ""
        name = quoted(str(test))
        text = f'"at_s":{at_s!r},"test":{name},"file":{self._quoted_file},"line":{line!r}'
        return (begun, (at_s, test, file, line, name, text)), text

    def _is_clean(self, name: str) -> bool:
        # No hint of a secret has a bracket in it, so none stands across this one.
        shared, _, rest = name.partition("[")
        if shared in self._known and (not rest or rest[:-1].isdecimal()):
            return True
        if len(name) > LONGEST_TEXT:
            return False
        if may_hold_secret(name):
            clean: bool = _scrubbing().scrub_text(name) == name
            return clean
        if len(self._known) >= _MOST_NAMES:
            self._known.clear()
        self._known.add(shared)
        return True


_MOST_NAMES: Final = 1000
# Of moments that hold nothing from outside: the kind of their event, and its fields with their defaults.
_PLAIN: Final[dict[object, tuple[str, tuple[tuple[str, object], ...]]]] = {
    run_began: ("run.began", (("at_s", None), ("tests", None), ("deselected", 0))),
    run_ended: ("run.ended", (("at_s", None), ("status", None), ("stopped", ""), ("gates", ()))),
    resources_sampled: (
        "resources.sampled",
        (("at_s", None), ("memory_bytes", None), ("descriptors", None), ("threads", None)),
    ),
}


def _part(at_s: object, name: str, phase: object, duration_s: Any) -> str:
    return (
        f'{{"kind":"test.phase","at_s":{at_s!r},"test":{name},"phase":"{phase}","outcome":"passed",'
        f'"duration_s":{round(duration_s, 6)!r}}}\n'
    )


def _passed(test: object, name: str, parts: Sequence[Event | Moment]) -> str:
    # Empty when these are not the three parts of this test.
    if len(parts) < len(PARTS):
        return ""
    setup, call, teardown = parts
    if not isinstance(setup, tuple) or not isinstance(call, tuple) or not isinstance(teardown, tuple):
        return ""
    if not setup[0] is call[0] is teardown[0] is phase_passed:
        return ""
    set_up_s, nodeid, first, setup_took_s = setup[1]
    called_s, _, second, call_took_s = call[1]
    at_s, _, third, teardown_took_s = teardown[1]
    if nodeid != test or (first, second, third) != PARTS:
        return ""
    return (
        f'{{"kind":"test.passed","at_s":{at_s!r},"test":{name},"ended_s":[{set_up_s!r},{called_s!r},{at_s!r}],'
        f'"took_s":[{_seconds(setup_took_s)},{_seconds(call_took_s)},{_seconds(teardown_took_s)}]}}\n'
    )


def _seconds(value: Any) -> str:
    return repr(round(value, 6))


def shorten(value: Any) -> Any:
    """
    A value of JSON with each text in it at most `LONGEST_TEXT` long.
    """
    if isinstance(value, str):
        if len(value) <= LONGEST_TEXT:
            return value
        half = LONGEST_TEXT // 2
        return f"{value[:half]}\n… {len(value) - 2 * half} characters left out …\n{value[-half:]}"
    if isinstance(value, dict):
        return {str(name)[:LONGEST_TEXT]: shorten(one) for name, one in value.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]  # JSON
    if isinstance(value, list):
        return [shorten(one) for one in value]  # pyright: ignore[reportUnknownVariableType]  # JSON
    return value
