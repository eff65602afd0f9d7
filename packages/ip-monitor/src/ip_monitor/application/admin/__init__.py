"""
What people may do with a running monitor: the command line, Discord and the page call these use cases and no other.

    application.admin                       an `Admin` of the running monitor (`ip_monitor.bootstrap.Application.admin`)
    admin.config      show list set unset reload save changes
    admin.providers   list add remove enable disable prioritise test statistics
    admin.cache       show statistics clear cleanup refresh
    admin.queue       status clear retry start stop
    admin.notify      test status mute unmute
    admin.watch       check_now status history why stop
    admin.audit       entries

Each is a coroutine. Those that change something, or make the world be asked, take `by=Actor(name=…, via=…)` and are
written into the audit with who, when, from and to, also when they are refused. They return frozen dataclasses (or a plain
count, text or tuple) and raise the errors that `ip_monitor.application.admin.errors` lists, all of them `IPMonitorError`s
whose text can be shown to people as it is. They check no permission: who may ask is the caller's business.

    from ip_monitor.application.admin import Actor
    by = Actor(name="alice (1234)", via="discord")
    found = await application.admin.watch.check_now(by=by)
    await application.admin.providers.disable("Amazon", by=by)
"""

from ip_monitor.application.admin.cache import CacheEntry
from ip_monitor.application.admin.config import Reloaded, SettingChanged, SettingView
from ip_monitor.application.admin.errors import AdminUnavailableError, ChangeUnknownError, UnknownSinkError
from ip_monitor.application.admin.facade import Admin
from ip_monitor.application.admin.notify import SinkTest
from ip_monitor.application.admin.ports import AdminStore, Engine
from ip_monitor.application.admin.providers import ProviderAnswer, ProviderRank, ProviderView
from ip_monitor.application.admin.queue import QueueStatus, SinkStatus
from ip_monitor.application.admin.watch import CheckNow, Explanation, FamilyStatus, HistoryPage, Status
from ip_monitor.application.quiet import QuietStatus
from ip_monitor.domain.audit import Actor, AuditEntry

__all__ = [
    "Actor",
    "Admin",
    "AdminStore",
    "AdminUnavailableError",
    "AuditEntry",
    "CacheEntry",
    "ChangeUnknownError",
    "CheckNow",
    "Engine",
    "Explanation",
    "FamilyStatus",
    "HistoryPage",
    "ProviderAnswer",
    "ProviderRank",
    "ProviderView",
    "QueueStatus",
    "QuietStatus",
    "Reloaded",
    "SettingChanged",
    "SettingView",
    "SinkStatus",
    "SinkTest",
    "Status",
    "UnknownSinkError",
]
