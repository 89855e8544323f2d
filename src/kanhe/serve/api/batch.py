"""A stream of lines in, a stream of answers out, in the same order."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from functools import partial

import msgspec

from kanhe.core.errors import Problem, Refusal, StorageError
from kanhe.core.event import Asked
from kanhe.serve.api.access import Caller
from kanhe.serve.api.answers import Headers, Receive, Scope, Send, rejected, storage_problem
from kanhe.serve.api.grouping import MOST_EVENTS, Result
from kanhe.serve.api.intake import Intake, scope_for
from kanhe.serve.api.intake_limits import Disconnected, read_head
from kanhe.serve.api.lines import Line, LineCutter, are_plain
from kanhe.serve.api.outlet import Outlet
from kanhe.serve.api.whole import Answering, Sender, sender_of

NDJSON = b"application/x-ndjson"
GROUP_LINES = 128
"""Lines asked for at once; small, so that they share a group with single events and others' lines."""

_log = logging.getLogger("kanhe.serve")
_encode = msgspec.json.encode
# Named tuples are made through their own `__new__`, which costs three times as much.
_new = tuple.__new__


class _Stopped(Exception):
    """A batch cannot go on, for `cause`; `line` is the first line that was not taken."""

    def __init__(self, cause: Refusal | StorageError, line: int) -> None:
        super().__init__(line)
        self.cause = cause
        self.line = line


