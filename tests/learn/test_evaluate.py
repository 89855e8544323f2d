"""`kanhe evaluate`: a file of payments in, figures out, and every unusable file refused with its reason."""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest

from kanhe.app.evaluating import example_folder
from kanhe.core.event import Arrival
from kanhe.judge.intake.reader import Reader
from kanhe.judge.policy.pack import load_pack
from kanhe.learn.chronicle import Chronicle
from kanhe.learn.rows import Floats, LearningError
from kanhe.learn.trial import inputs_of
from tests.cli.conftest import Kanhe, kanhe
from tests.docs.pages import ROOT
from tests.learn.payments import table, write

__all__ = ["kanhe"]

_REAL = Path(os.environ.get("KANHE_DATA", ROOT.parent / "shared" / "data")) / (
    "cards_handbook.parquet"
)
_WEEK_MS = 7 * 86_400_000


def test_a_file_is_tried_fold_by_fold(kanhe: Kanhe, tmp_path: Path) -> None:
    """Figures, days and times of each fold; what can be learned is learned; the same comes out again."""
    file = write(tmp_path / "p.parquet", table())
    ran = kanhe("evaluate", "--data", str(file), "--folds", "2", "--json")
    assert ran.code == 0, ran.err
    told = ran.json()
    assert [fold["train_start"] for fold in told["folds"]] == ["2018-04-03", "2018-04-10"]
    assert (told["rows"], told["events"]) == (4_500, 9_000)
    for fold in told["folds"]:
        assert fold["roc_auc"] > 0.75
        assert fold["average_precision"] > 0.4
        assert len(fold["days"]) == 7
        assert fold["card_precision"] == pytest.approx(
            np.mean([day["precision"] for day in fold["days"]])
        )
        assert fold["card_precision"] <= fold["best_card_precision"]
        assert fold["fit_seconds"] > 0
    again = kanhe("evaluate", "--data", str(file), "--train-start", "2018-04-10", "--json").json()
    assert again["folds"][0]["model"] == told["folds"][1]["model"]


_TIME = re.compile(r"\d+\.\d{1,2}")


def test_people_get_a_table_in_their_language(kanhe: Kanhe, tmp_path: Path) -> None:
    """The same figures in English and in Chinese; rows may stand in any order, in CSV as well."""
    columns = table()
    order = np.random.default_rng(3).permutation(len(columns["TX_FRAUD"]))
    file = write(tmp_path / "p.parquet", columns)
    mixed = write(tmp_path / "m.parquet", {name: cells[order] for name, cells in columns.items()})
    pa_csv.write_csv(pq.read_table(mixed), tmp_path / "p.csv")
    english = kanhe("evaluate", "--data", str(file), "--folds", "1")
    assert english.code == 0, english.err
    assert "Card Precision@100" in english.out
    chinese = kanhe("--lang", "zh", "evaluate", "--data", str(tmp_path / "p.csv"), "--folds", "1")
    assert chinese.code == 0, chinese.err
    assert "训练 7 天，等待 7 天，测试 7 天" in chinese.out
    figures = [
        [word for line in out.splitlines() if "2018-04-10 │ 2018-04-24" in line for word in line.split()]
        for out in (english.out, chinese.out)
    ]  # fmt: skip
    # Figures have four digits behind the point, or none; times of fitting and scoring have fewer.
    told, again = ([word for word in words if not _TIME.fullmatch(word)] for words in figures)
    assert told == again
    assert len(told) < len(figures[0])


@pytest.mark.parametrize("name", ["TX_FRAUD", "TX_AMOUNT", "CUSTOMER_ID"])
def test_a_missing_column_is_refused(kanhe: Kanhe, tmp_path: Path, name: str) -> None:
    """The message names the column, and those that are there."""
    columns = table(days=2)
    del columns[name]
    ran = kanhe("evaluate", "--data", str(write(tmp_path / "p.parquet", columns)))
    assert ran.code == 2
    assert f"has no column {name}" in ran.err


