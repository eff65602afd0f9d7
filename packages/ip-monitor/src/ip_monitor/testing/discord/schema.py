"""
JSON schemas compiled to functions.

The double judges in the loop of the bot under test, so judging must not hold it up: a set of commands as large as a real
bot's takes half a second by a general validator, and a few milliseconds here. Two things make it so. A schema is read
once, into closures; and where Discord's alternatives differ by their `type`, only the one that is meant is looked at,
which also makes its faults the ones that are told.

Only the keywords of Discord's document are known; any other is an error when a schema is compiled, so none is
overlooked. Source: JSON Schema 2020-12, Validation. Formats are annotations there, and are so here.
"""

from __future__ import annotations

import json
import re
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"
Path: TypeAlias = "tuple[str | int, ...]"
Fault: TypeAlias = "tuple[Path, str]"
Check: TypeAlias = "Callable[[Json, Path, list[Fault]], None]"

_OTHER_TYPE = " is not of type "
_OBJECT = frozenset({"properties", "required", "additionalProperties"})
_REF = "#/components/schemas/"
_TYPES: dict[str, Callable[[Json], bool]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "integer": lambda value: (isinstance(value, int) and not isinstance(value, bool)) or _is_whole(value),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
}
# Keyword, the type that it speaks of, the measure, whether it is a lower bound, and what is told.
_BOUNDS: dict[str, tuple[type | tuple[type, ...], Callable[[Any], float], bool, str]] = {
    "minLength": (str, len, True, "is too short"),
    "maxLength": (str, len, False, "is too long"),
    "minItems": (list, len, True, "has too few items"),
    "maxItems": (list, len, False, "has too many items"),
    "minProperties": (dict, len, True, "has too few keys"),
    "maxProperties": (dict, len, False, "has too many keys"),
    "minimum": ((int, float), float, True, "is too small"),
    "maximum": ((int, float), float, False, "is too large"),
}


class Schemas:
    """
    Args:
        components: what `$ref` names, by name.
    """

    def __init__(self, components: Mapping[str, dict[str, Any]]) -> None:
        self._components = components
        self._compiled: dict[str, Check] = {}

    def component(self, name: str) -> Check:
        """
        Compiled when it is first used, for schemas refer to themselves.

        Raises:
            KeyError: there is no such schema.
        """
        if name not in self._compiled:
            self._compiled[name] = self.compile(self._components[name])
        return self._compiled[name]

    def compile(self, schema: Mapping[str, Any]) -> Check:
        """
        A function that takes a value and its path, and adds what is wrong to a list.

        Raises:
            ValueError: the schema has a keyword that is not known here.
        """
        checks: list[Check] = []
        if "type" in schema:
            checks.append(_type(schema["type"]))
        for key, told in schema.items():
            if key in self._builders:
                checks.append(self._builders[key](told))
            elif key in _BOUNDS:
                checks.append(_bound(key, told))
            elif key not in {"type", *_OBJECT, "format"}:
                raise ValueError(f"the schema keyword {key!r} is not known; teach it to {__name__} before it is used")
        if schema.keys() & _OBJECT:
            checks.append(self._object(schema))
        return checks[0] if len(checks) == 1 else _all(checks)

    @cached_property
    def _builders(self) -> dict[str, Callable[[Any], Check]]:
        return {
            "$ref": lambda told: self._reference(str(told).removeprefix(_REF)),
            "oneOf": self._alternatives,
            "anyOf": self._alternatives,
            "allOf": lambda told: _all([self.compile(each) for each in told]),
            "enum": _enum,
            "const": lambda told: _enum([told]),
            "items": lambda told: _items(self.compile(told)),
            "pattern": _pattern,
            "uniqueItems": lambda told: _unique if told else _all([]),
        }

    def _reference(self, name: str) -> Check:
        def check(value: Json, path: Path, faults: list[Fault]) -> None:
            self.component(name)(value, path, faults)

        return check

    def _object(self, schema: Mapping[str, Any]) -> Check:
        known = {name: self.compile(each) for name, each in schema.get("properties", {}).items()}
        required: list[str] = schema.get("required", [])
        rest: bool | dict[str, Any] = schema.get("additionalProperties", True)
        other = self.compile(rest) if isinstance(rest, dict) else None

        def check(value: Json, path: Path, faults: list[Fault]) -> None:
            if not isinstance(value, dict):
                return
            faults.extend((path, f"{name!r} is missing") for name in required if name not in value)
            for name, each in value.items():
                judge = known.get(name, other)
                if judge is not None:
                    judge(each, (*path, name), faults)
                elif rest is False:
                    faults.append((path, f"there is no key {name!r}"))

        return check

    def _alternatives(self, schemas: list[dict[str, Any]]) -> Check:
        checks = [self.compile(schema) for schema in schemas]
        kinds = [self._kind(schema) for schema in schemas]
        by_kind = {kind: check for kind, check in zip(kinds, checks, strict=True) if kind is not None}

        def check(value: Json, path: Path, faults: list[Fault]) -> None:
            kind = value.get("type") if isinstance(value, dict) else None
            if type(kind) is int and kind in by_kind:
                by_kind[kind](value, path, faults)
                return
            tries: list[list[Fault]] = []
            for judge in checks:
                found: list[Fault] = []
                judge(value, path, found)
                if not found:
                    return
                tries.append(found)
            distances = [_distance(found, path) for found in tries]
            faults += tries[distances.index(min(distances))]

        return check

    def _kind(self, schema: Mapping[str, Any]) -> Any:
        """
        The value of `type` by which an alternative is told from the others; None when it has none of its own.
        """
        if "$ref" not in schema:
            return None
        target = self._components[str(schema["$ref"]).removeprefix(_REF)]
        constants = target.get("properties", {}).get("type", {}).get("enum", ())
        is_required = "type" in target.get("required", ())
        return constants[0] if len(constants) == 1 and is_required else None


