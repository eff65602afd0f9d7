"""
The use cases of people, on the whole product: real database, real settings, services and receivers on loopback.
"""

from __future__ import annotations

import asyncio

import pytest
from hermetic.world.http import MockServer
from ip_monitor.application.admin import Actor, ChangeUnknownError, UnknownSinkError
from ip_monitor.application.ports import StorageUnavailableError
from ip_monitor.application.providers import ProviderRefusedError, UnknownSourceError
from ip_monitor.application.quiet import MuteRefusedError
from ip_monitor.bootstrap import assemble
from ip_monitor.domain.addresses import Family
from ip_monitor.domain.answers import SourceRefusedError
from ip_monitor.domain.events import CheckFinished, NoticeFailed
from ip_monitor.domain.verdicts import VerdictKind
from ip_monitor.resilience.rate_limiter import RateLimitedError
from ip_monitor.settings import Request, SettingsError, load
from ip_monitor.testing import PLAY_RANGES, MockAPICluster

ALICE = Actor(name="alice", via="test")


@pytest.fixture
async def services():
    operators = {"alder": "ipify", "birch": "ipify", "cedar": "aws"}
    async with MockAPICluster(operators, seed=7) as cluster:
        yield cluster


@pytest.fixture
async def receiver():
    async with MockServer("receiver", seed=7) as server:
        yield server


@pytest.fixture
def request_of(tmp_path, services):
    """
    Settings in a file, for these services.
    """
    path = tmp_path / "settings.toml"
    lines = [
        "default_providers = false",
        'families = "ipv4"',
        "confirm_pause_s = 0",
        f"public_ranges = {[str(network) for network in PLAY_RANGES]}",
        f"database = '{tmp_path / 'ip.sqlite3'}'",
    ]
    for server in services:
        lines += ["[[providers]]", f"name = '{server.name}'", f"url = '{server.spec().url}'", "plain_http = true"]
        lines += ["private_address = true"]
    path.write_text("\n".join(lines))

    def make(**environ):
        environ = {f"IP_MONITOR_{name.upper()}": value for name, value in environ.items()}
        return Request(environ=environ, config_file=path, env_file=None, secret_directories=())

    return make


@pytest.fixture
async def opened(request_of, events):
    """
    Open the product with a request's settings; `run=True` also lets it run.
    """
    stack = []

    async def open_application(*, run=False, **environ):
        request = request_of(**environ)
        settings = (await asyncio.to_thread(load, request)).settings
        context = assemble(settings, observers=[events], request=request)
        application = await context.__aenter__()
        task = asyncio.create_task(application.run()) if run else None
        stack.append((context, application, task))
        return application

    yield open_application
    for context, application, task in stack:
        application.request_stop()
        if task is not None:
            await asyncio.wait_for(task, 20)
        await context.__aexit__(None, None, None)


async def audit_of(admin):
    return [(e.action, e.subject, e.before, e.after, e.refused) for e in await admin.audit.entries()]


async def test_fifty_who_ask_at_once_cause_one_panel_and_all_get_its_check(opened, services):
    """
    Single flight; who asks a moment later is answered from memory; the audit knows each.
    """
    admin = (await opened()).admin
    found = await asyncio.gather(*(admin.watch.check_now(by=ALICE) for _ in range(50)))
    later = await admin.watch.check_now(by=ALICE)

    assert {one.check.number for one in found} == {1}
    assert sum(not one.is_remembered for one in found) == 1
    assert later.is_remembered
    calls = [len(server.calls) for server in services]
    assert max(calls) == 2  # the panel, and its confirmation
    assert sum(calls) < 2 * len(calls)  # no more than could decide
    assert len(await admin.audit.entries()) == 51


async def test_the_world_is_not_asked_by_hand_without_end(opened, services):
    """
    Twelve in a minute; the thirteenth is told when, and scheduled checks go on.
    """
    admin = (await opened()).admin
    for _ in range(12):
        await admin.cache.refresh(by=ALICE)

    with pytest.raises(RateLimitedError, match="try again in"):
        await admin.cache.refresh(by=ALICE)
    assert (await admin.watch.check_now(by=ALICE)).is_remembered


