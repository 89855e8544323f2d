"""Looking after staff: who is there, who comes, who goes, and what they may do.

Nobody changes their own roles or disables themselves, somebody always manages staff, and everything is
told of in the transaction that does it. Whoever belongs to a tenant sees the people of that tenant.
"""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from kanhe.app.access import LINK_MS, Access
from kanhe.app.enrolling import NotFresh
from kanhe.core.actor import Actor, Visitor
from kanhe.core.time import HOUR_MS
from kanhe.protect.access.accounts import (
    AccessRefused,
    Account,
    checked_mail,
    checked_name,
    checked_tenant,
)
from kanhe.protect.access.chance import new_handle, new_token, token_hash
from kanhe.protect.access.roles import (
    MOST_ROLES,
    SECURITY_MANAGER,
    Role,
    RoleError,
    check_grant,
    conflicts_of,
    granted,
    own_role,
)
from kanhe.protect.access.sessions import Session, is_fresh
from kanhe.stores.desk import accounts, sessions
from kanhe.stores.desk.outgoing import announce, tell_of

SIGN_IN_MS = HOUR_MS
"""How long a link that signs in opens something."""


class NotFound(AccessRefused):
    """There is no such person, role or session, or none that may be seen from here."""

    def __init__(self) -> None:
        super().__init__(
            "there is nobody and nothing of this name", "没有找到对应的员工、角色或会话"
        )


class Person(NamedTuple):
    """Somebody of the staff, for lists."""

    account: Account
    state: str
    """`active`, `invited`, `expired` (the invitation is too old) or `disabled`."""
    link_until_ms: int
    """Until when an open invitation opens something; 0 if there is none."""


class OpenSession(NamedTuple):
    """A session that stands, with whose it is."""

    session: Session
    name: str
    mail: str


