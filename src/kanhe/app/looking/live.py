"""What happens now: rates, outcomes, rules, countries, and how the parts of the system stand.

Counts come from the index, which follows the journal by less than a second; how long judging takes
comes from the judging process itself, between its metrics now and a minute ago.
"""

from __future__ import annotations

import shutil
import threading
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from kanhe.app.looking.judge_metrics import (
    Buckets,
    Sample,
    latency,
    quantile,
    samples,
    value_of,
)
from kanhe.app.looking.sources import NothingYetError, Sources
from kanhe.core.actor import Actor
from kanhe.core.errors import KanheError, StorageError
from kanhe.core.time import MINUTE_MS, SECOND_MS
from kanhe.stores.sqlite.index_reader import Count, IndexReader
from kanhe.stores.sqlite.index_writer import COUNTRY_MINUTE, MINUTE, RULE_MINUTE, SECOND

SECONDS = 120
"""How far back the chart of seconds goes."""
MINUTES = 60
"""How far back outcomes, rules and countries are counted."""
_RATE_S = 10
_SETTLED_S = 1
"""The newest second is not over yet."""
TOP = 12
_ASK_EVERY_MS = 2_000
_WITHIN_MS = 60_000
_DISK_LOW = 0.05
_OUTCOMES = ("allow", "challenge", "review", "deny", "recorded")


class Judge(Protocol):
    """The judging process, asked over HTTP."""

    def metrics(self) -> str:
        """Its metrics in the Prometheus text format."""


class Ranked(NamedTuple):
    """A rule or a country with what came of its events."""

    what: str
    events: int
    refused: int
    before: int
    """How many events in the hour before."""


class Health(NamedTuple):
    """How one part stands."""

    part: str
    """`judge`, `index`, `log`, `witnesses`, `disk` or `governor`."""
    state: str
    """`good`, `warn`, `bad` or `unknown`."""
    figure: float
    """Rows behind for `index` and `log`, cosignatures for `witnesses`, the free share for `disk`,
    held rules for `governor`."""
    limit: float = 0.0


class LiveView(NamedTuple):
    """What happens at one moment."""

    now_ms: int
    events_per_s: float
    decisions_per_s: float
    p50_ms: float | None
    p99_ms: float | None
    seconds: tuple[int, ...]
    """The seconds since 1970 of the chart."""
    by_outcome: Mapping[str, tuple[int, ...]]
    """Events of each of them, by outcome."""
    minutes: tuple[int, ...]
    """The minutes since 1970 of the last hour, in seconds."""
    minutes_by_outcome: Mapping[str, tuple[int, ...]]
    outcomes: Mapping[str, int]
    """Of the last hour."""
    rules: tuple[Ranked, ...]
    countries: tuple[Ranked, ...]
    health: tuple[Health, ...]
    upto: int
    """The last row that was counted."""


