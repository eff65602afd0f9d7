"""
One page that needs nothing else: style, program and data are inside it.

Nothing of a test's is markup: what travels as JSON has every character that means something to HTML escaped, the rest is
base64, and the page puts all of it in as text. The page's own policy forbids it every request.

The data are in three parts, so that a page of 5,000 tests opens at once: `first` is what the first screen shows, read as it
stands; `list` are the columns of all tests, deflated; `tests` are the stories of those worth a look, deflated, and each a
text of its own that is read when it is opened.
"""

from __future__ import annotations

import base64
import json
import re
import zlib
from pathlib import Path
from typing import Any, Final

from hermetic.record.report.lanes import workers
from hermetic.record.report.verdict import in_a_line
from hermetic.record.run.outcomes import OUTCOMES

_LONGEST: Final = 20_000
_FIRST_ROWS: Final = 30
_FINDINGS: Final = 6
_WIDE: Final = "[\U00010000-\U0010ffff]"
_SCRIPTS: Final = ("base.js", "first.js", "list.js", "curves.js", "test.js", "start.js")


def html(document: dict[str, Any]) -> str:
    """
    The document as a page, ended by a newline.
    """
    tests = sorted(document["tests"], key=lambda one: (OUTCOMES.index(one["outcome"]), one["id"]))
    tags = _tags(document)
    columns = _columns(tests, document, tags)
    page = _part("page.html")
    script = "\n".join(map(_part, _SCRIPTS))
    parts = {
        "@@STYLE@@": _part("page.css"),
        "@@SCRIPT@@": f'"use strict";\n(() => {{\n{script}}})();',
        "@@FIRST@@": _inert(_first(document, tests, tags)),
        "@@LIST@@": _packed(columns),
        "@@TESTS@@": _packed(_stories(tests)),
    }
    for mark, text in parts.items():
        page = page.replace(mark, text)
    return page


def _part(name: str) -> str:
    # From wherever the package was loaded, an archive for one; importlib.resources takes longer to load than all parts do.
    loader: Any = __spec__.loader
    data: bytes = loader.get_data(str(Path(__file__).with_name("page") / name))
    return data.decode("utf-8")


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), sort_keys=True)


def _inert(value: Any) -> str:
    # Within a script element only these could end it or begin something else.
    return _json(value).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _packed(value: Any) -> str:
    return base64.b64encode(zlib.compress(_json(value).encode("ascii"), 6)).decode("ascii")


def _first(document: dict[str, Any], tests: list[dict[str, Any]], tags: dict[str, list[str]]) -> dict[str, Any]:
    groups = document["groups"]
    shown: dict[str, Any] = _cut(
        {
            **{name: document[name] for name in ("verdict", "run", "counts", "diagnoses", "past", "news")},
            "groups": [
                {
                    "rule": one["rule"],
                    "title": one["title"],
                    "confidence": one["confidence"],
                    "remedy": in_a_line(one["remedy"]),
                    "since": one["since"],
                    "number": len(one["tests"]),
                }
                for one in groups
            ][:_FIRST_ROWS],
            "groups_in_all": len(groups),
            "findings": document["findings"][:_FINDINGS],
            "findings_in_all": len(document["findings"]),
            "slowest": document["slowest"][:5],
            "hungriest": document["hungriest"][:5],
            "collection_failures": document["collection_failures"][:20],
            "problems": document["problems"][:20],
            "workers": workers(document),
            "comparison": document.get("comparison"),
            "tags": {name: len(ids) for name, ids in tags.items()},
            "rows": [[one["id"], one["outcome"], one["duration_s"]] for one in tests[:_FIRST_ROWS]],
        }
    )
    return shown


def _tags(document: dict[str, Any]) -> dict[str, list[str]]:
    # Filters beside the outcomes: what is new to the history, and what differs from the run that this one is compared with.
    news: dict[str, list[str]] = document["news"] or {}
    compared: dict[str, dict[str, list[list[str]]]] = document.get("comparison") or {}
    tags: dict[str, list[str]] = {
        "new": [*news.get("failing", ()), *news.get("unseen", ())],
        "still failing": news.get("still", []),
        "known flaky": news.get("flaky", []),
        "mended": news.get("mended", []),
    }
    for name, rows in compared.get("rows", {}).items():
        if name != "gone":
            tags[f"{name} since"] = [row[0] for row in rows]
    return {name: ids for name, ids in tags.items() if ids}


def _columns(tests: list[dict[str, Any]], document: dict[str, Any], tags: dict[str, list[str]]) -> dict[str, Any]:
    """
    A list a column, in the order of the page: the worst outcomes first, then by node id. Of a node id only what differs from
    the one before is kept, behind the number of characters that both begin with.
    """
    titles = {group["title"]: number for number, group in enumerate(document["groups"])}
    places = {test["id"]: number for number, test in enumerate(tests)} if tags else {}
    names: list[str] = [test["id"] for test in tests]
    shared = [_shared(before, name) for before, name in zip(["", *names], names, strict=False)]
    return {
        "shared": shared,
        "rest": [name[same:] for name, same in zip(names, shared, strict=True)],
        "outcomes": [OUTCOMES.index(test["outcome"]) for test in tests],
        "took_ms": [round(test["duration_s"] * 1000, 1) for test in tests],
        "lines": [test["line"] for test in tests],
        "causes": [titles.get(test.get("title", ""), -1) for test in tests if "diagnoses" in test],
        "with_cause": [number for number, test in enumerate(tests) if "diagnoses" in test],
        "titles": [_cut(group["title"]) for group in document["groups"]],
        "tags": {name: [places[one] for one in ids if one in places] for name, ids in tags.items()},
        "strips": {str(number): test["past"]["strip"] for number, test in enumerate(tests) if "past" in test},
    }


def _shared(one: str, other: str) -> int:
    # No further than where a character takes two units in the browser: it counts those.
    plain = one.isascii() and other.isascii()
    if not plain:
        one = re.split(_WIDE, one, maxsplit=1)[0]
    most = min(len(one), len(other))
    # Bytes as one number: what differs between two is from its highest bit on.
    width, code = (8, "ascii") if plain else (32, "utf-32-be")
    first = int.from_bytes(one[:most].encode(code, "surrogatepass"), "big")
    second = int.from_bytes(other[:most].encode(code, "surrogatepass"), "big")
    return most - ((first ^ second).bit_length() + width - 1) // width


def _stories(tests: list[dict[str, Any]]) -> dict[str, str]:
    # A test that passed, and of which nothing else is known, is a row only.
    return {
        str(number): _json(_cut(test))
        for number, test in enumerate(tests)
        if "diagnoses" in test or "findings" in test or "text" in test or len(test["tries"]) > 1
    }


def _cut(value: Any) -> Any:
    if isinstance(value, str) and len(value) > _LONGEST:
        return value[: _LONGEST // 2] + "\n… the middle is in the journal …\n" + value[-_LONGEST // 2 :]
    if isinstance(value, dict):
        return {name: _cut(one) for name, one in value.items()}  # pyright: ignore[reportUnknownVariableType]  # JSON
    if isinstance(value, list | tuple):
        return [_cut(one) for one in value]  # pyright: ignore[reportUnknownVariableType]  # JSON
    return value
