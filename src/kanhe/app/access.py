"""What signing in, enrolling and looking after staff all need: rules, keys, and the desk's file."""

from __future__ import annotations

import hmac
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from sqlalchemy import Connection

from kanhe.core.actor import Actor, Language, Theme, Visitor
from kanhe.core.settings import Settings
from kanhe.core.time import HOUR_MS, Clock
from kanhe.protect.access.accounts import AccessRefused, Account
from kanhe.protect.access.chance import RandomBytes, new_handle, new_token, token_hash
from kanhe.protect.access.hashing import COSTS, Costs, Hashing
from kanhe.protect.access.oidc import SignOn
from kanhe.protect.access.passkeys import Passkeys
from kanhe.protect.access.passwords import check_password, is_common, prepared
from kanhe.protect.access.roles import granted
from kanhe.protect.access.sealing import KEY_BYTES, Sealer
from kanhe.protect.access.sessions import Limits, Method, Session, device_of
from kanhe.stores.desk import accounts, sessions
from kanhe.stores.desk.database import Desk
from kanhe.stores.desk.outgoing import tell_of
from kanhe.stores.files.key_files import kept_secret

KEY_FILE = "console.key"
SERVICE = "Kanhe 勘合"
"""What passkeys and authenticator apps show as the name of this place."""
LINK_MS = 72 * HOUR_MS
"""How long an invitation opens something."""
_AT_ONCE = 2
"""How many passwords are hashed at the same time: each takes 64 MiB."""
_WAITING = 8
"""How many more may wait for their turn. Pages are answered by a few dozen threads; whoever floods the
sign-in must not take them all."""


class Busy(AccessRefused):
    """Too many are signing in at this moment."""

    def __init__(self) -> None:
        super().__init__(
            "many are signing in at this moment: try again in a few seconds",
            "当前登录人数较多，请几秒后重试",
        )


class Client(NamedTuple):
    """Where a request came from, as far as can be known."""

    ip: str = ""
    user_agent: str = ""
    device_token: str = ""
    """The cookie that says which browser this is; empty if it has none."""
    session_token: str = ""
    """The session it came with; signing in ends it."""


class SignedIn(NamedTuple):
    """Somebody came in: what their browser is to keep."""

    token: str
    device_token: str
    max_age_s: int
    staff: str


