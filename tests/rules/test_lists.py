"""Lists: files of a pack, entries of tenants, expiry, snapshots."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanhe.judge.language.source import PolicyError, PolicyErrors, Source
from kanhe.judge.rules.lists import (
    GRACE_MS,
    Lists,
    ListsError,
    ListSpec,
    PackEntry,
    read_list_file,
)

CARDS = ListSpec("stolen_cards", "card", "deny")
DOMAINS = ListSpec("disposable_domains", "domain", "watch")
NEW_YEAR_MS = 1_767_225_600_000


def lists(*entries: PackEntry) -> Lists:
    """Lists whose `stolen_cards` hold the given entries of the pack."""
    return Lists([CARDS, DOMAINS], {"stolen_cards": entries})


def read(text: str, spec: ListSpec = CARDS) -> list[PackEntry]:
    """The entries of a file."""
    return read_list_file(Source("lists/cards.csv", text), spec)


def test_file_is_read() -> None:
    """Value, expiry, reason and author of each line; empty lines and notes are skipped."""
    assert read(
        "value,expires,reason,author\n"
        "# from the acquirer\n"
        "c1,2026-01-01,reported stolen,risk\n"
        "\n"
        'c2,,"two, with comma",risk\n'
        "c3,2026-01-01T00:00:01+00:00\n"
    ) == [
        PackEntry("c1", NEW_YEAR_MS, "reported stolen", "risk"),
        PackEntry("c2", 0, "two, with comma", "risk"),
        PackEntry("c3", NEW_YEAR_MS + 1_000),
    ]


def test_only_values_are_needed() -> None:
    """A file may have the one column that counts; domains are lower case, as `domain()` gives them."""
    assert read("value\nMail.Test\n", DOMAINS) == [PackEntry("mail.test")]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "1:1: a list file begins with its columns"),
        ("c1\n", "1:1: a list file begins with its columns"),
        ("value,expire\nc1,\n", "did you mean expires?"),
        ("value,value\n", "a column stands twice"),
        ("value\nc1,2026-01-01\n", "2:1: 2 values for 1 columns"),
        ("value,expires\nc1,tomorrow\n", "2:1: 'tomorrow' is not a date"),
        ("value,expires\n,2026-01-01\n", "2:1: the value is missing"),
        ("value\nc1\nc2\nc1\n", "4:1: c1 stands twice"),
        ("value\nc\x07\n", "printable"),
        (f"value\n{'c' * 300}\n", "1 to 256"),
        ('value\n"c1\n', "this is not CSV"),
        ('value\n"c1"x\n', "this is not CSV"),
    ],
)
def test_mistake_in_file_is_told_with_its_line(text: str, said: str) -> None:
    """A wrong line is named by file and number; nothing of the file is taken."""
    with pytest.raises((PolicyError, PolicyErrors)) as caught:
        read(text)
    assert "lists/cards.csv:" in str(caught.value)
    assert said in str(caught.value)


def test_entry_counts_until_it_expires() -> None:
    """An entry of the pack counts for everyone, up to the moment it expires and not in it."""
    known = lists(PackEntry("c1", 100), PackEntry("c2"))
    assert known.contains("stolen_cards", "t1", "c1", 99)
    assert not known.contains("stolen_cards", "t1", "c1", 100)
    assert known.contains("stolen_cards", "t2", "c2", 10**15)
    assert not known.contains("no_such_list", "t1", "c1", 0)


def test_tenants_do_not_see_each_other() -> None:
    """What one tenant lists or takes out changes nothing for another."""
    known = lists(PackEntry("c1"))
    known.add("stolen_cards", "t1", "c9", at_ms=0)
    known.remove("stolen_cards", "t1", "c1", at_ms=0)
    assert known.contains("stolen_cards", "t1", "c9", 0)
    assert not known.contains("stolen_cards", "t2", "c9", 0)
    assert not known.contains("stolen_cards", "t1", "c1", 0)
    assert known.contains("stolen_cards", "t2", "c1", 0)


def test_removed_entry_can_be_added_again() -> None:
    """Removing tells whether it was in; adding again brings it back, with the new expiry."""
    known = lists(PackEntry("c1"))
    assert known.remove("stolen_cards", "t1", "c1", at_ms=0)
    assert not known.remove("stolen_cards", "t1", "c1", at_ms=0)
    known.add("stolen_cards", "t1", "c1", at_ms=0, expires_ms=10, reason="again", author="ann")
    assert known.contains("stolen_cards", "t1", "c1", 9)
    ((value, entry),) = known.entries("stolen_cards", "t1")
    assert (value, entry.expires_ms, entry.reason, entry.author) == ("c1", 10, "again", "ann")


def test_expired_entry_of_tenant_leaves_the_pack_in_force() -> None:
    """A short entry of a tenant never shortens the pack's own."""
    known = lists(PackEntry("c1"))
    known.add("stolen_cards", "t1", "c1", at_ms=0, expires_ms=10)
    assert known.contains("stolen_cards", "t1", "c1", 20)


