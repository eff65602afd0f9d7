"""
From what the sources say to `Settings`, or to everything that is wrong with it.
"""

from __future__ import annotations

import dataclasses
import difflib
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from ip_monitor.domain.quiet import QuietHours, QuietHoursRefusedError
from ip_monitor.domain.way_out import WayOut, WayOutRefusedError
from ip_monitor.settings import locations, schema
from ip_monitor.settings.broker import Broker, BrokerRefusedError, is_identity, is_prefix
from ip_monitor.settings.custom_provider import CustomProvider
from ip_monitor.settings.errors import Problem
from ip_monitor.settings.model import Settings
from ip_monitor.settings.option import Option, options
from ip_monitor.settings.origins import DEFAULT, Origin
from ip_monitor.settings.place import Place, PlaceRefusedError, is_origin
from ip_monitor.settings.request import Loaded, Refused, Request
from ip_monitor.settings.sources import Gathered, gather

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pydantic_core import ErrorDetails

_LONGEST_VALUE = 80
# Discord's ids are positive integers of 64 bits. Source: Discord's documentation, "Snowflakes".
_LARGEST_ID = 2**63


def validate(request: Request) -> Loaded | Refused:
    """
    Read every source of `request` and judge the whole.
    """
    model = schema.build()
    found = gather(model, request, defaults={"database": locations.default_database(request.environ)})
    problems = list(found.problems)
    try:
        parsed = model(**found.values)
    except ValidationError as error:
        problems += _problems(error.errors(include_url=False), found)
    else:
        settings = Settings(**{field.name: getattr(parsed, field.name) for field in dataclasses.fields(Settings)})
        problems += _cross_checks(settings, found)
        if not problems:
            origins = {field.name: found.origins.get(field.name, DEFAULT) for field in dataclasses.fields(Settings)}
            return Loaded(settings=settings, origins=origins, config_file=request.found_config_file)
    return Refused(problems=tuple(problems))


def _problems(errors: Sequence[ErrorDetails], found: Gathered) -> Iterator[Problem]:
    known = {option.name: option for option in options(Settings)}
    for error in errors:
        name = str(error["loc"][0])
        where = found.origins.get(name, DEFAULT).where
        if error["type"] == "extra_forbidden" and where.startswith("`config set`"):
            yield Problem(option=name, where=where, wrong=f"there is no such setting any more: config unset {name}")
        elif error["type"] == "extra_forbidden":
            yield Problem(option=name, where=where, wrong=f"there is no such setting.{_suggestion(name, known)}")
        elif name == "providers":
            yield from _provider_problems(error, where, schema.split(found.values[name]))
        else:
            option = known[name]
            yield Problem(option=name, where=where, wrong=_wrong(error, option), value=_shown(error["input"], option))


def _wrong(error: ErrorDetails, option: Option) -> str:
    if error["type"] in {"json", "network", "names", "url"}:
        return f"{error['msg']}."
    return f"must be {option.allowed}."


def _shown(value: Any, option: Option) -> str | None:
    if option.secret:
        return None
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= _LONGEST_VALUE else text[:_LONGEST_VALUE] + "…"


def _provider_problems(error: ErrorDetails, where: str, value: Any) -> Iterator[Problem]:
    """
    A problem inside `[[providers]]`: `loc` is ("providers", index, field), shorter when it is about more.
    """
    location = error["loc"]
    if len(location) == 1 or not isinstance(location[1], int):
        wrong = f"{error['msg']}." if error["type"] in {"json", "names"} else "must be a list of tables."
        yield Problem(option="providers", where=where, wrong=wrong)
        return
    index = location[1]
    table: dict[str, Any] = value[index] if isinstance(value[index], dict) else {}
    label = f"providers[{index + 1}]" + (f" ({table['name']})" if isinstance(table.get("name"), str) else "")
    fields = {option.name: option for option in options(CustomProvider)}
    if error["type"] == "provider":
        for field, wrong in error.get("ctx", {})["problems"]:
            yield Problem(option=f"{label}.{field}", where=where, wrong=wrong, value=_shown_field(field, table))
    elif len(location) == 2:
        yield Problem(option=label, where=where, wrong="must be a table with a name and a url.")
    else:
        field = str(location[2])
        if field not in fields:
            wrong = f"a provider has no such key.{_suggestion(field, fields)}"
            yield Problem(option=f"{label}.{field}", where=where, wrong=wrong)
        elif error["type"] == "missing":
            yield Problem(option=f"{label}.{field}", where=where, wrong="is missing.")
        else:
            wrong = f"must be {fields[field].allowed}."
            yield Problem(option=f"{label}.{field}", where=where, wrong=wrong, value=_shown_field(field, table))


def _shown_field(field: str, table: Mapping[str, Any]) -> str:
    """
    A URL is shown without its query and user information, which may hold a key.
    """
    text = str(table.get(field, ""))[:_LONGEST_VALUE]
    if field != "url":
        return text
    scheme, mark, rest = text.partition("://")
    return scheme + mark + rest.rpartition("@")[2].partition("?")[0]


