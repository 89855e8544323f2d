"""Sessions, known devices, one-time links, failures and what may be used once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from sqlalchemy import (
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    delete,
    select,
    update,
)
from sqlalchemy.dialects.sqlite import insert

from kanhe.protect.access.lockout import Bucket, Count, after_failure
from kanhe.protect.access.sessions import Session
from kanhe.stores.desk.accounts import STAFF
from kanhe.stores.desk.schema import METADATA

SESSIONS = Table(
    "sessions",
    METADATA,
    Column("handle", Text, primary_key=True),
    Column("token_hash", LargeBinary, nullable=False, unique=True),
    Column("staff", Text, ForeignKey("staff.id"), nullable=False),
    Column("method", Text, nullable=False),
    Column("second_factor", Integer, nullable=False),
    Column("created_ms", Integer, nullable=False),
    Column("seen_ms", Integer, nullable=False),
    Column("factor_ms", Integer, nullable=False),
    Column("ended_ms", Integer, nullable=False, server_default="0"),
    Column("ip", Text, nullable=False),
    Column("device", Text, nullable=False),
    Index("ix_sessions_staff", "staff", "ended_ms"),
)

DEVICES = Table(
    "known_devices",
    METADATA,
    Column("token_hash", LargeBinary, primary_key=True),
    Column("staff", Text, ForeignKey("staff.id"), primary_key=True),
    Column("created_ms", Integer, nullable=False),
    Column("seen_ms", Integer, nullable=False),
    Index("ix_known_devices_staff", "staff"),
)
"""Browsers in which somebody has signed in before."""

LINKS = Table(
    "links",
    METADATA,
    Column("token_hash", LargeBinary, primary_key=True),
    Column("purpose", Text, nullable=False),
    Column("staff", Text, ForeignKey("staff.id"), nullable=True),
    Column("made_by", Text, nullable=False),
    Column("created_ms", Integer, nullable=False),
    Column("expires_ms", Integer, nullable=False),
    Column("used_ms", Integer, nullable=False, server_default="0"),
    Index("ix_links_staff", "staff"),
)
"""One-time links. Without a `staff` it lets whoever opens it found the installation's first account."""

