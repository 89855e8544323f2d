"""A factor of a buyer and a step-up, as they are kept."""

from __future__ import annotations

from typing import Literal, NamedTuple, cast, get_args

from kanhe.protect.access.step_up.binding import Binding, Purpose

Kind = Literal["totp", "passkey", "mail"]
KINDS: tuple[Kind, ...] = get_args(Kind)
Language = Literal["en", "zh_CN"]


class Factor(NamedTuple):
    """One way for one user of one shop to show that it is they."""

    id: str
    tenant: str
    user: str
    kind: Kind
    label: str
    """What the shop calls it when it shows it to its owner; may be empty."""
    secret: bytes
    """Sealed: the secret of an app, or an address. Of a passkey its public part, as it is."""
    credential: bytes
    """Of a passkey the id by which it is found; of an address a keyed hash of it."""
    mark: int
    """The step of the last code taken, or the counter of a passkey."""
    created_ms: int
    confirmed_ms: int
    """0 until it was shown once; a factor counts from then on."""
    expires_ms: int
    """Until when it can be confirmed."""
    attempts_left: int
    """How often confirming it may be tried."""
    code: bytes
    """While it is not confirmed: the hash of the code that was sent, or the passkey's challenge."""
    used_ms: int
    """When it last confirmed something, 0 if never."""
    authority: str
    """By what right it was begun; see `rules.Authority`."""
    proof: str
    """The step-up that gave that right; empty for none."""
    statement: str
    """What the shop said about it; may be empty."""

    @property
    def is_confirmed(self) -> bool:
        """Whether it counts."""
        return self.confirmed_ms > 0


class StepUp(NamedTuple):
    """One question to one user, from being asked to being redeemed."""

    id: str
    tenant: str
    user: str
    purpose: str
    order_ref: str
    payee: str
    amount_minor: int
    currency: str
    decision: str
    device: str
    ip: str
    session: str
    language: str
    methods: str
    """The kinds that may answer, between spaces."""
    nonce: bytes
    """The chance in a passkey's challenge."""
    address: bytes
    """Sealed: where a code is sent; empty for nowhere."""
    code: bytes
    """The hash of the last code that was sent; empty for none."""
    code_until_ms: int
    sends: int
    sent_ms: int
    attempts_left: int
    created_ms: int
    expires_ms: int
    passed_ms: int
    """0 until somebody has passed it."""
    passed_by: str
    confirmation: bytes
    """The hash of what is redeemed."""
    redeemable_until_ms: int
    redeemed_ms: int
    redemption: str
    """The sender's id of the redeeming, which makes a retry harmless."""

    @property
    def binding(self) -> Binding:
        """What it is bound to."""
        return Binding(
            self.tenant, self.user, cast("Purpose", self.purpose), self.order_ref, self.payee,
            self.amount_minor, self.currency,
        )  # fmt: skip

    @property
    def offered(self) -> tuple[Kind, ...]:
        """The kinds that may answer."""
        words = self.methods.split()
        return tuple(kind for kind in KINDS if kind in words)
