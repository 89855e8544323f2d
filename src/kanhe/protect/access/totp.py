"""Codes of an authenticator app: TOTP (RFC 6238), every code once.

A code is good for its 30 seconds and the 30 before and after, for clocks that differ (RFC 6238,
section 5.2 and 6). The step of the last code taken is kept; it and all before it are refused from
then on, so that a code read over a shoulder opens nothing (section 5.2; SP 800-63B-4, 3.1.5).
"""

from __future__ import annotations

import hmac
import unicodedata
from base64 import b32encode

import pyotp

from kanhe.protect.access.chance import RandomBytes

STEP_MS = 30_000
DIGITS = 6
DRIFT = 1
"""How many steps a clock may be ahead or behind."""
_SECRET_BYTES = 20


def new_secret(random_bytes: RandomBytes) -> str:
    """A shared secret of 160 bits (RFC 4226, section 4), in base 32."""
    return b32encode(random_bytes(_SECRET_BYTES)).decode("ascii")


def link_of(secret: str, account: str, issuer: str) -> str:
    """The `otpauth:` link that a QR code holds."""
    return pyotp.TOTP(secret).provisioning_uri(name=account, issuer_name=issuer)


def step_of(secret: str, code: str, now_ms: int, last_step: int) -> int | None:
    """The step whose code this is, to be kept as the last one; `None` if it is none that may be used.

    `last_step` is the last one taken, 0 before the first. All candidates are compared, whichever fits.
    """
    shown = _digits(code)
    totp = pyotp.TOTP(secret, digits=DIGITS)
    now = now_ms // STEP_MS
    found = None
    for step in range(now - DRIFT, now + DRIFT + 1):
        fits = hmac.compare_digest(totp.generate_otp(max(step, 0)), shown)
        if fits and step > last_step:
            found = step
    return found


def _digits(code: str) -> str:
    """The code without the spaces that apps show, its digits as ASCII."""
    plain = unicodedata.normalize("NFKC", code[:64])
    digits = "".join(character for character in plain if not character.isspace())
    return digits if digits.isascii() else ""
