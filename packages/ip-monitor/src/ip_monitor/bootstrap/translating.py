"""
What lies between this machine and its public addresses, asked of this machine and its router.
"""

from __future__ import annotations

import contextlib
from ipaddress import ip_address
from typing import TYPE_CHECKING

from ip_monitor.adapters.network.gateway import outer_address_of_router
from ip_monitor.adapters.providers.interface import local_address
from ip_monitor.domain.addresses import Family
from ip_monitor.domain.translation import judge_translation
from ip_monitor.domain.way_out import WayOut

if TYPE_CHECKING:
    from ip_monitor.domain.addresses import Address
    from ip_monitor.domain.checks import Check
    from ip_monitor.domain.translation import Translation


async def translations(check: Check, *, via: str) -> dict[Family, Translation]:
    """
    What lies between this machine and each address that `check` found, as far as this machine and its router tell. `via` is
    the setting of that name.
    """
    found: dict[Family, Translation] = {}
    for ballot in check.ballots:
        local: Address | None = None
        with contextlib.suppress(OSError):
            local = ip_address(local_address(ballot.family, via=WayOut.parse(via)))
        public = ballot.verdict.address
        # A machine that has the public address itself has nobody to ask.
        is_behind = ballot.family is Family.V4 and public is not None and local != public
        router = await outer_address_of_router() if is_behind else None
        found[ballot.family] = judge_translation(public, local=local, router=router)
    return found
