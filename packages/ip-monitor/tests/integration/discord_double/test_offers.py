"""
What a user's client does not let them do, and what it sends of users, roles, channels and forms.
"""

from __future__ import annotations

import discord
import pytest
from discord import app_commands
from ip_monitor.testing.discord import NothingHappenedError, NotOfferedError, Permission, WrongInputError, actors


class Days(discord.ui.Select):
    def __init__(self) -> None:
        options = [discord.SelectOption(label=name, value=name.lower()) for name in ("One", "Two", "Three")]
        super().__init__(placeholder="Days", min_values=1, max_values=2, options=options)

    async def callback(self, interaction: discord.Interaction) -> None:
        await interaction.response.send_message(" ".join(self.values), ephemeral=True)


class Question(discord.ui.Modal, title="Question"):
    what = discord.ui.TextInput(label="What", min_length=2, max_length=4)
    more = discord.ui.TextInput(label="More", required=False)
    often = discord.ui.Label(
        text="Often", component=discord.ui.Select(options=[discord.SelectOption(label="Yes", value="yes")])
    )

    async def on_submit(self, interaction: discord.Interaction) -> None:
        often = self.often.component.values
        await interaction.response.send_message(f"{self.what.value}|{self.more.value}|{often}", ephemeral=True)


def add_commands(double, tree):
    @tree.command(name="who", description="Everything that is no text", guild=discord.Object(double.guild.id))
    async def who(
        interaction: discord.Interaction, whom: discord.User, role: discord.Role, where: discord.TextChannel
    ) -> None:
        await interaction.response.send_message(f"{whom.name} {role.name} {where.name}", ephemeral=True)

    @tree.command(name="pick", description="Choices")
    @app_commands.choices(
        family=[app_commands.Choice(name="four", value="4"), app_commands.Choice(name="six", value="6")]
    )
    async def pick(interaction: discord.Interaction, family: str, loud: bool | None = None) -> None:  # noqa: FBT001 - an option
        await interaction.response.send_message(f"{family} {loud}", ephemeral=True)

    @tree.command(name="ask", description="A form")
    async def ask(interaction: discord.Interaction) -> None:
        await interaction.response.send_modal(Question())

    @tree.command(name="attach", description="A file")
    async def attach(interaction: discord.Interaction, file: discord.Attachment) -> None:
        await interaction.response.send_message(file.filename)

    group = app_commands.Group(name="config", description="Settings")

    @group.command(name="set", description="Change one")
    async def change(interaction: discord.Interaction, name: str) -> None:
        await interaction.response.send_message(name, ephemeral=True)

    @change.autocomplete("name")
    async def names(interaction: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        raise LookupError(typed)

    tree.add_command(group)


@pytest.fixture
async def offered(double, bot, running):
    add_commands(double, bot.tree)
    async with running(bot):
        await bot.tree.sync()
        await bot.tree.sync(guild=discord.Object(double.guild.id))
        yield double


async def test_users_roles_and_channels_are_sent_with_what_they_are(offered):
    """
    A command of one guild gets them whole, and is not offered in direct messages.
    """
    role = offered.guild.roles[-1]

    reply = await offered.slash(
        offered.admin, offered.channel, "who", whom=offered.member, role=role, where=offered.channel
    )

    assert reply.content == f"member {role.name} {offered.channel.name}"
    assert offered.actors.offered(offered.member, offered.direct(offered.member)) == ["ask", "attach", "config", "pick"]


@pytest.mark.parametrize(
    "path, options, said",
    [
        ("pick", {"family": "5"}, r"family='5': the choices are '4', '6'"),
        ("pick", {"family": 4}, r"family=4: it takes str"),
        ("pick", {"family": "4", "loud": 1}, r"loud=1: it takes bool"),
        ("pick", {"colour": "red"}, r"option 'colour': the command has family, loud"),
        ("ask", {"colour": "red"}, r"option 'colour': the command has no options"),
        ("attach", {"file": "x"}, r"file='x': the double cannot fill an option of this type"),
        ("config", {}, r"/config is not offered.*what is: set"),
        ("config get", {}, r"/config get is not offered.*what is: set"),
    ],
)
async def test_values_that_a_client_does_not_send(offered, path, options, said):
    """
    Choices, types, names and subcommands, with what there is.
    """
    with pytest.raises((WrongInputError, NotOfferedError), match=said):
        await offered.slash(offered.member, offered.channel, path, **options)


async def test_suggestions_that_there_are_none_of(offered, monkeypatch):
    """
    For an option that suggests nothing, and from a bot that fails, whose time is over soon here.
    """
    monkeypatch.setattr(actors, "ANSWER_WITHIN_S", 0.3)
    with pytest.raises(NotOfferedError, match="suggestions for 'family' of /pick"):
        await offered.autocomplete(offered.member, offered.channel, "pick", "family")
    with pytest.raises(NothingHappenedError, match="suggestions for 'name' of /config set"):
        await offered.autocomplete(offered.member, offered.channel, "config set", "name", "x")


async def test_a_select_takes_its_own_options_and_so_many_of_them(offered, bot):
    """
    By label or value; others, and too many, are not sent unless forced.
    """
    view = discord.ui.View(timeout=None)
    view.add_item(Days())
    await bot.get_channel(offered.channel.id).send("x", view=view)
    message = await offered.message()

    chosen = await offered.select(offered.member, message, "Days", "Two", "three")
    with pytest.raises(NotOfferedError, match=r"the option 'Four' is not offered.*what is: One, Two, Three"):
        await offered.select(offered.member, message, "Days", "Four")
    with pytest.raises(WrongInputError, match=r"3 values for 'Days': it takes from 1 to 2"):
        await offered.select(offered.member, message, "Days", "One", "Two", "Three")
    forced = await offered.select(offered.member, message, "Days", "four", forced=True)

    assert (chosen.content, forced.content) == ("two three", "four")


async def test_a_form_takes_its_own_fields_within_their_lengths(offered):
    """
    An optional one may be empty; a select below a label is one of them; what is too long is sent when forced.
    """
    form = await offered.slash(offered.member, offered.channel, "ask")
    with pytest.raises(NotOfferedError, match=r"the field 'Why' of the form 'Question'.*what is: What, More, Often"):
        await offered.submit_modal(form, {"Why": "x"})
    with pytest.raises(WrongInputError, match=r"What='x': its length is from 2 to 4"):
        await offered.submit_modal(form, {"What": "x"})
    forced = await offered.submit_modal(form, {"What": "x" * 5, "Often": "yes"}, forced=True)
    again = await offered.slash(offered.member, offered.channel, "ask")
    sent = await offered.submit_modal(again, {"What": "rain", "Often": "yes"})

    assert (forced.content, sent.content) == ("xxxxx||['yes']", "rain||['yes']")


async def test_where_a_user_may_neither_write_nor_use_commands(offered):
    """
    A client shows no commands there and no place to write.
    """
    denied = Permission.SEND_MESSAGES | Permission.USE_APPLICATION_COMMANDS
    offered.world.overwrite(offered.channel, offered.member, allow=Permission.NONE, deny=denied)

    with pytest.raises(NotOfferedError, match="writing in 'ip'"):
        offered.text(offered.member, offered.channel, "hello")
    assert offered.actors.offered(offered.member, offered.channel) == []
