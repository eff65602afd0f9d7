"""
One way for every call: find the command, judge the caller and the values, ask before what cannot be undone, do it, and
answer whatever happens.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ip_monitor.adapters.discord import failures
from ip_monitor.adapters.discord.actions import Action
from ip_monitor.adapters.discord.call import Call
from ip_monitor.adapters.discord.card import Card, Colour
from ip_monitor.adapters.discord.parameters import BadArgumentError, parse
from ip_monitor.adapters.discord.quoting import cut, prose
from ip_monitor.adapters.discord.reply import Button, Look, Reply
from ip_monitor.adapters.discord.standing import Standing
from ip_monitor.errors import IPMonitorError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ip_monitor.adapters.discord.call import Caller
    from ip_monitor.adapters.discord.command import Command
    from ip_monitor.adapters.discord.desk import Desk
    from ip_monitor.adapters.discord.parameters import Value
    from ip_monitor.adapters.discord.texts import Texts

MOST_SUGGESTIONS = 25
_MOST_SUGGESTED = 100


class Router:
    """
    Args:
        desk: what the handlers work on.
        commands: those there are.
    """

    def __init__(self, desk: Desk, commands: Sequence[Command]) -> None:
        self._desk = desk
        self._commands = {command.name: command for command in commands}
        self._groups = frozenset(command.path[0] for command in commands if len(command.path) > 1)

    def find(self, words: Sequence[str]) -> tuple[Command | None, Sequence[str]]:
        """
        The command that `words` begin with, and the words that are left; None where only a group, or nothing, fits.
        """
        for count in (2, 1):
            command = self._commands.get(" ".join(words[:count]).lower())
            if command is not None and len(command.path) == count:
                return command, words[count:]
        return None, words

    def is_group(self, word: str) -> bool:
        return word.lower() in self._groups

    def members_of(self, group: str) -> list[Command]:
        return [one for one in self._commands.values() if len(one.path) > 1 and one.path[0] == group.lower()]

    async def run(
        self, name: str, given: Mapping[str, object], *, caller: Caller, texts: Texts, is_sure: bool = False
    ) -> Reply:
        """
        The answer to a call; never raises but CancelledError.

        Args:
            name: the words of the command.
            given: values as they came.
            caller: whose standing decides.
            texts: the language of the answer.
            is_sure: the caller was asked and said yes.
        """
        command = self._commands.get(name)
        if command is None:
            return _denied(texts, "denied.unknown")
        if caller.standing < command.standing:
            key = "denied.stranger" if caller.standing is Standing.STRANGER else "denied.member"
            return _denied(texts, key)
        try:
            arguments = parse(command.parameters, given, usage=command.usage)
            if command.confirms and not is_sure:
                return _ask(command, arguments, texts)
            call = Call(caller=caller, arguments=arguments, texts=texts, desk=self._desk)
            return await command.handle(call)
        except Exception as error:  # noqa: BLE001 - whoever asked gets an answer
            return failures.explain(error, texts=texts, command=str(command), who=f"{caller.name} ({caller.id})")

    async def press(self, action: Action, values: Mapping[str, str], *, caller: Caller, texts: Texts) -> Reply:
        """
        The answer to a button, a menu or a form; `values` are what was chosen or filled in.
        """
        if action.verb == "no":
            return Reply(cards=(Card(title=texts("ask.no"), colour=Colour.QUIET),))
        given: dict[str, object] = {**action.arguments, **values}
        # A form is sent with every field, and an empty one is a value that was left out, but for the one that a form
        # is all about.
        if action.verb == "form":
            given = {name: value for name, value in given.items() if value != "" or name == "value"}
        return await self.run(action.command, given, caller=caller, texts=texts, is_sure=action.verb == "sure")

    async def suggest(
        self, name: str, given: Mapping[str, str], focused: str, *, caller: Caller
    ) -> list[tuple[str, str]]:
        """
        What to offer while a person types: at most 25 (label, value) pairs, those that begin so before those that only
        hold it. Nobody is offered what they may not see.
        """
        command = self._commands.get(name)
        if command is None or caller.standing < command.standing:
            return []
        parameter = next((one for one in command.parameters if one.name == focused), None)
        if parameter is None or parameter.suggest is None:
            return []
        try:
            offered = await parameter.suggest(self._desk, given)
        except IPMonitorError:
            return []  # the command itself will say what is wrong
        typed = given.get(focused, "").casefold()
        fitting = [one for one in offered if typed in one[0].casefold() or typed in one[1].casefold()]
        fitting.sort(key=lambda one: not one[1].casefold().startswith(typed))
        return [(cut(label, _MOST_SUGGESTED), value) for label, value in fitting if 0 < len(value) <= _MOST_SUGGESTED][
            :MOST_SUGGESTIONS
        ]


def _denied(texts: Texts, key: str) -> Reply:
    return Reply(cards=(Card(title=texts("denied.title"), description=texts(key), colour=Colour.BAD),))


def _ask(command: Command, given: Mapping[str, Value], texts: Texts) -> Reply:
    arguments = {name: str(value) for name, value in given.items()}
    sure = Action("sure", command.name, arguments)
    if not sure.fits:
        raise BadArgumentError("wrong.long_button")
    told = " ".join([f"**{command}**", *(f"{name}: {prose(value, 100)}" for name, value in arguments.items())])
    description = texts("ask.text", usage=told, description=texts(f"command.{command.name}"))
    return Reply(
        cards=(Card(title=texts("ask.title"), description=description, colour=Colour.CHANGED),),
        buttons=(
            Button(label=texts("button.sure"), action=str(sure), look=Look.DANGER),
            Button(label=texts("button.no"), action=str(Action("no", command.name, {}))),
        ),
    )
