"""
What the census must know about one kind of resource.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hermetic.foundation.remedy import Remedy
    from hermetic.guard.census.attribution import Attribution
    from hermetic.guard.census.cases import Case
    from hermetic.guard.census.site import RawSite
    from hermetic.guard.ownership import Tenure

RUNS_THE_LOOP: Final = "runs the loop"
"""
The note of a task that was made while its loop did not run: by it, the loop is run.
"""


class Listed(Protocol):
    """
    A resource on the books, with its owner and its site.
    """

    tenure: Tenure
    site: RawSite

    def __call__(self) -> Any:
        """
        The resource, None when it has been freed.
        """
        ...


class Held(Protocol):
    """
    A resource that the census keeps alive until it is judged.
    """

    def __call__(self) -> Any: ...

    def is_dropped(self) -> bool:
        """
        Whether nobody else holds it any more.
        """
        ...


class Intake(Protocol):
    """
    Where a tracker hands in what it sees.
    """

    @property
    def attribution(self) -> Attribution: ...

    def opened(self, tracker: Tracker, resource: object, *, skip: int = 2, note: str = "") -> Listed:
        """
        `resource` has just been made. The site is the caller's stack without `skip` frames; `note` is kept for the
        report, where the resource itself cannot tell it later. Returns what is on the books now.
        """
        ...

    def here(self, *, skip: int = 2) -> RawSite:
        """
        The caller's stack without `skip` frames. Where none of them is the project's own code, as in a task, a thread or a
        pool's job of a library, the stack follows from which the work was sent there.
        """
        ...

    def placing(self, where: RawSite, make: Callable[[], object]) -> object:
        """
        Call `make`. Whatever is handed in meanwhile, in this thread, has been made at `where`: part of something that
        is on the books with that site, for which no stack is walked again.
        """
        ...

    def happened(self, case: Case) -> None:
        """
        A leak that was seen to end: report it at the next judgement.
        """
        ...

    def held(self, kind: str) -> Sequence[Held]:
        """
        The resources of one kind that the census keeps alive.
        """
        ...

    def entries(self, kind: str) -> Sequence[Listed]:
        """
        Everything of one kind that is on the books, whoever owns it.
        """
        ...

    def find(self, resource: object, kind: str) -> Listed | None:
        """
        What is on the books about this very resource, also while it is being freed.
        """
        ...

    def is_users(self, file: str) -> bool:
        """
        Whether a source file is the project's own.
        """
        ...

    def over(self, entry: Listed, *, evidence: str, mend: Callable[[], str] | None = None) -> None:
        """
        It just ended in a way that only leaks end: report it at the next judgement, and take it off the books. `mend`
        ends what is left of it.
        """
        ...

    def forget(self, entry: Listed) -> None:
        """
        Take it off the books without a word.
        """
        ...

    def let_go(self, held: Held, *, was_dropped: bool) -> None:
        """
        Keep it no longer: it is closed, or it was dropped unclosed and is reported now.
        """
        ...


class Tracker(Protocol):
    """
    One kind of resource: how to see it made, whether it is open, what to say about it, how to close it.

    The headline is `title` and `verb`: "SQLite connection", "left open". `rank` orders causes: when an open resource
    holds another one of lower rank, only the first is a finding of its own, since closing it would have closed the
    other. `holds` says that instances cannot be referenced weakly and are kept until judged.
    """

    kind: str
    noun: str
    title: str
    verb: str
    remedy: Remedy
    rank: int
    holds: bool
    #: Only what the project's own code made without a library between is judged: libraries keep such things on purpose.
    direct_only: bool
    #: What is on the books is a note about the resource and not the resource, so nobody else ever holds it.
    is_note: bool

    def install(self, intake: Intake) -> Callable[[], None]:
        """
        Start to watch; returns what ends it.
        """
        ...

    def is_open(self, resource: Any) -> bool: ...

    def subject(self, resource: Any, note: str) -> str:
        """
        Which one it is, in a few words that a person recognises: a path, an address, a name.
        """
        ...

    def evidence(self, resource: Any) -> list[str]: ...

    def refine(self, resource: Any) -> Tracker:
        """
        The tracker that speaks for an open resource: itself, or one for the state it is in.
        """
        ...

    def settle(self, resources: Sequence[Any]) -> None:
        """
        Give those about to be reported a last moment to end, when they are on their way.
        """
        ...

    def belongings(self, resource: Any) -> Sequence[object]:
        """
        Where to begin when asking what an open resource of a living fixture holds.
        """
        ...

    def stands_for(self, resource: Any) -> Sequence[object]:
        """
        The objects by which a fixture or another resource would hold this one.
        """
        ...

    def dropped_name(self, resource: Any) -> str:
        """
        Words that occur in the interpreter's warning when it was freed unclosed, where its repr does not.
        """
        ...

    def inspect(self, intake: Intake) -> None:
        """
        Look around, at each judgement, for what is not seen when it is made.
        """
        ...

    def mend(self, resource: Any) -> str:
        """
        Close it and say what was done; raise when it cannot be done.
        """
        ...


class Basic:
    """
    What most trackers share.
    """

    kind: str
    noun: str
    title: str
    remedy: Remedy

    verb: str = "left open"
    rank: int = 10
    holds: bool = False
    direct_only: bool = False
    is_note: bool = False

    def evidence(self, resource: Any) -> list[str]:  # noqa: ARG002 - a base class names it for others
        return []

    def refine(self, resource: Any) -> Any:  # noqa: ARG002 - as above
        return self

    def settle(self, resources: Sequence[Any]) -> None:
        pass

    def belongings(self, resource: Any) -> Sequence[object]:
        return (resource,)

    def stands_for(self, resource: Any) -> Sequence[object]:
        return (resource,)

    def dropped_name(self, resource: Any) -> str:  # noqa: ARG002 - as above
        return ""

    def inspect(self, intake: Intake) -> None:
        pass
