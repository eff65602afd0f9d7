"""
The census as a component of the guard: takes in what trackers see, and judges what outlived its owner.
"""

from __future__ import annotations

import contextlib
import sys
import threading
from collections import Counter
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from hermetic.guard import late
from hermetic.guard.census import site
from hermetic.guard.census.attribution import Attribution
from hermetic.guard.census.dropped import DroppedWarnings
from hermetic.guard.census.holding import reached
from hermetic.guard.census.ledger import Entry, HeldEntry, Ledger
from hermetic.guard.census.wording import safe_repr
from hermetic.guard.component import Quiet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from hermetic.guard.census.arrivals import Arrivals
    from hermetic.guard.census.cases import Case
    from hermetic.guard.census.tracker import Held, Listed, Tracker
    from hermetic.guard.component import Verdict
    from hermetic.guard.keeping import Keeping, KeepRule
    from hermetic.guard.ownership import Roll, Tenure

AnyEntry = Entry | HeldEntry


# Needed only when something was found.
_CASES = "hermetic.guard.census.cases"


class Suspect:
    """
    An open resource whose owner ended, with those that it holds.
    """

    __slots__ = ("entry", "is_dropped", "parts", "resource", "tracker")

    def __init__(self, entry: AnyEntry, tracker: Tracker, resource: Any, *, is_dropped: bool) -> None:
        self.entry = entry
        self.tracker = tracker
        self.resource = resource
        self.is_dropped = is_dropped
        self.parts: list[Suspect] = []


