"""Lists of what is denied, allowed or watched: entries of the pack and entries made while running.

The pack's entries hold for every tenant. A tenant's own entries, made by rules and by staff, come
on top of them, and a tenant can take an entry of the pack out for itself. An entry with an expiry
stops counting at that moment of event time.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

import msgspec

from kanhe.core.errors import KanheError
from kanhe.core.time import DAY_MS
from kanhe.judge.intake.exact import same_address
from kanhe.judge.language.source import Mistakes, PolicyError, Source, suggestion

COLUMNS = ("value", "expires", "reason", "author")
"""The columns of a list file; `value` is needed, the others may be left out."""
VALUE_MAX = 256
"""How many characters an entry may have."""
GRACE_MS = 7 * DAY_MS
"""How long an expired entry is still kept, for events that arrive late."""

_TAKEN_OUT = -1
_SWEEP_FROM = 1_024


@dataclass(frozen=True)
class ListSpec:
    """One list: `holds` is what its entries are (`card`, `domain`, …), `kind` deny, allow or watch."""

    name: str
    holds: str
    kind: str
    en: str = ""
    zh: str = ""


class PackEntry(NamedTuple):
    """One line of a list file. `expires_ms` is 0 for an entry without end."""

    value: str
    expires_ms: int = 0
    reason: str = ""
    author: str = ""


class Entry(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """One entry of a tenant. `expires_ms`: 0 without end, -1 if it was taken out of the pack's list."""

    expires_ms: int
    reason: str
    author: str
    added_ms: int


class ListsError(KanheError):
    """Saved list entries cannot be read back."""


