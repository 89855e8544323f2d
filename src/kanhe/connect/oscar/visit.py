"""Who is there: device, address and session of a request, as events name them.

Oscar sends several signals without the request (`order_placed`, `voucher_addition`, saved users). The
middleware keeps the visit of the request that is being answered where `current` finds it.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from contextvars import ContextVar
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import msgspec
from django.conf import settings
from django.utils.translation import get_language

from kanhe.connect.oscar.configuration import Configuration

_TEXT_MAX = 256


@dataclass(frozen=True)
class Visit:
    """What is said of a visit beside what happened in it. Nothing here is a secret: the session's
    name is not its key."""

    device: str | None = None
    session: str | None = None
    ip: str | None = None
    ip_country: str | None = None
    user_agent: str | None = None
    language: str | None = None
    hints: dict[str, Any] = field(default_factory=dict)
    """What is known of the device, and of how the form at hand was filled (`kanhe.connect.device`)."""

    def fields(self, event_type: type[msgspec.Struct]) -> dict[str, Any]:
        """As fields of an event of this type, those that it may have."""
        may = {one.name for one in msgspec.structs.fields(event_type)}
        said = {**asdict(self), "channel": "web"}
        said |= said.pop("hints")
        return {name: value for name, value in said.items() if name in may}

    def with_hints(self, hints: dict[str, Any]) -> Visit:
        """The same, with more known."""
        return replace(self, hints=hints)

    def entities(self) -> dict[str, Any]:
        """The part of it that every event type takes, whatever it is about."""
        return {"device": self.device, "session": self.session, "ip": self.ip}


_request: ContextVar[Any] = ContextVar("kanhe_request", default=None)


def answering(request: Any) -> Any:
    """Say which request is being answered; gives what `finished` takes."""
    return _request.set(request)


def finished(mark: Any) -> None:
    """That request has been answered."""
    _request.reset(mark)


def current_request() -> Any:
    """The request that is being answered, or None: in a command, a task, a shell."""
    return _request.get()


def current() -> Visit:
    """The visit of the request that is being answered; an empty one outside of any."""
    found = getattr(_request.get(), "kanhe_visit", None)
    return found if isinstance(found, Visit) else Visit()


def visit_of(request: Any, chosen: Configuration) -> Visit:
    """The visit that a request belongs to. Device and session are those that
    `kanhe.connect.django.DeviceMiddleware` has seen."""
    seen = request.kanhe_device
    trusted = _from_proxy(request, chosen)
    country = (
        request.headers.get(chosen.country_header, "") if chosen.country_header and trusted else ""
    )
    return Visit(
        device=seen.device,
        session=seen.session,
        ip=_address(request, chosen, trusted),
        ip_country=country if len(country) == 2 and country.isascii() and country.isalpha() else None,
        user_agent=_text(request.headers.get("User-Agent", "")),
        language=get_language(),
        hints=hints_of(seen),
    )  # fmt: skip


def hints_of(seen: Any) -> dict[str, Any]:
    """What is known beside the ids."""
    ids = ("device", "session")
    return {name: value for name, value in seen.fields().items() if name not in ids}


def pseudonym(kind: str, *parts: str) -> str:
    """A name that is always the same for the same parts and tells nothing without the shop's key."""
    key = hashlib.sha256(b"kanhe.connect.oscar" + str(settings.SECRET_KEY).encode()).digest()
    whole = hmac.new(key, kind.encode(), hashlib.sha256)
    for part in parts:
        text = part.encode("utf-8", "replace")
        whole.update(len(text).to_bytes(8, "big") + text)
    return f"{kind}-{whole.hexdigest()[:32]}"


def _from_proxy(request: Any, chosen: Configuration) -> bool:
    return _is_in(request.META.get("REMOTE_ADDR", ""), chosen)


def _address(request: Any, chosen: Configuration, trusted: bool) -> str | None:
    """The nearest address that is not a trusted proxy's own: what stands further left in
    `X-Forwarded-For` is whatever the visitor chose to send."""
    hops = [request.META.get("REMOTE_ADDR", "")]
    if trusted:
        hops = [*request.headers.get("X-Forwarded-For", "").split(","), *hops]
    for hop in reversed([hop.strip() for hop in hops if hop.strip()]):
        if not _is_in(hop, chosen):
            return _read(hop)
    return _read(hops[0].strip())


def _is_in(address: str, chosen: Configuration) -> bool:
    try:
        read = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(read in network for network in chosen.networks)


def _read(address: str) -> str | None:
    try:
        return str(ipaddress.ip_address(address))
    except ValueError:
        return None


def _text(value: str) -> str | None:
    return "".join(c if c.isprintable() else " " for c in value[:_TEXT_MAX]).strip() or None
