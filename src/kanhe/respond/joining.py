"""Which open case a new alert belongs to: the one about the same people and things.

(1) Only signs of a person or of their means count: a card, an account, a device, an e-mail address,
    a telephone number, a postal address. An address of the network may be a whole town's, and a
    merchant, a product or a courier has to do with everybody: those never join two alerts.
(2) A sign that has brought many alerts together already says little: beyond `MOST_PER_SIGN` alerts in a
    case it joins nobody else.
(3) A case takes up to `MOST_ALERTS` alerts about up to `MOST_ACCOUNTS` accounts and for `MOST_DAYS` days, so that no
    one case swallows everything. Whoever comes after opens a new one, linked to it.
(4) Of several cases the one that shares the weightiest signs is chosen, of equals the oldest. The
    others are linked: a person may merge them.

The same alerts in the same order always give the same cases. Why: ADR 0019.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from kanhe.core.time import DAY_MS
from kanhe.respond.alerts import RULE, Alert, Entities

WEIGHT: Mapping[str, int] = {
    "card": 8,
    "user": 8,
    "device": 6,
    "email": 6,
    "phone": 5,
    "address": 3,
    RULE: 8,
    "staff": 8,
}
"""The kinds that join alerts, and how much each says."""
_OF_STAFF = frozenset({"staff", "device"})
_OF_PEOPLE = frozenset(WEIGHT) - {"staff"}
MOST_ALERTS = 200
MOST_ACCOUNTS = 30
MOST_DAYS = 14
MOST_PER_SIGN = 60
MOST_CANDIDATES = 20
"""How many open cases are looked at for one alert; they come with the oldest first."""
MOST_LINKS = 5
"""To how many further cases a case is linked by one alert."""


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """An open case that shares something with an alert."""

    number: int
    opened_ms: int
    alerts: int
    accounts: int
    """How many accounts its alerts name."""
    shares: tuple[tuple[str, str, int], ...]
    """Kind and id of what it shares, and how many of its alerts name that."""
    is_subject: bool = False
    """Whether the alert, a complaint, is about an event of this case."""


class Place(msgspec.Struct, frozen=True):
    """Where an alert belongs."""

    case: int | None
    """The number of an open case; `None`: a new one."""
    links: tuple[int, ...] = ()
    """Further cases that share something."""


def signs_of(alert: Alert) -> Entities:
    """Step (1): those by which an alert may be joined to others.

    What staff do is about whoever did it: the customers whose records they opened are not part of it.
    """
    kinds = _OF_STAFF if alert.event_type.startswith("staff.") else _OF_PEOPLE
    return tuple((kind, value) for kind, value in alert.entities if kind in kinds)


def place_of(alert: Alert, candidates: Iterable[Candidate]) -> Place:
    """Steps (2) to (4)."""
    weighed: list[tuple[int, int, Candidate]] = []
    for candidate in candidates:
        weight = sum(WEIGHT.get(kind, 0) for kind, _, n in candidate.shares if n < MOST_PER_SIGN)
        if candidate.is_subject:
            weight += 100
        if weight:
            weighed.append((-weight, candidate.number, candidate))
    weighed.sort(key=lambda one: one[:2])
    chosen = next((c.number for _, _, c in weighed if _has_room(c, alert)), None)
    others = [number for _, number, _ in weighed if number != chosen]
    return Place(chosen, tuple(others[:MOST_LINKS]))


def _has_room(case: Candidate, alert: Alert) -> bool:
    """Step (3). A complaint about an event of the case always finds room: it is about just that."""
    if case.is_subject:
        return True
    if case.alerts >= MOST_ALERTS or alert.received_ms - case.opened_ms > MOST_DAYS * DAY_MS:
        return False
    known = any(kind == "user" for kind, _, _ in case.shares)
    brings = any(kind == "user" for kind, _ in alert.entities) and not known
    return case.accounts + brings <= MOST_ACCOUNTS


def headline(entities: Sequence[tuple[str, str]]) -> tuple[str, str]:
    """The one entity by which a case is shown in a list; a kind and an id, empty if there is none."""
    order = ("user", "card", "device", "email", "merchant", "courier", "staff", "ip", RULE)
    known = dict(reversed(entities))
    for kind in (*order, *known):
        if kind in known:
            return kind, known[kind]
    return "", ""
