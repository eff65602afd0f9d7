"""
Users at their clients: what they do, as their client would send it, and what they then see.

A client offers only what it knows: commands that are registered and allowed there, buttons that are on a message and
not disabled. An act that no client would offer raises `NotOfferedError`, so a test cannot pass by what no user can do;
`forced=True` sends it all the same, as a changed client or a race could, to prove that the bot checks on its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ip_monitor.testing.discord import commands as c
from ip_monitor.testing.discord.components import TEXT_INPUT, Control
from ip_monitor.testing.discord.errors import NothingHappenedError, NotOfferedError, WrongInputError
from ip_monitor.testing.discord.intents import Intent
from ip_monitor.testing.discord.interactions import ANSWER_WITHIN_S, Interaction, InteractionType
from ip_monitor.testing.discord.people import Role, User
from ip_monitor.testing.discord.permissions import Permission
from ip_monitor.testing.discord.places import Channel
from ip_monitor.testing.discord.reply import Reply

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ip_monitor.testing.discord.commands import Command
    from ip_monitor.testing.discord.messages import Message
    from ip_monitor.testing.discord.posting import Posting
    from ip_monitor.testing.discord.world import World


class Actors:
    """
    Args:
        recent: describes the bot's last requests, for errors.
    """

    def __init__(self, world: World, posting: Posting, recent: Callable[[], tuple[str, ...]]) -> None:
        self._world = world
        self._posting = posting
        self._recent = recent

    # ------------------------------------------------------------ commands

    def offered(self, user: User, channel: Channel) -> list[str]:
        """
        The slash commands that the user's client lists there, by name.
        """
        return sorted(command.name for command in self._offered(user, channel) if command.type == 1)

    async def slash(
        self,
        user: User,
        channel: Channel,
        path: str,
        *,
        forced: bool = False,
        within_s: float = ANSWER_WITHIN_S,
        **options: Any,
    ) -> Reply:
        """
        Use a command.

        Args:
            user: who.
            channel: where; direct messages are `double.direct(user)`.
            path: the words after the slash: "ip", "config set".
            forced: send it also when the user is not offered it.
            within_s: how long to wait for a result, seconds; the bot's first answer has 3 s in any case.
            options: values by name; users, channels and roles as the objects of the double.

        Raises:
            NotOfferedError: the user's client does not list it.
            WrongInputError: the client would not send these values.
            NothingHappenedError: it was answered, but the result did not come in time.
        """
        command, words = self._command(user, channel, path, forced=forced)
        steps, known = c.leaf(command, words)
        data = self._command_data(command, steps, c.filled(known, options), options)
        interaction = self._begin(InteractionType.COMMAND, user, channel, data, command=command)
        return await self._settled(interaction, f"/{path} by {user.name}", within_s)

    async def autocomplete(
        self, user: User, channel: Channel, path: str, option: str, typed: str = "", **options: Any
    ) -> list[tuple[str, Any]]:
        """
        Type into an option and return what is suggested: name and value.

        Raises:
            NotOfferedError: the command is not listed, or the option suggests nothing.
            NothingHappenedError: no suggestions came within 3 s.
        """
        command, words = self._command(user, channel, path, forced=False)
        steps, known = c.leaf(command, words)
        if not any(each["name"] == option and each.get("autocomplete") for each in known):
            suggesting = tuple(each["name"] for each in known if each.get("autocomplete"))
            raise NotOfferedError(wanted=f"suggestions for {option!r} of /{path}", offered=suggesting)
        given = {**options, option: typed}
        data = self._command_data(command, steps, c.filled(known, given, focused=option), options)
        interaction = self._begin(InteractionType.AUTOCOMPLETE, user, channel, data, command=command)
        reply = await self._settled(interaction, f"suggestions for {option!r} of /{path}", ANSWER_WITHIN_S)
        if reply.has_failed:
            raise NothingHappenedError(f"suggestions for {option!r} of /{path}", ANSWER_WITHIN_S, self._recent())
        return reply.choices

    # ------------------------------------------------------------ components

    async def click(
        self,
        user: User,
        message: Message | Reply,
        label: str,
        *,
        forced: bool = False,
        within_s: float = ANSWER_WITHIN_S,
    ) -> Reply:
        """
        Press the button with this label or custom id.

        Raises:
            NotOfferedError: the user does not see the message, or there is no such button, or it is disabled.
            NothingHappenedError: it was answered, but the result did not come in time.
        """
        message = message.message if isinstance(message, Reply) else message
        control = self._control(user, message, label, forced=forced, is_button=True)
        data = {"custom_id": control.custom_id, "component_type": control.type, "id": control.raw.get("id", 0)}
        interaction = self._begin(InteractionType.COMPONENT, user, message.channel, data, source=message)
        return await self._settled(interaction, f"the button {label!r} pressed by {user.name}", within_s)

    async def select(
        self,
        user: User,
        message: Message | Reply,
        label: str,
        *values: str,
        forced: bool = False,
        within_s: float = ANSWER_WITHIN_S,
    ) -> Reply:
        """
        Choose in the select with this placeholder or custom id; `values` are the options' values or labels.

        Raises:
            NotOfferedError: as for `click`; or it has no such option.
            WrongInputError: too few or too many values.
            NothingHappenedError: it was answered, but the result did not come in time.
        """
        message = message.message if isinstance(message, Reply) else message
        control = self._control(user, message, label, forced=forced, is_button=False)
        chosen = [_option_value(control, value, forced=forced) for value in values]
        least, most = int(control.raw.get("min_values", 1)), int(control.raw.get("max_values", 1))
        if not forced and not least <= len(chosen) <= most:
            raise WrongInputError(f"{len(chosen)} values for {label!r}", f"it takes from {least} to {most}")
        data: dict[str, Any] = {
            "custom_id": control.custom_id,
            "component_type": control.type,
            "id": control.raw.get("id", 0),
            "values": chosen,
        }
        interaction = self._begin(InteractionType.COMPONENT, user, message.channel, data, source=message)
        return await self._settled(interaction, f"the select {label!r} of {user.name}", within_s)

    async def submit_modal(
        self, opened: Reply, values: Mapping[str, str], *, forced: bool = False, within_s: float = ANSWER_WITHIN_S
    ) -> Reply:
        """
        Fill in the form that `opened` showed, and send it; `values` by label or custom id, the rest as prefilled.

        Raises:
            NotOfferedError: no form is open, or it has no such field.
            WrongInputError: a value is missing, too short or too long.
            NothingHappenedError: it was answered, but the result did not come in time.
        """
        modal = opened.modal
        if modal is None:
            raise NotOfferedError(wanted="a form", offered=(repr(opened),))
        names = {control.custom_id or "" for control in opened.fields} | {control.label for control in opened.fields}
        for name in values:
            if name not in names:
                offered = tuple(control.label for control in opened.fields)
                raise NotOfferedError(wanted=f"the field {name!r} of the form {modal['title']!r}", offered=offered)
        by_id = {str(f.custom_id): _typed(f, values, forced=forced) for f in opened.fields}
        rows = [_filled_row(component, by_id) for component in modal["components"]]
        before = opened.interaction
        data = {"custom_id": modal["custom_id"], "components": rows}
        interaction = self._begin(InteractionType.MODAL, before.user, before.channel, data, source=before.source)
        return await self._settled(interaction, f"the form {modal['title']!r} sent by {before.user.name}", within_s)

    # ------------------------------------------------------------ writing

    def text(self, user: User, channel: Channel, content: str, *, reply_to: Message | None = None) -> Message:
        """
        Write in a channel. What the bot answers is in the channel: `await double.message(channel, after=…)`.

        Raises:
            NotOfferedError: the user may not write there.
        """
        if not self._world.permissions(channel, user) & Permission.SEND_MESSAGES:
            raise NotOfferedError(wanted=f"writing in {channel.name!r}")
        return self._posting.create(channel, user, {"content": content}, reference=reply_to)

    def direct_message(self, user: User, content: str) -> Message:
        """
        Write to the bot in private.
        """
        channel = self._world.direct(user)
        if not self._world.messages(channel):
            self._world.publish("CHANNEL_CREATE", channel.payload(), needs=Intent.DIRECT_MESSAGES)
        return self._posting.create(channel, user, {"content": content})

    # ------------------------------------------------------------ parts

    def _offered(self, user: User, channel: Channel) -> list[Command]:
        permissions = self._world.permissions(channel, user)
        guild = channel.guild
        return [
            command
            for command in self._world.commands.values()
            if command.guild_id in {None, None if guild is None else guild.id}
            and command.is_offered(permissions=permissions, is_direct=channel.is_direct)
        ]

    def _command(self, user: User, channel: Channel, path: str, *, forced: bool) -> tuple[Command, list[str]]:
        words = path.split()
        pool = list(self._world.commands.values()) if forced else self._offered(user, channel)
        for command in pool:
            if command.name == words[0] and command.type == 1:
                return command, words
        raise NotOfferedError(wanted=f"/{path}", offered=tuple(f"/{name}" for name in self.offered(user, channel)))

    def _control(self, user: User, message: Message, label: str, *, forced: bool, is_button: bool) -> Control:
        wanted = f"{'the button' if is_button else 'the select'} {label!r}"
        if message.is_deleted or (message.only_for not in {None, user} and not forced):
            raise NotOfferedError(wanted=f"{wanted} of a message that {user.name} does not see")
        fitting = [each for each in message.controls if (each.is_button if is_button else each.is_select)]
        for control in fitting:
            if label in {control.label, control.custom_id} and control.custom_id is not None:
                if control.is_disabled and not forced:
                    raise NotOfferedError(wanted=f"{wanted}, which is disabled,")
                return control
        raise NotOfferedError(wanted=wanted, offered=tuple(each.label or str(each.custom_id) for each in fitting))

    def _command_data(
        self, command: Command, steps: list[dict[str, Any]], options: list[Any], given: Mapping[str, Any]
    ) -> dict[str, Any]:
        nested = options
        for step in reversed(steps):
            nested = [{"name": step["name"], "type": step["type"], "options": nested}]
        data: dict[str, Any] = {"id": str(command.id), "name": command.name, "type": command.type}
        if nested:
            data["options"] = nested
        if command.guild_id is not None:
            data["guild_id"] = str(command.guild_id)
        resolved = self._resolved(given)
        return data | ({"resolved": resolved} if resolved else {})

    def _resolved(self, given: Mapping[str, Any]) -> dict[str, Any]:
        resolved: dict[str, Any] = {}
        for value in given.values():
            if isinstance(value, User):
                resolved.setdefault("users", {})[str(value.id)] = value.payload()
            elif isinstance(value, Role):
                resolved.setdefault("roles", {})[str(value.id)] = value.payload()
            elif isinstance(value, Channel):
                permissions = str(int(self._world.permissions(value, self._world.owner)))
                resolved.setdefault("channels", {})[str(value.id)] = value.payload() | {"permissions": permissions}
        return resolved

    def _begin(
        self,
        kind: InteractionType,
        user: User,
        channel: Channel,
        data: dict[str, Any],
        *,
        command: Command | None = None,
        source: Message | None = None,
    ) -> Interaction:
        world = self._world
        interaction = Interaction(
            world.snowflakes.take(), kind, user, channel, world.clock.monotonic(), data, command, source
        )
        world.interactions[interaction.token] = interaction
        world.publish("INTERACTION_CREATE", self._event(interaction))
        return interaction

    def _event(self, interaction: Interaction) -> dict[str, Any]:
        world, channel, user = self._world, interaction.channel, interaction.user
        data: dict[str, Any] = {
            "id": str(interaction.id),
            "application_id": str(world.application_id),
            "type": int(interaction.type),
            "token": interaction.token,
            "version": 1,
            "channel": channel.payload(),
            "channel_id": str(channel.id),
            "app_permissions": str(int(world.permissions(channel, world.bot))),
            "locale": user.locale,
            "entitlements": [],
            "authorizing_integration_owners": interaction.owners(),
            "attachment_size_limit": 10_485_760,
            "context": 1 if channel.is_direct else 0,
            "data": interaction.data,
        }
        if interaction.source is not None:
            data["message"] = interaction.source.payload()
        guild = channel.guild
        if guild is None:
            return data | {"user": user.payload()}
        member = guild.members.get(user.id)
        if member is None:
            raise NotOfferedError(
                wanted=f"the channel {channel.name!r} of {guild.name!r}, where {user.name} is no member,"
            )
        permissions = str(int(world.permissions(channel, user)))
        return data | {
            "guild_id": str(guild.id),
            "guild": {"id": str(guild.id), "locale": "en-US", "features": []},
            "guild_locale": "en-US",
            "member": member.payload() | {"permissions": permissions},
        }

    async def _settled(self, interaction: Interaction, what: str, within_s: float) -> Reply:
        reply = Reply(interaction, self._world.pulse)
        try:
            await self._world.pulse.until(
                lambda: interaction.callback is not None, within_s=min(within_s, ANSWER_WITHIN_S)
            )
        except TimeoutError:
            return reply
        try:
            await self._world.pulse.until(lambda: interaction.is_settled, within_s=within_s)
        except TimeoutError as error:
            raise NothingHappenedError(f"the result of {what}", within_s, self._recent()) from error
        return reply


def _option_value(control: Control, wanted: str, *, forced: bool) -> str:
    for value, label in control.options:
        if wanted in {value, label}:
            return value
    if control.options and not forced:
        raise NotOfferedError(wanted=f"the option {wanted!r}", offered=tuple(label for _, label in control.options))
    return wanted


def _typed(control: Control, values: Mapping[str, str], *, forced: bool) -> str:
    default = str(control.raw.get("value") or "")
    text = values.get(control.custom_id or "", values.get(control.label, default))
    if control.type != TEXT_INPUT or forced:
        return text
    least = int(control.raw.get("min_length") or 0)
    most = int(control.raw.get("max_length") or 4000)
    if not text and not control.raw.get("required", True):
        return text
    if not max(least, 1) <= len(text) <= most:
        raise WrongInputError(f"{control.label}={text[:60]!r}", f"its length is from {max(least, 1)} to {most}")
    return text


def _filled_row(component: dict[str, Any], by_id: Mapping[str, str]) -> dict[str, Any]:
    made: dict[str, Any] = {"type": component["type"], "id": component.get("id", 0)}
    if "components" in component:
        made["components"] = [_filled_row(child, by_id) for child in component["components"]]
    if "component" in component:
        made["component"] = _filled_row(component["component"], by_id)
    if "custom_id" in component:
        text = by_id[component["custom_id"]]
        made["custom_id"] = component["custom_id"]
        made |= {"value": text} if component["type"] == TEXT_INPUT else {"values": [text] if text else []}
    return made
