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

from collections.abc import Collection, Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import NamedTuple

import msgspec

from kanhe.core.decision import GOVERNOR, SEVERITY, Decision, Outcome, Reason, Signal, Text
from kanhe.core.errors import KanheError
from kanhe.core.event import Arrival, Event
from kanhe.core.money import Rates
from kanhe.judge.verdict.caps import STOPS, GovernorTable, Stop
from kanhe.judge.verdict.counts import Count, Counts, Key, Place, SavedCounts
from kanhe.judge.verdict.decide import VerdictTable, answerable, outcome_of, softened
from kanhe.judge.verdict.persons import Persons, Sign, Signs

STOPPING = frozenset(STOPS)
"""The outcomes that caps are about."""


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


class _Saved(SavedCounts, array_like=True):
    """All that is remembered, for a snapshot."""

    latched: list[tuple[Key, int]]
    exempt: list[tuple[str, str, Stop, int]]


class _Case(NamedTuple):
    """One refusal, looked at."""

    place: Place
    signs: Signs
    signals: Sequence[Signal]
    stop: Stop
    counts: list[Count]
    """Those of the rules that are to answer for it."""
    everything: Count
    """That of all rules together."""
    new: list[Count]
    """For whose caps it is about a person not counted yet."""
    money: int


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
        self._persons = Persons()
        self.held = 0
        """How many decisions were softened since the start."""
        self._clear()

    def _clear(self) -> None:
        self._counts = Counts(self.table)
        self._coded = False
        """Whether the signs of this minute are codes."""
        self._last: tuple[Event, Signs] | None = None
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
        self.pass_time(received_ms)
        self._counts.see((tenant, event_type), count)

    def pass_time(self, received_ms: int) -> None:
        """A decision was made under another pack."""
        if not self._counts.is_now(received_ms) and self._counts.turn(received_ms):
            self._begin_minute()

    def hold(self, arrival: Arrival, signals: Sequence[Signal], decision: Decision) -> Decision:
        """The decision as it may be answered: steps (1) to (4). Counts nobody."""
        wanted = decision.outcome
        if wanted not in STOPPING:
            return decision
        stop: Stop = "deny" if wanted == "deny" else "challenge"
        self.pass_time(arrival.received_ms)
        case = self._case(arrival.tenant, arrival.event, signals, stop)
        # This event is not yet among the decisions here, as it will be when it is counted.
        seen = self._counts.seen(case.place) + bool(case.new)
        passing = [
            count.key
            for count in case.new
            if count.passed(seen, 1, case.money) and not self._is_exempt(count.key)
        ]
        over = self._above(case)
        over.update(key.rule for key in passing if key.rule)
        stands = self._stands(case, over)
        everything = case.everything.key
        if stands and (everything in passing or everything in self._latched):
            over.update(count.key.rule for count in case.counts)
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
            self._counts.see(case.place, -1)
        for count in case.new:
            self._counts.add(count, case.signs, case.money)

    def _count(self, tenant: str, event: Event, decision: Decision) -> list[Trip]:
        """Steps (1) to (4) for a decision as it was answered."""
        signals = self._signals_of(decision)
        wanted = outcome_of(signals, self._verdict, event.type)
        if wanted not in STOPPING:
            return []
        stop: Stop = "deny" if wanted == "deny" else "challenge"
        case = self._case(tenant, event, signals, stop)
        if not case.new:
            self._counts.see(case.place, -1)
        seen = self._counts.seen(case.place)
        trips = [trip for count in case.counts for trip in self._counted(case, count, seen)]
        # What a tripped rule goes on wanting must not use up what the others have together.
        if self._stands(case, self._above(case)):
            trips += self._counted(case, case.everything, seen)
        return trips

    def _counted(self, case: _Case, count: Count, seen: int) -> Iterator[Trip]:
        """Count for one cap, and look at it."""
        is_new, key = count in case.new, count.key
        if is_new:
            self._counts.add(count, case.signs, case.money)
        if key in self._latched:
            if not self._is_exempt(key) and count.passed(seen, 0, 0, 2):
                self._latched[key] = self._counts.now
        elif is_new and not self._is_exempt(key) and (why := count.passed(seen, 0, 0)):
            self._latched[key] = self._counts.now
            yield Trip(key, why, count.people, seen, count.money)

    def _case(self, tenant: str, event: Event, signals: Sequence[Signal], stop: Stop) -> _Case:
        """Steps (1) and (2)."""
        place, of = (tenant, event.type), self._counts.of
        rules = dict.fromkeys(answerable(signals, self._verdict, event.type, stop))
        counts = [of(place, stop, rule) for rule in rules]
        everything = of(place, stop, "")
        signs = self._signs_of(tenant, event)
        new = [count for count in (*counts, everything) if count.is_new(signs)]
        return _Case(place, signs, signals, stop, counts, everything, new, self._money(event))

    def _above(self, case: _Case) -> set[str]:
        """The rules among the signals that are above their caps, answerable this time or not."""
        if not self._latched:
            return set()
        place, stop = case.place, case.stop
        return {s.rule for s in case.signals if Key(*place, s.rule, stop) in self._latched}

    def _is_exempt(self, key: Key) -> bool:
        """Whether a person has let the rule go for some minutes, in which it has no cap."""
        if not self._exempt:
            return False
        return self._exempt.get((key.type, key.rule, key.stop), -1) >= self._counts.now

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

    def _signs_of(self, tenant: str, event: Event) -> Signs:
        """By what the person of an event is known again, and for how many people each may stand."""
        # An event is looked at twice: before its decision and after.
        if self._last is not None and self._last[0] is event:
            return self._last[1]
        signs = self._persons.signs_of(tenant, event)
        if self._coded:
            signs = Signs(
                {self._code(sign): 1 for sign in signs.own},
                [(self._code(sign), most) for sign, most in signs.shared],
            )
        self._last = event, signs
        return signs

    def _code(self, sign: Sign) -> int:
        """Snapshots must not hold who somebody is: what was erased would live on in them."""
        if isinstance(sign, int):
            return sign
        digest = self._begun.copy()
        digest.update(sign.encode())
        return int.from_bytes(digest.digest())

    def _money(self, event: Event) -> int:
        amount = getattr(event, "amount_minor", None)
        return self._rates.to_base(amount, getattr(event, "currency", None)) or 0

    def _begin_minute(self) -> None:
        """Another minute has begun: forget what is over with it."""
        self._coded, self._last, self._calm = False, None, None
        now = self._counts.now
        cool = now - self.table.cool_min
        if self._latched:
            self._latched = {key: hot for key, hot in self._latched.items() if hot > cool}
        if self._exempt:
            self._exempt = {key: end for key, end in self._exempt.items() if end >= now}

    # Beside the path

    def release(self, rule: str, event_type: str, stop: Stop, minutes: int = 0) -> bool:
        """Let a rule go, for every tenant; for so many minutes it then has no cap.

        `rule` is empty for all together. Says whether it was held anywhere.
        """
        mine = [k for k in self._latched if (k.type, k.rule, k.stop) == (event_type, rule, stop)]
        for key in mine:
            del self._latched[key]
        # What was counted goes, or the next refusal would trip it again.
        self._counts.forget(rule, event_type, stop)
        if minutes:
            self._exempt[event_type, rule, stop] = self._counts.now + minutes
        self._calm = None
        return bool(mine)

    def in_effect(self) -> list[Held]:
        """The caps that hold something just now."""
        return [
            Held(key.tenant, key.type, key.rule, key.stop, self._counts.now - hot)
            for key, hot in sorted(self._latched.items())
        ]

    def dump(self) -> bytes:
        """All that is remembered, for a snapshot; the same rows give the same bytes."""
        counted = self._counts.saved(self._code)
        latched = sorted(self._latched.items())
        exempt = sorted((*key, end) for key, end in self._exempt.items())
        return msgspec.json.encode(
            _Saved(counted.raw, counted.now, counted.minutes, counted.signs, latched, exempt)
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
        if not self._counts.restore(found):
            raise GovernorError("the saved state of the governor lacks its last minute")
        self._coded = True
        self._latched = dict(found.latched)
        self._exempt = {(kind, rule, stop): end for kind, rule, stop, end in found.exempt}


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
