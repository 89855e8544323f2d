"""The governor: what one bad rule can do is bounded, and a person looks at the rest.

For every event that rules would refuse (`deny`, or `challenge`):

(1) Who is to answer for it: the rules that asked for the outcome, or whose points reached it.
(2) Who is refused: an event whose user, device, card or other sign of a person was refused in this
    minute already is a repetition, and counts neither as a person nor as traffic. So a flood from a
    few does not use up what is there for everybody.
(3) The person counts for each of these rules, and for all rules together, by minute.
(4) A rule that is above one of its caps *trips*: from this very event on, what it alone would refuse
    goes to a person instead (`review`), never through. What other rules ask for stands.
(5) It stays so as long as the rule goes on wanting more than half its caps, and for `cool` minutes
    after; or until a person lets it go, or another pack is in force.

All of this is a function of the rows of the journal, in their order: an event's time is the moment
of its arrival, and time stands still where clocks were set back. The answer names the governor where
it changed the outcome, so that what the rules wanted can be told from the answer. Why:
`docs/adr/0013-the-governor-counts-people.md`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from hashlib import blake2b
from operator import attrgetter
from typing import NamedTuple

import msgspec

from kanhe.core.decision import GOVERNOR, SEVERITY, Decision, Outcome, Reason, Signal, Text
from kanhe.core.errors import KanheError
from kanhe.core.event import Arrival, Event
from kanhe.core.money import Rates
from kanhe.core.time import MINUTE_MS
from kanhe.judge.verdict.caps import MILLION, MINUTES_MAX, STOPS, Caps, GovernorTable, Stop
from kanhe.judge.verdict.decide import VerdictTable, answerable, outcome_of, softened

_SIGNS = ("user", "device", "card", "email", "phone", "session", "staff", "ip")
"""By these a person is known again; if an event has none of them, by those below."""
_OTHERS = ("merchant", "courier", "product", "order", "parcel", "address")
_MOST = {"ip": 10}
"""How many people one sign may stand for within a minute: many may share an address of the network."""
_Sign = str | int
"""A sign as text; as its code, for as long as a minute lasts whose signs came out of a snapshot."""
_Signs = Mapping[_Sign, int]
"""The signs of one event, and for how many people each may stand."""
_REMEMBERED = 20_000
"""So many signs are kept for one rule and minute; whoever comes after is counted as a new person."""
STOPPING = frozenset(STOPS)
"""The outcomes that caps are about."""


class Key(NamedTuple):
    """What has caps of its own: one rule (empty: all together) about one type of event of a tenant."""

    tenant: str
    type: str
    rule: str
    stop: Stop


class Trip(NamedTuple):
    """A cap that was passed just now."""

    key: Key
    why: str
    """`per_minute`, `share` or `money`."""
    people: int
    decisions: int
    money_minor: int

    def facts(self) -> dict[str, str]:
        """For the log: nothing of it says whose event it was."""
        return {
            "rule": self.key.rule or "*",
            "event_type": self.key.type,
            "outcome": self.key.stop,
            "cap": self.why,
            "people": str(self.people),
            "decisions": str(self.decisions),
            "money_minor": str(self.money_minor),
        }


class Held(msgspec.Struct, frozen=True):
    """A cap that is in effect, for people who look."""

    tenant: str
    event_type: str
    rule: str
    """Empty for all rules together."""
    outcome: str
    quiet_min: int
    """For how many minutes it has stayed within half its caps."""


class _Sum(msgspec.Struct, array_like=True, gc=False):
    """People in the window and in the current minute, money in the hour."""

    people: int = 0
    now: int = 0
    money: int = 0


class _Minute(msgspec.Struct, array_like=True):
    """What was counted in one minute."""

    number: int
    seen: dict[tuple[str, str], int] = {}
    """Decisions by tenant and type, without repetitions."""
    people: dict[Key, int] = {}
    money: dict[Key, int] = {}


class _Saved(msgspec.Struct, array_like=True):
    """All that is remembered, for a snapshot; mappings as pairs, because their keys are tuples."""

    raw: int
    now: int
    minutes: list[tuple[int, list[tuple[tuple[str, str], int]], list[tuple[Key, int, int]]]]
    signs: list[tuple[Key, dict[int, int]]]
    latched: list[tuple[Key, int]]
    exempt: list[tuple[str, str, Stop, int]]


class _Case(NamedTuple):
    """One refusal, looked at."""

    place: tuple[str, str]
    signs: _Signs
    signals: Sequence[Signal]
    stop: Stop
    rules: tuple[str, ...]
    """Those that are to answer for it."""
    new: frozenset[Key]
    """For whose caps it is about a person not counted yet."""
    money: int

    def key(self, rule: str) -> Key:
        """The caps of a rule about events like this one."""
        return Key(*self.place, rule, self.stop)


class _Named:
    """Where the signs of a person stand in the events of one type."""

    def __init__(self, event_type: type[Event]) -> None:
        self._first = _reader_of(event_type, _SIGNS)
        self._else = _reader_of(event_type, _OTHERS)

    def signs_of(self, tenant: str, event: Event) -> dict[_Sign, int]:
        """The signs of an event as texts."""
        for kinds, values_of in (self._first, self._else):
            signs: dict[_Sign, int] = {
                f"{tenant}\0{kind}\0{value}": most
                for (kind, most), value in zip(kinds, values_of(event), strict=True)
                if value is not None
            }
            if signs:
                return signs
        return {}


def _reader_of(
    event_type: type[Event], kinds: Sequence[str]
) -> tuple[list[tuple[str, int]], Callable[[Event], Sequence[str | None]]]:
    """Those of the kinds that events of a type can have, and what reads all of them at once."""
    own = [kind for kind in kinds if kind in event_type.__struct_fields__]
    # Of a single name, `attrgetter` does not give a tuple.
    read = attrgetter(*own) if len(own) > 1 else lambda event: [getattr(event, k) for k in own]
    return [(kind, _MOST.get(kind, 1)) for kind in own], read


class GovernorError(KanheError):
    """A saved state of the governor cannot be read back."""


class Governor:
    """The caps of one pack and what was counted for them."""

    def __init__(
        self,
        table: GovernorTable,
        verdict: VerdictTable,
        asks: Mapping[str, Outcome | None],
        rates: Rates,
        key: bytes,
    ) -> None:
        """`asks` has the outcome that each rule of the pack asks for by itself; `key` is the
        installation's secret, without which nobody can tell who was counted."""
        self.table = table
        self._verdict = verdict
        self._asks = dict(asks)
        self._rates = rates
        self._begun = blake2b(digest_size=8, key=key, person=b"kanheGov")
        self._named: dict[type[Event], _Named] = {}
        self.held = 0
        """How many decisions were softened since the start."""
        self._clear()

    def _clear(self) -> None:
        self._begin_ms, self._end_ms = 0, 0
        self._raw = -1
        self._now = 0
        self._minute = _Minute(0)
        self._seen = self._minute.seen
        self._window: deque[_Minute] = deque([self._minute])
        self._hour: deque[_Minute] = deque([self._minute])
        self._seen_before: dict[tuple[str, str], int] = {}
        self._sums: dict[Key, _Sum] = {}
        self._signs: dict[Key, dict[_Sign, int]] = {}
        self._coded = False
        """Whether the signs of this minute are codes."""
        self._last: tuple[Event, _Signs] | None = None
        self._calm: tuple[Decision, _Case] | None = None
        """The decision that was looked at last, if no cap holds it, nor is passed by counting it."""
        self._latched: dict[Key, int] = {}
        self._exempt: dict[tuple[str, str, Stop], int] = {}

    # On the path

    def take_up(self, arrival: Arrival, decision: Decision | None) -> Sequence[Trip]:
        """Count a decision that was made under this pack; gives the caps that it passed.

        `decision` may be left out where nothing was refused.
        """
        tenant, event, _, received_ms = arrival
        calm = self._calm
        self.pass_by(tenant, event.type, received_ms)
        if decision is None or not decision.reasons:
            return ()
        if calm is not None and calm[0] is decision:
            self._count_calm(calm[1])
            return ()
        if decision.outcome in STOPPING or decision.reasons[0].rule == GOVERNOR:
            return self._count(tenant, event, decision)
        return ()

    def pass_by(self, tenant: str, event_type: str, received_ms: int, count: int = 1) -> None:
        """Count so many decisions that refused nobody, about events of one type that arrived together.

        In the order of the rows, as every other: they may be counted in one call where no decision
        that refused somebody stands between them.
        """
        self._calm = None
        if not self._begin_ms <= received_ms < self._end_ms:
            self._turn(received_ms)
        place = (tenant, event_type)
        try:
            self._seen[place] += count
        except KeyError:
            self._seen[place] = count

    def pass_time(self, received_ms: int) -> None:
        """A decision was made under another pack."""
        if not self._begin_ms <= received_ms < self._end_ms:
            self._turn(received_ms)

    def hold(self, arrival: Arrival, signals: Sequence[Signal], decision: Decision) -> Decision:
        """The decision as it may be answered: steps (1) to (4). Counts nobody."""
        wanted = decision.outcome
        if wanted not in STOPPING:
            return decision
        stop: Stop = "deny" if wanted == "deny" else "challenge"
        self.pass_time(arrival.received_ms)
        case = self._case(arrival.tenant, arrival.event, signals, stop)
        # This event is not yet among the decisions here, as it will be when it is counted.
        seen = self._seen_in_window(case.place) + bool(case.new)
        over = self._above(case)
        over |= {
            key.rule
            for key in case.new
            if key.rule and key not in self._latched and self._passed(key, seen, 1, case.money)
        }
        stands = self._stands(case, over)
        everything = case.key("")
        if stands and (
            everything in self._latched
            or (everything in case.new and self._passed(everything, seen, 1, case.money))
        ):
            over |= set(case.rules)
            stands = False
        if not over:
            self._calm = (decision, case) if stands else None
            return decision
        if stands and not any(s.actions for s in signals if s.rule in over):
            return decision
        self.held += 1
        outcome: Outcome = wanted if stands else "review"
        why = _quieted(sorted(over)) if stands else _held(sorted(over), stop)
        return softened(decision, signals, self._verdict, arrival.event.type, outcome, over, why)

    def _count_calm(self, case: _Case) -> None:
        """Step (3) alone, for a decision that `hold` has just looked at."""
        if not case.new:
            self._seen[case.place] -= 1
        for key in case.new:
            self._remember(key, case.signs, case.money)

    def _count(self, tenant: str, event: Event, decision: Decision) -> list[Trip]:
        """Steps (1) to (4) for a decision as it was answered."""
        signals = self._signals_of(decision)
        wanted = outcome_of(signals, self._verdict, event.type)
        if wanted not in STOPPING:
            return []
        stop: Stop = "deny" if wanted == "deny" else "challenge"
        case = self._case(tenant, event, signals, stop)
        if not case.new:
            self._seen[case.place] -= 1
        seen = self._seen_in_window(case.place)
        trips = [trip for rule in case.rules for trip in self._counted(case, case.key(rule), seen)]
        # What a tripped rule goes on wanting must not use up what the others have together.
        if self._stands(case, self._above(case)):
            trips += self._counted(case, case.key(""), seen)
        return trips

    def _counted(self, case: _Case, key: Key, seen: int) -> Iterator[Trip]:
        """Count for one cap, and look at it."""
        is_new = key in case.new
        if is_new:
            self._remember(key, case.signs, case.money)
        if key in self._latched:
            if self._passed(key, seen, 0, 0, 2):
                self._latched[key] = self._now
        elif is_new and (why := self._passed(key, seen, 0, 0)):
            self._latched[key] = self._now
            sums = self._sums[key]
            yield Trip(key, why, sums.people, seen, sums.money)

    def _case(self, tenant: str, event: Event, signals: Sequence[Signal], stop: Stop) -> _Case:
        """Steps (1) and (2)."""
        rules = tuple(dict.fromkeys(answerable(signals, self._verdict, event.type, stop)))
        keys = [Key(tenant, event.type, rule, stop) for rule in (*rules, "")]
        signs = self._signs_of(tenant, event)
        new = frozenset(key for key in keys if self._is_new(key, signs))
        money = self._money(event)
        return _Case((tenant, event.type), signs, signals, stop, rules, new, money)

    def _above(self, case: _Case) -> set[str]:
        """The rules among the signals that are above their caps, answerable this time or not."""
        if not self._latched:
            return set()
        return {s.rule for s in case.signals if case.key(s.rule) in self._latched}

    def _stands(self, case: _Case, over: Collection[str]) -> bool:
        """Whether what is wanted is wanted without these rules, too."""
        if not over:
            return True
        others = [signal for signal in case.signals if signal.rule not in over]
        left = outcome_of(others, self._verdict, case.place[1])
        return SEVERITY[left] >= SEVERITY[case.stop]

    def _signals_of(self, decision: Decision) -> list[Signal]:
        """As much of the signals as decides, from the reasons."""
        asks = self._asks
        return [
            Signal(reason.rule, reason.points, reason.text, asks[reason.rule], error=reason.error)
            for reason in decision.reasons
            if reason.rule in asks
        ]

    def _is_new(self, key: Key, signs: _Signs) -> bool:
        known = self._signs.get(key)
        if not known or known.keys().isdisjoint(signs):
            return True
        return all(known.get(sign, 0) < most for sign, most in signs.items())

    def _signs_of(self, tenant: str, event: Event) -> _Signs:
        """By what the person of an event is known again, and for how many people each may stand."""
        # An event is looked at twice: before its decision and after.
        if self._last is not None and self._last[0] is event:
            return self._last[1]
        try:
            named = self._named[type(event)]
        except KeyError:
            named = self._named[type(event)] = _Named(type(event))
        signs: _Signs = named.signs_of(tenant, event)
        if self._coded:
            signs = {self._code(sign): most for sign, most in signs.items()}
        self._last = event, signs
        return signs

    def _code(self, sign: _Sign) -> int:
        """Snapshots must not hold who somebody is: what was erased would live on in them."""
        if isinstance(sign, int):
            return sign
        digest = self._begun.copy()
        digest.update(sign.encode())
        return int.from_bytes(digest.digest())

    def _remember(self, key: Key, signs: _Signs, money: int) -> None:
        """Step (3)."""
        known = self._signs.setdefault(key, {})
        if len(known) < _REMEMBERED:
            for sign in signs:
                known[sign] = known.get(sign, 0) + 1
        sums = self._sums.get(key)
        if sums is None:
            sums = self._sums[key] = _Sum()
        sums.people += 1
        sums.now += 1
        sums.money += money
        minute = self._minute
        minute.people[key] = minute.people.get(key, 0) + 1
        if money:
            minute.money[key] = minute.money.get(key, 0) + money

    def _passed(self, key: Key, seen: int, people: int, money: int, strict: int = 1) -> str:
        """Which cap is passed with so many more people and so much more money, or none.

        `strict` 2 asks about half the caps.
        """
        if self._exempt and self._exempt.get((key.type, key.rule, key.stop), -1) >= self._now:
            return ""
        caps: Caps = self.table.caps(key.rule, key.stop)
        sums = self._sums.get(key) or _Sum()
        if caps.per_minute and strict * (sums.now + people) > caps.per_minute:
            return "per_minute"
        if caps.money_per_hour_minor and strict * (sums.money + money) > caps.money_per_hour_minor:
            return "money"
        in_window = sums.people + people
        if caps.share_ppm and strict * in_window >= caps.least:
            if strict * in_window * MILLION > seen * caps.share_ppm:
                return "share"
        return ""

    def _seen_in_window(self, place: tuple[str, str]) -> int:
        return self._seen_before.get(place, 0) + self._seen.get(place, 0)

    def _money(self, event: Event) -> int:
        amount = getattr(event, "amount_minor", None)
        return self._rates.to_base(amount, getattr(event, "currency", None)) or 0

    def _turn(self, received_ms: int) -> None:
        """Another minute has begun. Where clocks went back, time stands still."""
        raw = received_ms // MINUTE_MS
        if self._raw >= 0:
            self._now += max(0, raw - self._raw)
        self._raw = raw
        self._begin_ms = raw * MINUTE_MS
        self._end_ms = self._begin_ms + MINUTE_MS
        if self._now == self._minute.number:
            return
        self._signs.clear()
        self._coded, self._last, self._calm = False, None, None
        for place, count in self._seen.items():
            self._seen_before[place] = self._seen_before.get(place, 0) + count
        for key in self._minute.people:
            self._sums[key].now = 0
        while self._window and self._window[0].number <= self._now - self.table.window_min:
            _less(self._seen_before, (gone := self._window.popleft()).seen)
            for key, people in gone.people.items():
                self._sums[key].people -= people
        while self._hour and self._hour[0].number <= self._now - MINUTES_MAX:
            for key, money in self._hour.popleft().money.items():
                self._sums[key].money -= money
        self._sums = {key: sums for key, sums in self._sums.items() if sums.people or sums.money}
        self._minute = _Minute(self._now, {}, {}, {})
        self._seen = self._minute.seen
        self._window.append(self._minute)
        self._hour.append(self._minute)
        cool = self._now - self.table.cool_min
        if self._latched:
            self._latched = {key: hot for key, hot in self._latched.items() if hot > cool}
        if self._exempt:
            self._exempt = {key: end for key, end in self._exempt.items() if end >= self._now}

    # Beside the path

    def release(self, rule: str, event_type: str, stop: Stop, minutes: int = 0) -> bool:
        """Let a rule go, for every tenant; for so many minutes it then has no cap.

        `rule` is empty for all together. Says whether it was held anywhere.
        """
        mine = [k for k in self._latched if (k.type, k.rule, k.stop) == (event_type, rule, stop)]
        for key in mine:
            del self._latched[key]
        # What was counted goes, or the next refusal would trip it again.
        for key in [k for k in self._sums if (k.type, k.rule, k.stop) == (event_type, rule, stop)]:
            for minute in (*self._window, *self._hour):
                minute.people.pop(key, None)
                minute.money.pop(key, None)
            del self._sums[key]
        if minutes:
            self._exempt[event_type, rule, stop] = self._now + minutes
        self._calm = None
        return bool(mine)

    def in_effect(self) -> list[Held]:
        """The caps that hold something just now."""
        return [
            Held(key.tenant, key.type, key.rule, key.stop, self._now - hot)
            for key, hot in sorted(self._latched.items())
        ]

    def dump(self) -> bytes:
        """All that is remembered, for a snapshot; the same rows give the same bytes."""
        minutes = {minute.number: minute for minute in (*self._window, *self._hour)}
        codes = {sign: self._code(sign) for known in self._signs.values() for sign in known}
        kept = [
            (
                number,
                sorted(minute.seen.items()),
                sorted((key, n, minute.money.get(key, 0)) for key, n in minute.people.items()),
            )
            for number, minute in sorted(minutes.items())
        ]
        return msgspec.json.encode(
            _Saved(
                self._raw,
                self._now,
                kept,
                sorted(
                    (key, dict(sorted((codes[sign], n) for sign, n in known.items())))
                    for key, known in self._signs.items()
                ),
                sorted(self._latched.items()),
                sorted((*key, end) for key, end in self._exempt.items()),
            )
        )

    def load(self, saved: bytes) -> None:
        """Take over what `dump` gave. Raises `GovernorError` if it cannot be read."""
        try:
            found = msgspec.json.decode(saved, type=_Saved)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise GovernorError(f"the saved state of the governor is damaged: {error}") from None
        self._clear()
        if found.raw < 0:
            return
        self._raw, self._now = found.raw, found.now
        self._begin_ms = found.raw * MINUTE_MS
        self._end_ms = self._begin_ms + MINUTE_MS
        self._window.clear()
        self._hour.clear()
        for number, seen, people in found.minutes:
            minute = _Minute(
                number,
                dict(seen),
                {key: count for key, count, _ in people},
                {key: money for key, _, money in people if money},
            )
            self._restore(minute)
        if not self._hour or self._hour[-1].number != self._now:
            raise GovernorError("the saved state of the governor lacks its last minute")
        self._signs = {key: dict(known.items()) for key, known in found.signs}
        self._coded = True
        self._latched = dict(found.latched)
        self._exempt = {(kind, rule, stop): end for kind, rule, stop, end in found.exempt}

    def _restore(self, minute: _Minute) -> None:
        is_now = minute.number == self._now
        self._hour.append(minute)
        for key, people in minute.people.items():
            sums = self._sums.setdefault(key, _Sum())
            sums.money += minute.money.get(key, 0)
            if is_now:
                sums.now = people
        if minute.number > self._now - self.table.window_min:
            self._window.append(minute)
            for key, people in minute.people.items():
                self._sums[key].people += people
            if is_now:
                self._minute, self._seen = minute, minute.seen
            else:
                for place, count in minute.seen.items():
                    self._seen_before[place] = self._seen_before.get(place, 0) + count


def _less(counts: dict[tuple[str, str], int], gone: Mapping[tuple[str, str], int]) -> None:
    for place, count in gone.items():
        left = counts[place] - count
        if left:
            counts[place] = left
        else:
            del counts[place]


_WORDS = {"deny": ("refuses", "拒绝"), "challenge": ("asks for a second proof from", "验证")}


def _held(rules: Sequence[str], stop: Stop) -> Reason:
    """The reason of a decision whose outcome the governor changed."""
    en, zh = _WORDS[stop]
    names = ", ".join(rules)
    return Reason(
        GOVERNOR,
        0,
        Text(
            f"A person looks instead: {names} {en} more people than its cap allows",
            f"转人工审核：规则 {names} 的{zh}人数超过上限",
        ),
    )


def _quieted(rules: Sequence[str]) -> Reason:
    """The reason of a decision whose outcome stands, but not all of its actions."""
    names = ", ".join(rules)
    return Reason(
        GOVERNOR,
        0,
        Text(
            f"Actions of {names} are left out: it is above its cap",
            f"规则 {names} 超过上限，其动作不执行",
        ),
    )
