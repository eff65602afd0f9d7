"""
What no set of answers can do to a vote.
"""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st
from ip_monitor.domain.addresses import Family
from ip_monitor.domain.answers import Answer, Failure, FailureKind, Source, Transport
from ip_monitor.domain.ballots import Electorate, tally
from ip_monitor.domain.verdicts import VerdictKind

AT = datetime(2026, 1, 1, tzinfo=UTC)
TRUTH, OLD, *LIES = (ipaddress.ip_address(f"93.184.216.{n}") for n in range(1, 7))
WEIGHTS = st.sampled_from([0.1, 0.2, 0.25, 0.3, 0.5, 0.7, 1.0, 1.5, 3.0])
REPLIES = st.one_of(st.none(), st.sampled_from([OLD, *LIES]), st.sampled_from(FailureKind))


def answer(source, reply):
    if isinstance(reply, FailureKind):
        return Answer(source=source, at=AT, latency_s=0, failure=Failure(kind=reply, detail="x"))
    return Answer(source=source, at=AT, latency_s=0, address=reply)


@st.composite
def panels(draw, *, least_honest=2):
    """
    Honest operators of more than half of the weight, and others that do as they like, in any order.
    """
    honest = draw(st.lists(WEIGHTS, min_size=least_honest, max_size=6))
    others = draw(st.lists(st.tuples(WEIGHTS, REPLIES), max_size=6))
    kept = []
    for weight, reply in others:
        if sum(w for w, _ in kept) + weight < sum(honest) - 1e-6:
            kept.append((weight, reply))
    sources, answers = [], []
    for number, (weight, reply) in enumerate([*((w, TRUTH) for w in honest), *kept]):
        transport = Transport.HTTPS if number == 0 else draw(st.sampled_from([Transport.HTTPS, Transport.STUN]))
        source = Source(name=f"s{number}", operator=f"o{number}", family=Family.V4, weight=weight, transport=transport)
        sources.append(source)
        if reply is not None:
            answers.append(answer(source, reply))
    return sources, draw(st.permutations(answers))


@given(panels(), st.sampled_from([None, OLD, TRUTH]))
def test_less_than_half_of_the_weight_decides_nothing(panel, previous):
    """
    Whatever the others say, the verdict names the address that the honest majority sees.
    """
    sources, answers = panel

    verdict = tally(answers, Electorate.of(sources, Family.V4), previous, at=AT).verdict

    expected = (
        VerdictKind.FIRST if previous is None else VerdictKind.STABLE if previous == TRUTH else VerdictKind.CHANGED
    )
    assert (expected, TRUTH) == (verdict.kind, verdict.address)


@given(
    st.lists(
        st.tuples(WEIGHTS, st.one_of(st.none(), st.sampled_from([TRUTH, OLD, *LIES]), st.sampled_from(FailureKind)))
    )
)
def test_a_new_address_always_has_two_operators_and_more_than_half_of_all_weight(replies):
    """
    For any answers at all.
    """
    sources = [Source(name=f"s{n}", operator=f"o{n}", family=Family.V4, weight=w) for n, (w, _) in enumerate(replies)]
    answers = [answer(s, reply) for s, (_, reply) in zip(sources, replies, strict=True) if reply is not None]

    verdict = tally(answers, Electorate.of(sources, Family.V4), OLD, at=AT).verdict

    if verdict.kind.is_new:
        behind = [weight for weight, reply in replies if reply == verdict.address]
        assert len(behind) >= 2
        assert 2 * sum(behind) > sum(weight for weight, _ in replies)
    if verdict.kind is VerdictKind.STABLE:
        assert verdict.address == OLD


@given(panels(least_honest=1), st.randoms(use_true_random=False))
def test_the_order_of_answers_means_nothing(panel, rng):
    """
    The same answers in any order give the same verdict and the same votes.
    """
    sources, answers = panel
    shuffled = list(answers)
    rng.shuffle(shuffled)
    electorate = Electorate.of(sources, Family.V4)

    one, other = (tally(order, electorate, OLD, at=AT) for order in (answers, shuffled))

    assert (one.verdict, one.votes) == (other.verdict, other.votes)


@given(st.lists(st.tuples(WEIGHTS, st.one_of(st.none(), st.sampled_from(FailureKind)))))
def test_silence_and_failure_are_never_an_address(replies):
    """
    Whoever is silent, and however: no address, no change.
    """
    sources = [Source(name=f"s{n}", operator=f"o{n}", family=Family.V4, weight=w) for n, (w, _) in enumerate(replies)]
    answers = [answer(s, reply) for s, (_, reply) in zip(sources, replies, strict=True) if reply is not None]

    verdict = tally(answers, Electorate.of(sources, Family.V4), OLD, at=AT).verdict

    assert verdict.kind in {VerdictKind.OFFLINE, VerdictKind.CAPTIVE}
    assert verdict.address is None
