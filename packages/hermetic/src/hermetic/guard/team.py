"""
The components of one run, called together, each failure kept to itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hermetic.guard import late
from hermetic.guard.component import Quiet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from hermetic.foundation.clock import Clock
    from hermetic.foundation.sink import Sink
    from hermetic.guard.component import Component, Verdict
    from hermetic.guard.ownership.roll import Roll
    from hermetic.guard.ownership.tenure import Tenure

_STEPS = ("entering", "ready", "leaving", "left", "judge")


class _Parts:
    """
    By step, those that do something in it: most take part in few, and every call is made for every test.
    """

    __slots__ = _STEPS

    def __init__(self, components: Sequence[Component]) -> None:
        self.entering, self.ready, self.judge = (_doing(step, components) for step in ("entering", "ready", "judge"))
        self.leaving, self.left = (_doing(step, components)[::-1] for step in ("leaving", "left"))


def _doing(step: str, components: Sequence[Component]) -> tuple[Component, ...]:
    return tuple(one for one in components if getattr(type(one), step) is not getattr(Quiet, step))


class Failure:
    """
    A component that raised: it takes no more part in the run.
    """

    __slots__ = ("component", "error", "step", "traceback")

    def __init__(self, component: str, step: str, error: str, traceback: str) -> None:
        self.component = component
        self.step = step
        self.error = error
        self.traceback = traceback


class Team:
    """
    Tells every component what begins and ends, and keeps the roll of owners in step.

    A component that raises is reported to `sink`, kept in `failures`, and left out from then on: a defect of the guard
    must not change the outcome of a test.
    """

    def __init__(self, components: Sequence[Component], *, roll: Roll, sink: Sink, clock: Clock) -> None:
        self.roll = roll
        self.failures: list[Failure] = []
        self._components = list(components)
        self._divide()
        self._sink = sink
        self._clock = clock

    def _divide(self) -> None:
        self._all = _Parts(self._components)
        self._for_tests = _Parts([one for one in self._components if one.is_for_tests])

    def start(self) -> None:
        for component in tuple(self._components):
            self._guarded(component, "start", component.start)

    def stop(self) -> None:
        for component in reversed(tuple(self._components)):
            self._guarded(component, "stop", component.stop)

    # Each step runs several times a test, so that every call counts that is not made.

    def entering(self, tenure: Tenure) -> None:
        self.roll.enter(tenure)
        for component in (self._for_tests if tenure.value is None else self._all).entering:
            try:
                component.entering(tenure)
            except Exception as error:  # noqa: BLE001 - whatever a component raises must not reach the tests
                self._take_out(component, "entering", error)

    def ready(self, tenure: Tenure) -> None:
        for component in (self._for_tests if tenure.value is None else self._all).ready:
            try:
                component.ready(tenure)
            except Exception as error:  # noqa: BLE001 - as above
                self._take_out(component, "ready", error)

    def leaving(self, tenure: Tenure) -> None:
        for component in (self._for_tests if tenure.value is None else self._all).leaving:
            try:
                component.leaving(tenure)
            except Exception as error:  # noqa: BLE001 - as above
                self._take_out(component, "leaving", error)

    def left(self, tenure: Tenure) -> None:
        for component in (self._for_tests if tenure.value is None else self._all).left:
            try:
                component.left(tenure)
            except Exception as error:  # noqa: BLE001 - as above
                self._take_out(component, "left", error)
        self.roll.end(tenure)

    def judge(self) -> list[Verdict]:
        """
        What the owners that ended since the last call left behind, component by component.
        """
        ended = self.roll.take_ended()
        if not ended:
            return []
        verdicts: list[Verdict] = []
        for component in self._all.judge:
            try:
                # A judge may be a generator, which fails only while it is read.
                verdicts += list(component.judge(ended))
            except Exception as error:  # noqa: BLE001 - as above
                self._take_out(component, "judge", error)
        if verdicts:
            for component in self._components:
                component.distrust()
        return verdicts

    def _guarded(self, component: Component, step: str, call: Callable[[], None]) -> None:
        try:
            call()
        except Exception as error:  # noqa: BLE001 - as above
            self._take_out(component, step, error)

    def _take_out(self, component: Component, step: str, error: Exception) -> None:
        text = "".join(late.load("traceback").format_exception(error))
        said = f"{type(error).__name__}: {error}"
        self.failures.append(Failure(component.name, step, said, text))
        self._components.remove(component)
        self._divide()
        self._sink.emit(
            late.load("hermetic.guard.events").ComponentFailed(
                at_s=self._clock.monotonic(), component=component.name, step=step, error=said, traceback=text
            )
        )

    def components(self) -> Iterable[Component]:
        """
        Those that still take part.
        """
        return tuple(self._components)