class Live:
    """Looks at what happens now; keeps what the judge said during the last minute."""

    def __init__(self, sources: Sources, judge: Judge | None) -> None:
        self._sources = sources
        self._judge = judge
        self._turn = threading.Lock()
        self._heard: deque[tuple[int, Buckets]] = deque()
        self._said: Sequence[Sample] | None = None
        self._asked_ms = 0

    def view(self, actor: Actor) -> LiveView:
        """What happens now, as far as this person sees it."""
        now = self._sources.clock()
        said, p50, p99 = self._ask(now)
        try:
            with self._sources.index() as index:
                return self._counted(index, actor, now, said, (p50, p99))
        except NothingYetError:
            nothing: dict[str, tuple[int, ...]] = {}
            return LiveView(now, 0.0, 0.0, p50, p99, (), nothing, (), nothing, {}, (), (),
                            self._health(None, said), 0)  # fmt: skip

    def _counted(
        self,
        index: IndexReader,
        actor: Actor,
        now: int,
        said: Sequence[Sample] | None,
        times: tuple[float | None, float | None],
    ) -> LiveView:
        codes = index.codes_of(actor.tenant) if actor.tenant else None
        end_s = now // SECOND_MS - _SETTLED_S + 1
        end_m = now // MINUTE_MS + 1
        by_second = index.counts(SECOND, end_s - SECONDS, end_s, codes)
        by_minute = index.counts(MINUTE, end_m - MINUTES, end_m, codes)
        newest = [one for one in by_second if one.at >= end_s - _RATE_S]
        decided = sum(one.events for one in newest if one.code.outcome != "recorded")
        return LiveView(
            now_ms=now,
            events_per_s=sum(one.events for one in newest) / _RATE_S,
            decisions_per_s=decided / _RATE_S,
            p50_ms=times[0],
            p99_ms=times[1],
            seconds=tuple(range(end_s - SECONDS, end_s)),
            by_outcome=_steps(by_second, end_s - SECONDS, SECONDS),
            minutes=tuple(60 * at for at in range(end_m - MINUTES, end_m)),
            minutes_by_outcome=_steps(by_minute, end_m - MINUTES, MINUTES),
            outcomes=_by_outcome(by_minute),
            rules=_ranked(index, RULE_MINUTE, end_m, codes),
            countries=_ranked(index, COUNTRY_MINUTE, end_m, codes, most=250),
            health=self._health(index, said),
            upto=index.upto,
        )

    # How the parts stand

    def _ask(self, now: int) -> tuple[Sequence[Sample] | None, float | None, float | None]:
        """What the judge says of itself, asked every other second at most, and how long it took."""
        with self._turn:
            if self._judge is not None and abs(now - self._asked_ms) >= _ASK_EVERY_MS:
                self._asked_ms = now
                try:
                    self._said = samples(self._judge.metrics())
                except KanheError:
                    self._said = None
                else:
                    self._heard.append((now, latency(self._said)))
                while len(self._heard) > 2 and self._heard[1][0] <= now - _WITHIN_MS:
                    self._heard.popleft()
            if self._said is None or len(self._heard) < 2:
                return self._said, None, None
            before, after = self._heard[0][1], self._heard[-1][1]
            return self._said, _ms(quantile(before, after, 0.5)), _ms(quantile(before, after, 0.99))

    def _health(
        self, index: IndexReader | None, said: Sequence[Sample] | None
    ) -> tuple[Health, ...]:
        found = [Health("judge", "bad" if said is None else "good", 0)]
        found.append(self._index_health(index))
        if said is not None:
            waiting = value_of(said, "kanhe_log_waiting") or 0
            found.append(Health("log", "good" if waiting < 10_000 else "warn", waiting))
            have = value_of(said, "kanhe_log_cosignatures") or 0
            need = value_of(said, "kanhe_log_cosignatures_required") or 0
            state = "unknown" if not need and not have else "good" if have >= need else "bad"
            found.append(Health("witnesses", state, have, need))
            held = sum(one.name == "kanhe_governor_held" for one in said)
            found.append(Health("governor", "warn" if held else "good", held))
        found.append(self._disk())
        return tuple(found)

    def _index_health(self, index: IndexReader | None) -> Health:
        if index is None:
            return Health("index", "unknown", 0)
        try:
            behind = max(0, self._sources.journal().last_seq() - index.upto)
        except StorageError:
            return Health("index", "unknown", 0)
        return Health("index", "good" if behind < 20_000 else "warn", behind)

    def _disk(self) -> Health:
        try:
            usage = shutil.disk_usage(self._sources.settings.data_dir)
        except OSError:
            return Health("disk", "unknown", 0)
        free = usage.free / usage.total
        return Health("disk", "good" if free >= _DISK_LOW else "bad", free)


def _steps(counts: Sequence[Count], begin: int, steps: int) -> dict[str, tuple[int, ...]]:
    found = {outcome: [0] * steps for outcome in _OUTCOMES}
    for one in counts:
        if one.code.outcome in found:
            found[one.code.outcome][one.at - begin] += one.events
    return {outcome: tuple(values) for outcome, values in found.items()}


def _by_outcome(counts: Sequence[Count]) -> dict[str, int]:
    found: Counter[str] = Counter()
    for one in counts:
        found[one.code.outcome] += one.events
    return {outcome: found[outcome] for outcome in _OUTCOMES}


def _ranked(
    index: IndexReader, series: int, end: int, codes: set[int] | None, most: int = TOP
) -> tuple[Ranked, ...]:
    now: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    for one in index.sums(series, end - MINUTES, end, codes):
        now[one.what] += one.events
        if one.code.outcome in ("deny", "review"):
            refused[one.what] += one.events
    before: Counter[str] = Counter()
    for one in index.sums(series, end - 2 * MINUTES, end - MINUTES, codes):
        before[one.what] += one.events
    ranked = sorted(now, key=lambda what: (-now[what], what))[:most]
    return tuple(Ranked(what, now[what], refused[what], before[what]) for what in ranked)


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 2)
