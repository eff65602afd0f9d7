"""
The factory of isolated resources: what it makes is separate, and goes in order.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
from types import SimpleNamespace

import pytest
from hermetic import CleanupError, FixtureFactory


class Resource:
    def __init__(self, name, log):
        self.name = name
        self.log = log

    def close(self):
        self.log.append(self.name)


class AsyncResource(Resource):
    close = None

    async def aclose(self):
        await asyncio.sleep(0)
        self.log.append(self.name)


def test_what_was_made_last_is_cleaned_up_first():
    """
    A resource may rely on everything made before it until it is closed itself.
    """
    log = []
    with FixtureFactory() as make:
        make.resource(Resource, "first", log)
        make.defer(log.append, "second")
        make.enter(contextlib.closing(Resource("third", log)))

    assert log == ["third", "second", "first"]


async def test_asynchronous_and_ordinary_resources_share_one_order():
    """
    `aclose`, asynchronous context managers, coroutine functions and ordinary ones are cleaned up in one sequence.
    """
    log = []

    @contextlib.asynccontextmanager
    async def manager():
        yield "value"
        log.append("manager")

    async def make_one():
        return AsyncResource("awaited", log)

    async def later():
        log.append("deferred")

    async with FixtureFactory() as make:
        await make.aresource(AsyncResource, "made", log)
        make.resource(Resource, "ordinary", log)
        assert await make.aenter(manager()) == "value"
        await make.aresource(make_one)
        make.defer(later)

    assert log == ["deferred", "awaited", "manager", "ordinary", "made"]


def test_every_clean_up_runs_whatever_the_others_raise():
    """
    The error names each clean-up that failed; its cause holds the exceptions themselves.
    """
    log = []

    def fail():
        raise OSError("stuck")

    make = FixtureFactory()
    make.resource(Resource, "first", log)
    make.defer(fail)
    make.resource(Resource, "last", log)
    with pytest.raises(CleanupError, match=r"1 of a FixtureFactory's clean-ups failed.*fail: OSError: stuck") as caught:
        make.close()

    assert log == ["last", "first"]
    assert isinstance(caught.value.__cause__, ExceptionGroup)


async def test_cancellation_does_not_stop_the_clean_up():
    """
    The clean-up that was running is left, the others run, and the cancellation goes on.
    """
    log = []
    reached = asyncio.Event()

    async def hang():
        reached.set()
        await asyncio.Event().wait()

    async def scene():
        async with FixtureFactory() as make:
            make.resource(Resource, "first", log)
            make.defer(hang)

    task = asyncio.create_task(scene())
    await reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert log == ["first"]


async def test_an_ordinary_end_refuses_what_must_be_awaited_and_keeps_it():
    """
    Nothing is half cleaned up: after the error, `aclose` cleans up everything.
    """
    log = []
    make = FixtureFactory()
    await make.aresource(AsyncResource, "one", log)
    with pytest.raises(RuntimeError, match="cannot await the clean-up of AsyncResource"):
        make.close()

    assert log == []
    await make.aclose()
    assert log == ["one"]


def test_files_directories_and_databases_are_fresh_and_go(tmp_path):
    """
    Two databases do not see one another, and the directory is empty afterwards.
    """
    with FixtureFactory(tmp_path) as make:
        first = make.database("CREATE TABLE prices (name TEXT)")
        second = make.database(name="other.sqlite3")
        make.file("a/b.txt", "text")
        assert make.directory() != make.directory()
        with contextlib.closing(sqlite3.connect(second)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            assert connection.execute("SELECT * FROM sqlite_master").fetchall() == []
        with contextlib.closing(sqlite3.connect(first)) as connection:
            assert connection.execute("SELECT * FROM prices").fetchall() == []

    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_without_a_directory_a_temporary_one_is_made_and_removed():
    """
    Nothing is left of a factory that was given no place.
    """
    with FixtureFactory() as make:
        root = make.file("a.txt").parent
        assert root.is_dir()

    assert not root.exists()


@pytest.mark.parametrize("name", ["../outside", "/etc/passwd"])
def test_a_name_outside_of_its_directory_is_refused(tmp_path, name):
    """
    A factory writes where it was told to and nowhere else.
    """
    with FixtureFactory(tmp_path) as make, pytest.raises(ValueError, match="lies outside"):
        make.file(name)


def test_variables_and_settings_come_back_as_they_were(monkeypatch):
    """
    Set, removed and inherited values are all restored to where they came from.
    """

    class Config:
        timeout = 5

    config, table = Config(), {"rate": 1}
    monkeypatch.setenv("GONE", "there")
    with FixtureFactory() as make:
        make.environment(NEW="1", GONE=None)
        make.settings(config, timeout=1)
        make.settings(Config, timeout=2)
        make.settings(table, rate=9)
        assert ("GONE" in os.environ, os.environ["NEW"], config.timeout, table) == (False, "1", 1, {"rate": 9})

    assert (os.environ["GONE"], "NEW" in os.environ, vars(config), Config.timeout, table) == (
        *("there", False),
        *({}, 5, {"rate": 1}),
    )


def test_a_misspelt_setting_is_refused():
    """
    Setting what does not exist would silently test nothing.
    """
    with FixtureFactory() as make, pytest.raises(AttributeError, match="timeuot"):
        make.settings(SimpleNamespace(timeout=1), timeuot=2)


def test_what_cannot_be_cleaned_up_is_refused_with_the_way_out():
    """
    The error says what the object lacks and what to call instead.
    """
    with FixtureFactory() as make, pytest.raises(TypeError, match=r"a int: it has no close\(\).*defer"):
        make.resource(int)


def test_a_closed_factory_makes_nothing_more():
    """
    A resource made after the end would never be cleaned up.
    """
    make = FixtureFactory()
    make.close()
    make.close()
    with pytest.raises(RuntimeError, match="closed and makes nothing more"):
        make.resource(Resource, "late", [])
