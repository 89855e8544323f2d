"""What one entry of the log holds: enough to hold Kanhe to its word, and nothing personal.

An entry is JSON with fixed keys in a fixed order, without spaces, optional keys left out when empty;
`parse_entry` accepts these bytes and no others. Version 1:

| key | meaning |
| --- | --- |
| `v` | 1 |
| `kind` | `source:subject:action`, such as `flow:payment.attempted:deny` |
| `seq` | the number of the journal's row; 0 for what is no row of the journal |
| `at_ms` | when it happened, milliseconds since 1970-01-01 UTC |
| `received_ms` | when it came in |
| `event`, `answer` | commitments to the bytes of the event and of the answer |
| `policy`, `model` | hashes of the policy pack and of the model |
| `outcome`, `score`, `reasons` | the decision, as ids of rules and not as text; the first 500 reasons |
| `who` | pseudonyms of those the event names, each `kind:` and 32 hex digits |
| `facts` | for what is no event: a few words about it |

**Commitments.** `event` is SHA-256 over `kanhe-event-v1`, a zero byte, the first 16 bytes of the
row's salt, and the body; `answer` is the same with `kanhe-answer-v1`, the last 16 bytes, and the
answer. Whoever is shown half a salt and the bytes can check them; whoever is not cannot try out
guesses. The halves let an answer be shown without the event. A salt is 32 random bytes of one row
alone and is kept beside its payload, never derived from a secret that outlives it: destroying it
makes both commitments meaningless for ever, and leaves every proof valid.

**Pseudonyms.** Keyed BLAKE2s (RFC 7693) cut to 16 bytes: the same entity has the same one, and
without the installation's key nobody can tell whose it is or try out guesses. Whoever holds the key
can: it is kept like the journal, and is not given to those who read the log.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from hashlib import blake2s, sha256
from hmac import compare_digest
from typing import Annotated

import msgspec

from kanhe.record.log.errors import FormatError
from kanhe.record.log.tiles import MAX_ENTRY_BYTES

SALT_BYTES = 32
PSEUDONYM_KEY_BYTES = 32
PSEUDONYM_BYTES = 16

_KIND = r"^[a-z0-9_.\-]+:[a-z0-9_.\-]+:[a-z0-9_.\-]+$"
_EVENT = b"kanhe-event-v1\x00"
_ANSWER = b"kanhe-answer-v1\x00"
_HALF = SALT_BYTES // 2
_PERSON = b"kanheWho"
_BEGUN = 512
"""For how many tenants the beginnings of the hashes are kept."""

_Kind = Annotated[str, msgspec.Meta(pattern=_KIND)]
_Commitment = Annotated[str, msgspec.Meta(pattern=r"^([0-9a-f]{64})?$")]
_Who = Annotated[str, msgspec.Meta(pattern=r"^[a-z_]+:[0-9a-f]{32}$")]
_Natural = Annotated[int, msgspec.Meta(ge=0)]


class Entry(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, forbid_unknown_fields=True):
    """One entry, as the table above tells."""

    v: int
    kind: _Kind
    seq: _Natural
    at_ms: int
    received_ms: int = 0
    event: _Commitment = ""
    answer: _Commitment = ""
    policy: str = ""
    model: str = ""
    outcome: str = ""
    score: int | None = None
    reasons: tuple[str, ...] = ()
    who: tuple[_Who, ...] = ()
    facts: dict[str, str] = {}


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Entry).decode


def entry_of(
    kind: str,
    seq: int,
    at_ms: int,
    received_ms: int,
    salt: bytes,
    body: bytes,
    answer: bytes,
    policy: str,
    model: str,
    outcome: str,
    score: int | None,
    reasons: tuple[str, ...],
    who: tuple[str, ...],
) -> bytes:
    """The entry of one row of the journal.

    `kind` comes from `kind_of`, `who` from `Pseudonyms`; `salt` is 32
    random bytes that no other row has; `outcome` is empty and `score` None for an event that was
    only recorded. Raises `FormatError` if the entry would be longer than a log can hold.
    """
    # Two one-shot hashes, one struct and one encoding are all that this may cost.
    entry = _encode(
        Entry(
            1, kind, seq, at_ms, received_ms,
            sha256(_EVENT + salt[:_HALF] + body).hexdigest(),
            sha256(_ANSWER + salt[_HALF:] + answer).hexdigest(),
            policy, model, outcome, score, reasons, who,
        )
    )  # fmt: skip
    if len(entry) > MAX_ENTRY_BYTES or len(salt) != SALT_BYTES:
        raise _unfit(entry, salt)
    return entry


def happening_of(
    kind: str, seq: int, at_ms: int, facts: Mapping[str, str], who: Sequence[str] = ()
) -> bytes:
    """The entry of something that is no event.

    For example `privacy:person:erased` with how many rows, `log:key:added` with the new key's text,
    `policy:pack:changed` with the hashes of the old and the new pack.

    `facts` hold words, counts and hashes, and nothing about a person but pseudonyms in `who`.
    Raises `FormatError` for a malformed `kind` or an entry that is too long.
    """
    entry = _encode(Entry(1, kind, seq, at_ms, facts=dict(sorted(facts.items())), who=tuple(who)))
    parse_entry(entry)
    return entry


def kind_of(source: str, subject: str, action: str) -> str:
    """The kind of an entry; raises `FormatError` unless each part is of a-z, 0-9, `_`, `.` and `-`.

    There are as many kinds as types of event times outcomes: make each once and keep it.
    """
    kind = f"{source}:{subject}:{action}"
    if not re.fullmatch(_KIND, kind):
        raise FormatError(f"{kind[:80]!r} is no kind of entry, such as policy:pack:changed")
    return kind


class Pseudonyms:
    """From tenant, kind of entity and id to the entity's pseudonym under one key.

    Setting up a keyed hash costs more than hashing an id, and most ids are seen too seldom for a
    memory of them to be worth its misses. So each hash goes on from where the key, the tenant and
    the kind have brought it.
    """

    def __init__(self, key: bytes, kinds: Sequence[str] = ()) -> None:
        """`key` is 32 random bytes of this installation; whoever changes it parts the old entries
        from the new. `kinds` are those that `of_all` is asked about."""
        if len(key) != PSEUDONYM_KEY_BYTES:
            raise FormatError(
                f"a key for pseudonyms has {PSEUDONYM_KEY_BYTES} bytes, not {len(key)}"
            )
        self._key = key
        self._kinds = tuple(kinds)
        self._all = lru_cache(_BEGUN)(self._begun_all)

    def __call__(self, tenant: str, kind: str, id: str) -> str:
        """The pseudonym of one entity."""
        begun = self._begun(tenant, kind)
        begun.update(id.encode())
        return f"{kind}:{begun.hexdigest()}"

    def of_all(self, tenant: str, ids: Iterable[str | None]) -> tuple[str, ...]:
        """The pseudonyms of the ids that are given, one for each kind in its place."""
        found = []
        for (begin, kind), id in zip(self._all(tenant), ids, strict=True):
            if id is not None:
                begun = begin()
                begun.update(id.encode())
                found.append(kind + begun.hexdigest())
        return tuple(found)

    def _begun_all(self, tenant: str) -> list[tuple[Callable[[], blake2s], str]]:
        return [(self._begun(tenant, kind).copy, f"{kind}:") for kind in self._kinds]

    def _begun(self, tenant: str, kind: str) -> blake2s:
        # Tenants and kinds hold no zero byte, so that no two entities read the same.
        text = f"{tenant}\0{kind}\0".encode()
        return blake2s(text, key=self._key, digest_size=PSEUDONYM_BYTES, person=_PERSON)


def parse_entry(raw: bytes) -> Entry:
    """Read an entry; raises `FormatError` unless these are exactly the bytes that say it."""
    if len(raw) > MAX_ENTRY_BYTES:
        raise FormatError(f"an entry has at most {MAX_ENTRY_BYTES} bytes, this one {len(raw)}")
    try:
        entry = _decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as problem:
        raise FormatError(f"the entry cannot be read: {problem}") from None
    if entry.v != 1:
        raise FormatError(f"the entry is of version {entry.v}; a newer Kanhe reads it")
    if _encode(entry) != raw:
        raise FormatError("the entry is not written in its one canonical way")
    return entry


def commit_event(half: bytes, body: bytes) -> str:
    """The commitment to an event's canonical bytes, under the first half of the row's salt."""
    return sha256(_EVENT + half + body).hexdigest()


def commit_answer(half: bytes, answer: bytes) -> str:
    """The commitment to an answer's bytes, under the second half of the row's salt."""
    return sha256(_ANSWER + half + answer).hexdigest()


def salt_halves(salt: bytes) -> tuple[bytes, bytes]:
    """What opens the event, and what opens the answer: 16 bytes each."""
    return salt[:_HALF], salt[_HALF:]


def fits(entry: Entry, salt: bytes, body: bytes, answer: bytes) -> bool:
    """Whether a row of the journal is the one that the entry was made from."""
    first, second = salt_halves(salt)
    return compare_digest(entry.event, commit_event(first, body)) and compare_digest(
        entry.answer, commit_answer(second, answer)
    )


def _unfit(entry: bytes, salt: bytes) -> FormatError:
    if len(salt) != SALT_BYTES:
        return FormatError(f"a salt has {SALT_BYTES} random bytes, not {len(salt)}")
    return FormatError(
        f"an entry has at most {MAX_ENTRY_BYTES} bytes, this one {len(entry)}: shorten the ids of"
        " the rules that fired"
    )
