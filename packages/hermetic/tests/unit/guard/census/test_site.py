"""
Whose code a frame runs: the project's, or somebody else's.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import hermetic
import pytest
from hermetic.guard.census.site import Reader

BESIDE_THE_INTERPRETER = str(Path(sys.executable).with_name("pytest"))


@pytest.mark.parametrize(
    "file", [os.__file__, asyncio.__file__, pytest.__file__, hermetic.__file__, "<string>", BESIDE_THE_INTERPRETER]
)
def test_what_the_project_did_not_write_is_not_its_own(file):
    """
    The standard library, installed packages, Hermetic, and the program that starts pytest.
    """
    assert not Reader().is_users(file)


def test_a_file_of_the_project_is_its_own():
    """
    Such as this one.
    """
    assert Reader().is_users(__file__)


def test_an_interpreter_without_a_name_makes_no_file_foreign(monkeypatch):
    """
    An embedded one has none.
    """
    monkeypatch.setattr(sys, "executable", "")

    assert Reader().is_users(__file__)
