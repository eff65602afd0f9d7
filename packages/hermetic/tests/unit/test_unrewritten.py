"""
The plugin's own modules are loaded as they are.
"""

from __future__ import annotations

import sys

from hermetic._pytest.unrewritten import leave_unrewritten


def test_no_module_of_the_plugin_that_runs_this_test_is_rewritten():
    """
    Only the package and the module that takes the names off the list come before it.
    """
    rewritten = {
        name
        for name, module in sys.modules.items()
        if name.partition(".")[0] == "hermetic"
        and type(getattr(module, "__loader__", None)).__name__ == "AssertionRewritingHook"
    }
    # What the package itself loads is there before the plugin.
    before = {"hermetic", "hermetic._version", "hermetic.foundation", "hermetic.foundation.lazy"}
    assert rewritten <= before | {"hermetic._pytest", "hermetic._pytest.unrewritten"}
    assert any(name.startswith("hermetic.guard.") for name in sys.modules)


def test_other_packages_stay_marked_and_odd_finders_are_left_alone(monkeypatch):
    """
    A finder without the lists, or with something else in their place, is nobody's hook.
    """

    class Hook:
        def __init__(self, marked, cache):
            self._must_rewrite, self._marked_for_rewrite_cache = marked, cache

    hook, odd = Hook({"hermetic", "hermetic.cli", "hermetically"}, {"hermetic.cli": True}), Hook(None, [1])
    monkeypatch.setattr(sys, "meta_path", [hook, odd, object()])
    leave_unrewritten()

    assert (hook._must_rewrite, hook._marked_for_rewrite_cache) == ({"hermetically"}, {})
    assert odd._marked_for_rewrite_cache == [1]
