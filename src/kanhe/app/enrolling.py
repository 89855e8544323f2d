"""How somebody gets ways to sign in: by an invitation at first, from their own account later.

An invitation opens once, for a limited time. Whoever accepts it leaves with a way in that is complete:
a passkey, or a password together with an authenticator app. Changing any of it later asks for a second
factor that was shown lately.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from kanhe.app.access import SERVICE, Access, Client, SignedIn, password_fits
from kanhe.core.actor import Actor, Visitor
from kanhe.core.time import MINUTE_MS
from kanhe.protect.access import totp
from kanhe.protect.access.accounts import AccessRefused, Account, checked_mail, checked_name
from kanhe.protect.access.chance import new_handle, token_hash
from kanhe.protect.access.oidc import SignOnRefused, Subject
from kanhe.protect.access.passkeys import CEREMONY_MS, MOST, Answered, credential_id_of
from kanhe.protect.access.recovery import new_codes
from kanhe.protect.access.roles import SECURITY_MANAGER
from kanhe.protect.access.sessions import device_of, is_fresh
from kanhe.stores.desk import accounts, sessions
from kanhe.stores.desk.outgoing import tell_of

OFFER_MS = 30 * MINUTE_MS
"""How long somebody may take to set up what a page offered them."""
_MAKE, _TOTP = "make", "totp"
_HANDLE_BYTES = 32


class NotFresh(AccessRefused):
    """The second factor has to be shown again first."""

    def __init__(self) -> None:
        super().__init__("show your second factor again for this", "此操作需要重新进行第二因素验证")


class Invitation(NamedTuple):
    """What a link opens. Without an account it founds the first one: then name and address are asked for."""

    account: Account | None
    expires_ms: int
    is_again: bool
    """Whether the person had ways in before, which accepting takes away."""


class AppOffer(NamedTuple):
    """An authenticator app to be set up."""

    secret: str
    link: str
    """What the QR code holds."""
    sealed: str


class Newcomer(NamedTuple):
    """What somebody writes who founds the first account; the others are known already."""

    name: str = ""
    mail: str = ""


class Enrolling:
    """Ways in, made and taken away."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._desk = access.desk

    # Invitations ---------------------------------------------------------------------------------

    def invitation(self, token: str) -> Invitation | None:
        """What a link opens; `None` if it opens nothing (any more). Looking does not use it up."""
        with self._desk.reading() as connection:
            return self._invitation(connection, token)

    def offer_app(self, account_name: str) -> AppOffer:
        """A new secret for an authenticator app. Nothing is kept until a code of it was shown."""
        access = self._access
        secret = totp.new_secret(access.random_bytes)
        sealed = access.sealer.seal(_TOTP, {"secret": secret}, access.clock() + OFFER_MS)
        return AppOffer(secret, totp.link_of(secret, account_name, SERVICE), sealed)

    def same_app(self, sealed: str, account_name: str) -> AppOffer | None:
        """The same offer again, for a form that is shown with what was wrong."""
        found = self._access.sealer.unseal(_TOTP, sealed, self._access.clock())
        if found is None:
            return None
        return AppOffer(
            found["secret"], totp.link_of(found["secret"], account_name, SERVICE), sealed
        )

    def accept_with_password(
        self, token: str, newcomer: Newcomer, password: str, sealed: str, code: str, client: Client
    ) -> SignedIn:
        """Accept an invitation with a password and an authenticator app, and come in.

        Raises `AccessRefused` (also where the code is wrong) and `PasswordRefused`.
        """
        access = self._access
        with self._desk.reading() as connection:
            before = self._person(connection, token, newcomer)
        secret, step = self._app_shown(sealed, code)
        hashed = access.new_password(password, before, second_factor=True)
        with self._desk.writing() as connection:
            account = self._take(connection, token, newcomer)
            now = access.clock()
            accounts.change_account(
                connection, account.id, password=hashed, password_ms=now, totp_step=step,
                totp=access.sealer.lock(f"totp:{account.id}", secret.encode("ascii")),
            )  # fmt: skip
            return access.begin(connection, account, "password", client, second_factor=True)

    def ask_for_first_passkey(self, token: str, newcomer: Newcomer) -> tuple[str, str]:
        """A question for the browser of somebody who accepts an invitation, and its sealed state."""
        with self._desk.reading() as connection:
            person = self._person(connection, token, newcomer)
        return self._ask(person, ())

    def accept_with_passkey(
        self, token: str, newcomer: Newcomer, sealed: str, response: str, client: Client
    ) -> SignedIn:
        """Accept an invitation with a passkey, and come in. Raises `AccessRefused`, `PasskeyRefused`."""
        answered, handle = self._made(sealed, response)
        with self._desk.writing() as connection:
            account = self._take(connection, token, newcomer)
            # The key remembers the handle of the question; a new account takes that one over.
            accounts.change_account(connection, account.id, handle=handle)
            self._spend(connection, sealed)
            self._keep(connection, account, answered, device_of(client.user_agent))
            return self._access.begin(connection, account, "passkey", client, second_factor=True)

    def accept_with_sso(self, token: str, subject: Subject, client: Client) -> SignedIn:
        """Accept an invitation with an account of the single sign-on, which then alone opens this one.

        Raises `SignOnRefused` if the provider did not ask for a second factor: then another way in has
        to be set up first.
        """
        if not subject.second_factor:
            raise SignOnRefused("the provider asked for no second factor")
        with self._desk.writing() as connection:
            account = self._take(connection, token, Newcomer())
            self._tie(connection, account.id, subject)
            return self._access.begin(connection, account, "sso", client, second_factor=True)

    # One's own account ---------------------------------------------------------------------------

    def set_app(self, visitor: Visitor, sealed: str, code: str) -> None:
        """Set up an authenticator app, in the place of one that was there."""
        secret, step = self._app_shown(sealed, code)
        with self._desk.writing() as connection:
            account = self._changing(connection, visitor)
            accounts.change_account(
                connection, account.id, totp_step=step,
                totp=self._access.sealer.lock(f"totp:{account.id}", secret.encode("ascii")),
            )  # fmt: skip
            self._tell(connection, visitor.actor, "authenticator app set up")

    def remove_app(self, visitor: Visitor) -> None:
        """Take the authenticator app away, unless nothing would be left to sign in with."""
        with self._desk.writing() as connection:
            account = self._changing(connection, visitor)
            self._check_left(account._replace(totp=b""))
            accounts.change_account(connection, account.id, totp=b"", totp_step=0)
            self._tell(connection, visitor.actor, "authenticator app removed")

    def set_password(self, visitor: Visitor, old: str, new: str) -> None:
        """Change the password; every other session of the person ends.

        Raises `AccessRefused` if the old one is wrong, `PasswordRefused` if the new one is not accepted.
        """
        access = self._access
        with self._desk.reading() as connection:
            account = self._changing(connection, visitor)
        with access.hashing_turn() as hashing:
            if account.password and not password_fits(hashing, old, account.password):
                raise AccessRefused("the present password is wrong", "当前密码不正确")
        hashed = access.new_password(new, account, second_factor=account.has_second_factor)
        with self._desk.writing() as connection:
            self._changing(connection, visitor)
            now = access.clock()
            accounts.change_account(connection, account.id, password=hashed, password_ms=now)
            sessions.end(connection, now, staff=account.id, but=visitor.actor.session)
            self._tell(connection, visitor.actor, "password changed")

    def ask_for_passkey(self, visitor: Visitor) -> tuple[str, str]:
        """A question for the browser that makes another passkey, and its sealed state."""
        with self._desk.reading() as connection:
            account = self._access.own(connection, visitor)
            present = tuple(one.key for one in accounts.passkeys_of(connection, account.id))
        return self._ask(account, present)

    def add_passkey(self, visitor: Visitor, sealed: str, response: str, name: str) -> None:
        """Keep another passkey. Raises `AccessRefused`, `PasskeyRefused`."""
        answered, handle = self._made(sealed, response)
        with self._desk.writing() as connection:
            account = self._changing(connection, visitor)
            if account.handle != handle:
                raise AccessRefused("this was asked of somebody else", "该请求属于其他账号")
            if account.passkeys >= MOST:
                raise AccessRefused(
                    f"{MOST} passkeys are the most", f"最多可登记 {MOST} 个通行密钥"
                )
            self._spend(connection, sealed)
            self._keep(connection, account, answered, name.strip() or visitor.actor.device)
            self._tell(connection, visitor.actor, "passkey added")

    def rename_passkey(self, visitor: Visitor, passkey: int, name: str) -> None:
        """Name one of one's own passkeys otherwise."""
        with self._desk.writing() as connection:
            account = self._access.own(connection, visitor)
            if not accounts.rename_passkey(connection, account.id, passkey, _named(name)):
                raise AccessRefused("there is no such passkey", "没有该通行密钥")

    def remove_passkey(self, visitor: Visitor, passkey: int) -> None:
        """Take one of one's own passkeys away, unless nothing would be left to sign in with."""
        with self._desk.writing() as connection:
            account = self._changing(connection, visitor)
            if accounts.remove_passkeys(connection, account.id, passkey) != 1:
                raise AccessRefused("there is no such passkey", "没有该通行密钥")
            self._check_left(account._replace(passkeys=account.passkeys - 1))
            self._tell(connection, visitor.actor, "passkey removed")

    def new_recovery_codes(self, visitor: Visitor) -> tuple[str, ...]:
        """Ten new recovery codes, to be shown once; earlier ones are worth nothing any more."""
        access = self._access
        with self._desk.reading() as connection:
            self._changing(connection, visitor)
        with access.hashing_turn() as hashing:
            codes = new_codes(hashing, access.random_bytes)
        with self._desk.writing() as connection:
            account = self._changing(connection, visitor)
            if not account.password:
                raise AccessRefused(
                    "recovery codes go with a password: set one first",
                    "恢复码需与密码配合使用，请先设置密码",
                )
            accounts.set_recovery(connection, account.id, codes.salt, codes.hashes)
            self._tell(connection, visitor.actor, "recovery codes made")
        return codes.codes

    def tie(self, visitor: Visitor, subject: Subject) -> None:
        """Tie an account of the single sign-on to one's own."""
        with self._desk.writing() as connection:
            account = self._changing(connection, visitor)
            self._tie(connection, account.id, subject)
            self._tell(connection, visitor.actor, "single sign-on connected")

    def untie(self, visitor: Visitor) -> None:
        """Take the single sign-on away, unless nothing would be left to sign in with."""
        with self._desk.writing() as connection:
            account = self._changing(connection, visitor)
            self._check_left(account._replace(identities=0))
            accounts.untie_identities(connection, account.id)
            self._tell(connection, visitor.actor, "single sign-on disconnected")

    # -----------------------------------------------------------------------------------------------

    def _invitation(self, connection: Connection, token: str) -> Invitation | None:
        found = sessions.link(connection, token_hash(token))
        now = self._access.clock()
        if found is None or found.purpose not in ("invite", "first") or not found.opens_at(now):
            return None
        if found.staff is None:
            return Invitation(None, found.expires_ms, False)
        account = accounts.account(connection, found.staff)
        if account is None or account.disabled_ms:
            return None
        return Invitation(account, found.expires_ms, account.can_sign_in)

    def _person(self, connection: Connection, token: str, newcomer: Newcomer) -> Account:
        """Who is about to accept; for the first account as they write themselves."""
        found = self._invitation(connection, token)
        if found is None:
            raise AccessRefused(
                "this link opens nothing any more: ask for a new one", "该链接已失效，请索取新链接"
            )
        if found.account is not None:
            return found.account
        mail, name = checked_mail(newcomer.mail), checked_name(newcomer.name)
        if accounts.account_of_mail(connection, mail) is not None:
            raise AccessRefused("there is an account with this address", "该邮箱已有账号")
        return Account(
            "", mail, name, "", (), 0, 0, 0, "", 0, b"", 0, b"", 0, 0, 0,
            self._access.random_bytes(_HANDLE_BYTES), "", "system", "UTC",
        )  # fmt: skip

    def _take(self, connection: Connection, token: str, newcomer: Newcomer) -> Account:
        """Use the link up, and give the account it is for: without any of its earlier ways in."""
        person = self._person(connection, token, newcomer)
        now = self._access.clock()
        if not sessions.use_link(connection, token_hash(token), now):
            raise AccessRefused("this link was used already", "该链接已被使用")
        staff = person.id
        if not staff:
            staff = new_handle("st", self._access.random_bytes)
            accounts.add_account(
                connection, staff, person.mail, person.name, "", person.handle, now
            )
            accounts.set_roles(connection, staff, [SECURITY_MANAGER])
        else:
            accounts.change_account(connection, staff, password="", totp=b"", totp_step=0)
            accounts.remove_passkeys(connection, staff)
            accounts.untie_identities(connection, staff)
            accounts.set_recovery(connection, staff, b"", ())
            sessions.end(connection, now, staff=staff)
            sessions.forget_devices(connection, staff)
        account = accounts.account(connection, staff)
        assert account is not None
        actor = Actor(staff=staff, name=account.name, tenant=account.tenant, roles=account.roles)
        tell_of(
            connection, actor, "granted_access", "account", now, tenant=account.tenant,
            note="invitation accepted" if person.id else "first account made",
        )  # fmt: skip
        return account

    def _app_shown(self, sealed: str, code: str) -> tuple[str, int]:
        """The secret of an app that was offered, and the step of the code that it showed."""
        now = self._access.clock()
        offered = self._access.sealer.unseal(_TOTP, sealed, now)
        if offered is None:
            raise AccessRefused(
                "this took too long: load the page again", "操作已超时，请刷新页面重试"
            )
        step = totp.step_of(offered["secret"], code, now, 0)
        if step is None:
            raise AccessRefused(
                "the code does not fit: check the clock of your phone, and take the one shown now",
                "验证码不正确：请检查手机时间，并输入当前显示的验证码",
            )
        return offered["secret"], step

    def _ask(self, person: Account, present: tuple[bytes, ...]) -> tuple[str, str]:
        access = self._access
        asked = access.passkeys.ask_to_make(person.handle, person.mail, person.name, present)
        content: dict[str, Any] = {"state": asked.state, "handle": person.handle.hex()}
        return asked.options, access.sealer.seal(_MAKE, content, access.clock() + CEREMONY_MS)

    def _made(self, sealed: str, response: str) -> tuple[Answered, bytes]:
        question = self._access.sealer.unseal(_MAKE, sealed, self._access.clock())
        if question is None:
            raise AccessRefused("this took too long: try again", "操作已超时，请重试")
        answered = self._access.passkeys.made(question["state"], response)
        return answered, bytes.fromhex(question["handle"])

    def _keep(
        self, connection: Connection, account: Account, answered: Answered, name: str
    ) -> None:
        try:
            accounts.add_passkey(
                connection, account.id, credential_id_of(answered.key), answered.key, answered.counter,
                answered.backed_up, _named(name or f"{account.passkeys + 1}"), self._access.clock(),
            )  # fmt: skip
        except IntegrityError as error:
            raise AccessRefused(
                "this passkey belongs to an account already", "该通行密钥已登记在某个账号下"
            ) from error

    def _tie(self, connection: Connection, staff: str, subject: Subject) -> None:
        try:
            accounts.tie_identity(
                connection,
                staff,
                subject.issuer,
                subject.subject,
                subject.mail,
                self._access.clock(),
            )
        except IntegrityError as error:
            raise AccessRefused(
                "this company account is tied to somebody already", "该企业账号已与其他账号关联"
            ) from error

    def _changing(self, connection: Connection, visitor: Visitor) -> Account:
        """One's own account, to be changed: the second factor must have been shown lately. Whoever came
        in by a link of the operator and has none yet may set one up."""
        session = self._access.session_of(connection, visitor)
        account = self._access.own(connection, visitor)
        is_late = not is_fresh(session, self._access.clock(), self._access.limits)
        if is_late and (account.can_sign_in or account.has_second_factor):
            raise NotFresh
        return account

    def _check_left(self, account: Account) -> None:
        if not account.can_sign_in:
            raise AccessRefused(
                "nothing would be left to sign in with: set up another way in first",
                "移除后将无法登录，请先设置其他登录方式",
            )

    def _spend(self, connection: Connection, sealed: str) -> None:
        now = self._access.clock()
        if not sessions.spend(connection, token_hash(sealed), now + CEREMONY_MS, now):
            raise AccessRefused("this was done already", "该操作已完成")

    def _tell(self, connection: Connection, actor: Actor, note: str) -> None:
        tell_of(connection, actor, "changed", "credential", self._access.clock(), note=note)


def _named(name: str) -> str:
    shown = " ".join(name.split())[:60]
    if not shown or not shown.isprintable():
        raise AccessRefused("give it a name of up to 60 characters", "请填写名称，最多 60 个字符")
    return shown
