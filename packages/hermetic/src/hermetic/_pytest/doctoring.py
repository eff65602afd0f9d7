"""
What `hermetic doctor --fixtures` shows: pytest collects, runs nothing, and the fixtures are told instead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest

from hermetic._pytest.hooks import Hooks
from hermetic._pytest.owners import defined_at
from hermetic.guard.fixture_graph import Fixture, FixtureGraph

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import CodeType


class Doctor(Hooks):
    """
    Takes the place of the run: reads pytest's register of fixtures when collection is over.
    """

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        reporter: Any = session.config.pluginmanager.get_plugin("terminalreporter")
        for line in FixtureGraph(_fixtures(session)).lines():
            if reporter is not None:
                reporter.write_line(line)
        return True


def _fixtures(session: pytest.Session) -> list[Fixture]:
    manager = cast("Any", session)._fixturemanager  # noqa: SLF001 - pytest has no public way to all definitions
    used: set[Any] = set()
    for item in session.items:
        info = getattr(item, "_fixtureinfo", None)
        for definitions in getattr(info, "name2fixturedefs", {}).values():
            used.update(definitions)
    root = str(session.config.rootpath)
    automatic = set(_leaves(manager, "_node_autousenames", "_nodeid_autousenames"))
    found: list[Fixture] = []
    # pytest 9.1 keeps definitions by node, pytest 8 in one dictionary by name.
    for definition in set(_leaves(manager, "_arg2fixturedefs", "_arg2node2fixturedefs", "_arg2nodeid2fixturedefs")):
        frame = defined_at(definition.func)
        name = str(definition.argname)
        if frame is None or not frame.file.startswith(root) or "site-packages" in frame.file or name.startswith("_"):
            continue
        found.append(
            Fixture(
                name=name,
                scope=str(definition.scope),
                base=str(definition.baseid or ""),
                needs=tuple(one for one in definition.argnames if one != "request"),
                defined=f"{frame.file[len(root) :].lstrip('/')}:{frame.line}",
                body=_body(definition.func),
                is_used=definition in used,
                is_automatic=name in automatic,
            )
        )
    return found


def _leaves(manager: Any, *names: str) -> Iterator[Any]:
    queue: list[Any] = [getattr(manager, name, ()) for name in names]
    while queue:
        value = queue.pop()
        if isinstance(value, dict):
            queue += cast("dict[object, object]", value).values()
        elif isinstance(value, list | tuple):
            queue += cast("list[object]", value)
        else:
            yield value


def _body(function: Any) -> object:
    code: CodeType | None = getattr(getattr(function, "__wrapped__", function), "__code__", None)
    if code is None:
        return None
    constants = tuple(repr(one) for one in code.co_consts if not hasattr(one, "co_code"))
    return code.co_code, code.co_names, constants
