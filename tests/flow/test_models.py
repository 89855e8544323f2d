"""Models on the path: their scores are numbers for rules, and their reasons stand in the answer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from kanhe.app import open_history
from kanhe.core.event import Asked
from kanhe.judge.models.forest import Forest
from kanhe.judge.models.model import Input, Model, Spread
from kanhe.judge.models.portable import write_model
from kanhe.judge.models.trees import LEAF, Node, tree_of
from kanhe.judge.policy.pack import load_pack
from kanhe.replay import Audit, Comparison, Span, audit, backtest
from tests.flow.packs import FEATURES, MANIFEST, decided, opened, payment, settings, write_pack

SCOPES = frozenset({"decide", "record"})
MORE = """
card_users_1d = distinct("payment.attempted", "user", by="card", over="1d")
small = value("payment.attempted", amount_base < 2000)
ratio = value(["payment.attempted", "refund.requested"], amount_base / 1000)
"""
RULES = """
rule("risky", on="payment.attempted", when=card_risk >= 0.5, points=50,
     en="Risk {card_risk:percent}", zh="风险 {card_risk:percent}", tags=["OAT-001"], owner="risk")
rule("riskier", on="payment.attempted", when=0.8 < card_risk and small == 1, outcome="deny",
     en="Too risky.", zh="风险过高。", tags=["OAT-001"], owner="risk")
rule("unscored", on=["payment.attempted", "refund.requested"], when=missing(card_risk), points=1,
     en="No score.", zh="没有分数。", tags=["OAT-001"], owner="risk")
"""


def model() -> Model:
    """Suspicious from three payments of a card on, and more so from two accounts on."""
    fast = tree_of(
        [
            Node(0, threshold=2.0, missing_left=True, left=1, right=2),
            Node(LEAF, value=-1.5, cover=90),
            Node(LEAF, value=1.0, cover=10),
        ]
    )
    shared = tree_of(
        [
            Node(1, threshold=1.0, missing_left=True, left=1, right=2),
            Node(LEAF, value=-0.5, cover=90),
            Node(LEAF, value=3.0, cover=10),
        ]
    )
    dear = tree_of(
        [
            Node(2, threshold=50.0, missing_left=False, left=1, right=2),
            Node(LEAF, value=0.0, cover=99),
            Node(LEAF, value=0.5, cover=1),
        ]
    )
    inputs = tuple(
        Input(name=name, spread=Spread(typical=typical))
        for name, typical in (("card_n_10m", 1.0), ("card_users_1d", 1.0), ("ratio", None))
    )
    return Model(
        name="card_risk", kind="boosted", objective="binary", inputs=inputs,
        trees=(fast, shared, dear),
    )  # fmt: skip


def pack(tmp_path: Path, rules: str = RULES, made: Model | None = None) -> Path:
    """The small pack with a model."""
    folder = write_pack(tmp_path, FEATURES + MORE, rules)
    named = '[models.card_risk]\nfile = "models/card_risk.json"\non = ["payment.attempted"]\n'
    (folder / "pack.toml").write_text(MANIFEST + named)
    (folder / "models").mkdir(exist_ok=True)
    (folder / "models" / "card_risk.json").write_bytes(write_model(made or model()))
    return folder


def stream() -> list[bytes]:
    """Payments that become suspicious, and a refund that the model does not score."""
    found = [payment(f"e{n}", n, user=f"u{n // 3}") for n in range(6)]
    found.append(payment("r", 6, type="refund.requested", order="o", card=None))
    found.append(payment("dear", 7, card="other", amount_minor=90_000))
    return found


def answers(tmp_path: Path, size: int = 1) -> list[dict[str, Any]]:
    """What becomes of the stream, in groups of a size."""
    asked = [Asked("a", raw, SCOPES, True) for raw in stream()]
    found = []
    with opened(tmp_path) as kanhe:
        for begin in range(0, len(asked), size):
            found += kanhe.take(asked[begin : begin + size])
            kanhe.commit()
    return [decided(one.answer) for one in found]  # type: ignore[union-attr] # none is refused


def test_rules_read_the_score_of_a_model(tmp_path: Path) -> None:
    """The score is a number in conditions and sentences, and missing where the model is not for."""
    pack(tmp_path / "pack")
    told = answers(tmp_path)
    assert [t["outcome"] for t in told] == ["allow"] * 2 + ["challenge"] + ["deny"] * 3 + [
        "allow"
    ] * 2
    rules = [[r["rule"] for r in t.get("reasons", [])] for t in told]
    assert rules == [[], [], ["risky"], *[["riskier", "risky"]] * 3, ["unscored"], []]
    score = Forest(model()).scores(np.array([[3.0, 1.0, 1.999]]))[0]
    assert told[2]["reasons"][0]["text"]["en"] == f"Risk {score:.0%}"


def test_reasons_say_what_weighed_most(tmp_path: Path) -> None:
    """The heaviest inputs are told with their values and what is usual, in both languages, once."""
    pack(tmp_path / "pack")
    told = answers(tmp_path)
    assert told[2]["reasons"][0]["because"] == [
        {
            "en": "3 × payment.attempted for this card in 10 minutes; usually 1",
            "zh": "该银行卡 10 分钟内 payment.attempted 3 次；通常为 1 次",
        }
    ]
    first, second = told[3]["reasons"]
    assert [text["en"] for text in first["because"]] == [
        "2 different accounts for this card in 24 hours; usually 1",
        "4 × payment.attempted for this card in 10 minutes; usually 1",
    ]
    assert "because" not in second


def test_groups_and_single_events_give_the_same_bytes(tmp_path: Path) -> None:
    """One call for a group, with other event types in between, changes nothing."""
    pack(tmp_path / "one" / "pack")
    pack(tmp_path / "all" / "pack")
    assert answers(tmp_path / "one", 1) == answers(tmp_path / "all", 8)


def test_a_replay_finds_the_same_bytes(tmp_path: Path) -> None:
    """Scores are computed again from the event and the vector, and every answer comes out the same."""
    pack(tmp_path / "pack")
    answers(tmp_path, 3)
    found = Audit()
    with open_history(settings(tmp_path)) as history:
        assert list(audit(history, Span(), found)) == []
    assert (found.equal, found.different) == (8, 0)


def test_a_backtest_compares_models(tmp_path: Path) -> None:
    """Another model in the same pack is another pack, and what it would change is found."""
    pack(tmp_path / "pack")
    answers(tmp_path, 3)
    meek = msgspec.structs.replace(model(), base=-9.0)
    other = pack(tmp_path / "other", made=meek)
    found = Comparison()
    with open_history(settings(tmp_path)) as history:
        changes = list(backtest(history, load_pack(other), Span(), found))
    assert [change.event_id for change in changes] == ["e2", "e3", "e4", "e5"]
    assert {change.outcome_now for change in changes} == {"allow"}


def test_a_score_is_no_part_of_the_journaled_vector(tmp_path: Path) -> None:
    """The row holds the features; derived numbers and scores follow from them."""
    pack(tmp_path / "pack")
    answers(tmp_path)
    with opened(tmp_path) as kanhe:
        row = kanhe.journal.read(1)
        assert row and len(row.vector) < 40
        assert json.loads(row.answer)["decision_id"]
