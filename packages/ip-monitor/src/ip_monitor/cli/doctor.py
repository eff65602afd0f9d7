"""
`ip-monitor doctor`: what stands in the way, with a remedy each.
"""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from ip_monitor.cli.exit_status import ExitStatus
from ip_monitor.cli.finding import Finding
from ip_monitor.cli.options import json_option, settings_options
from ip_monitor.cli.output import echo_json
from ip_monitor.errors import IPMonitorError
from ip_monitor.settings import Loaded, Rank, load_here

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ip_monitor.settings import Request, Settings

_LEAST_FREE_BYTES = 50 * 2**20
_SETTINGS = "Look at the settings: ip-monitor config show."


@click.command()
@settings_options
@json_option
def command(request: Request, *, as_json: bool) -> int:
    """
    Look at settings, database, disk, providers, names, clock, page, Discord, the MQTT broker and sinks, and say what stands
    in the way. Changes nothing and announces nothing. Exit status 1 if something is wrong.
    """
    try:
        loaded = load_here(request)
    except IPMonitorError as error:
        findings = [Finding(topic="settings", state="wrong", text=str(error), remedy="Mend them, and look again.")]
    else:
        findings = [*_settings(loaded), *_database(loaded.settings.database), *_providers(loaded.settings)]
        findings += [*_surroundings(loaded.settings), *_discord(loaded.settings), *_broker(loaded.settings)]
        findings.append(_sinks(loaded.settings))
    if as_json:
        echo_json([asdict(finding) for finding in findings])
    else:
        for one in findings:
            click.echo(f"{one.state:<8} {one.topic}: {one.text}" + (f"\n{'':9}{one.remedy}" if one.remedy else ""))
    return ExitStatus.FAILED if any(one.state == "wrong" for one in findings) else ExitStatus.OK


def _settings(loaded: Loaded) -> Iterator[Finding]:
    count = sum(origin.rank > Rank.DEFAULT for origin in loaded.origins.values())
    where = f", file {loaded.config_file}" if loaded.config_file else ", no settings file"
    yield Finding(topic="settings", state="ok", text=f"valid; {count} differ from their defaults{where}")


def _database(path: Path) -> Iterator[Finding]:
    from ip_monitor.adapters.storage.sqlite import (  # noqa: PLC0415
        DatabaseCorruptError,
        DatabaseMissingError,
        SQLiteIPStorage,
    )
    from ip_monitor.adapters.storage.sqlite.instance_lock import holder  # noqa: PLC0415

    async def look() -> int:
        storage = await SQLiteIPStorage.open(path, read_only=True)
        try:
            return await storage.count_changes()
        finally:
            await storage.close()

    try:
        count = asyncio.run(look())
    except DatabaseMissingError:
        yield Finding(topic="database", state="ok", text=f"{path} does not exist yet; `ip-monitor run` makes it")
    except DatabaseCorruptError as error:
        remedy = "Put a copy made by `ip-monitor backup` in its place, or begin anew: ip-monitor run --start-anew."
        yield Finding(topic="database", state="wrong", text=str(error), remedy=remedy)
    except IPMonitorError as error:
        yield Finding(topic="database", state="wrong", text=str(error))
    else:
        pid = holder(path)
        writer = f"written by process {pid}" if pid else "no monitor is running"
        yield Finding(topic="database", state="ok", text=f"{path}, {count} change{'' if count == 1 else 's'}, {writer}")
    existing = next((parent for parent in path.parents if parent.exists()), path.parent)
    free = shutil.disk_usage(existing).free
    text = f"{free // 2**20} MiB free at {existing}"
    if free < _LEAST_FREE_BYTES:
        yield Finding(topic="disk", state="warning", text=text, remedy="Free some space: a full disk delays notices.")
    else:
        yield Finding(topic="disk", state="ok", text=text)


def _providers(settings: Settings) -> Iterator[Finding]:
    from ip_monitor.bootstrap import provider_specs  # noqa: PLC0415
    from ip_monitor.cli.providers import ask_all  # noqa: PLC0415

    try:
        answers = asyncio.run(ask_all(settings, provider_specs(settings)))
    except IPMonitorError as error:
        yield Finding(topic="providers", state="wrong", text=str(error), remedy=_SETTINGS)
        return
    good = [answer for answer in answers if answer.address is not None]
    for answer in answers:
        if answer.failure is not None:
            remedy = (
                f"The others decide without it; if it stays so: ip-monitor providers disable '{answer.source.name}'"
            )
            yield Finding(topic=answer.source.name, state="warning", text=answer.failure.detail, remedy=remedy)
    operators = {answer.source.operator for answer in good}
    if len(operators) >= 2:
        yield Finding(topic="providers", state="ok", text=f"{len(operators)} operators answer")
    else:
        remedy = "Check the connection, name resolution and firewall; `ip-monitor simulate` works without them."
        text = f"{len(operators)} operators answer, and two must agree"
        yield Finding(topic="providers", state="wrong", text=text, remedy=remedy)


def _surroundings(settings: Settings) -> Iterator[Finding]:
    from ip_monitor.bootstrap import provider_specs  # noqa: PLC0415
    from ip_monitor.cli import surroundings  # noqa: PLC0415

    async def look() -> list[Finding]:
        specs = provider_specs(settings)
        return [await surroundings.names(specs), await surroundings.clock(specs, now=lambda: datetime.now(UTC))]

    try:
        yield from asyncio.run(look())
    except IPMonitorError as error:
        yield Finding(topic="names", state="wrong", text=str(error), remedy=_SETTINGS)
    yield from surroundings.page(settings)


def _discord(settings: Settings) -> Iterator[Finding]:
    from ip_monitor.bootstrap.discord import diagnose, has_bot  # noqa: PLC0415

    if not has_bot(settings):
        return
    try:
        for one in asyncio.run(diagnose(settings)):
            yield Finding(topic="discord", state=one.state, text=one.text, remedy=one.remedy)
    except IPMonitorError as error:
        yield Finding(topic="discord", state="wrong", text=str(error), remedy=_SETTINGS)


def _broker(settings: Settings) -> Iterator[Finding]:
    from ip_monitor.bootstrap.mqtt import has_broker, try_broker  # noqa: PLC0415

    if not has_broker(settings):
        return
    try:
        yield Finding(topic="mqtt", state="ok", text=asyncio.run(try_broker(settings)))
    except IPMonitorError as error:
        remedy = "Look at the broker and at mqtt_url; the monitor goes on without it."
        yield Finding(topic="mqtt", state="wrong", text=str(error), remedy=remedy)


def _sinks(settings: Settings) -> Finding:
    named = [
        name
        for name in (
            *("discord_channel", "discord_recipients", "discord_webhook", "webhook", "command"),
            *("smtp_url", "apprise", "mqtt_url"),
        )
        if getattr(settings, name)
    ]
    if not named:
        remedy = "Set discord_webhook, webhook or command to be told elsewhere."
        return Finding(topic="sinks", state="ok", text="changes are announced to the log alone", remedy=remedy)
    return Finding(
        topic="sinks", state="ok", text=f"log, {', '.join(named)}", remedy="Try them: ip-monitor test-notify"
    )
