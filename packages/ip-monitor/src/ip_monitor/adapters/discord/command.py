"""
What one command is. The slash commands that Discord is told of, the text commands, `/help` and the documentation are all
made from these records, and both kinds of call are parsed by them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ip_monitor.adapters.discord.call import Call
    from ip_monitor.adapters.discord.parameters import Parameter
    from ip_monitor.adapters.discord.reply import Reply
    from ip_monitor.adapters.discord.standing import Standing

Handle: TypeAlias = "Callable[[Call], Awaitable[Reply]]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """
    Attributes:
        path: one to two words: `("status",)`, `("api", "add")`.
        standing: the least that its caller needs.
        handle: what it does.
        confirms: whether a person is asked before it is done.
    """

    path: tuple[str, ...]
    standing: Standing
    handle: Handle
    parameters: tuple[Parameter, ...] = ()
    confirms: bool = False

    @property
    def name(self) -> str:
        return " ".join(self.path)

    def __str__(self) -> str:
        return f"/{self.name}"

    @property
    def usage(self) -> str:
        """
        As a person writes it: `config set <name> [value]`.
        """
        words = [f"<{one.name}>" if one.required else f"[{one.name}]" for one in self.parameters]
        return " ".join((*self.path, *words))