def _only(kind: int) -> dict[str, object]:
    columns = table()
    columns["TX_FRAUD"] = np.full(len(columns["TX_FRAUD"]), kind)
    return columns


def _late_fraud() -> dict[str, object]:
    columns = table()
    early = columns["TX_DATETIME"] < np.datetime64("2018-04-22", "ns")
    columns["TX_FRAUD"] = np.where(early, 0, columns["TX_FRAUD"])
    return columns


def _with(name: str, place: int, value: object) -> dict[str, object]:
    columns = table()
    cells = columns[name].astype(object)
    cells[place] = value
    columns[name] = cells.tolist()
    return columns


@pytest.mark.parametrize(
    ("columns", "message"),
    [(lambda: _only(0), "no positive label in the training days from 2018-04-10 on"),
     (lambda: _only(1), "every label in the training days from 2018-04-10 on is positive"),
     (_late_fraud, "no positive label in the training days"),
     (lambda: table(days=9), "the data holds 2018-04-01 to 2018-04-09 only"),
     (lambda: _with("TRANSACTION_ID", 5, 4), "another event with the id tx-4"),
     (lambda: _with("CUSTOMER_ID", 5, None), "the event names no card"),
     (lambda: _with("TX_FRAUD", 7, 2), "line 8: TX_FRAUD for verdict"),
     (lambda: _with("TX_AMOUNT", 7, float("inf")), "line 8: TX_AMOUNT for amount_minor"),
     (lambda: _with("TX_AMOUNT", 7, 1e14), "line 8: amount_minor: expected"),
     (lambda: {name: cells[:0] for name, cells in table(days=2).items()}, "no payment in this data")],
)  # fmt: skip
def test_data_that_cannot_be_used_is_refused(
    kanhe: Kanhe, tmp_path: Path, columns: object, message: str
) -> None:
    """Nothing is computed on a half; the message says where and what."""
    assert callable(columns)
    file = write(tmp_path / "p.parquet", columns())
    ran = kanhe("evaluate", "--data", str(file), "--folds", "1")
    assert ran.code == 2
    assert message in ran.err, ran.err


@pytest.mark.parametrize(
    ("options", "message"),
    [(("--protocol", "kaggle"), "no such protocol"), (("--train-start", "April"), "not a day"),
     (("--train-start", "2019-01-01"), "choose --train-start from 2018-04-01 to 2018-04-10"),
     (("--map", "nowhere.toml"), "cannot read the mapping nowhere.toml")],
)  # fmt: skip
def test_wishes_that_cannot_be_met_are_refused(
    kanhe: Kanhe, tmp_path: Path, options: tuple[str, str], message: str
) -> None:
    """A wrong option is told before or after reading, never as a figure."""
    file = write(tmp_path / "p.parquet", table())
    ran = kanhe("evaluate", "--data", str(file), *options)
    assert ran.code == 2
    assert message in ran.err


def test_a_label_from_before_its_event_is_refused(kanhe: Kanhe, tmp_path: Path) -> None:
    """Nobody can know what has not happened yet."""
    labels = (example_folder("handbook") / "labels.toml").read_text("utf-8")
    early = labels.replace(
        'id = { column = "TRANSACTION_ID", prefix = "label-" }\nat_ms = { column = "TX_DATETIME",',
        'id = { column = "TRANSACTION_ID", prefix = "label-" }\nat_ms = { column = "TX_SAID",',
    )
    assert early != labels
    (tmp_path / "early.toml").write_text(early.replace(', plus = "7d"', ""), "utf-8")
    columns = table()
    columns["TX_SAID"] = columns["TX_DATETIME"] - np.timedelta64(1, "s")
    file = write(tmp_path / "p.parquet", columns)
    ran = kanhe("evaluate", "--data", str(file), "--labels", str(tmp_path / "early.toml"))
    assert ran.code == 2
    assert "is older than its event" in ran.err


def _arrival(reader: Reader, body: str) -> Arrival:
    return reader.read("t", body.encode(), 1 << 60)


