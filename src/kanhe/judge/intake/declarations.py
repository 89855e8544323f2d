"""What a field and an event type are: the words in which the catalogue and shops declare them."""

from __future__ import annotations

from typing import Any, Literal, get_args

import msgspec

from kanhe.core.event import ENTITY_KINDS
from kanhe.core.money import AMOUNT_MAX_MINOR

FieldKind = Literal[
    "id", "text", "prose", "int", "bool", "country", "currency", "money", "time", "choice",
    "ids", "degrees",
]  # fmt: skip
FIELD_KINDS: tuple[str, ...] = get_args(FieldKind)

ID_MAX = 128
"""The longest id, in characters."""
TEXT_MAX = 256
"""The longest text, in characters."""
PROSE_MAX = 10_000
"""The longest prose, in characters."""
IDS_MAX = 200
"""The most ids one list may hold."""
EMAIL_MAX = 254
"""The longest e-mail address (RFC 5321, 4.5.3.1.3), in characters."""
INT_MAX = 10**12
"""The largest whole number, either side of zero; sums of squares stay exact well beyond it."""
TIME_MIN_MS = 946_684_800_000
"""2000-01-01. Earlier times are mostly seconds sent as milliseconds, and are refused as such."""
TIME_MAX_MS = 253_402_300_799_999
"""The last millisecond of the year 9999."""


class FieldSpec(msgspec.Struct, frozen=True):
    """One field: the same name means the same, with the same kind and unit, in every event type."""

    name: str
    kind: FieldKind
    unit: str
    """Empty, or what one unit of the number is: `ms`, `g`, `minor unit of currency`, …"""
    en: str
    zh: str
    choices: tuple[str, ...] = ()
    """For `choice`: the values allowed."""
    minimum: int | None = None
    maximum: int | None = None
    """For `int`, `money`, `time` and `degrees`: the least and greatest value allowed, both included."""

    @property
    def is_entity(self) -> bool:
        """Whether the field names an entity (`kanhe.core.event.ENTITY_KINDS`)."""
        return self.name in ENTITY_KINDS

    @property
    def least(self) -> int:
        """The least number allowed."""
        if self.minimum is not None:
            return self.minimum
        return {"money": 0, "time": TIME_MIN_MS}.get(self.kind, -INT_MAX)

    @property
    def greatest(self) -> int:
        """The greatest number allowed."""
        if self.maximum is not None:
            return self.maximum
        return {"money": AMOUNT_MAX_MINOR, "time": TIME_MAX_MS}.get(self.kind, INT_MAX)

    @property
    def longest(self) -> int:
        """The most characters allowed (`ids`: in each of them)."""
        if self.name == "email":
            return EMAIL_MAX
        return {"text": TEXT_MAX, "prose": PROSE_MAX}.get(self.kind, ID_MAX)


class EventType(msgspec.Struct, frozen=True):
    """One type of event: which fields it must and may have, and what it means."""

    name: str
    requires: tuple[str, ...]
    may: tuple[str, ...]
    en: str
    zh: str
    example: dict[str, Any]
    """A whole valid event of this type."""
    restricted: str = ""
    """Empty, or the scope a sender's key needs for this type."""
    anonymous: bool = False
    """Whether it may name no entity at all. Where false, an event naming nobody is refused."""

    @property
    def entities(self) -> tuple[str, ...]:
        """The entities the type can name, required ones first."""
        return tuple(name for name in self.requires + self.may if name in ENTITY_KINDS)


ID = FieldSpec(
    "id",
    "id",
    "",
    "The sender's own id of this event, unique within the shop. Sending the same id again is a "
    "retry: it changes nothing and gets the first answer.",
    "发送方为该事件编的唯一编号（在同一家店内不重复）。重复发送同一编号视为重试：不会重复计数，返回首次的结果。",
)
AT_MS = FieldSpec(
    "at_ms",
    "time",
    "ms",
    "When it happened: milliseconds since 1970-01-01 00:00 UTC.",
    "事件发生的时间：自 1970-01-01 00:00 UTC 起的毫秒数。",
)
ALWAYS = (ID, AT_MS)
"""The fields of every event type, beside `type` itself."""

RESERVED = frozenset({"type", "tenant", "received_ms", "seq", "amount_base", "specversion", "data"})
"""Names a field cannot have, because they mean something else to the reader or to rules."""

CONTEXT = "user device ip session email phone card address merchant order product"
"""Who and what takes part in nearly everything a shop sees."""
PLACE = "lat lon"
NETWORK = (
    "channel ip_country user_agent app_version language asn asn_org is_vpn is_proxy is_tor "
    f"is_hosting is_automated is_emulator is_rooted bot_score utc_offset_minutes is_fresh_device "
    f"is_altered_device has_script pasted_fields scripted_fields {PLACE}"
)
"""What a shop can tell about the client and the network it came through."""


def event_type(
    name: str,
    requires: str,
    may: tuple[str, ...],
    en: str,
    zh: str,
    *,
    restricted: str = "",
    anonymous: bool = False,
    **example: Any,
) -> EventType:
    """Write down a built-in type: `requires` and `may` hold field names between spaces.

    Names repeated in `may`, or already required, count once. `example` needs no id: it is
    `ex-` and the name of the type.
    """
    required = tuple(requires.split())
    optional = tuple(dict.fromkeys(" ".join(may).split()))
    return EventType(
        name,
        required,
        tuple(field for field in optional if field not in required),
        en,
        zh,
        {"id": f"ex-{name}", "type": name, **example},
        restricted,
        anonymous,
    )
