"""Deny, allow and watch lists over HTTP. Every change is an event, and durable before its answer.

`GET /v1/lists` names the lists of the policy pack; `GET /v1/lists/{name}` shows the
tenant's own entries (those of the pack stand in its files);
`POST /v1/lists/{name}/entries` adds one, `DELETE /v1/lists/{name}/entries/{value}` removes one.
"""

from __future__ import annotations

import time
import uuid
from itertools import islice
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from kanhe.core.errors import FieldProblem
from kanhe.core.event import Asked
from kanhe.serve.api.access import Caller
from kanhe.serve.api.answers import Rejected, rejected
from kanhe.serve.api.intake import Intake
from kanhe.serve.api.ports import Engine

_MOST_SHOWN = 1_000


class NewEntry(msgspec.Struct, forbid_unknown_fields=True):
    """What is sent to add an entry to a list."""

    value: str
    """What the list holds: a card token, an address, a user."""
    expires_ms: int | None = None
    """When the entry stops counting; without it, never."""
    note: str = ""
    """Why it was added."""
    staff: str = ""
    """Who added it; without it, the API key."""
    id: str = ""
    """The sender's id of this change, which makes a retry harmless."""


class ListRoutes:
    """The routes of lists over one engine."""

    def __init__(self, engine: Engine, intake: Intake) -> None:
        self._engine = engine
        self._intake = intake

    def routes(self) -> list[Route]:
        """For Starlette's router."""
        return [
            Route("/v1/lists", self._names, methods=["GET"]),
            Route("/v1/lists/{name}", self._entries, methods=["GET"]),
            Route("/v1/lists/{name}/entries", self._add, methods=["POST"]),
            Route("/v1/lists/{name}/entries/{value:path}", self._remove, methods=["DELETE"]),
        ]

    async def _names(self, request: Request) -> Response:
        self._admit(request)
        return _json({"lists": list(self._engine.lists().specs.values())})

    async def _entries(self, request: Request) -> Response:
        caller = self._admit(request)
        name = self._known(request)
        after = request.query_params.get("after", "")
        all_entries = self._engine.lists().entries(name, caller.tenant)
        page = [
            {
                "value": value,
                "expires_ms": entry.expires_ms,
                "reason": entry.reason,
                "author": entry.author,
                "added_ms": entry.added_ms,
            }
            for value, entry in islice(
                (pair for pair in all_entries if pair[0] > after), _MOST_SHOWN + 1
            )
        ]
        more = page[_MOST_SHOWN - 1]["value"] if len(page) > _MOST_SHOWN else None
        return _json({"list": name, "entries": page[:_MOST_SHOWN], "next_after": more})

    async def _add(self, request: Request) -> Response:
        caller = self._admit(request)
        name = self._known(request)
        length = int(request.headers.get("content-length", "-1"))
        body = await self._intake.reading.whole(request.receive, length, self._intake.most_bytes)
        try:
            entry = msgspec.json.decode(body, type=NewEntry)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise _bad_entry(str(error)) from None
        spelled = self._engine.lists().spelled(name, entry.value)
        if spelled is None:
            raise _bad_entry(entry.value, "value", "a network address, IPv4 or IPv6")
        change: dict[str, Any] = {"value": spelled}
        if entry.expires_ms is not None:
            change["expires_ms"] = entry.expires_ms
        if entry.note:
            change["note"] = entry.note
        return await self._change(
            caller, "list.entry_added", name, change, entry.staff, entry.id, 201
        )

    async def _remove(self, request: Request) -> Response:
        caller = self._admit(request)
        name = self._known(request)
        value = request.path_params["value"]
        value = self._engine.lists().spelled(name, value) or value
        if not self._engine.lists().contains(name, caller.tenant, value, _now_ms()):
            raise rejected("not-found", "No such entry", 404, f"The list {name} has no such entry.")
        return await self._change(caller, "list.entry_removed", name, {"value": value}, "", "", 200)

    async def _change(
        self,
        caller: Caller,
        event_type: str,
        name: str,
        change: dict[str, Any],
        staff: str,
        change_id: str,
        status: int,
    ) -> Response:
        """Record the change as an event; answer when it is durable."""
        event = {
            "id": change_id or uuid.uuid4().hex,
            "type": event_type,
            "at_ms": _now_ms(),
            "list_name": name,
            # Whoever signed in at the desk cannot be written down as somebody else.
            "staff": caller.staff or staff or f"key:{caller.key_id}",
            **change,
        }
        waiting = await self._intake.group.take_one(
            Asked(caller.tenant, msgspec.json.encode(event), caller.scopes, False)
        )
        if waiting.repeated and waiting.type != event_type:
            raise rejected(
                "id-taken",
                "The id belongs to another event",
                409,
                f"{event['id']} is the id of an earlier {waiting.type}; nothing was changed.",
            )
        return Response(waiting.answer, status, media_type="application/json")

    def _admit(self, request: Request) -> Caller:
        caller = self._intake.gate.admit(request.headers.get("authorization", "").encode(), "lists")
        self._intake.gate.spend(caller)
        return caller

    def _known(self, request: Request) -> str:
        name: str = request.path_params["name"]
        known = self._engine.lists().specs
        if name not in known:
            detail = f"The policy pack has these lists: {', '.join(sorted(known)) or 'none'}."
            raise rejected("not-found", "No such list", 404, detail)
        return name


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _json(content: Any) -> Response:
    return Response(msgspec.json.encode(content), media_type="application/json")


def _bad_entry(got: str, field: str = "", expected: str = "a list entry") -> Rejected:
    return rejected(
        "entry-invalid",
        "The list entry is not valid",
        422,
        "Expected an object with 'value' and, as needed, 'expires_ms', 'note', 'staff' and 'id'.",
        errors=(FieldProblem(field, expected, got[:80]),),
    )
