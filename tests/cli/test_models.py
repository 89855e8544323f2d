"""`kanhe model`: what a file says, why a row scores as it does, and files that are refused."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from kanhe.core.decision import Text
from kanhe.judge.models.forest import Forest
from kanhe.judge.models.model import Card, Group, Input, Isotonic, Spread, Training
from kanhe.judge.models.portable import sealed, write_model
from tests.cli.conftest import Kanhe
from tests.models.samples import STUMP, model_of

MODEL = msgspec.structs.replace(
    model_of(STUMP),
    inputs=(
        Input(name="card_n_1h", spread=Spread(typical=1.0, missing=0.25)),
        Input(name="amount_ratio"),
    ),
    calibration=Isotonic(raw=(-1.0, 2.0), score=(0.01, 0.9)),
    metrics={"roc_auc": 0.91},
    training=Training(
        from_ms=1_767_225_600_000, until_ms=1_769_904_000_000, label_delay_ms=604_800_000,
        types=("payment.attempted",), rows=12_345, positives=67, seed=3,
        versions={"lightgbm": "4.6.0"},
    ),
    card=Card(
        intended_use=Text("Card payments.", "银行卡支付。"), limits=Text("Young.", "样本尚少。"),
        groups=(Group(by="country", value="DE", rows=100, positives=5, metrics={"recall": 0.5}),),
    ),
)  # fmt: skip


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A model in a file."""
    path = tmp_path / "risk.json"
    path.write_bytes(write_model(MODEL))
    return path


def test_a_model_is_shown(kanhe: Kanhe, file: Path) -> None:
    """Kind, hash, training, metrics, inputs and card, for people in their language and as data."""
    ran = kanhe("model", "show", "risk.json")
    assert ran.code == 0
    for said in (
        sealed(MODEL).hash, "isotonic", "12,345", "67", "2026-01-01 00:00Z", "7d", "lightgbm 4.6.0",
        "roc_auc", "0.91", "card_n_1h", "25.0%", "Card payments.", "Young.", "country DE", "recall",
    ):  # fmt: skip
        assert said in ran.out
    chinese = kanhe("--lang", "zh_CN", "model", "show", "risk.json").out
    assert "银行卡支付。" in chinese
    assert "保序回归" in chinese
    told = kanhe("model", "show", "risk.json", "--json").json()
    assert (told["hash"], told["trees"], told["leaves"]) == (sealed(MODEL).hash, 1, 2)
    assert told["card"]["groups"][0]["metrics"] == {"recall": 0.5}


def test_a_score_is_explained(kanhe: Kanhe, file: Path) -> None:
    """Each line gets its score, and contributions that add up to it."""
    lines = b'{"card_n_1h": 9}\n\n{"card_n_1h": null, "amount_ratio": 2.5}\n'
    told = kanhe("model", "explain", "risk.json", "--json", stdin=lines).lines()
    assert [one["line"] for one in told] == [1, 3]
    assert [one["raw"] for one in told] == [2.0, -1.0]
    for one in told:
        total = one["expected"] + sum(part["by"] for part in one["contributions"])
        assert total == pytest.approx(one["raw"])
    assert told[0]["contributions"][0] == {
        "input": "card_n_1h", "value": 9.0, "usual": 1.0, "by": pytest.approx(2.7),
    }  # fmt: skip
    assert Forest(MODEL).expected == pytest.approx(-0.7)
    assert "0.9000" in kanhe("model", "explain", "risk.json", "--show", "1", stdin=lines).out


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b'{"card_n_2h": 1}', "did you mean card_n_1h?"),
        (b"[1, 2]", "line 1 is not an object"),
        (b'{"card_n_1h": "x"}', "line 1 is not an object"),
        (b"\xff", "line 1 is not an object"),
        (b"{" * 5_000, "line 1 is not an object"),
        (b" " * ((1 << 20) + 5) + b"1", "longer than"),
    ],
)
def test_lines_that_are_no_inputs_are_refused(
    kanhe: Kanhe, file: Path, line: bytes, said: str
) -> None:
    """What does not fit the model is told with its line."""
    (file.parent / "lines.ndjson").write_bytes(line)
    ran = kanhe("model", "explain", "risk.json", "lines.ndjson")
    assert ran.code == 2
    assert said in ran.err
    assert "Traceback" not in ran.err


def test_files_that_are_no_models_are_refused(kanhe: Kanhe, file: Path) -> None:
    """A flipped byte, somebody else's file and no file at all: each says what to do."""
    raw = bytearray(file.read_bytes())
    raw[raw.index(b'"value":[') + 10] ^= 1
    (file.parent / "flipped.json").write_bytes(raw)
    (file.parent / "other.json").write_text(json.dumps({"format": "pickle"}))
    for name, said in (
        ("flipped.json", "copy the file anew"), ("other.json", "upgrade Kanhe"), ("none.json", "cannot read"),
    ):  # fmt: skip
        ran = kanhe("model", "show", name)
        assert ran.code == 2
        assert said in ran.err