class Census(Quiet):
    """
    Trackers hand in what is made; `judge` tells what should be gone and is not.
    """

    name = "census"

    def __init__(
        self,
        trackers: Sequence[Tracker],
        *,
        roll: Roll,
        arrivals: Arrivals,
        awaited: Mapping[str, Callable[[], Sequence[Tracker]]] | None = None,
        keep: Sequence[KeepRule] = (),
        outermost: site.Outermost = site.NOWHERE,
    ) -> None:
        self._keep = keep
        self._outermost = outermost
        self.ledger = Ledger()
        self.attribution = Attribution(roll)
        self._reader = site.Reader()
        self._trackers = tuple(trackers)
        self._roll = roll
        self._arrivals = arrivals
        self._inspectors: list[Tracker] = []
        self._watching: list[Tracker] = []
        self._awaited = dict(awaited or {})
        self._dropped = DroppedWarnings(self)
        self._undo: list[Callable[[], None]] = []
        # Called before anything is done about what an owner left: code of the project may run then.
        self.disturbing: Callable[[], None] = _nothing
        self._happened: list[Case] = []
        # Told of each entry as it is written, in the thread that opened the resource.
        self._listeners: tuple[Callable[[AnyEntry], None], ...] = ()
        # By thread, the site of whatever is handed in.
        self._places: dict[int, site.RawSite] = {}
        # Held by whoever looks at many entries from another thread: its references must not make a dropped resource
        # look held at the moment of judgement. Whoever has it may free something whose end opens something else, in the
        # same thread, so it can be taken again.
        self.looking = threading.RLock()

    def listen(self, listener: Callable[[AnyEntry], None]) -> Callable[[], None]:
        """
        Call `listener` with each new entry, in the thread that opens the resource; returns what ends it. It must not
        raise, and must not wait for another thread.
        """
        self._listeners = (*self._listeners, listener)

        def stop() -> None:
            self._listeners = tuple(one for one in self._listeners if one is not listener)

        return stop

    def forget_happened(self) -> None:
        """
        Leaks that ended are not wanted: nobody judges in a program that only counts.
        """
        self._happened.clear()

    def start(self) -> None:
        self._install(self._trackers)
        for module, make in self._awaited.items():
            self._arrivals.when(module, partial(self._arrived, make))

    def _arrived(self, make: Callable[[], Sequence[Tracker]], module: object) -> None:
        del module
        self._install(make())

    def _install(self, trackers: Sequence[Tracker]) -> None:
        for tracker in trackers:
            self._undo.append(tracker.install(self))
            self._watching.append(tracker)
            if "inspect" in vars(type(tracker)):
                self._inspectors.append(tracker)

    def stop(self) -> None:
        self._arrivals.stop()
        self._dropped.take_away()
        while self._undo:
            self._undo.pop()()

    def watched(self) -> list[str]:
        """
        The kinds of resources that are seen now.
        """
        return sorted({tracker.kind for tracker in self._watching})

    def awaited(self) -> list[str]:
        """
        The modules that are not imported yet and will bring more kinds.
        """
        return sorted(self._awaited.keys() - sys.modules.keys())

    def opened(self, tracker: Tracker, resource: object, *, skip: int = 2, note: str = "") -> AnyEntry:
        where = self._places.get(threading.get_ident()) if self._places else None
        if where is None:
            where = self.here(skip=skip + 1)
        entry = self.ledger.enter(tracker, resource, site=where, tenure=self.attribution.current(), note=note)
        for listener in self._listeners:
            listener(entry)
        return entry

    def here(self, *, skip: int = 2) -> site.RawSite:
        where = site.take(skip + 1, self._outermost)
        if self.attribution.may_be_sent() and not self._reader.is_anybodys(where):
            for sent in self.attribution.sent_from():
                if self._reader.is_anybodys(sent):
                    return where[0] + sent[0], sent[1]
        return where

    def placing(self, where: site.RawSite, make: Callable[[], object]) -> object:
        thread = threading.get_ident()
        self._places[thread] = where
        try:
            return make()
        finally:
            del self._places[thread]

    def happened(self, case: Case) -> None:
        """
        Report this at the next judgement, whether or not its owner has ended: it is over already.
        """
        self._happened.append(case)

    def entering(self, tenure: Tenure) -> None:
        if tenure.is_test:
            self._dropped.bring_forward()

    def is_users(self, file: str) -> bool:
        return self._reader.is_users(file)

    def is_direct(self, raw: site.RawSite) -> bool:
        return self._reader.is_direct(raw)

    def entries(self, kind: str) -> Sequence[AnyEntry]:
        return self.ledger.of_kind(kind)

    def find(self, resource: object, kind: str) -> AnyEntry | None:
        return self.ledger.find(resource, kind)

    def over(self, entry: Listed, *, evidence: str, mend: Callable[[], str] | None = None) -> None:
        known = _mine(entry)
        self.ledger.strike(known)
        resource = known()
        self._dropped.expect(resource, known.tracker)
        suspect = Suspect(known, known.tracker, resource, is_dropped=False)
        self.happened(replace(_case(suspect, may_mend=False, also=evidence), mend=mend))

    def forget(self, entry: Listed) -> None:
        self.ledger.strike(_mine(entry))

    def held(self, kind: str) -> Sequence[HeldEntry]:
        return [entry for entry in self.ledger.of_kind(kind) if isinstance(entry, HeldEntry)]

    def let_go(self, held: Held, *, was_dropped: bool) -> None:
        known = _mine(held)
        self.ledger.strike(known)
        if was_dropped:
            self.happened(_case(Suspect(known, known.tracker, known(), is_dropped=True), may_mend=False))
        known.release()

    def judge(self, tenures: Sequence[Tenure]) -> Iterable[Verdict]:
        for tracker in self._inspectors:
            with contextlib.suppress(Exception):  # a tracker that cannot look costs only what it would have seen
                tracker.inspect(self)
        happened, self._happened = self._happened, []
        self.ledger.forget_freed()
        if happened:
            self.disturbing()
        suspects = self._settled(self._suspects(tenures))
        if not suspects and not happened:
            return ()
        self._hand_over(suspects, tenures)
        cases = [self._with_reason(_case(suspect), suspect) for suspect in _causes(suspects)]
        found: Iterable[Verdict] = late.load(_CASES).verdicts([*cases, *happened], reader=self._reader)
        return found

    def _with_reason(self, case: Case, suspect: Suspect) -> Case:
        files = self._reader.files(suspect.entry.site)
        keeping: Keeping = late.load("hermetic.guard.keeping").Keeping(self._keep)
        for one in suspect.tracker.stands_for(suspect.resource):
            reason = keeping.reason(one, kind=case.kind, subject=case.subject, files=files)
            if reason:
                return case.kept_for(reason)
        return case

    def _suspects(self, tenures: Sequence[Tenure]) -> list[Suspect]:
        suspects: list[Suspect] = []
        with self.looking:
            for tenure in tenures:
                for entry in self.ledger.take(tenure):
                    is_dropped = not entry.tracker.is_note and entry.is_dropped()
                    resource = entry()
                    if resource is not None and self._is_suspicious(entry, resource):
                        suspects.append(Suspect(entry, entry.tracker, resource, is_dropped=is_dropped))
                    entry.release()
        return suspects

    def _is_suspicious(self, entry: AnyEntry, resource: object) -> bool:
        tracker = entry.tracker
        return _is_open(tracker, resource) and (not tracker.direct_only or self._reader.is_direct(entry.site))

    def _settled(self, suspects: list[Suspect]) -> list[Suspect]:
        if not suspects:
            return suspects
        self.disturbing()
        by_tracker: dict[int, list[Suspect]] = {}
        for suspect in suspects:
            by_tracker.setdefault(id(suspect.tracker), []).append(suspect)
        for group in by_tracker.values():
            with contextlib.suppress(Exception):  # a loop that cannot be run now: nothing settles
                group[0].tracker.settle([suspect.resource for suspect in group])
        still = [suspect for suspect in suspects if _is_open(suspect.tracker, suspect.resource)]
        for suspect in still:
            suspect.tracker = suspect.tracker.refine(suspect.resource)
        return still

    def _hand_over(self, suspects: list[Suspect], ended: Sequence[Tenure]) -> None:
        """
        What the value of a living fixture holds is that fixture's to close.
        """
        for tenure in self._roll.living():
            wanted = _handles(suspect for suspect in suspects if not suspect.is_dropped)
            if not wanted:
                return
            roots = self._roots(tenure) if tenure not in ended else []
            held: set[int] = reached(roots, wanted) if roots else set()
            for suspect in {id(wanted[key]): wanted[key] for key in held}.values():
                suspects.remove(suspect)
                entry = suspect.entry
                self.ledger.enter(entry.tracker, suspect.resource, site=entry.site, tenure=tenure, note=entry.note)

    def _roots(self, tenure: Tenure) -> list[object]:
        """
        A living fixture's value, and what it has open.
        """
        value = tenure.value() if tenure.value is not None else None
        # In a list of its own, since the walk looks into what it starts from whatever it is.
        roots: list[object] = [] if value is None else [[value]]
        for entry in self.ledger.page(tenure):
            resource = entry()
            if resource is not None and _is_open(entry.tracker, resource):
                roots += entry.tracker.belongings(resource)
        return roots


