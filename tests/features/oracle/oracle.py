"""The oracle: DuckDB SQL that computes every feature for every row of a table of events.

It reads `docs/features.md` in another way than the kernel does: nothing is carried along from event
to event. For each kind of entity, `named` lists the events with the entity's clock. Then

- windowed counts and sums: every event adds its weight where it enters a window and takes it away
  where it leaves, in the order of (bucket the window has reached, number of the event); a running
  sum over that order is the value at each event;
- distinct values: the same, with one +1 and one -1 per unbroken stretch in which a value is inside;
- smallest and largest: a join with the buckets' running extremes;
- first, last, since, age, speed: a running maximum or minimum over (time, number).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from .conditions import CONDITIONS
from .declarations import Declared

Column = npt.NDArray[np.float64]

KEEP_MS = 180 * 86_400_000
VALUE_MAX = 10**13
SUM_MAX = 2**62
_SEQ_BITS = 25
"""A place in a window's order is bucket · 2^25 + number · 2 (+ 1 for the row itself)."""

_TRACKED = ("count", "sum", "mean", "std", "share", "label_rate")
_EXTREME = ("min", "max")
_HISTORY = ("last", "since_last", "first_seen", "age", "speed")

_MACROS = """
CREATE MACRO floor_div(x, w) AS CASE WHEN x >= 0 THEN x // w ELSE -((w - 1 - x) // w) END;
CREATE MACRO seconds(ms) AS
    CASE WHEN ms >= 0 THEN CAST(ms AS DOUBLE) / 1000.0 WHEN ms < 0 THEN 0.0 END;
CREATE MACRO wide(x) AS
    CAST(x // 18446744073709551616 AS DOUBLE) * 18446744073709551616.0
    + CAST(CAST(x % 18446744073709551616 AS UBIGINT) AS DOUBLE);
CREATE MACRO kmh(lat0, lon0, t0, lat1, lon1, t1) AS floor(
    2 * 6371.0088 * asin(sqrt(least(1.0,
        pow(sin(radians(lat1 - lat0) / 2), 2)
        + cos(radians(lat0)) * cos(radians(lat1)) * pow(sin(radians(lon1 - lon0) / 2), 2))))
    / (greatest(t1 - t0, 1000) / 3600000.0) + 0.5);
"""


class Oracle:
    """Computes features over one table of events.

    `events` has `seq` (1, 2, 3, … in order), `tenant`, `type`, `at_ms`, and a column for each
    field that any feature or condition mentions. `codes` maps every text that `last` may return to
    its code. Memory is bounded by `memory_gb`; what
    does not fit goes to the folder `spill`, if there is one.
    """

    def __init__(
        self,
        events: pa.Table,
        codes: Mapping[str, float],
        spill: Path | None = None,
        memory_gb: int = 6,
    ) -> None:
        self.rows = events.num_rows
        if self.rows >= 1 << (_SEQ_BITS - 1):
            raise ValueError("too many events for the order's encoding")
        self._db = duckdb.connect()
        self._db.execute(
            f"SET threads=2; SET memory_limit='{memory_gb}GB';"
            "SET preserve_insertion_order=false; SET enable_progress_bar=false;"
        )
        if spill:
            self._db.execute(f"SET temp_directory='{spill}'")
        self._db.execute(_MACROS)
        self._db.execute("CREATE TABLE events AS SELECT * FROM events")
        coded = pa.table({"text": list(codes), "code": np.array([*codes.values()], np.float64)})
        self._db.execute("CREATE TABLE codes AS SELECT * FROM coded")
        del coded

    def compute(self, features: Sequence[Declared]) -> Iterator[tuple[Declared, Column]]:
        """Yield each feature with its value at every event; NaN where it is missing."""
        ordered = sorted(features, key=lambda f: f.by)
        for by, group in groupby(ordered, key=lambda f: f.by):
            of_entity = list(group)
            self._db.execute(f"CREATE OR REPLACE TEMP TABLE named AS {_named(by)}")
            for some, query in _queries(of_entity):
                yield from self._fetch(some, query)

    def _fetch(self, features: Sequence[Declared], query: str) -> Iterator[tuple[Declared, Column]]:
        """Run a query of (seq, value, value, …) and lay the values out by number."""
        got: dict[str, Any] = self._db.execute(query).fetchnumpy()
        place = np.asarray(got["seq"], np.int64) - 1
        for i, feature in enumerate(features):
            column: Column = np.full(self.rows, np.nan)
            value = np.ma.filled(np.ma.asarray(got[f"f{i}"], np.float64), np.nan)
            column[place] = value
            yield feature, column


