"""
Which line is blamed, from stacks that were seen.
"""

from __future__ import annotations

import sys

from hermetic.guard.blocking.blame import blame, expression_at
from hermetic.guard.census.site import Reader


def stack_of(callback):
    """
    The stack at the first call of `callback`'s argument, as the watcher would have seen it.
    """
    seen = []

    def look():
        frame = sys._getframe(1)
        pairs = []
        while frame.f_code is not stack_of.__code__:
            pairs.append((frame.f_code, frame.f_lasti))
            frame = frame.f_back
        seen.append((tuple(pairs), False))
        return 0

    callback(look)
    return seen


def weighed(callback, *weights):
    return list(zip(stack_of(callback), weights, strict=True))


def test_the_innermost_function_that_took_half_of_the_time_is_blamed():
    """
    The line that called it is on the stack, the line that took the time is named.
    """

    def inner(look):
        look()

    def callback(look):
        inner(look)

    found = blame(weighed(callback, 1.0), Reader())

    assert found.code is inner.__code__
    assert found.line == inner.__code__.co_firstlineno + 1
    assert found.expression == "look()"
    assert not found.is_spread


def test_time_spread_over_many_functions_is_blamed_on_the_one_that_called_them():
    """
    None of them made up half of the time.
    """

    def first(look):
        look()

    def second(look):
        look()

    def third(look):
        look()

    def callback(look):
        for step in (first, second, third):
            step(look)

    found = blame(weighed(callback, 1.0, 1.0, 1.0), Reader())

    assert found.code is callback.__code__
    assert found.expression == "step(look)"


def test_time_spread_over_lines_of_one_function_has_one_cause():
    """
    Holds of one loop are one finding, whichever of its lines was seen most.
    """

    def callback(look):
        look()
        look()

    first = blame(weighed(callback, 1.0, 2.0), Reader())
    second = blame(weighed(callback, 2.0, 1.0), Reader())

    assert first.is_spread
    assert first.line == second.line + 1
    assert first.key == second.key


def test_a_look_that_came_too_late_does_not_outweigh_one_at_the_users_code():
    """
    Kept out by C code, the watcher may see the loop's own frames afterwards.
    """

    def callback(look):
        look()

    import sched

    late = (((sched.scheduler.run.__code__, 0),), False)
    found = blame([*weighed(callback, 0.1), (late, 5.0)], Reader())

    assert found.code is callback.__code__


def test_a_library_is_blamed_where_the_user_has_no_frame():
    """
    A library's own task holds the loop as well.
    """
    import sched

    late = (((sched.scheduler.run.__code__, 0),), False)

    assert blame([(late, 1.0)], Reader()).code is sched.scheduler.run.__code__


def test_nothing_seen_blames_nothing():
    """
    Without a stack there is no line, and none is made up.
    """
    assert blame([], Reader()) is None


def test_the_expression_is_the_call_alone_when_source_and_columns_are_known():
    """
    Columns count bytes, so text before the call may be any.
    """
    text = 'x = "é"; result = call(1, "é") + 2\n'
    code = compile(text, "somewhere.py", "exec")
    calls = [
        offset * 2
        for offset, (_, _, start, end) in enumerate(code.co_positions())
        if start is not None and text.encode()[start:end].decode() == 'call(1, "é")'
    ]

    assert expression_at(code, calls[0], getline=lambda _file, _line: text) == 'call(1, "é")'
    assert expression_at(code, calls[0], getline=lambda _file, _line: "") == ""
