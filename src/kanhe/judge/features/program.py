"""Laying out declarations as tables of numbers for the kernel.

Features by the same entity share a table (one record per entity), windows of the same width and
delay share a track (one list of buckets), and aggregates over the same events share a column.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from kanhe.judge.features import layout as at
from kanhe.judge.features.spec import Condition, FeatureSpec

LABEL_TYPE = "label.assigned"
"""The event type that says what turned out to be true."""
FRAUD_VERDICT = "fraud"
"""The verdict of a label that says an event was fraud."""

_MIN_MAX = {"min": at.MIN, "max": at.MAX}


@dataclass(frozen=True)
class Stream:
    """Which events count: these types, meeting this condition, having this field."""

    types: tuple[str, ...]
    conditions: tuple[Condition, ...]
    field: str | None = None
    fraud_labels: bool = False
    """Labels with verdict fraud, timed by the event they speak of."""

    @property
    def key(self) -> tuple[object, ...]:
        """Two streams with the same key are the same."""
        return self.types, tuple(c.text for c in self.conditions), self.field, self.fraud_labels


@dataclass
class Column:
    """One word (or, for squares, two) in every bucket and in the totals of a track."""

    stream: Stream
    kind: int
    place: int


@dataclass
class Track:
    """The buckets of one window and delay."""

    width_ms: int
    delay_ms: int
    free: int
    columns: list[Column] = field(default_factory=list)
    words: int = 0
    place: int = 0
    totals: int = 0

    def column(self, stream: Stream, kind: int) -> Column:
        """The column for this aggregate, shared with any feature that already has it."""
        for known in self.columns:
            if known.kind == kind and known.stream.key == stream.key:
                return known
        column = Column(stream, kind, self.words)
        self.columns.append(column)
        self.words += 2 if kind == at.SQUARES_LOW else 1
        return column

    def kinds(self) -> list[int]:
        """The kind of every word of a bucket."""
        kinds: list[int] = []
        for column in self.columns:
            kinds.append(column.kind)
            if column.kind == at.SQUARES_LOW:
                kinds.append(at.SQUARES_HIGH)
        return kinds


@dataclass
class DistinctSet:
    """The values of one field seen by an entity."""

    stream: Stream
    most: int
    free: int
    window_ms: int = 0
    place: int = 0


@dataclass
class Memo:
    """What is remembered of the latest (or first) event of a stream."""

    stream: Stream
    what: int
    place: int = 0
    out: int = -1

    @property
    def words(self) -> int:
        """Words in the record: the time, and what belongs to it."""
        return {at.REMEMBER_TEXT: 2, at.REMEMBER_NUMBER: 2, at.REMEMBER_PLACE: 3}.get(self.what, 1)


Read = tuple[int | Track, ...]
"""How one feature is read; a track stands for its offset, known once it is written."""


@dataclass
class Table:
    """All that is kept for one kind of entity (or pair)."""

    by: tuple[str, ...]
    number: int
    tracks: list[Track] = field(default_factory=list)
    sets: list[DistinctSet] = field(default_factory=list)
    memos: list[Memo] = field(default_factory=list)
    before: list[tuple[int, ...]] = field(default_factory=list)
    after: list[Read] = field(default_factory=list)
    words: int = at.R_SLOTS
    offset: int = 0


@dataclass(frozen=True)
class TypePlan:
    """What the encoder must hand over for one event type, in this order."""

    kind: int
    """Where the program of this type starts."""
    texts: tuple[str, ...]
    values: tuple[str, ...]
    conditions: tuple[tuple[Condition, ...], ...]
    """One bit each: the conditions that must all hold."""
    labels_fraud: int
    """The bit that says the event is a fraud label, or -1."""


@dataclass(frozen=True)
class Program:
    """The compiled declarations. `fingerprint` changes whenever the layout of the state would."""

    words: npt.NDArray[np.int64]
    features: tuple[str, ...]
    plans: dict[str, TypePlan]
    text_slots: int
    """How many different texts are hashed."""
    input_words: int
    """How many words the kernel's inputs for one event take."""
    free_lists: int
    fingerprint: str


class TypeFields:
    """What the compiler needs to know of the fields of event types.

    `texts` are the fields whose text is hashed (entities, texts, countries, …), `numbers` those that
    hold integers; both by event type. `amount_base` stands among the numbers where there is money.
    """

    def __init__(
        self, texts: dict[str, frozenset[str]], numbers: dict[str, frozenset[str]]
    ) -> None:
        self.texts = texts
        self.numbers = numbers


