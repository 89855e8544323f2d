"""Looking: what the console shows of the journal, by its index. Nothing here changes anything.

Every question is asked by an `Actor` and answered within their tenant; what is another tenant's is not
there (`NotThereError`). Every answer is bounded. Where there is no index yet, `NothingYetError`.
"""

from __future__ import annotations

from collections.abc import Sequence

from kanhe.app.ledger import Ledger
from kanhe.app.looking import analytics as over_time
from kanhe.app.looking import auditing, casefiles, decisions, entities, linking, listings, searching
from kanhe.app.looking.analytics import AnalyticsView, Span
from kanhe.app.looking.auditing import Acts, Wanted
from kanhe.app.looking.casefiles import CaseLine, Workload
from kanhe.app.looking.decisions import DecisionView
from kanhe.app.looking.entities import Asked, Entity, Timeline
from kanhe.app.looking.linking import Graph
from kanhe.app.looking.listings import Listings
from kanhe.app.looking.live import Judge, Live, LiveView
from kanhe.app.looking.searching import Found
from kanhe.app.looking.sources import NothingYetError, NotThereError, Sources
from kanhe.core.actor import Actor
from kanhe.core.settings import Settings
from kanhe.core.time import Clock
from kanhe.record.log.entries import was_decided
from kanhe.stores.desk.database import Desk
from kanhe.stores.desk.outgoing import tell_of

__all__ = [
    "Acts", "AnalyticsView", "Asked", "CaseLine", "DecisionView", "Entity", "Found", "Graph", "Listings", "LiveView",
    "Looking", "NotThereError", "NothingYetError", "Span", "Timeline", "Wanted", "Workload",
]  # fmt: skip


class Looking:
    """What the console asks. Safe to use from several threads."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        judge: Judge | None = None,
        desk: Desk | None = None,
    ) -> None:
        self._sources = Sources(settings, clock)
        self._live = Live(self._sources, judge)
        self._desk = desk

    def decision(self, actor: Actor, handle: str) -> DecisionView:
        """Everything about the decision of this handle."""
        return decisions.decision_of(self._sources, actor, handle)

    def receipt(self, actor: Actor, handle: str, *, with_event: bool) -> bytes | None:
        """Its receipt; `None` as long as the log does not have it. Raises `StorageError`."""
        row = self._sources.row(decisions.seq_of_handle(handle), actor)
        if not was_decided(row):
            raise NotThereError("that event was not decided")
        return Ledger(self._sources.settings).receipt(row, with_event=with_event)

    def log_keys(self) -> list[str]:
        """The keys by which a receipt is checked."""
        return [str(one.key) for one in Ledger(self._sources.settings).keys.public()]

    def entity(self, actor: Actor, kind: str, value: str, tenant: str = "") -> Entity:
        """What is counted about an entity."""
        return entities.entity_of(self._sources, actor, kind, value, tenant)

    def listings(self, actor: Actor, kind: str, value: str, tenant: str = "") -> Listings:
        """Which lists it was put on and taken off, as its newest events tell."""
        with self._sources.index() as index:
            name, _ = entities.find_name(index, actor, kind, value, tenant)
            now = self._sources.clock()
            return listings.listings_of(index, self._sources.journal(), name, now)

    def timeline(
        self, actor: Actor, kind: str, value: str, asked: Asked, tenant: str = ""
    ) -> Timeline:
        """A page of its events."""
        return entities.timeline_of(self._sources, actor, kind, value, asked, tenant)

    def linked(
        self,
        actor: Actor,
        tenant: str,
        seeds: Sequence[tuple[str, str]],
        most: int = linking.MOST_NODES,
    ) -> Graph:
        """What hangs together with entities of one tenant, given as kinds and values."""
        if not actor.sees(tenant):
            raise NotThereError("there is no such entity")
        with self._sources.index() as index:
            return linking.linked(index, tenant, seeds, most)

    def search(self, actor: Actor, text: str) -> list[Found]:
        """What a text may mean."""
        return searching.search(self._sources, actor, text)

    def live(self, actor: Actor) -> LiveView:
        """What happens now."""
        return self._live.view(actor)

    def analytics(self, actor: Actor, span: Span) -> AnalyticsView:
        """How it went over a span."""
        return over_time.analytics(self._sources, actor, span)

    def extent_ms(self) -> tuple[int, int]:
        """When the first and the last event happened, to the hour; 0 and 0 without one."""
        first = over_time.first_hour_ms(self._sources)
        return (first, over_time.last_hour_ms(self._sources)) if first else (0, 0)

    def cases_naming(self, actor: Actor, tenant: str, kind: str, value: str) -> list[CaseLine]:
        """The newest cases whose alerts name an entity."""
        if self._desk is None:
            return []
        return casefiles.cases_naming(self._desk, actor, tenant, kind, value)

    def case_of_event(self, actor: Actor, tenant: str, event_id: str) -> int:
        """The number of the case in which an event raised an alert; 0 if there is none."""
        if self._desk is None:
            return 0
        return casefiles.case_of_event(self._desk, actor, tenant, event_id)

    def case(self, actor: Actor, number: int) -> CaseLine | None:
        """A case in a few words."""
        return None if self._desk is None else casefiles.find_case(self._desk, actor, number)

    def workload(self, actor: Actor, begin_ms: int, end_ms: int) -> Workload | None:
        """How the work on cases went over a span; `None` without a desk."""
        if self._desk is None:
            return None
        now = self._sources.clock()
        return casefiles.workload(self._desk, actor, begin_ms, end_ms, now)

    def note_export(self, actor: Actor, what: str, lines: int) -> None:
        """Record that somebody took out a table of so many lines."""
        if self._desk is not None:
            with self._desk.writing() as connection:
                tell_of(
                    connection, actor, "exported", "report", self._sources.clock(),
                    record_count=lines, note=what,
                )  # fmt: skip

    def audit(self, actor: Actor, wanted: Wanted) -> Acts:
        """Who did what."""
        return auditing.acts(self._sources, actor, wanted)

    def close(self) -> None:
        """Release the files."""
        self._sources.close()
