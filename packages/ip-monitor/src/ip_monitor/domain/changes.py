"""
A confirmed change of the address, and what is known now.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ip_monitor.domain.addresses import Family, family_of

if TYPE_CHECKING:
    from datetime import datetime

    from ip_monitor.domain.addresses import Address


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """
    One confirmed change, or the first address ever known (`previous` is None).

    Attributes:
        key: unique for all time, made once when the change is confirmed; deliveries derive their idempotency
            keys from it.
        at: when it was confirmed, UTC.
        previous_since: when `previous` was confirmed, UTC; None with the first address.
        operators: who agreed on `address`.
        pool: the two addresses that the line goes back and forth between, when this change is one of such; else empty.
        is_reminder: nothing changed; it tells again what is known since `at`.
    """

    key: str
    address: Address
    previous: Address | None
    at: datetime
    previous_since: datetime | None = None
    operators: tuple[str, ...] = ()
    pool: tuple[Address, ...] = ()
    is_reminder: bool = False

    def __post_init__(self) -> None:
        if self.at.tzinfo is None:
            raise ValueError(f"change {self.key} has a time without a zone: {self.at}; give it in UTC")
        if self.previous is not None and self.previous.version != self.address.version:
            raise ValueError(
                f"change {self.key} goes from {self.previous} to {self.address}; families change apart from each other"
            )

    @property
    def family(self) -> Family:
        return family_of(self.address)

    @property
    def is_first(self) -> bool:
        return self.previous is None

    @property
    def previous_lasted_s(self) -> float | None:
        """
        How long the previous address was known, seconds; never negative although wall clocks jump.
        """
        if self.previous_since is None:
            return None
        return max(0.0, (self.at - self.previous_since).total_seconds())


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrentAddress:
    """
    The address that is known of a family.

    Attributes:
        since: when it was confirmed, UTC.
        seen_at: when a check last agreed with it, UTC.
    """

    address: Address
    since: datetime
    seen_at: datetime

    @property
    def family(self) -> Family:
        return family_of(self.address)
