"""One webhook on its way: pinned to the address that was checked, bounded in time and size."""

from __future__ import annotations

import ipaddress
import threading
import time
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import pytest

from kanhe.protect.outbound.destination import Address
from kanhe.stores.http.webhook_sender import MOST_ANSWER_BYTES, send

HERE = ipaddress.ip_address("127.0.0.1")


class Receiver(BaseHTTPRequestHandler):
    """Answers as it is told."""

    answers: ClassVar[dict[str, Any]] = {}
    seen: ClassVar[list[tuple[str, dict[str, str], bytes]]] = []

    def do_POST(self) -> None:
        """Take a message."""
        body = self.rfile.read(int(self.headers["content-length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.seen.append((self.path, headers, body))
        status, more, content = self.answers.get(self.path, (200, {}, b"ok"))
        if self.path == "/slow":
            self.wfile.write(b"HTTP/1.1 200 OK\r\n")
            for _ in range(100):
                time.sleep(0.05)
                try:
                    self.wfile.write(b"x: y\r\n")
                    self.wfile.flush()
                except OSError:
                    return
            return
        self.send_response(status)
        for name, value in more.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def receiver() -> Iterator[str]:
    """A receiver on this machine."""
    Receiver.answers, Receiver.seen = {}, []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_message_arrives_with_its_headers(receiver: str) -> None:
    """Body and headers are those given; the status and the first bytes of the answer come back."""
    Receiver.answers["/in"] = (202, {}, b"y" * 5_000)
    outcome = send(f"{receiver}/in", {"webhook-id": "m"}, b'{"a":1}', private=True)
    assert outcome.ok and outcome.status == 202
    assert outcome.answer == b"y" * MOST_ANSWER_BYTES
    ((path, headers, body),) = Receiver.seen
    assert (path, headers["webhook-id"], body) == ("/in", "m", b'{"a":1}')


def test_a_private_address_is_never_connected_to(receiver: str) -> None:
    """Nothing arrives: not for a literal address, and not for a name that leads here."""
    outcome = send(f"{receiver}/in", {}, b"{}")
    assert (outcome.status, outcome.ok) == (0, False)
    port = receiver.rpartition(":")[2]

    def looked_up(host: str, port: int) -> Sequence[Address]:
        return [HERE]

    outcome = send(f"https://shop.example:{port}/in", {}, b"{}", looked_up=looked_up)
    assert "private network" in outcome.problem
    assert Receiver.seen == []


def test_the_connection_goes_to_the_address_that_was_checked(receiver: str) -> None:
    """The name is looked up once; what it would lead to afterwards does not matter."""
    port = receiver.rpartition(":")[2]
    asked: list[str] = []

    def looked_up(host: str, port: int) -> Sequence[Address]:
        asked.append(host)
        assert len(asked) == 1
        return [HERE]

    outcome = send(f"http://shop.example:{port}/in", {}, b"{}", private=True, looked_up=looked_up)
    assert outcome.ok and asked == ["shop.example"]
    assert Receiver.seen[0][1]["host"] == f"shop.example:{port}"


def test_redirects_are_not_followed(receiver: str) -> None:
    """A redirect is a failure like any other status."""
    Receiver.answers["/in"] = (302, {"location": f"{receiver}/elsewhere"}, b"")
    outcome = send(f"{receiver}/in", {}, b"{}", private=True)
    assert outcome.status == 302 and not outcome.ok
    assert [path for path, _, _ in Receiver.seen] == ["/in"]


def test_what_a_receiver_wishes_is_read_within_reason(receiver: str) -> None:
    """`Retry-After` in seconds, nothing else."""
    for wish, read in (("7", 7), ("-1", 0), ("Fri, 31 Dec 1999", 0), ("9" * 40, 0)):
        Receiver.answers["/in"] = (503, {"retry-after": wish}, b"")
        assert send(f"{receiver}/in", {}, b"{}", private=True).retry_after_s == read


def test_one_clock_runs_out_on_everything(receiver: str) -> None:
    """A receiver that drips a byte at a time is left within the limit."""
    begun = time.monotonic()
    outcome = send(f"{receiver}/slow", {}, b"{}", private=True, timeout_s=0.4)
    assert time.monotonic() - begun < 3
    assert outcome.problem == "no answer within 0.4 s"


def test_nobody_there_is_told_and_does_not_raise(receiver: str) -> None:
    """A refused connection, a name that leads nowhere, and TLS where none is spoken."""

    def nowhere(host: str, port: int) -> Sequence[Address]:
        raise OSError("no such name")

    assert "Refused" in send("http://127.0.0.1:9/", {}, b"{}", private=True).problem
    assert "no such name" in send("https://shop.example/", {}, b"{}", looked_up=nowhere).problem
    tls = receiver.replace("http:", "https:")
    assert "SSL" in send(f"{tls}/in", {}, b"{}", private=True).problem
