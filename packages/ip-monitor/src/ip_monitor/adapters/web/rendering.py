"""
From plain data to HTML. The whole page and the parts that are sent live come from the same templates.
"""

from __future__ import annotations

import asyncio
import functools
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import jinja2
from markupsafe import Markup

from ip_monitor.adapters.web.static import style, versioned

if TYPE_CHECKING:
    from collections.abc import Mapping

_WORDS = {
    "first": "known",
    "stable": "stable",
    "changed": "changed",
    "disputed": "disputed",
    "offline": "offline",
    "captive": "captive portal",
    "multi_egress": "several ways out",
}


class Renderer:
    """
    Everything that is put into a template is escaped.
    """

    def __init__(self) -> None:
        self._environment = _environment()
        self._is_prepared = False

    async def prepare(self) -> None:
        """
        Read and compile the templates in a thread, one after the other: in the loop all of them would hold it for 60 ms, and for
        as long as a busy disk takes.
        """
        if self._is_prepared:
            return
        for name in self._environment.list_templates():
            await asyncio.to_thread(self._environment.get_template, name)
        self._is_prepared = True

    def page(self, name: str, **values: Any) -> str:
        """
        A whole page, such as `page.html`.
        """
        return self._environment.get_template(name).render(asset=versioned, style=Markup(style()[0]), **values)  # noqa: S704 # our own file

    def section(self, name: str, state: Mapping[str, Any], *, is_signed_in: bool) -> str:
        """
        One section of the first screen.
        """
        return self.page(f"sections/{name}.html", state=state, is_signed_in=is_signed_in)


@functools.cache
def _environment() -> jinja2.Environment:
    """
    Each template is compiled once in a process.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("ip_monitor.adapters.web"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    for name, convert in (("moment", _moment), ("verdict", _verdict), ("took", _took)):
        environment.filters[name] = convert
    return environment


def _moment(stamp: str) -> str:
    return f"{_parse(stamp):%Y-%m-%d %H:%M:%S} UTC"


def _verdict(kind: str | None) -> str:
    return "not checked yet" if kind is None else _WORDS.get(kind, kind)


def _took(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds * 1000:.0f} ms"


def _parse(stamp: str) -> datetime:
    return datetime.fromisoformat(stamp).astimezone(UTC)
