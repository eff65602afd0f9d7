"""
Rate limits count as they say, and tell the client what is true.
"""

from __future__ import annotations

import calendar
from email.utils import parsedate_to_datetime

import pytest
from hermetic.world.http import rate_limits as limits
from hermetic.world.http.bounds import BoundsError
from hermetic.world.http.limit_headers import STYLES, headers_of, http_date, retry_after
from hermetic.world.http.rate_limits import Instant, RateLimiter

EPOCH = 1_700_000_000.0


def at(seconds: float) -> Instant:
    return Instant(100.0 + seconds, EPOCH + seconds)


def allowed(limiter: RateLimiter, *moments: float, key: str = "a") -> str:
    return "".join("y" if limiter.take(key, at(moment)).is_allowed else "n" for moment in moments)


def test_a_fixed_window_forgets_all_at_once():
    """
    Three in ten seconds; at the window's end three more, so twice the quota can pass around the border.
    """
    limiter = RateLimiter(limits.fixed_window(3, 10))

    assert f"{allowed(limiter, 0, 9, 9.5, 9.9)} {allowed(limiter, 10, 10, 10, 10)}" == "yyyn yyyn"


def test_an_aligned_window_follows_the_clock_on_the_wall():
    """
    EPOCH is 20 seconds past a whole minute: an aligned minute ends after 40 seconds.
    """
    limiter = RateLimiter(limits.fixed_window(1, 60, aligned=True))

    assert EPOCH % 60 == 20
    assert allowed(limiter, 0, 1, 39.9, 40) == "ynny"


def test_a_sliding_window_never_lets_more_through_in_any_stretch():
    """
    Each request is forgotten ten seconds after it was made, and no sooner.
    """
    limiter = RateLimiter(limits.sliding_window(3, 10))

    assert f"{allowed(limiter, 0, 9, 9.5, 9.9)} {allowed(limiter, 9.99, 10, 19, 19.1)}" == "yyyn nyyn"


def test_a_token_bucket_gives_a_burst_and_then_its_rate():
    """
    Five at once, then two a second.
    """
    limiter = RateLimiter(limits.token_bucket(2, burst=5))

    assert (
        f"{allowed(limiter, 0, 0, 0, 0, 0, 0)} {allowed(limiter, 0.4, 0.5, 0.6)} {allowed(limiter, 1.0)}"
    ) == "yyyyyn nyn y"


def test_a_bucket_holds_no_more_than_its_burst():
    """
    However long nobody asked.
    """
    limiter = RateLimiter(limits.token_bucket(2, burst=3))

    assert allowed(limiter, 1000, 1000, 1000, 1000) == "yyyn"


@pytest.mark.parametrize(
    "period, until",
    [
        ("minute", (2023, 11, 14, 22, 14, 0)),
        ("hour", (2023, 11, 14, 23, 0, 0)),
        ("day", (2023, 11, 15, 0, 0, 0)),
        ("month", (2023, 12, 1, 0, 0, 0)),
    ],
)
def test_a_quota_is_renewed_when_the_calendar_turns(period, until):
    """
    In UTC; EPOCH is 2023-11-14 22:13:20.
    """
    limiter = RateLimiter(limits.quota(1, period))
    left = calendar.timegm(until) - EPOCH
    limiter.take("a", at(0))
    refused = limiter.take("a", at(1))

    assert not refused.is_allowed
    assert left - 1 == refused.retry_after_s
    assert allowed(limiter, left - 0.5, left) == "ny"


@pytest.mark.parametrize("year, month", [(1970, 1), (1999, 12), (2000, 2), (2024, 2), (2100, 2), (2023, 12)])
def test_months_end_where_the_calendar_ends_them(year, month):
    """
    Leap years, centuries and the turn of the year.
    """
    following = (year + 1, 1) if month == 12 else (year, month + 1)
    start, end = calendar.timegm((year, month, 1, 0, 0, 0)), calendar.timegm((*following, 1, 0, 0, 0))
    meter = limits.quota(1, "month").meter()

    assert end - start == meter.look(Instant(0.0, float(start))).reset_s


def test_keys_are_counted_apart():
    """
    One client's requests do not use up another's.
    """
    limiter = RateLimiter(limits.fixed_window(1, 10))

    assert f"{allowed(limiter, 0, 0)} {allowed(limiter, 0, key='b')}" == "yn y"


