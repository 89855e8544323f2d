"""How personal data is shown to those who may not see it: enough to tell two apart, not enough to
find the person.

Masking is by kind, in one place, so that no page shows more of a value than another one does. What
was masked cannot be unmasked from the text: whoever may see it reads the value again, with a reason
(`personal.reveal`).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping

DOTS = "•••"

PERSONAL_FIELDS: Mapping[str, str] = {
    "card": "card",
    "email": "email",
    "phone": "phone",
    "address": "address",
    "postal_code": "address",
    "ip": "ip",
    "legal_name": "name",
    "bank_account": "card",
    "value": "anything",
    "text": "prose",
    "description": "prose",
    "note": "prose",
}
"""Fields of events that speak of a person, and the kind by which each is masked."""

_LONGEST = 4_096
"""Longer values are cut before they are looked at: nobody reads them masked."""
_CARD_DIGITS = 12
_PHONE_DIGITS = 9
_MAIL = re.compile(r"[^\s@<>\"'()\[\]，。；：、]{1,64}@([A-Za-z0-9.-]{1,253})")
_LONG_NUMBER = re.compile(r"\+?\d(?:[ .()-]{0,2}\d){6,18}")
_REGION = re.compile(r"^.{0,20}?(?:省|自治区|市)(?:.{1,10}?(?:市|自治州|地区|盟))?")


def mask(kind: str, value: str) -> str:
    """`value` as somebody without `personal.reveal` reads it.

    `kind` is a kind of entity (`card`, `email`, `phone`, `address`, `ip`), or `name`, `prose` or `anything`; a
    value of any other kind is no personal data by itself and comes back as it is.
    """
    masking = _MASKS.get(kind)
    if masking is None or not value:
        return value
    return masking(value[:_LONGEST])


def is_personal(kind: str) -> bool:
    """Whether values of this kind are masked."""
    return kind in _MASKS


def shown(kind: str, value: str, *, clear: bool) -> str:
    """`value` in clear, or masked."""
    return value if clear else mask(kind, value)


def mask_fields(fields: Mapping[str, object]) -> dict[str, object]:
    """The fields of an event with those masked that speak of a person."""
    return {
        name: mask(PERSONAL_FIELDS[name], value)
        if name in PERSONAL_FIELDS and isinstance(value, str)
        else value
        for name, value in fields.items()
    }


def _mask_card(value: str) -> str:
    """The last four, as printed on receipts; of a short token nothing."""
    kept = "".join(character for character in value if character.isalnum())
    return f"{DOTS}• {kept[-4:]}" if len(kept) >= _CARD_DIGITS else DOTS


def _mask_email(value: str) -> str:
    """The first character and the domain, which says more about a fraud than about a person."""
    local, at, domain = value.rpartition("@")
    if not at or not local or not domain:
        return DOTS
    return f"{local[0]}{DOTS}@{domain}"


def _mask_phone(value: str) -> str:
    """Three digits in front and two behind; of a short number only the two."""
    plus = "+" if value.lstrip().startswith("+") else ""
    digits = "".join(character for character in value if character.isdecimal())
    if len(digits) >= _PHONE_DIGITS:
        return f"{plus}{digits[:3]}{DOTS}{digits[-2:]}"
    return f"{DOTS}{digits[-2:]}" if len(digits) >= 6 else DOTS


def _mask_address(value: str) -> str:
    """The region: in Chinese the province and city in front, elsewhere what stands behind the last comma."""
    region = _REGION.match(value)
    if region and region.end() < len(value):
        return region[0] + DOTS
    street, comma, rest = value.rpartition(",")
    rest = rest.strip()
    # A house number may stand last; then it is not the region that does.
    if comma and street.strip() and rest and not any(c.isdigit() for c in rest):
        return f"{DOTS}, {rest}"
    return DOTS


def _mask_name(value: str) -> str:
    """The first character of each word; of a Chinese name the first one."""
    words = value.split()
    return " ".join(word[0] + DOTS for word in words[:4]) if words else DOTS


def _mask_ip(value: str) -> str:
    """The network: the first three numbers of IPv4, the first 48 bits of IPv6."""
    try:
        address = ipaddress.ip_address(value.strip())
    except ValueError:
        return DOTS
    if isinstance(address, ipaddress.IPv4Address):
        return f"{str(address).rpartition('.')[0]}.•"
    groups = address.exploded.split(":")[:3]
    return ":".join(group.lstrip("0") or "0" for group in groups) + "::•"


def _mask_anything(value: str) -> str:
    """What stands on a list may be a card, an address or a name: of a long one the last two."""
    return f"{DOTS}{value[-2:]}" if len(value) >= _PHONE_DIGITS else DOTS


def _mask_prose(value: str) -> str:
    """Mail addresses and long numbers, such as telephone and card numbers, within a text."""
    without_mails = _MAIL.sub(lambda found: f"{found[0][0]}{DOTS}@{found[1]}", value)
    return _LONG_NUMBER.sub(lambda found: f"{DOTS}{found[0][-2:]}", without_mails)


_MASKS: dict[str, Callable[[str], str]] = {
    "card": _mask_card,
    "email": _mask_email,
    "phone": _mask_phone,
    "address": _mask_address,
    "name": _mask_name,
    "ip": _mask_ip,
    "prose": _mask_prose,
    "anything": _mask_anything,
}
