"""
What an administrator does in an evening, from the first command to the last, through the bot's router and its handlers.

Each command alone, as each kind of caller, is in `integration/discord/test_commands.py`; the same acts over HTTP are in
`integration/web/test_control.py`, and over the socket in `integration/control`.
"""

from __future__ import annotations

import pytest
from ip_monitor.domain.addresses import Family

pytestmark = [pytest.mark.deadline(15), pytest.mark.limits(database_connections=12, threads=20)]


async def test_an_evening_of_an_administrator(mock_bot):
    """
    Look, take a provider out, order the rest, hold the queue, let it go, ask why, and find all of it in the audit.
    """
    double, application = mock_bot.double, mock_bot.application

    async def do(command, **options):
        reply = await double.slash(double.admin, double.channel, command, **options)
        return reply.embed

    assert (await do("api list"))["title"] == "Providers: 3 of 3 are asked"
    assert "0 of" not in (await do("api test"))["title"]
    assert "cedar" in (await do("api disable", name="cedar"))["description"]
    await do("api priority", name="birch", priority=9)
    assert [source.name for source in application.sources] == ["birch", "alder"]
    await do("queue stop")
    before = len(double.messages())
    mock_bot.cluster.line.change()
    checked = await do("cache refresh")
    truth = str(mock_bot.cluster.line.address(Family.V4))
    assert truth in str(checked)
    assert "1 waiting" in (await do("queue status"))["description"]
    assert len(double.messages()) == before
    await do("queue start")
    told = await double.until(lambda: double.messages()[before:], "the announcement that waited")
    key = told[0].embed["footer"]["text"].split()[-1]
    why = await do("why", change=key)
    assert truth in str(why)
    await do("api enable", name="cedar")
    asked = await double.slash(double.admin, double.channel, "queue clear")
    assert (await double.click(double.admin, asked, "No")).embed["title"] == "Nothing was done."
    acts = [(entry.action, entry.via) for entry in await application.admin.audit.entries(limit=20)]

    assert len(told) == 1
    assert acts[::-1] == [
        ("providers.test", "discord"),
        ("providers.disable", "discord"),
        ("providers.prioritise", "discord"),
        ("queue.stop", "discord"),
        ("cache.refresh", "discord"),
        ("queue.start", "discord"),
        ("providers.enable", "discord"),
    ]


async def test_a_member_gets_nowhere_in_the_same_evening(mock_bot):
    """
    Nothing of it is done for a member who sends it all the same, and nothing of it stands in the audit.
    """
    double, application = mock_bot.double, mock_bot.application
    for command, options in [
        ("api disable", {"name": "cedar"}),
        ("queue stop", {}),
        ("cache refresh", {}),
        ("stop", {}),
        ("config set", {"name": "discord_address", "value": "plain"}),
    ]:
        reply = await double.slash(double.member, double.channel, command, forced=True, **options)
        assert reply.embed["title"] == "Not allowed"

    assert len(application.sources) == 3
    assert not application.delivery.is_stopped
    assert list(await application.admin.audit.entries()) == []
