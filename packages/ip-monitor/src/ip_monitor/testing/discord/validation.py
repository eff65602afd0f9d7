"""
Checking requests and answers against the subset of Discord's OpenAPI document.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from ip_monitor.testing.discord.openapi import document
from ip_monitor.testing.discord.schema import Schemas

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ip_monitor.testing.discord.schema import Check, Fault, Path

Found = list[tuple[str, str]]


def faults_in_request(route: str, body: Any) -> Found:
    """
    What is wrong with a body: path and rule. A route whose operation takes no body is not looked at.
    """
    judge = _request(route)
    return [] if judge is None else _judged(judge, body)


def faults_in_query(route: str, query: Mapping[str, str]) -> Found:
    """
    What is wrong with the parameters after the question mark; a name that the document lacks is wrong too.
    """
    known: dict[str, Any] = document()["operations"][route]["query"]
    found: Found = []
    for name, text in query.items():
        if name not in known:
            found.append((name, "no such parameter"))
        else:
            value = _typed(known[name], text)
            found += [(name, rule) for _, rule in _judged(_parameter(route, name), value)]
    return found


def faults_in_answer(route: str, status: int, body: Any) -> Found:
    """
    What is wrong with an answer of ours.
    """
    answers = document()["operations"][route]["answers"]
    if str(status) not in answers:
        return [("", f"status {status} is not one of {', '.join(answers)}")]
    if answers[str(status)] is None:
        return [] if body is None else [("", "there is a body where none belongs")]
    return _judged(_answer(route, str(status)), body)


def faults_in_component(name: str, data: Any) -> Found:
    """
    What is wrong with a part of an event that the document describes by this schema.
    """
    return _judged(_schemas().component(name), data)


# ---------------------------------------------------------------- compiled once a process


@cache
def _schemas() -> Schemas:
    return Schemas(document()["components"]["schemas"])


@cache
def _request(route: str) -> Check | None:
    schema = document()["operations"][route]["request"]
    return None if schema is None else _schemas().compile(schema)


@cache
def _parameter(route: str, name: str) -> Check:
    return _schemas().compile(document()["operations"][route]["query"][name])


@cache
def _answer(route: str, status: str) -> Check:
    return _schemas().compile(document()["operations"][route]["answers"][status])


# ---------------------------------------------------------------- parts


def _judged(judge: Check, data: Any) -> Found:
    faults: list[Fault] = []
    judge(data, (), faults)
    return [(_text(path), rule) for path, rule in faults]


def _text(path: Path) -> str:
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.removeprefix(".")


def _typed(schema: Mapping[str, Any], text: str) -> Any:
    kinds = schema.get("type", ())
    if "integer" in kinds and text.lstrip("-").isdigit():
        return int(text)
    if "boolean" in kinds and text.lower() in {"true", "false", "1", "0"}:
        return text.lower() in {"true", "1"}
    return text
