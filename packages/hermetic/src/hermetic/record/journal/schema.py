"""
The JSON Schema of a journal's lines, made from the classes of events, so that the two cannot drift apart.

The one that is committed beside this module is compared with it by a test; a change of it within one version may only
add.
"""

from __future__ import annotations

import types
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, Literal, Union, get_args, get_origin

from hermetic.record.journal.kinds import hints_of, known_kinds
from hermetic.record.journal.line import SCHEMA_VERSION

_PLAIN: dict[Any, dict[str, Any]] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    type(None): {"type": "null"},
    Any: {},
    object: {},
}
_HEADER: dict[str, Any] = {
    "type": "object",
    "required": ["kind", "schema", "hermetic", "pid", "started_at", "at_s"],
    "properties": {
        "kind": {"const": "journal"},
        "schema": {"type": "integer", "minimum": 1},
        "hermetic": {"type": "string"},
        "run": {"type": "string"},
        "worker": {"type": "string"},
        "host": {"type": "string"},
        "pid": {"type": "integer"},
        "python": {"type": "string"},
        "platform": {"type": "string"},
        "started_at": {"type": "number", "description": "seconds since the Unix epoch at at_s"},
        "at_s": {"type": "number", "description": "seconds of the process's monotonic clock"},
        "running": {
            "type": ["object", "null"],
            "description": "the test that ran when the process ended without closing the journal, as in test.began",
            "properties": {
                "at_s": {"type": "number"},
                "test": {"type": "string"},
                "file": {"type": "string"},
                "line": {"type": "integer"},
            },
        },
    },
}


def schema() -> dict[str, Any]:
    """
    The schema of one line: a header, or an event of a known kind. A line of another kind is not described.
    """
    definitions: dict[str, Any] = {}
    lines = [{"$ref": "#/$defs/journal"}]
    for kind, cls in known_kinds().items():
        body = _object(cls, definitions)
        body["properties"] = {"kind": {"const": kind}, **body["properties"]}
        body["required"] = ["kind", *body["required"]]
        definitions[kind] = {"description": _first_line(cls), **body}
        lines.append({"$ref": f"#/$defs/{kind}"})
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"A line of a journal of Hermetic, version {SCHEMA_VERSION}",
        "oneOf": lines,
        "$defs": {"journal": _HEADER, **dict(sorted(definitions.items()))},
    }


def _object(cls: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    hints = hints_of(cls)
    shown = list(fields(cls))
    return {
        "type": "object",
        "properties": {one.name: _type(hints[one.name], definitions) for one in shown},
        "required": [one.name for one in shown if one.default is MISSING and one.default_factory is MISSING],
    }


def _type(hint: Any, definitions: dict[str, Any]) -> dict[str, Any]:  # noqa: PLR0911 - one return a shape
    if hint in _PLAIN:
        return _PLAIN[hint]
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Literal:
        return {"enum": list(arguments)}
    if origin in {Union, types.UnionType}:
        return {"anyOf": [_type(one, definitions) for one in arguments]}
    if origin is tuple:
        if len(arguments) == 2 and arguments[1] is Ellipsis:
            return {"type": "array", "items": _type(arguments[0], definitions)}
        return {"type": "array", "prefixItems": [_type(one, definitions) for one in arguments], "items": False}
    if origin is dict:
        return {"type": "object", "additionalProperties": _type(arguments[1], definitions)}
    if is_dataclass(hint):
        name = hint.__name__  # type: ignore[union-attr]  # a class, not an instance
        if name not in definitions:
            definitions[name] = {}  # a class that holds its own kind
            definitions[name] = {"description": _first_line(hint), **_object(hint, definitions)}
        return {"$ref": f"#/$defs/{name}"}
    raise TypeError(f"a field of an event is of {hint!r}, which the schema cannot describe")


def _first_line(cls: Any) -> str:
    return (cls.__doc__ or "").strip().partition("\n")[0]
