"""
Owners as pytest knows them: which test, which fixture, of what scope, and where its code stands.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, cast

from hermetic._pytest.isolating import marked_mode
from hermetic.guard import late
from hermetic.guard.ownership.tenure import Tenure

if TYPE_CHECKING:
    import pytest

    from hermetic.foundation.finding import Frame, Owner
    from hermetic.guard.ownership.tenure import Mode

# Names under which pytest hides xunit-style set-up functions as fixtures, to the words that users wrote.
_HIDDEN = {
    "_xunit_setup_module_fixture": "setup_module / teardown_module",
    "_xunit_setup_function_fixture": "setup_function / teardown_function",
    "_xunit_setup_class_fixture": "setup_class / teardown_class",
    "_xunit_setup_method_fixture": "setup_method / teardown_method",
    "_unittest_setUpClass_fixture": "setUpClass / tearDownClass",
    "_unittest_setUpModule_fixture": "setUpModule / tearDownModule",
    "_unittest_setup_class_fixture": "setUpClass / tearDownClass",
    "_unittest_setup_method_fixture": "setup_method / teardown_method",
}


def test_tenure(item: pytest.Item, *, isolation: Mode | None) -> Tenure:
    return Tenure(lambda: _test_owner(item), isolation=isolation)


def fixture_tenure(fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest) -> Tenure:
    def value() -> object:
        cached = fixturedef.cached_result
        return None if cached is None else cached[0]

    scope = fixturedef.scope
    # What the owner's description needs is taken now: the request goes on to other tests while a broad fixture lives.
    node, parameter = request.node, getattr(request, "param", None)
    # A test's marker speaks for the fixtures that live and die with it.
    isolation = marked_mode(node) if scope == "function" else None
    return Tenure(lambda: _fixture_owner(fixturedef, node, parameter), scope=scope, value=value, isolation=isolation)


def _test_owner(item: pytest.Item) -> Owner:
    path, line, _ = item.location
    records = late.load("hermetic.foundation.finding")
    defined = records.Frame(file=str(item.path), line=line + 1, function=item.name) if line is not None else None
    owner: Owner = records.Owner(
        kind="test", name=item.nodeid or path, scope="function", node=item.nodeid, defined=defined
    )
    return owner


def _fixture_owner(fixturedef: pytest.FixtureDef[Any], node: Any, parameter: object) -> Owner:
    name = fixturedef.argname
    for hidden, words in _HIDDEN.items():
        if name.startswith(hidden):
            name = words
    owner: Owner = late.load("hermetic.foundation.finding").Owner(
        kind="fixture",
        name=name,
        scope=fixturedef.scope,
        node=str(getattr(node, "nodeid", "")),
        parameter="" if parameter is None else _safe(parameter),
        defined=defined_at(fixturedef.func),
    )
    return owner


def defined_at(function: object) -> Frame | None:
    """
    Where the code of a function stands, through decorators, partials and methods.
    """
    function = inspect.unwrap(cast("Any", function)) if callable(function) else function
    function = getattr(function, "func", function)  # functools.partial
    code = getattr(getattr(function, "__func__", function), "__code__", None)
    if code is None:
        return None
    frame: Frame = late.load("hermetic.foundation.finding").Frame(
        file=code.co_filename, line=code.co_firstlineno, function=code.co_name
    )
    return frame


def _safe(parameter: object) -> str:
    try:
        text = repr(parameter)
    except Exception as error:  # noqa: BLE001 - a user's broken repr is not a reason to lose the finding
        text = f"<{type(parameter).__name__} whose repr raised {type(error).__name__}>"
    return text if len(text) <= 40 else text[:39] + "…"
