"""Sending: JSON, and problems as RFC 9457 writes them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import msgspec

from kanhe.core.errors import PROBLEM_MEDIA_TYPE, FieldProblem, Problem, Refusal

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

_JSON = (b"content-type", b"application/json")
_PROBLEM = (b"content-type", PROBLEM_MEDIA_TYPE.encode())
_REPEATED = (b"kanhe-repeated", b"true")
RETRY_AFTER_S = 1
"""What 503 suggests: the cause may be gone as soon as the next group is written."""

_encode = msgspec.json.encode


class Rejected(Refusal):
    """A refusal that also needs response headers, such as `Retry-After`."""

    def __init__(
        self, problem: Problem, *headers: tuple[bytes, bytes], close: bool = False
    ) -> None:
        super().__init__(problem)
        self.headers = [*headers, (b"connection", b"close")] if close else list(headers)


def rejected(
    slug: str,
    title: str,
    status: int,
    detail: str,
    *headers: tuple[bytes, bytes],
    close: bool = False,
    errors: tuple[FieldProblem, ...] = (),
) -> Rejected:
    """Build a rejection whose problem type is `/problems/<slug>`; `close` ends the connection."""
    return Rejected(
        Problem(f"/problems/{slug}", title, status, detail, errors), *headers, close=close
    )


def retry_after(seconds: float) -> tuple[bytes, bytes]:
    """The header that says when to try again, in whole seconds, at least one."""
    return (b"retry-after", str(max(1, int(seconds + 0.999))).encode())


def storage_problem() -> Problem:
    """What is answered when the journal cannot be written: nothing happened, try again."""
    return Problem(
        "/problems/storage-unavailable",
        "The event could not be stored",
        503,
        "The journal cannot be written at the moment. Nothing was recorded; send the same event again.",
    )


def no_such_decision() -> Rejected:
    """The rejection of a handle that leads to no decision of the caller's tenant."""
    return rejected("not-found", "No such decision", 404, "There is no decision with this id.")


async def send_json(
    send: Send, body: bytes, status: int = 200, repeated: bool = False, head_only: bool = False
) -> None:
    """Answer with JSON that is already encoded."""
    headers = [_JSON, (b"content-length", b"%d" % len(body))]
    if repeated:
        headers.append(_REPEATED)
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if head_only else body})


async def send_problem(send: Send, problem: Problem, headers: Headers | None = None) -> None:
    """Answer with a problem; its status is the response's."""
    body = _encode(problem)
    await send(
        {
            "type": "http.response.start",
            "status": problem.status,
            "headers": [
                _PROBLEM,
                (b"content-length", b"%d" % len(body)),
                (b"cache-control", b"no-store"),
                *(headers or ()),
            ],
        }
    )
    await send({"type": "http.response.body", "body": body})