def test_a_request_that_one_limit_refuses_is_counted_by_none():
    """
    Refused by the second's limit, it must not eat up the day's.
    """
    limiter = RateLimiter(limits.fixed_window(1, 1, name="second"), limits.quota(3, "day", name="day"))

    assert f"{allowed(limiter, 0, 0, 0, 1, 1, 1, 2, 2)} {allowed(limiter, 3)}" == "ynnynnyn n"
    assert repr(limiter) == "<RateLimiter second 1/1 s, day 3/86400 s [1 keys, 6 refused]>"


@pytest.mark.parametrize(
    "limit",
    [
        limits.fixed_window(3, 7.5),
        limits.fixed_window(3, 7.5, aligned=True),
        limits.sliding_window(3, 7.5),
        limits.token_bucket(0.7, burst=3),
        limits.quota(3, "minute"),
    ],
    ids=lambda limit: f"{type(limit).__name__}{getattr(limit, 'aligned', '')}",
)
@pytest.mark.parametrize("form", ["seconds", "date"])
def test_a_client_that_waits_as_told_is_allowed(limit, form):
    """
    In either form of Retry-After, read as a client reads it; and no more than a second too late.
    """
    limiter, now = RateLimiter(limit), 0.3
    for _ in range(20):
        allowance = limiter.take("a", at(now))
        if not allowance.is_allowed:
            (name, value), *more = retry_after(allowance.retry_after_s, form=form, epoch_s=at(now).epoch_s)
            told = float(value) if form == "seconds" else parsedate_to_datetime(value).timestamp() - at(now).epoch_s

            assert (name, more) == ("Retry-After", [])
            assert allowance.retry_after_s <= told < allowance.retry_after_s + 1

            now += told

            assert limiter.take("a", at(now)).is_allowed


def test_the_header_fields_of_a_refusal_in_every_style():
    """
    Exactly as the services write them.
    """
    limiter = RateLimiter(limits.token_bucket(0.5, burst=2, name="burst"), limits.quota(100, "day", name="daily"))
    for _ in range(2):
        limiter.take("a", at(0))
    refused = limiter.take("a", at(0.5))
    fields = {style: headers_of(refused, at(0.5), style=style) for style in STYLES}

    assert fields == {
        "ratelimit": [
            ("RateLimit-Policy", '"burst";q=2;w=4, "daily";q=100;w=86400'),
            ("RateLimit", '"burst";r=0;t=4'),
        ],
        "ratelimit-3": [("RateLimit-Limit", "2"), ("RateLimit-Remaining", "0"), ("RateLimit-Reset", "4")],
        "x-ratelimit": [("X-RateLimit-Limit", "2"), ("X-RateLimit-Remaining", "0"), ("X-RateLimit-Reset", "4")],
        "x-epoch": [
            ("X-RateLimit-Limit", "2"),
            ("X-RateLimit-Remaining", "0"),
            ("X-RateLimit-Reset", "1700000004"),
        ],
        "none": [],
    }


def test_an_allowed_reply_tells_the_rest_and_no_retry_after():
    """
    The standing after this request.
    """
    limiter = RateLimiter(limits.fixed_window(10, 60))
    limiter.take("a", at(0))

    assert headers_of(limiter.take("a", at(5)), at(5)) == [
        ("RateLimit-Policy", '"fixed";q=10;w=60'),
        ("RateLimit", '"fixed";r=8;t=55'),
    ]


def test_dates_are_those_of_the_rfc():
    """
    RFC 9110's own example.
    """
    assert http_date(784111777) == "Sun, 06 Nov 1994 08:49:37 GMT"


def test_retry_after_can_be_left_out():
    """
    Some services do.
    """
    assert retry_after(3, form="none", epoch_s=EPOCH) == []


@pytest.mark.parametrize(
    "make, text",
    [
        (lambda: limits.fixed_window(0, 1), r"fixed_window\(quota\) got 0"),
        (lambda: limits.sliding_window(1, 0), r"sliding_window\(window_s\) got 0"),
        (lambda: limits.token_bucket(0, burst=1), r"token_bucket\(rate\) got 0"),
        (lambda: limits.quota(1, "week"), r"quota\(period\) got 'week'"),
        (RateLimiter, r"one limit or more"),
        (lambda: RateLimiter(limits.quota(1), limits.quota(2)), r"limits of different names"),
        (lambda: RateLimiter(limits.quota(1, name='a"b')), r"the name of a limit got 'a\"b'"),
    ],
)
def test_bad_limits_are_refused(make, text):
    """
    By name, with the value and what would be right.
    """
    with pytest.raises(BoundsError, match=text):
        make()
