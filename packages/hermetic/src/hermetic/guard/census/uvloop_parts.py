"""
uvloop's tasks, transports, servers, subprocesses, timers and asynchronous generators, under asyncio's own names.

Its classes are written in C; what can be watched is the one class that it exports, `uvloop.Loop`, by the methods that
hand these things out. Transports that its servers accept are seen where asyncio's streams take them. Closing a uvloop
loop closes all that is open on it, in silence: so it is looked at before.
"""

from __future__ import annotations

import contextlib
import functools
import os
import signal
import weakref
from asyncio import streams
from typing import TYPE_CHECKING, Any, Final, cast

import uvloop

from hermetic.guard.census import loops, proc, site
from hermetic.guard.census import streams as asyncio_streams
from hermetic.guard.census.async_generators import AsyncGenerators
from hermetic.guard.census.asyncio_state import ScheduledCalls
from hermetic.guard.census.sockets import address
from hermetic.guard.census.tasks import Tasks
from hermetic.guard.census.tracker import Basic
from hermetic.guard.census.wording import safe_repr
from hermetic.guard.census.wrapping import after, all_of, before, replace

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hermetic.guard.census.site import RawSite
    from hermetic.guard.census.tracker import Intake, Tracker

_CONNECTING: Final = (
    "create_connection",
    "create_unix_connection",
    "create_datagram_endpoint",
    "connect_accepted_socket",
    "connect_read_pipe",
    "connect_write_pipe",
)
_SERVING: Final = ("create_server", "create_unix_server")
_CLOSED_WITH_IT: Final = "its loop was closed while it was open, which closed it"


class UvloopTasks(Tasks):
    def install(self, intake: Intake) -> Callable[[], None]:
        return all_of(
            [
                replace(uvloop.Loop, "create_task", lambda original: self._creating(intake, original)),
                before(uvloop.Loop, "close", functools.partial(self._closing, intake)),
                before(uvloop.Loop, "call_exception_handler", functools.partial(self._said, intake)),
            ]
        )


class _OnLoop(Basic):
    """
    Something that lives on a uvloop loop, by whose number (the note) it is found again when that loop is closed. It is told
    in the words of the tracker of its like on asyncio's own loops.
    """

    def __init_subclass__(cls, *, like: type[Basic]) -> None:
        super().__init_subclass__()
        cls.kind, cls.noun, cls.title, cls.verb = like.kind, like.noun, like.title, like.verb
        cls.rank, cls.remedy = like.rank, like.remedy

    def _before_close(self, intake: Intake) -> Callable[[], None]:
        def closing(loop: Any) -> None:
            if not loop.is_running() and not loop.is_closed():
                for entry in intake.entries(self.kind):
                    mine: Any = entry
                    if mine.tracker is self and mine.note == _number(loop) and _still(self, entry()):
                        intake.over(entry, evidence=_CLOSED_WITH_IT, mend=self._mend_after(entry()))

        return before(uvloop.Loop, "close", closing)

    def _mend_after(self, resource: Any) -> Callable[[], str] | None:
        """
        What ends that which the loop's close leaves, None where it leaves nothing.
        """
        del resource
        return None

    def is_open(self, resource: Any) -> bool:
        raise NotImplementedError

    def _awaited(self, intake: Intake, name: str, made: Callable[[Any], object]) -> Callable[[], None]:
        """
        Hand in `made(result)` of each call of an asynchronous method of the loop.
        """

        def make(original: Callable[..., Any]) -> Callable[..., Any]:
            async def called(loop: Any, *arguments: Any, **named: Any) -> Any:
                __tracebackhide__ = True
                result = await original(loop, *arguments, **named)
                with contextlib.suppress(Exception):
                    intake.opened(cast("Tracker", self), made(result), skip=2, note=_number(loop))
                return result

            return called

        return replace(uvloop.Loop, name, make)


