"""
The plugin's own modules are loaded past the other finders, and nobody notices afterwards.
"""

from __future__ import annotations

import gc
import importlib
import sys
import zipfile

import pytest
from hermetic._pytest.hooks import Hooks
from hermetic._pytest.loading import loading


class _Asked:
    def __init__(self):
        self.names = []

    def find_spec(self, name, path=None, target=None):
        self.names.append(name)


@pytest.fixture
def asked(monkeypatch):
    """
    A finder before all others, as pytest's import hook is.
    """
    asked = _Asked()
    monkeypatch.setattr(sys, "meta_path", [asked, *sys.meta_path])
    return asked


def _forget(monkeypatch, name):
    parent, _, child = name.rpartition(".")
    module = importlib.import_module(name)
    monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys.modules[parent], child, module)
    return module


def test_no_finder_is_asked_about_a_module_of_the_package_while_it_loads(asked, monkeypatch):
    """
    Modules and packages come from where the package lies, with the file, the loader and the bytecode that they always have.
    """
    before = [_forget(monkeypatch, name) for name in ("hermetic.guard.late", "hermetic.guard.strain")]
    asked.names.clear()
    with loading():
        after = [importlib.import_module(one.__name__) for one in before]

    assert [name for name in asked.names if name.startswith("hermetic")] == []
    for one, other in zip(before, after, strict=True):
        assert one is not other
        assert (one.__file__, one.__cached__, one.__path__ if hasattr(one, "__path__") else None) == (
            other.__file__,
            other.__cached__,
            other.__path__ if hasattr(other, "__path__") else None,
        )
        assert type(one.__loader__) is type(other.__loader__)


def test_modules_of_others_and_those_that_do_not_exist_are_left_to_the_other_finders(asked, monkeypatch):
    """
    The plugin must not answer for what is not its own.
    """
    _forget(monkeypatch, "json.tool")
    asked.names.clear()
    with loading():
        importlib.import_module("json.tool")
        with pytest.raises(ModuleNotFoundError):
            importlib.import_module("hermetic.nowhere")

    assert asked.names == ["json.tool", "hermetic.nowhere"]


def test_a_package_in_an_archive_is_found_there(asked, monkeypatch, tmp_path):
    """
    Where there is no folder to list, the way of the interpreter is taken.
    """
    archive = tmp_path / "code.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("hermetic/extra_of_test.py", "found = True")
    with monkeypatch.context() as only_here:
        only_here.setattr("hermetic.__path__", [f"{archive}/hermetic"])
        with loading():
            module = importlib.import_module("hermetic.extra_of_test")
    monkeypatch.delitem(sys.modules, "hermetic.extra_of_test")
    monkeypatch.delattr("hermetic.extra_of_test")

    assert module.found
    assert "hermetic.extra_of_test" not in asked.names


def test_finders_and_the_collector_are_afterwards_as_they_were(monkeypatch):
    """
    Also when loading fails, when the list of finders was replaced, and when the collector was off.
    """
    finders = [*sys.meta_path]
    with pytest.raises(ZeroDivisionError), loading():
        assert not gc.isenabled()
        raise ZeroDivisionError
    assert (sys.meta_path, gc.isenabled()) == (finders, True)

    gc.disable()
    try:
        with loading():
            monkeypatch.setattr(sys, "meta_path", finders)
        assert (sys.meta_path, gc.isenabled()) == (finders, False)
    finally:
        gc.enable()


def test_pytest_sees_the_hooks_of_a_plugin_object_and_nothing_else():
    """
    Each other name would be looked at for hooks and fixtures, at every start.
    """

    class Plugin(Hooks):
        def __init__(self):
            self.value = 1

        def pytest_sessionstart(self):
            pass

        def help_out(self):
            pass

    assert dir(Plugin()) == ["pytest_sessionstart"]
