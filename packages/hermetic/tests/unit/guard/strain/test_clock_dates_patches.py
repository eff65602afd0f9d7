"""
A clock that tells another time: in nanoseconds, in classes made of its dates, in modules that imported it by name, and
with waits that are longer.
"""

from __future__ import annotations

import datetime as dt
import importlib.util
import sys
import time

import pytest
from hermetic.guard.strain.clock import StrainedClock
from hermetic.guard.strain.patches import Project
from hermetic.guard.strain.waits import LongWaits

AT = 2_000_000_000.25


@pytest.fixture
def project(tmp_path):
    return Project(tmp_path)


@pytest.fixture
def module(tmp_path, monkeypatch):
    """
    A module of the project that imported functions by name.
    """
    path = tmp_path / "of_the_project.py"
    path.write_text("from time import sleep, time\n")
    spec = importlib.util.spec_from_file_location("of_the_project", path)
    made = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "of_the_project", made)
    spec.loader.exec_module(made)
    return made


def test_nanoseconds_are_those_of_the_same_clock(project):
    """
    Of the wall clock and of both that only go forward.
    """
    with StrainedClock(project=project, at=AT):
        wall = time.time(), time.time_ns() / 1e9
        monotonic = time.monotonic(), time.monotonic_ns() / 1e9
        performance = time.perf_counter(), time.perf_counter_ns() / 1e9

    assert AT <= wall[0] <= wall[1] < AT + 60
    assert monotonic[0] - 1e-6 <= monotonic[1] < monotonic[0] + 60
    assert performance[0] - 1e-6 <= performance[1] < performance[0] + 60


def test_classes_made_of_its_dates_make_themselves(project):
    """
    And what the strained classes make are real dates.
    """
    with StrainedClock(project=project, at=AT):

        class Day(dt.date):
            pass

        class Moment(dt.datetime):
            pass

        made = Day(2026, 1, 2), Moment(2026, 1, 2, 3, tzinfo=dt.UTC)
        kinds = [type(one) for one in made]
        plain = dt.date(2026, 1, 2), dt.datetime(2026, 1, 2, tzinfo=dt.UTC)
        now = dt.datetime.now(dt.UTC), dt.date.today()  # noqa: DTZ011 - without a zone is what is asked here

    assert kinds == [Day, Moment]
    assert (made[0].day, made[1].hour) == (2, 3)
    assert [type(one) for one in plain] == [dt.date, dt.datetime]
    assert now[0].timestamp() == pytest.approx(AT, abs=60)
    assert now[1] == dt.date.fromtimestamp(AT)  # noqa: DTZ012 - as above


def test_what_was_imported_by_name_is_replaced_as_well_and_put_back(project, module):
    """
    In the project's modules, not in others.
    """
    real = module.time
    with StrainedClock(project=project, at=AT):
        told = module.time()

    assert told == pytest.approx(AT, abs=60)
    assert module.time is real is time.time


def test_sleeps_are_as_many_times_longer(project, module):
    """
    Under both names.
    """
    real = time.sleep
    with LongWaits(4, project=project):
        began = time.perf_counter()
        time.sleep(0.005)
        module.sleep(0.005)
        took = time.perf_counter() - began

    assert took >= 0.04
    assert time.sleep is module.sleep is real
