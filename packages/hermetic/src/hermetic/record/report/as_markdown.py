"""
Markdown that fits a comment on a pull request: the verdict, the causes, the failures folded away.
"""

from __future__ import annotations

import html
import re
from typing import Any, Final

from hermetic.record.report.steering import still
from hermetic.record.report.verdict import in_a_line
from hermetic.record.run.outcomes import OUTCOMES

# What the large forges take in one comment. Source: GitHub, issue comments are at most 65,536 characters.
LONGEST: Final = 65_000
_NOT_THE_CODE: Final = "_Infrastructure: a connection, a name, a descriptor, memory or disk was not to be had._"
_MOST_FAILURES: Final = 50


def markdown(document: dict[str, Any]) -> str:
    """
    The document as Markdown, ended by a newline and never longer than `LONGEST`.
    """
    counts = document["counts"]
    lines = [f"## {_text(document['verdict'])}", ""]
    lines += ["| " + " | ".join(one for one in OUTCOMES if counts.get(one)) + " |"] if counts["total"] else []
    if counts["total"]:
        shown = [str(counts[one]) for one in OUTCOMES if counts.get(one)]
        lines += ["|" + "---|" * len(shown), "| " + " | ".join(shown) + " |", ""]
    for diagnosis in document["diagnoses"]:
        lines += [f"- **{_text(diagnosis['cause'])}** {_text(in_a_line(diagnosis['remedy']))}"]
    if document["groups"]:
        lines += ["", "### Causes", ""]
        for group in document["groups"][:20]:
            number = len(group["tests"])
            lines.append(f"- {number} x {_text(group['title'])} (`{group['rule']}`, {group['confidence']})")
    bad = [test for test in document["tests"] if "diagnoses" in test]
    room = LONGEST - sum(len(line) + 1 for line in lines) - 200
    for test in bad[:_MOST_FAILURES]:
        block = _failure(test)
        room -= len(block) + 1
        if room < 0:
            break
        lines.append(block)
    shown_blocks = sum(line.startswith("\n<details>") for line in lines)
    if shown_blocks < len(bad):
        lines.append(f"\nand {len(bad) - shown_blocks} more, which the full report shows.")
    return "\n".join(lines).rstrip() + "\n"


def _failure(test: dict[str, Any]) -> str:
    first = test["diagnoses"][0]
    text = still(test.get("text", ""), instead="")[-2000:]
    body = [f"**{_text(test['title'])}** ({first['confidence']})", ""]
    if any(one.get("nature") == "infrastructure" for one in test["tries"]):
        body += [_NOT_THE_CODE, ""]
    body += [f"- {_text(one)}" for one in first["evidence"]]
    body += ["", _text(in_a_line(first["remedy"])), "", f"<pre>{html.escape(text, quote=False)}</pre>"]
    return (
        f"\n<details><summary>{html.escape(test['outcome'])}: <code>{_html(test['id'])}</code></summary>\n\n"
        + "\n".join(body)
        + "\n\n</details>"
    )


def _html(text: str) -> str:
    return html.escape(still(text, instead="").replace("\n", " ")[:500], quote=False)


def _text(text: str) -> str:
    # Names come from tests: nothing in them is markup, mentions somebody, or breaks a table.
    flat = _html(text).replace("|", "\\|").replace("@", "@\u200b")
    return re.sub(r"([\\`*_\[\]~])(?!\|)", r"\\\1", flat)
