"""One event in, one durable answer out: the route that must be fast."""

from __future__ import annotations

from time import perf_counter

from kanhe.core.event import Asked
from kanhe.serve.api.answers import Headers, Receive, Scope, Send, send_json
from kanhe.serve.api.intake import Intake, scope_for
from kanhe.serve.api.intake_limits import body_too_large, read_head
from kanhe.serve.api.whole import Answering, Sender, sender_of

# Named tuples are made through their own `__new__`, which costs three times as much.
_new = tuple.__new__


class SingleEvent:
    """`POST` of one event.

    (1) Who is calling, and may they? (2) Read the body within its limits. (3) Put the event into
    the queue, (4) wait until it is judged and durable with its neighbours. (5) Answer.

    Called as an ASGI application it does all of them. `Connection` takes a shorter way when the
    whole request has arrived at once (`WholeRoute`): there is nothing to read then, so (1), (3) and
    (5) need no task, and (4) calls back.
    """

    def __init__(self, intake: Intake, decide: bool) -> None:
        self._intake = intake
        self._gate = intake.gate
        self._group = intake.group
        self._most_bytes = intake.most_bytes
        self._decide = decide
        self._needs = scope_for(decide)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request. Raises `Refusal`, `StorageError` or `Disconnected` before any answer."""
        started = perf_counter()
        intake = self._intake
        head = read_head(scope["headers"])
        caller = self._gate.admit(head.authorization, self._needs)  # (1)
        self._gate.spend(caller)
        body = await intake.reading.whole(receive, head.length, self._most_bytes)  # (2)
        asked = Asked(caller.tenant, body, caller.scopes, self._decide)
        waiting = await intake.group.take_one(asked)  # (3) (4)
        await send_json(send, waiting.answer, repeated=waiting.repeated)  # (5)
        intake.counters.took(perf_counter() - started)

    def admit(self, headers: Headers) -> Sender:
        """Step (1) for a request that has arrived whole. Raises as the call does."""
        return sender_of(headers, self._gate, self._needs)

    def take(self, sender: Sender, body: bytes, answering: Answering) -> bool:
        """Steps (1) and (3) for each of these requests; see `WholeRoute`. Never false."""
        gate = self._gate
        sender.caller = caller = gate.readmit(sender.caller, sender.authorization, self._needs)
        if caller.bucket is not None:
            gate.spend(caller)
        if len(body) > self._most_bytes:
            raise body_too_large(self._most_bytes)
        asked = _new(Asked, (caller.tenant, body, caller.scopes, self._decide))
        self._group.ask_one(asked, answering.told)
        return True
