"""`kanhe demo`: a shop that lives and is attacked, judged by the real path, with what was caught.

Then its desk is filled and served (`demo_desk`). With `--data` the orders of a real shop take the place of the simulation.
"""

from __future__ import annotations

import os
import tempfile
import time
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from kanhe.app import Kanhe, Pending
from kanhe.core.errors import Refusal, SettingsError
from kanhe.core.settings import Settings
from kanhe.judge.intake.importing import MappedEvent
from kanhe.serve.cli.demo_desk import TENANT as _TENANT
from kanhe.serve.cli.demo_desk import Past, fill_and_serve, past_until_now
from kanhe.serve.cli.importing import ImportRun
from kanhe.serve.cli.serving import opened
from kanhe.serve.cli.terminal import OK, REFUSED, print_json, print_table, progress_bar, say, tell
from kanhe.serve.cli.wording import either, words
from kanhe.simulate import (
    START_MS,
    CampaignResult,
    DemoReport,
    HonestResult,
    Scoreboard,
    SimulatedEvent,
)

_GROUP = 64
_SCOPES = frozenset({"decide", "record", "lists"})
_MOST_SHOWN = 10
_SHIPPED_MAPPING = Path("examples/online_retail/mapping.toml")


class Speed(msgspec.Struct, frozen=True):
    """How fast it went. Times are of deciding one event, in microseconds."""

    events: int
    seconds: float
    per_s: int
    p50_us: float
    p99_us: float


def run(
    settings: Settings,
    events: int,
    seed: int,
    data: Path | None,
    mapping: Path | None,
    as_json: bool,
    ends: bool,
) -> int:
    """Run the demo in a folder of its own, or in the data folder if one was named.

    The desk is filled unless numbers alone were asked for, and served unless it `ends`.
    """
    with _place(settings) as (placed, kept):
        if data is not None:
            return _real_orders(placed, data, mapping or _mapping_beside(), as_json)
        shop = past_until_now(events, seed) if not ends else Past(events, seed, START_MS, events)
        attacks: set[str] = set()
        code = _simulated(placed, shop, attacks, as_json)
        if kept and not as_json:
            say(words("demo.kept", path=placed.data_dir))
        if not as_json:
            fill_and_serve(placed, shop, attacks, ends=ends)
        return code


def ends_by_itself() -> bool:
    """Whether the environment asks for a demo that ends: `KANHE_DEMO_EXIT` is set, and not to 0."""
    return os.environ.get("KANHE_DEMO_EXIT", "0") not in ("", "0")


@contextmanager
def _place(settings: Settings) -> Iterator[tuple[Settings, bool]]:
    """Where the demo keeps its journal, and whether that stays: nobody's real folder by accident."""
    if settings.data_dir != Settings().data_dir:
        yield settings, True
        return
    with tempfile.TemporaryDirectory(prefix="kanhe-demo-") as folder:
        yield msgspec.structs.replace(settings, data_dir=folder), False


def _mapping_beside() -> Path:
    if not _SHIPPED_MAPPING.exists():
        raise SettingsError(words("demo.needs_map"))
    return _SHIPPED_MAPPING


# The simulated shop


def _simulated(settings: Settings, shop: Past, attacks: set[str], as_json: bool) -> int:
    life = shop.lived()  # First, so that a wrong wish is told before anything begins.
    with opened(settings) as engine:
        tell(words("demo.making", events=shop.expected))
        scores = Scoreboard()
        speed, refused = _judge_all(engine, scores, life, shop.expected, attacks)
    report = scores.report()
    if as_json:
        told = {**report.as_json(), "speed": speed, "refused": refused, "seed": shop.seed}
        print_json(told)
    else:
        _show(report, speed)
    return REFUSED if refused else OK


def _judge_all(
    engine: Kanhe,
    scores: Scoreboard,
    life: Iterator[SimulatedEvent],
    events: int,
    attacks: set[str],
) -> tuple[Speed, int]:
    """Judge the whole life of the shop as it happens; only judging and storing are timed.

    `attacks` gets the ids of what was not simply allowed and was part of an attack.
    """
    taken, refused, working = array("d"), 0, 0.0
    group: list[tuple[SimulatedEvent, str]] = []
    with progress_bar() as bar:
        task = bar.add_task(words("demo.judging"), total=events)
        for number, event in enumerate(life, 1):
            begun = time.perf_counter()
            try:
                # The shop's own time: an event arrives in the moment in which it happens.
                pending = engine.judge(_TENANT, event.body, _SCOPES, event.at_ms)
            except Refusal:
                refused += 1
                continue
            took = time.perf_counter() - begun
            taken.append(took)
            working += took
            group.append((event, pending.outcome))
            if event.campaign is not None and pending.outcome != "allow":
                attacks.add(_id_of(event.body))
            if len(group) == _GROUP:
                working += _commit(engine, scores, group)
                bar.update(task, completed=number)
        working += _commit(engine, scores, group)
        bar.update(task, completed=events)
    return _speed(taken, working), refused


class _Named(msgspec.Struct):
    id: str


