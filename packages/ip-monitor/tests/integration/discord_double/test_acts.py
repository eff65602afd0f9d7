"""
What users do, as the real client receives it, and what they see of its answers.
"""

from __future__ import annotations

import discord
import pytest
from discord import app_commands
from ip_monitor.testing.discord import NotOfferedError, WrongInputError


def add_commands(bot, panels):
    tree = bot.tree

    @tree.command(name="ip", description="Tell the address")
    @app_commands.describe(family="Which")
    async def ip(interaction: discord.Interaction, family: app_commands.Range[int, 4, 6] = 4) -> None:
        panels.append(Panel())
        await interaction.response.send_message(
            f"v{family}", ephemeral=True, embed=discord.Embed(title="Address"), view=panels[-1]
        )
        await interaction.followup.send("more", ephemeral=True)

    config = app_commands.Group(
        name="config", description="Settings", default_permissions=discord.Permissions(administrator=True)
    )

    @config.command(name="set", description="Change one")
    async def change(interaction: discord.Interaction, name: str, value: str) -> None:
        await interaction.response.defer(ephemeral=True, thinking=True)
        await interaction.edit_original_response(content=f"{name}={value}")

    @change.autocomplete("name")
    async def names(interaction: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        return [app_commands.Choice(name=n, value=n) for n in ("interval", "panel") if n.startswith(typed)]

    tree.add_command(config)


class Panel(discord.ui.View):
    @discord.ui.button(label="Again")
    async def again(self, interaction: discord.Interaction, button) -> None:
        await interaction.response.edit_message(content="again", view=None)

    @discord.ui.button(label="Why")
    async def why(self, interaction: discord.Interaction, button) -> None:
        await interaction.response.send_modal(Form())

    @discord.ui.select(placeholder="Days", options=[discord.SelectOption(label="Thirty", value="30")])
    async def days(self, interaction: discord.Interaction, select) -> None:
        await interaction.response.send_message(f"{select.values[0]} days", ephemeral=True)


class Form(discord.ui.Modal, title="Long input"):
    reason = discord.ui.TextInput(label="Reason", max_length=20)

    async def on_submit(self, interaction: discord.Interaction) -> None:
        await interaction.response.send_message(f"because {self.reason.value}", ephemeral=True)


@pytest.fixture
async def commanded(double, bot, running):
    panels = []
    add_commands(bot, panels)
    async with running(bot):
        await bot.tree.sync()
        yield double
    # discord.py gives every ephemeral view a time-out, whose task closing the client does not end.
    for panel in panels:
        panel.stop()


async def test_slash_command_shows_reply_and_follow_up(commanded):
    """
    Content, embed, ephemeral flag and the follow-up reach the user as the bot sent them.
    """
    double = commanded

    reply = await double.slash(double.member, double.channel, "ip", family=6)
    more = await reply.followup()

    assert reply.content == "v6"
    assert reply.embed["title"] == "Address"
    assert reply.is_ephemeral
    assert more.content == "more"
    assert double.messages() == []


async def test_everything_of_a_message_can_be_used(commanded):
    """
    Select, button with a form, the form itself, and a button that changes the message in place.
    """
    double = commanded
    reply = await double.slash(double.member, double.channel, "ip")

    chosen = await double.select(double.member, reply, "Days", "Thirty")
    form = await double.click(double.member, reply, "Why")
    sent = await double.submit_modal(form, {"Reason": "rain"})
    again = await double.click(double.member, reply, "Again")

    assert chosen.content == "30 days"
    assert form.modal["title"] == "Long input"
    assert sent.content == "because rain"
    assert again.is_update
    assert reply.content == "again"
    assert reply.controls == []


async def test_deferred_group_command_in_a_direct_message(commanded):
    """
    A result that comes by an edit is waited for, in a direct message as well.
    """
    double = commanded

    suggested = await double.autocomplete(double.admin, double.channel, "config set", "name", "int")
    reply = await double.slash(double.stranger, double.direct(double.stranger), "config set", name="a", value="b")

    assert suggested == [("interval", "interval")]
    assert reply.is_deferred
    assert reply.content == "a=b"


async def test_clients_offer_only_what_is_allowed(commanded):
    """
    A member is not offered the administrators' group, and no one can send a value that the client refuses.
    """
    double = commanded

    assert double.actors.offered(double.member, double.channel) == ["ip"]
    assert double.actors.offered(double.admin, double.channel) == ["config", "ip"]
    with pytest.raises(NotOfferedError, match=r"/config set is not offered.*what is: /ip"):
        await double.slash(double.member, double.channel, "config set", name="a", value="b")
    with pytest.raises(WrongInputError, match=r"family=9: it lies from 4 to 6"):
        await double.slash(double.member, double.channel, "ip", family=9)
    forced = await double.slash(double.member, double.channel, "config set", name="a", value="b", forced=True)
    assert forced.content == "a=b"


async def test_what_is_disabled_missing_or_of_others_cannot_be_used(double, bot, running):
    """
    A disabled button, one that is not there, another's private message, and a command without its required option.
    """
    view = discord.ui.View(timeout=None)
    view.add_item(discord.ui.Button(label="Off", disabled=True))
    view.add_item(discord.ui.Button(label="Site", url="https://example.com"))

    @bot.tree.command(name="ask", description="Ask")
    async def ask(interaction: discord.Interaction, what: str) -> None:
        await interaction.response.send_message(what, ephemeral=True)

    async with running(bot):
        await bot.tree.sync()
        await bot.get_channel(double.channel.id).send("x", view=view)
        message = await double.message()
        private = await double.slash(double.member, double.channel, "ask", what="me")

        with pytest.raises(NotOfferedError, match="disabled"):
            await double.click(double.member, message, "Off")
        with pytest.raises(NotOfferedError, match=r"'Site' is not offered.*what is: Off, Site"):
            await double.click(double.member, message, "Site")
        with pytest.raises(NotOfferedError, match="does not see"):
            await double.click(double.admin, private, "Off")
        with pytest.raises(WrongInputError, match="it is required"):
            await double.slash(double.member, double.channel, "ask")
        with pytest.raises(NotOfferedError, match="a form"):
            await double.submit_modal(private, {})
        with pytest.raises(NotOfferedError, match="stranger is no member"):
            await double.slash(double.stranger, double.channel, "ask", what="x", forced=True)


async def test_text_reaches_a_bot_with_the_intent(double, new_bot, running):
    """
    With the intents a bot reads text in channels and in direct messages, and its answers are found there.
    """
    bot = new_bot(intents=discord.Intents(guilds=True, messages=True, message_content=True))

    @bot.event
    async def on_message(message: discord.Message) -> None:
        if message.content == "!ip":
            await message.reply("here", mention_author=False)

    async with running(bot):
        asked = double.text(double.member, double.channel, "!ip")
        answer = await double.message(after=asked)
        double.direct_message(double.stranger, "!ip")
        private = await double.message(double.direct(double.stranger))

    assert answer.content == "here"
    assert answer.reference is asked
    assert answer.mentions == []
    assert private.content == "here"


async def test_messages_are_kept_changed_and_pinned(double, bot, running):
    """
    What one request makes, later ones read: sent, edited, pinned, listed, deleted.
    """
    async with running(bot):
        channel = bot.get_channel(double.channel.id)
        message = await channel.send("hello", embed=discord.Embed(title="t").add_field(name="n", value="v"))
        await message.edit(content="bye")
        await message.pin()
        pins = [pin.id async for pin in channel.pins()]
        history = [(each.type, each.content) async for each in channel.history()]
        user = await bot.fetch_user(double.member.id)
        private = await user.send("psst")
        await message.delete()

    assert pins == [message.id]
    assert history == [(discord.MessageType.pins_add, ""), (discord.MessageType.default, "bye")]
    assert private.content == "psst"
    assert [each.content for each in double.messages(double.direct(double.member))] == ["psst"]
    assert [each.type for each in double.messages()] == [6]
