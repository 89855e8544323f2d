"""Which events a candidate pack decides: always those of the same buyers.

The buyer is whoever the event names first of user, device, card, e-mail, phone, address of the
network, and so on. A keyed hash of their id says whether they belong to the share, so that nobody can
choose an id that does, and raising the share keeps those who were in it. Another candidate gets other
buyers.
"""

from __future__ import annotations

from hashlib import blake2b

import msgspec

from kanhe.core.event import Asked

_PERMILLE = 1_000


class _Named(msgspec.Struct, gc=False):
    """Whom an event names."""

    user: str | None = None
    device: str | None = None
    card: str | None = None
    email: str | None = None
    phone: str | None = None
    ip: str | None = None
    session: str | None = None
    merchant: str | None = None
    staff: str | None = None
    order: str | None = None


class _Sent(_Named, gc=False):
    """An event as it is sent: by itself, or as the data of a CloudEvents envelope."""

    data: _Named | None = None


_BY = _Named.__struct_fields__
_decode = msgspec.json.Decoder(_Sent).decode


class Share:
    """The share of the traffic that one pack has. `key` is the installation's secret."""

    def __init__(self, policy: str, permille: int, key: bytes) -> None:
        self.policy = policy
        self.permille = permille
        self._begun = blake2b(policy.encode(), digest_size=8, key=key, person=b"kanheShare")
        self._below = permille * 2**64 // _PERMILLE

    def holds(self, asked: Asked) -> bool:
        """Whether the pack decides this event. Events that name nobody, that cannot be read, or that
        are only recorded, are not in the share."""
        if not asked.decide:
            return False
        try:
            sent = _decode(asked.raw)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return False
        named = sent.data or sent
        for kind in _BY:
            id = getattr(named, kind)
            if id:
                return self.of(asked.tenant, kind, id)
        return False

    def of(self, tenant: str, kind: str, id: str) -> bool:
        """Whether somebody belongs to the share."""
        begun = self._begun.copy()
        begun.update(f"{tenant}\0{kind}\0{id}".encode())
        return int.from_bytes(begun.digest()) < self._below
