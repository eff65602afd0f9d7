"""
One vote an operator.
"""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime

import pytest
from ip_monitor.domain.addresses import Family
from ip_monitor.domain.answers import Answer, Failure, FailureKind, Source, SourceRefusedError, Transport
from ip_monitor.domain.ballots import Electorate, Rules, prospect, tally
from ip_monitor.domain.verdicts import VerdictKind, overall

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
OLD, NEW, OTHER = (ipaddress.ip_address(text) for text in ("93.184.216.34", "93.184.216.35", "93.184.216.36"))


def source(name, *, operator=None, transport=Transport.HTTPS, weight=1.0, family=Family.V4):
    return Source(name=name, operator=operator or name, family=family, transport=transport, weight=weight)


def says(src, address):
    return Answer(source=src, at=AT, latency_s=0.01, address=address)


def fails(src, kind=FailureKind.TIMEOUT):
    return Answer(source=src, at=AT, latency_s=0.01, failure=Failure(kind=kind, detail=kind.value))


def panel(spec, previous=OLD, *, rules=None, portal_seen=False):
    """
    `spec` maps an operator's name to the address it says, or to None for silence, or to a failure kind.
    """
    sources = {name: source(name) for name in spec}
    answers = [
        says(sources[name], reply) if isinstance(reply, ipaddress.IPv4Address) else fails(sources[name], reply)
        for name, reply in spec.items()
        if reply is not None
    ]
    electorate = Electorate.of(sources.values(), Family.V4)
    return tally(answers, electorate, previous, at=AT, rules=rules, portal_seen=portal_seen).verdict


def test_a_majority_for_the_known_address_is_stable():
    """
    More than half of the weight confirms what is known, whatever a liar says.
    """
    verdict = panel({"a": OLD, "b": OLD, "c": NEW})

    assert (verdict.kind, verdict.address, verdict.is_decisive) == (VerdictKind.STABLE, OLD, True)


def test_a_majority_for_another_address_is_a_change():
    """
    More than half of the weight, at least two operators.
    """
    verdict = panel({"a": NEW, "b": NEW, "c": OLD})

    assert (verdict.kind, verdict.address, verdict.operators) == (VerdictKind.CHANGED, NEW, ("a", "b"))


def test_the_first_known_address_is_first():
    """
    Without a previous address a decision is the first one, not a change.
    """
    assert panel({"a": NEW, "b": NEW, "c": None}, previous=None).kind is VerdictKind.FIRST


def test_the_first_listed_provider_does_not_win_against_four_that_disagree():
    """
    The order of providers means nothing.
    """
    verdict = panel({"a": NEW, "b": OLD, "c": OLD, "d": OLD, "e": OLD})

    assert VerdictKind.STABLE is verdict.kind


def test_silent_operators_count_against_a_change():
    """
    Two of five agree and three are silent: no majority of those enabled, so no change.
    """
    verdict = panel({"a": NEW, "b": NEW, "c": None, "d": None, "e": None})

    assert VerdictKind.DISPUTED is verdict.kind


def test_half_of_the_weight_is_not_more_than_half():
    """
    Two of four is no majority.
    """
    assert panel({"a": NEW, "b": NEW, "c": None, "d": OLD}).kind is VerdictKind.DISPUTED


def test_rounding_never_turns_half_into_a_majority():
    """
    0.1 + 0.2 + 0.3 is more than half of 1.2 in binary fractions, and must not count as more.
    """
    sources = [source("a", weight=0.1), source("b", weight=0.2), source("c", weight=0.3), source("d", weight=0.6)]
    answers = [says(src, NEW) for src in sources[:3]]

    verdict = tally(answers, Electorate.of(sources, Family.V4), OLD, at=AT).verdict

    assert VerdictKind.DISPUTED is verdict.kind


def test_one_operator_alone_never_decides():
    """
    A single operator that holds most of the weight is still one voice.
    """
    sources = [source("big", weight=10), source("small")]

    verdict = tally([says(sources[0], NEW)], Electorate.of(sources, Family.V4), OLD, at=AT).verdict

    assert VerdictKind.DISPUTED is verdict.kind


