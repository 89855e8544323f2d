"""(l) One row through 300 boosted trees, and the reasons for its score, against LightGBM itself.

`python -m bench.trees ROUNDS ROWS` trains LightGBM on rows of 60 features, a tenth of whose values
are missing, and times row by row, in turns: `Booster.predict` on one thread as anybody would call it,
and Kanhe's kernel through its own API. No row comes twice in a round, so that the processor cannot
learn a row's way through the trees. The trees have 31 leaves and a depth of 6; beside that stand trees
without a limit of depth, and LightGBM's fast path for single rows, which its Python package does not
offer: the C function is called through ctypes with everything prepared beforehand. Scores must agree
first.
"""

from __future__ import annotations

import ctypes
import json
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import lightgbm
import numpy as np
import numpy.typing as npt

from kanhe.judge.models.forest import Forest
from kanhe.judge.models.model import Input, Model
from kanhe.judge.models.portable import sealed
from kanhe.judge.models.trees import trees_of_lightgbm

TREES = 300
FEATURES = 60
Floats = npt.NDArray[np.float64]


def rows(count: int, seed: int = 5) -> Floats:
    """Counts, amounts and times, as a shop's features are, a tenth of them missing."""
    rng = np.random.default_rng(seed)
    made = rng.exponential(3.0, (count, FEATURES))
    made[:, :30] = rng.poisson(made[:, :30])
    made[rng.random(made.shape) < 0.1] = np.nan
    return made


def trained(given: Floats, names: tuple[str, ...], depth: int = 6) -> tuple[Any, Model]:
    """A booster over these rows, and the same as a model; a tenth of the rows are called fraud."""
    rng = np.random.default_rng(6)
    known = np.nan_to_num(given, nan=-1.0)
    weights = rng.normal(size=(given.shape[1], 8))
    risk = np.tanh(known @ weights / (1.0 + np.abs(known @ weights).mean(axis=0))).prod(axis=1)
    label = risk > np.quantile(risk, 0.9)
    settings = {
        "objective": "binary", "num_leaves": 31, "max_depth": depth, "learning_rate": 0.05,
        "num_threads": 1, "seed": 1, "verbose": -1,
    }  # fmt: skip
    booster = lightgbm.train(settings, lightgbm.Dataset(given, label), TREES)
    grown = trees_of_lightgbm(booster.dump_model())
    inputs = tuple(
        Input(name=name, zero_is_missing=zero)
        for name, zero in zip(names, grown.zero_is_missing, strict=True)
    )
    model = Model(
        name="bench", kind="boosted", objective="binary", inputs=inputs, trees=grown.trees
    )
    return booster, sealed(model)


def measure(rounds: int, count: int) -> dict[str, float]:
    """Microseconds of each for one row, median of rounds in turn, and how many times faster."""
    found = _measured(rounds, count, depth=6)
    deep = _measured(rounds, count, depth=-1)
    return found | {f"deep_{key}": value for key, value in deep.items()} | {
        "trees": TREES, "features": FEATURES, "rounds": rounds, "rows": count,
    }  # fmt: skip


def _measured(rounds: int, count: int, depth: int) -> dict[str, float]:
    given = rows(20_000 + count)
    booster, model = trained(given[:20_000], tuple(f"f{n}" for n in range(FEATURES)), depth)
    forest = Forest(model)
    forest.warm()
    asked = [given[n : n + 1] for n in range(20_000, len(given))]
    fast = _fast(booster, asked)
    ways: dict[str, Callable[[int], object]] = {
        "kanhe_score_us": lambda n: forest.scores(asked[n]),
        "kanhe_reasons_us": lambda n: forest.explain(asked[n]),
        "lightgbm_us": lambda n: booster.predict(asked[n], num_threads=1),
        "lightgbm_fast_us": fast,
    }
    theirs = booster.predict(given[20_000:])
    assert np.allclose(forest.scores(given[20_000:]), theirs, rtol=0, atol=1e-12)
    assert [fast(n) for n in range(count)] == theirs.tolist()
    spent: dict[str, list[float]] = {name: [] for name in [*ways, "kanhe_grouped_us"]}
    for _ in range(rounds):
        for name, way in ways.items():
            before = time.perf_counter()
            for n in range(count):
                way(n)
            spent[name].append((time.perf_counter() - before) / count * 1e6)
        before = time.perf_counter()
        forest.scores(given[20_000:])
        spent["kanhe_grouped_us"].append((time.perf_counter() - before) / count * 1e6)
    return {name: statistics.median(times) for name, times in spent.items()} | {
        "trees_vs_lightgbm": _ratio(spent["lightgbm_us"], spent["kanhe_score_us"]),
        "reasons_vs_lightgbm": _ratio(spent["lightgbm_us"], spent["kanhe_reasons_us"]),
        "trees_vs_lightgbm_fast": _ratio(spent["lightgbm_fast_us"], spent["kanhe_score_us"]),
    }


def _ratio(theirs: list[float], ours: list[float]) -> float:
    return statistics.median(t / o for t, o in zip(theirs, ours, strict=True))


def _fast(booster: Any, asked: list[Floats]) -> Callable[[int], float]:
    """LightGBM's fast path for one row (`LGBM_BoosterPredictForMatSingleRowFast`)."""
    library = lightgbm.basic._LIB
    config = ctypes.c_void_p()
    status = library.LGBM_BoosterPredictForMatSingleRowFastInit(
        booster._handle, ctypes.c_int(0), ctypes.c_int(0), ctypes.c_int(-1), ctypes.c_int(1),
        ctypes.c_int32(FEATURES), ctypes.c_char_p(b"num_threads=1"), ctypes.byref(config),
    )  # fmt: skip
    assert status == 0, "LightGBM has its fast path"
    length, out = ctypes.c_int64(), ctypes.c_double()
    length_at, out_at = ctypes.byref(length), ctypes.byref(out)
    pointers = [ctypes.c_void_p(row.ctypes.data) for row in asked]
    call = library.LGBM_BoosterPredictForMatSingleRowFast

    def predict(n: int) -> float:
        call(config, pointers[n], length_at, out_at)
        return out.value

    return predict


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1]), int(sys.argv[2]))))
