"""
What a user sees after an act: a message, a form, a list of suggestions, or that nothing came.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ip_monitor.testing.discord.components import Control, controls_in
from ip_monitor.testing.discord.interactions import ANSWER_WITHIN_S, CallbackType, Interaction

if TYPE_CHECKING:
    from ip_monitor.testing.discord.messages import Message
    from ip_monitor.testing.discord.pulse import Pulse


class Reply:
    """
    A live view: what the bot adds later appears in it.
    """

    def __init__(self, interaction: Interaction, pulse: Pulse) -> None:
        self.interaction = interaction
        self._pulse = pulse

    def __repr__(self) -> str:
        if self.has_failed:
            return f"<Reply failed: {self.failure}>"
        return f"<Reply {self.content!r} [{len(self.embeds)} embeds, {len(self.followups)} follow-ups]>"

    # ------------------------------------------------------------ what came

    @property
    def has_failed(self) -> bool:
        """
        Whether Discord shows the user that the bot did not answer in time.
        """
        return self.interaction.callback is None

    @property
    def failure(self) -> str | None:
        """
        The text in red that the user then sees.
        """
        if not self.has_failed:
            return None
        return "The application did not respond" if self.interaction.command else "This interaction failed"

    @property
    def is_deferred(self) -> bool:
        """
        Whether the bot asked for time first.
        """
        return self.interaction.callback in {CallbackType.DEFERRED_MESSAGE, CallbackType.DEFERRED_UPDATE}

    @property
    def is_update(self) -> bool:
        """
        Whether the message that was clicked was changed instead of a new one sent.
        """
        return self.interaction.original is not None and self.interaction.original is self.interaction.source

    @property
    def message(self) -> Message:
        """
        The reply itself.

        Raises:
            LookupError: there is none: the bot did not answer, or opened a form.
        """
        if self.interaction.original is None:
            raise LookupError(f"there is no message: {self.failure or 'the bot answered with something else'}")
        return self.interaction.original

    @property
    def messages(self) -> list[Message]:
        """
        The reply and the follow-ups, those that were deleted left out.
        """
        first = [] if self.interaction.original is None else [self.interaction.original]
        return [message for message in [*first, *self.interaction.followups] if not message.is_deleted]

    @property
    def followups(self) -> list[Message]:
        return self.interaction.followups

    @property
    def modal(self) -> dict[str, Any] | None:
        """
        The form that opened: `title`, `custom_id`, `components`.
        """
        return self.interaction.modal

    @property
    def fields(self) -> list[Control]:
        """
        The fields of the form.
        """
        return controls_in((self.interaction.modal or {}).get("components", []))

    @property
    def choices(self) -> list[tuple[str, Any]]:
        """
        What an autocomplete suggests: name and value.
        """
        return [(str(choice["name"]), choice["value"]) for choice in self.interaction.choices or ()]

    # ------------------------------------------------------------ of the message

    @property
    def content(self) -> str:
        return "" if self.interaction.original is None else self.interaction.original.content

    @property
    def text(self) -> str:
        """
        Everything that can be read in the reply and its follow-ups, a line each.
        """
        return "\n".join(message.text for message in self.messages)

    @property
    def embeds(self) -> list[dict[str, Any]]:
        return [] if self.interaction.original is None else self.interaction.original.embeds

    @property
    def embed(self) -> dict[str, Any]:
        return self.message.embed

    @property
    def components(self) -> list[dict[str, Any]]:
        return [] if self.interaction.original is None else self.interaction.original.components

    @property
    def controls(self) -> list[Control]:
        return controls_in(self.components)

    @property
    def is_ephemeral(self) -> bool:
        return self.message.is_ephemeral

    # ------------------------------------------------------------ what may come

    async def followup(self, number: int = 1, *, within_s: float = ANSWER_WITHIN_S) -> Message:
        """
        Wait for the nth follow-up, counted from 1.

        Raises:
            TimeoutError: it did not come within `within_s` seconds.
        """
        followups = self.interaction.followups
        await self._pulse.until(lambda: len(followups) >= number, within_s=within_s)
        return followups[number - 1]

    async def edited(self, *, times: int = 1, within_s: float = ANSWER_WITHIN_S) -> Message:
        """
        Wait until the reply has been changed so many times in all.

        Raises:
            TimeoutError: it was not within `within_s` seconds.
        """
        message = self.message
        await self._pulse.until(lambda: len(message.revisions) >= times, within_s=within_s)
        return message
