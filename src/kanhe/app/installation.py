"""The path of an event with all that surrounds it: recovery, snapshots, upkeep, receipts."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from kanhe.app.changeover import Helper
from kanhe.app.drift_files import kept_report
from kanhe.app.policies import Policies, Who, read_life
from kanhe.app.succession import Succession
from kanhe.app.upkeep import Upkeep
from kanhe.core.decision import seq_of
from kanhe.core.errors import KanheError, StorageError
from kanhe.core.event import Asked
from kanhe.core.settings import Settings
from kanhe.core.time import Clock
from kanhe.flow import Flow, Outcomes, Pending
from kanhe.judge.features.layout import GROUP
from kanhe.judge.features.live import LiveFeatures
from kanhe.judge.features.memory import MemoryFullError
from kanhe.judge.intake.reader import Reader
from kanhe.judge.policy.beside import scoring_of
from kanhe.judge.policy.life import KANHE, Life
from kanhe.judge.policy.pack import Pack
from kanhe.judge.rules.compile import compile_rules
from kanhe.judge.rules.lists import Lists
from kanhe.judge.verdict.caps import RELEASED, Stop
from kanhe.judge.verdict.governor import Governor, Held
from kanhe.learn.drift.findings import Finding
from kanhe.record.journal.ports import DECIDED, Journal, Row
from kanhe.record.log.entries import Happening, was_decided
from kanhe.stores.files.background import BackgroundSnapshots
from kanhe.stores.files.lock import FolderLock
from kanhe.stores.files.snapshots import SnapshotFolder

_RETRY_AFTER_MS = 10_000
_TEND_S = 0.05
_CHASE_S = 0.003
"""How long another pack's memory is worked on once a second, and after each group."""

Progress = Callable[[int, int], None]
"""Called now and then while the state is rebuilt, with rows done and rows in all."""


class Stats(msgspec.Struct, frozen=True):
    """How an installation stands right now."""

    seq: int
    entities: int
    state_bytes: int
    policy: str
    rules_fired: Mapping[str, int]
    snapshot_seq: int
    torn: bool
    unknown_types: Mapping[str, int] = {}
    """Journaled events that the pack in force cannot read any more, by type: they count for nothing."""
    log_size: int = 0
    """How many entries the published log has."""
    log_cosignatures: int = 0
    """How many witnesses cosigned the published checkpoint."""
    log_cosignatures_required: int = 0
    """How many are required to."""
    governor: Sequence[Held] = ()
    """The caps that hold something just now."""
    decisions_held: int = 0
    """How many decisions the governor softened since the start."""
    drift: Sequence[Finding] = ()
    """How what is watched for drift stood at the last look; empty if nothing is."""
    score_ratios: Mapping[str, float] = {}
    """By model: how many frauds there were for each that its scores had said."""