FAILURES = Table(
    "failures",
    METADATA,
    Column("key", LargeBinary, primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("last_ms", Integer, nullable=False),
    Column("forget_ms", Integer, nullable=False),
    Index("ix_failures_forget", "forget_ms"),
)

SPENT = Table(
    "spent",
    METADATA,
    Column("hash", LargeBinary, primary_key=True),
    Column("until_ms", Integer, nullable=False),
    Index("ix_spent_until", "until_ms"),
)
"""Questions that were answered; kept until they would be too old anyway."""

REVEALS = Table(
    "reveals",
    METADATA,
    Column("session", Text, ForeignKey("sessions.handle"), primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("until_ms", Integer, nullable=False),
)
"""What a session may see unmasked, and until when."""


class Link(NamedTuple):
    """A one-time link as it stands in the store."""

    purpose: str
    staff: str | None
    made_by: str
    created_ms: int
    expires_ms: int
    used_ms: int

    def opens_at(self, now_ms: int) -> bool:
        """Whether it still opens anything."""
        return (
            not self.used_ms and self.created_ms <= now_ms + _CLOCK_MS and now_ms < self.expires_ms
        )


_CLOCK_MS = 60_000
_SESSIONS = select(*(SESSIONS.c[name] for name in Session._fields))
_SWEEP = 100
"""How many stale rows are dropped at a time, so that no request pays for all."""


def begin(connection: Connection, session: Session, token_hash: bytes) -> None:
    """Keep a new session."""
    connection.execute(
        insert(SESSIONS).values(
            **{**session._asdict(), "second_factor": int(session.second_factor)},
            token_hash=token_hash,
        )
    )


def session_of(connection: Connection, token_hash: bytes) -> Session | None:
    """The session of this secret."""
    row = connection.execute(_SESSIONS.where(SESSIONS.c.token_hash == token_hash)).first()
    return None if row is None else _session(row)


def session(connection: Connection, handle: str) -> Session | None:
    """The session of this name."""
    row = connection.execute(_SESSIONS.where(SESSIONS.c.handle == handle)).first()
    return None if row is None else _session(row)


def open_sessions(
    connection: Connection, seen_after_ms: int, created_after_ms: int, *, staff: str = "", tenant: str = "",
) -> list[Session]:  # fmt: skip
    """Sessions that were not ended and are used or made after these times, last used first."""
    wanted = _SESSIONS.where(
        SESSIONS.c.ended_ms == 0,
        SESSIONS.c.seen_ms > seen_after_ms,
        SESSIONS.c.created_ms > created_after_ms,
    ).order_by(SESSIONS.c.seen_ms.desc(), SESSIONS.c.handle)
    if staff:
        wanted = wanted.where(SESSIONS.c.staff == staff)
    if tenant:
        wanted = wanted.join(STAFF, STAFF.c.id == SESSIONS.c.staff).where(STAFF.c.tenant == tenant)
    return [_session(row) for row in connection.execute(wanted)]


def touch(connection: Connection, handle: str, now_ms: int) -> None:
    """Note that a session is used."""
    connection.execute(update(SESSIONS).where(SESSIONS.c.handle == handle).values(seen_ms=now_ms))


def renew(connection: Connection, handle: str, token_hash: bytes, now_ms: int) -> None:
    """Give a session another secret, because a second factor was shown."""
    connection.execute(
        update(SESSIONS)
        .where(SESSIONS.c.handle == handle)
        .values(token_hash=token_hash, factor_ms=now_ms, seen_ms=now_ms, second_factor=1)
    )


def end(
    connection: Connection, now_ms: int, *, handle: str = "", staff: str = "", but: str = ""
) -> int:
    """End one session, or all of somebody but the one named `but`; gives how many stood."""
    if not (handle or staff):
        raise ValueError("name a session or a person")
    ended = update(SESSIONS).where(SESSIONS.c.ended_ms == 0, SESSIONS.c.handle != but)
    if handle:
        ended = ended.where(SESSIONS.c.handle == handle)
    if staff:
        ended = ended.where(SESSIONS.c.staff == staff)
    return connection.execute(ended.values(ended_ms=max(now_ms, 1))).rowcount


def knows_device(connection: Connection, token_hash: bytes, staff: str) -> bool:
    """Whether somebody has signed in with this browser before."""
    mine = (DEVICES.c.token_hash == token_hash) & (DEVICES.c.staff == staff)
    return connection.execute(select(DEVICES.c.staff).where(mine)).first() is not None


def remember_device(connection: Connection, token_hash: bytes, staff: str, now_ms: int) -> None:
    """Somebody has signed in with this browser."""
    statement = insert(DEVICES).values(
        token_hash=token_hash, staff=staff, created_ms=now_ms, seen_ms=now_ms
    )
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["token_hash", "staff"], set_={"seen_ms": now_ms}
        )
    )


def forget_devices(connection: Connection, staff: str) -> None:
    """Somebody's browsers are strange again."""
    connection.execute(delete(DEVICES).where(DEVICES.c.staff == staff))


def add_link(
    connection: Connection, token_hash: bytes, purpose: str, staff: str | None, made_by: str,
    now_ms: int, expires_ms: int,
) -> None:  # fmt: skip
    """Keep a new link; earlier ones for the same person and purpose open nothing any more."""
    connection.execute(
        update(LINKS)
        .where(LINKS.c.purpose == purpose, LINKS.c.staff.is_(staff) if staff is None
               else LINKS.c.staff == staff, LINKS.c.used_ms == 0)
        .values(used_ms=max(now_ms, 1))
    )  # fmt: skip
    connection.execute(
        insert(LINKS).values(
            token_hash=token_hash, purpose=purpose, staff=staff, made_by=made_by,
            created_ms=now_ms, expires_ms=expires_ms,
        )
    )  # fmt: skip


def link(connection: Connection, token_hash: bytes) -> Link | None:
    """The link of this secret."""
    wanted = select(*(LINKS.c[name] for name in Link._fields))
    row = connection.execute(wanted.where(LINKS.c.token_hash == token_hash)).first()
    return None if row is None else Link(*row)


