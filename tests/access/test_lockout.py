"""Guessing becomes slow, and nobody locks anybody out."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kanhe.core.time import DAY_MS, HOUR_MS, MINUTE_MS
from kanhe.protect.access.lockout import (
    ACCOUNT_AND_NETWORK,
    KNOWN_DEVICE,
    Bucket,
    Count,
    after_failure,
    buckets_of,
    network_of,
    wait_ms,
)
from tests.access.cheap import T0

KEY = bytes(32)


class Door:
    """Failures as a store would count them."""

    def __init__(self) -> None:
        self.counts: dict[bytes, Count] = {}

    def wait(self, account: str, ip: str, device: str, now_ms: int) -> int:
        return wait_ms(buckets_of(KEY, account, ip, device), self.counts, now_ms)

    def fail(self, account: str, ip: str, device: str, now_ms: int) -> None:
        for bucket in buckets_of(KEY, account, ip, device):
            found = self.counts.get(bucket.key, Count())
            self.counts[bucket.key] = after_failure(bucket, found, now_ms)


IPS = st.sampled_from(["192.0.2.1", "192.0.2.7", "198.51.100.9", "2001:db8::1"])
OTHERS = st.tuples(st.sampled_from(["ana", "bo"]), IPS, st.sampled_from(["", "d-other"]),
                   st.integers(0, 10 * MINUTE_MS))  # fmt: skip


@given(st.lists(OTHERS, max_size=60), IPS)
def test_no_attempts_of_others_lock_a_known_device_out(
    attempts: list[tuple[str, str, str, int]], ip: str
) -> None:
    """Whatever others try against an account, from wherever, its own known device never has to wait."""
    door, now = Door(), T0
    for account, place, device, later in attempts:
        now += later
        door.fail(account, place, device, now)
        assert door.wait("ana", ip, "d-hers", now) == 0


@given(st.lists(st.integers(-HOUR_MS, 30 * MINUTE_MS), max_size=300))
def test_one_place_gets_few_guesses(pauses: list[int]) -> None:
    """However the guesses of one account from one network are timed, and if the clock is set back, at
    most a few dozen are looked at in a day."""
    door, now, made, begin = Door(), T0, 0, T0
    for pause in pauses:
        now += pause
        if now - begin >= DAY_MS:
            break
        if door.wait("ana", "192.0.2.1", "", now) == 0:
            door.fail("ana", "192.0.2.1", "", now)
            made += 1
    assert made <= ACCOUNT_AND_NETWORK.free + 7 + DAY_MS // HOUR_MS


def test_a_guesser_who_never_rests_gets_few_guesses_a_day() -> None:
    """Trying again the moment it is allowed, from one network, gives some thirty guesses a day."""
    door, now, made = Door(), T0, 0
    while now < T0 + DAY_MS:
        wait = door.wait("ana", "192.0.2.1", "", now)
        now += wait
        door.fail("ana", "192.0.2.1", "", now)
        made += 1
    assert made < 40


def test_many_networks_together_become_slow_too() -> None:
    """A hundred failures from a hundred networks make new browsers wait, but not a known device."""
    door = Door()
    for number in range(101):
        ip = f"10.{number}.0.1"
        assert door.wait("ana", ip, "", T0) == (0 if number < 100 else MINUTE_MS)
        door.fail("ana", ip, "", T0)
    assert door.wait("ana", "203.0.113.5", "", T0) > 0
    assert door.wait("ana", "203.0.113.5", "d-hers", T0) == 0
    assert door.wait("bo", "203.0.113.5", "", T0) == 0


def test_one_password_on_many_accounts_becomes_slow() -> None:
    """Fifty failures of one network, each on another account, make it wait for all accounts."""
    door = Door()
    for number in range(50):
        door.fail(f"staff-{number}", "192.0.2.1", "", T0)
    assert door.wait("somebody", "192.0.2.200", "", T0) > 0
    assert door.wait("somebody", "198.51.100.1", "", T0) == 0


def test_failures_are_forgotten() -> None:
    """After a day without a failure, an allowance is whole again."""
    bucket = Bucket(b"k", KNOWN_DEVICE, True)
    count = Count()
    for _ in range(9):
        count = after_failure(bucket, count, T0)
    assert wait_ms([bucket], {b"k": count}, T0) > 0
    assert wait_ms([bucket], {b"k": count}, T0 + DAY_MS) == 0
    assert after_failure(bucket, count, T0 + DAY_MS) == Count(1, T0 + DAY_MS)


def test_neighbours_are_one_network() -> None:
    """Addresses are counted by what one subscriber is given, whatever their spelling."""
    assert network_of("192.0.2.1") == network_of("192.0.2.254") == network_of("::ffff:192.0.2.9")
    assert network_of("2001:db8:1::1") == network_of("2001:db8:1:ffff::2")
    assert network_of("2001:db8:1::1") != network_of("2001:db8:2::1")
    assert network_of("no address" * 100) == ("no address" * 100)[:64]


def test_keys_tell_nothing_and_do_not_meet() -> None:
    """The store sees keyed hashes, and no two places share one by accident."""
    keys = [b.key for b in buckets_of(KEY, "ana", "192.0.2.1", "")]
    keys += [b.key for b in buckets_of(KEY, "ana\0192.0.2.1", "", "")]
    keys += [b.key for b in buckets_of(KEY, "ana", "192.0.2.1", "d")]
    assert len(set(keys)) == len(keys)
    assert all(b"ana" not in key for key in keys)
