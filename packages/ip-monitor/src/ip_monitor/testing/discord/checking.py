"""
Judging what goes through the REST interface: by the OpenAPI document first, then by the rules beyond it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from ip_monitor.testing.discord import refusal, rules, validation
from ip_monitor.testing.discord.violations import Violation

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ip_monitor.testing.discord.calls import Answer
    from ip_monitor.testing.discord.posting import Files

# Discord takes 10 MiB a file from a bot without boosts.
_FILE_MOST_BYTES = 10 * 1024 * 1024
_MESSAGE_ROUTES = frozenset(
    {
        "POST /channels/{channel_id}/messages",
        "PATCH /channels/{channel_id}/messages/{message_id}",
        "POST /webhooks/{webhook_id}/{webhook_token}",
        "PATCH /webhooks/{webhook_id}/{webhook_token}/messages/@original",
        "PATCH /webhooks/{webhook_id}/{webhook_token}/messages/{message_id}",
    }
)
# Schemas of what events carry, by event; the keys that the gateway adds are taken off before.
_EVENT_SCHEMAS = {
    "MESSAGE_CREATE": ("MessageResponse", ("guild_id", "member")),
    "MESSAGE_UPDATE": ("MessageResponse", ("guild_id", "member")),
    "CHANNEL_CREATE": ("GuildChannelResponse", ()),
    "CHANNEL_UPDATE": ("GuildChannelResponse", ()),
    "CHANNEL_DELETE": ("GuildChannelResponse", ()),
}


class Checking:
    """
    Attributes:
        violations: everything found so far, in order.
    """

    def __init__(self) -> None:
        self.violations: list[Violation] = []

    def request(self, route: str, body: Any, files: Files, query: Mapping[str, str]) -> None:
        """
        Note what is wrong, and refuse the request as Discord does.

        Raises:
            Refusal: 50035 with the tree of faults, 50006 for an empty message, 40005 for a file too large.
        """
        found = [(path, "BASE_TYPE_INVALID", rule) for path, rule in validation.faults_in_request(route, body)]
        found += [(path, "BASE_TYPE_INVALID", rule) for path, rule in validation.faults_in_query(route, query)]
        if not found:
            # The rules read fields that are of the right type by now.
            found = list(_beyond(route, body, len(files)))
        for path, _, rule in found:
            self.violations.append(Violation("request", route, path, rule))
        if found:
            raise refusal.invalid_form(_tree(found))
        for name, _, data in files:
            if len(data) > _FILE_MOST_BYTES:
                rule = f"{name!r} has {len(data)} bytes; Discord takes {_FILE_MOST_BYTES}"
                self.violations.append(Violation("request", route, "files", rule))
                raise refusal.too_large()

    def answer(self, route: str, answer: Answer) -> None:
        """
        Note what is wrong with an answer of ours.
        """
        for path, rule in validation.faults_in_answer(route, answer.status, answer.body):
            self.violations.append(Violation("answer", route, path, rule))

    def event(self, name: str, data: Mapping[str, Any]) -> None:
        """
        Note what is wrong with an event of ours, as far as the document describes its parts.
        """
        if name == "GUILD_CREATE":
            for key, schema in (("roles", "GuildRoleResponse"), ("channels", "GuildChannelResponse")):
                for part in data.get(key, ()):
                    self._part(name, schema, part)
        elif name in _EVENT_SCHEMAS and (name.startswith("MESSAGE") or "guild_id" in data):
            schema, added = _EVENT_SCHEMAS[name]
            self._part(name, schema, {key: value for key, value in data.items() if key not in added})
        elif name == "INTERACTION_CREATE" and "message" in data:
            self._part(name, "MessageResponse", data["message"])

    def _part(self, name: str, schema: str, data: Any) -> None:
        for path, rule in validation.faults_in_component(schema, data):
            self.violations.append(Violation("event", name, path, rule))


def _beyond(route: str, body: Any, files: int) -> Iterator[rules.Found]:
    if route in _MESSAGE_ROUTES:
        yield from rules.broken_by_message(body or {}, files=files)
    elif route.endswith("/callback"):
        data: dict[str, Any] = body.get("data") or {}
        if body["type"] in {4, 7}:
            yield from rules.broken_by_message(data, files=files, stem="data.")
        elif body["type"] == 8:
            yield from rules.broken_by_choices(data)
        elif body["type"] == 9:
            yield from rules.broken_by_modal(data)
    elif route.endswith("/commands"):
        if isinstance(body, list):
            yield from rules.broken_by_commands(cast("list[dict[str, Any]]", body))
        elif body is not None:
            yield from rules.broken_by_command(body)


def _tree(found: list[rules.Found]) -> dict[str, Any]:
    """
    The errors as Discord nests them: a level for each step of the path, `_errors` at its end.
    """
    tree: dict[str, Any] = {}
    for path, code, message in found:
        level = tree
        for step in path.replace("[", ".").replace("]", "").split("."):
            if step:
                level = level.setdefault(step, {})
        level.setdefault("_errors", []).append({"code": code, "message": message})
    return tree
