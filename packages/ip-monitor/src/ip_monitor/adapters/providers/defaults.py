"""
The sources that are asked when nobody names others: six independent operators, all by HTTPS, no key needed.

`SPARES` are off by default: their operator is already asked, or they limit how often they may be, or they answer over a
transport that supports and does not prove.
"""

from __future__ import annotations

import ipaddress

from ip_monitor.domain.addresses import Family, Network
from ip_monitor.domain.providers import ProviderSpec, ReplyFormat

# No customer of an internet provider has one of these; a service behind this network that fails to see its client
# answers with one. Source: www.cloudflare.com/ips
CDN_RANGES: tuple[Network, ...] = tuple(
    ipaddress.ip_network(text)
    for text in (
        "173.245.48.0/20",
        "103.21.244.0/22",
        "103.22.200.0/22",
        "103.31.4.0/22",
        "141.101.64.0/18",
        "108.162.192.0/18",
        "190.93.240.0/20",
        "188.114.96.0/20",
        "197.234.240.0/22",
        "198.41.128.0/17",
        "162.158.0.0/15",
        "104.16.0.0/13",
        "104.24.0.0/14",
        "172.64.0.0/13",
        "131.0.72.0/22",
        "2400:cb00::/32",
        "2606:4700::/32",
        "2803:f800::/32",
        "2405:b500::/32",
        "2405:8100::/32",
        "2a06:98c0::/29",
        "2c0f:f248::/32",
    )
)


def _text(name: str, operator: str, family: Family, url: str) -> ProviderSpec:
    return ProviderSpec(
        name=f"{name} {family.label}",
        operator=operator,
        family=family,
        url=url,
        format=ReplyFormat.TEXT,
        refused_ranges=CDN_RANGES,
    )


def _other(name: str, operator: str, family: Family, url: str) -> ProviderSpec:
    return ProviderSpec(
        name=f"{name} {family.label}", operator=operator, family=family, url=url, refused_ranges=CDN_RANGES
    )


def _cloudflare(family: Family) -> ProviderSpec:
    host = "www.cloudflare.com"
    return ProviderSpec(
        name=f"Cloudflare {family.label}",
        operator="Cloudflare",
        family=family,
        url=f"https://{host}/cdn-cgi/trace",
        format=ReplyFormat.TRACE,
        # Behind WARP the address is the tunnel's; another host than the one asked has answered wrongly before.
        require_fields=(("h", host),),
        forbid_fields=(("warp", "on"), ("warp", "plus")),
        refused_ranges=CDN_RANGES,
    )


DEFAULTS: tuple[ProviderSpec, ...] = (
    _cloudflare(Family.V4),
    _text("ipify", "ipify", Family.V4, "https://api.ipify.org"),
    _text("Amazon", "Amazon", Family.V4, "https://checkip.amazonaws.com/"),
    _text("ident.me", "ident.me", Family.V4, "https://v4.ident.me"),
    _text("deSEC", "deSEC", Family.V4, "https://checkipv4.dedyn.io/"),
    _text("ifconfig.me", "ifconfig.me", Family.V4, "https://ifconfig.me/ip"),
    _cloudflare(Family.V6),
    _text("ipify", "ipify", Family.V6, "https://api6.ipify.org"),
    _text("ident.me", "ident.me", Family.V6, "https://v6.ident.me"),
    _text("deSEC", "deSEC", Family.V6, "https://checkipv6.dedyn.io/"),
    _text("ifconfig.me", "ifconfig.me", Family.V6, "https://ifconfig.me/ip"),
)
SPARES: tuple[ProviderSpec, ...] = (
    _text("icanhazip", "Cloudflare", Family.V4, "https://ipv4.icanhazip.com"),
    _text("nsupdate.info", "nsupdate.info", Family.V4, "https://ipv4.nsupdate.info/myip"),
    _text("nnev.de", "nnev.de", Family.V4, "https://ip4.nnev.de"),
    _text("wtfismyip", "wtfismyip", Family.V4, "https://ipv4.wtfismyip.com/text"),
    _text("ipinfo", "ipinfo", Family.V4, "https://ipinfo.io/ip"),
    *(
        _other(name, operator, family, url)
        for family in Family
        for name, operator, url in (
            (
                "Cloudflare DoH",
                "Cloudflare",
                "doh://cloudflare-dns.com/dns-query?name=whoami.cloudflare&type=TXT&class=CH",
            ),
            ("Cloudflare DoT", "Cloudflare", "dot://one.one.one.one/?name=whoami.cloudflare&type=TXT&class=CH"),
            ("Google DNS", "Google", "dns://ns1.google.com/?name=o-o.myaddr.l.google.com&type=TXT"),
            ("Cloudflare STUN", "Cloudflare", "stun://stun.cloudflare.com:3478"),
            ("Google STUN", "Google", "stun://stun.l.google.com:19302"),
            ("Nextcloud STUN", "Nextcloud", "stun://stun.nextcloud.com:443"),
        )
    ),
    # Answered only by this operator's own resolvers.
    _other("OpenDNS", "OpenDNS", Family.V4, "dns://208.67.222.222/?name=myip.opendns.com&type=A"),
)
