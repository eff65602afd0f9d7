"""
Why a use case was refused.

    IPMonitorError
    ├── AdminUnavailableError       this cannot be done here: no settings file, nothing is announced
    ├── ChangeUnknownError          no change has this key (ValueError)
    ├── UnknownSinkError            no sink has this name (LookupError)
    ├── ProviderRefusedError        a provider that cannot be so; names the rule (ValueError)
    ├── SourceRefusedError          a provider's description that cannot be used (ValueError)
    ├── UnknownSourceError          no provider has this name (LookupError)
    ├── SettingsError               a setting that cannot be so (ValueError)
    ├── MuteRefusedError            a time to be mute out of range (ValueError)
    ├── RateLimitedError            asked too often; `retry_in_s` says when again
    └── StorageUnavailableError     the database cannot be read or written (OSError)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ip_monitor.errors import IPMonitorError

if TYPE_CHECKING:
    from collections.abc import Iterable


class AdminUnavailableError(IPMonitorError):
    """
    What is asked for cannot be done in this process; the text says why.
    """


class ChangeUnknownError(IPMonitorError, ValueError):
    """
    No change has this key, or several begin so.
    """

    def __init__(self, key: str, found: int) -> None:
        self.key = key[:64]
        self.found = found
        super().__init__(key, found)

    def __str__(self) -> str:
        if self.key == "last":
            return "no change was recorded yet."
        how_many = "no change has" if not self.found else f"{self.found} changes have"
        return f"{how_many} a key that begins with {self.key!r}. `ip-monitor history --json` lists the keys."


class UnknownSinkError(IPMonitorError, LookupError):
    """
    Nothing is announced under this name.
    """

    def __init__(self, name: str, known: Iterable[str]) -> None:
        self.name = name[:48]
        super().__init__(f"there is no sink {self.name!r}. There are: {', '.join(sorted(known)) or 'none'}.")
