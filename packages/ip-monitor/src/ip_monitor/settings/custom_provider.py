"""
A provider of the user's own, as the settings describe it.
"""

from __future__ import annotations

import contextlib
import ipaddress
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal
from urllib.parse import urlsplit

from ip_monitor.domain.addresses import Family, family_of, special_range_of
from ip_monitor.domain.answers import SourceRefusedError
from ip_monitor.domain.providers import NAME, NAME_RULE, ProviderSpec, ReplyFormat
from ip_monitor.settings.option import About

_NAME_RULE = f"must be {NAME_RULE}."


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomProvider:
    """
    One `[[providers]]` table. `problems` tells what keeps it from being used.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    name: Annotated[str, About("Shown in listings; letters, digits, spaces, `.`, `_`, `-`, at most 40.")]
    url: Annotated[str, About("Where to ask.")]
    format: Annotated[
        Literal["auto", "text", "json", "trace"],
        About("How the reply is read: bare text, JSON, `key=value` lines, or found out by trying."),
    ] = "auto"
    path: Annotated[str, About("For JSON: where the address stands, as in `data.ip`; the usual names if left out.")] = (
        ""
    )
    family: Annotated[Literal["both", "ipv4", "ipv6"], About("Which addresses it tells.")] = "both"
    operator: Annotated[str, About("Who runs it: providers of one operator share one vote. The name if left out.")] = ""
    plain_http: Annotated[bool, About("Say `true` to allow `http://`: anyone on the way can change such a reply.")] = (
        False
    )
    private_address: Annotated[
        bool, About("Say `true` to allow a server on a private, loopback or otherwise internal address.")
    ] = False

    def specs(self) -> tuple[ProviderSpec, ...]:
        """
        How it is asked: one specification a family. A URL with an address in it serves that address's family only.

        Raises:
            SourceRefusedError: a rule of `ProviderSpec` is broken; `problems` tells that beforehand.
        """
        host = urlsplit(self.url).hostname or ""
        families = {"both": (Family.V4, Family.V6), "ipv4": (Family.V4,), "ipv6": (Family.V6,)}[self.family]
        with contextlib.suppress(ValueError):
            literal = family_of(ipaddress.ip_address(host))
            families = tuple(family for family in families if family is literal) or families
        return tuple(
            ProviderSpec(
                name=f"{self.name} {family.label}",
                operator=self.operator or self.name,
                url=self.url,
                family=family,
                format=ReplyFormat(self.format),
                json_path=self.path,
                allow_plain_http=self.plain_http,
                allow_private_address=self.private_address,
            )
            for family in families
        )

    def problems(self) -> tuple[tuple[str, str], ...]:
        """
        Each field that cannot be used, and why. Host names are judged later, once resolved, by the adapter.
        """
        found: list[tuple[str, str]] = []
        if not NAME.fullmatch(self.name):
            found.append(("name", _NAME_RULE))
        if self.operator and not NAME.fullmatch(self.operator):
            found.append(("operator", _NAME_RULE))
        if wrong := self._url_problem():
            found.append(("url", wrong))
        if not found:
            try:
                self.specs()
            except SourceRefusedError as error:
                found.append(("url", f"{error}"))
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
        return special_range_of(ipaddress.ip_address(host)) is not None
    except ValueError:
        return False
