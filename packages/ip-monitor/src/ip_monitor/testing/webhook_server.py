"""
A receiver of signed webhooks on loopback that acts once on each key, and fails as receivers do.

It keeps to the Standard Webhooks specification by its own reading of it, so that it would not share a mistake with the
sender. Source: standardwebhooks.com, "Verifying webhook authenticity".
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import random
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, cast

from hermetic.world.http import MockServer, Reply, fail, faults

if TYPE_CHECKING:
    from hermetic.world.http import Fault, Request

_PATH = "/hook"
_SECRET_PREFIX = "whsec_"  # noqa: S105 - what secrets begin with


class WebhookFault(StrEnum):
    """
    How one request goes wrong.

    In the first three the receiver has not acted. In the last two it has, and the sender cannot know.
    """

    HANG = "hang"
    RESET = "reset"
    CLOSE = "close"
    ANSWER_LOST = "answer_lost"
    ANSWER_RESET = "answer_reset"


_ENDS: dict[WebhookFault, Fault] = {
    WebhookFault.HANG: faults.stall(),
    WebhookFault.RESET: faults.reset(),
    WebhookFault.CLOSE: faults.close(),
    WebhookFault.ANSWER_LOST: faults.close(),
    WebhookFault.ANSWER_RESET: faults.reset(),
}
_ACTED_ALL_THE_SAME = frozenset({WebhookFault.ANSWER_LOST, WebhookFault.ANSWER_RESET})


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedNotice:
    """
    One notice that was acted on.

    Attributes:
        key: the idempotency key.
        payload: the JSON.
        is_signed: its signature was checked.
    """

    key: str
    payload: dict[str, Any]
    is_signed: bool


class MockWebhookServer(MockServer):
    """
    Everything a `MockServer` can do (latency, limits, recording) works on it too.

    Args:
        name: in reports and the seeds of draws.
        secret: what notices must be signed with, as the sender's setting holds it; others are answered 401. None takes
            every notice.
        lost_share: of how many requests the answer is lost after they were acted on, drawn from `seed`; 0 to 1.
        options: as for `MockServer`.

    Attributes:
        acted: what it acted on, each key once, in order.
        keys: the key of every request that was well formed, repetitions included.
        faults_to_come: one for each request in turn, then none: a status to answer, or a `WebhookFault`.
        retry_after_s: goes with each status of `faults_to_come`; None sends none.
    """

    def __init__(
        self, name: str = "webhook", *, secret: str | None = None, lost_share: float = 0.0, **options: Any
    ) -> None:
        super().__init__(name, **options)
        self.acted: list[ReceivedNotice] = []
        self.keys: list[str] = []
        self.faults_to_come: list[int | WebhookFault] = []
        self.retry_after_s: int | None = None
        self._secret = None if secret is None else _key_of(secret)
        self._lost_share = lost_share
        # Which answers are lost is part of a scene, not a secret.
        self._rng = random.Random(self.seed)  # noqa: S311
        self.post(_PATH).call(self._receive)

    @property
    def hook_url(self) -> str:
        """
        Where notices are posted.
        """
        return self.url_for(_PATH)

    @property
    def repeats(self) -> int:
        """
        How many requests told again what had been acted on or was about to be.
        """
        return len(self.keys) - len(set(self.keys))

    def _receive(self, request: Request) -> Reply | Fault:
        key = request.header("webhook-id") or request.header("Idempotency-Key")
        payload = _object_of(request.body)
        if not key or payload is None:
            return fail(400, body="a key and a JSON object, please")
        if self._secret is not None and not self._is_genuine(request, key):
            return fail(401, body="not signed with the secret")
        self.keys.append(key)
        trouble = self._next_trouble()
        if isinstance(trouble, WebhookFault):
            if trouble in _ACTED_ALL_THE_SAME:
                self._act(key, payload)
            return _ENDS[trouble]
        if trouble is not None and not 200 <= trouble < 300:
            patience = {} if self.retry_after_s is None else {"Retry-After": str(self.retry_after_s)}
            return fail(trouble, headers=patience)
        self._act(key, payload)
        return Reply(status=trouble or 204)

    def _next_trouble(self) -> int | WebhookFault | None:
        if self.faults_to_come:
            return self.faults_to_come.pop(0)
        return WebhookFault.ANSWER_LOST if self._rng.random() < self._lost_share else None

    def _act(self, key: str, payload: dict[str, Any]) -> None:
        if all(one.key != key for one in self.acted):
            self.acted.append(ReceivedNotice(key=key, payload=payload, is_signed=self._secret is not None))

    def _is_genuine(self, request: Request, key: str) -> bool:
        signed = b".".join((key.encode(), (request.header("webhook-timestamp") or "").encode(), request.body))
        expected = base64.b64encode(hmac.new(self._secret or b"", signed, hashlib.sha256).digest()).decode()
        offered = (request.header("webhook-signature") or "").split()
        return any(hmac.compare_digest(one, f"v1,{expected}") for one in offered)


def _key_of(secret: str) -> bytes:
    if secret.startswith(_SECRET_PREFIX):
        return base64.b64decode(secret[len(_SECRET_PREFIX) :])
    return secret.encode()


def _object_of(body: bytes) -> dict[str, Any] | None:
    try:
        value: object = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return cast("dict[str, Any]", value) if isinstance(value, dict) else None
