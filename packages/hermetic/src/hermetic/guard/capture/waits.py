"""
What an await waits for, told from the innermost frame: its function says what kind, its variables say which.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeGuard, cast

from hermetic.foundation.frames import locals_of
from hermetic.guard.capture.lines import short_repr
from hermetic.guard.capture.model import Wait
from hermetic.guard.capture.threads import worker_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import FrameType


def wait_of(frames: tuple[FrameType, ...], awaited: Any) -> Wait | None:
    """
    The wait at the end of an await chain. Of the innermost frames the outer ones are asked first: a barrier waits in a
    condition, and a queue's `join` in an event, but the barrier and the queue are what the reader knows.
    """
    for frame in frames[-5:]:
        names = locals_of(frame)
        describe = _KNOWN.get((str(frame.f_globals.get("__name__", "")), frame.f_code.co_qualname))
        if describe is not None:
            found = describe(names)
            if found is not None:
                return found
    if awaited is None:
        return None
    return _future(awaited) if asyncio.isfuture(awaited) else Wait(kind="awaitable", text=short_repr(awaited))


def children_of(frames: tuple[FrameType, ...], awaited: Any) -> list[Any]:
    """
    The tasks (or coroutines in futures) that the end of an await chain waits for.
    """
    waited: Iterable[Any] = ()
    if _is_task(awaited):
        waited = (awaited,)
    elif hasattr(awaited, "_children"):  # asyncio.gather
        waited = getattr(awaited, "_children", ())
    elif (inner := _shielded(awaited)) is not None:
        waited = (inner,)
    else:
        for frame in reversed(frames[-3:]):
            names = locals_of(frame)
            function = frame.f_code.co_qualname
            if function.startswith("TaskGroup.") and (group := names.get("self")) is not None:
                waited = getattr(group, "_tasks", ())
                break
            if function == "_wait" and "fs" in names:
                waited = names["fs"]
                break
            if function == "wait_for" and asyncio.isfuture(names.get("fut")):
                waited = (names["fut"],)
                break
    return [one for one in waited if _is_task(one) and not one.done()]


def _is_task(value: object) -> TypeGuard[asyncio.Task[Any]]:
    return isinstance(value, asyncio.Task)


def lock_of(frames: tuple[FrameType, ...]) -> object | None:
    """
    The lock that the end of an await chain waits for.
    """
    for frame in reversed(frames[-3:]):
        if frame.f_code.co_qualname == "Lock.acquire":
            return locals_of(frame).get("self")
    return None


def _closure_value(callback: Any, name: str) -> Any:
    function = getattr(callback, "func", callback)
    code = getattr(function, "__code__", None)
    cells = getattr(function, "__closure__", None)
    if code is None or cells is None or name not in code.co_freevars:
        return None
    try:
        return cells[code.co_freevars.index(name)].cell_contents
    except ValueError:
        return None


def _callback_values(future: Any, name: str) -> Iterable[Any]:
    for entry in getattr(future, "_callbacks", None) or ():
        value = _closure_value(entry[0] if isinstance(entry, tuple) else entry, name)
        if value is not None:
            yield value


def _shielded(future: Any) -> Any:
    if not asyncio.isfuture(future) or isinstance(future, asyncio.Task):
        return None
    return next((inner for inner in _callback_values(future, "inner") if asyncio.isfuture(inner)), None)


def source_future(future: Any) -> Any:
    """
    The concurrent future behind an asyncio one (`run_in_executor`, `to_thread`, `wrap_future`); None if there is none.
    """
    return next((source for source in _callback_values(future, "source") if hasattr(source, "running")), None)


def _future(future: Any) -> Wait:
    source = source_future(future)
    if source is not None:
        worker = worker_of(source)
        if worker is not None:
            return Wait(kind="executor", text=f"a call that runs in thread {worker!r}", holders=(f"thread {worker}",))
        state = "runs" if source.running() else "is queued: every worker is busy"
        return Wait(kind="executor", text=f"a call in an executor's thread, which {state}")
    if isinstance(future, asyncio.Task):
        return Wait(kind="task", text=f"task {future.get_name()!r}", holders=(future.get_name(),))
    if hasattr(future, "_children"):
        left = sum(1 for child in getattr(future, "_children", ()) if not child.done())
        return Wait(kind="gather", text=f"gather, {left} not done")
    return Wait(kind="future", text=f"a future that nothing has resolved: {short_repr(future)}")


def _seconds_left(handle: Any) -> float | None:
    loop = getattr(handle, "_loop", None)
    when = getattr(handle, "when", None)
    return None if loop is None or when is None else max(0.0, when() - loop.time())


def _sleep(names: dict[str, Any]) -> Wait:
    left = _seconds_left(names.get("h"))
    of = f"{names['delay']:g} s" if isinstance(names.get("delay"), int | float) else "?"
    return Wait(kind="sleep", text=f"sleep of {of}" + ("" if left is None else f", {left:.3g} s left"), left_s=left)


def _named(kind: str, word: str) -> Callable[[dict[str, Any]], Wait | None]:
    def describe(names: dict[str, Any]) -> Wait | None:
        owner = names.get("self")
        return None if owner is None else Wait(kind=kind, text=f"{word} {_plain(owner)}")

    return describe


def _plain(value: object) -> str:
    # `<asyncio.locks.Event object at 0x7f [unset, waiters:1]>` without the address, which tells nobody anything.
    words = short_repr(value).split(" ")
    return " ".join(word for word in words if not word.startswith("0x")).replace(" object at", "")


def _peer(transport: Any) -> str:
    try:
        peer = transport.get_extra_info("peername")
        own = transport.get_extra_info("sockname")
        pipe = transport.get_extra_info("pipe")
    except Exception:  # noqa: BLE001 - a closed transport of any make may raise anything
        return "a closed connection"
    if pipe is not None and peer is None:
        return f"pipe {_plain(pipe)}"
    return f"{_address(peer)} (from {_address(own)})" if peer else f"socket {_address(own)}"


def _address(address: Any) -> str:
    if isinstance(address, tuple):
        host, port, *_ = (str(part) for part in cast("tuple[object, ...]", address))
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return str(address) if address else "(unnamed)"


def _reader(names: dict[str, Any]) -> Wait:
    transport = getattr(names.get("self"), "_transport", None)
    return Wait(kind="socket", text=f"data from {'nobody' if transport is None else _peer(transport)}")


def _drain(names: dict[str, Any]) -> Wait:
    transport = getattr(names.get("self"), "_transport", None)
    return Wait(kind="socket", text=f"room to write to {'its peer' if transport is None else _peer(transport)}")


def _raw_socket(verb: str) -> Callable[[dict[str, Any]], Wait]:
    def describe(names: dict[str, Any]) -> Wait:
        sock = names.get("sock")
        try:
            peer = _address(sock.getpeername() if sock is not None else None)
        except OSError:
            peer = _address(names.get("address"))
        return Wait(kind="socket", text=f"{verb} {peer}")

    return describe


def _subprocess(names: dict[str, Any]) -> Wait:
    transport = names.get("self")
    pid = getattr(transport, "_pid", None)
    process = getattr(transport, "_proc", None)
    command = short_repr(getattr(process, "args", ""), longest=80)
    return Wait(kind="subprocess", text=f"subprocess {pid} to end: {command}")


def _group(names: dict[str, Any]) -> Wait:
    tasks = [task for task in getattr(names.get("self"), "_tasks", ()) if not task.done()]
    return Wait(kind="task group", text=f"{len(tasks)} tasks of a TaskGroup")


def _several(names: dict[str, Any]) -> Wait:
    futures = [one for one in names.get("fs", ()) if not one.done()]
    left = _seconds_left(names.get("timeout_handle"))
    limit = "" if left is None else f", at most {left:.3g} s more"
    return Wait(kind="tasks", text=f"{len(futures)} tasks or futures in asyncio.wait{limit}", left_s=left)


def _wait_for(names: dict[str, Any]) -> Wait | None:
    left = _seconds_left(names.get("timeout_handle"))
    if left is None:
        return None  # 3.12 and later await inside `timeout`, so the inner frames have told already
    return Wait(kind="wait_for", text=f"wait_for, at most {left:.3g} s more", left_s=left)


_KNOWN: dict[tuple[str, str], Callable[[dict[str, Any]], Wait | None]] = {
    ("asyncio.tasks", "sleep"): _sleep,
    ("asyncio.tasks", "_wait"): _several,
    ("asyncio.tasks", "wait_for"): _wait_for,
    ("asyncio.locks", "Lock.acquire"): _named("lock", "lock"),
    ("asyncio.locks", "Event.wait"): _named("event", "event"),
    ("asyncio.locks", "Condition.wait"): _named("condition", "condition"),
    ("asyncio.locks", "Semaphore.acquire"): _named("semaphore", "semaphore"),
    ("asyncio.locks", "Barrier._wait"): _named("barrier", "barrier"),
    ("asyncio.locks", "Barrier._block"): _named("barrier", "barrier"),
    ("asyncio.queues", "Queue.get"): _named("queue", "an item in"),
    ("asyncio.queues", "Queue.put"): _named("queue", "room in"),
    ("asyncio.queues", "Queue.join"): _named("queue", "all items done in"),
    ("asyncio.taskgroups", "TaskGroup.__aexit__"): _group,
    ("asyncio.taskgroups", "TaskGroup._aexit"): _group,
    ("asyncio.streams", "StreamReader._wait_for_data"): _reader,
    ("asyncio.streams", "FlowControlMixin._drain_helper"): _drain,
    ("asyncio.selector_events", "BaseSelectorEventLoop.sock_recv"): _raw_socket("data from"),
    ("asyncio.selector_events", "BaseSelectorEventLoop.sock_recv_into"): _raw_socket("data from"),
    ("asyncio.selector_events", "BaseSelectorEventLoop.sock_sendall"): _raw_socket("room to write to"),
    ("asyncio.selector_events", "BaseSelectorEventLoop.sock_connect"): _raw_socket("a connection to"),
    ("asyncio.selector_events", "BaseSelectorEventLoop.sock_accept"): _raw_socket("a connection on"),
    ("asyncio.base_subprocess", "BaseSubprocessTransport._wait"): _subprocess,
}
