"""Sources of notices: made and changed by people, and read from while a server receives.

What a source keeps secret lies in `keys.db`, sealed with the key of the installation, and bound to its
name, tenant and provider: a row that somebody changes in the file opens nothing.
"""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from kanhe.app.opening import KEYS_FILE, data_folder, installation_key
from kanhe.core.errors import KanheError, StorageError
from kanhe.core.event import Asked
from kanhe.core.notice import Notice
from kanhe.core.settings import Settings
from kanhe.core.time import Clock
from kanhe.judge.intake.hooks import (
    HookMapping,
    Understood,
    built_in,
    read_hook_mapping,
    understand,
)
from kanhe.judge.intake.hooks.mapping import MAX_BYTES
from kanhe.judge.intake.registry import Registry
from kanhe.judge.language.source import Mistakes, Source
from kanhe.protect.access.sealing import Sealer
from kanhe.protect.inbound.credentials import MOST, Credential
from kanhe.protect.inbound.evidence import Request
from kanhe.protect.inbound.providers import PROVIDERS, Provider
from kanhe.stores.sqlite.hook_sources import HookSources, SourceRow

MOST_SOURCES = 1_000
"""Sources of one installation."""
MOST_MAPPINGS = 200
"""Mappings of one folder."""
USUAL_RATE = 100.0
"""Notices per second that a source may send in the long run, unless it is said otherwise."""
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,62}[a-z0-9])?")
_TENANT = re.compile(r"[^\x00-\x1f\x7f]{1,128}")
_TRIES = 5
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(list[Credential]).decode


class HookError(KanheError):
    """A source cannot be made, changed or found as asked."""


class HookSource(NamedTuple):
    """One source of notices with what it keeps secret."""

    row: SourceRow
    provider: Provider
    credentials: tuple[Credential, ...]

    @property
    def name(self) -> str:
        """What it is called by."""
        return self.row.name

    @property
    def scope(self) -> str:
        """What the ids of its events begin with: where ids are the same for nobody else, the
        provider; elsewhere its own name besides."""
        if self.provider.worldwide:
            return self.provider.name
        return f"{self.provider.name}:{self.row.name}"