def test_bound_lookup_asks_for_its_tenant_and_time() -> None:
    """`at` gives rules a lookup by list and value alone."""
    known = lists()
    known.add("stolen_cards", "t1", "c1", at_ms=0, expires_ms=10)
    assert known.at("t1", 5)("stolen_cards", "c1")
    assert not known.at("t1", 10)("stolen_cards", "c1")
    assert not known.at("t2", 5)("stolen_cards", "c1")


def test_long_expired_entries_are_forgotten() -> None:
    """Entries that rules make by the thousand do not pile up for ever, and living ones stay."""
    known = lists()
    for number in range(20_000):
        at_ms = number * GRACE_MS // 1_000
        known.add("stolen_cards", "t1", f"c{number}", at_ms=at_ms, expires_ms=at_ms + 1)
    assert len(list(known.entries("stolen_cards", "t1"))) < 5_000
    known.add("stolen_cards", "t1", "c", at_ms=at_ms)
    assert known.contains("stolen_cards", "t1", "c", at_ms)


def test_broken_snapshot_changes_nothing() -> None:
    """Bytes that are no dump are refused with a clear error, and what is known stays."""
    known = lists()
    known.add("stolen_cards", "t1", "c1", at_ms=0)
    for broken in (b"", b"\xc1", known.dump()[:-1], b"\x91\x91\xa1a"):
        with pytest.raises(ListsError, match="cannot be read"):
            known.load(broken)
    assert known.contains("stolen_cards", "t1", "c1", 0)


values = st.sampled_from(["c1", "c2", "c3", "卡"])
tenants = st.sampled_from(["t1", "t2"])
steps = st.lists(
    st.tuples(st.booleans(), tenants, values, st.integers(0, 50), st.integers(0, 100)), max_size=30
)


@given(steps, st.integers(0, 120))
def test_dump_and_load_keep_everything(
    done: list[tuple[bool, str, str, int, int]], at_ms: int
) -> None:
    """Lists loaded from a dump answer as the lists it was made of, and dump the same bytes."""
    known, other = lists(PackEntry("c2", 60)), lists(PackEntry("c2", 60))
    for adds, tenant, value, when, expires_ms in done:
        if adds:
            known.add("stolen_cards", tenant, value, at_ms=when, expires_ms=expires_ms)
        else:
            known.remove("stolen_cards", tenant, value, at_ms=when)
    other.load(known.dump())
    assert other.dump() == known.dump()
    for tenant in ("t1", "t2"):
        for value in ("c1", "c2", "c3", "卡"):
            question = ("stolen_cards", tenant, value, at_ms)
            assert other.contains(*question) == known.contains(*question)


def test_a_rule_never_shortens_an_entry() -> None:
    """What stands for good, or for longer, is not ended by a rule that lists the value for an hour."""
    found = lists()
    found.add("stolen_cards", "a", "c1", at_ms=0, author="staff")
    found.add("stolen_cards", "a", "c2", at_ms=0, expires_ms=9_000, author="staff")
    for value in ("c1", "c2", "c3"):
        found.prolong("stolen_cards", "a", value, at_ms=0, expires_ms=5_000, author="policy")
    assert [(v, e.expires_ms, e.author) for v, e in found.entries("stolen_cards", "a")] == [
        ("c1", 0, "staff"),
        ("c2", 9_000, "staff"),
        ("c3", 5_000, "policy"),
    ]
    found.prolong("stolen_cards", "a", "c2", at_ms=0, expires_ms=0, author="policy")
    assert found.contains("stolen_cards", "a", "c2", 10_000)


def test_a_rule_lists_again_what_a_tenant_took_out() -> None:
    """An entry of the pack that a tenant took out for itself can be made again."""
    found = lists(PackEntry("c1"))
    found.remove("stolen_cards", "a", "c1", at_ms=0)
    found.prolong("stolen_cards", "a", "c1", at_ms=1, expires_ms=5_000)
    assert found.contains("stolen_cards", "a", "c1", 2)
