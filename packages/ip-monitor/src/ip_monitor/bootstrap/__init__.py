"""
The only place where the parts are joined.
"""

from ip_monitor.bootstrap.application import Application
from ip_monitor.bootstrap.assembly import assemble
from ip_monitor.bootstrap.sources import UnknownProviderError, known_providers, provider_specs

__all__ = ["Application", "UnknownProviderError", "assemble", "known_providers", "provider_specs"]