def test_a_network_with_one_operator_may_say_so():
    """
    `minimum_operators=1` is how a network with one service of its own decides.
    """
    assert panel({"own": NEW}, rules=Rules(minimum_operators=1)).kind is VerdictKind.CHANGED


def test_several_names_of_one_operator_are_one_vote():
    """
    Four host names of one company do not outvote two companies.
    """
    many = [source(f"n{i}", operator="one") for i in range(4)]
    others = [source("b"), source("c")]
    answers = [says(src, NEW) for src in many] + [says(src, OLD) for src in others]

    ballot = tally(answers, Electorate.of(many + others, Family.V4), OLD, at=AT)

    assert VerdictKind.STABLE is ballot.verdict.kind
    assert [vote.operator for vote in ballot.votes] == ["b", "c", "one"]


def test_an_operator_that_contradicts_itself_has_no_vote():
    """
    Two names of one operator with different addresses at equal weight cancel each other.
    """
    one, two = source("n1", operator="one"), source("n2", operator="one")

    ballot = tally([says(one, OLD), says(two, NEW)], Electorate.of([one, two], Family.V4), OLD, at=AT)

    assert ballot.votes[0].address is None
    assert "contradicts itself" in ballot.votes[0].why


def test_an_operators_proof_outweighs_its_single_packet():
    """
    When STUN and HTTPS of one operator differ, the heavier source speaks.
    """
    https, stun = source("h", operator="one"), source("s", operator="one", transport=Transport.STUN, weight=0.5)

    ballot = tally([says(stun, NEW), says(https, OLD)], Electorate.of([https, stun], Family.V4), OLD, at=AT)

    assert ballot.votes[0].address == OLD


def test_unauthenticated_transports_alone_never_decide():
    """
    Plain DNS and STUN may agree as they like: a change needs one operator that proves.
    """
    sources = [source("a", transport=Transport.STUN), source("b", transport=Transport.DNS)]

    verdict = tally([says(src, NEW) for src in sources], Electorate.of(sources, Family.V4), OLD, at=AT).verdict

    assert VerdictKind.DISPUTED is verdict.kind


def test_no_answer_is_never_a_change():
    """
    Total failure is `offline`, and names no address.
    """
    verdict = panel({"a": FailureKind.TIMEOUT, "b": FailureKind.UNREACHABLE, "c": None})

    assert (verdict.kind, verdict.address) == (VerdictKind.OFFLINE, None)


def test_an_empty_electorate_is_offline():
    """
    Nobody to ask is no verdict about the address.
    """
    assert panel({}).kind is VerdictKind.OFFLINE


def test_a_single_voice_for_the_known_address_is_stable_but_not_decisive():
    """
    Nobody contradicts what is known, so it stays; the verdict says how thin the evidence is.
    """
    verdict = panel({"a": OLD, "b": None, "c": None})

    assert (verdict.kind, verdict.is_decisive) == (VerdictKind.STABLE, False)


def test_a_single_voice_for_a_first_address_is_disputed():
    """
    One operator is not enough to know an address for the first time.
    """
    assert panel({"a": NEW, "b": None, "c": None}, previous=None).kind is VerdictKind.DISPUTED


@pytest.mark.parametrize("kind", [FailureKind.MARKUP, FailureKind.REDIRECT])
def test_pages_and_redirects_of_two_operators_are_a_captive_portal(kind):
    """
    One operator's page is its own trouble; two at once are something in between.
    """
    assert panel({"a": kind, "b": kind, "c": FailureKind.TIMEOUT}).kind is VerdictKind.CAPTIVE
    assert panel({"a": kind, "b": None, "c": FailureKind.TIMEOUT}).kind is VerdictKind.OFFLINE


def test_a_portal_probe_alone_makes_silence_captive():
    """
    Behind a portal TLS fails everywhere; the plain probe tells why.
    """
    assert panel({"a": FailureKind.TLS, "b": FailureKind.TLS}, portal_seen=True).kind is VerdictKind.CAPTIVE


def test_several_addresses_each_with_two_operators_are_several_ways_out():
    """
    Half of the operators see one address, half another: the network has several exits, and nothing is announced.
    """
    verdict = panel({"a": OLD, "b": OLD, "c": NEW, "d": NEW})

    assert (verdict.kind, verdict.address) == (VerdictKind.MULTI_EGRESS, None)
    assert {OLD, NEW} == set(verdict.addresses)


