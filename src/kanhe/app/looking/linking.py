"""Who hangs together: from a few entities to those that events name beside them.

(1) From each entity, its newest events; whoever they name beside it is a neighbour, the closer the more
    of these events name both. (2) A hub, such as the address of a mobile carrier or a merchant, is
    shown and never walked through: that two people have it in common says nothing. (3) The closest
    neighbours that are no hubs are walked from once more. (4) Of what was found the closest are kept,
    and how their own events came out is told.

Everything is bounded: so many events of an entity, so many entities walked from, so many kept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import log2
from typing import NamedTuple

from kanhe.stores.sqlite.index_reader import IndexReader, NameRow

LINKING_KINDS = frozenset({
    "user", "device", "ip", "card", "email", "phone", "address", "merchant", "courier", "staff",
    "bank_account",
})  # fmt: skip
"""Kinds that make people hang together. An order or a session is named by one person's events only."""
HUB_KINDS = frozenset({"merchant", "courier", "staff"})
"""Kinds with which everybody has to do."""
HUB_FROM = 60
"""An entity beside which so many others of one kind stand is a hub."""
_LARGE = 1_000
"""So is one with so many events."""
MOST_SEEDS = 20
MOST_NODES = 30
_EVENTS = 200
_WALKED = 10
_EVENTS_SECOND = 60
_JUDGED = 100


class Node(NamedTuple):
    """An entity of the graph."""

    kind: str
    value: str
    events: int
    first_ms: int
    last_ms: int
    is_seed: bool
    is_hub: bool
    refused: int
    """Of its newest hundred events, how many were refused or sent to a person."""
    fraud: int
    """Of these, how many are known to be fraud or abuse."""
    steps: int
    """How far from what was begun with."""


class Edge(NamedTuple):
    """Two entities that the same events name: places in `nodes`, and how many events were seen."""

    one: int
    other: int
    events: int
    strength: float
    """From 0 to 1."""


class Graph(NamedTuple):
    """Entities that hang together."""

    tenant: str
    nodes: tuple[Node, ...]
    """Those begun with first, then by closeness."""
    edges: tuple[Edge, ...]
    is_cut: bool
    """Whether more were found than are shown."""


def linked(
    index: IndexReader, tenant: str, seeds: Sequence[tuple[str, str]], most: int = MOST_NODES
) -> Graph:
    """What hangs together with some entities of one tenant; those that nobody knows are passed over."""
    begun = [
        name
        for kind, value in list(dict.fromkeys(seeds))[:MOST_SEEDS]
        if (name := index.name(tenant, kind, value)) is not None
    ]
    return _Walk(index, tenant, begun, most).graph()


class _Walk:
    """One search, with all names that it has met."""

    def __init__(
        self, index: IndexReader, tenant: str, begun: Sequence[NameRow], most: int
    ) -> None:
        self._index = index
        self._tenant = tenant
        self._begun = {name.id: name for name in begun}
        self._most = max(most, len(begun))
        self._names: dict[int, NameRow] = dict(self._begun)
        self._together: Counter[tuple[int, int]] = Counter()
        self._hubs: set[int] = set()
        self._steps: dict[int, int] = dict.fromkeys(self._begun, 0)

    def graph(self) -> Graph:
        for id in self._begun:  # (1)
            self._walk(id, _EVENTS, 1)
        near = [
            id
            for id in self._by_closeness()
            if self._steps[id] == 1 and not self._is_hub(id)  # (2)
        ]
        for id in near[:_WALKED]:  # (3)
            self._walk(id, _EVENTS_SECOND, 2)
        kept = [*self._begun, *self._by_closeness()][: self._most]  # (4)
        place = {id: at for at, id in enumerate(kept)}
        edges = [
            Edge(place[one], place[other], count, round(self._strength(one, other), 4))
            for (one, other), count in sorted(self._together.items())
            if one in place and other in place
        ]
        nodes = tuple(self._node(id) for id in kept)
        return Graph(self._tenant, nodes, tuple(edges), len(self._steps) > len(kept))

    def _walk(self, id: int, events: int, step: int) -> None:
        """Count whom the newest events of an entity name beside it."""
        rows = self._index.beside(id, events)
        fresh = {other for row in rows for other in row} - self._names.keys()
        self._names |= self._index.names_by_id(fresh)
        beside: Counter[int] = Counter()
        for row in rows:
            beside.update(o for o in row if o != id and self._names[o].kind in LINKING_KINDS)
        kinds = Counter(self._names[other].kind for other in beside)
        if kinds and max(kinds.values()) >= HUB_FROM:
            self._hubs.add(id)
            if id not in self._begun:
                return
        for other, count in beside.items():
            pair = (id, other) if id < other else (other, id)
            self._together[pair] = max(self._together[pair], count)
            self._steps.setdefault(other, step)

    def _is_hub(self, id: int) -> bool:
        name = self._names[id]
        return id in self._hubs or name.kind in HUB_KINDS or name.events >= _LARGE

    def _strength(self, one: int, other: int) -> float:
        """The share of common events, damped by how busy the busier of both is."""
        a, b = self._names[one], self._names[other]
        pair = (one, other) if one < other else (other, one)
        common = self._together[pair]
        share = common / max(1, min(a.events, b.events, _EVENTS))
        return min(1.0, share) / (1.0 + log2(max(1.0, max(a.events, b.events) / 10)))

    def _by_closeness(self) -> list[int]:
        """Those that were found, the closest first: near steps before far ones."""
        best: dict[int, float] = {}
        for one, other in self._together:
            strength = self._strength(one, other)
            for id in (one, other):
                best[id] = max(best.get(id, 0.0), strength)
        return sorted(
            (id for id in self._steps if id not in self._begun),
            key=lambda id: (self._steps[id], self._is_hub(id), -best.get(id, 0.0), id),
        )

    def _node(self, id: int) -> Node:
        name = self._names[id]
        codes = self._index.mention_codes(id, _JUDGED)
        truths = self._index.truth_of([seq for seq, _ in codes])
        return Node(
            name.kind, name.value, name.events, name.first_ms, name.last_ms, id in self._begun,
            self._is_hub(id), sum(code.outcome in ("deny", "review") for _, code in codes),
            sum(truth.verdict in ("fraud", "abuse") for truth in truths.values()),
            self._steps[id],
        )  # fmt: skip
