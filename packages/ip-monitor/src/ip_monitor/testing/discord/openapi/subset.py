"""
Cuts Discord's OpenAPI document down to the routes that the double has, as JSON schemas that refuse unknown keys.

The document says which keys there are but not that there are no others, so a misspelled key would pass. In the subset
every object is closed. What real clients send and Discord takes although the document does not say so is listed here,
with who sends it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"

_REF = "#/components/schemas/"
# Keys of schemas that say nothing about validity.
_PROSE = frozenset(
    {"description", "title", "externalDocs", "x-discord-union", "deprecated", "example", "contentEncoding"}
)
# Discord takes identifiers as numbers too. discord.py sends them so in attachments, direct messages and replies.
_SNOWFLAKE, _SNOWFLAKE_INPUT = "SnowflakeType", "SnowflakeInput"
# Sent by discord.py 2.7 and ignored or understood by Discord, by schema.
_UNDOCUMENTED: dict[str, tuple[str, ...]] = {
    "ApplicationCommandUpdateRequest": ("nsfw",),
    "ApplicationCommandCreateRequest": ("nsfw",),
    "ApplicationCommandPatchRequestPartial": ("nsfw",),
    "RichEmbed": ("flags",),
    "MessageEditRequestPartial": ("tts", "nonce"),
    "IncomingWebhookUpdateForInteractionCallbackRequestPartial": ("tts", "nonce"),
    "IncomingWebhookUpdateRequestPartial": ("tts", "nonce", "thread_name"),
    "IncomingWebhookInteractionRequest": ("nonce",),
    "IncomingWebhookRequestPartial": ("nonce",),
}


def subset(document: Mapping[str, Any], routes: Iterable[str]) -> dict[str, Any]:
    """
    The operations of `routes` ("POST /channels/{channel_id}/messages") with every schema that they reach.

    Raises:
        KeyError: the document does not have a route.
    """
    cutter = _Cutter(document["components"]["schemas"])
    operations: dict[str, Any] = {}
    for route in sorted(set(routes)):
        method, path = route.split(" ")
        operations[route] = cutter.operation(document["paths"][path][method.lower()])
    return {
        "source": f"{document['info']['title']}, version {document['info']['version']}",
        "license": document["info"]["license"]["name"],
        "operations": operations,
        "components": {"schemas": dict(sorted(cutter.finished().items()))},
    }


class _Cutter:
    def __init__(self, schemas: Mapping[str, dict[str, Json]]) -> None:
        self._schemas = schemas
        self._wanted: list[tuple[str, bool]] = []
        self._made: dict[str, Json] = {}

    def operation(self, operation: Mapping[str, Any]) -> dict[str, Any]:
        body = operation.get("requestBody", {}).get("content", {}).get("application/json")
        answers: dict[str, Any] = {}
        for status, answer in operation["responses"].items():
            if status.startswith("2"):
                content = answer.get("content", {}).get("application/json")
                answers[status] = None if content is None else self.cut(content["schema"], is_input=False)
        return {
            "request": None if body is None else self.cut(body["schema"], is_input=True),
            "query": {
                each["name"]: self.cut(each["schema"], is_input=True)
                for each in operation.get("parameters", ())
                if each["in"] == "query"
            },
            "answers": answers,
        }

    def finished(self) -> dict[str, Json]:
        """
        Every schema that was reached, after following all references.
        """
        while self._wanted:
            name, is_input = self._wanted.pop()
            shown = _name(name, is_input=is_input)
            if shown in self._made:
                continue
            made: dict[str, Json] = self._cut_object(self._schemas[name], is_input=is_input)
            if shown == _SNOWFLAKE_INPUT:
                number: dict[str, Json] = {"type": "integer", "minimum": 0}
                either: list[Json] = [made, number]
                made = {"anyOf": either}
            properties = made.get("properties")
            if isinstance(properties, dict):
                properties |= {key: {} for key in _UNDOCUMENTED.get(name, ())}
            self._made[shown] = made
        return self._made

    def cut(self, schema: Json, *, is_input: bool) -> Json:
        if isinstance(schema, list):
            return [self.cut(each, is_input=is_input) for each in schema]
        return self._cut_object(schema, is_input=is_input) if isinstance(schema, dict) else schema

    def _cut_object(self, schema: Mapping[str, Json], *, is_input: bool) -> dict[str, Json]:
        made: dict[str, Json] = {}
        for key, value in schema.items():
            if key == "$ref":
                name = str(value).removeprefix(_REF)
                self._wanted.append((name, is_input))
                made[key] = _REF + _name(name, is_input=is_input)
            elif key == "properties" and isinstance(value, dict):
                made[key] = {name: self.cut(each, is_input=is_input) for name, each in value.items()}
            elif key in {"oneOf", "anyOf"} and (constants := _constants(value)):
                made["enum"] = constants
            elif key not in _PROSE:
                made[key] = self.cut(value, is_input=is_input)
        if "properties" in made:
            made.setdefault("additionalProperties", False)
        return made


def _constants(alternatives: Json) -> list[Json]:
    """
    The values of an enumeration that is written as alternatives with names; empty when it is none.
    """
    if not isinstance(alternatives, list):
        return []
    found = [each["const"] for each in alternatives if isinstance(each, dict) and "const" in each]
    return found if len(found) == len(alternatives) else []


def _name(name: str, *, is_input: bool) -> str:
    return _SNOWFLAKE_INPUT if is_input and name == _SNOWFLAKE else name