def _named(by: tuple[str, ...]) -> str:
    """The events that name an entity, with the entity `k` (one life of it) and its clock."""
    parts = ", ".join(f'"{part}"' for part in by)
    known = " AND ".join(f'"{part}" IS NOT NULL' for part in by)
    return f"""
        WITH keyed AS (
            SELECT *, dense_rank() OVER (ORDER BY tenant, {parts}) AS entity
            FROM events WHERE {known}
        ), clocked AS (
            SELECT *,
                max(at_ms) OVER (PARTITION BY entity ORDER BY seq ROWS UNBOUNDED PRECEDING) AS clock,
                max(at_ms) OVER (PARTITION BY entity ORDER BY seq
                    ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS clock_before
            FROM keyed
        )
        SELECT * EXCLUDE (entity, clock_before), entity * 65536 + CAST(
            sum(CASE WHEN at_ms - clock_before > {KEEP_MS} THEN 1 ELSE 0 END)
            OVER (PARTITION BY entity ORDER BY seq ROWS UNBOUNDED PRECEDING) AS BIGINT) AS k
        FROM clocked"""


def _queries(features: Sequence[Declared]) -> Iterator[tuple[Sequence[Declared], str]]:
    """The queries that compute these features of one kind of entity, from the table `named`."""

    def window(feature: Declared) -> tuple[int, int]:
        return feature.over_ms, feature.delay_ms

    tracked = sorted((f for f in features if f.function in _TRACKED), key=window)
    for (over_ms, delay_ms), group in groupby(tracked, key=window):
        some = list(group)
        yield some, _running_sums(some, over_ms // 60, delay_ms)
    for feature in features:
        if feature.function in _EXTREME:
            yield [feature], _extreme(feature)
        elif feature.function == "distinct":
            yield [feature], _distinct(feature)
    history = [f for f in features if f.function in _HISTORY]
    if history:
        yield history, _history(history)


def _counts(feature: Declared) -> str:
    """The SQL condition under which a row is an event the feature speaks of, with its field known."""
    types = ", ".join(f"'{name}'" for name in feature.types)
    parts = [f"type IN ({types})", f"({CONDITIONS[feature.where].sql})"]
    if feature.function == "speed":
        parts.append("lat IS NOT NULL AND lon IS NOT NULL")
    if feature.field:
        parts.append(f'"{feature.field}" IS NOT NULL')
    if feature.field in ("amount_base", "amount_minor"):
        parts.append(f'abs("{feature.field}") <= {VALUE_MAX}')
    return " AND ".join(parts)


def _weights(i: int, feature: Declared) -> dict[str, tuple[str, str]]:
    """What the feature adds up: column → (weight of an event, weight of a label)."""
    counts = _counts(feature)
    field = f'"{feature.field}"'
    one = (f"CASE WHEN {counts} THEN 1 ELSE 0 END", "0")
    total = (f"CASE WHEN {counts} THEN {field} ELSE 0 END", "0")
    if feature.function == "count":
        return {f"n{i}": one}
    if feature.function == "sum":
        return {f"s{i}": total}
    if feature.function == "share":
        met = f"CASE WHEN {counts} AND ({CONDITIONS[feature.of].sql}) THEN 1 ELSE 0 END"
        return {f"n{i}": one, f"m{i}": (met, "0")}
    if feature.function == "label_rate":
        return {f"n{i}": one, f"m{i}": ("0", "1")}
    weights = {f"n{i}": one, f"s{i}": total}
    if feature.function == "std":
        square = f"CASE WHEN {counts} THEN CAST({field} AS HUGEINT) * {field} ELSE 0 END"
        weights[f"q{i}"] = (square, "0")
    return weights


def _value(i: int, feature: Declared) -> str:
    """The value of the feature from its running sums."""
    n, s, m, q = f"n{i}", f"s{i}", f"m{i}", f"q{i}"
    fits = f"abs({s}) <= {SUM_MAX}"
    return {
        "count": f"CAST({n} AS DOUBLE)",
        "sum": f"CASE WHEN {fits} THEN CAST(CAST({s} AS BIGINT) AS DOUBLE) END",
        "mean": f"CASE WHEN {n} > 0 AND {fits} THEN "
        f"CAST(CAST({s} AS BIGINT) AS DOUBLE) / CAST({n} AS DOUBLE) END",
        "std": f"CASE WHEN {n} > 1 AND {fits} THEN sqrt(wide({n} * {q} - {s} * {s}) / "
        f"(CAST({n} AS DOUBLE) * CAST({n} - 1 AS DOUBLE))) END",
        "share": f"CASE WHEN {n} > 0 THEN CAST({m} AS DOUBLE) / CAST({n} AS DOUBLE) END",
        "label_rate": f"CASE WHEN {n} > 0 THEN "
        f"least(1.0, CAST({m} AS DOUBLE) / CAST({n} AS DOUBLE)) END",
    }[feature.function]


def _running_sums(features: Sequence[Declared], width: int, delay_ms: int) -> str:
    """Counts, sums and ratios of one window and delay: +weight on entering, -weight on leaving."""
    columns: dict[str, tuple[str, str]] = {}
    for i, feature in enumerate(features):
        columns |= _weights(i, feature)
    labels = any(f.function == "label_rate" for f in features)
    names = ", ".join(columns)
    own = ", ".join(f"{event} AS {name}" for name, (event, _) in columns.items())
    of_label = ", ".join(f"{label} AS {name}" for name, (_, label) in columns.items())
    minus = ", ".join(f"-{name}" for name in columns)
    now = ", ".join(f"CASE WHEN b <= p AND p < b + 60 THEN {name} ELSE 0 END" for name in columns)
    some = " OR ".join(f"{name} <> 0" for name in columns)
    running = ", ".join(f"sum({name}) OVER running AS {name}" for name in columns)
    values = ", ".join(f"{_value(i, f)} AS f{i}" for i, f in enumerate(features))
    label_rows = f"""
        UNION ALL SELECT k, seq, floor_div(clock - {delay_ms}, {width}) AS p,
            floor_div(subject_at_ms, {width}) AS b, 0 AS own, {of_label}
        FROM named
        WHERE type = 'label.assigned' AND verdict = 'fraud' AND subject_at_ms <= clock"""
    place = f"* {1 << _SEQ_BITS}"
    return f"""
        WITH taken AS (
            SELECT k, seq, floor_div(clock - {delay_ms}, {width}) AS p,
                floor_div(at_ms, {width}) AS b, 1 AS own, {own} FROM named
            {label_rows if labels else ""}
        ), steps AS (
            SELECT k, p {place} + seq * 2 + own AS place, seq, own, {now}
            FROM (SELECT k, p, b, seq, own, {names} FROM taken)
            UNION ALL SELECT k, b {place}, 0, 0, {names} FROM taken WHERE b > p AND ({some})
            UNION ALL SELECT k, (b + 60) {place}, 0, 0, {minus}
                FROM taken WHERE p < b + 60 AND ({some})
        ), named_steps(k, place, seq, own, {names}) AS (SELECT * FROM steps),
        sums AS (
            SELECT seq, own, {running} FROM named_steps
            WINDOW running AS (PARTITION BY k ORDER BY place ROWS UNBOUNDED PRECEDING)
        )
        SELECT seq, {values} FROM sums WHERE own = 1"""


def _distinct(feature: Declared) -> str:
    """Distinct values: one +1 and one -1 per stretch in which a value stays inside the window."""
    width = feature.over_ms // 60
    place = f"* {1 << _SEQ_BITS}"
    return f"""
        WITH taken AS (
            SELECT k, seq, floor_div(clock, {width}) AS p, floor_div(at_ms, {width}) + 60 AS leaves,
                CASE WHEN {_counts(feature)} THEN "{feature.field}" END AS value
            FROM named
        ), seen AS (
            SELECT k, seq, p, value, leaves,
                max(leaves) OVER (PARTITION BY k, value ORDER BY seq
                    ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS left_before
            FROM taken WHERE value IS NOT NULL AND p < leaves
        ), stretches AS (
            SELECT *, CASE WHEN left_before > p THEN 0 ELSE 1 END AS starts,
                sum(CASE WHEN left_before > p THEN 0 ELSE 1 END)
                    OVER (PARTITION BY k, value ORDER BY seq ROWS UNBOUNDED PRECEDING) AS stretch
            FROM seen
        ), steps AS (
            SELECT k, p {place} + seq * 2 + 1 AS place, seq, 0 AS w FROM taken
            UNION ALL SELECT k, p {place} + seq * 2, 0, 1 FROM stretches WHERE starts = 1
            UNION ALL SELECT k, max(leaves) {place}, 0, -1 FROM stretches GROUP BY k, value, stretch
        ), sums AS (
            SELECT seq, sum(w) OVER (PARTITION BY k ORDER BY place ROWS UNBOUNDED PRECEDING) AS n
            FROM steps
        )
        SELECT seq, CAST(least(n, {feature.most}) AS DOUBLE) AS f0 FROM sums WHERE seq > 0"""


def _extreme(feature: Declared) -> str:
    """Smallest or largest: the extremes each bucket had when the row came, of buckets in reach.

    A bucket's extreme changes only at its records, so only those are joined; and buckets are taken
    sixty at a time, so that a row meets the two spans its window can touch and no others.
    """
    width = feature.over_ms // 60
    best = feature.function
    beats = "<" if best == "min" else ">"
    return f"""
        WITH valued AS (
            SELECT k, seq, floor_div(at_ms, {width}) AS b, CAST("{feature.field}" AS BIGINT) AS v
            FROM named WHERE {_counts(feature)}
        ), records AS (
            SELECT k, seq, b, v, {best}(v) OVER (PARTITION BY k, b ORDER BY seq
                ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
            FROM valued
        ), spans AS (
            SELECT k, seq, b, v, floor_div(b, 60) AS span FROM records
            WHERE before IS NULL OR v {beats} before
        ), asked AS (
            SELECT k, seq, floor_div(clock - {feature.delay_ms}, {width}) AS p FROM named
        ), reach AS (
            SELECT k, seq, p, floor_div(p, 60) AS span FROM asked
            UNION ALL SELECT k, seq, p, floor_div(p, 60) - 1 FROM asked
        )
        SELECT reach.seq AS seq, CAST({best}(spans.v) AS DOUBLE) AS f0
        FROM reach JOIN spans ON reach.k = spans.k AND reach.span = spans.span
            AND spans.seq <= reach.seq AND spans.b <= reach.p AND spans.b > reach.p - 60
        GROUP BY reach.seq"""


def _history(features: Sequence[Declared]) -> str:
    """First, last, since, age and speed, from running extremes over (time, number)."""
    running, joins, values = [], [], []
    for i, feature in enumerate(features):
        counts = _counts(feature)
        if feature.function in ("first_seen", "age"):
            running.append(f"min(CASE WHEN {counts} THEN at_ms END) OVER with_this AS h{i}")
            age = f"seconds(found.at_ms - h{i})"
            first = f"CAST(h{i} AS DOUBLE)"
            values.append(f"{first if feature.function == 'first_seen' else age} AS f{i}")
            continue
        latest = f"max(CASE WHEN {counts} THEN CAST(at_ms AS HUGEINT) * {1 << _SEQ_BITS} + seq END) OVER before_this"
        running.append(f"{latest} AS h{i}")
        running.append(f"({counts}) AS c{i}")
        joins.append(f"LEFT JOIN events AS e{i} ON e{i}.seq = h{i} % {1 << _SEQ_BITS}")
        values.append(f"{_looked_up(i, feature)} AS f{i}")
    texts = [i for i, f in enumerate(features) if f.function == "last" and _is_text(f.field)]
    for i in texts:
        joins.append(f'LEFT JOIN codes AS t{i} ON t{i}.text = e{i}."{features[i].field}"')
    return f"""
        WITH found AS (
            SELECT k, seq, at_ms, lat, lon, {", ".join(running)} FROM named
            WINDOW with_this AS (PARTITION BY k ORDER BY seq ROWS UNBOUNDED PRECEDING),
                before_this AS (PARTITION BY k ORDER BY seq
                    ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
        )
        SELECT found.seq AS seq, {", ".join(values)} FROM found {" ".join(joins)}"""


def _looked_up(i: int, feature: Declared) -> str:
    """The value of a feature from the event it points to, joined as `e<i>`."""
    near = f"found.at_ms - e{i}.at_ms <= {feature.over_ms}" if feature.over_ms else "true"
    if feature.function == "since_last":
        return f"CASE WHEN {near} THEN seconds(found.at_ms - e{i}.at_ms) END"
    if feature.function == "speed":
        there, here = f"e{i}.lat, e{i}.lon, e{i}.at_ms", "found.lat, found.lon, found.at_ms"
        return f"CASE WHEN c{i} AND h{i} IS NOT NULL THEN kmh({there}, {here}) END"
    value = f"t{i}.code" if _is_text(feature.field) else f'CAST(e{i}."{feature.field}" AS DOUBLE)'
    return f"CASE WHEN {near} THEN {value} END"


def _is_text(field: str) -> bool:
    return field not in ("amount_base", "amount_minor", "items_count", "delay_days")
