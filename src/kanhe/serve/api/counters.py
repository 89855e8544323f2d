"""Metrics: plain integers on the hot path, turned into Prometheus samples when they are asked for.

No label ever holds anything that came from a caller: types, outcomes, rules and problem types are
all names of the policy pack or of the program.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from kanhe.serve.api.ports import Drift, Stats, Waiting

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
LATENCY_BOUNDS_S = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)
GROUP_BOUNDS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
_DRIFT_STATES = {"stable": 0, "moderate": 1, "large": 2}
_DAY_S = 86_400
_kind_of = attrgetter("repeated", "type", "outcome")


class _Histogram:
    """Counts per bucket, not cumulated until asked for."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def buckets(self) -> list[tuple[str, float]]:
        """Cumulated, as Prometheus wants them."""
        cumulated, pairs = 0, []
        for bound, count in zip(self.bounds, self.counts, strict=False):
            cumulated += count
            pairs.append((str(float(bound)), float(cumulated)))
        return [*pairs, ("+Inf", float(cumulated + self.counts[-1]))]


class Counters(Collector):
    """All counts of one serving process; a collector for a registry of its own."""

    def __init__(self, stats: Callable[[], Stats]) -> None:
        self._stats = stats
        self._answers: Counter[tuple[bool, str, str]] = Counter()
        self._refused: dict[str, int] = defaultdict(int)
        self._notices: Counter[tuple[str, str]] = Counter()
        self._latency = _Histogram(LATENCY_BOUNDS_S)
        self._group = _Histogram(GROUP_BOUNDS)
        self.in_flight = 0
        self._registry = CollectorRegistry()
        self._registry.register(self)

    def took(self, seconds: float) -> None:
        """Observe how long one single decision took, from the head of the request to its answer."""
        self._latency.observe(seconds)

    def committed(self, answers: Sequence[Waiting]) -> None:
        """Count the answers of one durable group by type and outcome, and observe its size."""
        self._group.observe(len(answers))
        self._answers.update(map(_kind_of, answers))

    def refused(self, problem_type: str) -> None:
        """Count one refusal under the last part of its problem type."""
        self._refused[problem_type.rpartition("/")[2]] += 1

    def noticed(self, source: str, outcome: str) -> None:
        """Count one request to a source of notices, by what became of it."""
        self._notices[source, outcome] += 1

    def exposition(self) -> bytes:
        """Everything in the Prometheus text format."""
        return generate_latest(self._registry)

    def collect(self) -> Iterable[Metric]:
        """The samples, made when scraped."""
        yield from self._counts()
        yield from self._histograms()
        yield from self._state()

    def _counts(self) -> Iterable[Metric]:
        decided = CounterMetricFamily(
            "kanhe_events", "Events made durable; outcome is 'recorded' where none was asked for.",
            labels=["type", "outcome"],
        )  # fmt: skip
        repeated = 0
        for (again, type_name, outcome), count in self._answers.items():
            if again:
                repeated += count
            else:
                decided.add_metric([type_name, outcome or "recorded"], count)
        yield decided
        refused = CounterMetricFamily("kanhe_refused", "Refusals.", labels=["problem"])
        for problem, count in self._refused.items():
            refused.add_metric([problem], count)
        yield refused
        notices = CounterMetricFamily(
            "kanhe_hook_notices", "Requests to sources of notices.", labels=["source", "outcome"]
        )
        for place, count in self._notices.items():
            notices.add_metric(place, count)
        yield notices
        yield CounterMetricFamily(
            "kanhe_repeated", "Events sent again and answered as before.", value=repeated
        )

    def _histograms(self) -> Iterable[Metric]:
        for name, text, histogram in (
            ("kanhe_decision_seconds", "Time to a durable single answer.", self._latency),
            ("kanhe_commit_events", "Events in one durable group.", self._group),
        ):
            yield HistogramMetricFamily(
                name, text, buckets=histogram.buckets(), sum_value=histogram.total
            )

    def _state(self) -> Iterable[Metric]:
        stats = self._stats()
        rules = CounterMetricFamily("kanhe_rules_fired", "Rules that fired.", labels=["rule"])
        for rule, count in stats.rules_fired.items():
            rules.add_metric([rule], count)
        yield rules
        for name, text, value in (
            ("kanhe_in_flight", "Requests being answered.", self.in_flight),
            ("kanhe_journal_seq", "Number of the last event in the journal.", stats.seq),
            ("kanhe_snapshot_seq", "Event up to which a snapshot was saved.", stats.snapshot_seq),
            ("kanhe_entities", "Entities that have state.", stats.entities),
            ("kanhe_state_bytes", "Memory of the feature state.", stats.state_bytes),
            ("kanhe_log_size", "Entries of the published log.", stats.log_size),
            # Both numbers are read at different moments, and nothing waits less than not at all.
            ("kanhe_log_waiting", "Rows not in it yet.", max(0, stats.seq - stats.log_size)),
            (
                "kanhe_log_cosignatures",
                "Cosignatures of the published checkpoint.",
                stats.log_cosignatures,
            ),
            (
                "kanhe_log_cosignatures_required",
                "Cosignatures that it should have.",
                stats.log_cosignatures_required,
            ),
        ):
            yield GaugeMetricFamily(name, text, value)
        held = GaugeMetricFamily(
            "kanhe_governor_held", "Rules that are above their caps.",
            labels=["rule", "type", "outcome"],
        )  # fmt: skip
        for place in sorted({(h.rule or "*", h.event_type, h.outcome) for h in stats.governor}):
            held.add_metric(place, 1)
        yield held
        yield CounterMetricFamily(
            "kanhe_decisions_held",
            "Decisions softened by the governor.",
            value=stats.decisions_held,
        )
        yield from self._drift(stats.drift)
        ratios = GaugeMetricFamily(
            "kanhe_score_ratio",
            "Frauds there were for each that scores had said.",
            labels=["model"],
        )
        for model, ratio in stats.score_ratios.items():
            ratios.add_metric([model], ratio)
        yield ratios
        policy = GaugeMetricFamily("kanhe_policy", "The policy pack in force.", labels=["hash"])
        policy.add_metric([stats.policy], 1)
        yield policy

    def _drift(self, drift: Sequence[Drift]) -> Iterable[Metric]:
        labels = ["kind", "type", "name"]
        value = GaugeMetricFamily(
            "kanhe_drift", "Distance from the baseline: stability index, or for rules how many times"
            " as often they fire.", labels=labels,
        )  # fmt: skip
        state = GaugeMetricFamily(
            "kanhe_drift_state", "0 as in the baseline, 1 moderate, 2 large drift.", labels=labels
        )
        since = GaugeMetricFamily(
            "kanhe_drift_since_seconds",
            "When the drift began, in seconds since 1970.",
            labels=labels,
        )
        for one in drift:
            if one.value is None or one.state not in _DRIFT_STATES:
                continue
            named = [one.kind, one.type, one.name]
            value.add_metric(named, one.value)
            state.add_metric(named, _DRIFT_STATES[one.state])
            if one.since_day is not None:
                since.add_metric(named, one.since_day * _DAY_S)
        yield from (value, state, since)
