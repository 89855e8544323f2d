"""What a step-up is bound to: one purpose, one user of one shop, one order, payee and amount.

The authentication code of a payment has to be specific to its amount and payee, and any change of
either makes it worthless (dynamic linking: Delegated Regulation (EU) 2018/389, article 5). Here that
is one hash over all of it: codes that are sent are kept under it, the challenge that a passkey signs
contains it, and whoever confirms or redeems says all of it again.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Literal, NamedTuple

Purpose = Literal["payment", "login", "factors"]
"""`payment` confirms one payment, `login` one signing in; `factors` allows one change of the user's own
factors."""

_DOMAIN = b"kanhe step-up 1\n"
NONCE_BYTES = 32


class Binding(NamedTuple):
    """Everything that must be the same from the question to the payment."""

    tenant: str
    user: str
    purpose: Purpose
    order: str
    payee: str
    """Who is paid, as the buyer is shown it."""
    amount_minor: int
    currency: str

    def digest(self) -> bytes:
        """32 bytes that stand for all of it. Each part is written with its length before it, so that
        no two bindings are written alike."""
        whole = hashlib.sha256(_DOMAIN)
        for part in self:
            text = str(part).encode("utf-8", "surrogatepass")
            whole.update(len(text).to_bytes(8, "big"))
            whole.update(text)
        return whole.digest()

    def same_as(self, other: Binding) -> bool:
        """Whether both say the same, to the character."""
        return hmac.compare_digest(self.digest(), other.digest())


def passkey_challenge(nonce: bytes, binding: Binding) -> bytes:
    """What a passkey signs for this binding: chance nobody could have foreseen, and the binding's hash.

    Whoever checks the answer makes it from what was said again at the end, so that a signature for
    one payment fits no other.
    """
    return nonce + binding.digest()