class UvloopTransports(_OnLoop, like=asyncio_streams.Transports):
    def install(self, intake: Intake) -> Callable[[], None]:
        undoes = [self._awaited(intake, name, lambda result: result[0]) for name in _CONNECTING]
        undoes += [self._accepting(intake, name) for name in _SERVING]
        return all_of([*undoes, self._before_close(intake)])

    def _accepting(self, intake: Intake, name: str) -> Callable[[], None]:
        """
        See what a server of asyncio's streams accepts: from their own class of protocols only, by one below it. The
        loop calls on behalf of nobody, so the site is the server's.
        """
        tracker = cast("Tracker", self)
        places: weakref.WeakKeyDictionary[Any, RawSite] = weakref.WeakKeyDictionary()

        class Accepting(streams.StreamReaderProtocol):
            def connection_made(self, transport: Any) -> None:
                super().connection_made(transport)
                with contextlib.suppress(Exception):
                    intake.opened(tracker, transport, note=_number(self._loop))  # type: ignore[attr-defined]
                    entry, place = intake.find(transport, tracker.kind), places.get(self)
                    if entry is not None and place is not None:
                        entry.site = place

        Accepting.__qualname__ = Accepting.__name__ = streams.StreamReaderProtocol.__name__

        def make(original: Callable[..., Any]) -> Callable[..., Any]:
            async def called(loop: Any, factory: Callable[[], Any], *arguments: Any, **named: Any) -> Any:
                __tracebackhide__ = True
                place = site.take(1)

                def made() -> Any:
                    protocol = factory()
                    if type(protocol) is streams.StreamReaderProtocol:
                        protocol.__class__ = Accepting
                        places[protocol] = place
                    return protocol

                return await original(loop, made, *arguments, **named)

            return called

        return replace(uvloop.Loop, name, make)

    def is_open(self, resource: Any) -> bool:
        return not resource.is_closing()

    def subject(self, resource: Any, note: str) -> str:
        del note
        own, peer = (resource.get_extra_info(name) for name in ("sockname", "peername"))
        return " to ".join(address(one) for one in (own, peer) if one) or safe_repr(resource)

    def evidence(self, resource: Any) -> list[str]:
        return [f"its protocol is {type(resource.get_protocol()).__qualname__}"]

    def mend(self, resource: Any) -> str:
        resource.abort()
        return "aborted"


class UvloopServers(_OnLoop, like=asyncio_streams.Servers):
    def install(self, intake: Intake) -> Callable[[], None]:
        undoes = [self._awaited(intake, name, lambda result: result) for name in _SERVING]
        return all_of([*undoes, self._before_close(intake)])

    def is_open(self, resource: Any) -> bool:
        return bool(resource.sockets)

    def dropped_name(self, resource: Any) -> str:
        del resource
        # It is the part that listens of which uvloop speaks: <TCPServer closed=False …>, <UnixServer closed=False …>.
        return "Server closed=False"

    def subject(self, resource: Any, note: str) -> str:
        del note
        return ", ".join(address(one.getsockname()) for one in resource.sockets) or safe_repr(resource)

    def mend(self, resource: Any) -> str:
        resource.close()
        loop = resource.get_loop()
        if loops.can_run(loop):
            loops.spin(loop)
        return "closed"


class UvloopSubprocesses(_OnLoop, like=asyncio_streams.SubprocessTransports):
    holds = True  # it cannot be referenced weakly

    def install(self, intake: Intake) -> Callable[[], None]:
        names = ("subprocess_exec", "subprocess_shell")
        undoes = [self._awaited(intake, name, lambda result: result[0]) for name in names]
        return all_of([*undoes, self._before_close(intake)])

    def is_open(self, resource: Any) -> bool:
        return resource.get_returncode() is None and not resource.is_closing()

    def _mend_after(self, resource: Any) -> Callable[[], str] | None:
        pid = resource.get_pid()
        return lambda: _end(pid)

    def subject(self, resource: Any, note: str) -> str:
        del note
        pid = resource.get_pid()
        return f"pid {pid} {proc.command(pid)}"

    def mend(self, resource: Any) -> str:
        with contextlib.suppress(ProcessLookupError):
            resource.kill()
        resource.close()
        return "killed"


