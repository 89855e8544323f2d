"""The setting `KANHE` of a Django project: what may stand in it, and what it is if left out."""

from __future__ import annotations

import base64
import binascii
import difflib
from dataclasses import dataclass, field, fields
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any, Literal

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

Unconfirmable = Literal["hold", "deny", "allow"]
LEAST_SECRET = 24
"""Bytes of a webhook's secret: a shorter one is a mistake, an empty one everybody's."""
FALLBACKS = ("allow", "challenge", "hold")


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """Everything that can be set; only `url` and `key` have to be."""

    url: str
    """Where Kanhe is, such as `http://127.0.0.1:8080`."""
    key: str
    """An API key with the scopes `decide`, `record` and `step_up`."""
    queue: str | Path = "kanhe-queue.db"
    """File that events wait in while Kanhe cannot be reached."""
    timeout_s: float = 0.3
    """How long a decision is waited for, in all."""
    fallback: dict[str, str] = field(default_factory=lambda: {"*": "allow"})
    """By event type, what is done without an answer: `allow`, `challenge` or `hold`."""
    unconfirmable: Unconfirmable = "hold"
    """What becomes of a payment that should be confirmed while nobody can be asked to: Kanhe is down,
    or this buyer has no second factor and no mail server is set up."""
    payee: str = ""
    """Whom buyers pay, as they are shown it when they confirm; empty: `OSCAR_SHOP_NAME`."""
    prefix: str = ""
    """Stands before every id that this shop gives, where several shops share one tenant."""
    trusted_proxies: tuple[str, ...] = ()
    """Networks whose `X-Forwarded-For` and country header are believed."""
    country_header: str = ""
    """Header in which a trusted proxy says where the visitor is, such as `CF-IPCountry`."""
    webhook_secrets: tuple[str, ...] = ()
    """Secrets (`whsec_…`) of the desk's webhook; two while one is being replaced."""
    held_status: str = "Held for review"
    refused_status: str = "Cancelled"
    released_status: str = ""
    """What a released order becomes; empty: `OSCAR_INITIAL_ORDER_STATUS`."""

    @property
    def networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """The trusted proxies, read."""
        return tuple(ip_network(one, strict=False) for one in self.trusted_proxies)


def key_of(secret: str) -> bytes:
    """The key in a secret of Standard Webhooks; empty if it is none."""
    try:
        return base64.b64decode(str(secret).removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError):
        return b""


def configuration() -> Configuration:
    """The setting as it stands. Raises `ImproperlyConfigured` that says what to write instead."""
    given = getattr(settings, "KANHE", None)
    if not isinstance(given, dict):
        raise ImproperlyConfigured(
            'kanhe.connect.oscar needs KANHE = {"url": "http://127.0.0.1:8080", "key": "kanhe_…"}'
        )
    return read(given)


def read(given: dict[str, Any]) -> Configuration:
    """Check a dictionary, and fill in what is left out. Raises `ImproperlyConfigured`."""
    known = {one.name for one in fields(Configuration)}
    for name in given:
        if name not in known:
            near = difflib.get_close_matches(str(name), known, 1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise ImproperlyConfigured(f"KANHE has no {name!r}{hint}")
    if not given.get("url"):
        raise ImproperlyConfigured(
            'KANHE["url"] says where Kanhe is, such as http://127.0.0.1:8080'
        )
    values = dict(given)
    for name in ("trusted_proxies", "webhook_secrets"):
        if isinstance(values.get(name), str):
            raise ImproperlyConfigured(f"KANHE[{name!r}] is a list, even of one")
        values[name] = tuple(values.get(name, ()))
    values.setdefault("key", "")
    values["payee"] = values.get("payee") or str(getattr(settings, "OSCAR_SHOP_NAME", "shop"))
    values["released_status"] = values.get("released_status") or str(
        getattr(settings, "OSCAR_INITIAL_ORDER_STATUS", "")
    )
    for secret in values["webhook_secrets"]:
        if len(key_of(secret)) < LEAST_SECRET:
            raise ImproperlyConfigured(
                'KANHE["webhook_secrets"] holds what the desk showed, "whsec_" and 32 bytes in Base64;'
                " leave out what is not set yet"
            )
    made = Configuration(**values)
    for type_, answer in made.fallback.items():
        if answer not in FALLBACKS:
            raise ImproperlyConfigured(
                f'KANHE["fallback"][{type_!r}] is one of {", ".join(FALLBACKS)}, not {answer!r}'
            )
    if made.unconfirmable not in ("hold", "deny", "allow"):
        raise ImproperlyConfigured('KANHE["unconfirmable"] is "hold", "deny" or "allow"')
    try:
        _ = made.networks
    except ValueError as error:
        raise ImproperlyConfigured(f'KANHE["trusted_proxies"]: {error}') from None
    return made
