"""Bytes to events: all of an event is accepted, or none of it and the answer says why.

Most events are good, so that the work is split in two:

(1) the fast path: msgspec decodes and checks types, bounds and names in one go, and the event is
    encoded again into its canonical form;
(2) cheap tests of what msgspec cannot see (duplicate names, unprintable ids, card numbers, network
    addresses, amounts without a currency, the clock). They may doubt a good event, never pass a
    bad one;
(3) whatever was refused or doubted is read again slowly and exactly (`strict`, `exact`), which
    either finds every mistake and names it, or accepts the event after all.

Before all this, a group of events is shown to the recogniser (`recogniser`), which knows most of them
by one call of a kernel; those it doubts are read one by one. Why:
`docs/adr/0026-a-recogniser-reads-first.md`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from operator import attrgetter
from typing import Any, NamedTuple, Union

import msgspec

from kanhe.core.errors import FieldProblem, Problem, Refusal
from kanhe.core.event import ENTITY_KINDS, Arrival, Asked, Event
from kanhe.judge.intake.card_numbers import SHORTEST, is_card_number
from kanhe.judge.intake.cloudevents import unwrap
from kanhe.judge.intake.exact import is_email, mistakes, same_address
from kanhe.judge.intake.group import Events, Group, group_of
from kanhe.judge.intake.problems import refusal
from kanhe.judge.intake.recogniser import Recogniser
from kanhe.judge.intake.registry import Registry, nearest
from kanhe.judge.intake.strict import names_stand_once, parse_exactly, quoted

MAX_BODY_BYTES = 65_536
"""The largest body of one event."""
FUTURE_TOLERANCE_MS = 300_000
"""How far ahead of our clock a sender's may be."""

_PRECEDENCE = (
    "card-number", "amount-without-currency", "missing-field", "wrong-type", "unknown-field",
    "too-long", "out-of-range", "wrong-value", "future-event",
)  # fmt: skip
"""Which of several mistakes names the problem; all of them are listed in its errors."""

# Making an arrival without the detour through NamedTuple's own __new__ saves a twentieth of the time.
_new: Callable[[type[Arrival], tuple[str, Event, bytes, int]], Arrival] = tuple.__new__
_COLON, _BACKSLASH, _DEL = 0x3A, 0x5C, 0x7F
_OCTETS = frozenset(map(str, range(256)))
_WATCHED = ("user", "ip", "card", "email")
_NO_SCOPES: frozenset[str] = frozenset()

# By how many characters the canonical form of a number of degrees can be longer than what was sent,
# and the length of the shortest member of an object without its name: ,"":1
_DEGREES_GROW = 3
_SHORTEST_MEMBER = 5


class _Plan(NamedTuple):
    """What the fast path has to look at for one type of event."""

    length_tells: bool
    """Whether equal length of what was sent and its canonical form proves that no name stood twice.

    Each token is sent at least as long as it is in canonical form, where each name stands once; only
    degrees can be sent shorter (1e-5 becomes 0.00001), and must not make up for a whole member.
    """
    restricted: str
    watched: Callable[[Event], tuple[str | None, ...]]
    """Gives `user`, `ip`, `card` and `email`."""
    named: bool
    """Whether it always names somebody, or need not."""
    amounts: Callable[[Event], tuple[Any, ...]] | None
    """Gives `currency` and the amounts, where the currency can be left out."""


