"""Stripe: `Stripe-Signature: t=…,v1=…` is the HMAC-SHA256, in hexadecimal digits, of `t.body`.

While a secret is being replaced there is one `v1` for each; other schemes, such as `v0` of test
events, are passed over. https://docs.stripe.com/webhooks/signature
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from kanhe.core.notice import Notice
from kanhe.protect.inbound.credentials import Credential, in_force
from kanhe.protect.inbound.evidence import (
    MOST_SIGNATURES,
    Request,
    header,
    hmac_fits,
    not_authentic,
    not_readable,
    seconds,
)
from kanhe.protect.inbound.reading import read_object

HEADER = "Stripe-Signature"
_HEX = re.compile(r"[0-9a-f]{64}")


def check(
    request: Request, credentials: Sequence[Credential], account: str, now_ms: int
) -> tuple[Notice, ...]:
    """The event in a request. `account` is that of Connect (`acct_…`), or empty. Raises a refusal.

    The owner of a connected account makes events about it, in its test mode too, which a live endpoint
    of Connect is told as well. The envelope says `connected` for one that this source was not made for,
    and `test` for one that only plays.
    """
    parts = [part.partition("=") for part in header(request, HEADER, 4_096).split(",")]
    times = [value for name, _, value in parts if name == "t"]
    shown = [value for name, _, value in parts if name == "v1" and _HEX.fullmatch(value)]
    if len(times) != 1 or not shown:
        raise not_authentic(f"{HEADER} does not hold one t= and a v1=.")
    content = f"{times[0]}.".encode() + request.body
    given = [bytes.fromhex(one) for one in shown[:MOST_SIGNATURES]]
    if not hmac_fits(in_force(credentials, "secret", now_ms), content, given):
        raise not_authentic("No signature fits the body and a secret of this source.")
    seconds(times[0], f"t of {HEADER}", now_ms)
    document = read_object(request.body)
    if account and document.get("account") != account:
        raise not_authentic("The event is of another account.")
    event_id, topic = document.get("id"), document.get("type")
    if not (isinstance(event_id, str) and event_id and isinstance(topic, str)):
        raise not_readable("The event has no id or no type.")
    envelope = {"id": event_id, "topic": topic}
    if document.get("account"):
        envelope["connected"] = "false" if account else "true"
        envelope["test"] = "false" if document.get("livemode") is True else "true"
    return (Notice(event_id, document, envelope),)