def _id_of(body: bytes) -> str:
    return msgspec.json.decode(body, type=_Named).id


def _commit(engine: Kanhe, scores: Scoreboard, group: list[tuple[SimulatedEvent, str]]) -> float:
    """Make a group durable, and only then count it; returns how long the writing took."""
    begun = time.perf_counter()
    engine.commit()
    took = time.perf_counter() - begun
    for event, outcome in group:
        scores.add(event, outcome)
    group.clear()
    return took


def _speed(taken: array[float], seconds: float) -> Speed:
    ordered = sorted(taken)
    at = [ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1e6 for share in (0.5, 0.99)]
    return Speed(len(ordered), seconds, round(len(ordered) / seconds), *at)


def _show(report: DemoReport, speed: Speed) -> None:
    columns = ("attack", "events", "caught", "attackers", "first_caught", "first_stopped")
    print_table(
        [words(f"col.{column}") for column in columns],
        [_campaign(campaign) for campaign in report.campaigns],
        title=words("demo.title"),
        right=(1, 2, 3, 4, 5),
        caption=words("demo.columns"),
    )
    _show_honest(report.honest)
    say(
        words(
            "demo.speed", events=speed.events, seconds=speed.seconds, rate=speed.per_s,
            p50=speed.p50_us, p99=speed.p99_us,
        )
    )  # fmt: skip
    say(words("demo.simulated"))


def _campaign(campaign: CampaignResult) -> tuple[object, ...]:
    return (
        either(campaign.en, campaign.zh),
        campaign.events,
        f"{campaign.recall:.0%}",
        f"{campaign.actor_recall:.0%}",
        _span(campaign.first_caught_ms),
        _span(campaign.first_stopped_ms),
    )


def _show_honest(honest: HonestResult) -> None:
    say(
        words(
            "demo.honest", events=honest.events, alarmed=honest.events_alarmed,
            rate=honest.event_rate, buyers=honest.buyers, buyers_alarmed=honest.buyers_alarmed,
            buyer_rate=honest.buyer_rate, denied=honest.events_denied,
        )
    )  # fmt: skip
    say(words("demo.others", alarmed=honest.others_alarmed, events=honest.others_events))


def _span(ms: int | None) -> str:
    """A duration as people say it."""
    if ms is None:
        return words("demo.never")
    if ms == 0:
        return words("demo.at_once")
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("min", 60_000), ("s", 1_000)):
        if ms >= size:
            return words(f"span.{unit}", value=ms / size)
    return words("span.ms", value=ms)


# Real orders


class _Customer(msgspec.Struct):
    """What is remembered of one customer of a real shop."""

    events: int = 0
    flagged: int = 0
    """Events that were not simply allowed."""
    score: int = 0
    why: dict[str, tuple[int, str]] = {}
    """By rule: its points and what it said last."""


class Suspicion:
    """Gathers, over an import, which customers stand out and why."""

    def __init__(self) -> None:
        self._customers: dict[str, _Customer] = {}

    def notice(self, event: MappedEvent, pending: Pending) -> None:
        """Take one judged event into account."""
        body = msgspec.json.decode(event.body)
        name = body.get("user")
        if not name or pending.repeated:
            return
        customer = self._customers.setdefault(name, _Customer())
        customer.events += 1
        decision = msgspec.json.decode(pending.answer)
        customer.flagged += decision["outcome"] != "allow"
        customer.score = max(customer.score, decision["score"])
        for reason in decision.get("reasons", ()):
            if not reason.get("error"):
                said = either(reason["text"]["en"], reason["text"]["zh"])
                customer.why[reason["rule"]] = (reason["points"], said)

    def most(self) -> list[dict[str, Any]]:
        """The customers to look at first."""
        ranked = sorted(
            ((name, c) for name, c in self._customers.items() if c.score > 0),
            key=lambda pair: (-pair[1].score, -pair[1].flagged, pair[0]),
        )
        return [
            {
                "customer": name,
                "events": c.events,
                "flagged": c.flagged,
                "highest_score": c.score,
                "why": [said for _, said in sorted(c.why.values(), key=lambda w: -w[0])[:3]],
            }
            for name, c in ranked[:_MOST_SHOWN]
        ]


def _real_orders(settings: Settings, data: Path, mapping: Path, as_json: bool) -> int:
    suspicion = Suspicion()
    with opened(settings) as engine:
        importing = ImportRun(engine, data, mapping)
        importing.go(_TENANT, record=False, noticed=suspicion.notice)
    if as_json:
        print_json({**importing.as_json(), "suspicious": suspicion.most(), "simulated": False})
    else:
        importing.show()
        columns = [words(f"col.{c}") for c in ("customer", "orders", "flagged", "score", "why")]
        rows = [(c["customer"], c["events"], c["flagged"], c["highest_score"], "\n".join(c["why"]))
                for c in suspicion.most()]  # fmt: skip
        print_table(columns, rows, title=words("demo.suspicious"), right=(1, 2, 3),
                    caption=words("demo.no_labels"))  # fmt: skip
    return REFUSED if importing.report.refused() else OK
