"""
Which line of all that were seen is the one that held the loop.
"""

from __future__ import annotations

import linecache
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hermetic.guard.census.site import line_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from types import CodeType

    from hermetic.guard.census.site import RawSite, Reader

Weighed = tuple["RawSite", float]


@dataclass(frozen=True, slots=True)
class Blame:
    """
    The stack that stands for a hold, cut so that the blamed frame is its innermost; `inner` is what that frame called.

    `is_spread` says that the time was spent over several lines of that function, of which this is the heaviest.
    """

    site: RawSite
    code: CodeType
    line: int
    inner: tuple[tuple[CodeType, int], ...]
    expression: str
    is_spread: bool

    @property
    def key(self) -> tuple[object, ...]:
        """
        Equal for holds of one cause: the line, or the function where the time was spread.
        """
        return (self.code.co_filename, self.code.co_firstlineno if self.is_spread else self.line, self.is_spread)


def blame(stacks: Sequence[Weighed], reader: Reader) -> Blame | None:
    """
    Follow the heaviest call from the callback inwards as long as it makes up half of all the time, and blame the
    innermost function of the user's on that way; a library's where the user has none. None without stacks.

    A watcher that was kept out may look too late, when the loop's own code runs again; stacks that hold some of the
    user's code come before those without.
    """
    mine = [one for one in stacks if any(reader.is_users(code.co_filename) for code in _codes(one[0]))]
    stacks = mine or stacks
    path = _heaviest_path(stacks)
    if not path:
        return None
    depth = max((i for i, code in enumerate(path) if reader.is_users(code.co_filename)), default=len(path) - 1)
    through = [(raw, weight) for raw, weight in stacks if _codes(raw)[: depth + 1] == path[: depth + 1]]
    lines: Counter[int] = Counter()
    for (pairs, _), weight in through:
        # Whole microseconds, since a Counter of floats would add up rounding errors in the order of the looks.
        lines[line_of(*pairs[-1 - depth])] += max(1, round(weight * 1e6))
    line = lines.most_common(1)[0][0]
    (pairs, cut), _ = max(
        (one for one in through if line_of(*one[0][0][-1 - depth]) == line), key=lambda one: one[1]
    )  # fmt: skip
    split = len(pairs) - 1 - depth
    code, offset = pairs[split]
    return Blame((pairs[split:], cut), code, line, pairs[:split], expression_at(code, offset), len(lines) > 1)


def _codes(raw: RawSite) -> list[CodeType]:
    return [code for code, _ in reversed(raw[0])]


def _heaviest_path(stacks: Sequence[Weighed]) -> list[CodeType]:
    """
    Outermost first.
    """
    total = sum(weight for _, weight in stacks)
    path: list[CodeType] = []
    here: Iterable[tuple[list[CodeType], float]] = [(_codes(raw), weight) for raw, weight in stacks]
    while True:
        deeper = [(codes, weight) for codes, weight in here if len(codes) > len(path)]
        weights: dict[CodeType, float] = {}
        for codes, weight in deeper:
            weights[codes[len(path)]] = weights.get(codes[len(path)], 0.0) + weight
        heaviest = max(weights, key=lambda code: weights[code], default=None)
        if heaviest is None or weights[heaviest] * 2 < total:
            return path
        here = [(codes, weight) for codes, weight in deeper if codes[len(path)] is heaviest]
        path.append(heaviest)


def expression_at(code: CodeType, offset: int, *, getline: Callable[[str, int], str] = linecache.getline) -> str:
    """
    The source of the call that stands at an instruction, else its line; "" where there is no source.
    """
    positions = list(code.co_positions())
    line, end_line, start, end = positions[offset // 2] if 0 <= offset // 2 < len(positions) else (None,) * 4
    text = getline(code.co_filename, line or line_of(code, offset))
    if line is not None and line == end_line and start is not None and end is not None:
        # Columns count bytes of UTF-8.
        part = text.encode()[start:end].decode(errors="replace")
        if part.endswith(")"):
            return part
    return text.strip()
