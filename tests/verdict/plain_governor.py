"""The governor written down plainly: every refusal is kept, and all of them are gone through each time.

What `kanhe.judge.verdict.governor` is held to, by the steps in its docstring.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from kanhe.core.decision import SEVERITY, Outcome, Signal
from kanhe.core.event import Arrival
from kanhe.core.time import MINUTE_MS
from kanhe.judge.verdict.caps import MILLION, MINUTES_MAX, GovernorTable, Stop
from kanhe.judge.verdict.counts import Key
from kanhe.judge.verdict.decide import VerdictTable, answerable, outcome_of

_FIRST = ("user", "device", "card", "email", "phone", "session", "staff", "ip")
_ELSE = ("merchant", "courier", "product", "order", "parcel", "address")
_WORSE: dict[Outcome, Stop] = {"deny": "deny", "challenge": "challenge"}


@dataclass
class _Refusal:
    """Somebody was refused, and counted."""

    minute: int
    signs: list[tuple[str, str]]
    money: int
    known: set[Key] = field(default_factory=set)
    """For whose caps it was counted."""
    counts: set[Key] = field(default_factory=set)
    """The same without those that a person has let go since."""


class PlainGovernor:
    """What one governor does, without events of other packs and snapshots."""

    def __init__(self, table: GovernorTable, verdict: VerdictTable) -> None:
        self._table, self._verdict = table, verdict
        self._raw: int | None = None
        self._now = 0
        self._decisions: list[tuple[int, str, str]] = []
        self._refusals: list[_Refusal] = []
        self.latched: dict[Key, int] = {}
        self._exempt: dict[tuple[str, str, Stop], int] = {}

    def hold(self, arrival: Arrival, signals: Sequence[Signal], wanted: Outcome) -> Outcome | None:
        """What is answered in place of `wanted`; none if that stands."""
        if wanted not in _WORSE:
            return None
        self._at(arrival.received_ms)
        keys, everything = self._keys(arrival, signals, _WORSE[wanted])
        new = [key for key in (*keys, everything) if self._is_new(key, arrival)]
        seen = self._seen(arrival) + bool(new)
        passing = [key for key in new if self._passed(key, seen, 1, _money(arrival))]
        over = {s.rule for s in signals if everything._replace(rule=s.rule) in self.latched}
        over |= {key.rule for key in passing if key.rule}
        stands = self._stands(signals, over, wanted, arrival)
        if stands and everything not in self.latched and everything not in passing:
            return None
        return "review"

    def take_up(self, arrival: Arrival, signals: Sequence[Signal], wanted: Outcome) -> list[Key]:
        """Count a decision, whatever was answered; gives whose caps it passed."""
        self._at(arrival.received_ms)
        tenant, event_type = arrival.tenant, arrival.event.type
        if wanted not in _WORSE:
            self._decisions.append((self._now, tenant, event_type))
            return []
        keys, everything = self._keys(arrival, signals, _WORSE[wanted])
        new = {key for key in (*keys, everything) if self._is_new(key, arrival)}
        if new:  # A repetition is no traffic.
            self._decisions.append((self._now, tenant, event_type))
        seen = self._seen(arrival)
        refusal = _Refusal(self._now, _signs_of(arrival), _money(arrival))
        self._refusals.append(refusal)
        trips = [key for key in keys if self._counted(key, key in new, refusal, seen)]
        over = {s.rule for s in signals if everything._replace(rule=s.rule) in self.latched}
        if self._stands(signals, over, wanted, arrival):
            trips += (
                [everything] if self._counted(everything, everything in new, refusal, seen) else []
            )
        return trips

    def release(self, rule: str, event_type: str, stop: Stop, minutes: int) -> bool:
        """A person lets a rule go."""
        mine = [k for k in self.latched if (k.type, k.rule, k.stop) == (event_type, rule, stop)]
        for key in mine:
            del self.latched[key]
        for refusal in self._refusals:
            for key in [
                k for k in refusal.counts if (k.type, k.rule, k.stop) == (event_type, rule, stop)
            ]:
                refusal.counts.remove(key)
        if minutes:
            self._exempt[event_type, rule, stop] = self._now + minutes
        return bool(mine)

    def _at(self, received_ms: int) -> None:
        raw = received_ms // MINUTE_MS
        if self._raw is not None and raw > self._raw:
            self._now += raw - self._raw
        self._raw = raw
        cool = self._now - self._table.cool_min
        self.latched = {key: hot for key, hot in self.latched.items() if hot > cool}

    def _keys(
        self, arrival: Arrival, signals: Sequence[Signal], stop: Stop
    ) -> tuple[list[Key], Key]:
        event_type = arrival.event.type
        rules = answerable(signals, self._verdict, event_type, stop)
        keys = [Key(arrival.tenant, event_type, rule, stop) for rule in (*rules, "")]
        return keys[:-1], keys[-1]

    def _is_new(self, key: Key, arrival: Arrival) -> bool:
        now = [one for one in self._refusals if one.minute == self._now and key in one.known]
        return all(
            sum(sign in one.signs for one in now) < (10 if sign[0] == "ip" else 1)
            for sign in _signs_of(arrival)
        )

    def _counted(self, key: Key, new: bool, refusal: _Refusal, seen: int) -> bool:
        if new:
            refusal.known.add(key)
            refusal.counts.add(key)
        if key in self.latched:
            if self._passed(key, seen, 0, 0, strict=2):
                self.latched[key] = self._now
        elif new and self._passed(key, seen, 0, 0):
            self.latched[key] = self._now
            return True
        return False

    def _passed(self, key: Key, seen: int, more: int, money: int, strict: int = 1) -> bool:
        if self._exempt.get((key.type, key.rule, key.stop), -1) >= self._now:
            return False
        caps = self._table.caps(key.rule, key.stop)
        mine = [one for one in self._refusals if key in one.counts]
        now = sum(one.minute == self._now for one in mine) + more
        people = sum(one.minute > self._now - self._table.window_min for one in mine) + more
        money += sum(one.money for one in mine if one.minute > self._now - MINUTES_MAX)
        return (
            bool(caps.per_minute and strict * now > caps.per_minute)
            or bool(caps.money_per_hour_minor and strict * money > caps.money_per_hour_minor)
            or bool(
                caps.share_ppm
                and strict * people >= caps.least
                and strict * people * MILLION > seen * caps.share_ppm
            )
        )

    def _seen(self, arrival: Arrival) -> int:
        place = (arrival.tenant, arrival.event.type)
        since = self._now - self._table.window_min
        return sum(minute > since and tuple(what) == place for minute, *what in self._decisions)

    def _stands(
        self, signals: Sequence[Signal], over: Collection[str], wanted: Outcome, arrival: Arrival
    ) -> bool:
        if not over:
            return True
        others = [signal for signal in signals if signal.rule not in over]
        left = outcome_of(others, self._verdict, arrival.event.type)
        return SEVERITY[left] >= SEVERITY[wanted]


def _signs_of(arrival: Arrival) -> list[tuple[str, str]]:
    for kinds in (_FIRST, _ELSE):
        values = [(kind, getattr(arrival.event, kind, None)) for kind in kinds]
        signs = [(kind, f"{arrival.tenant} {value}") for kind, value in values if value is not None]
        if signs:
            return signs
    return []


def _money(arrival: Arrival) -> int:
    """All amounts are in the base currency here."""
    return getattr(arrival.event, "amount_minor", None) or 0