def test_a_lone_dissenter_makes_it_disputed_not_several_ways_out():
    """
    An address that a single operator claims may be a lie.
    """
    assert panel({"a": OLD, "b": OLD, "c": NEW, "d": NEW, "e": OTHER}).kind is VerdictKind.DISPUTED


def test_a_dispute_names_who_said_what():
    """
    The reason holds every address with its operators, and what stays.
    """
    verdict = panel({"a": NEW, "b": OTHER, "c": None})

    assert f"{NEW} (a)" in verdict.reason
    assert f"{OLD} stays" in verdict.reason


def test_answers_from_outside_the_electorate_do_not_count():
    """
    A source that was disabled while the panel ran, or one of weight 0, has no vote.
    """
    inside = [source("a"), source("b"), source("c")]
    outside = [source("x"), source("y", weight=0)]
    answers = [says(src, OLD) for src in inside] + [says(src, NEW) for src in outside]

    ballot = tally(answers, Electorate.of([*inside, outside[1]], Family.V4), OLD, at=AT)

    assert [vote.operator for vote in ballot.votes] == ["a", "b", "c"]
    assert len(ballot.answers) == 5


def test_the_other_family_does_not_vote():
    """
    Families are decided apart: an IPv4 failure is no change to IPv6.
    """
    v4 = [source("a"), source("b")]
    v6 = [source("a6", operator="a", family=Family.V6), source("b6", operator="b", family=Family.V6)]
    address = ipaddress.ip_address("2606:4700::1111")
    answers = [fails(src) for src in v4] + [says(src, address) for src in v6]

    verdict = tally(answers, Electorate.of(v4 + v6, Family.V4), OLD, at=AT).verdict

    assert VerdictKind.OFFLINE is verdict.kind


@pytest.mark.parametrize("weight", [-1, 101, float("nan"), float("inf")])
def test_a_weight_out_of_range_is_refused(weight):
    """
    A weight that would break the arithmetic of the vote never gets in.
    """
    with pytest.raises(SourceRefusedError, match="weight"):
        source("a", weight=weight)


def test_an_answer_needs_either_an_address_or_a_failure():
    """
    There is no third state, and no address of the wrong family.
    """
    with pytest.raises(ValueError, match="either"):
        Answer(source=source("a"), at=AT, latency_s=0)
    with pytest.raises(ValueError, match="IPv4"):
        says(source("a"), ipaddress.ip_address("2606:4700::1111"))


def test_evidence_is_capped():
    """
    Raw replies are kept to 4 KiB.
    """
    answer = Answer(source=source("a"), at=AT, latency_s=0, address=OLD, raw=b"x" * 10_000)

    assert len(answer.raw) == 4096


def test_the_kind_of_a_check_hides_no_dispute_and_no_known_address():
    """
    A family without a connection does not hide the other; a dispute is never hidden.
    """
    assert overall([VerdictKind.OFFLINE, VerdictKind.STABLE]) is VerdictKind.STABLE
    assert overall([VerdictKind.CHANGED, VerdictKind.DISPUTED]) is VerdictKind.DISPUTED
    assert overall([]) is VerdictKind.OFFLINE


SIX, ROTATED, MOVED = (
    ipaddress.ip_address(text) for text in ("2a02:2f0f:1:2::a", "2a02:2f0f:1:2:8d3c::b", "2a02:2f0f:1:3::a")
)


def panel_v6(spec, previous):
    sources = {name: source(name, family=Family.V6) for name in spec}
    answers = [says(sources[name], address) for name, address in spec.items()]
    return tally(answers, Electorate.of(sources.values(), Family.V6), previous, at=AT).verdict


def test_a_rotated_host_part_is_no_change():
    """
    The prefix votes; the verdict names the address that was seen, so that the host part can be noted.
    """
    verdict = panel_v6(dict.fromkeys("abc", ROTATED), SIX)

    assert (verdict.kind, verdict.address, verdict.is_decisive) == (VerdictKind.STABLE, ROTATED, True)