def _distance(found: list[Fault], path: Path) -> tuple[bool, bool, int]:
    """
    How far an alternative is from what was meant: of another type, wrong as a whole, wrong in many places.
    """
    whole = [rule for at, rule in found if at == path]
    return any(_OTHER_TYPE in rule for rule in whole), bool(whole), len(found)


def _all(checks: list[Check]) -> Check:
    def check(value: Json, path: Path, faults: list[Fault]) -> None:
        for each in checks:
            each(value, path, faults)

    return check


def _type(names: str | list[str]) -> Check:
    several = [names] if isinstance(names, str) else names
    tests = [_TYPES[name] for name in several]
    told = " or ".join(several)

    def check(value: Json, path: Path, faults: list[Fault]) -> None:
        if not any(test(value) for test in tests):
            faults.append((path, f"{_shown(value)}{_OTHER_TYPE}{told}"))

    return check


def _enum(values: list[Any]) -> Check:
    # True equals 1 in Python and not in JSON.
    allowed = {(type(value) is bool, value) for value in values}

    def check(value: Json, path: Path, faults: list[Fault]) -> None:
        if isinstance(value, dict | list) or (type(value) is bool, value) not in allowed:
            faults.append((path, f"{_shown(value)} is not one of {_shown(values)}"))

    return check


def _items(judge: Check) -> Check:
    def check(value: Json, path: Path, faults: list[Fault]) -> None:
        if isinstance(value, list):
            for index, each in enumerate(value):
                judge(each, (*path, index), faults)

    return check


def _bound(key: str, bound: float) -> Check:
    kind, measure, is_lower, told = _BOUNDS[key]

    def check(value: Json, path: Path, faults: list[Fault]) -> None:
        if not isinstance(value, kind) or isinstance(value, bool):
            return
        size = measure(value)
        if size < bound if is_lower else size > bound:
            faults.append((path, f"{_shown(value)} {told} ({key} {bound})"))

    return check


def _pattern(text: str) -> Check:
    found = re.compile(text).search

    def check(value: Json, path: Path, faults: list[Fault]) -> None:
        if isinstance(value, str) and not found(value):
            faults.append((path, f"{_shown(value)} does not match {text}"))

    return check


def _unique(value: Json, path: Path, faults: list[Fault]) -> None:
    if isinstance(value, list):
        texts = [json.dumps(each, sort_keys=True) for each in value]
        if len(set(texts)) < len(texts):
            faults.append((path, f"{_shown(value)} has items more than once"))


def _is_whole(value: Json) -> bool:
    return isinstance(value, float) and value.is_integer()


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 120 else f"{text[:80]} … {text[-30:]}"
