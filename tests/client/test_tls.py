"""Over TLS the same promises hold: only who is trusted is told anything, and in time."""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from kanhe.client import AsyncKanhe, Kanhe, events
from tests.client.conftest import KEY
from tests.client.fake_kanhe import FakeKanhe

Client = Callable[..., Kanhe]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate for 127.0.0.1 that vouches for itself, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "kanhe test")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "kanhe.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.fixture
def sealed(certificate: Path) -> FakeKanhe:
    """A server that speaks TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return FakeKanhe(context)


def _payment() -> events.PaymentAttempted:
    return events.PaymentAttempted(id="pay-1", amount_minor=4990, currency="EUR")


def test_a_trusted_server_is_asked(sealed: FakeKanhe, client: Client, certificate: Path) -> None:
    """With an authority of the shop's own, questions and events go over one sealed connection."""
    kanhe = client(sealed.url, verify=ssl.create_default_context(cafile=certificate), timeout=10.0)
    for _ in range(3):
        assert not kanhe.decide(_payment()).fallback
    assert kanhe.record(events.AccountLogin(id="e1", user="u"))
    assert kanhe.flush(5)
    assert sealed.recorded == ["e1"]
    sealed.stop()


def test_a_stranger_is_told_nothing(sealed: FakeKanhe, client: Client) -> None:
    """A server that nobody vouches for gets neither the event nor the key."""
    kanhe = client(sealed.url, timeout=0.5)
    assert kanhe.decide(_payment()).fallback
    kanhe.flush(0.2)
    assert sealed.asked == []
    assert kanhe.pending == 1
    sealed.stop()


def test_tasks_trust_the_same(sealed: FakeKanhe, certificate: Path) -> None:
    """The client for tasks asks whom the one for threads asks."""

    async def run() -> None:
        trusted = ssl.create_default_context(cafile=certificate)
        for verify, fallen in ((trusted, False), (None, True)):
            async with AsyncKanhe(
                sealed.url, KEY, fallback={"*": "allow"}, verify=verify, timeout=1.0,
                close_timeout=0.0,
            ) as kanhe:  # fmt: skip
                assert (await kanhe.decide(_payment())).fallback is fallen

    asyncio.run(run())
    sealed.stop()


def test_a_handshake_that_hangs_is_left_in_time(client: Client) -> None:
    """A server that takes the connection and never answers the handshake costs the whole time, once."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        taken: list[socket.socket] = []
        thread = threading.Thread(target=lambda: taken.append(silent.accept()[0]))
        thread.start()
        kanhe = client(f"https://127.0.0.1:{silent.getsockname()[1]}", timeout=0.3, queue=None)
        started = time.monotonic()
        assert kanhe.decide(_payment()).fallback
        assert time.monotonic() - started < 2.5
        thread.join()
        kanhe.close()
        for one in taken:
            one.close()
