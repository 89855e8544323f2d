"""What the gateway answers over HTTP.

Browsers come with the publishable key and only ever make tokens; the shop comes with the secret key.
"""

from __future__ import annotations

import hmac
import json
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from .book import Book, Refused
from .cards import CardRefused, check_expiry, digits_of
from .pages import POLICY, fields_page

_MOST_BODY = 16_384
_MOST_MINOR = 10**12
DISPUTES = ("fraud", "not_received", "not_as_described", "duplicate")


class Keys(NamedTuple):
    """What callers show, and where the card form may be framed."""

    publishable: str
    secret: str
    shop_origin: str


def gateway_app(book: Book, keys: Keys) -> Starlette:
    """The gateway over this book."""

    def fields(request: Request) -> Response:
        """The card form, for a frame in the shop's page."""
        if not _same(request.query_params.get("key", ""), keys.publishable):
            return Response("unknown key", 403)
        page = fields_page(
            request.query_params.get("lang", "en"), keys.publishable, keys.shop_origin
        )
        policy = POLICY.format(ancestors=keys.shop_origin)
        return HTMLResponse(
            page, headers={"content-security-policy": policy, "cache-control": "no-store"}
        )

    async def tokens(request: Request) -> Response:
        """A token for a card."""
        return await _answered(request, keys.publishable, lambda body: _token(book, body))

    async def payments(request: Request) -> Response:
        """Set money aside."""
        once = request.headers.get("idempotency-key", "")
        return await _answered(request, keys.secret, lambda body: _authorise(book, once, body))

    async def step(request: Request) -> Response:
        """Capture, void, refund or dispute a payment."""
        payment, verb = request.path_params["payment"], request.path_params["verb"]
        once = request.headers.get("idempotency-key", "")
        return await _answered(
            request, keys.secret, lambda body: _step(book, payment, verb, once, body)
        )

    async def look(request: Request) -> Response:
        """What became of a payment, of those of an order, or the card behind a token."""
        kind, name = request.path_params["kind"], request.path_params["name"]
        asked: dict[str, Callable[[str], Any]] = {
            "payments": book.payment, "orders": lambda n: {"payments": book.of_order(n)},
            "tokens": book.card_of,
        }  # fmt: skip
        if kind not in asked:
            return JSONResponse({"code": "no_such_page"}, 404)
        return await _answered(request, keys.secret, lambda _: asked[kind](name))

    return Starlette(
        routes=[
            Route("/fields", fields),
            Route("/v1/tokens", tokens, methods=["POST"]),
            Route("/v1/payments", payments, methods=["POST"]),
            Route("/v1/payments/{payment}/{verb}", step, methods=["POST"]),
            Route("/v1/{kind}/{name}", look),
            Route("/healthz", lambda request: Response("ok")),
        ]
    )


async def _answered(request: Request, key: str, does: Callable[[dict[str, Any]], Any]) -> Response:
    """Check the key, read the body, do it beside the loop, and say what came of it."""
    if not _same(request.headers.get("authorization", ""), f"Bearer {key}"):
        return JSONResponse({"code": "unauthorized", "message": "the key is not right"}, 401)
    try:
        body: Any = {}
        if request.method == "POST":
            raw = b""
            async for part in request.stream():
                raw += part
                if len(raw) > _MOST_BODY:
                    raise Refused(413, "too_large", "the body is too large")
            body = json.loads(raw or b"{}")
        if not isinstance(body, dict):
            raise Refused(422, "body", "the body has to be a JSON object")
        answer = await run_in_threadpool(does, body)
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError):
        return JSONResponse({"code": "body", "message": "the body is not JSON"}, 400)
    except CardRefused as error:
        return JSONResponse({"code": "card", "field": error.field, "message": str(error)}, 422)
    except Refused as error:
        return JSONResponse({"code": error.code, "message": str(error)}, error.status)
    declined = isinstance(answer, dict) and answer.get("status") == "declined"
    return JSONResponse(answer, 402 if declined else 200, headers={"cache-control": "no-store"})


def _token(book: Book, body: dict[str, Any]) -> dict[str, Any]:
    number, cvc = _text(body, "number", 40), _text(body, "cvc", 4)
    digits = digits_of(number)
    month, _, year = _text(body, "expiry", 9).replace(" ", "").partition("/")
    if not (month.isascii() and month.isdigit() and year.isascii() and year.isdigit()):
        raise CardRefused("expiry", "write the month as 04/29")
    now = time.gmtime()
    check_expiry(int(month), int(year), (now.tm_year, now.tm_mon))
    if not (cvc.isascii() and cvc.isdigit() and 3 <= len(cvc) <= 4):
        raise CardRefused("cvc", "the security code has three or four digits")
    return book.tokenise(digits)


def _authorise(book: Book, once: str, body: dict[str, Any]) -> dict[str, Any]:
    if not 8 <= len(once) <= 200:
        raise Refused(422, "idempotency_key", "send an Idempotency-Key of 8 to 200 characters")
    currency = _text(body, "currency", 3)
    return book.authorise(
        once, _text(body, "order", 128), _text(body, "token", 100), _amount(body), currency
    )


def _step(book: Book, payment: str, verb: str, once: str, body: dict[str, Any]) -> dict[str, Any]:
    if verb == "capture":
        return book.capture(payment, _amount(body))
    if verb == "void":
        return book.void(payment)
    if verb == "refunds":
        if not 8 <= len(once) <= 200:
            raise Refused(422, "idempotency_key", "send an Idempotency-Key of 8 to 200 characters")
        return book.refund(payment, once, _amount(body))
    if verb == "dispute":
        reason = body.get("reason", "fraud")
        if reason not in DISPUTES:
            raise Refused(422, "reason", f"a reason is one of {', '.join(DISPUTES)}")
        return book.dispute(payment, reason)
    raise Refused(404, "no_such_step", "a payment is captured, voided, refunded or disputed")


def _text(body: dict[str, Any], name: str, most: int) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value or len(value) > most:
        raise Refused(422, name, f"{name} is a text of at most {most} characters")
    return value


def _amount(body: dict[str, Any]) -> int:
    value = body.get("amount_minor")
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= _MOST_MINOR:
        raise Refused(422, "amount_minor", "an amount is a whole number of minor units above 0")
    return value


def _same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), wanted.encode())
