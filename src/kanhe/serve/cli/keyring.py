"""`kanhe keys`: API keys on the command line. Works while a server runs on the same folder."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

from kanhe.app import open_keys
from kanhe.core.errors import SettingsError
from kanhe.core.settings import Settings
from kanhe.core.time import duration_ms
from kanhe.serve.api.access import SCOPES
from kanhe.serve.cli.serving import now_ms
from kanhe.serve.cli.terminal import print_json, print_table, say, tell
from kanhe.serve.cli.wording import words

_USUAL_SCOPES = ("decide", "record", "read")


def create(
    settings: Settings,
    tenant: str,
    name: str,
    scopes: list[str],
    rate: float,
    burst: int,
    expires: str,
    as_json: bool,
) -> None:
    """Make a key and print its token, alone on standard output so that it can be piped."""
    for scope in scopes:
        if scope not in SCOPES:
            known = ", ".join(SCOPES)
            raise SettingsError(words("keys.unknown_scope", scope=scope, known=known))
    if rate > 0 and burst == 0:
        burst = max(1, math.ceil(2 * rate))
    expires_ms = now_ms() + duration_ms(expires) if expires else 0
    keys = open_keys(settings, now_ms)
    try:
        token = keys.create(tenant, name, scopes or _USUAL_SCOPES, rate, burst, expires_ms)
    finally:
        keys.close()
    key_id = token.split("_")[1]
    if as_json:
        print_json({"id": key_id, "tenant": tenant, "token": token})
    else:
        tell(words("keys.created", id=key_id, tenant=tenant))
        say(token)


def show(settings: Settings, tenant: str | None, as_json: bool) -> None:
    """List keys; never a token, which nobody knows any more."""
    keys = open_keys(settings, now_ms)
    try:
        found = [_described(key) for key in keys.list(tenant)]
    finally:
        keys.close()
    if as_json:
        print_json(found)
    elif not found:
        say(words("keys.none"))
    else:
        columns = ("id", "tenant", "name", "scopes", "rate", "created", "state")
        rows = [
            (
                key["id"], key["tenant"], key["name"], " ".join(key["scopes"]),
                _limit(key), _date(key["created_ms"]),
                words(f"state.{key['state']}"),
            )
            for key in found
        ]  # fmt: skip
        print_table([words(f"col.{column}") for column in columns], rows, whole=(0, 5))


def revoke(settings: Settings, key_id: str, as_json: bool) -> None:
    """Revoke a key; a running server notices within about a second."""
    keys = open_keys(settings, now_ms)
    try:
        described = _described(keys.revoke(key_id))
    finally:
        keys.close()
    if as_json:
        print_json(described)
    else:
        say(words("keys.revoked", id=key_id))


def _described(key: Any) -> dict[str, Any]:
    state = "valid" if key.valid_at(now_ms()) else "revoked" if key.revoked_ms else "expired"
    return {**key._asdict(), "scopes": sorted(key.scopes), "state": state}


def _limit(key: dict[str, Any]) -> str:
    if not key["rate_per_s"]:
        return "–"
    return words("keys.limit", rate=f"{key['rate_per_s']:g}", burst=key["burst"])


def _date(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d")
