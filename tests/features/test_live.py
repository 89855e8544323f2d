"""The kernel by example: each point of docs/features.md, small enough to check by hand."""

from __future__ import annotations

import math
import os

import numpy as np
import pytest
import siphash24
from hypothesis import given
from hypothesis import strategies as st

from kanhe.judge.features import arithmetic
from kanhe.judge.features.memory import MemoryFullError
from kanhe.judge.features.vectors import pack_vector
from kanhe.judge.intake.group import group_of
from tests.features.shop import KEY, START_MS, arrival, declared, live, watch

PAY = "payment.attempted"


@given(st.binary(max_size=70))
def test_keys_are_siphash(text: bytes) -> None:
    """Keys of entities are SipHash-2-4 as an independent library computes it."""
    k0, k1 = np.frombuffer(KEY, dtype=np.uint64)
    expected = int.from_bytes(siphash24.siphash24(text, key=KEY).digest(), "little")
    # What stands behind the text is read along, and must not count.
    room = np.frombuffer(text + b"behind it", dtype=np.uint8)
    assert int(arithmetic.siphash(room.ctypes.data, len(text), k0, k1)) == expected


def test_the_event_counts_in_its_own_window_and_leaves_it_by_buckets() -> None:
    """A window of 10 minutes has buckets of 10 seconds: an event leaves with its bucket."""
    features = live(f'n = count("{PAY}", by="card", over="10m")')
    seen = watch(
        features,
        "n",
        *(arrival(PAY, s, card="c") for s in (0, 0, 9.999, 599, 599.999, 600, 610)),
    )
    assert seen == [1, 2, 3, 4, 5, 3, 4]


def test_a_late_event_counts_where_it_belongs_and_is_read_at_the_clock() -> None:
    """Late within the window counts; later than the window counts nowhere; the clock stays."""
    features = live(f'n = count("{PAY}", by="card", over="10m")')
    late = [arrival(PAY, s, card="c") for s in (1000, 500, 300, 1000, 1095, 1105)]
    assert watch(features, "n", *late) == [1, 2, 2, 3, 4, 4]


def test_sums_stay_exact_where_floats_would_not() -> None:
    """Sums and squares are integers: a deviation of nearly equal large amounts is right."""
    features = live(
        f'd = std("{PAY}", "amount_minor", by="card", over="1h")\n'
        f'm = mean("{PAY}", "amount_minor", by="card", over="1h")'
    )
    big = 10**12 - 7
    for i, amount in enumerate((big, big, big + 3)):
        vector = features.observe(arrival(PAY, i, card="c", amount_minor=amount))
    assert vector == (math.sqrt(3.0), (3 * big + 3) / 3)


def test_amounts_are_summed_in_the_base_currency_and_unknown_ones_left_out() -> None:
    """`amount_base` converts by the pack's rates; a currency without one counts but does not add."""
    features = live(
        f's = sum("{PAY}", "amount_base", by="card", over="1h")\n'
        f'n = count("{PAY}", by="card", over="1h")'
    )
    for currency, amount in (("EUR", 100), ("USD", 105), ("JPY", 1000), ("CHF", 999)):
        vector = features.observe(arrival(PAY, 0, card="c", amount_minor=amount, currency=currency))
    assert vector == (100 + 95 + 610, 4)


def test_delay_keeps_the_newest_out_until_they_are_old_enough() -> None:
    """A window of one hour delayed by an hour speaks of the hour before the last."""
    features = live(f'n = count("{PAY}", by="card", over="1h", delay="1h")')
    seen = watch(
        features, "n", *(arrival(PAY, 60 * m, card="c") for m in (0, 30, 60, 90, 119, 120))
    )
    assert seen == [0, 0, 1, 2, 2, 2]


def test_share_and_where_look_at_the_event_alone() -> None:
    """`of` and `where` choose events; a condition that divides by zero is false for its event."""
    features = live(
        f's = share("{PAY}", of=amount_minor < 200, by="card", over="1h")\n'
        f'w = count("{PAY}", by="card", over="1h", where=1000 / (amount_minor - 100) > 1)\n'
        f'v = count("{PAY}", by="card", over="1h", where=amount_minor == 100)'
    )
    for amount in (100, 150, 5000):
        vector = features.observe(arrival(PAY, 0, card="c", amount_minor=amount))
    assert vector == (2 / 3, 1, 1)


