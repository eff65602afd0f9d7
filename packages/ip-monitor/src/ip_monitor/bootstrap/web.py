"""
From settings to the page. Nothing of it is imported where the settings ask for none.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import logging
from typing import TYPE_CHECKING

from ip_monitor.errors import IPMonitorError
from ip_monitor.settings.place import Place

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from ip_monitor.adapters.web.board import Board
    from ip_monitor.bootstrap.application import Application
    from ip_monitor.settings import Settings

_LOG = logging.getLogger("ip_monitor")
# A port that was taken may be free later, as after an upgrade of what had it.
_AGAIN_S = 30.0


class WebMissingError(IPMonitorError, ImportError):
    """
    The settings ask for the page, and its libraries are not installed.
    """

    def __str__(self) -> str:
        return 'the page needs its extra. Install it: pip install "ip-monitor[web]"'


class CertificateRefusedError(IPMonitorError, ValueError):
    """
    The page's certificate or key cannot be used.
    """


def import_library() -> None:
    """
    Import what the page needs.

    Raises:
        WebMissingError: it is not installed.
    """
    try:
        importlib.import_module("ip_monitor.adapters.web.server")
    except ImportError as error:
        if (error.name or "").partition(".")[0] in {"jinja2", "markupsafe"}:
            raise WebMissingError from error
        raise


def new_board() -> Board:
    """
    What the page sees of the monitor; give it the log's lines and the events.

    Raises:
        WebMissingError: the page's libraries are not installed.
    """
    import_library()
    from ip_monitor.adapters.web.board import Board  # noqa: PLC0415

    return Board()


def first_token(database: Path) -> str | None:
    """
    The token to sign in with, if there was none yet.

    Raises:
        TokenFileError: its hash cannot be kept.
    """
    from ip_monitor.adapters.web.tokens import TokenFile  # noqa: PLC0415

    return TokenFile(database).ensure()


def renew_token(database: Path) -> str:
    """
    A new token; the old one, and everybody who signed in with it, is out.

    Raises:
        TokenFileError: its hash cannot be kept.
    """
    from ip_monitor.adapters.web.tokens import TokenFile  # noqa: PLC0415

    return TokenFile(database).renew()


@contextlib.asynccontextmanager
async def serve_page(application: Application, board: Board) -> AsyncGenerator[None]:
    """
    Serve the page beside the monitor for the length of the block. A port that cannot be had is a warning, and is tried
    again; the monitor goes on.

    Raises:
        CertificateRefusedError: the settings name a certificate that cannot be used.
    """
    tls = await _tls(application.settings)
    application.announcer.add(board)
    work = asyncio.create_task(_keep(application, board, tls), name="ip-monitor-page")
    try:
        yield
    finally:
        application.announcer.discard(board)
        work.cancel()
        await asyncio.wait([work])


async def _keep(application: Application, board: Board, tls: ssl.SSLContext | None) -> None:
    from ip_monitor.adapters.web.listening import PlaceUnavailableError  # noqa: PLC0415
    from ip_monitor.adapters.web.server import WebServer  # noqa: PLC0415
    from ip_monitor.adapters.web.tokens import TokenFile  # noqa: PLC0415

    place = Place.parse(application.settings.web)
    warned = False
    while True:
        try:
            server = WebServer(
                application.admin,
                board=board,
                settings=lambda: application.settings,
                token=TokenFile(application.settings.database),
                place=place,
                clock=application.clock,
                tls=tls,
            )
            warned = False
            _tell(server.url, place, is_tls=tls is not None)
            await server.run()
        except PlaceUnavailableError as error:
            if not warned:
                _LOG.warning("%s The monitor runs without it, and tries again.", error)
            warned = True
        except Exception:  # noqa: BLE001 # a defect of the page must not end the monitor
            _LOG.exception("the page ended with a defect; it is served again in %g s", _AGAIN_S)
        await application.clock.sleep(_AGAIN_S)


def _tell(url: str, place: Place, *, is_tls: bool) -> None:
    _LOG.info("the page is at %s", url)
    if not place.is_loopback and not is_tls:
        _LOG.warning(
            "the page is served to the network without TLS: put a proxy with TLS before it, or set web_certificate"
        )


async def _tls(settings: Settings) -> ssl.SSLContext | None:
    if settings.web_certificate is None or settings.web_key is None:
        return None
    from ip_monitor.adapters.web.server import tls_context  # noqa: PLC0415

    try:
        return await asyncio.to_thread(tls_context, settings.web_certificate, settings.web_key)
    except OSError as error:
        raise CertificateRefusedError(
            f"{settings.web_certificate} with {settings.web_key} cannot be used for TLS: {error.strerror or error}. "
            "Give a PEM certificate chain and its unencrypted key."
        ) from error
