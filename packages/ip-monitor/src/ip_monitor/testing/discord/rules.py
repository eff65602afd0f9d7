"""
What Discord refuses although its OpenAPI document allows it: limits over several fields, and meanings.

Source: Discord developer documentation, Resources / Message (embed and content limits), Components / Reference,
Interactions / Application Commands (naming, options), each rule beside its number below.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, cast

from ip_monitor.testing.discord.components import BUTTON, LINK_STYLE, SELECTS, TEXT_INPUT
from ip_monitor.testing.discord.messages import COMPONENTS_V2

if TYPE_CHECKING:
    from collections.abc import Iterator

CONTENT_MOST = 2000
EMBEDS_MOST = 6000
_ROWS, _COMPONENTS_V2 = 5, 40
_BUTTONS_IN_ROW = 5
_NONCE_MOST = 25
_COMMAND_CHARACTERS = 8000
_COMMANDS = 100
# Lower case where a script has it; Source: Application Command Naming.
_NAME = re.compile(r"^[-_'\w\u0900-\u097F\u0E00-\u0E7F]{1,32}$")
_SUBCOMMAND_TYPES = frozenset({1, 2})

Found = tuple[str, str, str]
Json = dict[str, Any]


def broken_by_message(body: Json, *, files: int = 0, stem: str = "") -> Iterator[Found]:
    """
    Path, code and text of each rule that a message breaks; an empty one is the sender's matter.
    """
    content = body.get("content")
    if isinstance(content, str) and len(content) > CONTENT_MOST:
        yield stem + "content", "BASE_TYPE_MAX_LENGTH", f"Must be {CONTENT_MOST} or fewer in length."
    nonce = body.get("nonce")
    if isinstance(nonce, str) and len(nonce) > _NONCE_MOST:
        yield stem + "nonce", "BASE_TYPE_MAX_LENGTH", f"Must be {_NONCE_MOST} or fewer in length."
    if body.get("enforce_nonce") and nonce is None:
        yield stem + "nonce", "BASE_TYPE_REQUIRED", "This field is required when enforce_nonce is set."
    yield from _embeds(body.get("embeds") or [], stem)
    is_v2 = bool(int(body.get("flags") or 0) & COMPONENTS_V2)
    if is_v2 and (content or body.get("embeds") or body.get("poll")):
        yield stem + "flags", "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2", "No content, embeds or poll."
    yield from _components(body.get("components") or [], stem, is_v2=is_v2)
    yield from _attachments(body, files, stem)


def broken_by_modal(data: Json) -> Iterator[Found]:
    """
    The rules of a form.
    """
    ids = [str(each.get("custom_id")) for each in _flat(data.get("components") or []) if "custom_id" in each]
    yield from _duplicates(ids, "data.components", "custom_id")
    for each in _flat(data.get("components") or []):
        value = str(each.get("value") or "")
        if each.get("type") == TEXT_INPUT and len(value) > int(each.get("max_length") or 4000):
            yield "data.components", "BASE_TYPE_MAX_LENGTH", f"value of {each.get('custom_id')!r} is too long"


def broken_by_choices(data: Json) -> Iterator[Found]:
    """
    The rules of suggestions.
    """
    choices: list[Json] = data.get("choices") or []
    for index, choice in enumerate(choices):
        if not str(choice.get("name", "")).strip():
            yield f"data.choices[{index}].name", "BASE_TYPE_REQUIRED", "This field is required"


def broken_by_commands(commands: list[Json]) -> Iterator[Found]:
    """
    The rules of a whole set of commands.
    """
    if len(commands) > _COMMANDS:
        yield "", "BASE_TYPE_MAX_LENGTH", f"Must be {_COMMANDS} or fewer in length."
    yield from _duplicates([f"{c.get('type') or 1} {c.get('name')}" for c in commands], "", "name")
    for index, command in enumerate(commands):
        yield from broken_by_command(command, stem=f"[{index}].")


def broken_by_command(command: Json, *, stem: str = "") -> Iterator[Found]:
    """
    The rules of one command and all its options.
    """
    if int(command.get("type") or 1) == 1:
        yield from _command_name(str(command.get("name", "")), stem)
        if not command.get("description"):
            yield stem + "description", "BASE_TYPE_REQUIRED", "This field is required"
    if sum(_characters(command)) > _COMMAND_CHARACTERS:
        yield stem.rstrip("."), "APPLICATION_COMMAND_TOO_LARGE", "Command exceeds maximum size (8000)"
    yield from _options(command.get("options") or [], stem)


# ---------------------------------------------------------------- messages


def _embeds(embeds: list[Json], stem: str) -> Iterator[Found]:
    # Source: Embed Limits: title, description, field names and values, footer text and author name, of all embeds.
    total = 0
    for index, embed in enumerate(embeds):
        where = f"{stem}embeds[{index}]"
        total += sum(len(str(embed.get(key) or "")) for key in ("title", "description"))
        total += len(_text(embed, "footer", "text"))
        total += len(_text(embed, "author", "name"))
        for number, item in enumerate(embed.get("fields") or ()):
            for key in ("name", "value"):
                text = str(item.get(key) or "")
                total += len(text)
                if not text.strip():
                    yield f"{where}.fields[{number}].{key}", "BASE_TYPE_REQUIRED", "This field is required"
        for key in ("image", "thumbnail"):
            url = _text(embed, key, "url") or "https://"
            if not url.startswith(("http://", "https://", "attachment://")):
                yield f"{where}.{key}.url", "URL_TYPE_INVALID_SCHEME", f"Scheme of {url[:40]!r} must be http(s)."
        if not any(
            embed.get(key) for key in ("title", "description", "fields", "image", "thumbnail", "author", "footer")
        ):
            yield where, "BASE_TYPE_REQUIRED", "An embed cannot be empty"
    if total > EMBEDS_MOST:
        yield stem + "embeds", "MAX_EMBED_SIZE_EXCEEDED", f"Embed size exceeds maximum size of {EMBEDS_MOST}"


def _components(components: list[Json], stem: str, *, is_v2: bool) -> Iterator[Found]:
    where = stem + "components"
    if not is_v2 and len(components) > _ROWS:
        yield where, "BASE_TYPE_MAX_LENGTH", f"Must be {_ROWS} or fewer in length."
    if not is_v2 and any(component.get("type") != 1 for component in components):
        yield where, "COMPONENT_TYPE_INVALID", "Only action rows without the flag IS_COMPONENTS_V2"
    flat = list(_flat(components))
    if is_v2 and len(flat) > _COMPONENTS_V2:
        yield where, "COMPONENT_MAX_TOTAL_COMPONENTS_EXCEEDED", f"At most {_COMPONENTS_V2} components"
    ids = [str(each["custom_id"]) for each in flat if each.get("custom_id") is not None]
    yield from _duplicates(ids, where, "custom_id")
    for each in flat:
        kinds = [child.get("type") for child in each.get("components") or () if each.get("type") == 1]
        if SELECTS & set(kinds) and len(kinds) > 1:
            yield where, "COMPONENT_LAYOUT_WIDTH_EXCEEDED", "A select fills its row alone"
        if kinds.count(BUTTON) > _BUTTONS_IN_ROW:
            yield where, "COMPONENT_LAYOUT_WIDTH_EXCEEDED", f"At most {_BUTTONS_IN_ROW} buttons in a row"
        yield from _control(each, where)


def _control(each: Json, where: str) -> Iterator[Found]:
    if each.get("type") == BUTTON:
        is_link = each.get("style") == LINK_STYLE
        if is_link != bool(each.get("url")) or is_link == (each.get("custom_id") is not None):
            yield where, "BUTTON_COMPONENT_INVALID", "A link has a url, every other button a custom_id, none has both"
        if not (each.get("label") or each.get("emoji")) and each.get("style") != 6:
            yield where, "BUTTON_COMPONENT_INVALID", "A button has a label or an emoji"
    options = cast("list[Json]", each.get("options") or []) if each.get("type") == 3 else []
    yield from _duplicates([str(option.get("value")) for option in options], where, "option value")
    most = int(each.get("max_values") or 1)
    if options and most > len(options):
        yield where, "COMPONENT_INVALID", f"max_values={most} with {len(options)} options"


def _attachments(body: Json, files: int, stem: str) -> Iterator[Found]:
    fresh = [each for each in body.get("attachments") or () if str(each.get("id")).isdigit() and int(each["id"]) < 10]
    for each in fresh:
        if int(each["id"]) >= files:
            yield f"{stem}attachments", "ATTACHMENT_NOT_FOUND", f"There is no file number {each['id']}"


# ---------------------------------------------------------------- commands


def _command_name(name: str, stem: str) -> Iterator[Found]:
    if not _NAME.fullmatch(name) or name != name.lower():
        yield stem + "name", "APPLICATION_COMMAND_INVALID_NAME", f"Command name {name!r} is invalid"


def _options(options: list[Json], stem: str) -> Iterator[Found]:
    yield from _duplicates([str(option.get("name")) for option in options], stem + "options", "name")
    kinds = {option.get("type") in _SUBCOMMAND_TYPES for option in options}
    if len(kinds) > 1:
        yield stem + "options", "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", "Subcommands and options do not mix"
    optional_seen = False
    for index, option in enumerate(options):
        where = f"{stem}options[{index}]."
        yield from _command_name(str(option.get("name", "")), where)
        if option.get("type") not in _SUBCOMMAND_TYPES:
            if option.get("required") and optional_seen:
                yield where + "required", "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID", "Required options come first"
            optional_seen = optional_seen or not option.get("required")
        if option.get("choices") and option.get("autocomplete"):
            yield where + "autocomplete", "APPLICATION_COMMAND_AUTOCOMPLETE", "Not together with choices"
        names = [str(choice.get("name")) for choice in option.get("choices") or ()]
        yield from _duplicates(names, where + "choices", "name")
        yield from _options(option.get("options") or [], where)


def _characters(command: Json) -> Iterator[int]:
    yield len(str(command.get("name") or "")) + len(str(command.get("description") or ""))
    for choice in command.get("choices") or ():
        yield len(str(choice.get("name"))) + len(str(choice.get("value")))
    for option in command.get("options") or ():
        yield from _characters(option)


# ---------------------------------------------------------------- parts


def _flat(components: list[Json]) -> Iterator[Json]:
    for component in components:
        yield component
        yield from _flat(component.get("components") or [])
        for key in ("accessory", "component"):
            if isinstance(component.get(key), dict):
                yield from _flat([component[key]])


def _text(of: Json, *keys: str) -> str:
    within: dict[str, Any] = of
    for key in keys[:-1]:
        within = within.get(key) or {}
    return str(within.get(keys[-1]) or "")


def _duplicates(values: list[str], path: str, what: str) -> Iterator[Found]:
    for value in sorted({value for value in values if values.count(value) > 1}):
        yield path, "DUPLICATED", f"{what} {value!r} is used more than once"