class Lists:
    """The entries of all lists, of the pack and of every tenant."""

    def __init__(
        self,
        specs: Iterable[ListSpec] = (),
        entries: Mapping[str, Iterable[PackEntry]] | None = None,
    ) -> None:
        self.specs = {spec.name: spec for spec in specs}
        self._pack = {
            name: {entry.value: entry for entry in given}
            for name, given in (entries or {}).items()
            if given
        }
        self._own: dict[tuple[str, str], dict[str, Entry]] = {}
        self._tenants: set[str] = set()
        self._sweep_at: dict[tuple[str, str], int] = {}

    def spelled(self, list_name: str, value: str) -> str | None:
        """The value as events spell it, the only way it can be found; `None` if none can hold it."""
        return spelled(self.specs[list_name].holds, value) if list_name in self.specs else value

    def contains(self, list_name: str, tenant: str, value: str, at_ms: int) -> bool:
        """Whether the value stood in the list for this tenant at this moment."""
        own = self._own.get((list_name, tenant))
        if own is not None:
            entry = own.get(value)
            if entry is not None:
                if entry.expires_ms == 0 or at_ms < entry.expires_ms:
                    return True
                if entry.expires_ms == _TAKEN_OUT:
                    return False
        pack = self._pack.get(list_name)
        if pack is None:
            return False
        given = pack.get(value)
        return given is not None and (given.expires_ms == 0 or at_ms < given.expires_ms)

    def at(self, tenant: str, at_ms: int) -> Callable[[str, str], bool]:
        """`contains` with tenant and moment filled in: what rules ask."""
        if tenant not in self._tenants:
            return self._in_pack(at_ms)
        contains = self.contains
        return lambda list_name, value: contains(list_name, tenant, value, at_ms)

    def _in_pack(self, at_ms: int) -> Callable[[str, str], bool]:
        """The same for a tenant without entries of its own: the common case, and the quickest."""
        pack = self._pack

        def contains(list_name: str, value: str) -> bool:
            given = pack.get(list_name)
            if given is None:
                return False
            entry = given.get(value)
            return entry is not None and (entry.expires_ms == 0 or at_ms < entry.expires_ms)

        return contains

    def add(
        self,
        list_name: str,
        tenant: str,
        value: str,
        *,
        at_ms: int,
        expires_ms: int = 0,
        reason: str = "",
        author: str = "",
    ) -> None:
        """Put a value in; one that is there already gets the new expiry, reason and author."""
        value = self.spelled(list_name, value) or value
        own = self._own.setdefault((list_name, tenant), {})
        self._tenants.add(tenant)
        own[value] = Entry(max(0, expires_ms), reason, author, at_ms)
        self._sweep((list_name, tenant), own, at_ms)

    def prolong(
        self,
        list_name: str,
        tenant: str,
        value: str,
        *,
        at_ms: int,
        expires_ms: int = 0,
        reason: str = "",
        author: str = "",
    ) -> None:
        """The same as `add`, unless the value already stands there for as long or longer.

        What a rule puts on a list for an hour must not end what somebody put there for good: those
        who are listed may well be able to make that rule fire.
        """
        kept = self._own.get((list_name, tenant), {}).get(self.spelled(list_name, value) or value)
        if kept is not None and kept.expires_ms != _TAKEN_OUT:
            if kept.expires_ms == 0 or 0 < expires_ms <= kept.expires_ms:
                return
        self.add(
            list_name, tenant, value, at_ms=at_ms, expires_ms=expires_ms, reason=reason,
            author=author,
        )  # fmt: skip

    def remove(self, list_name: str, tenant: str, value: str, *, at_ms: int) -> bool:
        """Take a value out for this tenant; says whether it was in."""
        value = self.spelled(list_name, value) or value
        was_in = self.contains(list_name, tenant, value, at_ms)
        own = self._own.setdefault((list_name, tenant), {})
        own.pop(value, None)
        if value in self._pack.get(list_name, ()):
            self._tenants.add(tenant)
            own[value] = Entry(_TAKEN_OUT, "", "", at_ms)
        if not own:
            # With the entries goes the memory of when to sweep them: a snapshot does not keep it.
            del self._own[list_name, tenant]
            self._sweep_at.pop((list_name, tenant), None)
        return was_in

    def forget(self, tenant: str, kind: str, value: str) -> None:
        """Destroy every entry that a tenant has of this entity, of whatever list that holds its kind."""
        for name, spec in self.specs.items():
            own = self._own.get((name, tenant), {})
            if spec.holds == kind and own.pop(value, None) is not None and not own:
                del self._own[name, tenant]
                self._sweep_at.pop((name, tenant), None)

    def entries(self, list_name: str, tenant: str) -> Iterator[tuple[str, Entry]]:
        """The tenant's own entries of a list, expired ones within their grace included, by value."""
        own = self._own.get((list_name, tenant), {})
        yield from ((value, entry) for value, entry in sorted(own.items()))

    def dump(self) -> bytes:
        """The tenants' entries for a snapshot; equal entries give equal bytes."""
        rows = [
            (
                name,
                tenant,
                self._sweep_at.get((name, tenant), _SWEEP_FROM),
                dict(sorted(own.items())),
            )
            for (name, tenant), own in sorted(self._own.items())
        ]
        return msgspec.msgpack.encode(rows)

    def load(self, dumped: bytes) -> None:
        """Replace the tenants' entries by those dumped; raises `ListsError` and changes nothing."""
        try:
            rows = _DECODER.decode(dumped)
        except msgspec.MsgspecError as error:
            raise ListsError(f"the saved list entries cannot be read: {error}") from None
        self._own = {(name, tenant): own for name, tenant, _, own in rows}
        self._tenants = {tenant for _, tenant, _, _ in rows}
        self._sweep_at = {(name, tenant): size for name, tenant, size, _ in rows}

    def _sweep(self, key: tuple[str, str], own: dict[str, Entry], at_ms: int) -> None:
        """Forget what expired long ago, each time the entries have doubled since the last sweep.

        What is kept depends only on the order of calls, so that a rebuilt state is the same state.
        """
        if len(own) < self._sweep_at.get(key, _SWEEP_FROM):
            return
        gone = [v for v, entry in own.items() if 0 < entry.expires_ms < at_ms - GRACE_MS]
        for value in gone:
            del own[value]
        self._sweep_at[key] = max(_SWEEP_FROM, 2 * len(own))


