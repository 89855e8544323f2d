"""Handing a letter to a mail server (RFC 5321), over TLS unless it is said otherwise."""

from __future__ import annotations

import smtplib
import ssl
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from typing import Literal, NamedTuple

from kanhe.core.errors import KanheError, SettingsError

Security = Literal["starttls", "tls", "none"]
TIMEOUT_S = 20.0
_FOR_GOOD = range(500, 600)


class PostError(KanheError):
    """A letter was not taken. `for_good` says that trying again is of no use."""

    def __init__(self, text: str, *, for_good: bool = False) -> None:
        super().__init__(text)
        self.for_good = for_good


class Written(NamedTuple):
    """A letter. Its texts are ours; what others wrote stands in the bodies alone."""

    to_name: str
    to_mail: str
    subject: str
    plain: str
    html: str
    message_id: str
    """Without brackets, such as `k3.7@desk.example.com`; the same when it is sent again."""
    from_name: str = ""
    """In whose name it is sent; empty for Kanhe's own."""


class Post:
    """A mail server that is asked for each letter anew."""

    def __init__(
        self,
        host: str,
        port: int,
        sender: str,
        *,
        security: Security = "starttls",
        user: str = "",
        password: str = "",
        context: ssl.SSLContext | None = None,
    ) -> None:
        self._host = host
        self._port = port
        self._security = security
        self._user = user
        self._password = password
        self._context = context
        try:
            self._sender = Address("Kanhe", addr_spec=sender)
        except (ValueError, IndexError) as error:
            raise SettingsError(f"mail_from must be a mail address, not {sender!r}") from error

    def send(self, letter: Written) -> None:
        """Hand it over; the server has it when this returns. Raises `PostError`."""
        try:
            message = self._message(letter)
        except (ValueError, IndexError) as error:
            # A line break in a header, or an address that is none: the library refuses both.
            raise PostError(f"the letter cannot be written: {error}", for_good=True) from error
        try:
            with self._open() as server:
                if self._user:
                    server.login(self._user, self._password)
                server.send_message(message)
        except smtplib.SMTPRecipientsRefused as error:
            codes = [code for code, _ in error.recipients.values()]
            raise PostError(
                f"the address was refused ({', '.join(map(str, codes))})",
                for_good=all(code in _FOR_GOOD for code in codes),
            ) from error
        except (smtplib.SMTPException, OSError) as error:
            raise PostError(f"{self._host} did not take it: {_told(error)}") from error

    def _open(self) -> smtplib.SMTP:
        context = self._context or ssl.create_default_context()
        if self._security == "tls":
            return smtplib.SMTP_SSL(self._host, self._port, timeout=TIMEOUT_S, context=context)
        server = smtplib.SMTP(self._host, self._port, timeout=TIMEOUT_S)
        if self._security == "starttls":
            try:
                # Raises if the server does not offer it: what was to be sealed is not sent open.
                server.starttls(context=context)
            except BaseException:
                server.close()
                raise
        return server

    def _message(self, letter: Written) -> EmailMessage:
        message = EmailMessage(policy=SMTP)
        sender = self._sender
        if letter.from_name:
            sender = Address(letter.from_name, addr_spec=sender.addr_spec)
        message["From"] = sender
        message["To"] = Address(letter.to_name, addr_spec=letter.to_mail)
        message["Subject"] = letter.subject
        message["Message-ID"] = f"<{letter.message_id}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(letter.plain)
        message.add_alternative(letter.html, subtype="html")
        return message


def _told(error: Exception) -> str:
    """What the server said, without what we said to it."""
    if isinstance(error, smtplib.SMTPResponseException):
        said = error.smtp_error
        text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
        return f"{error.smtp_code} {text}"[:200]
    return f"{type(error).__name__}: {error}"[:200]