async def test_status_history_and_why_tell_what_is_on_record(opened, services):
    """
    Without asking anybody.
    """
    admin = (await opened()).admin
    empty = await admin.watch.status()
    await admin.watch.check_now(by=ALICE)
    asked = sum(len(server.calls) for server in services)
    status = await admin.watch.status()
    page = await admin.watch.history(limit=1)
    why = await admin.watch.why("last")

    assert (empty.kind, empty.families) == (None, ())
    assert status.kind is VerdictKind.FIRST
    assert status.families[0].current.address == services.line.address(Family.V4)
    assert page.changes == (why.change,)
    assert await admin.watch.history(limit=1, before=page.before) == type(page)(changes=(), before=None)
    assert len(why.ballots) == 2
    assert (await admin.watch.why()).ballots
    with pytest.raises(ChangeUnknownError, match="begins with 'zz'"):
        await admin.watch.why("zz")
    assert sum(len(server.calls) for server in services) == asked


async def test_decisions_about_providers_are_in_force_audited_and_outlive_a_restart(opened, request_of):
    """
    By their names with or without the family, in any case.
    """
    first = await opened()
    await first.admin.providers.disable("ALDER", by=ALICE)
    await first.admin.providers.prioritise("cedar ipv4", 7, by=ALICE)
    await first.admin.providers.enable("icanhazip", by=ALICE)
    asked = [source.name for source in first.sources]
    audit = await audit_of(first.admin)
    await first.aclose()
    await first.storage.close()

    second = await opened()

    assert asked == ["cedar IPv4", "birch IPv4", "icanhazip IPv4"]
    assert [source.name for source in second.sources] == asked
    assert audit[-1] == ("providers.disable", "ALDER", "alder IPv4: enabled, priority 0", "disabled", "")
    assert {one.name: one.is_enabled for one in await second.admin.providers.list()}["alder IPv4"] is False


async def test_what_is_refused_names_the_rule_changes_nothing_and_is_audited(opened):
    """
    Internal servers, disguises, unknown names, the last one of a family.
    """
    application = await opened()
    providers = application.admin.providers
    before = application.sources
    for url, rule in (
        ("https://192.168.1.1/", "RFC 1918"),
        ("https://[::1]/", "family"),
        ("https://127.1/", "in full"),
    ):
        with pytest.raises((ProviderRefusedError, SourceRefusedError), match=rule):
            await providers.add("own", url, by=ALICE)
    with pytest.raises(SourceRefusedError, match="one of text, json, trace, auto"):
        await providers.add("own", "https://93.184.216.34/", format="xml", by=ALICE)
    with pytest.raises(UnknownSourceError, match="There are: Amazon"):
        await providers.remove("nobody", by=ALICE)
    with pytest.raises(ProviderRefusedError, match="comes from the settings"):
        await providers.remove("alder", by=ALICE)
    await providers.disable("alder", by=ALICE)
    await providers.disable("birch", by=ALICE)
    with pytest.raises(ProviderRefusedError, match="the last provider for IPv4"):
        await providers.disable("cedar", by=ALICE)
    await providers.enable("alder", by=ALICE)
    await providers.enable("birch", by=ALICE)

    assert application.sources == before
    refused = [entry[4] for entry in await audit_of(application.admin) if entry[4]]
    assert refused == ["ProviderRefusedError"] * 2 + ["UnknownSourceError"] + ["SourceRefusedError"] * 3 + [
        "ProviderRefusedError"
    ]


async def test_an_added_provider_is_asked_tested_ranked_and_removed(opened, services):
    """
    The whole life of one.
    """
    application = await opened()
    admin = application.admin
    url = services["alder"].spec().url
    private = {"allow_plain_http": True, "allow_private_address": True}
    added = await admin.providers.add("mine", url, by=ALICE, **private)
    answer = (await admin.providers.test("mine", by=ALICE))[0]
    await admin.watch.check_now(by=ALICE)
    ranks = await admin.providers.statistics()
    mine = (await admin.providers.statistics("mine"))[0]

    assert [one.name for one in added] == ["mine IPv4"]
    assert answer.address == str(services.line.address(Family.V4))
    assert [rank.rank for rank in ranks] == list(range(1, len(ranks) + 1))
    assert (mine.statistics.successes, mine.statistics.lies) == (2, 0)
    assert await admin.providers.remove("mine", by=ALICE) == ("mine IPv4",)
    assert "mine IPv4" not in [source.name for source in application.sources]