def _nothing() -> None:
    pass


def _mine(entry: object) -> AnyEntry:
    # The protocols hide entries from trackers; nothing but entries comes back.
    if not isinstance(entry, (Entry, HeldEntry)):
        raise TypeError(type(entry))
    return entry


def _handles(suspects: Iterable[Suspect]) -> dict[int, Suspect]:
    """
    By the identity of every object that stands for it, the suspect.
    """
    return {id(one): suspect for suspect in suspects for one in suspect.tracker.stands_for(suspect.resource)}


def _causes(suspects: list[Suspect]) -> list[Suspect]:
    """
    The suspects that no other one explains; the others are put among the parts of what holds them.
    """
    causes = sorted(suspects, key=lambda one: -one.tracker.rank)
    index = 0
    while index < len(causes):
        suspect = causes[index]
        index += 1
        lower = _handles(one for one in causes[index:] if one.tracker.rank < suspect.tracker.rank)
        if lower:
            held = reached(suspect.tracker.stands_for(suspect.resource), lower)
            suspect.parts = list({id(lower[key]): lower[key] for key in held}.values())
            causes = [one for one in causes if not any(one is part for part in suspect.parts)]
    return causes


def _case(suspect: Suspect, *, may_mend: bool = True, also: str = "") -> Case:
    entry = suspect.entry
    tracker = suspect.tracker
    case: Case = late.load(_CASES).Case(
        kind=tracker.kind,
        title=f"{tracker.title} {'dropped without being closed' if suspect.is_dropped else tracker.verb}",
        subject=_subject(tracker, suspect.resource, entry.note),
        remedy=tracker.remedy,
        tenure=entry.tenure,
        site=entry.site,
        evidence=[*_evidence(tracker, suspect.resource), *([also] if also else [])],
        mend=(lambda: _mend(suspect)) if may_mend else None,
        holds=dict(Counter(part.tracker.noun for part in suspect.parts)),
    )
    return case


def _mend(suspect: Suspect) -> str:
    done = suspect.tracker.mend(suspect.resource)
    for part in suspect.parts:
        if _is_open(part.tracker, part.resource):
            part.tracker.mend(part.resource)
    return done


def _is_open(tracker: Tracker, resource: object) -> bool:
    try:
        return tracker.is_open(resource)
    except Exception:  # noqa: BLE001 - a user's class that cannot say whether it is open is not accused
        return False


def _subject(tracker: Tracker, resource: object, note: str) -> str:
    try:
        return tracker.subject(resource, note)
    except Exception:  # noqa: BLE001 - as for any repr of a user's object
        return safe_repr(resource)


def _evidence(tracker: Tracker, resource: object) -> list[str]:
    try:
        return tracker.evidence(resource)
    except Exception as error:  # noqa: BLE001 - as for any attribute of a user's object
        return [f"its state could not be read: {type(error).__name__}: {error}"]
