"""
From a specification to the provider that asks so. Transports that are not used are not imported.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ip_monitor.adapters.providers.http import HTTPProvider
from ip_monitor.domain.answers import Transport

if TYPE_CHECKING:
    from ip_monitor.adapters.providers.asking import AskingProvider
    from ip_monitor.adapters.providers.client import HTTPClient
    from ip_monitor.domain.providers import ProviderSpec
    from ip_monitor.resilience.clock import Clock


def provider_for(spec: ProviderSpec, *, client: HTTPClient, clock: Clock | None = None) -> AskingProvider:
    """
    The provider for the transport of `spec`.
    """
    match spec.transport:
        case Transport.HTTPS | Transport.HTTP:
            return HTTPProvider(spec, client=client, clock=clock)
        case Transport.DNS | Transport.DOT | Transport.DOH:
            from ip_monitor.adapters.providers.dns import DNSProvider  # noqa: PLC0415 - brings dnspython

            return DNSProvider(spec, client=client, clock=clock)
        case Transport.STUN:
            from ip_monitor.adapters.providers.stun import STUNProvider  # noqa: PLC0415 - seldom used

            return STUNProvider(spec, client=client, clock=clock)
        case Transport.INTERFACE:
            from ip_monitor.adapters.providers.interface import InterfaceProvider  # noqa: PLC0415 - seldom used

            return InterfaceProvider(spec, client=client, clock=clock)
