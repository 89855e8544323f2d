"""API keys, kept in `keys.db`: who may ask, for which tenant, how often, until when.

A token is `kanhe_<id>_<secret>`. The id is public and finds the row; the secret is 256 random bits
and is shown once. Only its SHA-256 is kept. A slow password hash would add nothing: those exist
because people choose guessable passwords, and nobody can guess 256 random bits however fast the
hash is; and a fast one keeps authentication off the budget of every request.

What survives a crash: a key that `create` returned, and a revocation that `revoke` returned from.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import threading
from base64 import b32encode
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

from kanhe.core.errors import KanheError, StorageError
from kanhe.core.time import Clock
from kanhe.stores.sqlite.faults import explained
from kanhe.stores.sqlite.schema import open_database

RandomBytes = Callable[[int], bytes]
"""Gives that many bytes nobody can predict, such as `secrets.token_bytes`."""

CHECK_MS = 250
"""How old the copy of the keys in memory may be before the file is asked whether it changed."""
_ID_BYTES = 10
_SECRET_BYTES = 32
_TOKEN = re.compile(r"kanhe_([a-z2-7]{16})_([a-z2-7]{52})")
_NAME = re.compile(r"[^\x00-\x1f\x7f]{1,128}")
_SCOPE = re.compile(r"[a-z][a-z0-9_.:-]{0,63}")
_COLUMNS = "id, tenant, name, scopes, rate_per_s, burst, created_ms, expires_ms, revoked_ms"
_NOBODY = hashlib.sha256(b"no such key").digest()


class ApiKeyError(KanheError):
    """A key could not be made or found as asked."""


class KeyInfo(NamedTuple):
    """What is known of a key; everything but its secret."""

    id: str
    tenant: str
    name: str
    scopes: frozenset[str]
    rate_per_s: float
    """Requests per second in the long run; 0 means without limit."""
    burst: int
    """Requests that may come at once."""
    created_ms: int
    expires_ms: int
    """0 means never."""
    revoked_ms: int
    """0 means not revoked."""

    def valid_at(self, now_ms: int) -> bool:
        """Whether the key opens anything at this time."""
        return not self.revoked_ms and (not self.expires_ms or now_ms < self.expires_ms)


class ApiKeys:
    """The API keys in the file `path`, with a copy in memory that follows the file.

    Keys may be made and revoked by another process (`kanhe keys`) while a server runs: at most
    every 250 ms `authenticate` asks SQLite whether another connection changed the file
    (`PRAGMA data_version`, a few microseconds) and reads the keys again only then. Safe to use from
    several threads.

    `clock` gives the time in milliseconds, `random_bytes` the randomness. Raises `StorageError`
    saying what to do if the file cannot be used.
    """

    def __init__(self, path: Path | str, clock: Clock, random_bytes: RandomBytes) -> None:
        self._path = Path(path)
        self._clock = clock
        self._random_bytes = random_bytes
        self._lock = threading.Lock()
        self._keys: dict[str, tuple[KeyInfo, bytes]] = {}
        self._version = -1
        self._checked_ms = 0
        self._closed = False
        self._db = open_database(self._path, "keys")
        try:
            with self._lock:
                self._follow(clock(), at_once=True)
        except BaseException:
            self._db.close()
            raise

    def create(
        self,
        tenant: str,
        name: str,
        scopes: Iterable[str],
        rate_per_s: float = 0.0,
        burst: int = 0,
        expires_ms: int = 0,
    ) -> str:
        """Make a key and return its token, which cannot be shown again.

        `tenant` and `name` have 1 to 128 printable characters; a limit needs both `rate_per_s` and
        `burst` above 0; `expires_ms` lies in the future or is 0 for never. Raises `ApiKeyError` for
        anything else, `StorageError` if the key could not be made durable.
        """
        now = self._clock()
        kept_scopes = frozenset(scopes)
        _check(tenant, name, kept_scopes, rate_per_s, burst, expires_ms, now)
        key_id = _text(self._random_bytes(_ID_BYTES))
        secret = _text(self._random_bytes(_SECRET_BYTES))
        words = " ".join(sorted(kept_scopes))
        with self._lock, explained(self._path):
            self._check_open()
            self._db.execute(
                f"INSERT INTO api_keys ({_COLUMNS}, secret_sha256)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, ?)",
                (key_id, tenant, name, words, float(rate_per_s), burst, now, expires_ms,
                 _digest(secret)),
            )  # fmt: skip
            self._read()
        return f"kanhe_{key_id}_{secret}"

    def list(self, tenant: str | None = None) -> list[KeyInfo]:
        """All keys, revoked and expired ones included, oldest first; of one tenant if asked."""
        with self._lock:
            self._check_open()
            self._follow(self._clock(), at_once=True)
            found = [info for info, _ in self._keys.values()]
        wanted = [info for info in found if tenant is None or info.tenant == tenant]
        return sorted(wanted, key=lambda info: (info.created_ms, info.id))

    def revoke(self, key_id: str) -> KeyInfo:
        """Revoke a key for good; revoking twice keeps the first time. `ApiKeyError` if unknown."""
        with self._lock, explained(self._path):
            self._check_open()
            self._db.execute(
                "UPDATE api_keys SET revoked_ms = ? WHERE id = ? AND revoked_ms = 0",
                (max(self._clock(), 1), key_id),
            )
            self._read()
            found = self._keys.get(key_id)
        if found is None:
            raise ApiKeyError(
                f"there is no key {key_id!r}; `kanhe keys list` shows those there are"
            )
        return found[0]

    def authenticate(self, token: str) -> KeyInfo | None:
        """Whose token this is; `None` if it is unknown, revoked, expired or not a token at all.

        A revocation by another process takes effect within 250 ms. The secret is compared in
        constant time, against a stand-in if the id is unknown. Raises `StorageError` if the file
        cannot be read: nobody is let in on a copy that may be out of date.
        """
        match = _TOKEN.fullmatch(token)
        if match is None:
            return None
        now = self._clock()
        with self._lock:
            self._check_open()
            self._follow(now)
            found = self._keys.get(match[1])
        same = hmac.compare_digest(_digest(match[2]), _NOBODY if found is None else found[1])
        if found is None or not same or not found[0].valid_at(now):
            return None
        return found[0]

    def close(self) -> None:
        """Release the file."""
        with self._lock:
            self._closed = True
            self._db.close()

    def _follow(self, now_ms: int, *, at_once: bool = False) -> None:
        """Read the keys again if another connection changed the file since the last look."""
        # A clock that was set back must not stop the looking.
        if not at_once and 0 <= now_ms - self._checked_ms < CHECK_MS:
            return
        with explained(self._path):
            version = self._db.execute("PRAGMA data_version").fetchone()[0]
            if version != self._version:
                self._read()
                # If a change slips in between the two, the version differs next time.
                self._version = version
        self._checked_ms = now_ms

    def _read(self) -> None:
        rows: list[Any] = self._db.execute(
            f"SELECT {_COLUMNS}, secret_sha256 FROM api_keys"
        ).fetchall()
        self._keys = {
            row[0]: (KeyInfo._make((*row[:3], frozenset(row[3].split()), *row[4:9])), row[9])
            for row in rows
        }

    def _check_open(self) -> None:
        if self._closed:
            raise StorageError(f"{self._path} was closed; open it again before using it")


def _check(
    tenant: str,
    name: str,
    scopes: frozenset[str],
    rate_per_s: float,
    burst: int,
    expires_ms: int,
    now_ms: int,
) -> None:
    for what, value in (("tenant", tenant), ("name", name)):
        if not _NAME.fullmatch(value):
            raise ApiKeyError(f"{what} must have 1 to 128 printable characters, got {value[:80]!r}")
    for scope in scopes:
        if not _SCOPE.fullmatch(scope):
            raise ApiKeyError(f"a scope is a word such as decide or events, got {scope[:80]!r}")
    if not scopes:
        raise ApiKeyError("a key without scopes opens nothing; name at least one")
    if not 0 <= rate_per_s <= 1e9 or not 0 <= burst <= 10**9:
        raise ApiKeyError("rate_per_s and burst lie between 0 (no limit) and a thousand million")
    if (rate_per_s > 0) != (burst > 0):
        raise ApiKeyError("a limit needs both rate_per_s and burst; leave both at 0 for no limit")
    if expires_ms and expires_ms <= now_ms:
        raise ApiKeyError(f"expires_ms {expires_ms} is not in the future (it is {now_ms} now)")


def _text(raw: bytes) -> str:
    """Base 32 in lower case: a double click selects the whole token, and no character is mistaken."""
    return b32encode(raw).decode("ascii").rstrip("=").lower()


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("ascii")).digest()
