"""
What tests say themselves: for plain and asynchronous ones alike, with signatures and exceptions intact.
"""

from __future__ import annotations

import asyncio
import inspect

import pytest
from hermetic import (
    DeadlineExceeded,
    DiagnosticContext,
    assert_with_context,
    monitor_async_operations,
    track_service_state,
    with_diagnostics,
)
from hermetic.foundation import ListSink
from hermetic.foundation.stream import stream
from hermetic.record.events import Checkpoint, OperationBegan, OperationEnded, StateChanged


@pytest.fixture
def heard():
    sink = ListSink()
    disconnect = stream.connect(sink)
    yield sink.events
    disconnect()


async def test_contexts_nest_also_into_tasks_and_tell_how_they_ended(heard):
    """
    Plain and asynchronous ones alike: names behind one another, checkpoints with their data, outcomes.
    """

    async def pay():
        with DiagnosticContext("payment") as payment:
            payment.checkpoint("asked", price=3)

    async with DiagnosticContext("checkout"):
        await asyncio.create_task(pay())

    assert [event.name for event in heard if isinstance(event, OperationBegan)] == ["checkout", "checkout / payment"]
    assert [(e.name, e.context, e.data) for e in heard if isinstance(e, Checkpoint)] == [
        ("asked", "checkout / payment", {"price": 3})
    ]
    assert [(e.name, e.outcome) for e in heard if isinstance(e, OperationEnded)] == [
        ("checkout / payment", "succeeded"),
        ("checkout", "succeeded"),
    ]


def test_an_exception_passes_through_with_the_last_checkpoints_noted(heard):
    """
    The same object leaves, and says how far the test had come.
    """
    error = ValueError("no")
    with pytest.raises(ValueError, match="no") as caught, DiagnosticContext("checkout") as context:
        context.checkpoint("asked", price=3)
        raise error

    assert caught.value is error
    assert error.__notes__[0].endswith("last checkpoints: asked {'price': 3}")
    assert [event.outcome for event in heard if isinstance(event, OperationEnded)] == ["failed"]


def test_a_decorated_test_keeps_its_signature_and_its_kind(heard):
    """
    Pytest sees the same parameters, and a coroutine function stays one.
    """

    def plain(tmp_path, *, n=1):
        return n

    async def asynchronous(tmp_path):
        return tmp_path

    assert inspect.signature(with_diagnostics(plain)) == inspect.signature(plain)
    assert inspect.iscoroutinefunction(with_diagnostics(asynchronous))
    assert (with_diagnostics(plain)(0, n=5), asyncio.run(with_diagnostics(asynchronous)(7))) == (5, 7)
    assert [e.name for e in heard if isinstance(e, OperationEnded)] == ["plain", "asynchronous"]


async def test_operations_past_their_limit_are_told_with_the_line_that_waited(heard):
    """
    The error is the deadline's own; the journal says that the time was over.
    """
    with pytest.raises(DeadlineExceeded):
        async with monitor_async_operations("wait", timeout=0.01):
            await asyncio.Event().wait()
    async with monitor_async_operations("quick", timeout=60):
        pass

    assert [(e.name, e.outcome) for e in heard if isinstance(e, OperationEnded)] == [
        ("wait", "timed out"),
        ("quick", "succeeded"),
    ]


def test_state_of_a_service_that_changed_is_told_also_when_the_block_raises(heard):
    """
    Containers that changed in place count, and so does an attribute that is not there any more.
    """

    class Service:
        def __init__(self):
            self.queue = []
            self.open = True
            self.gone = 1

    service = Service()
    with pytest.raises(KeyError), track_service_state(service, ["queue", "open", "gone"]) as changed:
        service.queue.append(1)
        del service.gone
        raise KeyError("x")

    assert changed == {"queue": ("[]", "[1]"), "gone": ("1", "<AttributeError>")}
    assert [(e.service, e.attribute) for e in heard if isinstance(e, StateChanged)] == [
        ("Service", "queue"),
        ("Service", "gone"),
    ]


def test_an_assertion_with_context_compares_readably_and_formats_nothing_when_it_holds():
    """
    One line each for short values, a difference for long ones, and a broken repr hides nothing.
    """

    class Broken:
        def __repr__(self):
            raise RuntimeError

    assert_with_context(condition=True, message="fine", expected=Broken(), actual=Broken())
    with pytest.raises(AssertionError) as short:
        assert_with_context(condition=False, message="the price", expected=3, actual=4, shop=Broken())
    with pytest.raises(AssertionError) as long:
        assert_with_context(False, "the list", expected=list(range(100, 160)), actual=list(range(100, 161)))  # noqa: FBT003 - as users write it

    assert str(short.value).splitlines() == [
        *("the price", "  expected: 3", "  actual:   4"),
        "  shop = <Broken whose repr raised RuntimeError>",
    ]
    assert "expected (-) and actual (+):" in str(long.value)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"expected": 3}, ["  expected: 3"]),
        ({"actual": 4}, ["  actual:   4"]),
        ({}, []),
        (
            {"expected": [1, 2], "actual": [1, 2, 3]},
            ["  expected: [1, 2]", "  actual:   [1, 2, 3]", "  lengths:  2 → 3"],
        ),
        ({"expected": "abc", "actual": "abz"}, ["  expected: 'abc'", "  actual:   'abz'", "  differs from [2] on"]),
        (
            {"expected": {"a": 1, "b": 2}, "actual": {"b": 3, "c": 4}},
            [
                *("  expected: {'a': 1, 'b': 2}", "  actual:   {'b': 3, 'c': 4}"),
                *("  differs:  'b': 2 → 3", "  missing:  'a'", "  too much: 'c'"),
            ],
        ),
    ],
)
def test_what_is_given_is_compared_as_what_it_is(given, told):
    """
    By key, by place or by length; one value alone is shown as the one that it is.
    """
    with pytest.raises(AssertionError) as failed:
        assert_with_context(condition=False, message="the price", **given)

    assert str(failed.value).splitlines() == ["the price", *told]


def test_a_checkpoint_with_a_broken_repr_does_not_take_the_errors_place():
    """
    The test's own failure is told, with what can be told of its checkpoints.
    """

    class Broken:
        def __repr__(self):
            raise ValueError("no")

    with pytest.raises(ZeroDivisionError) as caught, DiagnosticContext("order") as context:
        context.checkpoint("paid", by=Broken(), amount=3)
        _ = 1 / 0

    [note] = caught.value.__notes__
    assert "Broken" in note
    assert "its repr raised ValueError>, 'amount': 3}" in note