class HookDesk:
    """The sources of an installation. Works while a server runs on the same folder."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        folder = data_folder(settings)
        self._clock = clock
        key = hmac.digest(installation_key(folder), b"hooks", "sha256")
        self._sealer = Sealer(key, secrets.token_bytes)
        self._store = HookSources(folder / KEYS_FILE, clock)
        self._opened: dict[tuple[str, int], HookSource] = {}

    def close(self) -> None:
        """Release the file."""
        self._store.close()

    def all(self, tenant: str | None = None) -> list[HookSource]:
        """All sources by name, of one tenant if asked."""
        rows = self._store.rows(at_once=True).values()
        return [self._open(row) for row in rows if tenant is None or row.tenant == tenant]

    def get(self, name: str) -> HookSource:
        """One source. Raises `HookError` if there is none."""
        row = self._store.rows(at_once=True).get(name)
        if row is None:
            raise HookError(
                f"there is no source {name[:64]!r}; `kanhe hooks list` shows those there are"
            )
        return self._open(row)

    def find(self, name: str) -> HookSource | None:
        """The same for whoever calls from outside: as of at most 250 ms ago, `None` if there is none."""
        row = self._store.rows().get(name)
        return None if row is None else self._open(row)

    def add(
        self,
        name: str,
        tenant: str,
        provider: str,
        credentials: Sequence[Credential],
        *,
        mapping: str = "",
        account: str = "",
        rate_per_s: float = USUAL_RATE,
    ) -> HookSource:
        """Make a source. Raises `HookError` for what cannot be one."""
        if not _NAME.fullmatch(name):
            raise HookError(
                f"a source is called by 1 to 64 small letters, digits, hyphens and underscores, got {name[:80]!r}"
            )
        if not _TENANT.fullmatch(tenant):
            raise HookError(f"tenant must have 1 to 128 printable characters, got {tenant[:80]!r}")
        if provider not in PROVIDERS:
            raise HookError(f"there is no provider {provider[:64]!r}: {', '.join(PROVIDERS)}")
        if len(account) > 256 or not account.isprintable():
            raise HookError("an account has at most 256 printable characters")
        if PROVIDERS[provider].needs_account and not account:
            known = PROVIDERS[provider]
            raise HookError(
                f"say by --account whose notices of {known.title} they are: {known.account}"
            )
        if not 0 <= rate_per_s <= 100_000:
            raise HookError("a rate lies between 0 (no limit) and 100000 notices per second")
        _check(PROVIDERS[provider], credentials)
        if len(self._store.rows(at_once=True)) >= MOST_SOURCES:
            raise HookError(f"there are {MOST_SOURCES} sources already")
        now = self._clock()
        row = SourceRow(
            name, tenant, provider, mapping or provider, account, rate_per_s, b"", now, now
        )
        if not self._store.add(row._replace(sealed=self._seal(row, credentials))):
            raise HookError(
                f"there is a source {name!r} already; names are unique in an installation"
            )
        return self.get(name)

    def rotate(self, name: str, fresh: Sequence[Credential], overlap_ms: int) -> HookSource:
        """Give a source new secrets: from now on they count, and those of the same kind before them
        for `overlap_ms` more. Raises `HookError`."""
        now = self._clock()
        replaced = {one.kind for one in fresh}

        def after(before: Sequence[Credential]) -> list[Credential]:
            kept = []
            for one in before:
                if one.kind in replaced and not one.until_ms:
                    one = msgspec.structs.replace(one, until_ms=max(1, now + overlap_ms))
                if one.good_at(now):
                    kept.append(one)
            return [*fresh, *kept]

        return self.replace(name, after)

    def replace(
        self, name: str, change: Callable[[Sequence[Credential]], Sequence[Credential]]
    ) -> HookSource:
        """Change what a source keeps secret, whole or not at all. Raises `HookError`."""
        for _ in range(_TRIES):
            source = self.get(name)
            credentials = change(source.credentials)
            _check(source.provider, credentials)
            if self._store.change(source.row, self._seal(source.row, credentials)):
                return self.get(name)
        raise HookError(f"{name} is being changed by somebody else; try again")

    def remove(self, name: str) -> None:
        """Forget a source with its secrets; a running server refuses its notices within a second.
        Raises `HookError` if there is none."""
        if not self._store.remove(name):
            self.get(name)

    def _seal(self, row: SourceRow, credentials: Sequence[Credential]) -> bytes:
        return self._sealer.lock(_purpose(row), _encode(list(credentials)))

    def _open(self, row: SourceRow) -> HookSource:
        kept = self._opened.get((row.name, row.changed_ms))
        if kept is not None and kept.row == row:
            return kept
        plain = self._sealer.unlock(_purpose(row), row.sealed)
        if plain is None or row.provider not in PROVIDERS:
            raise StorageError(
                f"what the source {row.name} keeps secret cannot be opened with the key of this"
                " installation: restore state.key from a backup, or add the source anew"
            )
        source = HookSource(row, PROVIDERS[row.provider], tuple(_decode(plain)))
        if len(self._opened) > MOST_SOURCES:
            self._opened.clear()
        self._opened[row.name, row.changed_ms] = source
        return source


def _purpose(row: SourceRow) -> str:
    return "\x00".join(("hook", row.name, row.tenant, row.provider))


def _check(provider: Provider, credentials: Sequence[Credential]) -> None:
    kinds = {one.kind for one in credentials}
    for one in credentials:
        if one.kind not in provider.reads:
            raise HookError(f"{provider.title} has no {one.kind.replace('_', ' ')}")
        if one.kind == "public_key" and provider.by_serial and not one.label:
            raise HookError(f"a public key of {provider.title} has a serial; say which by --serial")
    missing = [kind for kind in provider.needs if kind not in kinds]
    if missing and not (provider.either and kinds):
        told = (" or " if provider.either else " and ").join(missing).replace("_", " ")
        raise HookError(f"a source of {provider.title} needs a {told}")
    if len(credentials) > MOST:
        raise HookError(f"a source keeps at most {MOST} secrets and keys; wait until some run out")


def read_mappings(settings: Settings, registry: Registry) -> dict[str, HookMapping]:
    """Every mapping by name: those that come with Kanhe, and those of the folder, which go before.

    Raises `PolicyErrors` with all mistakes of all files, `HookError` if the folder cannot be read.
    """
    mistakes = Mistakes()
    found: dict[str, HookMapping] = {}
    own: dict[str, str] = {}
    for source in built_in().values():
        mapping = read_hook_mapping(source, registry, PROVIDERS)
        found[mapping.name] = mapping
    for source in _own_sources(settings.hooks_dir):
        with mistakes.gathered():
            mapping = read_hook_mapping(source, registry, PROVIDERS)
            if mapping.name in own:
                raise source.error_at(1, 1, f"{own[mapping.name]} is called {mapping.name}, too")
            own[mapping.name] = source.path
            found[mapping.name] = mapping
    mistakes.raise_any()
    return found


def mapping_of_file(path: Path, registry: Registry) -> HookMapping:
    """The mapping in one file. Raises `PolicyErrors` with every mistake, `HookError` if it cannot be
    read."""
    return read_hook_mapping(_source_of(path), registry, PROVIDERS)


def _own_sources(folder: str) -> list[Source]:
    if not folder:
        return []
    try:
        paths = sorted(path for path in Path(folder).iterdir() if path.suffix == ".toml")
        if len(paths) > MOST_MAPPINGS:
            raise HookError(f"{folder} holds more than {MOST_MAPPINGS} mappings")
    except OSError as error:
        raise HookError(f"cannot read {folder}: {error.strerror}") from error
    return [_source_of(path) for path in paths]


def _source_of(path: Path) -> Source:
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise HookError(f"cannot read {path}: {error.strerror}") from error
    if len(raw) > MAX_BYTES:
        raise HookError(f"{path} is larger than {MAX_BYTES} bytes")
    return Source.decode(str(path), raw)


class Receiver(NamedTuple):
    """A source that a request has come for, ready to check and to understand it."""

    source: HookSource
    mapping: HookMapping | None
    """`None` if the server does not know the mapping that the source asks for."""

    @property
    def name(self) -> str:
        """What it is called by."""
        return self.source.name

    @property
    def tenant(self) -> str:
        """Whose events its notices become."""
        return self.source.row.tenant

    @property
    def rate_per_s(self) -> float:
        """Notices per second in the long run; 0 means without limit."""
        return self.source.row.rate_per_s

    @property
    def provider(self) -> Provider:
        """How it signs, and what it wants to hear."""
        return self.source.provider

    @property
    def ready(self) -> bool:
        """Whether its mapping is known."""
        return self.mapping is not None

    def notices(
        self, headers: Sequence[tuple[bytes, bytes]], body: bytes, now_ms: int
    ) -> tuple[Notice, ...]:
        """The notices in a request that is authentic. Raises a refusal for any other."""
        request = Request(headers, body)
        source = self.source
        return source.provider.check(request, source.credentials, source.row.account, now_ms)

    def understand(self, notice: Notice, now_ms: int) -> Understood:
        """What a notice becomes."""
        assert self.mapping is not None, "asked for only where it is ready"
        beside = {
            **notice.envelope,
            "source": self.name,
            "provider": self.provider.name,
            "received_ms": str(now_ms),
        }
        told = notice._replace(envelope=beside)
        return understand(self.mapping, told, self.source.scope, now_ms)

    def asked(self, understood: Understood) -> list[Asked]:
        """Its events, to be recorded or judged. No scope goes with them: nobody gets onto a list by
        a notice."""
        scopes: frozenset[str] = frozenset()
        return [Asked(self.tenant, one.body, scopes, one.decide) for one in understood.events]


class Receivers:
    """Every source of an installation, for the server that receives."""

    def __init__(self, desk: HookDesk, mappings: Mapping[str, HookMapping], clock: Clock) -> None:
        self._desk = desk
        self._mappings = mappings
        self.clock = clock

    def find(self, name: str) -> Receiver | None:
        """The source that is called so; `None` if there is none. Raises `StorageError`."""
        source = self._desk.find(name)
        if source is None:
            return None
        mapping = self._mappings.get(source.row.mapping)
        if mapping is not None and mapping.provider != source.provider.name:
            mapping = None
        return Receiver(source, mapping)

    def count(self) -> int:
        """How many sources there are."""
        return len(self._desk.all())

    def close(self) -> None:
        """Release the file."""
        self._desk.close()


def open_receivers(settings: Settings, registry: Registry, clock: Clock) -> Receivers:
    """The sources of the installation with their mappings. Raises `PolicyErrors` if a mapping has
    mistakes, `HookError` if a source asks for one that is not there, `StorageError`."""
    mappings = read_mappings(settings, registry)
    desk = HookDesk(settings, clock)
    try:
        for source in desk.all():
            mapping = mappings.get(source.row.mapping)
            if mapping is None or mapping.provider != source.provider.name:
                raise HookError(_no_mapping(source, mappings))
    except BaseException:
        desk.close()
        raise
    return Receivers(desk, mappings, clock)


def _no_mapping(source: HookSource, mappings: Mapping[str, HookMapping]) -> str:
    known = [name for name, one in mappings.items() if one.provider == source.provider.name]
    return (
        f"the source {source.name} asks for the mapping {source.row.mapping}; for"
        f" {source.provider.title} there are: {', '.join(known)}. Put its file into hooks_dir, or"
        " remove the source"
    )
