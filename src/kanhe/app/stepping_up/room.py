"""What all of step-up is done with: the store, keys, clock and chance, the shops, and who sends."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from kanhe.app.stepping_up.shops import Shop, Shops
from kanhe.core.errors import FieldProblem, Refusal, refuse
from kanhe.core.time import Clock
from kanhe.judge.intake.exact import mistakes
from kanhe.judge.intake.registry import builtin
from kanhe.protect.access.accounts import AccessRefused, checked_mail, folded_mail
from kanhe.protect.access.chance import RandomBytes
from kanhe.protect.access.sealing import KEY_BYTES, Sealer
from kanhe.protect.access.step_up import limits
from kanhe.protect.access.step_up.letters import Sender
from kanhe.protect.access.step_up.limits import Quota, StepUpWait
from kanhe.stores.files.key_files import kept_secret

if TYPE_CHECKING:
    from kanhe.protect.access.passkeys import Passkeys
    from kanhe.stores.sqlite.buyers import SqliteBuyers, Writing

KEY_FILE = "buyers.key"
_EVENT_ID_BYTES = 16


class Room:
    """One installation's step-up. Everything it calls may block: use it from a thread of its own."""

    def __init__(
        self,
        store: SqliteBuyers,
        key: bytes,
        clock: Clock,
        random_bytes: RandomBytes,
        shops: Shops,
        sender: Sender | None,
    ) -> None:
        self.store = store
        self.clock = clock
        self.random_bytes = random_bytes
        self.sender = sender
        self.sealer = Sealer(_subkey(key, "seal"), random_bytes)
        self.code_key = _subkey(key, "codes")
        self.place_key = _subkey(key, "places")
        self._handle_key = _subkey(key, "handles")
        self._shops = shops
        self._passkeys: dict[str, Passkeys] = {}

    def shop(self, tenant: str) -> Shop:
        """The shop of a tenant."""
        return self._shops.of(tenant)

    def passkeys(self, tenant: str) -> Passkeys:
        """Questions to browsers about passkeys of this tenant's shop."""
        if tenant not in self._passkeys:
            # Imported here: the library is large, and most installations start without a passkey.
            from kanhe.protect.access.passkeys import Passkeys

            shop = self.shop(tenant)
            first, *more = shop.origins
            self._passkeys[tenant] = Passkeys(
                first, shop.name, self.random_bytes, more_origins=more, host=shop.rp_id
            )
        return self._passkeys[tenant]

    def handle(self, tenant: str, user: str) -> bytes:
        """What passkeys of a user remember them by: always the same, and says nothing to others."""
        text = f"{len(tenant)}:{tenant}{user}".encode("utf-8", "surrogatepass")
        return hmac.digest(self._handle_key, text, "sha256")

    def address_place(self, tenant: str, address: str) -> bytes:
        """What an enrolled address is found by."""
        return limits.place(self.place_key, "address", tenant, folded_mail(address))

    def sweep(self, writing: Writing) -> None:
        """Take some of what is over away."""
        now = self.clock()
        writing.sweep(
            now - limits.KEPT_MS, now - limits.FAILURES_KEPT_MS, now - limits.DEVICE_KNOWN_MS
        )

    def tell(self, writing: Writing, tenant: str, event_type: str, **fields: Any) -> None:
        """Have an event journaled; empty fields are left out. Raises a refusal (422) that names every
        field of which no event can be made."""
        event = event_of(event_type, self.clock(), fields)
        # Nobody can send an event under this id first: it is drawn here, and told to nobody.
        id = f"su-{self.random_bytes(_EVENT_ID_BYTES).hex()}"
        writing.tell(tenant, id, msgspec.json.encode({"id": id, **event}))

    def spend(self, writing: Writing, place: bytes, quota: Quota, why: str) -> None:
        """Count one more happening. Raises `StepUpWait` where there were too many lately."""
        now = self.clock()
        # What a clock that was wrong for a while has put into the far future counts for nothing, or
        # nobody would get any further until then.
        past = writing.happened(place, now - quota.window_ms, now + limits.CLOCK_BACK_MS)
        if len(past) >= quota.most:
            oldest = past[-quota.most]
            raise StepUpWait(max(1_000, min(oldest + quota.window_ms - now, quota.window_ms)), why)
        writing.note(place, now)


def event_of(event_type: str, at_ms: int, fields: Mapping[str, Any]) -> dict[str, Any]:
    """The event without its id. Raises a refusal (422) that names every field that is not valid."""
    given = {name: value for name, value in fields.items() if value not in ("", None)}
    event = {"type": event_type, "at_ms": at_ms, **given}
    found = [problem for _, problem in mistakes(builtin(), event_type, {"id": "x", **event}, None)]
    if found:
        raise invalid(*found)
    return event


def invalid(*problems: Any) -> Refusal:
    """The refusal of what was sent."""
    return refuse(
        "step-up-invalid", "The request is not valid", 422,
        "; ".join(f"{one.field}: expected {one.expected}" for one in problems), *problems,
    )  # fmt: skip


def checked_address(mail: str) -> str:
    """A mail address that a code can be sent to. Raises a refusal (422)."""
    try:
        return checked_mail(mail)
    except AccessRefused as error:
        raise invalid(FieldProblem("mail", error.text.en, mail[:80])) from None


def buyers_key(folder: Path, random_bytes: RandomBytes) -> bytes:
    """The key under which everything of buyers is sealed and hashed, made if there is none.

    Whoever loses it loses every app and address that buyers have set up; passkeys remain.
    Raises `StorageError`.
    """
    without = "have buyers set up their authenticator apps and addresses anew"
    return kept_secret(folder / KEY_FILE, KEY_BYTES, random_bytes, without)


def _subkey(key: bytes, purpose: str) -> bytes:
    return hmac.digest(key, f"kanhe buyers {purpose}".encode(), "sha256")
