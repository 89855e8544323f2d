"""Trying a source out: a sample notice, signed as its provider would, sent to the running server.

Where the provider signs with a private key that nobody else has, a key pair of this trial is good for a
minute and taken away again when the answer is there.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib import resources
from typing import Any, NamedTuple
from urllib.parse import quote
from zoneinfo import ZoneInfo

import httpx
import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from kanhe.app.hooks import HookDesk, HookError, HookSource
from kanhe.core.time import Clock
from kanhe.protect.inbound.credentials import Credential, in_force
from kanhe.protect.inbound.signing import Sample, Signed, SignKey, sign
from kanhe.stores.sqlite.keys import CHECK_MS

_TIMEOUT_S = 10.0
_TRIAL_MS = 60_000
_SHOWN = 2_000


class Trial(NamedTuple):
    """What came of it."""

    url: str
    sent: str
    """What the sample was about, as its provider calls it."""
    status: int
    answer: str
    problem: str
    """The kind of problem, empty if the notice was taken."""
    events: str
    """The types of the events that it became."""

    @property
    def ok(self) -> bool:
        """Whether the server took the notice."""
        return 200 <= self.status < 300


def try_source(
    desk: HookDesk,
    name: str,
    url: str,
    clock: Clock,
    pause: Callable[[float], None] = time.sleep,
) -> Trial:
    """Send a signed sample to a source of the server at `url`. Raises `HookError` if nobody answers
    there, or the source has nothing in force that it could be signed with."""
    source = desk.get(name)
    now = clock()
    key, credential = _signing(source, now)
    if credential is not None:
        desk.replace(name, lambda before: [credential, *before])
        pause(CHECK_MS / 1_000 + 0.1)  # until the server has looked again
    try:
        sample = _sample(source, credential, now)
        signed = sign(source.provider.name, sample, key, clock())
        return _sent(f"{url.rstrip('/')}/v1/hooks/{quote(name)}", sample.topic, signed)
    finally:
        if credential is not None:
            desk.replace(name, lambda before: _without(before, credential))


def _signing(source: HookSource, now: int) -> tuple[SignKey, Credential | None]:
    """What to sign with, and the credential that makes it good if it is only for this trial."""
    shared = in_force(source.credentials, "secret", now)
    signs_alone = "public_key" in source.provider.needs and not (source.provider.either and shared)
    if not signs_alone:
        if not shared:
            raise HookError(f"{source.name} has no secret in force; `kanhe hooks rotate` gives one")
        return shared[0], None
    until = now + _TRIAL_MS
    if source.provider.name == "standard":
        ed25519 = Ed25519PrivateKey.generate()
        raw = ed25519.public_key().public_bytes_raw()
        return ed25519, Credential("public_key", raw, "", now, until)
    rsa = generate_private_key(public_exponent=65_537, key_size=2_048)
    pem = rsa.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    label = f"KANHE-TRIAL-{secrets.token_hex(8)}" if source.provider.by_serial else ""
    return rsa, Credential("public_key", pem, label, now, until)


def _without(before: Sequence[Credential], credential: Credential) -> list[Credential]:
    return [one for one in before if one != credential]


def _sample(source: HookSource, credential: Credential | None, now: int) -> Sample:
    folder = resources.files("kanhe.judge.intake.hooks") / "samples"
    kept = msgspec.json.decode((folder / f"{source.provider.name}.json").read_bytes())
    trial_id = secrets.token_hex(6).upper()
    moment = datetime.fromtimestamp(now // 1_000, UTC)
    beijing = moment.astimezone(ZoneInfo("Asia/Shanghai"))
    filled = {
        "{id}": trial_id,
        "{account}": source.row.account or "kanhe-test",
        "{now_iso}": moment.isoformat(),
        "{now_utc}": moment.strftime("%Y-%m-%dT%H:%M:%S"),
        "{now_beijing}": beijing.strftime("%Y-%m-%d %H:%M:%S"),
    }
    document = _filled(kept["document"], filled, now // 1_000)
    if source.provider.name == "stripe" and source.row.account:
        document["account"] = source.row.account
    passwords = in_force(source.credentials, "password", now)
    keys = in_force(source.credentials, "secret", now)
    return Sample(
        document, kept["topic"], f"msg_{trial_id}", source.row.account, secrets.token_hex(16),
        keys[0] if keys else b"", credential.label if credential else "",
        passwords[0] if passwords else b"",
    )  # fmt: skip


def _filled(value: Any, filled: dict[str, str], now_s: int) -> Any:
    if isinstance(value, dict):
        return {name: _filled(inner, filled, now_s) for name, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner, filled, now_s) for inner in value]
    if value == "{now_s}":
        return now_s
    if isinstance(value, str):
        for mark, text in filled.items():
            value = value.replace(mark, text)
    return value


def _sent(url: str, topic: str, signed: Signed) -> Trial:
    try:
        answer = httpx.post(url, content=signed.body, headers=signed.headers, timeout=_TIMEOUT_S)
    except httpx.HTTPError as error:
        raise HookError(
            f"nobody answers at {url} ({type(error).__name__}): is `kanhe serve` running? Name"
            " another address by --url"
        ) from error
    problem = answer.headers.get("kanhe-problem", "")
    if not problem and answer.status_code >= 400:
        problem = "/problems/not-found" if answer.status_code == 404 else f"{answer.status_code}"
    return Trial(
        url,
        topic,
        answer.status_code,
        answer.text[:_SHOWN],
        problem,
        answer.headers.get("kanhe-events", ""),
    )
