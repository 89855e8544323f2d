"""Connections that keep to a total time: for name, connection, TLS, and every byte back and forth.

httpx bounds each read and each write by itself, so that a server that sends one byte now and then is
waited for without end, and it does not bound the look-up of a name at all. A checkout needs one bound
for everything. These are httpcore's network interfaces (https://www.encode.io/httpcore/network-backends/)
with one deadline for the thread that asks.
"""

from __future__ import annotations

import ipaddress
import queue
import select
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import httpcore
import httpx

from kanhe.client.wire import is_packed

_READ_BYTES = 65_536
_CONNECTIONS = 100
"""Beyond so many at once, questions wait for a connection instead of making one."""
_IDLE_S = 30.0
"""Shorter than the server's `keep_alive_ms`, so that it is the client that lets go first."""

Address = tuple[Any, ...]


class _Deadline(threading.local):
    """When the request that this thread makes must be over; without one, there is no bound."""

    at: float | None = None

    def left_s(self) -> float | None:
        """Seconds that are left."""
        return None if self.at is None else self.at - time.monotonic()


class BoundedTransport(httpx.BaseTransport):
    """An HTTP/1.1 pool with keep-alive whose requests end within the time of `within`.

    An answer is read whole, plain, and at most `most_bytes` of it. Raises httpx's own errors.
    """

    def __init__(self, verify: ssl.SSLContext, most_bytes: int) -> None:
        self._deadline = _Deadline()
        self._most_bytes = most_bytes
        self._pool = httpcore.ConnectionPool(
            ssl_context=verify,
            max_connections=_CONNECTIONS,
            max_keepalive_connections=_CONNECTIONS,
            keepalive_expiry=_IDLE_S,
            network_backend=_Network(self._deadline),
        )

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """What this thread asks inside must be over after so many seconds."""
        self._deadline.at = time.monotonic() + seconds
        try:
            yield
        finally:
            self._deadline.at = None

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request and read its answer."""
        url = request.url
        asked = httpcore.Request(
            request.method,
            httpcore.URL(
                scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
            ),
            headers=request.headers.raw,
            content=request.read(),
            extensions={"timeout": {"pool": self._deadline.left_s()}},
        )
        with _errors_of_httpx():
            answer = self._pool.handle_request(asked)
            try:
                if is_packed(httpx.Headers(answer.headers)):
                    raise httpcore.RemoteProtocolError("the answer is packed")
                body = self._whole(answer)
            finally:
                answer.close()
        return httpx.Response(answer.status, headers=answer.headers, content=body)

    def close(self) -> None:
        """Close all connections."""
        self._pool.close()

    def _whole(self, answer: httpcore.Response) -> bytes:
        parts, size = [], 0
        assert isinstance(answer.stream, Iterable)
        for part in answer.stream:
            size += len(part)
            if size > self._most_bytes:
                raise httpcore.RemoteProtocolError("the answer is too long")
            parts.append(part)
        return b"".join(parts)


class _Network(httpcore.NetworkBackend):
    """Makes connections."""

    def __init__(self, deadline: _Deadline) -> None:
        self._deadline = deadline

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Look the name up and try its addresses in turn, each with its share of what is left."""
        addresses = _look_up(host, port, self._deadline.left_s())
        failure: OSError | None = None
        for place, (family, address) in enumerate(addresses):
            left_s = self._deadline.left_s()
            if left_s is not None and left_s <= 0:
                break
            sock = socket.socket(family, socket.SOCK_STREAM)
            try:
                sock.settimeout(None if left_s is None else left_s / (len(addresses) - place))
                sock.connect(address)
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            except OSError as error:
                sock.close()
                failure = error
                continue
            return _Stream(sock, self._deadline)
        if failure is None or isinstance(failure, TimeoutError):
            raise httpcore.ConnectTimeout("the time is up")
        raise httpcore.ConnectError(str(failure))

    def sleep(self, seconds: float) -> None:
        """Never asked for: httpcore makes no attempts of its own here."""
        raise NotImplementedError