def test_label_rate_is_timed_by_the_event_the_label_speaks_of() -> None:
    """Fraud counts when the labelled event happened, once the label is known, delayed like it."""
    features = live('r = label_rate("payment.attempted", by="merchant", over="30d", delay="1d")')
    day = 86_400
    for s in (0, 10, 20, 30):
        features.observe(arrival(PAY, s, merchant="m"))
    label = arrival(
        "label.assigned", day, merchant="m", verdict="fraud", subject_at_ms=START_MS + 10_000,
        subject_event="e",
    )  # fmt: skip
    features.observe(label)
    assert watch(features, "r", arrival(PAY, 2 * day, merchant="m")) == [0.25]


def test_last_since_age_and_speed_look_back() -> None:
    """What is remembered speaks of earlier events; age includes this one."""
    login = "account.login"
    features = live(
        f'c = last("{login}", "ip_country", by="user")\n'
        f's = since_last("{login}", by="user")\n'
        f'a = age("{login}", by="user")\n'
        f'f = first_seen("{login}", by="user")\n'
        f'v = speed("{login}", by="user")'
    )
    berlin = {"ip_country": "DE", "lat": 52.52, "lon": 13.405}
    tokyo = {"ip_country": "JP", "lat": 35.6764, "lon": 139.65}
    first = features.observe(arrival(login, 0, user="u", **berlin))
    assert [math.isnan(x) for x in first] == [True, True, False, False, True]
    second = features.observe(arrival(login, 7200, user="u", **tokyo))
    assert second == (features.text_code("DE"), 7200.0, 7200.0, float(START_MS), 4458.0)
    late = features.observe(arrival(login, 3600, user="u", **berlin))
    assert late[:3] == (features.text_code("JP"), 0.0, 3600.0)


def test_distinct_is_exact_up_to_most_and_forgets_with_the_window() -> None:
    """With `most=3` the fourth value reads 3, and values leave as the window does."""
    features = live(f'd = distinct("{PAY}", "user", by="card", over="10m", most=3)')
    seen = watch(
        features, "d", *(arrival(PAY, i * 100, card="c", user=f"u{i}") for i in range(5)),
        arrival(PAY, 1000, card="c", user="u4"), arrival(PAY, 2000, card="c"),
    )  # fmt: skip
    assert seen == [1, 2, 3, 3, 3, 1, 0]


def test_two_tenants_share_nothing() -> None:
    """The same card id of two tenants is two cards."""
    features = live(f'n = count("{PAY}", by="card", over="1h")')
    seen = watch(
        features, "n", *(arrival(PAY, 0, card="c", tenant=t) for t in ("a", "b", "a", "ab", "b"))
    )
    assert seen == [1, 1, 2, 1, 2]


def test_a_pair_is_not_its_reverse() -> None:
    """(user x, device y) is another pair than (user y, device x)."""
    features = live(f'n = count("{PAY}", by=("user", "device"), over="1h")')
    first = arrival(PAY, 0, user="x", device="y")
    assert watch(features, "n", first, arrival(PAY, 0, user="y", device="x"), first) == [1, 1, 2]


def test_an_entity_not_named_for_180_days_starts_anew() -> None:
    """After half a year of silence nothing of the old state is left."""
    features = live(
        f'f = first_seen("{PAY}", by="card")\nn = count("{PAY}", by="card", over="90d")\n'
        f'd = distinct("{PAY}", "user", by="card", over="90d")'
    )
    day = 86_400
    features.observe(arrival(PAY, 0, card="c", user="u"))
    vector = features.observe(arrival(PAY, 180 * day + 1, card="c", user="v"))
    assert vector == (START_MS + (180 * day + 1) * 1000.0, 1, 1)


def test_a_missing_entity_leaves_its_features_missing() -> None:
    """Without a card nothing is known by card, and nothing is counted."""
    features = live(f'n = count("{PAY}", by="card", over="1h")')
    seen = watch(features, "n", arrival(PAY, 0), arrival(PAY, 0, card="c"))
    assert math.isnan(seen[0]) and seen[1] == 1


