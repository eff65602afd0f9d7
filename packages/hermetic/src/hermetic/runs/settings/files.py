"""
The files that pytest may take its settings from, with the line of each setting.
"""

from __future__ import annotations

import re
import shlex
import tomllib
from configparser import ConfigParser
from configparser import Error as IniError
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

# In the order in which pytest asks them; it takes the first that has its section, and looks in no other.
# Source: _pytest/config/findpaths.py, locate_config and load_config_dict_from_file.
NAMES = ("pytest.toml", ".pytest.toml", "pytest.ini", ".pytest.ini", "pyproject.toml", "tox.ini", "setup.cfg")
_SECTIONS = {
    "pytest.toml": ("pytest",),
    ".pytest.toml": ("pytest",),
    "pytest.ini": ("pytest",),
    ".pytest.ini": ("pytest",),
    "pyproject.toml": ("tool.pytest.ini_options", "tool.pytest"),
    "tox.ini": ("pytest",),
    "setup.cfg": ("tool:pytest",),
}
_LARGEST_BYTES = 4 * 2**20


@dataclass(frozen=True, slots=True)
class Place:
    """
    A line of a file, from 1 on; 0 stands for the whole file. `text` is what is there.
    """

    file: str
    line: int
    text: str = ""

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else self.file
        return f"{where}  {self.text}".rstrip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """
    A file with settings for pytest: its section with line, and the values by name, as text or lists of texts.

    `problem` says why it cannot be read, empty if it can.
    """

    file: Path
    section: str = ""
    line: int = 0
    values: Mapping[str, object] = field(default_factory=dict[str, object])
    lines: tuple[str, ...] = ()
    problem: str = ""

    def place(self, name: str, word: str = "") -> Place:
        """
        Where a setting stands, and within it the line of one word of it.
        """
        start = self.line
        found = next((n for n in range(start, len(self.lines)) if _names(self.lines[n], name)), start - 1)
        for number in range(found, len(self.lines) if word else 0):
            if word in self.lines[number]:
                found = number
                break
        return Place(self.file.name, found + 1, self.lines[found].strip() if 0 <= found < len(self.lines) else "")

    def text(self, name: str) -> str:
        """
        The value as one text; empty if it is not set.
        """
        value = self.values.get(name, "")
        listed = [str(one) for one in cast("list[object]", value)] if isinstance(value, list) else [str(value)]
        return " ".join(listed)

    @property
    def options(self) -> list[str]:
        """
        The words of `addopts`.
        """
        value = self.values.get("addopts", "")
        if isinstance(value, list):
            return [str(one) for one in cast("list[object]", value)]
        try:
            return shlex.split(str(value))
        except ValueError:
            return str(value).split()


def _names(line: str, name: str) -> bool:
    return re.match(rf"""\s*["']?{re.escape(name)}["']?\s*[=:]""", line) is not None


def sources(directory: Path) -> list[Source]:
    """
    All files with settings for pytest in a directory and those above it, in the order in which pytest asks them: the first
    one counts, the others are not read.
    """
    return [source for base in (directory, *directory.parents) for name in NAMES for source in _read(base / name)]


def _read(file: Path) -> Iterator[Source]:
    try:
        if not file.is_file():
            return
        if file.stat().st_size > _LARGEST_BYTES:
            yield Source(file=file, problem=f"has more than {_LARGEST_BYTES} bytes")
            return
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        yield Source(file=file, problem=str(error))
        return
    try:
        tables = _toml(text, file.name) if file.suffix == ".toml" else _ini(text)
    except (tomllib.TOMLDecodeError, IniError) as error:
        yield Source(file=file, problem=str(error))
        return
    lines = tuple(text.splitlines())
    # Without its section, a file of pytest's own name counts all the same.
    is_own = file.name.removeprefix(".").startswith("pytest.")
    for section in _SECTIONS[file.name]:
        values = tables.get(section)
        if values is None and not is_own:
            continue
        if section == "tool.pytest" and values is not None and set(values) <= {"ini_options"}:
            continue
        yield Source(file=file, section=section, line=_heading(lines, section), values=values or {}, lines=lines)


def _toml(text: str, name: str) -> dict[str, dict[str, Any]]:
    tables: dict[str, Any] = tomllib.loads(text)
    if name != "pyproject.toml":
        return {"pytest": table} if isinstance(table := tables.get("pytest"), dict) else {}
    found: dict[str, dict[str, Any]] = {}
    own = _table(_table(tables, "tool"), "pytest")
    if own:
        found["tool.pytest"] = own
        if "ini_options" in own:
            found["tool.pytest.ini_options"] = _table(own, "ini_options")
    return found


def _table(tables: dict[str, Any], name: str) -> dict[str, Any]:
    value: object = tables.get(name)
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _ini(text: str) -> dict[str, dict[str, Any]]:
    parser = ConfigParser(interpolation=None, strict=False, allow_no_value=True)
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # the documented way to keep names as they are
    parser.read_string(text)
    return {name: {key: value or "" for key, value in parser[name].items()} for name in parser.sections()}


def _heading(lines: tuple[str, ...], section: str) -> int:
    return next((n for n, line in enumerate(lines, 1) if line.strip().startswith(f"[{section}]")), 0)
