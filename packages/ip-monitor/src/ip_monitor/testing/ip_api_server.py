"""
A service that tells its clients their address, on loopback.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any

from hermetic.world.http import MockServer, Reply, Request, fail, json, text

from ip_monitor.domain.addresses import Family
from ip_monitor.domain.providers import ProviderSpec, ReplyFormat
from ip_monitor.testing.line import SimulatedLine
from ip_monitor.testing.profiles import Profile, profile_named

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from ip_monitor.domain.addresses import Address

_HANG_S = 86_400.0


class MockIPAPIServer(MockServer):
    """
    Tells the address of a `SimulatedLine` at the endpoints that public services have, in their manners and with their
    failures. Everything a `MockServer` can do (latency, faults, limits, recording) works on it too.

    The endpoints, each answering in its own way: `/json`, `/text`, `/custom`, `/nested`, `/array`; after `slow_s`:
    `/slow`; never: `/timeout`; wrongly: `/error`, `/rate_limit`, `/malformed`, `/empty`, `/invalid_ip`,
    `/multiple_ips`; and `/dynamic/<address>`, which tells the address asked for, `/dynamic/<status>`, which fails so.

    Args:
        name: also the operator's name in `spec`.
        line: the truth; a line of its own when None.
        profile: a service to answer like, by name or as a Profile, at that service's own paths.
        slow_s: the delay of `/slow`, seconds.
        custom_field: the key that `/custom` puts the address under.
        options: as for `MockServer`.

    Raises:
        KeyError: there is no profile of that name; the text names those that there are.
    """

    def __init__(
        self,
        name: str = "ip-api",
        *,
        line: SimulatedLine | None = None,
        profile: str | Profile | None = None,
        slow_s: float = 2.0,
        custom_field: str = "address",
        **options: Any,
    ) -> None:
        super().__init__(name, **options)
        self.line = line or SimulatedLine()
        self.profile = profile_named(profile) if isinstance(profile, str) else profile
        self._told: Callable[[Family], Address | None] = self.line.address
        self._failure: Reply | None = None
        # A profile's own paths come first, and take the place of endpoints of the same name.
        taken = self.profile.paths if self.profile else ()
        for path in taken:
            self.get(path).call(self._as_profile)
        self._add_endpoints(taken, slow_s=slow_s, custom_field=custom_field)

    # ------------------------------------------------------------ what it tells

    def lie(self, address: Address | str) -> None:
        """
        From now on tell this address, whatever the truth is.
        """
        told = ipaddress.ip_address(address)
        self._told = lambda _family: told

    def be_stale(self, by_s: float) -> None:
        """
        From now on tell the address of `by_s` seconds ago, as a service behind a cache does.
        """
        self._told = lambda family: self.line.address(family, ago_s=by_s)

    def be_honest(self) -> None:
        """
        Tell the truth again, and fail no longer.
        """
        self._told, self._failure = self.line.address, None

    def fail_as(self, trouble: str | Reply) -> None:
        """
        From now on give this reply at the profile's paths: a Reply, or the name of one of the profile's failures.

        Raises:
            KeyError: the profile has no such failure; the text names those it has.
        """
        self._failure = trouble if isinstance(trouble, Reply) else self._known_failure(trouble)

    def _known_failure(self, name: str) -> Reply:
        known: Mapping[str, Reply] = self.profile.failures if self.profile else {}
        if name not in known:
            raise KeyError(f"{self.name} cannot fail as {name!r}; it knows: {', '.join(sorted(known)) or 'none'}")
        return known[name]

    def spec(self, family: Family = Family.V4, *, path: str | None = None, **changes: Any) -> ProviderSpec:
        """
        How a monitor is told to ask this server; `changes` replace single fields.
        """
        format_ = self.profile.format if self.profile and path is None else ReplyFormat.AUTO
        where = path or (self.profile.paths[0] if self.profile else "/text")
        fields: dict[str, Any] = {
            "name": f"{self.name} {family.label}",
            "operator": self.name,
            "family": family,
            "url": self.url_for(where),
            "format": format_,
            "allow_plain_http": True,
            "allow_private_address": True,
        }
        return ProviderSpec(**{**fields, **changes})

    def told(self, request: Request) -> Address:
        """
        What it tells the sender of `request`, whose family decides.

        Raises:
            LookupError: the line has no address of that family.
        """
        family = Family.V6 if request.peer.count(":") > 1 else Family.V4
        address = self._told(family)
        if address is None:
            raise LookupError(f"the simulated line has no {family.label} address")
        return address

    # ------------------------------------------------------------ endpoints

    def _as_profile(self, request: Request) -> Reply:
        if self._failure is not None:
            return self._failure
        if self.profile is None:
            return text(str(self.told(request)))
        return self.profile.answer(self.told(request), request)

    def _add_endpoints(self, taken: Collection[str], *, slow_s: float, custom_field: str) -> None:
        def told(request: Request) -> str:
            return str(self.told(request))

        def half(request: Request) -> Reply:
            return Reply(headers=(("Content-Type", "application/json"),), body=f'{{"ip": "{told(request)}'.encode())

        answers: dict[str, Callable[[Request], Reply]] = {
            "/json": lambda request: json({"ip": told(request)}),
            "/text": lambda request: text(told(request)),
            "/custom": lambda request: json({custom_field: told(request)}),
            "/nested": lambda request: json({"data": {"network": {"ip": told(request)}}}),
            "/array": lambda request: json([{"ip": told(request)}]),
            "/slow": lambda request: text(told(request)),
            "/timeout": lambda request: text(told(request)),
            "/error": lambda _request: fail(500),
            "/rate_limit": lambda _request: fail(429, headers={"Retry-After": "30"}),
            "/malformed": half,
            "/empty": lambda _request: text(""),
            "/invalid_ip": lambda _request: text("999.999.999.999"),
            "/multiple_ips": lambda request: text(f"192.168.0.2, {told(request)}"),
            "/dynamic/{wanted}": _dynamic,
        }
        delays_s = {"/slow": slow_s, "/timeout": _HANG_S}
        for path, answer in answers.items():
            if path not in taken:
                route = self.get(path).call(answer)
                if path in delays_s:
                    route.delay(delays_s[path])


def _dynamic(request: Request) -> Reply:
    wanted = request.params["wanted"]
    if wanted.isascii() and wanted.isdigit() and 100 <= int(wanted) <= 999:
        return fail(int(wanted))
    try:
        return text(str(ipaddress.ip_address(wanted)))
    except ValueError:
        return fail(404, body=f"{wanted!r} is neither an address nor a status")
