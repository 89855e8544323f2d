"""Accounts of staff and all that belongs to one: roles, passkeys, recovery codes, identities."""

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
    func,
    insert,
    select,
    update,
)

from kanhe.core import decision
from kanhe.protect.access.accounts import Account, folded_mail
from kanhe.protect.access.roles import BUILT_IN, Role
from kanhe.stores.desk.schema import METADATA

STAFF = Table(
    "staff",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("mail", Text, nullable=False),
    Column("mail_folded", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("tenant", Text, nullable=False),
    Column("created_ms", Integer, nullable=False),
    Column("disabled_ms", Integer, nullable=False, server_default="0"),
    Column("signed_in_ms", Integer, nullable=False, server_default="0"),
    Column("password", Text, nullable=False, server_default=""),
    Column("password_ms", Integer, nullable=False, server_default="0"),
    Column("totp", LargeBinary, nullable=False),
    Column("totp_step", Integer, nullable=False, server_default="0"),
    Column("recovery_salt", LargeBinary, nullable=False),
    Column("handle", LargeBinary, nullable=False),
    Column("language", Text, nullable=False, server_default=""),
    Column("theme", Text, nullable=False, server_default="system"),
    Column("time_zone", Text, nullable=False, server_default="UTC"),
    Index("ix_staff_tenant", "tenant"),
)
"""People are never removed: what they did names them. `disabled_ms` is 0 while they may come in."""

STAFF_ROLES = Table(
    "staff_roles",
    METADATA,
    Column("staff", Text, ForeignKey("staff.id"), primary_key=True),
    Column("role", Text, primary_key=True),
)

ROLES = Table(
    "roles",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("label", Text, nullable=False),
    Column("permissions", Text, nullable=False),
    Column("changed_ms", Integer, nullable=False),
)
"""Roles of the installation's own; those that come with Kanhe stand in the code."""

PASSKEYS = Table(
    "passkeys",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("staff", Text, ForeignKey("staff.id"), nullable=False),
    Column("credential_id", LargeBinary, nullable=False, unique=True),
    Column("key", LargeBinary, nullable=False),
    Column("counter", Integer, nullable=False),
    Column("backed_up", Integer, nullable=False),
    Column("name", Text, nullable=False),
    Column("created_ms", Integer, nullable=False),
    Column("used_ms", Integer, nullable=False, server_default="0"),
    Index("ix_passkeys_staff", "staff"),
)

RECOVERY = Table(
    "recovery_codes",
    METADATA,
    Column("staff", Text, ForeignKey("staff.id"), primary_key=True),
    Column("hash", LargeBinary, primary_key=True),
    Column("used_ms", Integer, nullable=False, server_default="0"),
)

IDENTITIES = Table(
    "identities",
    METADATA,
    Column("issuer", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("staff", Text, ForeignKey("staff.id"), nullable=False),
    Column("mail", Text, nullable=False),
    Column("created_ms", Integer, nullable=False),
    Index("ix_identities_staff", "staff"),
)


class KeptPasskey(NamedTuple):
    """A passkey as it stands in the store."""

    id: int
    staff: str
    key: bytes
    counter: int
    backed_up: bool
    name: str
    created_ms: int
    used_ms: int


_COUNTED = (
    select(func.count()).where(
        RECOVERY.c.staff == STAFF.c.id, RECOVERY.c.used_ms == 0
    ).scalar_subquery().label("recovery_left"),
    select(func.count()).where(PASSKEYS.c.staff == STAFF.c.id).scalar_subquery().label("passkeys"),
    select(func.count()).where(IDENTITIES.c.staff == STAFF.c.id).scalar_subquery().label("identities"),
    select(func.group_concat(STAFF_ROLES.c.role, " ")).where(
        STAFF_ROLES.c.staff == STAFF.c.id
    ).scalar_subquery().label("roles"),
)  # fmt: skip
_ACCOUNTS = select(STAFF, *_COUNTED)
_PASSKEYS = select(*(PASSKEYS.c[name] for name in KeptPasskey._fields))


def account(connection: Connection, staff: str) -> Account | None:
    """The account of this id."""
    return _one(connection, STAFF.c.id == staff)


def account_of_mail(connection: Connection, mail: str) -> Account | None:
    """The account of this address, whatever its capitals."""
    return _one(connection, STAFF.c.mail_folded == folded_mail(mail))


def account_of_identity(connection: Connection, issuer: str, subject: str) -> Account | None:
    """The account tied to a subject of the single sign-on."""
    tied = select(IDENTITIES.c.staff).where(
        IDENTITIES.c.issuer == issuer, IDENTITIES.c.subject == subject
    )
    return _one(connection, STAFF.c.id == tied.scalar_subquery())


def accounts(connection: Connection, tenant: str = "") -> list[Account]:
    """All accounts by name; those of one tenant if one is named."""
    wanted = _ACCOUNTS.order_by(STAFF.c.name, STAFF.c.id)
    if tenant:
        wanted = wanted.where(STAFF.c.tenant == tenant)
    return [_account(row) for row in connection.execute(wanted)]


def add_account(
    connection: Connection,
    staff: str,
    mail: str,
    name: str,
    tenant: str,
    handle: bytes,
    now_ms: int,
) -> None:
    """A new account that nobody can sign in to yet. `IntegrityError` if the address is taken."""
    connection.execute(
        insert(STAFF).values(
            id=staff, mail=mail, mail_folded=folded_mail(mail), name=name, tenant=tenant,
            handle=handle, created_ms=now_ms, totp=b"", recovery_salt=b"",
        )
    )  # fmt: skip


def change_account(connection: Connection, staff: str, **values: Any) -> None:
    """Set columns of an account."""
    connection.execute(update(STAFF).where(STAFF.c.id == staff).values(**values))


def set_roles(connection: Connection, staff: str, roles: Iterable[str]) -> None:
    """Give somebody exactly these roles."""
    connection.execute(delete(STAFF_ROLES).where(STAFF_ROLES.c.staff == staff))
    wanted = [{"staff": staff, "role": role} for role in roles]
    if wanted:
        connection.execute(insert(STAFF_ROLES), wanted)


def roles(connection: Connection) -> dict[str, Role]:
    """All roles by name: those that come with Kanhe, then own ones by title."""
    found = {role.name: role for role in BUILT_IN}
    for row in connection.execute(select(ROLES).order_by(ROLES.c.label, ROLES.c.name)):
        label = decision.Text(row.label, row.label)
        found[row.name] = Role(
            row.name, label, decision.Text("", ""), frozenset(row.permissions.split())
        )
    return found


def save_role(connection: Connection, role: Role, now_ms: int) -> None:
    """Keep a role of one's own, new or changed."""
    connection.execute(delete(ROLES).where(ROLES.c.name == role.name))
    connection.execute(
        insert(ROLES).values(
            name=role.name, label=role.label.en, permissions=" ".join(sorted(role.permissions)),
            changed_ms=now_ms,
        )
    )  # fmt: skip


def remove_role(connection: Connection, name: str) -> None:
    """Drop a role of one's own; whoever had it keeps nothing of it."""
    connection.execute(delete(ROLES).where(ROLES.c.name == name))
    connection.execute(delete(STAFF_ROLES).where(STAFF_ROLES.c.role == name))


def holders(connection: Connection) -> Mapping[str, int]:
    """How many people have each role."""
    counted = select(STAFF_ROLES.c.role, func.count()).group_by(STAFF_ROLES.c.role)
    return {row[0]: row[1] for row in connection.execute(counted)}


def passkeys_of(connection: Connection, staff: str) -> list[KeptPasskey]:
    """Somebody's passkeys, oldest first."""
    wanted = _PASSKEYS.where(PASSKEYS.c.staff == staff).order_by(PASSKEYS.c.id)
    return [_passkey(row) for row in connection.execute(wanted)]


def passkey_named(connection: Connection, credential_id: bytes) -> KeptPasskey | None:
    """The passkey with this id of its own."""
    row = connection.execute(_PASSKEYS.where(PASSKEYS.c.credential_id == credential_id)).first()
    return None if row is None else _passkey(row)


def add_passkey(
    connection: Connection, staff: str, credential_id: bytes, key: bytes, counter: int,
    backed_up: bool, name: str, now_ms: int,
) -> None:  # fmt: skip
    """Keep a new passkey. `IntegrityError` if it is somebody's already."""
    connection.execute(
        insert(PASSKEYS).values(
            staff=staff, credential_id=credential_id, key=key, counter=counter,
            backed_up=int(backed_up), name=name, created_ms=now_ms,
        )
    )  # fmt: skip


def use_passkey(
    connection: Connection, passkey: KeptPasskey, counter: int, backed_up: bool, now_ms: int
) -> bool:
    """Note that a passkey was used; `False` if it was used or removed since it was looked up."""
    done = connection.execute(
        update(PASSKEYS)
        .where(PASSKEYS.c.id == passkey.id, PASSKEYS.c.counter == passkey.counter)
        .values(counter=counter, backed_up=int(backed_up), used_ms=now_ms)
    )
    return done.rowcount == 1


def rename_passkey(connection: Connection, staff: str, passkey: int, name: str) -> bool:
    """Name a passkey of this person otherwise; `False` if it is not theirs."""
    mine = (PASSKEYS.c.id == passkey) & (PASSKEYS.c.staff == staff)
    return connection.execute(update(PASSKEYS).where(mine).values(name=name)).rowcount == 1


def remove_passkeys(connection: Connection, staff: str, passkey: int | None = None) -> int:
    """Drop one passkey of this person, or all; gives how many there were."""
    gone = delete(PASSKEYS).where(PASSKEYS.c.staff == staff)
    if passkey is not None:
        gone = gone.where(PASSKEYS.c.id == passkey)
    return connection.execute(gone).rowcount


def set_recovery(connection: Connection, staff: str, salt: bytes, hashes: Iterable[bytes]) -> None:
    """Put a new set of recovery codes in the place of the old one; an empty one leaves none."""
    connection.execute(delete(RECOVERY).where(RECOVERY.c.staff == staff))
    change_account(connection, staff, recovery_salt=salt)
    wanted = [{"staff": staff, "hash": one} for one in hashes]
    if wanted:
        connection.execute(insert(RECOVERY), wanted)


def recovery_left(connection: Connection, staff: str) -> list[bytes]:
    """The hashes of the codes that were not used."""
    left = select(RECOVERY.c.hash).where(RECOVERY.c.staff == staff, RECOVERY.c.used_ms == 0)
    return list(connection.execute(left).scalars())


def use_recovery(connection: Connection, staff: str, code: bytes, now_ms: int) -> bool:
    """Use up a code; `False` if it was used already."""
    done = connection.execute(
        update(RECOVERY)
        .where(RECOVERY.c.staff == staff, RECOVERY.c.hash == code, RECOVERY.c.used_ms == 0)
        .values(used_ms=now_ms)
    )
    return done.rowcount == 1


def tie_identity(
    connection: Connection, staff: str, issuer: str, subject: str, mail: str, now_ms: int
) -> None:
    """Tie a subject of the single sign-on to an account. `IntegrityError` if it is tied already."""
    connection.execute(
        insert(IDENTITIES).values(
            issuer=issuer, subject=subject, staff=staff, mail=mail, created_ms=now_ms
        )
    )


def untie_identities(connection: Connection, staff: str) -> int:
    """Drop all ties of an account to the single sign-on; gives how many there were."""
    return connection.execute(delete(IDENTITIES).where(IDENTITIES.c.staff == staff)).rowcount


def _one(connection: Connection, condition: Any) -> Account | None:
    row = connection.execute(_ACCOUNTS.where(condition)).first()
    return None if row is None else _account(row)


def _account(row: Any) -> Account:
    values = {name: getattr(row, name) for name in Account._fields}
    return Account(**{**values, "roles": tuple(sorted((row.roles or "").split()))})


def _passkey(row: Any) -> KeptPasskey:
    return KeptPasskey(**{**row._mapping, "backed_up": bool(row.backed_up)})
