"""Training keeps to the order of time, gives the same model again, and refuses what cannot be learned."""

from __future__ import annotations

import subprocess
import sys

import msgspec
import numpy as np
import pytest
from sklearn.ensemble import IsolationForest

from kanhe.judge.models.forest import Forest
from kanhe.judge.models.model import Isotonic, Platt
from kanhe.judge.models.portable import read_model, write_model
from kanhe.learn.boosting import Growth, weight_of
from kanhe.learn.calibrating import calibrate
from kanhe.learn.evaluation import evaluate
from kanhe.learn.rows import UNKNOWN, LearningError, Rows
from kanhe.learn.spreading import spread_of
from kanhe.learn.training import detect, parted, train
from tests.learn.tables import FIRST_MS, PLAN, QUICK, rows


def test_a_model_learns_what_is_there_to_learn() -> None:
    """On rows it has not seen fraud scores higher, and the scores are probabilities."""
    model = train(rows(), PLAN)
    told = evaluate(model, rows(seed=2), 20).measures
    assert told.roc_auc > 0.85
    assert told.calibration_error < 0.02
    assert model.metrics["later_roc_auc"] > 0.85
    assert read_model(write_model(model)) == model


def test_the_same_rows_and_seed_give_the_same_model() -> None:
    """The hash does not depend on the order of the rows, nor on the number of threads."""
    one = rows(1_500)
    shuffled = np.random.default_rng(5).permutation(len(one))
    first = train(one, PLAN)
    again = train(
        one.only(shuffled), PLAN._replace(growth=msgspec.structs.replace(QUICK, threads=2))
    )
    other = train(one, PLAN._replace(growth=msgspec.structs.replace(QUICK, seed=2)))
    assert first.hash == again.hash
    assert first.hash != other.hash


def test_no_row_helps_to_judge_one_before_it() -> None:
    """The rows that say when to stop are later than all that trees learn from by then."""
    earlier, later = parted(rows(1_000).labelled(), 0.25)
    assert earlier.at_ms.max() < later.at_ms.min()
    assert len(later) == pytest.approx(250, abs=2)


def test_rows_without_a_label_teach_nothing() -> None:
    """What nobody knows is left out, not taken for honest."""
    all_rows = rows(2_000)
    hidden = Rows(
        all_rows.names, all_rows.inputs,
        np.where(np.arange(2_000) % 3 == 0, UNKNOWN, all_rows.label), all_rows.at_ms,
    )  # fmt: skip
    model = train(hidden, PLAN)
    assert model.training.rows == int((hidden.label != UNKNOWN).sum())
    assert model.training.positives == int((hidden.label == 1).sum())


@pytest.mark.parametrize(
    ("label", "message"),
    [(lambda n: np.zeros(n, np.int64), "no positive label in the training rows"),
     (lambda n: np.ones(n, np.int64), "every label in the training rows is positive"),
     (lambda n: np.full(n, UNKNOWN), "there is no labelled row in the training rows"),
     (lambda n: (np.arange(n) < 50).astype(np.int64), "no positive label in the later part"),
     (lambda n: (np.arange(n) > n - 50).astype(np.int64), "no positive label in the earlier part")],
)  # fmt: skip
def test_what_cannot_be_learned_is_refused(label: object, message: str) -> None:
    """A missing class is told with where it is missing."""
    one = rows(1_000)
    assert callable(label)
    with pytest.raises(LearningError, match=message):
        train(Rows(one.names, one.inputs, label(1_000), one.at_ms), PLAN)


def test_labels_that_turn_around_are_refused() -> None:
    """Where fraud of the later rows is what was honest before, no calibration helps."""
    one = rows(2_000, share=0.5)
    late = np.arange(2_000) >= 1_400
    turned = np.where(late, 1 - one.label, one.label)
    with pytest.raises(LearningError, match="does not hold for the later ones"):
        train(Rows(one.names, one.inputs, turned, one.at_ms), PLAN)


def test_a_model_for_other_features_is_refused() -> None:
    """The message names what is missing."""
    model = train(rows(1_000), PLAN)
    one = rows(1_000)
    other = Rows(("ratio", "other", "noise"), one.inputs, one.label, one.at_ms)
    with pytest.raises(LearningError, match="reads known, which these rows do not hold"):
        evaluate(model, other, 10)


def test_columns_are_found_by_name() -> None:
    """The order of the columns in a file does not matter."""
    model = train(rows(1_000), PLAN)
    one = rows(1_000, seed=3)
    turned = Rows(one.names[::-1], one.inputs[:, ::-1], one.label, one.at_ms)
    assert evaluate(model, one, 10).measures == evaluate(model, turned, 10).measures


