"""A small engine and key ring that behave as the real ones promise, without a journal."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import msgspec

from kanhe.core.errors import Refusal, StorageError, refuse
from kanhe.core.event import Asked
from kanhe.judge.policy.life import LifeError
from kanhe.learn.drift.findings import Finding


class FakeWaiting(NamedTuple):
    """An answer not yet durable."""

    answer: bytes
    repeated: bool
    type: str
    outcome: str


class FakeEntry(NamedTuple):
    """An entry of a list."""

    expires_ms: int
    reason: str
    author: str
    added_ms: int


class FakeLists:
    """One list and the entries of each tenant."""

    def __init__(self) -> None:
        self.specs = {"stolen_cards": {"name": "stolen_cards", "holds": "card", "kind": "deny"}}
        self.own: dict[tuple[str, str], dict[str, FakeEntry]] = {}

    def entries(self, list_name: str, tenant: str) -> Iterator[tuple[str, FakeEntry]]:
        """By value."""
        yield from sorted(self.own.get((list_name, tenant), {}).items())

    def spelled(self, list_name: str, value: str) -> str | None:
        """As it stands."""
        return value

    def contains(self, list_name: str, tenant: str, value: str, at_ms: int) -> bool:
        """Whether it is in."""
        return value in self.own.get((list_name, tenant), {})


class FakePolicies:
    """No pack was ever proposed."""

    def view(self) -> dict[str, Any]:
        """None."""
        return {"packs": []}

    def show(self, reference: str) -> dict[str, Any]:
        """None."""
        raise LifeError("unknown", f"no pack is {reference}")

    resolve = show

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    def propose(self, *asked: Any) -> Any:
        """None is taken, and who asked is remembered."""
        who = next(one for one in asked if hasattr(one, "key"))
        self.asked.append((who.name, who.key))
        raise LifeError("known", "no pack can be proposed here")

    take = rollback = propose


class FakeStats(NamedTuple):
    """Numbers."""

    seq: int
    entities: int = 3
    state_bytes: int = 4096
    snapshot_seq: int = 0
    policy: str = "sha256:00"
    rules_fired: Mapping[str, int] = MappingProxyType({"quiet_rule": 2})
    log_size: int = 0
    governor: tuple[Any, ...] = ()
    decisions_held: int = 0
    log_cosignatures: int = 1
    log_cosignatures_required: int = 2
    drift: Sequence[Finding] = ()
    score_ratios: Mapping[str, float] = MappingProxyType({})


class FakeEngine:
    """Judges everything `allow`, remembers by tenant and id, and can be told that its disk is full."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], FakeWaiting] = {}
        self.gathered: dict[tuple[str, str], FakeWaiting] = {}
        self.commits: list[int] = []
        self.disk_full = False
        self.broken = False
        self.known_lists = FakeLists()
        self.known_policies = FakePolicies()
        self.folded = 0
        self.files: dict[str, bytes] = {}
        self.files_asked: list[str] = []
        self.receipts_asked: list[str] = []
        self.log_broken = False
        self.tended = 0
        self.trouble: Exception | None = None

    def take(self, asked: Sequence[Asked]) -> list[FakeWaiting | Exception]:
        """Decide or record, in order."""
        results: list[FakeWaiting | Exception] = []
        for tenant, raw, _, decide in asked:
            try:
                results.append(self._take(tenant, raw, "allow" if decide else ""))
            except (Refusal, RuntimeError) as error:
                results.append(error)
        return results

    def _take(self, tenant: str, raw: bytes, outcome: str) -> FakeWaiting:
        if self.broken:
            raise RuntimeError("secret-card-4111")
        try:
            event: dict[str, Any] = msgspec.json.decode(raw)
            key = (tenant, event["id"])
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise refuse("not-json", "Not JSON", 400) from None
        except (KeyError, TypeError):
            raise refuse("missing-field", "A field is missing", 422) from None
        known = self.kept.get(key) or self.gathered.get(key)
        if known is not None:
            return known._replace(repeated=True)
        if event["type"].startswith("list."):
            self._change(tenant, event)
        number = len(self.kept) + len(self.gathered) + 1
        answer = {"decision_id": f"d{number}", "event_id": event["id"], "outcome": outcome}
        waiting = FakeWaiting(msgspec.json.encode(answer), False, event["type"], outcome)
        self.gathered[key] = waiting
        return waiting

    def _change(self, tenant: str, event: dict[str, Any]) -> None:
        entries = self.known_lists.own.setdefault((event["list_name"], tenant), {})
        if event["type"] == "list.entry_added":
            entries[event["value"]] = FakeEntry(
                event.get("expires_ms", 0), event.get("note", ""), event["staff"], event["at_ms"]
            )
        else:
            del entries[event["value"]]

    def commit(self) -> None:
        """Keep what was gathered, or forget it."""
        gathered, self.gathered = self.gathered, {}
        if self.disk_full:
            raise StorageError("the disk is full")
        self.kept.update(gathered)
        self.commits.append(len(gathered))

    def read(self, tenant: str, decision_id: str) -> bytes | None:
        """By tenant and id."""
        for (owner, _), waiting in self.kept.items():
            if owner == tenant and f'"{decision_id}"'.encode() in waiting.answer:
                return waiting.answer
        return None

    def receipt(self, tenant: str, decision: str, with_event: bool) -> bytes | None:
        """For each answer that is folded, in the order they were made."""
        self.receipts_asked.append(decision)
        if self.log_broken:
            raise StorageError("the log cannot be read")
        answer = self.read(tenant, decision)
        if answer is None:
            return None
        place = [waiting.answer for waiting in self.kept.values()].index(answer)
        return b"receipt %d %d\n" % (place, with_event) if place < self.folded else b""

    def log_file(self, path: str) -> bytes | None:
        """What stands in `files`."""
        self.files_asked.append(path)
        if self.log_broken:
            raise StorageError("the log cannot be read")
        return self.files.get(path)

    @property
    def policies(self) -> FakePolicies:
        """Packs are led to live by tests of the whole."""
        return self.known_policies

    def release_rule(self, *named: Any, **more: Any) -> bool:
        """Nothing is held."""
        return False

    def tend(self) -> None:
        """Count, or fail."""
        self.tended += 1
        if self.trouble is not None:
            raise self.trouble

    def lists(self) -> FakeLists:
        """One list."""
        return self.known_lists

    def stats(self) -> FakeStats:
        """Numbers."""
        return FakeStats(len(self.kept), log_size=self.folded)


class FakeKey(NamedTuple):
    """A key's holder."""

    id: str
    tenant: str
    scopes: frozenset[str]
    rate_per_s: float
    burst: int
    name: str = "somebody"


class FakeKeys:
    """Keys by token hash."""

    def __init__(self) -> None:
        self._holders: dict[str, FakeKey] = {}
        self.lookups = 0

    def add(
        self,
        token: str,
        tenant: str,
        scopes: tuple[str, ...] = ("decide", "record", "read", "lists", "metrics"),
        rate_per_s: float = 0.0,
        burst: int = 0,
    ) -> None:
        """A key for this token."""
        holder = FakeKey("k" + token[-4:], tenant, frozenset(scopes), rate_per_s, burst)
        self._holders[_digest(token)] = holder

    def revoke(self, token: str) -> None:
        """Forget the token."""
        del self._holders[_digest(token)]

    def authenticate(self, token: str) -> FakeKey | None:
        """The holder."""
        self.lookups += 1
        return self._holders.get(_digest(token))


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
