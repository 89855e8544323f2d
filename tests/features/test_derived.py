"""Derived numbers: what is accepted, what they are worth, and that every way gives the same bits."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanhe.judge.features.declare import read_features
from kanhe.judge.features.derivation import Derivation
from kanhe.judge.features.derived import MAX_DERIVED, DerivedSpec, read_derived
from kanhe.judge.language.source import PolicyError, PolicyErrors, Source
from tests.features.shop import FIELDS, RATES, REQUIRED, arrival

PAY = "payment.attempted"
COUNTED = f"""
n = count("{PAY}", by="card", over="1h")
usual = mean("{PAY}", "amount_base", by="card", over="30d")
place = last("account.login", "ip_country", by="user")
"""
ENDLESS = " * ".join(["1e15"] * 21)
GOLDEN = Path(__file__).parent / "golden"


def read(text: str) -> list[DerivedSpec]:
    source = Source("features.kanhe", COUNTED + text)
    return read_derived(source, FIELDS, read_features(source, FIELDS))


def code(text: str) -> float:
    return float(sum(text.encode()))


def derivation(text: str) -> Derivation:
    return Derivation(read(text), ("n", "usual", "place"), REQUIRED, RATES, code)


def worth(
    expression: str, vector: tuple[float, ...] = (2.0, 50.0, math.nan), **fields: Any
) -> float:
    """What one derived number is on one payment."""
    made = derivation(f'x = value("{PAY}", {expression})')
    event = arrival(PAY, 0, **fields).event
    return float(made.matrix(["x"], [event], np.array([vector]))[0, 0])


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("amount_base / usual", 2.0),
        ("amount_base / (n - 2)", math.nan),  # a division by zero
        ("amount_base / place_known", None),
        ("hour(at_ms)", 0.0),
        ("hour(at_ms, 480)", 8.0),
        ("weekday(at_ms) >= 5", 0.0),
        ("weekday(at_ms)", 3.0),
        ("ip_country == 'DE'", 1.0),
        ("card_country != 'DE'", 0.0),  # missing
        ("lat * 2", math.nan),
        ("n", 2.0),
        (f"amount_minor * {ENDLESS}", math.nan),  # beyond all numbers
        (f"amount_minor * {ENDLESS} - amount_minor * {ENDLESS}", math.nan),
        ("place == ip_country", 0.0),
    ],
)
def test_what_an_expression_is_worth(expression: str, expected: float | None) -> None:
    """Numbers are numbers, conditions 1 or 0, and what cannot be computed is missing."""
    if expected is None:
        with pytest.raises(PolicyErrors):
            worth(expression)
        return
    found = worth(expression, ip_country="DE")
    assert found == expected or (math.isnan(found) and math.isnan(expected))


def test_a_text_feature_can_be_compared() -> None:
    """What is remembered of a text is held against the text of the event."""
    assert worth("place == ip_country", (1.0, 1.0, code("DE")), ip_country="DE") == 1.0


def test_derived_numbers_build_on_those_before() -> None:
    """A later one may read an earlier one, and there is none on other event types."""
    made = derivation(f'a = value("{PAY}", n * 2)\nb = value(["{PAY}", "account.login"], a + 1)')
    events = [arrival(PAY, 0).event, arrival("account.login", 0, user="u").event]
    wide = made.widened(events, np.array([[2.0, 1.0, 1.0]] * 2), room=1)
    assert wide[0, 3:5].tolist() == [4.0, 5.0]
    assert np.isnan(wide[1, 3:]).all() and math.isnan(wide[0, 5])
    assert made.index == {"n": 0, "usual": 1, "place": 2, "a": 3, "b": 4}


@given(
    st.lists(
        st.tuples(st.integers(0, 10**9), st.floats(0, 1e6) | st.just(math.nan)),
        min_size=1,
        max_size=9,
    )
)
def test_alone_in_a_group_or_in_a_batch_it_is_the_same(rows: list[tuple[int, float]]) -> None:
    """Whoever has event and vector gets the same bits, however many stand beside it."""
    made = derivation(
        f'r = value("{PAY}", amount_base / (usual + 1))\nh = value("{PAY}", hour(at_ms))'
    )
    events = [arrival(PAY, n, amount_minor=amount).event for n, (amount, _) in enumerate(rows)]
    vectors = np.array([[1.0, usual, math.nan] for _, usual in rows])
    whole = made.matrix(["h", "r", "usual"], events, vectors)
    assert whole.flags.c_contiguous
    for n, event in enumerate(events):
        alone = made.matrix(["h", "r", "usual"], [event], vectors[n : n + 1])
        assert alone.tobytes() == whole[n : n + 1].tobytes()


def test_without_derived_numbers_the_vectors_are_left_as_they_are() -> None:
    """A pack without derived numbers pays nothing for them, and a wrong shape is noticed."""
    made = derivation("")
    vectors = np.zeros((1, 3))
    assert made.widened([arrival(PAY, 0).event], vectors) is vectors
    with pytest.raises(ValueError, match="3 features each"):
        made.widened([arrival(PAY, 0).event], np.zeros((1, 2)))


CASES = {
    "unknown_name": f'x = value("{PAY}", amount_base / usuel)\n',
    "unknown_type": 'x = value("payment.atempted", n)\n',
    "field_elsewhere": f'x = value(["{PAY}", "account.login"], amount_base)\n',
    "text": f'x = value("{PAY}", ip_country)\n',
    "lacks_expression": f'x = value("{PAY}")\n',
    "no_name": f'value("{PAY}", n)\n',
    "name_of_a_field": f'card = value("{PAY}", n)\n',
    "name_of_a_feature": f'n = value("{PAY}", 1)\n',
    "later_one": f'x = value("{PAY}", y)\ny = value("{PAY}", n)\n',
    "division_by_zero": f'x = value("{PAY}", n / 0)\n',
    "one_slip_once": f'x = value("{PAY}", nn)\ny = value("{PAY}", x + 1)\n',
    "unknown_function": f'x = valeu("{PAY}", n)\n',
}


@pytest.mark.parametrize("case", CASES)
def test_a_mistake_reads_as_agreed(case: str) -> None:
    """Each mistake has its place, a caret, what is wrong, and mostly what to do."""
    with pytest.raises((PolicyError, PolicyErrors)) as caught:
        read(CASES[case])
    text, path = f"{caught.value}\n", GOLDEN / f"{case}.txt"
    if os.environ.get("KANHE_WRITE_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
    assert text == path.read_text("utf-8")
    assert {found.stem for found in GOLDEN.glob("*.txt")} == set(CASES)


def test_there_is_a_limit() -> None:
    """A pack cannot ask for more derived numbers than an event has time for."""
    with pytest.raises(PolicyErrors, match="derived numbers; a pack may declare"):
        read("\n".join(f'd{n} = value("{PAY}", n)' for n in range(MAX_DERIVED + 1)))