def use_link(connection: Connection, token_hash: bytes, now_ms: int) -> bool:
    """Use up a link; `False` if it was used before."""
    done = connection.execute(
        update(LINKS)
        .where(LINKS.c.token_hash == token_hash, LINKS.c.used_ms == 0)
        .values(used_ms=max(now_ms, 1))
    )
    return done.rowcount == 1


def drop_links(connection: Connection, staff: str, now_ms: int) -> None:
    """Have all links of somebody open nothing any more."""
    connection.execute(
        update(LINKS)
        .where(LINKS.c.staff == staff, LINKS.c.used_ms == 0)
        .values(used_ms=max(now_ms, 1))
    )


def open_links(connection: Connection, now_ms: int) -> Mapping[str, int]:
    """Until when the link of each invited person opens something."""
    wanted = select(LINKS.c.staff, LINKS.c.expires_ms).where(
        LINKS.c.used_ms == 0, LINKS.c.expires_ms > now_ms, LINKS.c.staff.is_not(None)
    )
    return {row[0]: row[1] for row in connection.execute(wanted)}


def counts(connection: Connection, buckets: Iterable[Bucket]) -> dict[bytes, Count]:
    """The failures of these places."""
    keys = [bucket.key for bucket in buckets]
    wanted = select(FAILURES.c.key, FAILURES.c.failures, FAILURES.c.last_ms).where(
        FAILURES.c.key.in_(keys)
    )
    return {key: Count(failures, last_ms) for key, failures, last_ms in connection.execute(wanted)}


def fail(connection: Connection, buckets: Iterable[Bucket], now_ms: int) -> None:
    """Count one failure in each of these places, and forget some that are long past."""
    buckets = tuple(buckets)
    found = counts(connection, buckets)
    for bucket in buckets:
        count = after_failure(bucket, found.get(bucket.key, Count()), now_ms)
        _keep_count(connection, bucket, count)
    stale = select(FAILURES.c.key).where(FAILURES.c.forget_ms < now_ms).limit(_SWEEP)
    connection.execute(delete(FAILURES).where(FAILURES.c.key.in_(stale)))


def forgive(connection: Connection, buckets: Iterable[Bucket]) -> None:
    """It was no failure: what only this person counts in is emptied, what many share gets one back."""
    buckets = tuple(buckets)
    found = counts(connection, buckets)
    for bucket in buckets:
        count = found.get(bucket.key, Count())
        if bucket.forgiven or count.failures <= 1:
            connection.execute(delete(FAILURES).where(FAILURES.c.key == bucket.key))
        else:
            _keep_count(connection, bucket, count._replace(failures=count.failures - 1))


def spend(connection: Connection, token_hash: bytes, until_ms: int, now_ms: int) -> bool:
    """Use up something that may be used once; `False` if it was used before."""
    stale = select(SPENT.c.hash).where(SPENT.c.until_ms < now_ms).limit(_SWEEP)
    connection.execute(delete(SPENT).where(SPENT.c.hash.in_(stale)))
    statement = insert(SPENT).values(hash=token_hash, until_ms=until_ms)
    return connection.execute(statement.on_conflict_do_nothing()).rowcount == 1


def reveal(connection: Connection, handle: str, subject: str, until_ms: int, now_ms: int) -> None:
    """Let a session see something unmasked until then."""
    connection.execute(delete(REVEALS).where(REVEALS.c.until_ms < now_ms))
    statement = insert(REVEALS).values(session=handle, subject=subject, until_ms=until_ms)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["session", "subject"], set_={"until_ms": until_ms}
        )
    )


def is_revealed(connection: Connection, handle: str, subject: str, now_ms: int) -> bool:
    """Whether a session may see something unmasked now."""
    mine = (REVEALS.c.session == handle) & (REVEALS.c.subject == subject)
    wanted = select(REVEALS.c.until_ms).where(mine, REVEALS.c.until_ms > now_ms)
    return connection.execute(wanted).first() is not None


def _keep_count(connection: Connection, bucket: Bucket, count: Count) -> None:
    values = {
        "failures": count.failures,
        "last_ms": count.last_ms,
        "forget_ms": count.last_ms + bucket.allowance.forget_ms,
    }
    statement = insert(FAILURES).values(key=bucket.key, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=["key"], set_=values))


def _session(row: Any) -> Session:
    return Session(**{**row._mapping, "second_factor": bool(row.second_factor)})
