"""
How a source's answers become a score.
"""

from __future__ import annotations

import ipaddress
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from ip_monitor.domain.addresses import Family
from ip_monitor.domain.answers import Answer, Failure, FailureKind, Source
from ip_monitor.domain.ballots import Electorate, tally
from ip_monitor.domain.performance import Performance, wilson_lower

AT = datetime(2026, 1, 2, tzinfo=UTC)
TRUE, LIE = ipaddress.ip_address("93.184.216.34"), ipaddress.ip_address("93.184.216.35")
SOURCE, OTHER = (Source(name=name, operator=name, family=Family.V4) for name in "ab")


def says(address=TRUE, *, latency_s=1.0, source=SOURCE):
    return Answer(source=source, at=AT, latency_s=latency_s, address=address)


def fails(kind=FailureKind.TIMEOUT, detail="late"):
    return Answer(source=SOURCE, at=AT, latency_s=1.0, failure=Failure(kind=kind, detail=detail))


def decided():
    return tally([says(), says(source=OTHER)], Electorate.of([SOURCE, OTHER], Family.V4), TRUE, at=AT).verdict


def of(*records):
    performance = Performance()
    for answer, verdict in records:
        performance.record(answer, verdict)
    return performance.statistics()


def test_a_source_that_was_never_asked_has_no_score():
    """
    And no shares, no latencies and no error.
    """
    empty = of()

    assert (empty.asked, empty.score, empty.last_error) == (0, 0.0, "")
    assert (empty.success_share, empty.agreement_share, empty.latency_p50_s) == (None, None, None)


@pytest.mark.parametrize("tries", [1, 3, 6, 14])
def test_a_source_that_never_answered_has_no_score_at_all(tries):
    """
    Exactly 0, whatever rounding leaves of the lower bound of its successes, so that none of them leads another.
    """
    assert of(*[(fails(), None)] * tries).score == 0.0


def test_the_score_is_the_product_of_success_agreement_and_speed():
    """
    Three of four that answer agree, of five that were asked; the middle latency is one second.
    """
    verdict = decided()
    found = of(*[(says(), verdict)] * 3, (says(LIE), verdict), (fails(), verdict))

    assert (found.asked, found.successes, found.agreements, found.lies) == (5, 4, 3, 1)
    assert (found.success_share, found.agreement_share) == (0.8, 0.75)
    assert found.last_error == "late"
    assert found.score == pytest.approx(100 * wilson_lower(4, 5) * 0.75 * 0.5)


def test_without_a_decisive_verdict_nothing_is_compared():
    """
    An address that nobody else can vouch for is neither agreement nor lie, and costs no score.
    """
    undecided = replace(decided(), is_decisive=False)
    found = of((says(), None), (says(LIE), undecided))

    assert (found.agreements, found.lies, found.agreement_share) == (0, 0, None)
    assert found.score == pytest.approx(100 * wilson_lower(2, 2) * 0.5)


def test_who_was_not_asked_has_not_failed():
    """
    A breaker that is open says nothing about the source.
    """
    assert of((fails(FailureKind.NOT_ASKED), None)).asked == 0


def test_latencies_are_the_nearest_ranks_of_the_last_two_hundred():
    """
    The median of an even number is its lower middle; what is older is forgotten.
    """
    found = of(*[(says(latency_s=float(n)), None) for n in range(1, 11)])
    many = of((says(latency_s=1000.0), None), *[(says(latency_s=float(n)), None) for n in range(1, 201)])

    assert (found.latency_p50_s, found.latency_p95_s) == (5.0, 10.0)
    assert (many.latency_p50_s, many.latency_p95_s) == (100.0, 190.0)


@pytest.mark.parametrize(
    ("successes", "tries", "bound"), [(0, 0, 0.0), (0, 10, 0.0), (10, 10, 0.72247), (5, 10, 0.23659), (1, 1, 0.20655)]
)
def test_the_wilson_bound_is_the_published_one(successes, tries, bound):
    """
    Source: E. B. Wilson (1927); the values of 5 of 10 and 10 of 10 as in A. Agresti, B. Coull, The American Statistician 52 (1998).
    """
    assert wilson_lower(successes, tries) == pytest.approx(bound, abs=5e-6)