def test_a_feature_sees_a_label_from_when_it_was_known() -> None:
    """Of two payments around the arrival of a label only the later one counts it."""
    pack = load_pack(example_folder("handbook") / "policy")
    reader = Reader(pack.registry)
    chronicle = Chronicle("payment.attempted", "card", frozenset({"fraud"}))
    pay = (
        '{"id":"%s","type":"payment.attempted","at_ms":%d,"card":"c","merchant":"m",'
        '"amount_minor":100,"currency":"EUR"}'
    )
    label = (
        '{"id":"l","type":"label.assigned","at_ms":%d,"card":"c","merchant":"m","verdict":"fraud",'
        '"subject_event":"a","subject_at_ms":%d}'
    )
    start = 1_600_000_000_000
    # Taken up in no order at all.
    for body in (
        label % (start + _WEEK_MS, start),
        pay % ("c", start + _WEEK_MS),
        pay % ("b", start + _WEEK_MS - 1),
        pay % ("a", start),
    ):
        chronicle.take(_arrival(reader, body), "here")
    truth = chronicle.truth()
    assert truth.label.tolist() == [1, 0, 0]
    assert truth.known_ms.tolist() == [start + _WEEK_MS, 0, 0]
    seen: list[str] = []

    def observe(arrivals: object) -> Floats:
        assert isinstance(arrivals, list)
        seen.extend(arrival.event.id for arrival in arrivals)
        return np.zeros((len(arrivals), 1))

    wanted = np.array([False, True, False])
    chronicle.vectors(
        wanted, 1, lambda body: reader.reread("t", body, 0), observe,
        lambda events, rows: rows, lambda done, of: None,
    )  # fmt: skip
    assert seen == ["a", "b"]
    chronicle.vectors(
        ~wanted, 1, lambda body: reader.reread("t", body, 0), observe,
        lambda events, rows: rows, lambda done, of: None,
    )  # fmt: skip
    assert seen[2:] == ["a", "b", "l", "c"]


def test_a_label_of_nothing_is_refused() -> None:
    """A mapping of labels that makes other ids would leave every payment honest."""
    pack = load_pack(example_folder("handbook") / "policy")
    chronicle = Chronicle("payment.attempted", "card", frozenset({"fraud"}))
    body = (
        '{"id":"l","type":"label.assigned","at_ms":1600000000000,"card":"c","verdict":"fraud",'
        '"subject_event":"nobody","subject_at_ms":1500000000000}'
    )
    chronicle.take(_arrival(Reader(pack.registry), body), "here")
    with pytest.raises(LearningError, match="speaks of the event nobody, which is not in the data"):
        chronicle.truth()


def test_the_example_declares_what_it_says() -> None:
    """Every feature and derived number of the pack is learned from, and none of the kind of fraud."""
    folder = example_folder("handbook")
    pack = load_pack(folder / "policy")
    names = inputs_of(pack, "payment.attempted")
    assert len(names) == len(pack.features) + len(pack.derived)
    for file in ("mapping.toml", "labels.toml"):
        assert "SCENARIO" not in (folder / file).read_text("utf-8")


@pytest.mark.slow
@pytest.mark.skipif(not _REAL.exists(), reason=f"the handbook's data is not at {_REAL}")
def test_part_of_the_real_data_is_told_apart(kanhe: Kanhe, tmp_path: Path) -> None:
    """A tenth of the cards over six weeks of the handbook's own data: the figures hold."""
    data = pq.read_table(_REAL)
    few = pc.and_(pc.less(data["CUSTOMER_ID"], 600), pc.less(data["TX_TIME_DAYS"], 45))
    pq.write_table(data.filter(few), tmp_path / "part.parquet")
    told = kanhe(
        "evaluate", "--data", str(tmp_path / "part.parquet"), "--folds", "2", "--json"
    ).json()
    assert told["rows"] == 51_236
    assert told["mean"]["roc_auc"] > 0.8
    assert told["mean"]["average_precision"] > 0.45
    assert told["mean"]["card_precision"] > 0.7 * np.mean(
        [fold["best_card_precision"] for fold in told["folds"]]
    )
