"""What whoever runs the server may do with accounts, by command: found, invite, link, disable.

They need no session, since they could read and write the files anyway. What they do is told to the
journal like everything else, under the name of the command.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import Connection

from kanhe.app.desk_file import open_desk
from kanhe.app.personnel import NotFound, Person, founder
from kanhe.app.staffing import Staffing, open_staffing
from kanhe.core.settings import Settings
from kanhe.core.time import Clock
from kanhe.protect.access.accounts import AccessRefused, Account
from kanhe.protect.access.permissions import may
from kanhe.stores.desk import accounts


class AlreadyFounded(AccessRefused):
    """Somebody can sign in and manage staff already."""

    def __init__(self, people: Sequence[str]) -> None:
        names = ", ".join(people)
        super().__init__(
            f"this installation has people who manage staff and can sign in: {names}. They invite"
            " others under Settings, Staff. If none of them can come in any more, use --again",
            f"该系统已有可登录的员工管理人员：{names}。请由其在“设置 - 员工”中邀请他人；若均无法登录，请使用 --again",
        )


class Operator:
    """The commands, over an open desk. `command` is the name under which they are recorded."""

    def __init__(self, staffing: Staffing, command: str) -> None:
        self._staffing = staffing
        self._personnel = staffing.personnel
        self._desk = staffing.access.desk
        self._actor = founder(command)

    def found(self, *, again: bool = False) -> str:
        """A one-time link that makes the account of a security manager; earlier ones open nothing.

        Raises `AlreadyFounded` once somebody can sign in and manage staff, unless `again`.
        """
        with self._desk.writing() as connection:
            people = self._managers(connection)
            if people and not again:
                raise AlreadyFounded(people)
            note = (
                "link for a security manager, access lost"
                if people
                else "link for the first account"
            )
            return self._personnel.founding_link_as(connection, self._actor, note)

    def people(self) -> list[Person]:
        """All accounts, by name."""
        return self._personnel.people(self._actor)

    def invite(
        self, mail: str, name: str, roles: Sequence[str], tenant: str = ""
    ) -> tuple[str, str]:
        """Invite somebody; gives their id and the one-time link."""
        with self._desk.writing() as connection:
            return self._personnel.invite_as(
                connection, self._actor, mail, name, tenant, tuple(roles)
            )

    def invite_again(self, who: str) -> str:
        """A new one-time link to set up ways to sign in, for a mail address or an id."""
        with self._desk.writing() as connection:
            return self._personnel.invite_again_as(
                connection, self._actor, self._enabled(connection, who)
            )

    def sign_in_link(self, who: str) -> str:
        """A link that signs somebody in once, within the hour."""
        with self._desk.writing() as connection:
            return self._personnel.sign_in_link_as(
                connection, self._actor, self._enabled(connection, who)
            )

    def disable(self, who: str) -> Account:
        """Let somebody in no more, and end their sessions."""
        with self._desk.writing() as connection:
            account = self._enabled(connection, who)
            self._personnel.disable_as(connection, self._actor, account)
            return account

    def _managers(self, connection: Connection) -> list[str]:
        return [
            one.mail
            for one in accounts.accounts(connection)
            if not one.tenant
            and one.can_sign_in
            and may(self._staffing.access.permissions(connection, one), "staff.manage")
        ]

    def _enabled(self, connection: Connection, who: str) -> Account:
        found = accounts.account(connection, who) or accounts.account_of_mail(connection, who)
        if found is None:
            raise NotFound
        if found.disabled_ms:
            raise AccessRefused("this account is disabled", "该账号已停用")
        return found


@contextmanager
def operating(settings: Settings, clock: Clock, command: str) -> Iterator[Operator]:
    """Open the desk in `settings.data_dir`, made if it is new, also while a console runs on it.

    Raises `StorageError` if the folder or a file cannot be used.
    """
    desk = open_desk(settings)
    try:
        yield Operator(open_staffing(settings, desk, clock), command)
    finally:
        desk.close()
