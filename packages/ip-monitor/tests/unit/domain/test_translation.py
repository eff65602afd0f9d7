"""
What lies between this machine and its public address.
"""

from __future__ import annotations

import ipaddress

import pytest
from ip_monitor.domain.translation import TranslationKind, judge_translation


@pytest.mark.parametrize(
    ("public", "local", "router", "kind"),
    [
        ("93.184.216.34", "93.184.216.34", None, TranslationKind.NONE),
        ("93.184.216.34", "192.168.1.5", "93.184.216.34", TranslationKind.SINGLE),
        ("93.184.216.34", "192.168.1.5", "192.168.178.20", TranslationKind.DOUBLE),
        ("93.184.216.34", "192.168.1.5", "100.70.1.2", TranslationKind.CARRIER),
        ("93.184.216.34", "100.70.1.2", None, TranslationKind.CARRIER),
        ("93.184.216.34", "192.168.1.5", None, TranslationKind.SOME),
        ("93.184.216.34", "10.0.0.5", "93.184.216.99", TranslationKind.ELSEWHERE),
        ("93.184.216.34", "93.184.216.77", None, TranslationKind.ELSEWHERE),
        ("93.184.216.34", None, None, TranslationKind.UNKNOWN),
        (None, "192.168.1.5", None, TranslationKind.UNKNOWN),
        ("2a02:2f0f:1:2::a", "2a02:2f0f:1:2::b", None, TranslationKind.NONE),
    ],
)
def test_evidence_tells_translations_apart(public, local, router, kind):
    """
    Carrier-grade and double translation by name, and what cannot be told is not guessed.
    """
    address = [text and ipaddress.ip_address(text) for text in (public, local, router)]
    found = judge_translation(address[0], local=address[1], router=address[2])

    assert (found.kind, found.local, found.router) == (kind, address[1], address[2])
    assert found.reason


def test_only_what_keeps_people_out_is_remarkable():
    """
    Two translations, or the carrier's: what no setting of one's own router can open.
    """
    assert {kind for kind in TranslationKind if kind.is_remarkable} == {TranslationKind.DOUBLE, TranslationKind.CARRIER}
