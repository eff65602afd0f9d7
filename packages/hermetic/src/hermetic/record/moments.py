"""
Events that are made when somebody asks for them: of most tests nobody ever does, and making one costs microseconds.

A moment is a function and its values. Whoever keeps one calls it to have the event; whoever writes one may know the function
and write its values without. The classes of events are loaded with the first that is made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

from hermetic.foundation.sink import Sink
from hermetic.guard import late

if TYPE_CHECKING:
    from collections.abc import Callable

    from hermetic.foundation.events import Event

    Moment: TypeAlias = tuple[Callable[..., Event], tuple[object, ...]]

_EVENTS: Final = "hermetic.record.events"


class MomentSink(Sink, Protocol):
    """
    A sink that takes moments as well. The first value of each is the monotonic time in seconds at which it happened.
    """

    def tell(self, moment: Moment) -> None: ...


def made(one: Event | Moment) -> Event:
    if isinstance(one, tuple):
        make, values = one
        return make(*values)
    return one


def event(kind: str, **values: object) -> Event:
    """
    An event of the record's own class with this name.
    """
    found: Event = getattr(late.load(_EVENTS), kind)(**values)
    return found


def run_began(at_s: float, tests: int, deselected: int) -> Event:
    return event("RunBegan", at_s=at_s, tests=tests, deselected=deselected)


def run_ended(at_s: float, status: int, stopped: str, gates: tuple[str, ...]) -> Event:
    return event("RunEnded", at_s=at_s, status=status, stopped=stopped, gates=gates)


def test_began(at_s: float, test: str, file: str, line: int) -> Event:
    return event("TestBegan", at_s=at_s, test=test, file=file, line=line)


# pytest would take it for a test where it is imported.
test_began.__test__ = False  # type: ignore[attr-defined]  # pytest's own switch


def phase_passed(at_s: float, test: str, phase: str, duration_s: float) -> Event:
    """
    A part of a test that passed and of which nothing else is to be told.
    """
    return event("PhaseEnded", at_s=at_s, test=test, phase=phase, outcome="passed", duration_s=round(duration_s, 6))


def resources_sampled(at_s: float, memory_bytes: int, descriptors: int, threads: int) -> Event:
    return event("ResourcesSampled", at_s=at_s, memory_bytes=memory_bytes, descriptors=descriptors, threads=threads)
