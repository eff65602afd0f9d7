"""
Each assertion of conduct lets the good client pass and names what the bad one did.
"""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hermetic.world.http.bounds import BoundsError
from hermetic.world.http.conduct import Conduct
from hermetic.world.http.errors import ConductError
from hermetic.world.http.limit_headers import http_date

EPOCH = 1_700_000_000.0


def call(at, *, took=0.0, status=200, told=None, client=None, connection=1, outcome="replied", route="GET /ip"):
    request = SimpleNamespace(method="GET", target="/ip", connection=connection, client=client)
    return SimpleNamespace(
        request=request,
        route=route,
        at_s=at,
        ended_s=took,
        last_byte_s=took,
        status=status,
        outcome=outcome,
        retry_after=told,
    )


def conduct(*calls) -> Conduct:
    return Conduct(calls, subject="server 'api'", epoch_s=EPOCH)


@pytest.mark.parametrize("told", ["2", http_date(EPOCH + 12)])
def test_retry_after_is_honoured_by_waiting_as_long_as_it_says(told):
    """
    In seconds or as a date; counted from when the refusal was sent.
    """
    conduct(call(10, took=0.5, status=429, told=told), call(12.5)).assert_honoured_retry_after()


@pytest.mark.parametrize("told, came", [("2", 12.25), (http_date(EPOCH + 12), 11.75)])
def test_coming_again_too_early_does_not_honour_retry_after(told, came):
    """
    The failure says by how much, and marks the request.
    """
    with pytest.raises(ConductError, match=r"0\.250 s too early") as caught:
        conduct(call(10, took=0.5, status=429, told=told), call(came)).assert_honoured_retry_after()

    assert "server 'api': a client did not honour Retry-After" in str(caught.value)
    assert str(caught.value).splitlines()[2].startswith(f">    {came - 10:+.3f} s  GET /ip")


def test_another_client_and_another_route_may_come_at_once():
    """
    Retry-After is told to one client about one route, unless it is meant for the whole server.
    """
    seen = conduct(
        call(0, status=429, told="5", client="a"),
        call(1, client="b"),
        call(1, client="a", route="GET /other"),
    )
    seen.assert_honoured_retry_after()

    with pytest.raises(ConductError, match="did not honour"):
        seen.assert_honoured_retry_after(whole_server=True)


def test_a_request_already_on_its_way_can_be_forgiven():
    """
    Concurrent clients send before they have read the refusal.
    """
    seen = conduct(call(0, status=429, told="5"), call(0.01))

    seen.assert_honoured_retry_after(early_s=0.02)
    with pytest.raises(ConductError):
        seen.assert_honoured_retry_after()


@pytest.mark.parametrize("calls", [[call(0)], [call(0, status=429, told="soon")]])
def test_without_a_retry_after_there_is_nothing_to_honour(calls):
    """
    An assertion that judged nothing would pass for the wrong reason.
    """
    with pytest.raises(ConductError, match="no reply carried a Retry-After that could be read"):
        conduct(*calls).assert_honoured_retry_after()


def failing(*moments):
    return [call(at, took=0.1, status=503) for at in moments]


def test_growing_gaps_are_backing_off():
    """
    1 s, 2 s, 4 s after the end of the failure before; a success begins anew.
    """
    conduct(*failing(0, 1.2, 3.5, 7.7), call(20), *failing(21, 22.2)).assert_backed_off(least_s=1)


def test_equal_gaps_are_not():
    """
    The second retry was due after two seconds.
    """
    with pytest.raises(ConductError, match=r"retry 2 came 1\.000 s after the failure before it, and not 2\.000 s"):
        conduct(*failing(0, 1.1, 2.2)).assert_backed_off(least_s=1)


def test_a_cap_ends_the_growth():
    """
    From then on gaps of the cap are enough.
    """
    conduct(*failing(0, 1.2, 2.4, 3.6)).assert_backed_off(least_s=1, cap_s=1)


@pytest.mark.parametrize("calls", [[], [call(0)], [call(0), call(1)], failing(0)])
def test_without_a_retry_there_is_no_back_off(calls):
    """
    It must have failed and come again.
    """
    with pytest.raises(ConductError, match="no retry to judge"):
        conduct(*calls).assert_backed_off(least_s=1)


def test_bad_expectations_are_refused():
    """
    Before they can judge anything.
    """
    for make in (
        lambda: conduct().assert_backed_off(least_s=-1),
        lambda: conduct().assert_backed_off(least_s=1, growth=0.5),
        lambda: conduct().assert_concurrency_at_most(0),
        lambda: conduct().assert_reused_connections(at_most=0),
    ):
        with pytest.raises(BoundsError):
            make()


def test_concurrency_counts_what_overlaps():
    """
    A request sent the instant another ended does not overlap it; one still in flight does for ever.
    """
    seen = conduct(call(0, took=1), call(0.5, took=1), call(1, took=1), call(9, took=None))

    seen.assert_concurrency_at_most(2)
    assert seen.peak_concurrency() == 2
    with pytest.raises(ConductError, match="2 requests were in flight at once, and not 1 at most"):
        seen.assert_concurrency_at_most(1)


def test_connections_are_reused_or_not():
    """
    Three requests over one connection, over three, and one request that shows nothing.
    """
    conduct(call(0), call(1), call(2)).assert_reused_connections()
    with pytest.raises(ConductError, match="3 requests came over 3 connections, and not 1 at most"):
        conduct(*(call(n, connection=n) for n in range(3))).assert_reused_connections()
    with pytest.raises(ConductError, match="1 requests cannot show"):
        conduct(call(0)).assert_reused_connections()


def test_a_client_that_was_cancelled_is_quiet_since():
    """
    Requests before the moment do not count.
    """
    seen = conduct(call(1), call(2))

    seen.since(2.1).assert_quiet()
    with pytest.raises(ConductError, match="1 requests came when none should"):
        seen.since(2).assert_quiet()


def test_abandoned_requests_are_counted():
    """
    Exactly, at least one, or none.
    """
    seen = conduct(call(0), call(1, outcome="client gone", status=None))

    seen.assert_abandoned()
    seen.assert_abandoned(1)
    for judge in (seen.assert_abandoned_none, lambda: seen.assert_abandoned(2)):
        with pytest.raises(ConductError, match="1 requests were abandoned"):
            judge()
    with pytest.raises(ConductError, match="0 requests were abandoned, and not at least one"):
        conduct(call(0)).assert_abandoned()


def test_conduct_can_be_narrowed_to_a_client_and_by_any_question():
    """
    The subject says whose conduct it is.
    """
    seen = conduct(call(0, client="a"), call(1, client="b"), call(2, client="b", status=500))

    assert repr(seen.of("b")) == "<Conduct of client 'b' of server 'api' [2 calls]>"
    assert len(seen.where(lambda one: one.status == 500).calls) == 1


def test_a_long_timeline_shows_the_calls_around_the_fault():
    """
    And says how many it leaves out.
    """
    calls = [call(float(n), connection=n) for n in range(100)]
    shown = conduct(*calls).timeline([calls[70]]).splitlines()

    assert len(shown) == 21
    assert ">   +70.000 s  GET /ip -> replied, status 200, 0.000 s, connection 70" in shown
    assert shown[-1] == "  … and 80 more"
    assert conduct().timeline() == "  no calls"
