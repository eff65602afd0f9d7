"""
One run and its outcomes as plain data, and as JSON Lines: the first line is the run, each further one a try of a test.
"""

from __future__ import annotations

import json
import math
from json.encoder import encode_basestring_ascii as quoted
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias, cast

from hermetic.record.history.errors import HistoryError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

FORMAT = 1
Outcome: TypeAlias = Literal["passed", "failed", "error", "skipped", "xfailed", "xpassed", "lost"]
OUTCOMES: tuple[Outcome, ...] = ("passed", "failed", "error", "skipped", "xfailed", "xpassed", "lost")
# These say something about whether a test can be trusted; a skipped one was not asked.
COUNTING: frozenset[str] = frozenset({"passed", "failed", "error", "lost"})


# Named tuples: every run makes these classes at its end, and one object a test, at a third of what a dataclass costs.


class Run(NamedTuple):
    """
    What all its outcomes have in common.

    Args:
        id: unique over machines.
        at: when it began, in seconds since the epoch.
        duration_s: of the whole run.
        code: the version of the code: the commit, with a digest of what was changed since; empty when not known.
        environment: Python, platform and whatever else may make a difference, as one readable text.
        seed: of the order, when it is random.
        workers: how many processes shared the tests; 0 without any.
        status: pytest's exit status.
    """

    id: str
    at: float
    duration_s: float = 0.0
    code: str = ""
    environment: str = ""
    seed: str = ""
    workers: int = 0
    status: int = 0


class Try(NamedTuple):
    """
    One try of one test: its place in the order of its worker, and what became of it.

    `attempt` counts from 1. `cause` is the fingerprint of the failure, empty without one, `said` its first line, and `nature`
    what kind of failure it was, as in `hermetic.record.history.nature`; `findings` are the kinds of Hermetic's findings.
    """

    test: str
    outcome: Outcome
    duration_s: float = 0.0
    attempt: int = 1
    worker: str = ""
    position: int = 0
    cause: str = ""
    findings: tuple[str, ...] = ()
    said: str = ""
    nature: str = ""

    @property
    def did_pass(self) -> bool:
        return self.outcome == "passed"


def to_lines(run: Run, tries: Iterable[Try]) -> Iterator[str]:
    """
    The run as JSON Lines, without line ends.
    """
    encode = json.JSONEncoder(ensure_ascii=True).encode
    yield encode({"hermetic_history": FORMAT, **run._asdict()})
    for one in tries:
        test, outcome, duration_s, attempt, worker, position = one[:6]
        if (attempt, worker) == _FIRST and one[6:] == _NO_MORE and duration_s and position:
            # As of nearly all, in a tenth of the time that the encoder takes for it.
            yield (
                f'{{"test": {quoted(test)}, "outcome": {quoted(outcome)}, '
                f'"duration_s": {duration_s!r}, "position": {position}}}'
            )
            continue
        # What is as usual is left out: a run of 5,000 tests is to be small.
        yield encode(
            {name: value for name, value, usual in zip(Try._fields, one, _USUAL, strict=True) if value != usual}
        )


_NEVER = object()
_USUAL: tuple[object, ...] = tuple(Try._field_defaults.get(name, _NEVER) for name in Try._fields)
_FIRST, _NO_MORE = (1, ""), _USUAL[6:]


def from_lines(lines: Iterable[str], *, source: str) -> tuple[Run, list[Try]]:
    """
    Read what `to_lines` wrote. A last line that was cut short, by a full disk or a killed process, is left out.

    Raises:
        HistoryError: it is no such file, or one of a newer version.
    """
    remedy = "It is left as it is; take it away, or read it with the version of Hermetic that wrote it."
    parsed: list[dict[str, Any]] = []
    texts = list(lines)
    for number, text in enumerate(texts, 1):
        try:
            value = json.loads(text)
        except ValueError as error:
            if number == len(texts) and number > 1:
                break
            raise HistoryError(f"line {number} is not JSON: {error}", where=source, remedy=remedy) from error
        if not isinstance(value, dict):
            raise HistoryError(f"line {number} is no object", where=source, remedy=remedy)
        parsed.append(cast("dict[str, Any]", value))
    if not parsed or parsed[0].get("hermetic_history") != FORMAT:
        found = parsed[0].get("hermetic_history") if parsed else "nothing"
        raise HistoryError(f"its format is {found!r}, not {FORMAT}", where=source, remedy=remedy)
    head = {name: value for name, value in parsed[0].items() if name != "hermetic_history"}
    run = _checked_run(head, source=source, remedy=remedy)
    return run, [_checked_try(value, source, n, remedy=remedy) for n, value in enumerate(parsed[1:], 2)]


def _checked_run(value: dict[str, Any], *, source: str, remedy: str) -> Run:
    _check_types(value, _RUN_TYPES, source=source, remedy=remedy)
    if not value.get("id"):
        raise HistoryError("the run has no id", where=source, remedy=remedy)
    return Run(**value)


def _checked_try(value: dict[str, Any], file: str, line: int, *, remedy: str) -> Try:
    source = f"{file}, line {line}"
    given = value.get("findings", [])
    findings = cast("list[object]", given) if isinstance(given, list) else [None]
    if not all(isinstance(one, str) for one in findings):
        raise HistoryError(f"findings {given!r} are no list of names", where=source, remedy=remedy)
    value["findings"] = tuple(map(str, findings))
    _check_types(value, _TRY_TYPES, source=source, remedy=remedy)
    if value.get("outcome") not in OUTCOMES:
        raise HistoryError(
            f"outcome {value.get('outcome')!r} is none of {', '.join(OUTCOMES)}", where=source, remedy=remedy
        )
    if not value.get("test"):
        raise HistoryError("there is no test named", where=source, remedy=remedy)
    return Try(**value)


def _types(kind: type[Run | Try]) -> dict[str, str]:
    return {name: getattr(wanted, "__forward_arg__", str(wanted)) for name, wanted in kind.__annotations__.items()}


# Made once: a run has thousands of lines.
_RUN_TYPES, _TRY_TYPES = _types(Run), _types(Try)
_CHECKS: dict[str, tuple[type, ...]] = {"str": (str,), "float": (int, float), "int": (int,)}


def _check_types(value: dict[str, Any], known: dict[str, str], *, source: str, remedy: str) -> None:
    if unknown := sorted(value.keys() - known.keys()):
        raise HistoryError(f"unknown fields {', '.join(unknown)}", where=source, remedy=remedy)
    for name, given in value.items():
        wanted = _CHECKS.get(known[name])
        if wanted is not None and (not isinstance(given, wanted) or isinstance(given, bool)):
            raise HistoryError(f"{name} = {given!r} is no {known[name]}", where=source, remedy=remedy)
        if isinstance(given, float) and not math.isfinite(given):
            raise HistoryError(f"{name} = {given!r} is no finite number", where=source, remedy=remedy)
