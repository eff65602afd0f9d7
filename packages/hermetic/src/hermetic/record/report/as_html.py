"""
One page that needs nothing else: style, program and the deflated document are inside it.

Nothing of a test's is markup: the document travels as base64, and the page puts it in as text. The page's own policy
forbids it every request.
"""

from __future__ import annotations

import base64
import json
import zlib
from importlib import resources
from typing import Any, Final

_LONGEST: Final = 20_000


def html(document: dict[str, Any]) -> str:
    """
    The document as a page, ended by a newline.
    """
    packed = zlib.compress(json.dumps(_for_page(document), separators=(",", ":"), sort_keys=True).encode("ascii"), 9)
    files = resources.files("hermetic.record.report").joinpath("page")
    page = files.joinpath("page.html").read_text(encoding="utf-8")
    parts = {
        "@@STYLE@@": files.joinpath("page.css").read_text(encoding="utf-8"),
        "@@SCRIPT@@": files.joinpath("page.js").read_text(encoding="utf-8"),
        "@@DATA@@": base64.b64encode(packed).decode("ascii"),
    }
    for mark, text in parts.items():
        page = page.replace(mark, text)
    return page


def _for_page(document: dict[str, Any]) -> dict[str, Any]:
    # A test that passed is a row: its tries' moments go to its worker's lane, and the rest is left out.
    lanes: dict[str, list[list[float]]] = {}
    tests: list[dict[str, Any]] = []
    for test in document["tests"]:
        for one in test["tries"]:
            lanes.setdefault(one["worker"], []).append([round(one["began_s"], 3), round(one["duration_s"], 3)])
        tests.append(_cut({**test, "duration_s": round(test["duration_s"], 4), "tries": _tries(test)}))
    workers = [{**one, "tries": sorted(lanes.get(one["name"], []))} for one in document["workers"]]
    return {**document, "tests": tests, "workers": workers, "warnings": document["warnings"][:100]}


def _tries(test: dict[str, Any]) -> list[dict[str, Any]]:
    return test["tries"] if "diagnoses" in test or len(test["tries"]) > 1 else []


def _cut(value: Any) -> Any:
    if isinstance(value, str) and len(value) > _LONGEST:
        return value[: _LONGEST // 2] + "\n… the middle is in the journal …\n" + value[-_LONGEST // 2 :]
    if isinstance(value, dict):
        return {name: _cut(one) for name, one in value.items()}  # pyright: ignore[reportUnknownVariableType]  # JSON
    if isinstance(value, list):
        return [_cut(one) for one in value]  # pyright: ignore[reportUnknownVariableType]  # JSON
    return value
