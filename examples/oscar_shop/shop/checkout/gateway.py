"""The shop's side of the payment gateway. An answer that does not come is asked for again under the same
key, so that nothing is paid twice."""

import time
from urllib.parse import quote

import httpx
from django.conf import settings
from oscar.apps.payment.exceptions import GatewayError

_TRIES = 3
_TIMEOUT_S = 5


def card(token):
    """What may be known of the card behind a token."""
    return _ask("GET", f"/v1/tokens/{quote(token, safe='')}")


def authorise(order, token, amount_minor, currency):
    """Set money aside. Gives the payment, also a declined one."""
    body = {"order": order, "token": token, "amount_minor": amount_minor, "currency": currency}
    return _ask("POST", "/v1/payments", body, once=f"{order}-{amount_minor}-{token}")


def payments(order):
    """What was tried for an order, oldest first."""
    return _ask("GET", f"/v1/orders/{quote(order, safe='')}")["payments"]


def capture(payment, amount_minor):
    """Take what was set aside; again is harmless."""
    return _ask("POST", f"/v1/payments/{payment}/capture", {"amount_minor": amount_minor})


def let_go(payment):
    """Give back what was set aside; again is harmless."""
    return _ask("POST", f"/v1/payments/{payment}/void", {})


def refund(payment, name, amount_minor):
    """Pay money back, once for each name."""
    return _ask(
        "POST", f"/v1/payments/{payment}/refunds", {"amount_minor": amount_minor}, once=name
    )


def dispute(payment, reason="fraud"):
    """Sandbox: have the cardholder's bank take the money back."""
    return _ask("POST", f"/v1/payments/{payment}/dispute", {"reason": reason})


def _ask(verb, path, body=None, once=""):
    headers = {"Authorization": f"Bearer {settings.GATEWAY_SECRET_KEY}"}
    if once:
        headers["Idempotency-Key"] = f"shop-{once}"
    failed = None
    for attempt in range(_TRIES):
        try:
            with httpx.Client(timeout=_TIMEOUT_S, trust_env=False) as client:
                answer = client.request(
                    verb, settings.GATEWAY_URL + path, json=body, headers=headers
                )
        except httpx.HTTPError as error:
            failed = error
            time.sleep(0.2 * 2**attempt)
            continue
        if answer.is_success or (answer.status_code == 402 and "status" in answer.json()):
            return answer.json()
        raise GatewayError(f"{path}: {answer.status_code} {answer.text[:200]}")
    raise GatewayError(f"the gateway does not answer: {failed}")
