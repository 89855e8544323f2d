"""A shop whose buyers are asked: a clock that is set by hand, and a mailbox that is read."""

from __future__ import annotations

import json
import re
import secrets
from pathlib import Path
from typing import Any

from kanhe.app.stepping_up.asking import Asking, Question
from kanhe.app.stepping_up.enrolling import Enrolling, New, Proof
from kanhe.app.stepping_up.room import Room
from kanhe.app.stepping_up.shops import Shop, Shops
from kanhe.protect.access import totp
from kanhe.protect.access.step_up.binding import Binding
from kanhe.protect.access.step_up.letters import Letter, NotSent
from kanhe.stores.sqlite.buyers import SqliteBuyers

BEGIN_MS = 1_790_000_000_000
ORIGIN = "https://shop.example"
KEY = bytes(range(32))
VOUCHED = Proof(statement="a code sent to the address on file")


class Mailbox:
    """A sender that keeps what it was handed. `broken` refuses it."""

    def __init__(self) -> None:
        self.letters: list[Letter] = []
        self.broken = False

    def send(self, letter: Letter) -> None:
        """Keep it."""
        if self.broken:
            raise NotSent("try again later")
        self.letters.append(letter)

    @property
    def code(self) -> str:
        """The code of the last letter."""
        found = re.search(r"\d{4} \d{4}", self.letters[-1].plain)
        assert found
        return found[0]


class House:
    """An installation's step-up over one file."""

    def __init__(self, path: Path, *, sends: bool = True) -> None:
        self.now = BEGIN_MS
        self.mailbox = Mailbox()
        self.path = path
        self._sends = sends
        self.open()

    def open(self) -> None:
        """Open the file, again after `crash`."""
        shops = Shops({"shop": Shop("Shop Seven", "shop.example", (ORIGIN,))})
        self.room = Room(
            SqliteBuyers(self.path), KEY, lambda: self.now, secrets.token_bytes, shops,
            self.mailbox if self._sends else None,
        )  # fmt: skip
        self.asking = Asking(self.room)
        self.enrolling = Enrolling(self.room)

    def restart(self) -> None:
        """The process ended, and another one begins."""
        self.room.store.close()
        self.open()

    def events(self) -> list[dict[str, Any]]:
        """What waits for the journal, the oldest first."""
        return [json.loads(one.body) for one in self.room.store.undelivered(10_000)]

    def app(self, user: str = "u-1", tenant: str = "shop", proof: Proof = VOUCHED) -> App:
        """A confirmed authenticator app of a user."""
        made = self.enrolling.begin(tenant, user, "totp", proof=proof)
        app = App(self, made)
        self.enrolling.confirm(tenant, user, made.id, app.code(), "")
        self.now += 30_000
        return app


class App:
    """Somebody's authenticator app."""

    def __init__(self, house: House, made: New) -> None:
        self._house = house
        self.id = made.id
        self.secret = made.secret

    def code(self) -> str:
        """The code it shows now."""
        return code_at(self.secret, self._house.now)


def code_at(secret: str, now_ms: int) -> str:
    """The code of an app, made after RFC 4226 and 6238 by this test itself."""
    import base64
    import hashlib
    import hmac

    counter = (now_ms // totp.STEP_MS).to_bytes(8, "big")
    digest = hmac.digest(base64.b32decode(secret), counter, hashlib.sha1)
    at = digest[-1] & 15
    number = int.from_bytes(digest[at : at + 4], "big") & 0x7FFFFFFF
    return f"{number % 1_000_000:06d}"


PAYMENT: dict[str, Any] = {
    "order": "o-1", "payee": "Shop Seven", "amount_minor": 4990, "currency": "EUR",
}  # fmt: skip


def question(user: str = "u-1", tenant: str = "shop", **more: Any) -> Question:
    """A question about a payment; `more` changes it."""
    said = {**PAYMENT, **{name: more.pop(name) for name in list(more) if name in PAYMENT}}
    return Question(Binding(tenant, user, "payment", **said), **more)


def about_factors(user: str = "u-1", tenant: str = "shop", **more: Any) -> Question:
    """A question about a change of factors."""
    return Question(Binding(tenant, user, "factors", "", "", 0, ""), **more)


def about_login(user: str = "u-1", tenant: str = "shop", **more: Any) -> Question:
    """A question about a signing in."""
    return Question(Binding(tenant, user, "login", "", "", 0, ""), **more)
