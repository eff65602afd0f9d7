"""
Announcing by email.

The `Message-ID` is made from the notice's key and is the same in every repetition, so that mail programs that drop copies
show one; the protocol itself promises no more than at least once.

Source: RFC 5321 (4yz may be tried again, 5yz not), RFC 5322 section 3.6.4, RFC 8314 (implicit TLS), RFC 3207 (STARTTLS).
"""

from __future__ import annotations

import email.message
import email.utils
import ipaddress
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from ip_monitor.adapters.notifiers.extras import ExtraMissingError
from ip_monitor.application.cancellation import heed_cancellation
from ip_monitor.application.ports import DeliveryFailedError
from ip_monitor.domain.wording import headline, sentence
from ip_monitor.errors import IPMonitorError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ip_monitor.domain.notices import Notice

_PORTS = {"smtp": 587, "smtps": 465}
_TIMEOUT_S = 10.0
_SHOWN = 200
# Wrong or missing credentials. The notice is not to blame and goes out once the settings are mended.
_CREDENTIALS = frozenset({530, 534, 535, 538})


class EmailRefusedError(IPMonitorError, ValueError):
    """
    A mail server or an address that cannot be used. The server's address may hold a password and is not in the text.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class MailServer:
    """
    Where mail is handed in.

    Attributes:
        is_tls: TLS from the first byte; otherwise STARTTLS is required, except on this machine.
    """

    host: str
    port: int
    user: str | None
    password: str | None
    is_tls: bool

    @classmethod
    def parse(cls, url: str) -> MailServer:
        """
        `smtps://user:password@host` or `smtp://…`, with a port where it is not 465 or 587. Percent signs escape.

        Raises:
            EmailRefusedError: of another form.
        """
        try:
            parts = urlsplit(url.strip())
            port, host = parts.port, parts.hostname
        except ValueError as error:
            raise EmailRefusedError(
                "the mail server's URL cannot be read; write smtps://user:password@host."
            ) from error
        if parts.scheme not in _PORTS or not host or parts.path not in {"", "/"} or parts.query or port == 0:
            raise EmailRefusedError("the mail server's URL must be like smtps://user:password@host or smtp://host:587.")
        return cls(
            host=host,
            port=port or _PORTS[parts.scheme],
            user=None if parts.username is None else unquote(parts.username),
            password=None if parts.password is None else unquote(parts.password),
            is_tls=parts.scheme == "smtps",
        )

    @property
    def is_here(self) -> bool:
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


class EmailNotifier:
    """
    One message a change, or one for all that waited.

    Args:
        url: the mail server, a secret.
        sender: the address it comes from.
        recipients: one or more.
        ssl_context: verifies the server; the system's certificates when None.

    Raises:
        EmailRefusedError: the server or an address cannot be used.
        ExtraMissingError: aiosmtplib is not installed.
    """

    def __init__(
        self,
        url: str,
        *,
        sender: str,
        recipients: Sequence[str],
        name: str = "email",
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        try:
            import aiosmtplib as library  # noqa: PLC0415 # an extra
        except ImportError as error:
            raise ExtraMissingError("smtp_url", "email") from error
        self._library = library
        self.name = name
        self._server = MailServer.parse(url)
        if not recipients:
            raise EmailRefusedError("nobody is named to get mail; set email_to.")
        self._recipients = tuple(_checked(one) for one in recipients)
        self._sender = _checked(sender or recipients[0])
        self._ssl_context = ssl_context

    def __repr__(self) -> str:
        return f"<EmailNotifier {self.name!r} by {self._server.host}>"

    async def send(self, notice: Notice) -> None:
        await self._hand_in(self._message(headline(notice.change), sentence(notice.change), key=notice.key))

    async def send_digest(self, notices: Sequence[Notice]) -> None:
        lines = [f"{notice.change.at:%Y-%m-%d %H:%M:%S} UTC  {sentence(notice.change)}" for notice in notices]
        subject = f"{len(notices)} changes; now {headline(notices[-1].change)}"
        await self._hand_in(self._message(subject, "\n".join(lines), key=notices[-1].key))

    async def aclose(self) -> None:
        pass

    def _message(self, subject: str, text: str, *, key: str) -> email.message.EmailMessage:
        message = email.message.EmailMessage()
        message["From"] = self._sender
        message["To"] = ", ".join(self._recipients)
        message["Subject"] = f"IP Monitor: {subject}"
        message["Date"] = email.utils.format_datetime(email.utils.localtime())
        message["Message-ID"] = f"<{key.replace(':', '.')}@ip-monitor.invalid>"
        # Keeps holiday notes and the like from answering. Source: RFC 3834 section 5
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(text + "\n")
        return message

    async def _hand_in(self, message: email.message.EmailMessage) -> None:
        server, library = self._server, self._library
        client = library.SMTP(
            hostname=server.host,
            port=server.port,
            username=server.user,
            password=server.password,
            use_tls=server.is_tls,
            start_tls=None if server.is_tls or server.is_here else True,
            tls_context=self._ssl_context,
            timeout=_TIMEOUT_S,
        )

        async def hand_in() -> None:
            async with client:
                # Where only some recipients were refused, the others have theirs, and sending again would give it to them
                # twice: that counts as delivered.
                await client.send_message(message)

        try:
            await heed_cancellation(hand_in())
        except library.SMTPRecipientsRefused as error:
            raise self._failure(error.recipients[0].code, error.recipients[0].message) from error
        except library.SMTPResponseException as error:
            raise self._failure(error.code, error.message) from error
        except (library.SMTPException, OSError, ssl.SSLError) as error:
            why = " ".join(str(error).split())[:_SHOWN]
            raise DeliveryFailedError(f"the mail server cannot be used ({type(error).__name__}: {why})") from error
        finally:
            client.close()

    def _failure(self, code: int, text: str) -> DeliveryFailedError:
        said = " ".join(str(text).split())[:_SHOWN]
        is_permanent = 500 <= code < 600 and code not in _CREDENTIALS
        return DeliveryFailedError(f"the mail server answers {code} {said}", is_permanent=is_permanent)


def _checked(address: str) -> str:
    local, mark, domain = address.strip().rpartition("@")
    if not (local and mark and domain) or not address.strip().isprintable() or any(c in address for c in " ,<>"):
        raise EmailRefusedError(f"{address[:80]!r} is no mail address; write it as name@host.")
    return address.strip()
