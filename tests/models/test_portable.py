"""The text of models: equal content has equal bytes, and what was touched is refused."""

from __future__ import annotations

import math
import re
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kanhe.core.decision import Text
from kanhe.judge.models.checks import MAX_DEPTH, ModelError
from kanhe.judge.models.model import Card, Group, Input, Isotonic, Model, Platt, Spread, Training
from kanhe.judge.models.portable import content_hash, read_model, sealed, write_model
from kanhe.judge.models.trees import LEAF, Node, tree_of
from tests.models.samples import STUMP, boosted, model_of, models

FULL = model_of(
    calibration=Isotonic(raw=(-1.0, 2.0), score=(0.01, 0.9)),
    score=Spread(typical=0.01, edges=(0.1,), shares=(0.9, 0.1)),
    metrics={"roc_auc": 0.9, "average_precision": 0.7},
    training=Training(
        from_ms=0, until_ms=86_400_000, label_delay_ms=7, types=("payment.attempted",), rows=100,
        positives=10, seed=3, parameters={"num_leaves": 31, "eta": 0.1, "kind": "gbdt", "on": True},
        versions={"lightgbm": "4.6.0"},
    ),
    card=Card(
        intended_use=Text("Cards.", "银行卡。"),
        groups=(Group(by="country", value="DE", rows=50, positives=5, metrics={"recall": 0.5}),),
    ),
)  # fmt: skip


@given(models())
@settings(max_examples=50)
def test_what_is_written_is_read_back(model: Model) -> None:
    """Every model survives its file, and is written the same again, to the byte."""
    raw = write_model(model)
    again = read_model(raw)
    assert write_model(again) == raw
    assert again == sealed(model)


def test_a_trained_model_is_read_back() -> None:
    """Trees as they come from training, with all that is known of a model, survive their file."""
    _, model = boosted()
    full = msgspec.structs.replace(FULL, trees=model.trees, inputs=model.inputs)
    assert read_model(write_model(full)) == sealed(full)


def test_the_order_of_a_mapping_is_of_no_account() -> None:
    """Equal content has an equal hash, in whatever order it was put together."""
    turned = dict(reversed(FULL.metrics.items()))
    assert content_hash(msgspec.structs.replace(FULL, metrics=turned)) == content_hash(FULL)


def test_trees_are_numbered_the_same_whatever_order_their_nodes_had() -> None:
    """The same tree from differently ordered nodes is the same tree."""
    leaf, other = Node(LEAF, value=1.0), Node(LEAF, value=2.0)
    assert tree_of([Node(0, 1.0, False, 1, 2), leaf, other]) == tree_of(
        [Node(0, 1.0, False, 2, 1), other, leaf]
    )


@given(st.data())
@settings(max_examples=400)
def test_a_flipped_bit_anywhere_is_refused(data: st.DataObject) -> None:
    """There is no bit in the file whose loss goes unnoticed."""
    raw = bytearray(write_model(FULL))
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(ModelError):
        read_model(bytes(raw))


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_with_words(raw: bytes) -> None:
    """What is no model is refused as such, whatever it is."""
    with pytest.raises(ModelError):
        read_model(raw)


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (lambda raw: raw + b"\n", "rewritten"),
        (lambda raw: raw[:-1], "rewritten"),
        (lambda raw: raw + b"{}", "not the file of a model"),
        (lambda raw: raw[: len(raw) // 2], "not the file of a model"),
        (lambda raw: raw.replace(b"kanhe-model/1", b"kanhe-model/2"), "upgrade Kanhe"),
        (lambda raw: raw.replace(b"roc_auc", b"roc_auk"), "changed after it was written"),
        (lambda raw: raw.replace(b'"name":"risk"', b'"name":"risk","more":1'), "damaged"),
        (lambda raw: b"\x80\x04K\x01.", "not the file of a model"),
        (lambda raw: b"[" * 100_000, "not the file of a model"),
        (lambda raw: b"", "not the file of a model"),
        (lambda raw: b" " * ((64 << 20) + 1), "larger than"),
    ],
)
def test_a_file_that_is_not_as_written_is_refused(made: Any, said: str) -> None:
    """Each way of damage is told apart, and says what to do."""
    with pytest.raises(ModelError, match=said) as caught:
        read_model(made(write_model(FULL)))
    assert caught.value.hint