class Reader:
    """Reads events of one registry.

    `future_tolerance_ms` is how far `at_ms` may lie ahead of `received_ms`. Only `read_group` works
    in memory of its own, and so in one thread at a time.
    """

    def __init__(
        self,
        registry: Registry,
        *,
        max_body_bytes: int = MAX_BODY_BYTES,
        future_tolerance_ms: int = FUTURE_TOLERANCE_MS,
    ) -> None:
        self.registry = registry
        self.max_body_bytes = max_body_bytes
        self.future_tolerance_ms = future_tolerance_ms
        self._decode = msgspec.json.Decoder(Union[registry.structs()]).decode  # noqa: UP007 (a tuple)
        self._encode = msgspec.json.Encoder().encode
        self._plans = {registry.struct(name): _plan(registry, name) for name in registry.types}

    @cached_property
    def _recogniser(self) -> Recogniser:
        """Made when the first group is read: many readers never read any."""
        return Recogniser(self.registry, self.max_body_bytes)

    def warm(self) -> None:
        """Have the recogniser's machine code in place before the first event waits for it.

        Loading it takes a few hundredths of a second, compiling it after an upgrade some ten seconds.
        """
        self._recogniser.read((b"",), 0)

    def read(
        self, tenant: str, raw: bytes, received_ms: int, scopes: frozenset[str] = _NO_SCOPES
    ) -> Arrival:
        """Read one event sent by a tenant whose key has these scopes; raises `Refusal`.

        An explicit null means that the field was left out. CloudEvents 1.0 in structured JSON mode
        is unwrapped. The arrival's body is the canonical JSON of what was accepted.
        """
        if len(raw) > self.max_body_bytes:
            raise self._too_large(len(raw))
        # (1) The fast path.
        try:
            event: Event = self._decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return self._read_exactly(tenant, raw, received_ms, scopes)
        body = self._encode(event)
        # (2) The cheap tests. The first lines are what most events pass: JSON escapes all control
        # characters but DEL.
        length_tells, restricted, watched, named, amounts = self._plans[event.__class__]
        plain = body.isascii() and _BACKSLASH not in body and _DEL not in body
        if (
            (plain and length_tells and len(raw) == len(body))
            or ((plain or _is_printable(body)) and _names_stand_once(raw, body))
        ) and (
            event.at_ms <= received_ms + self.future_tolerance_ms
            and not restricted  # rare, and mighty: looked at exactly
        ):
            user, ip, card, email = watched(event)
            if (
                (ip is None or _is_plain_address(ip))
                and (card is None or len(card) < SHORTEST or not is_card_number(card))
                and (email is None or is_email(email))
                and (amounts is None or not _is_unpriced(*amounts(event)))
                and (named or user or ip or card or email)
            ):
                return _new(Arrival, (tenant, event, body, received_ms))
        # (3) Exactly.
        return self._read_exactly(tenant, raw, received_ms, scopes)

    def read_group(
        self, asked: Sequence[Asked], received_ms: int
    ) -> tuple[Group, list[tuple[int, Refusal]]]:
        """Read events as `read` does, each for its tenant and with its scopes.

        Gives those that are accepted, and the refusals of the others with their places. A group has
        at most `ROWS` events, and its cells are valid until the next one is read.
        """
        if not asked:
            return group_of(()), []
        tenants, raws, _, _ = zip(*asked, strict=True)
        count, recogniser = len(asked), self._recogniser
        columns = recogniser.read(raws, received_ms + self.future_tolerance_ms)
        refused: list[tuple[int, Refusal]] = []
        for place in columns.doubted:
            tenant, raw, scopes, _ = asked[place]
            try:
                columns.put(place, self.read(tenant, raw, received_ms, scopes))
            except Refusal as refusal:
                refused.append((place, refusal))
        ids, types, times, bodies, rows, made, _ = columns
        events = Events(types, bodies, self._decode, made)
        group = Group(
            tenants, ids, types, times, bodies, [received_ms] * count, events, range(count),
            recogniser.cells, rows,
        )  # fmt: skip
        if refused:
            out = {place for place, _ in refused}
            group = group.only([place for place in range(count) if place not in out])
        return group, refused

    def reread(self, tenant: str, body: bytes, received_ms: int) -> Arrival:
        """Read an accepted event again from its canonical body, without a look at the clock.

        Raises `Refusal` if the registry has changed so that the event no longer belongs to it.
        """
        try:
            event: Event = self._decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            self._checked(tenant, body, None, None)
            raise refusal("wrong-type", "the event cannot be read again") from None
        return Arrival(tenant, event, body, received_ms)

    def _read_exactly(
        self, tenant: str, raw: bytes, received_ms: int, scopes: frozenset[str]
    ) -> Arrival:
        latest_ms = received_ms + self.future_tolerance_ms
        values = self._checked(tenant, raw, latest_ms, scopes)
        if "ip" in values:
            values["ip"] = same_address(values["ip"])
        try:
            event = msgspec.convert(values, self.registry.struct(values["type"]))
        except msgspec.ValidationError as error:
            raise refusal("wrong-type", str(error)) from None
        return Arrival(tenant, event, self._encode(event), received_ms)

    def _checked(
        self, tenant: str, raw: bytes, latest_ms: int | None, scopes: frozenset[str] | None
    ) -> dict[str, Any]:
        """The fields of an event without mistakes, nulls left out; raises `Refusal` for others."""
        values = parse_exactly(raw)
        if "specversion" in values:
            values = unwrap(values)
        if (claimed := values.get("tenant")) not in (None, tenant):
            raise refusal(
                "wrong-tenant", "", FieldProblem("tenant", "no such field", quoted(claimed))
            )
        type_name = self._known_type(values.get("type"))
        needed = self.registry.types[type_name].restricted
        if scopes is not None and needed and needed not in scopes:
            raise refusal(
                "restricted-type",
                f"{type_name} needs a key with the scope {needed}",
                FieldProblem("type", f"a key with the scope {needed}", quoted(type_name)),
            )
        found = list(mistakes(self.registry, type_name, values, latest_ms))
        if found:
            found.sort(key=lambda mistake: _PRECEDENCE.index(mistake[0]))
            raise refusal(found[0][0], "", *(problem for _, problem in found))
        return {name: value for name, value in values.items() if value is not None}

    def _known_type(self, name: object) -> str:
        if isinstance(name, str) and name in self.registry.types:
            return name
        expected = "the name of an event type"
        if isinstance(name, str):
            expected += nearest(name, self.registry.types)
        got = "" if name is None else quoted(name)
        raise refusal("unknown-type", "", FieldProblem("type", expected, got))

    def _too_large(self, size: int) -> Refusal:
        expected = f"at most {self.max_body_bytes} bytes"
        return refusal("body-too-large", "", FieldProblem("", expected, f"{size} bytes"))