_DECODER = msgspec.msgpack.Decoder(list[tuple[str, str, int, dict[str, Entry]]])


def read_list_file(source: Source, spec: ListSpec) -> list[PackEntry]:
    """Read a CSV file with the header `value,expires,reason,author`.

    `expires` is empty or a date (`2026-01-31`, which begins at 00:00 UTC) or a moment
    (`2026-01-31T12:00:00Z`); the entry counts until then. Empty lines and lines that begin with
    `#` are skipped. Raises `PolicyErrors` naming each wrong line.
    """
    mistakes = Mistakes()
    entries: dict[str, PackEntry] = {}
    columns: tuple[str, ...] = ()
    for line, row in _rows(source):
        with mistakes.gathered():
            if not columns:
                columns = _header(source, line, row)
                continue
            entry = _entry(source, line, dict(zip(columns, row, strict=False)), spec)
            if len(row) > len(columns):
                raise source.error_at(
                    line, 1, f"{len(row)} values for {len(columns)} columns", "put commas in quotes"
                )
            if entry.value in entries:
                raise source.error_at(line, 1, f"{entry.value} stands twice in this list")
            entries[entry.value] = entry
        if not columns:
            break
    if not columns and not mistakes.found:
        mistakes.found.append(_lacks_header(source, 1))
    mistakes.raise_any()
    return list(entries.values())


def _rows(source: Source) -> Iterator[tuple[int, list[str]]]:
    """The rows that say something, with the number of their line."""
    reader = csv.reader(source.lines, strict=True)
    try:
        for row in reader:
            if any(cell.strip() for cell in row) and not row[0].lstrip().startswith("#"):
                yield reader.line_num, [cell.strip() for cell in row]
    except csv.Error as error:
        raise source.error_at(reader.line_num, 1, f"this is not CSV: {error}") from None


def _header(source: Source, line: int, row: list[str]) -> tuple[str, ...]:
    """The columns, each known and none twice."""
    if "value" not in row:
        raise _lacks_header(source, line)
    for column in row:
        if column not in COLUMNS:
            hint = suggestion(column, COLUMNS) or f"columns are {', '.join(COLUMNS)}"
            raise source.error_at(line, 1, f"unknown column {column[:80]}", hint)
    if len(set(row)) < len(row):
        raise source.error_at(line, 1, "a column stands twice")
    return tuple(row)


def _lacks_header(source: Source, line: int) -> PolicyError:
    return source.error_at(line, 1, "a list file begins with its columns", ",".join(COLUMNS))


def _entry(source: Source, line: int, cells: dict[str, str], spec: ListSpec) -> PackEntry:
    """One line as an entry."""
    value = cells["value"]
    if not value:
        raise source.error_at(line, 1, "the value is missing")
    if len(value) > VALUE_MAX or not value.isprintable():
        raise source.error_at(line, 1, f"a value is 1 to {VALUE_MAX} printable characters")
    as_events = spelled(spec.holds, value)
    if as_events is None:
        raise source.error_at(line, 1, f"{value[:80]!r} is no network address", "write 203.0.113.7")
    expires_ms = _moment(source, line, cells.get("expires", ""))
    return PackEntry(as_events, expires_ms, cells.get("reason", ""), cells.get("author", ""))


def spelled(holds: str, value: str) -> str | None:
    """A value as events spell it: addresses in one way (RFC 5952), domains in lower case; `None` for
    what is no address."""
    if holds == "ip":
        return same_address(value)
    return value.lower() if holds == "domain" else value


def _moment(source: Source, line: int, text: str) -> int:
    """A date or a moment as milliseconds since 1970, 0 for an empty text."""
    if not text:
        return 0
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise source.error_at(
            line, 1, f"{text[:40]!r} is not a date", "write 2026-01-31 or 2026-01-31T12:00:00Z"
        ) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return int(moment.timestamp() * 1000)
