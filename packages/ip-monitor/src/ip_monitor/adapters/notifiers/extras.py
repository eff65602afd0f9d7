"""
Sinks whose library comes with an extra of the distribution.
"""

from __future__ import annotations

from ip_monitor.errors import IPMonitorError


class ExtraMissingError(IPMonitorError, ImportError):
    """
    A setting asks for a sink whose library is not installed.
    """

    def __init__(self, setting: str, extra: str) -> None:
        self.setting = setting
        self.extra = extra
        super().__init__(
            f"{setting} is set, and the library for it is not installed. Install ip-monitor[{extra}], or leave it empty."
        )
