"""
Telling Discord which commands there are, and only when they changed: it allows few such calls a day, and one that fails
must not keep the bot from starting.

Source: Discord's documentation, "Application Commands": the object, its options and localizations.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from ip_monitor.adapters.discord.parameters import Kind
from ip_monitor.adapters.discord.standing import Standing

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ip_monitor.adapters.discord.command import Command
    from ip_monitor.adapters.discord.parameters import Parameter
    from ip_monitor.adapters.discord.texts import Texts

MANAGE_SERVER = 1 << 5
_TYPES = {Kind.TEXT: 3, Kind.WHOLE: 4, Kind.SWITCH: 5}
_SUBCOMMAND = 1
# In servers and in the bot's direct messages; installed to servers only.
_CONTEXTS = [0, 1]
_INSTALLATIONS = [0]


def commands_payload(
    commands: Iterable[Command], *, texts: Texts, others: Sequence[tuple[str, Texts]]
) -> list[dict[str, Any]]:
    """
    What Discord is told. `texts` are the ones it shows by default, `others` those of its locales.
    """
    made: dict[str, dict[str, Any]] = {}
    for command in commands:
        if len(command.path) == 1:
            made[command.path[0]] = _top(command, f"command.{command.name}", texts, others) | {
                "options": _options(command, texts, others)
            }
            continue
        group, name = command.path
        if group not in made:
            made[group] = _top(command, f"command.{group}", texts, others, name=group) | {"options": []}
        made[group]["options"].append(
            {
                "type": _SUBCOMMAND,
                "name": name,
                **_described(f"command.{group} {name}", texts, others),
                "options": _options(command, texts, others),
            }
        )
    return list(made.values())


def fingerprint(payload: Sequence[dict[str, Any]]) -> str:
    """
    Tells one set of commands from another.
    """
    return hashlib.sha256(json.dumps(payload, sort_keys=True).encode()).hexdigest()[:32]


def _top(
    command: Command, key: str, texts: Texts, others: Sequence[tuple[str, Texts]], *, name: str | None = None
) -> dict[str, Any]:
    is_admins = command.standing is Standing.ADMINISTRATOR
    return {
        "type": 1,
        "name": name or command.path[0],
        **_described(key, texts, others),
        "default_member_permissions": MANAGE_SERVER if is_admins else None,
        "contexts": _CONTEXTS,
        "integration_types": _INSTALLATIONS,
    }


def _described(key: str, texts: Texts, others: Sequence[tuple[str, Texts]]) -> dict[str, Any]:
    return {"description": texts(key), "description_localizations": {locale: other(key) for locale, other in others}}


def _options(command: Command, texts: Texts, others: Sequence[tuple[str, Texts]]) -> list[dict[str, Any]]:
    return [_option(one, texts, others) for one in command.parameters]


def _option(parameter: Parameter, texts: Texts, others: Sequence[tuple[str, Texts]]) -> dict[str, Any]:
    option: dict[str, Any] = {
        "type": _TYPES[parameter.kind],
        "name": parameter.name,
        **_described(f"parameter.{parameter.name}", texts, others),
        "required": parameter.required,
    }
    if parameter.choices:
        option["choices"] = [{"name": choice, "value": choice} for choice in parameter.choices]
    elif parameter.kind is Kind.WHOLE:
        option |= {"min_value": parameter.minimum, "max_value": parameter.maximum}
    elif parameter.kind is Kind.TEXT:
        option |= {"min_length": parameter.minimum, "max_length": parameter.maximum}
    if parameter.suggest is not None:
        option["autocomplete"] = True
    return option