def test_two_host_parts_of_one_prefix_agree():
    """
    A machine may send from several at once; the one known before stands for a camp that is split evenly.
    """
    verdict = panel_v6({"a": SIX, "b": ROTATED}, ROTATED)

    assert (verdict.kind, verdict.address, verdict.operators) == (VerdictKind.STABLE, ROTATED, ("a", "b"))


def test_another_prefix_is_a_change():
    """
    Also where the host part is the same.
    """
    assert panel_v6(dict.fromkeys("abc", MOVED), SIX).kind is VerdictKind.CHANGED


def test_a_ballot_is_decided_when_nothing_to_come_could_change_it():
    """
    Three of five; before that those under way are within reach of a decision or not.
    """
    sources = {name: source(name) for name in "abcde"}
    electorate = Electorate.of(sources.values(), Family.V4)

    def after(told, under_way):
        found = prospect([says(sources[name], address) for name, address in told.items()], electorate, under_way)
        return found.is_decided, found.is_within_reach

    assert after({}, "abc") == (False, True)
    assert after({}, "ab") == (False, False)
    assert after({"a": NEW, "b": OLD}, "c") == (False, False)
    assert after({"a": NEW, "b": OLD}, "cd") == (False, True)
    assert after({"a": NEW, "b": OLD, "c": NEW}, "d") == (False, True)
    assert after({"a": NEW, "b": OLD, "c": NEW, "d": NEW}, "e")[0]


def test_silence_and_contradiction_say_why():
    """
    Each vote without an address tells what its operator said, each one with it who said it.
    """
    one, two, asked = source("n1", operator="one"), source("n2", operator="one"), source("b")
    silent = source("c")
    answers = [says(one, OLD), says(two, NEW), fails(asked)]

    votes = tally(answers, Electorate.of([one, two, asked, silent], Family.V4), OLD, at=AT).votes

    assert [(vote.operator, vote.why) for vote in votes] == [
        ("b", "timeout"),
        ("c", "was not asked"),
        ("one", f"contradicts itself: {OLD}, {NEW}"),
    ]
    assert [vote.is_proof for vote in votes] == [False, False, False]


def test_a_source_without_weight_is_evidence_and_no_voice():
    """
    Its operator may vote through another one, and through that alone.
    """
    light, heavy = source("l", operator="one", weight=0), source("h", operator="one")
    electorate = Electorate.of([light, heavy], Family.V4)

    assert tally([says(light, NEW)], electorate, OLD, at=AT).votes[0].address is None
    assert tally([says(light, NEW), says(heavy, OLD)], electorate, OLD, at=AT).votes[0].why == "h"


def test_the_verdict_counts_and_names_what_it_rests_on():
    """
    The reason tells the numbers; support and total are weights.
    """
    thin = panel({"a": OLD, "b": None, "c": None})
    several = panel({"a": OLD, "b": OLD, "c": NEW, "d": NEW})
    changed = panel({"a": NEW, "b": NEW, "c": None})

    assert thin.reason == f"only 1 of 3 operators answered; they say {OLD} as before"
    assert several.reason == f"operators see several addresses: {OLD} and {NEW}"
    assert changed.reason == f"2 of 3 operators say {NEW}"
    assert (changed.support, changed.total, thin.support) == (2.0, 3.0, 1.0)


def test_several_ways_out_need_two_camps_and_a_majority_together():
    """
    One camp alone is a dispute, and so are two that hold no more than half of the weight.
    """
    silent = dict.fromkeys("efgh")

    assert panel({"a": NEW, "b": NEW, **dict.fromkeys("cdef")}).kind is VerdictKind.DISPUTED
    assert panel({"a": OLD, "b": OLD, "c": NEW, "d": NEW, **silent}).kind is VerdictKind.DISPUTED


def test_the_heavier_of_two_host_parts_stands_for_its_camp():
    """
    Not the known one, and not the smaller number.
    """
    sources = {name: source(name, family=Family.V6, weight=weight) for name, weight in (("a", 1), ("b", 3))}
    answers = [says(sources["a"], SIX), says(sources["b"], ROTATED)]

    verdict = tally(answers, Electorate.of(sources.values(), Family.V6), SIX, at=AT).verdict

    assert verdict.address == ROTATED


