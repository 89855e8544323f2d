"""People who are let in by a word, so that the frame is tested without accounts."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from starlette.routing import BaseRoute

from kanhe.app.console import open_console
from kanhe.core.actor import Actor, Visitor
from kanhe.core.settings import Settings
from kanhe.serve.console import cookies, forgery
from kanhe.serve.console.application import console_app

with warnings.catch_warnings():
    # Starlette's client wants a successor of httpx by now, and works with httpx all the same.
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient

ORIGIN = "http://localhost:8081"
SAME = {"sec-fetch-site": "same-origin", "origin": ORIGIN}
"""What a browser says of a form that was sent from one of our pages."""


def person(name: str, *permissions: str, tenant: str = "", **more: Any) -> Visitor:
    """Somebody with these permissions."""
    return Visitor(
        actor=Actor(staff=name.lower().replace(" ", "-"), name=name, tenant=tenant, session="s-1"),
        permissions=frozenset(permissions),
        **more,
    )


class Door:
    """Sessions by token, and what people chose. Stands in for `kanhe.app.staffing.Staffing`."""

    def __init__(self, **people: Visitor) -> None:
        self.people = dict(people)
        self.clear: set[tuple[str, str]] = set()

    def visitor(self, token: str) -> Visitor | None:
        """Whose token this is."""
        return self.people.get(token)

    def fresh(self, visitor: Visitor) -> bool:
        """Whether they have shown a second factor lately."""
        return visitor.actor.session != "stale"

    def prefer(self, visitor: Visitor, **choices: str) -> None:
        """Remember the choice."""
        for token, known in self.people.items():
            if known.actor.staff == visitor.actor.staff:
                self.people[token] = msgspec.structs.replace(known, **choices)  # type: ignore[arg-type]

    def reveal(self, visitor: Visitor, subject: str, reason: str, **more: str) -> None:
        """Let them see this in clear."""
        self.clear.add((visitor.actor.staff, subject))

    def sees_clear(self, visitor: Visitor, subject: str) -> bool:
        """Whether they were let."""
        return (visitor.actor.staff, subject) in self.clear


@contextmanager
def console(
    folder: Path, door: Door, routes: Sequence[BaseRoute] = (), **settings: Any
) -> Iterator[TestClient]:
    """A console behind this door, with these routes beside its own."""
    chosen = Settings(data_dir=str(folder), **settings)
    services = open_console(chosen, lambda: 1_790_000_000_000)
    services.staffing = door
    app = console_app(services, chosen)
    app.router.routes.extend(routes)
    try:
        with TestClient(app, base_url=ORIGIN, follow_redirects=False) as client:
            yield client
    finally:
        services.close()


def come_in(client: TestClient, token: str) -> dict[str, str]:
    """Sign in by a word; gives what a form of this session carries."""
    client.cookies.set(cookies.SESSION, token)
    return {"csrf": forgery.token_of(token)}
