"""What every check of a signature is made of: headers, times, comparisons that take equally long."""

from __future__ import annotations

import hmac
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from kanhe.core.errors import Refusal, refuse

TOLERANCE_S = 300
"""How far the time of a signed notice may lie from ours, either way; what Stripe, Standard Webhooks
and WeChat Pay advise."""
MOST_SIGNATURES = 16
"""Signatures of one header that are looked at; senders give one per secret in force."""

_DIGITS = frozenset("0123456789")


class Request(NamedTuple):
    """What came in: header fields with their names in lower case, and the body as it was sent."""

    headers: Sequence[tuple[bytes, bytes]]
    body: bytes


def not_authentic(detail: str) -> Refusal:
    """The refusal of a notice that is not, or not surely, from its provider."""
    return refuse("hook-not-authentic", "The notice is not authentic", 401, detail)


def not_readable(detail: str) -> Refusal:
    """The refusal of a notice that is signed but cannot be read."""
    return refuse("hook-not-readable", "The notice cannot be read", 400, detail)


def header(request: Request, name: str, longest: int = 1_024) -> str:
    """The one header of this name, printable ASCII. Raises a refusal if it is missing, stands twice,
    is longer or holds anything else: whoever signs writes none of that."""
    found = header_or_none(request, name, longest)
    if found is None:
        raise not_authentic(f"The header {name} is missing.")
    return found


def header_or_none(request: Request, name: str, longest: int = 1_024) -> str | None:
    """The same for a header that may be missing."""
    wanted = name.lower().encode("ascii")
    found = [value for field, value in request.headers if field == wanted]
    if not found:
        return None
    if len(found) > 1:
        raise not_authentic(f"The header {name} stands more than once.")
    text = found[0].decode("latin-1")
    if not 0 < len(text) <= longest or not (text.isascii() and text.isprintable()):
        raise not_authentic(f"The header {name} is not written as it should be.")
    return text


def seconds(text: str, name: str, now_ms: int) -> int:
    """A time in whole seconds that is near ours. Raises a refusal."""
    if not (0 < len(text) <= 12 and _DIGITS.issuperset(text)):
        raise not_authentic(f"{name} is not a time in seconds.")
    found = int(text)
    if abs(now_ms - found * 1_000) > TOLERANCE_S * 1_000:
        raise not_authentic(
            f"{name} is more than {TOLERANCE_S} seconds away from the time of this server."
        )
    return found


def bytes_of_base64(text: str) -> bytes | None:
    """What base64 stands for, if it is the one spelling of it; else `None`."""
    try:
        found = b64decode(text.encode("ascii"), validate=True)
    except (Base64Error, ValueError):
        return None
    return found if b64encode(found).decode("ascii") == text else None


def is_one_of(expected: Iterable[bytes], shown: Iterable[bytes]) -> bool:
    """Whether anything shown is as expected. All pairs are compared, each in constant time, so that
    how long it takes tells how many there are and nothing else."""
    same = False
    given = list(shown)
    for right in expected:
        for one in given:
            same |= hmac.compare_digest(right, one)
    return same


def hmac_fits(keys: Iterable[bytes], content: bytes, shown: Iterable[bytes]) -> bool:
    """Whether one of the signatures shown is the HMAC-SHA256 of the content under one of the keys."""
    return is_one_of([hmac.digest(key, content, "sha256") for key in keys], shown)


def rsa_fits(keys: Iterable[bytes], content: bytes, signature: bytes) -> bool:
    """Whether this is the signature of the content by one of these keys: RSASSA-PKCS1-v1_5 with
    SHA-256 (RFC 8017, 8.2). A key is the text of a PEM, public key or certificate."""
    for pem in keys:
        try:
            rsa_key(pem).verify(signature, content, PKCS1v15(), hashes.SHA256())
        except InvalidSignature:
            continue
        return True
    return False


@lru_cache(maxsize=256)
def rsa_key(pem: bytes) -> RSAPublicKey:
    """The RSA key in a PEM, public key or certificate. Raises `ValueError`."""
    if b"BEGIN CERTIFICATE" in pem:
        key: object = x509.load_pem_x509_certificate(pem).public_key()
    else:
        key = load_pem_public_key(pem)
    if not isinstance(key, RSAPublicKey) or key.key_size < 2_048:
        raise ValueError("expected an RSA key of 2,048 bits or more")
    return key
