"""What a pack would have caught, missed and refused, held against what turned out to be true.

(1) Decide the past under the pack (`kanhe.learn.judged`).
(2) Say what is held to be true of each event (`kanhe.learn.truth`).
(3) Count and weigh: overall and as decided at the time (`overall`), by rule (`by_rule`).

`kanhe.replay` compares two packs event by event and needs no labels; this measures one pack and is worth
what the labels are.
"""

from __future__ import annotations

from typing import Literal

from kanhe.judge.verdict.many import NOTHING
from kanhe.learn.backtest.by_rule import pairs_of, rules_of
from kanhe.learn.backtest.figures import Marks, Report, Result
from kanhe.learn.backtest.overall import (
    Ints,
    alerts_of,
    bands_of,
    days_of,
    examples_of,
    hits_of,
    result_of,
)
from kanhe.learn.judged import Judged
from kanhe.learn.truth import Assumptions, Truth, truth_of

__all__ = ["Blocks", "Report", "measure", "notes"]

Blocks = Literal["buyer", "day"]
"""What is drawn together where an interval of money is made."""

FEW = 30
"""With fewer cases of fraud, figures say little."""


def measure(
    judged: Judged,
    assumed: Assumptions | None = None,
    *,
    blocks: Blocks = "buyer",
    examples: int = 20,
    seed: int = 0,
) -> Report:
    """Steps (2) and (3). Two calls with the same arguments give the same report."""
    assumed = assumed or Assumptions()
    truth, counts = truth_of(judged, assumed)
    outcome = judged.outcome
    drawn = judged.buyer if blocks == "buyer" else days_of(judged)
    alerts, days = alerts_of(judged, truth, outcome)
    table, pack = judged.pack.verdict, judged.pack
    return Report(
        policy=pack.hash,
        name=pack.name,
        version=pack.version,
        base=pack.rates.base,
        marks=Marks(table.challenge, table.review, table.deny),
        first_ms=int(judged.at_ms.min()) if len(outcome) else 0,
        last_ms=int(judged.at_ms.max()) if len(outcome) else 0,
        known_by_ms=judged.known_by_ms,
        assumed=assumed,
        blocks=blocks,
        truth=counts,
        types=truth.types,
        now=result_of(judged, truth, outcome, drawn, seed),
        then=_then(judged, truth, drawn, seed),
        alerts=alerts,
        days=days,
        rules=rules_of(judged, truth, outcome, drawn, alerts.days, seed),
        pairs=pairs_of(judged),
        hits=hits_of(judged, truth, outcome, drawn, seed),
        examples=examples_of(judged, truth, outcome, examples),
        bands=bands_of(judged, truth),
        rows=judged.rows,
        recorded=judged.recorded,
        erased=judged.erased,
        unknown_types=judged.unknown_types,
        unconverted=judged.unconverted,
        notes=notes(judged, truth),
    )


def _then(judged: Judged, truth: Truth, drawn: Ints, seed: int) -> Result | None:
    """The outcomes of the time, if any measured event has one."""
    if not (truth.measured & (judged.then != NOTHING)).any():
        return None
    return result_of(judged, truth, judged.then, drawn, seed)


def notes(judged: Judged, truth: Truth) -> tuple[str, ...]:
    """What a reader must know before any figure: `no_events`, `no_labels` (nothing is measured),
    `all_young` (neither), `no_fraud`, `few_fraud`, `no_honest`."""
    if not len(judged.at_ms):
        return ("no_events",)
    if not truth.measured.any():
        return ("no_labels",) if not truth.types else ("all_young",)
    found = []
    frauds = int(truth.fraud.sum())
    if not frauds:
        found.append("no_fraud")
    elif frauds < FEW:
        found.append("few_fraud")
    if not truth.honest.any():
        found.append("no_honest")
    return tuple(found)
