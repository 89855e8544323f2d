"""Many events decided at once come out as each by itself."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from kanhe.core.decision import SEVERITY, Outcome, Signal, Text
from kanhe.judge.verdict.decide import VerdictTable, decide
from kanhe.judge.verdict.many import OUTCOMES, kept_of, outcomes_of, scores_of

_NAMES: list[Outcome] = ["allow", "challenge", "review", "deny"]
_signals = st.lists(
    st.tuples(st.integers(-2_000, 2_000), st.sampled_from([None, *_NAMES])), max_size=6
)


@given(
    st.lists(_signals, max_size=20),
    st.permutations(_NAMES),
    st.lists(st.integers(1, 1_000), min_size=3, max_size=3).map(sorted),
)
def test_many_events_are_decided_as_each_is(
    events: list[list[tuple[int, Outcome | None]]], precedence: list[Outcome], marks: list[int]
) -> None:
    """For any signals, thresholds and precedence, outcome and score are those of `decide`."""
    table = VerdictTable(challenge=marks[0], review=marks[1], deny=marks[2],
                         precedence=tuple(precedence))  # fmt: skip
    asked = np.zeros((len(events), 4), dtype=np.bool_)
    for n, signals in enumerate(events):
        for _, outcome in signals:
            if outcome is not None:
                asked[n, SEVERITY[outcome]] = True
    points = np.array([sum(p for p, _ in signals) for signals in events], dtype=np.int64)
    together = outcomes_of(points, kept_of(asked, table), table)
    alone = [
        decide([Signal(f"r{n}", p, Text("", ""), o) for n, (p, o) in enumerate(signals)],
               table, "order.placed", "e", "d", "p")
        for signals in events
    ]  # fmt: skip
    assert [OUTCOMES[severity] for severity in together] == [one.outcome for one in alone]
    assert scores_of(points).tolist() == [one.score for one in alone]
