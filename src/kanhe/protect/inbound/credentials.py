"""The secrets and keys of one source of notices: how people write them, and which are in force."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Literal

import msgspec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from kanhe.core.errors import KanheError
from kanhe.protect.inbound.evidence import bytes_of_base64, rsa_key

Kind = Literal["secret", "public_key", "password"]
"""What it is: a key that both sides know, the sender's public key, or user and password."""
LONGEST = 16_384
"""Characters of a secret or key as it is entered."""
MOST = 16
"""Credentials of one source, those that run out included."""
_HEX = re.compile(r"[0-9A-Fa-f]{64}")
_BARE_KEY = re.compile(r"[A-Za-z0-9+/=\s]+")


class CredentialError(KanheError):
    """A secret or key is not written as its provider writes it; never quotes it."""


class Credential(msgspec.Struct, frozen=True):
    """One secret or key of a source."""

    kind: Kind
    value: bytes
    """What checking needs: the key of the HMAC, a PEM, 32 bytes of Ed25519, `user:password`."""
    label: str = ""
    """The serial by which the sender names a public key; empty elsewhere."""
    created_ms: int = 0
    until_ms: int = 0
    """When it stops being good; 0 for never."""

    def good_at(self, now_ms: int) -> bool:
        """Whether what it signed is taken at this time."""
        return not self.until_ms or now_ms < self.until_ms


def in_force(credentials: Sequence[Credential], kind: Kind, now_ms: int) -> list[bytes]:
    """The values of one kind that are good now."""
    return [one.value for one in credentials if one.kind == kind and one.good_at(now_ms)]


def text_secret(text: str) -> bytes:
    """A secret that is used as it is written (Stripe's with its `whsec_`, Shopify's, WooCommerce's)."""
    if not 8 <= len(text) <= 512 or not (text.isascii() and text.isprintable()):
        raise CredentialError(
            "a secret has 8 to 512 printable characters, without blanks around it"
        )
    return text.encode("ascii")


def stripe_secret(text: str) -> bytes:
    """`whsec_…`, as the page of the endpoint shows it."""
    if not text.startswith("whsec_"):
        raise CredentialError("the signing secret of a Stripe endpoint begins with whsec_")
    return text_secret(text)


def hex_secret(text: str) -> bytes:
    """64 hexadecimal digits, as Adyen shows its HMAC keys."""
    if not _HEX.fullmatch(text):
        raise CredentialError("an HMAC key of Adyen is 64 hexadecimal digits")
    return bytes.fromhex(text)


def api_v3_secret(text: str) -> bytes:
    """The APIv3 key of WeChat Pay: 32 characters."""
    if len(text) != 32 or not (text.isascii() and text.isalnum()):
        raise CredentialError("an APIv3 key of WeChat Pay is 32 letters and digits")
    return text.encode("ascii")


def webhook_secret(text: str) -> bytes:
    """`whsec_` and 24 to 64 bytes in base64, as Standard Webhooks writes shared secrets."""
    found = bytes_of_base64(text.removeprefix("whsec_"))
    if not text.startswith("whsec_") or found is None or not 24 <= len(found) <= 64:
        raise CredentialError(
            "a secret of Standard Webhooks is whsec_ and 24 to 64 bytes in base64"
        )
    return found


def webhook_public_key(text: str) -> bytes:
    """`whpk_` and 32 bytes in base64: an Ed25519 key, as Standard Webhooks writes it."""
    found = bytes_of_base64(text.removeprefix("whpk_"))
    if not text.startswith("whpk_") or found is None or len(found) != 32:
        raise CredentialError("a public key of Standard Webhooks is whpk_ and 32 bytes in base64")
    return found


def rsa_public_key(text: str) -> bytes:
    """A PEM with an RSA key or certificate, or the base64 between its lines alone, as Alipay shows
    it; kept as the PEM of the key."""
    pem = text
    if "-----BEGIN" not in text and _BARE_KEY.fullmatch(text):
        bare = "".join(text.split())
        lines = "\n".join(bare[start : start + 64] for start in range(0, len(bare), 64))
        pem = f"-----BEGIN PUBLIC KEY-----\n{lines}\n-----END PUBLIC KEY-----\n"
    if "PRIVATE KEY" in pem:
        raise CredentialError(
            "this is a private key: enter the public key of the provider, and keep this one from"
            " where it was taken"
        )
    try:
        key = rsa_key(pem.encode())
    except ValueError:
        raise CredentialError(
            "expected the PEM of an RSA public key or certificate with 2,048 bits or more"
        ) from None
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def basic_password(text: str) -> bytes:
    """User and password of basic authentication, as `user:password`."""
    user, colon, password = text.partition(":")
    if not colon or not user or len(password) < 8 or len(text) > 512 or not text.isprintable():
        raise CredentialError(
            "expected user:password on one line, with a password of 8 characters or more"
        )
    return text.encode()


def serial_of_certificate(text: str) -> str:
    """The serial of a certificate as WeChat Pay writes it (hexadecimal, upper case); empty for a key."""
    from cryptography import x509

    if "BEGIN CERTIFICATE" not in text:
        return ""
    try:
        number = x509.load_pem_x509_certificate(text.encode()).serial_number
    except ValueError:
        return ""
    return number.to_bytes((number.bit_length() + 7) // 8).hex().upper()


def read_credential(
    read: Callable[[str], bytes], text: str, kind: Kind, label: str, now_ms: int
) -> Credential:
    """What somebody entered, checked. Raises `CredentialError`, which never quotes it."""
    if len(text) > LONGEST:
        raise CredentialError(f"a secret or key has at most {LONGEST} characters")
    return Credential(kind, read(text.strip()), label, now_ms)