def test_an_evaluation_says_when_it_flatters() -> None:
    """Rows inside the training window make figures too good; the evaluation says so."""
    model = train(rows(1_000), PLAN)
    later = rows(1_000)
    moved = Rows(later.names, later.inputs, later.label, later.at_ms + 30 * 86_400_000)
    assert evaluate(model, later, 10).overlaps_training
    assert not evaluate(model, moved, 10).overlaps_training


def test_the_card_tells_groups_apart() -> None:
    """By country and by new and returning buyers: who is flagged, wrongly flagged, found."""
    model = train(rows(), PLAN)
    groups = {(group.by, group.value): group for group in model.card.groups}
    assert set(groups) == {
        ("buyer", "new"), ("buyer", "returning"), ("country", "CN"), ("country", "DE"),
    }  # fmt: skip
    told = groups["country", "DE"]
    assert told.metrics.keys() == {"flagged", "false_positive_rate", "recall", "said", "came"}
    assert model.card.data.zh != model.card.data.en


def test_a_group_of_a_handful_is_not_told() -> None:
    """A share of few people says nothing, and could be somebody."""
    one = rows(1_000)
    country = one.groups["country"].copy()
    country[-3:] = "LI"
    model = train(Rows(one.names, one.inputs, one.label, one.at_ms, {"country": country}), PLAN)
    (tiny,) = [group for group in model.card.groups if group.value == "LI"]
    assert tiny.metrics == {}


def test_both_calibrations_bring_scores_to_what_came() -> None:
    """Raw scores that are far off come out near the shares; the order stays."""
    rng = np.random.default_rng(1)
    raw = rng.normal(size=20_000)
    label = (rng.random(20_000) < 1 / (1 + np.exp(-(2 * raw - 3)))).astype(np.int64)
    platt = calibrate(raw, label, "platt")
    assert isinstance(platt, Platt)
    assert (platt.a, platt.b) == (pytest.approx(2, rel=0.1), pytest.approx(-3, rel=0.1))
    isotonic = calibrate(raw, label, "isotonic")
    assert isinstance(isotonic, Isotonic)
    assert np.interp(1.0, isotonic.raw, isotonic.score) == pytest.approx(0.27, abs=0.05)
    assert len(isotonic.raw) <= 1_000


def test_a_detector_scores_as_scikit_learn_does() -> None:
    """The kernel gives the scores of the forest it was made of, missing values and all."""
    one = rows(3_000)
    model = detect(one, PLAN, trees=40)
    forest = IsolationForest(n_estimators=40, max_samples=256, random_state=QUICK.seed)
    expected = -forest.fit(one.inputs).score_samples(one.inputs)
    found = Forest(model).scores(one.inputs)
    assert np.abs(found - expected).max() < 1e-12
    assert detect(one, PLAN, trees=40).hash == model.hash
    assert read_model(write_model(model)) == model


def test_a_detector_needs_rows_and_no_labels() -> None:
    """Labels may all be unknown; a handful of rows is refused."""
    one = rows(1_000)
    nobody_knows = Rows(one.names, one.inputs, np.full(1_000, UNKNOWN), one.at_ms)
    assert detect(nobody_knows, PLAN, trees=5).training.positives == 0
    with pytest.raises(LearningError, match="at least 20"):
        detect(nobody_knows.only(np.arange(10)), PLAN)


def test_a_spread_tells_where_values_lie() -> None:
    """Shares between deciles add up to 1, missing values are counted apart."""
    told = spread_of(np.array([0.0, 0.0, 0.0, 1.0, 2.0, 3.0, np.nan, np.nan]))
    assert (told.typical, told.missing) == (0.5, 0.25)
    assert sum(told.shares) == pytest.approx(1.0)
    assert told.shares[0] == pytest.approx(0.5)
    assert spread_of(np.array([np.nan])).missing == 1.0


def test_a_weight_of_zero_means_the_root_of_the_ratio() -> None:
    """The root lies between ignoring the imbalance and inverting it."""
    label = np.array([1] + [0] * 100)
    assert weight_of(Growth(positive_weight=0.0), label) == pytest.approx(10.0)
    assert weight_of(Growth(positive_weight=3.0), label) == 3.0


@pytest.mark.slow
def test_models_are_the_same_in_another_process() -> None:
    """Nothing of a process (hash seeds, addresses) finds its way into a model."""
    code = (
        "from tests.learn.tables import PLAN, rows; from kanhe.learn.training import train;"
        "print(train(rows(1_000), PLAN).hash)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == train(rows(1_000), PLAN).hash
    assert FIRST_MS % 86_400_000 == 0