class Access:
    """The shared part. Everything that changes an account goes through `Desk.writing`."""

    def __init__(
        self,
        desk: Desk,
        clock: Clock,
        key: bytes,
        origin: str,
        limits: Limits,
        *,
        sso: SignOn | None = None,
        sso_name: str = "",
        random_bytes: RandomBytes = secrets.token_bytes,
        costs: Costs = COSTS,
    ) -> None:
        self.desk = desk
        self.clock = clock
        self.origin = origin
        self.limits = limits
        self.sso = sso
        self.sso_name = sso_name
        self.random_bytes = random_bytes
        self.sealer = Sealer(hmac.digest(key, b"sealing", "sha256"), random_bytes)
        self.counting_key = hmac.digest(key, b"counting", "sha256")
        self.passkeys = Passkeys(origin, SERVICE, random_bytes)
        self.hashing = Hashing(random_bytes, costs)
        self._turns = threading.BoundedSemaphore(_AT_ONCE)
        self._places = threading.BoundedSemaphore(_AT_ONCE + _WAITING)

    @contextmanager
    def hashing_turn(self) -> Iterator[Hashing]:
        """The hashing, for one hash: only so many are made at once, or memory would run out.

        Raises `Busy` where too many wait already.
        """
        if not self._places.acquire(blocking=False):
            raise Busy
        try:
            with self._turns:
                yield self.hashing
        finally:
            self._places.release()

    def new_password(self, password: str, account: Account, *, second_factor: bool) -> str:
        """The hash of a password that is accepted for this person. Raises `PasswordRefused`."""
        host = urlsplit(self.origin).hostname or ""
        context = (account.name, account.mail, account.tenant, SERVICE, "kanhe", "勘合", host)
        ready = check_password(
            password, second_factor=second_factor, context=context, blocked=is_common
        )
        with self.hashing_turn() as hashing:
            return hashing.hashed(ready)

    def permissions(self, connection: Connection, account: Account) -> frozenset[str]:
        """All that somebody may do now."""
        return granted(account.roles, accounts.roles(connection))

    def begin(
        self,
        connection: Connection,
        account: Account,
        method: Method,
        client: Client,
        *,
        second_factor: bool,
    ) -> SignedIn:
        """Begin a session for somebody who has shown who they are, and tell of it."""
        now = self.clock()
        token = new_token(self.random_bytes)
        device_token = self._device_of(connection, client, account)
        session = Session(
            new_handle("ss", self.random_bytes), account.id, method, second_factor, now, now, now, 0,
            client.ip, device_of(client.user_agent),
        )  # fmt: skip
        if client.session_token:
            old = sessions.session_of(connection, token_hash(client.session_token))
            if old is not None:
                sessions.end(connection, now, handle=old.handle)
        sessions.begin(connection, session, token_hash(token))
        sessions.remember_device(connection, token_hash(device_token), account.id, now)
        accounts.change_account(connection, account.id, signed_in_ms=now)
        tell_of(
            connection, actor_of(account, session), "signed_in", "system", now,
            tenant=account.tenant, note=method,
        )  # fmt: skip
        return SignedIn(token, device_token, self.limits.absolute_ms // 1_000, account.id)

    def _device_of(self, connection: Connection, client: Client, account: Account) -> str:
        """The token of this browser: a new one where it is not known for this account, because whoever
        used the browser before may have kept the old one."""
        token = client.device_token
        if token and sessions.knows_device(connection, token_hash(token), account.id):
            return token
        return new_token(self.random_bytes)

    def own(self, connection: Connection, visitor: Visitor) -> Account:
        """The account of whoever is signed in."""
        found = accounts.account(connection, visitor.actor.staff)
        if found is None or found.disabled_ms:
            raise AccessRefused("this account is disabled", "该账号已停用")
        return found

    def session_of(self, connection: Connection, visitor: Visitor) -> Session:
        """The session somebody came with."""
        found = sessions.session(connection, visitor.actor.session)
        if found is None or found.ended_ms:
            raise AccessRefused("this session has ended; sign in again", "会话已结束，请重新登录")
        return found


def password_fits(hashing: Hashing, password: str, kept: str) -> bool:
    """Whether a password is the one that was kept; the work is the same where none was."""
    return hashing.fits(prepared(password[:1_024]), kept)


def actor_of(account: Account, session: Session) -> Actor:
    """Who acts, as records name them."""
    return Actor(
        staff=account.id, name=account.name, tenant=account.tenant, roles=account.roles,
        session=session.handle, ip=session.ip, device=session.device,
        second_factor=session.second_factor,
    )  # fmt: skip


_LANGUAGES: tuple[Language, ...] = ("en", "zh_CN")
_THEMES: tuple[Theme, ...] = ("light", "dark", "system")


def visitor_of(account: Account, session: Session, permissions: frozenset[str]) -> Visitor:
    """Whose request it is, for the pages."""
    return Visitor(
        actor=actor_of(account, session),
        permissions=permissions,
        language=next((one for one in _LANGUAGES if one == account.language), None),
        theme=next((one for one in _THEMES if one == account.theme), "system"),
        time_zone=account.time_zone,
    )


def console_address(settings: Settings) -> str:
    """Where people reach the console: the origin that passkeys are bound to, so on this machine a name."""
    if settings.console_url:
        return settings.console_url.rstrip("/")
    return f"http://localhost:{settings.console_port}"


def console_key(folder: Path, random_bytes: RandomBytes = secrets.token_bytes) -> bytes:
    """The key of what the console seals, made if there is none. Raises `StorageError`.

    Whoever loses it loses no account: codes of authenticator apps have to be set up anew.
    """
    return kept_secret(
        folder / KEY_FILE,
        KEY_BYTES,
        random_bytes,
        "have staff set up their authenticator apps anew",
    )
