"""Sending one webhook: to an address that was checked, within bounds of time and size.

The receiver is somebody else: it may be slow, broken, hostile, or no longer who it was. No redirect is
followed, no cookie kept, and no more of an answer is read than is shown to people.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from http.client import HTTPConnection, HTTPException
from typing import NamedTuple

from kanhe.protect.outbound.destination import (
    Address,
    Destination,
    DestinationError,
    check_addresses,
    read_destination,
)

TIMEOUT_S = 15.0
MOST_ANSWER_BYTES = 1_024
"""What is kept of an answer."""

LookUp = Callable[[str, int], Sequence[Address]]
"""The addresses a name leads to. Raises `OSError`."""


class Outcome(NamedTuple):
    """What came of one attempt."""

    status: int
    """The status of the answer, 0 if there was none."""
    took_ms: int
    answer: bytes = b""
    """Its first bytes."""
    problem: str = ""
    """Why there was no answer."""
    retry_after_s: int = 0
    """How long the receiver asked to be left in peace."""

    @property
    def ok(self) -> bool:
        """Whether the receiver has the message."""
        return 200 <= self.status < 300


def look_up(host: str, port: int) -> Sequence[Address]:
    """What the system's resolver says."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [ipaddress.ip_address(str(entry[4][0])) for entry in found]


def send(
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    private: bool = False,
    timeout_s: float = TIMEOUT_S,
    looked_up: LookUp = look_up,
    context: ssl.SSLContext | None = None,
) -> Outcome:
    """Send once. Never raises for what the receiver or the network does.

    (1) The name is looked up and what it leads to is checked. (2) The connection goes to the address
    that was checked; for TLS the certificate must be that of the name. (3) One clock runs out on
    everything that follows, because a timeout of the socket alone starts anew with every byte that
    drips in. (4) Of the answer, its status and first bytes are read.
    """
    begun = time.monotonic()

    def took() -> int:
        return round((time.monotonic() - begun) * 1_000)

    try:
        to = read_destination(url, private=private)
        address = check_addresses(looked_up(to.host, to.port), private=private)  # (1)
        connection = _PinnedConnection(to, address, timeout_s, context)
        try:
            connection.connect()  # (2)
            limit = threading.Timer(timeout_s, _hang_up, [connection.sock])  # (3)
            limit.daemon = True
            limit.start()
            try:
                connection.request("POST", to.path, body, {**headers, "host": to.host_header})
                answer = connection.getresponse()
                wished = _seconds(answer.headers.get("retry-after", ""))
                content = answer.read(MOST_ANSWER_BYTES)  # (4)
                if time.monotonic() - begun >= timeout_s:
                    # What was cut off may look like a whole answer.
                    raise TimeoutError
                return Outcome(answer.status, took(), content, "", wished)
            finally:
                limit.cancel()
        finally:
            connection.close()
    except DestinationError as error:
        return Outcome(0, took(), problem=str(error))
    except (OSError, HTTPException, ValueError) as error:
        late = time.monotonic() - begun >= timeout_s
        return Outcome(0, took(), problem=_told(error, timeout_s if late else None))


class _PinnedConnection(HTTPConnection):
    """A connection to one address, whatever the name leads to by now."""

    def __init__(
        self,
        to: Destination,
        address: Address,
        timeout_s: float,
        context: ssl.SSLContext | None,
    ) -> None:
        super().__init__(to.host, to.port, timeout=timeout_s)
        self._to = to
        self._address = address
        self._context = context

    def connect(self) -> None:
        """Connect, and check the certificate against the name."""
        self.sock = socket.create_connection((str(self._address), self._to.port), self.timeout)
        if self._to.tls:
            context = self._context or ssl.create_default_context()
            self.sock = context.wrap_socket(self.sock, server_hostname=self._to.host)


def _hang_up(sock: socket.socket) -> None:
    """End whatever waits for this socket."""
    with suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)


def _seconds(text: str) -> int:
    """`Retry-After` in seconds; dates are not worth a clock of the receiver's."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 else 0


def _told(error: Exception, timeout_s: float | None) -> str:
    if timeout_s is not None or isinstance(error, TimeoutError):
        return f"no answer within {timeout_s or TIMEOUT_S:g} s"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate does not hold: {error.verify_message}"
    return f"{type(error).__name__}: {error}"[:300]