def test_the_journal_form_is_the_vector() -> None:
    """What the kernel packs is what `pack_vector` would."""
    features = live(
        f'n = count("{PAY}", by="card", over="1h")\ns = sum("{PAY}", "amount_minor", by="card", '
        f'over="1h")\nm = mean("{PAY}", "amount_minor", by="user", over="1h")'
    )
    for i in range(50):
        vector = features.observe(arrival(PAY, i, card="c", amount_minor=i**7))
        assert features.packed() == pack_vector(vector)


def test_the_state_grows_and_a_snapshot_takes_over_whole() -> None:
    """Beyond the first index everything is still found, and a loaded state goes on alike."""
    text = f'n = count("{PAY}", by="card", over="1h")\nd = distinct("{PAY}", "user", by="card", over="1h")'
    features = live(text)
    many = [arrival(PAY, i / 10, card=f"c{i % 6000}", user=f"u{i % 11}") for i in range(13_000)]
    for each in many:
        features.observe(each)
    assert features.memory.entities == 6000
    other = live(text)
    assert other.load({name: bytes(part) for name, part in features.dump().items()})
    for each in many[:2000]:
        assert other.observe(each) == features.observe(each)
    third = live(text.replace('"1h"', '"2h"'))
    assert not third.load({name: bytes(part) for name, part in features.dump().items()})


def test_many_at_once_is_one_by_one() -> None:
    """The batch entry gives the same vectors and the same state as event by event."""
    text = f'n = count("{PAY}", by="card", over="1h")\na = age("{PAY}", by="user")'
    # The index of entities doubles on the way, in the middle of a group.
    arrivals = [arrival(PAY, i, card=f"c{i % 3000}", user=f"u{i % 7}") for i in range(9_000)]
    single, batch = live(text), live(text)
    rows = [single.observe(each) for each in arrivals]
    assert np.array_equal(batch.observe_many(arrivals), np.array(rows), equal_nan=True)
    assert {k: bytes(v) for k, v in single.dump().items()} == {
        k: bytes(v) for k, v in batch.dump().items()
    }


def test_a_full_memory_says_so() -> None:
    """At its limit the state refuses with the setting's name rather than count wrongly."""
    features = live(f'n = count("{PAY}", by="card", over="1h")', limit_bytes=1 << 20)
    with pytest.raises(MemoryFullError, match="state_limit_mib"):
        for i in range(50_000):
            features.observe(arrival(PAY, 0, card=f"c{i}"))


def test_a_group_that_fills_the_memory_says_so() -> None:
    """The limit is noticed inside a group as well, at the same event as one by one."""
    text = f'n = count("{PAY}", by="card", over="1h")'
    single, grouped = live(text, limit_bytes=1 << 20), live(text, limit_bytes=1 << 20)
    events = [arrival(PAY, 0, card=f"c{i}") for i in range(50_000)]
    with pytest.raises(MemoryFullError):
        for each in events:
            single.observe(each)
    with pytest.raises(MemoryFullError):
        for start in range(0, len(events), 200):
            grouped.observe_group(group_of(events[start : start + 200]))
    assert {k: bytes(v) for k, v in single.dump().items()} == {
        k: bytes(v) for k, v in grouped.dump().items()
    }


def test_an_empty_group_and_a_pack_without_features_are_in_order() -> None:
    """No events give no vectors, and no features give empty vectors."""
    vectors, packed = live(f'n = count("{PAY}", by="card", over="1h")').observe_group(group_of([]))
    assert (vectors.shape, packed) == ((0, 1), [])
    vectors, packed = live("").observe_group(group_of([arrival(PAY, 0, card="c")] * 3))
    assert (vectors.shape, packed) == ((3, 0), [b""] * 3)


def test_declarations_share_what_is_the_same() -> None:
    """Mean, deviation and count of one window cost one track and three columns."""
    apart = live(f'a = count("{PAY}", by="card", over="1h")').program
    text = "\n".join(
        f'{f} = {f}("{PAY}", "amount_minor", by="card", over="1h")' for f in ("mean", "std", "sum")
    )
    assert live(text).program.free_lists == apart.free_lists == 1
    assert len(declared(text)) == 3
    assert os.environ.get("NUMBA_DISABLE_JIT") != "1"
