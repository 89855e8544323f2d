"""Drift of models: scores against their training window, and against what turned out to be true."""

from __future__ import annotations

import math
from pathlib import Path

import msgspec
import numpy as np
import pytest

from kanhe.core.time import DAY_MS
from kanhe.judge.models.model import Input, Spread, Training
from kanhe.judge.models.portable import write_model
from kanhe.judge.policy.pack import load_pack
from kanhe.learn.drift.baseline import BaselineError, with_models
from kanhe.learn.drift.reading import Numbers
from kanhe.learn.drift.report import DriftReport, Follower, make_baseline, newest_pack
from tests.flow.packs import FEATURES, MANIFEST, START_MS, payment, write_pack
from tests.learn.test_dataset import Past, label
from tests.models.samples import STUMP, model_of

DAY_S = 86_400
LOW = 1 / (1 + math.exp(1))
"""What the model says of up to three payments in ten minutes."""
INPUT = Input(name="card_n_10m", spread=Spread(typical=1.0, edges=(1.0, 2.0, 3.0),
                                               shares=(0.97, 0.01, 0.01, 0.01)))  # fmt: skip
MODEL = msgspec.structs.replace(
    model_of(STUMP, inputs=1),
    inputs=(INPUT,),
    score=Spread(typical=LOW, edges=(0.5,), shares=(0.99, 0.01)),
    training=Training(from_ms=START_MS - 9 * DAY_MS, until_ms=START_MS, rows=20_000,
                      label_delay_ms=2 * DAY_MS),
)  # fmt: skip


@pytest.fixture
def past(tmp_path: Path) -> Past:
    """An empty past under a pack with a model and a derived number."""
    features = FEATURES + 'twice = value("payment.attempted", 2 * card_n_10m)\n'
    folder = write_pack(tmp_path / "pack", features)
    (folder / "models").mkdir()
    (folder / "models" / "m.json").write_bytes(write_model(MODEL))
    named = '\n[models.card_risk]\nfile = "models/m.json"\non = ["payment.attempted"]\n'
    (folder / "pack.toml").write_text(MANIFEST + named)
    return Past(load_pack(folder))


def pay(past: Past, first: int, last: int, *, burst: bool = False, fraud: float = 0.0) -> None:
    """A hundred payments a day, in a burst five by each card; a share is found to be fraud next day."""
    dice = np.random.default_rng(first)
    for day in range(first, last):
        told = []
        for n in range(100):
            id = f"p{day}-{n}"
            card = f"c{day}-{n // 5 if burst else n}"
            past.take(payment(id, day * DAY_S + n, card=card, user=None))
            if dice.random() < fraud:
                told.append(label(f"l{id}", id, "fraud", day + 1))
        past.take(*told)


def looked(past: Past) -> DriftReport:
    """A look with nothing but what the model's file says."""
    history = past.history()
    pack = newest_pack(history.journal)
    baseline = with_models(None, pack)
    assert baseline is not None
    follower = Follower(baseline, Numbers(pack, history.wire(pack)))
    follower.calibrate(history.journal)
    return follower.read_on(history.journal)


def test_a_model_brings_its_own_baseline(past: Past) -> None:
    """Its inputs and its score are held against the window it was trained on."""
    pay(past, 0, 8)
    report = looked(past)
    assert [(f.name, f.state) for f in report.findings] == [
        ("card_n_10m", "stable"), ("card_risk", "stable"),
    ]  # fmt: skip
    pay(past, 8, 16, burst=True)
    found = {f.name: f for f in looked(past).findings}
    assert found["card_risk"].state == "large"
    assert found["card_n_10m"].state == "large"
    start_day = START_MS // DAY_MS
    assert found["card_risk"].since_day == start_day + 8
    assert (found["card_risk"].then, found["card_risk"].now) == (0.99, pytest.approx(0.6))


def test_scores_are_held_against_what_turned_out(past: Past) -> None:
    """As much fraud as was said is fine; twice as much is told, with both numbers."""
    pay(past, 0, 12, fraud=LOW)
    (one,) = looked(past).calibrations
    # Of twelve days, those whose labels have had two days to come by the last arrival.
    assert (one.model, one.found.state) == ("card_risk", "calibrated")
    assert one.found.events == pytest.approx(1000, abs=101)
    assert one.found.expected == pytest.approx(LOW * one.found.events)
    report = looked(past)
    assert report.miscalibrated == []
    assert report.score_ratios["card_risk"] == pytest.approx(1, abs=0.15)


def test_scores_that_say_too_little_are_told(past: Past) -> None:
    """Twice as many frauds as the scores add up to."""
    pay(past, 0, 12, fraud=2.2 * LOW)
    report = looked(past)
    assert [c.found.state for c in report.miscalibrated] == ["large"]
    assert report.score_ratios["card_risk"] == pytest.approx(2.2, abs=0.2)


def test_young_events_and_few_frauds_say_nothing(past: Past) -> None:
    """Before labels had time to come, or with nearly none expected, there is no claim."""
    pay(past, 0, 2, fraud=1.0)
    (one,) = looked(past).calibrations
    assert one.found.state == "not_enough"


def test_a_baseline_of_a_window_holds_derived_numbers_and_scores(past: Past) -> None:
    """Everything that rules and models read has a place; scores keep the model's own baseline."""
    pay(past, 0, 8)
    history = past.history()
    numbers = Numbers(past.pack, history.wire(past.pack))
    assert numbers.names == ("card_n_10m", "user_n_1h", "twice", "card_risk")
    made = make_baseline(history.journal, numbers, ["payment.attempted"], 0, 2**62)
    held = {m.name: m for m in made.measures if m.kind == "number"}
    assert sum(held["twice"].counts) == sum(held["card_risk"].counts) == 800
    merged = with_models(made, past.pack)
    assert merged is not None
    held = {m.name: m for m in merged.measures if m.kind == "number"}
    assert held["card_risk"].counts == (19_800, 200, 0)
    assert sum(held["card_n_10m"].counts) == 800


def test_what_cannot_be_read_again_is_left_out(past: Past) -> None:
    """A damaged body or vector costs its own row; the others have the numbers of the live path."""
    pay(past, 0, 1)
    rows = list(past.journal.rows())
    numbers = Numbers(past.pack, past.history().wire(past.pack))
    broken = [rows[0], rows[1]._replace(body=b"{"), rows[2]._replace(vector=b"\x03"), rows[3]]
    kept, found = numbers.of(broken)
    assert [row.seq for row in kept] == [1, 4]
    assert found[:, numbers.names.index("card_risk")].tolist() == pytest.approx([LOW, LOW])
    assert found[:, numbers.names.index("twice")].tolist() == [2.0, 2.0]


def test_a_baseline_of_other_features_is_refused(past: Past, tmp_path: Path) -> None:
    """What the pack does not have any more cannot be watched."""
    pay(past, 0, 8)
    history = past.history()
    numbers = Numbers(past.pack, history.wire(past.pack))
    made = make_baseline(history.journal, numbers, ["payment.attempted"], 0, 2**62)
    other = Past(load_pack(write_pack(tmp_path / "other")))
    fewer = Numbers(other.pack, other.history().wire(other.pack))
    with pytest.raises(BaselineError, match="no card_risk, twice; make it anew"):
        Follower(made, fewer)
    assert with_models(None, other.pack) is None
    with pytest.raises(BaselineError, match="no events yet"):
        newest_pack(other.journal)
