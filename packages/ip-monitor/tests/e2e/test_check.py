"""
`ip-monitor check` against simulated services: every verdict with its exit status, and every known bad answer.
"""

from __future__ import annotations

import asyncio
import json

import pytest
from hermetic.world.http import MockServer, Reply, fail, html, redirect, text
from ip_monitor.domain.addresses import Family
from ip_monitor.testing.profiles import CAPTIVE_PORTAL, LOGIN_REDIRECT


@pytest.fixture
def check(ip_monitor, tmp_path):
    """
    Run `ip-monitor check --json` and give its status and its output.
    """

    async def run(settings, *words):
        words = ("check", "--json", "--config", settings, "--database", tmp_path / "ip.sqlite3", *words)
        done = await asyncio.to_thread(ip_monitor, *words)
        assert done.stderr == ""
        return done.returncode, json.loads(done.stdout)

    return run


async def test_a_known_address_is_status_0(services, settings_for, check):
    """
    All agree: the address, who said so, and the change that was written down.
    """
    status, said = await check(settings_for(services))
    address = str(services.line.address(Family.V4))

    assert status == 0
    assert said["verdict"] == "first"
    assert said["families"]["IPv4"]["address"] == address
    # Three of four can decide; which of them the first panel asked is not what is told here.
    assert len(said["families"]["IPv4"]["operators"]) == 3
    assert len(said["changes"]) == 1
    assert said["families"]["IPv4"]["translation"]["kind"] in {"some_nat", "double_nat", "other_way_out", "unknown"}

    status, said = await check(settings_for(services))

    assert (status, said["verdict"], said["changes"]) == (0, "stable", [])


async def test_a_dispute_is_status_3(services, settings_for, check):
    """
    Half of the operators against the other half decides nothing.
    """
    services["alder"].lie("198.51.100.1")
    services["birch"].lie("198.51.100.2")
    status, said = await check(settings_for(services))

    assert (status, said["verdict"]) == (3, "disputed")
    assert said["families"]["IPv4"]["address"] is None


async def test_silence_is_status_4(services, settings_for, check):
    """
    Nobody listens any more.
    """
    settings = settings_for(services)
    await services.stop()
    status, said = await check(settings)

    assert (status, said["verdict"]) == (4, "offline")
    assert {answer["failure"] for answer in said["families"]["IPv4"]["answers"]} == {"unreachable"}


@pytest.mark.parametrize("page", [CAPTIVE_PORTAL, LOGIN_REDIRECT])
async def test_pages_in_the_place_of_answers_are_status_5(services, settings_for, check, page):
    """
    A captive portal answers everything with its own page, or redirects to it.
    """
    for server in services:
        server.fail_as(page)
    status, said = await check(settings_for(services))

    assert (status, said["verdict"]) == (5, "captive")


async def test_several_addresses_are_status_6(services, settings_for, check):
    """
    Two operators see one way out, two another.
    """
    services["alder"].lie("198.51.100.1")
    services["birch"].lie("198.51.100.1")
    status, said = await check(settings_for(services))

    assert (status, said["verdict"]) == (6, "multi_egress")


async def test_for_people_the_same_in_one_line_a_family(services, settings_for, ip_monitor, tmp_path):
    """
    Without `--json` there is a line to read.
    """
    words = ("check", "--config", settings_for(services), "--database", tmp_path / "ip.sqlite3")
    done = await asyncio.to_thread(ip_monitor, *words)
    address = str(services.line.address(Family.V4))

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"IPv4  {address:<15}  first: 3 of 4 operators say {address}\n"


# Every kind of answer that public services are known to give when they are wrong, and what becomes of it.
BAD_ANSWERS = {
    "a page with status 200": (html("<html><body>Sign in</body></html>"), "markup"),
    "an address of a content network": (text("104.18.0.1"), "rule"),
    "a private address": (text("10.1.2.3"), "not_public"),
    "this machine": (text("127.0.0.1"), "not_public"),
    "the other family": (text("2001:db8:a000::1"), "wrong_family"),
    "several addresses": (text("192.168.0.2, 203.0.113.9"), "several"),
    "nothing": (text(""), "empty"),
    "too many requests": (fail(429, headers={"Retry-After": "30"}), "rate_limited"),
    "a server error": (fail(502, body="<html><h1>502 Bad Gateway</h1></html>"), "status"),
    "a redirect to a login page": (redirect("http://portal.example/login"), "redirect"),
    "no address": (text("999.999.999.999"), "malformed"),
    "half of a JSON text": (Reply(headers=(("Content-Type", "application/json"),), body=b'{"ip": "203.'), "malformed"),
    "a megabyte": (text("203.0.113.9 " * 90_000), "too_large"),
}


async def test_no_bad_answer_counts_and_each_is_named(services, settings_for, provider_table, check):
    """
    Thirteen bad services beside four good ones: the address stays unknown, for no majority vouches for it, but not
    one bad answer becomes a vote.
    """
    async with MockServer("bad", seed=7) as bad:
        tables = []
        for number, (name, (reply, _)) in enumerate(BAD_ANSWERS.items()):
            bad.get(f"/{number}").reply(reply)
            tables.append(provider_table(name, bad.url_for(f"/{number}")))
        status, said = await check(settings_for(services, *tables))
    answers = {answer["operator"]: answer for answer in said["families"]["IPv4"]["answers"]}

    assert status == 3
    assert said["families"]["IPv4"]["addresses"] == [str(services.line.address(Family.V4))]
    assert {name: answers[name]["failure"] for name in BAD_ANSWERS} == {
        name: failure for name, (_, failure) in BAD_ANSWERS.items()
    }
    assert all(answers[name]["address"] is None and answers[name]["detail"] for name in BAD_ANSWERS)


async def test_a_stale_and_a_same_for_all_answer_are_outvoted(services, settings_for, check):
    """
    A well-formed lie is only visible as a minority: it is heard and not believed.
    """
    services.line.change(Family.V4)
    services["dogwood"].be_stale(3600.0)
    status, said = await check(settings_for(services))
    family = said["families"]["IPv4"]

    assert (status, family["address"]) == (0, str(services.line.address(Family.V4)))
    assert family["operators"] == ["alder", "birch", "cedar"]
    assert family["addresses"][1] == str(services.line.address(Family.V4, ago_s=3600.0))


async def test_beside_a_running_monitor_it_only_looks(services, settings_for, start, check, tmp_path):
    """
    The second process does not fail, does not write, and does not announce.
    """
    settings = settings_for(services)
    running = await start("run", "--config", settings, "--database", tmp_path / "ip.sqlite3")
    await running.line("IPv4 address is")
    status, said = await check(settings)

    assert (status, said["verdict"]) == (0, "stable")
    assert running.process.returncode is None
