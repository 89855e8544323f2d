"""A small journal of made-up events, and what an index of it must hold, found by reading all of it."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest

from kanhe.app import indexing
from kanhe.app.indexing import Indexing
from kanhe.core.event import ENTITY_KINDS
from kanhe.core.settings import Settings
from kanhe.record.journal.ports import DECIDED, ERASED, NOTED, RECORDED, Row
from kanhe.record.labels import RELAY_TYPES, gather
from kanhe.record.log.entries import Entries
from kanhe.record.traces import Meaning
from kanhe.stores.sqlite.index_writer import KEPT
from kanhe.stores.sqlite.journal import SqliteJournal
from kanhe.stores.sqlite.schema import open_read_only

ENTRIES = Entries(bytes(range(32)))
START_MS = 1_760_000_000_000
_SINGLE = (*ENTITY_KINDS, "payment", "refund", "payout", "review", "message", "complaint",
           "bank_account", "coupon", "subject_event")  # fmt: skip


def twice(amount_minor: int | None, currency: str | None) -> int | None:
    """The exchange of these tests: one euro is worth two, and nobody knows what others are."""
    return None if amount_minor is None or currency != "EUR" else 2 * amount_minor


MEANING = Meaning("XTS", twice, {"bad_cards": "card"})


@pytest.fixture(autouse=True)
def plain_meaning(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows are of packs that nobody has to read."""
    monkeypatch.setattr(Indexing, "_read_meaning", lambda self, policy: MEANING)


def event_row(
    seq: int, tenant: str, type_: str, body: dict[str, Any], *, outcome: str = "",
    rules: Sequence[str] = (), at_ms: int = START_MS, received_ms: int = START_MS,
) -> Row:  # fmt: skip
    """A row of one event; decided if it has an outcome."""
    event_id = str(body.get("id", f"e{seq}"))
    whole = {"type": type_, "at_ms": at_ms, **body, "id": event_id}
    answer = b"{}"
    if outcome:
        reasons = [{"rule": rule, "points": 1, "text": {"en": "e", "zh": "z"}} for rule in rules]
        answer = json.dumps({
            "decision_id": f"d{seq}", "event_id": event_id, "outcome": outcome, "score": len(rules),
            "policy": "sha256:00", "reasons": reasons,
        }).encode()  # fmt: skip
    return Row(
        seq, tenant, event_id, DECIDED if outcome else RECORDED, type_, at_ms, received_ms,
        "sha256:00", json.dumps(whole).encode(), b"", answer, bytes([seq % 256]) * 32,
    )  # fmt: skip


def note_row(seq: int, kind: str, by: str) -> Row:
    """A row that notes what somebody did."""
    body = json.dumps({"facts": {"by": by} if by else {}}).encode()
    return Row(seq, "", f"note-{seq}", NOTED, kind, START_MS, START_MS, "sha256:00", body, b"", b"",
               bytes(32))  # fmt: skip


def settings_of(folder: Path) -> Settings:
    """An installation whose data lies in a folder."""
    return Settings(data_dir=str(folder))


def index_all(folder: Path, batch: int = 4096, *, anew: bool = False) -> None:
    """Bring the index of a folder up to date."""
    held, indexing.BATCH = indexing.BATCH, batch
    try:
        index = Indexing(settings_of(folder), anew=anew)
        try:
            index.run(lambda done, total: None, lambda: False)
        finally:
            index.close()
    finally:
        indexing.BATCH = held


def erase(journal: SqliteJournal, seqs: Iterable[int]) -> None:
    """Erase rows as an installation does, with their entries of the log."""
    rows = [row for seq in seqs if (row := journal.read(seq)) is not None and row.is_event]
    journal.erase({row.seq: ENTRIES.of(row) for row in rows})


def held_by(folder: Path) -> dict[str, Any]:
    """What an index says, without its numbers."""
    db = open_read_only(folder / "index" / "index.db", "index")
    word = dict(db.execute("SELECT id, word FROM words")) | {0: ""}
    code = {
        id: tuple(word[one] for one in four)
        for id, *four in db.execute("SELECT id, tenant, type, outcome, currency FROM codes")
    }
    name = {
        id: (word[tenant], word[kind], value)
        for id, tenant, kind, value in db.execute("SELECT id, tenant, kind, value FROM names")
    }
    mentions: dict[Any, list[int]] = defaultdict(list)
    for id, seq, of in db.execute("SELECT name, seq, code FROM mentions ORDER BY name, seq"):
        mentions[name[id]].append(seq)
        assert (of,) == db.execute("SELECT code FROM events WHERE seq = ?", (seq,)).fetchone()
    heavy = {name[id] for (id,) in db.execute("SELECT id FROM names WHERE heavy")}
    tallies: dict[Any, list[int]] = defaultdict(lambda: [0, 0])
    for id, day, of, events, amount in db.execute("SELECT * FROM tallies"):
        assert name[id] in heavy
        tallies[name[id], day, code[of]][0] += events
        tallies[name[id], day, code[of]][1] += amount
    found = {
        "upto": db.execute("SELECT upto FROM progress").fetchone()[0],
        "mentions": dict(mentions),
        "names": {
            name[id]: figures
            for id, *figures in db.execute("SELECT id, events, first_ms, last_ms FROM names")
        },
        "events": [
            (seq, code[of], at, received, amount, score, word[country])
            for seq, of, at, received, amount, score, country in db.execute(
                "SELECT seq, code, at_ms, received_ms, amount_minor, score, country FROM events"
                " ORDER BY seq"
            )
        ],
        "counts": {
            (series, at, word[what], code[of]): (events, amount)
            for series, at, what, of, events, amount in db.execute("SELECT * FROM counts")
        },
        "fired": sorted(
            (seq, word[rule]) for rule, seq in db.execute("SELECT rule, seq FROM fired")
        ),
        "acts": [
            (seq, word[tenant], at, name[who][2] if who else "", word[act], word[resource])
            for seq, tenant, at, who, act, resource in db.execute("SELECT * FROM acts")
        ],
        "truth": {
            seq: (word[verdict], word[source], known)
            for seq, verdict, source, known in db.execute(
                "SELECT seq, verdict, source, known_ms FROM truth"
            )
        },
        "heavy": heavy,
        "tallies": {key: tuple(value) for key, value in tallies.items()},
    }
    db.close()
    return found


