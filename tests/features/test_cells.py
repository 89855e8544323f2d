"""Features of a group with cells: the same vectors, journal forms and state as of events in Python."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kanhe.core.currencies import EXPONENT
from kanhe.core.event import Arrival
from kanhe.core.money import AMOUNT_MAX_MINOR, Rates
from kanhe.judge.features.declare import MAX_CONDITIONS, read_features
from kanhe.judge.features.live import LiveFeatures
from kanhe.judge.intake.group import Group, group_of
from kanhe.judge.intake.registry import Registry
from kanhe.judge.language.source import PolicyErrors, Source
from kanhe.judge.policy.pack import load_pack, starter_path
from tests.features.shop import FIELDS, KEY, REGISTRY, REQUIRED, START_MS, declared
from tests.intake.cells_of import group_with_cells
from tests.intake.events import valid_events

PAY = "payment.attempted"
RATES = Rates("EUR", {"USD": "0.92", "GBP": "11.7", "JPY": "0.0061", "VND": "0.000033719284612345"})
"""One of them with so many digits that amounts do not fit 64 bits on the way."""


def features_of(text: str, rates: Rates = RATES) -> LiveFeatures:
    """A fresh state for these declarations."""
    return LiveFeatures(declared(text), FIELDS, REQUIRED, rates, KEY, limit_bytes=1 << 26)


def fed(features: LiveFeatures, group: Group) -> tuple[list[Any], list[bytes], dict[str, bytes]]:
    """What a group of events gives: vectors (as their bits), journal forms and the state."""
    vectors, packed = features.observe_group(group)
    state = {name: bytes(part) for name, part in features.dump().items()}
    return vectors.view(np.int64).tolist(), packed, state


def inputs(features: LiveFeatures, count: int) -> list[list[int]]:
    """What the kernel was given for each event: numbers, bits, hashes and keys."""
    return features._inputs[:count].tolist()


def assert_same(
    made: Callable[[], LiveFeatures], groups: Sequence[Group], registry: Registry = REGISTRY
) -> None:
    """One after the other, groups give the same with their cells and without them."""
    slow, fast = made(), made()
    for group in groups:
        arrivals = [group.arrival(n) for n in range(len(group))]
        assert fed(fast, group) == fed(slow, group_of(arrivals))
        assert inputs(fast, len(group)) == inputs(slow, len(group))


def arrival(values: dict[str, Any], tenant: str = "shop") -> Arrival:
    """An accepted event, without the JSON."""
    fields = {name: tuple(v) if isinstance(v, list) else v for name, v in values.items()}
    event = REGISTRY.struct(fields.pop("type"))(**fields)
    return Arrival(tenant, event, b"", 0)


@st.composite
def mixed_groups(draw: st.DrawFn, count: int = 12) -> Group:
    """Events of any type and some tenants, of which some have cells."""
    tenants = st.sampled_from(draw(st.sampled_from([["a"], ["a", "b", "商店"]])))
    events = draw(st.lists(st.tuples(valid_events(), tenants), min_size=1, max_size=count))
    group = group_with_cells(REGISTRY, [arrival(*event) for event in events])
    if draw(st.booleans()):
        group.rows = [-1 if draw(st.integers(0, 3)) == 0 else row for row in group.rows]
    return group


STARTER = load_pack(starter_path())


def starter() -> LiveFeatures:
    """The state of the starter pack."""
    fields = {name: STARTER.registry.fields_of(name) for name in STARTER.registry.types}
    return LiveFeatures(STARTER.features, fields, REQUIRED, RATES, KEY, limit_bytes=1 << 26)


@given(st.lists(mixed_groups(), min_size=1, max_size=3))
@settings(max_examples=150)
def test_cells_give_what_events_give(groups: list[Group]) -> None:
    """Every type, mixed rows, several tenants, any text: the starter pack sees no difference."""
    assert STARTER.registry.types.keys() == REGISTRY.types.keys()
    assert_same(starter, groups)


def test_the_starter_pack_needs_no_python() -> None:
    """All of its conditions are worked out by the kernel."""
    assert starter()._sources.types == REGISTRY.types.keys()


_NUMBER = st.sampled_from(
    ["amount_minor", "amount_base", "items_count", "attempt_no", "at_ms", "3", "100", "2.5", "-1", "-0.5",
     "1e3", "1000000000000", "1764547200000.5"]
)  # fmt: skip
_TEXT = st.sampled_from(
    ["ip_country", "card_country", "currency", "avs_result", "card", "user", "user_agent", "type", "id",
     "email", "'x'", "'买家店'", "'twelve bytes'", "'eight by'"]
)  # fmt: skip
_FLAG = st.sampled_from(["is_guest", "is_vpn", "True", "False"])


def _joined(*parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.tuples(*parts).map(" ".join).map("({})".format)


def _numbers() -> st.SearchStrategy[str]:
    number = st.deferred(lambda: _NUMBER | _NUMBER | node)
    node = st.one_of(
        _joined(number, st.sampled_from("+-*/"), number),
        _joined(
            number, st.sampled_from(["//", "%"]), st.sampled_from(["7", "-3", "2.5", "items_count"])
        ),
        number.map("(-{})".format),
        number.map("abs({})".format),
        st.tuples(number, number).map(lambda two: f"min({two[0]}, {two[1]})"),
        st.tuples(number, number).map(lambda two: f"max({two[0]}, {two[1]}, 3)"),
        number.map("hour({}, 480)".format),
        number.map("weekday({})".format),
        st.sampled_from(["len(user_agent)", "len(card)", "lat", "round(amount_base, 2)"]),
    )
    return number


def _conditions() -> st.SearchStrategy[str]:
    number, equal = _numbers(), st.sampled_from(["==", "!="])
    order = st.sampled_from(["==", "!=", "<", "<=", ">", ">="])
    member = st.sampled_from(["in", "not in"])
    condition = st.deferred(lambda: leaf | leaf | node)
    leaf = st.one_of(
        _FLAG,
        _joined(number, order, number),
        _joined(number, order, number, order, number),
        _joined(_TEXT, equal, _TEXT),
        _joined(_FLAG, equal, _FLAG),
        _joined(_TEXT, equal, _TEXT, equal, _TEXT),
        _joined(_TEXT, member, st.sampled_from(["('x',)", "['DE', 'FR', 'US', 'GB']", "['partial', 'match']",
                                                "['买家店', '买', 'twelve bytes', 'eight by']"])),
        _joined(number, member, st.sampled_from(["(1, 2.0, 2.5, -3)", "[100]"])),
        st.tuples(st.sampled_from(["known", "missing"]), number | _TEXT | st.sampled_from(["lat", "is_vpn"]))
        .map("{0[0]}({0[1]})".format),
        st.sampled_from(["lower(card) == 'x'", "contains(user, 'x')"]),
    )  # fmt: skip
    node = st.one_of(
        _joined(condition, st.sampled_from(["and", "or", "==", "!="]), condition),
        condition.map("(not {})".format),
    )
    return condition


def accepted(text: str) -> bool:
    """Whether this can be a condition on payments."""
    try:
        read_features(
            Source("f", f'f = count("{PAY}", by="user", over="1h", where={text})'), FIELDS
        )
    except PolicyErrors:
        return False
    return True


_POOLS: dict[str, tuple[Any, ...]] = {
    "amount_minor": (0, 1, 2, 3, 99, 100, 101, 10**12),
    "items_count": (1, 2, 3),
    "attempt_no": (1, 2, 3, 100),
    "currency": ("EUR", "USD", "VND", "KWD"),
    "ip_country": ("DE", "FR"),
    "card_country": ("DE", "FR"),
    "avs_result": ("match", "partial"),
    "card": ("x", "eight by", "twelve bytes", "买家店"),
    "user": ("x", "eight by", "买家店", "买"),
    "user_agent": ("x", "twelve bytes", "twelve bytez"),
    "email": ("x", "a@b"),
    "is_guest": (True, False),
    "is_vpn": (True, False),
    "lat": (0.0, 52.5),
}


@st.composite
def payments(draw: st.DrawFn) -> dict[str, Any]:
    """Payments whose fields are often the same as others, as literals, or not there."""
    event: dict[str, Any] = {"type": PAY, "id": draw(st.sampled_from(["x", "e"]))}
    event["at_ms"] = START_MS + draw(st.integers(0, 10**9))
    for name, pool in _POOLS.items():
        if name in REQUIRED[PAY] or draw(st.booleans()):
            event[name] = draw(st.sampled_from(pool))
    return event


@given(
    st.lists(_conditions().filter(accepted), min_size=1, max_size=6),
    st.lists(payments(), min_size=1, max_size=10),
)
@settings(max_examples=400)
def test_conditions_mean_the_same_to_the_kernel(
    conditions: list[str], events: list[dict[str, Any]]
) -> None:
    """Whatever the kernel takes upon itself it decides as the generated Python does."""
    lines = [
        f'f{n} = count("{PAY}", by="user", over="1h", where={text})'
        for n, text in enumerate(conditions)
    ]
    lines.append(
        f's = share("{PAY}", of={conditions[0]}, by="card", over="1h", where={conditions[-1]})'
    )
    group = group_with_cells(REGISTRY, [arrival(event) for event in events])
    assert_same(lambda: features_of("\n".join(lines)), [group])


_NUMBERS = ("amount_minor", "amount_base", "items_count", "2", "2.0", "2.5", "-0.5")
_TEXTS = ("card", "user", "ip_country", "card_country", "type", "'x'", "'买家店'", f"'{PAY}'")
_FLAGS = ("is_guest", "is_vpn", "True", "False")
PAIRS = [
    f"{left} {op} {right}"
    for operands, ops in ((_NUMBERS, "== != < <= > >="), (_TEXTS, "== !="), (_FLAGS, "== !="))
    for left, op, right in product(operands, ops.split(), operands)
]


@pytest.mark.parametrize("start", range(0, len(PAIRS), MAX_CONDITIONS))
def test_every_pair_compares_alike(start: int) -> None:
    """All operators between fields, literals, fractions and what is missing."""
    conditions = filter(accepted, PAIRS[start : start + MAX_CONDITIONS])
    lines = [
        f'f{n} = count("{PAY}", by="merchant", over="1h", where={text})'
        for n, text in enumerate(conditions)
    ]
    event = {"type": PAY, "id": "e", "at_ms": START_MS, "merchant": "m"}
    groups = [
        group_with_cells(
            REGISTRY, [arrival(event | {k: v for k, v in more.items() if v is not None})]
        )
        for amount, currency in product((0, 1, 2, 3), ("EUR", "KWD"))
        for count, place in product((None, 1, 2, 3), (None, "DE", "FR"))
        for name, flag in ((None, None), ("x", True), ("买家店", False))
        for more in [
            {"amount_minor": amount, "currency": currency, "items_count": count, "card": name,
             "user": "x", "ip_country": place, "card_country": "DE", "is_guest": flag, "is_vpn": False}
        ]
    ]  # fmt: skip
    assert_same(lambda: features_of("\n".join(lines)), groups)


def alone(condition: str) -> bool:
    """Whether the kernel needs no Python for payments with this condition."""
    line = f'f = count("{PAY}", by="user", over="1h", where={condition})'
    return PAY in features_of(line)._sources.types


@pytest.mark.parametrize(
    "condition",
    ["amount_base < 500", "2 * amount_minor - items_count >= 7", "currency in ('EUR', 'USD')",
     "ip_country != card_country", "is_guest and not is_vpn", "known(email) or missing(lat)",
     "hour(at_ms, 480) < 6", "type == 'payment.attempted'", "-0.5 < items_count <= 2.5",
     "amount_minor % 100 == 0", "user_agent not in ('a', 'b')"],
)  # fmt: skip
def test_plain_conditions_are_the_kernel_s(condition: str) -> None:
    """What packs mostly ask is worked out without Python."""
    assert alone(condition)


@pytest.mark.parametrize(
    "condition",
    ["amount_base * 0.5 < 500", "100 / items_count > 1", "lower(card) == 'x'", "lat > 0",
     "amount_minor * amount_minor > 4", "contains(user, 'x')", "len(card) == 4"],
)  # fmt: skip
def test_other_conditions_stay_with_python(condition: str) -> None:
    """Fractions, what is inside texts, and numbers beyond 64 bits are left to Python."""
    assert not alone(condition)


@given(
    st.dictionaries(
        st.sampled_from(sorted(EXPONENT)),
        st.decimals("1e-15", "3000000", allow_nan=False, allow_infinity=False).map("{:f}".format),
        min_size=1,
        max_size=4,
    ),
    st.lists(st.integers(0, AMOUNT_MAX_MINOR), min_size=1, max_size=12),
    st.sampled_from(["EUR", "JPY", "KWD"]),
)
def test_amounts_are_converted_to_the_same_bits(
    rates: dict[str, str], amounts: list[int], base: str
) -> None:
    """Whatever the rates, halves are rounded up, and unknown currencies are missing."""
    text = (
        f'l = last("{PAY}", "amount_base", by="user")\n'
        f'n = count("{PAY}", by="user", over="1h", where=amount_base >= 100000)'
    )
    codes = [*rates, "BIF", base]
    events = [
        {"type": PAY, "id": "e", "at_ms": START_MS + n, "user": "u", "amount_minor": amount,
         "currency": codes[n % len(codes)]}
        for n, amount in enumerate(amounts)
    ]  # fmt: skip
    group = group_with_cells(REGISTRY, [arrival(event) for event in events])
    assert_same(lambda: features_of(text, Rates(base, rates)), [group])


def test_a_rate_beyond_all_bounds_leaves_amounts_to_python() -> None:
    """Where an amount in the base currency may not fit 64 bits, the kernel does not try."""
    text = f's = sum("{PAY}", "amount_base", by="user", over="1h")'
    assert PAY in features_of(text)._sources.types
    assert PAY not in features_of(text, Rates("EUR", {"USD": "9000000"}))._sources.types


def test_labels_count_for_the_event_they_speak_of() -> None:
    """The verdict, and the time of the event it is about, are read from the cells."""
    text = 'r = label_rate("payment.attempted", by="user", over="1h")'
    paid = {"type": PAY, "user": "u", "amount_minor": 1, "currency": "EUR"}
    label = {"type": "label.assigned", "user": "u", "subject_event": "e0"}
    events = [
        paid | {"id": "e0", "at_ms": START_MS},
        paid | {"id": "e1", "at_ms": START_MS + 1},
        label
        | {"id": "l0", "at_ms": START_MS + 2, "verdict": "legitimate", "subject_at_ms": START_MS},
        label | {"id": "l1", "at_ms": START_MS + 3, "verdict": "fraud", "subject_at_ms": START_MS},
        label | {"id": "l2", "at_ms": START_MS + 4, "verdict": "fraud"},
        paid | {"id": "e2", "at_ms": START_MS + 5},
    ]
    group = group_with_cells(REGISTRY, [arrival(event) for event in events])
    assert list(group.rows) == list(range(6))
    assert_same(lambda: features_of(text), [group])
    vectors, _ = features_of(text).observe_group(group)
    assert vectors[-1].tolist() == [1 / 3]


def test_recognised_events_are_not_made() -> None:
    """Nobody decodes an event that the kernel reads from its cells."""
    event = {
        "type": PAY,
        "id": "e",
        "at_ms": START_MS,
        "user": "u",
        "amount_minor": 1,
        "currency": "EUR",
    }
    group = group_with_cells(REGISTRY, [arrival(event)] * 3)
    group.events = ()
    vectors, _ = features_of(f'n = count("{PAY}", by="user", over="1h")').observe_group(group)
    assert vectors.ravel().tolist() == [1, 2, 3]
