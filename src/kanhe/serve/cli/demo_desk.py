"""The desk at the end of a demo: filled with the past of the simulated shop, served while it goes on living."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Set
from itertools import dropwhile, takewhile
from typing import NamedTuple

import msgspec

from kanhe.core.errors import Refusal
from kanhe.core.settings import Settings
from kanhe.core.time import DAY_MS
from kanhe.serve.cli.serving import now_ms, serve
from kanhe.serve.cli.terminal import progress_bar, say
from kanhe.serve.cli.wording import words
from kanhe.simulate import SimulatedEvent, live, simulate

TENANT = "demo"
DAYS = 33
"""Of which thirty and a part have passed when the desk is served: the rest is yet to happen."""
_PASSED = 30
_PAUSE_S = 0.5
"""Between two simulated events beside a served desk: the shop lives faster there than shops do."""


class Past(NamedTuple):
    """The life of a shop up to a moment."""

    events: int
    seed: int
    start_ms: int
    expected: int
    """About how many events that is; exactly, for one of a fixed size."""
    until_ms: int = 0
    """The moment, 0 for a shop of a fixed size."""

    def lived(self) -> Iterator[SimulatedEvent]:
        """Its events. Raises `SimulationError`."""
        if not self.until_ms:
            return simulate(self.seed, self.events, start_ms=self.start_ms)
        life = live(self.seed, self.events, DAYS, self.start_ms)
        return takewhile(lambda event: event.at_ms <= self.until_ms, life)


def past_until_now(events: int, seed: int) -> Past:
    """A shop that has lived for about a month, until now. Raises `SimulationError`."""
    simulate(seed, events)  # Whether so many can be, before more are asked for.
    now = now_ms()
    start = now // DAY_MS * DAY_MS - _PASSED * DAY_MS
    share = (now - start) / (DAYS * DAY_MS)
    return Past(round(events / share), seed, start, events, now)


def fill_and_serve(settings: Settings, shop: Past, attacks: Set[str], *, ends: bool) -> None:
    """Fill the desk from the journal, and serve it with the judging process until told to stop."""
    # The desk is loaded where it is used; judging does without.
    from kanhe.app.demo_desk import DemoDesk

    settings = msgspec.structs.replace(
        settings, require_keys=False, console=True, port=_free(settings.port),
        console_port=_free(settings.console_port),
    )  # fmt: skip
    desk = DemoDesk(settings, now_ms, shop.seed)
    try:
        with progress_bar() as bar:
            task = bar.add_task(words("demo.desk"), total=shop.expected)
            reasons = (words("demo.attack"), words("demo.no_attack"))
            left = desk.fill(attacks, reasons, lambda done: bar.update(task, completed=done))
        say(words("demo.open", cases=left))
        if ends:
            return
        link = desk.let_in(words("demo.visitor"))
    finally:
        desk.close()
    say(words("demo.come_in"))
    say(f"\n  {link}\n")
    going_on = ["--events", shop.events, "--seed", shop.seed, "--start-ms", shop.start_ms]
    serve(settings, ("demo-live", *map(str, going_on)))


def go_on(settings: Settings, events: int, seed: int, start_ms: int, beside_parent: bool) -> None:
    """Have the shop live on: one event after the other to the judge beside which this runs."""
    from pathlib import Path

    from kanhe.app.judge_link import JudgeDownError, JudgeLink
    from kanhe.serve.cli.sequencing import until_stopped

    stop = until_stopped(beside_parent, 10)
    link = JudgeLink(Path(settings.data_dir))
    until = now_ms()
    for event in dropwhile(lambda e: e.at_ms <= until, live(seed, events, DAYS, start_ms)):
        while not stop.wait(_PAUSE_S):
            try:
                link.decide_one(TENANT, _now(event))
                break
            except JudgeDownError:
                continue  # It may be starting yet.
            except Refusal:
                break
        if stop.is_set():
            break
    link.close()


def _now(event: SimulatedEvent) -> bytes:
    """The event as one that happens now."""
    body = msgspec.json.decode(event.body)
    return msgspec.json.encode({**body, "at_ms": now_ms()})


def _free(port: int) -> int:
    """This port of this machine, or any other one if it is taken."""
    for wanted in (port, 0):
        with socket.socket() as sock:
            try:
                sock.bind(("127.0.0.1", wanted))
            except OSError:
                continue
            found: int = sock.getsockname()[1]
            return found
    return port
