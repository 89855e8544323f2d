"""Chance as a port, and the tokens made of it."""

from __future__ import annotations

import hashlib
from base64 import b32encode, urlsafe_b64encode
from collections.abc import Callable

RandomBytes = Callable[[int], bytes]
"""Gives that many bytes nobody can predict, such as `secrets.token_bytes`."""

TOKEN_BYTES = 32


def new_token(random_bytes: RandomBytes) -> str:
    """A secret of 256 bits for a cookie or a link; what is kept of it is `token_hash`."""
    return urlsafe_b64encode(random_bytes(TOKEN_BYTES)).decode("ascii").rstrip("=")


def token_hash(token: str) -> bytes:
    """What is kept of a token. Nobody guesses 256 bits, so that a fast hash does: what leaks of the
    store opens nothing."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def new_handle(prefix: str, random_bytes: RandomBytes) -> str:
    """A name for something, of 80 random bits; no secret."""
    return f"{prefix}-{b32encode(random_bytes(10)).decode('ascii').lower()}"