class _Stream(httpcore.NetworkStream):
    """One connection. A stream may serve many requests, each with the deadline of its thread.

    httpcore writes a request's head and its body apart; they are sent together, in one packet where
    they fit, because a server that has a request whole need not wait for the rest of it.
    """

    def __init__(self, sock: socket.socket, deadline: _Deadline) -> None:
        self._sock = sock
        self._deadline = deadline
        self._unsent = bytearray()

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Send what was written; then what has come, at least a byte, empty at the end."""
        self._send()
        with self._bounded(httpcore.ReadTimeout, httpcore.ReadError):
            return self._sock.recv(min(max_bytes, _READ_BYTES))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Keep it for the next read; much of it is sent at once."""
        self._unsent += buffer
        if len(self._unsent) >= _READ_BYTES:
            self._send()

    def _send(self) -> None:
        if self._unsent:
            unsent, self._unsent = self._unsent, bytearray()
            with self._bounded(httpcore.WriteTimeout, httpcore.WriteError):
                self._sock.sendall(unsent)

    def close(self) -> None:
        """Close the connection."""
        self._sock.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        """Shake hands; from here on everything is sealed."""
        with self._bounded(httpcore.ConnectTimeout, httpcore.ConnectError):
            try:
                sealed = ssl_context.wrap_socket(self._sock, server_hostname=server_hostname)
            except BaseException:
                self._sock.close()
                raise
        return _Stream(sealed, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        """What httpcore asks for before it uses a connection again."""
        match info:
            case "is_readable":
                return self._is_readable()
            case "ssl_object":
                return self._sock if isinstance(self._sock, ssl.SSLSocket) else None
            case "socket":
                return self._sock
            case _:
                return None

    def _is_readable(self) -> bool:
        """Whether something has come that nobody asked for, such as the other side's goodbye."""
        if self._sock.fileno() < 0:
            return True
        poll = select.poll()
        poll.register(self._sock, select.POLLIN)
        return bool(poll.poll(0))

    @contextmanager
    def _bounded(self, timeout: type[Exception], failure: type[Exception]) -> Iterator[None]:
        left_s = self._deadline.left_s()
        if left_s is not None and left_s <= 0:
            raise timeout("the time is up")
        try:
            self._sock.settimeout(left_s)
            yield
        except TimeoutError:
            raise timeout("the time is up") from None
        except OSError as error:
            raise failure(str(error)) from error


def _look_up(
    host: str, port: int, seconds: float | None
) -> list[tuple[socket.AddressFamily, Address]]:
    """The addresses of a name. The system's look-up has no bound, so it is left behind when time is up."""
    if _is_address(host):
        return _addresses(host, port)
    found: queue.SimpleQueue[list[tuple[socket.AddressFamily, Address]] | Exception]
    found = queue.SimpleQueue()

    def ask() -> None:
        try:
            found.put(_addresses(host, port))
        except Exception as error:
            # Whatever it is, it belongs to the one who asked, not to this thread.
            found.put(error)

    threading.Thread(target=ask, name="kanhe-name", daemon=True).start()
    try:
        answer = found.get(timeout=seconds)
    except queue.Empty:
        raise httpcore.ConnectTimeout("the name was not found in time") from None
    if isinstance(answer, Exception):
        raise httpcore.ConnectError(f"the name was not found: {answer}")
    return answer


def _addresses(host: str, port: int) -> list[tuple[socket.AddressFamily, Address]]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [(family, address) for family, _, _, _, address in found]


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


_OF_HTTPX: tuple[tuple[type[Exception], Callable[[str], httpx.HTTPError]], ...] = (
    (httpcore.ConnectTimeout, httpx.ConnectTimeout),
    (httpcore.WriteTimeout, httpx.WriteTimeout),
    (httpcore.TimeoutException, httpx.ReadTimeout),
    (httpcore.ConnectError, httpx.ConnectError),
    (httpcore.WriteError, httpx.WriteError),
    (httpcore.NetworkError, httpx.ReadError),
    (httpcore.ProtocolError, httpx.RemoteProtocolError),
)


@contextmanager
def _errors_of_httpx() -> Iterator[None]:
    try:
        yield
    except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError) as error:
        for kind, made in _OF_HTTPX:
            if isinstance(error, kind):
                raise made(str(error)) from error
        raise
