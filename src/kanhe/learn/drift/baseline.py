"""How features, outcomes and rules were spread in a window: what later days are held against."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Literal

import msgspec
import numpy as np

from kanhe.core.decision import SEVERITY
from kanhe.core.errors import KanheError
from kanhe.judge.models.model import Spread
from kanhe.judge.policy.pack import Pack
from kanhe.learn.drift.measure import Counts, Floats, counted, edges_of

FORMAT = "kanhe-baseline/1"
MOST_ROWS = 50_000
"""How many rows of one event type are kept to find edges from: every one, every second, fourth …"""
OUTCOMES = tuple(sorted(SEVERITY, key=SEVERITY.__getitem__))

Kind = Literal["number", "rule", "outcome"]


class BaselineError(KanheError):
    """A baseline cannot be made or read."""


class Measure(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One thing that is watched, as it was.

    A `number` (a feature, a derived number, a score) is counted in bins between `edges` and in one
    more for missing values; a `rule` in two, fired and not; the `outcome` in one for each.
    """

    kind: Kind
    type: str
    """The type of the events; empty for a rule, whose types are those it was asked about."""
    name: str
    edges: tuple[float, ...] = ()
    counts: tuple[int, ...]

    @property
    def rows(self) -> int:
        """How many events were counted."""
        return sum(self.counts)


