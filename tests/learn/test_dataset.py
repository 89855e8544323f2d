"""Training sets: what stands in a row, what is left out, and that features are those of the time."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq
import pytest

from kanhe.app import kanhe_in_memory
from kanhe.app.installation import wire
from kanhe.core.errors import StorageError
from kanhe.core.event import Asked
from kanhe.core.settings import Settings
from kanhe.core.time import DAY_MS
from kanhe.judge.intake.group import Group
from kanhe.judge.intake.registry import builtin
from kanhe.judge.policy.pack import Pack, load_pack, starter_path
from kanhe.learn.dataset import COLUMNS, DatasetError, DatasetFacts, Wanted, build
from kanhe.record.journal.ports import ERASED, JournalReader, Row, erased
from kanhe.replay import History, Span
from kanhe.simulate import START_MS as SHOP_START_MS
from kanhe.simulate import simulate
from kanhe.stores.files.sheets import FACTS, ParquetSheet
from kanhe.stores.memory.journal import MemoryJournal
from tests.flow.packs import FEATURES, MANIFEST, payment, write_pack
from tests.flow.packs import START_MS as PACK_START_MS

SETTINGS = Settings(state_limit_mib=256)
SCOPES = frozenset({"lists"})
DAY_S = 86_400


class Kept:
    """A sheet that keeps everything in memory."""

    def __init__(self, features: Sequence[str]) -> None:
        self.features = list(features)
        self.columns: dict[str, list[Any]] = {name: [] for name in COLUMNS}
        self.blocks: list[npt.NDArray[np.float64]] = []
        self.facts = b""

    def write(
        self, columns: Mapping[str, Sequence[Any]], features: npt.NDArray[np.float64]
    ) -> None:
        """Keep a block."""
        for name in COLUMNS:
            self.columns[name] += columns[name]
        self.blocks.append(features.copy())

    def finish(self, facts: bytes) -> None:
        """Keep the facts."""
        self.facts = facts

    def column(self, name: str) -> dict[str, Any]:
        """A column by the ids of the events."""
        return dict(zip(self.columns["event_id"], self.columns[name], strict=True))

    @property
    def matrix(self) -> npt.NDArray[np.float64]:
        """All features."""
        return np.concatenate(self.blocks) if self.blocks else np.empty((0, len(self.features)))


class Past:
    """A journal in memory, and the key under which it was judged."""

    def __init__(self, pack: Pack, key: bytes = bytes(16)) -> None:
        self.pack, self.key = pack, key
        self.journal = MemoryJournal()
        self.flow = wire(pack, SETTINGS, key, self.journal)
        self.journal.keep_policy(pack.hash, pack.archive)
        self.served: list[npt.NDArray[np.float64]] = []

    def take(self, *raws: bytes, received_day: float | None = None, tenant: str = "a") -> None:
        """Judge events on the live path, each received when it happened unless said otherwise."""
        for raw in raws:
            at_ms = json.loads(raw)["at_ms"]
            received = at_ms if received_day is None else PACK_START_MS + received_day * DAY_MS
            outcomes: list[Any] = [None]
            self.flow.take([Asked(tenant, raw, SCOPES, True)], outcomes, int(received))
            assert not isinstance(outcomes[0], Exception), outcomes[0]
            self.flow.commit()

    def history(self, journal: JournalReader | None = None) -> History:
        """This past, to be read."""
        return History(
            journal or self.journal,
            lambda pack: wire(pack, SETTINGS, self.key, MemoryJournal()),
        )

    def build(
        self, journal: JournalReader | None = None, **wanted: Any
    ) -> tuple[Kept, DatasetFacts]:
        """A training set of it."""
        sheets: list[Kept] = []

        def open_sheet(features: Sequence[str]) -> Kept:
            sheets.append(Kept(features))
            return sheets[-1]

        asked = {"span": Span(), "types": {"payment.attempted"}, "label_delay_ms": 0, **wanted}
        facts = build(self.history(journal), Wanted(**asked), open_sheet)
        return sheets[0], facts


class Rewritten:
    """A journal with some of its rows exchanged."""

    def __init__(self, journal: MemoryJournal, rows: Mapping[int, Row]) -> None:
        self._journal, self._rows = journal, rows

    def last_seq(self) -> int:
        """As the journal."""
        return self._journal.last_seq()

    def rows(self, after: int = 0) -> Any:
        """As the journal, but for the rows exchanged."""
        return (self._rows.get(row.seq, row) for row in self._journal.rows(after))

    def policy(self, policy: str) -> bytes | None:
        """As the journal."""
        return self._journal.policy(policy)


@pytest.fixture
def past(tmp_path: Path) -> Past:
    """An empty past under the small pack."""
    return Past(load_pack(write_pack(tmp_path / "pack")))


def label(id: str, subject: str, verdict: str, day: float, source: str = "manual_review") -> bytes:
    """Somebody says what an event was."""
    return json.dumps({
        "id": id, "type": "label.assigned", "at_ms": PACK_START_MS + round(day * DAY_MS),
        "user": "u1", "verdict": verdict, "subject_event": subject, "label_source": source,
    }).encode()  # fmt: skip


def same_bits(one: npt.NDArray[np.float64], other: npt.NDArray[np.float64]) -> bool:
    """Whether two matrices have the same bits, missing being missing."""
    both = [np.where(np.isnan(m), np.nan, m + 0.0).view(np.int64) for m in (one, other)]
    return bool(np.array_equal(both[0], both[1]))


@pytest.mark.slow
def test_a_hundred_thousand_rows_are_what_the_live_path_saw(tmp_path: Path) -> None:
    """Each row has the features on which its event was judged, bit for bit: served, computed anew,
    and read back from the file; for every type of event."""
    pack = load_pack(starter_path())
    types = set(builtin().types)
    seen: dict[int, npt.NDArray[np.float64]] = {}
    with kanhe_in_memory(Settings(state_limit_mib=2048), lambda: SHOP_START_MS, pack) as live:
        features = live._flow.features
        observe = features.observe_group

        def watched(group: Group) -> Any:
            vectors, packed = observe(group)
            seen[len(seen)] = vectors.copy()
            return vectors, packed

        features.observe_group = watched  # type: ignore[method-assign]  # to see what is served
        group: list[Asked] = []
        now_ms = 0
        for one in simulate(7, 100_000):
            now_ms = max(now_ms, one.at_ms)
            group.append(Asked("a", one.body, SCOPES, True))
            if len(group) == 250:
                taken = live.take(group, now_ms)
                assert not [o for o in taken if isinstance(o, Exception)]
                live.commit()
                group = []
        served = np.concatenate(list(seen.values()))
        assert served.shape == (100_000, len(pack.features))
        key, journal = live._key, live.journal
        history = History(journal, lambda p: wire(p, SETTINGS, key, MemoryJournal()))
        # What happened to the installation itself stands between the events.
        numbers = [row.seq for row in journal.rows() if row.is_event]
        path = tmp_path / "set.parquet"
        for wanted in (
            Wanted(Span(), types, 7 * DAY_MS),
            Wanted(Span(), types, 7 * DAY_MS, pack=pack),
        ):
            sheets: list[ParquetSheet] = []

            def open_sheet(names: Sequence[str]) -> ParquetSheet:
                sheets.append(ParquetSheet(path, COLUMNS, names))  # noqa: B023 (called in the loop)
                return sheets[0]  # noqa: B023 (called in the loop)

            facts = build(history, wanted, open_sheet)
            assert facts.rows == 100_000
            table = pq.read_table(path)
            assert table["seq"].to_pylist() == numbers
            found = np.column_stack([table[name].to_numpy() for name in facts.features])
            assert same_bits(found, served)
            assert facts.positives > 50


def test_a_row_holds_what_was_known(past: Past) -> None:
    """Outcome, money in the base currency, country, account, label with source and time."""
    past.take(payment("p0", 0, card_country="FR", ip_country="DE"), payment("p1", 60, ip_country="CN"),
              payment("p2", 120, user="u2", currency="USD"), payment("p3", 180, user=None, card="c9"),
              label("l1", "p1", "fraud", 3), label("l2", "p2", "legitimate", 4, "chargeback"))  # fmt: skip
    kept, facts = past.build()
    assert kept.columns["seq"] == [1, 2, 3, 4]
    assert kept.column("outcome") == {
        "p0": "allow",
        "p1": "allow",
        "p2": "challenge",
        "p3": "allow",
    }
    assert kept.column("label") == {"p0": 0, "p1": 1, "p2": 0, "p3": 0}
    assert kept.column("label_source") == {
        "p0": None, "p1": "manual_review", "p2": "chargeback", "p3": None,
    }  # fmt: skip
    assert kept.column("label_known_ms")["p1"] == PACK_START_MS + 3 * DAY_MS
    assert kept.column("amount_minor") == {"p0": 1999, "p1": 1999, "p2": None, "p3": 1999}
    assert kept.column("country") == {"p0": "FR", "p1": "CN", "p2": None, "p3": None}
    assert kept.column("new_buyer") == {"p0": True, "p1": False, "p2": True, "p3": None}
    assert kept.features == ["card_n_10m", "user_n_1h"]
    assert kept.matrix[:, 0].tolist() == [1.0, 2.0, 3.0, 1.0]
    assert math.isnan(kept.matrix[3, 1])
    assert (facts.rows, facts.positives, facts.negatives, facts.silent) == (4, 1, 3, 2)
    assert (facts.unconverted, facts.left_out) == (1, {"claims": 2})
    assert json.loads(kept.facts)["policy"] == past.pack.hash


def test_a_set_as_of_a_day_knows_what_had_arrived(past: Past) -> None:
    """A label received after the day is not in it; neither is an event."""
    past.take(payment("p0"), payment("p1", 60))
    past.take(label("l0", "p0", "fraud", 2), received_day=20)
    past.take(payment("p2", 30 * DAY_S))
    as_of_ms = PACK_START_MS + 19 * DAY_MS
    kept, facts = past.build(as_of_ms=as_of_ms)
    assert kept.column("label") == {"p0": 0, "p1": 0}
    assert facts.left_out == {"after_as_of": 1, "claims": 1}
    kept, _ = past.build(as_of_ms=as_of_ms + DAY_MS)
    assert kept.column("label") == {"p0": 1, "p1": 0}


def test_events_younger_than_the_delay_have_no_label(past: Past) -> None:
    """Not even one that was known early: else the youngest rows would be all fraud."""
    past.take(payment("old"), payment("edge", 3 * DAY_S), payment("young", 3 * DAY_S + 1))
    past.take(label("l0", "young", "fraud", 4), label("l1", "old", "fraud", 10))
    kept, facts = past.build(label_delay_ms=7 * DAY_MS)
    assert kept.column("label") == {"old": 1, "edge": 0, "young": None}
    assert kept.column("label_source")["young"] is None
    assert (facts.unripe, facts.unlabelled) == (1, 1)


def test_what_is_neither_fraud_nor_honest_has_no_label(past: Past) -> None:
    """Abuse and unknown are left open, unless they are asked for as label 1."""
    past.take(payment("p0"), payment("p1", 1), label("l0", "p0", "abuse", 1),
              label("l1", "p1", "unknown", 1))  # fmt: skip
    kept, facts = past.build()
    assert kept.column("label") == {"p0": None, "p1": None}
    assert facts.unlabelled == 2
    kept, _ = past.build(positive=("fraud", "abuse"))
    assert kept.column("label") == {"p0": 1, "p1": None}


def test_types_tenants_and_spans_choose_the_rows(past: Past) -> None:
    """What is outside is counted; an account seen before the span is not new in it."""
    past.take(payment("p0"), payment("p1", 60))
    past.take(payment("b0", 70), tenant="b")
    past.take(json.dumps({"id": "x", "type": "account.login", "user": "u1",
                          "at_ms": PACK_START_MS + 80_000}).encode())  # fmt: skip
    kept, facts = past.build(span=Span(first_seq=2), tenant="a")
    assert kept.column("new_buyer") == {"p1": False}
    assert facts.left_out == {"other_type": 1}
    kept, facts = past.build(types={"account.login", "payment.attempted"})
    assert kept.columns["tenant"] == ["a", "a", "b", "a"]
    assert kept.column("new_buyer")["b0"] is True
    assert (facts.first_seq, facts.last_seq) == (1, 4)


def test_the_shop_s_own_word_on_first_orders_counts(past: Past) -> None:
    """A buyer who bought before the journal began is not new, if the shop says so."""
    past.take(payment("p0", is_first_order=False), payment("p1", 1, user="u2", is_first_order=True))
    assert past.build()[0].column("new_buyer") == {"p0": False, "p1": True}


def test_erased_events_are_left_out_and_counted(past: Past) -> None:
    """Nothing of somebody who was erased comes into a training set."""
    past.take(payment("p0"), payment("p1", 1), label("l0", "p0", "fraud", 1))
    rows = {row.seq: row for row in past.journal.rows()}
    journal = Rewritten(past.journal, {1: erased(rows[1], b"entry")})
    assert next(journal.rows()).kind == ERASED
    kept, facts = past.build(journal)
    assert kept.columns["event_id"] == ["p1"]
    assert facts.left_out == {"claims": 1, "erased": 1}
    assert past.build(journal, pack=past.pack)[1].left_out == {"claims": 1, "erased": 1}


def test_another_pack_has_its_features_computed_anew(past: Past, tmp_path: Path) -> None:
    """As a replay would: from the first row on, also for rows before the span."""
    wider = FEATURES.replace('"10m"', '"90d"')
    other = load_pack(write_pack(tmp_path / "other", wider))
    past.take(*(payment(f"p{n}", n * DAY_S) for n in range(4)))
    kept, facts = past.build(pack=other, span=Span(first_seq=3))
    assert kept.matrix[:, 0].tolist() == [3.0, 4.0]
    assert (facts.recomputed, facts.policy) == (True, other.hash)
    assert past.build(span=Span(first_seq=3))[0].matrix[:, 0].tolist() == [1.0, 1.0]


def test_derived_numbers_stand_behind_the_features(tmp_path: Path) -> None:
    """What rules and models read beside the vector, served or computed anew: the same numbers."""
    features = FEATURES + (
        'ratio = value("payment.attempted", amount_base / card_n_10m)\n'
        'again = value("payment.attempted", card_n_10m > 1)\n'
    )
    past = Past(load_pack(write_pack(tmp_path / "pack", features)))
    past.take(payment("p0"), payment("p1", 60), payment("p2", 61, card=None))
    kept, facts = past.build()
    assert kept.features == ["card_n_10m", "user_n_1h", "ratio", "again"]
    assert (facts.features, facts.derived) == (["card_n_10m", "user_n_1h"], ["ratio", "again"])
    assert kept.matrix[:2, 2:].tolist() == [[1999.0, 0.0], [999.5, 1.0]]
    assert math.isnan(kept.matrix[2, 2])
    assert same_bits(past.build(pack=past.pack)[0].matrix, kept.matrix)
    rows = list(past.journal.rows())
    _, facts = past.build(Rewritten(past.journal, {2: rows[1]._replace(body=b"{")}))
    assert facts.left_out == {"unreadable": 1}


def test_rows_judged_on_other_features_are_left_out(tmp_path: Path) -> None:
    """Served vectors of another pack are not mixed in; another pack with the same features is."""
    first = Past(load_pack(write_pack(tmp_path / "a")))
    first.take(payment("p0"))
    for folder, features, kept_ids, left_out in (
        ("b", FEATURES.replace('"10m"', '"20m"'), ["p1"], {"other_features": 1}),
        ("c", FEATURES, ["p0", "p1"], {}),
    ):
        past = Past(load_pack(write_pack(tmp_path / folder, features)))
        (tmp_path / folder / "pack.toml").write_text(MANIFEST.replace("A small", "Another"))
        past = Past(load_pack(tmp_path / folder))
        past.take(payment("p0"), payment("p1", 1))
        row = next(first.journal.rows())
        past.journal.keep_policy(first.pack.hash, first.pack.archive)
        journal = Rewritten(past.journal, {1: row})
        kept, facts = past.build(journal)
        assert kept.columns["event_id"] == kept_ids
        assert facts.left_out == left_out


def test_damaged_vectors_are_left_out(past: Past) -> None:
    """A vector that does not fit is counted, and its neighbours stay."""
    past.take(payment("p0"), payment("p1", 1), payment("p2", 2))
    rows = list(past.journal.rows())
    kept, facts = past.build(Rewritten(past.journal, {2: rows[1]._replace(vector=b"\x03")}))
    assert kept.columns["event_id"] == ["p0", "p2"]
    assert facts.left_out == {"unreadable": 1}
    kept, facts = past.build(
        Rewritten(past.journal, {2: rows[1]._replace(body=b"{")}), pack=past.pack
    )
    assert kept.columns["event_id"] == ["p0", "p2"]
    assert facts.left_out == {"unreadable": 1}


def test_nothing_to_learn_from_is_told(past: Past, tmp_path: Path) -> None:
    """An empty span, an unknown type, and a pack that is not kept are told with what to do."""
    with pytest.raises(DatasetError, match="see --from"):
        past.build()
    past.take(payment("p0"))
    with pytest.raises(DatasetError, match="see kanhe events list"):
        past.build(types={"payment.attempted", "no.such"})
    with pytest.raises(DatasetError, match="after_as_of: 1"):
        past.build(as_of_ms=0)
    past.journal._policies.clear()
    with pytest.raises(DatasetError, match="name one with --policy"):
        past.build()


def test_a_feature_with_the_name_of_a_column_is_refused(tmp_path: Path) -> None:
    """Two columns of one name could be read as each other."""
    features = FEATURES + 'outcome = count("payment.attempted", by="card", over="1h")\n'
    past = Past(load_pack(write_pack(tmp_path / "pack", features)))
    past.take(payment("p0"))
    with pytest.raises(DatasetError, match="give the feature another name"):
        past.build()


def test_a_file_is_whole_or_not_there(past: Past, tmp_path: Path) -> None:
    """Until the last block is written nothing stands at its place, and a failure leaves what was."""
    path = tmp_path / "set.parquet"
    path.write_bytes(b"earlier")
    row = {name: [None] for name in COLUMNS}
    with pytest.raises(RuntimeError), ParquetSheet(path, COLUMNS, ["f"]) as sheet:
        sheet.write(row, np.ones((1, 1)))
        assert path.read_bytes() == b"earlier"
        raise RuntimeError
    assert [p.name for p in tmp_path.iterdir() if p.is_file()] == ["set.parquet"]
    assert path.read_bytes() == b"earlier"
    with ParquetSheet(path, COLUMNS, ["f"]) as sheet:
        sheet.write(row, np.full((1, 1), np.nan))
        sheet.finish(b"{}")
    table = pq.read_table(path)
    assert pq.read_metadata(path).metadata[FACTS] == b"{}"
    assert table.num_rows == 1
    assert math.isnan(table["f"][0].as_py())
    with pytest.raises(StorageError, match="cannot write"):
        ParquetSheet(tmp_path / "none" / "set.parquet", COLUMNS, [])
