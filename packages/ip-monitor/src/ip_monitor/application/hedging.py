"""
One family's part of a panel: whom to ask now, whom later, and when enough is known.

As many operators are asked at once as could decide together. One more is asked whenever those can no longer decide,
because one failed or contradicted, and after every pause without a decision, because one is slow. When the ballot is
decided nobody else is asked, and who has not answered by then is left.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from ip_monitor.application.ports import Provider
    from ip_monitor.domain.addresses import Family
    from ip_monitor.domain.answers import Answer
    from ip_monitor.domain.ballots import Prospect

    Judge: TypeAlias = Callable[[Family, Sequence[Answer], Collection[str]], Prospect]


class FamilyRound:
    """
    Args:
        operators: each one's providers, in the order of asking.
        judge: how far the answers have come; None asks everybody at once and waits for all.
    """

    def __init__(self, family: Family, operators: Iterable[Sequence[Provider]], *, judge: Judge | None) -> None:
        self.family = family
        self.is_decided = False
        self._waiting = deque(tuple(providers) for providers in operators)
        self._judge = judge
        self._answers: list[Answer] = []
        self._under_way: dict[str, int] = {}

    @property
    def waiting(self) -> tuple[Provider, ...]:
        """
        Who was not asked yet.
        """
        return tuple(provider for providers in self._waiting for provider in providers)

    def heard(self, answer: Answer) -> None:
        operator = answer.source.operator
        self._answers.append(answer)
        self._under_way[operator] -= 1
        if not self._under_way[operator]:
            del self._under_way[operator]

    def due(self, *, one_more: bool = False) -> list[Provider]:
        """
        Whom to ask now. With `one_more` somebody, if there is anybody left and nothing is decided.
        """
        found: list[Provider] = []
        while not self.is_decided and self._waiting:
            if self._judge is not None:
                prospect = self._judge(self.family, self._answers, self._under_way)
                self.is_decided = prospect.is_decided
                if self.is_decided or (prospect.is_within_reach and not one_more):
                    break
                one_more = False
            providers = self._waiting.popleft()
            self._under_way[providers[0].source.operator] = len(providers)
            found += providers
        if self._judge is not None and not self._waiting and not self.is_decided:
            self.is_decided = self._judge(self.family, self._answers, self._under_way).is_decided
        return found


def in_turn(
    providers: Iterable[tuple[int, Provider]], *, turn: int, is_rested: Callable[[Provider], bool]
) -> list[tuple[Provider, ...]]:
    """
    Providers by operator, in the order of asking: higher priority first, those of one priority in turns, so that every
    operator is asked and watched, and none is asked more than the others; who is rested last.

    Args:
        providers: with their priorities; an operator has its highest.
        turn: counts the panels.
        is_rested: failed so often that it should be left alone.
    """
    operators: dict[str, list[Provider]] = {}
    tiers: dict[str, int] = {}
    for priority, provider in providers:
        operator = provider.source.operator
        operators.setdefault(operator, []).append(provider)
        tiers[operator] = max(priority, tiers.get(operator, priority))
    ordered: list[tuple[Provider, ...]] = []
    for tier in sorted(set(tiers.values()), reverse=True):
        group = [tuple(operators[name]) for name in operators if tiers[name] == tier]
        first = turn % len(group)
        ordered += [*group[first:], *group[:first]]
    return sorted(ordered, key=lambda group: all(is_rested(provider) for provider in group))