def compile_program(specs: Sequence[FeatureSpec], fields: TypeFields) -> Program:
    """Lay out the tables and write the program. Specs must have been checked by `declare`."""
    builder = _Builder(fields)
    for out, spec in enumerate(specs):
        builder.place(out, spec)
    builder.lay_records()
    return _Writer(builder, tuple(spec.name for spec in specs)).write()


class _Builder:
    """Gathers tables, tracks, columns, sets and memos, sharing what is the same."""

    def __init__(self, fields: TypeFields) -> None:
        self.fields = fields
        self.tables: dict[tuple[str, ...], Table] = {}
        self.free_lists = 0
        self._late: list[tuple[Table, str, int, tuple[object, ...]]] = []

    def place(self, out: int, spec: FeatureSpec) -> None:
        """Find or make all that one feature needs."""
        table = self.tables.setdefault(spec.by, Table(spec.by, len(self.tables)))
        stream = self._stream(spec)
        if spec.function == "distinct":
            self._late.append((table, "distinct", out, (self._set(table, spec, stream), spec)))
        elif spec.function in {"last", "since_last", "first_seen", "age", "speed"}:
            self._late.append((table, spec.function, out, (self._memo(table, spec, stream), spec)))
        else:
            self._late.append((table, spec.function, out, self._columns(table, spec, stream)))

    def _stream(self, spec: FeatureSpec) -> Stream:
        conditions = (spec.where,) if spec.where else ()
        return Stream(tuple(sorted(spec.types)), conditions, spec.field)

    def _track(self, table: Table, spec: FeatureSpec) -> Track:
        width = spec.over_ms // at.BUCKETS
        for track in table.tracks:
            if (track.width_ms, track.delay_ms) == (width, spec.delay_ms):
                return track
        track = Track(width, spec.delay_ms, self._free())
        table.tracks.append(track)
        return track

    def _free(self) -> int:
        self.free_lists += 1
        return self.free_lists - 1

    def _columns(self, table: Table, spec: FeatureSpec, stream: Stream) -> tuple[object, ...]:
        track = self._track(table, spec)
        function = spec.function
        if function in _MIN_MAX:
            return track, (track.column(stream, _MIN_MAX[function]),)
        if function == "share":
            assert spec.of is not None
            part = Stream(stream.types, (*stream.conditions, spec.of))
            return track, (track.column(part, at.COUNT), track.column(stream, at.COUNT))
        if function == "label_rate":
            labels = Stream((LABEL_TYPE,), (), None, fraud_labels=True)
            return track, (track.column(labels, at.COUNT), track.column(stream, at.COUNT))
        if function == "sum":
            return track, (track.column(stream, at.SUM),)
        columns = [track.column(stream, at.COUNT)]
        if function in {"mean", "std"}:
            columns.append(track.column(stream, at.SUM))
        if function == "std":
            columns.append(track.column(stream, at.SQUARES_LOW))
        return track, tuple(columns)

    def _set(self, table: Table, spec: FeatureSpec, stream: Stream) -> DistinctSet:
        for known in table.sets:
            if known.most == spec.most and known.stream.key == stream.key:
                known.window_ms = max(known.window_ms, spec.over_ms)
                return known
        made = DistinctSet(stream, spec.most, self._free(), spec.over_ms)
        table.sets.append(made)
        return made

    def _memo(self, table: Table, spec: FeatureSpec, stream: Stream) -> Memo:
        what = self._what(spec)
        for known in table.memos:
            same = known.what == what and known.stream.key == stream.key
            if same and what != at.REMEMBER_PLACE:
                return known
        made = Memo(stream, what)
        table.memos.append(made)
        return made

    def _what(self, spec: FeatureSpec) -> int:
        if spec.function == "last":
            return at.REMEMBER_TEXT if spec.is_text else at.REMEMBER_NUMBER
        if spec.function == "since_last":
            return at.REMEMBER_TIME
        return at.REMEMBER_PLACE if spec.function == "speed" else at.REMEMBER_FIRST

    def lay_records(self) -> None:
        """Give every place in the records its offset, then write down what is read from where."""
        for table in self.tables.values():
            for track in table.tracks:
                # Its block, its state and its newest bucket (a number and columns), then totals.
                track.place = table.words
                track.totals = track.place + at.OPEN + 1 + track.words
                table.words = track.totals + track.words
            for each in table.sets:
                each.place = table.words
                table.words += 2
            for memo in table.memos:
                memo.place = table.words
                table.words += memo.words
        for table, function, out, parts in self._late:
            self._read(table, function, out, parts)

    def _read(self, table: Table, function: str, out: int, parts: tuple[object, ...]) -> None:
        if function == "distinct":
            values, spec = parts
            assert isinstance(values, DistinctSet) and isinstance(spec, FeatureSpec)
            width = spec.over_ms // at.BUCKETS
            table.after.append((out, at.READ_DISTINCT, values.place, width, 0, 0))
        elif isinstance(memo := parts[0], Memo):
            spec = parts[1]
            assert isinstance(spec, FeatureSpec)
            self._read_memo(table, function, out, memo, spec)
        else:
            track, columns = parts
            assert isinstance(track, Track) and isinstance(columns, tuple)
            table.after.append(_read_columns(function, out, track, columns))

    def _read_memo(
        self, table: Table, function: str, out: int, memo: Memo, spec: FeatureSpec
    ) -> None:
        if function == "speed":
            memo.out = out
        elif function in {"last", "since_last"}:
            code = at.READ_LAST if function == "last" else at.READ_SINCE
            table.before.append((out, code, memo.place, spec.over_ms, 0, 0))
        else:
            code = at.READ_FIRST if function == "first_seen" else at.READ_AGE
            table.after.append((out, code, memo.place, 0, 0, 0))


