"""The kernel against SQL generated from the same declarations: every feature, every row, every bit."""

from __future__ import annotations

import gc
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest

from . import generate, product
from .declarations import LINES, SHOP, Declared, milliseconds
from .oracle import Column, Oracle
from .reference import Reference

ROWS = int(os.environ.get("KANHE_ORACLE_ROWS", "1000000"))
"""How many events are generated; fewer for a quick look."""
ORDERS = Path(
    os.environ.get(
        "KANHE_ORDERS",
        Path(__file__).parents[4] / "shared" / "data" / "orders_online_retail.parquet",
    )
)
_TEXTS = ("user", "device", "card", "product", "ip_country")


def _codes(table: pa.Table, features: Sequence[Declared]) -> dict[str, float]:
    """The codes of all texts that `last` may return."""
    live = product.live_features(features)
    columns = {f.field for f in features if f.function == "last" and f.field in _TEXTS}
    found = {text for name in columns for text in table[name].unique().to_pylist()}
    return {text: live.text_code(text) for text in found if text is not None}


def _differing(oracle: Column, kernel: Column) -> npt.NDArray[np.intp]:
    """The rows whose bits differ; all NaN are one."""
    same = (oracle.view(np.int64) == kernel.view(np.int64)) | (np.isnan(oracle) & np.isnan(kernel))
    return np.flatnonzero(~same)


def _compare(table: pa.Table, features: list[Declared], spill: Path) -> None:
    """Fail with the first differing row of every feature that is not equal to the bit."""
    vectors = product.observed(product.live_features(features), table)
    gc.collect()
    place = {feature.name: i for i, feature in enumerate(features)}
    wrong, compared = [], 0
    for feature, column in Oracle(table, _codes(table, features), spill).compute(features):
        kernel = np.ascontiguousarray(vectors[:, place[feature.name]])
        compared += 1
        assert not np.isnan(column).all(), f"{feature.name} is missing everywhere: nothing compared"
        rows = _differing(column, kernel)
        if len(rows):
            row = int(rows[0])
            event = {k: v for k, v in table.slice(row, 1).to_pylist()[0].items() if v is not None}
            wrong.append(
                f"{feature.line()}\n  {len(rows)} of {len(column)} rows differ; the first: "
                f"SQL {column[row]!r}, kernel {kernel[row]!r}, at {event}"
            )
    assert compared == len(features)
    assert not wrong, "\n".join(wrong)


def test_the_declarations_cover_the_language() -> None:
    """Every function is checked, over windows from a minute to ninety days, pairs, filters, delays."""
    from kanhe.judge.features.spec import FUNCTIONS

    assert {f.function for f in SHOP} == set(FUNCTIONS)
    assert len(SHOP) >= 60
    assert min(f.over_ms for f in SHOP if f.over) == milliseconds("1m")
    assert max(f.over_ms for f in SHOP) == milliseconds("90d")
    delayed = {f.function for f in SHOP if f.delay}
    assert delayed == {"count", "sum", "mean", "std", "min", "max", "share", "label_rate"}
    assert any(len(f.by) > 1 for f in SHOP)
    assert any(f.where for f in SHOP)


def test_sql_and_model_agree(tmp_path: Path) -> None:
    """The oracle's SQL and the plain model, written apart, read the semantics alike."""
    table = generate.shop(4_000, seed=7)
    codes = _codes(table, SHOP)
    model = Reference(SHOP, codes.__getitem__)
    expected = np.array([model.observe(event) for event in generate.dicts(table)])
    for feature, column in Oracle(table, codes, tmp_path).compute(SHOP):
        rows = _differing(column, np.ascontiguousarray(expected[:, SHOP.index(feature)]))
        assert not len(rows), (
            f"{feature.line()}: row {rows[0]}: SQL {column[rows[0]]!r}, "
            f"model {expected[rows[0], SHOP.index(feature)]!r}"
        )


@pytest.mark.timeout(900)
def test_a_million_events_agree_with_sql(tmp_path: Path) -> None:
    """On a generated shop the kernel and the SQL give the same bits for every feature of every row."""
    _compare(generate.shop(ROWS), SHOP, tmp_path)


@pytest.mark.timeout(900)
@pytest.mark.skipif(not ORDERS.exists(), reason="the file of real orders is not here")
def test_real_orders_agree_with_sql(tmp_path: Path) -> None:
    """On the order lines of a real shop the kernel and the SQL give the same bits."""
    _compare(generate.orders(ORDERS), LINES, tmp_path)