class Personnel:
    """Staff, roles and sessions, as those see them who manage them."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._desk = access.desk

    # People ----------------------------------------------------------------------------------------

    def people(self, actor: Actor) -> list[Person]:
        """All whom this person may see, by name."""
        now = self._access.clock()
        with self._desk.reading() as connection:
            open_until = sessions.open_links(connection, now)
            return [
                _person(account, open_until)
                for account in accounts.accounts(connection, actor.tenant)
            ]

    def person(self, actor: Actor, staff: str) -> Person:
        """One of them. Raises `NotFound`."""
        with self._desk.reading() as connection:
            account = self._seen(connection, actor, staff)
            return _person(account, sessions.open_links(connection, self._access.clock()))

    def invite(
        self, visitor: Visitor, mail: str, name: str, tenant: str, roles: tuple[str, ...]
    ) -> tuple[str, str]:
        """Make an account and a one-time link for it; gives the person's id and the link's address.

        Raises `AccessRefused`, and `RoleError` for roles that may not be held together.
        """
        wanted = checked_tenant(tenant) or visitor.actor.tenant
        if not visitor.actor.sees(wanted):
            raise NotFound
        with self._desk.writing() as connection:
            self._must_be_fresh(connection, visitor)
            return self.invite_as(connection, visitor.actor, mail, name, wanted, roles)

    def invite_as(
        self, connection: Connection, actor: Actor, mail: str, name: str, tenant: str,
        roles: tuple[str, ...],
    ) -> tuple[str, str]:  # fmt: skip
        """The same, by whoever runs the server."""
        now = self._access.clock()
        shown_mail, shown_name = checked_mail(mail), checked_name(name)
        held = check_grant(roles, accounts.roles(connection))
        staff = new_handle("st", self._access.random_bytes)
        try:
            handle = self._access.random_bytes(32)
            accounts.add_account(connection, staff, shown_mail, shown_name, tenant, handle, now)
        except IntegrityError as error:
            raise AccessRefused(
                "there is an account with this address", "该邮箱已有账号"
            ) from error
        accounts.set_roles(connection, staff, held)
        link = self._link(connection, actor, "invite", staff, LINK_MS)
        tell_of(
            connection, actor, "granted_access", "account", now, tenant=tenant,
            note=f"invited {staff} as {' '.join(held)}",
        )  # fmt: skip
        announce(
            connection, tenant, "staff.invited",
            {"staff": staff, "roles": list(held), "by": actor.staff}, now,
        )  # fmt: skip
        return staff, link

    def invite_again(self, visitor: Visitor, staff: str) -> str:
        """A new one-time link, for somebody whose invitation is too old or who lost every way in.

        Accepting it takes their earlier ways in away, so that they notice if it was somebody else.
        """
        with self._desk.writing() as connection:
            self._must_be_fresh(connection, visitor)
            account = self._other(connection, visitor.actor, staff)
            if account.disabled_ms:
                raise AccessRefused("this account is disabled", "该账号已停用")
            return self.invite_again_as(connection, visitor.actor, account)

    def invite_again_as(self, connection: Connection, actor: Actor, account: Account) -> str:
        """The same, by whoever runs the server."""
        link = self._link(connection, actor, "invite", account.id, LINK_MS)
        tell_of(
            connection, actor, "granted_access", "credential", self._access.clock(),
            tenant=account.tenant, note=f"new invitation for {account.id}",
        )  # fmt: skip
        return link

    def sign_in_link_as(self, connection: Connection, actor: Actor, account: Account) -> str:
        """A link that signs somebody in once, within the hour; for whoever runs the server only."""
        link = self._link(connection, actor, "sign_in", account.id, SIGN_IN_MS)
        tell_of(
            connection, actor, "granted_access", "credential", self._access.clock(),
            tenant=account.tenant, note=f"sign-in link for {account.id}",
        )  # fmt: skip
        return link

    def founding_link_as(self, connection: Connection, actor: Actor, note: str) -> str:
        """A link that lets whoever opens it make an account of a security manager."""
        link = self._link(connection, actor, "first", None, LINK_MS)
        tell_of(connection, actor, "granted_access", "system", self._access.clock(), note=note)
        return link

    def set_roles(self, visitor: Visitor, staff: str, roles: tuple[str, ...]) -> None:
        """Give somebody else exactly these roles. Raises `AccessRefused`, `RoleError`."""
        with self._desk.writing() as connection:
            self._must_be_fresh(connection, visitor)
            account = self._other(connection, visitor.actor, staff)
            known = accounts.roles(connection)
            held = check_grant(roles, known)
            if set(held) == set(account.roles):
                return
            accounts.set_roles(connection, staff, held)
            self._somebody_manages(connection)
            added, removed = set(held) - set(account.roles), set(account.roles) - set(held)
            now = self._access.clock()
            for action, names in (("granted_access", added), ("revoked_access", removed)):
                if names:
                    tell_of(
                        connection, visitor.actor, action, "account", now, tenant=account.tenant,
                        note=f"{staff}: {' '.join(sorted(names))}",
                    )  # fmt: skip

    def disable(self, visitor: Visitor, staff: str) -> None:
        """Let somebody else in no more; their sessions and links end at once."""
        with self._desk.writing() as connection:
            self._must_be_fresh(connection, visitor)
            account = self._other(connection, visitor.actor, staff)
            self.disable_as(connection, visitor.actor, account)
            self._somebody_manages(connection)

    def disable_as(self, connection: Connection, actor: Actor, account: Account) -> None:
        """The same, by whoever runs the server; they may do so to the last manager too."""
        now = self._access.clock()
        accounts.change_account(connection, account.id, disabled_ms=max(now, 1))
        sessions.end(connection, now, staff=account.id)
        sessions.drop_links(connection, account.id, now)
        tell_of(
            connection, actor, "revoked_access", "account", now, tenant=account.tenant,
            note=f"disabled {account.id}",
        )  # fmt: skip

    def enable(self, visitor: Visitor, staff: str) -> None:
        """Let somebody in again who was disabled; their ways in are as they were."""
        with self._desk.writing() as connection:
            self._must_be_fresh(connection, visitor)
            account = self._other(connection, visitor.actor, staff)
            # Roles may have changed meanwhile: what may not be held together is not given back.
            check_grant(account.roles, accounts.roles(connection))
            accounts.change_account(connection, staff, disabled_ms=0)
            tell_of(
                connection, visitor.actor, "granted_access", "account", self._access.clock(),
                tenant=account.tenant, note=f"enabled {staff}",
            )  # fmt: skip

    # Roles -----------------------------------------------------------------------------------------

    def roles(self) -> dict[str, Role]:
        """All roles by name."""
        with self._desk.reading() as connection:
            return accounts.roles(connection)

    def holders(self) -> dict[str, int]:
        """How many people have each."""
        with self._desk.reading() as connection:
            return dict(accounts.holders(connection))

    def save_role(
        self, visitor: Visitor, name: str, label: str, permissions: tuple[str, ...], *, new: bool
    ) -> None:
        """Make a role of the installation's own, or change one.

        Raises `RoleError` if it would join what stays apart, by itself or in somebody who has it.
        """
        if visitor.actor.tenant:
            raise NotFound
        role = own_role(name, label, permissions)
        with self._desk.writing() as connection:
            self._must_be_fresh(connection, visitor)
            known = accounts.roles(connection)
            if name in visitor.actor.roles:
                raise AccessRefused(
                    "you have this role: somebody else must change it",
                    "你拥有该角色，须由他人修改",
                )
            if new and name in known:
                raise AccessRefused("there is a role of this name", "该角色标识已存在")
            if not new and name not in known:
                raise NotFound
            if new and sum(not one.built_in for one in known.values()) >= MOST_ROLES:
                raise AccessRefused(
                    f"{MOST_ROLES} own roles are the most", f"最多可新建 {MOST_ROLES} 个角色"
                )
            accounts.save_role(connection, role, self._access.clock())
            self._refuse_joined(connection, {**known, name: role}, name)
            self._somebody_manages(connection)
            tell_of(
                connection, visitor.actor, "policy_changed", "system", self._access.clock(),
                note=f"role {name}: {' '.join(sorted(role.permissions))}",
            )  # fmt: skip

    def remove_role(self, visitor: Visitor, name: str) -> None:
        """Drop a role of the installation's own that nobody has."""
        if visitor.actor.tenant:
            raise NotFound
        with self._desk.writing() as connection:
            self._must_be_fresh(connection, visitor)
            role = accounts.roles(connection).get(name)
            if role is None or role.built_in:
                raise NotFound
            if accounts.holders(connection).get(name):
                raise AccessRefused(
                    "somebody has this role: give them another first",
                    "仍有员工使用该角色，请先调整",
                )
            accounts.remove_role(connection, name)
            tell_of(
                connection, visitor.actor, "policy_changed", "system", self._access.clock(),
                note=f"role {name} removed",
            )  # fmt: skip

    # Sessions --------------------------------------------------------------------------------------

    def open_sessions(self, actor: Actor) -> list[OpenSession]:
        """All sessions that stand, of people whom this person may see; last used first."""
        now, limits = self._access.clock(), self._access.limits
        with self._desk.reading() as connection:
            people = {one.id: one for one in accounts.accounts(connection, actor.tenant)}
            found = sessions.open_sessions(
                connection, now - limits.idle_ms, now - limits.absolute_ms, tenant=actor.tenant
            )
        return [
            OpenSession(one, people[one.staff].name, people[one.staff].mail)
            for one in found
            if one.staff in people
        ]

    def end_session(self, visitor: Visitor, handle: str) -> None:
        """End somebody's session. Raises `NotFound`."""
        with self._desk.writing() as connection:
            found = sessions.session(connection, handle)
            if found is None:
                raise NotFound
            account = self._seen(connection, visitor.actor, found.staff)
            now = self._access.clock()
            if sessions.end(connection, now, handle=handle):
                tell_of(
                    connection, visitor.actor, "revoked_access", "credential", now,
                    tenant=account.tenant, note=f"ended session {handle} of {account.id}",
                )  # fmt: skip

    # -----------------------------------------------------------------------------------------------

    def _link(
        self, connection: Connection, actor: Actor, purpose: str, staff: str | None, for_ms: int
    ) -> str:
        now, token = self._access.clock(), new_token(self._access.random_bytes)
        sessions.add_link(
            connection, token_hash(token), purpose, staff, actor.staff, now, now + for_ms
        )
        path = "/sign-in/link" if purpose == "sign_in" else "/first"
        return f"{self._access.origin}{path}/{token}"

    def _seen(self, connection: Connection, actor: Actor, staff: str) -> Account:
        account = accounts.account(connection, staff)
        if account is None or not actor.sees(account.tenant):
            raise NotFound
        return account

    def _other(self, connection: Connection, actor: Actor, staff: str) -> Account:
        account = self._seen(connection, actor, staff)
        if account.id == actor.staff:
            raise AccessRefused(
                "nobody changes their own access: ask another manager",
                "不能更改自己的权限或状态，请由其他主管操作",
            )
        return account

    def _must_be_fresh(self, connection: Connection, visitor: Visitor) -> None:
        session = self._access.session_of(connection, visitor)
        if not is_fresh(session, self._access.clock(), self._access.limits):
            raise NotFresh

    def _somebody_manages(self, connection: Connection) -> None:
        """There is always somebody of the whole platform who can come in and manage staff."""
        known = accounts.roles(connection)
        for account in accounts.accounts(connection):
            held = granted(account.roles, known)
            if not account.tenant and account.can_sign_in and "staff.manage" in held:
                return
        raise AccessRefused(
            "nobody would be left who can sign in and manage staff",
            "操作后将没有可登录的员工管理人员，已拒绝",
        )

    def _refuse_joined(self, connection: Connection, known: dict[str, Role], name: str) -> None:
        for account in accounts.accounts(connection):
            if name in account.roles:
                found = conflicts_of(granted(account.roles, known))
                if found:
                    raise RoleError(found[0])


def founder(name: str) -> Actor:
    """Whoever runs the server, as records name them: a command, not a person."""
    return Actor(staff=f"command:{name}", name=name, roles=(SECURITY_MANAGER,))


def _person(account: Account, open_until: object) -> Person:
    assert isinstance(open_until, dict)
    until = open_until.get(account.id, 0)
    if account.disabled_ms:
        state = "disabled"
    elif account.can_sign_in:
        state = "active"
    else:
        state = "invited" if until else "expired"
    return Person(account, state, until)
