"""Receipts, and the log as files (C2SP tlog-tiles). Nothing here makes or changes an entry.

`GET /v1/decisions/{decision_id}/receipt` proves that a decision stands in the log;
`GET /log/checkpoint` and `GET /log/tile/…` are the log itself, for whoever checks it. Another
process folds rows into the log a moment after they are answered, so a receipt may have to be waited
for; what has been published is there for good.
"""

from __future__ import annotations

import re

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from kanhe.record.log.errors import FormatError
from kanhe.record.log.proof import MEDIA_TYPE, SUFFIX
from kanhe.record.log.tiles import parse_path
from kanhe.serve.api.access import Caller, Gate
from kanhe.serve.api.answers import RETRY_AFTER_S, no_such_decision, rejected, retry_after
from kanhe.serve.api.ports import Engine

_PREFIX = "/log/"
_CHECKPOINT = "checkpoint"
_CHECKPOINT_TYPE = "text/plain; charset=utf-8"
_TILE_TYPE = "application/octet-stream"
_FOR_GOOD = "max-age=31536000, immutable"
_HANDLE = re.compile(r"[0-9A-Za-z_-]{1,64}")


class LogRoutes:
    """The routes of receipts and of the log over one engine.

    Files of a `public` log are handed to everybody, and so they are where there are no keys.
    """

    def __init__(self, engine: Engine, gate: Gate, public: bool) -> None:
        self._engine = engine
        self._gate = gate
        self._public = public or gate.is_open
        # A file that was asked for with a key may stay with the one who asked, but no cache on the
        # way may hand it to the next one, who may have none.
        self._tile_cache = f"{'public' if self._public else 'private'}, {_FOR_GOOD}"

    def routes(self) -> list[Route]:
        """For Starlette's router."""
        return [
            Route("/v1/decisions/{decision_id}/receipt", self._receipt),
            Route(_PREFIX + "{path:path}", self._file),
        ]

    async def _receipt(self, request: Request) -> Response:
        """The proof that a decision stands in the log."""
        caller = self._admit(request, "read")
        with_event = _flag(request, "event")
        if with_event:
            self._admit(request, "evidence")
        self._gate.spend(caller)
        decision: str = request.path_params["decision_id"]
        # It becomes the name of a file, in a header: what cannot be one is not even asked about.
        if not _HANDLE.fullmatch(decision):
            raise no_such_decision()
        receipt = self._engine.receipt(caller.tenant, decision, with_event)
        if receipt is None:
            raise no_such_decision()
        if not receipt:
            raise rejected(
                "receipt-pending",
                "The receipt is not ready yet",
                503,
                "The decision is durable; the log takes it in about a second later. Ask again.",
                retry_after(RETRY_AFTER_S),
            )
        headers = {
            "content-type": MEDIA_TYPE,
            "content-disposition": f'attachment; filename="{decision}{SUFFIX}"',
            "cache-control": "no-store",
        }
        return Response(receipt, headers=headers)

    async def _file(self, request: Request) -> Response:
        """A published file of the log."""
        if not self._public:
            self._gate.spend(self._admit(request, "read"))
        path = _log_path(request)
        content = None if path is None else self._engine.log_file(path)
        if content is None:
            raise rejected(
                "not-found",
                "The log has no such file",
                404,
                "See c2sp.org/tlog-tiles for the paths; the checkpoint says how far they go.",
            )
        if path == _CHECKPOINT:
            headers = {"content-type": _CHECKPOINT_TYPE, "cache-control": "no-cache"}
        else:
            headers = {"content-type": _TILE_TYPE, "cache-control": self._tile_cache}
        return Response(content, headers=headers)

    def _admit(self, request: Request, scope: str) -> Caller:
        return self._gate.admit(request.headers.get("authorization", "").encode(), scope)


def _log_path(request: Request) -> str | None:
    """The path below the log's prefix, if it is written as the log writes it; else `None`.

    It is read as it was sent, not as it was decoded: a file of the log has one address, and an
    escaped slash or dot is no part of it.
    """
    sent: bytes | None = request.scope.get("raw_path")
    whole: str = request.scope["path"] if sent is None else sent.decode("latin-1")
    path = whole.removeprefix(_PREFIX)
    if path == _CHECKPOINT:
        return path
    try:
        return parse_path(path).path
    except FormatError:
        return None


def _flag(request: Request, name: str) -> bool:
    """A parameter that is `true`, `false` or left out; anything else is refused."""
    given = request.query_params.getlist(name)
    if given in ([], ["false"]):
        return False
    if given == ["true"]:
        return True
    raise rejected(
        "request-invalid",
        "The request is not valid",
        400,
        f"The parameter {name} is true or false, and given once.",
    )