async def test_statistics_count_the_checks_on_record(opened):
    """
    A restart does not make every source unknown.
    """
    first = await opened()
    await first.admin.watch.check_now(by=ALICE)
    before = {rank.provider: rank.statistics.asked for rank in await first.admin.providers.statistics()}
    await first.aclose()
    await first.storage.close()
    second = await opened()

    assert sum(before.values()) > 0
    assert before == {rank.provider: rank.statistics.asked for rank in await second.admin.providers.statistics()}


async def test_a_setting_is_changed_taken_over_and_given_back(opened, events):
    """
    By the running monitor, with who, from and to.
    """
    application = await opened(run=True)
    await events.wait(CheckFinished)
    admin = application.admin
    changed = await admin.config.set("interval_s", "60", by=ALICE)
    await events.wait(CheckFinished, 2)
    views = {view.option.name: view for view in await admin.config.show()}
    back = await admin.config.unset("interval_s", by=ALICE)

    assert (changed.before, changed.after, changed.needs_restart) == ("300", "60", False)
    assert application.settings.interval_s == 300
    assert (views["interval_s"].value, back.after) == ("60", "300")
    assert "`config set`" in views["interval_s"].origin
    assert [(e.name, e.who) for e in await admin.config.changes()] == [("interval_s", "alice (test)")] * 2
    assert ("config.set", "interval_s", "300", "60", "") in await audit_of(admin)
    assert "interval_s" in await admin.config.save(by=ALICE)


async def test_a_setting_that_the_monitor_cannot_use_is_taken_back(opened):
    """
    Valid as a text and yet nobody would be left to ask: as before, and not kept.
    """
    application = await opened()
    with pytest.raises(ValueError, match="no provider is left"):
        await application.admin.config.set("disabled_providers", "alder,birch,cedar", by=ALICE)
    with pytest.raises(SettingsError, match="10 to 86400"):
        await application.admin.config.set("interval_s", "1", by=ALICE)

    assert application.settings.disabled_providers == ()
    assert {v.option.name: v.value for v in await application.admin.config.show()}["disabled_providers"] == ""


async def test_a_reload_takes_over_what_the_files_say_now(opened, tmp_path):
    """
    And names what changed.
    """
    application = await opened()
    path = tmp_path / "settings.toml"
    path.write_text("interval_s = 77\nlog_level = 'debug'\n" + path.read_text())
    told = await application.admin.config.reload(by=ALICE)

    assert (told.changed, told.needs_restart) == (("interval_s", "log_level"), ("log_level",))
    assert application.settings.interval_s == 77
    assert (await application.admin.config.reload(by=ALICE)).changed == ()


async def test_the_queue_can_be_stopped_retried_and_cleared_while_the_monitor_runs(opened, receiver, events):
    """
    A receiver that is down: retry ends the pause, clear gives up, stop holds, start sends.
    """
    hook = receiver.post("/hook").status(503)
    application = await opened(run=True, webhook=receiver.url_for("/hook"))
    admin = application.admin
    failed = await events.wait(NoticeFailed)
    assert failed.retry_at is not None
    assert (await admin.queue.retry(by=ALICE, sink="webhook")) == 1
    await events.wait(NoticeFailed, 2)
    assert (await admin.queue.clear(by=ALICE, sink="webhook")) == 1
    await admin.queue.stop(by=ALICE)
    hook.status(204)
    stopped = {one.sink: one for one in (await admin.queue.status()).sinks}["webhook"]
    assert (await admin.queue.status()).is_stopped
    with pytest.raises(UnknownSinkError, match="There are: log, webhook"):
        await admin.queue.clear(by=ALICE, sink="fax")

    application.request_check()
    await admin.queue.start(by=ALICE)

    assert (stopped.pending, stopped.expired, stopped.is_set) == (0, 1, True)
    assert not (await admin.queue.status()).is_stopped
    assert len(hook.calls) == 2


