"""What the console asks about people: whose session this is, and all that is done to accounts.

Everything that changes something tells the journal of it in the same transaction (`tell_of`).
"""

from __future__ import annotations

import secrets
import zoneinfo
from contextlib import suppress
from pathlib import Path

from sqlalchemy import Connection

from kanhe.app.access import Access, Client, SignedIn, console_address, console_key, visitor_of
from kanhe.app.colleagues import Colleagues
from kanhe.app.enrolling import Enrolling
from kanhe.app.personnel import Personnel
from kanhe.app.signing_in import MustWait, SigningIn, WrongCode
from kanhe.core.actor import Visitor
from kanhe.core.errors import SettingsError, StorageError
from kanhe.core.settings import Settings
from kanhe.core.time import MINUTE_MS, Clock
from kanhe.protect.access.accounts import AccessRefused, Account
from kanhe.protect.access.chance import new_token, token_hash
from kanhe.protect.access.lockout import buckets_of, wait_ms
from kanhe.protect.access.oidc import SignOn
from kanhe.protect.access.sessions import TOUCH_MS, Limits, Session, is_fresh, is_open
from kanhe.stores.desk import accounts, sessions
from kanhe.stores.desk.accounts import KeptPasskey
from kanhe.stores.desk.database import Desk
from kanhe.stores.desk.outgoing import tell_of

REVEAL_MS = 15 * MINUTE_MS
"""How long what was unmasked stays so, for the session that asked."""
_REASON = (8, 500)
SSO_PATH = "/sign-in/sso/back"


