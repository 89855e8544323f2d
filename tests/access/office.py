"""A desk with staff, for tests: everything real but the clock and the costs of hashing."""

from __future__ import annotations

import json
from pathlib import Path

import pyotp
from sqlalchemy import select

from kanhe.app.access import Access, Client, SignedIn
from kanhe.app.enrolling import Newcomer
from kanhe.app.personnel import founder
from kanhe.app.staffing import Staffing
from kanhe.core.actor import Visitor
from kanhe.core.time import HOUR_MS, MINUTE_MS
from kanhe.protect.access.oidc import SignOn
from kanhe.protect.access.sessions import Limits
from kanhe.stores.desk.database import Desk
from kanhe.stores.desk.outgoing import EVENTS, NEWS
from tests.access.authenticator import Authenticator
from tests.access.cheap import CHEAP, T0, chance

ORIGIN, HOST = "https://desk.example.com", "desk.example.com"
LIMITS = Limits(idle_ms=HOUR_MS, absolute_ms=12 * HOUR_MS, fresh_ms=15 * MINUTE_MS)
PASSWORD = "pumpkin under the stairs"
BROWSER = "Mozilla/5.0 (Windows NT 10.0) Chrome/140.0 Safari/537.36"


class Office:
    """Staffing over a desk, with a clock to be moved."""

    def __init__(self, path: Path | None = None, sso: SignOn | None = None) -> None:
        self.now = T0
        self.desk = Desk(path)
        self.access = Access(
            self.desk, lambda: self.now, bytes(32), ORIGIN, LIMITS,
            sso=sso, random_bytes=chance().randbytes, costs=CHEAP,
        )  # fmt: skip
        self.staffing = Staffing(self.access)
        self.secrets: dict[str, str] = {}
        self.keys: dict[str, Authenticator] = {}

    def client(self, device: str = "", session: str = "", ip: str = "192.0.2.1") -> Client:
        """Where a request comes from."""
        return Client(ip, BROWSER, device, session)

    def code(self, mail: str) -> str:
        """The code that somebody's app shows now."""
        return pyotp.TOTP(self.secrets[mail]).generate_otp(self.now // 30_000)

    def later(self, ms: int) -> None:
        """Let time go by."""
        self.now += ms

    def found(self, mail: str = "mia@example.com", name: str = "Mia Chen") -> SignedIn:
        """The first security manager comes in by the link that `kanhe init` prints, with a passkey."""
        with self.desk.writing() as connection:
            link = self.staffing.personnel.founding_link_as(
                connection, founder("init"), "first start"
            )
        return self.accept_with_passkey(link, mail, Newcomer(name, mail))

    def invite(
        self, by: Visitor, mail: str, *roles: str, name: str = "Somebody", tenant: str = ""
    ) -> tuple[str, str]:
        """Somebody is invited."""
        return self.staffing.personnel.invite(by, mail, name, tenant, roles)

    def accept_with_passkey(
        self, link: str, mail: str, newcomer: Newcomer | None = None
    ) -> SignedIn:
        """Somebody accepts an invitation with a passkey."""
        token = link.rpartition("/")[2]
        key = self.keys.setdefault(mail, Authenticator(ORIGIN, HOST, len(self.keys) + 1))
        person = newcomer or Newcomer()
        options, sealed = self.staffing.enrolling.ask_for_first_passkey(token, person)
        return self.staffing.enrolling.accept_with_passkey(
            token, person, sealed, key.make(options), self.client()
        )

    def accept_with_password(self, link: str, mail: str) -> SignedIn:
        """Somebody accepts an invitation with a password and an authenticator app."""
        offer = self.staffing.enrolling.offer_app(mail)
        self.secrets[mail] = offer.secret
        return self.staffing.enrolling.accept_with_password(
            link.rpartition("/")[2],
            Newcomer(),
            PASSWORD,
            offer.sealed,
            self.code(mail),
            self.client(),
        )

    def visitor(self, signed_in: SignedIn) -> Visitor:
        """Whose session it is."""
        found = self.staffing.visitor(signed_in.token)
        assert found is not None
        return found

    def sign_in(self, mail: str, client: Client | None = None) -> SignedIn:
        """Somebody signs in with password and code."""
        self.later(30_000)
        half = self.staffing.signing_in.password(mail, PASSWORD, client or self.client())
        return self.staffing.signing_in.code(half, self.code(mail), client or self.client())

    def told(self) -> list[tuple[str, str, str]]:
        """What the journal is told: action, resource and note of each event."""
        with self.desk.reading() as connection:
            bodies = connection.execute(select(EVENTS.c.body).order_by(EVENTS.c.id)).scalars().all()
        events = [json.loads(body) for body in bodies]
        return [(e["staff_action"], e["resource"], e.get("note", "")) for e in events]

    def news(self) -> list[str]:
        """The topics that were announced."""
        with self.desk.reading() as connection:
            return list(connection.execute(select(NEWS.c.topic)).scalars())
