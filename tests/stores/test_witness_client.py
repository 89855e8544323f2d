"""Asking a witness: one battery for every way to ask, and what a hostile answer can do."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from kanhe.record.log.cosignature import cosigned_at
from kanhe.record.log.note import NoteSigner, Signature
from kanhe.record.log.ports import CosigningWitness, WitnessDown
from kanhe.record.log.witness import (
    Answer,
    Conflict,
    MemoryWitnessState,
    RefusedError,
    Witness,
    encode_request,
)
from kanhe.stores.http.witness_client import HttpWitness
from kanhe.stores.memory import MemoryWitness
from tests.log.test_witness import FORKED, request
from tests.log.trees import LOG, NOW_S, ORIGIN, WITNESSES

SIGNER = WITNESSES[0]
Serve = Callable[[Callable[[bytes], Answer]], str]


def _witness() -> Witness:
    return Witness(WITNESSES[:2], {ORIGIN: [LOG.key]}, MemoryWitnessState())


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serves answers on this machine; gives the URL."""
    servers = []

    def begin(answer: Callable[[bytes], Answer]) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                assert self.path == "/prefix/add-checkpoint"
                body = self.rfile.read(int(self.headers["content-length"]))
                status, content, media_type = answer(body)
                self.send_response(status)
                self.send_header("content-type", media_type)
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, format: str, *args: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}/prefix"

    yield begin
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture(params=["http", "memory"])
def witness(request: pytest.FixtureRequest, serve: Serve) -> CosigningWitness:
    """A witness that has seen nothing, asked in each way."""
    one = _witness()
    if request.param == "memory":
        return MemoryWitness(one, SIGNER.key, lambda: NOW_S * 1000)
    url = serve(lambda body: one.add_checkpoint(body, NOW_S))
    return HttpWitness(url, SIGNER.key, timeout_s=20)


def test_growth_is_cosigned(witness: CosigningWitness) -> None:
    """The signature given is that of the key asked for, and verified."""
    for old, size in ((0, 5), (5, 60), (60, 60)):
        given = witness.cosign(request(old, size))
        assert isinstance(given, Signature)
        assert (given.name, given.key_id) == (SIGNER.key.name, SIGNER.key.key_id)
        assert cosigned_at(given) == NOW_S
    assert witness.key.name == SIGNER.key.name


def test_the_remembered_size_is_told(witness: CosigningWitness) -> None:
    """Who has lost track learns where to go on."""
    assert witness.cosign(request(7, 50)) == Conflict(0)
    witness.cosign(request(0, 50))
    assert witness.cosign(request(0, 60)) == Conflict(50)
    assert isinstance(witness.cosign(request(50, 60)), Signature)


def test_forks_and_strangers_are_refused(witness: CosigningWitness) -> None:
    """Asking again would not help: that is another error than a witness that is down."""
    witness.cosign(request(0, 50))
    with pytest.raises(RefusedError, match="422"):
        witness.cosign(request(50, 60, FORKED))
    with pytest.raises(RefusedError, match="another tree of 50 entries"):
        witness.cosign(request(50, 50, FORKED))
    assert witness.cosign(request(40, 60, FORKED)) == Conflict(50)
    stranger = NoteSigner("stranger.example", b"s" * 32)
    with pytest.raises(RefusedError, match="404"):
        witness.cosign(request(0, 9, signer=stranger, origin="stranger.example"))
    with pytest.raises(RefusedError, match="403"):
        witness.cosign(request(50, 60, signer=NoteSigner(ORIGIN, b"s" * 32)))


@pytest.mark.parametrize(
    ("status", "body", "why"),
    [
        (200, b"x" * 16_385, "more than 16384 bytes"),
        (200, b"", "newline"),
        (200, b"\xe2\x80\x94 a b\n", "base64"),
        (500, b"", "status 500"),
        (503, b"later\n", "status 503"),
        (301, b"", "status 301"),
        (204, b"", "status 204"),
        (409, b"many\n", "many"),
    ],
)
def test_what_no_witness_answers(serve: Serve, status: int, body: bytes, why: str) -> None:
    """An answer that is too long, malformed or of another status counts as no answer."""
    witness = HttpWitness(serve(lambda _: Answer(status, body)), SIGNER.key, timeout_s=20)
    with pytest.raises(WitnessDown, match="cannot be used") as caught:
        witness.cosign(request(0, 5))
    assert why in str(caught.value)


def test_a_false_signature_is_no_answer(serve: Serve) -> None:
    """The cosignature of another tree, or of another key, is not taken."""
    one = _witness()
    other = encode_request(request(0, 7))
    url = serve(lambda _: one.add_checkpoint(other, NOW_S)._replace())
    with pytest.raises(WitnessDown, match="does not fit"):
        HttpWitness(url, SIGNER.key, timeout_s=20).cosign(request(0, 5))
    url = serve(lambda body: _witness().add_checkpoint(body, NOW_S))
    with pytest.raises(WitnessDown, match="no signature of a key that is known"):
        HttpWitness(url, WITNESSES[2].key, timeout_s=20).cosign(request(0, 5))


def _raw(answer: Callable[[socket.socket], None]) -> tuple[str, socket.socket]:
    """A server that does as it likes with one connection."""
    server = socket.create_server(("127.0.0.1", 0))

    def run() -> None:
        connection, _ = server.accept()
        with connection:
            connection.recv(65_536)
            try:
                answer(connection)
            except OSError:
                return

    threading.Thread(target=run, daemon=True).start()
    return f"http://127.0.0.1:{server.getsockname()[1]}", server


def _drip(text: bytes) -> Callable[[socket.socket], None]:
    def drip(connection: socket.socket) -> None:
        for at in range(len(text)):
            connection.sendall(text[at : at + 1])
            time.sleep(0.05)

    return drip


@pytest.mark.parametrize(
    "text",
    [
        b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n" + b"a: b\r\n" * 500,
        b"HTTP/1.1 200 OK\r\ncontent-length: 9000\r\n\r\n" + b"x" * 9_000,
    ],
)
def test_an_answer_that_drips_is_given_up(text: bytes) -> None:
    """The time given is for the whole answer, however steadily bytes come in."""
    url, server = _raw(_drip(text))
    begun = time.monotonic()
    with server, pytest.raises(WitnessDown):
        HttpWitness(url, SIGNER.key, timeout_s=0.5).cosign(request(0, 5))
    assert time.monotonic() - begun < 10


@pytest.mark.parametrize(
    "text",
    [b"", b"\0\0\0", b"HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\nshort", b"HTTP/9.9 x\r\n\r\n",
     b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n"],
)  # fmt: skip
def test_what_is_not_http(text: bytes) -> None:
    """A connection that ends early or speaks something else counts as no answer."""
    url, server = _raw(lambda connection: connection.sendall(text))
    with server, pytest.raises(WitnessDown):
        HttpWitness(url, SIGNER.key, timeout_s=20).cosign(request(0, 5))


def test_nobody_listens() -> None:
    """A witness that is not there is down, and named with its URL."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
    with pytest.raises(WitnessDown, match=rf"{SIGNER.key.name} at {url} cannot be used"):
        HttpWitness(url, SIGNER.key, timeout_s=20).cosign(request(0, 5))


def test_silence_is_given_up() -> None:
    """A witness that takes the connection and says nothing costs the time given and no more."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(WitnessDown):
            HttpWitness(url, SIGNER.key, timeout_s=0.3).cosign(request(0, 5))