class Kanhe:
    """One running installation: judge or record, then commit, then answer.

    Not safe for use from several threads. After a `StorageError` the next call rebuilds memory from
    the journal by itself, as soon as the journal can be written again; until then it raises too.
    """

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        journal: Journal,
        pack: Pack,
        key: bytes,
        snapshots: SnapshotFolder | None = None,
        lock: FolderLock | None = None,
        progress: Progress | None = None,
        upkeep: Upkeep | None = None,
        life: Life | None = None,
    ) -> None:
        self.settings = settings
        self.clock = clock
        self.pack = pack
        self.journal = journal
        self._key = key
        self._snapshots = snapshots
        self._background = BackgroundSnapshots(snapshots) if snapshots else None
        self._lock = lock
        self._upkeep = upkeep
        self._snapshot_seq = 0
        self._snapshot_ms = clock()
        self._progress = progress
        self._unknown: dict[str, int] = {}
        self._retry_ms, self._trouble = 0, ""
        self._lost: StorageError | None = None
        self._readying: threading.Thread | None = None
        journal.keep_policy(pack.hash, pack.archive)
        self._succession = Succession(Path(settings.data_dir), key, self._wired)
        self.policies = Policies(self, life or read_life(journal), clock)
        self._flow = self._wire()
        self._flow.features.memory.reserve(settings.state_reserve_mib << 20)
        self._flow.reader.warm()
        self._flow.features.warm()
        self._flow.rules.warm()
        self._catch_up()
        if self.policies.life.begun and self.policies.life.in_force != pack.hash:
            # It was due when the last process ended: memory was rebuilt under it just now.
            self.policies.take("in_force", pack.hash, Who(KANHE))

    @property
    def policy(self) -> str:
        """The content hash of the pack that decides; see `policies.Notes`."""
        life = self.policies.life
        return life.in_force if life.begun else self.pack.hash

    def help_with(self, helper: Helper) -> None:
        """Have other processes make the memory of packs ready."""
        self._succession.helper = helper

    def _wire(self) -> Flow:
        return self._wired(self.pack)

    def _wired(self, pack: Pack) -> Flow:
        return wire(pack, self.settings, self._key, self.journal)

    @property
    def flow(self) -> Flow:
        """The path of the pack in force."""
        return self._flow

    def _catch_up(self) -> None:
        """Bring memory to where the journal ends: the newest snapshot, and every row after it."""
        last = self.journal.last_seq()
        start = self._load_snapshot(last)
        flow = self._flow
        flow.seq = start
        self._unknown = {}
        for row in self.journal.rows(flow.seq):
            self._replay(row)
            if self._progress and row.seq % 10_000 == 0:
                self._progress(row.seq, last)
        flow.seq = last

    def _replay(self, row: Row) -> None:
        if not self._flow.replay(row):
            self._unknown[row.type] = self._unknown.get(row.type, 0) + 1

    def _load_snapshot(self, last: int) -> int:
        """Take over the newest snapshot that the journal reaches; 0 if there is none that fits."""
        found = self._snapshots.newest(last) if self._snapshots else None
        if found is None:
            return 0
        seq, parts = found
        # Lists are a function of pack and journal too, so a snapshot of another pack is of no use.
        if parts.get("pack") != self.pack.hash.encode():
            return 0
        try:
            fits = self._flow.features.load(parts)
            self._flow.lists.load(parts["lists"])
            self._flow.governor.load(parts["governor"])
        except (KanheError, KeyError, ValueError):
            fits = False
        if not fits:
            # A snapshot is only a shortcut. One that does not fit may have been half taken over.
            self._flow = self._wire()
            return 0
        self._snapshot_seq = seq
        if self._background is not None:
            self._background.saved = seq
        return seq

    def recover(self) -> None:
        """Rebuild memory from the journal. Raises `StorageError` while it cannot be written."""
        # A clock that was set back must not put the next try off for as long.
        if 0 < self._retry_ms - self.clock() <= _RETRY_AFTER_MS:
            raise StorageError(self._trouble)
        gathered = self._flow.seq > self.journal.last_seq()
        try:
            # What was gathered before memory tore is whole: it becomes durable rather than be lost.
            self.journal.commit()
        except StorageError as error:
            if gathered:
                # Those who wait for it must hear so from the `commit` that they wait for.
                self._lost = error
            raise
        self.journal.check_writable()
        self._succession.leave_candidate()
        self._flow = self._wire()
        try:
            self._catch_up()
        except BaseException as error:
            # Half a memory must never judge. And rebuilding is dear: do not repeat it for every
            # event that comes while it cannot work.
            self._flow.torn = True
            self._pause(error)
            raise

    def _pause(self, error: BaseException) -> None:
        """Do not try to rebuild again for a while."""
        self._retry_ms, self._trouble = self.clock() + _RETRY_AFTER_MS, str(error)

    def judge(
        self,
        tenant: str,
        raw: bytes,
        scopes: frozenset[str] = frozenset(),
        received_ms: int | None = None,
    ) -> Pending:
        """Decide one event in memory; raises what `take` would give back. Answer only after `commit`."""
        return _only(self.take([Asked(tenant, raw, scopes, True)], received_ms))

    def record(
        self,
        tenant: str,
        raw: bytes,
        scopes: frozenset[str] = frozenset(),
        received_ms: int | None = None,
    ) -> Pending:
        """Take one event in without a decision; raises what `take` would give back. Answer only
        after `commit`."""
        return _only(self.take([Asked(tenant, raw, scopes, False)], received_ms))

    def take(
        self, asked: Sequence[Asked], received_ms: int | None = None
    ) -> Sequence[Pending | Exception]:
        """Judge or record events in their order, in memory; see `flow.Flow.take`.

        In place of each event that was not taken stands why: a `Refusal`, a `StorageError`, or a
        fault of the program. Answer only after `commit`.
        """
        now_ms = received_ms or self.clock()
        if len(asked) > GROUP:
            return [
                outcome
                for begin in range(0, len(asked), GROUP)
                for outcome in self.take(asked[begin : begin + GROUP], now_ms)
            ]
        outcomes: list[Pending | Exception | None] = [None] * len(asked)
        error = self._walk(asked, outcomes, now_ms)
        if error is None:
            return outcomes  # type: ignore[return-value]  # each has its outcome
        # What broke a group is found by walking the rest of it one by one: it costs one event only.
        for place, one in enumerate(asked):
            if outcomes[place] is None:
                alone: list[Pending | Exception | None] = [None]
                error = self._walk([one], alone, now_ms) if len(asked) > 1 else error
                outcomes[place] = alone[0] or error
        return outcomes  # type: ignore[return-value]  # as above

    def _walk(
        self, asked: Sequence[Asked], outcomes: Outcomes, received_ms: int
    ) -> Exception | None:
        """Send events down the path, rebuilt first if it is torn; gives back what broke on the way."""
        try:
            if self._flow.torn:
                self.recover()
            (self._succession.sharing or self._flow).take(asked, outcomes, received_ms)
        except Exception as error:  # the boundary: this breaks one event, not its group
            if isinstance(error, MemoryFullError):
                self._pause(error)
            self._flow.torn |= self._succession.broke()
            return error
        return None

    def note(self, happening: str, name: str, body: bytes) -> None:
        """Write a row for something that is no event, durable when it returns; see `flow.Flow.note`.

        Does nothing if there is a row of that name already. Raises `StorageError`.
        """
        if self.journal.find("", name) is None:
            self._flow.note(happening, name, body, self.clock())
        self._commit()

    def release_rule(
        self, rule: str, event_type: str, stop: Stop, *, minutes: int, by: str, why: str = ""
    ) -> bool:
        """Let a rule go that the governor holds (empty: all together), durable when it returns; for so
        many minutes it has no cap then. False, and nothing happens, if it is not held.
        """
        held = self._flow.governor.in_effect()
        if (event_type, rule, stop) not in {(h.event_type, h.rule, h.outcome) for h in held}:
            return False
        facts = {"rule": rule or "*", "event_type": event_type, "outcome": stop}
        body = msgspec.json.encode(
            Happening(facts | {"minutes": str(minutes), "by": by, "why": why})
        )
        self.note(RELEASED, f"governor:{self._flow.seq + 1}", body)
        return True

    def erase_rows(self, entries: Mapping[int, bytes]) -> None:
        """Destroy the content of rows, durable when it returns; see `Journal.erase`."""
        self.commit()
        self.journal.erase(entries)

    def forget(self, tenant: str, names: Iterable[tuple[str, str]]) -> None:
        """Destroy the list entries of somebody, here and in snapshots."""
        for kind, id in names:
            self._flow.lists.forget(tenant, kind, id)
        if self._background is not None:
            self._background.drop_all()
            self._snapshot_seq = 0
            self._succession.forget()

    def is_saving(self) -> bool:
        """Whether a snapshot is being written just now."""
        return self._background is not None and self._background.busy()

    def tend(self) -> None:
        """Do what is due beside the events; call it about once a second.

        Raises `StorageError`, also as long as the last snapshot could not be saved.
        """
        if self._upkeep is not None and not self._flow.torn:
            self._upkeep.tend(self)
        if not self._flow.torn:
            self._succession.tend(self, _TEND_S)
        if self._background is not None and self._background.has_ended():
            _paging(self._flow.features.memory.gather_pages)
        if self._background is not None and self._background.trouble:
            raise StorageError(f"a snapshot could not be saved: {self._background.trouble}")

    def finish_upkeep(self) -> None:
        """Do all that is due at once, for a command that ends then."""
        if self._upkeep is not None:
            self._upkeep.finish(self)

    def receipt(self, tenant: str, decision: str, with_event: bool) -> bytes | None:
        """The receipt of a decision (a `.tlog-proof` file), for the tenant it belongs to.

        `None` if there is no such decision, empty while the log does not have it yet: a second
        later it does. Of a decision that was erased it holds the entry alone. Raises `StorageError`
        if the log does not prove it.
        """
        seq = seq_of(decision)
        row = self.journal.read(seq) if seq else None
        if row is None or row.tenant != tenant or not was_decided(row):
            return None
        if self._upkeep is None:
            return b""
        return self._upkeep.ledger.receipt(row, with_event=with_event) or b""

    def log_file(self, path: str) -> bytes | None:
        """A published file of the log by its path; `None` if there is none."""
        return self._upkeep.ledger.file(path) if self._upkeep else None

    def commit(self) -> None:
        """Make everything so far durable. Raises `StorageError` if none of the group was kept."""
        self._commit()
        if self._succession.changeover is not None:
            self._succession.tend(self, _CHASE_S)
        if self._snapshot_due():
            self.snapshot()
        if self._flow.features.memory.runs_short:
            self._make_ready()

    def _make_ready(self) -> None:
        """Have a thread take the memory that the state needs next."""
        if self._readying is None or not self._readying.is_alive():
            self._readying = _paging(self._flow.features.memory.make_ready)

    def _commit(self) -> None:
        lost, self._lost = self._lost, None
        self._flow.commit()
        if lost is not None:
            raise StorageError(str(lost)) from lost

    def switch(self, flow: Flow) -> None:
        """Have a path that is where the journal is take the place of the one in force."""
        # The row that says so is the last one under the old pack, and the new one takes it in.
        self.policies.take("in_force", flow.pack.hash, Who(KANHE))
        for row in self.journal.rows(flow.seq):
            flow.replay(row)
        flow.fired.update(self._flow.fired)
        self._flow, self.pack = flow, flow.pack
        self._unknown = {}
        # Without one, a start from here on would have to take in every row.
        self.snapshot()

    def finish_changeover(self) -> None:
        """Bring the packs that are due into this process, for a caller who has nothing else to do."""
        self._succession.finish(self)

    def read(self, tenant: str, decision: str) -> bytes | None:
        """The answer behind a handle, for the tenant it belongs to."""
        row = self._row(decision)
        return row.answer if row and row.tenant == tenant else None

    def row(self, tenant: str, decision: str) -> Row | None:
        """The whole journal row behind a handle, for the tenant it belongs to."""
        row = self._row(decision)
        return row if row and row.tenant == tenant else None

    def _row(self, decision: str) -> Row | None:
        seq = seq_of(decision)
        row = self.journal.read(seq) if seq else None
        return row if row and row.kind == DECIDED else None

    def _snapshot_due(self) -> bool:
        behind = self._flow.seq - self._snapshot_seq
        if self._snapshots is None or behind == 0:
            return False
        settings = self.settings
        if behind >= settings.snapshot_every_events:
            return True
        return behind >= 1000 and self.clock() - self._snapshot_ms >= settings.snapshot_every_ms

    def snapshot(self, *, background: bool = True) -> None:
        """Save the state as it stands after the last commit, so that the next start is quick.

        In the background, a forked child puts together and writes what memory holds at this moment
        while the path goes on. A snapshot is only ever a shortcut: losing one costs time, never an event.
        """
        if self._background is None or self._flow.torn:
            return
        if background:
            if not self._background.save(self._flow.seq, self._dump):
                return
        else:
            self._background.save_here(self._flow.seq, self._dump)
        self._snapshot_seq, self._snapshot_ms = self._flow.seq, self.clock()

    def _dump(self) -> dict[str, bytes | memoryview[Any]]:
        return {
            "pack": self.pack.hash.encode(),
            "lists": self._flow.lists.dump(),
            "governor": self._flow.governor.dump(),
            **self._flow.features.dump(),
        }

    def lists(self) -> Lists:
        """The lists as they stand now."""
        return self._flow.lists

    def stats(self) -> Stats:
        """How the installation stands right now."""
        flow = self._flow
        size, cosigned = self._upkeep.ledger.state() if self._upkeep else (0, 0)
        drift = kept_report(self.settings) if self._upkeep else None
        return Stats(
            seq=flow.seq,
            entities=flow.features.memory.entities,
            state_bytes=flow.features.memory.used_bytes,
            policy=self.pack.hash,
            rules_fired=dict(flow.fired),
            snapshot_seq=self._background.saved if self._background else 0,
            torn=flow.torn,
            unknown_types=dict(self._unknown),
            log_size=size,
            log_cosignatures=cosigned,
            log_cosignatures_required=self.settings.log_cosignatures,
            governor=flow.governor.in_effect(),
            decisions_held=flow.governor.held,
            drift=drift.findings if drift else (),
            score_ratios=drift.score_ratios if drift else {},
        )

    def state(self) -> dict[str, bytes]:
        """A copy of the whole feature state and lists, for comparing two installations."""
        lists, governor = self._flow.lists.dump(), self._flow.governor.dump()
        return {**self._flow.features.content(), "lists": lists, "governor": governor}

    def close(self) -> None:
        """Save a snapshot, release the journal and the folder. Rows not committed are dropped."""
        try:
            if self._background and not self._flow.torn:
                self._background.wait()
                if self._flow.seq > self._background.saved:
                    self.snapshot(background=False)
        except StorageError:
            # The journal has everything; a snapshot that cannot be saved only costs time later.
            pass
        finally:
            self._succession.leave_changeover()
            if self._background:
                self._background.wait()
            self.journal.close()
            if self._lock:
                self._lock.release()

    def __enter__(self) -> Kanhe:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _paging(work: Callable[[], None]) -> threading.Thread:
    """Start a thread that sees to the pages of memory, beside the events, if there is room for one."""
    thread = threading.Thread(target=work, name="kanhe-pages", daemon=True)
    with suppress(RuntimeError):  # All goes on without it, only more slowly.
        thread.start()
    return thread


def _only(outcomes: Sequence[Pending | Exception]) -> Pending:
    """The one outcome there is; raises it if it is an error."""
    (outcome,) = outcomes
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


def wire(pack: Pack, settings: Settings, key: bytes, journal: Journal) -> Flow:
    """Everything the path of an event needs, empty of events."""
    types = pack.registry.types
    features = LiveFeatures(
        pack.features,
        {name: pack.registry.fields_of(name) for name in types},
        {name: ("id", "at_ms", *kind.requires) for name, kind in types.items()},
        pack.rates,
        key,
        settings.state_limit_mib << 20,
    )
    reader = Reader(
        pack.registry,
        max_body_bytes=settings.max_body_bytes,
        future_tolerance_ms=settings.future_tolerance_ms,
    )
    beside = scoring_of(pack, features.text_code)
    rules = compile_rules(
        pack.rules, pack.registry, beside.index, pack.rates, features.text_code, beside
    )
    lists = Lists(pack.lists, pack.entries)
    asks = {rule.id: rule.outcome for rule in pack.rules}
    governor = Governor(pack.governor, pack.verdict, asks, pack.rates, key)
    return Flow(pack, reader, journal, features, rules, lists, governor, secrets.token_bytes)
