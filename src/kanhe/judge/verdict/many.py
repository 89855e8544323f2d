"""What `decide` would make of many events at once: only the outcome, by numbers, without reasons.

Outcomes are their severities here, 0 (`allow`) to 3 (`deny`); `NOTHING` is an event for which no rule
asks for an outcome. Steps (2) to (4) of `kanhe.judge.verdict.decide`, held to it by a test.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from kanhe.core.decision import SEVERITY
from kanhe.judge.verdict.decide import SCORE_MAX, VerdictTable

Severities = npt.NDArray[np.int8]

OUTCOMES = tuple(sorted(SEVERITY, key=SEVERITY.__getitem__))
"""The outcomes by severity: place and severity are the same number."""
NOTHING = -1
ALLOW, CHALLENGE, REVIEW, DENY = range(4)


def kept_of(asked: npt.NDArray[np.bool_], table: VerdictTable) -> Severities:
    """The outcome kept for each event: of those asked for, the first in the pack's precedence.

    `asked` has a row per event and a column per outcome, by severity.
    """
    kept = np.full(len(asked), NOTHING, dtype=np.int8)
    for outcome in reversed(table.precedence):
        severity = SEVERITY[outcome]
        kept[asked[:, severity]] = severity
    return kept


def scores_of(points: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The score of each event: its sum of points, held within 0 and `SCORE_MAX`."""
    return np.clip(points, 0, SCORE_MAX)


def outcomes_of(points: npt.NDArray[np.int64], kept: Severities, table: VerdictTable) -> Severities:
    """The outcome of each event, of its sum of points and what is kept for it."""
    marks = (table.challenge, table.review, table.deny)
    scored = np.searchsorted(marks, scores_of(points), side="right").astype(np.int8)
    outcomes: Severities = np.maximum(scored, kept)
    outcomes[kept == ALLOW] = ALLOW
    return outcomes
