"""Signing in: a password and a second factor, a passkey, the company's single sign-on, or a link.

What happens between two requests is carried by the browser, sealed (`protect.access.sealing`), and is
used once. A failure is counted *before* the work is done and taken back when it was none, so that many
attempts at once are not more than one after the other. Who has no account gets the same answers after
the same work.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext, suppress
from typing import Any

from sqlalchemy import Connection

from kanhe.app.access import Access, Busy, Client, SignedIn, password_fits
from kanhe.core.time import MINUTE_MS
from kanhe.protect.access import totp
from kanhe.protect.access.accounts import AccessRefused, Account, folded_mail
from kanhe.protect.access.chance import token_hash
from kanhe.protect.access.lockout import Bucket, buckets_of, wait_ms
from kanhe.protect.access.oidc import FLOW_MS, SignOnRefused, Subject
from kanhe.protect.access.passkeys import (
    CEREMONY_MS,
    Asked,
    Passkey,
    PasskeyRefused,
    id_named_in,
)
from kanhe.protect.access.passwords import prepared
from kanhe.protect.access.recovery import found_among, looks_like_code
from kanhe.protect.access.sessions import Method
from kanhe.stores.desk import accounts, sessions

HALF_MS = 10 * MINUTE_MS
"""How long somebody may take from the password to the second factor."""
_HALF, _PASSKEY, _SSO = "half", "passkey", "sso"


class MustWait(AccessRefused):
    """Too many failures from there; `wait_ms` from now another attempt will be looked at."""

    def __init__(self, wait: int) -> None:
        seconds = -(-wait // 1_000)
        minutes = -(-seconds // 60)
        super().__init__(
            f"too many attempts failed: try again in {seconds} s, or use a passkey"
            if seconds < 100
            else f"too many attempts failed: try again in {minutes} min, or use a passkey",
            f"失败次数过多，请在 {seconds} 秒后重试，或使用通行密钥"
            if seconds < 100
            else f"失败次数过多，请在 {minutes} 分钟后重试，或使用通行密钥",
        )
        self.wait_ms = wait


class Wrong(AccessRefused):
    """Mail address or password is wrong; which, nobody is told."""

    def __init__(self) -> None:
        super().__init__("mail address or password is wrong", "邮箱或密码不正确")


class WrongCode(AccessRefused):
    """The code is wrong, was used, or is too old."""

    def __init__(self) -> None:
        super().__init__(
            "this code is wrong, or was used already: wait for the next one",
            "验证码不正确或已使用，请等待下一个验证码",
        )


class TooLate(AccessRefused):
    """What was begun is too old or was used; it has to begin anew."""

    def __init__(self) -> None:
        super().__init__("this took too long: sign in again", "操作已超时，请重新登录")


class SigningIn:
    """All ways in."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._desk = access.desk

    def password(self, mail: str, password: str, client: Client) -> str:
        """The sealed half of a sign-in whose password was right: to be shown to `code` or `passkey`.

        Raises `Wrong`, `MustWait` and `Busy`, after the same work whether there is such an account or not.
        """
        access, now = self._access, self._access.clock()
        # The turn comes first: whoever finds no place has not failed.
        with access.hashing_turn() as hashing:
            with self._desk.writing() as connection:
                account = accounts.account_of_mail(connection, mail)
                buckets = self._count(connection, folded_mail(mail), account, client)
            kept = account.password if account and not account.disabled_ms else ""
            if not password_fits(hashing, password, kept) or account is None:
                raise Wrong
        with self._desk.writing() as connection:
            sessions.forgive(connection, buckets)
        if access.hashing.is_stale(kept):
            self._hash_anew(account, password)
        return access.sealer.seal(
            _HALF, {"staff": account.id, "password_ms": account.password_ms, "at": now}, now + HALF_MS
        )  # fmt: skip

    def half(self, sealed: str) -> Account | None:
        """Whose half a sign-in is, for the page that asks for the second; `None` if it is too old."""
        with self._desk.reading() as connection:
            return self._half(connection, sealed)

    def code(self, sealed: str, code: str, client: Client) -> SignedIn:
        """The other half: a code of an authenticator app, or one for recovery.

        Raises `WrongCode`, `MustWait`, and `TooLate` if the first half is none any more.
        """
        access = self._access
        found = None
        with access.hashing_turn() if looks_like_code(code) else nullcontext() as hashing:
            with self._desk.writing() as connection:
                account = self._half(connection, sealed)
                if account is None:
                    raise TooLate
                buckets = self._count(connection, account.mail, account, client, "code")
                left = accounts.recovery_left(connection, account.id)
            if hashing is not None:
                found = found_among(hashing, code, account.recovery_salt, left)
        with self._desk.writing() as connection:
            fresh = accounts.account(connection, account.id)
            if fresh is None or fresh.disabled_ms:
                raise TooLate
            method = self._shown(connection, fresh, code, found)
            self._spend(connection, sealed, HALF_MS)
            sessions.forgive(connection, buckets)
            if method == "password" and self._is_sso(sealed):
                method = "sso"
            return access.begin(connection, fresh, method, client, second_factor=True)

    def check_code(self, connection: Connection, account: Account, code: str) -> bool:
        """Whether this is a code of the person's app that was not used yet; it is used up by asking."""
        access = self._access
        if not account.totp:
            return False
        secret = access.sealer.unlock(f"totp:{account.id}", account.totp)
        if secret is None:
            return False
        step = totp.step_of(secret.decode("ascii"), code, access.clock(), account.totp_step)
        if step is None:
            return False
        accounts.change_account(connection, account.id, totp_step=step)
        return True

    def ask_for_passkey(self, half: str = "") -> tuple[str, str]:
        """A question for the browser, and its sealed state: for any passkey, or for one of the person
        whose half of a sign-in this is."""
        account = self.half(half) if half else None
        asked = self._access.passkeys.ask_to_show()
        if account is not None:
            with self._desk.reading() as connection:
                present = [one.key for one in accounts.passkeys_of(connection, account.id)]
            asked = self._access.passkeys.ask_to_show(present)
        return asked.options, self._sealed_question(asked, account.id if account else "")

    def passkey(self, sealed: str, response: str, client: Client) -> SignedIn:
        """Sign in with a passkey, which stands for both factors. It never has to wait.

        Raises `PasskeyRefused` and `TooLate`.
        """
        with self._desk.writing() as connection:
            account = self.shown_passkey(connection, sealed, response)
            return self._access.begin(connection, account, "passkey", client, second_factor=True)

    def shown_passkey(
        self, connection: Connection, sealed: str, response: str, of: str = ""
    ) -> Account:
        """Whose passkey was shown; of this person only, if one is named."""
        access, now = self._access, self._access.clock()
        question = access.sealer.unseal(_PASSKEY, sealed, now)
        if question is None:
            raise TooLate
        kept = accounts.passkey_named(connection, id_named_in(response))
        account = accounts.account(connection, kept.staff) if kept else None
        wanted = of or question["staff"]
        if kept is None or account is None or account.disabled_ms or wanted not in ("", account.id):
            raise PasskeyRefused("no such passkey", _UNKNOWN)
        shown = access.passkeys.shown(question["state"], response, Passkey(kept.key, kept.counter))
        self._spend(connection, sealed, CEREMONY_MS)
        if not accounts.use_passkey(connection, kept, shown.counter, shown.backed_up, now):
            raise PasskeyRefused("it was used at the same time", _UNKNOWN)
        return account

    def link(self, token: str, client: Client) -> SignedIn:
        """Sign in with a link that whoever runs the server has made. Raises `TooLate`."""
        access, now = self._access, self._access.clock()
        with self._desk.writing() as connection:
            account = self._link(connection, token, now)
            if account is None or not sessions.use_link(connection, token_hash(token), now):
                raise TooLate
            return access.begin(connection, account, "link", client, second_factor=False)

    def link_of(self, token: str) -> Account | None:
        """Whom a link lets in; `None` if it does not any more."""
        with self._desk.reading() as connection:
            return self._link(connection, token, self._access.clock())

    def begin_sso(self, purpose: str = "") -> tuple[str, str]:
        """Where to send the browser, and the sealed state to keep until it comes back.

        `purpose` is what it comes back for: empty to sign in, `own:<staff>` to tie an account of one's
        own, `link:<token>` to accept an invitation. Raises `SignOnRefused`.
        """
        access = self._access
        if access.sso is None:
            raise SignOnRefused("it is not configured")
        url, kept = access.sso.begin()
        until = access.clock() + FLOW_MS
        return url, access.sealer.seal(_SSO, {"kept": kept, "purpose": purpose}, until)

    def finish_sso(self, sealed: str, came_back: Mapping[str, str]) -> tuple[Subject, str]:
        """Who came back from the provider, and for what. Raises `SignOnRefused` and `TooLate`."""
        access, now = self._access, self._access.clock()
        if access.sso is None:
            raise SignOnRefused("it is not configured")
        begun = access.sealer.unseal(_SSO, sealed, now)
        if begun is None:
            raise TooLate
        with self._desk.writing() as connection:
            self._spend(connection, sealed, FLOW_MS)
        return access.sso.finish(begun["kept"], came_back, now), begun["purpose"]

    def sso(self, subject: Subject, client: Client) -> SignedIn | str:
        """Sign in somebody whom the provider knows: at once if it asked for a second factor, else the
        sealed half to be completed here. Raises `SignOnRefused` for somebody nobody invited."""
        access, now = self._access, self._access.clock()
        with self._desk.writing() as connection:
            account = accounts.account_of_identity(connection, subject.issuer, subject.subject)
            if account is None or account.disabled_ms:
                raise SignOnRefused("no account here is tied to this one")
            if subject.second_factor:
                return access.begin(connection, account, "sso", client, second_factor=True)
        half = {"staff": account.id, "password_ms": account.password_ms, "at": now, "sso": True}
        return access.sealer.seal(_HALF, half, now + HALF_MS)

    def _count(
        self,
        connection: Connection,
        mail: str,
        account: Account | None,
        client: Client,
        half: str = "",
    ) -> tuple[Bucket, ...]:
        """Count an attempt as failed, until it was none. Raises `MustWait`.

        Each `half` of a sign-in counts by itself: a right password must not forgive wrong codes, or
        whoever has it could guess codes for ever.
        """
        now = self._access.clock()
        device = ""
        if account is not None and client.device_token:
            known = token_hash(client.device_token)
            if sessions.knows_device(connection, known, account.id):
                device = known.hex()
        name = f"{half}\0{folded_mail(mail)}" if half else folded_mail(mail)
        buckets = buckets_of(self._access.counting_key, name, client.ip, device)
        wait = wait_ms(buckets, sessions.counts(connection, buckets), now)
        if wait:
            raise MustWait(wait)
        sessions.fail(connection, buckets, now)
        return buckets

    def _half(self, connection: Connection, sealed: str) -> Account | None:
        found = self._access.sealer.unseal(_HALF, sealed, self._access.clock())
        if found is None:
            return None
        account = accounts.account(connection, found["staff"])
        # A password that was changed in between is another one.
        if account is None or account.disabled_ms or account.password_ms != found["password_ms"]:
            return None
        return account

    def _is_sso(self, sealed: str) -> bool:
        found = self._access.sealer.unseal(_HALF, sealed, self._access.clock())
        return bool(found and found.get("sso"))

    def _shown(
        self, connection: Connection, account: Account, code: str, recovery: bytes | None
    ) -> Method:
        now = self._access.clock()
        if recovery is not None and accounts.use_recovery(connection, account.id, recovery, now):
            return "recovery"
        if self.check_code(connection, account, code):
            return "password"
        raise WrongCode

    def _link(self, connection: Connection, token: str, now: int) -> Account | None:
        found = sessions.link(connection, token_hash(token))
        if (
            found is None
            or found.purpose != "sign_in"
            or not found.opens_at(now)
            or not found.staff
        ):
            return None
        account = accounts.account(connection, found.staff)
        return None if account is None or account.disabled_ms else account

    def _sealed_question(self, asked: Asked, staff: str) -> str:
        content: dict[str, Any] = {"state": asked.state, "staff": staff}
        return self._access.sealer.seal(_PASSKEY, content, self._access.clock() + CEREMONY_MS)

    def _spend(self, connection: Connection, sealed: str, for_ms: int) -> None:
        now = self._access.clock()
        if not sessions.spend(connection, token_hash(sealed), now + for_ms, now):
            raise TooLate

    def _hash_anew(self, account: Account, password: str) -> None:
        """The costs were changed: keep the same password under the new ones, now or the next time."""
        made = ""
        with suppress(Busy), self._access.hashing_turn() as hashing:
            made = hashing.hashed(prepared(password))
        if not made:
            return
        with self._desk.writing() as connection:
            fresh = accounts.account(connection, account.id)
            if fresh is not None and fresh.password == account.password:
                accounts.change_account(connection, account.id, password=made)


_UNKNOWN = AccessRefused(
    "this passkey is not known here; sign in another way",
    "此处未登记该通行密钥，请使用其他方式登录",
).text
