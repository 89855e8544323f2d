"""A real server with real step-up behind it, in this process."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from kanhe.app import open_kanhe, open_keys
from kanhe.app.installation import Kanhe
from kanhe.app.stepping_up.opening import StepUps
from kanhe.core.settings import Settings
from kanhe.serve.api.server import prepare_server
from tests.api.listening import listening


class Served(NamedTuple):
    """A server that listens."""

    url: str
    token: str
    other_token: str
    """Of a key without the scope."""
    engine: Kanhe
    step_ups: StepUps
    now_ms: int
    """The time for step-ups, which stands still: no test runs into the end of a code."""

    def client(self, token: str | None = None) -> httpx.Client:
        """An HTTP client of a shop."""
        headers = {"authorization": f"Bearer {self.token if token is None else token}"}
        return httpx.Client(base_url=self.url, headers=headers, timeout=20)

    def journaled(self) -> list[dict[str, Any]]:
        """The events of the journal about step-up and factors, in order."""
        kept = [json.loads(row.body) for row in self.engine.journal.rows(0) if row.tenant == "shop"]
        return [one for one in kept if one["type"].split(".")[0] in ("step_up", "account", "staff")]


def clock() -> int:
    """This machine's time."""
    return time.time_ns() // 1_000_000


@contextmanager
def serving(folder: Path, **settings: Any) -> Iterator[Served]:
    """A server over the installation in `folder`, stopped at the end."""
    own = Settings(data_dir=str(folder), port=0, **settings)
    keys = open_keys(own, clock)
    token = keys.create("shop", "tests", ("step_up", "decide", "record", "read"))
    other = keys.create("shop", "no step-up", ("record",))
    now_ms = clock()
    step_ups = StepUps(own, lambda: now_ms)
    with open_kanhe(own, clock) as engine:
        server, sock = prepare_server(engine, keys, own, lambda: b"{}", None, step_ups)
        try:
            with listening(server, sock) as url:
                yield Served(url, token, other, engine, step_ups, now_ms)
        finally:
            server.close()
            step_ups.close()
            keys.close()
