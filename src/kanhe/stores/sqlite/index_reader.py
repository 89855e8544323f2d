"""Reading `index.db` beside its writer: names, what mentions them, counts, acts and truths.

Every query is bounded by what it is asked for: a number of rows, or a span of time. Nothing here knows
who asks; callers pass the tenant, `None` for all of them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from kanhe.core.time import DAY_MS
from kanhe.stores.sqlite.faults import explained
from kanhe.stores.sqlite.index_truth import Finder, Spoken
from kanhe.stores.sqlite.schema import open_read_only

LAST_TEXT = "\U0010ffff"
_numbers = msgspec.msgpack.Decoder(list[int]).decode
_CACHE_KIB = 16_384


class Code(NamedTuple):
    """What figures are told apart by."""

    tenant: str
    type: str
    outcome: str
    currency: str


class NameRow(NamedTuple):
    """Somebody or something that events mention."""

    id: int
    tenant: str
    kind: str
    value: str
    events: int
    first_ms: int
    last_ms: int
    heavy: bool


class EventRow(NamedTuple):
    """One row of the journal as the index has it."""

    seq: int
    code: Code
    at_ms: int
    received_ms: int
    amount_minor: int
    score: int
    country: str
    names: tuple[int, ...]


class Tally(NamedTuple):
    """Events of one name, day (since 1970) and code."""

    day: int
    code: Code
    events: int
    amount_minor: int


class Count(NamedTuple):
    """Events of one step of a series."""

    at: int
    what: str
    code: Code
    events: int
    amount_minor: int


class ActRow(NamedTuple):
    """What somebody did."""

    seq: int
    tenant: str
    at_ms: int
    who: str
    act: str
    resource: str


class TruthRow(NamedTuple):
    """What an event turned out to be."""

    seq: int
    at_ms: int
    code: Code
    amount_minor: int
    verdict: str
    source: str
    known_ms: int


class IndexReader:
    """The index at `path` as it stands at one moment: all queries of one reader see the same.

    Raises `StorageError` if there is none yet, or it cannot be read. For one thread at a time.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._db = open_read_only(path, "index", any_thread=True)
        try:
            with explained(path):
                self._db.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
                self._db.execute("BEGIN")
                self.upto: int = self._db.execute("SELECT upto FROM progress").fetchone()[0]
                self._word: dict[int, str] = dict(self._db.execute("SELECT id, word FROM words"))
                self._word[0] = ""
                self._number = {word: id for id, word in self._word.items()}
                self.codes = {
                    id: Code(*(self._word[one] for one in four))
                    for id, *four in self._db.execute(
                        "SELECT id, tenant, type, outcome, currency FROM codes"
                    )
                }
        except BaseException:
            self._db.close()
            raise

    def close(self) -> None:
        """Release the file."""
        self._db.close()

    def tenants(self) -> list[str]:
        """Those of whom there is an event."""
        return sorted({code.tenant for code in self.codes.values()} - {""})

    def codes_of(self, tenant: str | None, *, type_: str = "", outcome: str = "") -> set[int]:
        """The codes of a tenant (`None`: all), of a type and an outcome if given."""
        return {
            id
            for id, code in self.codes.items()
            if (tenant is None or code.tenant == tenant)
            and (not type_ or code.type == type_)
            and (not outcome or code.outcome == outcome)
        }

    # Names

    def name(self, tenant: str, kind: str, value: str) -> NameRow | None:
        """One name of a tenant."""
        found = self._names(
            "tenant = ? AND value = ? AND kind = ?", (self._no(tenant), value, self._no(kind)), 1
        )
        return found[0] if found else None

    def names_of_value(self, value: str, tenants: Iterable[str], most: int) -> list[NameRow]:
        """Names of any kind that have just this value."""
        return [
            name
            for tenant in tenants
            for name in self._names("tenant = ? AND value = ?", (self._no(tenant), value), most)
        ][:most]

    def names_beginning(self, text: str, tenants: Iterable[str], most: int) -> list[NameRow]:
        """Names whose value begins with a text, those that were mentioned most often first."""
        end = text + LAST_TEXT
        found = [
            name
            for tenant in tenants
            for name in self._names(
                "tenant = ? AND value >= ? AND value < ?", (self._no(tenant), text, end), 4 * most
            )
        ]
        return sorted(found, key=lambda name: -name.events)[:most]

    def names_by_id(self, ids: Collection[int]) -> dict[int, NameRow]:
        """Names by their numbers."""
        found: dict[int, NameRow] = {}
        wanted = list(ids)
        for begin in range(0, len(wanted), 500):
            part = wanted[begin : begin + 500]
            marks = ", ".join("?" * len(part))
            found |= {name.id: name for name in self._names(f"id IN ({marks})", part, len(part))}
        return found

    def tallies(self, name: NameRow) -> list[Tally]:
        """The events of a name by day and code."""
        if name.heavy:
            rows = self._all(
                "SELECT day, code, events, amount_minor FROM tallies WHERE name = ?", (name.id,)
            )
        else:
            rows = self._all(
                "SELECT e.at_ms / ?, m.code, count(*), sum(e.amount_minor) FROM mentions m"
                " JOIN events e ON e.seq = m.seq WHERE m.name = ? GROUP BY 1, 2",
                (DAY_MS, name.id),
            )
        return [Tally(day, self.codes[code], n, amount) for day, code, n, amount in rows]

    # Events

    def event(self, seq: int) -> EventRow | None:
        """One row."""
        found = self._events("WHERE e.seq = ?", (seq,))
        return found[0] if found else None

    def mentions(
        self, name: int, before: int, most: int, codes: Collection[int] | None = None
    ) -> list[EventRow]:
        """The newest rows that mention a name, those with a number below `before` (0: all)."""
        only, values = self._only("m.code", codes)
        return self._events(
            f"WHERE m.name = ? AND m.seq < ?{only} ORDER BY m.seq DESC LIMIT ?",
            (name, before or 1 << 62, *values, most),
            of="mentions m CROSS JOIN events e ON e.seq = m.seq",
        )

    def mention_codes(self, name: int, most: int) -> list[tuple[int, Code]]:
        """The numbers and codes of the newest rows that mention a name."""
        rows = self._all(
            "SELECT seq, code FROM mentions WHERE name = ? ORDER BY seq DESC LIMIT ?", (name, most)
        )
        return [(seq, self.codes[code]) for seq, code in rows]

    def beside(self, name: int, most: int) -> list[tuple[int, ...]]:
        """Whom else the newest rows mention that mention a name, row by row."""
        rows = self._all(
            "SELECT e.names FROM (SELECT seq FROM mentions WHERE name = ? ORDER BY seq DESC LIMIT ?)"
            " m JOIN events e ON e.seq = m.seq",
            (name, most),
        )
        return [tuple(_numbers(names)) for (names,) in rows]

    def fired(
        self, rule: str, before: int, most: int, codes: Collection[int] | None = None
    ) -> list[EventRow]:
        """The newest rows on which a rule fired, below `before` (0: all)."""
        only, values = self._only("e.code", codes)
        return self._events(
            f"WHERE m.rule = ? AND m.seq < ?{only} ORDER BY m.seq DESC LIMIT ?",
            (self._no(rule), before or 1 << 62, *values, most),
            of="fired m CROSS JOIN events e ON e.seq = m.seq",
        )

    def rules_of(self, seqs: Collection[int]) -> dict[int, list[str]]:
        """The rules that fired on rows."""
        marks = ", ".join("?" * len(seqs))
        found: dict[int, list[str]] = {}
        for seq, rule in self._all(
            f"SELECT seq, rule FROM fired WHERE seq IN ({marks}) ORDER BY seq, rule", list(seqs)
        ):
            found.setdefault(seq, []).append(self._word[rule])
        return found

    def rules_named(self, begin: str, most: int) -> list[str]:
        """Rules that ever fired and whose id begins so."""
        found = []
        for word, id in self._number.items():
            if (
                begin
                and begin in word
                and id
                and self._all("SELECT 1 FROM fired WHERE rule = ? LIMIT 1", (id,))
            ):
                found.append(word)
        return sorted(found, key=lambda word: (not word.startswith(begin), word))[:most]

    # Counts

    def counts(
        self,
        series: int,
        begin: int,
        end: int,
        codes: Collection[int] | None = None,
        what: str | None = None,
    ) -> list[Count]:
        """The steps of a series from `begin` to before `end`."""
        only, values = self._only("code", codes)
        if what is not None:
            only += " AND what = ?"
            values = [*values, self._no(what)]
        rows = self._all(
            "SELECT at, what, code, events, amount_minor FROM counts"
            f" WHERE series = ? AND at >= ? AND at < ?{only}",
            (series, begin, end, *values),
        )
        return [Count(at, self._word[w], self.codes[c], n, m) for at, w, c, n, m in rows]

    def sums(
        self, series: int, begin: int, end: int, codes: Collection[int] | None = None
    ) -> list[Count]:
        """The same, summed over the span: by what and code."""
        only, values = self._only("code", codes)
        rows = self._all(
            "SELECT what, code, sum(events), sum(amount_minor) FROM counts"
            f" WHERE series = ? AND at >= ? AND at < ?{only} GROUP BY what, code",
            (series, begin, end, *values),
        )
        return [Count(0, self._word[w], self.codes[c], n, m) for w, c, n, m in rows]

    def newest(self, series: int) -> int:
        """The last step of a series, 0 if there is none."""
        found: int = self._all(
            "SELECT coalesce(max(at), 0) FROM counts WHERE series = ?", (series,)
        )[0][0]
        return found

    def oldest(self, series: int) -> int:
        """Its first step, 0 if there is none."""
        found: int = self._all(
            "SELECT coalesce(min(at), 0) FROM counts WHERE series = ?", (series,)
        )[0][0]
        return found

    # People at work, and what turned out to be true

    def acts(
        self,
        before: int,
        most: int,
        *,
        tenant: str | None = None,
        who: Collection[int] | None = None,
        act: str = "",
        about: Collection[int] | None = None,
        begin_ms: int = 0,
        end_ms: int = 0,
    ) -> list[ActRow]:
        """The newest acts below `before` (0: all). `who` and `about` are numbers of names."""
        wanted: list[str] = ["a.seq < ?"]
        values: list[Any] = [before or 1 << 62]
        if about is not None:
            marks = ", ".join("?" * len(about))
            wanted.append(
                f"a.seq IN (SELECT seq FROM mentions WHERE name IN ({marks}) AND seq < ?)"
            )
            values += [*about, before or 1 << 62]
        if who is not None:
            wanted.append(f"a.who IN ({', '.join('?' * len(who))})")
            values += [*who]
        for column, text in (("tenant", tenant), ("act", act or None)):
            if text is not None:
                wanted.append(f"a.{column} = ?")
                values.append(self._no(text))
        if begin_ms:
            wanted.append("a.at_ms >= ?")
            values.append(begin_ms)
        if end_ms:
            wanted.append("a.at_ms < ?")
            values.append(end_ms)
        rows = self._all(
            "SELECT a.seq, a.tenant, a.at_ms, coalesce(n.value, ''), a.act, a.resource"
            f" FROM acts a LEFT JOIN names n ON n.id = a.who WHERE {' AND '.join(wanted)}"
            " ORDER BY a.seq DESC LIMIT ?",
            (*values, most),
        )
        word = self._word
        return [ActRow(s, word[t], at, who_, word[a], word[r]) for s, t, at, who_, a, r in rows]

    def acts_known(self) -> list[str]:
        """The kinds of acts there are."""
        return sorted(self._word[act] for (act,) in self._all("SELECT DISTINCT act FROM acts", ()))

    def truth_of(self, seqs: Collection[int]) -> dict[int, TruthRow]:
        """What rows turned out to be."""
        marks = ", ".join("?" * len(seqs))
        return {row.seq: row for row in self._truths(f"WHERE t.seq IN ({marks})", list(seqs))}

    def truths(
        self, begin_ms: int, end_ms: int, codes: Collection[int] | None, most: int
    ) -> list[TruthRow]:
        """What events of a span turned out to be, the newest ones if there are more than `most`."""
        only, values = self._only("t.code", codes)
        return self._truths(
            f"WHERE t.at_ms >= ? AND t.at_ms < ?{only} ORDER BY t.at_ms DESC LIMIT ?",
            (begin_ms, end_ms, *values, most),
        )

    def spoken(self, journal: Finder) -> Spoken:
        """Who speaks of whom, with the rows of `journal`."""
        return Spoken(self._db, journal)

    # How it is asked

    def _all(self, sql: str, values: Sequence[Any]) -> list[Any]:
        with explained(self._path):
            return self._db.execute(sql, values).fetchall()

    def _no(self, word: str) -> int:
        """The number of a word; -1, which nothing has, for one that the index does not know."""
        return self._number.get(word, -1)

    def _only(self, column: str, codes: Collection[int] | None) -> tuple[str, list[int]]:
        if codes is None:
            return "", []
        return f" AND {column} IN ({', '.join('?' * len(codes))})", list(codes)

    def _names(self, where: str, values: Sequence[Any], most: int) -> list[NameRow]:
        word = self._word
        return [
            NameRow(id, word[tenant], word[kind], value, events, first, last, bool(heavy))
            for id, tenant, kind, value, events, first, last, heavy in self._all(
                "SELECT id, tenant, kind, value, events, first_ms, last_ms, heavy FROM names"
                f" WHERE {where} LIMIT ?",
                (*values, most),
            )
        ]

    def _events(self, where: str, values: Sequence[Any], *, of: str = "events e") -> list[EventRow]:
        codes, word = self.codes, self._word
        return [
            EventRow(seq, codes[code], at, received, amount, score, word[country],
                     tuple(_numbers(names)))
            for seq, code, at, received, amount, score, country, names in self._all(
                "SELECT e.seq, e.code, e.at_ms, e.received_ms, e.amount_minor, e.score, e.country,"
                f" e.names FROM {of} {where}",
                values,
            )
        ]  # fmt: skip

    def _truths(self, where: str, values: Sequence[Any]) -> list[TruthRow]:
        word = self._word
        return [
            TruthRow(seq, at, self.codes[code], amount, word[verdict], word[source], known)
            for seq, at, code, amount, verdict, source, known in self._all(
                "SELECT t.seq, t.at_ms, t.code, t.amount_minor, t.verdict, t.source, t.known_ms"
                f" FROM truth t {where}",
                values,
            )
        ]
