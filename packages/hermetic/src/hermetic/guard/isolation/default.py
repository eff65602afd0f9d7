"""
All kinds of state that are kept, in the order in which they are read and put back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hermetic.guard.isolation.kinds import concurrency, environment, imports, interpreter, numbers
from hermetic.guard.isolation.kinds.containers import Containers
from hermetic.guard.isolation.kinds.namespaces import Builtins, Namespaces
from hermetic.guard.isolation.kinds.patches import MockPatches
from hermetic.guard.isolation.kinds.registries import Codecs, ExitHandlers, Reducers, VirtualSubclasses
from hermetic.guard.isolation.kinds.reporting import Logging, WarningFilters
from hermetic.guard.isolation.kinds.signals import Alarms, SignalHandlers, WakeupDescriptor
from hermetic.guard.isolation.kinds.singletons import Singletons
from hermetic.guard.isolation.landscape import Landscape
from hermetic.guard.resettable import REGISTER

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hermetic.guard.isolation.own import OwnCode
    from hermetic.guard.isolation.state import State
    from hermetic.guard.isolation.trail import Trail
    from hermetic.guard.resettable import Register


def default_states(
    own: OwnCode, trail: Trail, *, register: Register | None = None, named: Iterable[str] = ()
) -> list[State[Any]]:
    """
    One state of every kind, new ones on each call.

    `register` and `named` are the objects that were declared resettable, and those that an option names as
    "module:attribute". The order has reasons: a mock patch explains the attribute it replaced, and the time zone follows from TZ, so that
    each stands before the other; attributes that have a kind of their own stand before attributes in general.
    """
    namespaces = Namespaces(Landscape(own))
    return [
        MockPatches(),
        environment.Environment(),
        environment.CEnvironment(trail),
        environment.TimeZone(),
        environment.WorkingDirectory(),
        environment.Umask(),
        environment.Limits(trail),
        *environment.settings(),
        *imports.search_paths(own),
        imports.Modules(own),
        *interpreter.settings(),
        interpreter.GarbageCollection(own),
        *interpreter.attributes(),
        interpreter.Tracing(),
        interpreter.Arguments(),
        Logging(own),
        WarningFilters(),
        SignalHandlers(),
        WakeupDescriptor(),
        Alarms(),
        numbers.Locale(),
        numbers.Random(),
        numbers.DecimalContext(),
        numbers.NumpyErrors(),
        numbers.NumpyRandom(),
        concurrency.ContextVariables(),
        concurrency.EventLoopPolicy(),
        concurrency.LoopSwitches(),
        concurrency.StartMethod(),
        *concurrency.settings(),
        ExitHandlers(own),
        Codecs(own),
        Reducers(own),
        VirtualSubclasses(own),
        Builtins(),
        namespaces,
        Singletons(REGISTER if register is None else register, named=named),
        Containers(namespaces),
    ]
