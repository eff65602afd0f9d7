"""
Slash commands, suggestions, buttons, menus and forms: from Discord's interaction to the router, and back in time.

Discord waits three seconds for the first answer. A call that takes longer is acknowledged before that and answered when it
is done.

Source: Discord's documentation, "Receiving and Responding to Interactions".
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import aiohttp
import discord
from discord import app_commands

from ip_monitor.adapters.discord import actions
from ip_monitor.adapters.discord.call import Caller
from ip_monitor.adapters.discord.messages import changed_message, modal_of, new_message
from ip_monitor.adapters.discord.standing import Standing
from ip_monitor.adapters.discord.texts import texts_for
from ip_monitor.application.cancellation import cancel_and_wait

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Mapping

    from ip_monitor.adapters.discord.doorman import Doorman
    from ip_monitor.adapters.discord.reply import Reply
    from ip_monitor.adapters.discord.router import Router
    from ip_monitor.adapters.discord.texts import Texts

_LOG = logging.getLogger("ip_monitor")
DEFER_AFTER_S = 1.0
"""
When a call that is still at work is acknowledged, seconds; half of the rest of Discord's three is for a slow line.
"""
_TRIES = 3
_TRY_S = 2.0
_PAUSE_S = 0.2
_ACKNOWLEDGED = 40060
_SUBCOMMANDS = frozenset({1, 2})


@dataclass(frozen=True, slots=True)
class Called:
    """
    What a slash command was called with. `focused` is the parameter that is being typed, empty once it is sent.
    """

    name: str
    given: Mapping[str, object] = field(default_factory=dict[str, object])
    focused: str = ""


class Interactions:
    """
    Args:
        texts: the language for a locale.
    """

    def __init__(
        self,
        router: Router,
        *,
        doorman: Doorman,
        language: Callable[[], str],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        defer_after_s: float = DEFER_AFTER_S,
    ) -> None:
        self._router = router
        self._doorman = doorman
        self._language = language
        self._sleep = sleep
        self._defer_after_s = defer_after_s

    async def answer(self, interaction: discord.Interaction) -> None:
        """
        Answer one interaction, of whichever kind. What cannot be read gets an answer too.
        """
        texts = self._texts(interaction)
        match interaction.type:
            case discord.InteractionType.application_command:
                called = read_command(interaction.data)
                work = self._run(interaction, called, texts)
                await self._reply(interaction, work, public=called.given.get("public") is True)
            case discord.InteractionType.autocomplete:
                await self._suggest(interaction)
            case discord.InteractionType.component | discord.InteractionType.modal_submit:
                await self._press(interaction, texts)
            case _:
                _LOG.warning("Discord sent an interaction of a kind that is not known: %s", interaction.type)

    async def _run(self, interaction: discord.Interaction, called: Called, texts: Texts) -> Reply:
        return await self._router.run(called.name, called.given, caller=await self._caller(interaction), texts=texts)

    async def _press(self, interaction: discord.Interaction, texts: Texts) -> None:
        data = _table(interaction.data)
        action = actions.read(str(data.get("custom_id", "")))
        if action is None:
            action = actions.Action("run", "", {})
        values = read_form(data)
        if picked := action.arguments.pop("pick", ""):
            values = dict.fromkeys([picked], str(*(data.get("values") or [""])[:1]))

        async def work() -> Reply:
            caller = await self._caller(interaction)
            return await self._router.press(action, values, caller=caller, texts=texts)

        await self._reply(interaction, work(), in_place=action.verb in {"turn", "sure", "no"})

    async def _suggest(self, interaction: discord.Interaction) -> None:
        called = read_command(interaction.data)
        given = {name: str(value) for name, value in called.given.items()}
        found = await self._router.suggest(called.name, given, called.focused, caller=await self._caller(interaction))
        choices = [app_commands.Choice(name=label, value=value) for label, value in found]
        await self._deliver(interaction, lambda: interaction.response.autocomplete(choices))

    async def _caller(self, interaction: discord.Interaction) -> Caller:
        # A payload without a user leaves a marker there that is no user.
        user: Any = interaction.user
        if not isinstance(user, (discord.User, discord.Member)):
            return Caller(id=0, name="unknown", standing=Standing.STRANGER)
        return Caller(id=user.id, name=user.name, standing=await self._doorman.of_interaction(interaction))

    def _texts(self, interaction: discord.Interaction) -> Texts:
        language = self._language()
        return texts_for(str(interaction.locale) if language == "auto" else language)

    async def _reply(
        self,
        interaction: discord.Interaction,
        work: Coroutine[Any, Any, Reply],
        *,
        in_place: bool = False,
        public: bool = False,
    ) -> None:
        task = asyncio.ensure_future(work)
        try:
            done, _ = await asyncio.wait({task}, timeout=self._defer_after_s)
            if done:
                reply = task.result()
                arrived = await self._deliver(interaction, lambda: _first(interaction, reply, in_place=in_place))
            else:
                arrived = await self._deliver(
                    interaction, lambda: interaction.response.defer(ephemeral=not public, thinking=not in_place)
                )
                reply = await task
                if arrived:
                    arrived = await self._deliver(
                        interaction, lambda: interaction.edit_original_response(**changed_message(reply))
                    )
        finally:
            await cancel_and_wait([task])
        if reply.afterwards is not None and arrived:
            await reply.afterwards()

    async def _deliver(self, interaction: discord.Interaction, send: Callable[[], Awaitable[object]]) -> bool:
        """
        Bring an answer to Discord, trying again while there is time. True when it arrived.
        """
        wrong = "nothing was tried"
        for tried in range(_TRIES):
            if tried:
                await self._sleep(_PAUSE_S)
            try:
                async with asyncio.timeout(_TRY_S):
                    await send()
            except discord.InteractionResponded:
                return True
            except discord.HTTPException as error:
                if error.code == _ACKNOWLEDGED:
                    return True  # an earlier try arrived, and only its acknowledgement was lost
                wrong = f"{error.status}, code {error.code}: {error.text}"
                if error.status < 500:
                    break
            except (discord.DiscordException, aiohttp.ClientError, OSError) as error:
                wrong = type(error).__name__
            else:
                return True
        _LOG.warning("Discord did not take the answer to interaction %d: %s", interaction.id, wrong)
        return False


async def _first(interaction: discord.Interaction, reply: Reply, *, in_place: bool) -> None:
    if reply.form is not None:
        await interaction.response.send_modal(modal_of(reply.form))
    elif in_place:
        await interaction.response.edit_message(**changed_message(reply))
    else:
        await interaction.response.send_message(**new_message(reply), ephemeral=not reply.public)


def read_command(data: object) -> Called:
    """
    The command and its values out of an interaction's data; an empty name for what cannot be read.
    """
    payload = _table(data)
    words, options = [str(payload.get("name", ""))], _tables(payload.get("options"))
    while options and options[0].get("type") in _SUBCOMMANDS:
        words.append(str(options[0].get("name", "")))
        options = _tables(options[0].get("options"))
    given = {str(option["name"]): option.get("value", "") for option in options if "name" in option}
    focused = next((str(option.get("name", "")) for option in options if option.get("focused")), "")
    return Called(" ".join(words), given, focused)


def read_form(data: object) -> dict[str, str]:
    """
    The values of a form's inputs, each in a row or behind a label.
    """
    values: dict[str, str] = {}
    for row in _tables(_table(data).get("components")):
        for one in [*_tables(row.get("components")), _table(row.get("component"))]:
            if "custom_id" in one:
                values[str(one["custom_id"])] = str(one.get("value") or "")
    return values


def _table(value: object) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _tables(value: object) -> list[dict[str, Any]]:
    return [_table(one) for one in cast("list[object]", value)] if isinstance(value, list) else []
