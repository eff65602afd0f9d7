"""
Use cases by their names, for callers that send texts: the socket beside the database, and the page.
"""

from __future__ import annotations

from operator import attrgetter
from types import NoneType
from typing import TYPE_CHECKING, Any

from ip_monitor.application.admin.plain import as_plain
from ip_monitor.errors import IPMonitorError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ip_monitor.application.admin.facade import Admin
    from ip_monitor.domain.audit import Actor

_NUMBER = (int, float)
_TEXT = (str,)
_NAME: Mapping[str, tuple[type, ...]] = {"name": _TEXT}
_SINK: Mapping[str, tuple[type, ...]] = {"sink": (str, NoneType)}

ACTIONS: Mapping[str, Mapping[str, tuple[type, ...]]] = {
    "config.set": {"name": _TEXT, "value": _TEXT},
    "config.unset": _NAME,
    "config.reload": {},
    "config.save": {},
    "providers.add": {
        "name": _TEXT,
        "url": _TEXT,
        "family": _TEXT,
        "format": _TEXT,
        "path": _TEXT,
        "operator": _TEXT,
        "weight": (*_NUMBER, NoneType),
        "allow_plain_http": (bool,),
        "allow_private_address": (bool,),
    },
    "providers.remove": _NAME,
    "providers.enable": _NAME,
    "providers.disable": _NAME,
    "providers.prioritise": {"name": _TEXT, "priority": (int,)},
    "providers.test": {"name": (str, NoneType)},
    "cache.clear": {"namespace": (str, NoneType)},
    "cache.cleanup": {},
    "cache.refresh": {},
    "queue.clear": _SINK,
    "queue.retry": _SINK,
    "queue.start": {},
    "queue.stop": {},
    "notify.test": _SINK,
    "notify.mute": {"for_s": _NUMBER},
    "notify.unmute": {},
    "watch.check_now": {},
    "watch.stop": {},
}
"""
What changes something, or has the world asked: audited, and called with an actor.
"""
QUESTIONS: Mapping[str, Mapping[str, tuple[type, ...]]] = {
    "config.list": {},
    "config.show": {},
    "config.changes": {"limit": (int,)},
    "providers.list": {},
    "providers.statistics": {"name": (str, NoneType)},
    "cache.show": {},
    "cache.statistics": {},
    "queue.status": {},
    "notify.status": {},
    "watch.status": {},
    "watch.history": {"limit": (int,), "before": (str, NoneType)},
    "watch.why": {"key": (str, NoneType)},
    "audit.entries": {"limit": (int,)},
}
"""
What only tells.
"""


class UseCaseRefusedError(IPMonitorError, ValueError):
    """
    There is no such use case, or it takes other arguments.
    """


async def dispatch(admin: Admin, name: str, arguments: Mapping[str, Any], *, by: Actor) -> Any:
    """
    Call a use case, and give what it returns as JSON can hold it.

    Raises:
        UseCaseRefusedError: no such use case, or an argument it does not take; nothing was done.
        IPMonitorError: what the use case raises.
    """
    takes = ACTIONS.get(name, QUESTIONS.get(name))
    if takes is None:
        raise UseCaseRefusedError(f"there is no use case {name[:60]!r}; this ip-monitor is of another version.")
    for key, value in arguments.items():
        # A bool is an int to Python; nobody means True by 1.
        if type(value) not in takes.get(key, ()):
            raise UseCaseRefusedError(f"{name} takes no {key[:60]!r} that is {type(value).__name__}.")
    use_case = attrgetter(name)(admin)
    actor = {"by": by} if name in ACTIONS else {}
    try:
        working = use_case(**arguments, **actor)
    except TypeError as error:  # a coroutine function raises this only for arguments that are missing
        raise UseCaseRefusedError(f"{name} needs {', '.join(takes)}.") from error
    return as_plain(await working)
