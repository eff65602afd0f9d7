"""
From a reply to what discord.py sends.

Components are handed over as finished: the library would keep every unfinished one in memory and wait for its clicks,
and our clicks are recognised by their custom ids alone (see `actions`).
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import discord

from ip_monitor.adapters.discord import card
from ip_monitor.adapters.discord.quoting import cut

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ip_monitor.adapters.discord.card import Card
    from ip_monitor.adapters.discord.reply import Button, Form, Menu, Reply

_MOST_LABEL = 80
_MOST_TITLE = 45
_MOST_HINT = 100


def view_of(buttons: Sequence[Button], menu: Menu | None = None) -> discord.ui.View:
    """
    Buttons in rows of five, under a menu if there is one.
    """
    view = discord.ui.View(timeout=None)
    if menu is not None:
        select: discord.ui.Select[discord.ui.View] = discord.ui.Select(custom_id=menu.action, row=0)
        for value, label in menu.choices:
            select.add_option(label=cut(label, 100), value=value, default=value == menu.chosen)
        view.add_item(select)
    for button in buttons:
        view.add_item(
            discord.ui.Button(
                label=cut(button.label, _MOST_LABEL),
                custom_id=button.action,
                style=discord.ButtonStyle(button.look.value),
                disabled=button.is_off,
            )
        )
    view.stop()
    return view


def modal_of(form: Form) -> discord.ui.Modal:
    """
    A form as a window of Discord's.
    """
    modal = discord.ui.Modal(title=cut(form.title, _MOST_TITLE), custom_id=form.action, timeout=None)
    for one in form.inputs:
        field: discord.ui.TextInput[discord.ui.Modal] = discord.ui.TextInput(
            label=cut(one.label, _MOST_TITLE),
            custom_id=one.name,
            style=discord.TextStyle.paragraph if one.is_area else discord.TextStyle.short,
            default=cut(one.value, one.maximum) or None,
            placeholder=cut(one.hint, _MOST_HINT) or None,
            required=one.required,
            max_length=one.maximum,
        )
        modal.add_item(field)
    modal.stop()
    return modal


def embeds_of(cards: Sequence[Card]) -> list[discord.Embed]:
    """
    What one message can hold of `cards`, as the library takes it.
    """
    return [discord.Embed.from_dict(one) for one in card.embeds(cards)]


def new_message(reply: Reply) -> dict[str, Any]:
    """
    The arguments of a `send`.
    """
    made: dict[str, Any] = {"embeds": embeds_of(reply.cards)}
    if reply.buttons or reply.menu:
        made["view"] = view_of(reply.buttons, reply.menu)
    if reply.attachment is not None:
        made["file"] = discord.File(io.BytesIO(reply.attachment.content), filename=reply.attachment.name)
    return made


def changed_message(reply: Reply) -> dict[str, Any]:
    """
    The arguments of an `edit`: what the reply does not have is taken away.
    """
    made: dict[str, Any] = {"content": None, "embeds": embeds_of(reply.cards), "attachments": []}
    made["view"] = view_of(reply.buttons, reply.menu) if reply.buttons or reply.menu else None
    if reply.attachment is not None:
        made["attachments"] = [discord.File(io.BytesIO(reply.attachment.content), filename=reply.attachment.name)]
    return made
