"""What is held to be true of each event, when most of them never get a label.

An event is *measured* if it is of a type about which claims are made at all (or of a type that was
asked for), and is old enough: whatever was going to be claimed has had its `delay` to arrive. Younger
events are left out with and without a label, since of them only the fraud that was found fast is known.
Of a measured event is held:

- fraud: its label says fraud or abuse;
- honest: its label says legitimate; or it has none and went through at the time, if unlabelled events
  are asked to be taken as honest;
- unknown: all others. What was denied or held at the time can have no chargeback: without a label,
  nothing is known about it, and it is never taken for honest.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

import msgspec
import numpy as np
import numpy.typing as npt

from kanhe.core.time import DAY_MS
from kanhe.judge.verdict.many import REVIEW
from kanhe.learn.judged import UNLABELLED, Judged
from kanhe.record.labels import VERDICTS

Unlabelled = Literal["honest", "unknown"]
"""What an event without a label is taken for, once it is old enough."""

DEFAULT_DELAY_MS = 7 * DAY_MS

_FRAUD, _ABUSE, _LEGITIMATE = (VERDICTS.index(name) for name in ("fraud", "abuse", "legitimate"))


class Assumptions(msgspec.Struct, frozen=True, kw_only=True):
    """How labels are read."""

    delay_ms: int = DEFAULT_DELAY_MS
    """How long after an event its label may take."""
    unlabelled: Unlabelled = "honest"
    types: tuple[str, ...] = ()
    """The event types measured; empty for those with a label of fraud, abuse or legitimate."""


class Truth(msgspec.Struct, kw_only=True, eq=False):
    """What is held of each event; the three are apart from one another, and `measured` holds all."""

    measured: npt.NDArray[np.bool_]
    fraud: npt.NDArray[np.bool_]
    honest: npt.NDArray[np.bool_]
    types: tuple[str, ...]
    """The event types measured."""

    @property
    def unknown(self) -> npt.NDArray[np.bool_]:
        """Measured, but neither fraud nor honest."""
        return self.measured & ~self.fraud & ~self.honest


class TruthCounts(msgspec.Struct, frozen=True, kw_only=True):
    """How many events of the span are held to be what, and why."""

    decided: int
    other_types: dict[str, int]
    """Decided events of types that are not measured."""
    young: int
    """Of measured types, but too young."""
    measured: int
    fraud: int
    abuse: int
    """Of `fraud`, those whose label says abuse."""
    labelled_honest: int
    assumed_honest: int
    """Without a label, and taken as honest."""
    labelled_unknown: int
    stopped_then: int
    """Without a label, and denied or held at the time: unknown."""
    unlabelled: int
    """Without a label, and unknown because unlabelled events are not taken as honest."""


def truth_of(judged: Judged, assumed: Assumptions) -> tuple[Truth, TruthCounts]:
    """What is held of each event, and how many are held to be what."""
    verdict = judged.verdict
    fraud = (verdict == _FRAUD) | (verdict == _ABUSE)
    legitimate = verdict == _LEGITIMATE
    types = assumed.types or _types_of(judged, fraud | legitimate)
    of_type = np.isin(judged.kind, _numbers(judged, types))
    old = judged.at_ms <= judged.known_by_ms - assumed.delay_ms
    measured = of_type & old
    bare = measured & (verdict == UNLABELLED)
    stopped = bare & (judged.then >= REVIEW)
    taken = bare & ~stopped & (assumed.unlabelled == "honest")
    truth = Truth(
        measured=measured,
        fraud=measured & fraud,
        honest=(measured & legitimate) | taken,
        types=tuple(types),
    )
    others = np.bincount(judged.kind[~of_type], minlength=len(judged.kinds))
    counts = TruthCounts(
        decided=len(verdict),
        other_types={
            name: int(count)
            for name, count in sorted(zip(judged.kinds, others.tolist(), strict=True))
            if count
        },
        young=int((of_type & ~old).sum()),
        measured=int(measured.sum()),
        fraud=int(truth.fraud.sum()),
        abuse=int((measured & (verdict == _ABUSE)).sum()),
        labelled_honest=int((measured & legitimate).sum()),
        assumed_honest=int(taken.sum()),
        labelled_unknown=int((measured & (verdict == VERDICTS.index("unknown"))).sum()),
        stopped_then=int(stopped.sum()),
        unlabelled=int((bare & ~stopped & ~taken).sum()),
    )
    return truth, counts


def _types_of(judged: Judged, labelled: npt.NDArray[np.bool_]) -> tuple[str, ...]:
    """The types of which at least one event has a label that says something."""
    return tuple(sorted(judged.kinds[n] for n in np.unique(judged.kind[labelled]).tolist()))


def _numbers(judged: Judged, types: Collection[str]) -> list[int]:
    return [number for number, name in enumerate(judged.kinds) if name in types]