class UvloopTimers(_OnLoop, like=ScheduledCalls):
    """
    `call_later` and `call_at` of the project's own functions, as `ScheduledCalls` for asyncio's own loops.
    """

    holds = True  # so that the note and the handle of one that has gone off do not end before it is judged

    def install(self, intake: Intake) -> Callable[[], None]:
        def make(original: Callable[..., Any]) -> Callable[..., Any]:
            def called(loop: Any, when: float, callback: Any, *arguments: Any, **named: Any) -> Any:
                __tracebackhide__ = True
                handle = original(loop, when, callback, *arguments, **named)
                with contextlib.suppress(Exception):
                    self._made(intake, loop, callback, handle)
                return handle

            return called

        undoes = [replace(uvloop.Loop, name, make) for name in ("call_later", "call_at")]
        return all_of([*undoes, self._before_close(intake)])

    def _made(self, intake: Intake, loop: Any, callback: Any, handle: Any) -> None:
        while isinstance(callback, functools.partial):
            callback = callback.func
        code = getattr(getattr(callback, "__func__", callback), "__code__", None)
        if code is not None and intake.is_users(code.co_filename):
            name = f"{code.co_qualname}()"
            intake.opened(cast("Tracker", self), ScheduledCall(loop, handle, name), skip=3, note=_number(loop))

    def is_open(self, resource: ScheduledCall) -> bool:
        return resource.is_ahead()

    def subject(self, resource: ScheduledCall, note: str) -> str:
        del note
        return f"{resource.name} in {max(0.0, resource.handle.when() - resource.loop.time()):.3g} s"

    def stands_for(self, resource: ScheduledCall) -> Sequence[object]:
        return (resource.handle,)

    def mend(self, resource: ScheduledCall) -> str:
        resource.handle.cancel()
        return "cancelled"


class ScheduledCall:
    """
    A handle with its loop and the name of what it calls, neither of which the handle tells.
    """

    __slots__ = ("handle", "loop", "name")

    def __init__(self, loop: Any, handle: Any, name: str) -> None:
        self.loop = loop
        self.handle = handle
        self.name = name

    def is_ahead(self) -> bool:
        return not self.loop.is_closed() and not self.handle.cancelled() and bool(self.handle.when() > self.loop.time())


class UvloopAsyncGenerators(AsyncGenerators):
    def install(self, intake: Intake) -> Callable[[], None]:
        def begun(loop: Any, generator: object) -> None:
            intake.opened(self, generator, skip=3, note=_number(loop))

        def shutting_down(loop: Any) -> None:
            if loops.is_closed_by_test_runner():
                for entry in intake.entries(self.kind):
                    mine: Any = entry
                    if mine.note == _number(loop) and _still(self, entry()):
                        intake.over(entry, evidence="its loop was shut down by the test runner, which closed it")

        return all_of(
            [
                after(uvloop.Loop, "_asyncgen_firstiter_hook", begun),
                before(uvloop.Loop, "shutdown_asyncgens", shutting_down),
            ]
        )


def uvloop_trackers() -> list[Tracker]:
    found: list[Any] = [
        UvloopTasks(),
        UvloopTransports(),
        UvloopServers(),
        UvloopSubprocesses(),
        UvloopTimers(),
        UvloopAsyncGenerators(),
    ]
    return found


def _end(pid: int) -> str:
    # Only while it is still a child that nobody has waited for: else the number may be another's.
    try:
        has_ended = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
        if not has_ended:
            os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    except ChildProcessError:
        return "nothing left to do, it has ended"
    return "waited for" if has_ended else "killed and waited for"


def _number(loop: Any) -> str:
    return f"{id(loop):x}"


def _still(tracker: Any, resource: Any) -> bool:
    return resource is not None and tracker.is_open(resource)