def test_half_of_the_weight_is_out_of_reach_of_a_decision():
    """
    Two that are under way of four cannot decide, three can.
    """
    electorate = Electorate.of([source(name) for name in "abcd"], Family.V4)

    assert not prospect([], electorate, "ab").is_within_reach
    assert prospect([], electorate, "abc").is_within_reach


def test_rules_that_need_nobody_are_refused():
    """
    A decision by no operator would be anybody's.
    """
    with pytest.raises(ValueError, match="must be 1 or more"):
        Rules(minimum_operators=0)


def test_the_heaviest_weight_there_is_and_the_usual_one():
    """
    A hundred is allowed, and one is what a source has unless it says otherwise.
    """
    assert source("a", weight=100).weight == 100
    assert Source(name="a", operator="a", family=Family.V4).weight == 1.0
    for fields in ({"name": ""}, {"operator": ""}):
        with pytest.raises(SourceRefusedError, match="both need a text"):
            Source(**{"name": "a", "operator": "a", "family": Family.V4, **fields})


def test_the_bytes_of_a_reply_are_evidence_and_no_text_of_the_answer():
    """
    The first 4,096 are kept; a failing test or a log that shows the answer does not show them.
    """
    answer = Answer(source=source("a"), at=AT, latency_s=0.5, address=NEW, raw=b"<page>" * 1000)

    assert answer.raw == (b"<page>" * 1000)[:4096]
    assert "page" not in repr(answer)
    assert str(NEW) in repr(answer)


@pytest.mark.parametrize("fields", [{"name": "", "operator": "x"}, {"name": "x", "operator": ""}])
def test_a_source_needs_a_name_and_an_operator(fields):
    """
    Either one alone is not enough.
    """
    with pytest.raises(SourceRefusedError, match="both need a text"):
        Source(family=Family.V4, **fields)


def test_a_source_has_a_weight_of_one_unless_it_says_another():
    """
    Up to the largest weight, which is taken too.
    """
    assert Source(name="x", operator="x", family=Family.V4).weight == 1
    assert source("x", weight=100).weight == 100
    with pytest.raises(SourceRefusedError, match="weight"):
        source("x", weight=100.5)


def test_half_of_a_small_weight_decides_nothing():
    """
    The margin for rounding grows and shrinks with the weights: three in four of small weights decide, half does not.
    """
    sources = {name: source(name, weight=1e-6) for name in "abcd"}
    electorate = Electorate.of(sources.values(), Family.V4)

    def verdict(*addresses):
        answers = [says(sources[name], address) for name, address in zip("abcd", addresses, strict=True)]
        return tally(answers, electorate, OLD, at=AT).verdict

    assert verdict(NEW, NEW, NEW, OLD).kind is VerdictKind.CHANGED
    halves = verdict(NEW, NEW, OLD, OLD)
    assert (halves.kind, halves.is_decisive) == (VerdictKind.MULTI_EGRESS, False)
    assert prospect([], electorate, "abc").is_within_reach


def test_a_lighter_source_that_says_otherwise_proves_nothing_for_its_operator():
    """
    A page that names another address is no proof of the one that the operator's heavier source names.
    """
    heavy = [source(f"{name}-stun", operator=name, transport=Transport.STUN, weight=3) for name in "ab"]
    light = [source(f"{name}-page", operator=name) for name in "ab"]
    electorate = Electorate.of([*heavy, *light], Family.V4)
    answers = [*(says(one, NEW) for one in heavy), *(says(one, OLD) for one in light)]
    verdict = tally(answers, electorate, OLD, at=AT).verdict

    assert verdict.addresses == (NEW,)
    assert not verdict.is_decisive


def test_of_equal_weights_the_more_operators_are_named_first():
    """
    Whatever the order of the addresses.
    """
    heavy, *light = source("a", weight=2), source("b"), source("c")
    electorate = Electorate.of([heavy, *light], Family.V4)
    for one, two in ((OLD, NEW), (NEW, OLD)):
        answers = [says(heavy, one), *(says(other, two) for other in light)]

        assert tally(answers, electorate, None, at=AT).verdict.addresses == (two, one)