def _deep(depth: int) -> list[Node]:
    nodes = []
    for n in range(depth):
        nodes += [Node(0, float(n), False, 2 * n + 1, 2 * n + 2), Node(LEAF)]
    return [*nodes, Node(LEAF)]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"trees": ()}, "0 trees"),
        ({"inputs": ()}, "0 inputs"),
        ({"name": "No Name"}, "name of a model"),
        ({"base": math.nan}, "nan"),
        ({"inputs": (Input(name="a"), Input(name="a"))}, "twice"),
        ({"inputs": (Input(name="../a"), Input(name="b"))}, "name of an input"),
        ({"calibration": Platt(a=-1.0, b=0.0)}, "order of scores"),
        ({"calibration": Isotonic(raw=(0.0, 1.0), score=(0.5, 0.4))}, "does not rise"),
        ({"calibration": Isotonic(raw=(0.0, 0.0), score=(0.5, 0.5))}, "does not rise"),
        ({"calibration": Isotonic(raw=(), score=())}, "0 raw scores"),
        ({"calibration": Isotonic(raw=(0.0,), score=(1.5,))}, "leaves 0 to 1"),
        ({"score": Spread(edges=(1.0,), shares=(1.0,))}, "1 edges and 1 shares"),
        ({"score": Spread(edges=(1.0,), shares=(0.7, 0.7))}, "parts of 1"),
        ({"score": Spread(edges=(1.0, math.inf), shares=(0.5, 0.5, 0.0))}, "inf"),
        ({"score": Spread(typical=math.nan)}, "nan"),
        ({"metrics": {"auc": math.nan}}, "nan"),
        ({"training": Training(rows=1, positives=2)}, "positives"),
        ({"trees": (tree_of(_deep(MAX_DEPTH + 1)),)}, "deeper"),
    ],
)
def test_what_cannot_be_scored_is_refused(changes: dict[str, Any], said: str) -> None:
    """Numbers that are none, curves that fall, trees without end: each is refused with its place."""
    with pytest.raises(ModelError, match=re.escape(said)):
        write_model(msgspec.structs.replace(FULL, **changes))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"input": (7,)}, "does not have"),
        ({"input": (-1,)}, "does not have"),
        ({"threshold": (math.nan,)}, "nan"),
        ({"threshold": (math.inf,)}, "inf"),
        ({"value": (1.0, math.inf)}, "inf"),
        ({"value": (1e13, 0.0)}, "10000000000000.0"),
        ({"cover": (1.0, 0.0)}, "no training row"),
        ({"left": (0,)}, "leads to 0"),
        ({"left": (5,)}, "leads to 5"),
        ({"left": (-9,)}, "leads to -9"),
        ({"left": (-2,)}, "two splits lead to -2"),
        ({"value": (1.0,), "cover": (1.0,)}, "1 splits and 1 leaves"),
        ({"missing_left": ()}, "different lengths"),
    ],
)
def test_a_tree_that_would_lead_the_kernel_astray_is_refused(
    changes: dict[str, Any], said: str
) -> None:
    """No file makes the kernel read outside its arrays or go round in circles."""
    with pytest.raises(ModelError, match=re.escape(said)):
        write_model(model_of(msgspec.structs.replace(STUMP, **changes)))


def test_splits_that_lead_only_to_each_other_are_refused() -> None:
    """A ring beside the root has one parent each, and is still no tree."""
    ring = msgspec.structs.replace(
        STUMP, input=(0, 0, 0), threshold=(0.0,) * 3, missing_left=(True,) * 3, left=(-1, 2, 1),
        right=(-2, -3, -4), value=(0.0,) * 4, cover=(1.0,) * 4,
    )  # fmt: skip
    with pytest.raises(ModelError, match="split 2 leads to 1"):
        write_model(model_of(ring))
