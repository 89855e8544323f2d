"""Codes that are sent to somebody: eight digits, kept as a keyed hash under what they are for.

Out-of-band secrets of SP 800-63B-4, section 3.1.3: used once, for ten minutes at most, and few
guesses. Eight digits cannot be taken for the six of an authenticator app, so that whoever types one
need not say which it is. A plain hash of eight digits is tried out in a second; the key lies beside
the store and not in it, so that a copy of the store alone tells no code.
"""

from __future__ import annotations

import hashlib
import hmac
import unicodedata

from kanhe.protect.access.chance import RandomBytes

DIGITS = 8
_TYPED = 64


def new_code(random_bytes: RandomBytes) -> str:
    """Eight digits, each as likely as any other: 16 random bytes leave a bias of less than 2**-100."""
    return f"{int.from_bytes(random_bytes(16), 'big') % 10**DIGITS:0{DIGITS}d}"


def spaced(code: str) -> str:
    """The code as people read it: `1234 5678`."""
    return f"{code[: DIGITS // 2]} {code[DIGITS // 2 :]}"


def code_hash(key: bytes, subject: str, bound_to: bytes, code: str) -> bytes:
    """What is kept of a code for `subject` (a step-up, a factor), bound to the bytes given."""
    text = subject.encode("utf-8", "surrogatepass")
    message = b"".join(
        len(part).to_bytes(4, "big") + part for part in (text, bound_to, code.encode("ascii"))
    )
    return hmac.digest(key, message, hashlib.sha256)


def typed_digits(code: str) -> str:
    """The digits somebody typed, without the spaces and dashes between; empty if it is no code."""
    plain = unicodedata.normalize("NFKC", code[:_TYPED])
    digits = "".join(c for c in plain if not c.isspace() and c not in "-‐‑–")
    return digits if digits.isascii() and digits.isdigit() else ""
