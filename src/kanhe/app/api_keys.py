"""API keys as staff see and make them; `kanhe keys` does the same for whoever runs the server.

Keys that take steps of policy packs are not made here: such a key stands for a person, and whoever
makes keys for two people could be both of the four eyes. At the desk people take these steps
themselves, as whom they have signed in.
"""

from __future__ import annotations

from collections.abc import Iterable

from kanhe.app.opening import open_keys
from kanhe.core.actor import Actor
from kanhe.core.decision import Text
from kanhe.core.errors import KanheError
from kanhe.core.settings import Settings
from kanhe.core.time import Clock
from kanhe.protect.access.permissions import known, may
from kanhe.stores.desk.database import Desk
from kanhe.stores.desk.outgoing import PLATFORM, tell_of
from kanhe.stores.sqlite.keys import ApiKeyError, KeyInfo

SCOPES = ("decide", "record", "read", "evidence", "lists", "metrics", "policy:read")
"""What a key that is made at the desk may be given."""
USUAL_SCOPES = ("decide", "record", "read")
NEEDED = {"evidence": "personal.reveal", "lists": "lists.edit", "policy:read": "rules.read"}
"""What whoever makes a key must be allowed, to give it this scope."""
MOST_KEYS = 1_000
"""Valid keys of one tenant."""


class KeyRefused(KanheError):
    """The key cannot be made as asked; `field` names what is wrong, `told` says why."""

    def __init__(self, field: str, en: str, zh: str) -> None:
        super().__init__(en)
        self.field = field
        self.told = Text(en, zh)


class NoSuchKey(KanheError):
    """It is not there, or is another tenant's."""


class KeyDesk:
    """The API keys that one person after the other may see."""

    def __init__(self, settings: Settings, desk: Desk, clock: Clock) -> None:
        self._desk = desk
        self._clock = clock
        self._keys = open_keys(settings, clock)

    def close(self) -> None:
        """Release the file."""
        self._keys.close()

    def all(self, actor: Actor) -> list[KeyInfo]:
        """All that this person sees: those that are valid first, the newest first."""
        now = self._clock()
        found = self._keys.list(actor.tenant or None)
        return sorted(found, key=lambda key: (not key.valid_at(now), -key.created_ms, key.id))

    def add(
        self,
        actor: Actor,
        tenant: str,
        name: str,
        scopes: Iterable[str],
        held: frozenset[str],
        *,
        rate_per_s: float = 0.0,
        expires_ms: int = 0,
    ) -> str:
        """Make a key and give its token, which cannot be shown again. Raises `KeyRefused`.

        `held` is what this person may do: nobody gets by a key what they may not do themselves.
        The key is told of in the transaction that ends once it is made: where telling fails, it is
        revoked.
        """
        tenant = actor.tenant or tenant
        chosen = frozenset(scopes)
        if not chosen or not chosen <= set(SCOPES):
            raise KeyRefused("scopes", "choose at least one scope", "请至少选择一项权限")
        for scope, permission in NEEDED.items():
            if scope in chosen and not may(held, permission):
                label = known(permission).label
                raise KeyRefused(
                    "scopes",
                    f"a key for {scope} is made by somebody who may do it: {label.en}",
                    f"权限 {scope} 只能由具备“{label.zh}”权限的人员授予",
                )
        if tenant == PLATFORM:
            raise KeyRefused("tenant", "this tenant is Kanhe's own", "该租户名由系统保留")
        now = self._clock()
        valid = [key for key in self._keys.list(tenant) if key.valid_at(now)]
        if len(valid) >= MOST_KEYS:
            raise KeyRefused(
                "", f"there are {MOST_KEYS} keys already", f"有效密钥已达上限（{MOST_KEYS} 个）"
            )
        burst = max(1, round(2 * rate_per_s)) if rate_per_s else 0
        try:
            token = self._keys.create(tenant, name, chosen, rate_per_s, burst, expires_ms)
        except ApiKeyError as error:
            field = "tenant" if str(error).startswith("tenant") else "name"
            if "rate" in str(error):
                field = "rate"
            elif "future" in str(error):
                field = "expires"
            raise KeyRefused(field, str(error), "填写的内容不符合要求，请检查后重试") from error
        key_id = token.split("_")[1]
        try:
            self._tell(actor, "created", tenant, f"{key_id} {name}: {' '.join(sorted(chosen))}")
        except BaseException:
            self._keys.revoke(key_id)
            raise
        return token

    def revoke(self, actor: Actor, key_id: str) -> KeyInfo:
        """Revoke a key; a running server notices within about a second. Raises `NoSuchKey`."""
        found = next((key for key in self._keys.list() if key.id == key_id), None)
        if found is None or not actor.sees(found.tenant):
            raise NoSuchKey(f"there is no key {key_id[:32]}")
        if found.revoked_ms:
            return found
        self._tell(actor, "revoked_access", found.tenant, f"{key_id} {found.name}")
        return self._keys.revoke(key_id)

    def _tell(self, actor: Actor, action: str, tenant: str, what: str) -> None:
        with self._desk.writing() as connection:
            tell_of(
                connection, actor, action, "key", self._clock(), tenant=tenant,
                note=f"key.{action} {what}"[:2_000],
            )  # fmt: skip