class BatchOfEvents:
    """`POST` of many events, one JSON object a line.

    (1) Who is calling, and may they? (2) Read a part of the body and cut it into lines. (3) Put a
    group of lines into the queue, (4) wait until they are judged and durable; a line that is
    refused becomes a problem with its number, and its neighbours go on. (5) Put the answers on
    their way.
    Steps 2 to 5 repeat until the body ends. When the client is cut off, the complete lines that
    arrived stay judged, and the broken one is not.

    That is what the call as an ASGI application does. `Connection` takes a shorter way when a batch
    that fits into one group has arrived at once (`WholeRoute`), with the same answer.
    """

    def __init__(self, intake: Intake, decide: bool, most_bytes: int, most_lines: int) -> None:
        self._intake = intake
        self._gate = intake.gate
        self._decide = decide
        self._needs = scope_for(decide)
        self._most_bytes = most_bytes
        self._most_lines = most_lines

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request. Raises like a single event before the first answer; later faults
        become a last line, because the status has been sent by then."""
        head = read_head(scope["headers"])
        self._gate.admit(head.authorization, self._needs)  # (1)
        if head.length > self._most_bytes:
            raise self._too_large()
        outlet = Outlet(send, NDJSON)
        cutter = LineCutter(self._intake.most_bytes)
        try:
            await self._stream(head.authorization, receive, cutter, outlet)
        except Disconnected:
            self._note_cut(cutter)
            return
        except _Stopped as stopped:
            if not outlet.started:
                raise stopped.cause from None
            outlet.put(self._last_words(stopped), more=False)
            await outlet.finish()
        finally:
            outlet.close()

    def admit(self, headers: Headers) -> Sender:
        """Step (1) for a request that has arrived whole. Raises as the call does."""
        return sender_of(headers, self._gate, self._needs)

    def take(self, sender: Sender, body: bytes, answering: Answering) -> bool:
        """Steps (1) to (3) for such a request; see `WholeRoute`. False if it is not that simple: for
        more than one group, blank or too long lines, and a rate that is used up."""
        if len(body) > self._most_bytes:
            return False
        pieces = body.split(b"\n")
        if not pieces[-1]:
            pieces.pop()
        lines = len(pieces)
        if not 0 < lines <= min(MOST_EVENTS, self._most_lines):
            return False
        if not are_plain(pieces, self._intake.most_bytes):
            return False
        gate = self._gate
        sender.caller = caller = gate.readmit(sender.caller, sender.authorization, self._needs)
        if caller.bucket is not None and caller.bucket.take(lines) > 0.0:
            return False
        tenant, scopes, decide = caller.tenant, caller.scopes, self._decide
        asked = [_new(Asked, (tenant, piece, scopes, decide)) for piece in pieces]
        self._intake.group.ask(asked, partial(answering.told_lines, self))
        return True

    def joined(self, results: Sequence[Result]) -> bytes:
        """The answer to such a request; raises what stands in the way of the whole of it."""
        answers = [
            self._refused(number, result) if isinstance(result, Exception) else result.answer
            for number, result in enumerate(results, 1)
        ]
        answers.append(b"")
        return b"\n".join(answers)

    async def _stream(
        self, authorization: bytes, receive: Receive, cutter: LineCutter, outlet: Outlet
    ) -> None:
        received, more = 0, True
        while more:
            try:
                part, more = await self._intake.reading.chunk(receive)  # (2)
            except Refusal as error:
                raise _Stopped(error, cutter.number + 1) from error
            received += len(part)
            if received > self._most_bytes:
                raise _Stopped(self._too_large(), cutter.number + 1)
            lines = cutter.cut(part)
            if not more:
                lines += cutter.last()
            if cutter.number > self._most_lines:
                lines = [line for line in lines if line[0] <= self._most_lines]
            for start in range(0, len(lines), GROUP_LINES):
                group = lines[start : start + GROUP_LINES]
                try:
                    # Asked again for each group: a batch may last for hours, a revoked key may not.
                    caller = self._gate.admit(authorization, self._needs)
                    await self._pace(caller, len(group), outlet)
                    outlet.put(await self._answer(caller, group), more)  # (3) (4) (5)
                except (Refusal, StorageError) as error:
                    raise _Stopped(error, group[0][0]) from error
            if cutter.number > self._most_lines:
                raise _Stopped(self._too_many(), self._most_lines + 1)
        await outlet.finish()

    async def _answer(self, caller: Caller, group: list[Line]) -> bytes:
        """Ask for one group and give its answers back once they are durable."""
        tenant, scopes, decide = caller.tenant, caller.scopes, self._decide
        asked = [
            _new(Asked, (tenant, text, scopes, decide)) for _, text in group if text is not None
        ]
        results: list[Result] = list(await self._intake.group.take(asked)) if asked else []
        if len(results) < len(group):
            for index, (_, text) in enumerate(group):
                if text is None:
                    results.insert(index, self._line_too_long())
        answers = [
            self._refused(line[0], result) if isinstance(result, Exception) else result.answer
            for line, result in zip(group, results, strict=True)
        ]
        answers.append(b"")
        return b"\n".join(answers)

    def _refused(self, number: int, error: Exception) -> bytes:
        """The problem of one line; raises what is no refusal, because then the batch cannot go on."""
        if not isinstance(error, Refusal):
            raise error
        self._intake.counters.refused(error.problem.type)
        return _encode(msgspec.structs.replace(error.problem, line=number))

    async def _pace(self, caller: Caller, events: int, outlet: Outlet) -> None:
        """Slow a batch down to the caller's rate; refuse it if the rate is used up beforehand."""
        bucket = caller.bucket
        if bucket is None:
            return
        if not outlet.started:
            self._gate.spend(caller)
            events -= 1
        # A bucket fills with time alone, so there is no event to wait for.
        while events and (wait_s := bucket.take(events)) > 0.0:
            await asyncio.sleep(min(wait_s, 1.0))

    def _note_cut(self, cutter: LineCutter) -> None:
        self._intake.counters.refused("batch-cut-off")
        _log.warning(
            "batch.cut_off", extra={"lines": cutter.number, "unfinished": cutter.unfinished}
        )

    def _last_words(self, stopped: _Stopped) -> bytes:
        cause = stopped.cause
        problem = cause.problem if isinstance(cause, Refusal) else storage_problem()
        self._intake.counters.refused(problem.type)
        told: Problem = msgspec.structs.replace(
            problem,
            detail=f"{problem.detail} The batch ends here: send this line and those after it again.",
            line=stopped.line,
        )
        return _encode(told) + b"\n"

    def _too_large(self) -> Refusal:
        detail = f"A batch may have at most {self._most_bytes} bytes; send the rest in another one."
        return rejected("batch-too-large", "The batch is too large", 413, detail, close=True)

    def _too_many(self) -> Refusal:
        detail = f"A batch may have at most {self._most_lines} lines; send the rest in another one."
        return rejected("batch-too-large", "The batch is too large", 413, detail, close=True)

    def _line_too_long(self) -> Refusal:
        detail = f"A line may have at most {self._intake.most_bytes} bytes."
        return rejected("body-too-large", "The line is too long", 413, detail)
