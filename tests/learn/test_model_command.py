"""`kanhe model train` and `evaluate`: a training set in, a model's file out, and what it is worth."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kanhe.judge.models.portable import read_model
from kanhe.learn.dataset import COLUMNS, DatasetFacts
from kanhe.learn.rows import UNKNOWN, LearningError, Rows
from kanhe.stores.files.sheets import ParquetSheet
from tests.cli.conftest import Kanhe, kanhe
from tests.learn.tables import rows

__all__ = ["kanhe"]


def dataset(path: Path, made: Rows, texts: tuple[str, ...] = ()) -> Path:
    """A file as `kanhe dataset build` writes it, holding these rows."""
    facts = DatasetFacts(
        kanhe="0", features=list(made.names), text_features=list(texts), types=["payment.attempted"],
        label_delay_ms=7 * 86_400_000, rows=len(made),
    )  # fmt: skip
    told = {"new": True, "returning": False, "": None}
    columns = {
        "seq": list(range(len(made))),
        "label": [None if one == UNKNOWN else one for one in made.label.tolist()],
        "at_ms": made.at_ms.tolist(),
        "country": [one or None for one in made.groups["country"].tolist()],
        "new_buyer": [told[one] for one in made.groups["buyer"].tolist()],
    }
    nothing = [None] * len(made)
    with ParquetSheet(path, COLUMNS, made.names) as sheet:
        sheet.write({name: columns.get(name, nothing) for name in COLUMNS}, made.inputs)
        sheet.finish(msgspec.json.encode(facts))
    return path


def test_a_model_is_trained_and_measured(kanhe: Kanhe, tmp_path: Path) -> None:
    """The file is a whole model; the same set and seed give the same bytes; figures are told."""
    train = dataset(tmp_path / "train.parquet", rows())
    later = dataset(tmp_path / "later.parquet", rows(seed=2))
    made = kanhe("model", "train", str(train), "--name", "card_risk", "--json")
    assert made.code == 0, made.err
    model = read_model((tmp_path / "card_risk.json").read_bytes())
    assert made.json()["hash"] == model.hash
    assert model.training.label_delay_ms == 7 * 86_400_000
    again = kanhe("model", "train", str(train), "--name", "card_risk", "-o", "b.json")
    assert again.code == 0, again.err
    assert (tmp_path / "b.json").read_bytes() == (tmp_path / "card_risk.json").read_bytes()
    assert '[models.card_risk] file = "models/b.json", on = ["payment.attempted"]' in again.out
    told = kanhe(
        "model", "evaluate", "card_risk.json", str(later), "--alerts", "20", "--json"
    ).json()
    assert told["model"] == model.hash
    assert told["measures"]["roc_auc"] > 0.85
    assert told["overlaps_training"]
    assert {group["by"] for group in told["groups"]} == {"buyer", "country"}
    shown = kanhe("--lang", "zh", "model", "evaluate", "card_risk.json", str(later))
    assert "这些数据落在模型的训练期内" in shown.out
    assert "国家 DE" in shown.out


def test_a_detector_needs_no_labels(kanhe: Kanhe, tmp_path: Path) -> None:
    """An isolation forest comes out of a set without a single label."""
    made = rows(500)
    silent = Rows(made.names, made.inputs, np.full(500, UNKNOWN), made.at_ms, made.groups)
    file = dataset(tmp_path / "d.parquet", silent)
    ran = kanhe("model", "train", str(file), "--unsupervised", "--name", "odd")
    assert ran.code == 0, ran.err
    assert read_model((tmp_path / "odd.json").read_bytes()).kind == "isolation"
    assert "without labels" in ran.out


def test_texts_and_what_is_left_out_are_not_learned_from(kanhe: Kanhe, tmp_path: Path) -> None:
    """Codes of texts are neither more nor less; `--leave-out` takes the rest."""
    file = dataset(tmp_path / "d.parquet", rows(1_000), texts=("noise",))
    told = kanhe("model", "train", str(file), "--leave-out", "known", "--json").json()
    assert told["inputs"] == ["ratio"]
    wrong = kanhe("model", "train", str(file), "--leave-out", "knwon")
    assert (wrong.code, "holds no such number" in wrong.err) == (2, True)
    nothing = kanhe("model", "train", str(file), "--leave-out", "known", "--leave-out", "ratio")
    assert (nothing.code, "no number to learn from" in nothing.err) == (2, True)


def test_what_tells_nothing_apart_is_no_input(kanhe: Kanhe, tmp_path: Path) -> None:
    """Numbers that are the same, or missing, in all rows are left out; if all are, that is said."""
    made = rows()
    idle = np.full((len(made), 2), np.nan)
    idle[:, 1] = 7
    wide = replace(
        made,
        names=(*made.names, "always_missing", "always_seven"),
        inputs=np.column_stack([made.inputs, idle]),
    )
    told = kanhe("model", "train", str(dataset(tmp_path / "wide.parquet", wide)), "--json")
    assert told.code == 0, told.err
    assert told.json()["inputs"] == list(made.names)
    alike = replace(made, names=("always_missing", "always_seven"), inputs=idle)
    refused = kanhe("model", "train", str(dataset(tmp_path / "alike.parquet", alike)))
    assert refused.code == 2
    assert "every number is the same in all of the" in refused.err


@pytest.mark.parametrize("count", [0, 1])
def test_rows_are_varying_only_among_others(count: int) -> None:
    """No row, or one, tells nothing apart."""
    with pytest.raises(LearningError, match="every number is the same"):
        rows().only(np.arange(count)).varying()


@pytest.mark.parametrize(
    ("options", "message"),
    [(("--calibration", "magic"), "there are platt and isotonic"),
     (("--name", "Card Risk"), "a name is a word of small letters"),
     (("--alerts", "0"), "--alerts"), (("--positive-weight", "-1"), "--positive-weight")],
)  # fmt: skip
def test_wrong_options_are_told(
    kanhe: Kanhe, tmp_path: Path, options: tuple[str, str], message: str
) -> None:
    """Before anything is read."""
    ran = kanhe("model", "train", str(tmp_path / "nothing.parquet"), *options)
    assert ran.code == 2
    assert message in ran.err


def test_files_that_are_no_training_sets_are_refused(kanhe: Kanhe, tmp_path: Path) -> None:
    """Absent, cut off, of another kind, with facts of another kind, without a column."""
    whole = dataset(tmp_path / "d.parquet", rows(1_000)).read_bytes()
    (tmp_path / "cut.parquet").write_bytes(whole[:-40])
    pq.write_table(pa.table({"x": [1.0]}), tmp_path / "other.parquet")
    strange = pa.table({"x": [1.0]}).replace_schema_metadata({"kanhe_dataset": b"[1]"})
    pq.write_table(strange, tmp_path / "strange.parquet")
    facts = msgspec.json.encode(DatasetFacts(kanhe="0", features=["y"]))
    bare = pa.table({"x": [1.0]}).replace_schema_metadata({"kanhe_dataset": facts})
    pq.write_table(bare, tmp_path / "bare.parquet")
    for name, message in (
        ("absent", "No such file"), ("cut", "is not a whole Parquet file"),
        ("other", "does not say what it is"), ("strange", "does not say rightly what it is"),
        ("bare", "has no column label"),
    ):  # fmt: skip
        ran = kanhe("model", "train", str(tmp_path / f"{name}.parquet"))
        assert ran.code == 2
        assert message in ran.err, ran.err
    assert not list(tmp_path.glob("*.json"))


def test_sets_in_which_nothing_can_be_learned_are_refused(kanhe: Kanhe, tmp_path: Path) -> None:
    """No positive label, and none that is not."""
    made = rows(500)
    for kind, message in ((0, "no positive label"), (1, "every label")):
        one = Rows(made.names, made.inputs, np.full(500, kind), made.at_ms, made.groups)
        ran = kanhe("model", "train", str(dataset(tmp_path / f"{kind}.parquet", one)))
        assert ran.code == 2
        assert message in ran.err


def test_models_that_do_not_fit_are_refused(kanhe: Kanhe, tmp_path: Path) -> None:
    """A flipped byte, another file, another pack's features: each is told."""
    train = dataset(tmp_path / "train.parquet", rows(1_000))
    assert kanhe("model", "train", str(train)).code == 0
    raw = bytearray((tmp_path / "risk.json").read_bytes())
    raw[len(raw) // 2] ^= 1
    (tmp_path / "flipped.json").write_bytes(raw)
    made = rows(1_000)
    renamed = Rows(("a", "b", "c"), made.inputs, made.label, made.at_ms, made.groups)
    partly = Rows(("ratio", "b", "c"), made.inputs, made.label, made.at_ms, made.groups)
    dataset(tmp_path / "renamed.parquet", renamed)
    dataset(tmp_path / "partly.parquet", partly)
    for model, file, message in (
        ("flipped.json", "train.parquet", "model"), ("absent.json", "train.parquet", "cannot read"),
        ("train.parquet", "train.parquet", "this is not the file of a model"),
        ("risk.json", "renamed.parquet", "reads ratio, known, noise, which"),
        ("risk.json", "partly.parquet", "reads known, noise, which these rows do not hold"),
    ):  # fmt: skip
        ran = kanhe("model", "evaluate", str(tmp_path / model), str(tmp_path / file))
        assert ran.code == 2
        assert message in ran.err, ran.err
