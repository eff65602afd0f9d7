"""
All use cases in one hand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ip_monitor.application.admin.audit import Auditor
from ip_monitor.application.admin.cache import CacheAdmin
from ip_monitor.application.admin.config import ConfigAdmin
from ip_monitor.application.admin.notify import NotifyAdmin
from ip_monitor.application.admin.providers import ProviderAdmin
from ip_monitor.application.admin.queue import QueueAdmin
from ip_monitor.application.admin.watch import WatchAdmin

if TYPE_CHECKING:
    from ip_monitor.application.admin.ports import AdminStore, Engine


class Admin:
    """
    What people may do with a running monitor, by subject. See the package for the rules that all use cases share.

    Attributes:
        config: the settings.
        providers: whom to ask.
        cache: what is remembered for a few seconds.
        queue: announcements on their way.
        notify: tests, and letting announcements wait.
        watch: check now, status, history, why, stop.
        audit: who did what.
    """

    def __init__(self, engine: Engine, store: AdminStore) -> None:
        self.audit = Auditor(engine, store)
        self.config = ConfigAdmin(engine, self.audit)
        self.providers = ProviderAdmin(engine, self.audit)
        self.cache = CacheAdmin(engine, self.audit)
        self.queue = QueueAdmin(engine, store, self.audit)
        self.notify = NotifyAdmin(engine, store, self.audit)
        self.watch = WatchAdmin(engine, store, self.audit)