class Baseline(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All that is watched, as it was in one window."""

    format: str = FORMAT
    policy: str
    """The content hash of the pack whose features and rules these are."""
    from_ms: int
    """When the first event of the window happened."""
    to_ms: int
    """When the last one did."""
    measures: tuple[Measure, ...]

    @property
    def types(self) -> tuple[str, ...]:
        """The event types whose numbers are watched."""
        return tuple(dict.fromkeys(m.type for m in self.measures if m.kind == "number"))


def with_models(kept: Baseline | None, pack: Pack) -> Baseline | None:
    """A baseline with what the files of the pack's models say of their own training window.

    Scores are held against that window, and so are inputs that the kept baseline does not have.
    `None` if there is nothing to hold anything against.
    """
    own: dict[tuple[str, str], Measure] = {}
    scores = set()
    for spec in pack.models:
        rows = spec.model.training.rows
        spreads = [(one.name, one.spread) for one in spec.model.inputs]
        for event_type in spec.on:
            for name, spread in [*spreads, (spec.name, spec.model.score)]:
                if spread.edges and rows:
                    own.setdefault((event_type, name), _of_spread(event_type, name, spread, rows))
        if spec.model.score.edges and rows:
            scores.add(spec.name)
    if kept is None and not own:
        return None
    measures = [m for m in (kept.measures if kept else ()) if m.name not in scores]
    taken = {(m.type, m.name) for m in measures}
    measures += [measure for key, measure in own.items() if key not in taken]
    if kept is not None:
        return msgspec.structs.replace(kept, measures=tuple(measures))
    windows = [spec.model.training for spec in pack.models]
    return Baseline(
        policy=pack.hash,
        from_ms=min(window.from_ms for window in windows),
        to_ms=max(window.until_ms for window in windows) - 1,
        measures=tuple(measures),
    )


def _of_spread(event_type: str, name: str, spread: Spread, rows: int) -> Measure:
    known = rows * (1 - spread.missing)
    counts = (*(round(share * known) for share in spread.shares), round(rows * spread.missing))
    return Measure(kind="number", type=event_type, name=name, edges=spread.edges, counts=counts)


class Sampling:
    """Rows of one event type, thinned evenly to at most `MOST_ROWS`."""

    def __init__(self, width: int) -> None:
        self._kept = np.empty((MOST_ROWS, width))
        self._count = 0
        self._step = 1
        self._seen = 0
        self.rows = 0

    def take(self, numbers: Floats) -> None:
        """Take a row for each event, in order."""
        self.rows += len(numbers)
        for begin in range(0, len(numbers), MOST_ROWS):
            self._take(numbers[begin : begin + MOST_ROWS])

    def _take(self, numbers: Floats) -> None:
        due = numbers[-self._seen % self._step :: self._step]
        self._seen += len(numbers)
        while self._count + len(due) > MOST_ROWS:
            # Every second row goes, of those kept and of those to come.
            half = self._kept[: self._count : 2]
            odd = self._count % 2
            self._count, self._step = len(half), 2 * self._step
            self._kept[: self._count] = half.copy()
            due = due[odd::2]
        self._kept[self._count : self._count + len(due)] = due
        self._count += len(due)

    def kept(self) -> Floats:
        """What was kept."""
        return self._kept[: self._count]


class BaselineMaker:
    """Counts a window. Give it every event of the window, then ask for the baseline."""

    def __init__(self, policy: str, names: Sequence[str], types: Sequence[str]) -> None:
        self._policy = policy
        self._names = tuple(names)
        self._samples = {name: Sampling(len(names)) for name in types}
        self._outcomes: dict[str, Counter[str]] = {name: Counter() for name in types}
        self._fired: Counter[str] = Counter()
        self._asked: Counter[str] = Counter()
        self._from_ms, self._to_ms = 2**63 - 1, -(2**63)

    def take(
        self, event_type: str, at_ms: Counts, numbers: Floats, outcomes: Sequence[str]
    ) -> None:
        """Take events of one type: a row of numbers, a time and an outcome for each."""
        if len(at_ms):
            self._from_ms = min(self._from_ms, int(at_ms.min()))
            self._to_ms = max(self._to_ms, int(at_ms.max()))
        self._samples[event_type].take(numbers)
        self._outcomes[event_type].update(outcomes)

    def take_rules(self, day: int, asked: Counter[str], fired: Counter[str]) -> None:
        """Take for how many events of a day each rule was asked, and for how many it fired."""
        self._asked.update(asked)
        self._fired.update(fired)

    def baseline(self) -> Baseline:
        """What was counted. Raises `BaselineError` if that is nothing."""
        measures: list[Measure] = []
        for event_type, sample in self._samples.items():
            if sample.rows:
                measures += self._numbers(event_type, sample)
                measures += _outcome(event_type, self._outcomes[event_type])
        measures += [
            Measure(
                kind="rule", type="", name=rule, counts=(self._fired[rule], n - self._fired[rule])
            )
            for rule, n in sorted(self._asked.items())
        ]
        if not measures:
            raise BaselineError(
                f"no event of type {', '.join(self._samples)} happened in the window; see"
                " --baseline-from, --baseline-to and --type"
            )
        return Baseline(
            policy=self._policy, from_ms=self._from_ms, to_ms=self._to_ms, measures=tuple(measures)
        )

    def _numbers(self, event_type: str, sample: Sampling) -> list[Measure]:
        measures = []
        for place, name in enumerate(self._names):
            values = sample.kept()[:, place]
            edges = edges_of(values)
            counts = tuple(counted(values, edges).tolist())
            measures.append(
                Measure(kind="number", type=event_type, name=name, edges=edges, counts=counts)
            )
        return measures


def _outcome(event_type: str, outcomes: Counter[str]) -> list[Measure]:
    counts = tuple(outcomes[name] for name in OUTCOMES)
    if not sum(counts):
        return []
    return [Measure(kind="outcome", type=event_type, name="outcome", counts=counts)]


def read_baseline(raw: bytes) -> Baseline:
    """Read what `write_baseline` wrote. Raises `BaselineError` for anything else."""
    try:
        found = msgspec.json.decode(raw, type=Baseline)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BaselineError(f"this is no baseline: {str(error)[:200]}; {_ANEW}") from None
    for measure in found.measures:
        bins = {"number": len(measure.edges) + 2, "rule": 2, "outcome": len(OUTCOMES)}
        rising = all(a < b for a, b in zip(measure.edges, measure.edges[1:], strict=False))
        fits = len(measure.counts) == bins[measure.kind] and min(measure.counts) >= 0
        if found.format != FORMAT or not rising or not fits:
            raise BaselineError(
                f"the baseline of {measure.name[:80]} does not fit together; {_ANEW}"
            )
    return found


_ANEW = "make it anew with kanhe drift --baseline-from … --baseline-to … --save"


def write_baseline(baseline: Baseline) -> bytes:
    """The bytes that `read_baseline` reads."""
    return msgspec.json.encode(baseline) + b"\n"
