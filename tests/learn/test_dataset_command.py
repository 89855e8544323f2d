"""`kanhe dataset`: what people and programs read, the file, and the exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from kanhe.serve.cli.wording import use_language
from kanhe.stores.files.sheets import FACTS
from tests.cli.conftest import Kanhe
from tests.flow.packs import opened, payment
from tests.learn.test_dataset import label
from tests.replay.pasts import judged, live, pack_of, put_in_force, recorded


@pytest.fixture(autouse=True)
def past(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kanhe: Kanhe) -> None:
    """Three payments, of which one was fraud."""
    monkeypatch.setenv("KANHE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("KANHE_STATE_LIMIT_MIB", "256")
    monkeypatch.setenv("COLUMNS", "150")
    put_in_force(tmp_path, 0)
    live(tmp_path, [*judged(payment("p0"), payment("p1", 60), payment("p2", 120)),
                    *recorded(label("l1", "p1", "fraud", 3))])  # fmt: skip


def test_the_file_says_what_it_is(kanhe: Kanhe, tmp_path: Path) -> None:
    """The facts that are printed for programs stand in the footer of the file."""
    ran = kanhe("dataset", "build", "--out", "set.parquet", "--json")
    assert ran.code == 0
    told = ran.json()
    assert told["file"] == "set.parquet"
    file = pq.ParquetFile(tmp_path / "set.parquet")
    assert json.loads(file.metadata.metadata[FACTS]) == told["dataset"]
    assert (told["dataset"]["rows"], told["dataset"]["positives"]) == (3, 1)
    assert told["dataset"]["left_out"] == {"claims": 1}
    assert file.schema_arrow.names[:3] == ["seq", "tenant", "event_id"]
    assert file.schema_arrow.names[-2:] == ["card_n_10m", "user_n_1h"]


def test_people_read_what_is_in_it(kanhe: Kanhe) -> None:
    """Rows, features, labels, and what was left out, in their language."""
    ran = kanhe("dataset", "build")
    assert ran.code == 0
    assert "dataset.parquet: 3 rows of payment.attempted, 2 features of small 1." in ran.out
    assert "The features are those that were served." in ran.out
    assert "labels, disputes and closed complaints" in ran.out
    ran = kanhe("dataset", "build", "--lang", "zh_CN")
    use_language("en")
    assert "payment.attempted 共 3 行" in ran.out
    assert "特征为判定当时所用的特征。" in ran.out


def test_it_works_while_somebody_judges(kanhe: Kanhe, tmp_path: Path) -> None:
    """A training set is made beside a server; another pack's features are computed anew."""
    pack_of(tmp_path, 1)
    with opened(tmp_path) as engine:
        engine.take(judged(payment("p9", 180)))
        engine.commit()
        ran = kanhe("dataset", "build", "--policy", "other1", "--json")
    facts = ran.json()["dataset"]
    assert (facts["rows"], facts["recomputed"]) == (4, True)
    assert facts["features"] == ["card_n_10m", "user_n_1h", "cards_1d"]


def test_a_set_without_fraud_is_written_and_said(kanhe: Kanhe) -> None:
    """Nobody trains on it without having been told."""
    ran = kanhe("dataset", "build", "--from", "#3", "--to", "#3")
    assert ran.code == 0
    assert "No row has label 1" in ran.err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--label-delay", "soon"), "not a duration"),
        (("--positive", "theft"), "no such verdict; there are fraud, abuse"),
        (("--as-of", "yesterday"), "is no time"),
        (("--type", "payment.tried"), "no event of type payment.tried"),
        (("--from", "2030-01-01"), "see --from, --to"),
        (("--data-dir", "none"), "there is no journal in none"),
        (("--tenant", "b"), "--tenant"),
    ],
)
def test_wrong_usage_is_told(kanhe: Kanhe, arguments: tuple[str, ...], told: str) -> None:
    """What was wrong and what to do; no file is left."""
    ran = kanhe("dataset", "build", *arguments)
    assert ran.code == 2
    assert told in ran.err
    assert list(Path().glob("*dataset*")) == []


def test_a_place_that_cannot_be_written_is_storage(kanhe: Kanhe) -> None:
    """Code 3, and the file's name."""
    ran = kanhe("dataset", "build", "--out", "nowhere/set.parquet")
    assert ran.code == 3
    assert "cannot write nowhere/set.parquet" in ran.err


def test_files_of_events_are_a_past_too(kanhe: Kanhe, tmp_path: Path) -> None:
    """Lines of JSON under a pack: the same features as if they had been judged, and no outcome."""
    lines = [
        payment("p0"),
        b"",
        payment("p1", 60),
        label("l1", "p1", "fraud", 3),
        b"{",
        payment("p0", 9),
    ]
    (tmp_path / "events.ndjson").write_bytes(b"\n".join(lines))
    files = ("--data", "events.ndjson", "--policy", "pack", "--label-delay", "1d")
    ran = kanhe("dataset", "build", *files, "--json")
    assert ran.code == 0
    told = ran.json()
    assert (told["dataset"]["rows"], told["dataset"]["positives"]) == (2, 1)
    assert told["dataset"]["recomputed"] is True
    assert (told["lines"]["events"], told["lines"]["repeated"]) == (3, 1)
    assert sum(why["lines"] for why in told["lines"]["refused"].values()) == 1
    table = pq.read_table(tmp_path / "dataset.parquet")
    assert table["card_n_10m"].to_pylist() == [1.0, 2.0]
    assert table["outcome"].to_pylist() == [None, None]
    assert table["label_known_ms"].to_pylist()[1] == table["at_ms"].to_pylist()[0] + 3 * 86_400_000
    assert "1 events repeat an id" in kanhe("dataset", "build", *files).out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--data", "none.ndjson"), "cannot read none.ndjson"),
        (("--data", "none.parquet"), "say with --map"),
        (("--map", "m.toml"), "give both"),
    ],
)
def test_files_that_cannot_be_read_are_told(
    kanhe: Kanhe, arguments: tuple[str, ...], told: str
) -> None:
    """Which file, and what to do; no training set is left."""
    ran = kanhe("dataset", "build", *arguments)
    assert ran.code == 2
    assert told in ran.err
    assert list(Path().glob("*dataset*")) == []
