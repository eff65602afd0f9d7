"""
What `ip-monitor doctor` finds about the bot: its token, its channel, what it may do there, and its intents.
"""

from __future__ import annotations

import pytest
from ip_monitor.adapters.discord import examination
from ip_monitor.adapters.discord.connection import Route
from ip_monitor.adapters.discord.examination import examine
from ip_monitor.settings import Secret, Settings
from ip_monitor.testing.discord import DiscordDouble, Permission, Status


@pytest.fixture
async def double(authority):
    async with DiscordDouble(authority=authority) as running:
        yield running


@pytest.fixture
def found(double, tmp_path):
    """
    What is found with these settings: state and text of each, and its remedy.
    """

    async def look(token: str | None = None, **settings):
        route = Route(token=Secret(token or double.token), make_connector=double.connector)
        given = {"discord_channel": double.channel.id, "database": tmp_path / "ip.sqlite3", **settings}
        return [(one.state, one.text, one.remedy) for one in await examine(route, Settings(**given))]

    return look


def lacking(double, permission) -> None:
    double.world.overwrite(double.channel, double.world.bot, allow=Permission.NONE, deny=permission)


async def test_a_sound_bot_is_told_to_be_one(double, found):
    """
    Whose token it is, and where it may announce.
    """
    name, where = double.world.bot.name, f"#{double.channel.name} of {double.guild.name}"

    seen = await found(discord_text_commands=True)

    assert [state for state, _, _ in seen] == ["ok", "ok", "ok"]
    assert [text for _, text, _ in seen][1:] == [
        "the message content intent is granted; text commands work",
        f"may announce in {where}",
    ]
    assert name in seen[0][1]


@pytest.mark.parametrize(
    ("permission", "told"),
    [
        (
            Permission.SEND_MESSAGES,
            ("wrong", "lacks Send Messages, Embed Links", "Give its role these permissions there."),
        ),
        (
            Permission.READ_MESSAGE_HISTORY,
            ("warning", "lacks Read Message History", "Without it a change may be told twice after an outage."),
        ),
        (
            Permission.PIN_MESSAGES,
            ("warning", "lacks Pin Messages", "Without it the status message stands unpinned."),
        ),
    ],
    ids=["sending", "history", "pins"],
)
async def test_a_permission_that_lacks_is_named_with_what_comes_of_it(double, found, permission, told):
    """
    What announcing needs is wrong; what is only nicer with it is a warning.
    """
    lacking(double, permission)

    state, text, remedy = (await found(discord_status_message=True))[-1]

    assert (state, text.partition("the bot ")[2], remedy) == told


async def test_a_bot_without_a_channel_tells_people_directly(found):
    """
    That is no fault.
    """
    assert (await found(discord_channel=None))[-1] == (
        "ok",
        "no channel is set; people are told in direct messages alone",
        "",
    )


async def test_a_direct_channel_is_no_place_to_announce(double, found):
    """
    The id is of a channel, and of the wrong kind.
    """
    direct = double.world.direct(double.member)

    assert (await found(discord_channel=direct.id))[-1] == (
        "wrong",
        f"discord_channel {direct.id} is no channel of a server",
        "Set it to the id of a text channel.",
    )


async def test_trouble_on_the_way_is_a_finding_too(double, found, tmp_path, monkeypatch):
    """
    A token that Discord does not know, a channel that is not there, a Discord that is down, and a token that cannot be read.
    """
    bad_token = await found("no.such.token")
    no_channel = await found(discord_channel=double.channel.id + 1)
    monkeypatch.setattr(examination, "TIMEOUT_S", 0.5)  # the client tries again for longer than a test may take
    with double.fail(Status(500), on="GET /channels/*"):
        down = await found()
    unread = await examine(
        Route(token_file=tmp_path / "none", make_connector=double.connector), Settings(database=tmp_path / "x")
    )

    assert [[state for state, _, _ in seen] for seen in (bad_token, no_channel, down)] == [["wrong"]] * 3
    assert [one.state for one in unread] == ["wrong"]
    assert str(tmp_path / "none") in unread[0].text
    assert all(seen[0][2] for seen in (bad_token, no_channel, down))


async def test_a_client_that_never_logged_in_leaves_no_connector(double, tmp_path):
    """
    Without a token there is no session, which would have closed it.
    """
    made = []

    def connector():
        made.append(double.connector())
        return made[-1]

    await examine(Route(token_file=tmp_path / "none", make_connector=connector), Settings(database=tmp_path / "x"))

    assert [one.closed for one in made] == [True]