def read_lines(
    reader: Reader,
    tenant: str,
    lines: Iterable[bytes],
    received_ms: int,
    scopes: frozenset[str] = _NO_SCOPES,
) -> Iterator[tuple[int, Arrival | Problem]]:
    """Read events one per line (NDJSON). Yields the number of the line, from 1, and what came of it.

    A bad line yields its problem and does not touch its neighbours. Blank lines yield nothing, but
    are counted.
    """
    for number, line in enumerate(lines, 1):
        text = line.strip(b" \t\r\n")
        if not text:
            continue
        try:
            yield number, reader.read(tenant, text, received_ms, scopes)
        except Refusal as error:
            yield number, msgspec.structs.replace(error.problem, line=number)


def _is_printable(body: bytes) -> bool:
    """Whether a canonical body surely holds no character that ids may not have."""
    return _BACKSLASH not in body and body.decode().isprintable()


def _names_stand_once(raw: bytes, body: bytes) -> bool:
    """Whether surely no name stands twice in what was sent, given its canonical form."""
    if _BACKSLASH in raw:
        return names_stand_once(raw)
    # Without escapes each member costs one colon, here and in the canonical form, where every name
    # stands once; colons inside texts are the same on both sides.
    return raw.count(_COLON) == body.count(_COLON)


def _is_plain_address(ip: str) -> bool:
    """Whether this is an address in its one spelling."""
    parts = ip.split(".")
    if len(parts) == 4:
        # Looking four times into a small set takes a tenth of the time of a pattern.
        return _OCTETS.issuperset(parts)
    return same_address(ip) == ip


def _is_unpriced(currency: str | None, *amounts: int | None) -> bool:
    """Whether there is an amount without a currency."""
    return currency is None and any(amount is not None for amount in amounts)


def _plan(registry: Registry, name: str) -> _Plan:
    """Work out what the fast path has to look at for one type."""
    event_type = registry.types[name]
    specs = registry.fields_of(name)
    amounts = [field for field, spec in specs.items() if spec.kind == "money"]
    required = event_type.requires
    grown = _DEGREES_GROW * sum(spec.kind == "degrees" for spec in specs.values())
    return _Plan(
        length_tells=grown < _SHORTEST_MEMBER + min(map(len, specs)),
        restricted=event_type.restricted,
        watched=_watched(specs),
        named=event_type.anonymous
        or not event_type.entities
        or any(field in ENTITY_KINDS for field in required),
        amounts=(
            attrgetter("currency", *amounts)
            if amounts and "currency" not in required and "currency" in specs
            else None
        ),
    )


def _watched(specs: dict[str, Any]) -> Callable[[Event], tuple[str | None, ...]]:
    """A getter of the watched entities; those the type does not have are always `None`."""
    if all(name in specs for name in _WATCHED):
        return attrgetter(*_WATCHED)
    return lambda event: tuple(getattr(event, name, None) for name in _WATCHED)