_READS = {
    "count": at.READ_COUNT, "sum": at.READ_SUM, "mean": at.READ_MEAN, "std": at.READ_STD,
    "share": at.READ_SHARE, "label_rate": at.READ_RATE,
}  # fmt: skip


def _read_columns(function: str, out: int, track: Track, columns: tuple[Column, ...]) -> Read:
    """How a windowed feature is read from the totals (or, for min and max, the buckets)."""
    if function in _MIN_MAX:
        code = at.READ_MIN if function == "min" else at.READ_MAX
        return (out, code, track, columns[0].place, 0, 0)
    places = [track.totals + column.place for column in columns]
    return (out, _READS[function], *places, *([0] * (4 - len(places))))


class _Writer:
    """Writes the gathered tables as one array of words."""

    def __init__(self, builder: _Builder, features: tuple[str, ...]) -> None:
        self.tables = list(builder.tables.values())
        self.fields = builder.fields
        self.free_lists = builder.free_lists
        self.features = features
        self.words: list[int] = [0] * at.PROGRAM_HEAD
        self.gauges: dict[tuple[int, int], int] = {}
        self.tracks: dict[int, int] = {}
        self.texts_x = at.X_VALUES + self._count_values()
        self.text_slots = self._place_texts()

    def _streams(self) -> Iterable[Stream]:
        for table in self.tables:
            for track in table.tracks:
                yield from (column.stream for column in track.columns)
            yield from (each.stream for each in table.sets)
            yield from (memo.stream for memo in table.memos)

    def _count_values(self) -> int:
        """How many different numbers an event hands over at most."""
        fields = {s.field for s in self._streams() if s.field and not self._is_text(s)}
        memos = (memo for table in self.tables for memo in table.memos)
        return len(fields) + 2 * any(memo.what == at.REMEMBER_PLACE for memo in memos)

    def _place_texts(self) -> dict[str, int]:
        """Where in the inputs the hash of each text stands."""
        named = [name for table in self.tables for name in table.by]
        for table in self.tables:
            named += [s.field for s in self._hashed(table) if s.field]
        return {name: self.texts_x + i for i, name in enumerate(dict.fromkeys(named))}

    def _hashed(self, table: Table) -> Iterable[Stream]:
        yield from (each.stream for each in table.sets if self._is_text(each.stream))
        yield from (memo.stream for memo in table.memos if memo.what == at.REMEMBER_TEXT)

    def _is_text(self, stream: Stream) -> bool:
        return stream.field in self.fields.texts[stream.types[0]]

    def write(self) -> Program:
        """Write tables first, then what each event type does to them."""
        self.words[at.P_FEATURES] = len(self.features)
        self.words[at.P_GAUGE_X] = self.texts_x + len(self.text_slots)
        for table in self.tables:
            self._write_table(table)
        self.words[at.P_GAUGE_COUNT] = len(self.gauges)
        self.words[at.P_KEYS_X] = self.words[at.P_GAUGE_X] + 2 * len(self.gauges)
        self.words[at.P_RECORDS_X] = self.words[at.P_KEYS_X] + len(self.tables)
        self.words[at.P_CONSTANTS_X] = self.words[at.P_RECORDS_X] + len(self.tables)
        self.words[at.P_INPUTS] = self.words[at.P_CONSTANTS_X] + 2
        self.words[at.P_GAUGES] = self._append(word for gauge in self.gauges for word in gauge)
        plans = {name: self._write_type(name) for name in sorted(self.fields.texts)}
        words = np.array(self.words, dtype=np.int64)
        fingerprint = hashlib.sha256(words.tobytes() + repr(self._meaning()).encode()).hexdigest()
        return Program(
            words,
            self.features,
            plans,
            len(self.text_slots),
            self.words[at.P_INPUTS],
            self.free_lists,
            fingerprint,
        )

    def _meaning(self) -> list[object]:
        """What the numbers alone do not tell: which conditions and fields stand behind them."""
        streams = [stream.key for stream in self._streams()]
        return [at.LAYOUT, self.features, list(self.text_slots), streams]

    def _gauge(self, width_ms: int, delay_ms: int) -> int:
        """Where in the inputs the kernel keeps the bucket numbers of this width and delay."""
        number = self.gauges.setdefault((width_ms, delay_ms), len(self.gauges))
        return self.words[at.P_GAUGE_X] + 2 * number

    def _resolved(self, read: Read) -> list[int]:
        """A read with the offsets that are known only now."""
        words = [self.tracks[id(word)] if isinstance(word, Track) else word for word in read]
        if words[1] == at.READ_DISTINCT:
            words[4] = self._gauge(words[3], 0)
        return words

    def _append(self, words: Iterable[int]) -> int:
        offset = len(self.words)
        self.words.extend(words)
        return offset

    def _write_table(self, table: Table) -> None:
        kinds = [self._append(track.kinds()) for track in table.tracks]
        tracks = len(self.words)
        for track, offset in zip(table.tracks, kinds, strict=True):
            self.tracks[id(track)] = self._append(
                (track.width_ms, track.delay_ms, track.place, track.totals, track.words,
                 track.free, offset, self._gauge(track.width_ms, track.delay_ms))
            )  # fmt: skip
        before = self._append(word for read in table.before for word in read)
        after = self._append(word for read in table.after for word in self._resolved(read))
        blanks = self._append(memo.place for memo in table.memos)
        sets = self._append(word for each in table.sets for word in (each.place, each.free))
        by = [self.text_slots[name] for name in table.by]
        salt = int.from_bytes(hashlib.sha256("\x1f".join(table.by).encode()).digest()[:7], "big")
        table.offset = self._append(
            (table.words, salt, len(by), *by, *([0] * (at.MAX_BY - len(by))), tracks,
             len(table.tracks), before, len(table.before), after, len(table.after), blanks,
             len(table.memos), sets, len(table.sets))
        )  # fmt: skip

    def _write_type(self, name: str) -> TypePlan:
        texts, numbers = self.fields.texts[name], self.fields.numbers[name]
        named = [table for table in self.tables if all(part in texts for part in table.by)]
        plan = _Inputs(name)
        entries: list[int] = []
        for table in named:
            plain, moved, tracks = self._sorted_tracks(table, name, plan)
            sets = [self._set_update(each, plan) for each in table.sets if plan.has(each.stream)]
            memos = [self._memo_update(m, plan) for m in table.memos if plan.has(m.stream)]
            entries += [
                table.offset,
                self._append(w for u in plain for w in u), len(plain),
                self._append(moved), len(moved),
                self._append(w for u in tracks for w in u), len(tracks),
                self._append(w for u in sets for w in u), len(sets),
                self._append(w for u in memos for w in u), len(memos),
            ]  # fmt: skip
        wanted = tuple(slot for slot in self.text_slots if slot in texts)
        slots = self._append(self.text_slots[slot] for slot in wanted)
        offset = self._append(entries)
        # The kernel walks the entries of a type one after the other, right behind its head.
        kind = self._append((slots, len(wanted), offset, len(named)))
        assert all(value in numbers for value in plan.values)
        return TypePlan(kind, wanted, tuple(plan.values), tuple(plan.conditions), plan.fraud)

    def _sorted_tracks(
        self, table: Table, name: str, plan: _Inputs
    ) -> tuple[list[list[int]], list[int], list[list[int]]]:
        """The plain updates of a type, the tracks that are only moved first, and other updates."""
        plain: list[list[int]] = []
        moved: list[int] = []
        others: list[list[int]] = []
        for track in table.tracks:
            updates = self._track_updates(track, name, plan)
            kinds = {column.kind for column in track.columns}
            if kinds <= {at.COUNT, at.SUM} and [update[at.U_TIME] for update in updates] == [0]:
                plain.append(self._plain_update(track, name, plan))
            else:
                moved.append(self.tracks[id(track)])
                others += updates
        return plain, moved, others

    def _plain_update(self, track: Track, name: str, plan: _Inputs) -> list[int]:
        """For every column of a track of counts and sums: what is added, if which field is there.

        A count adds the constant 1; where no field is asked for, that constant is always there. In
        a column that the type does not count in, the constant MISSING never is.
        """
        one = self.words[at.P_CONSTANTS_X]
        update = [self.tracks[id(track)]]
        for column in track.columns:
            stream, field, bit = column.stream, one + 1, -1
            if plan.has(stream):
                field = at.X_VALUES + plan.value(stream.field) if stream.field else one
                bit = plan.bit(stream)
            update += [field if column.kind == at.SUM else one, field, bit]
        return update

    def _track_updates(self, track: Track, name: str, plan: _Inputs) -> list[list[int]]:
        groups: dict[int, list[int]] = {}
        for column in track.columns:
            if plan.has(column.stream):
                time = 1 if column.stream.fraud_labels else 0
                slot = plan.value(column.stream.field) if column.stream.field else -1
                groups.setdefault(time, []).extend(
                    (column.place, column.kind, slot, plan.bit(column.stream))
                )
        return [
            [self.tracks[id(track)], time, len(items) // at.UPDATE_COLUMN, *items]
            for time, items in groups.items()
        ]

    def _source(self, stream: Stream, plan: _Inputs) -> tuple[int, int]:
        assert stream.field is not None
        if self._is_text(stream):
            return self.text_slots[stream.field], 0
        return plan.value(stream.field), 1

    def _set_update(self, each: DistinctSet, plan: _Inputs) -> list[int]:
        source, is_number = self._source(each.stream, plan)
        return [
            each.place, source, is_number, each.most, each.free, each.window_ms,
            plan.bit(each.stream),
        ]  # fmt: skip

    def _memo_update(self, memo: Memo, plan: _Inputs) -> list[int]:
        first = second = 0
        if memo.what in (at.REMEMBER_TEXT, at.REMEMBER_NUMBER):
            first, _ = self._source(memo.stream, plan)
        elif memo.what == at.REMEMBER_PLACE:
            first, second = plan.value("lat"), plan.value("lon")
        return [memo.place, memo.what, first, second, plan.bit(memo.stream), memo.out]


class _Inputs:
    """Numbers the values and the condition bits one event type must hand over."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.values: list[str] = []
        self.conditions: list[tuple[Condition, ...]] = []
        self.fraud = -1
        self._bits: dict[tuple[str, ...], int] = {}

    def has(self, stream: Stream) -> bool:
        """Whether events of this type can count in the stream."""
        return self.name in stream.types

    def value(self, field_name: str) -> int:
        """The place of a number among this type's values."""
        if field_name not in self.values:
            self.values.append(field_name)
        return self.values.index(field_name)

    def bit(self, stream: Stream) -> int:
        """The bit that must be set for an event to count in the stream; -1 if none is needed."""
        if stream.fraud_labels:
            if self.fraud < 0:
                self.fraud = self._next(())
            return self.fraud
        if not stream.conditions:
            return -1
        key = tuple(condition.text for condition in stream.conditions)
        if key not in self._bits:
            self._bits[key] = self._next(stream.conditions)
        return self._bits[key]

    def _next(self, conditions: tuple[Condition, ...]) -> int:
        self.conditions.append(conditions)
        return len(self.conditions) - 1
