"""Asking a witness for its cosignature over HTTP (C2SP tlog-witness).

The witness is somebody else: it may be slow, broken or hostile. An answer is bounded in size and in
time as a whole, follows no redirect, and counts only if its signature holds.
"""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

from kanhe.record.log.cosignature import WitnessKey
from kanhe.record.log.errors import FormatError, SignatureError
from kanhe.record.log.note import Signature
from kanhe.record.log.ports import WitnessDown
from kanhe.record.log.witness import (
    AddCheckpoint,
    Conflict,
    RefusedError,
    encode_request,
    read_answer,
)

_ROUTE = "/add-checkpoint"
_MAX_ANSWER_BYTES = 16_384
"""Room for some 80 signatures; the standard asks a witness for one per key of its own."""
_REFUSALS = frozenset({400, 403, 404, 409, 422})
"""With which the standard lets a witness refuse; everything else but 200 is trouble on the way."""
_HEADERS = {"content-type": "text/plain; charset=utf-8", "connection": "close"}


class HttpWitness:
    """A `ports.CosigningWitness` at a URL; `timeout_s` bounds each request from beginning to end.

    One connection per request: witnesses are asked about twice a second at most, and a connection
    that was kept could be found dead only by failing.
    """

    def __init__(self, url: str, key: WitnessKey, timeout_s: float = 5.0) -> None:
        parts = urlsplit(url)
        self._url = url
        self._tls = parts.scheme == "https"
        self._host, self._port = parts.hostname or "", parts.port
        self._path = parts.path.rstrip("/") + _ROUTE
        self._key = key
        self._timeout_s = timeout_s

    @property
    def key(self) -> WitnessKey:
        """The key that its cosignatures are checked with."""
        return self._key

    def cosign(self, request: AddCheckpoint) -> Signature | Conflict:
        """Ask for a cosignature; see `ports.CosigningWitness.cosign`."""
        try:
            status, body = self._post(encode_request(request))
        except (OSError, HTTPException) as error:
            raise self._down(str(error) or type(error).__name__) from error
        if len(body) > _MAX_ANSWER_BYTES:
            raise self._down(f"its answer has more than {_MAX_ANSWER_BYTES} bytes")
        if status != 200 and status not in _REFUSALS:
            raise self._down(f"status {status}")
        try:
            return read_answer(status, body, request, self._key)
        except RefusedError:
            raise
        except (FormatError, SignatureError) as problem:
            raise self._down(str(problem)) from problem

    def _post(self, body: bytes) -> tuple[int, bytes]:
        """(1) Connect. (2) Let the clock run out on everything that follows, a step at a time being
        bounded by the same. (3) Send. (4) Read no more than an answer can have."""
        kind = HTTPSConnection if self._tls else HTTPConnection
        connection = kind(self._host, self._port, timeout=self._timeout_s)
        try:
            connection.connect()  # (1)
            # (2) A timeout of the socket alone starts anew with every byte that drips in.
            limit = threading.Timer(self._timeout_s, _hang_up, [connection.sock])
            limit.daemon = True
            limit.start()
            try:
                connection.request("POST", self._path, body, _HEADERS)  # (3)
                answer = connection.getresponse()
                # A body that is shorter than it says raises `IncompleteRead`.
                wanted = answer.length
                content = answer.read(_MAX_ANSWER_BYTES + 1)  # (4)
                if wanted is not None and len(content) < min(wanted, _MAX_ANSWER_BYTES + 1):
                    raise HTTPException("the answer was cut off")
                return answer.status, content
            finally:
                limit.cancel()
        finally:
            connection.close()

    def _down(self, why: str) -> WitnessDown:
        return WitnessDown(
            f"the witness {self._key.name} at {self._url} cannot be used: {why[:200]}"
        )


def _hang_up(sock: socket.socket) -> None:
    """End whatever waits for this socket."""
    with suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
