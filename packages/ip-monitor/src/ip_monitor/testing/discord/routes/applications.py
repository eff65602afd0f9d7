"""
The application itself: who the bot is, where the gateway is, and its commands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ip_monitor.testing.discord import refusal
from ip_monitor.testing.discord.calls import NO_CONTENT, Answer, Call, Route
from ip_monitor.testing.discord.commands import Command

if TYPE_CHECKING:
    from collections.abc import Mapping

_DEFAULTS: dict[str, Any] = {
    "type": 1,
    "description": "",
    "default_member_permissions": None,
    "name_localizations": None,
    "description_localizations": None,
    "nsfw": False,
    "integration_types": [0],
    "contexts": None,
}


async def _me(call: Call) -> Answer:
    bot = call.world.bot.payload()
    return Answer(200, {**bot, "mfa_enabled": True, "locale": "en-US", "verified": True, "email": None})


async def _application(call: Call) -> Answer:
    world = call.world
    return Answer(
        200,
        {
            "id": str(world.application_id),
            "name": world.bot.name,
            "icon": None,
            "description": "",
            "type": None,
            "bot": world.bot.payload(),
            "bot_public": False,
            "bot_require_code_grant": False,
            "verify_key": "0" * 64,
            "flags": 1 << 18 | 1 << 23,
            "flags_new": str(1 << 18 | 1 << 23),
            "redirect_uris": [],
            "interactions_endpoint_url": None,
            "role_connections_verification_url": None,
            "owner": world.owner.payload(),
            "approximate_guild_count": len(world.guilds),
            "approximate_user_install_count": 0,
            "approximate_user_authorization_count": 0,
            "explicit_content_filter": 0,
            "team": None,
            "eligible_oauth2_scopes": [],
            "integration_types_config": {"0": {}},
        },
    )


async def _gateway(_call: Call) -> Answer:
    return Answer(200, {"url": "wss://gateway.discord.gg"})


async def _gateway_bot(_call: Call) -> Answer:
    limit = {"total": 1000, "remaining": 999, "reset_after": 14_400_000, "max_concurrency": 1}
    return Answer(200, {"url": "wss://gateway.discord.gg", "shards": 1, "session_start_limit": limit})


# ---------------------------------------------------------------- commands


async def _list_commands(call: Call) -> Answer:
    return Answer(200, [command.data for command in _of_scope(call)])


async def _replace_commands(call: Call) -> Answer:
    """
    All of a scope at once: those of a name that was there keep their number.
    """
    kept = {(command.type, command.name): command for command in _of_scope(call)}
    fresh = [_registered(call, body, kept.get((int(body.get("type") or 1), body["name"]))) for body in call.body]
    for command in kept.values():
        call.world.commands.pop(command.id, None)
    for command in fresh:
        call.world.commands[command.id] = command
    call.world.pulse.beat()
    return Answer(200, [command.data for command in fresh])


async def _create_command(call: Call) -> Answer:
    kept = {(command.type, command.name): command for command in _of_scope(call)}
    old = kept.get((int(call.body.get("type") or 1), call.body["name"]))
    command = _registered(call, call.body, old)
    call.world.commands[command.id] = command
    call.world.pulse.beat()
    return Answer(201 if old is None else 200, command.data)


async def _get_command(call: Call) -> Answer:
    return Answer(200, _command(call).data)


async def _edit_command(call: Call) -> Answer:
    old = _command(call)
    command = call.world.commands[old.id] = _registered(call, {**old.data, **call.body}, old)
    return Answer(200, command.data)


async def _delete_command(call: Call) -> Answer:
    del call.world.commands[_command(call).id]
    call.world.pulse.beat()
    return NO_CONTENT


def _scope(call: Call) -> int | None:
    if call.number("application_id") != call.world.application_id:
        raise refusal.Refusal(403, 20012, "You are not authorized to perform this action on this application")
    if "guild_id" not in call.params:
        return None
    number = call.number("guild_id")
    if number not in call.world.guilds:
        raise refusal.missing_access()
    return number


def _of_scope(call: Call) -> list[Command]:
    scope = _scope(call)
    return [command for command in call.world.commands.values() if command.guild_id == scope]


def _command(call: Call) -> Command:
    wanted = call.number("command_id")
    for command in _of_scope(call):
        if command.id == wanted:
            return command
    raise refusal.unknown_command()


def _registered(call: Call, body: Mapping[str, Any], old: Command | None) -> Command:
    world, scope = call.world, _scope(call)
    number = world.snowflakes.take() if old is None else old.id
    given = {key: value for key, value in body.items() if value is not None and key != "options"}
    data: dict[str, Any] = {
        **_DEFAULTS,
        **given,
        "id": str(number),
        "application_id": str(world.application_id),
        "version": str(world.snowflakes.take()),
    }
    if data["default_member_permissions"] is not None:
        data["default_member_permissions"] = str(data["default_member_permissions"])
    if body.get("options"):
        data["options"] = [_option(option) for option in body["options"]]
    if scope is not None:
        data["guild_id"] = str(scope)
    else:
        data["dm_permission"] = bool(given.get("dm_permission", True))
    return Command(number, scope, data)


def _option(option: Mapping[str, Any]) -> dict[str, Any]:
    made = {key: value for key, value in option.items() if value is not None}
    if "options" in made:
        made["options"] = [_option(child) for child in made["options"]]
    return made


_GLOBAL = "/applications/{application_id}/commands"
_GUILD = "/applications/{application_id}/guilds/{guild_id}/commands"

ROUTES = (
    Route("GET", "/users/@me", _me),
    Route("GET", "/applications/@me", _application),
    Route("GET", "/oauth2/applications/@me", _application),
    Route("GET", "/gateway", _gateway, is_open=True),
    Route("GET", "/gateway/bot", _gateway_bot),
    *(
        route
        for base in (_GLOBAL, _GUILD)
        for route in (
            Route("GET", base, _list_commands),
            Route("PUT", base, _replace_commands),
            Route("POST", base, _create_command),
            Route("GET", base + "/{command_id}", _get_command),
            Route("PATCH", base + "/{command_id}", _edit_command),
            Route("DELETE", base + "/{command_id}", _delete_command),
        )
    ),
)
