"""
Announcing to any web server, signed, under a key by which the receiver acts once.

Source: the Standard Webhooks specification (standardwebhooks.com): the headers `webhook-id`, `webhook-timestamp` and
`webhook-signature`, the latter `v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`. The id is the notice's key: it
is the same in every repetition, so a receiver that remembers ids acts once. `Idempotency-Key` carries it too.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import TYPE_CHECKING

from yarl import URL

from ip_monitor import __version__
from ip_monitor.adapters.notifiers.posting import Poster, WebhookRefusedError, check_webhook_url
from ip_monitor.domain.wording import sentence

if TYPE_CHECKING:
    import ssl

    from ip_monitor.domain.notices import Notice
    from ip_monitor.resilience.clock import Clock

_SECRET_PREFIX = "whsec_"  # noqa: S105 - what secrets begin with
_SHORTEST_SECRET_BYTES = 16


def sign(secret: bytes, *, message_id: str, timestamp: int, body: bytes) -> str:
    """
    The value of `webhook-signature`.
    """
    signed = b".".join((message_id.encode(), str(timestamp).encode(), body))
    return "v1," + base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()


def read_secret(text: str) -> bytes:
    """
    The key that a secret stands for: base64 after `whsec_`, otherwise the text itself.

    Raises:
        WebhookRefusedError: shorter than 16 bytes, or not base64. The secret is not in the text.
    """
    stripped = text.strip()
    try:
        is_encoded = stripped.startswith(_SECRET_PREFIX)
        key = base64.b64decode(stripped[len(_SECRET_PREFIX) :], validate=True) if is_encoded else stripped.encode()
    except ValueError as error:
        raise WebhookRefusedError("the webhook's secret is not base64 after whsec_. Copy it again.") from error
    if len(key) < _SHORTEST_SECRET_BYTES:
        raise WebhookRefusedError(
            f"the webhook's secret has {len(key)} bytes; make one of {_SHORTEST_SECRET_BYTES} or more, such as from "
            "`openssl rand -base64 24`."
        )
    return key


class WebhookNotifier:
    """
    Posts each change as JSON and takes any status from 200 to 299 as the acknowledgement.

    Args:
        url: where to; treated as a secret.
        secret: for the signature; without it requests are not signed.
        clock: dates the signature.

    Raises:
        WebhookRefusedError: the address or the secret cannot be used.
    """

    def __init__(
        self,
        url: str,
        *,
        clock: Clock,
        secret: str | None = None,
        name: str = "webhook",
        ssl_context: ssl.SSLContext | None = None,
        allow_plain_http: bool = False,
    ) -> None:
        self.name = name
        self._url = URL(check_webhook_url(url, allow_plain_http=allow_plain_http, remedy="Copy it from the receiver."))
        self._secret = None if secret is None else read_secret(secret)
        self._clock = clock
        self._poster = Poster(
            "the webhook", ssl_context=ssl_context, headers={"User-Agent": f"ip-monitor/{__version__}"}
        )

    def __repr__(self) -> str:
        return f"<WebhookNotifier {self.name!r} at {self._url.host}>"

    async def send(self, notice: Notice) -> None:
        body = json.dumps(_payload(notice), separators=(",", ":")).encode()
        timestamp = int(self._clock.time())
        headers = {"webhook-id": notice.key, "webhook-timestamp": str(timestamp), "Idempotency-Key": notice.key}
        if self._secret is not None:
            headers["webhook-signature"] = sign(self._secret, message_id=notice.key, timestamp=timestamp, body=body)
        await self._poster.post(self._url, body, headers=headers)

    async def aclose(self) -> None:
        await self._poster.aclose()


def _payload(notice: Notice) -> dict[str, object]:
    change = notice.change
    return {
        "type": "ip.reminder" if change.is_reminder else "ip.first" if change.is_first else "ip.changed",
        "timestamp": change.at.isoformat(),
        "data": {
            "change": change.key,
            "family": change.family.value,
            "address": str(change.address),
            "previous": None if change.previous is None else str(change.previous),
            "previous_lasted_s": change.previous_lasted_s,
            "operators": list(change.operators),
            "pool": [str(address) for address in change.pool],
            "text": sentence(change),
        },
    }