class Staffing:
    """All of it: `signing_in`, `enrolling`, `personnel` and `colleagues` are its parts."""

    def __init__(self, access: Access) -> None:
        self.access = access
        self.signing_in = SigningIn(access)
        self.enrolling = Enrolling(access)
        self.personnel = Personnel(access)
        self.colleagues = Colleagues(access)

    def visitor(self, token: str) -> Visitor | None:
        """Whose session this is, with what they may do now; `None` if there is none, or it has ended."""
        now, limits = self.access.clock(), self.access.limits
        with self.access.desk.reading() as connection:
            session = sessions.session_of(connection, token_hash(token))
            if session is None or not is_open(session, now, limits):
                return None
            account = accounts.account(connection, session.staff)
            if account is None or account.disabled_ms:
                return None
            permissions = self.access.permissions(connection, account)
        if now - session.seen_ms >= TOUCH_MS:
            # Where nothing can be written, reading goes on; the session only ends the sooner.
            with suppress(StorageError), self.access.desk.writing() as connection:
                sessions.touch(connection, session.handle, now)
        return visitor_of(account, session, permissions)

    def prefer(self, visitor: Visitor, **choices: str) -> None:
        """Remember how this person likes to read: `language`, `theme`, `time_zone`.

        Raises `AccessRefused` for what cannot be chosen.
        """
        accepted = {"language": ("", "en", "zh_CN"), "theme": ("light", "dark", "system")}
        for name, choice in choices.items():
            known = accepted.get(name, ())
            if choice not in known and not (name == "time_zone" and _is_zone(choice)):
                raise AccessRefused(f"{name} cannot be {choice[:40]!r}", "没有该选项")
        if choices:
            with self.access.desk.writing() as connection:
                accounts.change_account(connection, visitor.actor.staff, **choices)

    def has_nobody(self) -> bool:
        """Whether no account was made yet: then there is nothing to sign in to."""
        with self.access.desk.reading() as connection:
            return not accounts.accounts(connection)

    def account(self, visitor: Visitor) -> Account:
        """The account of whoever is signed in."""
        with self.access.desk.reading() as connection:
            return self.access.own(connection, visitor)

    def passkeys(self, visitor: Visitor) -> list[KeptPasskey]:
        """One's own passkeys, oldest first."""
        with self.access.desk.reading() as connection:
            return accounts.passkeys_of(connection, visitor.actor.staff)

    def fresh(self, visitor: Visitor) -> bool:
        """Whether a second factor was shown so lately that something dangerous needs no other."""
        with self.access.desk.reading() as connection:
            session = sessions.session(connection, visitor.actor.session)
        return session is not None and is_fresh(session, self.access.clock(), self.access.limits)

    # A second factor again -------------------------------------------------------------------------

    def confirm_with_code(self, visitor: Visitor, code: str, client: Client) -> SignedIn:
        """Show a code of the app again; the session goes on under another secret.

        Raises `WrongCode` and `MustWait`.
        """
        now = self.access.clock()
        # Within a session nobody else can use the allowance up.
        buckets = buckets_of(
            self.access.counting_key, visitor.actor.staff, client.ip, visitor.actor.session
        )
        with self.access.desk.writing() as connection:
            wait = wait_ms(buckets, sessions.counts(connection, buckets), now)
            if wait:
                raise MustWait(wait)
            sessions.fail(connection, buckets, now)
        with self.access.desk.writing() as connection:
            account = self.access.own(connection, visitor)
            if not self.signing_in.check_code(connection, account, code):
                raise WrongCode
            sessions.forgive(connection, buckets)
            return self._renewed(connection, visitor, client)

    def ask_to_confirm(self, visitor: Visitor) -> tuple[str, str]:
        """A question for the browser to show one of one's own passkeys, and its sealed state."""
        return self.signing_in.ask_for_passkey()

    def confirm_with_passkey(
        self, visitor: Visitor, sealed: str, response: str, client: Client
    ) -> SignedIn:
        """Show a passkey again; the session goes on under another secret. Raises `PasskeyRefused`."""
        with self.access.desk.writing() as connection:
            self.signing_in.shown_passkey(connection, sealed, response, of=visitor.actor.staff)
            return self._renewed(connection, visitor, client)

    # Sessions of one's own -------------------------------------------------------------------------

    def own_sessions(self, visitor: Visitor) -> list[Session]:
        """Where one is signed in, last used first."""
        now, limits = self.access.clock(), self.access.limits
        with self.access.desk.reading() as connection:
            return sessions.open_sessions(
                connection, now - limits.idle_ms, now - limits.absolute_ms,
                staff=visitor.actor.staff,
            )  # fmt: skip

    def end_own(self, visitor: Visitor, handle: str) -> None:
        """Sign out elsewhere. Raises `AccessRefused` for a session that is not one's own."""
        with self.access.desk.writing() as connection:
            found = sessions.session(connection, handle)
            if found is None or found.staff != visitor.actor.staff:
                raise AccessRefused("there is no such session", "没有该会话")
            self._end(connection, visitor, handle)

    def end_others(self, visitor: Visitor) -> int:
        """Sign out everywhere else, and have every other browser be a strange one again."""
        now = self.access.clock()
        with self.access.desk.writing() as connection:
            ended = sessions.end(
                connection, now, staff=visitor.actor.staff, but=visitor.actor.session
            )
            sessions.forget_devices(connection, visitor.actor.staff)
            tell_of(
                connection, visitor.actor, "revoked_access", "credential", now,
                note="signed out everywhere else",
            )  # fmt: skip
        return ended

    def sign_out(self, visitor: Visitor) -> None:
        """End the session of the request."""
        with self.access.desk.writing() as connection:
            self._end(connection, visitor, visitor.actor.session)

    # Personal data ---------------------------------------------------------------------------------

    def reveal(
        self, visitor: Visitor, subject: str, reason: str, *, tenant: str = "", resource: str = "customer",
        ticket: str = "", **fields: str,
    ) -> None:  # fmt: skip
        """Let this session see personal data of `subject` unmasked for a quarter of an hour.

        `subject` names what a page shows, such as `case:17` or `email:…`; `reason` has 8 to 500
        characters and is recorded (`staff.action`, `unmasked`) with `resource`, `ticket` and further
        `fields` of that type. The caller has checked `personal.reveal`. Raises `AccessRefused`.
        """
        said = " ".join(reason.split())
        if not _REASON[0] <= len(said) <= _REASON[1] or not said.isprintable():
            raise AccessRefused(
                f"say in {_REASON[0]} to {_REASON[1]} characters why you need to see it",
                f"请填写查看理由（{_REASON[0]} 至 {_REASON[1]} 个字符）",
            )
        if not visitor.actor.sees(tenant):
            raise AccessRefused("there is no such thing", "没有找到")
        now = self.access.clock()
        with self.access.desk.writing() as connection:
            sessions.reveal(connection, visitor.actor.session, subject[:400], now + REVEAL_MS, now)
            tell_of(
                connection, visitor.actor, "unmasked", resource, now, tenant=tenant, note=said,
                ticket=ticket, **fields,
            )  # fmt: skip

    def sees_clear(self, visitor: Visitor, subject: str) -> bool:
        """Whether this session may see personal data of `subject` unmasked now."""
        with self.access.desk.reading() as connection:
            return sessions.is_revealed(
                connection, visitor.actor.session, subject[:400], self.access.clock()
            )

    # -----------------------------------------------------------------------------------------------

    def _renewed(self, connection: Connection, visitor: Visitor, client: Client) -> SignedIn:
        now, token = self.access.clock(), new_token(self.access.random_bytes)
        session = self.access.session_of(connection, visitor)
        sessions.renew(connection, session.handle, token_hash(token), now)
        left = session.created_ms + self.access.limits.absolute_ms - now
        return SignedIn(token, client.device_token, max(1, left // 1_000), visitor.actor.staff)

    def _end(self, connection: Connection, visitor: Visitor, handle: str) -> None:
        now = self.access.clock()
        if sessions.end(connection, now, handle=handle):
            tell_of(
                connection, visitor.actor, "revoked_access", "credential", now,
                note=f"ended session {handle}",
            )  # fmt: skip


def open_staffing(settings: Settings, desk: Desk, clock: Clock) -> Staffing:
    """The staff of the installation in `settings.data_dir`. Raises `StorageError`, `SettingsError`."""
    origin = console_address(settings)
    limits = Limits(
        settings.session_idle_ms, settings.session_absolute_ms, settings.session_fresh_ms
    )
    access = Access(
        desk, clock, console_key(Path(settings.data_dir)), origin, limits,
        sso=_sign_on(settings, origin), sso_name=settings.oidc_name,
    )  # fmt: skip
    return Staffing(access)


def _sign_on(settings: Settings, origin: str) -> SignOn | None:
    if not settings.oidc_issuer:
        return None
    if not settings.oidc_client_id:
        raise SettingsError("oidc_issuer is set, but oidc_client_id is not: set both, or neither")
    from kanhe.stores.http.sign_on import HttpProvider

    secret = ""
    if settings.oidc_secret_file:
        from kanhe.stores.files.key_files import read_secret

        secret = read_secret(Path(settings.oidc_secret_file)).decode("utf-8").strip()
    provider = HttpProvider(settings.oidc_issuer, settings.oidc_client_id, secret)
    return SignOn(provider, settings.oidc_client_id, origin + SSO_PATH, secrets.token_bytes)


def _is_zone(name: str) -> bool:
    return name in zoneinfo.available_timezones()
