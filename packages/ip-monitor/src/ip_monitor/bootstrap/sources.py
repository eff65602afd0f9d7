"""
From settings to the specifications of whom to ask.
"""

from __future__ import annotations

import difflib
from dataclasses import replace
from typing import TYPE_CHECKING

from ip_monitor.adapters.providers.defaults import CDN_RANGES, DEFAULTS, SPARES
from ip_monitor.application.providers import ManagedProvider
from ip_monitor.domain.addresses import Family
from ip_monitor.domain.answers import Transport
from ip_monitor.errors import IPMonitorError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ip_monitor.domain.providers import ProviderSpec
    from ip_monitor.settings import Settings

FAMILIES = {"both": (Family.V4, Family.V6), "ipv4": (Family.V4,), "ipv6": (Family.V6,)}


class UnknownProviderError(IPMonitorError, ValueError):
    """
    The settings name a provider that there is not.
    """

    def __init__(self, option: str, name: str, known: Iterable[str]) -> None:
        self.option = option
        self.name = name
        self.known = tuple(sorted(set(known)))
        super().__init__(option, name)

    def __str__(self) -> str:
        close = difflib.get_close_matches(self.name, self.known, n=1)
        hint = f"Did you mean {close[0]!r}? " if close else ""
        return f"{self.option} names {self.name!r}, and there is no such provider. {hint}There are: {', '.join(self.known)}."


class NobodyToAskError(IPMonitorError, ValueError):
    """
    Every provider of the wanted families is switched off.
    """

    def __str__(self) -> str:
        return (
            "no provider is left to ask: look at default_providers, disabled_providers, providers and families "
            "(`ip-monitor config show` tells where each comes from)."
        )


def provider_specs(settings: Settings) -> tuple[ProviderSpec, ...]:
    """
    Who is asked, in the order shown: the built-in ones, the spares that were switched on, then the user's own.

    Raises:
        UnknownProviderError: a name in the settings fits none.
        NobodyToAskError: nobody is left.
    """
    # No customer has an address of a content network; whoever tells one has seen the network and not the customer.
    own = [replace(spec, refused_ranges=CDN_RANGES) for provider in settings.providers for spec in provider.specs()]
    built_in = DEFAULTS if settings.default_providers else ()
    known = [spec.bare_name for spec in (*DEFAULTS, *SPARES, *own)]
    _check_names("disabled_providers", settings.disabled_providers, known)
    _check_names("enabled_providers", settings.enabled_providers, [spec.bare_name for spec in SPARES])
    spares = [spec for spec in SPARES if spec.bare_name in settings.enabled_providers]
    families = FAMILIES[settings.families]
    chosen = tuple(
        replace(spec, timeout_s=min(spec.timeout_s, settings.timeout_s))
        for spec in (*built_in, *spares, *own)
        if spec.family in families and spec.bare_name not in settings.disabled_providers
    )
    if not chosen:
        raise NobodyToAskError
    return chosen


def spare_specs(settings: Settings, chosen: Sequence[ProviderSpec]) -> tuple[ProviderSpec, ...]:
    """
    Who is known for the wanted families and not asked: a person may switch them on while the monitor runs.
    """
    own = [replace(spec, refused_ranges=CDN_RANGES) for provider in settings.providers for spec in provider.specs()]
    asked = {spec.name for spec in chosen}
    return tuple(
        replace(spec, timeout_s=min(spec.timeout_s, settings.timeout_s))
        for spec in (*own, *DEFAULTS, *SPARES)
        if spec.family in FAMILIES[settings.families] and spec.name not in asked
    )


def known_providers(settings: Settings) -> tuple[ManagedProvider, ...]:
    """
    Everybody, as it is before anybody decided anything.
    """
    chosen = provider_specs(settings)
    return (
        *(ManagedProvider(spec=spec) for spec in chosen),
        *(ManagedProvider(spec=spec, is_enabled=False) for spec in spare_specs(settings, chosen)),
    )


def canary_specs(settings: Settings) -> tuple[ProviderSpec, ...]:
    """
    Who is probed between checks: STUN, one packet each way. It is evidence and no vote, so they need not be enabled.
    """
    return tuple(
        replace(spec, timeout_s=min(spec.timeout_s, settings.timeout_s))
        for spec in SPARES
        if spec.transport is Transport.STUN
        and spec.family in FAMILIES[settings.families]
        and spec.bare_name not in settings.disabled_providers
    )


def _check_names(option: str, names: Iterable[str], known: Iterable[str]) -> None:
    known = list(known)
    for name in names:
        if name not in known:
            raise UnknownProviderError(option, name, known)
