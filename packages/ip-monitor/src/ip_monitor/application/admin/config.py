"""
The settings: see, change, give back, read again, write out.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from ip_monitor.application.admin.errors import AdminUnavailableError
from ip_monitor.errors import IPMonitorError
from ip_monitor.resilience.clock import utc_now
from ip_monitor.settings import Settings, StoredSettings, as_toml_text, change_setting, load, options
from ip_monitor.settings.option import needs_restart
from ip_monitor.settings.text import as_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ip_monitor.application.admin.audit import Auditor
    from ip_monitor.application.admin.ports import Engine
    from ip_monitor.domain.audit import Actor
    from ip_monitor.settings import Loaded, Option, Request, SettingChange


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingView:
    """
    One setting as it is now.

    Attributes:
        value: as text; empty for none, a mask for a secret.
        origin: the file, variable or option it came from.
    """

    option: Option
    value: str
    origin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingChanged:
    """
    `needs_restart` tells that the running monitor goes on with the old value until it is started again.
    """

    name: str
    before: str
    after: str
    origin: str
    needs_restart: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Reloaded:
    """
    Names of settings that differ from those before; `needs_restart` names the ones among them that do not apply yet.
    """

    changed: tuple[str, ...]
    needs_restart: tuple[str, ...]


class ConfigAdmin:
    """
    Use cases of the settings. Raises `AdminUnavailableError` where the settings were given by hand, as in a simulation.
    """

    def __init__(self, engine: Engine, auditor: Auditor) -> None:
        self._engine = engine
        self._auditor = auditor

    async def list(self) -> tuple[Option, ...]:
        """
        Every setting with its type, range, unit, meaning, and whether it applies live.
        """
        return tuple(options(Settings))

    async def show(self) -> tuple[SettingView, ...]:
        """
        Every setting as it is now, and where it came from.

        Raises:
            SettingsError: the sources cannot be read.
        """
        loaded = await self._load()
        return tuple(self._view(loaded, option) for option in options(Settings))

    async def set(self, name: str, value: str, *, by: Actor) -> SettingChanged:
        """
        Change a setting. Validated as a whole, kept beside the database, taken over at once if it applies live; taken
        back when the monitor cannot go on with it.

        Args:
            name: of the setting.
            value: text, as in the environment.
            by: who asks.

        Raises:
            SettingsError: no such setting, not changeable while running, or a value that is not valid.
            IPMonitorError: the running monitor cannot use it; nothing was changed.
        """
        return await self._change(name, value, by=by, action="config.set")

    async def unset(self, name: str, *, by: Actor) -> SettingChanged:
        """
        Give a setting back to the files and variables. Raises as `set`.
        """
        return await self._change(name, None, by=by, action="config.unset")

    async def reload(self, *, by: Actor) -> Reloaded:
        """
        Read all sources again and go on with what they say.

        Raises:
            SettingsError: they cannot be used; the old settings stay.
        """
        async with self._auditor.act(by, "config.reload") as act:
            before, after = self._engine.settings, (await self._load()).settings
            names = [o.name for o in options(Settings) if getattr(before, o.name) != getattr(after, o.name)]
            if names:
                self._engine.reconfigure(after)
            act.after = ", ".join(names)
            return Reloaded(changed=tuple(names), needs_restart=tuple(needs_restart(before, after)))

    async def save(self, *, by: Actor) -> str:
        """
        The settings as they are now, as the text of a TOML file. Secrets are left out, defaults stand there as comments.
        """
        async with self._auditor.act(by, "config.save"):
            return as_toml_text(await self._load())

    async def changes(self, *, limit: int = 100) -> Sequence[SettingChange]:
        """
        Who set what and when, newest first, from and to.
        """
        stored = StoredSettings(self._engine.settings.database)
        return tuple((await asyncio.to_thread(stored.changes))[::-1][: max(1, limit)])

    async def _change(self, name: str, value: str | None, *, by: Actor, action: str) -> SettingChanged:
        async with self._auditor.act(by, action, name) as act:
            request = self._request()
            kept = (await asyncio.to_thread(StoredSettings(self._engine.settings.database).values)).get(name)
            act.before = before = as_text(getattr(self._engine.settings, name, None))
            change = partial(change_setting, request, name, who=str(by), at=utc_now(self._engine.clock))
            loaded = await asyncio.to_thread(change, value=value)
            try:
                self._engine.reconfigure(loaded.settings)
            except IPMonitorError:
                await asyncio.to_thread(change, value=kept)
                raise
            option = next(option for option in options(Settings) if option.name == name)
            view = self._view(loaded, option)
            act.after = view.value
            return SettingChanged(
                name=name, before=before, after=view.value, origin=view.origin, needs_restart=not option.live
            )

    def _view(self, loaded: Loaded, option: Option) -> SettingView:
        value = as_text(getattr(loaded.settings, option.name))
        return SettingView(option=option, value=value, origin=loaded.origins[option.name].where)

    async def _load(self) -> Loaded:
        return await asyncio.to_thread(load, self._request())

    def _request(self) -> Request:
        if self._engine.request is None:
            raise AdminUnavailableError("the settings of this run were given by hand and cannot be changed.")
        return self._engine.request
