"""
When each worker ran tests, as bars: a bounded number of them for any number of tests.
"""

from __future__ import annotations

from typing import Any, Final

_PARTS: Final = 400
_MOST_WORKERS: Final = 32
_BAD: Final = frozenset({"failed", "error", "lost"})


def workers(document: dict[str, Any]) -> list[dict[str, Any]]:
    """
    For each worker its name, the share of the time that it spent in tests, and bars and bad moments in thousandths of the time
    from the first test's beginning to the last one's end. What follows within a four-hundredth is one bar.
    """
    start = min((one["began_s"] for test in document["tests"] for one in test["tries"]), default=0.0)
    tries: dict[str, list[tuple[float, float]]] = {}
    bad: dict[str, list[float]] = {}
    for test in document["tests"]:
        for one in test["tries"]:
            began = one["began_s"] - start
            tries.setdefault(one["worker"], []).append((began, began + one["duration_s"]))
            if one["outcome"] in _BAD:
                bad.setdefault(one["worker"], []).append(began)
    whole = max(1e-3, max((end for ended in tries.values() for _, end in ended), default=0.0))
    return [
        {
            "name": worker["name"],
            "host": worker["host"],
            "tests": len(tries.get(worker["name"], ())),
            "busy": round(sum(end - began for began, end in tries.get(worker["name"], ())) / whole, 3),
            "bars": _bars(sorted(tries.get(worker["name"], ())), whole),
            "bad": sorted({round(1000 * at / whole) for at in bad.get(worker["name"], ())}),
        }
        for worker in document["workers"][:_MOST_WORKERS]
    ]


def _bars(tries: list[tuple[float, float]], whole: float) -> list[list[float]]:
    bars: list[list[float]] = []
    for began, end in tries:
        if bars and began - bars[-1][1] < whole / _PARTS:
            bars[-1][1] = max(bars[-1][1], end)
        else:
            bars.append([began, end])
    return [[round(1000 * began / whole, 1), round(1000 * (end - began) / whole, 1)] for began, end in bars]