def found_in(rows: Sequence[Row], heavy: Iterable[Any]) -> dict[str, Any]:
    """The same by reading every row; `heavy` are the names whose tallies are wanted."""
    mentions: dict[Any, list[int]] = defaultdict(list)
    events, fired, acts = [], [], []
    counts: dict[Any, list[int]] = defaultdict(lambda: [0, 0])
    tallies: dict[Any, list[int]] = defaultdict(lambda: [0, 0])
    times: dict[int, int] = {}
    for row in rows:
        times[row.seq] = row.at_ms
        tenant, outcome, amount, currency, country, score = row.tenant, "recorded", 0, "", "", 0
        rules: list[str] = []
        names: list[tuple[str, str]] = []
        if row.kind == NOTED:
            outcome = "noted"
            by = json.loads(row.body)["facts"].get("by", "")
            names = [("staff", by)] if by else []
            source, _, rest = row.type.partition(":")
            acts.append((row.seq, tenant, row.at_ms, by, rest, source))
        elif row.kind == ERASED:
            entry = json.loads(row.body)
            outcome, score = entry.get("outcome") or "recorded", entry.get("score") or 0
            rules = list(entry.get("reasons", ()))
        else:
            body = json.loads(row.body)
            if row.kind == DECIDED:
                answer = json.loads(row.answer)
                outcome, score = answer["outcome"], answer["score"]
                rules = [reason["rule"] for reason in answer["reasons"]]
            names = [(kind, body[kind]) for kind in _SINGLE if kind in body]
            names += [("user", body[f]) for f in ("recipient", "referrer_user") if f in body]
            names += [("staff", body["approver"])] if "approver" in body else []
            names += [("product", one) for one in body.get("products", ())]
            if row.type.startswith("list.") and body.get("list_name") == "bad_cards":
                names.append(("card", body["value"]))
            worth = twice(body.get("amount_minor"), body.get("currency"))
            amount, currency = (worth, "XTS") if worth is not None else (0, "")
            country = body.get("ip_country") or body.get("shipping_country") or ""
            if "staff" in body and row.type == "staff.action":
                acts.append((row.seq, tenant, row.at_ms, body["staff"], body["staff_action"],
                             body.get("resource", "")))  # fmt: skip
            elif "staff" in body and row.type.startswith("list."):
                what = "listed" if row.type.endswith("added") else "unlisted"
                acts.append((row.seq, tenant, row.at_ms, body["staff"], what, "list"))
            elif "staff" in body and row.type in RELAY_TYPES - {"complaint.opened"}:
                acts.append((row.seq, tenant, row.at_ms, body["staff"], "labelled", ""))
        of = tenant, row.type, outcome, currency
        events.append((row.seq, of, row.at_ms, row.received_ms, amount, score, country))
        fired += [(row.seq, rule) for rule in sorted(rules)]
        for kind, value in dict.fromkeys(names):
            key = tenant, kind, value
            mentions[key].append(row.seq)
            if key in heavy:
                tallies[key, row.at_ms // 86_400_000, of][0] += 1
                tallies[key, row.at_ms // 86_400_000, of][1] += amount
        if row.kind != NOTED:
            minute, hour = row.received_ms // 60_000, row.at_ms // 3_600_000
            places = [(1, row.received_ms // 1000, ""), (60, minute, ""), (3600, hour, "")]
            for rule in rules:
                places += [(61, minute, rule), (3601, hour, rule)]
            if country:
                places += [(62, minute, country), (3602, hour, country)]
            for series, at, what in places:
                counts[series, at, what, of][0] += 1
                counts[series, at, what, of][1] += amount
    for series, kept in KEPT.items():
        whole = 1 if series == 1 else 60
        newest = max((key[1] for key in counts if key[0] == whole), default=0)
        for key in [key for key in counts if key[0] == series and key[1] < newest - kept]:
            del counts[key]
    labels = gather(rows)
    truth = {}
    for row in rows:
        if row.type not in RELAY_TYPES and (held := labels.about(row).holding(1 << 62)):
            truth[row.seq] = held.verdict, held.source, held.at_ms
    return {
        "upto": rows[-1].seq if rows else 0,
        "mentions": dict(mentions),
        "names": {
            key: [len(seqs), min(times[s] for s in seqs), max(times[s] for s in seqs)]
            for key, seqs in mentions.items()
        },
        "events": events,
        "counts": {key: tuple(value) for key, value in counts.items()},
        "fired": sorted(fired),
        "acts": acts,
        "truth": truth,
        "heavy": set(heavy),
        "tallies": {key: tuple(value) for key, value in tallies.items()},
    }


def compare(folder: Path) -> None:
    """Hold the index of a folder against its journal, row by row."""
    journal = SqliteJournal(folder / "journal.db")
    rows = list(journal.rows())
    journal.close()
    held = held_by(folder)
    expected = found_in(rows, held["heavy"])
    for part, value in expected.items():
        assert held[part] == value, part
