"""
What the objects of a live exception know, as plain values: the only place where a diagnosis meets the objects themselves.

    errno                       the number of an OSError
    sqlite.code                 SQLite's primary result code, by sqlite3's own attribute
    sqlite.is_empty_memory      a connection in the frames is to a database in memory that has no table
    attribute.name / .of / .owner / .near
                                what was asked for, the type asked, whose it is (mock, own, library), the nearest name
    mock.is_exhausted / .calls / .given
                                a mock's iterator of side effects had nothing left, how often it had been called, and how
                                many of the calls before this one there were
    loop.foreign / .fixture     the type of an object of another event loop than the one that ran, and the fixture that gave it
    closed.type                 the type of an object that was used at the line that raised, and was closed
    assert.op / .left / .right / .is_clock
                                a comparison of numbers that did not hold, and whether one of them was read from a clock
"""

from __future__ import annotations

import ast
import difflib
import inspect
import io
import socket
import sys
import textwrap
from typing import TYPE_CHECKING, Any, Final

from hermetic.guard.capture import Project

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import FrameType

    from hermetic.record.failure import FactValue

_CLOCKS: Final = frozenset(
    {"monotonic", "perf_counter", "process_time", "thread_time", "time", "monotonic_ns", "perf_counter_ns", "time_ns"}
)
_project = Project()


def facts_of(error: BaseException, given: Mapping[str, object]) -> dict[str, FactValue]:
    """
    The facts of one exception of a chain; `given` are the values of the test's fixtures by name.
    """
    frames = list(_frames(error))
    found: dict[str, FactValue] = {}
    if isinstance(error, OSError) and error.errno is not None:
        found["errno"] = error.errno
    code: object = getattr(error, "sqlite_errorcode", None)
    if isinstance(code, int):
        found["sqlite.code"] = code & 0xFF  # the extended codes keep the primary one in their lowest byte
        found["sqlite.is_empty_memory"] = any(_is_empty_memory(one) for frame in frames for one in _values(frame))
    if isinstance(error, AttributeError) and error.name is not None:
        found |= _attribute(error)
    if isinstance(error, StopIteration | StopAsyncIteration) and frames:
        found |= _mock(frames[-1])
    if isinstance(error, RuntimeError | ValueError):
        found |= _loop(frames, given)
    if frames:
        found |= _closed(frames)
    if isinstance(error, AssertionError) and frames:
        found |= _comparison(frames[-1])
    return found


def _frames(error: BaseException) -> Iterator[FrameType]:
    trace = error.__traceback__
    while trace is not None:
        yield trace.tb_frame
        trace = trace.tb_next


def _values(frame: FrameType) -> list[Any]:
    return list(frame.f_locals.values())


# ---------------------------------------------------------------- sqlite3


def _is_empty_memory(value: Any) -> bool:
    if not type(value).__module__.startswith("sqlite3"):
        return False
    connection = getattr(value, "connection", value)  # a cursor knows its connection
    try:
        file = connection.execute("PRAGMA database_list").fetchall()[0][2]
        tables: int = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    except Exception:  # noqa: BLE001 - closed, or of another thread: nothing can be said of it
        return False
    return not file and tables == 0


# ---------------------------------------------------------------- attributes and mocks


def _attribute(error: AttributeError) -> dict[str, FactValue]:
    owner, name = error.obj, str(error.name)
    of = owner if isinstance(owner, type) or inspect.ismodule(owner) else type(owner)
    near = difflib.get_close_matches(name, [one for one in _names(owner) if not one.startswith("__")], n=1, cutoff=0.7)
    return {
        "attribute.name": name,
        "attribute.of": str(getattr(of, "__name__", of)),
        "attribute.owner": "mock" if _is_mock(owner) else "own" if _is_own(of) else "library",
        "attribute.near": near[0] if near else "",
    }


def _names(owner: object) -> list[str]:
    try:
        return dir(owner)
    except Exception:  # noqa: BLE001 - a user's __dir__
        return []


def _is_mock(value: object) -> bool:
    # Without importing unittest.mock for those who have none.
    mock = sys.modules.get("unittest.mock")
    return mock is not None and isinstance(value, mock.NonCallableMock)


def _is_own(of: Any) -> bool:
    module = of if inspect.ismodule(of) else sys.modules.get(getattr(of, "__module__", ""))
    file = getattr(module, "__file__", None)
    return isinstance(file, str) and _project.owns(file)


def _mock(innermost: FrameType) -> dict[str, FactValue]:
    # Source: Lib/unittest/mock.py, _execute_mock_call: `effect` is the iterator, and `result` what it gave.
    if innermost.f_globals.get("__name__") != "unittest.mock" or innermost.f_code.co_name != "_execute_mock_call":
        return {}
    known = innermost.f_locals
    if not hasattr(known.get("effect"), "__next__") or "result" in known:
        return {}
    mock: Any = known["self"]
    calls = int(mock.call_count)
    # Calls that run at once have all been counted by now. Source: as above, an AsyncMock keeps this call's own record in
    # `_call`, and all in await_args_list: the first one that got nothing stands behind as many as there were.
    awaited: list[Any] = list(mock.await_args_list) if hasattr(mock.__class__, "await_args_list") else []
    given = next((place for place, one in enumerate(awaited) if one is known.get("_call")), calls - 1)
    return {"mock.is_exhausted": True, "mock.calls": calls, "mock.given": given}


# ---------------------------------------------------------------- event loops


def _loop(frames: list[FrameType], given: Mapping[str, object]) -> dict[str, FactValue]:
    loops = [
        frame.f_locals.get("self")
        for frame in frames
        if frame.f_code.co_name == "run_until_complete" and frame.f_globals.get("__name__") == "asyncio.base_events"
    ]
    if not loops:
        return {}
    for frame in reversed(frames):
        for value in _values(frame):
            if _loop_of(value) not in {None, *loops}:
                fixture = next((name for name, one in given.items() if one is value or _holds(one, value)), "")
                return {"loop.foreign": type(value).__name__, "loop.fixture": fixture}
    return {}


