"""
Announcing through Apprise, which speaks to some hundred and twenty services.

The library blocks, so each try has a thread of its own, a daemon, which nobody waits for longer than the timeout. A thread that
still hangs from an earlier try fails the next one, so that there is never more than one. No key is passed on: at least once.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import warnings
from typing import TYPE_CHECKING, Any

from ip_monitor.adapters.notifiers.extras import ExtraMissingError
from ip_monitor.application.ports import DeliveryFailedError
from ip_monitor.domain.wording import headline, sentence
from ip_monitor.errors import IPMonitorError

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from ip_monitor.domain.notices import Notice

_LOG = logging.getLogger("apprise")


class AppriseRefusedError(IPMonitorError, ValueError):
    """
    An address that Apprise does not know. It may hold a secret, so only its place is told.
    """


class AppriseNotifier:
    """
    Args:
        urls: Apprise's own, such as `ntfy://host/topic`; secrets. All must take a notice for it to count as delivered.
        timeout_s: for one try, seconds.

    Raises:
        AppriseRefusedError: Apprise knows no such service.
        ExtraMissingError: Apprise is not installed.
    """

    def __init__(self, urls: Sequence[str], *, name: str = "apprise", timeout_s: float = 12.0) -> None:
        self.name = name
        self._timeout_s = timeout_s
        self._is_busy = False
        with _silent():
            self._apprise = _services(urls)

    def __repr__(self) -> str:
        return f"<AppriseNotifier {self.name!r} to {len(self._apprise)} services>"

    async def send(self, notice: Notice) -> None:
        await self._notify(headline(notice.change), sentence(notice.change))

    async def send_digest(self, notices: Sequence[Notice]) -> None:
        lines = [f"{notice.change.at:%Y-%m-%d %H:%M:%S} UTC  {sentence(notice.change)}" for notice in notices]
        await self._notify(f"{len(notices)} changes; now {headline(notices[-1].change)}", "\n".join(lines))

    async def aclose(self) -> None:
        pass

    async def _notify(self, title: str, body: str) -> None:
        if self._is_busy:
            raise DeliveryFailedError("Apprise still hangs in the try before")
        loop = asyncio.get_running_loop()
        done: asyncio.Future[object] = loop.create_future()

        def settle(result: object) -> None:
            if not done.done():
                done.set_result(result)

        def work() -> None:
            try:
                with _silent():
                    result: object = self._apprise.notify(title=title, body=body)
            except Exception as error:  # noqa: BLE001 - judged where it is awaited
                result = error
            # Before it is told, because who is told may try again at once.
            self._is_busy = False
            with contextlib.suppress(RuntimeError):  # the loop may be closed by now
                loop.call_soon_threadsafe(settle, result)

        self._is_busy = True
        threading.Thread(target=work, daemon=True, name="ip-monitor-apprise").start()
        try:
            async with asyncio.timeout(self._timeout_s):
                result = await done
        except TimeoutError as error:
            raise DeliveryFailedError(f"Apprise did not end within {self._timeout_s:g} s") from error
        if isinstance(result, Exception):
            raise DeliveryFailedError(f"Apprise failed: {type(result).__name__}") from result
        if not result:
            raise DeliveryFailedError("a service that Apprise speaks to did not take it")


def _services(urls: Sequence[str]) -> Any:
    # Some of its hundred modules use what Python has deprecated, which is no business of who runs a monitor.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            import apprise  # noqa: PLC0415 # an extra, and 17 MiB
        except ImportError as error:
            raise ExtraMissingError("apprise", "apprise") from error
        # One service after the other in our own thread: a pool of the library's would be waited for at the end.
        services: Any = apprise.Apprise(asset=apprise.AppriseAsset(async_mode=False))
        for number, url in enumerate(urls, start=1):
            if not services.add(url):
                scheme = url.partition("://")[0][:20]
                raise AppriseRefusedError(
                    f"address {number} of the setting apprise, {scheme}://…, is none that Apprise knows. See its documentation."
                )
    return services


@contextlib.contextmanager
def _silent() -> Generator[None]:
    """
    Without its log, which shows addresses, and with them secrets.
    """
    before, _LOG.disabled = _LOG.disabled, True
    try:
        yield
    finally:
        _LOG.disabled = before
