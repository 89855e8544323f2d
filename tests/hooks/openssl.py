"""Signatures made by another path than the one under test: the command line of OpenSSL, and for GCM
its block cipher with the rest written out after SP 800-38D."""

from __future__ import annotations

import subprocess
from base64 import b64encode
from functools import cache
from pathlib import Path
from tempfile import mkdtemp


def openssl(*words: str, given: bytes = b"") -> bytes:
    """What the command gives on standard output."""
    return subprocess.run(
        ["openssl", *words],
        input=given, capture_output=True, check=True,
    ).stdout  # fmt: skip


def hmac_sha256(key: bytes, content: bytes) -> bytes:
    """HMAC-SHA256."""
    words = ("dgst", "-sha256", "-mac", "HMAC", "-macopt", f"hexkey:{key.hex()}", "-binary")
    return openssl(*words, given=content)


def base64_hmac(key: bytes, content: bytes) -> str:
    """The same in base64."""
    return b64encode(hmac_sha256(key, content)).decode()


class KeyPair:
    """A key pair in files of its own."""

    def __init__(self, *kind: str) -> None:
        self._private = str(Path(mkdtemp()) / "private.pem")
        openssl("genpkey", *kind, "-out", self._private)
        self.public_pem = openssl("pkey", "-in", self._private, "-pubout").decode()

    def certificate(self) -> tuple[str, str]:
        """A certificate of the key by itself, and its serial."""
        words = ("req", "-new", "-x509", "-key", self._private, "-days", "2", "-subj", "/CN=t")
        pem = openssl(*words).decode()
        serial = openssl("x509", "-noout", "-serial", given=pem.encode()).decode()
        return pem, serial.strip().partition("=")[2]

    def rsa_sha256(self, content: bytes) -> str:
        """RSASSA-PKCS1-v1_5 with SHA-256, in base64."""
        return b64encode(openssl("dgst", "-sha256", "-sign", self._private, given=content)).decode()

    def ed25519(self, content: bytes) -> str:
        """Ed25519, in base64."""
        path = Path(self._private).with_name("content")
        path.write_bytes(content)
        words = ("pkeyutl", "-sign", "-rawin", "-inkey", self._private, "-in", str(path))
        return b64encode(openssl(*words)).decode()

    def raw_public(self) -> bytes:
        """The 32 bytes of an Ed25519 public key."""
        return openssl("pkey", "-in", self._private, "-pubout", "-outform", "DER")[-32:]


@cache
def rsa_pair(number: int = 0) -> KeyPair:
    """An RSA key pair of 2,048 bits, the same for the same number."""
    return KeyPair("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048")


@cache
def ed25519_pair() -> KeyPair:
    """An Ed25519 key pair."""
    return KeyPair("-algorithm", "ED25519")


def aes_256_gcm(key: bytes, nonce: bytes, plain: bytes, beside: bytes) -> bytes:
    """Ciphertext and tag (SP 800-38D, 7.1), from OpenSSL's AES in counter and codebook mode."""
    words = ("enc", "-aes-256-ctr", "-nopad", "-K", key.hex(), "-iv", (nonce + b"\0\0\0\2").hex())
    sealed = openssl(*words, given=plain)
    blocks = openssl(
        "enc", "-aes-256-ecb", "-nopad", "-K", key.hex(), given=bytes(16) + nonce + b"\0\0\0\1"
    )
    hash_key, mask = blocks[:16], blocks[16:32]
    lengths = (len(beside) * 8).to_bytes(8) + (len(sealed) * 8).to_bytes(8)
    tag = _ghash(hash_key, _padded(beside) + _padded(sealed) + lengths)
    return sealed + bytes(a ^ b for a, b in zip(tag, mask, strict=True))


def _padded(text: bytes) -> bytes:
    return text + bytes(-len(text) % 16)


def _ghash(hash_key: bytes, content: bytes) -> bytes:
    y = 0
    for start in range(0, len(content), 16):
        y = _times(y ^ int.from_bytes(content[start : start + 16]), int.from_bytes(hash_key))
    return y.to_bytes(16)


def _times(x: int, y: int) -> int:
    """Multiplication in GF(2**128) (SP 800-38D, 6.3)."""
    z, v = 0, y
    for bit in range(127, -1, -1):
        if x >> bit & 1:
            z ^= v
        v = v >> 1 ^ (0xE1 << 120 if v & 1 else 0)
    return z