def _loop_of(value: Any) -> object:
    # Futures and tasks, what asyncio's locks and queues mix in, transports and clients: all keep it under this name.
    if type(value).__module__.startswith(("asyncio", "_asyncio", "aiohttp", "aiosqlite")):
        return getattr(value, "_loop", None)
    return None


def _holds(holder: object, value: object) -> bool:
    return any(one is value for one in vars(holder).values()) if hasattr(holder, "__dict__") else False


# ---------------------------------------------------------------- what was closed


def _closed(frames: list[FrameType]) -> dict[str, FactValue]:
    own = next((frame for frame in reversed(frames) if _project.owns(frame.f_code.co_filename)), None)
    if own is None:
        return {}
    used = _names_at(own) - _closed_on_the_way_out(own)
    for name, value in own.f_locals.items():
        if name in used and _is_closed(value):
            return {"closed.type": type(value).__name__, "closed.name": name}
    return {}


def _closed_on_the_way_out(frame: FrameType) -> set[str]:
    # What a with or a finally around the line names may have been closed by the very failure that is looked at.
    body = _function(frame)
    if body is None:
        return set()
    tree, first = body
    line = frame.f_lineno - first + 1
    handled: set[str] = set()
    for node in ast.walk(tree):
        if not isinstance(node, ast.With | ast.AsyncWith | ast.Try) or not node.lineno <= line <= (
            node.end_lineno or 0
        ):
            continue
        parts: list[ast.AST] = list(node.items) if isinstance(node, ast.With | ast.AsyncWith) else list(node.finalbody)
        handled |= {one.id for part in parts for one in ast.walk(part) if isinstance(one, ast.Name)}
    return handled


def _is_closed(value: Any) -> bool:
    if isinstance(value, io.IOBase):
        return value.closed
    if isinstance(value, socket.socket):
        return value.fileno() == -1
    module = type(value).__module__
    if module == "sqlite3":
        connection = getattr(value, "connection", value)
        try:
            connection.total_changes  # noqa: B018 - asked for what it raises
        except Exception as error:  # noqa: BLE001 - only one class means that it is closed
            return type(error).__name__ == "ProgrammingError"
        return False
    if module.startswith(("aiohttp", "httpx")):
        return bool(getattr(value, "closed", getattr(value, "is_closed", False)))
    return False


def _names_at(frame: FrameType) -> set[str]:
    statement = _statement(frame)
    return {node.id for node in ast.walk(statement) if isinstance(node, ast.Name)} if statement is not None else set()


# ---------------------------------------------------------------- comparisons


def _statement(frame: FrameType) -> ast.stmt | None:
    """
    The innermost statement of the frame's function that holds the line at which it stands.
    """
    body = _function(frame)
    if body is None:
        return None
    tree, first = body
    line = frame.f_lineno - first + 1
    found: ast.stmt | None = None
    for node in ast.walk(tree):
        is_here = isinstance(node, ast.stmt) and node.lineno <= line <= (node.end_lineno or node.lineno)
        if isinstance(node, ast.stmt) and is_here and (found is None or node.lineno >= found.lineno):
            found = node
    return found


def _function(frame: FrameType) -> tuple[ast.Module, int] | None:
    try:
        lines, first = inspect.getsourcelines(frame.f_code)
        return ast.parse(textwrap.dedent("".join(lines))), max(1, first)
    except (OSError, TypeError, SyntaxError, ValueError):
        return None


def _comparison(frame: FrameType) -> dict[str, FactValue]:
    statement = _statement(frame)
    if not isinstance(statement, ast.Assert) or not isinstance(statement.test, ast.Compare):
        return {}
    compare = statement.test
    if len(compare.ops) != 1 or not isinstance(compare.ops[0], ast.Lt | ast.LtE | ast.Gt | ast.GtE):
        return {}
    left, right = (_number(one, frame) for one in (compare.left, compare.comparators[0]))
    if left is None or right is None:
        return {}
    body = _function(frame)
    clocked = _clocked(body[0]) if body is not None else set[str]()
    names = {node.id for node in ast.walk(compare) if isinstance(node, ast.Name)}
    return {
        "assert.op": type(compare.ops[0]).__name__,
        "assert.left": left,
        "assert.right": right,
        "assert.is_clock": bool(names & clocked) or _reads_clock(compare),
    }


def _number(node: ast.expr, frame: FrameType) -> float | None:
    # Names and constants only: evaluating anything else would run the test's code again.
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float) and not isinstance(node.value, bool):
        return float(node.value)
    if isinstance(node, ast.Name):
        value = frame.f_locals.get(node.id, frame.f_globals.get(node.id))
        return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
    return None


def _clocked(tree: ast.AST) -> set[str]:
    # Names that are assigned something read from a clock, or computed from such a name; three steps are enough.
    assigned = [
        ({one.id for target in node.targets for one in ast.walk(target) if isinstance(one, ast.Name)}, node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
    ]
    found: set[str] = set()
    for _ in range(3):
        for names, value in assigned:
            used = {one.id for one in ast.walk(value) if isinstance(one, ast.Name)}
            if _reads_clock(value) or used & found:
                found |= names
    return found


def _reads_clock(tree: ast.AST) -> bool:
    return any(
        isinstance(node, ast.Call)
        and (
            (isinstance(node.func, ast.Attribute) and node.func.attr in _CLOCKS)
            or (isinstance(node.func, ast.Name) and node.func.id in _CLOCKS)
        )
        for node in ast.walk(tree)
    )
