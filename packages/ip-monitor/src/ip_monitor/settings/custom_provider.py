"""
A provider of the user's own, as the settings describe it.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal
from urllib.parse import urlsplit

from ip_monitor.settings.option import About

_LONGEST_OPERATOR = 40
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}")


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomProvider:
    """
    One `[[providers]]` table. `problems` tells what keeps it from being used.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    name: Annotated[str, About("Shown in listings; letters, digits, `.`, `_`, `-`, at most 40.")]
    url: Annotated[str, About("Where to ask.")]
    format: Annotated[
        Literal["auto", "text", "json", "trace"],
        About("How the reply is read: bare text, JSON, `key=value` lines, or found out by trying."),
    ] = "auto"
    path: Annotated[str, About("For JSON: where the address stands, as in `data.ip` or `0.ip`.")] = "ip"
    family: Annotated[Literal["both", "ipv4", "ipv6"], About("Which addresses it tells.")] = "both"
    operator: Annotated[str, About("Who runs it: providers of one operator share one vote. The name if left out.")] = ""
    plain_http: Annotated[bool, About("Say `true` to allow `http://`: anyone on the way can change such a reply.")] = (
        False
    )
    private_address: Annotated[
        bool, About("Say `true` to allow a server on a private, loopback or otherwise internal address.")
    ] = False

    @property
    def voter(self) -> str:
        """
        The operator whose one vote this provider shares.
        """
        return self.operator or self.name

    def problems(self) -> tuple[tuple[str, str], ...]:
        """
        Each field that cannot be used, and why. Host names are judged later, once resolved, by the adapter.
        """
        found: list[tuple[str, str]] = []
        if not _NAME.fullmatch(self.name):
            found.append(
                ("name", "must be 1 to 40 small letters, digits, `.`, `_` or `-`, beginning with a letter or digit.")
            )
        if len(self.operator) > _LONGEST_OPERATOR or not self.operator.isprintable():
            found.append(("operator", f"must be at most {_LONGEST_OPERATOR} printable characters."))
        if wrong := self._url_problem():
            found.append(("url", wrong))
        return tuple(found)

    def _url_problem(self) -> str | None:
        try:
            parts = urlsplit(self.url)
            host, _ = parts.hostname or "", parts.port
        except ValueError as error:
            return f"is not a URL: {error}."
        is_plain = self.url.isascii() and self.url.isprintable() and " " not in self.url
        rules = (
            (parts.scheme in {"http", "https"} and bool(host), "must begin with https:// and name a host."),
            (is_plain, "must be plain ASCII without spaces; write other characters in percent form."),
            (parts.username is None and parts.password is None, "must not carry a user name or password."),
            (
                parts.scheme == "https" or self.plain_http,
                "is plain HTTP, whose replies anyone on the way can change; use https://, or add plain_http = true.",
            ),
            (
                self.private_address or not _is_internal(host),
                f"is on {host}, an internal address; if that is meant, add private_address = true.",
            ),
        )
        return next((wrong for holds, wrong in rules if not holds), None)

    @property
    def shown_url(self) -> str:
        """
        The URL without its query, which may hold a key.
        """
        bare, mark, _ = self.url.partition("?")
        return bare + (mark and "?…")


def _is_internal(host: str) -> bool:
    """
    Whether the host, as written, is a literal internal address or a name for this machine.
    """
    if host == "localhost" or host.endswith((".localhost", ".local", ".internal")):
        return True
    try:
        # 0x7f000001 and 2130706433 are numbers to the resolver too, so they are read as it reads them.
        number = int(host, 0) if re.fullmatch(r"0[xX][0-9a-fA-F]+|[0-9]+", host) else None
        address = ipaddress.ip_address(host if number is None else number)
    except ValueError:
        return bool(re.fullmatch(r"[0-9xa-fA-F.]*\.(0[xX][0-9a-fA-F]+|[0-9]+)", host))
    return not address.is_global or address.is_multicast
