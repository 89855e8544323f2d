"""Models of a pack: what is accepted, and mistakes with their line, their caret and what to do."""

from __future__ import annotations

import os
import re
from pathlib import Path

import msgspec
import pytest

from kanhe.judge.language.source import PolicyErrors
from kanhe.judge.models.model import Input, Spread
from kanhe.judge.models.portable import write_model
from kanhe.judge.policy.check import advice, describe
from kanhe.judge.policy.pack import build_pack, load_archive, load_pack
from tests.models.samples import STUMP, model_of

MANIFEST = """\
[pack]
name = "mine"
version = "1"

[money]
base = "EUR"

[models.card_risk]
file = "models/card_risk.json"
on = ["payment.attempted"]
"""
FEATURES = """\
card_n_1h = count("payment.attempted", by="card", over="1h")
last_country = last("account.login", "ip_country", by="user")
ratio = value("payment.attempted", amount_base / (card_n_1h + 1))
"""
RULES = """\
rule("risky", on="payment.attempted", when=card_risk > 0.5, points=60, en="{card_risk:percent}",
     zh="{card_risk:percent}", tags=["OAT-001"], owner="risk")
"""
INPUTS = (Input(name="card_n_1h", spread=Spread(typical=1.0)), Input(name="ratio"))
MODEL = write_model(msgspec.structs.replace(model_of(STUMP), inputs=INPUTS))
FILES = {
    "pack.toml": MANIFEST.encode(),
    "features.kanhe": FEATURES.encode(),
    "rules/cards.kanhe": RULES.encode(),
    "models/card_risk.json": MODEL,
}
GOLDEN = Path(__file__).parent / "golden"


def _with_inputs(*names: str) -> bytes:
    inputs = tuple(Input(name=name) for name in names)
    return write_model(msgspec.structs.replace(model_of(STUMP), inputs=inputs))


def _flipped() -> bytes:
    at = MODEL.index(b'"value":[') + 10
    return MODEL[:at] + bytes([MODEL[at] ^ 1]) + MODEL[at + 1 :]


def _manifest(before: str, after: str) -> dict[str, bytes]:
    assert before in MANIFEST
    return FILES | {"pack.toml": MANIFEST.replace(before, after).encode()}


CASES = {
    "other_features": FILES | {"models/card_risk.json": _with_inputs("card_n_2h", "ip_n", "ratio")},
    "text_feature": FILES | {"models/card_risk.json": _with_inputs("last_country", "ratio")},
    "flipped_byte": FILES | {"models/card_risk.json": _flipped()},
    "newer_format": FILES | {"models/card_risk.json": MODEL.replace(b"model/1", b"model/9")},
    "no_such_file": _manifest("models/card_risk.json", "models/card_riks.json"),
    "unknown_type": _manifest("payment.attempted", "payment.atempted"),
    "name_of_a_feature": _manifest("models.card_risk", "models.ratio"),
    "no_types": _manifest('on = ["payment.attempted"]', ""),
    "file_elsewhere": _manifest("models/card_risk.json", "pack.toml"),
    "one_slip_once": FILES | {"features.kanhe": FEATURES.replace("count(", "cuont(").encode()},
    "file_nobody_names": FILES | {"models/other.json": MODEL},
    "rule_without_model": FILES | {"rules/cards.kanhe": RULES.replace("when=card_risk", "when=card_riks").encode()},
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_mistake_reads_as_agreed(case: str) -> None:
    """Each mistake has its file, line and caret, what is wrong, and what to do."""
    with pytest.raises(PolicyErrors) as caught:
        build_pack(CASES[case])
    text = re.sub(r"sha256:[0-9a-f]{64}", "sha256:…", f"{caught.value}\n")
    path = GOLDEN / f"{case}.txt"
    if os.environ.get("KANHE_WRITE_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
    assert text == path.read_text("utf-8")
    assert {found.stem for found in GOLDEN.glob("*.txt")} == set(CASES)


def test_a_pack_with_a_model_is_read_and_survives_its_archive(tmp_path: Path) -> None:
    """The model is a file of the pack: under its hash, in its archive, in a folder and out of it."""
    for name, content in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    pack = load_pack(tmp_path)
    again = load_archive(pack.archive)
    assert again.hash == pack.hash == build_pack(FILES).hash
    [model] = again.models
    assert (model.name, model.on, model.model.input_names) == (
        "card_risk", ("payment.attempted",), ("card_n_1h", "ratio"),
    )  # fmt: skip
    other = build_pack(FILES | {"models/card_risk.json": _with_inputs("ratio", "card_n_1h")})
    assert other.hash != pack.hash


def test_a_pack_says_what_its_models_are() -> None:
    """Models and derived numbers stand in what `policy show` tells."""
    told = describe(build_pack(FILES))
    [model] = told["models"]
    assert (model["name"], model["inputs"]) == ("card_risk", ["card_n_1h", "ratio"])
    assert model["hash"].startswith("sha256:")
    assert told["derived"] == [
        {"name": "ratio", "types": ["payment.attempted"], "value": "amount_base / (card_n_1h + 1)"}
    ]
    assert told["counts"]["models"] == told["counts"]["derived"] == 1


def test_advice_speaks_of_scores_that_are_never_there() -> None:
    """A rule on events that the model is not for, and a model whose inputs are never there."""
    rules = RULES.replace('"payment.attempted"', '"account.login"')
    said = [a["message"] for a in advice(build_pack(FILES | {"rules/cards.kanhe": rules.encode()}))]
    assert "rule risky: card_risk is always missing on account.login" in said
    pack = build_pack(_manifest('"payment.attempted"]', '"payment.attempted", "review.posted"]'))
    said = [a["message"] for a in advice(pack)]
    assert "model card_risk: ratio is always missing on review.posted" in said
    # What a model reads is used, although no rule reads it.
    assert not any("is used by no rule" in each for each in said if "last_country" not in each)
