"""
The findings that an old suite is known to have: they are listed and counted, and only new ones fail.

A finding is recognised by its kind, its owner, and the function that made the thing: not by a line, which moves with
every edit, nor by an address or a port, which differ in every run. The same may occur several times; the file says how
often, and what comes on top is new. It only ever shrinks by itself: what an owner that ran did not show any more is
taken off.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from hermetic.errors import HermeticError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

_VERSION = 1


class BaselineError(HermeticError, ValueError):
    """
    A baseline file that cannot be read.
    """

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(path, problem)
        self.path = path
        self.problem = problem

    def __str__(self) -> str:
        return (
            f"baseline file {self.path}: {self.problem}. "
            "Write it anew with --hermetic-baseline-write, which keeps what the run finds."
        )


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """
    What a finding is recognised by. `where` is "file in function", relative to the project, or empty if unknown.
    """

    kind: str
    scope: str
    owner: str
    node: str
    where: str


@dataclass(frozen=True, slots=True)
class Entry:
    """
    One line of the file: a mark, and how often it occurs.
    """

    mark: Mark
    count: int


Counts: TypeAlias = Counter[Mark]


def mark_of(finding: Mapping[str, Any], *, root: str) -> Mark:
    """
    The mark of a finding, given as the mapping that `dataclasses.asdict` makes of it; files are relative to `root`.
    """
    owner, site = finding["owner"], finding["site"]
    frames = site["frames"] if site else ()
    where = f"{_relative(frames[0]['file'], root)} in {frames[0]['function']}" if frames else ""
    parameter = f"[{owner['parameter']}]" if owner["parameter"] else ""
    return Mark(finding["kind"], owner["scope"], f"{owner['kind']} {owner['name']}{parameter}", owner["node"], where)


def _relative(file: str, root: str) -> str:
    return os.path.relpath(file, root) if file.startswith(root.rstrip(os.sep) + os.sep) else os.path.basename(file)  # noqa: PTH119 - text that only is compared


class Baseline:
    """
    The known findings, and how many of each this run has shown so far.

    Args:
        entries: what the file holds.
    """

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self.known: Counts = Counter({entry.mark: entry.count for entry in entries})
        self._shown: Counts = Counter()

    def is_known(self, mark: Mark, *, count: int = 1) -> bool:
        """
        Whether the file allows for `count` more of these. Each call uses some of them up.
        """
        self._shown[mark] += count
        return self._shown[mark] <= self.known[mark]

    def after(self, seen: Counts, *, has_run: Callable[[Mark], bool]) -> Counts:
        """
        What the file should hold after a run that showed `seen`: as often as seen where the owner ran, never more.
        """
        kept: Counts = Counter()
        for mark, count in self.known.items():
            left = min(count, seen[mark]) if has_run(mark) else count
            if left:
                kept[mark] = left
        return kept


def load(path: Path) -> Baseline:
    """
    Raises:
        BaselineError: it is missing, cannot be read, or holds something else.
    """
    try:
        data: Any = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise BaselineError(str(path), "it does not exist") from error
    except (OSError, ValueError) as error:
        raise BaselineError(str(path), f"it cannot be read: {error}") from error
    if not isinstance(data, dict) or cast("dict[str, Any]", data).get("version") != _VERSION:
        raise BaselineError(str(path), f'it is not a baseline of version {_VERSION} ("version" is missing or another)')
    found: Any = cast("dict[str, Any]", data).get("findings")
    if not isinstance(found, list):
        raise BaselineError(str(path), 'it has no list "findings"')
    lines = cast("list[Any]", cast("object", found))
    return Baseline(_entry(line, number, path) for number, line in enumerate(lines, 1))


def _entry(line: Any, number: int, path: Path) -> Entry:
    names = ("kind", "scope", "owner", "node", "where")
    if not isinstance(line, dict):
        raise BaselineError(str(path), f"finding {number} is not an object")
    fields = cast("dict[str, Any]", line)
    if wrong := [name for name in names if not isinstance(fields.get(name), str)]:
        raise BaselineError(str(path), f"finding {number} has no text {wrong[0]!r}")
    count = fields.get("count")
    if type(count) is not int or count < 1:
        raise BaselineError(str(path), f"finding {number} has a count of {count!r}, not a whole number from 1")
    return Entry(Mark(*(fields[name] for name in names)), count)


def save(path: Path, counts: Counts) -> None:
    """
    Write the file, one finding a line in a stable order, so that version control shows what changed.

    Raises:
        OSError: it cannot be written; the old file is as it was.
    """
    lines = [
        json.dumps({**asdict(mark), "count": count}, ensure_ascii=False)
        for mark, count in sorted(counts.items())
        if count
    ]
    text = f'{{"version": {_VERSION}, "findings": [\n' + ",\n".join(lines) + "\n]}\n"
    beside = path.with_name(f"{path.name}.new-{os.getpid()}")
    try:
        beside.write_text(text, encoding="utf-8")
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
