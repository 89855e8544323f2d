"""API keys: made once, kept hashed, revoked within a second."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from kanhe.core.errors import StorageError
from kanhe.stores.sqlite import keys as api_keys
from kanhe.stores.sqlite.keys import ApiKeyError, ApiKeys

NOW = 1_760_000_000_000


class Time:
    """A clock that stands still until it is set."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Time:
    """The time."""
    return Time()


@pytest.fixture
def keys(tmp_path: Path, clock: Time) -> Iterator[ApiKeys]:
    """A desk without keys."""
    made = ApiKeys(tmp_path / "keys.db", clock, random.Random(1).randbytes)
    yield made
    made.close()


def test_made_and_recognised(keys: ApiKeys) -> None:
    """A token opens exactly what its key was made for."""
    token = keys.create("shop", "checkout", ["decide", "events"], 50.0, 100)
    assert token.startswith("kanhe_")
    info = keys.authenticate(token)
    assert info is not None
    assert (info.tenant, info.name, info.rate_per_s, info.burst) == ("shop", "checkout", 50.0, 100)
    assert info.scopes == {"decide", "events"}
    assert (info.created_ms, info.expires_ms, info.revoked_ms) == (NOW, 0, 0)
    assert keys.list() == [info]
    assert token.split("_")[1] == info.id


def test_wrong_tokens(keys: ApiKeys) -> None:
    """Anything but the exact token opens nothing."""
    token = keys.create("shop", "a", ["decide"])
    other = keys.create("shop", "b", ["decide"])
    _, key_id, secret = token.split("_")
    swapped = f"kanhe_{key_id}_{other.split('_')[2]}"
    for wrong in (
        "", "kanhe", "kanhe__", token[:-1], token + "a", token.upper(), " " + token, token + "\n",
        f"kanhe_{'a' * 16}_{secret}", swapped, f"kanhe_{key_id}_{'é' * 52}", "勘合", "\ud800",
    ):  # fmt: skip
        assert keys.authenticate(wrong) is None
    assert keys.authenticate(token) is not None


def test_the_secret_is_not_kept(keys: ApiKeys, tmp_path: Path) -> None:
    """Nobody who reads the files can use what stands there."""
    token = keys.create("shop", "a", ["decide"])
    secret = token.split("_")[2].encode()
    for path in tmp_path.iterdir():
        assert secret not in path.read_bytes()


def test_expiry(keys: ApiKeys, clock: Time) -> None:
    """A key opens until its last millisecond, and not in the next."""
    token = keys.create("shop", "a", ["decide"], expires_ms=NOW + 1_000)
    clock.now = NOW + 999
    assert keys.authenticate(token) is not None
    clock.now = NOW + 1_000
    assert keys.authenticate(token) is None


def test_revocation(keys: ApiKeys, clock: Time) -> None:
    """A revoked key is shut at once in the same process, for good, and stays in the list."""
    token = keys.create("shop", "a", ["decide"])
    key_id = token.split("_")[1]
    clock.now += 5
    assert keys.revoke(key_id).revoked_ms == NOW + 5
    assert keys.authenticate(token) is None
    clock.now += 5
    assert keys.revoke(key_id).revoked_ms == NOW + 5
    assert [info.id for info in keys.list("shop")] == [key_id]
    assert keys.list("other") == []
    with pytest.raises(ApiKeyError, match="no key 'nobody'"):
        keys.revoke("nobody")


def test_another_process_makes_and_revokes(keys: ApiKeys, clock: Time, tmp_path: Path) -> None:
    """A running server follows what `kanhe keys` does within a second, however the clock jumps."""
    desk = ApiKeys(tmp_path / "keys.db", clock, random.Random(2).randbytes)
    token = desk.create("shop", "a", ["decide"])
    clock.now += 1_000
    assert keys.authenticate(token) is not None
    desk.revoke(token.split("_")[1])
    clock.now += 1_000
    assert keys.authenticate(token) is None
    token = desk.create("shop", "b", ["decide"])
    clock.now -= 3_600_000
    assert keys.authenticate(token) is not None
    desk.close()


def test_unchanged_keys_are_not_read_again(
    keys: ApiKeys, clock: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As long as nothing changed, requests cost a look at memory."""
    token = keys.create("shop", "a", ["decide"])
    clock.now += 1_000
    keys.authenticate(token)
    monkeypatch.setattr(keys, "_read", lambda: pytest.fail("read again"))
    for _ in range(10):
        clock.now += 1_000
        assert keys.authenticate(token) is not None


def test_keys_survive(tmp_path: Path, clock: Time) -> None:
    """A key that was returned is there after a restart."""
    first = ApiKeys(tmp_path / "keys.db", clock, random.Random(1).randbytes)
    token = first.create("勘合", "收银台", ["decide"])
    first.close()
    again = ApiKeys(tmp_path / "keys.db", clock, random.Random(2).randbytes)
    info = again.authenticate(token)
    assert info is not None
    assert (info.tenant, info.name) == ("勘合", "收银台")
    again.close()
    for call in (again.list, lambda: again.authenticate(token), lambda: again.revoke(info.id)):
        with pytest.raises(StorageError, match="closed"):
            call()


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"tenant": ""}, "tenant must have"),
        ({"tenant": "a\nb"}, "tenant must have"),
        ({"name": "x" * 129}, "name must have"),
        ({"scopes": []}, "without scopes"),
        ({"scopes": ["decide events"]}, "a scope is a word"),
        ({"rate_per_s": -1.0}, "lie between"),
        ({"rate_per_s": float("nan")}, "lie between"),
        ({"rate_per_s": 5.0}, "needs both"),
        ({"burst": 5}, "needs both"),
        ({"expires_ms": NOW}, "not in the future"),
        ({"expires_ms": -1}, "not in the future"),
    ],
)
def test_wrong_wishes(keys: ApiKeys, changed: dict[str, object], text: str) -> None:
    """What a key cannot be is refused in words, and nothing is made."""
    wishes: dict[str, object] = {"tenant": "shop", "name": "a", "scopes": ["decide"], **changed}
    with pytest.raises(ApiKeyError, match=text):
        keys.create(**wishes)  # type: ignore[arg-type]
    assert keys.list() == []


def test_full_disk(keys: ApiKeys) -> None:
    """If a key could not be made durable, the error says why and there is no key."""
    keys._db.execute("PRAGMA query_only = ON")
    with pytest.raises(StorageError, match="read-only"):
        keys.create("shop", "a", ["decide"])
    assert keys.list() == []


def test_tokens_do_not_repeat(keys: ApiKeys) -> None:
    """Ids have 80 and secrets 256 random bits."""
    tokens = [keys.create("shop", "a", ["decide"]) for _ in range(20)]
    assert len({token.split("_")[1] for token in tokens}) == 20
    assert all(api_keys._TOKEN.fullmatch(token) for token in tokens)
