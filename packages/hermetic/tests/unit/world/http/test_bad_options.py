"""
What servers, conditions and limits refuse, before anything runs.
"""

from __future__ import annotations

import pytest
from hermetic.world.http import Limits, MockServer, brown_out, fixed_window, outage, ramp, services, warm_up
from hermetic.world.http.errors import BoundsError, RecordingError


@pytest.mark.parametrize(
    "make, words",
    [
        (lambda: MockServer(5), r"MockServer\(name\) got 5"),
        (lambda: MockServer(host=()), r"MockServer\(host\) got \(\)\. Give an address, or several"),
        (lambda: MockServer(host=("127.0.0.1", 5)), r"MockServer\(host\)"),
        (lambda: MockServer(host=None), r"MockServer\(host\) got None"),
        (lambda: MockServer(port="80"), r"MockServer\(port\) got '80'\. Give a whole number"),
        (lambda: MockServer(tls="yes"), r"MockServer\(tls\) got 'yes'\. Give True, False or an Authority"),
        (lambda: MockServer(seed="x"), r"MockServer\(seed\) got 'x'"),
        (lambda: MockServer(keep_alive_s=-1), r"MockServer\(keep_alive_s\) got -1"),
        (lambda: Limits(head_bytes=0), r"Limits\(head_bytes\) got 0"),
        (lambda: Limits(body_bytes=-1), r"Limits\(body_bytes\) got -1"),
        (lambda: MockServer().delay("1"), "a number of seconds or a distribution"),
        (lambda: MockServer().latency(body=object()), "a number of seconds or a distribution"),
        (lambda: MockServer().shape("outage"), r"shape\(shapes\) got 'outage'"),
        (lambda: MockServer().gate(5), r"gate\(gates\) got 5"),
        (lambda: MockServer().rate_limit(5), "limits such as fixed_window"),
        (lambda: MockServer().rate_limit(fixed_window(1, 1), style="x"), "one of 'ratelimit', 'ratelimit-3'"),
        (lambda: MockServer().rate_limit(fixed_window(1, 1), form="x"), "one of 'seconds', 'date', 'none'"),
        (lambda: MockServer().hold(way="sideways"), "one of 'requests', 'replies', 'both'"),
        (lambda: outage(0, 5, by="moons"), r"outage\(by\) got 'moons'\. Give one of 'time', 'requests'"),
        (lambda: brown_out(0, 5, by="moons"), r"brown_out\(by\)"),
        (lambda: warm_up(5, factor=2, by="moons"), r"warm_up\(by\)"),
        (lambda: ramp(5, factor=2, by="moons"), r"ramp\(by\)"),
        (lambda: services.too_many_requests(-1), r"too_many_requests\(retry_after_s\) got -1"),
        (lambda: services.too_many_requests(style="x"), "one of 'plain', 'ipify'"),
    ],
)
def test_options_that_cannot_be_are_refused_where_they_enter(make, words):
    """
    With the option, its value and what would be right.
    """
    with pytest.raises(BoundsError, match=words):
        make()


def test_a_hold_of_one_client_is_given_as_text():
    """
    And not taken for the set of its letters.
    """
    with MockServer().hold(clients="me") as hold:
        assert hold.clients == {"me"}


def test_recordings_and_replays_that_cannot_be_are_refused(tmp_path):
    """
    A file that is no text, and ways to match that there are not.
    """
    (tmp_path / "noise").write_bytes(b"\xff\xfe")
    (tmp_path / "good").write_text('{"hermetic": "recording", "version": 1, "upstream": "x"}\n')

    with pytest.raises(RecordingError, match="this is not text"):
        MockServer().replay(tmp_path / "noise")
    with pytest.raises(BoundsError, match=r"replay\(by\) got 'colour'"):
        MockServer().replay(tmp_path / "good", by=("colour",))
    with pytest.raises(BoundsError, match=r"replay\(when_used_up\) got 'panic'"):
        MockServer().replay(tmp_path / "good", when_used_up="panic")