def _suggestion(name: str, known: Mapping[str, Option]) -> str:
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return f" Did you mean {close[0]}?" if close else ""


def _cross_checks(settings: Settings, found: Gathered) -> Iterator[Problem]:
    """
    What only shows when several settings are seen together.
    """

    def problem(name: str, wrong: str, value: str | None = None) -> Problem:
        origin: Origin = found.origins.get(name, DEFAULT)
        return Problem(option=name, where=origin.where, wrong=wrong, value=value)

    try:
        QuietHours.parse(settings.quiet_hours)
    except QuietHoursRefusedError:
        yield problem(
            "quiet_hours", "must be hours such as 22:00-07:00, or empty.", settings.quiet_hours[:_LONGEST_VALUE]
        )
    try:
        WayOut.parse(settings.via)
    except WayOutRefusedError:
        yield problem(
            "via", "must be the name of an interface, or an address of this machine.", settings.via[:_LONGEST_VALUE]
        )
    for name, wrong, value in (*_discord_problems(settings), *_web_problems(settings), *_mqtt_problems(settings)):
        yield problem(name, wrong, value)
    if not settings.default_providers and not settings.providers:
        yield problem("default_providers", "leaves nobody to ask; add [[providers]] tables, or say true.", "false")


def _discord_problems(settings: Settings) -> Iterator[tuple[str, str, str | None]]:
    """
    What keeps the bot from working: setting, what is wrong, and the value where it may be shown.
    """
    ids = [
        ("discord_channel", () if settings.discord_channel is None else (settings.discord_channel,)),
        ("discord_recipients", settings.discord_recipients),
        ("discord_admins", settings.discord_admins),
        ("discord_admin_roles", settings.discord_admin_roles),
    ]
    for name, values in ids:
        if wrong := [value for value in values if not 0 < value < _LARGEST_ID]:
            yield name, "must be an id as Discord shows it in developer mode, 17 to 20 digits.", str(wrong[0])[:30]
    has_token = settings.discord_token is not None or settings.discord_token_file is not None
    has_place = settings.discord_channel is not None or settings.discord_recipients or settings.discord_admins
    if settings.discord_token is not None and settings.discord_token_file is not None:
        yield "discord_token_file", "is one token too many; take out discord_token or this.", None
    if has_token and not has_place:
        name = "discord_token" if settings.discord_token is not None else "discord_token_file"
        yield name, "is of no use alone; set discord_channel, discord_recipients or discord_admins too.", None
    if not has_token and (settings.discord_channel is not None or settings.discord_recipients):
        name = "discord_channel" if settings.discord_channel is not None else "discord_recipients"
        yield name, "needs the bot's token; set discord_token or discord_token_file too.", None
    if settings.discord_token is not None and not _is_token(settings.discord_token.reveal()):
        yield "discord_token", "is no token; copy it anew from the developer portal.", None
    proxy = settings.discord_proxy
    if proxy is not None and not proxy.startswith(("http://", "https://")):
        yield "discord_proxy", "must begin with http:// or https://.", None


def _web_problems(settings: Settings) -> Iterator[tuple[str, str, str | None]]:
    """
    What keeps the page from being served: setting, what is wrong, and the value.
    """
    try:
        if settings.web:
            Place.parse(settings.web)
    except PlaceRefusedError:
        yield (
            "web",
            "must be an address and a port, such as 127.0.0.1:8787 or [::1]:8787.",
            settings.web[:_LONGEST_VALUE],
        )
    for one in settings.web_origins:
        if not is_origin(one):
            wrong = "must be origins such as https://ip.example.net, without a path."
            yield "web_origins", wrong, one[:_LONGEST_VALUE]
    if (settings.web_certificate is None) != (settings.web_key is None):
        name = "web_key" if settings.web_key is None else "web_certificate"
        yield name, "is missing; TLS needs both web_certificate and web_key.", None


def _mqtt_problems(settings: Settings) -> Iterator[tuple[str, str, str | None]]:
    """
    What keeps Home Assistant from being told: setting, what is wrong, and the value where it may be shown.
    """
    try:
        is_tls = settings.mqtt_url is not None and Broker.parse(settings.mqtt_url.reveal()).is_tls
    except BrokerRefusedError as error:
        yield "mqtt_url", str(error), None
    else:
        if settings.mqtt_ca is not None and not is_tls:
            yield "mqtt_ca", "is of no use without an mqtt_url that begins with mqtts://.", str(settings.mqtt_ca)
    if settings.mqtt_id and not is_identity(settings.mqtt_id):
        wrong = "must be at most 60 letters, digits, underscores and hyphens."
        yield "mqtt_id", wrong, settings.mqtt_id[:_LONGEST_VALUE]
    if not is_prefix(settings.mqtt_prefix):
        wrong = "must be a topic such as homeassistant, without wildcards."
        yield "mqtt_prefix", wrong, settings.mqtt_prefix[:_LONGEST_VALUE]


def _is_token(text: str) -> bool:
    return text.isascii() and text.isprintable() and " " not in text
