"""Who sends notices, how each of them signs, and what each wants to hear.

A new provider is one module that checks and one line here; what its notices mean is a mapping
(`judge/intake/hooks`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple, Protocol

import msgspec

from kanhe.core.errors import PROBLEM_MEDIA_TYPE, Problem
from kanhe.core.notice import Notice
from kanhe.protect.inbound import (
    adyen,
    alipay,
    credentials,
    shopify,
    standard_webhooks,
    stripe,
    wechat_pay,
    woocommerce,
)
from kanhe.protect.inbound.credentials import Credential, Kind
from kanhe.protect.inbound.evidence import Request


class Check(Protocol):
    """Gives the notices of a request that is authentic, none if there is nothing in it to take in;
    raises a refusal for any other. `account` narrows a source down to one account of its provider
    where it is not empty; `now_ms` is our time."""

    def __call__(
        self, request: Request, credentials: Sequence[Credential], account: str, now_ms: int, /
    ) -> tuple[Notice, ...]:
        """Check one request."""


class Answer(NamedTuple):
    """What is sent back."""

    status: int
    media_type: str
    body: bytes


class Provider(NamedTuple):
    """One way to sign notices, and to answer them."""

    name: str
    title: str
    check: Check
    reads: Mapping[Kind, Callable[[str], bytes]]
    """How each kind of credential it has is read; see `credentials`."""
    needs: tuple[Kind, ...]
    """The kinds without which nothing could be checked; one of two that stand for each other is
    enough where `either`."""
    account: str
    """What the account of a source is, for people."""
    accepted: Answer = Answer(200, "application/json", b'{"received":true}')
    refused: Callable[[Problem], Answer] | None = None
    """What a refusal looks like; without it, a problem as everywhere else."""
    either: bool = False
    by_serial: bool = False
    """Whether public keys are told apart by the serial that a notice names."""
    needs_account: bool = False
    """Whether its keys say too little of whom a notice is for, so that the account must be named."""
    most_bytes: int = 0
    """The largest body, where it has to be taken apart before its signature can be checked, and so
    costs more than reading it; 0: what the server takes."""
    worldwide: bool = True
    """Whether its ids are the same for nobody else; if not, they count within one source."""

    def answer_refusal(self, problem: Problem) -> Answer:
        """What is answered to a notice that is refused."""
        return (self.refused or problem_answer)(problem)


def problem_answer(problem: Problem) -> Answer:
    """A problem as RFC 9457 writes it."""
    return Answer(problem.status, PROBLEM_MEDIA_TYPE, msgspec.json.encode(problem))


def _wechat_refusal(problem: Problem) -> Answer:
    """WeChat Pay wants a code and a message, of 256 characters at most."""
    body = {"code": "FAIL", "message": (problem.detail or problem.title)[:256]}
    return Answer(problem.status, "application/json", msgspec.json.encode(body))


def _alipay_refusal(problem: Problem) -> Answer:
    """Alipay reads one word; anything but `success` has it send the notice again."""
    return Answer(problem.status, "text/plain", b"failure")


_ALL = (
    Provider(
        "stripe", "Stripe", stripe.check, {"secret": credentials.stripe_secret}, ("secret",),
        "the connected account (acct_…)",
    ),
    Provider(
        "adyen", "Adyen", adyen.check,
        {"secret": credentials.hex_secret, "password": credentials.basic_password}, ("secret",),
        "the merchant account", Answer(200, "text/plain", b"[accepted]"), most_bytes=65_536,
    ),
    Provider(
        "shopify", "Shopify", shopify.check, {"secret": credentials.text_secret}, ("secret",),
        "the domain of the shop (….myshopify.com)",
    ),
    Provider(
        "woocommerce", "WooCommerce", woocommerce.check, {"secret": credentials.text_secret},
        ("secret",), "the address of the shop (https://…)", worldwide=False,
    ),
    Provider(
        "wechat_pay", "WeChat Pay", wechat_pay.check,
        {"secret": credentials.api_v3_secret, "public_key": credentials.rsa_public_key},
        ("secret", "public_key"), "the merchant number (mchid)", Answer(204, "", b""),
        _wechat_refusal, by_serial=True,
    ),
    Provider(
        "alipay", "Alipay", alipay.check, {"public_key": credentials.rsa_public_key},
        ("public_key",), "the app_id", Answer(200, "text/plain", b"success"), _alipay_refusal,
        needs_account=True, most_bytes=65_536,
    ),
    Provider(
        "standard", "Standard Webhooks", standard_webhooks.check,
        {"secret": credentials.webhook_secret, "public_key": credentials.webhook_public_key},
        ("secret", "public_key"), "nothing", either=True, worldwide=False,
    ),
)  # fmt: skip

PROVIDERS: Mapping[str, Provider] = MappingProxyType({one.name: one for one in _ALL})
"""By name."""
