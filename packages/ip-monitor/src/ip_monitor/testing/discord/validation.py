"""
Checking requests and answers against the subset of Discord's OpenAPI document.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from ip_monitor.testing.discord.openapi import document

if TYPE_CHECKING:
    from collections.abc import Mapping

_URI = "urn:discord"


@cache
def _registry() -> Any:
    # jsonschema costs 80 ms to import, and only tests with a double need it.
    referencing = import_module("referencing")
    jsonschema = import_module("referencing.jsonschema")
    resource = referencing.Resource.from_contents(document(), default_specification=jsonschema.DRAFT202012)
    return referencing.Registry().with_resource(_URI, resource)


@cache
def _validator(pointer: str) -> Any:
    validators = import_module("jsonschema.validators")
    return validators.Draft202012Validator({"$ref": f"{_URI}#{pointer}"}, registry=_registry())


def faults_in_request(route: str, body: Any) -> list[tuple[str, str]]:
    """
    What is wrong with a body: path and rule. A route whose operation takes no body is not looked at.
    """
    if document()["operations"][route]["request"] is None:
        return []
    return _faults(f"/operations/{_pointer(route)}/request", body)


def faults_in_query(route: str, query: Mapping[str, str]) -> list[tuple[str, str]]:
    """
    What is wrong with the parameters after the question mark; a name that the document lacks is wrong too.
    """
    known = document()["operations"][route]["query"]
    found: list[tuple[str, str]] = []
    for name, text in query.items():
        if name not in known:
            found.append((name, "no such parameter"))
        else:
            pointer = f"/operations/{_pointer(route)}/query/{_pointer(name)}"
            found += [(name, rule) for _, rule in _faults(pointer, _typed(known[name], text))]
    return found


def faults_in_answer(route: str, status: int, body: Any) -> list[tuple[str, str]]:
    """
    What is wrong with an answer of ours.
    """
    answers = document()["operations"][route]["answers"]
    if str(status) not in answers:
        return [("", f"status {status} is not one of {', '.join(answers)}")]
    if answers[str(status)] is None:
        return [] if body is None else [("", "there is a body where none belongs")]
    return _faults(f"/operations/{_pointer(route)}/answers/{status}", body)


def faults_in_component(name: str, data: Any) -> list[tuple[str, str]]:
    """
    What is wrong with a part of an event that the document describes by this schema.
    """
    return _faults(f"/components/schemas/{name}", data)


def _faults(pointer: str, data: Any) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for error in _validator(pointer).iter_errors(data):
        closest = _closest(error)
        found.append((_path(closest.absolute_path), _shortened(closest.message)))
    return found


def _closest(error: Any) -> Any:
    """
    Of alternatives that all fail, the first fault of the one that was meant: whose constants (`type`) fit, and that
    has the fewest faults.
    """
    while error.context:
        alternatives: dict[Any, list[Any]] = {}
        for each in error.context:
            alternatives.setdefault(each.relative_schema_path[0], []).append(each)
        meant = min(alternatives.values(), key=lambda faults: (_is_other_kind(faults), len(faults)))
        error = meant[0]
    return error


def _is_other_kind(faults: list[Any]) -> bool:
    return any(
        fault.validator in {"enum", "const", "type"} and len(fault.relative_path) <= 1 and not fault.context
        for fault in faults
    )


def _pointer(text: str) -> str:
    """
    As RFC 6901 and the fragment of a URI write it.
    """
    escaped = text.replace("~", "~0").replace("/", "~1")
    return "".join(c if c.isalnum() or c in "-._~" else "".join(f"%{b:02X}" for b in c.encode()) for c in escaped)


def _path(parts: Any) -> str:
    text = ""
    for part in parts:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.removeprefix(".")


def _shortened(message: str) -> str:
    return message if len(message) <= 300 else f"{message[:140]} … {message[-140:]}"


def _typed(schema: Mapping[str, Any], text: str) -> Any:
    kinds = schema.get("type", ())
    if "integer" in kinds and text.lstrip("-").isdigit():
        return int(text)
    if "boolean" in kinds and text.lower() in {"true", "false", "1", "0"}:
        return text.lower() in {"true", "1"}
    return text
