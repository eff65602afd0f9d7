"""
One call of a command, however it was made.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ip_monitor.adapters.discord.address_style import AddressStyle
from ip_monitor.adapters.discord.standing import Standing
from ip_monitor.domain.audit import Actor

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ip_monitor.adapters.discord.desk import Desk
    from ip_monitor.adapters.discord.parameters import Value
    from ip_monitor.adapters.discord.texts import Texts


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """
    Who calls. `id` is Discord's and cannot be chosen; `name` can.
    """

    id: int
    name: str
    standing: Standing

    @property
    def actor(self) -> Actor:
        """
        As the audit keeps it.
        """
        return Actor(name=f"{self.name[:60]} {self.id}", via="discord")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """
    Attributes:
        arguments: judged values; those that were left out are missing.
        desk: what the handlers work on.
    """

    caller: Caller
    arguments: Mapping[str, Value]
    texts: Texts
    desk: Desk

    def text(self, name: str, default: str = "") -> str:
        return str(self.arguments.get(name, default))

    def whole(self, name: str, default: int) -> int:
        value = self.arguments.get(name, default)
        return value if isinstance(value, int) else default

    def switch(self, name: str) -> bool:
        return self.arguments.get(name) is True

    @property
    def style(self) -> AddressStyle:
        """
        How this answer shows addresses. What is hidden in the channel is hidden from its members everywhere; an
        administrator sees it where nobody else does.
        """
        if self.caller.standing is Standing.ADMINISTRATOR and not self.switch("public"):
            return AddressStyle.PLAIN
        return self.desk.style
