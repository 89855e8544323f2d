"""Small random histories and random declarations: kernel, plain model and SQL say the same."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from kanhe.core.event import Arrival
from kanhe.core.money import Rates
from kanhe.judge.features.live import LiveFeatures
from kanhe.judge.features.vectors import unpack_vector
from kanhe.judge.intake.group import group_of

from . import product
from .conditions import CONDITIONS
from .declarations import Declared
from .generate import BASE, RATES, with_base
from .oracle import Oracle
from .reference import Reference

START_MS = 1_764_547_200_000
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000

PAID, LOGIN, LABEL, DELIVERED = (
    "payment.attempted", "account.login", "label.assigned", "parcel.delivered",
)  # fmt: skip
_NUMBERS = {PAID: ("amount_base", "amount_minor", "items_count"), DELIVERED: ("delay_days",)}
_TEXTS = {PAID: ("card", "ip_country"), LOGIN: ("device", "ip_country"), DELIVERED: ("merchant",)}
_ENTITIES = {
    PAID: ("user", "card", "device", "merchant"),
    LOGIN: ("user", "device"),
    LABEL: ("user", "card", "device", "merchant"),
    DELIVERED: ("user", "merchant", "card"),
}
_SCHEMA = pa.schema(
    [("seq", pa.int64()), ("tenant", pa.string()), ("type", pa.string()), ("at_ms", pa.int64())]
    + [(name, pa.string()) for name in ("user", "card", "device", "merchant", "parcel")]
    + [(name, pa.string()) for name in ("currency", "ip_country", "card_country", "verdict")]
    + [(name, pa.int64()) for name in ("amount_minor", "items_count", "delay_days")]
    + [("subject_at_ms", pa.int64()), ("lat", pa.float64()), ("lon", pa.float64())]
    + [("is_guest", pa.bool_())]
)

maybe = st.integers(0, 3).map(lambda n: n > 0)


@st.composite
def declarations(draw: st.DrawFn, count: int) -> list[Declared]:
    """Declarations over short windows, so that few events fill and leave them."""
    return [draw(_declared(f"f{i}")) for i in range(count)]


@st.composite
def _declared(draw: st.DrawFn, name: str) -> Declared:
    function = draw(st.sampled_from(
        ["count", "sum", "mean", "std", "min", "max", "distinct", "share", "label_rate", "last",
         "since_last", "first_seen", "age", "speed"]
    ))  # fmt: skip
    kind = LOGIN if function == "speed" else draw(st.sampled_from([PAID, PAID, LOGIN, DELIVERED]))
    fields: Sequence[str] = ()
    if function in ("sum", "mean", "std", "min", "max"):
        kind = draw(st.sampled_from([PAID, DELIVERED]))
        fields = _NUMBERS[kind]
    elif function in ("last", "distinct"):
        fields = _NUMBERS.get(kind, ()) + _TEXTS[kind]
    types: tuple[str, ...] = (kind,)
    if not fields and kind != DELIVERED and function != "speed" and draw(st.booleans()):
        types = (PAID, LOGIN)
    common = [e for e in _ENTITIES[PAID] if all(e in _ENTITIES[t] for t in types)]
    by = tuple(draw(st.lists(st.sampled_from(common), min_size=1, max_size=2, unique=True)))
    over = draw(st.sampled_from(["1m", "2m", "7m", "1h"]))
    delayed = function not in ("distinct", "last", "since_last", "first_seen", "age", "speed")
    needs_window = delayed or function == "distinct"
    may_window = function in ("last", "since_last")
    conditions = [c for c in CONDITIONS if c and types == (PAID,) and "delay_days" not in c]
    return Declared(
        name, function, types, by,
        over=over if needs_window or (may_window and draw(st.booleans())) else "",
        field=draw(st.sampled_from(fields)) if fields else "",
        where=draw(st.sampled_from([*conditions, ""])) if conditions else "",
        of=draw(st.sampled_from(conditions or ['ip_country == "DE"' if kind != DELIVERED else
            "delay_days > 0"])) if function == "share" else "",
        delay=draw(st.sampled_from(["", "1m", "2m", "3m"])) if delayed else "",
        most=draw(st.integers(1, 4)),
    )  # fmt: skip


@st.composite
def histories(draw: st.DrawFn, size: int) -> list[dict[str, Any]]:
    """Events in order of arrival: ties, latecomers, long silences, two tenants, things left out."""
    now = draw(st.sampled_from([START_MS, START_MS + 123_456, 0, 170_000]))
    steps = st.sampled_from([0, 0, 1, 500, 1_000, 1_001, 7_000, 59_000, MINUTE, 20 * MINUTE, HOUR])
    silences = st.sampled_from([179 * DAY, 180 * DAY, 180 * DAY + 1, 400 * DAY])
    late = st.sampled_from([0, 0, 0, 0, 1, 999, 1_000, 30_000, MINUTE, 2 * HOUR, 200 * DAY])
    events = []
    for seq in range(1, draw(st.integers(1, size)) + 1):
        now += draw(silences) if draw(st.integers(0, 12)) == 0 else draw(steps)
        events.append(draw(_event(seq, max(0, now - draw(late)))))
    return events


@st.composite
def _event(draw: st.DrawFn, seq: int, at_ms: int) -> dict[str, Any]:
    def some(*values: Any) -> Any:
        return draw(st.sampled_from(values))

    kind = some(PAID, PAID, LOGIN, LABEL, DELIVERED)
    event: dict[str, Any] = {"seq": seq, "type": kind, "at_ms": at_ms}
    event["tenant"] = some("a", "a", "a", "b")
    for entity in _ENTITIES[kind]:
        if draw(maybe) or (kind == LOGIN and entity == "user"):
            event[entity] = some("x", "x", "y")
    if kind == PAID:
        event["amount_minor"] = some(0, 1, 1_999, 2_000, 60_000, 10**12)
        event["currency"] = some("EUR", "EUR", "GBP", "KWD")
        optional: dict[str, tuple[Any, ...]] = {
            "items_count": (1, 4, 5, 12),
            "card_country": ("DE", "FR"),
            "is_guest": (True, False),
        }
        optional["ip_country"] = ("DE", "FR")
    elif kind == LOGIN:
        optional = {
            "ip_country": ("DE", "FR"),
            "lat": (52.5, -33.9, 90.0),
            "lon": (13.4, 151.2, -180.0),
        }
    elif kind == LABEL:
        event["verdict"] = some("fraud", "fraud", "legitimate")
        ago = (0, 1_000, MINUTE, 90_000, HOUR, -1, -5_000, -MINUTE)
        optional = {"subject_at_ms": tuple(max(0, at_ms - d) for d in ago)}
    else:
        event["parcel"] = "p"
        optional = {"delay_days": (-30, -1, 0, 1, 30)}
    for name, values in optional.items():
        if draw(maybe):
            event[name] = some(*values)
    return event


def _table(events: list[dict[str, Any]]) -> pa.Table:
    return with_base(pa.Table.from_pylist(events, schema=_SCHEMA))


def _expected(
    features: list[Declared], events: list[dict[str, Any]], codes: Any
) -> list[list[float]]:
    rates = Rates(BASE, RATES)
    model = Reference(features, codes)
    return [
        model.observe(e | {"amount_base": rates.to_base(e.get("amount_minor"), e.get("currency"))})
        for e in events
    ]


def _same(got: Iterable[float], expected: Iterable[float]) -> bool:
    return all(
        (math.isnan(a) and math.isnan(b)) or a == b for a, b in zip(got, expected, strict=True)
    )


def _arrivals(events: list[dict[str, Any]]) -> list[Arrival]:
    return [arrival for some in product.arrivals(_table(events)) for arrival in some]


def _told(
    features: list[Declared], seq: int, got: Sequence[float], expected: Sequence[float]
) -> str:
    return "\n".join(
        f"event {seq}: {f.line()}: kernel {a!r}, model {b!r}"
        for f, a, b in zip(features, got, expected, strict=True)
        if not _same([a], [b])
    )


@given(declarations(5), histories(40))
@settings(max_examples=300)
def test_kernel_agrees_with_the_model(
    features: list[Declared], events: list[dict[str, Any]]
) -> None:
    """One event at a time, every feature is what counting from scratch gives, and packs losslessly."""
    live = product.live_features(features, limit_bytes=1 << 24)
    for seq, (arrival, expected) in enumerate(
        zip(_arrivals(events), _expected(features, events, live.text_code), strict=True), 1
    ):
        got = live.observe(arrival)
        assert _same(got, expected), _told(features, seq, got, expected)
        assert _same(unpack_vector(live.packed(), len(features)), expected)


@given(declarations(5), histories(30), st.integers(0, 30))
@settings(max_examples=60)
def test_batch_and_snapshot_change_nothing(
    features: list[Declared], events: list[dict[str, Any]], cut: int
) -> None:
    """Events in one batch, or with a snapshot taken and loaded between two of them, give the same."""
    arrivals = _arrivals(events)
    whole = product.live_features(features, limit_bytes=1 << 24)
    expected = [whole.observe(arrival) for arrival in arrivals]
    batch = product.live_features(features, limit_bytes=1 << 24).observe_many(arrivals)
    first = product.live_features(features, limit_bytes=1 << 24)
    before = [first.observe(arrival) for arrival in arrivals[:cut]]
    second = product.live_features(features, limit_bytes=1 << 24)
    assert second.load({name: bytes(part) for name, part in first.dump().items()})
    after = [second.observe(arrival) for arrival in arrivals[cut:]]
    for one, two, three in zip(expected, batch, before + after, strict=True):
        assert _same(one, two)
        assert _same(one, three)


@given(declarations(5), histories(60), st.lists(st.integers(0, 60)))
@settings(max_examples=100)
def test_a_group_is_its_events_one_by_one(
    features: list[Declared], events: list[dict[str, Any]], cuts: list[int]
) -> None:
    """However a history is cut into groups, vectors, journal forms and state are the same bytes."""
    arrivals = _arrivals(events)
    single, grouped = (product.live_features(features, limit_bytes=1 << 24) for _ in range(2))
    rows = [(single.observe(arrival), single.packed()) for arrival in arrivals]
    places = sorted({0, len(arrivals), *(cut for cut in cuts if cut < len(arrivals))})
    seen = []
    for start, end in pairwise(places):
        vectors, packed = grouped.observe_group(group_of(arrivals[start:end]))
        seen += list(zip(map(tuple, vectors.tolist()), packed, strict=True))
    assert [one[1] for one in seen] == [one[1] for one in rows]
    assert all(_same(one[0], two[0]) for one, two in zip(seen, rows, strict=True))
    assert _parts(single) == _parts(grouped)


def _parts(live: LiveFeatures) -> dict[str, bytes]:
    return {name: bytes(part) for name, part in live.dump().items()}


@given(declarations(8), histories(60))
@settings(max_examples=25)
def test_sql_agrees_with_the_model(features: list[Declared], events: list[dict[str, Any]]) -> None:
    """The oracle's SQL holds in the corners too: what the million rows rest on."""
    live = product.live_features(features, limit_bytes=1 << 24)
    texts = ("x", "y", "DE", "FR")
    expected = np.array(_expected(features, events, live.text_code))
    oracle = Oracle(_table(events), {text: live.text_code(text) for text in texts})
    for feature, column in oracle.compute(features):
        model = expected[:, features.index(feature)]
        assert _same(column, model), f"{feature.line()}: SQL {column}, model {model}"