async def test_a_stopped_queue_and_a_muting_outlive_a_restart(opened, receiver):
    """
    What waits is still there, and is sent when somebody lets it.
    """
    hook = receiver.post("/hook").status(204)
    discord = receiver.post("/discord").json({"id": "1"})
    hooks = {"webhook": receiver.url_for("/hook"), "discord_webhook": receiver.url_for("/discord")}
    first = await opened(**hooks)
    await first.admin.queue.stop(by=ALICE)
    await first.admin.notify.mute(3600, by=ALICE)
    await first.admin.watch.check_now(by=ALICE)
    await first.aclose()
    await first.storage.close()

    second = await opened(run=True, **hooks)
    assert second.delivery.is_stopped
    assert second.quiet.status().muted_until is not None
    await second.admin.queue.start(by=ALICE)
    await hook.wait_for(1, timeout=20)
    assert len(discord.calls) == 0
    await second.admin.notify.unmute(by=ALICE)
    await discord.wait_for(1, timeout=20)


@pytest.mark.parametrize("kept", ["", "tomorrow", "nan", "inf", "1e300", "-1e300", "0x10"])
async def test_a_muting_that_is_no_time_keeps_nobody_from_starting(opened, kept):
    """
    It is taken for none; the database may have been written by anybody.
    """
    first = await opened()
    await first.storage.save_state("muted_until", kept)
    await first.aclose()
    await first.storage.close()

    second = await opened()
    assert second.quiet.status().muted_until is None


async def test_a_test_notice_reaches_the_sinks_and_a_mute_has_bounds(opened, receiver):
    """
    Each sink says whether it arrived.
    """
    receiver.post("/hook").status(500)
    admin = (await opened(webhook=receiver.url_for("/hook"))).admin
    results = await admin.notify.test(by=ALICE)
    await admin.notify.test("log", by=ALICE)

    assert [(one.sink, one.is_delivered) for one in results] == [("webhook", False)]
    assert "500" in results[0].why
    with pytest.raises(UnknownSinkError):
        await admin.notify.test("fax", by=ALICE)
    with pytest.raises(MuteRefusedError, match=r"mute for 1,000,000,000 s cannot be; .* up to 30 days"):
        await admin.notify.mute(10**9, by=ALICE)


async def test_the_cache_is_shown_cleared_and_refreshed(opened):
    """
    One entry: the last check.
    """
    admin = (await opened()).admin
    await admin.watch.check_now(by=ALICE)
    shown = await admin.cache.show()
    statistics = await admin.cache.statistics()

    assert [(one.namespace, one.key) for one in shown] == [("checks", "last")]
    assert shown[0].value.startswith("check 1: first 2")
    assert (statistics.size, statistics.misses) == (1, 1)
    assert await admin.cache.cleanup(by=ALICE) == 0
    assert await admin.cache.clear(by=ALICE) == 1
    assert (await admin.cache.refresh(by=ALICE)).number == 2
    assert (await admin.watch.check_now(by=ALICE)).is_remembered


async def test_a_stop_ends_the_run(opened, events):
    """
    As a signal does: `run` returns.
    """
    application = await opened()
    running = asyncio.create_task(application.run())
    await events.wait(CheckFinished)
    await application.admin.watch.stop(by=ALICE)

    await asyncio.wait_for(running, 20)


async def test_what_cannot_be_audited_is_done_all_the_same(opened, monkeypatch, caplog):
    """
    A full disk keeps nobody from asking; the log tells.
    """
    application = await opened()

    async def full(entry):
        raise StorageUnavailableError("disk is full")

    monkeypatch.setattr(application.storage, "add_audit", full)
    await application.admin.cache.clear(by=Actor(name="eve\nroot", via="test"))

    assert "eve root (test) did cache.clear" in caplog.text
