"""The tables of a registry: what the recogniser's kernel knows of fields, types and words."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kanhe.core.countries import COUNTRIES as COUNTRY_CODES
from kanhe.core.currencies import EXPONENT
from kanhe.judge.intake.cells import Bytes, Words
from kanhe.judge.intake.declarations import FieldSpec
from kanhe.judge.intake.recognising import layout as at
from kanhe.judge.intake.recognising.texts import hash_word
from kanhe.judge.intake.registry import Registry

_KINDS = {
    "id": at.ID, "text": at.TEXT, "prose": at.TEXT, "ids": at.IDS, "int": at.WHOLE, "money": at.WHOLE,
    "time": at.WHOLE, "degrees": at.DEGREES, "bool": at.BOOL, "choice": at.WORD, "country": at.WORD,
    "currency": at.WORD,
}  # fmt: skip
_CHECKS = {"ip": at.ADDRESS, "email": at.EMAIL, "card": at.CARD, "value": at.CARD}

_Meant = tuple[int, str, int]
"""A word: what kind it is of, its text, and its number."""


@dataclass(frozen=True)
class Tables:
    """What the kernel reads and never changes; `layout` says where what stands."""

    fields: Words
    types: Words
    slots: Words
    """By type and field: which slot of the type the field is, -1 for none."""
    words: Words
    pool: Bytes
    printable: Bytes
    """By code point: whether `str.isprintable` holds."""


def tables_of(registry: Registry) -> Tables:
    """The tables of all fields and types of a registry."""
    pool = _Pool()
    places = {name: place for place, name in enumerate(registry.fields)}
    fields = np.zeros((len(places) + 1, at.F_WIDTH), dtype=np.int64)
    for place, spec in enumerate(registry.fields.values()):
        fields[place] = _field(spec, place, pool)
    fields[len(places), [at.F_KIND, at.F_WORDS]] = at.TYPE, at.TYPES
    fields[len(places), [at.F_PREFIX, at.F_PREFIX_SIZE]] = pool.add(',"type":')
    types = np.zeros((len(registry.types), at.T_WIDTH), dtype=np.int64)
    slots = np.full((len(registry.types), len(places)), -1, dtype=np.int64)
    for number, (name, event_type) in enumerate(registry.types.items()):
        names = list(registry.fields_of(name))
        slots[number, [places[field] for field in names]] = range(len(names))
        types[number] = (
            *pool.add(f'{{"type":"{name}"'),
            len(names),
            len(registry.required_of(name)),
            not event_type.anonymous and bool(event_type.entities),
            not event_type.restricted,
        )
    words = _words(list(_meanings(registry)), pool)
    return Tables(fields, types, slots, words, pool.bytes(), _printable())


class _Pool:
    """Texts behind one another, each with room behind it to be read in blocks."""

    def __init__(self) -> None:
        self._text = bytearray()

    def add(self, text: str) -> tuple[int, int]:
        """Put a text in; gives where it stands, and its size in bytes."""
        begin, written = len(self._text), text.encode()
        self._text += written
        return begin, len(written)

    def bytes(self) -> Bytes:
        """All texts so far, with padding."""
        return np.frombuffer(bytes(self._text) + bytes(at.PADDING), dtype=np.uint8)


def _field(spec: FieldSpec, place: int, pool: _Pool) -> list[int]:
    """The row of a field, in the order of the layout."""
    marks = (
        at.IS_MONEY * (spec.kind == "money")
        | at.IS_CURRENCY * (spec.name == "currency")
        | at.IS_ENTITY * spec.is_entity
    )
    words = {"country": at.COUNTRIES, "currency": at.CURRENCIES}.get(spec.kind, at.CHOICES + place)
    prefix, size = pool.add(f',"{spec.name}":')
    check = _CHECKS.get(spec.name, at.NOTHING)
    kind = _KINDS[spec.kind]
    return [kind, spec.least, spec.greatest, spec.longest, check, marks, words, prefix, size]


def _meanings(registry: Registry) -> Iterator[_Meant]:
    """All words there are; `type` is the name of the field behind the last one."""
    lists = [
        (at.NAMES, [*registry.fields, "type"]),
        (at.TYPES, list(registry.types)),
        (at.COUNTRIES, sorted(COUNTRY_CODES)),
        (at.CURRENCIES, sorted(EXPONENT)),
    ]
    for place, spec in enumerate(registry.fields.values()):
        lists.append((at.CHOICES + place, list(spec.choices)))
    for kind, texts in lists:
        for number, text in enumerate(texts):
            yield kind, text, number


def _words(meanings: list[_Meant], pool: _Pool) -> Words:
    """The table of words, as large as it must be to find each in a few places."""
    rows = []
    for kind, text, number in meanings:
        begin, size = pool.add(text)
        word = np.frombuffer(text.encode() + bytes(at.PADDING), dtype=np.uint8)
        short = int.from_bytes(text.encode(), "little") if size < 8 else begin
        rows.append((hash_word(kind, word.ctypes.data, size), short, size, number))
    size = 1 << (4 * len(rows)).bit_length()
    while (table := _placed(rows, size)) is None:
        size *= 2
    return table


def _placed(rows: list[tuple[int, int, int, int]], size: int) -> Words | None:
    """A table of this size, a power of two; `None` if it is too crowded."""
    table = np.full((size, at.W_WIDTH), -1, dtype=np.int64)
    for row in rows:
        free = [
            place
            for place in ((row[0] + probe) % size for probe in range(at.PROBES))
            if table[place, at.W_NUMBER] < 0
        ]
        if not free:
            return None
        table[free[0]] = row
    return table


def _printable() -> npt.NDArray[np.uint8]:
    """A byte for each code point of the first plane."""
    assert sys.byteorder == "little", "the kernel reads words with their first byte lowest"
    return np.array([chr(point).isprintable() for point in range(at.POINTS)], dtype=np.uint8)
