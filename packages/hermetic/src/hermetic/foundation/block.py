"""
A finding as a block of text: what, whose, from where (with the source line), evidence, remedy, what was done, rerun.
"""

from __future__ import annotations

import linecache
import os
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hermetic.foundation.finding import Finding, Frame, Site

_LABEL = 11
_MAX_SUBJECT = 200
_SOURCES = 5


def with_sources(finding: Finding) -> Finding:
    """
    The finding with the text of the lines of its site, of the five innermost: for whoever reads it where the files are not.
    """
    if finding.site is None:
        return finding
    frames = finding.site.frames
    told = tuple(replace(frame, source=_source(frame)) for frame in frames[:_SOURCES])
    return replace(finding, site=replace(finding.site, frames=(*told, *frames[_SOURCES:])))


def _source(frame: Frame) -> str:
    return frame.source or _one_line(linecache.getline(frame.file, frame.line).strip())


def headline(finding: Finding) -> str:
    """
    The finding in one line: what and which.
    """
    times = f"{finding.count} x " if finding.count > 1 else ""
    return f"{times}{finding.title}: {_one_line(finding.subject)}"


def render(finding: Finding, *, root: str = "", frames: int = 3) -> str:
    """
    The finding as text of several lines, without a trailing newline.

    File names below the directory `root` are shown relative to it; of the site, at most `frames` frames are shown,
    innermost first.
    """
    return "\n".join(_lines(finding, root, frames))


def _lines(finding: Finding, root: str, frames: int) -> Iterator[str]:
    yield headline(finding)
    yield from _field("owner", _owner(finding, root))
    if finding.site is not None:
        yield from _field("held at" if finding.category == "block" else "made at", _site(finding.site, root, frames))
    yield from _field("evidence", list(finding.evidence))
    if finding.remedy is not None:
        code = [f"    {line}" if line else "" for line in finding.remedy.code.splitlines()]
        yield from _field("remedy", [finding.remedy.text, *code])
    if finding.mended:
        yield from _field("afterwards", [finding.mended])
    if finding.rerun:
        yield from _field("run again", [finding.rerun])


def _field(label: str, lines: list[str]) -> Iterator[str]:
    for number, line in enumerate(lines):
        yield f"  {label if number == 0 else '':<{_LABEL}} {line}".rstrip()


def _owner(finding: Finding, root: str) -> list[str]:
    owner = finding.owner
    defined = f"  ({shown(owner.defined, root)})" if owner.defined is not None else ""
    lines = [f"{owner}{defined}"]
    if owner.kind == "fixture" and owner.node:
        lines.append(f"of {owner.node}")
    return lines


def _site(site: Site, root: str, frames: int) -> list[str]:
    lines: list[str] = []
    for frame in site.frames[:frames]:
        lines.append(f"{shown(frame, root)} in {frame.function}")
        source = _source(frame)
        if source:
            lines.append(f"    {source}")
    hidden = len(site.frames) - frames
    if hidden > 0:
        lines.append(f"… called from {hidden} more frame{'s' if hidden > 1 else ''}")
    return lines or ["unknown: none of the project's own code was on the stack"]


def shown(frame: Frame, root: str) -> str:
    """
    `file:line`, relative to `root` when the file is below it.
    """
    file = frame.file
    if root and file.startswith(root.rstrip(os.sep) + os.sep):
        file = file[len(root.rstrip(os.sep)) + 1 :]
    return f"{file}:{frame.line}" if frame.line else file


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _MAX_SUBJECT else line[: _MAX_SUBJECT - 1] + "…"
